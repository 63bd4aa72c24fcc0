/* net/loop.c - waiting for descriptors and deadlines; see loop.h.
 *
 * A watch that is removed leaves a NULL behind until the next round, so that
 * places in the array hold still while functions run: one that removes, frees
 * or adds others can neither make the loop touch what is gone nor hand a new
 * watch the answer that poll(2) gave for an old one.
 */
#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

/* What one round asked for; entries stand in the order of loop->watches. */
struct round {
	struct pollfd *fds;
	struct watch **watches;
	size_t count, cap;
};

void loop_init(struct loop *l)
{
	memset(l, 0, sizeof(*l));
}

void loop_release(struct loop *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->watches[i])
			l->watches[i]->added = false;
	free(l->watches);
	loop_init(l);
}

void loop_add(struct loop *l, struct watch *w)
{
	if (w->added)
		return;
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->watches = mem_grow(l->watches, l->cap, sizeof(struct watch *));
	}
	l->watches[l->count++] = w;
	w->added = true;
}

void loop_remove(struct loop *l, struct watch *w)
{
	if (!w->added)
		return;
	for (size_t i = 0; i < l->count; i++)
		if (l->watches[i] == w)
			l->watches[i] = NULL;
	w->added = false;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

static void close_gaps(struct loop *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++)
		if (l->watches[i])
			l->watches[kept++] = l->watches[i];
	l->count = kept;
}

static void round_room(struct round *r, size_t count)
{
	if (count > r->cap) {
		r->fds = mem_grow(r->fds, count, sizeof(struct pollfd));
		r->watches = mem_grow(r->watches, count, sizeof(struct watch *));
		r->cap = count;
	}
	r->count = count;
}

/* Fills the round and finds the nearest deadline.  False: nothing to wait for. */
static bool round_fill(struct round *r, const struct loop *l, uint64_t *nearest)
{
	bool any = false;

	*nearest = LOOP_NEVER;
	round_room(r, l->count);
	for (size_t i = 0; i < l->count; i++) {
		struct watch *w = l->watches[i];
		bool asked = w->fd >= 0 && w->events;

		r->watches[i] = w;
		r->fds[i] = (struct pollfd){ .fd = asked ? w->fd : -1, .events = w->events };
		if (w->deadline != LOOP_NEVER && (*nearest == LOOP_NEVER || w->deadline < *nearest))
			*nearest = w->deadline;
		any = any || asked || w->deadline != LOOP_NEVER;
	}
	return any;
}

static int time_left(uint64_t deadline)
{
	uint64_t now = clock_ms();

	if (deadline == LOOP_NEVER)
		return -1;
	if (deadline <= now)
		return 0;
	return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

static void round_wait(struct round *r, uint64_t nearest)
{
	static const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	if (poll(r->fds, (nfds_t)r->count, time_left(nearest)) >= 0)
		return;
	for (size_t i = 0; i < r->count; i++)
		r->fds[i].revents = 0;
	/* No memory in the kernel: deadlines still hold, and no core burns. */
	if (errno != EINTR)
		nanosleep(&moment, NULL);
}

static bool still_there(const struct loop *l, const struct round *r, size_t i)
{
	return i < l->count && l->watches[i] == r->watches[i];
}

/* The deadline is looked at also when the descriptor was ready: a peer that
 * never stops sending does not push it away. */
static void round_run(struct round *r, struct loop *l)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < r->count && !l->stop; i++) {
		struct watch *w = r->watches[i];

		if (!still_there(l, r, i))
			continue;
		if (r->fds[i].revents && w->fd == r->fds[i].fd && w->events) {
			w->run(w, r->fds[i].revents);
			if (l->stop || !still_there(l, r, i))
				continue;
		}
		if (w->deadline != LOOP_NEVER && w->deadline <= now) {
			w->deadline = LOOP_NEVER;
			w->run(w, 0);
		}
	}
}

/* A stop that came before the loop ran counts for this run, not for the next. */
void loop_run(struct loop *l)
{
	struct round r = { 0 };

	while (!l->stop) {
		uint64_t nearest;

		close_gaps(l);
		if (!round_fill(&r, l, &nearest))
			break;
		round_wait(&r, nearest);
		round_run(&r, l);
	}
	l->stop = false;
	free(r.fds);
	free(r.watches);
}
