/* smtp/engine.c - the session: greeting to QUIT, and the queue of expected
 * replies; see engine.h. */
#include "smtp/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/text.h"
#include "smtp/state.h"

enum { OUTPUT_COMPACT = 64 * 1024 };   /* octets written that are still kept */

/* What each step is called, and whether nothing may be pipelined behind it
 * (RFC 2920 section 3.1, RFC 4954 section 4, RFC 3207). */
static const struct {
	const char *doing;
	bool ends_group;
} steps[STEP_COUNT] = {
	[STEP_GREETING] = { "waiting for the greeting", true },
	[STEP_EHLO] = { "sending EHLO", true },
	[STEP_LHLO] = { "sending LHLO", true },
	[STEP_HELO] = { "sending HELO", true },
	[STEP_STARTTLS] = { "starting TLS", true },
	[STEP_AUTH] = { "logging in", true },
	[STEP_MAIL] = { "sending MAIL FROM", false },
	[STEP_RCPT] = { "sending RCPT TO", false },
	[STEP_DATA] = { "sending DATA", true },
	[STEP_CONTENT] = { "sending the message", false },
	[STEP_DELIVERY] = { "having the message delivered", false },
	[STEP_RSET] = { "sending RSET", false },
	[STEP_QUIT] = { "sending QUIT", true },
	[STEP_ASK] = { "asking the server", true },
};

const char *smtp_step_doing(enum smtp_step step)
{
	return steps[step].doing;
}

bool engine_is_lmtp(const struct smtp *s)
{
	return s->o.settings->protocol == PROTOCOL_LMTP;
}

enum smtp_step engine_hello_step(const struct smtp *s)
{
	return engine_is_lmtp(s) ? STEP_LHLO : STEP_EHLO;
}

void smtp_result_release(struct smtp_result *r)
{
	free(r->text);
	free(r->hint);
	r->text = r->hint = NULL;
}

void result_from_reply(struct smtp_result *to, enum smtp_verdict verdict, enum smtp_step step,
	const struct smtp_reply *r)
{
	struct buf shown = BUF_INIT(2 * TEXT_SHOWN_MAX);

	reply_show(r, &shown);
	smtp_result_release(to);
	to->verdict = verdict;
	to->step = step;
	to->code = r->code;
	to->standing = r->standing;
	memcpy(to->enhanced, r->enhanced, sizeof(to->enhanced));
	to->kind = ERR_NONE;
	to->text = buf_take(&shown);
}

struct smtp *smtp_new(const struct smtp_options *options)
{
	struct smtp *s = mem_alloc(sizeof(*s));

	s->o = *options;
	s->phase = PHASE_GREETING;
	s->encrypted = options->settings->tls == SMTP_TLS_IMPLICIT;
	s->works_end = &s->works;
	s->questions_end = &s->questions;
	s->out.max = 1 << 18;
	s->in.max = 1 << 20;
	s->initial.max = 2 * SECRET_MAX;
	s->challenge.max = REPLY_TEXT_MAX;
	s->heard.max = 1 << 21;
	reply_parser_init(&s->replies);
	engine_expect(s, STEP_GREETING, NULL, 0);
	if (s->encrypted)
		s->phase = PHASE_TLS;
	return s;
}

void smtp_free(struct smtp **sp)
{
	struct smtp *s = *sp;

	if (!s)
		return;
	transact_release(s);
	sasl_free(&s->sasl);
	reply_parser_release(&s->replies);
	buf_wipe(&s->in);
	buf_wipe(&s->out);
	buf_wipe(&s->initial);
	buf_wipe(&s->said);
	buf_wipe(&s->challenge);
	buf_release(&s->heard);
	mask_wipe(&s->mask);
	smtp_result_release(&s->failure.result);
	free(s->queue);
	free(s);
	*sp = NULL;
}

void engine_emit(struct smtp *s, const void *data, size_t len)
{
	buf_add(&s->out, data, len);
	s->emitted += len;
}

void engine_expect(struct smtp *s, enum smtp_step step, struct transaction *t, size_t which)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct expected *grown = mem_grow(NULL, cap, sizeof(*grown));

		for (size_t i = 0; i < s->count; i++)
			grown[i] = s->queue[(s->head + i) % s->cap];
		free(s->queue);
		s->queue = grown;
		s->head = 0;
		s->cap = cap;
	}
	s->queue[(s->head + s->count++) % s->cap] =
		(struct expected){ .step = step, .t = t, .which = which, .at = s->emitted };
	if (steps[step].ends_group || !s->caps.pipelining ||
	    s->o.settings->pipelining == PIPELINING_OFF)
		s->group_closed = true;
}

/* shown stands for line in transcripts; NULL: line itself. */
void engine_command(struct smtp *s, enum smtp_step step, struct transaction *t, size_t which,
	const char *line, const char *shown)
{
	trace_note(s, SMTP_SENT, shown ? shown : line);
	engine_emit(s, line, strlen(line));
	engine_emit(s, "\r\n", 2);
	engine_expect(s, step, t, which);
}

bool engine_may_send(const struct smtp *s)
{
	return !s->count || !s->group_closed;
}

/* A pipelined login that the server stumbled over cost nothing: no content was
 * sent.  Whoever drives the session may try once more without. */
static void note_stumble(struct smtp *s)
{
	s->failure.stumbled = s->login_led && !s->login_led_mail;
}

/* What was not written yet never will be: it may hold the end of a message whose
 * recipients are being told that it was not sent. */
static void drop_output(struct smtp *s)
{
	buf_wipe(&s->out);
	s->out_at = 0;
	s->out_hides = false;
}

void engine_answered(struct smtp *s)
{
	drop_output(s);
	s->phase = PHASE_ENDED;
	verdict_broken(s);
}

void engine_fail(struct smtp *s, const struct err *why)
{
	if (s->phase == PHASE_FAILED || s->phase == PHASE_ENDED)
		return;
	if (verdict_all_answered(s)) {
		engine_answered(s);
		return;
	}
	if (!s->cancelled)   /* a login that we gave up: that is why, whatever came then */
		s->failure.err = *why;
	login_hide_words(s, s->failure.err.text);
	login_hide_words(s, s->failure.err.hint);
	note_stumble(s);
	s->failure.rode = apart_would_help(s);
	drop_output(s);
	s->phase = PHASE_FAILED;
	verdict_broken(s);
}

/* The server refused the session: its words are the reason.  When all it was
 * asked is answered, it is left politely; but where TLS is wanted nothing more
 * is said before it, not even that. */
void engine_refused(struct smtp *s, enum smtp_step step, const struct smtp_reply *r)
{
	bool polite;

	if (s->phase == PHASE_FAILED || s->phase == PHASE_ENDED)
		return;
	result_from_reply(&s->failure.result,
		r->code >= 500 ? VERDICT_REFUSED : VERDICT_TRY_LATER, step, r);
	s->failure.err.kind = ERR_NONE;
	s->phase = PHASE_FAILED;
	polite = !s->count && r->code != 421 && s->out.len == s->out_at && !s->content_next &&
		(s->encrypted || s->o.settings->tls != SMTP_TLS_STARTTLS);
	drop_output(s);
	if (polite)
		engine_command(s, STEP_QUIT, NULL, 0, "QUIT", NULL);
	verdict_broken(s);
}

void engine_protocol(struct smtp *s, enum smtp_step step, const struct smtp_reply *r)
{
	struct buf shown = BUF_INIT(2 * TEXT_SHOWN_MAX);
	struct err e = { 0 };

	reply_show(r, &shown);
	err_set(&e, ERR_PROTOCOL, "the server gave an answer that does not fit, while %s: %s",
		steps[step].doing, buf_text(&shown));
	buf_release(&shown);
	engine_fail(s, &e);
}

static void answer_greeting(struct smtp *s, const struct smtp_reply *r)
{
	if (!engine_is_lmtp(s))
		s->foreign = foreign_greeting(buf_text(&r->text), r->text.len);
	apart_greeted(s, buf_text(&r->text), r->text.len);
	if (r->code == 220)
		s->phase = PHASE_EHLO;
	else if (r->code >= 400)
		engine_refused(s, STEP_GREETING, r);
	else
		engine_protocol(s, STEP_GREETING, r);
}

/* As far as it gets with TLS, or without where there need not be any. */
static void after_tls(struct smtp *s)
{
	s->phase = s->o.login ? PHASE_LOGIN : PHASE_READY;
	if (s->o.login)
		login_choose(s);
}

/* Capabilities are known: what comes next? */
static void after_hello(struct smtp *s)
{
	struct err e = { 0 };

	if (s->encrypted || !smtp_starts_tls(s->o.settings->tls)) {
		after_tls(s);
	} else if (s->caps.starttls) {
		s->phase = PHASE_STARTTLS;
	} else if (s->o.settings->tls == SMTP_TLS_OPPORTUNISTIC) {
		after_tls(s);
	} else {
		err_set(&e, ERR_TLS, "the server does not offer STARTTLS, so nothing was sent to it");
		err_hint(&e, "if this port speaks TLS from the start, set tls = implicit (usually "
			"port 465); otherwise somebody may be stripping TLS on the way");
		err_cause(&e, "tls-not-offered");
		engine_fail(s, &e);
	}
}

static void hello_refused(struct smtp *s, enum smtp_step step, const struct smtp_reply *r)
{
	s->failure.result.cause = s->foreign;
	engine_refused(s, step, r);
}

/* EHLO or LHLO; only behind the first there is something older to fall back to. */
static void answer_hello(struct smtp *s, const struct smtp_reply *r)
{
	bool plain = !engine_is_lmtp(s) && !s->o.login &&
		(s->o.settings->tls != SMTP_TLS_STARTTLS || s->encrypted);

	if (r->code / 100 == 2) {
		after_hello(s);
	} else if ((r->code == 500 || r->code == 502) && plain) {
		s->phase = PHASE_HELO;   /* RFC 5321 section 3.2 */
	} else if (r->code >= 400) {
		hello_refused(s, engine_hello_step(s), r);
	} else {
		engine_protocol(s, engine_hello_step(s), r);
	}
}

static void answer_helo(struct smtp *s, const struct smtp_reply *r)
{
	if (r->code / 100 == 2) {
		memset(&s->caps, 0, sizeof(s->caps));
		s->phase = PHASE_READY;
	} else if (r->code >= 400) {
		hello_refused(s, STEP_HELO, r);
	} else {
		engine_protocol(s, STEP_HELO, r);
	}
}

static void answer_starttls(struct smtp *s, const struct smtp_reply *r)
{
	if (r->code == 220) {
		/* What was said in clear never counts inside (RFC 3207 section 4.2). */
		memset(&s->caps, 0, sizeof(s->caps));
		s->phase = PHASE_TLS;
	} else if (r->code >= 400 && r->code != 421 &&
	           s->o.settings->tls == SMTP_TLS_OPPORTUNISTIC) {
		after_tls(s);   /* RFC 3207 section 4: whether to go on is the client's policy */
	} else if (r->code >= 400) {
		engine_refused(s, STEP_STARTTLS, r);
	} else {
		engine_protocol(s, STEP_STARTTLS, r);
	}
}

static void early(struct smtp *s)
{
	struct err e = { 0 };

	err_set(&e, ERR_PROTOCOL, "the server sent an answer before it was asked");
	err_hint(&e, "nothing that follows could be trusted, so the connection was closed; a proxy or "
		"firewall between here and the server may be the cause");
	engine_fail(s, &e);
}

/* A reply that began before its command was written whole. */
static void unasked(struct smtp *s, const struct smtp_reply *r)
{
	const struct expected *x = s->count ? &s->queue[s->head] : NULL;

	if (x ? x->step == STEP_CONTENT : s->content_next)
		transact_unasked(s, x ? x->t : s->current, r);
	else if (r->code == 421 && verdict_all_answered(s))
		engine_answered(s);
	else if (r->code == 421)   /* RFC 5321 section 3.8: at any time */
		engine_refused(s, smtp_waiting_for(s), r);
	else
		early(s);
}

static void answer_question(struct smtp *s, const struct smtp_reply *r)
{
	struct smtp_question *q = s->questions;

	s->questions = q->next;
	if (!s->questions)
		s->questions_end = &s->questions;
	q->answered(q->context, q, r);
	if (r->code / 100 == 3)
		engine_protocol(s, STEP_ASK, r);   /* it waits for what we do not have */
	else if (r->code == 421)
		engine_refused(s, STEP_ASK, r);
}

static void tell_answered(struct smtp *s, enum smtp_step step, const struct smtp_reply *r)
{
	if (s->o.answered && !(step == STEP_AUTH && r->code == 334))
		s->o.answered(s->o.context, step, r);
}

static unsigned standing(const struct smtp *s)
{
	bool by_token = s->mechanism_chosen &&
		(s->mechanism == SASL_XOAUTH2 || s->mechanism == SASL_OAUTHBEARER);

	return (s->encrypted ? SMTP_ENCRYPTED : 0) | (s->logged_in ? SMTP_LOGGED_IN : 0) |
		(by_token ? SMTP_BY_TOKEN : 0);
}

/* One whole reply answers the oldest command. */
static void answer(struct smtp *s)
{
	const struct smtp_reply *r = &s->replies.reply;
	bool asked = s->count && s->queue[s->head].at <= s->asked;
	bool challenge = asked && s->queue[s->head].step == STEP_AUTH && r->code == 334;
	struct expected x;

	if (asked && s->queue[s->head].step == STEP_CONTENT && r->code / 100 == 2)
		verdict_taken(s->queue[s->head].t, s->queue[s->head].which);
	if (asked && s->queue[s->head].step == engine_hello_step(s) && r->code / 100 == 2) {
		capabilities_read(&s->caps, r);   /* a password may be one of its words */
		/* Anybody may call himself one of ours, who takes what others do not. */
		s->caps.xsendoff &= s->o.host && s->o.host[0] == '/';
	}
	if (!challenge)
		login_hide(s, &s->replies.reply.text);
	trace_reply(s, r, challenge);
	s->replies.reply.standing = standing(s);
	if (!asked) {
		unasked(s, r);
		return;
	}
	x = s->queue[s->head];
	s->head = (s->head + 1) % s->cap;
	if (!--s->count)
		s->group_closed = false;
	tell_answered(s, x.step, r);
	switch (x.step) {
	case STEP_GREETING:
		answer_greeting(s, r);
		break;
	case STEP_EHLO:
	case STEP_LHLO:
		answer_hello(s, r);
		break;
	case STEP_HELO:
		answer_helo(s, r);
		break;
	case STEP_STARTTLS:
		answer_starttls(s, r);
		break;
	case STEP_AUTH:
		login_answer(s, r);
		break;
	case STEP_MAIL:
	case STEP_RCPT:
	case STEP_DATA:
	case STEP_CONTENT:
	case STEP_RSET:
		transact_answer(s, &x, r);
		break;
	case STEP_ASK:
		answer_question(s, r);
		break;
	case STEP_DELIVERY:
	case STEP_QUIT:
	case STEP_COUNT:
		break;
	}
}

bool smtp_over(const struct smtp *s)
{
	return s->phase == PHASE_FAILED || s->phase == PHASE_ENDED;
}

/* What is no reply is shown, without what it repeats: there, not in the words that show
 * it, which may cut it short. */
static void not_a_reply(struct smtp *s, struct err *e)
{
	login_hide(s, &s->replies.line);
	if (reply_judge_line(&s->replies, e) < 0 && smtp_waiting_for(s) == STEP_AUTH)
		err_set(e, ERR_PROTOCOL, "the server's answer to the login is not SMTP");
}

/* QUIT was sent and nothing else is unanswered: its reply is not waited for. */
static bool only_quit_left(const struct smtp *s)
{
	return s->quit_sent && s->count <= 1;
}

static void take_replies(struct smtp *s)
{
	size_t at = 0;

	while (!smtp_over(s) && at < s->in.len && !only_quit_left(s)) {
		struct err e = { 0 };
		size_t used = 0;
		int whole;

		if (s->phase == PHASE_TLS) {
			early(s);   /* plain text behind the answer to STARTTLS (D2) */
			break;
		}
		if (!reply_begun(&s->replies))
			s->asked = s->written;
		whole = reply_feed(&s->replies, s->in.data + at, s->in.len - at, &used, &e);
		at += used;
		if (whole < 0) {
			not_a_reply(s, &e);
			engine_fail(s, &e);
			break;
		}
		if (!whole)
			break;
		s->replies_taken++;
		answer(s);
	}
	buf_drop(&s->in, at);
	verdict_report(s);
}

static void hello(struct smtp *s, enum smtp_step step)
{
	struct buf line = BUF_INIT(512);

	buf_printf(&line, "%s %s", step == STEP_LHLO ? "LHLO" : step == STEP_EHLO ? "EHLO" : "HELO",
		s->o.ehlo);
	engine_command(s, step, NULL, 0, buf_text(&line), NULL);
	buf_release(&line);
}

static void send_ready(struct smtp *s)
{
	transact_send(s);
	if (smtp_over(s) || !transact_idle(s) || s->content_next)
		return;
	if (s->questions) {
		if (!s->count)
			engine_command(s, STEP_ASK, NULL, 0, s->questions->line, NULL);
	} else if (s->finishing && !s->quit_sent && engine_may_send(s)) {
		engine_command(s, STEP_QUIT, NULL, 0, "QUIT", NULL);
		s->quit_sent = true;
	}
}

/* Sends all that may be sent in this phase. */
static void send_commands(struct smtp *s)
{
	switch (s->phase) {
	case PHASE_EHLO:
		if (!s->count)
			hello(s, engine_hello_step(s));
		break;
	case PHASE_HELO:
		if (!s->count)
			hello(s, STEP_HELO);
		break;
	case PHASE_STARTTLS:
		if (!s->count)
			engine_command(s, STEP_STARTTLS, NULL, 0, "STARTTLS", NULL);
		break;
	case PHASE_LOGIN:
		if (s->finishing && transact_idle(s) && !s->questions) {
			s->phase = PHASE_READY;
			send_ready(s);
		} else if (!s->count && !login_needs_secret(s) && !login_needs_response(s)) {
			bool lead = login_may_lead(s);

			if (lead && transact_idle(s) && !s->questions)
				break;
			login_send(s, lead);
			if (s->phase == PHASE_READY)
				send_ready(s);
		}
		break;
	case PHASE_READY:
		send_ready(s);
		break;
	default:
		break;
	}
}

enum smtp_want smtp_turn(struct smtp *s)
{
	take_replies(s);
	send_commands(s);
	if (!smtp_over(s) && only_quit_left(s))
		s->phase = PHASE_ENDED;
	while (smtp_over(s) && s->works)
		verdict_broken(s);   /* what was submitted all the same */
	if (smtp_over(s))
		return s->phase == PHASE_FAILED ? SMTP_FAILED : SMTP_ENDED;
	if (s->phase == PHASE_TLS && s->out.len == s->out_at)
		return SMTP_WANT_TLS;
	if (s->phase == PHASE_LOGIN && !s->count) {
		if (login_needs_secret(s))
			return SMTP_WANT_SECRET;
		return login_needs_response(s) ? SMTP_WANT_RESPONSE : SMTP_WANT_MESSAGE;
	}
	if (s->phase == PHASE_CHALLENGE && login_needs_response(s))
		return SMTP_WANT_RESPONSE;
	if (s->phase == PHASE_READY && !s->count && transact_idle(s) && !s->content_next)
		return SMTP_WANT_MESSAGE;
	return SMTP_WANT_REPLY;
}

const char *smtp_output(struct smtp *s, size_t *len)
{
	*len = s->out.len - s->out_at;
	return *len ? s->out.data + s->out_at : "";
}

void smtp_written(struct smtp *s, size_t len)
{
	s->out_at += len;
	s->written += len;
	if (s->out_at == s->out.len && s->out_hides) {
		drop_output(s);
	} else if (s->out_at == s->out.len || s->out_at >= OUTPUT_COMPACT) {
		buf_drop(&s->out, s->out_at);
		s->out_at = 0;
	}
}

void smtp_received(struct smtp *s, const char *data, size_t len)
{
	struct err e = { 0 };

	buf_add(&s->in, data, len);
	if (!buf_ok(&s->in)) {
		err_set(&e, ERR_PROTOCOL, "the server sends more than it was asked for");
		engine_fail(s, &e);
	}
	take_replies(s);
}

void smtp_broken(struct smtp *s, const struct err *why)
{
	struct err e = *why;

	take_replies(s);   /* what came before the end still counts */
	if (smtp_over(s) || only_quit_left(s))
		return;
	if (e.kind == ERR_LOST || e.kind == ERR_TIMEOUT) {
		err_context(&e, "while %s", steps[smtp_waiting_for(s)].doing);
		if (reply_begun(&s->replies))   /* a page of the web may have no line end */
			not_a_reply(s, &e);
		transact_count_answers(s, &e);
	}
	engine_fail(s, &e);
}

void smtp_tls_done(struct smtp *s, const struct sasl_binding *binding, bool verified)
{
	s->encrypted = true;
	s->verified = verified;
	if (binding)
		s->binding = *binding;
	s->phase = s->count ? PHASE_GREETING : PHASE_EHLO;
}

void smtp_secret(struct smtp *s, const struct secret *secret)
{
	s->secret = secret;
	mask_add(&s->mask, secret->data, secret->len);
}

struct mask *smtp_mask(struct smtp *s)
{
	return &s->mask;
}

void smtp_ask(struct smtp *s, struct smtp_question *q)
{
	q->next = NULL;
	*s->questions_end = q;
	s->questions_end = &q->next;
}

void smtp_finish(struct smtp *s)
{
	s->finishing = true;
}
