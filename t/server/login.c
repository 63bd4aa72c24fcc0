/* t/server/login.c - AUTH: the dialogue of RFC 4954 around the mechanisms. */
#include "t/server/session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/mem.h"
#include "t/server/auth.h"
#include "t/server/journal.h"
#include "t/server/secure.h"

enum { RESPONSE_LINE_MAX = 12288 };   /* RFC 4954 section 4 */

/* Says what the mechanism wants said.  The first octet of what the client gets
 * to see: '2' logged in, '3' a response is awaited, else the end. */
static char login_say(struct session *s, const struct fault *f, enum auth_verdict verdict,
	const struct buf *challenge)
{
	char first = verdict == AUTH_CHALLENGE ? '3' : verdict == AUTH_ACCEPTED ? '2' : '5';
	struct buf text = BUF_INIT(0);

	switch (verdict) {
	case AUTH_CHALLENGE:
		base64_encode(buf_text(challenge), challenge->len, &text);
		session_say(s, f, 334, NULL, "%s", buf_text(&text));
		break;
	case AUTH_ACCEPTED:
		session_say(s, f, 235, "2.7.0", "welcome");
		break;
	case AUTH_MALFORMED:
		session_say(s, f, 501, "5.5.2", "not what this mechanism expects");
		break;
	default:
		session_say(s, f, 535, "5.7.8", "credentials not accepted");
	}
	buf_release(&text);
	if (f && f->action == FAULT_REPLY && !f->keep)
		return f->text.data[0];
	return fault_allows(f, true) ? first : '5';
}

static void login_accept(struct session *s, const char *name)
{
	free(s->user);
	s->user = mem_string(s->opt->user ? s->opt->user : "anyone");
	s->mechanism = name;
	journal_say(s->wire->number, "LOGIN", "%s %s", s->user, name);
}

/* One response line, decoded.  -1: the end; 1: answered, the exchange is over. */
static int login_response(struct session *s, struct buf *response)
{
	struct buf line = BUF_INIT(WIRE_LINE_MAX * 2);
	int result = 0;

	if (!wire_line(s->wire, &line)) {
		s->over = true;
		result = -1;
	} else {
		journal_octets(s->wire->number, "C", line.data, line.len);
		if (line.len > RESPONSE_LINE_MAX)
			session_violation(s, "long-command", "response too long");
		if (line.len < 2 || memcmp(line.data + line.len - 2, "\r\n", 2)) {
			session_violation(s, "bare-lf", "response ended by LF alone");
			line.len++;
		}
		line.len -= 2;
		buf_clear(response);
		if (line.len == 1 && line.data[0] == '*') {
			session_say(s, NULL, 501, "5.7.0", "cancelled");
			result = 1;
		} else if (base64_decode(line.data, line.len, response) < 0) {
			session_violation(s, "base64", "a response that is not base64");
			session_say(s, NULL, 501, "5.5.2", "not base64");
			result = 1;
		}
	}
	buf_wipe(&line);
	return result;
}

/* Everything behind the AUTH command itself. */
static char login_exchange(struct session *s, struct auth *a, const struct fault *f,
	enum auth_verdict verdict)
{
	struct buf response = BUF_INIT(WIRE_LINE_MAX * 2);
	char said = login_say(s, f, verdict, auth_challenge(a));

	while (said == '3' && !s->over) {
		if (login_response(s, &response)) {
			said = '5';
			break;
		}
		if (session_pushes(s, true)) {
			said = '5';
			break;
		}
		verdict = auth_step(a, buf_text(&response), response.len);
		f = session_fault(s, "AUTH-RESPONSE", NULL);
		said = login_say(s, f, verdict, auth_challenge(a));
	}
	buf_release(&response);
	return said;
}

static void login_run(struct session *s, const struct fault *f, const char *name,
	const char *initial)
{
	struct buf response = BUF_INIT(WIRE_LINE_MAX * 2);
	struct auth *a = auth_new(name, s->opt, s->wire);
	enum auth_verdict verdict;
	const char *known = auth_name(a);

	if (initial && strcmp(initial, "=") && base64_decode(initial, strlen(initial), &response) < 0) {
		session_violation(s, "base64", "an initial response that is not base64");
		session_say(s, f, 501, "5.5.2", "not base64");
	} else {
		verdict = auth_start(a, initial ? buf_text(&response) : NULL, response.len);
		if (login_exchange(s, a, f, verdict) == '2')
			login_accept(s, known);
	}
	if (auth_complaint(a))
		session_violation(s, "auth", "%s", auth_complaint(a));
	auth_free(&a);
	buf_release(&response);
}

/* Reasons to refuse AUTH for the state the session is in; answered then. */
static bool login_is_wrong_now(struct session *s, const struct fault *f, const char *name)
{
	if (!s->hello || s->mail_tried || s->user) {
		if (!session_punish(s, f, "order", "AUTH before EHLO, twice, or in a transaction"))
			session_say(s, f, 503, "5.5.1", "not now");
		return true;
	}
	if (!session_offers_login(s, name) || !auth_is_known(name)) {
		session_violation(s, "not-offered", "AUTH %s", name);
		session_say(s, f, 504, "5.5.4", "mechanism not offered");
		return true;
	}
	return false;
}

void session_auth(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "AUTH", NULL);
	char *name = strsep(&line, " "), *initial = line;
	bool one_trip = initial && (!strcasecmp(name, "PLAIN") || !strcasecmp(name, "EXTERNAL") ||
		!strcasecmp(name, "ANONYMOUS"));

	/* RFC 4954 section 4: only what is done in one trip may be followed. */
	if (session_pushes(s, !one_trip))
		return;
	if (!login_is_wrong_now(s, f, name))
		login_run(s, f, name, initial);
	if (!s->user)
		s->auth_group_end = s->wire->taken + wire_held(s->wire);
}
