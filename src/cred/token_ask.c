/* cred/token_ask.c - asking a provider for an access token, and keeping it; see token_state.h.
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

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/token_state.h"

enum {
	FORM_MAX    = 64 * 1024,  /* octets: a token, each octet as %XX, and the rest */
	DISCOVERIES = 2,          /* places to ask an issuer in */
	LATER       = 10,         /* seconds that a provider is left alone who did not say */
	LATER_MOST  = TOKEN_PAUSE_MOST
};

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

/* What a discovery may fill in or replace; all else is the plan's. */
void token_copy_urls(struct oauth_plan *to, const struct oauth_plan *from)
{
	*to = *from;
	to->auth_url = copy(from->auth_url);
	to->token_url = copy(from->token_url);
	to->device_url = copy(from->device_url);
	to->revoke_url = copy(from->revoke_url);
	to->issuer = copy(from->issuer);
}

void token_forget_urls(struct oauth_plan *p)
{
	free(p->auth_url);
	free(p->token_url);
	free(p->device_url);
	free(p->revoke_url);
	free(p->issuer);
	memset(p, 0, sizeof(*p));
}

static enum token_step discover(struct token_fetch *f);

/* Returns what came of it at once, as a rule TOKEN_WAITING. */
static enum token_step request(struct token_fetch *f, const struct https_request *r, https_done *done)
{
	uint64_t deadline = clock_ms() + HTTPS_SECONDS * 1000;

	https_free(&f->https);
	f->starting = true;
	f->step = TOKEN_WAITING;
	f->https = https_start(f->loop, r, deadline < f->deadline ? deadline : f->deadline, done, f);
	f->starting = false;
	return f->step;
}

static enum token_step discovered(struct token_fetch *f, const struct https_answer *a)
{
	bool passes;

	if (a->status == 200 && oauth_read_discovery(&f->asked, buf_text(&a->body), a->body.len,
			&f->err) == 0)
		return token_ask(f);
	if (f->discoveries < DISCOVERIES)
		return discover(f);
	if (a->status == 200)
		return TOKEN_FAILED;
	passes = a->status >= 500 || a->status == 429;
	err_set(&f->err, passes ? ERR_CONNECT : ERR_CONFIG,
		"the issuer does not tell where its tokens are to be had (HTTP status %d)", a->status);
	err_cause(&f->err, passes ? "oauth-later" : "oauth-discovery-failed");
	return TOKEN_FAILED;
}

static void take_discovery(void *context, struct https_answer *a, struct err *e)
{
	struct token_fetch *f = context;

	if (!a)
		f->err = *e;
	/* Who cannot be reached has no second place. */
	token_told(f, a ? discovered(f, a) : TOKEN_FAILED);
}

static enum token_step discover(struct token_fetch *f)
{
	struct buf url = BUF_INIT(4096);
	struct https_request r = { .ca_file = f->plan->ca_file, .proxy = f->plan->proxy.data };
	enum token_step step;

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
static enum token_step keep(struct token_fetch *f, const struct oauth_grant *g)
{
	token_take(&f->token, &f->asked, g, f->asked_at);
	if (put(f) == 0 || !f->token.refresh.data)
		return TOKEN_GOT;
	secret_wipe(&f->token.access);
	f->unkept = true;
	return TOKEN_FAILED;
}

/* What came with an access token that will not do. */
static enum token_step keep_refresh(struct token_fetch *f, const struct oauth_grant *g)
{
	struct err said = f->err;

	token_leaves_keyring(&f->token);
	secret_set(&f->token.refresh, g->refresh.data, g->refresh.len);
	f->unkept = put(f) < 0;
	if (!f->unkept)
		f->err = said;
	return TOKEN_FAILED;
}

/* What was learnt besides a token.  That it is kept is a courtesy to the provider. */
static void remember(struct token_fetch *f)
{
	struct err said = f->err;

	put(f);
	f->err = said;
}

static enum token_step later(struct token_fetch *f, long retry_after)
{
	f->token.not_before = f->asked_at + (retry_after <= 0 ? LATER :
		retry_after > LATER_MOST ? LATER_MOST : retry_after);
	remember(f);
	return TOKEN_FAILED;
}

/* Who does not answer is left alone as well: each of many would wait for it in turn. */
static enum token_step unanswered(struct token_fetch *f, const struct err *e)
{
	f->err = *e;
	switch (e->kind) {
	case ERR_NAME_AGAIN:
	case ERR_CONNECT:
	case ERR_TIMEOUT:
	case ERR_LOST:
		return later(f, 0);
	default:
		return TOKEN_FAILED;
	}
}

static enum token_step over(struct token_fetch *f)
{
	const char *cause = token_over_cause(f->err.cause ? f->err.cause : "");

	if (!token_has_person(f->plan)) {
		err_cause(&f->err, "oauth-refused");
		return TOKEN_FAILED;
	}
	text_clean_to(f->token.over, sizeof(f->token.over), f->err.text, strlen(f->err.text));
	snprintf(f->token.cause, sizeof(f->token.cause), "%s", cause);
	remember(f);
	return token_fail(f, cause, "must sign in again", f->token.over);
}

static enum token_step answered(struct token_fetch *f, const struct https_answer *a)
{
	struct oauth_grant grant = { 0 };
	enum token_step step = TOKEN_FAILED;

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
	return token_has_person(f->plan) || f->plan->save_command;
}

static void take_answer(void *context, struct https_answer *a, struct err *e)
{
	struct token_fetch *f = context;

	f->kept = child_keeps(f);
	if (a)
		snprintf(f->warning, sizeof(f->warning), "%s", a->noted);
	token_told(f, a ? answered(f, a) : unanswered(f, e));
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
	if (f->unkept) {
		*e = f->err;
		return -1;
	}
	if (a && f->token.keyring_trouble[0])
		err_set(e, ERR_SECRET, "the new token is kept %s, for the keyring has not taken it: %s",
			f->token.refresh.data ? "in the file" : "nowhere", f->token.keyring_trouble);
	return 0;
}

static int make_form(struct token_fetch *f, struct buf *form)
{
	unsigned char random[OAUTH_RANDOM];
	int result;

	if (token_has_person(f->plan))
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
	if (!token_has_person(f->plan) || clock_ms() + HTTPS_SECONDS * 1000 <= f->deadline)
		return 0;
	return err_set(&f->err, ERR_TIMEOUT, "so much of the time for getting a token has gone by "
		"that the provider is not asked any more");
}

/* Buffers that never grow leave no copies. */
static enum token_step ask_token(struct token_fetch *f)
{
	struct buf form = BUF_INIT(FORM_MAX), header = BUF_INIT(FORM_MAX);
	struct https_request r = { .url = f->asked.token_url, .body = &form,
		.ca_file = f->plan->ca_file, .proxy = f->plan->proxy.data };
	enum token_step step = TOKEN_FAILED;

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
enum token_step token_ask(struct token_fetch *f)
{
	f->waited = true;
	if (f->asked.discover)
		return discover(f);
	if (token_has_person(f->plan) && !token_is_of_plan(&f->token, &f->asked))
		return token_fail_as_others(f);
	if (f->token.refresh.data && (is_without_room(f) ||
			token_save(f->directory, f->plan->account, &f->token, &f->err) < 0))
		return TOKEN_FAILED;
	return ask_token(f);
}
