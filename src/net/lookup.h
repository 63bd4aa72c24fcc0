/* net/lookup.h - a question that blocks, asked by a child.
 *
 * What the C library offers for names cannot be given a deadline and cannot be
 * interrupted, so it runs in a child that is killed when the caller has waited long
 * enough.  The answer is a struct without pointers, which comes through a pipe; here it
 * is wiped when it has been told.
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"

struct lookup;
/* Runs in the child: asks, and leaves the exit status to lookup_answer(). */
typedef int lookup_ask(int out, void *question);
int lookup_answer(int out, const void *answer, size_t size);

/* From the loop, once.  answer is of that size and gone after the call; NULL: the child
 * ended before it had told it, or, with `late`, it was killed at the deadline. */
typedef void lookup_done(void *context, const void *answer, bool late);

/* deadline: clock_ms() time, or LOOP_NEVER.  NULL: ERR_SYSTEM. */
struct lookup *lookup_start(struct loop *l, lookup_ask *ask, void *question, size_t size,
	uint64_t deadline, lookup_done *done, void *context, struct err *e);
/* The same for a question whose answer must not be lost once it was asked: the child keeps
 * `lock` open and is never killed, neither at the deadline nor by lookup_free(); it sees to
 * it that it ends. */
struct lookup *lookup_start_spared(struct loop *l, lookup_ask *ask, void *question, size_t size,
	uint64_t deadline, int lock, lookup_done *done, void *context, struct err *e);
void lookup_free(struct lookup **lp);   /* at any time; kills the child */

#endif
