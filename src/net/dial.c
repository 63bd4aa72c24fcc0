/* net/dial.c - connecting to whichever address answers first; see dial.h. */
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/name.h"
#include "net/resolve.h"

/* RFC 8305 section 5, Connection Attempt Delay. */
enum { STAGGER_MS = 250 };

enum { REASONS_MAX = 560 };   /* fits struct err with the words around it */

static const struct key_choice families[] = {
	{ "any", NET_ANY }, { "ipv4", NET_IPV4 }, { "ipv6", NET_IPV6 }, { NULL, 0 }
};

enum { SHORTEST_WAIT = 100, HOUR = 60 * 60 * 1000 };

const struct key net_keys[] = {
	{ .name = "host", .type = KEY_WORD, .offset = offsetof(struct net_settings, host),
		.help = "server to send through: a name, an address, or the path of a socket" },
	{ .name = "port", .type = KEY_NUMBER, .offset = offsetof(struct net_settings, port),
		.help = "its port; without it 465 or 587, after tls", .least = 1, .most = 65535 },
	{ .name = "family", .type = KEY_CHOICE, .offset = offsetof(struct net_settings, family),
		.fallback = "any", .help = "addresses to use: any, ipv4 or ipv6",
		.choices = families },
	{ .name = "source_address", .type = KEY_WORD, .offset = offsetof(struct net_settings, source),
		.help = "address of this machine to connect from" },
	{ .name = "proxy", .type = KEY_URL, .offset = offsetof(struct net_settings, proxy),
		.help = "way to the server, as socks5://127.0.0.1:1080 or http://proxy.example.com:8080" },
	{ .name = "connect_command", .type = KEY_TEXT, .offset = offsetof(struct net_settings, command),
		.help = "command whose stdin and stdout are the connection to the server" },
	{ .name = "connect_timeout", .type = KEY_DURATION,
		.offset = offsetof(struct net_settings, connect_timeout), .fallback = "30s",
		.help = "longest wait for name, connection and TLS together",
		.least = SHORTEST_WAIT, .most = HOUR },
	{ .name = "timeout", .type = KEY_DURATION,
		.offset = offsetof(struct net_settings, timeout), .fallback = "60s",
		.help = "longest wait for each reply of the server",
		.least = SHORTEST_WAIT, .most = HOUR },
	{ .name = "final_timeout", .type = KEY_DURATION,
		.offset = offsetof(struct net_settings, final_timeout), .fallback = "10m",
		.help = "longest wait for the answer to the content",
		.least = SHORTEST_WAIT, .most = 24 * HOUR },
	{ .name = NULL }
};

struct attempt {
	struct watch watch;       /* fd -1: not begun, or over */
	struct dial *dial;
	struct trail_try *mark;   /* in the trail */
	uint64_t began;
};

struct dial {
	struct loop *loop;                /* borrowed */
	const struct net_settings *set;   /* borrowed */
	uint64_t deadline;                /* LOOP_NEVER: none */
	uint64_t began;
	dial_done *done;
	void *context;
	struct resolve *resolve;          /* own; NULL unless under way */
	struct watch timer;               /* the next attempt, or the deadline */
	uint64_t next_at;                 /* when the next attempt is due */
	struct resolved found;
	struct attempt attempts[RESOLVE_MOST];
	unsigned begun;                   /* attempts[0 .. begun) */
	struct sockaddr_storage source;   /* to connect from, where source_len is not 0 */
	socklen_t source_len;
	bool sourceless;                  /* this machine does not have it */
	int winner;                       /* own; what is connected, until it is given away, or -1 */
	bool over;                        /* err holds the outcome */
	struct dial_trail trail;
	char shown[NAME_MAX_OCTETS];      /* the host, fit for messages */
	struct err err;
};

static unsigned address_port(const struct sockaddr_storage *a)
{
	uint16_t port;

	if (a->ss_family == AF_INET)
		memcpy(&port, (const char *)a + offsetof(struct sockaddr_in, sin_port), 2);
	else
		memcpy(&port, (const char *)a + offsetof(struct sockaddr_in6, sin6_port), 2);
	return ntohs(port);
}

static bool is_path(const char *host)
{
	return host[0] == '/';
}

/* Why, in lower case.  What a socket in the file system answers by is not what
 * the same errors say of a network. */
static void reason_text(int number, bool path, char *out, size_t size)
{
	const char *why = number ? strerror(number) : "no answer";

	if (path && number == ENOENT)
		why = "no such socket";
	else if (path && number == ECONNREFUSED)
		why = "nobody listens there";
	else if (path && number == EAGAIN)
		why = "too many are waiting there already";
	else if (path && number == EPROTOTYPE)
		why = "it is no stream socket";
	snprintf(out, size, "%s", why);
	if (out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'a' && out[1] <= 'z')
		out[0] = (char)(out[0] + 32);
}

/* "192.0.2.1 port 587: connection refused; 2001:db8::1 port 587: ..." */
static void list_reasons(const struct dial *d, struct buf *out)
{
	for (unsigned i = 0; i < d->begun; i++) {
		const struct trail_try *t = &d->trail.tries[i];
		char reason[96];

		reason_text(t->number, is_path(d->set->host), reason, sizeof(reason));
		if (is_path(d->set->host)) {
			buf_add_text(out, reason);
			continue;
		}
		if (out->len > REASONS_MAX - 160) {
			buf_printf(out, "; and %u more", d->begun - i);
			return;
		}
		buf_printf(out, "%s%s port %u: %s", i ? "; " : "", t->address, t->port, reason);
	}
}

static bool all_say(const struct dial *d, int number)
{
	for (unsigned i = 0; i < d->begun; i++)
		if (d->trail.tries[i].number != number)
			return false;
	return d->begun > 0;
}

static void add_hint(const struct dial *d, struct err *e)
{
	bool silent = false;

	if (is_path(d->set->host)) {
		err_hint(e, "see that the service is running that listens on this socket, and that host "
			"is its path");
		return;
	}
	for (unsigned i = 0; i < d->begun; i++) {
		int number = d->trail.tries[i].number;

		silent = silent || !number || number == ETIMEDOUT;
	}
	if (silent && d->trail.tries[0].port == 25)
		err_hint(e, "many networks block port 25: try port = 587 or port = 465");
}

/* No way for a family of addresses: normal, where another family has one. */
static bool no_way(int number)
{
	return number == ENETUNREACH || number == EHOSTUNREACH || number == EADDRNOTAVAIL ||
		number == EAFNOSUPPORT;
}

/* Whether it is what those attempts say that had a way.  0: they were silent. */
static bool most_say(const struct dial *d, int number)
{
	bool said = false;

	for (unsigned i = 0; i < d->begun; i++) {
		int failed = d->trail.tries[i].number == ETIMEDOUT ? 0 : d->trail.tries[i].number;

		if (failed != number && !no_way(failed))
			return false;
		said = said || failed == number;
	}
	return said;
}

static void add_cause(const struct dial *d, struct err *e)
{
	if (is_path(d->set->host))
		err_cause(e, "socket-not-served");
	else if (most_say(d, 0) && address_port(&d->found.items[0]) == 25)
		err_cause(e, "port-25-blocked");
	else if (most_say(d, 0))
		err_cause(e, "connect-timeout");
	else if (most_say(d, ECONNREFUSED))
		err_cause(e, "connect-refused");
	else if (most_say(d, ECONNRESET))   /* there was one until a moment ago */
		err_cause(e, "connection-closed-at-once");
	else if (most_say(d, EACCES) || most_say(d, EPERM))
		err_cause(e, "connect-forbidden");
	else if (most_say(d, EHOSTUNREACH))
		err_cause(e, "host-unreachable");
	else if (no_way(d->trail.tries[0].number) && most_say(d, d->trail.tries[0].number))
		err_cause(e, "no-network");
}

static void note_end(struct attempt *a, enum trail_end end, int number)
{
	a->mark->end = end;
	a->mark->number = number;
	a->mark->ms = (int64_t)(clock_ms() - a->began);
}

/* The end of what is still under way. */
static void stop_attempt(struct attempt *a, enum trail_end end)
{
	if (a->watch.fd < 0)
		return;
	loop_remove(a->dial->loop, &a->watch);
	close(a->watch.fd);
	a->watch.fd = -1;
	note_end(a, end, 0);
}

static void stop_all(struct dial *d, enum trail_end end)
{
	resolve_free(&d->resolve);
	loop_remove(d->loop, &d->timer);
	for (unsigned i = 0; i < d->begun; i++)
		stop_attempt(&d->attempts[i], end);
}

/* Called from the loop only; the last that is done with d. */
static void report(struct dial *d)
{
	int fd = d->winner;

	stop_all(d, fd >= 0 ? TRY_ABANDONED : TRY_LATE);
	d->winner = -1;
	d->done(d->context, fd, &d->err);
}

/* The outcome is known before the loop runs, or deep inside it: tell it soon. */
static void report_later(struct dial *d)
{
	d->over = true;
	d->timer.deadline = clock_ms();
	if (d->timer.deadline == LOOP_NEVER)
		d->timer.deadline++;
}

/* "30 s", "400 ms": how long was waited for. */
static const char *patience(const struct dial *d, char text[32])
{
	unsigned long long ms = d->deadline > d->began ? d->deadline - d->began : 0;

	if (ms < 950)
		snprintf(text, 32, "%llu ms", (ms + 5) / 10 * 10);
	else
		snprintf(text, 32, "%llu s", (ms + 500) / 1000);
	return text;
}

/* All that was tried failed for it. */
static void fail_source(struct dial *d)
{
	err_set(&d->err, ERR_CONNECT, "cannot connect to %s from %s: this machine has no such address",
		d->shown, d->set->source);
	d->err.sys_errno = EADDRNOTAVAIL;
	err_cause(&d->err, "source-address-missing");
	report_later(d);
}

static void fail_connect(struct dial *d, enum err_kind kind)
{
	struct buf reasons = BUF_INIT(REASONS_MAX + 160);
	char span[32];

	list_reasons(d, &reasons);
	if (kind == ERR_TIMEOUT)
		err_set(&d->err, kind, "cannot connect to %s within %s: %s", d->shown,
			patience(d, span), buf_text(&reasons));
	else
		err_set(&d->err, kind, "cannot connect to %s: %s", d->shown, buf_text(&reasons));
	if (d->begun)
		d->err.sys_errno = d->trail.tries[0].number;
	add_hint(d, &d->err);
	add_cause(d, &d->err);
	buf_release(&reasons);
	report_later(d);
}

static bool still_trying(const struct dial *d)
{
	for (unsigned i = 0; i < d->begun; i++)
		if (d->attempts[i].watch.fd >= 0)
			return true;
	return false;
}

static void set_timer(struct dial *d)
{
	bool more = d->begun < d->found.count;

	d->timer.deadline = d->deadline;
	if (more && (d->deadline == LOOP_NEVER || d->next_at < d->deadline))
		d->timer.deadline = d->next_at;
}

static void attempt_ready(struct watch *w, short revents);

/* One non-blocking connect(2).  False: it failed at once, and the trail says why. */
static bool attempt_start(struct dial *d, struct attempt *a, unsigned i)
{
	const struct sockaddr_storage *address = &d->found.items[i];
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	a->dial = d;
	a->mark = &d->trail.tries[i];
	a->began = clock_ms();
	a->watch = (struct watch){ .fd = -1, .run = attempt_ready, .owner = a };
	if (fd < 0) {
		note_end(a, TRY_FAILED, errno);
		return false;
	}
	/* Commands go out in groups made by us: nothing is to wait for more. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (d->source_len && bind(fd, (const struct sockaddr *)&d->source, d->source_len) < 0) {
		d->sourceless |= errno == EADDRNOTAVAIL;
		note_end(a, TRY_FAILED, errno);
		close(fd);
		return false;
	}
	if (connect(fd, (const struct sockaddr *)address, d->found.lengths[i]) < 0
			&& errno != EINPROGRESS && errno != EINTR) {
		note_end(a, TRY_FAILED, errno);
		close(fd);
		return false;
	}
	a->mark->end = TRY_UNDER_WAY;
	a->watch.fd = fd;
	a->watch.events = POLLOUT;
	loop_add(d->loop, &a->watch);
	return true;
}

static bool is_ours(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS;
}

/* Begins the next attempt that does not fail at once. */
static void go_on(struct dial *d)
{
	int first;

	while (d->begun < d->found.count) {
		unsigned i = d->begun++;

		if (attempt_start(d, &d->attempts[i], i)) {
			d->next_at = clock_ms() + STAGGER_MS;
			break;
		}
	}
	first = d->trail.tries[0].number;
	if (still_trying(d)) {
		set_timer(d);
	} else if (d->sourceless && all_say(d, EADDRNOTAVAIL)) {
		fail_source(d);
	} else if (all_say(d, first) && is_ours(first)) {
		err_sys(&d->err, ERR_SYSTEM, first, "cannot make a socket");
		report_later(d);
	} else {
		fail_connect(d, ERR_CONNECT);
	}
}

static void attempt_ready(struct watch *w, short revents)
{
	struct attempt *a = w->owner;
	struct dial *d = a->dial;
	int number = 0, fd = w->fd;
	socklen_t len = sizeof(number);

	(void)revents;   /* it has no deadline of its own */
	if (d->over)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0)
		number = errno;
	loop_remove(d->loop, w);
	w->fd = -1;
	if (number) {
		close(fd);
		note_end(a, TRY_FAILED, number);
		go_on(d);
		return;
	}
	note_end(a, TRY_CONNECTED, 0);
	d->winner = fd;
	d->trail.winner = (int)(a - d->attempts);
	report(d);
}

static void timer_ran(struct watch *w, short revents)
{
	struct dial *d = w->owner;
	bool late = d->deadline != LOOP_NEVER && clock_ms() >= d->deadline;
	char span[32];

	(void)revents;
	if (d->over) {
		report(d);
	} else if (late && d->resolve) {
		err_set(&d->err, ERR_NAME_AGAIN,
			"cannot find %s: the name servers did not answer within %s", d->shown,
			patience(d, span));
		report(d);
	} else if (late) {
		fail_connect(d, ERR_TIMEOUT);
		report(d);
	} else if (d->begun < d->found.count) {
		go_on(d);
	} else {
		set_timer(d);
	}
}

/* All addresses, before any is tried. */
static void begin_trail(struct dial *d)
{
	d->trail.way = d->found.way;
	d->trail.count = d->found.count;
	for (unsigned i = 0; i < d->found.count; i++) {
		const struct sockaddr_storage *a = &d->found.items[i];
		struct trail_try *t = &d->trail.tries[i];

		*t = (struct trail_try){ .family = a->ss_family, .ms = -1 };
		dial_address_text(a, t->address, sizeof(t->address));
		if (a->ss_family != AF_UNIX)
			t->port = address_port(a);
	}
}

static void resolved(void *context, const struct resolved *found, struct err *e)
{
	struct dial *d = context;

	d->trail.name_ms = (int64_t)(clock_ms() - d->began);
	if (found) {
		d->found = *found;
		resolve_free(&d->resolve);
		begin_trail(d);
		go_on(d);
		return;
	}
	/* cppcheck-suppress nullPointer ; there is an error where nothing was found */
	d->err = *e;
	if (d->source_len && e->kind == ERR_NAME)
		err_hint(&d->err, "source_address is %s, so that no other address of %s counts",
			d->source.ss_family == AF_INET ? "IPv4" : "IPv6", d->shown);
	report_later(d);
}

static struct dial *dial_new(struct loop *l, const struct net_settings *set, uint64_t deadline,
	dial_done *done, void *context)
{
	struct dial *d = mem_alloc(sizeof(*d));

	d->loop = l;
	d->set = set;
	d->deadline = deadline;
	d->began = clock_ms();
	text_clean_to(d->shown, sizeof(d->shown), set->host, strlen(set->host));
	d->done = done;
	d->context = context;
	d->winner = d->trail.winner = -1;
	d->trail.way = WAY_SERVICE;   /* where none is found it has been asked */
	d->trail.name_ms = -1;
	d->timer = (struct watch){ .fd = -1, .deadline = deadline, .run = timer_ran, .owner = d };
	loop_add(l, &d->timer);
	return d;
}

/* A socket in the file system is its own address. */
static void use_path(struct dial *d)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct resolved found = { .way = WAY_PATH, .count = 1, .lengths = { sizeof(a) } };
	size_t len = strlen(d->set->host);
	struct err e = { 0 };

	if (len >= sizeof(a.sun_path)) {
		err_set(&e, ERR_CONFIG, "cannot connect to %s: the path of a socket has at most %zu "
			"octets", d->shown, sizeof(a.sun_path) - 1);
		resolved(d, NULL, &e);
		return;
	}
	memcpy(a.sun_path, d->set->host, len);
	memcpy(&found.items[0], &a, sizeof(a));
	resolved(d, &found, NULL);
}

/* Only its own family can be connected to. */
static int take_source(struct dial *d, int *family)
{
	struct err e = { 0 };

	d->source_len = name_address(d->set->source, &d->source);
	if (d->source_len) {
		*family = d->source.ss_family == AF_INET ? NET_IPV4 : NET_IPV6;
		return 0;
	}
	err_set(&e, ERR_CONFIG, "source_address is no address");
	resolved(d, NULL, &e);
	return -1;
}

struct dial *dial_start(struct loop *l, const struct net_settings *set, uint64_t deadline,
	dial_done *done, void *context)
{
	struct dial *d = dial_new(l, set, deadline, done, context);
	int family = set->family;
	unsigned port = set->port > 0 && set->port <= 65535 ? (unsigned)set->port : 0;

	if (is_path(set->host)) {
		use_path(d);
		return d;
	}
	if (set->source && take_source(d, &family) < 0)
		return d;
	d->resolve = resolve_start(l, set->host, port, family, resolved, d);
	return d;
}

struct dial *dial_start_at(struct loop *l, const struct net_settings *set,
	const struct resolved *found, uint64_t deadline, dial_done *done, void *context)
{
	struct dial *d = dial_new(l, set, deadline, done, context);

	resolved(d, found, NULL);
	return d;
}

const struct dial_trail *dial_trail(const struct dial *d)
{
	return &d->trail;
}

void dial_free(struct dial **dp)
{
	struct dial *d = *dp;

	if (!d)
		return;
	stop_all(d, TRY_ABANDONED);
	if (d->winner >= 0)
		close(d->winner);
	free(d);
	*dp = NULL;
}
