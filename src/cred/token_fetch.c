/* cred/token_fetch.c - an access token that will do; see token.h.
 *
 * What is stored is looked at before the lock is taken and again behind it: of many that
 * wait, the first asks, and the others find what it got.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/token_state.h"

enum {
	PAUSE_FIRST = 50,         /* ms between looks at the lock */
	PAUSE_MOST  = 200
};

bool token_has_person(const struct oauth_plan *p)
{
	return p->flow != OAUTH_FLOW_CLIENT && p->flow != OAUTH_FLOW_SERVICE;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

const char *token_over_cause(const char *stored)
{
	static const char *const causes[] = { "sign-in-over", "oauth-google-over",
		"oauth-sign-in-unused", "oauth-sign-in-limited", "oauth-password-changed",
		"oauth-second-factor", "oauth-consent-missing", "oauth-admin-consent",
		"oauth-access-denied", "oauth-app-kind-wrong" };

	for (size_t i = 0; i < COUNT(causes); i++)
		if (!strcmp(causes[i], stored))
			return causes[i];
	return causes[0];
}

enum token_step token_fail(struct token_fetch *f, const char *cause, const char *why, const char *words)
{
	char shown[100];

	text_clean_to(shown, sizeof(shown), f->plan->account, strlen(f->plan->account));
	err_set(&f->err, ERR_SECRET, "account '%s' %s%s%s", shown, why, *words ? ": " : "", words);
	err_cause(&f->err, cause);
	if (!strcmp(cause, "login-needed"))
		token_hint(&f->err, f->directory, f->plan->account, "sign in");
	else if (!strcmp(cause, "sign-in-over"))
		token_hint(&f->err, f->directory, f->plan->account, "sign in again");
	return TOKEN_FAILED;   /* the others' rows say more than that */
}

enum token_step token_fail_as_others(struct token_fetch *f)
{
	token_wipe(&f->token);
	return token_fail(f, "login-needed", "was signed in with another client id or token URL, and must "
		"sign in anew", "");
}

/* ---- what is stored */

bool token_is_of_plan(const struct token *t, const struct oauth_plan *p)
{
	return !strcmp(t->client_id, text_of(p->client_id)) &&
		(!p->token_url || !strcmp(t->token_url, p->token_url));
}

static enum token_step judge(struct token_fetch *f, int64_t now)
{
	const struct token *t = &f->token;

	if (token_is_fresh(t, now))
		return TOKEN_GOT;
	if (token_has_person(f->plan) && t->over[0])
		return token_fail(f, token_over_cause(t->cause), "must sign in again", t->over);
	if (token_has_person(f->plan) && !t->refresh.data)
		return token_fail(f, "sign-in-over", "must sign in again",
			"its token has expired, and nothing came with it to get another by");
	if (!token_pause(t, now))
		return TOKEN_ASKS;
	err_set(&f->err, ERR_CONNECT, "the provider is asked for no token for another %lld s",
		(long long)token_pause(t, now));
	err_cause(&f->err, "oauth-later");
	return TOKEN_FAILED;
}

/* Whether or not it could be written down. */
static void note_refusal(struct token_fetch *f)
{
	char digest[DIGEST_HEX + 1];

	if (!f->refused || !f->token.access.data)
		return;
	digest_of(f->token.access.data, f->token.access.len, digest);
	f->token.stale |= !strcmp(digest, f->refused);
}

/* A pause is stored before there is a token, and is the same client's. */
static void name_owner(struct token_fetch *f)
{
	struct token *t = &f->token;

	snprintf(t->client_id, sizeof(t->client_id), "%s", text_of(f->plan->client_id));
	snprintf(t->token_url, sizeof(t->token_url), "%s", text_of(f->plan->token_url));
}

static enum token_step go_on(struct token_fetch *f, enum token_step step);

static enum token_step judge_stored(struct token_fetch *f)
{
	note_refusal(f);
	return judge(f, time(NULL));
}

/* Where no person signs in, what is stored and of no use is no loss. */
static enum token_step begin_anew(struct token_fetch *f)
{
	token_wipe(&f->token);
	name_owner(f);
	return TOKEN_ASKS;
}

/* A keyring is written while another process reads it: only with the lock is it final that it
 * gives nothing; unless that took all the time that there is. */
static enum token_step take_from_keyring(struct token_fetch *f, struct secret *s, const struct err *e)
{
	bool slow = !s && (e->kind == ERR_SIGNAL ||
		(e->cause && !strcmp(e->cause, "password-command-slow")));

	if (!s)
		f->err = *e;
	if (keyring_take(s, &f->token, &f->err) == 0) {
		if (token_is_of_plan(&f->token, f->plan))
			return judge_stored(f);
		return token_has_person(f->plan) ? token_fail_as_others(f) : begin_anew(f);
	}
	f->unread = f->lock < 0;
	if (slow || (!f->unread && token_has_person(f->plan)))
		return TOKEN_FAILED;
	return f->unread ? TOKEN_ASKS : begin_anew(f);
}

static void take_keyring(void *context, struct secret *s, struct err *e)
{
	struct token_fetch *f = context;
	enum token_step step = take_from_keyring(f, s, e);

	token_told(f, f->starting ? step : go_on(f, step));
}

static enum token_step ask_keyring(struct token_fetch *f)
{
	command_free(&f->keyring);
	f->starting = true;
	f->step = TOKEN_WAITING;
	f->keyring = keyring_start(f->loop, f->plan, take_keyring, f);
	f->starting = false;
	return f->step;
}

/* What was seen before and is still what the file means need not be got again. */
static bool had_already(struct token *t, struct token *before)
{
	if (!before->access.data || strcmp(t->keyring_access, before->keyring_access) != 0 ||
			strcmp(t->keyring_refresh, before->keyring_refresh) != 0)
		return false;
	t->access = before->access;
	t->refresh = before->refresh;
	before->access = before->refresh = (struct secret){ NULL, 0 };
	return true;
}

static enum token_step look_into_keyring(struct token_fetch *f, struct token *before)
{
	bool needless = (token_has_person(f->plan) && f->token.over[0]) ||
		had_already(&f->token, before);

	if (needless)
		return judge_stored(f);
	return f->unread && f->lock < 0 ? TOKEN_ASKS : ask_keyring(f);
}

static enum token_step look(struct token_fetch *f)
{
	struct token before = f->token;
	enum token_step step;
	int loaded;

	loaded = token_load(f->directory, f->plan->account, &f->token, &f->err);
	if (loaded == 0 && token_is_of_plan(&f->token, f->plan)) {
		step = token_in_keyring(&f->token) ? look_into_keyring(f, &before) : judge_stored(f);
		token_wipe(&before);
		return step;
	}
	token_wipe(&before);
	if (loaded < 0 && !token_has_person(f->plan))
		token_hint_away(&f->err, f->directory, f->plan->account);
	if (loaded < 0)
		return TOKEN_FAILED;
	if (!token_has_person(f->plan))
		return begin_anew(f);
	return loaded ? token_fail(f, "login-needed", "is not signed in", "") : token_fail_as_others(f);
}

/* ---- the lock */

static enum token_step wait_for_lock(struct token_fetch *f)
{
	if (clock_ms() >= f->deadline) {
		err_set(&f->err, ERR_TIMEOUT, "another process has been getting a token for more than "
			"%d s", TOKEN_FETCH_SECONDS);
		return TOKEN_FAILED;
	}
	f->waited = true;
	f->timer.deadline = clock_ms() + (uint64_t)f->pause;
	f->pause = f->pause * 2 < PAUSE_MOST ? f->pause * 2 : PAUSE_MOST;
	loop_add(f->loop, &f->timer);
	return TOKEN_WAITING;
}

static enum token_step go_on(struct token_fetch *f, enum token_step step)
{
	bool busy;

	if (step != TOKEN_ASKS)
		return step;
	if (f->lock >= 0)
		return token_ask(f);
	f->lock = token_lock(f->directory, f->plan->account, &busy, &f->err);
	if (f->lock < 0)
		return !busy ? TOKEN_FAILED : token_still_does(&f->token, time(NULL)) ? TOKEN_GOT : wait_for_lock(f);
	return go_on(f, look(f));
}

static enum token_step advance(struct token_fetch *f)
{
	return go_on(f, look(f));
}

/* ---- the end */

static void let_go(struct token_fetch *f)
{
	loop_remove(f->loop, &f->timer);
	https_free(&f->https);
	command_free(&f->keyring);
	if (f->lock >= 0)
		close(f->lock);
	f->lock = -1;
	token_forget_urls(&f->asked);
}

/* What this machine lacks is no affair of the message's: it waits as for a server. */
static void soften(struct err *e)
{
	if (e->kind == ERR_STORE || e->kind == ERR_SYSTEM || e->kind == ERR_RIGHT)
		e->kind = ERR_SECRET;
}

/* Takes the outcome out of f, which is then of no more use. */
static void outcome(struct token_fetch *f, enum token_step step, struct secret *s, struct err *e)
{
	let_go(f);
	*e = (struct err){ 0 };
	*s = (struct secret){ NULL, 0 };
	if (step == TOKEN_GOT || token_still_does(&f->token, time(NULL))) {
		*s = f->token.access;
		f->token.access = (struct secret){ NULL, 0 };
	} else {
		*e = f->err;
		soften(e);
	}
	token_wipe(&f->token);
}

void token_told(struct token_fetch *f, enum token_step step)
{
	token_done *done = f->done;
	void *context = f->context;
	struct secret s;
	struct err e;

	f->step = step;
	if (f->starting || step == TOKEN_WAITING)
		return;
	outcome(f, step, &s, &e);
	done(context, s.data ? &s : NULL, &e);   /* which frees f */
}

static void look_again(struct watch *w, short revents)
{
	struct token_fetch *f = w->owner;

	(void)revents;
	loop_remove(f->loop, w);
	token_told(f, advance(f));
}

struct token_fetch *token_fetch_start(struct loop *l, const struct token_settings *set,
	token_done *done, void *context)
{
	struct token_fetch *f = mem_alloc(sizeof(*f));
	struct secret s;
	struct err e;
	enum token_step step;

	process_hold_secret();
	f->loop = l;
	f->plan = set->plan;
	f->directory = set->directory;
	f->refused = set->refused;
	token_copy_urls(&f->asked, set->plan);
	f->deadline = clock_ms() + TOKEN_FETCH_SECONDS * 1000;
	f->pause = PAUSE_FIRST;
	f->lock = -1;
	f->timer = (struct watch){ .fd = -1, .run = look_again, .owner = f };
	f->done = done;
	f->context = context;
	step = advance(f);
	if (step == TOKEN_WAITING)
		return f;
	outcome(f, step, &s, &e);
	free(f);
	done(context, s.data ? &s : NULL, &e);
	return NULL;
}

bool token_fetch_waited(const struct token_fetch *f)
{
	return f->waited;
}

const char *token_fetch_warning(const struct token_fetch *f)
{
	return f->warning;
}

void token_fetch_free(struct token_fetch **fp)
{
	struct token_fetch *f = *fp;

	if (!f)
		return;
	let_go(f);
	token_wipe(&f->token);
	free(f);
	*fp = NULL;
}
