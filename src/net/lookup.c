/* net/lookup.c - blocking questions in children; see lookup.h. */
#include "net/lookup.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"

struct lookup {
	struct loop *loop;      /* borrowed */
	struct watch watch;
	struct child child;
	char *answer;           /* own */
	size_t size, got;
	bool spared;            /* the child is not killed before it has told */
	lookup_done *done;
	void *context;
};

int lookup_answer(int out, const void *answer, size_t size)
{
	return file_write_all(out, answer, size) < 0;
}

static void end_child(struct lookup *l)
{
	if (l->spared)
		child_spare(&l->child);
	else
		child_end(&l->child, 1);
}

static void finish(struct lookup *l, bool late)
{
	char *answer = l->answer;   /* done may free l */
	size_t size;

	loop_remove(l->loop, &l->watch);
	/* What counts is the whole answer, not the exit status, which is not to
	 * be had where SIGCHLD is ignored.  A child that has closed its pipe or
	 * said too much has no more to do. */
	l->spared &= late;
	end_child(l);
	size = l->size;
	l->answer = NULL;
	l->done(l->context, l->got == l->size ? answer : NULL, late);
	explicit_bzero(answer, size);
	free(answer);
}

static void can_read(struct watch *w, short revents)
{
	struct lookup *l = w->owner;

	while (revents && l->got < l->size) {
		ssize_t n = read(l->child.out, l->answer + l->got, l->size - l->got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0)
			break;
		l->got += (size_t)n;
	}
	finish(l, !revents);
}

static struct lookup *start(struct loop *loop, lookup_ask *ask, void *question, size_t size,
	uint64_t deadline, int kept, lookup_done *done, void *context, struct err *e)
{
	struct lookup *l = mem_alloc(sizeof(*l));

	l->child.out = -1;
	if (child_call(&l->child, ask, question, kept, e) < 0) {
		free(l);
		return NULL;
	}
	l->loop = loop;
	l->answer = mem_alloc(size);
	l->size = size;
	l->done = done;
	l->context = context;
	l->watch = (struct watch){ .fd = l->child.out, .events = POLLIN, .deadline = deadline,
		.run = can_read, .owner = l };
	loop_add(loop, &l->watch);
	return l;
}

struct lookup *lookup_start(struct loop *l, lookup_ask *ask, void *question, size_t size,
	uint64_t deadline, lookup_done *done, void *context, struct err *e)
{
	return start(l, ask, question, size, deadline, -1, done, context, e);
}

struct lookup *lookup_start_spared(struct loop *l, lookup_ask *ask, void *question, size_t size,
	uint64_t deadline, int lock, lookup_done *done, void *context, struct err *e)
{
	struct lookup *started = start(l, ask, question, size, deadline, lock, done, context, e);

	if (started)
		started->spared = true;
	return started;
}

void lookup_free(struct lookup **lp)
{
	struct lookup *l = *lp;

	if (!l)
		return;
	loop_remove(l->loop, &l->watch);
	end_child(l);
	if (l->answer)
		explicit_bzero(l->answer, l->size);
	free(l->answer);
	free(l);
	*lp = NULL;
}
