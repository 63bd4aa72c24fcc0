/* cred/source.h - where a password or token comes from.
 *
 * Exactly one source, or none.  A command is run when the secret is asked for,
 * in the caller's poll loop, with a deadline of 30 s, and never through
 * anything that substitutes (cred/command.h).  What is fetched is kept in a struct secret
 * and wiped by whoever asked.
 */
#ifndef CRED_SOURCE_H
#define CRED_SOURCE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/key.h"
#include "base/secret.h"
#include "cred/command.h"
#include "net/loop.h"

struct secret_settings {
	struct secret password;   /* own */
	char *command;            /* own; password_command */
	char *file;               /* own; password_file */
	char *env;                /* own; password_env: name of a variable */
	char *credential;         /* own; name of what systemd.exec(5) hands to a unit */
	char *netrc;              /* own; file with entries by machine (cred/netrc.h) */

	/* No key sets these, so no file can: where there is nothing else, a person is asked
	 * before the login, by whoever has the terminal. */
	bool asked;
	struct secret given;      /* own; the answer, which counts before all sources */
};
extern const struct key secret_keys[];   /* password, password_command, password_file, password_env,
                                          * credential, netrc */

bool secret_configured(const struct secret_settings *set);   /* `asked` counts as well */

/* The keys of the sources that are set, as "password_command"; returns how many, 0: none. */
enum { SECRET_SOURCES = 6 };
unsigned secret_sources(const struct secret_settings *set, const char *keys[SECRET_SOURCES]);

/* In words, as "from the file /x": written to out. */
enum { SECRET_FROM_MAX = 320 };
void secret_describe(const struct secret_settings *set, char out[SECRET_FROM_MAX]);

/* The file that holds the secret, wherever that is now.  Own; NULL: there is none. */
char *secret_path(const struct secret_settings *set);

/* What is set makes sense, but for how many sources there are.  -1: ERR_CONFIG. */
int  secret_settings_check(const struct secret_settings *set, struct err *e);

/* Whom a login is for: a netrc has several. */
struct secret_login {
	const char *host;
	long port;
	const char *user;         /* NULL: whom the source names */
	char *found;              /* own, the caller's; set before done is called, where it was the
	                           * source that named the user; else NULL */
};

struct secret_fetch;
/* Called once; s is NULL on failure: ERR_SECRET (command failed with its exit
 * status, timed out, gave nothing or more than SECRET_MAX octets; file not
 * readable or readable by others, without such an entry; variable or credential not
 * there).  s is the caller's to wipe. */
typedef void secret_done(void *context, struct secret *s, struct err *e);

/* May call done before it returns (and then returns NULL).  login is borrowed, for the time of
 * the call. */
struct secret_fetch *secret_fetch_start(struct loop *l, const struct secret_settings *set,
	struct secret_login *login, secret_done *done, void *context);
void secret_fetch_free(struct secret_fetch **fp);   /* cancels; kills the command with its children */

/* For who only looks: whether what is set can be had, here and now; a command is not run.
 * login->found is set as above.  -1: as secret_done says it. */
int  secret_look(const struct secret_settings *set, struct secret_login *login, struct err *e);

/* Variables that hold secrets and must not reach any child: SENDOFF_PASSWORD
 * and every name given with secret_hide(). NULL-terminated. */
const char *const *secret_hidden_variables(void);
void secret_hide(const char *name);

#endif
