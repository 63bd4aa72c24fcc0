/* sasl/mechanism.h - what a mechanism is made of.
 *
 * Internal to sasl/: the interface is sasl/sasl.h.
 */
#ifndef SASL_MECHANISM_H
#define SASL_MECHANISM_H

#include "sasl/sasl.h"
#include "sasl/scram.h"

struct sasl {
	struct sasl_login login;      /* its pointers are into what follows, but for the secret */
	char *user, *host, *nonce, *authzid;   /* own */
	struct sasl_binding binding;
	struct secret prepared;       /* own; the secret after SASLprep; data NULL: as it is */
	unsigned answered;            /* challenges so far */
	bool last_said;               /* SASL_OUTSIDE: see sasl_responded() */
	struct scram *scram;          /* own; SCRAM only */
	char *server_error;           /* own; OAuth only */
};

int plain_start(const struct sasl *s, struct buf *out);
int external_start(const struct sasl *s, struct buf *out);
int anonymous_start(const struct sasl *s, struct buf *out);
int login_step(const struct sasl *s, struct buf *out, struct err *e);
int cram_step(const struct sasl *s, const char *challenge, size_t len, struct buf *out,
	struct err *e);

int oauth_start(const struct sasl *s, struct buf *out);
int oauth_step(struct sasl *s, const char *challenge, size_t len, struct buf *out, struct err *e);

/* ERR_LOGIN: the server asks for more than the mechanism has. */
int sasl_too_many(const struct sasl *s, struct err *e);

/* RFC 5801 section 4, also RFC 5802 section 5.1: ',' and '=' of a name become
 * =2C and =3D. */
void sasl_write_name(const char *name, struct buf *out);

#endif
