/* t/server/scram_server.h - the verifying side of SCRAM, RFC 5802 and RFC 7677.
 */
#ifndef SERVER_SCRAM_SERVER_H
#define SERVER_SCRAM_SERVER_H

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "t/server/auth.h"

struct scram_server {
	gnutls_mac_algorithm_t mac;
	bool plus;                     /* the mechanism's name ends in -PLUS */
	const char *user, *password;   /* borrowed */
	struct scram_faults faults;
	const char *salt, *nonce;      /* borrowed; the server's part of the nonce */
	size_t salt_len;
	struct buf binding_type;       /* own; what the client named; empty: none */
	struct buf gs2, client_first_bare, server_first, joined_nonce, name;   /* own */
	struct buf authzid;            /* own; whom the client asks to act as */
	bool says_unsupported;         /* gs2 flag y: the client saw no -PLUS */
	const char *complaint;
};

void scram_server_release(struct scram_server *s);

/* client-first in; server-first out.  AUTH_CHALLENGE or AUTH_MALFORMED. */
enum auth_verdict scram_server_first(struct scram_server *s, const char *in, size_t len,
	struct buf *out);

/* client-final in; server-final out.  binding: the octets for the type that the
 * client named, NULL: not to be had.  AUTH_CHALLENGE, AUTH_REFUSED, _MALFORMED. */
enum auth_verdict scram_server_final(struct scram_server *s, const char *in, size_t len,
	const struct buf *binding, struct buf *out);

#endif
