/* runner/role.c - running ourselves under another name; see role.h. */
#include "runner/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/process.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

enum { FIRST = 3, DIGITS = 12 };

/* What is of our own service, or of the descriptors that it gets. */
static const char *const own_variables[] = {
	"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC",
	"WATCHDOG_PID", NULL
};

/* No name of a secret: which variables hold one is known when some configuration says
 * so, and that may be later. */
static const char *const bare_variables[] = {
	"PATH", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES",
	"LC_NUMERIC", "LC_TIME",
#ifdef SANITIZED
	"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
#endif
	NULL
};

static bool is_among(const char *variable, const char *const *names)
{
	size_t len = strcspn(variable, "=");

	for (; *names; names++)
		if (strlen(*names) == len && !memcmp(variable, *names, len))
			return true;
	return false;
}

struct environment {
	char **list;             /* own array; the texts are environ's or those below */
	char pid[16 + DIGITS];   /* filled in by the child */
	char count[16 + DIGITS];
	char *names;             /* own */
};

static void make_environment(struct environment *n, bool bare,
	const struct role_descriptor *descriptors, size_t count)
{
	struct buf names = BUF_INIT(1024);
	size_t all = 0, kept = 0;

	while (environ && environ[all])
		all++;
	n->list = mem_alloc((all + 4 + PROCESS_PROXIES) * sizeof(*n->list));
	for (size_t i = 0; i < all; i++)
		if (!is_among(environ[i], own_variables) &&
		    (!bare || is_among(environ[i], bare_variables)))
			n->list[kept++] = environ[i];
	for (const char *const *one = process_proxy_variables(); !bare && *one; one++)
		n->list[kept++] = (char *)(uintptr_t)*one;
	buf_add_text(&names, "LISTEN_FDNAMES=");
	for (size_t i = 0; i < count; i++)
		buf_printf(&names, "%s%s", i ? ":" : "", descriptors[i].name);
	n->names = buf_take(&names);
	snprintf(n->count, sizeof(n->count), "LISTEN_FDS=%zu", count);
	if (count) {
		n->list[kept++] = n->pid;
		n->list[kept++] = n->count;
		n->list[kept++] = n->names;
	}
}

static void free_environment(struct environment *n)
{
	free(n->list);
	free(n->names);
}

/* In the child.  First out of each other's way, then into their places; all that
 * is not placed is close-on-exec.  Returns an errno. */
static int place(const struct role_descriptor *descriptors, size_t count, int *report)
{
	int away[ROLE_DESCRIPTORS_MAX];

	*report = fcntl(*report, F_DUPFD_CLOEXEC, FIRST + ROLE_DESCRIPTORS_MAX);
	if (*report < 0)
		return errno;
	for (size_t i = 0; i < count; i++) {
		away[i] = fcntl(descriptors[i].fd, F_DUPFD_CLOEXEC, FIRST + ROLE_DESCRIPTORS_MAX);
		if (away[i] < 0)
			return errno;
	}
	for (size_t i = 0; i < count; i++)
		if (dup2(away[i], FIRST + (int)i) < 0)
			return errno;
	return 0;
}

/* Returns an errno, if at all. */
static int become(const char *const *argv, struct environment *n,
	const struct role_descriptor *descriptors, size_t count, pid_t parent, int *report)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	char **arguments;
	size_t words = 0;
	sigset_t none;
	int number;

	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return errno;
	if (getppid() != parent)
		return ESRCH;
	number = place(descriptors, count, report);
	if (number)
		return number;
	for (int s = 1; s < 32; s++)
		sigaction(s, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(n->pid, sizeof(n->pid), "LISTEN_PID=%d", (int)getpid());
	while (argv[words])
		words++;
	arguments = mem_alloc((words + 1) * sizeof(*arguments));
	for (size_t i = 0; i < words; i++)
		arguments[i] = mem_string(argv[i]);
	execve("/proc/self/exe", arguments, n->list);
	return errno;
}

/* What the child could not do; 0: it has become the role. */
static int read_report(int fd)
{
	int number = 0;
	ssize_t n;

	do
		n = read(fd, &number, sizeof(number));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(number) ? number : 0;
}

int role_start(pid_t *pid, const char *const *argv, bool bare,
	const struct role_descriptor *descriptors, size_t count, struct err *e)
{
	struct environment n;
	const pid_t parent = getpid();
	int ends[2], number, status;

	if (count > ROLE_DESCRIPTORS_MAX)
		return err_set(e, ERR_INTERNAL, "too many descriptors for %s", argv[0]);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot start %s", argv[0]);
	make_environment(&n, bare, descriptors, count);
	*pid = fork();
	number = errno;
	if (*pid == 0) {
		number = become(argv, &n, descriptors, count, parent, &ends[1]);
		_exit(write(ends[1], &number, sizeof(number)) < 0);
	}
	close(ends[1]);
	if (*pid > 0)
		number = read_report(ends[0]);
	close(ends[0]);
	free_environment(&n);
	if (*pid > 0 && number)
		waitpid(*pid, &status, 0);
	return *pid > 0 && !number ? 0 : err_sys(e, ERR_SYSTEM, number, "cannot start %s", argv[0]);
}

bool role_ended(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		*status = 0;   /* there is no such child (any more) */
	return got != 0;
}
