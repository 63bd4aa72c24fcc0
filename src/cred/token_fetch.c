/* cred/token_fetch.c - an access token that will do; see token.h.
 *
 * What is stored is looked at before the lock is taken and again behind it: of many that
 * wait, the first asks, and the others find what it got.
 *
 * Who spends a refresh token may get another one for it, and then only once: the child that
 * asks writes down what comes itself, and goes on when we are let go, or end.  It is that
 * child, too, that gives a keyring what is for it, as that takes its time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/https.h"
#include "cred/keyring.h"
#include "cred/token.h"

enum {
	FORM_MAX    = 64 * 1024,  /* octets: a token, each octet as %XX, and the rest */
	PAUSE_FIRST = 50,         /* ms between looks at the lock */
	PAUSE_MOST  = 200,
	DISCOVERIES = 2,          /* places to ask an issuer in */
	LATER       = 10,         /* seconds that a provider is left alone who did not say */
	LATER_MOST  = TOKEN_PAUSE_MOST
};

enum step { WAITING, ASKS, GOT, FAILED };

struct token_fetch {
	struct loop *loop;               /* borrowed, as plan, directory and refused */
	const struct oauth_plan *plan;
	const char *directory, *refused;
	struct oauth_plan asked;         /* the plan with its final URLs, which alone are own */
	struct token token;              /* own; as it is stored, or what was granted */
	struct https *https;             /* own */
	struct command_run *keyring;     /* own */
	bool waited;                     /* for the provider, or for who asks it */
	bool unread;                     /* the keyring gave nothing while nobody had the lock */
	struct watch timer;              /* the next look at the lock */
	uint64_t deadline;
	int pause;                       /* ms */
	int lock;                        /* own; -1 */
	unsigned discoveries;            /* places that were asked */
	int64_t asked_at;                /* when the token was asked for: it lives from then on */
	bool starting;                   /* what was started is not back yet */
	bool kept;                       /* the child that asks has written down what came */
	bool unkept;                     /* what came could not be written down */
	enum step step;                  /* what came of it */
	struct err err;
	token_done *done;
	void *context;
};

/* Whether a person signs in, and can do so again. */
static bool has_person(const struct oauth_plan *p)
{
	return p->flow != OAUTH_FLOW_CLIENT && p->flow != OAUTH_FLOW_SERVICE;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

/* Of those by which a provider ends a sign-in, the one that is stored; each says what to do. */
static const char *cause_of(const char *stored)
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

static enum step fail(struct token_fetch *f, const char *cause, const char *why, const char *words)
{
	char shown[100];

	text_clean_to(shown, sizeof(shown), f->plan->account, strlen(f->plan->account));
	err_set(&f->err, ERR_SECRET, "account '%s' %s%s%s", shown, why, *words ? ": " : "", words);
	err_cause(&f->err, cause);
	if (!strcmp(cause, "login-needed"))
		token_hint(&f->err, f->directory, f->plan->account, "sign in");
	else if (!strcmp(cause, "sign-in-over"))
		token_hint(&f->err, f->directory, f->plan->account, "sign in again");
	return FAILED;   /* the others' rows say more than that */
}

/* What is stored is not ours, however valid. */
static enum step fail_as_others(struct token_fetch *f)
{
	token_wipe(&f->token);
	return fail(f, "login-needed", "was signed in with another client id or token URL, and must "
		"sign in anew", "");
}

/* ---- what is stored */

/* A token is its client's, and of no use to another. */
static bool is_of_plan(const struct token *t, const struct oauth_plan *p)
{
	return !strcmp(t->client_id, text_of(p->client_id)) &&
		(!p->token_url || !strcmp(t->token_url, p->token_url));
}

static enum step judge(struct token_fetch *f, int64_t now)
{
	const struct token *t = &f->token;

	if (token_is_fresh(t, now))
		return GOT;
	if (has_person(f->plan) && t->over[0])
		return fail(f, cause_of(t->cause), "must sign in again", t->over);
	if (has_person(f->plan) && !t->refresh.data)
		return fail(f, "sign-in-over", "must sign in again",
			"its token has expired, and nothing came with it to get another by");
	if (!token_pause(t, now))
		return ASKS;
	err_set(&f->err, ERR_CONNECT, "the provider is asked for no token for another %lld s",
		(long long)token_pause(t, now));
	err_cause(&f->err, "oauth-later");
	return FAILED;
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

static void told(struct token_fetch *f, enum step step);
static enum step go_on(struct token_fetch *f, enum step step);

static enum step judge_stored(struct token_fetch *f)
{
	note_refusal(f);
	return judge(f, time(NULL));
}

/* Where no person signs in, what is stored and of no use is no loss. */
static enum step begin_anew(struct token_fetch *f)
{
	token_wipe(&f->token);
	name_owner(f);
	return ASKS;
}

/* A keyring is written while another process reads it: only with the lock is it final that it
 * gives nothing; unless that took all the time that there is. */
static enum step take_from_keyring(struct token_fetch *f, struct secret *s, const struct err *e)
{
	bool slow = !s && (e->kind == ERR_SIGNAL ||
		(e->cause && !strcmp(e->cause, "password-command-slow")));

	if (!s)
		f->err = *e;
	if (keyring_take(s, &f->token, &f->err) == 0) {
		if (is_of_plan(&f->token, f->plan))
			return judge_stored(f);
		return has_person(f->plan) ? fail_as_others(f) : begin_anew(f);
	}
	f->unread = f->lock < 0;
	if (slow || (!f->unread && has_person(f->plan)))
		return FAILED;
	return f->unread ? ASKS : begin_anew(f);
}

static void take_keyring(void *context, struct secret *s, struct err *e)
{
	struct token_fetch *f = context;
	enum step step = take_from_keyring(f, s, e);

	told(f, f->starting ? step : go_on(f, step));
}

static enum step ask_keyring(struct token_fetch *f)
{
	command_free(&f->keyring);
	f->starting = true;
	f->step = WAITING;
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

static enum step look_into_keyring(struct token_fetch *f, struct token *before)
{
	bool needless = (has_person(f->plan) && f->token.over[0]) ||
		had_already(&f->token, before);

	if (needless)
		return judge_stored(f);
	return f->unread && f->lock < 0 ? ASKS : ask_keyring(f);
}

static enum step look(struct token_fetch *f)
{
	struct token before = f->token;
	enum step step;
	int loaded;

	loaded = token_load(f->directory, f->plan->account, &f->token, &f->err);
	if (loaded == 0 && is_of_plan(&f->token, f->plan)) {
		step = token_in_keyring(&f->token) ? look_into_keyring(f, &before) : judge_stored(f);
		token_wipe(&before);
		return step;
	}
	token_wipe(&before);
	if (loaded < 0 && !has_person(f->plan))
		token_hint_away(&f->err, f->directory, f->plan->account);
	if (loaded < 0)
		return FAILED;
	if (!has_person(f->plan))
		return begin_anew(f);
	return loaded ? fail(f, "login-needed", "is not signed in", "") : fail_as_others(f);
}

/* ---- asking */

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

/* What a discovery may fill in or replace; all else is the plan's. */
static void copy_urls(struct oauth_plan *to, const struct oauth_plan *from)
{
	*to = *from;
	to->auth_url = copy(from->auth_url);
	to->token_url = copy(from->token_url);
	to->device_url = copy(from->device_url);
	to->revoke_url = copy(from->revoke_url);
	to->issuer = copy(from->issuer);
}

static void forget_urls(struct oauth_plan *p)
{
	free(p->auth_url);
	free(p->token_url);
	free(p->device_url);
	free(p->revoke_url);
	free(p->issuer);
	memset(p, 0, sizeof(*p));
}

static enum step ask(struct token_fetch *f);
static enum step discover(struct token_fetch *f);

/* Returns what came of it at once, as a rule WAITING. */
static enum step request(struct token_fetch *f, const struct https_request *r, https_done *done)
{
	uint64_t deadline = clock_ms() + HTTPS_SECONDS * 1000;

	https_free(&f->https);
	f->starting = true;
	f->step = WAITING;
	f->https = https_start(f->loop, r, deadline < f->deadline ? deadline : f->deadline, done, f);
	f->starting = false;
	return f->step;
}

static enum step discovered(struct token_fetch *f, const struct https_answer *a)
{
	bool passes;

	if (a->status == 200 && oauth_read_discovery(&f->asked, buf_text(&a->body), a->body.len,
			&f->err) == 0)
		return ask(f);
	if (f->discoveries < DISCOVERIES)
		return discover(f);
	if (a->status == 200)
		return FAILED;
	passes = a->status >= 500 || a->status == 429;
	err_set(&f->err, passes ? ERR_CONNECT : ERR_CONFIG,
		"the issuer does not tell where its tokens are to be had (HTTP status %d)", a->status);
	err_cause(&f->err, passes ? "oauth-later" : "oauth-discovery-failed");
	return FAILED;
}

static void take_discovery(void *context, struct https_answer *a, struct err *e)
{
	struct token_fetch *f = context;

	if (!a)
		f->err = *e;
	/* Who cannot be reached has no second place. */
	told(f, a ? discovered(f, a) : FAILED);
}

static enum step discover(struct token_fetch *f)
{
	struct buf url = BUF_INIT(4096);
	struct https_request r = { .ca_file = f->plan->ca_file, .proxy = f->plan->proxy.data };
	enum step step;

	oauth_discovery_url(f->plan, f->discoveries++, &url);
	r.url = buf_text(&url);
	step = request(f, &r, take_discovery);
	buf_release(&url);
	return step;
}

/* What a keyring does not take stays in the file, which says so, if it could not be got again;
 * every later time it is tried anew. */
static int put_into_keyring(struct token_fetch *f)
{
	struct token *t = &f->token;

	if (!f->plan->save_command || token_in_keyring(t) || (!t->access.data && !t->refresh.data))
		return 0;
	return keyring_save(f->plan, t, &f->err) == 0 || t->refresh.data ? 0 : -1;
}

static int put(struct token_fetch *f)
{
	if (f->kept)
		return 0;
	return put_into_keyring(f) < 0 ? -1 :
		token_save(f->directory, f->plan->account, &f->token, &f->err);
}

/* The new one is on disk before anybody uses it: without a refresh token there is nothing
 * that could be lost, and the message need not wait for the disk. */
static enum step keep(struct token_fetch *f, const struct oauth_grant *g)
{
	token_take(&f->token, &f->asked, g, f->asked_at);
	if (put(f) == 0 || !f->token.refresh.data)
		return GOT;
	secret_wipe(&f->token.access);
	f->unkept = true;
	return FAILED;
}

/* What came with an access token that will not do. */
static enum step keep_refresh(struct token_fetch *f, const struct oauth_grant *g)
{
	struct err said = f->err;

	token_leaves_keyring(&f->token);
	secret_set(&f->token.refresh, g->refresh.data, g->refresh.len);
	f->unkept = put(f) < 0;
	if (!f->unkept)
		f->err = said;
	return FAILED;
}

/* What was learnt besides a token.  That it is kept is a courtesy to the provider. */
static void remember(struct token_fetch *f)
{
	struct err said = f->err;

	put(f);
	f->err = said;
}

static enum step later(struct token_fetch *f, long retry_after)
{
	f->token.not_before = f->asked_at + (retry_after <= 0 ? LATER :
		retry_after > LATER_MOST ? LATER_MOST : retry_after);
	remember(f);
	return FAILED;
}

/* Who does not answer is left alone as well: each of many would wait for it in turn. */
static enum step unanswered(struct token_fetch *f, const struct err *e)
{
	f->err = *e;
	switch (e->kind) {
	case ERR_NAME_AGAIN:
	case ERR_CONNECT:
	case ERR_TIMEOUT:
	case ERR_LOST:
		return later(f, 0);
	default:
		return FAILED;
	}
}

static enum step over(struct token_fetch *f)
{
	const char *cause = cause_of(text_of(f->err.cause));

	if (!has_person(f->plan)) {
		err_cause(&f->err, "oauth-refused");
		return FAILED;
	}
	text_clean_to(f->token.over, sizeof(f->token.over), f->err.text, strlen(f->err.text));
	snprintf(f->token.cause, sizeof(f->token.cause), "%s", cause);
	remember(f);
	return fail(f, cause, "must sign in again", f->token.over);
}

static enum step answered(struct token_fetch *f, const struct https_answer *a)
{
	struct oauth_grant grant = { 0 };
	enum step step = FAILED;

	switch (oauth_read_token(&f->asked, a->status, buf_text(&a->body), a->body.len, &grant,
		&f->err)) {
	case OAUTH_GRANTED:
		step = keep(f, &grant);
		break;
	case OAUTH_LATER:
		step = later(f, a->retry_after);
		break;
	case OAUTH_OVER:
		step = over(f);
		break;
	case OAUTH_PENDING:
	case OAUTH_SLOW_DOWN:
		err_set(&f->err, ERR_PROTOCOL, "the provider answers a request for a token as if it "
			"were one of the device flow");
		err_cause(&f->err, "oauth-answer-strange");
		break;
	case OAUTH_WRONG:
		if (grant.refresh.data)
			step = keep_refresh(f, &grant);
		break;
	}
	oauth_grant_wipe(&grant);
	return step;
}

/* Whether the child that asks keeps what comes. */
static bool child_keeps(const struct token_fetch *f)
{
	return has_person(f->plan) || f->plan->save_command;
}

static void take_answer(void *context, struct https_answer *a, struct err *e)
{
	struct token_fetch *f = context;

	f->kept = child_keeps(f);
	told(f, a ? answered(f, a) : unanswered(f, e));
}

/* In the child, which is a copy of us and has the lock.  What we see of the answer as well we
 * conclude ourselves; that it could not be kept we would not know. */
static int keep_answer(void *context, const struct https_answer *a, struct err *e)
{
	struct token_fetch *f = context;

	if (a)
		answered(f, a);
	else
		unanswered(f, e);
	if (!f->unkept)
		return 0;
	*e = f->err;
	return -1;
}

static int make_form(struct token_fetch *f, struct buf *form)
{
	unsigned char random[OAUTH_RANDOM];
	int result;

	if (has_person(f->plan))
		return oauth_ask_refresh(&f->asked, &f->token.refresh, form, &f->err);
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(&f->err, ERR_SYSTEM, errno, "cannot get random numbers");
	result = oauth_ask_client(&f->asked, time(NULL), random, form, &f->err);
	explicit_bzero(random, sizeof(random));
	return result;
}

/* A question that spends a refresh token is given all its time, or is not put. */
static int check_time(struct token_fetch *f)
{
	if (!has_person(f->plan) || clock_ms() + HTTPS_SECONDS * 1000 <= f->deadline)
		return 0;
	return err_set(&f->err, ERR_TIMEOUT, "so much of the time for getting a token has gone by "
		"that the provider is not asked any more");
}

/* Buffers that never grow leave no copies. */
static enum step ask_token(struct token_fetch *f)
{
	struct buf form = BUF_INIT(FORM_MAX), header = BUF_INIT(FORM_MAX);
	struct https_request r = { .url = f->asked.token_url, .body = &form,
		.ca_file = f->plan->ca_file, .proxy = f->plan->proxy.data };
	enum step step = FAILED;

	buf_reserve(&form, FORM_MAX);
	buf_reserve(&header, FORM_MAX);
	if (oauth_authorization(&f->asked, &header))
		r.authorization = buf_text(&header);
	if (child_keeps(f)) {
		r.keep = keep_answer;
		r.lock = f->lock;
		r.keep_seconds = f->plan->save_command ? SECRET_COMMAND_SECONDS : 0;
	}
	f->asked_at = time(NULL);
	if (check_time(f) == 0 && make_form(f, &form) == 0)
		step = request(f, &r, take_answer);
	buf_wipe(&form);
	buf_wipe(&header);
	return step;
}

/* A file that has no secrets is small, and must take them when the keyring does not. */
static bool is_without_room(struct token_fetch *f)
{
	return token_in_keyring(&f->token) &&
		token_try(f->directory, f->plan->account, &f->err) < 0;
}

/* Under the lock.  A provider that replaces refresh tokens must not be asked when its answer
 * cannot be kept: what is stored is stored again first, so a full disk shows in time. */
static enum step ask(struct token_fetch *f)
{
	f->waited = true;
	if (f->asked.discover)
		return discover(f);
	if (has_person(f->plan) && !is_of_plan(&f->token, &f->asked))
		return fail_as_others(f);
	if (f->token.refresh.data && (is_without_room(f) ||
			token_save(f->directory, f->plan->account, &f->token, &f->err) < 0))
		return FAILED;
	return ask_token(f);
}

/* ---- the lock */

static enum step wait_for_lock(struct token_fetch *f)
{
	if (clock_ms() >= f->deadline) {
		err_set(&f->err, ERR_TIMEOUT, "another process has been getting a token for more than "
			"%d s", TOKEN_FETCH_SECONDS);
		return FAILED;
	}
	f->waited = true;
	f->timer.deadline = clock_ms() + (uint64_t)f->pause;
	f->pause = f->pause * 2 < PAUSE_MOST ? f->pause * 2 : PAUSE_MOST;
	loop_add(f->loop, &f->timer);
	return WAITING;
}

static enum step go_on(struct token_fetch *f, enum step step)
{
	bool busy;

	if (step != ASKS)
		return step;
	if (f->lock >= 0)
		return ask(f);
	f->lock = token_lock(f->directory, f->plan->account, &busy, &f->err);
	if (f->lock < 0)
		return !busy ? FAILED : token_still_does(&f->token, time(NULL)) ? GOT : wait_for_lock(f);
	return go_on(f, look(f));
}

static enum step advance(struct token_fetch *f)
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
	forget_urls(&f->asked);
}

/* What this machine lacks is no affair of the message's: it waits as for a server. */
static void soften(struct err *e)
{
	if (e->kind == ERR_STORE || e->kind == ERR_SYSTEM || e->kind == ERR_RIGHT)
		e->kind = ERR_SECRET;
}

/* Takes the outcome out of f, which is then of no more use. */
static void outcome(struct token_fetch *f, enum step step, struct secret *s, struct err *e)
{
	let_go(f);
	*e = (struct err){ 0 };
	*s = (struct secret){ NULL, 0 };
	if (step == GOT || token_still_does(&f->token, time(NULL))) {
		*s = f->token.access;
		f->token.access = (struct secret){ NULL, 0 };
	} else {
		*e = f->err;
		soften(e);
	}
	token_wipe(&f->token);
}

static void told(struct token_fetch *f, enum step step)
{
	token_done *done = f->done;
	void *context = f->context;
	struct secret s;
	struct err e;

	f->step = step;
	if (f->starting || step == WAITING)
		return;
	outcome(f, step, &s, &e);
	done(context, s.data ? &s : NULL, &e);   /* which frees f */
}

static void look_again(struct watch *w, short revents)
{
	struct token_fetch *f = w->owner;

	(void)revents;
	loop_remove(f->loop, w);
	told(f, advance(f));
}

struct token_fetch *token_fetch_start(struct loop *l, const struct token_settings *set,
	token_done *done, void *context)
{
	struct token_fetch *f = mem_alloc(sizeof(*f));
	struct secret s;
	struct err e;
	enum step step;

	process_hold_secret();
	f->loop = l;
	f->plan = set->plan;
	f->directory = set->directory;
	f->refused = set->refused;
	copy_urls(&f->asked, set->plan);
	f->deadline = clock_ms() + TOKEN_FETCH_SECONDS * 1000;
	f->pause = PAUSE_FIRST;
	f->lock = -1;
	f->timer = (struct watch){ .fd = -1, .run = look_again, .owner = f };
	f->done = done;
	f->context = context;
	step = advance(f);
	if (step == WAITING)
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
