/* cred/oauth_talk.h - what is said to a provider, and what its answers mean.
 *
 * Pure: octets in, octets out; random numbers and the time are handed in.  (RFC 6749, 7636,
 * 8252, 8628, 7523, 9207, 8414.)  Every answer is hostile: bounded, checked, and cleaned
 * before any of it gets into an error.  No error ever holds a token, code or secret.
 */
#ifndef CRED_OAUTH_TALK_H
#define CRED_OAUTH_TALK_H

#include <stdint.h>

#include "cred/oauth.h"

enum {
	OAUTH_RANDOM = 32,           /* octets behind a verifier, a state */
	OAUTH_REDIRECT_MAX = 32768   /* of a redirected URL */
};

/* What a token endpoint gave. */
struct oauth_grant {
	struct secret access;        /* own; octets 0x21 to 0x7e only */
	struct secret refresh;       /* own; data NULL: none came, the old one stays */
	int64_t expires_in;          /* seconds; 3600 where it was not said */
	char scope[1024];            /* cleaned; "" */
};
void oauth_grant_wipe(struct oauth_grant *g);

/* ---- requests: a form's body, appended to out, which is the caller's to wipe.  -1: *e; out is
 * too small (ERR_INTERNAL), or what the key needs (oauth_ask_client). */

int  oauth_ask_refresh(const struct oauth_plan *p, const struct secret *refresh, struct buf *out,
	struct err *e);
int  oauth_ask_code(const struct oauth_plan *p, const char *code, const char *verifier,
	const char *redirect, struct buf *out, struct err *e);
int  oauth_ask_device(const struct oauth_plan *p, struct buf *out);   /* -1: out is too small */
int  oauth_ask_poll(const struct oauth_plan *p, const char *device_code, struct buf *out,
	struct err *e);
/* RFC 7009, to plan.revoke_url. */
int  oauth_ask_revoke(const struct oauth_plan *p, const struct secret *token, struct buf *out,
	struct err *e);
/* The value of the Authorization header, where the provider wants the secret there; for all of
 * the requests here.  False: none, and nothing is appended. */
bool oauth_authorization(const struct oauth_plan *p, struct buf *out);
/* Client credentials, by secret or certificate; a service account's assertion.  ERR_CONFIG: the
 * key will not do. */
int  oauth_ask_client(const struct oauth_plan *p, int64_t now,
	const unsigned char random[OAUTH_RANDOM], struct buf *out, struct err *e);

/* ---- the user's browser */

void oauth_verifier(const unsigned char random[OAUTH_RANDOM], char out[64]);   /* RFC 7636 */
/* The URL to open. */
void oauth_url(const struct oauth_plan *p, const char *redirect, const char *state,
	const char *verifier, struct buf *out);
/* A redirected URL, or its path and query: the code, appended.  -1: ERR_LOGIN (access_denied
 * and others, in words), ERR_CONFIG, ERR_PROTOCOL (another state, another issuer, no code). */
int  oauth_read_redirect(const struct oauth_plan *p, const char *url, const char *state,
	struct buf *code, struct err *e);
/* Whether it belongs to the sign-in of that state at all, whatever else it says. */
bool oauth_redirect_is_ours(const char *url, const char *state);

/* ---- answers */

enum oauth_outcome {
	OAUTH_GRANTED,
	OAUTH_PENDING,       /* device flow: ask again after the interval */
	OAUTH_SLOW_DOWN,     /* ... and 5 s more from now on */
	OAUTH_LATER,         /* 429, 5xx, temporarily_unavailable: *e, and Retry-After counts */
	OAUTH_OVER,          /* invalid_grant, expired_token, access_denied: sign in again; *e */
	OAUTH_WRONG          /* the configuration is: *e */
};
/* out: what was granted; of OAUTH_WRONG a new refresh token alone, or nothing; else nothing. */
enum oauth_outcome oauth_read_token(const struct oauth_plan *p, int status, const char *body,
	size_t len, struct oauth_grant *out, struct err *e);

struct oauth_device {
	struct buf device_code;      /* own; wiped */
	char user_code[64], url[512], url_complete[1024];   /* cleaned; url_complete may be "" */
	int64_t expires_in, interval;
};
void oauth_device_release(struct oauth_device *d);
int  oauth_read_device(const struct oauth_plan *p, int status, const char *body, size_t len,
	struct oauth_device *out, struct err *e);

/* Issuer discovery (OpenID Connect, RFC 8414): where to ask, first and second choice (which is
 * 0, 1; nothing beyond); and the answer, which completes p.  -1: ERR_PROTOCOL, ERR_CONFIG, and p
 * is as it was. */
void oauth_discovery_url(const struct oauth_plan *p, unsigned which, struct buf *out);
int  oauth_read_discovery(struct oauth_plan *p, const char *body, size_t len, struct err *e);

/* Who the token says it is for (a JWT's preferred_username, upn, email, aud), cleaned, unproved:
 * for people only.  False: not readable. */
bool oauth_token_facts(const struct secret *access, char *user, size_t user_size, char *audience,
	size_t audience_size);

#endif
