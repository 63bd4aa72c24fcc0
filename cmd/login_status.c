/* cmd/login_status.c - what is there of each account's sign-in, but never the token; see
 * login.h.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/login.h"
#include "cmd/queue.h"
#include "deliver/cause.h"
#include "deliver/provided.h"

struct status {
	const struct globals *globals;      /* borrowed, as the next */
	const struct config *config;
	struct screen screen;
	int64_t now;
	int code;                    /* the worst so far */
	unsigned shown;
	struct buf *out;
};

/* ---- as JSON */

static void add_moment(json_t *object, const char *name, int64_t when)
{
	struct timespec moment = { .tv_sec = (time_t)when };
	char text[40];

	if (!when)
		return;
	clock_rfc3339(&moment, text, sizeof(text));
	json_object_set_new(object, name, json_string(text));
}

static const char *flow_of(const struct oauth_plan *p)
{
	switch (p->flow) {
	case OAUTH_FLOW_CODE:
		return "code";
	case OAUTH_FLOW_PASTE:
		return "paste";
	case OAUTH_FLOW_DEVICE:
		return "device";
	case OAUTH_FLOW_CLIENT:
		return "client";
	case OAUTH_FLOW_SERVICE:
		return "service";
	case OAUTH_FLOW_AUTO:
		break;
	}
	return "auto";
}

static void add_park_json(const struct login_facts *f, json_t *object)
{
	add_moment(object, "parked_until", f->park.until);
	json_object_set_new(object, "parked_cause", report_string(f->park.cause ? f->park.cause : ""));
	json_object_set_new(object, "parked", json_string(f->parked_for));
}

static void add_json(const struct login_facts *f, int64_t now, struct buf *out)
{
	json_t *object = json_pack("{s:s, s:s}", "account", f->account->name, "state", f->state);
	const struct token *t = f->token;

	if (f->plan->provider)
		json_object_set_new(object, "provider", json_string(f->plan->provider->id));
	json_object_set_new(object, "flow", json_string(flow_of(f->plan)));
	if (t) {
		if (f->user[0])
			json_object_set_new(object, "user", json_string(f->user));
		add_moment(object, "signed_in", t->signed_in);
		add_moment(object, "obtained", t->obtained);
		add_moment(object, "expires", t->expires);
		json_object_set_new(object, "fresh", json_boolean(token_is_fresh(t, now)));
		json_object_set_new(object, "refresh_token", json_boolean(token_has_refresh(t)));
		if (f->plan->save_command)
			json_object_set_new(object, "keyring", json_boolean(token_in_keyring(t)));
		if (t->keyring_trouble[0])
			json_object_set_new(object, "keyring_trouble", report_string(t->keyring_trouble));
		json_object_set_new(object, "scope", report_string(t->scope));
		json_object_set_new(object, "refused", json_boolean(t->stale));
		if (f->scope_lacks.len)
			json_object_set_new(object, "scope_missing", report_string(buf_text(&f->scope_lacks)));
		if (f->paused)
			add_moment(object, "paused_until", now + f->paused);
	}
	if (f->parked)
		add_park_json(f, object);
	if (f->trouble.kind) {
		json_object_set_new(object, "trouble", report_string(f->trouble.text));
		json_object_set_new(object, "cause", json_string(cause_of_err(&f->trouble)->id));
		if (f->trouble.hint[0])
			json_object_set_new(object, "next", report_string(f->trouble.hint));
	}
	show_json(object, out);
}

/* ---- in words */

static void add_row(const struct status *s, const char *name, const char *words)
{
	struct screen_text text = { .screen = &s->screen, .out = s->out };

	screen_mark(&s->screen, MARK_NONE, s->out);
	buf_add_char(s->out, ' ');
	screen_pad(&s->screen, STYLE_DIM, name, 11, s->out);
	text.column = text.hang = screen_mark_columns(&s->screen) + 1 + 11;
	screen_write(&text, STYLE_PLAIN, words);
	screen_end(&text);
}

static void add_token(const struct status *s, const struct login_facts *f)
{
	const struct token *t = f->token;
	struct buf words = BUF_INIT(4096);
	char moment[32], span[16];

	if (t->signed_in) {
		login_moment(t->signed_in, moment);
		buf_printf(&words, "%s (%s ago)", moment, show_span(s->now - t->signed_in, span));
		add_row(s, "signed in", buf_text(&words));
		buf_clear(&words);
	}
	login_moment(t->expires, moment);
	if (!t->access.data && !t->keyring_access[0])
		buf_add_text(&words, "no token yet");
	else if (t->expires > s->now)
		buf_printf(&words, "until %s (in %s)", moment, show_span(t->expires - s->now, span));
	else
		buf_printf(&words, "ended %s (%s ago)", moment, show_span(s->now - t->expires, span));
	add_row(s, "access", buf_text(&words));
	add_row(s, "refresh", token_has_refresh(t) ? "there is a refresh token: access is renewed by itself" :
		login_is_unattended(f->plan) ? "not needed: access is asked for anew" :
		"there is no refresh token");
	buf_clear(&words);
	text_clean(t->scope, strlen(t->scope), sizeof(t->scope), &words);
	if (words.len)
		add_row(s, "scope", buf_text(&words));
	if (token_in_keyring(t))
		add_row(s, "kept", "in a keyring");
	buf_release(&words);
}

/* What is not as it should be, whether or not mail goes. */
static void add_health(const struct status *s, const struct login_facts *f)
{
	struct buf words = BUF_INIT(4096);
	char moment[32], span[16];

	if (f->token && f->token->keyring_trouble[0]) {
		buf_printf(&words, "in the file, for the keyring has not taken it: %s", f->token->keyring_trouble);
		add_row(s, "kept", buf_text(&words));
		buf_clear(&words);
	}
	if (f->token && f->token->stale)
		add_row(s, "refused", "a mail server has refused the access token: another one is got when "
			"mail is sent");
	if (f->paused) {
		login_moment(s->now + f->paused, moment);
		buf_printf(&words, "the provider is not asked before %s (in %s): it wants that, or did not "
			"answer", moment, show_span(f->paused, span));
		add_row(s, "pause", buf_text(&words));
		buf_clear(&words);
	}
	if (f->scope_lacks.len) {
		buf_printf(&words, LOGIN_SCOPE_LACKS, buf_text(&f->scope_lacks));
		add_row(s, "missing", buf_text(&words));
		buf_clear(&words);
	}
	if (f->parked) {
		login_moment(f->park.until, moment);
		buf_printf(&words, "mail waits until %s (in %s)%s%s", moment,
			show_span(f->park.until - s->now, span), f->parked_for[0] ? ": " : "", f->parked_for);
		add_row(s, "queue", buf_text(&words));
	}
	buf_release(&words);
}

static void add_headline(const struct login_facts *f, struct buf *words)
{
	bool good = !strcmp(f->state, "signed-in");

	buf_printf(words, ": %s%s%s%s%s", !good ? f->trouble.text : login_is_unattended(f->plan) ?
		"gets its tokens by itself" : "signed in", f->plan->provider ? " at " : "",
		f->plan->provider ? f->plan->provider->name : "", f->user[0] ? " as " : "", f->user);
}

static void add_words(const struct status *s, const struct login_facts *f)
{
	struct screen_text text = { .screen = &s->screen, .out = s->out };
	struct buf words = BUF_INIT(2048);

	screen_mark(&s->screen, f->trouble.kind ? MARK_FAILED : login_is_doubtful(f) ? MARK_WARNING :
		MARK_OK, s->out);
	buf_add_char(s->out, ' ');
	text.column = text.hang = screen_mark_columns(&s->screen) + 1;
	screen_write(&text, STYLE_BOLD, f->account->name);
	add_headline(f, &words);
	screen_write(&text, STYLE_PLAIN, buf_text(&words));
	screen_end(&text);
	if (f->trouble.kind && !strcmp(f->state, "signed-in"))
		add_row(s, "trouble", f->trouble.text);
	if (f->token)
		add_token(s, f);
	add_health(s, f);
	if (f->trouble.hint[0])
		add_row(s, "next", f->trouble.hint);
	buf_release(&words);
}

/* ---- all of it */

static void show(struct status *s, struct login_facts *f)
{
	s->shown++;
	if (f->trouble.kind)
		s->code = s->code ? cause_worse(s->code, cause_of_err(&f->trouble)->exit) :
			cause_of_err(&f->trouble)->exit;
	if (s->globals->json)
		add_json(f, s->now, s->out);
	else
		add_words(s, f);
}

/* What is missing: a client id, unless a password does as well. */
static int plan_of(const struct account *a, struct oauth_plan *out, struct err *e)
{
	const struct preset *known = provided_preset(a);

	if (credential_plan(a, out, e) == 0)
		return 0;
	if (account_wants_secret(a) && !(known && preset_only_oauth(known))) {
		*e = (struct err){ 0 };
		credential_exists(a, e);
	}
	return -1;
}

static void look_at(struct status *s, const struct account *a)
{
	struct oauth_plan plan = { .account = NULL };
	struct token token = { .obtained = 0 };
	struct login_facts f = { .account = a, .plan = &plan, .state = "unusable",
		.scope_lacks = BUF_INIT(2048) };
	char *directory = NULL;      /* own */
	struct err locked = { 0 };
	int loaded = -1;

	if (login_mind_scope(a, "login --status", &f.trouble) == 0 &&
	    plan_of(a, &plan, &f.trouble) == 0)
		directory = token_directory(a->scope == SCOPE_SYSTEM, &f.trouble);
	f.directory = directory;
	if (directory)
		loaded = token_load(directory, a->name, &token, &f.trouble);
	if (loaded == 0) {
		keyring_load(&plan, &token, &locked);
		f.token = &token;
		login_token_user(&token, f.user, sizeof(f.user));
	}
	if (directory)
		login_judge(&f, s->config, loaded, s->now);
	if (locked.kind && !f.trouble.kind)
		f.trouble = locked;
	show(s, &f);
	login_facts_release(&f);
	free(directory);
	token_wipe(&token);
	oauth_plan_release(&plan);
}

int login_status(struct login *l, const struct account *only)
{
	struct buf out = BUF_INIT(4 << 20);
	struct status s = { .globals = l->globals, .config = &l->config, .now = (int64_t)time(NULL), .out = &out };
	/* Root is somebody else once it has looked at an account of the system's. */
	static const enum scope order[] = { SCOPE_PERSONAL, SCOPE_SYSTEM };
	int code = 0;

	screen_look(&s.screen, STDOUT_FILENO);
	for (size_t round = 0; round < COUNT(order); round++)
		for (size_t i = 0; i < l->config.count; i++) {
			const struct account *a = &l->config.accounts[i];

			if (a->scope == order[round] && (only ? a == only : true) &&
			    (oauth_configured(&a->oauth) || account_wants_secret(a)))
				look_at(&s, a);
		}
	if (!s.shown && !l->globals->json) {
		if (!only || !login_is_needless(only, &out))
			buf_add_text(&out, "no account signs in by OAuth\n");
	}
	if (!l->globals->quiet)
		code = print_out(&out);
	buf_release(&out);
	return code ? code : s.code;
}
