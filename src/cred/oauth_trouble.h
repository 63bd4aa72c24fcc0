/* cred/oauth_trouble.h - what a provider's refusal means.
 *
 * Pure.  One table (oauth_trouble_table.h) knows the errors of RFC 6749 and 8628, what
 * Microsoft's numbers say more exactly, and Google's words.
 */
#ifndef CRED_OAUTH_TROUBLE_H
#define CRED_OAUTH_TROUBLE_H

#include "cred/oauth_talk.h"

enum { OAUTH_CODES_MAX = 4 };

/* What it said; all of it raw, of any length, or NULL. */
struct oauth_trouble {
	const char *what;            /* ours: "asking for an access token" */
	const char *url;             /* whom it was asked of */
	int  status;                 /* of HTTP; 0: not by HTTP */
	const char *error, *words;   /* error, error_description */
	const char *kind;            /* error_subtype, suberror */
	long codes[OAUTH_CODES_MAX + 1];   /* error_codes; 0 ends them */
};

/* Sets *e unless it is OAUTH_PENDING or OAUTH_SLOW_DOWN. */
enum oauth_outcome oauth_trouble(const struct oauth_plan *p, const struct oauth_trouble *t,
	struct err *e);

/* The answer is none that a provider gives: ERR_PROTOCOL with that cause.  Always -1. */
int oauth_strange(const char *what, const char *url, const char *why, const char *cause,
	struct err *e);

/* "host" of "https://host:443/path?query", into to. */
void oauth_host(const char *url, char *to, size_t size);

#endif
