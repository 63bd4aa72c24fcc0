/* runner/work.c - children that find something out; see work.h. */
#include "runner/work.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { PIECE = 16 << 10 };

struct work {
	struct loop *loop;
	struct watch watch;
	struct child child;
	struct work_order order;
	struct buf found;
};

static void finish(struct work *w, bool good)
{
	const struct work_order order = w->order;
	struct buf found = w->found;
	int status;

	loop_remove(w->loop, &w->watch);
	status = child_end(&w->child, !good);
	free(w);
	order.done(order.context, &found, good && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	buf_release(&found);
}

static void run(struct watch *watch, short revents)
{
	struct work *w = watch->owner;
	char *room = revents ? buf_reserve(&w->found, PIECE) : NULL;
	ssize_t n;

	if (!room) {
		finish(w, false);   /* too long, or too much */
		return;
	}
	n = read(w->child.out, room, PIECE);
	if (n > 0) {
		w->found.len += (size_t)n;
		w->found.data[w->found.len] = '\0';
		w->watch.deadline = clock_ms() + w->order.ms;
	} else if (n == 0) {
		finish(w, true);
	} else if (errno != EAGAIN && errno != EINTR) {
		finish(w, false);
	}
}

struct work *work_start(struct loop *l, const struct work_order *order, struct err *e)
{
	struct work *w = mem_alloc(sizeof(*w));

	w->loop = l;
	w->order = *order;
	w->found = BUF_INIT(order->most + PIECE);
	if (child_call(&w->child, order->run, order->context, -1, e) < 0) {
		free(w);
		return NULL;
	}
	w->watch = (struct watch){ .fd = w->child.out, .events = POLLIN, .run = run, .owner = w,
		.deadline = clock_ms() + order->ms };
	loop_add(l, &w->watch);
	return w;
}

void work_free(struct work **wp)
{
	struct work *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	loop_remove(w->loop, &w->watch);
	child_end(&w->child, 1);
	buf_release(&w->found);
	free(w);
}

int work_tell(int out, const struct buf *text)
{
	return buf_ok(text) && file_write_all(out, buf_text(text), text->len) == 0 ? 0 : -1;
}
