/* provider/preset.h - what is known of mail providers and relays: data, and how it is
 * found by a name, an address or a server.
 *
 * Pure.  Every value is a default that the user's own word overrides: providers change
 * what they do, and no table hears of it first.
 */
#ifndef PROVIDER_PRESET_H
#define PROVIDER_PRESET_H

#include <stdbool.h>
#include <stddef.h>

enum preset_tls { PRESET_IMPLICIT = 1, PRESET_STARTTLS };   /* STARTTLS is required, never optional */

struct preset_way {
	unsigned port;             /* 0 ends the list */
	enum preset_tls tls;
};

/* Whom to log in as. */
enum preset_user {
	PRESET_USER_ADDRESS,       /* the whole address */
	PRESET_USER_LOCAL,         /* what stands before its @ */
	PRESET_USER_LITERAL,       /* the same word for everybody */
	PRESET_USER_OWN            /* a name that the provider has given: only the user knows it */
};

/* What it takes as password.  Where PRESET_PASSWORD is missing, the password of the
 * account itself is refused. */
enum {
	PRESET_PASSWORD     = 1,   /* the account's own */
	PRESET_APP_PASSWORD = 2,   /* one that is made for programs in the account's settings */
	PRESET_KEY          = 4,   /* a key or password of the relay's own making */
	PRESET_OAUTH        = 8    /* an OAuth access token */
};

enum { PRESET_WAYS = 8 };

struct preset {
	const char *id;            /* "google": letters, digits, hyphens; NULL ends the table */
	const char *name;          /* "Gmail", for people */
	const char *domains;       /* of its addresses, with blanks between; NULL: none of its own */
	const char *host;          /* NULL: it has no submission server at all.  A label REGION
	                            * stands for one that only the user knows */
	const char *hosts;         /* further ones, blanks between, a label may be *; NULL */
	struct preset_way ways[PRESET_WAYS + 1];   /* the best first */
	enum preset_user user;
	const char *literal;       /* PRESET_USER_LITERAL */
	unsigned takes;            /* PRESET_PASSWORD | ... */
	unsigned max_recipients;   /* of one message; 0: not known */
	unsigned max_connections;  /* at one time; 0: not known */
	const char *note;          /* what to know of the credentials and what to do, as
	                            * follows "Gmail "; without a full stop */
};

extern const struct preset presets[];

/* NULL: none.  Letters may be small or capital. */
const struct preset *preset_find(const char *id);
const struct preset *preset_of_domain(const char *domain);
const struct preset *preset_of_address(const char *address);   /* by what follows the last @ */
/* Of a server's name, which may stand in a region or end with a dot. */
const struct preset *preset_of_host(const char *host);

/* For "did you mean": whose id, name, domain or host is meant by the word, or nearly.
 * NULL: nothing is near. */
const struct preset *preset_nearest(const char *word);

bool preset_needs_region(const struct preset *p);   /* host is only how it looks like */
bool preset_only_oauth(const struct preset *p);     /* no password of any kind */
bool preset_only_made(const struct preset *p);      /* no password but one that is made for it */

/* The best way that is of this kind; port 0 and tls 0 are any.  NULL: none is known. */
const struct preset_way *preset_way(const struct preset *p, unsigned port, unsigned tls);

const char *preset_tls_name(enum preset_tls tls);   /* "implicit", "starttls": as the key says */

#endif
