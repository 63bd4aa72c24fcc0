/* cred/keyring.h - the secrets of a token in a keyring, which two commands of the user's reach.
 *
 * oauth_save_command gets the token on its standard input, as sendoff-token(5) has it, and
 * oauth_load_command prints that again; they are run as password_command is (command.h).  An
 * empty input means that the token is to be forgotten.  The file of the token says by digests
 * what the keyring should have.  It is written behind the keyring: what lies there and is not
 * what the file names is newer, and counts.
 *
 * All but keyring_start() block, for SECRET_COMMAND_SECONDS at most for each command.  Every
 * error is an ERR_SECRET with the cause "keyring-unusable", and the message waits; or
 * ERR_SIGNAL.
 */
#ifndef CRED_KEYRING_H
#define CRED_KEYRING_H

#include "cred/command.h"
#include "cred/token.h"

/* Has the token printed, in the caller's loop; what was printed goes to keyring_take(). */
struct command_run *keyring_start(struct loop *l, const struct oauth_plan *p, command_done *done,
	void *context);
/* Completes a token that was loaded from its file.  s is wiped; NULL: *e is what the command
 * failed with. */
int  keyring_take(struct secret *s, struct token *t, struct err *e);

/* Both at once; 0 as well where no keyring has it. */
int  keyring_load(const struct oauth_plan *p, struct token *t, struct err *e);

/* By who holds the lock.  Then the file is to be saved. */
int  keyring_save(const struct oauth_plan *p, struct token *t, struct err *e);
/* Whether the keyring gives what it was given. */
int  keyring_verify(const struct oauth_plan *p, const struct token *t, struct err *e);
int  keyring_forget(const struct oauth_plan *p, struct err *e);

#endif
