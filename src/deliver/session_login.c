/* deliver/session_login.c - what a login takes from elsewhere: a secret, the responses that
 * Kerberos makes; see session_state.h. */
#include <stdio.h>

#include "base/clock.h"
#include "base/process.h"
#include "deliver/session_state.h"

/* ---- secrets */

static void got_secret(void *context, struct secret *secret, struct err *e)
{
	struct session *s = context;

	s->fetched = credential_is_new(s->fetch);
	snprintf(s->warning, sizeof(s->warning), "%s", credential_warning(s->fetch));
	credential_fetch_free(&s->fetch);
	if (!secret) {
		session_fail(s, e);
		return;
	}
	if (s->user)
		s->sasl.user = s->user;
	secret_wipe(&s->secret);
	s->secret = *secret;
	*secret = (struct secret){ 0 };
	s->secret_here = true;
	if (s->engine)   /* also what is said before the login is looked through for it */
		smtp_secret(s->engine, &s->secret);
	if (s->engine && !s->turning)
		session_turn(s);
}

void session_fetch_secret(struct session *s)
{
	if (!account_has_secret(s->account) || !account_logs_in(s->account))
		return;
	process_hold_secret();
	s->fetch = credential_fetch_start(s->loop, s->account, s->hooks.refused, &s->user,
		got_secret, s);
}

/* ---- Kerberos */

/* From the loop.  The server has waited meanwhile, not we for it. */
static void responded(void *context, const struct kerberos_response *r, struct err *e)
{
	struct session *s = context;

	s->responding = false;
	s->since = clock_ms();
	s->ticket = *kerberos_facts(s->kerberos);
	if (r)
		smtp_response(s->engine, r->data, r->len, r->last);
	else
		smtp_no_response(s->engine, e);
	if (!r || r->last)
		kerberos_free(&s->kerberos);
	if (!s->turning)
		session_turn(s);
}

void session_respond(struct session *s)
{
	const struct account *a = s->account;
	size_t len;
	const char *challenge = smtp_challenge(s->engine, &len);

	if (s->responding)
		return;
	if (!s->kerberos)
		s->kerberos = kerberos_new(s->loop, a->smtp.protocol == PROTOCOL_LMTP ? "lmtp" : "smtp",
			a->tls.host ? a->tls.host : a->net.host, a->sasl.authzid, responded, s);
	s->responding = true;
	kerberos_ask(s->kerberos, challenge, len, clock_ms() + (uint64_t)a->net.connect_timeout);
}
