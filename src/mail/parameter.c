/* mail/parameter.c - "; name=value; name=value"; see parameter.h. */
#include "mail/parameter.h"

#include <string.h>

#include "base/text.h"

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
	for (start++; start < end && is_blank(text[start]);)
		start++;
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
	size_t at = 0, end = p->value_len;

	while (at < end && (is_blank(p->value[at]) || p->value[at] == '('))
		at = p->value[at] == '(' ? skip_enclosed(p->value, end, at) : at + 1;
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
