/* deliver/submit_session.c - the message carried to a server, or to the runner;
 * see submit_state.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/submit_state.h"
#include "deliver/trouble.h"

enum { IDLE_MS = 20 * 1000 };   /* a connection does not wait longer for a slow writer */

static enum smtp_pipelining pipelining_of(const struct run *r)
{
	return (enum smtp_pipelining)r->out->route.account->smtp.pipelining;
}

void carry_message(struct run *r)
{
	if (r->session && r->session_ended) {
		r->late = true;
		return;
	}
	r->submitted = true;
	loop_remove(&r->loop, &r->idle);
	if (!r->session)
		carry_start(r, pipelining_of(r));
	if (r->session_dead) {
		carry_nobody(r);
		return;
	}
	session_submit(r->session, &r->out->attempt.smtp);
	session_finish(r->session);
}

/* As if the last session had not been. */
static void forget_session(struct run *r)
{
	r->out->outcome.err = (struct err){ 0 };
	r->out->outcome.refusal = (struct smtp_result){ 0 };
	session_free(&r->session);
}

/* The same message in a new session. */
static void start_over(struct run *r, enum smtp_pipelining pipelining)
{
	struct attempt *t = &r->out->attempt;

	for (size_t i = 0; i < t->smtp.count; i++) {
		smtp_result_release(&t->smtp.results[i]);
		t->smtp.results[i] = (struct smtp_result){ 0 };
	}
	forget_session(r);
	carry_start(r, pipelining);
	session_submit(r->session, &t->smtp);
	session_finish(r->session);
}

/* What a try has told of a recipient stands until the runner itself says something
 * else: it may have stored what it did not live to answer. */
static void remember_verdicts(struct run *r)
{
	struct smtp_message *m = &r->out->attempt.smtp;

	if (r->plan != PLAN_HAND_OVER)
		return;
	if (!r->known)
		r->known = mem_alloc(m->count);
	r->unsure = false;
	for (size_t i = 0; i < m->count; i++) {
		struct smtp_result *now = &m->results[i];

		if (now->verdict == VERDICT_DELIVERED || now->code)
			r->known[i] = (unsigned char)now->verdict;
		else if (now->verdict == VERDICT_UNKNOWN && r->known[i] != VERDICT_DELIVERED)
			r->known[i] = VERDICT_UNKNOWN;
		if (r->known[i] == VERDICT_DELIVERED || r->known[i] == VERDICT_UNKNOWN)
			now->verdict = (enum smtp_verdict)r->known[i];
		r->unsure |= now->verdict == VERDICT_UNKNOWN;
	}
}

static void ask_again(struct watch *w, short revents)
{
	struct run *r = w->owner;

	(void)revents;
	loop_remove(&r->loop, &r->again);
	start_over(r, PIPELINING_STANDARD);
}

/* An access token was refused, and no other one before it: one more login. */
static bool renews(const struct run *r)
{
	return r->session && session_refused(r->session) && !r->refused[0] && !process_stopped();
}

static void note_refused(struct run *r)
{
	snprintf(r->refused, sizeof(r->refused), "%s", session_refused(r->session));
}

/* The session has ended with the message: over AUTH in a group with MAIL nothing
 * was sent, so once more without; and once more where the access token was refused, by a
 * new one; the runner is asked until it has answered. */
static bool goes_on(struct run *r)
{
	uint64_t when;

	if (r->out->failure.stumbled && !r->stumbled_once && !process_stopped()) {
		r->stumbled_once = true;
		r->out->failure.stumbled = false;
		start_over(r, PIPELINING_STANDARD);
		return true;
	}
	if (renews(r)) {
		note_refused(r);
		start_over(r, pipelining_of(r));
		return true;
	}
	if (!plan_again(r, &when))
		return false;
	r->again = (struct watch){ .fd = -1, .deadline = when, .run = ask_again, .owner = r };
	loop_add(&r->loop, &r->again);
	return true;
}

static void keep_facts(struct run *r)
{
	struct outcome *out = &r->out->outcome;
	const struct tls_facts *tls = session_tls(r->session);
	const char *mechanism = session_mechanism(r->session);

	snprintf(out->peer, sizeof(out->peer), "%s", session_peer(r->session));
	snprintf(out->mechanism, sizeof(out->mechanism), "%s", mechanism ? mechanism : "");
	snprintf(out->tls, sizeof(out->tls), "%s", tls ? tls->version : "");
	if (session_warning(r->session)[0])
		snprintf(r->warning, sizeof(r->warning), "%s", session_warning(r->session));
	snprintf(out->warning, sizeof(out->warning), "%s%s%s", tls ? tls->warning : "",
		tls && tls->warning[0] && r->warning[0] ? "; " : "", r->warning);
}

static void copy_failure(struct smtp_failure *to, const struct smtp_failure *from)
{
	smtp_result_release(&to->result);
	*to = *from;
	to->result.text = from->result.text ? mem_string(from->result.text) : NULL;
	to->result.hint = NULL;
}

static void keep_failure(struct run *r, const struct smtp_failure *f)
{
	copy_failure(&r->out->failure, f);
	r->out->outcome.err = f->err;
	r->out->outcome.refusal = r->out->failure.result;
}

/* ---- a login that was refused */

static void remember_refusal(struct run *r, const struct smtp_failure *f)
{
	struct submit_memory *m = r->o->memory;

	if (!m || f->stumbled || (f->err.kind != ERR_LOGIN &&
			(f->err.kind != ERR_NONE || f->result.step != STEP_AUTH)))
		return;
	copy_failure(&m->refused, f);
	snprintf(m->account, sizeof(m->account), "%s", r->out->route.account->name);
}

/* True: it stands for this submission as well. */
static bool refused_before(struct run *r)
{
	const struct submit_memory *m = r->o->memory;

	if (!m || strcmp(m->account, r->out->route.account->name) != 0)
		return false;
	keep_failure(r, &m->refused);
	r->session_dead = true;
	return true;
}

void submit_forget(struct submit_memory *m)
{
	smtp_result_release(&m->refused.result);
	m->account[0] = '\0';
}

/* A server that tired of waiting for a slow writer costs nothing: a new
 * connection is made when the message is there. */
static bool only_tired(const struct smtp_failure *f)
{
	return f->err.kind == ERR_LOST || f->err.kind == ERR_TIMEOUT ||
		(f->err.kind == ERR_NONE && f->result.code == 421);
}

/* It never came to a transaction: everybody is to be tried later. */
void carry_nobody(struct run *r)
{
	struct attempt *t = &r->out->attempt;

	for (size_t i = 0; i < t->smtp.count; i++)
		t->smtp.results[i].verdict = VERDICT_TRY_LATER;
	run_finish(r);
}

/* The session ended before the message was there.  What it failed of stands,
 * and is told when the input is read; else there will be another session. */
static void ended_early(struct run *r)
{
	if (renews(r)) {
		note_refused(r);
		forget_session(r);
		if (!r->late)
			carry_start(r, pipelining_of(r));
	} else if (r->out->outcome.err.kind == ERR_NONE && !r->out->outcome.refusal.code) {
		session_free(&r->session);
		r->tired = true;
	} else {
		r->session_dead = true;
	}
	if (r->late && r->session_dead)
		carry_nobody(r);
	else if (r->late)
		carry_message(r);
}

/* The loop has come back from the session: now it may be freed. */
static void session_over(struct watch *w, short revents)
{
	struct run *r = w->owner;

	(void)revents;
	loop_remove(&r->loop, &r->idle);
	r->session_ended = false;
	keep_facts(r);
	if (!r->submitted) {
		ended_early(r);
		return;
	}
	remember_verdicts(r);
	if (!goes_on(r))
		run_finish(r);
}

static void ended(void *context, const struct smtp_failure *f)
{
	struct run *r = context;

	r->session_ended = true;
	if (f && f->rode && r->spool)
		trouble_apart(r->spool, r->out->route.account);
	if (f && !renews(r))
		remember_refusal(r, f);
	if (f && (r->submitted || !only_tired(f)))
		keep_failure(r, f);
	r->idle = (struct watch){ .fd = -1, .deadline = clock_ms(), .run = session_over,
		.owner = r, .added = r->idle.added };
	loop_add(&r->loop, &r->idle);
}

static void idle_too_long(struct watch *w, short revents)
{
	struct run *r = w->owner;

	(void)revents;
	session_finish(r->session);
}

static void idle(void *context)
{
	struct run *r = context;

	if (r->submitted)
		return;
	r->idle = (struct watch){ .fd = -1, .deadline = clock_ms() + IDLE_MS,
		.run = idle_too_long, .owner = r, .added = r->idle.added };
	loop_add(&r->loop, &r->idle);
}

static void trace(void *context, enum smtp_direction direction, const char *line, size_t len)
{
	const struct run *r = context;

	r->o->trace(r->o->context, direction, line, len);
}

void carry_start(struct run *r, enum smtp_pipelining pipelining)
{
	struct session_hooks hooks = { .trace = r->o->trace ? trace : NULL, .idle = idle,
		.ended = ended, .refused = r->refused, .context = r };
	const struct account *a = r->out->route.account;
	char note[sizeof(r->out->route.why) + 2];

	if (refused_before(r))
		return;
	if (r->o->trace)
		r->o->trace(r->o->context, SMTP_NOTE, note, (size_t)snprintf(note, sizeof(note),
			"[%s]", r->out->route.why));
	if (!r->since.tv_sec)
		clock_gettime(CLOCK_REALTIME, &r->since);
	r->session = session_start(&r->loop, a, pipelining, &hooks);
}
