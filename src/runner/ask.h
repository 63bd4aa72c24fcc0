/* runner/ask.h - a question to the runner's control socket (runner/control.h).
 */
#ifndef RUNNER_ASK_H
#define RUNNER_ASK_H

#include <jansson.h>

#include "base/err.h"

/* Sends the question (borrowed; "v" is added) and calls answer for each object
 * that comes back (borrowed), the last one, with "end", included.  Waits: 5 s for
 * the connection, a minute for each piece of an answer.  0; -1: ERR_RUNNER, nobody
 * listens there or it broke off; or the error that the runner tells. */
int ask(const char *path, json_t *question, void (*answer)(void *context, json_t *object),
	void *context, struct err *e);

#endif
