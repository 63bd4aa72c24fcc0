/* t/server/mailing.c - MAIL and RCPT. */
#include "t/server/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { PATH_MAX_OCTETS = 256, LOCAL_MAX_OCTETS = 64 };

/* The length of a path "<...>", brackets included, or 0.  RFC 5321 section
 * 4.1.2; source routes are not for clients of today. */
static size_t path_length(const char *text, bool may_be_null)
{
	bool quoted = false;
	size_t i = 1, at = 0;

	if (text[0] != '<')
		return 0;
	if (text[1] == '>')
		return may_be_null ? 2 : 0;
	for (; text[i] && (quoted || text[i] != '>'); i++) {
		if (quoted && text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" <>()[]:;,\\", text[i]) && !(at && strchr("[]:", text[i])))
			return 0;
		else if (!quoted && text[i] == '@')
			at = i;
	}
	if (text[i] != '>' || at < 2 || i - at < 2 || i + 1 > PATH_MAX_OCTETS ||
			at - 1 > LOCAL_MAX_OCTETS)
		return 0;
	return i + 1;
}

/* Splits "FROM:<path> parameters" or "TO:<path> parameters": the path, and what
 * is behind it.  false: the syntax is wrong. */
static bool path_split(char *line, const char *word, bool may_be_null, char **path, char **rest)
{
	size_t len = strlen(word), path_len;

	if (!text_equal_fold(line, strnlen(line, len), word, len))
		return false;
	path_len = path_length(line + len, may_be_null);
	*rest = line + len + path_len;
	if (!path_len || (**rest && **rest != ' '))
		return false;
	*path = mem_copy(line + len + 1, path_len - 2);
	return true;
}

/* Whether MAIL must be refused for the state the session is in; answered then. */
static bool mail_is_early(struct session *s, const struct fault *f)
{
	if (!s->hello) {
		if (!session_punish(s, f, "no-ehlo", "MAIL before EHLO"))
			session_say(s, f, 503, "5.5.1", "EHLO first");
		return true;
	}
	if (s->opt->require_login && !s->user) {
		/* Along with an AUTH it could not know better. */
		if (s->wire->taken > s->auth_group_end)
			session_violation(s, "no-login", "MAIL before login");
		session_say(s, f, 530, "5.7.0", "authentication required");
		return true;
	}
	if (s->mail.len) {
		if (!session_punish(s, f, "nested", "MAIL inside a transaction"))
			session_say(s, f, 503, "5.5.1", "one at a time");
		return true;
	}
	return false;
}

static void mail_judge(struct session *s, const struct fault *f, const char *line, const char *path)
{
	bool fits = !s->sized || !s->opt->size || s->size <= s->opt->size;

	if (!text_is_ascii(path, strlen(path)) && !s->utf8 &&
			session_punish(s, f, "utf8", "non-ASCII sender without SMTPUTF8"))
		return;
	if (fault_allows(f, fits)) {
		buf_clear(&s->mail);
		buf_printf(&s->mail, "MAIL %s", line);
	}
	if (fits)
		session_say(s, f, 250, "2.1.0", "sender ok");
	else
		session_say(s, f, 552, "5.3.4", "message too large");
}

void session_mail(struct session *s, char *line)
{
	char *path = NULL, *rest = NULL, *whole = mem_string(line);
	bool good = path_split(line, "FROM:", true, &path, &rest);
	const struct fault *f = session_fault(s, "MAIL", path);

	if (mail_is_early(s, f)) {
		free(path);
		free(whole);
		return;
	}
	session_clear_transaction(s);
	s->mail_tried = true;
	if (!good) {
		if (!session_punish(s, f, "syntax", "MAIL FROM:<path> expected"))
			session_say(s, f, 501, "5.5.2", "syntax");
	} else if (session_parameters(s, f, rest, true)) {
		mail_judge(s, f, whole, path);
	}
	free(path);
	free(whole);
}

/* RCPTMAX of the LIMITS in force (RFC 9422), 0: none. */
static unsigned long rcpt_limit(const struct session *s)
{
	const char *at = session_offers(s, "LIMITS") ? strstr(buf_text(&s->offered), "RCPTMAX=") : NULL;

	return at ? strtoul(at + 8, NULL, 10) : 0;
}

static void rcpt_judge(struct session *s, const struct fault *f, const char *line, const char *path)
{
	unsigned most = s->opt->max_recipients;
	unsigned long announced = rcpt_limit(s);
	bool room = !most || s->recipient_count < most;

	if (!text_is_ascii(path, strlen(path)) && !s->utf8 &&
			session_punish(s, f, "utf8", "non-ASCII recipient without SMTPUTF8"))
		return;
	if (announced && s->recipient_count >= announced)
		session_violation(s, "limits", "more than RCPTMAX recipients");
	if (fault_allows(f, room)) {
		s->recipient_count++;
		buf_printf(&s->recipients, "RCPT %s\n", line);
	}
	if (room)
		session_say(s, f, 250, "2.1.5", "recipient ok");
	else
		session_say(s, f, 452, "4.5.3", "too many recipients");
}

void session_rcpt(struct session *s, char *line)
{
	char *path = NULL, *rest = NULL, *whole = mem_string(line);
	bool good = path_split(line, "TO:", false, &path, &rest);
	const struct fault *f = session_fault(s, "RCPT", path);

	if (!s->mail.len) {
		/* Behind a refused MAIL of its group it is no fault. */
		if (s->mail_tried || s->wire->taken <= s->auth_group_end)
			session_say(s, f, 503, "5.5.1", "no sender");
		else if (!session_punish(s, f, "order", "RCPT before MAIL"))
			session_say(s, f, 503, "5.5.1", "no sender");
	} else if (!good) {
		if (!session_punish(s, f, "syntax", "RCPT TO:<path> expected"))
			session_say(s, f, 501, "5.5.2", "syntax");
	} else if (session_parameters(s, f, rest, false)) {
		rcpt_judge(s, f, whole, path);
	}
	free(path);
	free(whole);
}
