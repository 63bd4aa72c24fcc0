/* deliver/outcome.c - what became of it, told; see outcome.h. */
#include "deliver/outcome.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "deliver/credential.h"

static const char *const verdict_names[] = {
	[VERDICT_PENDING] = "pending", [VERDICT_DELIVERED] = "delivered",
	[VERDICT_TRY_LATER] = "later", [VERDICT_REFUSED] = "refused",
	[VERDICT_UNKNOWN] = "unknown", [VERDICT_NOT_SENT] = "not sent",
};

void outcome_prepare(struct smtp_message *m, bool no_queue)
{
	m->all_or_nothing = no_queue;
}

void outcome_sort(struct smtp_message *m, const char *host)
{
	for (size_t i = 0; i < m->count; i++) {
		struct smtp_result *r = &m->results[i];

		if (r->verdict == VERDICT_REFUSED && !cause_is_final(cause_of_result(r, host), r))
			r->verdict = VERDICT_TRY_LATER;
	}
}

static const char *host_of(const struct outcome *o)
{
	return o->account ? o->account->net.host : NULL;
}

static const struct cause *failure_cause(const struct outcome *o)
{
	if (o->err.kind != ERR_NONE)
		return cause_of_err(&o->err);
	return o->refusal.code ? cause_of_result(&o->refusal, host_of(o)) : NULL;
}

static void count(struct outcome *o)
{
	for (size_t i = 0; o->attempt && i < o->attempt->smtp.count; i++)
		switch (o->attempt->smtp.results[i].verdict) {
		case VERDICT_DELIVERED:
			o->delivered++;
			break;
		case VERDICT_REFUSED:
			o->refused++;
			break;
		case VERDICT_UNKNOWN:
			o->unknown++;
			break;
		case VERDICT_NOT_SENT:
			o->not_sent++;
			break;
		default:
			o->later++;
			break;
		}
}

/* What a server refuses for now is to be tried again, whatever the words are. */
static int exit_of_failure(const struct outcome *o, const struct cause *failure)
{
	if (o->err.kind == ERR_NONE && o->refusal.code / 100 == 4)
		return cause_exit_again();
	return failure->exit;
}

/* Final refusals alone. */
static int exit_of_refusals(const struct outcome *o)
{
	int worst = 0;

	for (size_t i = 0; i < o->attempt->smtp.count; i++) {
		const struct smtp_result *r = &o->attempt->smtp.results[i];

		if (r->verdict == VERDICT_REFUSED)
			worst = cause_worse(worst, cause_of_result(r, host_of(o))->exit);
	}
	return worst;
}

/* A later transaction failed as a whole, for what the account or the sender is. */
static bool failed_later(const struct outcome *o)
{
	for (size_t i = 0; o->delivered && i < o->attempt->smtp.count; i++) {
		const struct smtp_result *r = &o->attempt->smtp.results[i];

		if (r->verdict == VERDICT_REFUSED && !cause_is_final(cause_of_result(r, host_of(o)), r))
			return true;
	}
	return false;
}

/* "Send it again" would be wrong advice to somebody who may have it. */
static void note_unknown(struct outcome *o)
{
	if (o->err.kind == ERR_NONE || o->err.kind == ERR_UNKNOWN)
		return;
	o->err.kind = ERR_UNKNOWN;
	o->err.cause = NULL;
	o->err.hint[0] = '\0';
}

/* Nothing could be stored either. */
static int exit_not_stored(const struct outcome *o)
{
	if (o->unknown)
		return cause_exit_of_kind(ERR_UNKNOWN);
	return o->delivered ? cause_exit_partly() : cause_of_err(&o->store)->exit;
}

static int exit_of_attempt(const struct outcome *o, const struct cause *failure)
{
	bool left = o->later + o->not_sent + o->unknown;

	if (left && !o->no_queue && !o->queued && o->store.kind != ERR_NONE)
		return exit_not_stored(o);
	if (o->no_queue && failed_later(o))
		return cause_exit_partly();
	if (!left || o->queued)
		return o->reported ? CAUSE_EXIT_OK : exit_of_refusals(o);
	if (o->unknown)
		return cause_exit_of_kind(ERR_UNKNOWN);
	if (o->delivered)
		return cause_exit_partly();
	return failure ? exit_of_failure(o, failure) : cause_exit_again();
}

void outcome_settle(struct outcome *o)
{
	const struct cause *failure;

	count(o);
	if (o->unknown && !o->queued)
		note_unknown(o);
	failure = failure_cause(o);
	if (o->attempt)
		o->exit = exit_of_attempt(o, failure);
	else if (o->store.kind != ERR_NONE)
		o->exit = cause_of_err(&o->store)->exit;
	else if (o->queued || o->handed_over)
		o->exit = CAUSE_EXIT_OK;
	else
		o->exit = failure ? exit_of_failure(o, failure) : cause_exit_of_kind(ERR_INTERNAL);
	if (o->exit == CAUSE_EXIT_OK && !o->queued) {
		/* All is delivered: how the session ended afterwards is nobody's worry. */
		o->err = (struct err){ 0 };
		o->refusal = (struct smtp_result){ 0 };
	}
}

/* ---- for a person */

static void add_step(struct buf *out, const char *words, const char *next)
{
	if (words && next)
		buf_printf(out, "  %s: %s\n", words, next);
	else if (words || next)
		buf_printf(out, "  %s\n", words ? words : next);
}

void outcome_describe_err(const struct err *e, struct buf *out)
{
	const struct cause *cause = cause_of_err(e);

	buf_printf(out, "sendoff: %s\n", e->text);
	if (e->hint[0])
		add_step(out, NULL, e->hint);
	else if (cause->next)
		add_step(out, NULL, cause->next);
}

/* For a refused session; what out is for see credential_next(). */
static const char *next_step(const struct outcome *o, const struct cause *cause,
	char out[CREDENTIAL_NEXT_MAX])
{
	return o->account ? credential_next(o->account, cause, out) : cause->next;
}

/* For what we could not do. */
static const char *step_of_err(const struct outcome *o, char out[CREDENTIAL_NEXT_MAX])
{
	const char *next = o->err.hint[0] ? o->err.hint : next_step(o, cause_of_err(&o->err), out);

	return next ? next : "";
}

static void describe_failure(const struct outcome *o, struct buf *out)
{
	char where[320] = "", next[CREDENTIAL_NEXT_MAX];
	struct err shown = o->err;

	if (o->account)
		account_where(o->account, where, sizeof(where));
	if (o->err.kind != ERR_NONE) {
		size_t len = strlen(shown.text);

		snprintf(shown.hint, sizeof(shown.hint), "%s", step_of_err(o, next));
		if (where[0] && !strstr(shown.text, where) && o->attempt)
			snprintf(shown.text + len, sizeof(shown.text) - len, " (%s)", where);
		outcome_describe_err(&shown, out);
	} else if (o->refusal.code) {
		const struct cause *cause = cause_of_result(&o->refusal, host_of(o));

		buf_printf(out, "sendoff: %s failed: %s (%s)\n", smtp_step_doing(o->refusal.step),
			o->refusal.text ? o->refusal.text : "", where);
		add_step(out, cause->words, next_step(o, cause, next));
	}
}

/* The first that is to be tried again; NULL. */
static const struct smtp_result *first_waiting(const struct outcome *o)
{
	for (size_t i = 0; o->attempt && i < o->attempt->smtp.count; i++) {
		const struct smtp_result *r = &o->attempt->smtp.results[i];

		if (r->verdict == VERDICT_TRY_LATER || r->verdict == VERDICT_UNKNOWN)
			return r;
	}
	return NULL;
}

void outcome_reason(const struct outcome *o, char *out, size_t size)
{
	const struct smtp_result *told = first_waiting(o);

	if (o->err.kind != ERR_NONE)
		snprintf(out, size, "%s", o->err.text);
	else if (o->refusal.code)
		snprintf(out, size, "%s: %s", smtp_step_doing(o->refusal.step),
			o->refusal.text ? o->refusal.text : "");
	else
		snprintf(out, size, "%s", told && told->text ? told->text : "");
}

static const char *verdict_words(const struct smtp_result *r)
{
	switch (r->verdict) {
	case VERDICT_REFUSED:
		return "refused";
	case VERDICT_UNKNOWN:
		return "may have been delivered";
	default:
		return r->code ? "refused for now" : "not sent";
	}
}

static void describe_recipients(const struct outcome *o, struct buf *out)
{
	const struct cause *last = NULL;
	char where[320];

	account_where(o->account, where, sizeof(where));
	for (size_t i = 0; i < o->attempt->smtp.count; i++) {
		const struct smtp_result *r = &o->attempt->smtp.results[i];
		const struct cause *cause = cause_of_result(r, host_of(o));
		char address[300];

		if (r->verdict == VERDICT_DELIVERED || (o->queued && r->verdict != VERDICT_REFUSED))
			continue;
		text_clean_to(address, sizeof(address), o->attempt->smtp.recipients[i],
			strlen(o->attempt->smtp.recipients[i]));
		if (r->verdict == VERDICT_NOT_SENT) {
			buf_printf(out, "sendoff: recipient %s %s\n", address, r->text);
			continue;
		}
		buf_printf(out, "sendoff: recipient %s %s: %s (%s)\n", address, verdict_words(r),
			r->text ? r->text : "no reason was given", where);
		if (cause != last) {
			add_step(out, cause->words, r->hint ? r->hint : cause->next);
			last = cause;
		}
	}
}

/* What was said of the sender or of the message concerns all recipients. */
static bool all_told_alike(const struct outcome *o)
{
	const struct smtp_result *first = o->attempt->smtp.results;

	if (!first->text || first->step == STEP_RCPT || first->step == STEP_DELIVERY ||
	    (first->verdict != VERDICT_REFUSED && first->verdict != VERDICT_TRY_LATER))
		return false;
	for (size_t i = 1; i < o->attempt->smtp.count; i++) {
		const struct smtp_result *r = &o->attempt->smtp.results[i];

		if (r->verdict != first->verdict || r->step != first->step || !r->text ||
		    strcmp(r->text, first->text) != 0)
			return false;
	}
	return true;
}

static void describe_message(const struct outcome *o, struct buf *out)
{
	const struct smtp_result *r = o->attempt->smtp.results;
	const struct cause *cause = cause_of_result(r, host_of(o));
	char where[320], sender[300];

	account_where(o->account, where, sizeof(where));
	text_clean_to(sender, sizeof(sender), o->attempt->sender, strlen(o->attempt->sender));
	if (!r->code)
		buf_printf(out, "sendoff: not sent: %s (%s)\n", r->text, where);
	else if (r->step == STEP_MAIL)
		buf_printf(out, "sendoff: sender <%s> %s: %s (%s)\n", sender, verdict_words(r),
			r->text, where);
	else
		buf_printf(out, "sendoff: the message was %s: %s (%s)\n", verdict_words(r), r->text,
			where);
	add_step(out, cause->words, r->hint ? r->hint : cause->next);
}

/* A failure of the whole session needs no line for each recipient, unless they
 * fared differently. */
static bool all_alike(const struct outcome *o)
{
	size_t count = o->attempt->smtp.count;

	return (o->later == count || o->unknown == count || all_told_alike(o)) &&
		failure_cause(o);
}

static const char *moment_of(int64_t when, char *out, size_t size)
{
	time_t at = (time_t)when;
	struct tm local;

	if (!localtime_r(&at, &local) || !strftime(out, size, "%Y-%m-%d %H:%M:%S", &local))
		snprintf(out, size, "%lld", (long long)when);
	return out;
}

static const struct cause *waiting_cause(const struct outcome *o)
{
	const struct cause *cause = failure_cause(o);
	const struct smtp_result *told = cause ? NULL : first_waiting(o);

	return told && told->code ? cause_of_result(told, host_of(o)) : cause;
}

/* One line, and why: the rest of the story is `sendoff queue show`. */
static void describe_queued(const struct outcome *o, struct buf *out)
{
	char moment[64], next[CREDENTIAL_NEXT_MAX];
	char reason[sizeof(((struct err *)0)->text)] = "";
	const struct cause *cause = waiting_cause(o);
	size_t waiting = o->later + o->unknown + o->not_sent;

	outcome_reason(o, reason, sizeof(reason));
	buf_printf(out, "sendoff: queued as %s", o->id);
	if (o->attempt && waiting && waiting < o->attempt->smtp.count)
		buf_printf(out, " for %zu of %zu recipients", waiting, o->attempt->smtp.count);
	if (o->not_before)
		buf_printf(out, ", not before %s", moment_of(o->not_before, moment, sizeof(moment)));
	buf_printf(out, "%s%s\n", reason[0] ? ": " : "", reason);
	if (o->unknown)
		buf_add_text(out, "  it may have been delivered already; it is sent once more, equal "
			"in every octet\n");
	else if (o->err.hint[0])
		add_step(out, NULL, o->err.hint);
	else if (cause && (cause->park == PARK_LOGIN || cause->concern == CONCERNS_SENDER))
		add_step(out, cause->words, next_step(o, cause, next));
}

static void describe_refused(const struct outcome *o, struct buf *out)
{
	if (all_told_alike(o) && o->refused == o->attempt->smtp.count)
		describe_message(o, out);
	else
		describe_recipients(o, out);
}

void outcome_describe(const struct outcome *o, struct buf *out)
{
	if (o->queued) {
		if (o->attempt && o->refused)
			describe_refused(o, out);
		describe_queued(o, out);
		return;
	}
	describe_failure(o, out);
	if (o->store.kind != ERR_NONE) {
		struct err shown = o->store;

		err_context(&shown, "not stored");
		outcome_describe_err(&shown, out);
	}
	if (!o->attempt || o->delivered == o->attempt->smtp.count || all_alike(o))
		return;
	if (all_told_alike(o)) {
		describe_message(o, out);
		return;
	}
	describe_recipients(o, out);
	if (o->delivered && o->later + o->not_sent)
		buf_printf(out, "  %zu of %zu recipients were served: send again only to those named "
			"here\n", o->delivered, o->attempt->smtp.count);
}

/* ---- for a program */

static json_t *clean_string(const char *text)
{
	struct buf clean = BUF_INIT(4 * TEXT_SHOWN_MAX);
	json_t *value;

	text_clean(text, strlen(text), 2 * TEXT_SHOWN_MAX, &clean);
	value = json_string(buf_text(&clean));
	buf_release(&clean);
	return value;
}

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text && text[0])
		json_object_set_new(object, name, clean_string(text));
}

static void set_number(json_t *object, const char *name, long long number)
{
	json_object_set_new(object, name, json_integer(number));
}

static json_t *recipient_json(const struct outcome *o, size_t i)
{
	const struct smtp_result *r = &o->attempt->smtp.results[i];
	json_t *object = json_object();

	set_text(object, "address", o->attempt->smtp.recipients[i]);
	set_text(object, "verdict", verdict_names[r->verdict]);
	if (r->code)
		set_number(object, "code", r->code);
	set_text(object, "enhanced", r->enhanced);
	set_text(object, "text", r->text);
	if (r->verdict == VERDICT_DELIVERED || r->verdict == VERDICT_NOT_SENT)
		return object;
	if (r->code || r->kind != ERR_NONE || r->verdict == VERDICT_UNKNOWN)
		set_text(object, "cause", cause_of_result(r, host_of(o))->id);
	else if (failure_cause(o))   /* it did not come to this recipient */
		set_text(object, "cause", failure_cause(o)->id);
	return object;
}

static void set_error(json_t *object, const struct outcome *o)
{
	const struct cause *cause = failure_cause(o);
	char next[CREDENTIAL_NEXT_MAX];
	json_t *error;

	if (!cause)
		return;
	error = json_object();
	set_text(error, "cause", cause->id);
	set_text(error, "text", o->err.kind != ERR_NONE ? o->err.text : o->refusal.text);
	set_text(error, "next", o->err.hint[0] ? o->err.hint : next_step(o, cause, next));
	if (o->refusal.code) {
		set_text(error, "step", smtp_step_doing(o->refusal.step));
		set_number(error, "code", o->refusal.code);
	}
	json_object_set_new(object, "error", error);
}

void outcome_json(const struct outcome *o, const char *file, struct buf *out)
{
	json_t *object = json_object(), *list = json_array();
	char *text;

	set_text(object, "file", file);
	set_number(object, "exit", o->exit);
	if (o->account) {
		set_text(object, "account", o->account->name);
		set_text(object, "why", o->why);
		set_text(object, "host", o->account->net.host);
		set_number(object, "port", o->account->net.port);
	}
	set_text(object, "peer", o->peer);
	set_text(object, "tls", o->tls);
	set_text(object, "warning", o->warning);
	set_text(object, "auth", o->mechanism);
	set_text(object, "message_id", o->message_id);
	if (o->id[0])
		set_text(object, o->handed_over ? "stored" : "queued", o->id);
	if (o->queued) {
		char reason[sizeof(((struct err *)0)->text)] = "";

		outcome_reason(o, reason, sizeof(reason));
		set_text(object, "reason", reason);
	}
	if (o->attempt) {
		json_object_set_new(object, "sender", clean_string(o->attempt->sender));
		set_number(object, "size", (long long)o->attempt->smtp.size);
		json_object_set_new(object, "from_rewritten", json_boolean(o->attempt->rewritten));
		set_text(object, "reply", o->attempt->smtp.content.text);
		for (size_t i = 0; i < o->attempt->smtp.count; i++)
			json_array_append_new(list, recipient_json(o, i));
	}
	set_number(object, "milliseconds", (long long)o->milliseconds);
	set_text(object, "left_out", o->left_out.text);
	json_object_set_new(object, "recipients", list);
	set_error(object, o);
	text = json_dumps(object, JSON_COMPACT);
	if (text)
		buf_printf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

/* ---- for the log */

static const char *outcome_word(const struct outcome *o)
{
	if (o->handed_over && o->exit == CAUSE_EXIT_OK)
		return "stored";
	if (o->queued)
		return o->delivered ? "partly queued" : "queued";
	if (!o->attempt)
		return "failed";
	if (o->delivered == o->attempt->smtp.count)
		return "delivered";
	if (o->delivered)
		return "partly";
	if (o->unknown)
		return "unknown";
	return o->later + o->not_sent ? "later" : "refused";
}

/* The words that explain the outcome best: the failure's, else those about the
 * first recipient that was not served, else the server's receipt. */
static void record_words(const struct outcome *o, struct log_record *r)
{
	const struct smtp_result *told = o->refusal.code ? &o->refusal : NULL;
	const struct cause *cause = failure_cause(o);

	for (size_t i = 0; !told && o->attempt && i < o->attempt->smtp.count; i++)
		if (o->attempt->smtp.results[i].verdict != VERDICT_DELIVERED &&
		    o->attempt->smtp.results[i].verdict != VERDICT_NOT_SENT)
			told = &o->attempt->smtp.results[i];
	if (!told && o->attempt)
		told = &o->attempt->smtp.content;
	if (told && !cause && told->verdict != VERDICT_DELIVERED)
		cause = cause_of_result(told, host_of(o));
	if (cause)
		log_text(r, "cause", cause->id);
	if (told && told->code)
		log_number(r, "code", told->code);
	if (told && told->enhanced[0])
		log_text(r, "enhanced", told->enhanced);
	if (o->err.kind != ERR_NONE)
		log_text(r, "error", o->err.text);
	else if (told)
		log_text(r, "reply", told->text);
}

void outcome_record(const struct outcome *o, struct log_record *r)
{
	clock_gettime(CLOCK_REALTIME, &r->when);
	r->failed = o->exit != CAUSE_EXIT_OK;
	log_text(r, "outcome", outcome_word(o));
	log_number(r, "exit", o->exit);
	if (o->account) {
		log_text(r, "account", o->account->name);
		log_text(r, "host", o->account->net.host);
		log_number(r, "port", o->account->net.port);
	}
	if (o->peer[0])
		log_text(r, "peer", o->peer);
	if (o->tls[0])
		log_text(r, "tls", o->tls);
	if (o->mechanism[0])
		log_text(r, "auth", o->mechanism);
	if (o->warning[0])
		log_text(r, "warning", o->warning);
	if (o->attempt) {
		log_text(r, "from", o->attempt->sender);
		log_number(r, "recipients", (long long)o->attempt->smtp.count);
		log_number(r, "delivered", (long long)o->delivered);
		log_text(r, "to", o->attempt->smtp.recipients[0]);
		log_number(r, "size", (long long)o->attempt->smtp.size);
	}
	if (o->message_id && o->message_id[0])
		log_text(r, "message_id", o->message_id);
	if (o->id[0])
		log_text(r, "id", o->id);
	log_number(r, "milliseconds", (long long)o->milliseconds);
	if (o->left_out.kind != ERR_NONE)
		log_text(r, "left_out", o->left_out.text);
	record_words(o, r);
}
