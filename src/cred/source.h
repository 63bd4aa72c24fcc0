/* cred/source.h - where a password or token comes from.
 *
 * Exactly one source, or none.  A command is run when the secret is asked for,
 * in the caller's poll loop, with a deadline of 30 s, and never through
 * anything that substitutes.  What is fetched is kept in a struct secret and
 * wiped by whoever asked.
 */
#ifndef CRED_SOURCE_H
#define CRED_SOURCE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/key.h"
#include "base/secret.h"
#include "net/loop.h"

enum { SECRET_COMMAND_SECONDS = 30 };

struct secret_settings {
	struct secret password;   /* own */
	char *command;            /* own; password_command */
	char *file;               /* own; password_file */
	char *env;                /* own; password_env: name of a variable */

	/* No key sets these, so no file can: where there is nothing else, a person is asked
	 * before the login, by whoever has the terminal. */
	bool asked;
	struct secret given;      /* own; the answer, which counts before all sources */
};
extern const struct key secret_keys[];   /* password, password_command, password_file, password_env */

bool secret_configured(const struct secret_settings *set);   /* `asked` counts as well */

/* The key of the source that is set, as "password_command"; NULL: none is. */
const char *secret_source(const struct secret_settings *set);

/* At most one source.  -1: ERR_CONFIG naming the two keys. */
int  secret_settings_check(const struct secret_settings *set, struct err *e);

struct secret_fetch;
/* Called once; s is NULL on failure: ERR_SECRET (command failed with its exit
 * status, timed out, gave nothing or more than SECRET_MAX octets; file not
 * readable or readable by others; variable not set).  s is the caller's to
 * wipe. */
typedef void secret_done(void *context, struct secret *s, struct err *e);

/* May call done before it returns (and then returns NULL). */
struct secret_fetch *secret_fetch_start(struct loop *l, const struct secret_settings *set,
	secret_done *done, void *context);
void secret_fetch_free(struct secret_fetch **fp);   /* cancels; kills the command with its children */

/* Variables that hold secrets and must not reach any child: SENDOFF_PASSWORD
 * and every name given with secret_hide(). NULL-terminated. */
const char *const *secret_hidden_variables(void);
void secret_hide(const char *name);

#endif
