/* runner/agenda.h - what is to be done next, for each account.
 *
 * Pure.  A survey of the queue says when each account has something to do; a
 * child does it, one at a time for each.  One that ends without having got
 * anywhere is not started again for the same reason at once: the pause doubles
 * from a second to a minute, and from five minutes to four hours where it could not
 * write down how far it got: then nothing else keeps a server from being hammered.
 */
#ifndef RUNNER_AGENDA_H
#define RUNNER_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { AGENDA_AT_ONCE = 20 };   /* children at a time */

enum errand_end { ERRAND_PROGRESS, ERRAND_NOTHING, ERRAND_UNWRITTEN };

struct errand {
	char *config;          /* own; the file that the messages name; NULL */
	char *account;         /* own */
	int64_t when;          /* seconds since 1970, as surveyed; 0: now */
	bool due;              /* as surveyed: something is to be done now */
	bool flush;            /* an operator wants all of it tried */
	bool named;            /* by the survey that is being entered */
	pid_t child;           /* 0: none */
	uint64_t not_before;   /* clock_ms(): the pause; 0: none */
	unsigned failures;     /* in a row */
};

struct agenda {
	struct errand **items;   /* own; in the order in which they came up */
	size_t count;
	size_t children;
};

void agenda_release(struct agenda *a);

/* A survey made at `now` (seconds since 1970): what it says, then the end.  An
 * account that it does not name has nothing to do. */
void agenda_begin(struct agenda *a);
void agenda_note(struct agenda *a, const char *config, const char *account, int64_t when,
	int64_t now);
void agenda_end(struct agenda *a);

void agenda_flush(struct agenda *a);   /* all that is known */
void agenda_hurry(struct agenda *a);   /* pauses are over: something has changed */

/* The next one to start a child for, or NULL.  ms: clock_ms(). */
struct errand *agenda_next(struct agenda *a, uint64_t ms);
void agenda_started(struct agenda *a, struct errand *r, pid_t child);
/* The child of r has ended, or could not be started at all. */
void agenda_ended(struct agenda *a, struct errand *r, enum errand_end end, uint64_t ms);

/* When agenda_next() will have something that it has not now: clock_ms(), or 0. */
uint64_t agenda_pause(const struct agenda *a, uint64_t ms);
/* When the next survey is wanted by what the last one said: seconds since 1970, or
 * 0: never. */
int64_t agenda_moment(const struct agenda *a);

#endif
