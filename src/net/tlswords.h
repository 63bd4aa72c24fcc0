/* net/tlswords.h - why a TLS session failed, in words.  Internal to TLS. */
#ifndef NET_TLSWORDS_H
#define NET_TLSWORDS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/tls.h"

/* What was seen of the server beside what the library tells. */
struct tls_seen {
	const char *host;      /* borrowed; fit for messages */
	bool with_cert;        /* a client certificate is configured */
	const struct tls_settings *set;   /* borrowed */
	gnutls_priority_t priority;       /* own of struct tls: what is tried */
	bool raw_key;          /* the server shows a raw public key, says the library */
	int  sys_errno;        /* of the last socket call that failed */
	char first[80];        /* how the server's side began */
	size_t first_len;
};

void tls_seen_add(struct tls_seen *seen, const char *data, size_t len);
void tls_seen_rest(struct tls_seen *seen, int fd);   /* what else lies there, if it is text */

void tls_handshake_words(const struct tls_seen *seen, gnutls_session_t session, int rc,
	struct err *e);
void tls_record_words(const struct tls_seen *seen, gnutls_session_t session, int rc,
	struct err *e);

#endif
