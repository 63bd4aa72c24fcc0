/* net/priority.h - which versions and ciphers of TLS are tried.  Internal to TLS. */
#ifndef NET_PRIORITY_H
#define NET_PRIORITY_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/tls.h"

/* Without GnuTLS: that tls_priority asks for nothing that does not encrypt, does not prove
 * who answers, or is older than tls_min_version.  -1: ERR_CONFIG. */
int priority_check(const struct tls_settings *set, struct err *e);

/* The library must be loaded; *out is to be given back with gnutls_priority_deinit().
 * -1: ERR_CONFIG pointing at what the library does not understand, ERR_TLS. */
int priority_make(const struct tls_settings *set, gnutls_priority_t *out, struct err *e);

/* Which of a server's proofs tls_priority takes, as bits: certificates, and raw public keys
 * (RFC 7250) where a word names those.  Without GnuTLS. */
enum { PRIORITY_X509 = 1, PRIORITY_RAW_KEY = 2 };
int priority_proofs(const struct tls_settings *set);

/* Whether RSA key exchange (RFC 5246 section 7.4.7.1) is left out for the sake of the client
 * certificate: whoever has nothing but a copy of the server's own certificate is shown ours in
 * it.  Where tls_priority names it, it stays.  Without GnuTLS. */
bool priority_spares_rsa(const struct tls_settings *set);

/* "TLS 1.3 and TLS 1.2": what is tried, the newest first. */
void priority_versions(gnutls_priority_t priority, const char *between, struct buf *out);

/* "TLS 1.2"; NULL: of another kind. */
const char *priority_version_name(gnutls_protocol_t version);

#endif
