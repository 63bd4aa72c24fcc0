/* t/server/fault.h - what a test server is to do wrong, and where.
 *
 * A script is a list of `POINT[:N|:N+|:N-M][@CONNECTION][=ADDRESS] ACTION`.
 */
#ifndef SERVER_FAULT_H
#define SERVER_FAULT_H

#include <stdbool.h>

#include "base/buf.h"

enum fault_action {
	FAULT_REPLY, FAULT_CLOSE, FAULT_RESET, FAULT_SILENCE, FAULT_STALL, FAULT_DRIP,
	FAULT_DELAY, FAULT_GARBAGE, FAULT_LINE, FAULT_LINES, FAULT_SPLIT, FAULT_NUL,
	FAULT_INJECT, FAULT_DOUBLE, FAULT_PLAIN, FAULT_DISCARD, FAULT_DROP_AFTER,
	/* Of the token server alone. */
	FAULT_STATUS, FAULT_ERROR, FAULT_BODY, FAULT_HUGE, FAULT_REDIRECT, FAULT_TYPE, FAULT_SET,
	FAULT_DROP, FAULT_CUT, FAULT_CHUNKED
};

struct fault {
	char point[16];
	unsigned long first, last;   /* acts from the first-th to the last-th meeting */
	unsigned connection;         /* 0: any */
	char *address;               /* own; NULL: any */
	enum fault_action action;
	bool keep;                   /* what was asked for is done all the same */
	struct buf text;             /* own; escapes are resolved */
	unsigned long number;        /* milliseconds, octets or lines */
	unsigned long met;           /* changed under the lock */
	struct fault *next;          /* own */
};

/* Appends one; -1: not understood. */
int fault_add(struct fault **list, const char *text);

/* Counts the meeting and returns the fault that acts now, or NULL.  address may
 * be NULL. */
const struct fault *fault_meet(struct fault *list, const char *point, unsigned connection,
	const char *address);

/* Whether a command is obeyed that would be obeyed without the fault (good). */
bool fault_allows(const struct fault *f, bool good);

#endif
