/* cred/signin_browser.c - where a browser on this machine comes back to; see signin_state.h.
 *
 * Anybody on the machine can connect, and any page in the browser: what does not bring
 * what is waited for is answered and forgotten.  A visitor too many takes the place of the
 * one that has been there longest, so that nobody can keep the browser out by sitting there.
 */
#include "cred/signin_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loopback.h"

enum {
	VISITORS = 8,
	PATIENCE_MS = 10 * 1000,       /* for a request */
	FAREWELL_MS = 2 * 1000,        /* for the page to be taken */
	PORTS_TRIED = 16               /* before there is none that is free twice */
};

enum visit { VISIT_NONE, VISIT_ASKS, VISIT_WAITS, VISIT_READS, VISIT_LEAVES };

struct visitor {
	struct watch watch;
	struct browser *browser;
	enum visit visit;
	uint64_t since;
	size_t sent;
	struct buf in, out;            /* own; in is wiped: it has the code in it */
};

struct browser {
	struct loop *loop;             /* borrowed */
	struct landing at;
	const char *state;             /* borrowed */
	unsigned port;
	struct watch listening[2];     /* IPv4, IPv6; fd -1: not had */
	struct visitor visitors[VISITORS];
	struct visitor *bringer;       /* borrowed; who brought it and waits for a page */
	struct buf target;             /* own; wiped */
};

/* ---- one visitor */

static void dismiss(struct visitor *v)
{
	struct browser *b = v->browser;

	if (v->visit == VISIT_NONE)
		return;
	loop_remove(b->loop, &v->watch);
	close(v->watch.fd);
	buf_wipe(&v->in);
	buf_release(&v->out);
	v->visit = VISIT_NONE;
	if (v == b->bringer) {
		b->bringer = NULL;
		loop_stop(b->loop);
	}
}

static void send_page(struct visitor *v)
{
	v->visit = VISIT_READS;
	v->watch.events = POLLOUT;
	v->watch.deadline = clock_ms() + FAREWELL_MS;
}

static void close_doors(struct browser *b)
{
	for (size_t i = 0; i < COUNT(b->listening); i++) {
		loop_remove(b->loop, &b->listening[i]);
		if (b->listening[i].fd >= 0)
			close(b->listening[i].fd);
		b->listening[i].fd = -1;
	}
}

/* It has come: nobody else is listened to any more. */
static void take(struct visitor *v)
{
	struct browser *b = v->browser;

	v->visit = VISIT_WAITS;
	v->watch.events = 0;
	v->watch.deadline = LOOP_NEVER;
	b->bringer = v;
	close_doors(b);
	for (size_t i = 0; i < VISITORS; i++)
		if (b->visitors[i].visit == VISIT_ASKS)
			dismiss(&b->visitors[i]);
	loop_stop(b->loop);
}

/* Of another sign-in, or of none: the one that is waited for can still come. */
static void turn_away(struct visitor *v)
{
	buf_wipe(&v->browser->target);
	landing_page(400, "Not this sign-in", "This does not belong to the sign-in that sendoff "
		"waits for. Open the address that the terminal shows.", &v->out);
	send_page(v);
}

static void judge(struct visitor *v)
{
	struct browser *b = v->browser;
	int status;

	switch (landing_read(&b->at, b->port, buf_text(&v->in), v->in.len, &b->target, &status)) {
	case LANDING_MORE:
		break;
	case LANDING_NOT_US:
		landing_refuse(status, &v->out);
		send_page(v);
		break;
	case LANDING_CAME:
		if (oauth_redirect_is_ours(buf_text(&b->target), b->state))
			take(v);
		else
			turn_away(v);
		break;
	}
}

static void hear(struct visitor *v)
{
	char *room = buf_reserve(&v->in, LANDING_REQUEST_MAX - v->in.len);
	ssize_t n = read(v->watch.fd, room, LANDING_REQUEST_MAX - v->in.len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		dismiss(v);
		return;
	}
	v->in.len += (size_t)n;
	v->in.data[v->in.len] = '\0';
	judge(v);
}

/* What it still says is read and thrown away: a connection that is closed over unread
 * octets takes the page with it. */
static void see_off(struct visitor *v)
{
	char nothing[4096];
	ssize_t n = read(v->watch.fd, nothing, sizeof(nothing));

	explicit_bzero(nothing, sizeof(nothing));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		dismiss(v);
}

static void tell(struct visitor *v)
{
	ssize_t n = write(v->watch.fd, buf_text(&v->out) + v->sent, v->out.len - v->sent);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		dismiss(v);
		return;
	}
	v->sent += (size_t)n;
	if (v->sent < v->out.len)
		return;
	shutdown(v->watch.fd, SHUT_WR);
	v->visit = VISIT_LEAVES;
	v->watch.events = POLLIN;
}

static void attend(struct watch *w, short revents)
{
	struct visitor *v = w->owner;

	if (!revents)
		dismiss(v);
	else if (v->visit == VISIT_ASKS)
		hear(v);
	else if (v->visit == VISIT_READS)
		tell(v);
	else
		see_off(v);
}

/* ---- the door */

static struct visitor *place_for_one(struct browser *b)
{
	struct visitor *place = &b->visitors[0];

	for (size_t i = 0; i < VISITORS; i++) {
		struct visitor *v = &b->visitors[i];

		if (v->visit == VISIT_NONE)
			return v;
		if (v->since < place->since)
			place = v;
	}
	dismiss(place);
	return place;
}

static void let_in(struct watch *w, short revents)
{
	struct browser *b = w->owner;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct visitor *v;

	(void)revents;
	if (fd < 0)
		return;
	v = place_for_one(b);
	*v = (struct visitor){ .browser = b, .visit = VISIT_ASKS, .since = clock_ms(),
		.watch = { .fd = fd, .events = POLLIN, .run = attend, .owner = v },
		.in = BUF_INIT(LANDING_REQUEST_MAX), .out = BUF_INIT(16 * 1024) };
	v->watch.deadline = v->since + PATIENCE_MS;
	loop_add(b->loop, &v->watch);
}

static int listen_at(const char *address, unsigned port, struct err *e)
{
	struct loopback at = { .len = sizeof(struct sockaddr_in) };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&at.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at.address;

	if (strchr(address, ':')) {
		*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT };
		at.len = sizeof(*v6);
	} else {
		*v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
			.sin_addr = { htonl(INADDR_LOOPBACK) } };
	}
	return loopback_listen(&at, e);
}

/* One port of both families: whom `localhost` leads to is the browser's choice, and no
 * other may sit at the same number.  1: the other family has it. */
static int listen_on_both(struct browser *b, unsigned port, struct err *e)
{
	bool v6_wanted = !strcmp(b->at.host, "[::1]");
	int *v4 = &b->listening[0].fd, *v6 = &b->listening[1].fd;

	*v4 = listen_at("127.0.0.1", port, e);
	if (*v4 < 0 && (e->sys_errno == EADDRINUSE || !v6_wanted))
		return -1;
	b->port = *v4 < 0 ? port : loopback_port_of(*v4);
	*v6 = listen_at("::1", b->port, e);
	if (*v6 < 0 && e->sys_errno == EADDRINUSE) {
		if (*v4 >= 0)
			close(*v4);
		*v4 = -1;
		return 1;
	}
	if (*v6 >= 0)
		b->port = loopback_port_of(*v6);
	return *v6 < 0 && v6_wanted ? -1 : 0;
}

struct browser *browser_open(struct loop *l, const struct landing *at, const char *state,
	struct err *e)
{
	struct browser *b = mem_alloc(sizeof(*b));
	int good = 1;

	b->loop = l;
	b->at = *at;
	b->state = state;
	b->target = BUF_INIT(LANDING_REQUEST_MAX);
	for (size_t i = 0; i < COUNT(b->listening); i++)
		b->listening[i] = (struct watch){ .fd = -1, .events = POLLIN, .run = let_in, .owner = b };
	for (unsigned i = 0; good > 0 && i < (at->port ? 1 : PORTS_TRIED); i++)
		good = listen_on_both(b, at->port, e);
	if (good != 0) {
		browser_free(&b);
		err_context(e, "nothing can be received from a browser");
		err_hint(e, "sign in by `--flow paste`, which needs no port");
		return NULL;
	}
	for (size_t i = 0; i < COUNT(b->listening); i++)
		if (b->listening[i].fd >= 0)
			loop_add(l, &b->listening[i]);
	return b;
}

unsigned browser_port(const struct browser *b)
{
	return b->port;
}

const char *browser_target(const struct browser *b)
{
	return b->target.len ? buf_text(&b->target) : NULL;
}

void browser_answer(struct browser *b, bool good, const char *words)
{
	struct visitor *v = b->bringer;

	if (!v) {
		loop_stop(b->loop);
		return;
	}
	landing_page(good ? 200 : 400, good ? "You are signed in" : "The sign-in failed", words,
		&v->out);
	send_page(v);
}

void browser_free(struct browser **bp)
{
	struct browser *b = *bp;

	if (!b)
		return;
	b->bringer = NULL;   /* nobody waits for the loop to stop */
	close_doors(b);
	for (size_t i = 0; i < VISITORS; i++)
		dismiss(&b->visitors[i]);
	buf_wipe(&b->target);
	free(b);
	*bp = NULL;
}
