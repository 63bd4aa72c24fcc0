/* t/unit/runner_role.c - a role is this program under another name, with what it
 * is handed and nothing else.  And what the service manager is told. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "runner/notify.h"
#include "runner/role.h"

/* ---- the role: says by its exit code what it has found */

static int role(int argc, char **argv)
{
	int death = 0, pair, other, count = 0;
	char octet = 0;

	process_clean();
	pair = process_inherited("pair");
	other = process_inherited("other");
	for (int fd = 3; fd < 100; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	if (argc != 3 || strcmp(argv[1], "-C") != 0 || strcmp(argv[2], "a b") != 0)
		return 10;
	if (pair != 3 || other != 4 || process_inherited_count() != 2 || count != 2)
		return 11;
	if (getenv("NOTIFY_SOCKET") || getenv("SECRET_WORD") || getenv("LISTEN_PID"))
		return 12;
	if (!getenv("LC_TIME"))
		return 13;
	if (process_https_proxy() || process_no_proxy())
		return 17;
	if (prctl(PR_GET_PDEATHSIG, &death) < 0 || death != SIGTERM)
		return 14;
	if (getpgrp() != getpid())
		return 15;
	if (read(pair, &octet, 1) != 1 || octet != 'x' || write(pair, "y", 1) != 1)
		return 16;
	return 42;
}

/* ---- the test */

static int wait_for(pid_t pid)
{
	int status = -1;

	for (int i = 0; i < 500 && !role_ended(pid, &status); i++)
		poll(NULL, 0, 20);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static void test_role(void)
{
	static const char *const argv[] = { "role-of-test", "-C", "a b", NULL };
	int fds[2] = { -1, -1 }, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct role_descriptor handed[] = { { "pair", -1 }, { "other", null } };
	struct err e = { 0 };
	char octet = 0;
	pid_t pid = 0;

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "a pair");
	handed[0].fd = fds[1];
	setenv("SECRET_WORD", "1", 1);
	setenv("LC_TIME", "1", 1);
	setenv("NOTIFY_SOCKET", "/nonexistent", 1);
	setenv("LISTEN_PID", "1", 1);
	check_int(role_start(&pid, argv, true, handed, 2, &e), 0, "it starts: %s", e.text);
	close(fds[1]);
	check(write(fds[0], "x", 1) == 1, "a word to it");
	check_int(wait_for(pid), 42, "C6: it has what it was handed and nothing else");
	check(read(fds[0], &octet, 1) == 1 && octet == 'y', "and its answer");
	check_int(read(fds[0], &octet, 1), 0, "nobody else holds the other end");
	close(fds[0]);
	close(null);
}

/* The proxies that we were told of, though our own environment has them no more. */
static int role_of_deliver(void)
{
	process_clean();
	if (!process_https_proxy() || strcmp(process_https_proxy(), "http://proxy.test:3128") != 0)
		return 20;
	if (!process_no_proxy() || strcmp(process_no_proxy(), "localhost") != 0)
		return 21;
	return 43;
}

static void test_proxies(void)
{
	static const char *const argv[] = { "role-of-deliver", NULL };
	struct err e = { 0 };
	pid_t pid = 0;

	check(process_https_proxy() && !getenv("all_proxy"), "a proxy was named");
	check_int(role_start(&pid, argv, false, NULL, 0, &e), 0, "a role starts: %s", e.text);
	check_int(wait_for(pid), 43, "... and knows of it");
}

/* The wrong way round: each descriptor is where the other belongs. */
static void test_swapped(void)
{
	static const char *const argv[] = { "role-of-test", "-C", "a b", NULL };
	struct role_descriptor handed[] = { { "pair", 4 }, { "other", 3 } };
	struct err e = { 0 };
	int fds[2], here;
	pid_t pid = 0;

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "another pair");
	here = fcntl(fds[0], F_DUPFD_CLOEXEC, 30);
	fds[1] = fcntl(fds[1], F_DUPFD_CLOEXEC, 30);
	check(dup3(fds[1], 4, O_CLOEXEC) == 4, "it is the fourth");
	close(3);
	check(open("/dev/null", O_RDWR | O_CLOEXEC) == 3, "before it another");
	check_int(role_start(&pid, argv, true, handed, 2, &e), 0, "it starts: %s", e.text);
	check(write(here, "x", 1) == 1, "a word to it");
	check_int(wait_for(pid), 42, "each came to its place");
	close(3);
	close(4);
	close(fds[1]);
	close(here);
}

static void test_limits(void)
{
	static const char *const argv[] = { "role-of-test", NULL };
	struct role_descriptor handed[ROLE_DESCRIPTORS_MAX + 1] = { { NULL, 0 } };
	struct rlimit none = { 0, 0 }, old;
	struct err e = { 0 };
	pid_t pid;

	check(role_start(&pid, argv, false, handed, ROLE_DESCRIPTORS_MAX + 1, &e) == -1 &&
		e.kind == ERR_INTERNAL, "too many descriptors");
	getrlimit(RLIMIT_NOFILE, &old);
	none.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	check(role_start(&pid, argv, false, handed, 0, &e) == -1 && e.kind == ERR_SYSTEM,
		"no descriptors at all: %s", e.text);
	setrlimit(RLIMIT_NOFILE, &old);
}

static void test_notify(void)
{
	static const char name[] = "@sendoff-test-notify";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char abstract[64], text[200];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	snprintf(abstract, sizeof(abstract), "%s-%d", name, (int)getpid());
	memcpy(address.sun_path, abstract, strlen(abstract));
	address.sun_path[0] = '\0';
	check(!bind(fd, (struct sockaddr *)&address,
		(socklen_t)(sizeof(sa_family_t) + strlen(abstract))), "a manager");
	setenv("NOTIFY_SOCKET", abstract, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("WATCHDOG_PID", text, 1);
	check_int(notify_begin(), 15001, "half the time of the watchdog");
	check(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"),
		"our children are told nothing of it");
	notify_ready();
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	check(n == 7 && !memcmp(text, "READY=1", 7), "ready");
	notify_reloading();
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	check(n > 28 && !memcmp(text, "RELOADING=1\nMONOTONIC_USEC=", 27), "reloading, and when");
	notify_stopping();
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	check(n == 10 && !memcmp(text, "STOPPING=1", 10), "stopping");
	notify_alive();
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	check(n == 10 && !memcmp(text, "WATCHDOG=1", 10), "alive");
	setenv("NOTIFY_SOCKET", abstract, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	check_int(notify_begin(), 0, "a watchdog that is meant for another process");
	setenv("NOTIFY_SOCKET", "relative", 1);
	setenv("WATCHDOG_USEC", "1x", 1);
	check_int(notify_begin(), 0, "nonsense");
	notify_ready();
	check(recv(fd, text, sizeof(text), MSG_DONTWAIT) == -1, "tells nobody");
	check_int(notify_begin(), 0, "no manager");
	close(fd);
}

int main(int argc, char **argv)
{
	bool valgrind = under_valgrind();   /* the variable that tells goes in a moment */

	if (argc && !strcmp(argv[0], "role-of-test"))
		return role(argc, argv);
	if (argc && !strcmp(argv[0], "role-of-deliver"))
		return role_of_deliver();
	setenv("all_proxy", "http://proxy.test:3128", 1);
	setenv("NO_PROXY", "localhost", 1);
	process_clean();
	test_limits();
	test_notify();
	if (valgrind) {
		printf("# valgrind is what /proc/self/exe runs: no role is started\n");
		return tap_done();
	}
	test_role();
	test_proxies();
	test_swapped();
	return tap_done();
}
