/* t/unit/cred_prompt.c - a password is asked for at a terminal, which is as it was
 * before on every way out.
 *
 * The test holds the other side of a pseudo-terminal.  On it stands a shell of the
 * simplest kind, a process that only puts a job into the foreground or the background
 * and tells what becomes of it; the job asks.
 */
#include "t/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "cred/prompt.h"

enum { PATIENCE_MS = 15000, PASTED_MOST = 20000 };

static const char question[] = "Password of anna: ";

static char self[PATH_MAX];

/* ---- the job */

__attribute__((format(printf, 2, 3)))
static void tell(int fd, const char *format, ...)
{
	struct buf line = BUF_INIT(64 * 1024);
	va_list args;

	va_start(args, format);
	buf_vprintf(&line, format, args);
	va_end(args);
	buf_add_char(&line, '\n');
	if (write(fd, line.data, line.len) < 0)
		_exit(98);
	buf_release(&line);
}

static void ask(int report, const char *asked, bool pasted)
{
	static const struct prompt_words address = { .what = "address", .instead = "do without",
		.longer = "see that it is one", .pasted = PASTED_MOST };
	struct secret s = { NULL, 0 };
	struct err e = { 0 };

	if ((pasted ? prompt_line(asked, &address, &s, &e) : prompt_secret(asked, &s, &e)) == 0)
		tell(report, "got %s", s.data);
	else
		tell(report, "%d %s %s%s", e.kind, e.cause ? e.cause : "-", e.text,
			s.data ? ", and a secret" : "");
	secret_wipe(&s);
}

struct job {
	const char *asked;         /* NULL: the usual question */
	bool background, catches, hurried, without_terminal;
	const char *pasted;        /* NULL: a password; else of an address: the kind of terminal */
};

static void be_job(const struct job *how, int report)
{
	if (how->hurried) {
		char number[16], library[PATH_MAX];

		snprintf(number, sizeof(number), "%d", report);
		snprintf(library, sizeof(library), "%s/t/hurry.so", getenv("B") ? getenv("B") : "build");
		setenv("LD_PRELOAD", library, 1);
		setenv("HURRY", "500", 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
		execl(self, self, number, (char *)NULL);
		_exit(97);
	}
	if (how->without_terminal)
		ioctl(open("/dev/tty", O_RDWR | O_CLOEXEC), TIOCNOTTY);
	if (how->catches)
		process_catch_signals();
	if (how->pasted)
		setenv("TERM", how->pasted, 1);
	ask(report, how->asked ? how->asked : question, how->pasted != NULL);
	if (how->catches)
		tell(report, "flag %d", process_stopped());
	_exit(0);
}

/* ---- the shell */

static void bring(int tty, pid_t group)
{
	if (tcsetpgrp(tty, group) < 0)
		_exit(96);
}

/* 'f': the job into the foreground, 'b': into the background, and on with it; 's': it is
 * stopped; 'k', 'h': TERM, HUP; 'r': how much of what was typed is left. */
static void obey(char command, int tty, pid_t job, int report)
{
	struct termios raw;
	int left = -1;

	if (command == 'f' || command == 'b') {
		bring(tty, command == 'f' ? job : getpgrp());
		kill(job, SIGCONT);
	} else if (command == 'r') {
		bring(tty, getpgrp());
		tcgetattr(tty, &raw);
		raw.c_lflag &= ~(tcflag_t)ICANON;
		tcsetattr(tty, TCSANOW, &raw);
		ioctl(tty, FIONREAD, &left);
		tell(report, "left %d", left);
	} else {
		kill(job, command == 's' ? SIGSTOP : command == 'k' ? SIGTERM : SIGHUP);
	}
}

static void be_shell(const char *name, const struct job *how, int commands, int report)
{
	int tty, status, go[2];
	pid_t job;
	char octet;

	setsid();
	tty = open(name, O_RDWR);
	signal(SIGTTOU, SIG_IGN);
	if (tty < 0 || ioctl(tty, TIOCSCTTY, 0) < 0 || pipe(go) < 0)
		_exit(95);
	job = fork();
	if (job == 0) {
		/* Whoever started the test may ignore some, as nohup does. */
		for (int number = 1; number < 32; number++)
			signal(number, SIG_DFL);
		setpgid(0, 0);
		if (read(go[0], &octet, 1) != 1)
			_exit(94);
		be_job(how, report);
	}
	setpgid(job, job);
	if (!how->background)
		bring(tty, job);
	if (write(go[1], "x", 1) != 1)
		_exit(93);
	for (bool alive = true;;) {
		struct pollfd p = { .fd = commands, .events = POLLIN };

		if (alive && waitpid(job, &status, WUNTRACED | WNOHANG) == job) {
			alive = WIFSTOPPED(status);
			tell(report, "%s %d", WIFSTOPPED(status) ? "stopped by" :
				WIFSIGNALED(status) ? "killed by" : "exit",
				WIFSTOPPED(status) ? WSTOPSIG(status) :
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		}
		if (poll(&p, 1, 5) == 1) {
			if (read(commands, &octet, 1) != 1)
				break;
			obey(octet, tty, job, report);
		}
	}
	kill(job, SIGKILL);
	_exit(0);
}

/* ---- this side */

struct rig {
	int master, slave, commands, report;
	pid_t shell;
	struct termios before;
	struct buf shown, told;
};

static void start(struct rig *r, const struct job *how, const char *typed_before, bool raw)
{
	int down[2], up[2];
	char name[64];

	*r = (struct rig){ .shown = BUF_INIT(0), .told = BUF_INIT(0) };
	r->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (r->master < 0 || grantpt(r->master) < 0 || unlockpt(r->master) < 0 || pipe(down) < 0 ||
			pipe(up) < 0)
		exit(92);
	snprintf(name, sizeof(name), "%s", ptsname(r->master));
	r->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(r->slave, &r->before);
	r->before.c_cc[VERASE] = 0x7f;   /* something that a default would not bring back */
	if (raw) {
		r->before.c_lflag &= ~(tcflag_t)(ICANON | ISIG);
		r->before.c_iflag &= ~(tcflag_t)ICRNL;
	}
	tcsetattr(r->slave, TCSANOW, &r->before);
	if (typed_before && write(r->master, typed_before, strlen(typed_before)) < 0)
		exit(91);
	fflush(stdout);
	r->shell = fork();
	if (r->shell == 0) {
		close(down[1]);
		close(up[0]);
		close(r->master);
		close(r->slave);
		be_shell(name, how, down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	r->commands = down[1];
	r->report = up[0];
}

static void stop(struct rig *r)
{
	close(r->commands);
	close(r->master);
	close(r->slave);
	waitpid(r->shell, NULL, 0);
	close(r->report);
	buf_release(&r->shown);
	buf_release(&r->told);
}

/* Reads both sides until one of them has that text so many times. */
static bool wait_text(struct rig *r, struct buf *where, const char *text, unsigned times)
{
	uint64_t end = clock_ms() + PATIENCE_MS;

	while (clock_ms() < end) {
		struct pollfd p[] = { { .fd = r->master, .events = POLLIN },
			{ .fd = r->report, .events = POLLIN } };
		unsigned found = 0;
		char data[4096];
		ssize_t n;

		for (const char *at = buf_text(where); (at = strstr(at, text)); at++)
			found++;
		if (found >= times)
			return true;
		poll(p, COUNT(p), 100);
		if (p[0].revents & POLLIN && (n = read(r->master, data, sizeof(data))) > 0)
			buf_add(&r->shown, data, (size_t)n);
		if (p[1].revents && (n = read(r->report, data, sizeof(data))) > 0)
			buf_add(&r->told, data, (size_t)n);
	}
	return false;
}

static bool asked(struct rig *r, unsigned times)
{
	return wait_text(r, &r->shown, question, times);
}

static bool told(struct rig *r, const char *line)
{
	bool good = wait_text(r, &r->told, line, 1);

	if (!good)
		printf("# wanted \"%s\", was told \"%s\"\n", line, buf_text(&r->told));
	return good;
}

static void type(struct rig *r, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(r->master, text, len);

		if (n <= 0)
			exit(90);
		text += n;
		len -= (size_t)n;
	}
}

static void command(struct rig *r, char what)
{
	if (write(r->commands, &what, 1) != 1)
		exit(89);
}

static bool echoes(const struct rig *r)
{
	struct termios now;

	return tcgetattr(r->slave, &now) == 0 && (now.c_lflag & ECHO);
}

static bool as_before(const struct rig *r)
{
	struct termios now;

	return tcgetattr(r->slave, &now) == 0 && now.c_iflag == r->before.c_iflag &&
		now.c_oflag == r->before.c_oflag && now.c_cflag == r->before.c_cflag &&
		now.c_lflag == r->before.c_lflag && !memcmp(now.c_cc, r->before.c_cc, sizeof(now.c_cc));
}

/* Nothing is on the screen but the question, so many times, each on a line of its own. */
static bool nothing_else(const struct rig *r, unsigned times)
{
	struct buf want = BUF_INIT(4096);
	const char *shown = buf_text(&r->shown);
	bool good;

	while (times--)
		buf_printf(&want, "%s\r\n", question);
	/* What the terminal itself shows of Ctrl-C while the echo is off is nothing. */
	good = !strcmp(shown, buf_text(&want));
	if (!good)
		printf("# shown: \"%s\"\n", shown);
	buf_release(&want);
	return good;
}

/* ---- answers */

static void test_answers(void)
{
	static const struct {
		const char *typed;
		size_t len;
		const char *want, *what;
	} rows[] = {
		{ "geheim\n", 7, "got geheim\n", "an answer" },
		{ "geheim\r", 7, "got geheim\n", "the key Enter" },
		{ " p \t\xc3\xbc;\n", 8, "got  p \t\xc3\xbc;\n", "blanks and octets stay" },
		{ "wrong\025right\n", 12, "got right\n", "Ctrl-U takes it back" },
		{ "righx\177t\n", 8, "got right\n", "and so does the key that erases" },
		{ "\n", 1, "no password was entered\n", "an empty answer" },
		{ "\004", 1, "no password was entered\n", "the end of input" },
		{ "abc\004\004", 5, "got abc\n", "the end of input behind an answer" },
		{ "a\0b\n", 4, "holds a NUL octet\n", "a NUL octet" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rig r;

		start(&r, &(struct job){ 0 }, NULL, false);
		check(asked(&r, 1), "D9 %s: the question is asked", rows[i].what);
		check(!echoes(&r), "... with the echo off");
		type(&r, rows[i].typed, rows[i].len);
		check(told(&r, rows[i].want) && told(&r, "exit 0\n"), "... %s", rows[i].what);
		check(as_before(&r), "... the terminal is as before");
		check(wait_text(&r, &r.shown, "\n", 1) && nothing_else(&r, 1),
			"... nothing of it was shown");
		stop(&r);
	}
}

static void test_long(size_t len, bool fits)
{
	struct rig r;
	char *text = mem_alloc(len + 1);
	struct buf want = BUF_INIT(64 * 1024);

	memset(text, 'x', len);
	text[len] = '\n';
	start(&r, &(struct job){ 0 }, NULL, false);
	check(asked(&r, 1), "an answer of %zu octets", len);
	type(&r, text, len + 1);
	if (fits)
		buf_printf(&want, "got %.*s\n", (int)len, text);
	else
		buf_add_text(&want, "longer than a line of a terminal can be");
	check(told(&r, buf_text(&want)), "... is %s", fits ? "taken" : "refused, not cut");
	check(told(&r, "exit 0") && as_before(&r) && nothing_else(&r, 1), "... and never shown");
	stop(&r);
	free(text);
	buf_release(&want);
}

static void test_terminals(void)
{
	struct rig r;

	start(&r, &(struct job){ 0 }, "early\n", false);
	check(asked(&r, 1), "something was typed before the question");
	type(&r, "late\n", 5);
	check(told(&r, "got late\n"), "... and is no answer to it");
	stop(&r);

	start(&r, &(struct job){ 0 }, NULL, true);
	check(asked(&r, 1) && !echoes(&r), "a terminal that somebody left raw");
	type(&r, "x\r", 2);
	check(told(&r, "got x\n") && told(&r, "exit 0"), "... serves");
	check(as_before(&r), "... and is left so");
	stop(&r);

	start(&r, &(struct job){ .asked = "\033[2Jx\n: " }, NULL, false);
	check(wait_text(&r, &r.shown, "\\x1b[2Jx\\x0a: ", 1), "E4 the question is cleaned");
	type(&r, "x\n", 2);
	check(told(&r, "got x\n"), "... and can be answered");
	stop(&r);

	start(&r, &(struct job){ .without_terminal = true }, NULL, false);
	check(told(&r, " no-terminal there is no terminal to ask for the password\n"),
		"without a terminal there is an error at once");
	check(told(&r, "exit 0") && as_before(&r) && !r.shown.len, "... and nothing else");
	stop(&r);
}

/* ---- signals */

static void test_deaths(void)
{
	static const struct {
		const char *key;
		char command;
		int number;
		const char *what;
	} rows[] = {
		{ "\003", 0, SIGINT, "Ctrl-C" }, { "\034", 0, SIGQUIT, "Ctrl-\\" },
		{ NULL, 'k', SIGTERM, "SIGTERM" }, { NULL, 'h', SIGHUP, "SIGHUP" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rig r;
		char want[32];

		snprintf(want, sizeof(want), "killed by %d\n", rows[i].number);
		start(&r, &(struct job){ 0 }, NULL, false);
		check(asked(&r, 1) && !echoes(&r), "C7 %s while it asks", rows[i].what);
		type(&r, "half", 4);
		if (rows[i].key)
			type(&r, rows[i].key, 1);
		else
			command(&r, rows[i].command);
		check(told(&r, want), "... ends it by that signal");
		check(as_before(&r), "... with the terminal as before");
		check(nothing_else(&r, 1), "... and nothing was shown");
		command(&r, 'r');
		check(told(&r, "left 0\n"), "D9 half an answer is not left to the shell");
		stop(&r);
	}
}

static void test_caught(void)
{
	struct rig r;
	char want[64];

	snprintf(want, sizeof(want), "%d - told to stop while asking for the password\nflag %d\n",
		ERR_SIGNAL, SIGINT);
	start(&r, &(struct job){ .catches = true }, NULL, false);
	check(asked(&r, 1), "Ctrl-C where the flag is wanted");
	type(&r, "\003", 1);
	check(told(&r, want), "... sets it, and is told");
	check(told(&r, "exit 0") && as_before(&r), "... the terminal is as before");
	stop(&r);
}

/* Valgrind has no such thing as a process that stops itself. */
static bool can_stop(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		raise(SIGTSTP);
		_exit(0);
	}
	waitpid(pid, &status, WUNTRACED);
	if (!WIFSTOPPED(status))
		return false;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return true;
}

static void test_stopped(void)
{
	struct rig r;

	start(&r, &(struct job){ 0 }, NULL, false);
	check(asked(&r, 1), "Ctrl-Z while it asks");
	type(&r, "half\032", 5);
	check(told(&r, "stopped by "), "... stops it");
	check(as_before(&r), "... with the terminal as before");
	command(&r, 'f');
	check(asked(&r, 2) && !echoes(&r), "fg: it asks again, with the echo off");
	type(&r, "geheim\n", 7);
	check(told(&r, "got geheim\n") && told(&r, "exit 0"), "... and takes the answer");
	check(as_before(&r) && nothing_else(&r, 2), "... and nothing was shown");
	stop(&r);

}

static void test_stopped_outside(void)
{
	struct rig r;

	start(&r, &(struct job){ 0 }, NULL, false);
	check(asked(&r, 1), "stopped from outside");
	command(&r, 's');
	check(told(&r, "stopped by "), "... which nobody can see to");
	tcsetattr(r.slave, TCSANOW, &r.before);   /* as shells do */
	command(&r, 'f');
	check(asked(&r, 2) && !echoes(&r), "... and it asks again, with the echo off");
	type(&r, "geheim\n", 7);
	check(told(&r, "got geheim\n") && told(&r, "exit 0") && as_before(&r),
		"... and takes the answer");
	stop(&r);
}

/* ---- an address, which is longer than a terminal's line */

#define MARKS_ON  "\033[?2004h"
#define MARKS_OFF "\033[?2004l"

static void begin_paste(struct rig *r, const char *kind, const char *what)
{
	start(r, &(struct job){ .pasted = kind }, NULL, false);
	check(asked(r, 1) && !echoes(r), "an address: %s", what);
}

/* As a terminal hands it over: in pieces, while the other side reads. */
static void paste(struct rig *r, size_t len, const char *before, const char *behind)
{
	char *text = mem_alloc(len + 1);

	memset(text, 'x', len);
	type(r, before, strlen(before));
	type(r, text, len);
	type(r, behind, strlen(behind));
	free(text);
}

static void end_paste(struct rig *r, const char *marks, const char *what)
{
	struct buf want = BUF_INIT(256);

	buf_printf(&want, "%s%s%s\r\n", question, marks, marks[0] ? MARKS_OFF : "");
	check(told(r, "exit 0\n") && as_before(r), "... %s: the terminal is as before", what);
	check(wait_text(r, &r->shown, "\r\n", 1), "... on a new line");
	check_text(buf_text(&r->shown), buf_text(&want), "... and nothing of it was shown");
	buf_release(&want);
	stop(r);
}

static void test_pasted(size_t len, const char *kind, const char *marks)
{
	bool fits = len <= PASTED_MOST;
	struct buf want = BUF_INIT(64 * 1024);
	struct rig r;

	begin_paste(&r, kind, fits ? "one that fits" : "one that is too long");
	paste(&r, len, marks[0] ? "\033[200~" : "", marks[0] ? "\033[201~\n" : "\n");
	if (fits) {
		buf_add_text(&want, "got ");
		for (size_t i = 0; i < len; i++)
			buf_add_char(&want, 'x');
		buf_add_char(&want, '\n');
	} else {
		buf_add_text(&want, "what was pasted is longer than any address (20000 octets)\n");
	}
	check(told(&r, buf_text(&want)), "... %zu octets", len);
	end_paste(&r, marks, kind);
	buf_release(&want);
}

static void test_pasted_keys(void)
{
	struct rig r;

	begin_paste(&r, "xterm", "typed and taken back");
	type(&r, "wrong\025righx\177t\n", 14);
	check(told(&r, "got right\n"), "... is what is left");
	end_paste(&r, MARKS_ON, "keys");
	begin_paste(&r, "xterm", "with line ends in it");
	paste(&r, 0, "\033[200~http://127.0.0.1/?a\n  &b\r\n", "\033[201~\n");
	check(told(&r, "got http://127.0.0.1/?a&b\n"), "... is one word");
	end_paste(&r, MARKS_ON, "line ends");
	begin_paste(&r, "xterm", "nothing");
	type(&r, "\n", 1);
	check(told(&r, "no address was entered\n"), "... is told");
	end_paste(&r, MARKS_ON, "nothing");
}

static void test_pasted_signals(void)
{
	struct rig r;

	begin_paste(&r, "xterm", "Ctrl-C");
	paste(&r, 5000, "\033[200~", "\003");
	check(told(&r, "killed by 2\n") && as_before(&r), "... ends it, with the terminal as before");
	check(wait_text(&r, &r.shown, MARKS_OFF "\r\n", 1), "... and without marks");
	command(&r, 'r');
	check(told(&r, "left 0\n"), "D9 half an address is not left to the shell");
	stop(&r);
	begin_paste(&r, "xterm", "SIGTERM");
	command(&r, 'k');
	check(told(&r, "killed by 15\n") && as_before(&r) &&
		wait_text(&r, &r.shown, MARKS_OFF "\r\n", 1), "... likewise");
	stop(&r);
}

static void test_pasted_stopped(void)
{
	struct rig r;

	begin_paste(&r, "xterm", "Ctrl-Z");
	type(&r, "half\032", 5);
	check(told(&r, "stopped by ") && as_before(&r), "... stops it, with the terminal as before");
	check(wait_text(&r, &r.shown, MARKS_OFF "\r\n", 1), "... and without marks");
	command(&r, 'f');
	check(asked(&r, 2) && wait_text(&r, &r.shown, MARKS_ON, 2) && !echoes(&r), "fg: it asks again");
	paste(&r, 10000, "\033[200~", "\033[201~\n");
	check(told(&r, "got xxxx") && told(&r, "exit 0\n") && as_before(&r), "... and takes the answer");
	check(!strstr(buf_text(&r.told), "half"), "... without what came before");
	stop(&r);
}

static const char words[] = "the password cannot be asked for in the background\n";

static void test_background(void)
{
	struct rig r;

	start(&r, &(struct job){ .background = true }, NULL, false);
	check(told(&r, words) && told(&r, "exit 0"), "in the background there is an error at once");
	check(as_before(&r) && !r.shown.len, "... and the terminal is left alone");
	stop(&r);
}

static void test_put_back(void)
{
	struct rig r;

	start(&r, &(struct job){ 0 }, NULL, false);
	check(asked(&r, 1), "Ctrl-Z, and bg");
	type(&r, "\032", 1);
	check(told(&r, "stopped by ") && as_before(&r), "... stops it");
	command(&r, 'b');
	check(told(&r, words) && told(&r, "exit 0"), "... and then it gives up");
	check(as_before(&r), "... with the terminal as before");
	stop(&r);
}

static void test_deadline(void)
{
	uint64_t began = clock_ms();
	struct rig r;

	start(&r, &(struct job){ .hurried = true }, NULL, false);
	check(asked(&r, 1) && !echoes(&r), "C1 nobody answers");
	type(&r, "half", 4);
	check(told(&r, "nobody entered the password within 5 minutes\n") && told(&r, "exit 0"),
		"... for 5 minutes");
	check(clock_ms() - began >= PROMPT_SECONDS * 1000 / 500, "... not before");
	check(as_before(&r) && nothing_else(&r, 1), "... the terminal is as before");
	command(&r, 'r');
	check(told(&r, "left 0\n"), "... and half an answer is gone");
	stop(&r);
}

int main(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc == 2) {
		ask((int)strtol(argv[1], NULL, 10), question, false);
		return 0;
	}
	if (n < 0)
		return 1;
	test_answers();
	test_long(4094, true);
	test_long(4095, false);
	test_long(6000, false);
	test_terminals();
	test_deaths();
	test_caught();
	test_stopped_outside();
	test_background();
	test_pasted(16384, "xterm", MARKS_ON);
	test_pasted(PASTED_MOST, "dumb", "");
	test_pasted(PASTED_MOST + 1, "xterm", MARKS_ON);
	test_pasted(3 * PASTED_MOST, "dumb", "");
	test_pasted_keys();
	test_pasted_signals();
	if (can_stop()) {
		test_stopped();
		test_put_back();
		test_pasted_stopped();
	} else {
		check(true, "skipped: Ctrl-Z, since nothing stops itself here");
	}
	test_deadline();
	return tap_done();
}
