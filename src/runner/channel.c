/* runner/channel.c - JSON lines over a stream socket; see channel.h.
 *
 * The owner may free the channel from any of its events.  While one runs the
 * channel only notes that, and goes when the event has returned.
 */
#include "runner/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { PIECE = 64 << 10, AT_ONCE = 1 /* a deadline that has passed */ };

struct channel {
	struct loop *loop;
	struct watch watch;
	struct channel_events events;
	struct buf in, out;
	size_t line_max;
	size_t sent;          /* octets of out that are gone */
	size_t searched;      /* octets of in without a newline */
	const char *why;      /* it ended, and this is to be told; "" for no reason */
	bool ended, told, paused, full;
	bool busy, freed;     /* an event runs; the owner has let go meanwhile */
};

static void destroy(struct channel *c)
{
	close(c->watch.fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

static void end(struct channel *c, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	c->why = why;
	c->watch.events = 0;
	c->watch.deadline = AT_ONCE;
}

static size_t unsent(const struct channel *c)
{
	return c->out.len - c->sent;
}

static void want(struct channel *c)
{
	if (!c->ended)
		c->watch.events = (short)((c->paused ? 0 : POLLIN) | (unsent(c) ? POLLOUT : 0));
}

static void write_some(struct channel *c)
{
	while (!c->ended && unsent(c)) {
		ssize_t n = send(c->watch.fd, c->out.data + c->sent, unsent(c),
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			c->sent += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			break;
		else if (n == 0 || errno != EINTR)
			end(c, "the other side is gone");
	}
	if (!unsent(c)) {
		/* Not kept: one long answer would cost its memory for ever. */
		if (c->out.cap > CHANNEL_OUTPUT_FULL)
			buf_release(&c->out);
		buf_clear(&c->out);
		c->sent = 0;
	} else if (c->sent > PIECE && c->sent > c->out.len / 2) {
		buf_drop(&c->out, c->sent);
		c->sent = 0;
	}
	want(c);
}

/* False: the channel has ended, or is not to be read further. */
static bool take_line(struct channel *c, const char *text, size_t len)
{
	json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object))
		c->events.line(c->events.context, object);
	else
		end(c, "what came is not a JSON object on a line");
	json_decref(object);
	return !c->ended && !c->freed && !c->paused;
}

static void take_lines(struct channel *c)
{
	size_t at = 0;
	char *newline;

	while (!c->ended && !c->freed && !c->paused && c->in.len > c->searched &&
	       (newline = memchr(c->in.data + c->searched, '\n', c->in.len - c->searched))) {
		size_t next = (size_t)(newline - c->in.data) + 1;

		c->searched = next;
		if (next - at > c->line_max) {
			end(c, "what came is too long a line");
			return;
		}
		if (!take_line(c, c->in.data + at, next - at)) {
			at = next;
			break;
		}
		at = next;
	}
	if (c->ended || c->freed)
		return;
	buf_drop(&c->in, at);
	if (!c->in.len && c->in.cap > 2 * PIECE)
		buf_release(&c->in);
	/* What is left of a paused channel may hold whole lines. */
	c->searched = c->paused ? 0 : c->in.len;
	if (c->searched > c->line_max)
		end(c, "what came is too long a line");
}

static void read_some(struct channel *c)
{
	char *room = buf_reserve(&c->in, PIECE);
	ssize_t n;

	if (!room) {
		end(c, "what came is too long a line");
		return;
	}
	n = recv(c->watch.fd, room, PIECE, MSG_DONTWAIT);
	if (n > 0) {
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		take_lines(c);
	} else if (n == 0) {
		end(c, c->in.len ? "it ended in the middle of a line" : NULL);
	} else if (errno != EAGAIN && errno != EINTR) {
		end(c, "the connection broke off");
	}
}

static void tell(struct channel *c)
{
	if (c->full && !c->ended && !unsent(c)) {
		c->full = false;
		if (c->events.drained)
			c->events.drained(c->events.context);
	}
	if (c->ended && !c->freed && !c->told) {
		c->told = true;
		c->watch.deadline = LOOP_NEVER;
		c->events.closed(c->events.context, c->why);
	}
}

static void run(struct watch *w, short revents)
{
	struct channel *c = w->owner;

	c->busy = true;
	if (revents & POLLOUT)
		write_some(c);
	if (!c->ended && (revents & (POLLIN | POLLHUP | POLLERR)) && !c->paused)
		read_some(c);
	else if (!c->ended && (revents & (POLLHUP | POLLERR)))
		end(c, "the other side is gone");
	else if (!c->ended && !revents)
		take_lines(c);   /* reading goes on */
	if (!c->freed)
		want(c);
	if (!c->freed)
		tell(c);
	c->busy = false;
	if (c->freed)
		destroy(c);
}

struct channel *channel_new(struct loop *l, int fd, size_t line_max,
	const struct channel_events *events)
{
	struct channel *c = mem_alloc(sizeof(*c));

	c->loop = l;
	c->watch = (struct watch){ .fd = fd, .events = POLLIN, .run = run, .owner = c };
	c->events = *events;
	c->line_max = line_max;
	c->in = BUF_INIT(line_max + 2 * PIECE);
	c->out = BUF_INIT(CHANNEL_OUTPUT_FULL + CHANNEL_ROLE_MAX);
	loop_add(l, &c->watch);
	return c;
}

void channel_free(struct channel **cp)
{
	struct channel *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	loop_remove(c->loop, &c->watch);
	if (c->busy)
		c->freed = true;
	else
		destroy(c);
}

bool channel_send(struct channel *c, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (c->ended || !text) {
		end(c, "a line could not be written");
		free(text);
		return false;
	}
	buf_add_text(&c->out, text);
	buf_add_char(&c->out, '\n');
	free(text);
	if (!buf_ok(&c->out))
		end(c, "the other side does not read");
	write_some(c);
	c->full = c->full || unsent(c) >= CHANNEL_OUTPUT_FULL;
	return !c->full && !c->ended;
}

void channel_pause(struct channel *c, bool pause)
{
	c->paused = pause;
	if (!pause && !c->ended && c->in.len)
		c->watch.deadline = AT_ONCE;   /* whole lines may be waiting */
	want(c);
}
