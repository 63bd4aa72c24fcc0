/* runner/caller.c - one connection to the SMTP socket; see caller.h. */
#include "runner/caller.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/reception.h"

enum {
	COMMAND_MS = 5 * 60 * 1000,       /* RFC 5321 section 4.5.3.2.7 */
	CONTENT_MS = 10 * 60 * 1000,      /* for each CONTENT_OCTETS of it */
	CONTENT_OCTETS = 64 << 10,
	PORT_MS = 60 * 1000,              /* by a loopback port, for either: there are few places */
	WASTE_MAX = 64 << 20              /* octets beside the messages, in a session */
};

static const char closing[] = "the mail queue is being restarted, try again in a moment";

struct caller {
	struct guest guest;           /* own */
	struct watch watch;
	struct reception reception;
	struct server *server;        /* own; NULL: it waits for a place */
	char *host;                   /* own; how the greeting calls us */
	struct buf in;                /* own; read and not yet taken */
	uint64_t octets;              /* of it, since a message was stored */
	uint64_t most;                /* ... that may be; 0: any */
	uint64_t written, seen;       /* of answers; what there was at the last renewal */
	uint64_t taken;               /* of content since then */
	bool content;                 /* what the deadline is for */
	bool eof, lost;               /* nothing more comes; the connection broke */
	struct caller *next, **at;
};

static struct desk *desk_of(const struct caller *c)
{
	return c->guest.desk;
}

static void free_caller(struct caller *c)
{
	struct desk *d = desk_of(c);

	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	loop_remove(&d->loop, &c->watch);
	close(c->watch.fd);
	reception_release(&c->reception);
	if (c->server) {
		quota_end(d->quota, c->guest.account);
		server_free(&c->server);
	}
	guest_leaves(&c->guest);
	person_release(&c->guest.person);
	buf_release(&c->in);
	free(c->host);
	free(c);
}

/* ---- the dialogue */

static void write_some(struct caller *c)
{
	size_t len;
	const char *out = server_output(c->server, &len);

	while (len && !c->lost) {
		ssize_t n = send(c->watch.fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			server_written(c->server, (size_t)n);
			c->written += (uint64_t)n;
			out = server_output(c->server, &len);
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			c->lost = true;
			server_eof(c->server);
		}
	}
}

/* Each whole answer, and each piece of content, is a step forward; a client that
 * sends an octet now and then makes none. */
static void renew(struct caller *c)
{
	bool content = server_in_content(c->server);
	size_t left;

	(void)server_output(c->server, &left);
	if (content == c->content && c->written + left == c->seen && c->taken < CONTENT_OCTETS &&
	    c->watch.deadline != LOOP_NEVER)
		return;
	c->content = content;
	c->seen = c->written + left;
	c->taken = 0;
	c->watch.deadline = clock_ms() + (c->guest.port ? PORT_MS :
		content ? CONTENT_MS : COMMAND_MS);
}

/* What to wait for.  False: nothing, it is over.  As long as a thread has the message
 * nothing is: however long the disk takes, and whoever has gone meanwhile. */
static bool settle(struct caller *c)
{
	size_t left;

	(void)server_output(c->server, &left);
	if (c->reception.filed || (server_awaits_answer(c->server) && !left && !c->lost)) {
		c->watch.events = left && !c->lost ? POLLOUT : 0;
		c->watch.deadline = LOOP_NEVER;
		return true;
	}
	if (c->lost || (server_ended(c->server) && !left))
		return false;
	c->watch.events = (short)((left ? POLLOUT : 0) |
		(c->eof || c->in.len || server_ended(c->server) || left >= SERVER_OUTPUT_MAX ?
			0 : POLLIN));
	renew(c);
	return true;
}

static void feed(struct caller *c, const char *data, size_t len)
{
	bool content = server_in_content(c->server);
	size_t n = server_received(c->server, data, len);

	if (content)
		c->taken += n;
	if (n < len)
		buf_add(&c->in, data + n, len - n);
}

/* What was read before goes on; nothing more may have been taken for the lack of
 * an answer, or of a reader. */
static void go_on(struct caller *c)
{
	size_t before = 0;

	write_some(c);
	while (c->in.len && c->in.len != before) {
		before = c->in.len;
		buf_drop(&c->in, server_received(c->server, c->in.data, c->in.len));
		write_some(c);
	}
	if (!c->in.len)
		buf_release(&c->in);
	if (desk_of(c)->closing && !server_in_content(c->server))
		server_shut_down(c->server, closing);
	write_some(c);
	if (!settle(c))
		free_caller(c);
}

static void read_some(struct caller *c)
{
	char *piece = desk_of(c)->piece;
	/* Descriptors that come along have nowhere to go, and are closed. */
	ssize_t n = recv(c->watch.fd, piece, DESK_PIECE, MSG_DONTWAIT);

	if (n > 0) {
		c->octets += (uint64_t)n;
		feed(c, piece, (size_t)n);
	} else if (n == 0) {
		c->eof = true;
		server_eof(c->server);
	} else if (errno != EAGAIN && errno != EINTR) {
		c->eof = c->lost = true;
		server_eof(c->server);
	}
	if (c->most && c->octets > c->most && !c->reception.filed)
		server_shut_down(c->server, "too many octets that lead to no message, goodbye");
}

/* Its time is over. */
static void send_away(struct caller *c)
{
	if (!c->server) {
		guest_refuse(c->watch.fd, "421 4.7.0 too many connections of this user, try again "
			"later\r\n");
	} else if (!server_ended(c->server)) {
		server_shut_down(c->server, "nothing came for too long, goodbye");
		write_some(c);
	}
	free_caller(c);
}

static void run(struct watch *w, short revents)
{
	struct caller *c = w->owner;

	if (!revents) {
		send_away(c);
		return;
	}
	if (revents & (POLLIN | POLLHUP | POLLERR) && !c->in.len && !c->eof)
		read_some(c);
	go_on(c);
}

static void take_answer(void *context, const struct server_reply *reply)
{
	struct caller *c = context;

	if (reply->code / 100 == 2)
		c->octets = 0;
	server_answer(c->server, reply);
	go_on(c);
}

/* ---- coming in */

static void begin(struct caller *c)
{
	struct desk *d = desk_of(c);
	uint64_t size = (uint64_t)d->policy.config.global.max_message;
	bool port = c->guest.port != 0;
	struct server_options options = {
		.max_size = size, .max_recipients = RECEPTION_RECIPIENTS, .bare_names = !port,
		.handover = !port, .strict = port, .banner_first = port,
	};
	struct server_events events;

	c->host = mem_string(d->policy.host);
	options.host = c->host;
	c->most = size ? 2 * size + WASTE_MAX : 0;
	c->reception.guest = &c->guest;
	c->reception.answer = take_answer;
	c->reception.context = c;
	reception_events(&c->reception, &events);
	c->server = server_new(&options, &events);
	c->watch.deadline = LOOP_NEVER;
	if (port)   /* a web page's form does not wait for the greeting */
		read_some(c);
	go_on(c);
}

static void advance(struct caller *c)
{
	struct desk *d = desk_of(c);
	int met = guest_meet(&c->guest);

	if (met < 0) {
		guest_refuse(c->watch.fd,
			"421 4.7.0 too many connections of this user, try again later\r\n");
		free_caller(c);
	} else if (met && quota_begin(d->quota, c->guest.account)) {
		begin(c);
	}
}

static void welcome(struct desk *d, int fd,
	bool (*arrives)(struct guest *g, struct desk *d, int fd))
{
	struct caller *c = mem_alloc(sizeof(*c));

	if (!arrives(&c->guest, d, fd)) {
		guest_refuse(fd, "421 4.7.0 too many connections, try again later\r\n");
		close(fd);
		free(c);
		return;
	}
	c->in.max = DESK_PIECE;
	c->watch = (struct watch){
		.fd = fd, .deadline = clock_ms() + DESK_WAIT_MS, .run = run, .owner = c
	};
	/* At the end: places are given in the order of coming. */
	for (c->at = &d->callers; *c->at; c->at = &(*c->at)->next)
		;
	*c->at = c;
	loop_add(&d->loop, &c->watch);
	advance(c);
}

void caller_new(struct desk *d, int fd)
{
	welcome(d, fd, guest_arrives);
}

void caller_new_by_port(struct desk *d, int fd)
{
	welcome(d, fd, guest_arrives_by_port);
}

void callers_advance(struct desk *d)
{
	struct caller *next;

	for (struct caller *c = d->callers; c; c = next) {
		next = c->next;
		if (c->server)
			reception_go_on(&c->reception);
		else
			advance(c);
	}
}

void callers_counted(struct desk *d)
{
	struct caller *next;

	for (struct caller *c = d->callers; c; c = next) {
		next = c->next;
		reception_counted(&c->reception);
	}
}

void callers_shut_down(struct desk *d)
{
	struct caller *next;

	for (struct caller *c = d->callers; c; c = next) {
		next = c->next;
		if (!c->server) {
			guest_refuse(c->watch.fd, "421 4.3.2 the mail queue is being restarted, "
				"try again in a moment\r\n");
			free_caller(c);
		} else {
			go_on(c);
		}
	}
	d->places.deadline = DESK_AT_ONCE;   /* who waits for his turn waits no more */
}

void callers_free(struct desk *d)
{
	while (d->callers)
		free_caller(d->callers);
}
