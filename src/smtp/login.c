/* smtp/login.c - AUTH, RFC 4954; see state.h.
 *
 * A refused login is not tried again: neither with another mechanism nor with
 * the same one, so that an account is never locked by us.
 */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"
#include "smtp/state.h"

enum {
	AUTH_LINE_MAX = 510,   /* octets without CRLF: RFC 4954 section 4, RFC 5321 4.5.3.1.4 */
	CUT_LEAST = 8,         /* so much of what was sent is too much to be shown */
	OUTPUT_ROOM = 64 * 1024   /* for what may follow a login in its group: a buffer that grows
	                           * leaves copies behind */
};

bool login_choose(struct smtp *s)
{
	struct sasl_surroundings around = {
		.encrypted = s->encrypted && s->verified,
		.has_certificate = s->o.has_certificate,
		.has_secret = s->o.has_secret,
		.has_token = s->o.has_token,
		.binding = s->binding,
	};
	struct err e = { 0 };

	if (!s->caps.auth[0]) {
		err_set(&e, ERR_LOGIN, "the server does not offer any login here, and this account "
			"has one configured");
		err_hint(&e, s->encrypted ?
			"set auth = none if this server needs no login, or check host and port" :
			"set tls = starttls: most servers offer the login only inside TLS");
		err_cause(&e, "login-not-offered");
		engine_fail(s, &e);
		return false;
	}
	if (sasl_choose(s->caps.auth, s->o.sasl, &around, &s->mechanism, &e) < 0) {
		engine_fail(s, &e);
		return false;
	}
	s->mechanism_chosen = true;
	return true;
}

static bool is_outside(const struct smtp *s)
{
	return s->mechanism_chosen && (sasl_traits(s->mechanism) & SASL_OUTSIDE);
}

bool login_needs_secret(const struct smtp *s)
{
	return s->mechanism_chosen && !(sasl_traits(s->mechanism) & SASL_NO_SECRET) && !s->secret;
}

/* The first response is made before AUTH is sent: who has no ticket says nothing. */
bool login_needs_response(const struct smtp *s)
{
	return s->response_wanted || (s->phase == PHASE_LOGIN && is_outside(s) && !s->response_here);
}

bool login_may_lead(const struct smtp *s)
{
	return s->o.settings->pipelining == PIPELINING_FULL && s->caps.pipelining &&
		(sasl_traits(s->mechanism) & SASL_ONE_TRIP);
}

/* Whether the server has the -PLUS form of the chosen mechanism. */
static bool plus_offered(const struct smtp *s)
{
	struct buf name = BUF_INIT(64);
	const char *at = s->caps.auth;
	bool found = false;

	buf_printf(&name, "%s-PLUS", sasl_name(s->mechanism));
	while (*at && !found) {
		size_t len = strcspn(at, " ");

		found = text_equal_fold(at, len, buf_text(&name), name.len);
		at += len;
		at += strspn(at, " ");
	}
	buf_release(&name);
	return found;
}

static void hide_all(const struct smtp *s, char *text, size_t size)
{
	if (s->said.len)
		mask_hide(text, size, s->said.data, s->said.len, CUT_LEAST);
	mask_apply(&s->mask, text, size);
}

/* Some servers repeat a line that they do not understand, and a hostile one may
 * repeat it at any later time, in another session before anything was said as well. */
void login_hide(const struct smtp *s, struct buf *reply)
{
	hide_all(s, reply->data, reply->len);
}

void login_hide_words(const struct smtp *s, char *words)
{
	hide_all(s, words, strlen(words));
}

static void send_hidden(struct smtp *s, struct buf *line, const char *shown)
{
	const char *blank = strrchr(buf_text(line), ' ');

	if (strstr(shown, "****")) {
		buf_wipe(&s->said);
		buf_add_text(&s->said, blank ? blank + 1 : buf_text(line));
	}
	s->out_hides = true;
	buf_reserve(&s->out, s->phase == PHASE_READY ? OUTPUT_ROOM : line->len + strlen("\r\n"));
	engine_command(s, STEP_AUTH, NULL, 0, buf_text(line), shown);
	buf_wipe(line);
}

static void cancel(struct smtp *s, const struct err *why)
{
	struct buf line = BUF_INIT(8);

	s->cancelled = true;
	s->failure.err = *why;
	buf_add_char(&line, '*');
	send_hidden(s, &line, "*");
}

void login_send(struct smtp *s, bool leading)
{
	struct sasl_login login = {
		.mechanism = s->mechanism,
		.user = s->o.sasl->user ? s->o.sasl->user : "",
		.authzid = s->o.sasl->authzid,
		.secret = s->secret,
		.prepare = s->o.prepare,
		.host = s->o.host,
		.port = s->o.port,
		.binding = s->binding.type ? &s->binding : NULL,
		.plus_offered = plus_offered(s),
		.nonce = s->o.nonce,
	};
	struct buf line = BUF_INIT(4 * SECRET_MAX), shown = BUF_INIT(128);
	struct err e = { 0 };

	if (s->response_failed) {
		e = s->failure.err;
		engine_fail(s, &e);
		return;
	}
	s->sasl = sasl_new(&login, &e);
	if (s->sasl && is_outside(s))
		sasl_responded(s->sasl, false);
	else if (s->sasl && (sasl_traits(s->mechanism) & SASL_CLIENT_FIRST) &&
			sasl_start(s->sasl, &s->initial, &e) < 0)
		sasl_free(&s->sasl);
	if (!s->sasl) {
		engine_fail(s, &e);
		return;
	}
	buf_printf(&line, "AUTH %s", sasl_name(s->mechanism));
	buf_add_text(&shown, buf_text(&line));
	s->phase = PHASE_CHALLENGE;
	if (sasl_traits(s->mechanism) & SASL_CLIENT_FIRST) {
		size_t encoded = s->initial.len ? (s->initial.len + 2) / 3 * 4 : 1;

		if (line.len + 1 + encoded <= AUTH_LINE_MAX) {
			buf_reserve(&line, 1 + encoded);
			buf_add_char(&line, ' ');
			if (s->initial.len)
				base64_encode(s->initial.data, s->initial.len, &line);
			else
				buf_add_char(&line, '=');
			buf_add_text(&shown, s->initial.len ? " ****" : " =");
			buf_wipe(&s->initial);
			if (leading)
				s->phase = PHASE_READY;
		}
	}
	send_hidden(s, &line, buf_text(&shown));
	if (s->phase == PHASE_READY) {
		/* RFC 4954 section 4: done in one round trip, so MAIL may follow. */
		s->login_led = true;
		s->group_closed = false;
	}
	buf_release(&shown);
}

static void respond(struct smtp *s, const struct buf *answer)
{
	struct buf line = BUF_INIT(8 * SECRET_MAX);

	buf_reserve(&line, (answer->len + 2) / 3 * 4);
	base64_encode(buf_text(answer), answer->len, &line);
	send_hidden(s, &line, answer->len ? "****" : "");
	buf_wipe(&line);
}

/* Somebody else makes the answer; see smtp_response(). */
static int ask_outside(struct smtp *s, struct buf *text, struct err *e)
{
	if (sasl_outside(s->sasl, text->len, e) < 0)
		return -1;
	buf_wipe(&s->challenge);
	buf_add(&s->challenge, buf_text(text), text->len);
	s->response_wanted = true;
	return 0;
}

static void challenge(struct smtp *s, const struct smtp_reply *r)
{
	struct buf text = BUF_INIT(REPLY_TEXT_MAX), answer = BUF_INIT(2 * SECRET_MAX);
	struct err e = { 0 };
	const char *in = buf_text(&r->text);
	size_t len = r->text.len;
	bool first;
	int good = 0;

	while (len && in[len - 1] == ' ')
		len--;
	if (base64_decode(in, len, &text) < 0)
		good = err_set(&e, ERR_PROTOCOL, "the server's login challenge is not base64");
	first = good == 0 && s->initial.len && !text.len;
	if (first)
		buf_add(&answer, s->initial.data, s->initial.len);
	else if (good == 0 && is_outside(s))
		good = ask_outside(s, &text, &e);
	else if (good == 0)
		good = sasl_step(s->sasl, buf_text(&text), text.len, &answer, &e);
	if (first || good < 0)   /* else it is still to be said */
		buf_wipe(&s->initial);
	if (good < 0)
		cancel(s, &e);
	else if (!s->response_wanted)
		respond(s, &answer);
	buf_wipe(&answer);
	buf_wipe(&text);
}

const char *smtp_challenge(const struct smtp *s, size_t *len)
{
	*len = s->challenge.len;
	return buf_text(&s->challenge);
}

void smtp_response(struct smtp *s, const void *data, size_t len, bool last)
{
	struct buf answer = BUF_INIT(2 * SECRET_MAX);

	if (smtp_over(s) || !login_needs_response(s))
		return;
	buf_wipe(&s->challenge);
	if (s->phase == PHASE_LOGIN) {
		buf_reserve(&s->initial, len);
		buf_add(&s->initial, data, len);
		s->response_here = true;
		return;
	}
	s->response_wanted = false;
	sasl_responded(s->sasl, last);
	buf_reserve(&answer, len);
	buf_add(&answer, data, len);
	respond(s, &answer);
	buf_wipe(&answer);
}

void smtp_no_response(struct smtp *s, const struct err *why)
{
	if (smtp_over(s) || !login_needs_response(s))
		return;
	s->response_wanted = false;
	if (s->phase == PHASE_CHALLENGE) {
		cancel(s, why);
		return;
	}
	s->response_here = s->response_failed = true;   /* the next turn tells */
	s->failure.err = *why;
}

/* Whether a refusal speaks of the login itself, and not of the group it led. */
static bool about_login(int code)
{
	return (code >= 520 && code <= 539) || code == 454 || code == 432 || code == 450 ||
		code == 451 || code == 421 || code == 550;
}

/* What is said against a login with a ticket, or with a token.  Only where it is about the
 * token another one may do: neither the mechanism (504), the line (530, 538) nor the mailbox
 * is (5.7.1, 5.7.139). */
static const char *cause_of_refusal(const struct smtp *s, const struct smtp_reply *r)
{
	static const char *const about_it[] = { "", "5.7.0", "5.7.3", "5.7.8" };

	if (r->code == 535 && is_outside(s))
		return "kerberos-refused";
	if (r->code < 500 || !(sasl_traits(s->mechanism) & SASL_TOKEN))
		return NULL;
	if (sasl_server_error(s->sasl))
		return "token-refused";
	for (size_t i = 0; r->code == 535 && i < COUNT(about_it); i++)
		if (!strcmp(r->enhanced, about_it[i]))
			return "token-refused";
	return r->code == 535 ? "token-not-allowed" : NULL;
}

static void refused(struct smtp *s, const struct smtp_reply *r)
{
	struct buf more = BUF_INIT(4 * TEXT_SHOWN_MAX);

	if (s->login_led && !about_login(r->code)) {
		engine_protocol(s, STEP_AUTH, r);   /* a stumble, as the failure will say */
		return;
	}
	if (sasl_server_error(s->sasl))
		buf_add_text(&more, sasl_server_error(s->sasl));
	login_hide(s, &more);
	if (more.len)
		trace_note(s, SMTP_NOTE, buf_text(&more));
	if (more.len)
		buf_printf(&s->replies.reply.text, " (%s)", buf_text(&more));
	s->failure.result.cause = cause_of_refusal(s, r);
	engine_refused(s, STEP_AUTH, r);
	buf_release(&more);
}

/* A yes is one only to the whole of what a mechanism has to say, and of SCRAM only with
 * the server's own proof. */
static int accepted(const struct smtp *s, struct err *e)
{
	if (sasl_said_all(s->sasl) && !s->initial.len)
		return sasl_finish(s->sasl, e);
	err_set(e, ERR_LOGIN, "the server said yes before it was %s", is_outside(s) ?
		"shown the ticket" : "told the password");
	err_cause(e, "login-unasked");
	return -1;
}

void login_answer(struct smtp *s, const struct smtp_reply *r)
{
	struct err e = { 0 };

	if (s->cancelled) {
		engine_fail(s, &s->failure.err);
	} else if (r->code == 235) {
		if (accepted(s, &e) < 0) {
			engine_fail(s, &e);
			return;
		}
		s->logged_in = true;
		if (s->phase == PHASE_CHALLENGE)
			s->phase = PHASE_READY;
	} else if (r->code == 334 && s->phase == PHASE_CHALLENGE) {
		challenge(s, r);
	} else if (r->code >= 400) {
		refused(s, r);
	} else {
		login_hide(s, &s->replies.reply.text);   /* a challenge that is none */
		engine_protocol(s, STEP_AUTH, r);
	}
}
