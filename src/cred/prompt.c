/* cred/prompt.c - asking for a password; see prompt.h.
 *
 * The signals that could end or stop the process are blocked, and read from a descriptor
 * beside the terminal: there is no moment at which one of them finds the echo off.  Each is
 * raised again when the terminal is as it was.
 */
#include "cred/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/pasted.h"

/* What the kernel keeps of a line, its newline included, is 4096 octets: it drops what
 * comes behind, without a word. */
enum { LINE_MOST = 4094 };

#define MARKS_ON  "\033[?2004h"
#define MARKS_OFF "\033[?2004l"

struct prompt {
	const char *question;
	const struct prompt_words *words;
	int fd;                    /* the terminal, non-blocking: somebody may have stopped it */
	int signals;
	sigset_t mask;             /* as it was before */
	struct termios before;
	bool hidden;               /* the echo is off */
	bool marks;                /* the terminal was asked to mark what is pasted */
	struct pasted pasted;      /* own; where words->pasted */
	uint64_t end;              /* clock_ms() of the deadline */
	size_t len;
	char line[LINE_MOST + 2];  /* wiped */
};

static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };

/* ---- the terminal */

/* Another's terminal is not ours to change: the shell has done so already. */
static bool in_foreground(const struct prompt *p)
{
	return tcgetpgrp(p->fd) == getpgrp();
}

/* Where it would keep a line, it keeps 4095 octets of it; here it hands over all that comes. */
static void take_over(struct prompt *p, struct termios *t)
{
	t->c_lflag &= ~(tcflag_t)(ICANON | IEXTEN);
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
	pasted_release(&p->pasted);
	pasted_begin(&p->pasted, p->words->pasted);
	p->pasted.erase = (char)p->before.c_cc[VERASE];
	p->pasted.kill = (char)p->before.c_cc[VKILL];
	p->pasted.end = (char)p->before.c_cc[VEOF];
}

/* Those that know no such thing pass it over, or would show it. */
static bool knows_marks(void)
{
	const char *kind = process_env("TERM");

	return kind && *kind && strcmp(kind, "dumb") != 0;
}

static int hide(struct prompt *p, struct err *e)
{
	struct termios quiet = p->before;

	if (!in_foreground(p)) {
		err_set(e, ERR_SECRET, "the %s cannot be asked for in the background", p->words->what);
		return err_hint(e, "bring this to the foreground (fg), or %s", p->words->instead);
	}
	quiet.c_iflag |= ICRNL;
	quiet.c_lflag |= ICANON | ISIG;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (p->words->pasted)
		take_over(p, &quiet);
	if (tcsetattr(p->fd, TCSANOW, &quiet) < 0)
		return err_sys(e, ERR_SECRET, errno, "the terminal would show the %s",
			p->words->what);
	p->hidden = true;
	tcflush(p->fd, TCIFLUSH);   /* what was typed before, and shown */
	return 0;
}

/* What was typed of an answer that is not wanted any more must not go to the shell. */
static void show(struct prompt *p)
{
	if (p->hidden && in_foreground(p)) {
		tcflush(p->fd, TCIFLUSH);
		tcsetattr(p->fd, TCSANOW, &p->before);
		if (write(p->fd, p->marks ? MARKS_OFF "\n" : "\n", p->marks ? sizeof(MARKS_OFF) : 1) < 0)
			errno = 0;   /* it is for the eye alone */
	}
	p->hidden = p->marks = false;
	pasted_release(&p->pasted);
	explicit_bzero(p->line, sizeof(p->line));
	p->len = 0;
}

/* ---- signals */

static void release_signals(const struct prompt *p)
{
	sigprocmask(SIG_SETMASK, &p->mask, NULL);
}

static void hold_signals(struct prompt *p, sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < COUNT(held); i++)
		sigaddset(set, held[i]);
	sigprocmask(SIG_BLOCK, set, &p->mask);
}

/* Has it act now.  Comes back from those that do not end the process. */
static void let_act(struct prompt *p, int number)
{
	sigset_t set;

	show(p);
	release_signals(p);
	raise(number);
	hold_signals(p, &set);
}

/* ---- waiting */

enum news { NEWS_READY, NEWS_AGAIN, NEWS_NONE };   /* NEWS_NONE: *e is set */

static enum news on_signal(struct prompt *p, struct err *e)
{
	struct signalfd_siginfo info;

	if (read(p->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return NEWS_AGAIN;
	if (info.ssi_signo == SIGCONT)
		return NEWS_AGAIN;
	let_act(p, (int)info.ssi_signo);
	if (info.ssi_signo == SIGTSTP)
		return NEWS_AGAIN;
	err_set(e, ERR_SIGNAL, "told to stop while asking for the %s", p->words->what);
	return NEWS_NONE;
}

/* Until the terminal can be read, or written to. */
static enum news wait_for(struct prompt *p, short events, struct err *e)
{
	for (uint64_t now = clock_ms(); now < p->end; now = clock_ms()) {
		struct pollfd fds[] = { { .fd = p->signals, .events = POLLIN },
			{ .fd = p->fd, .events = events } };

		poll(fds, COUNT(fds), (int)(p->end - now));
		if (fds[0].revents)
			return on_signal(p, e);
		if (fds[1].revents)
			return NEWS_READY;
	}
	err_set(e, ERR_SECRET, "nobody entered the %s within %d minutes", p->words->what,
		PROMPT_SECONDS / 60);
	err_hint(e, "run it again, or %s", p->words->instead);
	return NEWS_NONE;
}

/* ---- question and answer */

static enum news ask(struct prompt *p, struct err *e)
{
	struct buf text = BUF_INIT(8 * TEXT_SHOWN_MAX);
	enum news news;

	text_clean(p->question, strlen(p->question), 2 * TEXT_SHOWN_MAX, &text);
	p->marks = p->words->pasted && knows_marks();
	if (p->marks)
		buf_add_text(&text, MARKS_ON);
	news = wait_for(p, POLLOUT, e);
	if (news == NEWS_READY && write(p->fd, buf_text(&text), text.len) < 0 && errno != EAGAIN) {
		err_sys(e, ERR_SECRET, errno, "the terminal cannot be written to");
		news = NEWS_NONE;
	}
	buf_release(&text);
	return news;
}

static enum news nothing(const struct prompt *p, struct err *e)
{
	err_set(e, ERR_SECRET, "no %s was entered", p->words->what);
	err_hint(e, "run it again, or %s", p->words->instead);
	return NEWS_NONE;
}

static enum news complete(const struct prompt *p, size_t len, struct err *e)
{
	if (!len)
		return nothing(p, e);
	if (len > LINE_MOST)
		err_set(e, ERR_SECRET, "what was entered is longer than a line of a terminal can be "
			"(%d octets)", LINE_MOST);
	else if (memchr(p->line, '\0', len))
		err_set(e, ERR_SECRET, "what was entered holds a NUL octet");
	else
		return NEWS_READY;
	if (len > LINE_MOST)
		err_hint(e, "%s", p->words->longer);
	else
		err_hint(e, "run it again, or %s", p->words->instead);
	return NEWS_NONE;
}

/* A piece of the answer; 0: the end of input; -1: *news says what came instead. */
static ssize_t read_piece(struct prompt *p, char *to, size_t size, enum news *news, struct err *e)
{
	ssize_t n = -1;

	do {
		*news = wait_for(p, POLLIN, e);
		if (*news != NEWS_READY)
			return -1;
		n = read(p->fd, to, size);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0) {
		err_sys(e, ERR_SECRET, errno, "the terminal cannot be read");
		*news = NEWS_NONE;
	}
	return n;
}

/* What comes behind the line is thrown away with what is left when the terminal is put back. */
static enum news answer_pasted(struct prompt *p, struct secret *out, struct err *e)
{
	const struct buf *word = &p->pasted.word;
	char piece[1024];
	enum news news;
	bool whole = false;

	while (!whole) {
		ssize_t n = read_piece(p, piece, sizeof(piece), &news, e);

		if (n < 0)
			return news;
		whole = n == 0 || pasted_take(&p->pasted, piece, (size_t)n);
		explicit_bzero(piece, sizeof(piece));
	}
	if (p->pasted.long_one) {
		err_set(e, ERR_SECRET, "what was pasted is longer than any %s (%zu octets)", p->words->what,
			p->words->pasted);
		err_hint(e, "%s", p->words->longer);
		return NEWS_NONE;
	}
	if (!word->len)
		return nothing(p, e);
	secret_set(out, word->data, word->len);
	return NEWS_READY;
}

static enum news answer_line(struct prompt *p, struct secret *out, struct err *e)
{
	const char *end = NULL;
	enum news news;
	ssize_t n = 1;

	while (!end && n > 0 && p->len < sizeof(p->line)) {
		n = read_piece(p, p->line + p->len, sizeof(p->line) - p->len, &news, e);
		if (n < 0)
			return news;
		end = memchr(p->line + p->len, '\n', (size_t)n);
		p->len += (size_t)n;
	}
	if (end)
		p->len = (size_t)(end - p->line);
	news = complete(p, p->len, e);
	if (news == NEWS_READY)
		secret_set(out, p->line, p->len);
	return news;
}

static int converse(struct prompt *p, struct secret *out, struct err *e)
{
	enum news news = NEWS_AGAIN;

	if (tcgetattr(p->fd, &p->before) < 0)
		return err_sys(e, ERR_SECRET, errno, "the terminal cannot be asked about its echo");
	while (news == NEWS_AGAIN) {
		if (hide(p, e) < 0)
			return -1;
		news = ask(p, e);
		if (news == NEWS_READY)
			news = p->words->pasted ? answer_pasted(p, out, e) : answer_line(p, out, e);
	}
	return news == NEWS_READY ? 0 : -1;
}

static int no_terminal(const struct prompt *p, struct err *e)
{
	err_set(e, ERR_SECRET, "there is no terminal to ask for the %s", p->words->what);
	err_hint(e, "%s", p->words->instead);
	return err_cause(e, "no-terminal");
}

int prompt_line(const char *question, const struct prompt_words *words, struct secret *out,
	struct err *e)
{
	struct prompt p = { .question = question, .words = words, .signals = -1,
		.end = clock_ms() + PROMPT_SECONDS * UINT64_C(1000) };
	sigset_t set;
	int r;

	process_hold_secret();
	secret_wipe(out);
	p.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (p.fd < 0)
		return no_terminal(&p, e);
	hold_signals(&p, &set);
	p.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p.signals < 0)
		r = err_sys(e, ERR_SYSTEM, errno, "signals cannot be waited for");
	else
		r = converse(&p, out, e);
	show(&p);
	release_signals(&p);
	close(p.signals);
	close(p.fd);
	return r;
}

int prompt_secret(const char *question, struct secret *out, struct err *e)
{
	static const struct prompt_words words = { .what = "password",
		.instead = "give password_command in the account, or SENDOFF_PASSWORD_FILE",
		.longer = "put it into a file and give password_file" };

	return prompt_line(question, &words, out, e);
}
