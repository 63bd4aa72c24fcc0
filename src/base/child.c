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
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* How long one that has closed its output may take to end. */
enum { GRACE_MS = 5000 };

static bool is_hidden(const char *variable, const char *const *hidden)
{
	size_t len = strcspn(variable, "=");

	for (; hidden && *hidden; hidden++)
		if (strlen(*hidden) == len && !memcmp(variable, *hidden, len))
			return true;
	return false;
}

/* The caller frees the array, not what it points to. */
static char **environment_without(const char *const *hidden)
{
	size_t count = 0, kept = 0;
	char **list;

	while (environ && environ[count])
		count++;
	list = mem_alloc((count + 1) * sizeof(*list));
	for (size_t i = 0; i < count; i++)
		if (!is_hidden(environ[i], hidden))
			list[kept++] = environ[i];
	return list;
}

/* Only the reading end is non-blocking. */
static int make_pipe(int ends[2], struct err *e)
{
	int number;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, ERR_SYSTEM, errno, "cannot make a pipe");
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	number = errno;
	close(ends[0]);
	close(ends[1]);
	return err_sys(e, ERR_SYSTEM, number, "cannot make a pipe");
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how, int out)
{
	sigset_t all, none;
	int number;

	sigfillset(&all);
	sigemptyset(&none);
	number = posix_spawnattr_setflags(how,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (!number)
		number = posix_spawnattr_setpgroup(how, 0);
	if (!number)
		number = posix_spawnattr_setsigdefault(how, &all);
	if (!number)
		number = posix_spawnattr_setsigmask(how, &none);
	if (!number)
		number = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	if (!number)
		number = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null",
			O_RDONLY, 0);
	if (!number && !isatty(STDERR_FILENO))
		number = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null",
			O_WRONLY, 0);
	if (!number)
		number = posix_spawn_file_actions_addclosefrom_np(files, 3);
	return number;
}

/* Returns an errno. */
static int spawn_shell(pid_t *pid, const char *command, int out, const char *const *hidden)
{
	static char shell[] = "/bin/sh", option[] = "-c";
	char *text = mem_string(command);
	char *arguments[] = { shell, option, text, NULL };
	char **environment = environment_without(hidden);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	int number = posix_spawn_file_actions_init(&files);

	if (!number) {
		number = posix_spawnattr_init(&how);
		if (!number) {
			number = prepare(&files, &how, out);
			if (!number)
				number = posix_spawn(pid, shell, &files, &how, arguments,
					environment);
			posix_spawnattr_destroy(&how);
		}
		posix_spawn_file_actions_destroy(&files);
	}
	free(environment);
	free(text);
	return number;
}

int child_start(struct child *c, const char *command, const char *const *hidden, struct err *e)
{
	int ends[2], number;
	pid_t pid = 0;

	*c = (struct child){ .pid = 0, .out = -1 };
	if (make_pipe(ends, e) < 0)
		return -1;
	number = spawn_shell(&pid, command, ends[1], hidden);
	close(ends[1]);
	if (number) {
		close(ends[0]);
		return err_sys(e, ERR_SYSTEM, number, "cannot run /bin/sh");
	}
	c->pid = pid;
	c->out = ends[0];
	return 0;
}

/* In the child.  Our sockets do not belong to it: one that it kept would stay
 * open after we have closed ours. */
static void run_work(int out, int (*work)(int, void *), void *context)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t none;

	setpgid(0, 0);
	for (int number = 1; number < 32; number++)
		if (number != SIGPIPE && number != SIGXFSZ)
			sigaction(number, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (out > 3)
		close_range(3, (unsigned)out - 1, 0);
	close_range((unsigned)out + 1, ~0U, 0);
	_exit(work(out, context));
}

int child_call(struct child *c, int (*work)(int out, void *context), void *context, struct err *e)
{
	int ends[2], number;
	pid_t pid;

	*c = (struct child){ .pid = 0, .out = -1 };
	if (make_pipe(ends, e) < 0)
		return -1;
	pid = fork();
	number = errno;
	if (pid == 0)
		run_work(ends[1], work, context);
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

static pid_t wait_a_while(pid_t pid, int *status)
{
	struct timespec pause = { 0, 1000000 };
	uint64_t until = clock_ms() + GRACE_MS;
	pid_t got;

	while ((got = wait_for(pid, status, WNOHANG)) == 0 && clock_ms() < until) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 64000000)
			pause.tv_nsec *= 2;
	}
	return got;
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
		got = wait_a_while(c->pid, &status);
	if (got == 0) {
		kill(-c->pid, SIGKILL);
		got = wait_for(c->pid, &status, 0);
	}
	c->pid = 0;
	return got < 0 ? -1 : status;
}
