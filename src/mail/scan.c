/* mail/scan.c - splitting an address list into tokens; see scan.h. */
#include "mail/scan.h"

#include <string.h>

#include "base/text.h"

int scan_fail(const char *text, size_t len, struct err *e, const char *why)
{
	char shown[100];

	return err_set(e, ERR_MESSAGE, "address '%s': %s",
		text_clean_to(shown, sizeof(shown), text, len), why);
}

bool scan_is_harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f || c == '<' || c == '>')
			return false;
		/* C1 controls as UTF-8 has them */
		if (c == 0xc2 && i + 1 < len && ((unsigned char)text[i + 1] & 0xe0) == 0x80)
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line end is fine only where a blank follows it, and only in a header. */
static bool is_fold(const char *text, size_t len, size_t at, enum address_place place)
{
	if (place != ADDRESS_IN_HEADER)
		return false;
	if (text[at] == '\r')
		return at + 2 < len && text[at + 1] == '\n' &&
			(text[at + 2] == ' ' || text[at + 2] == '\t');
	return at + 1 < len && (text[at + 1] == ' ' || text[at + 1] == '\t');
}

int scan_start(struct scan *s, const char *text, size_t len, enum address_place place,
	struct err *e)
{
	*s = (struct scan){ .text = text, .len = len };
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			return scan_fail(text, len, e, "holds a NUL octet");
		if ((text[i] == '\r' || text[i] == '\n') && !is_fold(text, len, i, place))
			return scan_fail(text, len, e, "holds a line end");
	}
	return scan_next(s, e);
}

bool scan_at_sign(const struct scan *s, char sign)
{
	return s->now.kind == TOKEN_SIGN && s->now.sign == sign;
}

/* Comments nest; a backslash takes the next octet with it. */
static int skip_comment(struct scan *s, struct err *e)
{
	size_t depth = 0, at = s->at;

	do {
		if (at >= s->len)
			return scan_fail(s->text, s->len, e, "a comment '(' is not closed");
		switch (s->text[at++]) {
		case '(':
			depth++;
			break;
		case ')':
			depth--;
			break;
		case '\\':
			at++;
			break;
		default:
			break;
		}
	} while (depth);
	if (!s->comment)
		s->comment_start = s->at;
	s->comment = true;
	s->comment_end = s->at = at;
	return 0;
}

static int skip_blanks(struct scan *s, struct err *e)
{
	s->comment = false;
	s->now.spaced = false;
	while (s->at < s->len) {
		if (is_blank(s->text[s->at])) {
			s->now.spaced = true;
			s->at++;
		} else if (s->text[s->at] == '(') {
			if (skip_comment(s, e) < 0)
				return -1;
		} else {
			break;
		}
	}
	return 0;
}

/* From an opening sign to its closing one. */
static int take_enclosed(struct scan *s, char close, const char *why, struct err *e)
{
	size_t at = s->at + 1;

	while (at < s->len && s->text[at] != close)
		at += s->text[at] == '\\' ? 2 : 1;
	if (at >= s->len)
		return scan_fail(s->text, s->len, e, why);
	s->at = at + 1;
	return 0;
}

static int take_atom(struct scan *s, struct err *e)
{
	while (s->at < s->len) {
		char c = s->text[s->at];

		if (is_blank(c) || strchr("()<>[]:;@,\"", c))
			break;
		if (c == '\\' && ++s->at >= s->len)
			return scan_fail(s->text, s->len, e, "nothing stands behind a backslash");
		s->at++;
	}
	return 0;
}

int scan_next(struct scan *s, struct err *e)
{
	int result = 0;
	char c;

	if (skip_blanks(s, e) < 0)
		return -1;
	s->now.start = s->now.end = s->at;
	s->now.sign = '\0';
	s->now.kind = TOKEN_END;
	if (s->at >= s->len)
		return 0;
	c = s->text[s->at];
	if (c == '"') {
		s->now.kind = TOKEN_QUOTED;
		result = take_enclosed(s, '"', "a quotation mark '\"' is not closed", e);
	} else if (c == '[') {
		s->now.kind = TOKEN_LITERAL;
		result = take_enclosed(s, ']', "a bracket '[' is not closed", e);
	} else if (c == ')' || c == ']') {
		return scan_fail(s->text, s->len, e, "a closing bracket has no opening one");
	} else if (strchr("<>@,;:", c)) {
		s->now.kind = TOKEN_SIGN;
		s->now.sign = c;
		s->at++;
	} else {
		s->now.kind = TOKEN_ATOM;
		result = take_atom(s, e);
	}
	s->now.end = s->at;
	return result;
}
