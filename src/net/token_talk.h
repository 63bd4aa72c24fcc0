/* net/token_talk.h - what net/token and its child say to each other. */
#ifndef NET_TOKEN_TALK_H
#define NET_TOKEN_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pkcs11.h"

enum {
	TOKEN_DATA  = 256 * 1024,   /* octets to be signed: a whole handshake, with TLS 1.2 */
	TOKEN_WORDS = 768,          /* as in struct err */
	TOKEN_HINT  = 512
};

/* How it went, and so which cause it is. */
enum token_end { TOKEN_OK, TOKEN_MISSING, TOKEN_PIN, TOKEN_LOCKED, TOKEN_TROUBLE, TOKEN_CONFIG };

/* From the child: first when it is open, with the certificate; then with each signature.
 * So many octets follow it. */
struct token_answer {
	int32_t end;                /* enum token_end */
	int32_t algorithm, bits;    /* of the key; gnutls_pk_algorithm_t */
	int32_t pss;                /* it can sign by RSA-PSS */
	uint32_t size;
	char words[TOKEN_WORDS], hint[TOKEN_HINT];
};

/* To the child; so many octets follow it. */
struct token_question {
	int32_t algorithm;          /* gnutls_sign_algorithm_t */
	int32_t hashed;             /* the octets are a hash already */
	uint32_t flags, size;
};

struct token_job {
	int talk;                   /* the child's end of the sockets */
	struct pkcs11_uri key, cert;   /* object NULL: not on a token */
};

/* What the child does; returns its exit status. */
int token_work(int out, void *job);

#endif
