/* runner/wake.h - what calls the supervisor: signals, and a clock that jumps.
 */
#ifndef RUNNER_WAKE_H
#define RUNNER_WAKE_H

#include "base/err.h"
#include "net/loop.h"

enum wake {
	WAKE_STOP,       /* SIGTERM, SIGINT */
	WAKE_RELOAD,     /* SIGHUP */
	WAKE_CHILD,      /* SIGCHLD: one or more have ended */
	WAKE_CLOCK       /* the time of day was set, or the machine has slept */
};

struct wake_calls;

/* The signals are blocked from then on, and come by the loop.  NULL: ERR_SYSTEM. */
struct wake_calls *wake_new(struct loop *l, void (*woken)(void *context, enum wake what),
	void *context, struct err *e);
void wake_free(struct wake_calls **wp);   /* the signals are as before */

#endif
