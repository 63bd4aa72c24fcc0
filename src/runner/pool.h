/* runner/pool.h - a few threads for what would keep the loop waiting.
 *
 * A job runs in a thread and ends in the loop.  While it runs it is the thread's
 * alone; threads share nothing but what the job says it may touch.
 */
#ifndef RUNNER_POOL_H
#define RUNNER_POOL_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"

struct pool_job {
	void (*run)(struct pool_job *job);     /* in a thread */
	void (*done)(struct pool_job *job);    /* in the loop's thread, afterwards; may free the job */
	unsigned long owner;              /* who wants it; 0: of these any number may run */
	const char *key;                  /* borrowed; two of the same key never run at the same
	                                   * time but in their order; NULL: none */
	struct pool_job *next;                 /* the pool's */
	bool running;
};

struct pool;

/* Of one owner's jobs at most `each` run at a time; others that came later go first
 * then.  The threads block all signals.  -1: ERR_SYSTEM. */
int  pool_new(struct pool **pp, struct loop *l, unsigned threads, unsigned each, struct err *e);

void pool_add(struct pool *p, struct pool_job *job);
bool pool_is_idle(const struct pool *p);   /* every job that was added is done */

/* Waits for those that run and calls done() of these; the others are never run
 * and their done() is not called: whoever owns them frees them. */
void pool_free(struct pool **pp);

#endif
