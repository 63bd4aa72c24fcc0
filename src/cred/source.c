/* cred/source.c - fetching a secret from where the user keeps it; see source.h.
 *
 * What is read lies in one place of fixed size until it is handed over, so that
 * no copy is left behind by a buffer that grew.
 */
#include "cred/source.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

enum {
	READ_MAX    = SECRET_MAX + 2,   /* with CR LF */
	PAUSE_FIRST = 1,                /* ms between looks whether the command has ended */
	PAUSE_MOST  = 50
};

const struct key secret_keys[] = {
	{ .name = "password", .type = KEY_SECRET,
		.offset = offsetof(struct secret_settings, password),
		.help = "the password itself; password_command is safer" },
	{ .name = "password_command", .type = KEY_TEXT,
		.offset = offsetof(struct secret_settings, command),
		.help = "command that prints the password" },
	{ .name = "password_file", .type = KEY_PATH,
		.offset = offsetof(struct secret_settings, file),
		.help = "file that holds the password and nothing else" },
	{ .name = "password_env", .type = KEY_WORD,
		.offset = offsetof(struct secret_settings, env),
		.help = "environment variable that holds the password" },
	{ .name = NULL }
};

struct secret_fetch {
	struct loop *loop;        /* borrowed */
	struct watch out;         /* the command's output */
	struct watch look;        /* whether the command has ended */
	struct watch timer;       /* the deadline */
	uint64_t pause;           /* until the next look */
	struct child child;
	secret_done *done;
	void *context;
	size_t len;
	char data[READ_MAX + 1];  /* wiped; one more, to tell what is too long */
};

static const char **hidden;   /* own, as its strings are; NULL-terminated */
static size_t hidden_count;

void secret_hide(const char *name)
{
	for (size_t i = 0; i < hidden_count; i++)
		if (!strcmp(hidden[i], name))
			return;
	hidden = mem_grow(hidden, hidden_count + 2, sizeof(*hidden));
	hidden[hidden_count++] = mem_string(name);
	hidden[hidden_count] = NULL;
}

const char *const *secret_hidden_variables(void)
{
	secret_hide("SENDOFF_PASSWORD");
	return hidden;
}

/* Names of the sources that are set; returns how many. */
static unsigned sources(const struct secret_settings *set, const char *names[4])
{
	unsigned count = 0;

	if (set->password.data)
		names[count++] = "password";
	if (set->command)
		names[count++] = "password_command";
	if (set->file)
		names[count++] = "password_file";
	if (set->env)
		names[count++] = "password_env";
	return count;
}

bool secret_configured(const struct secret_settings *set)
{
	const char *names[4];

	return set->asked || set->given.data || sources(set, names) > 0;
}

const char *secret_source(const struct secret_settings *set)
{
	const char *names[4] = { NULL };

	sources(set, names);
	return names[0];
}

int secret_settings_check(const struct secret_settings *set, struct err *e)
{
	const char *names[4];

	if (sources(set, names) > 1) {
		err_set(e, ERR_CONFIG, "%s and %s are both set", names[0], names[1]);
		return err_hint(e, "keep one of them: a password has one source");
	}
	if (set->env && (!set->env[0] || strchr(set->env, '=')))
		return err_set(e, ERR_CONFIG, "password_env is not the name of a variable");
	return 0;
}

/* Hands the secret over, or says why it will not do. */
static void hand_over(const char *source, struct secret *s, secret_done *done, void *context)
{
	struct err e = { 0 };

	secret_chomp(s);
	if (s->len > SECRET_MAX)
		err_set(&e, ERR_SECRET, "%s gives more than %d octets", source, SECRET_MAX);
	else if (!s->len)
		err_set(&e, ERR_SECRET, "%s gives nothing: the password is empty", source);
	else if (memchr(s->data, '\0', s->len))
		err_set(&e, ERR_SECRET, "%s gives a NUL octet, which no password has", source);
	if (e.kind) {
		err_cause(&e, s->len ? "secret-unusable" : "secret-empty");
		secret_wipe(s);
	}
	done(context, e.kind ? NULL : s, &e);
}

static void fetch_file(const char *path, secret_done *done, void *context)
{
	struct buf text = BUF_INIT(READ_MAX);
	struct secret s = { NULL, 0 };
	struct err e = { 0 };

	buf_reserve(&text, READ_MAX);   /* never grows, so leaves no copy */
	if (file_read(path, FILE_SECRET, &text, &e) == FILE_OK) {
		secret_set(&s, buf_text(&text), text.len);
		buf_wipe(&text);
		hand_over("password_file", &s, done, context);
	} else {
		buf_wipe(&text);
		if (e.kind == ERR_CONFIG)
			e.kind = ERR_SECRET;
		err_context(&e, "password_file");
		err_cause(&e, "password-file-unreadable");
		done(context, NULL, &e);
	}
}

static void fetch_env(const char *name, secret_done *done, void *context)
{
	const char *value = process_env(name);
	struct secret s = { NULL, 0 };
	struct err e = { 0 };
	char shown[128];

	secret_hide(name);
	if (value) {
		secret_set(&s, value, strnlen(value, READ_MAX + 1));
		hand_over("password_env", &s, done, context);
		return;
	}
	text_clean_to(shown, sizeof(shown), name, strlen(name));
	err_set(&e, ERR_SECRET, "password_env: the variable %s is not set", shown);
	err_cause(&e, "password-variable-unset");
	done(context, NULL, &e);
}

/* Returns the wait status, or -1. */
static int let_go(struct secret_fetch *f, int kill_it)
{
	loop_remove(f->loop, &f->out);
	loop_remove(f->loop, &f->look);
	loop_remove(f->loop, &f->timer);
	return child_end(&f->child, kill_it);
}

static void fail(struct secret_fetch *f, struct err *e)
{
	explicit_bzero(f->data, sizeof(f->data));
	f->done(f->context, NULL, e);
}

/* Its own words went to stderr; nothing of its output is shown, ever. */
static void explain_status(int status, struct err *e)
{
	char words[96];

	child_status_text(status, words, sizeof(words));
	err_set(e, ERR_SECRET, "password_command failed: %s", words);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		err_hint(e, "write the command with its whole path: services have a shorter PATH "
			"than you");
}

/* -1 as status: not to be had; then the output has to do. */
static void finish(struct secret_fetch *f)
{
	struct secret s = { NULL, 0 };
	struct err e = { 0 };
	int status = let_go(f, 0);

	if (status != -1 && (!WIFEXITED(status) || WEXITSTATUS(status))) {
		explain_status(status, &e);
		err_cause(&e, "password-command-failed");
		fail(f, &e);
		return;
	}
	secret_set(&s, f->data, f->len);
	explicit_bzero(f->data, sizeof(f->data));
	hand_over("password_command", &s, f->done, f->context);
}

enum life { GOES_ON, ENDED, NOBODY_KNOWS };

/* Without waiting. */
static enum life look_at(pid_t pid)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == EINTR ? GOES_ON : NOBODY_KNOWS;
	return info.si_pid == pid ? ENDED : GOES_ON;
}

static void too_late(struct watch *w, short revents)
{
	struct secret_fetch *f = w->owner;
	struct err e = { 0 };

	(void)revents;
	let_go(f, 1);
	err_set(&e, ERR_SECRET, "password_command did not end within %d s and was killed",
		SECRET_COMMAND_SECONDS);
	err_hint(&e, "it must not wait for an answer that nobody can give");
	err_cause(&e, "password-command-slow");
	fail(f, &e);
}

static void too_long(struct secret_fetch *f)
{
	struct err e = { 0 };

	let_go(f, 1);
	err_set(&e, ERR_SECRET, "password_command gives more than %d octets", SECRET_MAX);
	err_cause(&e, "secret-unusable");
	fail(f, &e);
}

/* Takes what is there.  False: it is at its end. */
static bool take_output(struct secret_fetch *f)
{
	ssize_t n;

	do {
		n = read(f->child.out, f->data + f->len, sizeof(f->data) - f->len);
		if (n > 0)
			f->len += (size_t)n;
	} while ((n > 0 && f->len <= READ_MAX) || (n < 0 && errno == EINTR));
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

static void look_again(struct secret_fetch *f)
{
	f->look.deadline = clock_ms() + f->pause;
	f->pause = f->pause * 2 < PAUSE_MOST ? f->pause * 2 : PAUSE_MOST;
}

/* Looks now and then whether the command has ended.  An agent that it started
 * may hold its output open for ever: what it wrote itself is there by then. */
static void look(struct watch *w, short revents)
{
	struct secret_fetch *f = w->owner;
	enum life life = look_at(f->child.pid);

	(void)revents;
	if (life == ENDED && f->out.fd >= 0)
		take_output(f);
	if (f->len > READ_MAX)
		too_long(f);
	else if (f->out.fd < 0 ? life != GOES_ON : life == ENDED && f->len)
		finish(f);
	else
		look_again(f);
}

static void can_read(struct watch *w, short revents)
{
	struct secret_fetch *f = w->owner;
	bool more = take_output(f);

	(void)revents;
	if (f->len > READ_MAX) {
		too_long(f);
	} else if (!more && look_at(f->child.pid) != GOES_ON) {
		finish(f);
	} else if (!more) {
		/* It has closed its output but goes on: the status counts. */
		loop_remove(f->loop, w);
		w->fd = -1;
		f->pause = PAUSE_FIRST;
		look_again(f);
	}
}

static struct secret_fetch *run_command(struct loop *l, const char *command, secret_done *done,
	void *context)
{
	struct secret_fetch *f = mem_alloc(sizeof(*f));
	struct err e = { 0 };

	if (child_start(&f->child, command, secret_hidden_variables(), &e) < 0) {
		free(f);
		err_context(&e, "password_command");
		done(context, NULL, &e);
		return NULL;
	}
	f->loop = l;
	f->done = done;
	f->context = context;
	f->pause = PAUSE_FIRST;
	f->out = (struct watch){ .fd = f->child.out, .events = POLLIN, .run = can_read,
		.owner = f };
	f->look = (struct watch){ .fd = -1, .run = look, .owner = f };
	look_again(f);
	f->timer = (struct watch){ .fd = -1, .deadline = clock_ms() + SECRET_COMMAND_SECONDS * 1000,
		.run = too_late, .owner = f };
	loop_add(l, &f->out);
	loop_add(l, &f->look);
	loop_add(l, &f->timer);
	return f;
}

struct secret_fetch *secret_fetch_start(struct loop *l, const struct secret_settings *set,
	secret_done *done, void *context)
{
	struct secret s = { NULL, 0 };
	struct err e = { 0 };

	process_hold_secret();
	if (set->given.data) {
		secret_set(&s, set->given.data, set->given.len);
		hand_over("the answer", &s, done, context);
		return NULL;
	}
	if (set->command)
		return run_command(l, set->command, done, context);
	if (set->file) {
		fetch_file(set->file, done, context);
	} else if (set->env) {
		fetch_env(set->env, done, context);
	} else if (set->password.data) {
		secret_set(&s, set->password.data, set->password.len);
		hand_over("password", &s, done, context);
	} else if (set->asked) {
		err_set(&e, ERR_SECRET, "no password was given");
		done(context, NULL, &e);
	} else {
		err_set(&e, ERR_SECRET, "no password is configured");
		err_hint(&e, "set one of password_command, password_file, password_env, password");
		done(context, NULL, &e);
	}
	return NULL;
}

void secret_fetch_free(struct secret_fetch **fp)
{
	struct secret_fetch *f = *fp;

	if (!f)
		return;
	let_go(f, 1);
	explicit_bzero(f, sizeof(*f));
	free(f);
	*fp = NULL;
}
