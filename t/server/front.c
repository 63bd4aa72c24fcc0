/* t/server/front.c - see front.h. */
#include "t/server/front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "t/server/journal.h"
#include "t/server/mood.h"
#include "t/server/secure.h"

enum { EXIT_TROUBLE = 1, BACKLOG = 1024, STACK_OCTETS = 256 * 1024 };

static struct options *options;       /* borrowed */
static front_session *session;
static atomic_uint open_connections;

static int complain(const char *what)
{
	fprintf(stderr, "t/%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	return -1;
}

static int listen_on(struct sockaddr *address, socklen_t len)
{
	int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return complain("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (options->buffer) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options->buffer, sizeof(options->buffer));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options->buffer, sizeof(options->buffer));
	}
	if (bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0) {
		complain(options->listen);
		close(fd);
		return -1;
	}
	return fd;
}

/* The listening socket; *port becomes the port chosen, 0 for a path. */
static int listen_start(unsigned *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((in_port_t)*port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((in_port_t)*port) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(six);
	int fd;

	if (options->listen[0] == '/') {
		if (strlen(options->listen) >= sizeof(local.sun_path)) {
			errno = ENAMETOOLONG;
			return complain(options->listen);
		}
		memcpy(local.sun_path, options->listen, strlen(options->listen) + 1);
		unlink(options->listen);
		*port = 0;
		return listen_on((struct sockaddr *)&local, sizeof(local));
	}
	if (inet_pton(AF_INET, options->listen, &four.sin_addr) == 1)
		fd = listen_on((struct sockaddr *)&four, sizeof(four));
	else if (inet_pton(AF_INET6, options->listen, &six.sin6_addr) == 1)
		fd = listen_on((struct sockaddr *)&six, sizeof(six));
	else {
		errno = EINVAL;
		return complain(options->listen);
	}
	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&six, &len) == 0)
		*port = ntohs(six.sin6_port);   /* at the same place in both families */
	return fd;
}

/* Who waits for the file finds it whole. */
static int tell_ready(unsigned port)
{
	char *growing;
	FILE *f;
	int result = 0;

	if (!options->ready)
		return 0;
	growing = mem_printf("%s.tmp", options->ready);
	f = fopen(growing, "we");
	if (!f || fprintf(f, "%u\n", port) < 0 || fclose(f) || rename(growing, options->ready))
		result = complain(options->ready);
	free(growing);
	return result;
}

static void *serve(void *argument)
{
	struct wire *w = argument;
	unsigned counted = !w->refused;

	session(w);
	journal_say(w->number, "CLOSE", "%s, after %u flights", w->closed ? w->closed : "by us",
		w->flights);
	wire_release(w);
	free(w);
	atomic_fetch_sub(&open_connections, counted);
	return NULL;
}

/* A client that has just gone may not be counted off yet. */
static bool is_one_too_many(void)
{
	static const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	if (!options->limit_connections)
		return false;
	for (int i = 0; i < 20 && atomic_load(&open_connections) >= options->limit_connections; i++)
		nanosleep(&moment, NULL);
	return atomic_load(&open_connections) >= options->limit_connections;
}

static void accept_one(int listener, unsigned number)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct wire *w;
	unsigned open;
	pthread_attr_t attributes;
	pthread_t thread;

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));   /* no harm on a path */
	w = mem_alloc(sizeof(*w));
	wire_init(w, fd, number, options);
	w->mood = mood_now(options->mood);
	w->refused = is_one_too_many();
	open = atomic_fetch_add(&open_connections, !w->refused) + !w->refused;
	journal_say(number, "OPEN", "%u open", open);
	if (w->refused)
		journal_say(number, "REFUSED", "more than %u at once", options->limit_connections);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_OCTETS);
	if (pthread_create(&thread, &attributes, serve, w)) {
		journal_say(number, "FAULT", "no thread for it");
		atomic_fetch_sub(&open_connections, !w->refused);
		wire_release(w);
		free(w);
	}
	pthread_attr_destroy(&attributes);
}

/* Until a signal comes or the time is over. */
static void serve_all(int listener, int signals)
{
	uint64_t end = clock_ms() + (uint64_t)options->lifetime * 1000;
	unsigned number = 0;

	for (;;) {
		struct pollfd p[2] = { { .fd = listener, .events = POLLIN },
			{ .fd = signals, .events = POLLIN } };
		uint64_t now = clock_ms();

		if (now >= end) {
			journal_say(0, "CLOSE", "the lifetime is over");
			return;
		}
		if (poll(p, 2, (int)(end - now)) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			return;
		if (p[0].revents)
			accept_one(listener, ++number);
	}
}

int front_run(struct options *opt, front_session *run)
{
	sigset_t set;
	int listener, signals;

	options = opt;
	session = run;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (journal_open(opt->log) < 0) {
		complain("log");
		return EXIT_TROUBLE;
	}
	if (signals < 0 || secure_init(opt) < 0 || (listener = listen_start(&opt->port)) < 0)
		return EXIT_TROUBLE;
	if (tell_ready(opt->port) < 0)
		return EXIT_TROUBLE;
	serve_all(listener, signals);
	if (opt->listen[0] == '/')
		unlink(opt->listen);
	/* Threads may be in the middle of anything: nothing of theirs is torn down. */
	_exit(0);
}
