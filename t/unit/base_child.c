/* t/unit/base_child.c - commands and work beside us: what they inherit, how they end. */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"

/* Reads its stdout to the end, for ten seconds at most. */
static const char *output(struct child *c)
{
	static char text[4096];
	uint64_t until = clock_ms() + 10000;
	size_t len = 0;

	while (clock_ms() < until && len < sizeof(text) - 1) {
		struct pollfd p = { .fd = c->out, .events = POLLIN };
		ssize_t n;

		poll(&p, 1, 100);
		n = read(c->out, text + len, sizeof(text) - 1 - len);
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			break;
	}
	text[len] = '\0';
	return text;
}

static void command(const char *text, const char *want, int status, const char *what)
{
	struct child c;
	struct err e = { 0 };

	check_int(child_start(&c, text, NULL, &e), 0, "%s: starts", what);
	check_text(output(&c), want, "%s: output", what);
	check_int(child_end(&c, 0), status, "%s: status", what);
}

static void test_commands(void)
{
	command("echo hello; exit 3", "hello\n", 3 << 8, "plain");
	command("cat; echo end", "end\n", 0, "D9 stdin is empty");
	command("printf '%s' '$HOME `id`'", "$HOME `id`", 0, "nothing is substituted");
	command("kill -9 $$", "", 9, "killed");
	command("umask 077; trap - TERM; kill -TERM $$", "", 15, "SIGTERM is at its default");
	command("ls /proc/self/fd | wc -l", "4\n", 0, "no descriptor of ours");
}

static void test_signals(void)
{
	sigset_t all;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	/* 32 and 33 belong to the C library. */
	command("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t' | "
		"sed 's/18\\(0*\\)$/00\\1/' | tr '\\n' ' '",
		"SigBlk:0000000000000000 SigIgn:0000000000000000 ", 0, "C6 signals");
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

static void test_hidden(void)
{
	static const char *const hidden[] = { "TAP_SECRET", "TAP_OTHER", NULL };
	struct child c;
	struct err e = { 0 };

	setenv("TAP_SECRET", "s3cret", 1);
	setenv("TAP_SECRET_NOT", "shown", 1);
	setenv("TAP_OTHER", "x", 1);
	child_start(&c, "env | grep -E '^TAP_(SECRET|OTHER)'", hidden, &e);
	check_text(output(&c), "TAP_SECRET_NOT=shown\n", "D9 secrets are not handed on");
	child_end(&c, 0);
	check_text(getenv("TAP_SECRET"), "s3cret", "but still ours");
}

static void test_group(void)
{
	struct child c;
	struct err e = { 0 };
	uint64_t start = clock_ms();
	int in_pipe;

	child_start(&c, "sleep 30 & sleep 30 & echo up; wait", NULL, &e);
	check_int(getpgid(c.pid), c.pid, "a process group of its own");
	in_pipe = c.out;
	check(fcntl(in_pipe, F_GETFL) & O_NONBLOCK, "the pipe does not block");
	check(fcntl(in_pipe, F_GETFD) & FD_CLOEXEC, "and is not handed on");
	check_int(child_end(&c, 1), SIGKILL, "C1 is killed whole");
	check(clock_ms() - start < 5000, "C1 at once");
	check_int(c.pid, 0, "nothing left in the struct");
	check_int(child_end(&c, 1), -1, "ending twice does nothing");
	errno = 0;
	check(fcntl(in_pipe, F_GETFD) < 0 && errno == EBADF, "the pipe is closed");
}

static void test_lingering(void)
{
	struct child c;
	struct err e = { 0 };
	uint64_t start = clock_ms();

	child_start(&c, "exec >&-; exec sleep 60", NULL, &e);
	check_text(output(&c), "", "it closes its output and goes on");
	check_int(child_end(&c, 0), SIGKILL, "C1 and is not waited for");
	check(clock_ms() - start < 20000, "C1 for long");
}

static int work(int out, void *context)
{
	const char *text = context;

	if (write(out, text, strlen(text)) < 0)
		return 1;
	return fcntl(99, F_GETFD) < 0 ? 7 : 8;
}

/* Somebody else's code: whether our input and output are out of its reach. */
static int stranger(int out, void *context)
{
	struct stat one, two;
	char data;

	(void)out;
	(void)context;
	child_without_output();
	if (fstat(1, &one) < 0 || fstat(2, &two) < 0 || one.st_ino != two.st_ino ||
			one.st_dev != two.st_dev)
		return 1;
	return read(0, &data, 1) == 0 ? 0 : 2;
}

static int stay(int out, void *context)
{
	(void)out;
	(void)context;
	sleep(60);
	return 0;
}

static void test_calls(void)
{
	char text[] = "from work";
	struct child c = { .out = -1 };
	struct err e = { 0 };

	check_int(child_end(&c, 1), -1, "none started");
	dup2(1, 99);
	check_int(child_call(&c, work, text, -1, &e), 0, "work starts");
	check_text(output(&c), "from work", "writes its result");
	check_int(child_end(&c, 0), 7 << 8, "returns its status, has none of our descriptors");
	check_int(child_call(&c, work, text, 99, &e), 0, "work that is given one");
	check_text(output(&c), "from work", "writes its result");
	check_int(child_end(&c, 0), 8 << 8, "... and has it");
	close(99);
	check_int(child_call(&c, stranger, NULL, -1, &e), 0, "work that is somebody else's");
	check_int(child_end(&c, 0), 0, "reads nothing of ours, and writes where errors go");
	check_int(child_call(&c, stay, NULL, -1, &e), 0, "work that blocks");
	check_int(child_end(&c, 1), SIGKILL, "C1 is killed");
}

/* Whoever started us ignores SIGCHLD: the kernel reaps. */
static void test_ignored_sigchld(void)
{
	struct child c;
	struct err e = { 0 };

	signal(SIGCHLD, SIG_IGN);
	child_start(&c, "echo x", NULL, &e);
	check_text(output(&c), "x\n", "C6 output with SIGCHLD ignored");
	check_int(child_end(&c, 0), -1, "C6 no status to be had");
	signal(SIGCHLD, SIG_DFL);
}

static void test_no_descriptors(void)
{
	struct rlimit old, few;
	struct child c;
	struct err e = { 0 };

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	check_int(child_start(&c, "true", NULL, &e), -1, "C6 no descriptor left");
	check(e.kind == ERR_SYSTEM && e.sys_errno == EMFILE, "is an error: %s", e.text);
	check_int(child_end(&c, 0), -1, "and nothing to end");
	setrlimit(RLIMIT_NOFILE, &old);
}

/* What a command says goes to a terminal or to the journal, and to nobody else. */
static void says(const char *stream, const char *want, const char *what)
{
	int ends[2], kept = dup(STDERR_FILENO);
	char heard[64] = "", name[64];
	struct err e = { 0 };
	struct child c;
	struct stat st;

	check(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 && fstat(ends[1], &st) == 0, "a stderr");
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	dup2(ends[1], STDERR_FILENO);
	setenv("JOURNAL_STREAM", stream ? stream : name, 1);
	child_start(&c, "echo locked >&2; echo x", NULL, &e);
	output(&c);
	child_end(&c, 0);
	dup2(kept, STDERR_FILENO);
	close(kept);
	check(read(ends[0], heard, sizeof(heard) - 1) >= (want[0] ? 1 : -1), "%s", what);
	check_text(heard, want, "%s", what);
	unsetenv("JOURNAL_STREAM");
	close(ends[0]);
	close(ends[1]);
}

static void test_stderr(void)
{
	says(NULL, "locked\n", "the journal hears it");
	says("1:2", "", "what was the journal once does not");
	says("", "", "nor does a pipe");
}

static const char *text_of(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Text of a file once it ends in "end", waiting for ten seconds at most. */
static const char *written(const char *path)
{
	uint64_t until = clock_ms() + 10000;

	while (!strstr(text_of(path), "end\n") && clock_ms() < until)
		poll(NULL, 0, 10);
	return text_of(path);
}

static char fifo[64];

/* Named to the commands as $FIFO. */
static int open_fifo(int flags)
{
	snprintf(fifo, sizeof(fifo), "/tmp/sendoff-fifo-%d", (int)getpid());
	if (mkfifo(fifo, 0600) < 0)
		printf("# %s cannot be made\n", fifo);
	setenv("FIFO", fifo, 1);
	return open(fifo, flags | O_NONBLOCK | O_CLOEXEC);
}

static void close_fifo(int fd)
{
	close(fd);
	unlink(fifo);
	unsetenv("FIFO");
}

static void leave(const char *text, const char *const *added, unsigned seconds)
{
	static const char *const hidden[] = { "SECRET", NULL };
	struct err e = { 0 };

	check_int(child_leave(text, hidden, added, seconds, &e), 0, "left alone: %s", text);
}

/* The command cannot end before it is let go, by a FIFO: who waited for it would
 * find it killed. */
static void test_left_alone(void)
{
	static const char *const added[] = { "REASON=a b $(id) 'c", "SECRET=not hidden", NULL };
	char path[] = "/tmp/sendoff-child-XXXXXX";
	int lock = mkstemp(path), gate = open_fifo(O_RDWR);

	setenv("SECRET", "hidden", 1);
	setenv("REASON", "old", 1);
	setenv("OUT", path, 1);
	flock(lock, LOCK_EX);
	leave("read go <$FIFO; echo \"$REASON|$SECRET\" >$OUT; ls /proc/self/fd | wc -l >>$OUT; "
		"cat; echo lost; readlink /proc/self/fd/1 >&2; echo end >>$OUT", added, 5);
	check_text(text_of(path), "", "and it is not waited for");
	close(lock);
	lock = open(path, O_RDWR);
	check_int(flock(lock, LOCK_EX | LOCK_NB), 0, "a lock of ours is none of its");
	check(write(gate, "go\n", 3) == 3, "it may go on");
	check_text(written(path), "a b $(id) 'c|not hidden\n4\nend\n", "D9 what it is given");
	check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no child is left to us");
	close(lock);
	unsetenv("SECRET");
	unlink(path);
	close_fifo(gate);
}

/* Whoever of the group lives holds the FIFO open. */
static void test_left_too_long(void)
{
	int held = open_fifo(O_RDONLY);
	struct pollfd end = { .fd = held, .events = 0 };
	char text[100];
	ssize_t n;

	leave("exec >$FIFO; echo begun; sleep 60 & sleep 60", NULL, 1);
	check_int(poll(&end, 1, 30000), 1, "C1 behind its time the whole group is gone");
	n = read(held, text, sizeof(text));
	check(n == 6 && !memcmp(text, "begun\n", 6), "and it had begun");
	close_fifo(held);
}

static void test_left_with_ignored_sigchld(void)
{
	char path[] = "/tmp/sendoff-child-XXXXXX";

	close(mkstemp(path));
	setenv("OUT", path, 1);
	signal(SIGCHLD, SIG_IGN);
	leave("echo end >$OUT", NULL, 5);
	signal(SIGCHLD, SIG_DFL);
	check_text(written(path), "end\n", "C6 SIGCHLD ignored");
	unlink(path);
}

static void test_talk(void)
{
	static const char *const hidden[] = { "SECRET", NULL };
	struct child c;
	struct err e = { 0 };
	int words = -1;
	char text[64] = "";

	setenv("SECRET", "hidden", 1);
	check_int(child_talk(&c, &words, "read a; echo \"<$a$SECRET>\"; echo why >&2; ls /proc/self/fd | wc -l",
		hidden, &e), 0, "a talk begins");
	check(fcntl(c.out, F_GETFL) & O_NONBLOCK && fcntl(c.out, F_GETFD) & FD_CLOEXEC, "our end");
	check_int(write(c.out, "hello\n", 6), 6, "it is told something");
	check_text(output(&c), "<hello>\n4\n", "and answers, without secrets or descriptors of ours");
	check(child_ended(&c, 10000), "it ends");
	check_int(read(words, text, sizeof(text) - 1), 4, "its stderr is kept apart");
	check_text(text, "why\n", "and read");
	check_int(child_quit(&c), 0, "its status");
	close(words);
	unsetenv("SECRET");
}

/* Nothing of its group is left, whatever it thinks of being told.  It says when it is ready,
 * by its stderr, or by its end. */
static void quits(const char *text, bool ends, int status, const char *what)
{
	struct pollfd p = { .events = POLLIN };
	struct child c;
	struct err e = { 0 };
	int words = -1;
	pid_t group;

	check_int(child_talk(&c, &words, text, NULL, &e), 0, "%s: begins", what);
	group = c.pid;
	p.fd = words;
	check(ends ? child_ended(&c, 10000) : poll(&p, 1, 10000) == 1, "%s: ready", what);
	check_int(child_quit(&c), status, "%s: status", what);
	for (int i = 0; i < 200 && kill(-group, 0) == 0; i++)
		usleep(10000);
	check(kill(-group, 0) < 0 && errno == ESRCH, "%s: all of it is gone", what);
	close(words);
}

static void test_quit(void)
{
	char text[96];

	quits("exit 3", true, 3 << 8, "one that ends by itself");
	quits("echo ready >&2; exec sleep 60", false, SIGTERM, "one that has to be asked");
	quits("trap '' TERM; echo ready >&2; sleep 60 & sleep 60; sleep 60", false, SIGKILL,
		"one that will not hear");
	quits("sleep 60 & exit 0", true, 0, "one that leaves somebody behind");
	child_status_text(127 << 8, text, sizeof(text));
	check_text(text, "exit status 127 (a command was not found)", "a status in words");
	child_status_text(9, text, sizeof(text));
	check_text(text, "ended by signal 9 (Killed)", "a signal in words");
}

int main(void)
{
	test_commands();
	test_signals();
	test_hidden();
	test_group();
	test_lingering();
	test_calls();
	test_ignored_sigchld();
	test_no_descriptors();
	test_talk();
	test_quit();
	test_stderr();
	test_left_alone();
	test_left_too_long();
	test_left_with_ignored_sigchld();
	return tap_done();
}
