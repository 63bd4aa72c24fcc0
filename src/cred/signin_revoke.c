/* cred/signin_revoke.c - a sign-in is ended at the provider (RFC 7009); see signin.h. */
#include "cred/signin_state.h"

/* The refresh token is the sign-in; the access tokens go with it. */
static const struct secret *what_counts(const struct token *t)
{
	return t->refresh.data ? &t->refresh : &t->access;
}

int signin_ask_revoke(struct signin *s, const struct token *t)
{
	struct buf body = BUF_INIT(64 * 1024);
	int good = oauth_ask_revoke(s->plan, what_counts(t), &body, s->e);

	if (good == 0 && signin_ask(s, s->plan->revoke_url, &body) < 0) {
		*s->e = s->asked;
		good = -1;
	}
	buf_wipe(&body);
	if (good == 0 && s->answer.status != 200)
		good = err_set(s->e, ERR_PROTOCOL, "its answer to the revocation was HTTP status %d",
			s->answer.status);
	return good;
}
