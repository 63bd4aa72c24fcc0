/* mail/header.c - walking over and writing header fields; see header.h. */
#include "mail/header.h"

#include <string.h>

#include "base/codec.h"
#include "base/text.h"

enum {
	LINE_BEST = 76,     /* octets of a folded line */
	WORD_LONGEST = 200, /* octets without a blank that are still put in quotes */
	ENCODED_CHUNK = 36  /* octets of text in one encoded word: 60 octets as written */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

enum opening_kind opening_add(struct opening *o, char c)
{
	if (c == ':' && o->len)
		return OPENING_FIELD;
	if (++o->len >= OPENING_MAX)
		return OPENING_OTHER;
	if (is_blank(c)) {
		o->blank = true;
		return o->len > 1 ? OPENING_MORE : OPENING_OTHER;
	}
	return c > 32 && c < 127 && c != ':' && !o->blank ? OPENING_MORE : OPENING_OTHER;
}

bool header_is_field(const char *line, size_t len)
{
	enum opening_kind kind = OPENING_MORE;
	struct opening o = { 0 };

	for (size_t i = 0; i < len && kind == OPENING_MORE; i++)
		kind = opening_add(&o, line[i]);
	return kind == OPENING_FIELD;
}

static void field_split(struct field *f)
{
	const char *colon = memchr(f->start, ':', f->len), *end = f->start + f->len;

	if (f->len && end[-1] == '\n')
		end--;
	if (end > f->start && end < f->start + f->len && end[-1] == '\r')
		end--;
	f->value = colon ? colon + 1 : f->start;
	f->value_len = f->value < end ? (size_t)(end - f->value) : 0;
	f->name_len = colon ? (size_t)(colon - f->start) : 0;
	while (f->name_len && is_blank(f->start[f->name_len - 1]))
		f->name_len--;
}

bool header_next(const char *block, size_t len, size_t *at, struct field *f)
{
	size_t end = *at;

	if (end >= len)
		return false;
	do {
		const char *lf = memchr(block + end, '\n', len - end);

		end = lf ? (size_t)(lf - block) + 1 : len;
	} while (end < len && is_blank(block[end]));
	f->start = block + *at;
	f->len = end - *at;
	field_split(f);
	*at = end;
	return true;
}

bool field_is(const struct field *f, const char *name)
{
	return text_equal_fold(f->start, f->name_len, name, strlen(name));
}

bool field_is_blank(const struct field *f)
{
	for (size_t i = 0; i < f->value_len; i++)
		if (!is_blank(f->value[i]) && f->value[i] != '\r' && f->value[i] != '\n')
			return false;
	return true;
}

bool header_find(const char *block, size_t len, const char *name, struct field *f)
{
	size_t at = 0;

	while (header_next(block, len, &at, f))
		if (field_is(f, name))
			return true;
	return false;
}

void field_unfold(const struct field *f, struct buf *out)
{
	const char *p = f->value, *end = p + f->value_len;

	while (p < end && strchr(" \t\r\n", *p) && *p)
		p++;
	while (end > p && strchr(" \t\r\n", end[-1]) && end[-1])
		end--;
	while (p < end) {
		const char *stop = p;

		while (stop < end && *stop != '\r' && *stop != '\n')
			stop++;
		buf_add(out, p, (size_t)(stop - p));
		p = stop + (stop < end);
	}
}

static bool is_gap(char c)
{
	return is_blank(c) || c == '\r' || c == '\n' || c == '\0';
}

static void add_cleaned(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_add_char(out, is_gap(text[i]) && text[i] != '\t' ? ' ' : text[i]);
}

/* The text has no NUL inside, since it is one string: a piece is its blanks and
 * the word behind them, and a fold goes before the blanks, so that no line is
 * made of blanks alone. */
void header_add(struct buf *block, const char *name, const char *value)
{
	size_t column = strlen(name) + 2;
	bool first = true;

	buf_add_text(block, name);
	buf_add_text(block, ": ");
	while (is_gap(*value) && *value)
		value++;
	while (*value) {
		size_t gap = 0, len;

		while (value[gap] && is_gap(value[gap]))
			gap++;
		len = gap;
		while (!is_gap(value[len]))
			len++;
		if (len == gap)
			break;   /* blanks at the end */
		if (!first && column + len > LINE_BEST) {
			buf_add_text(block, "\r\n");
			column = 0;
		}
		add_cleaned(block, value, len);
		column += len;
		value += len;
		first = false;
	}
	buf_add_text(block, "\r\n");
}

bool header_is_atext(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Words of atext with one blank between each. */
static bool is_bare_phrase(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == ' ' ? text[i + 1] == ' ' : !header_is_atext(text[i]))
			return false;
	return true;
}

static bool has_long_word(const char *text, size_t len)
{
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		run = text[i] == ' ' ? 0 : run + 1;
		if (run > WORD_LONGEST)
			return true;
	}
	return false;
}

static void add_quoted(struct buf *out, const char *text, size_t len)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text[i]);
	}
	buf_add_char(out, '"');
}

/* RFC 2047 section 5: an encoded word holds whole characters only, and the
 * blank between two of them is not shown. */
static void add_encoded(struct buf *out, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		size_t n = 0, step;

		while (done + n < len) {
			step = text_utf8(text + done + n, len - done - n);
			if (n + step > ENCODED_CHUNK)
				break;
			n += step;
		}
		buf_add_text(out, done ? " =?UTF-8?B?" : "=?UTF-8?B?");
		base64_encode(text + done, n, out);
		buf_add_text(out, "?=");
		done += n;
	}
}

/* Controls become blanks, broken UTF-8 becomes "?", blanks at the ends go. */
static void clean_name(const char *name, size_t len, struct buf *clean)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		unsigned char c = (unsigned char)name[i];

		n = text_utf8(name + i, len - i);
		if (!n)
			buf_add_char(clean, '?');
		else if (c < 0x20 || c == 0x7f || (c == 0xc2 && !(name[i + 1] & 0x60)))
			buf_add_char(clean, ' ');
		else
			buf_add(clean, name + i, n);
	}
}

void header_phrase(const char *name, size_t len, struct buf *out)
{
	struct buf clean = BUF_INIT(0);
	const char *text;
	size_t end;

	clean_name(name, len, &clean);
	text = buf_text(&clean);
	end = clean.len;
	while (end && text[end - 1] == ' ')
		end--;
	while (end && *text == ' ') {
		text++;
		end--;
	}
	if (!text_is_ascii(text, end) || has_long_word(text, end))
		add_encoded(out, text, end);
	else if (is_bare_phrase(text, end))
		buf_add(out, text, end);
	else
		add_quoted(out, text, end);
	buf_release(&clean);
}
