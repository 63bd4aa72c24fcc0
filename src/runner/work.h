/* runner/work.h - work that may block or fail, done in a child beside the loop.
 *
 * The child is a copy of us without our descriptors: it writes what it has found
 * and ends.
 */
#ifndef RUNNER_WORK_H
#define RUNNER_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

struct work;

struct work_order {
	/* In the child; what it returns is its exit status, 0 for a success. */
	int (*run)(int out, void *context);
	/* In the loop, once: what it wrote; with good false it failed, wrote more than
	 * `most` octets, or nothing for `ms`.  The work is gone by then. */
	void (*done)(void *context, const struct buf *found, bool good);
	void *context;
	uint64_t ms;
	size_t most;
};

/* NULL with *e: ERR_SYSTEM. */
struct work *work_start(struct loop *l, const struct work_order *order, struct err *e);
void work_free(struct work **wp);   /* it is killed, and done() not called */

/* For run(): writes all of it; 0, or -1. */
int work_tell(int out, const struct buf *text);

#endif
