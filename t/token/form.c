/* t/token/form.c - see form.h. */
#include "t/token/form.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"

/* -1: a '%' without two digits behind it, or a NUL. */
static int form_decode(const char *text, size_t len, char **out)
{
	struct buf b = BUF_INIT(0);
	int result = 0;

	for (size_t i = 0; i < len && !result; i++) {
		if (text[i] != '%') {
			buf_add_char(&b, (char)(text[i] == '+' ? ' ' : text[i]));
			continue;
		}
		result = len - i < 3 ? -1 : hex_decode(text + i + 1, 2, &b);
		i += 2;
	}
	if (b.len && memchr(b.data, 0, b.len))
		result = -1;
	*out = mem_string(buf_text(&b));
	buf_release(&b);
	return result;
}

static int form_field(struct form *f, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name = equals ? (size_t)(equals - text) : len;
	size_t n = f->count;

	if (n == FORM_MOST)
		return -1;
	f->count++;
	if (form_decode(text, name, &f->field[n].name) < 0)
		return -1;
	return equals ? form_decode(equals + 1, len - name - 1, &f->field[n].value) :
		form_decode("", 0, &f->field[n].value);
}

int form_read(struct form *f, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '&', len);
		size_t field = end ? (size_t)(end - text) : len;

		if (field && form_field(f, text, field) < 0)
			return -1;
		text += field;
		len -= field;
		if (len) {
			text++;
			len--;
		}
	}
	return 0;
}

void form_release(struct form *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->field[i].name);
		free(f->field[i].value);
	}
	f->count = 0;
}

const char *form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->field[i].name, name))
			return f->field[i].value;
	return NULL;
}

const char *form_twice(const struct form *f)
{
	for (size_t i = 0; i < f->count; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(f->field[i].name, f->field[k].name))
				return f->field[i].name;
	return NULL;
}

void form_encode(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_add_char(out, *text);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
}
