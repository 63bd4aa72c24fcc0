/* smtp/verdict.c - what became of each recipient, and telling it; see state.h.
 *
 * Each recipient gets exactly one verdict, each message one done().
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/state.h"

static bool finished(const struct work *w)
{
	return !w->open && !w->in_flight && !w->sender_left && (w->started || w->m->count);
}

void verdict_report(struct smtp *s)
{
	trace_flush(s);
	for (struct work **at = &s->works; *at;) {
		struct work *w = *at;

		if (!finished(w)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (!w->next)
			s->works_end = at;
		s->load.messages--;
		s->load.recipients -= w->m->count;
		s->load.octets -= w->m->size;
		s->load.done++;
		if (w->m->done)
			w->m->done(w->m->context, w->m);
		free(w->again);
		free(w);
		at = &s->works;
	}
}

static bool pending(const struct work *w, size_t recipient)
{
	return w->m->results[recipient].verdict == VERDICT_PENDING;
}

enum smtp_verdict verdict_of(const struct smtp_reply *r)
{
	return r->code >= 500 ? VERDICT_REFUSED : VERDICT_TRY_LATER;
}

void verdict_reply(struct work *w, size_t recipient, enum smtp_verdict verdict,
	enum smtp_step step, const struct smtp_reply *r)
{
	if (!pending(w, recipient))
		return;
	result_from_reply(&w->m->results[recipient], verdict, step, r);
	w->open--;
}

void verdict_local(struct work *w, size_t recipient, enum smtp_verdict verdict,
	enum smtp_step step, enum err_kind kind, const char *why)
{
	struct smtp_result *to = &w->m->results[recipient];

	if (!pending(w, recipient))
		return;
	*to = (struct smtp_result){ .verdict = verdict, .step = step, .kind = kind,
		.text = why ? mem_string(why) : NULL };
	w->open--;
}

void verdict_all(struct work *w, enum smtp_verdict verdict, const struct err *why)
{
	for (size_t i = 0; i < w->m->count; i++) {
		bool first = pending(w, i);

		verdict_local(w, i, verdict, STEP_MAIL, why->kind, why->text);
		if (!first)
			continue;
		w->m->results[i].cause = why->cause;
		if (why->hint[0])
			w->m->results[i].hint = mem_string(why->hint);
	}
	if (w->m->trial)
		w->m->content = (struct smtp_result){ .verdict = verdict, .step = STEP_MAIL,
			.kind = why->kind, .text = mem_string(why->text),
			.hint = why->hint[0] ? mem_string(why->hint) : NULL };
	w->sender_left = false;
	w->next_recipient = w->m->count;
	w->again_count = 0;
}

/* Those whom the server accepted are told so, and so are those that were to come
 * in further transactions. */
void verdict_take_back(struct work *w)
{
	for (size_t i = 0; i < w->m->count; i++)
		verdict_local(w, i, VERDICT_NOT_SENT, STEP_RCPT, ERR_NONE,
			"not sent, because another recipient was refused for now");
	w->next_recipient = w->m->count;
	w->again_count = 0;
}

/* What the reply says of all whom the server had accepted. */
static void note_outcome(struct transaction *t, enum smtp_verdict verdict, enum smtp_step step,
	const struct smtp_reply *r)
{
	struct smtp_result *content = &t->work->m->content;

	t->work->refused_for_now |= t->accepted && verdict == VERDICT_TRY_LATER;
	if ((t->accepted && step == STEP_CONTENT) || (step == STEP_DELIVERY &&
			(verdict == VERDICT_DELIVERED || content->verdict != VERDICT_DELIVERED)))
		result_from_reply(content, verdict, step, r);
}

/* The next from i on that is meant; t->count: there is none. */
static size_t next_meant(const struct transaction *t, size_t which, size_t i)
{
	if (which != EVERYBODY)
		return i <= which && t->got[which] == GOT_ACCEPTED ? which : t->count;
	while (i < t->count && t->got[i] != GOT_ACCEPTED)
		i++;
	return i;
}

void verdict_accepted(struct transaction *t, size_t which, enum smtp_step step,
	const struct smtp_reply *r)
{
	for (size_t i = 0; (i = next_meant(t, which, i)) < t->count; i++)
		verdict_reply(t->work, t->recipients[i], verdict_of(r), step, r);
	note_outcome(t, verdict_of(r), step, r);
}

/* Nothing here asks the system for anything, not even for memory: taken() is to
 * make its mark in the very next system call. */
void verdict_taken(struct transaction *t, size_t which)
{
	struct smtp_message *m = t->work->m;

	if (!t->accepted)
		return;
	for (size_t i = 0; (i = next_meant(t, which, i)) < t->count; i++) {
		m->results[t->recipients[i]].verdict = VERDICT_DELIVERED;
		t->work->open--;
	}
	t->work->content_taken = true;
	if (m->taken)
		m->taken(m->context, m);
}

void verdict_taken_words(struct transaction *t, size_t which, enum smtp_step step,
	const struct smtp_reply *r)
{
	for (size_t i = 0; (i = next_meant(t, which, i)) < t->count; i++)
		result_from_reply(&t->work->m->results[t->recipients[i]], VERDICT_DELIVERED, step, r);
	note_outcome(t, VERDICT_DELIVERED, step, r);
}

/* ---- the end of a session that did not end well */

/* Of a trial, who is welcome is so only in a session that went well. */
static bool answered(const struct work *w)
{
	if (w->open || w->sender_left || !w->started)
		return false;
	for (size_t i = 0; i < w->m->count; i++)
		if (w->m->results[i].verdict == VERDICT_NOT_SENT ||
		    w->m->results[i].verdict == VERDICT_WELCOME)
			return false;
	return true;
}

bool verdict_all_answered(const struct smtp *s)
{
	if (!s->flying_count)
		return false;
	for (const struct work *w = s->works; w; w = w->next)
		if (!answered(w))
			return false;
	for (size_t i = 0; i < s->flying_count; i++)
		if (!s->flying[i]->mail_answered)
			return false;
	return true;
}

/* RFC 1047: written whole, and nobody said what became of it.  With BDAT its
 * RCPTs may be unanswered as well. */
static void leave_in_doubt(struct smtp *s, const char *why)
{
	for (size_t i = 0; i < s->flying_count; i++) {
		struct transaction *t = s->flying[i];

		if (!t->end_at || s->written < t->end_at)
			continue;
		for (size_t k = 0; k < t->count; k++)
			if (t->got[k] != GOT_SPLIT)
				verdict_local(t->work, t->recipients[k], VERDICT_UNKNOWN,
					STEP_CONTENT, ERR_UNKNOWN, why);
	}
}

static void leave_for_later(struct work *w, const struct smtp_failure *f, enum smtp_step step,
	const char *why)
{
	for (size_t i = 0; i < w->m->count; i++) {
		struct smtp_result *to = &w->m->results[i];

		if (!pending(w, i))
			continue;
		verdict_local(w, i, VERDICT_TRY_LATER, step, f->err.kind, why);
		to->cause = f->err.kind ? f->err.cause : f->result.cause;
		if (!f->err.kind) {   /* the server said it, to all */
			to->code = f->result.code;
			to->standing = f->result.standing;
			memcpy(to->enhanced, f->result.enhanced, sizeof(to->enhanced));
		}
	}
	w->in_flight = 0;
	w->sender_left = false;
	w->started = true;
}

void verdict_broken(struct smtp *s)
{
	static const struct smtp_failure quit = { .err = { .kind = ERR_LOST,
		.text = "the session was over before the message was sent" } };
	const struct smtp_failure *f = s->phase == PHASE_ENDED ? &quit : &s->failure;
	enum smtp_step step = f == &quit ? STEP_QUIT :
		f->err.kind ? smtp_waiting_for(s) : f->result.step;
	const char *why = f->err.kind ? f->err.text : f->result.text;

	/* What stands behind a refusal of the session was not looked at. */
	if (f->err.kind)
		leave_in_doubt(s, why);
	for (struct work *w = s->works; w; w = w->next)
		leave_for_later(w, f, step, why);
	for (size_t i = 0; i < s->flying_count; i++)
		transaction_free(s->flying[i]);
	s->flying_count = 0;
	s->current = NULL;
	s->content_next = false;
	s->count = 0;
	verdict_report(s);
}
