/* cred/command.h - a command that prints a secret, or takes one, run in the caller's poll loop.
 *
 * It has SECRET_COMMAND_SECONDS, is killed with its process group, and never holds us up by
 * what it leaves behind.  What it prints lies in one place of fixed size until it is handed
 * over; what it says on standard error is nobody's here (base/child.h).
 */
#ifndef CRED_COMMAND_H
#define CRED_COMMAND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "net/loop.h"

enum { SECRET_COMMAND_SECONDS = 30 };

struct command_call {
	const char *key;             /* of the configuration, for errors; a literal */
	const char *line;            /* what the shell is given; borrowed for the call */
	const char *const *hidden;   /* variables that it does not get (base/child.h) */
	const struct buf *input;     /* its standard input, borrowed until it is over; NULL: none */
	size_t most;                 /* octets that it may print, beside a line end */
};

/* Called once.  s is all that it printed, with its line end, the caller's to wipe; NULL: ERR_SECRET, with the row of the table of causes: it failed (with its
 * exit status), may not be executed here (with the program and who forbids it), was stopped,
 * did not end in time, printed too much; ERR_SYSTEM: it could not be started. */
typedef void command_done(void *context, struct secret *s, struct err *e);

/* NULL: done was called already. */
struct command_run;
struct command_run *command_start(struct loop *l, const struct command_call *c, command_done *done,
	void *context);
void command_free(struct command_run **rp);   /* cancels; kills it with its children */

/* The program that a command begins with, as the shell would find it: own; NULL: there is none
 * that can be told without a shell. */
char *command_program(const char *command);

#endif
