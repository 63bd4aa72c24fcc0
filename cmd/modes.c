/* cmd/modes.c - what sendmail does beside sending; see sendmail.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/queue.h"
#include "cmd/sendmail.h"
#include "deliver/cause.h"
#include "runner/runner.h"

enum { READY_MS = 90 * 1000 /* that the runner may take to begin */ };

/* ---- letters */

/* What stands behind -b, and which mode that is: some have several names. */
static const struct { const char *value; char letter; } known_modes[] = {
	{ "m", 'm' }, { "s", 's' }, { "p", 'p' }, { "i", 'i' }, { "v", 'v' },
	{ "d", 'd' }, { "D", 'D' }, { "t", 't' }, { "h", 'h' }, { "H", 'H' },
	/* Postfix's, and Exim's */
	{ "l", 'd' }, { "df", 'D' }, { "pa", 'p' }, { "pr", 'p' }, { "pu", 'p' }, { "pra", 'p' },
	{ "pru", 'p' }, { "vs", 'v' }, { "nq", 'm' }, { "S", 'S' }, { "V", 'V' },
	/* for rules of theirs */
	{ "e", 't' }, { "em", 't' }, { "f", 't' }, { "F", 't' }, { "fd", 't' }, { "fl", 't' },
	{ "fp", 't' }, { "fs", 't' }, { "mc", 't' }, { "mE", 't' }, { "P", 't' }, { "rt", 't' },
	{ "rw", 't' },
};

int modes_take_b(struct modes *m, const char *value, struct err *e)
{
	char shown[80];

	for (size_t i = 0; i < COUNT(known_modes); i++)
		if (!strcmp(known_modes[i].value, value)) {
			m->letter = known_modes[i].letter;
			m->value = known_modes[i].value;
			return 0;
		}
	text_clean_to(shown, sizeof(shown), value, strlen(value));
	err_set(e, ERR_USAGE, "unknown option '-b%s'", shown);
	return err_hint(e, "sendmail(8) lists what is accepted");
}

/* "30m", "1h30m"; a bare number is minutes, as elsewhere.  0: it is none. */
static long interval_of(const char *text)
{
	static const struct { char name; long ms; } units[] = {
		{ 's', 1000 }, { 'm', 60 * 1000 }, { 'h', 3600 * 1000 }, { 'd', 86400 * 1000 },
		{ 'w', 7 * 86400 * 1000L }
	};
	const long most = 366L * 86400 * 1000;
	long sum = 0;

	while (*text) {
		char *end;
		unsigned long n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
		long unit = 60 * 1000;

		if (!n || n > 1000000)
			return 0;
		for (size_t i = 0; i < COUNT(units); i++)
			if (*end == units[i].name)
				unit = units[i].ms;
		if (*end && !strchr("smhdw", *end))
			return 0;
		text = *end ? end + 1 : end;
		if ((long)n > (most - sum) / unit)
			return most;
		sum += (long)n * unit;
	}
	return sum;
}

int modes_take_q(struct modes *m, const char *value, struct err *e)
{
	char shown[80];

	if (value[0] == 'I' && value[1]) {
		m->run = true;
		m->only = value + 1;
	} else if (value[0] == 'p' || (value[0] >= '0' && value[0] <= '9')) {
		/* -qp: a process that stays; with no time of its own, as it likes. */
		m->interval = interval_of(value + (value[0] == 'p'));
		if (!m->interval && value[value[0] == 'p']) {
			text_clean_to(shown, sizeof(shown), value, strlen(value));
			err_set(e, ERR_USAGE, "'%s' is no time", shown);
			return err_hint(e, "as in -q30m or -q1h");
		}
		m->run |= !m->interval;
	} else {
		/* Which part of the queue, or which of several queues: we have one. */
		m->run = true;
	}
	return 0;
}

bool modes_other(const struct modes *m)
{
	return m->run || m->interval || (m->letter && m->letter != 'm');
}

/* ---- the runner */

static int watch(const struct modes *m, const struct globals *globals)
{
	struct watch_options o = { .config = globals->config, .interval = m->interval };
	struct err e = { 0 };

	return runner_watch(&o, &e) < 0 ? print_failure(&e) : 0;
}

/* Where the runner tells that it is ready, as it would tell a service manager: a
 * socket without a name in the file system.  -1: ERR_SYSTEM. */
static int listen_for_ready(struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address.sun_family);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;
	char name[sizeof(address.sun_path) + 1];

	/* The kernel chooses the name, and says who writes. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 || bind(fd, (const struct sockaddr *)&address, len) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "starting the runner");
	len = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "starting the runner");
	len -= (socklen_t)sizeof(address.sun_family);
	memcpy(name, address.sun_path, len);
	name[len] = '\0';
	name[0] = '@';
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

/* Whether it is the runner that says so: everybody can write there. */
static bool is_ready(int ready, pid_t runner)
{
	static const char word[] = "READY=1";
	union {
		struct cmsghdr aligned;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char text[512];
	struct iovec piece = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(ready, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n >= (ssize_t)strlen(word) ? CMSG_FIRSTHDR(&m) : NULL;
	struct ucred who;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	return who.pid == runner && !memcmp(text, word, strlen(word));
}

/* False: nothing more will come. */
static bool pass_on(int said)
{
	char piece[512];
	struct buf out = BUF_INIT(sizeof(piece));
	ssize_t n = read(said, piece, sizeof(piece));

	if (n <= 0)
		return false;
	buf_add(&out, piece, (size_t)n);
	print_err(&out);
	buf_release(&out);
	return true;
}

/* Passes on what the runner says until it is ready (1), has ended (0), or took too
 * long (-1). */
static int await_ready(int ready, int said, pid_t runner)
{
	struct pollfd p[] = { { .fd = ready, .events = POLLIN }, { .fd = said, .events = POLLIN } };
	const uint64_t end = clock_ms() + READY_MS;

	for (uint64_t now = clock_ms(); now < end; now = clock_ms()) {
		if (poll(p, 2, (int)(end - now)) < 0) {
			if (errno != EINTR)
				return 0;
			continue;
		}
		if (p[0].revents && is_ready(ready, runner))
			return 1;
		if (p[1].revents && !pass_on(said))
			return 0;
	}
	return -1;
}

static int give_up(pid_t runner)
{
	struct err e = { 0 };

	kill(runner, SIGKILL);
	waitpid(runner, NULL, 0);
	err_set(&e, ERR_RUNNER, "the runner was not ready within %d s, and was ended",
		READY_MS / 1000);
	err_hint(&e, "run `sendmail -bD` and see where it stops");
	return print_failure(&e);
}

static int background(const struct modes *m, const struct globals *globals)
{
	struct err e = { 0 };
	int ready = listen_for_ready(&e), said[2] = { -1, -1 }, status = 0, nothing, got;
	pid_t pid;

	if (ready < 0)
		return print_failure(&e);
	if (pipe2(said, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		err_sys(&e, ERR_SYSTEM, errno, "starting the runner");
		return print_failure(&e);
	}
	if (!pid) {
		nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
		setsid();
		dup2(nothing, STDIN_FILENO);
		dup2(nothing, STDOUT_FILENO);
		dup2(said[1], STDERR_FILENO);
		close(nothing);
		close(said[0]);
		close(said[1]);
		close(ready);
		_exit(watch(m, globals));
	}
	close(said[1]);
	got = await_ready(ready, said[0], pid);
	if (got)
		return got > 0 ? 0 : give_up(pid);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		return WEXITSTATUS(status);
	return cause_exit_of_kind(ERR_SYSTEM);
}

/* ---- which */

static int mailq(const struct globals *globals)
{
	struct queues q;
	struct err e = { 0 };
	int code = queues_open(&q, globals, &e) < 0 ? print_failure(&e) : queue_mailq(&q);

	queues_close(&q);
	return code;
}

/* Whoever calls may still be writing a message. */
static int refuse(const struct modes *m)
{
	struct err e = { 0 };

	submit_drain(STDIN_FILENO);
	err_set(&e, ERR_USAGE, m->letter == 't' ?
		"-b%s is for programs that route mail themselves; sendoff has no rules to be tested" :
		"-b%s is for programs that keep statistics of hosts; sendoff has none", m->value);
	err_hint(&e, m->letter == 't' ? "to see what becomes of an address: sendmail -bv ADDRESS" :
		"what waits, and why: mailq");
	return print_failure(&e);
}

int modes_run(const struct modes *m, struct globals *globals, char *const *words, size_t count)
{
	switch (m->letter) {
	case 'p':
		return mailq(globals);
	case 'i':
		return aliases_check(globals);
	case 'v':
		return aliases_verify(globals, words, count);
	case 'D':
		return watch(m, globals);
	case 't':
	case 'h':
	case 'H':
		return refuse(m);
	case 'V':
		return cmd_version(globals, NULL, 0);
	default:
		return m->letter == 'd' || m->interval ? background(m, globals) :
			queue_run(globals, m->only);
	}
}
