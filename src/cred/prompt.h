/* cred/prompt.h - a password, or another line that is not to be seen, asked of whoever sits
 * at the terminal.
 */
#ifndef CRED_PROMPT_H
#define CRED_PROMPT_H

#include "base/err.h"
#include "base/secret.h"

enum { PROMPT_SECONDS = 300 };

/* Prints the question on the controlling terminal and reads one line from it, which is
 * not shown.  The terminal is as it was before, and on a new line, whenever this returns
 * and whenever the process is stopped (then it asks again) or ended by a signal meanwhile.
 * Such signals are seen to as if nobody had held them up: they end the process, or set
 * the flag of base/process.h, and then this returns.
 *
 * -1: ERR_SECRET: no terminal (cause "no-terminal"), in the background, an empty answer or
 * none within 5 minutes, one that is too long for a terminal's line; ERR_SIGNAL.  Nothing
 * is in out then.  To be called before there are other threads. */
int prompt_secret(const char *question, struct secret *out, struct err *e);

/* The same for something else. */
struct prompt_words {
	const char *what;     /* "password" */
	const char *instead;  /* what else can be done: "give password_command" */
	const char *longer;   /* ... where it is longer than a terminal's line, or than `pasted` */
	size_t pasted;        /* 0: a line, which the terminal edits.  Else one word of so many
	                       * octets at most, that is pasted (cred/pasted.h) */
};
int prompt_line(const char *question, const struct prompt_words *words, struct secret *out,
	struct err *e);

#endif
