/* provider/oauth.h - where providers sign users in by OAuth 2.0: data.
 *
 * Pure.  Client ids and secrets are never here: they are the user's own, and `steps`
 * tells where to get them.
 */
#ifndef PROVIDER_OAUTH_H
#define PROVIDER_OAUTH_H

#include <stdbool.h>

/* What a token request proves itself with. */
enum oauth_secret {
	OAUTH_SECRET_NONE,         /* a public client: sending one is an error */
	OAUTH_SECRET_WANTED,       /* issued with the client id, and wanted */
	OAUTH_SECRET_MAYBE         /* where the user has one */
};

enum {
	OAUTH_BY_CODE   = 1,       /* authorization code with PKCE (RFC 6749, 7636, 8252) */
	OAUTH_BY_DEVICE = 2,       /* RFC 8628 */
	OAUTH_BY_CLIENT = 4,       /* client credentials (RFC 6749 section 4.4) */
	OAUTH_BY_KEY    = 8        /* service account: a signed assertion (RFC 7523) */
};

struct oauth_provider {
	const char *id;            /* "google"; NULL ends the table */
	const char *name;          /* "Google", for people */
	const char *presets;       /* ids of provider/preset that sign in there, blanks between */
	const char *auth_url, *token_url, *device_url;   /* NULL: not had; {tenant} is replaced */
	const char *revoke_url;    /* RFC 7009; NULL */
	const char *apps;          /* page where a user ends what was granted; NULL: not known */
	const char *scope;         /* for SMTP, with what makes a refresh token come */
	const char *client_scope;  /* for OAUTH_BY_CLIENT; NULL */
	const char *redirect;      /* "http://127.0.0.1:{port}/", or a page that shows the code, for
	                            * the user to paste */
	const char *more;          /* further parameters of the authorization request, as
	                            * "access_type=offline&prompt=consent"; NULL */
	const char *tenant;        /* where the user says none; NULL: has no tenants */
	enum oauth_secret secret;
	unsigned flows;            /* OAUTH_BY_CODE | ..., what works for mail */
	bool device_by_code;       /* the device flow polls with grant_type=device_code and `code` */
	const char *steps;         /* how to get a client id: one step a line */
	const char *client_steps, *key_steps;   /* what OAUTH_BY_CLIENT, OAUTH_BY_KEY take; NULL */
	const char *refresh_life;  /* what ends a refresh token, in words; NULL */
};

extern const struct oauth_provider oauth_providers[];
const struct oauth_provider *oauth_provider_find(const char *id);           /* case-free; NULL */
const struct oauth_provider *oauth_provider_of_preset(const char *preset);  /* its id; NULL */
const char *oauth_provider_nearest(const char *word);                       /* an id; NULL */

#endif
