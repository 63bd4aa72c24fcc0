/* net/loop.h - the one place that waits.
 *
 * A watch is a descriptor and what to wait for on it, a deadline, or both.  The
 * owner keeps the struct; the loop only borrows it between loop_add() and
 * loop_remove().  A watch's function may add, change or remove any watch,
 * itself included.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOOP_NEVER = 0 };   /* a deadline that does not come */

struct watch;
/* revents: poll(2)'s answer; 0 when the deadline passed (the deadline is then
 * LOOP_NEVER until set anew). */
typedef void watch_function(struct watch *w, short revents);

struct watch {
	int      fd;          /* -1: only the deadline counts */
	short    events;      /* POLLIN, POLLOUT; 0: the descriptor is not asked now */
	uint64_t deadline;    /* clock_ms() time, or LOOP_NEVER */
	watch_function *run;
	void    *owner;
	bool     added;       /* the loop's */
};

struct loop {
	struct watch **watches;   /* own the array, not the watches */
	size_t count, cap;
	bool   stop;              /* set by loop_stop() */
};

void loop_init(struct loop *l);
void loop_release(struct loop *l);
void loop_add(struct loop *l, struct watch *w);      /* no harm when it is in already */
void loop_remove(struct loop *l, struct watch *w);   /* no harm when it is not */
void loop_run(struct loop *l);    /* until loop_stop(), or nothing is left to wait for */
void loop_stop(struct loop *l);

#endif
