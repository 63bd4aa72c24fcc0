/* mail/parameter.c - "; name=value; name=value"; see parameter.h. */
#include "mail/parameter.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/text.h"

enum { SECTIONS_MOST = 20 };   /* of a parameter by RFC 2231 that is read */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* From a quotation mark to behind its end, or from an opening parenthesis. */
static size_t skip_enclosed(const char *text, size_t len, size_t at)
{
	bool quoted = text[at] == '"';
	size_t depth = 0;

	do {
		char c = text[at];

		if (c == '\\')
			at++;
		else if (quoted ? c == '"' && depth : c == ')')
			depth--;
		else if (quoted ? c == '"' : c == '(')
			depth++;
		at++;
	} while (depth && at < len);
	return at < len ? at : len;
}

/* Up to the next semicolon that separates. */
static size_t skip_part(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != ';')
		at = text[at] == '"' || text[at] == '(' ? skip_enclosed(text, len, at) : at + 1;
	return at;
}

size_t parameter_gap(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && (is_blank(text[at]) || text[at] == '('))
		at = text[at] == '(' ? skip_enclosed(text, len, at) : at + 1;
	return at;
}

size_t parameter_head(const char *text, size_t len)
{
	return skip_part(text, len, 0);
}

bool parameter_next(const char *text, size_t len, size_t *at, struct parameter *p)
{
	size_t start = *at, end, equals;

	if (start >= len)
		return false;
	end = skip_part(text, len, start + 1);
	*p = (struct parameter){ .name = "", .start = text + start, .len = end - start };
	*at = end;
	start++;
	start += parameter_gap(text + start, end - start);
	for (equals = start; equals < end && text[equals] != '=';)
		equals++;
	p->value = text + (equals < end ? equals + 1 : start);
	p->value_len = (size_t)(text + end - p->value);
	if (equals == end)
		return true;
	p->name = text + start;
	p->name_len = equals - start;
	while (p->name_len && is_blank(p->name[p->name_len - 1]))
		p->name_len--;
	return true;
}

bool parameter_is(const struct parameter *p, const char *name)
{
	return text_equal_fold(p->name, p->name_len, name, strlen(name));
}

bool parameter_is_of(const struct parameter *p, const char *name)
{
	const char *star = memchr(p->name, '*', p->name_len);
	size_t len = star ? (size_t)(star - p->name) : p->name_len;

	return text_equal_fold(p->name, len, name, strlen(name));
}

static void add_quoted(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 1; i < len && text[i] != '"'; i++) {
		if (text[i] == '\\' && i + 1 < len)
			i++;
		buf_add_char(out, text[i]);
	}
}

void parameter_value(const struct parameter *p, struct buf *out)
{
	size_t end = p->value_len, at = parameter_gap(p->value, end);

	if (at < end && p->value[at] == '"') {
		add_quoted(p->value + at, end - at, out);
		return;
	}
	for (size_t i = at; i < end; i++)
		if (p->value[i] == '(')
			end = i;
	while (end > at && is_blank(p->value[end - 1]))
		end--;
	buf_add(out, p->value + at, end - at);
}

/* ---- RFC 2231 */

size_t parameter_charset(const char *value, size_t len)
{
	const char *first = memchr(value, '\'', len), *second = NULL;

	if (first)
		second = memchr(first + 1, '\'', (size_t)(value + len - first - 1));
	return second ? (size_t)(second + 1 - value) : 0;
}

bool parameter_decode(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '%')
			buf_add_char(out, text[i]);
		else if (len - i > 2 && hex_decode(text + i + 1, 2, out) == 0)
			i += 2;
		else
			return false;
	return true;
}

static bool is_extended(const struct parameter *p, const char *name)
{
	size_t len = strlen(name);

	return p->name_len > len && p->name[len] == '*' &&
		text_equal_fold(p->name, len, name, len);
}

/* "*N", "*N*" and, as the first of all, "*": what stands behind a name. */
static bool is_section(const char *text, size_t len, unsigned number, bool *coded)
{
	char want[16];
	size_t n = (size_t)snprintf(want, sizeof(want), "*%u*", number);

	*coded = len == n || (len == 1 && !number);
	return (len == 1 && !number) || ((len == n || len == n - 1) && !memcmp(text, want, len));
}

static bool find_section(const char *text, size_t len, const char *name, unsigned number,
	struct buf *out)
{
	size_t at = parameter_head(text, len), name_len = strlen(name), head = 0;
	struct buf value = BUF_INIT(len + 1);
	struct parameter p;
	bool coded = false, good = false;

	while (!good && parameter_next(text, len, &at, &p))
		good = is_extended(&p, name) &&
			is_section(p.name + name_len, p.name_len - name_len, number, &coded);
	if (good)
		parameter_value(&p, &value);
	if (good && coded && !number) {
		head = parameter_charset(buf_text(&value), value.len);
		good = head > 0;
	}
	if (good && coded)
		good = parameter_decode(buf_text(&value) + head, value.len - head, out);
	else if (good)
		buf_add(out, buf_text(&value), value.len);
	buf_release(&value);
	return good;
}

int parameter_find(const char *text, size_t len, const char *name, struct buf *out)
{
	struct buf plain = BUF_INIT(len + 1), extended = BUF_INIT(len + 1);
	size_t at = parameter_head(text, len);
	struct parameter p;
	unsigned sections = 0;
	bool there = false, good = true;

	while (parameter_next(text, len, &at, &p)) {
		sections += is_extended(&p, name);
		if (!there && parameter_is(&p, name)) {
			there = true;
			parameter_value(&p, &plain);
		}
	}
	good = sections <= SECTIONS_MOST;
	for (unsigned i = 0; good && i < sections; i++)
		good = find_section(text, len, name, i, &extended);
	if (good && there && sections)
		good = plain.len == extended.len &&
			!memcmp(buf_text(&plain), buf_text(&extended), plain.len);
	buf_add(out, buf_text(there ? &plain : &extended), there ? plain.len : extended.len);
	buf_release(&plain);
	buf_release(&extended);
	return good ? there || sections : -1;
}
