/* cred/command.c - a command that prints a secret, or takes one; see command.h. */
#include "cred/command.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/confinement.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

enum {
	LINE_END    = 2,                /* octets: CR LF */
	PAUSE_FIRST = 1,                /* ms between looks whether the command has ended */
	PAUSE_MOST  = 50,
	NOT_EXECUTED = 126, NOT_FOUND = 127   /* what sh(1) ends with */
};

struct command_run {
	struct loop *loop;        /* borrowed */
	struct watch out;         /* the command's output */
	struct watch in;          /* its input; own descriptor; -1: none, or no more */
	struct watch look;        /* whether the command has ended */
	struct watch timer;       /* the deadline */
	uint64_t pause;           /* until the next look */
	struct child child;
	const char *key;          /* borrowed */
	char *command;            /* own */
	const struct buf *input;  /* borrowed; NULL */
	size_t given;             /* octets of it */
	command_done *done;
	void *context;
	size_t len, size;
	char *data;               /* own, of `size`; wiped; one more, to tell what is too long */
};

/* ---- why not */

/* The first place of PATH that has it. */
static char *find_program(const char *name, size_t len)
{
	const char *path = getenv("PATH");
	struct stat st;

	for (const char *at = path; at && *at;) {
		size_t size = strcspn(at, ":");
		char *one = size ? mem_printf("%.*s/%.*s", (int)size, at, (int)len, name) : NULL;

		if (one && stat(one, &st) == 0 && S_ISREG(st.st_mode))
			return one;
		free(one);
		at += size + (at[size] == ':');
	}
	return NULL;
}

char *command_program(const char *command)
{
	size_t skip = strspn(command, " \t"), len;
	const char *name = command + skip;

	len = strcspn(name, " \t;|&<>()$\"'\\*?[#~=%`{}");
	if (!len || len > PATH_MAX || (name[len] && !strchr(" \t;|&<>", name[len])))
		return NULL;
	if (memchr(name, '/', len))
		return name[0] == '/' ? mem_copy(name, len) : NULL;
	return find_program(name, len);
}

/* The shell was not let execute a program whose mode allows it.  Where there are several, none
 * can be blamed. */
static bool explain_refusal(const char *key, const char *command, struct err *e)
{
	bool simple = !command[strcspn(command, ";|&\n()`")];
	char *program = simple ? command_program(command) : NULL, shown[256];
	struct confinement c = { .status_known = false };
	struct buf blame = BUF_INIT(sizeof(e->hint));
	struct statvfs place;

	confinement_read("/proc/self", "", &c);
	if (!program || !confinement_is_policy(&c, program, X_OK)) {
		free(program);
		return false;
	}
	text_clean_to(shown, sizeof(shown), program, strlen(program));
	if (statvfs(program, &place) == 0 && place.f_flag & ST_NOEXEC) {
		err_set(e, ERR_SECRET, "%s: %s may not be executed: its file system "
			"is mounted noexec", key, shown);
		err_hint(e, "let it stand elsewhere, or call it as: sh %s", shown);
	} else {
		err_set(e, ERR_SECRET, "%s: blocked by security policy: %s may not be "
			"executed here", key, shown);
		confinement_blame(&c, &blame);
		err_hint(e, "%s", buf_text(&blame));
		err_cause(e, "password-command-blocked");
	}
	free(program);
	buf_release(&blame);
	return true;
}

/* What the command calls may be what was not allowed. */
static void suspect_policy(struct err *e)
{
	struct confinement c = { .status_known = false };
	char file[CONFINEMENT_NAME + 32];

	confinement_read("/proc/self", "", &c);
	if (c.policy == POLICY_APPARMOR && c.enforced)
		err_hint(e, "if it works by hand, this AppArmor profile forbids what it needs: see "
			"`journalctl -k | grep -i apparmor`, and allow it in %s",
			confinement_local_file(&c, file, sizeof(file)));
	else if (c.policy == POLICY_SELINUX && c.enforced)
		err_hint(e, "if it works by hand, SELinux forbids the domain %s what it needs: see "
			"`ausearch -m avc -ts recent`", c.domain);
}

/* Its own words went to stderr; nothing of its output is shown, ever. */
static void explain_status(const char *key, const char *command, int status, struct err *e)
{
	int code = WIFSIGNALED(status) ? 0 : WEXITSTATUS(status);
	char words[96];

	if (code != NOT_EXECUTED || !explain_refusal(key, command, e)) {
		child_status_text(status, words, sizeof(words));
		err_set(e, ERR_SECRET, "%s failed: %s", key, words);
		if (code == NOT_FOUND)
			err_hint(e, "write the command with its whole path: services have a shorter "
				"PATH than you");
		else if (code)
			suspect_policy(e);
	}
	if (!e->cause)
		err_cause(e, "password-command-failed");
}

enum life { GOES_ON, STOPPED, WANTS_TERMINAL, ENDED, FAILED, NOBODY_KNOWS };

/* ---- the end of it */

/* Returns the wait status, or -1. */
static int let_go(struct command_run *r, int kill_it)
{
	loop_remove(r->loop, &r->out);
	loop_remove(r->loop, &r->in);
	loop_remove(r->loop, &r->look);
	loop_remove(r->loop, &r->timer);
	if (r->in.fd >= 0)
		close(r->in.fd);
	r->in.fd = -1;
	return child_end(&r->child, kill_it);
}

static void fail(struct command_run *r, struct err *e)
{
	explicit_bzero(r->data, r->size);
	r->done(r->context, NULL, e);
}

/* -1 as status: not to be had; then the output has to do. */
static void finish(struct command_run *r)
{
	struct secret s = { NULL, 0 };
	struct err e = { 0 };
	int status = let_go(r, 0);

	if (status != -1 && (!WIFEXITED(status) || WEXITSTATUS(status))) {
		if (WIFSIGNALED(status) && process_stopped())
			err_set(&e, ERR_SIGNAL, "told to stop while %s was running", r->key);
		else
			explain_status(r->key, r->command, status, &e);
		fail(r, &e);
		return;
	}
	secret_set(&s, r->data, r->len);
	explicit_bzero(r->data, r->size);
	r->done(r->context, &s, &e);
}

static void too_late(struct watch *w, short revents)
{
	struct command_run *r = w->owner;
	struct err e = { 0 };

	(void)revents;
	let_go(r, 1);
	err_set(&e, ERR_SECRET, "%s did not end within %d s and was killed", r->key,
		SECRET_COMMAND_SECONDS);
	err_hint(&e, "it must not wait for an answer that nobody can give");
	err_cause(&e, "password-command-slow");
	fail(r, &e);
}

static void too_long(struct command_run *r)
{
	struct err e = { 0 };

	let_go(r, 1);
	err_set(&e, ERR_SECRET, "%s gives more than %zu octets", r->key, r->size - LINE_END - 1);
	err_cause(&e, "secret-unusable");
	fail(r, &e);
}

static void look_again(struct command_run *r)
{
	r->look.deadline = clock_ms() + r->pause;
	r->pause = r->pause * 2 < PAUSE_MOST ? r->pause * 2 : PAUSE_MOST;
}

/* What wants the terminal gets it, or waits until it is free; others nobody would let go on. */
static void was_stopped(struct command_run *r, enum life how)
{
	struct err e = { 0 };

	if (how == WANTS_TERMINAL && r->child.terminal) {
		child_lend_terminal(&r->child);
		look_again(r);
		return;
	}
	let_go(r, 1);
	err_set(&e, ERR_SECRET, "%s was stopped before its end, and was killed", r->key);
	err_hint(&e, "it must not ask at a terminal that it does not have: unlock the key or the "
		"agent before");
	err_cause(&e, "password-command-failed");
	fail(r, &e);
}

/* ---- while it runs */

/* Without waiting. */
static enum life look_at(pid_t pid)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) < 0)
		return errno == EINTR ? GOES_ON : NOBODY_KNOWS;
	if (info.si_pid != pid)
		return GOES_ON;
	if (info.si_code == CLD_STOPPED)
		return info.si_status == SIGTTIN || info.si_status == SIGTTOU ? WANTS_TERMINAL :
			STOPPED;
	return info.si_code == CLD_EXITED && !info.si_status ? ENDED : FAILED;
}

/* Takes what is there.  False: it is at its end. */
static bool take_output(struct command_run *r)
{
	ssize_t n;

	do {
		n = read(r->child.out, r->data + r->len, r->size - r->len);
		if (n > 0)
			r->len += (size_t)n;
	} while ((n > 0 && r->len < r->size) || (n < 0 && errno == EINTR));
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

/* Looks now and then whether the command has ended.  An agent that it started
 * may hold its output open for ever: what it wrote itself is there by then.  One that
 * ended well and wrote nothing may have left somebody who is to write, unless it was there to
 * take something. */
static void look(struct watch *w, short revents)
{
	struct command_run *r = w->owner;
	enum life life = look_at(r->child.pid);

	(void)revents;
	if ((life == ENDED || life == FAILED) && r->out.fd >= 0)
		take_output(r);
	if (r->len == r->size)
		too_long(r);
	else if (life == STOPPED || life == WANTS_TERMINAL)
		was_stopped(r, life);
	else if (life == FAILED || (life == ENDED && (r->len || r->input)) || (life != GOES_ON && r->out.fd < 0))
		finish(r);
	else
		look_again(r);
}

static void can_read(struct watch *w, short revents)
{
	struct command_run *r = w->owner;
	bool more = take_output(r);
	enum life life = more ? GOES_ON : look_at(r->child.pid);

	(void)revents;
	if (r->len == r->size) {
		too_long(r);
	} else if (life == ENDED || life == FAILED || life == NOBODY_KNOWS) {
		finish(r);
	} else if (!more) {
		/* It has closed its output but goes on: the status counts. */
		loop_remove(r->loop, w);
		w->fd = -1;
		r->pause = PAUSE_FIRST;
		look_again(r);
	}
}

/* What it does not read it tells by its status. */
static void can_write(struct watch *w, short revents)
{
	struct command_run *r = w->owner;
	ssize_t n = 0;

	(void)revents;
	while (r->given < r->input->len) {
		n = write(w->fd, r->input->data + r->given, r->input->len - r->given);
		if (n < 0 && errno != EINTR)
			break;
		r->given += n > 0 ? (size_t)n : 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	loop_remove(r->loop, w);
	close(w->fd);
	w->fd = -1;
}

static void watch_it(struct command_run *r)
{
	r->pause = PAUSE_FIRST;
	r->out = (struct watch){ .fd = r->child.out, .events = POLLIN, .run = can_read,
		.owner = r };
	r->look = (struct watch){ .fd = -1, .run = look, .owner = r };
	look_again(r);
	r->timer = (struct watch){ .fd = -1, .deadline = clock_ms() + SECRET_COMMAND_SECONDS * 1000,
		.run = too_late, .owner = r };
	loop_add(r->loop, &r->out);
	loop_add(r->loop, &r->look);
	loop_add(r->loop, &r->timer);
	if (r->in.fd >= 0)
		loop_add(r->loop, &r->in);
}

struct command_run *command_start(struct loop *l, const struct command_call *c, command_done *done,
	void *context)
{
	struct command_run *r = mem_alloc(sizeof(*r));
	struct err e = { 0 };

	r->in = (struct watch){ .fd = -1, .events = POLLOUT, .run = can_write, .owner = r };
	if ((c->input ? child_feed(&r->child, &r->in.fd, c->line, c->hidden, &e) :
			child_start(&r->child, c->line, c->hidden, &e)) < 0) {
		free(r);
		err_context(&e, "%s", c->key);
		done(context, NULL, &e);
		return NULL;
	}
	r->loop = l;
	r->key = c->key;
	r->command = mem_string(c->line);
	r->input = c->input;
	r->size = c->most + LINE_END + 1;
	r->data = mem_alloc(r->size);
	r->done = done;
	r->context = context;
	watch_it(r);
	return r;
}

void command_free(struct command_run **rp)
{
	struct command_run *r = *rp;

	if (!r)
		return;
	let_go(r, 1);
	free(r->command);
	explicit_bzero(r->data, r->size);
	free(r->data);
	free(r);
	*rp = NULL;
}
