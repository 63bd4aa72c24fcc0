/* sasl/sasl.h - proving who we are: every mechanism behind one interface.
 *
 * Pure: no socket, file, clock or randomness of its own (the nonce is given).
 * Hashes and MACs are GnuTLS's, which the caller has loaded (base/gnutls.h).
 * Challenges come in decoded, responses go out before base64; the profile's line
 * syntax (RFC 4954) is smtp/'s.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/key.h"

enum sasl_mechanism {   /* in order of preference, best first (EXTERNAL needs a certificate) */
	SASL_EXTERNAL,
	SASL_GSSAPI,
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_1_PLUS,
	SASL_SCRAM_SHA_1,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_CRAM_MD5,
	SASL_OAUTHBEARER,
	SASL_XOAUTH2,
	SASL_ANONYMOUS,
	SASL_MECHANISMS         /* how many; also "none" */
};

const char *sasl_name(enum sasl_mechanism m);                      /* "SCRAM-SHA-256" */
enum sasl_mechanism sasl_find(const char *name, size_t len);   /* case-free; or SASL_MECHANISMS */

enum {
	SASL_CLIENT_FIRST = 1,   /* may carry an initial response */
	SASL_ONE_TRIP     = 2,   /* done with it: may lead a pipelined group (RFC 4954 section 4) */
	SASL_CLEAR        = 4,   /* shows the secret to whoever reads the connection */
	SASL_TOKEN        = 8,   /* the secret is an OAuth access token */
	SASL_BINDS        = 16,  /* bound to the TLS channel */
	SASL_OUTSIDE      = 32,  /* its responses are made elsewhere (a Kerberos ticket), see below */
	SASL_ACTS_AS      = 64,  /* can carry an authorization identity */
	SASL_NO_SECRET    = 128  /* takes neither password nor token */
};
unsigned sasl_traits(enum sasl_mechanism m);

/* What the user configured. */
struct sasl_settings {
	char *user;                  /* own; NULL: none */
	char *authzid;               /* own; whom to act as; NULL: whoever logs in */
	struct key_list mechanisms;  /* own; `auth`: empty or "auto": choose; "none": never log in;
	                              * "!NAME": but not that one; else only these, best first as
	                              * written */
	bool  allow_clear_password;  /* the loudly named key */
};
extern const struct key sasl_keys[];   /* user, authzid, auth, allow_clear_password */

/* Checks the names in `auth`, and whether any of them can carry `authzid`; -1: ERR_CONFIG
 * naming the bad one and the nearest. */
int  sasl_settings_check(const struct sasl_settings *set, struct err *e);

/* Whether `auth` leaves the choice to us, but for what it forbids. */
bool sasl_is_automatic(const struct sasl_settings *set);
bool sasl_never(const struct sasl_settings *set);      /* auth = none */
/* Whether `auth` names it as one to use; and whether it leaves it, by name or by not
 * forbidding it. */
bool sasl_names(const struct sasl_settings *set, enum sasl_mechanism m);
bool sasl_allows(const struct sasl_settings *set, enum sasl_mechanism m);

/* Bytes that tie a login to its TLS connection (RFC 5929, RFC 9266). */
struct sasl_binding {
	const char *type;            /* "tls-exporter" or "tls-unique"; NULL: none to be had */
	unsigned char data[64];
	size_t len;
};

struct sasl_surroundings {
	bool encrypted;              /* TLS is up and the server verified (or a pin held) */
	bool has_certificate;        /* a client certificate was configured */
	bool has_secret;             /* there is a source for a password or token */
	bool has_token;              /* ... and it is known to be an access token */
	struct sasl_binding binding;
};

/* Chooses from what the server offered (names separated by blanks, the EHLO
 * AUTH line).  Order (automatic): EXTERNAL with a certificate, SCRAM-SHA-256-PLUS,
 * SCRAM-SHA-256, SCRAM-SHA-1-PLUS, SCRAM-SHA-1, PLAIN, LOGIN; without TLS only
 * mechanisms that do not show the secret unless allow_clear_password; never
 * CRAM-MD5, GSSAPI, ANONYMOUS or the OAuth mechanisms unless `auth` names them.  -PLUS only with a
 * binding.  An access token goes by OAUTHBEARER, then XOAUTH2, and by nothing else.
 * With authzid only mechanisms that carry it; nothing that `auth` forbids.
 * -1: ERR_LOGIN: none in common, naming both sides and why one that
 * was offered could not be used. */
int  sasl_choose(const char *offered, const struct sasl_settings *set,
	const struct sasl_surroundings *around, enum sasl_mechanism *chosen, struct err *e);

/* SASLprep (RFC 4013) of a text that is not all printable ASCII, for code that may load what it takes.
 * -1: ERR_LOGIN (what the text is, it must not be; the text is not shown), ERR_SYSTEM. */
typedef int sasl_prepare(const char *text, size_t len, struct secret *out, struct err *e);

struct sasl_login {
	enum sasl_mechanism mechanism;
	const char *user;                    /* UTF-8; "" for EXTERNAL, GSSAPI and ANONYMOUS (whose
	                                      * trace it is) without one */
	const char *authzid;                 /* UTF-8; NULL: none */
	const struct secret *secret;         /* borrowed until sasl_free(); may be NULL with
	                                      * SASL_NO_SECRET */
	sasl_prepare *prepare;               /* SCRAM; NULL: what needs it is refused */
	const char *host;                    /* OAUTHBEARER */
	unsigned port;
	const struct sasl_binding *binding;  /* for -PLUS, and for SCRAM's "y" flag */
	bool plus_offered;                   /* the server offered a -PLUS form of this SCRAM */
	const char *nonce;                   /* SCRAM: at least 18 random octets in base64 */
};

struct sasl;

/* -1 (as NULL): ERR_LOGIN (user or secret holds NUL; a token with an octet
 * outside 0x21 to 0x7e; an authzid that the mechanism cannot carry; what SASLprep refuses)
 * or ERR_SECRET (empty). */
struct sasl *sasl_new(const struct sasl_login *login, struct err *e);
void sasl_free(struct sasl **sp);   /* wipes */

/* Appends the initial response of a client-first mechanism to out. */
int sasl_start(struct sasl *s, struct buf *out, struct err *e);

/* Answers one challenge.  -1: ERR_LOGIN (the server cannot prove that it knows
 * the password, iteration count outside 4096 to 1,000,000, nonce not ours, a
 * challenge too many); the exchange is then to be cancelled with "*".  After an
 * OAuth error challenge the answer is the dummy that RFC 7628 asks for, and
 * sasl_server_error() has the decoded JSON. */
int sasl_step(struct sasl *s, const char *challenge, size_t len, struct buf *out, struct err *e);

/* A mechanism whose responses are made outside: told here instead of asking sasl_start() and
 * sasl_step().  Called before each of them is made, with the number of octets of the challenge:
 * -1: ERR_LOGIN, the server asks for too much or for too many.  `last`: with this response the
 * server has proved who it is and the mechanism has no more to say. */
int  sasl_outside(const struct sasl *s, size_t challenge, struct err *e);
void sasl_responded(struct sasl *s, bool last);

/* Whether the server has asked for all that the mechanism has to say: else its yes says
 * nothing of the password. */
bool sasl_said_all(const struct sasl *s);

/* Called at 235.  -1: ERR_LOGIN: success without the server's proof (SCRAM
 * without a verified signature, Kerberos before its last message). */
int sasl_finish(struct sasl *s, struct err *e);

/* What an OAuth server said in its 334, cleaned, or NULL. */
const char *sasl_server_error(const struct sasl *s);

#endif
