/* t/unit/net_dial.c - connecting: order, failures, black holes, deadlines. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/dial.h"
#include "net/name.h"
#include "net/resolve.h"

struct outcome {
	struct loop loop;
	struct dial *dial;
	int called, fd;
	struct err err;
	struct dial_trail trail;   /* as it was when done() was called */
	uint32_t each_ms;          /* try all */
	bool free_inside;
};

static char host[] = "smtp.example.com";

static struct net_settings settings(void)
{
	return (struct net_settings){ .host = host, .port = 587 };
}

static void record(void *context, int fd, struct err *e)
{
	struct outcome *o = context;

	o->called++;
	o->fd = fd;
	if (fd < 0)
		o->err = *e;
	o->trail = *dial_trail(o->dial);
	if (o->free_inside)
		dial_free(&o->dial);
	loop_stop(&o->loop);
}

static void outcome_init(struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	loop_init(&o->loop);
}

static void outcome_release(struct outcome *o)
{
	dial_free(&o->dial);
	check_int(o->called, 1, "told once");
	loop_run(&o->loop);
	check(true, "nothing is left in the loop");
	loop_release(&o->loop);
	if (o->fd >= 0)
		close(o->fd);
}

/* A listening socket on a loopback address; *port is its port (0: any). */
static int listener(const char *address, int backlog, unsigned *port)
{
	struct sockaddr_storage a;
	socklen_t len = name_address(address, &a);
	struct sockaddr_in v4;
	int fd = socket(a.ss_family, SOCK_STREAM, 0), one = 1;

	memcpy(&v4, &a, sizeof(v4));   /* the port stands at the same place in both families */
	v4.sin_port = htons((uint16_t)*port);
	memcpy(&a, &v4, sizeof(v4));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, backlog) < 0 ||
			getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	memcpy(&v4, &a, sizeof(v4));
	*port = ntohs(v4.sin_port);
	return fd;
}

/* A port that nobody listens on. */
static unsigned closed_port(void)
{
	unsigned port = 0;
	int fd = listener("127.0.0.1", 1, &port);

	close(fd);
	return port;
}

static void add(struct resolved *list, const char *address, unsigned port)
{
	struct sockaddr_storage *a = &list->items[list->count];
	struct sockaddr_in v4;

	list->lengths[list->count] = name_address(address, a);
	memcpy(&v4, a, sizeof(v4));
	v4.sin_port = htons((uint16_t)port);
	memcpy(a, &v4, sizeof(v4));
	list->count++;
}

/* A listener whose queue is full drops what comes: the connect hangs. */
struct hole {
	int fd, fill[8];
	unsigned port;
};

static bool is_hanging(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 50) == 0;
}

static bool hole_open(struct hole *h, unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	h->port = port;
	h->fd = listener("127.0.0.1", 0, &h->port);
	a.sin_port = htons((uint16_t)h->port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < COUNT(h->fill); i++)
		h->fill[i] = -1;
	if (h->fd < 0)
		return false;
	for (size_t i = 0; i < COUNT(h->fill); i++) {
		h->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(h->fill[i], (struct sockaddr *)&a, sizeof(a)) < 0 &&
				errno == EINPROGRESS && is_hanging(h->fill[i]))
			return true;
	}
	return false;
}

static void hole_close(struct hole *h)
{
	for (size_t i = 0; i < COUNT(h->fill); i++)
		if (h->fill[i] >= 0)
			close(h->fill[i]);
	if (h->fd >= 0)
		close(h->fd);
}

static void run(struct outcome *o, const struct resolved *list, const struct net_settings *set,
	long deadline_ms)
{
	uint64_t deadline = deadline_ms ? clock_ms() + (uint64_t)deadline_ms : LOOP_NEVER;

	outcome_init(o);
	o->dial = dial_start_at(&o->loop, set, list, deadline, record, o);
	check_int(o->called, 0, "nothing is told before the loop runs");
	loop_run(&o->loop);
}

/* "127.0.0.1:25 failed 111, ::1:25 connected": a trail without its times, but with
 * WAY before it and the winner's number behind. */
static const char *trail_text(const struct dial_trail *t)
{
	static char text[2000];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s:", trail_way_name(t->way));

	for (unsigned i = 0; i < t->count && at < sizeof(text) - 100; i++) {
		const struct trail_try *one = &t->tries[i];

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s %s", i ? "," : "",
			one->address, trail_end_name(one->end));
		if (one->number)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %d", one->number);
	}
	snprintf(text + at, sizeof(text) - at, " -> %d", t->winner);
	return text;
}

static void test_connected(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;
	unsigned port = 0;
	int fd = listener("127.0.0.1", 5, &port), one = 0;
	socklen_t len = sizeof(one);
	char text[64];

	add(&list, "127.0.0.1", port);
	run(&o, &list, &set, 5000);
	check(o.fd >= 0, "a listener is reached");
	check(fcntl(o.fd, F_GETFL) & O_NONBLOCK, "non-blocking");
	check(fcntl(o.fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
	check(!getsockopt(o.fd, IPPROTO_TCP, TCP_NODELAY, &one, &len) && one, "TCP_NODELAY");
	dial_peer_text(o.fd, text, sizeof(text));
	check_text(text, "127.0.0.1", "the peer as text");
	dial_own_literal(o.fd, text, sizeof(text));
	check_text(text, "[127.0.0.1]", "the own address as a literal");
	outcome_release(&o);
	close(fd);

	port = 0;
	fd = listener("::1", 5, &port);
	if (fd < 0) {
		printf("# no IPv6 here\n");
		return;
	}
	list.count = 0;
	add(&list, "::1", port);
	run(&o, &list, &set, 5000);
	dial_peer_text(o.fd, text, sizeof(text));
	check_text(text, "::1", "an IPv6 peer as text");
	dial_own_literal(o.fd, text, sizeof(text));
	check_text(text, "[IPv6:::1]", "and as a literal");
	outcome_release(&o);
	close(fd);
}

static void test_refused_then_good(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;
	uint64_t began = clock_ms();
	unsigned port = 0, shut = closed_port();
	int fd = listener("127.0.0.1", 5, &port);

	for (int i = 0; i < 8; i++)
		add(&list, "127.0.0.1", shut);
	add(&list, "127.0.0.1", port);
	run(&o, &list, &set, 20000);
	check(o.fd >= 0, "the ninth address is reached");
	check(clock_ms() - began < 1500, "a failure moves on at once, without 250 ms each");
	outcome_release(&o);
	close(fd);
}

static void test_all_refused(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;
	char want[256];
	unsigned shut = closed_port();

	add(&list, "127.0.0.1", shut);
	add(&list, "127.0.0.2", shut);
	run(&o, &list, &set, 5000);
	check_int(o.fd, -1, "all refused: no socket");
	check_int(o.err.kind, ERR_CONNECT, "ERR_CONNECT");
	check_int(o.err.sys_errno, ECONNREFUSED, "with its errno");
	snprintf(want, sizeof(want), "cannot connect to smtp.example.com: 127.0.0.1 port %u: "
		"connection refused; 127.0.0.2 port %u: connection refused", shut, shut);
	check_text(o.err.text, want, "each address with its own reason");
	check_text(o.err.hint, "", "no hint about port 25");
	check_text(o.err.cause, "connect-refused", "its cause");
	outcome_release(&o);

	list.count = 0;
	while (list.count < RESOLVE_MOST)
		add(&list, "127.0.0.1", shut);
	run(&o, &list, &set, 5000);
	check(strlen(o.err.text) < sizeof(o.err.text) - 50, "32 reasons fit");
	check(strstr(o.err.text, "; and ") && strstr(o.err.text, " more"), "by counting the rest");
	outcome_release(&o);
}

/* Taken and thrown away before we have looked. */
static void test_reset(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct linger hard = { .l_onoff = 1 };
	struct outcome o;
	unsigned port = 0;
	int fd = listener("127.0.0.1", 1, &port), taken;

	add(&list, "127.0.0.1", port);
	outcome_init(&o);
	o.dial = dial_start_at(&o.loop, &set, &list, clock_ms() + 5000, record, &o);
	taken = accept(fd, NULL, NULL);
	setsockopt(taken, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(taken);
	loop_run(&o.loop);
	check_int(o.fd, -1, "a reset: no socket");
	check_int(o.err.kind, ERR_CONNECT, "ERR_CONNECT");
	check_text(o.err.cause, "connection-closed-at-once", "it was there, all the same");
	outcome_release(&o);
	close(fd);
}

static void test_black_hole(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;
	struct hole h;
	uint64_t began, took;
	char want[256];
	unsigned port = 0;
	int fd = listener("127.0.0.1", 5, &port);

	if (!hole_open(&h, 0)) {
		printf("# no way to make a connect hang here\n");
		hole_close(&h);
		close(fd);
		return;
	}
	add(&list, "127.0.0.1", h.port);
	add(&list, "127.0.0.1", port);
	began = clock_ms();
	run(&o, &list, &set, 10000);
	took = clock_ms() - began;
	check(o.fd >= 0, "RFC 8305: a black hole does not keep the next address away");
	check(took >= 250 && took < 8000, "which is tried 250 ms later (%llu ms)",
		(unsigned long long)took);
	outcome_release(&o);

	list.count = 1;
	began = clock_ms();
	run(&o, &list, &set, 400);
	took = clock_ms() - began;
	check(took >= 400 && took < 8000, "C1: the deadline ends a connect that hangs");
	check_int(o.err.kind, ERR_TIMEOUT, "ERR_TIMEOUT");
	check_text(o.err.cause, "connect-timeout", "its cause");
	snprintf(want, sizeof(want), "cannot connect to smtp.example.com within 400 ms: "
		"127.0.0.1 port %u: no answer", h.port);
	check_text(o.err.text, want, "and says which address did not answer");
	outcome_release(&o);

	list.count = 0;
	add(&list, "127.0.0.1", h.port);
	outcome_init(&o);
	o.dial = dial_start_at(&o.loop, &set, &list, clock_ms() + 5000, record, &o);
	dial_free(&o.dial);
	loop_run(&o.loop);
	check_int(o.called, 0, "cancelled: nothing is told");
	loop_release(&o.loop);
	hole_close(&h);
	close(fd);
}

static void test_trail(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;
	struct hole h;
	char want[200];
	unsigned port = 0, shut = closed_port();
	int fd = listener("127.0.0.1", 5, &port);

	add(&list, "127.0.0.2", shut);
	add(&list, "127.0.0.1", port);
	add(&list, "127.0.0.3", shut);
	run(&o, &list, &set, 5000);
	snprintf(want, sizeof(want), "given: 127.0.0.2 failed %d, 127.0.0.1 connected, "
		"127.0.0.3 not tried -> 1", ECONNREFUSED);
	check_text(trail_text(&o.trail), want, "the trail up to the winner, and what was left");
	check_int(o.trail.tries[0].port, shut, "with its port");
	check_int(o.trail.tries[0].family, AF_INET, "and family");
	check(o.trail.tries[0].ms >= 0 && o.trail.tries[0].ms < 1000, "and time");
	check_int(o.trail.tries[2].ms, -1, "which one that was not tried has not");
	outcome_release(&o);

	if (!hole_open(&h, 0)) {
		printf("# no way to make a connect hang here\n");
	} else {
		list.count = 0;
		add(&list, "127.0.0.1", h.port);
		add(&list, "127.0.0.1", port);
		run(&o, &list, &set, 5000);
		check_text(trail_text(&o.trail), "given: 127.0.0.1 abandoned, 127.0.0.1 connected -> 1",
			"a black hole is abandoned for the next one");
		check(o.trail.tries[0].ms >= 250, "after %lld ms", (long long)o.trail.tries[0].ms);
		outcome_release(&o);
		list.count = 1;
		run(&o, &list, &set, 300);
		check_text(trail_text(&o.trail), "given: 127.0.0.1 no answer -> -1",
			"also where nobody is reached");
		check(o.trail.tries[0].ms >= 200, "at the end of the time (%lld ms)",
			(long long)o.trail.tries[0].ms);
		outcome_release(&o);
	}
	hole_close(&h);
	close(fd);
}

static void test_port_25(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;
	struct hole h;

	if (!hole_open(&h, 25)) {
		printf("# port 25 is not ours to bind\n");
		hole_close(&h);
		return;
	}
	add(&list, "127.0.0.1", 25);
	run(&o, &list, &set, 150);
	check_text(o.err.hint, "many networks block port 25: try port = 587 or port = 465",
		"silence on port 25 has a well-known cause");
	check_text(o.err.cause, "port-25-blocked", "which has a name");
	outcome_release(&o);
	hole_close(&h);
}

static void test_free_inside(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct outcome o;

	add(&list, "127.0.0.1", closed_port());
	outcome_init(&o);
	o.free_inside = true;
	o.dial = dial_start_at(&o.loop, &set, &list, LOOP_NEVER, record, &o);
	loop_run(&o.loop);
	check(!o.dial && o.called == 1, "freed by the very function that is told");
	outcome_release(&o);
}

static void test_by_name(void)
{
	static char numeric[] = "[127.0.0.1]", silly[] = "no host", child[] = "127.1";
	struct net_settings set = settings();
	struct outcome o;
	unsigned port = 0;
	int fd = listener("127.0.0.1", 5, &port);

	set.host = numeric;
	set.port = (long)port;
	outcome_init(&o);
	o.dial = dial_start(&o.loop, &set, clock_ms() + 5000, record, &o);
	check_int(o.called, 0, "an address: nothing is told before the loop runs");
	loop_run(&o.loop);
	check(o.fd >= 0, "an address in brackets is reached");
	check_text(trail_text(&o.trail), "address: 127.0.0.1 connected -> 0", "no name was looked up");
	check(o.trail.name_ms >= 0 && o.trail.name_ms < 100, "in no time");
	outcome_release(&o);

	set.host = child;
	outcome_init(&o);
	o.dial = dial_start(&o.loop, &set, clock_ms() + 5000, record, &o);
	loop_run(&o.loop);
	check(o.fd >= 0, "a name that a child resolves is reached");
	check_text(trail_text(&o.trail), "name service: 127.0.0.1 connected -> 0",
		"by the name service");
	check(o.trail.name_ms >= 0, "which took a while");
	outcome_release(&o);

	outcome_init(&o);
	o.dial = dial_start(&o.loop, &set, clock_ms() + 5000, record, &o);
	dial_free(&o.dial);
	loop_run(&o.loop);
	check_int(o.called, 0, "cancelled while the name is looked up");
	loop_release(&o.loop);

	set.host = silly;
	outcome_init(&o);
	o.dial = dial_start(&o.loop, &set, LOOP_NEVER, record, &o);
	check_int(o.called, 0, "a bad name is not told from inside dial_start() either");
	loop_run(&o.loop);
	check_int(o.err.kind, ERR_NAME, "ERR_NAME: %s", o.err.text);
	check_int(o.trail.count, 0, "with no address in the trail");
	outcome_release(&o);
	close(fd);
}

static void test_limits(void)
{
	struct net_settings set = settings();
	struct resolved list = { .count = 0 };
	struct rlimit old, none;
	struct outcome o;

	add(&list, "127.0.0.1", closed_port());
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	run(&o, &list, &set, 5000);
	setrlimit(RLIMIT_NOFILE, &old);
	check_int(o.err.kind, ERR_SYSTEM, "C6: no descriptors left is this machine's fault: %s",
		o.err.text);
	outcome_release(&o);
}

static void test_texts(void)
{
	char text[64];
	int pair[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "a socket pair");
	dial_peer_text(pair[0], text, sizeof(text));
	check_text(text, "", "a peer without an address");
	dial_own_literal(pair[0], text, sizeof(text));
	check_text(text, "localhost", "is on this machine");
	close(pair[0]);
	close(pair[1]);
}

/* A directory for sockets; the path of one in it. */
static char directory[] = "/tmp/net_dial-XXXXXX";
static char path[sizeof(directory) + 8];

static int path_listener(int type, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	memcpy(a.sun_path, path, sizeof(path));
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
			(backlog >= 0 && listen(fd, backlog) < 0))
		return -1;
	return fd;
}

static void run_path(struct outcome *o, char *where)
{
	struct net_settings set = { .host = where, .port = 25, .family = NET_IPV6 };

	outcome_init(o);
	o->dial = dial_start(&o->loop, &set, clock_ms() + 5000, record, o);
	check_int(o->called, 0, "a path: nothing is told before the loop runs");
	loop_run(&o->loop);
}

static void check_path_fails(char *where, int number, const char *why)
{
	char want[400];
	struct outcome o;

	run_path(&o, where);
	snprintf(want, sizeof(want), "cannot connect to %s: %s", where, why);
	check_int(o.fd, -1, "a path: no socket");
	check_int(o.err.kind, ERR_CONNECT, "a path: ERR_CONNECT");
	check_int(o.err.sys_errno, number, "a path: with its errno");
	check_text(o.err.text, want, "a path: why");
	check_text(o.err.hint, "see that the service is running that listens on this socket, and "
		"that host is its path", "a path: port 25 is not spoken of");
	check_text(o.err.cause, "socket-not-served", "a path: its cause");
	outcome_release(&o);
}

static void test_path(void)
{
	char text[128], small[8];
	struct outcome o;
	int fd, near;

	check(!!mkdtemp(directory), "a directory");
	snprintf(path, sizeof(path), "%s/socket", directory);
	check_path_fails(path, ENOENT, "no such socket");
	fd = path_listener(SOCK_STREAM, 5);
	run_path(&o, path);
	check(o.fd >= 0, "a socket in the file system is reached");
	check_text(trail_text(&o.trail), "path:  connected -> 0", "which is one address");
	check_int(o.trail.tries[0].family, AF_UNIX, "of its own family");
	check(fcntl(o.fd, F_GETFL) & O_NONBLOCK, "non-blocking");
	check(fcntl(o.fd, F_GETFD) & FD_CLOEXEC, "close-on-exec");
	dial_peer_text(o.fd, text, sizeof(text));
	check_text(text, path, "the peer is its path");
	dial_peer_text(o.fd, small, sizeof(small));
	check(strlen(small) < sizeof(small), "cut where there is no room");
	dial_own_literal(o.fd, text, sizeof(text));
	check_text(text, "localhost", "EHLO localhost");
	near = accept(fd, NULL, NULL);
	dial_peer_text(near, text, sizeof(text));
	check_text(text, "", "the caller has no name");
	check_int(write(o.fd, "x", 1), 1, "octets go in");
	check_int(read(near, text, 1), 1, "and come out");
	close(near);
	outcome_release(&o);
	close(fd);
	check_path_fails(path, ECONNREFUSED, "nobody listens there");
}

static void test_path_troubles(void)
{
	enum { TOO_LONG = sizeof(((struct sockaddr_un *)0)->sun_path) };
	char long_path[TOO_LONG + 1] = "/", want[400];
	struct outcome o, waiting;
	bool root = !geteuid();
	int fd = path_listener(SOCK_STREAM, 0);

	run_path(&waiting, path);
	check(waiting.fd >= 0, "one may wait");
	check_path_fails(path, EAGAIN, "too many are waiting there already");
	outcome_release(&waiting);
	close(fd);
	fd = path_listener(SOCK_DGRAM, -1);
	check_path_fails(path, EPROTOTYPE, "it is no stream socket");
	close(fd);
	check_path_fails(directory, ECONNREFUSED, "nobody listens there");
	fd = path_listener(SOCK_STREAM, 5);
	chmod(path, 0);
	if (!root || !seteuid(65534))   /* root may go anywhere */
		check_path_fails(path, EACCES, "permission denied");
	if (root)
		check(!seteuid(0), "root again");
	close(fd);
	memset(long_path + 1, 'x', TOO_LONG - 1);
	run_path(&o, long_path);
	check_int(o.err.kind, ERR_CONFIG, "a path that no socket can have");
	snprintf(want, sizeof(want), "cannot connect to %s: the path of a socket has at most %d "
		"octets", long_path, TOO_LONG - 1);
	check_text(o.err.text, want, "is told as such");
	outcome_release(&o);
	long_path[TOO_LONG - 1] = '\0';
	check_path_fails(long_path, ENOENT, "no such socket");
	unlink(path);
	rmdir(directory);
}

int main(void)
{
	test_connected();
	test_refused_then_good();
	test_all_refused();
	test_reset();
	test_black_hole();
	test_trail();
	test_port_25();
	test_free_inside();
	test_by_name();
	test_limits();
	test_texts();
	test_path();
	test_path_troubles();
	return tap_done();
}
