/* cmd/login_show.c - a sign-in, shown; see login.h.
 *
 * What a person is to do is said in any case, also with --quiet: nothing comes of it
 * otherwise.  An address stands alone on its line and is never broken, so that it can be
 * clicked and copied.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "base/text.h"
#include "cmd/login.h"
#include "cmd/queue.h"
#include "cred/prompt.h"
#include "deliver/cause.h"

enum { COUNTDOWN_COLUMNS = 40 };

void login_show_begin(struct login_show *show, const struct globals *globals,
	const struct account *a, const struct oauth_plan *p)
{
	*show = (struct login_show){ .globals = globals, .account = a, .plan = p };
	screen_look(&show->screen, STDOUT_FILENO);
	show->counts = isatty(STDOUT_FILENO) && !globals->json && !globals->quiet;
}

static void put(struct login_show *show, struct buf *out)
{
	if (!show->failed)
		show->failed = print_out(out);
	buf_release(out);
}

/* ---- what is to be done */

static const char *flow_name(enum oauth_flow flow)
{
	return flow == OAUTH_FLOW_DEVICE ? "device" : flow == OAUTH_FLOW_PASTE ? "paste" : "code";
}

static void step_json(const struct login_show *show, const struct signin_step *step,
	struct buf *out)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "event", "step", "account",
		show->account->name, "flow", flow_name(step->flow), "url", step->url);

	if (step->user_code)
		json_object_set_new(object, "user_code", json_string(step->user_code));
	if (step->url_complete)
		json_object_set_new(object, "url_complete", json_string(step->url_complete));
	json_object_set_new(object, "opened", json_boolean(step->opened));
	show_json(object, out);
}

static void paragraph(const struct login_show *show, const char *words, struct buf *out)
{
	struct screen_text text = { .screen = &show->screen, .out = out };

	screen_write(&text, STYLE_PLAIN, words);
	screen_end(&text);
}

/* "at Google as me@example.com" */
static void add_where(const struct login_show *show, struct buf *words)
{
	const struct oauth_plan *p = show->plan;

	if (p->provider)
		buf_printf(words, " at %s", p->provider->name);
	if (p->user && p->user[0]) {
		buf_add_text(words, " as ");
		text_clean(p->user, strlen(p->user), 254, words);
	}
}

static void add_line(const struct login_show *show, const char *text, struct buf *out)
{
	buf_add_text(out, "\n");
	screen_add(&show->screen, STYLE_BOLD, text, out);
	buf_add_text(out, "\n\n");
}

static void step_words(const struct login_show *show, const struct signin_step *step,
	struct buf *out)
{
	struct buf words = BUF_INIT(4096);

	buf_add_text(&words, "Sign in");
	add_where(show, &words);
	buf_add_text(&words, step->opened ? ", in the browser that opens now; if none does, open "
		"this in one on this machine:" : step->flow == OAUTH_FLOW_CODE ?
		": open this in a browser on this machine:" : ": open this in any browser:");
	paragraph(show, buf_text(&words), out);
	add_line(show, step->url, out);
	if (step->flow == OAUTH_FLOW_DEVICE) {
		paragraph(show, "and enter this code there:", out);
		add_line(show, step->user_code, out);
		if (step->url_complete) {
			paragraph(show, "With the code in it already:", out);
			add_line(show, step->url_complete, out);
		}
	} else if (step->flow == OAUTH_FLOW_PASTE) {
		paragraph(show, "In the end the browser comes to a page that it cannot show, or that "
			"shows a code. That is right: copy the whole address of that page (or the code) "
			"and paste it here.", out);
		buf_add_text(out, "\n");
	}
	buf_release(&words);
}

void login_show_step(void *context, const struct signin_step *step)
{
	struct login_show *show = &((struct login *)context)->show;
	struct buf out = BUF_INIT(64 * 1024);

	if (show->globals->json)
		step_json(show, step, &out);
	else
		step_words(show, step, &out);
	put(show, &out);
}

/* ---- meanwhile */

void login_show_waiting(void *context, int64_t seconds_left)
{
	struct login_show *show = &((struct login *)context)->show;
	struct buf out = BUF_INIT(256);
	char text[COUNTDOWN_COLUMNS];

	if (!show->counts)
		return;
	snprintf(text, sizeof(text), "waiting: %" PRId64 ":%02d left", seconds_left / 60,
		(int)(seconds_left % 60));
	buf_printf(&out, "\r%-*s", COUNTDOWN_COLUMNS - 1, text);
	show->counting = true;
	put(show, &out);
}

void login_show_pause(struct login_show *show)
{
	struct buf out = BUF_INIT(256);

	if (!show->counting)
		return;
	buf_printf(&out, "\r%*s\r", COUNTDOWN_COLUMNS - 1, "");
	show->counting = false;
	put(show, &out);
}

/* One octet, since what comes behind the line is not ours.  False: there is no more, or it
 * did not come in time. */
static bool read_octet(uint64_t end, char *octet)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t now;

	while (!process_stopped() && (now = clock_ms()) < end) {
		ssize_t n;

		if (poll(&p, 1, (int)(end - now)) <= 0)
			continue;
		n = read(STDIN_FILENO, octet, 1);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n == 1;
	}
	return false;
}

/* One line of standard input, where that is no terminal. */
static int read_line(struct secret *out, struct err *e)
{
	uint64_t end = clock_ms() + PROMPT_SECONDS * UINT64_C(1000);
	struct buf text = BUF_INIT(OAUTH_REDIRECT_MAX);
	bool whole;
	char octet;

	buf_reserve(&text, OAUTH_REDIRECT_MAX);   /* never grows, so leaves no copy */
	while (read_octet(end, &octet) && octet != '\n')
		buf_add_char(&text, octet);
	whole = buf_ok(&text);
	if (text.len && whole && !memchr(text.data, '\0', text.len))
		secret_set(out, text.data, text.len);
	buf_wipe(&text);
	if (out->data)
		return 0;
	if (!whole) {
		err_set(e, ERR_SECRET, "what is on standard input is longer than any address (%d octets)",
			OAUTH_REDIRECT_MAX);
		return err_hint(e, "give the address of that page alone, on one line");
	}
	if (process_stopped())
		return err_set(e, ERR_SIGNAL, "told to stop while signing in");
	err_set(e, ERR_SECRET, "there is no address on standard input, and no terminal to ask at");
	return err_hint(e, "call it at a terminal, or add `--flow device` where the provider has it");
}

int login_ask(void *context, struct secret *line, struct err *e)
{
	static const struct prompt_words words = { .what = "address",
		.instead = "add `--flow device` where the provider has it",
		.longer = "see that it is the address of that page alone", .pasted = OAUTH_REDIRECT_MAX };
	const struct login_show *show = &((struct login *)context)->show;

	if (e->text[0]) {
		struct buf out = BUF_INIT(4096);

		buf_printf(&out, "That was not it: %s\n", e->text);
		if (!show->globals->json)
			print_err(&out);
		buf_release(&out);
	}
	if (!isatty(STDIN_FILENO))
		return read_line(line, e);
	return prompt_line("Address of that page (it is not shown here): ", &words, line, e);
}

/* ---- what has come of it */

void login_moment(int64_t when, char out[32])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M", &tm))
		snprintf(out, 32, "?");
}

void login_token_user(const struct token *t, char *out, size_t size)
{
	char audience[256];

	if (!t->access.data || !oauth_token_facts(&t->access, out, size, audience, sizeof(audience)))
		out[0] = '\0';
}

/* Another account of the browser's may have been signed in.  A mailbox that several share is
 * used with the token of one of them. */
static bool is_of_another(const struct login_show *show, const char *user)
{
	const char *ours = show->plan->user;

	return user[0] && strchr(user, '@') && ours && ours[0] && strcasecmp(user, ours) != 0;
}

/* A paragraph behind a mark. */
static void add_marked(const struct login_show *show, enum report_mark mark, const char *words,
	struct buf *out)
{
	struct screen_text text = { .screen = &show->screen, .out = out };

	screen_mark(&show->screen, mark, out);
	buf_add_char(out, ' ');
	text.column = text.hang = screen_mark_columns(&show->screen) + 1;
	screen_write(&text, mark == MARK_NONE ? STYLE_DIM : STYLE_PLAIN, words);
	screen_end(&text);
}

/* Calls for each thing that is not as one would wish, and for what is to be known. */
static void note(const struct login *l, const char *user,
	void (*each)(void *into, enum report_mark mark, const char *words), void *into)
{
	const struct login_show *show = &l->show;
	const struct token *t = &l->token;
	struct buf words = BUF_INIT(4096), lacks = BUF_INIT(2048);

	if (l->replaced.kind) {
		buf_printf(&words, "What was stored before is replaced: %s", l->replaced.text);
		each(into, MARK_WARNING, buf_text(&words));
		buf_clear(&words);
	}
	token_scope_lacks(show->plan->scope, t->scope, &lacks);
	if (lacks.len) {
		buf_printf(&words, LOGIN_SCOPE_LACKS, buf_text(&lacks));
		each(into, MARK_WARNING, buf_text(&words));
		buf_clear(&words);
	}
	if (is_of_another(show, user)) {
		buf_printf(&words, "This is the sign-in of %s, and the account's user is ", user);
		text_clean(show->plan->user, strlen(show->plan->user), 254, &words);
		buf_add_text(&words, ". That is right for a shared mailbox only; else sign out of the "
			"provider in the browser and log in again.");
		each(into, MARK_WARNING, buf_text(&words));
		buf_clear(&words);
	}
	if (!t->refresh.data) {
		buf_add_text(&words, "The provider gave no refresh token: when the access token ends, "
			"somebody has to log in again. See whether oauth_scope asks for one "
			"(offline_access, with many).");
		each(into, MARK_WARNING, buf_text(&words));
	} else if (show->plan->provider && show->plan->provider->refresh_life) {
		buf_printf(&words, "How long this lasts: %s", show->plan->provider->refresh_life);
		each(into, MARK_NONE, buf_text(&words));
	}
	buf_release(&lacks);
	buf_release(&words);
}

struct lines {
	const struct login_show *show;
	struct buf *out;
};

static void note_in_words(void *into, enum report_mark mark, const char *words)
{
	const struct lines *lines = into;

	add_marked(lines->show, mark, words, lines->out);
}

static void note_in_json(void *into, enum report_mark mark, const char *words)
{
	(void)mark;
	json_array_append_new(into, json_string(words));
}

static void end_json(const struct login *l, const char *user, struct buf *out)
{
	const struct login_show *show = &l->show;
	const struct token *t = &l->token;
	json_t *object = json_pack("{s:s, s:s}", "event", "signed-in", "account",
		show->account->name), *notes = json_array();
	struct timespec when = { .tv_sec = (time_t)t->expires };
	char text[40];

	clock_rfc3339(&when, text, sizeof(text));
	if (user[0])
		json_object_set_new(object, "user", json_string(user));
	json_object_set_new(object, "scope", json_string(t->scope));
	json_object_set_new(object, "expires", json_string(text));
	json_object_set_new(object, "refresh_token", json_boolean(t->refresh.data != NULL));
	note(l, user, note_in_json, notes);
	json_object_set_new(object, "notes", notes);
	show_json(object, out);
}

static void end_words(const struct login *l, const char *user, struct buf *out)
{
	const struct login_show *show = &l->show;
	const struct token *t = &l->token;
	struct lines lines = { show, out };
	struct buf words = BUF_INIT(4096);
	char moment[32];

	buf_printf(&words, "signed in%s%s: account '%s' can send now", user[0] ? " as " : "", user,
		show->account->name);
	add_marked(show, MARK_OK, buf_text(&words), out);
	buf_clear(&words);
	login_moment(t->expires, moment);
	buf_printf(&words, "access token until %s%s; scope: %s", moment,
		t->refresh.data ? ", renewed by itself" : "", t->scope[0] ? t->scope : "not told");
	add_marked(show, MARK_NONE, buf_text(&words), out);
	note(l, user, note_in_words, &lines);
	buf_release(&words);
}

int login_show_end(struct login *l)
{
	struct login_show *show = &l->show;
	struct buf out = BUF_INIT(64 * 1024);
	char user[256];

	login_show_pause(show);
	login_token_user(&l->token, user, sizeof(user));
	if (show->globals->json)
		end_json(l, user, &out);
	else if (!show->globals->quiet)
		end_words(l, user, &out);
	put(show, &out);
	return show->failed ? show->failed : CAUSE_EXIT_OK;
}
