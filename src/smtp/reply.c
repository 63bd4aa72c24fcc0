/* smtp/reply.c - reading replies; see reply.h. */
#include "smtp/reply.h"

#include <string.h>

#include "base/foreign.h"
#include "base/text.h"

void reply_parser_init(struct reply_parser *p)
{
	memset(p, 0, sizeof(*p));
	p->line.max = REPLY_LINE_MAX;
	p->reply.text.max = REPLY_TEXT_MAX;
}

void reply_parser_release(struct reply_parser *p)
{
	buf_release(&p->line);
	buf_release(&p->reply.text);
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether a line of a reply may begin so. */
static bool fits(const struct buf *line)
{
	const char *s = buf_text(line);

	for (size_t i = 0; i < 3 && i < line->len; i++)
		if (!digit(s[i]))
			return false;
	return (!line->len || (s[0] >= '2' && s[0] <= '5')) &&
		(line->len <= 3 || s[3] == ' ' || s[3] == '-') && !memchr(s, '\0', line->len);
}

static int not_smtp(const struct buf *line, struct err *e)
{
	char shown[128];

	text_clean_to(shown, sizeof(shown), buf_text(line), line->len);
	err_set(e, ERR_PROTOCOL, "the server's answer is not SMTP: \"%s\"", shown);
	foreign_name(buf_text(line), line->len, e);
	return -1;
}

int reply_judge_line(const struct reply_parser *p, struct err *e)
{
	return fits(&p->line) ? 0 : not_smtp(&p->line, e);
}

/* "x.y.z" and a blank (or the end) at the start of text; its length, or 0. */
static size_t enhanced_length(int code, const char *text, size_t len)
{
	size_t i = 2;

	if (len < 5 || text[0] != '0' + code / 100 || text[1] != '.')
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t from = i;

		while (i < len && digit(text[i]) && i - from < 3)
			i++;
		if (i == from)
			return 0;
		if (part == 0 && (i >= len || text[i++] != '.'))
			return 0;
	}
	return i == len || text[i] == ' ' ? i : 0;
}

/* One line without its end.  1: the last of the reply; 0; -1. */
static int take_line(struct reply_parser *p, struct err *e)
{
	const char *s = buf_text(&p->line);
	size_t len = p->line.len, skip;
	struct smtp_reply *r = &p->reply;
	bool more;
	int code;

	if (len < 3 || !fits(&p->line))
		return not_smtp(&p->line, e);
	code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	more = len > 3 && s[3] == '-';
	if (r->code && r->code != code)
		return err_set(e, ERR_PROTOCOL,
			"the server mixes the codes %d and %d in one reply", r->code, code);
	if (r->code)
		buf_add_char(&r->text, '\n');
	r->code = code;
	s += len > 3 ? 4 : 3;
	len -= len > 3 ? 4 : 3;
	skip = enhanced_length(code, s, len);
	if (skip && skip < sizeof(r->enhanced)) {
		if (!r->enhanced[0])
			memcpy(r->enhanced, s, skip);
		s += skip;
		len -= skip;
		if (len)
			s++, len--;
	}
	buf_add(&r->text, s, len);
	return more ? 0 : 1;
}

int reply_feed(struct reply_parser *p, const char *data, size_t len, size_t *used, struct err *e)
{
	*used = 0;
	if (p->whole) {
		p->whole = false;
		p->octets = 0;
		p->reply.code = 0;
		memset(p->reply.enhanced, 0, sizeof(p->reply.enhanced));
		buf_clear(&p->reply.text);
	}
	while (*used < len) {
		const char *from = data + *used, *end = memchr(from, '\n', len - *used);
		size_t n = end ? (size_t)(end - from) + 1 : len - *used;
		int last;

		*used += n;
		p->octets += n;
		buf_add(&p->line, from, n);
		if (!buf_ok(&p->line))
			return err_set(e, ERR_PROTOCOL,
				"the server sent a reply line of more than %d octets",
				REPLY_LINE_MAX);
		if (p->octets > REPLY_TEXT_MAX)
			return err_set(e, ERR_PROTOCOL,
				"the server sent a reply of more than %d octets", REPLY_TEXT_MAX);
		if (!end)
			return 0;
		p->line.len--;
		if (p->line.len && p->line.data[p->line.len - 1] == '\r')
			p->line.len--;
		p->line.data[p->line.len] = '\0';
		last = take_line(p, e);
		if (last < 0)
			return -1;
		buf_clear(&p->line);
		if (last) {
			p->whole = true;
			return 1;
		}
	}
	return 0;
}

bool reply_begun(const struct reply_parser *p)
{
	return !p->whole && p->octets;
}

void reply_show(const struct smtp_reply *r, struct buf *out)
{
	struct buf one = BUF_INIT(REPLY_TEXT_MAX);

	buf_add(&one, buf_text(&r->text), r->text.len);
	for (size_t i = 0; i < one.len; i++)
		if (one.data[i] == '\n')
			one.data[i] = ' ';
	buf_printf(out, "%d", r->code);
	if (r->enhanced[0])
		buf_printf(out, " %s", r->enhanced);
	if (one.len)
		buf_add_char(out, ' ');
	text_clean(buf_text(&one), one.len, TEXT_SHOWN_MAX, out);
	buf_release(&one);
}
