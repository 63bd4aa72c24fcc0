/* deliver/session_wait.c - deadlines of a session; see session_state.h. */
#include <stdio.h>

#include "base/clock.h"
#include "deliver/session_state.h"

enum {
	MIXED_UP_MS = 5 * 1000,       /* for a greeting on a port that is known to expect TLS */
	STUMBLE_MS = 10 * 1000,       /* how long a server may think about a pipelined login */
	SLOWEST = 1000                /* octets of content a second, below which it is no progress */
};

static uint64_t deadline_of_reply(const struct session *s)
{
	const struct net_settings *set = &s->account->net;
	uint64_t wait = (uint64_t)set->timeout;

	if (smtp_waiting_for(s->engine) == STEP_CONTENT && !smtp_sending_content(s->engine))
		wait = (uint64_t)set->final_timeout;
	else if (smtp_may_stumble(s->engine) && wait > STUMBLE_MS)
		wait = STUMBLE_MS;
	else if (smtp_waiting_for(s->engine) == STEP_GREETING && wait > MIXED_UP_MS &&
		 account_mixes_up(s->account) && !s->heard)
		wait = MIXED_UP_MS;
	return s->since + wait;
}

/* Nothing came, or no more than the beginning of an answer. */
static void no_answer(const struct session *s, const char *where, struct err *e)
{
	bool greeting = s->engine && smtp_waiting_for(s->engine) == STEP_GREETING;
	unsigned long long waited = (unsigned long long)(clock_ms() - s->since + 500) / 1000;

	if (s->engine && smtp_reply_begun(s->engine)) {
		err_set(e, ERR_TIMEOUT, "%s did not finish its answer within %llu s", where, waited);
		err_cause(e, "answer-too-slow");
		return;
	}
	err_set(e, ERR_TIMEOUT, "%s gave no answer within %llu s", where, waited);
	if (greeting)
		err_hint(e, s->account->smtp.tls != SMTP_TLS_IMPLICIT ?
			"if this port expects TLS from the start, set tls = implicit" :
			"try again later; if that goes on, ask its operator what listens at this port");
	if (greeting)
		err_cause(e, account_mixes_up(s->account) ? "tls-from-the-start-here" : "no-greeting");
}

void session_expired(struct session *s)
{
	const struct net_settings *set = &s->account->net;
	struct err e = { 0 };
	char where[320];

	account_where(s->account, where, sizeof(where));
	if (s->stage == STAGE_HANDSHAKE) {
		err_set(&e, ERR_TIMEOUT, "TLS with %s did not come about within %ld s", where,
			set->connect_timeout / 1000);
		if (s->account->smtp.tls == SMTP_TLS_IMPLICIT)
			err_hint(&e, "if the server speaks plain SMTP first on this port, "
				"set tls = starttls");
		if (s->account->smtp.tls == SMTP_TLS_IMPLICIT)
			err_cause(&e, "tls-silent");
	} else {
		no_answer(s, where, &e);
	}
	if (set->command && !s->heard) {
		err_hint(&e, "connect_command runs and brings nothing: run it by hand, as this user "
			"and without a terminal");
		err_cause(&e, "connect-command-failed");
	}
	session_fail(s, &e);
}

void session_limit_passed(struct watch *w, short revents)
{
	struct session *s = w->owner;
	struct err e = { 0 };
	char where[320];

	(void)revents;
	account_where(s->account, where, sizeof(where));
	err_set(&e, ERR_TIMEOUT, "%s is too slow: the whole session took too long", where);
	session_fail(s, &e);
}

struct smtp_load session_load(const struct session *s)
{
	struct smtp_load load = { .messages = 0 };

	if (s->engine)
		return *smtp_load(s->engine);
	for (const struct smtp_message *m = s->waiting; m; m = m->next) {
		load.messages++;
		load.recipients += m->count;
		load.octets += m->size;
	}
	return load;
}

/* The longest that so much may take, beyond what any session may. */
static uint64_t patience(const struct session *s, uint64_t octets, size_t recipients)
{
	uint64_t transactions = recipients / (size_t)s->settings.max_recipients;

	return octets / SLOWEST * 1000 + recipients * 2000 +
		transactions * (uint64_t)s->account->net.final_timeout;
}

void session_set_limit(struct session *s)
{
	const struct net_settings *set = &s->account->net;
	struct smtp_load load = session_load(s);
	uint64_t most = (uint64_t)set->connect_timeout + 10 * (uint64_t)set->timeout +
		(uint64_t)set->final_timeout + patience(s, load.octets, load.recipients);

	most += credential_patience(s->account);
	s->done = load.done;
	s->limit.deadline = clock_ms() + most;
	loop_add(s->loop, &s->limit);
}

void session_extend_limit(struct session *s, const struct smtp_message *m)
{
	s->limit.deadline += patience(s, m->size, m->count);
}

void session_note_progress(struct session *s)
{
	uint64_t replies = smtp_replies(s->engine);

	if (replies != s->replies || s->written != s->octets) {
		s->since = clock_ms();
		s->replies = replies;
		s->octets = s->written;
	}
	s->watch.deadline = deadline_of_reply(s);
	if (smtp_load(s->engine)->done != s->done)
		session_set_limit(s);
}
