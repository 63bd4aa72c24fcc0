/* cmd/sendmail.h - the inside of sendmail, shared by its files.
 *
 * sendmail.c   the letters, and a message sent
 * modes.c      what else it does: the queue, the runner, the aliases
 * dialogue.c   -bs: SMTP on standard input and output; -bS: without answers
 */
#ifndef CMD_SENDMAIL_H
#define CMD_SENDMAIL_H

#include "cmd/cmd.h"
#include "deliver/submit.h"

/* What is to be done.  All zero: send a message. */
struct modes {
	char letter;           /* of -b; 0, 'm': send a message */
	const char *value;     /* of -b, as it was written; NULL: the name of the program says it */
	bool run;              /* -q: send what is due */
	const char *only;      /* -qI: only this message; NULL */
	long interval;         /* -qTIME: ms; 0 */
};

/* -bX and -qX; value is what stands behind the letter.  -1: ERR_USAGE. */
int modes_take_b(struct modes *m, const char *value, struct err *e);
int modes_take_q(struct modes *m, const char *value, struct err *e);

/* Whether it is something else than sending a message. */
bool modes_other(const struct modes *m);
int  modes_run(const struct modes *m, struct globals *globals, char *const *words, size_t count);

/* ---- dialogue.c: given is what the command line says of every message.  The exit
 * code: 0, unless it was stopped or nobody hears the answers. */

int dialogue_run(const struct globals *globals, const struct submit_options *given);
/* The answers go to nobody; those that refuse are said on standard error, and the exit code is
 * that of the worst, so that none is lost unnoticed. */
int dialogue_batch(const struct globals *globals, const struct submit_options *given);

/* ---- aliases.c: -bi and -bv */

int aliases_check(const struct globals *globals);
int aliases_verify(const struct globals *globals, char *const *words, size_t count);

#endif
