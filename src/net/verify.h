/* net/verify.h - is this the server that was asked for?  Internal to TLS.
 *
 * Sockets and sessions are not known here: a chain of certificates comes in, a
 * verdict in words goes out.
 */
#ifndef NET_VERIFY_H
#define NET_VERIFY_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <time.h>

#include "base/buf.h"
#include "net/chain.h"
#include "net/tls.h"

enum { VERIFY_DEPTH = CHAIN_MOST };   /* certificates of a chain that are looked at */

struct verify {
	const char *host;                  /* borrowed; ASCII name without a trailing dot, or an
	                                    * address: what the certificate must be for */
	const struct tls_settings *set;    /* borrowed */
	const struct tls_trust *trust;     /* borrowed */
	const struct crls *crls;           /* borrowed; net/crl_lists.h; NULL: none */
	gnutls_x509_crt_t chain[VERIFY_DEPTH];   /* own; the server's own certificate first */
	gnutls_datum_t staples[VERIFY_DEPTH];    /* borrowed; OCSP responses for them; size 0: none */
	unsigned count;
	gnutls_datum_t raw_key;            /* borrowed; a raw public key (RFC 7250), and then there is
	                                    * no chain; size 0: a chain */
};

/* der: as the server sent them.  -1: ERR_CERT, one of them cannot be read. */
int  verify_init(struct verify *v, const gnutls_datum_t *der, unsigned count, struct err *e);
void verify_release(struct verify *v);

/* The same of a server that shows a raw public key instead. */
int  verify_init_raw(struct verify *v, const gnutls_datum_t *der, unsigned count, struct err *e);

/* A matching pin, or else chain, time, purpose, strength and name, and that nothing of it
 * was revoked; of a raw public key a pin and nothing else.  -1: ERR_CERT with every reason in
 * words. */
int verify_server(const struct verify *v, struct err *e);

/* What of it is pinned: see pin_match(). */
int verify_pin(const struct verify *v, struct err *e);

/* GnuTLS's verdict on all but the name, as gnutls_certificate_status_t; with the
 * roots that the chain names only, or with all. */
unsigned verify_chain(const struct verify *v, const struct tls_trust *trust, bool all_roots);

/* The names that a root of this chain can bear, each to be freed.  Returns how many. */
unsigned verify_names(const struct verify *v, gnutls_datum_t names[2 * VERIFY_DEPTH]);

/* By name, key identifier and signature; not whether it was in time or had the right to. */
bool verify_issued_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer);

/* The certificate that issued the i-th, as an index: the first, as GnuTLS takes it; i itself
 * where it is not among those that were sent. */
unsigned verify_issuer(const struct verify *v, unsigned i);

/* The certificates on the way from the server's own towards the root, as indexes.  Returns
 * how many. */
unsigned verify_path(const struct verify *v, unsigned path[VERIFY_DEPTH]);

/* Likewise, those on any way: one key may have several certificates (cross-signed), and who
 * has stolen it can have one more.  The server's own first. */
unsigned verify_ways(const struct verify *v, unsigned ways[VERIFY_DEPTH]);

/* For each certificate that was sent the trusted root that signed it, or NULL; all to be
 * given back. */
void verify_roots(const struct verify *v, gnutls_x509_crt_t roots[VERIFY_DEPTH]);
void verify_roots_free(gnutls_x509_crt_t roots[VERIFY_DEPTH]);

/* The one of them that is first on a way from the server's certificate; to be freed.
 * NULL: there is none. */
gnutls_x509_crt_t verify_root(const struct verify *v);

/* RFC 9525 section 6: by subjectAltName only, an address by iPAddress only. */
bool verify_name(const struct verify *v);

/* Puts every reason of a refusal into *e; status 0 and named: there is none. */
void verify_explain(const struct verify *v, unsigned status, bool named, struct err *e);

/* Fills certs, count and root, or raw_key. */
void verify_describe(const struct verify *v, struct tls_chain *out);

/* "2026-12-31", in UTC. */
void verify_date(time_t when, struct buf *out);

/* One subjectAltName as text, of at most so many octets.  False: of a kind that names no host. */
bool verify_san_text(unsigned type, const char *data, size_t size, size_t most, struct buf *out);

#endif
