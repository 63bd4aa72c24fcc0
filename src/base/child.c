/* base/child.c - commands and work beside us; see child.h.
 *
 * Commands start through posix_spawn(3), which tells whether the shell could be
 * run at all and copies no page tables.
 */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/terminal.h"

/* How long one that has closed its output may take to end. */
enum { GRACE_MS = 5000 };
/* How long one that spoke with us, each time that it is given. */
enum { QUIT_MS = 200 };

static bool is_hidden(const char *variable, const char *const *hidden, bool terminal)
{
	size_t len = strcspn(variable, "=");

	if (!terminal && !strncmp(variable, "GPG_TTY=", 8))
		return true;
	for (; hidden && *hidden; hidden++)
		if (strlen(*hidden) == len && !memcmp(variable, *hidden, len))
			return true;
	return false;
}

/* Whether one of `added` sets the same variable. */
static bool is_replaced(const char *variable, const char *const *added)
{
	size_t len = strcspn(variable, "=") + 1;

	for (; added && *added; added++)
		if (!strncmp(*added, variable, len))
			return true;
	return false;
}

static void free_environment(char **list)
{
	for (char **entry = list; *entry; entry++)
		free(*entry);
	free(list);
}

/* Own. */
static char **make_environment(const char *const *hidden, const char *const *added,
	bool terminal)
{
	size_t count = 0, kept = 0;
	char **list;

	while (environ && environ[count])
		count++;
	for (size_t i = 0; added && added[i]; i++)
		count++;
	list = mem_alloc((count + 1) * sizeof(*list));
	for (char **entry = environ; entry && *entry; entry++)
		if (!is_hidden(*entry, hidden, terminal) && !is_replaced(*entry, added))
			list[kept++] = mem_string(*entry);
	for (; added && *added; added++)
		list[kept++] = mem_string(*added);
	return list;
}

/* Only our end is non-blocking: 0, to read, or 1, to write. */
static int make_pipe(int ends[2], int ours, struct err *e)
{
	int number;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot make a pipe");
	if (fcntl(ends[ours], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	number = errno;
	close(ends[0]);
	close(ends[1]);
	return err_sys(e, ERR_SYSTEM, number, "cannot make a pipe");
}

/* systemd names the descriptor's device and number where it is the journal: systemd.exec(5). */
static bool is_journal(int fd)
{
	const char *stream = process_env("JOURNAL_STREAM");
	struct stat st;
	char name[64];

	if (!stream || fstat(fd, &st) < 0)
		return false;
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return !strcmp(stream, name);
}

static bool stderr_may_be_shared(void)
{
	return isatty(STDERR_FILENO) || is_journal(STDERR_FILENO);
}

/* What a command has as 0 to 2; in and err may be -1: as child.h says it. */
struct ends {
	int in, out, err;
	bool terminal;     /* it stays in our session, but in a group of its own */
};

static int prepare_ends(posix_spawn_file_actions_t *files, const struct ends *ends)
{
	int number = posix_spawn_file_actions_adddup2(files, ends->out, STDOUT_FILENO);

	if (!number && ends->in >= 0)
		number = posix_spawn_file_actions_adddup2(files, ends->in, STDIN_FILENO);
	else if (!number)
		number = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null",
			O_RDONLY, 0);
	if (!number && ends->err >= 0)
		number = posix_spawn_file_actions_adddup2(files, ends->err, STDERR_FILENO);
	else if (!number && !stderr_may_be_shared())
		number = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null",
			O_WRONLY, 0);
	if (!number)
		number = posix_spawn_file_actions_addclosefrom_np(files, 3);
	return number;
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how,
	const struct ends *ends)
{
	sigset_t all, none;
	int number;

	sigfillset(&all);
	sigemptyset(&none);
	number = posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
		(ends->terminal ? POSIX_SPAWN_SETPGROUP : POSIX_SPAWN_SETSID));
	if (!number)
		number = posix_spawnattr_setpgroup(how, 0);
	if (!number)
		number = posix_spawnattr_setsigdefault(how, &all);
	if (!number)
		number = posix_spawnattr_setsigmask(how, &none);
	return number ? number : prepare_ends(files, ends);
}

/* Returns an errno. */
static int spawn_shell(pid_t *pid, const char *command, const struct ends *ends,
	char **environment)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	char *text = mem_string(command);
	char *arguments[] = { shell, option, text, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	int number = posix_spawn_file_actions_init(&files);

	if (!number) {
		number = posix_spawnattr_init(&how);
		if (!number) {
			number = prepare(&files, &how, ends);
			if (!number)
				number = posix_spawn(pid, shell, &files, &how, arguments,
					environment);
			posix_spawnattr_destroy(&how);
		}
		posix_spawn_file_actions_destroy(&files);
	}
	free(text);
	return number;
}

/* in: what it has as its stdin; -1: /dev/null. */
static int start(struct child *c, const char *command, const char *const *hidden, int in,
	struct err *e)
{
	int ends[2], number;
	char **environment;
	pid_t pid = 0;

	*c = (struct child){ .pid = 0, .out = -1 };
	if (make_pipe(ends, 0, e) < 0)
		return -1;
	/* Nobody sits there who is not shown what we say. */
	c->terminal = isatty(STDERR_FILENO) ? terminal_open() : NULL;
	environment = make_environment(hidden, NULL, c->terminal != NULL);
	number = spawn_shell(&pid, command, &(struct ends){ in, ends[1], -1, c->terminal != NULL },
		environment);
	free_environment(environment);
	close(ends[1]);
	if (number) {
		close(ends[0]);
		terminal_take_back(&c->terminal, 0);
		return err_sys(e, ERR_SYSTEM, number, "cannot run /bin/sh");
	}
	c->pid = pid;
	c->out = ends[0];
	return 0;
}

int child_start(struct child *c, const char *command, const char *const *hidden, struct err *e)
{
	return start(c, command, hidden, -1, e);
}

int child_feed(struct child *c, int *in, const char *command, const char *const *hidden,
	struct err *e)
{
	int ends[2], result;

	*c = (struct child){ .pid = 0, .out = -1 };
	*in = -1;
	if (make_pipe(ends, 1, e) < 0)
		return -1;
	result = start(c, command, hidden, ends[0], e);
	close(ends[0]);
	if (result == 0)
		*in = ends[1];
	else
		close(ends[1]);
	return result;
}

bool child_lend_terminal(struct child *c)
{
	return c->terminal && terminal_lend(c->terminal, c->pid);
}

/* Only our end is non-blocking: commands do not expect it. */
static int make_socket(int ends[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot make a socket");
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int child_talk(struct child *c, int *words, const char *command, const char *const *hidden,
	struct err *e)
{
	int talk[2], err[2], number;
	char **environment;
	pid_t pid = 0;

	*c = (struct child){ .pid = 0, .out = -1 };
	*words = -1;
	if (make_pipe(err, 0, e) < 0)
		return -1;
	if (make_socket(talk, e) < 0) {
		close(err[0]);
		close(err[1]);
		return -1;
	}
	environment = make_environment(hidden, NULL, false);
	number = spawn_shell(&pid, command, &(struct ends){ talk[1], talk[1], err[1], false },
		environment);
	free_environment(environment);
	close(talk[1]);
	close(err[1]);
	if (number) {
		close(talk[0]);
		close(err[0]);
		return err_sys(e, ERR_SYSTEM, number, "cannot run /bin/sh");
	}
	*c = (struct child){ .pid = pid, .out = talk[0] };
	*words = err[0];
	return 0;
}

static void plain_signals(void)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < 32; number++)
		if (number != SIGPIPE && number != SIGXFSZ)
			sigaction(number, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_between(int below, int above)
{
	if (above - below > 1)
		close_range((unsigned)below + 1, (unsigned)above - 1, 0);
}

/* In the child.  Our sockets do not belong to it: one that it kept would stay
 * open after we have closed ours. */
static void run_work(int out, int kept, int (*work)(int, void *), void *context)
{
	int first = kept >= 0 && kept < out ? kept : out, last = kept > out ? kept : out;

	setpgid(0, 0);
	plain_signals();
	close_between(STDERR_FILENO, first);
	close_between(first, last);
	close_range((unsigned)last + 1, ~0U, 0);
	_exit(work(out, context));
}

int child_call(struct child *c, int (*work)(int out, void *context), void *context, int kept,
	struct err *e)
{
	int ends[2], number;
	pid_t pid;

	*c = (struct child){ .pid = 0, .out = -1 };
	if (make_pipe(ends, 0, e) < 0)
		return -1;
	pid = fork();
	number = errno;
	if (pid == 0)
		run_work(ends[1], kept, work, context);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_sys(e, ERR_SYSTEM, number, "cannot start a process");
	}
	setpgid(pid, pid);   /* whoever of us comes first */
	c->pid = pid;
	c->out = ends[0];
	return 0;
}

/* Returns the pid, 0 when it still runs (with WNOHANG), -1. */
static pid_t wait_for(pid_t pid, int *status, int flags)
{
	pid_t got;

	do
		got = waitpid(pid, status, flags);
	while (got < 0 && errno == EINTR);
	return got;
}

static pid_t wait_a_while(pid_t pid, int *status, uint64_t milliseconds)
{
	struct timespec pause = { 0, 1000000 };
	uint64_t until = clock_ms() + milliseconds;
	pid_t got;

	while ((got = wait_for(pid, status, WNOHANG)) == 0 && clock_ms() < until) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 64000000)
			pause.tv_nsec *= 2;
	}
	return got;
}

/* The last ones that could not be waited for: there is rarely a second. */
static pid_t spared[8];
static size_t spared_count;

static void keep_for_later(pid_t pid)
{
	spared[spared_count++ % COUNT(spared)] = pid;
}

int child_end(struct child *c, int kill_it)
{
	int status = 0;
	pid_t got = 0;

	if (c->out >= 0)
		close(c->out);
	c->out = -1;
	if (c->pid <= 0)
		return -1;
	if (!kill_it)
		got = wait_a_while(c->pid, &status, GRACE_MS);
	if (got == 0) {
		kill(-c->pid, SIGKILL);
		got = wait_a_while(c->pid, &status, GRACE_MS);
	}
	if (got == 0) {   /* the kernel holds it, in a driver or on a file system that is gone */
		keep_for_later(c->pid);
		got = -1;
	}
	c->pid = 0;
	terminal_take_back(&c->terminal, got < 0 ? -1 : status);
	return got < 0 ? -1 : status;
}

bool child_ended(const struct child *c, unsigned ms)
{
	struct timespec pause = { 0, 1000000 };
	uint64_t until = clock_ms() + ms;

	for (;;) {
		siginfo_t info = { 0 };
		int rc = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT);

		if (rc == 0 ? info.si_pid == c->pid : errno != EINTR)
			return true;
		if (clock_ms() >= until)
			return false;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 16000000)
			pause.tv_nsec *= 2;
	}
}

int child_quit(struct child *c)
{
	if (c->out >= 0)
		close(c->out);
	c->out = -1;
	if (c->pid > 0 && !child_ended(c, QUIT_MS)) {
		kill(-c->pid, SIGTERM);
		child_ended(c, QUIT_MS);
	}
	return child_end(c, 1);
}

void child_status_text(int status, char *out, size_t size)
{
	int code = WEXITSTATUS(status);

	if (WIFSIGNALED(status))
		snprintf(out, size, "ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "exit status %d%s", code, code == 127 ?
			" (a command was not found)" : code == 126 ?
			" (a command could not be executed)" : "");
}

/* ---- what nobody waits for */

/* Whoever reads our output to its end must not wait for it. */
static void let_go_of_output(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!stderr_may_be_shared())
		dup2(null, STDERR_FILENO);
	close(null);
}

void child_without_output(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(STDERR_FILENO, STDOUT_FILENO);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	close(null);
}

void child_stand_alone(void)
{
	static const int stops[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	struct sigaction ignored = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++)
		sigaction(stops[i], &ignored, NULL);
	let_go_of_output();
}

static void too_late(int number)
{
	_exit(number);
}

void child_end_within(unsigned seconds)
{
	signal(SIGALRM, too_late);
	alarm(seconds);
}

void child_spare(struct child *c)
{
	int status;

	if (c->out >= 0)
		close(c->out);
	c->out = -1;
	if (c->pid > 0 && wait_for(c->pid, &status, WNOHANG) == 0)
		keep_for_later(c->pid);
	c->pid = 0;
}

void child_await_spared(unsigned seconds)
{
	uint64_t until = clock_ms() + seconds * UINT64_C(1000);
	int status;

	for (size_t i = 0; i < COUNT(spared); i++) {
		uint64_t now = clock_ms();

		if (spared[i] > 0)
			wait_a_while(spared[i], &status, now < until ? until - now : 0);
		spared[i] = 0;
	}
}

static int watch_over(const char *command, char **environment, unsigned seconds)
{
	pid_t pid;
	int status;

	if (spawn_shell(&pid, command, &(struct ends){ -1, STDOUT_FILENO, -1, false }, environment) != 0)
		return 1;
	if (wait_a_while(pid, &status, seconds * 1000ULL) == 0) {
		kill(-pid, SIGKILL);
		wait_for(pid, &status, 0);
	}
	return 0;
}

/* In the child, and then in its own: returns the exit status of either.
 * Descriptors go before the second fork: a lock must not be held by a process
 * that nobody waits for. */
static int leave(const char *command, char **environment, unsigned seconds)
{
	pid_t pid;

	setsid();
	plain_signals();
	close_range(3, ~0U, 0);
	let_go_of_output();
	pid = fork();
	if (pid == 0)
		return watch_over(command, environment, seconds);
	return pid < 0;
}

int child_leave(const char *command, const char *const *hidden, const char *const *added,
	unsigned seconds, struct err *e)
{
	char **environment = make_environment(hidden, added, false);
	int status = 0, number;
	pid_t pid = fork(), got;

	number = errno;
	if (pid == 0)
		status = leave(command, environment, seconds);
	free_environment(environment);
	if (pid == 0)
		_exit(status);
	if (pid < 0)
		return err_sys(e, ERR_SYSTEM, number, "cannot start a process");
	got = wait_for(pid, &status, 0);
	/* Where SIGCHLD is ignored nothing is known of it. */
	if (got > 0 && status != 0)
		return err_set(e, ERR_SYSTEM, "cannot start a process");
	return 0;
}
