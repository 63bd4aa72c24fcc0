/* cmd/login_health.c - whether mail goes by a sign-in, and what should be known of it; see
 * login.h.
 *
 * From what is on disk alone: the token as it was left, and what flushers have noted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/login.h"
#include "deliver/cause.h"
#include "deliver/enqueue.h"
#include "deliver/trouble.h"

static void must_sign_in(struct login_facts *f, const char *cause, const char *why)
{
	err_cause(&f->trouble, cause);
	token_hint(&f->trouble, f->directory, f->account->name, why);
}

/* Whether nobody but a person can mend it. */
static bool is_over(struct login_facts *f, int64_t now)
{
	const struct token *t = f->token;

	if (t->over[0])
		err_set(&f->trouble, ERR_SECRET, "the provider has ended the sign-in: %s", t->over);
	else if (login_is_unattended(f->plan))
		return false;
	else if (strcmp(t->client_id, f->plan->client_id) != 0)
		err_set(&f->trouble, ERR_SECRET, "the sign-in was made with another oauth_client_id");
	else if (f->plan->token_url && strcmp(t->token_url, f->plan->token_url) != 0)
		err_set(&f->trouble, ERR_SECRET, "the sign-in was made at another server for tokens");
	else if (!token_has_refresh(t) && t->expires <= now)
		err_set(&f->trouble, ERR_SECRET, "the access token has ended, and there is no refresh "
			"token");
	else
		return false;
	return true;
}

static void judge_token(struct login_facts *f, int64_t now)
{
	const struct token *t = f->token;
	const struct cause *said = cause_named(t->cause);

	f->state = "signed-in";
	if (is_over(f, now)) {
		f->state = "over";
		must_sign_in(f, said ? said->id : "sign-in-over", "sign in again");
		return;
	}
	f->paused = token_pause(t, now);
	token_scope_lacks(f->plan->scope, t->scope, &f->scope_lacks);
	if (!f->paused || token_is_fresh(t, now) || token_still_does(t, now))
		return;
	err_set(&f->trouble, ERR_CONNECT, "there is no access token, and the provider is asked for none "
		"for another %lld s", (long long)f->paused);
	err_cause(&f->trouble, "oauth-later");
	err_hint(&f->trouble, "nothing is lost: it is asked again then");
}

/* What can be said where there is no token. */
static void judge_none(struct login_facts *f, int loaded)
{
	f->state = loaded == 1 ? login_is_unattended(f->plan) ? "signed-in" : "signed-out" : "unusable";
	if (loaded < 0 && login_is_unattended(f->plan))
		token_hint_away(&f->trouble, f->directory, f->account->name);
	if (loaded != 1 || login_is_unattended(f->plan))
		return;
	err_set(&f->trouble, ERR_SECRET, "nobody has signed in");
	must_sign_in(f, "login-needed", "sign in");
}

/* Of an account that cannot be used for now, the login is what this command is about. */
static void judge_park(struct login_facts *f)
{
	const struct cause *cause = f->park.cause ? cause_named(f->park.cause) : NULL;
	char next[CREDENTIAL_NEXT_MAX];
	const char *step = cause ? credential_next(f->account, cause, next) : NULL;

	if (f->trouble.kind || (f->park.kind != PARK_LOGIN && !(cause && !strncmp(cause->id, "oauth-", 6))))
		return;
	err_set(&f->trouble, ERR_PARKED, "mail waits: %s", f->parked_for[0] ? f->parked_for :
		"the login does not work");
	if (cause)
		err_cause(&f->trouble, cause->id);
	if (step)
		err_hint(&f->trouble, "%s", step);
}

/* No queue, no news. */
static void look_at_queue(struct login_facts *f, const struct config *c)
{
	struct spool *spool = NULL;
	struct err ignored;
	char *own = f->account->scope == SCOPE_SYSTEM ? NULL : enqueue_path(c, &ignored);
	const char *path = f->account->scope == SCOPE_SYSTEM ? config_system_spool() : own;

	if (path && spool_open(&spool, path, false, &ignored) == 0) {
		f->parked = trouble_is_parked(spool, c, f->account, &f->park);
		spool_close(&spool);
	}
	if (f->parked && f->park.reason)
		text_clean_to(f->parked_for, sizeof(f->parked_for), f->park.reason, strlen(f->park.reason));
	free(own);
}

void login_judge(struct login_facts *f, const struct config *c, int loaded, int64_t now)
{
	if (loaded == 0)
		judge_token(f, now);
	else
		judge_none(f, loaded);
	look_at_queue(f, c);
	if (f->parked)
		judge_park(f);
}

bool login_is_doubtful(const struct login_facts *f)
{
	return f->paused || f->scope_lacks.len || f->parked ||
		(f->token && (f->token->stale || f->token->keyring_trouble[0]));
}

void login_facts_release(struct login_facts *f)
{
	buf_release(&f->scope_lacks);
	if (f->parked)
		park_release(&f->park);
}
