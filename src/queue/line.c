/* queue/line.c - lines and values of the queue's files; see line.h. */
#include "queue/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* --- values --------------------------------------------------------------- */

static bool is_plain(char c)
{
	return c > 32 && c < 127 && c != '%' && c != '=';
}

/* At most `most` octets of text, and no half character. */
static size_t cut_len(const char *text, size_t most)
{
	size_t len = strnlen(text, most);
	size_t back;

	if (!text[len])
		return len;
	for (back = 0; back < 3 && back < len; back++)
		if (((unsigned char)text[len - back] & 0xc0) != 0x80)
			return len - back;
	return len;   /* not UTF-8 */
}

void value_write(struct buf *out, const char *text, size_t most)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = cut_len(text, most), plain;

	for (size_t i = 0; i < len; i += plain) {
		for (plain = 0; i + plain < len && is_plain(text[i + plain]); plain++)
			;
		buf_add(out, text + i, plain);
		if (i + plain < len) {
			unsigned char c = (unsigned char)text[i + plain++];
			char code[3] = { '%', digits[c >> 4], digits[c & 15] };

			buf_add(out, code, sizeof(code));
		}
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *value_read(const char *value, size_t len)
{
	char *text = mem_alloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (is_plain(value[i])) {
			text[n++] = value[i];
			continue;
		}
		high = value[i] == '%' && len - i > 2 ? hex_digit(value[i + 1]) : -1;
		low = high < 0 ? -1 : hex_digit(value[i + 2]);
		/* NUL would end the text, and what need not be written so is not. */
		if (low < 0 || !(high | low) || is_plain((char)(high << 4 | low))) {
			free(text);
			return NULL;
		}
		text[n++] = (char)(high << 4 | low);
		i += 2;
	}
	return text;
}

bool value_number(const char *value, size_t len, uint64_t most, uint64_t *number)
{
	uint64_t n = 0, most_tens = most / 10;

	if (!len || (value[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned char)value[i] - (unsigned)'0';

		if (digit > 9 || n > most_tens || digit > most - 10 * n)
			return false;
		n = 10 * n + digit;
	}
	*number = n;
	return true;
}

bool value_is(const struct value *v, const char *text)
{
	return v->len == strlen(text) && !memcmp(v->at, text, v->len);
}

bool value_named(const struct value *v, const char *name, struct value *out)
{
	size_t len = strlen(name);

	if (v->len < len + 2 || memcmp(v->at, name, len) != 0 || v->at[len] != '=')
		return false;
	*out = (struct value){ v->at + len + 1, v->len - len - 1 };
	return true;
}

/* --- lines ---------------------------------------------------------------- */

void lines_start(struct lines *l, const char *text, size_t len, unsigned before)
{
	*l = (struct lines){ .at = text, .end = text + len, .number = before };
}

/* Printable ASCII with single blanks between: the only octets there are. */
static bool is_line(const char *s, size_t len)
{
	if (!len || s[0] == ' ' || s[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)(s[i] - '!') > '~' - '!' && (s[i] != ' ' || s[i + 1] == ' '))
			return false;
	return true;
}

int lines_peek(struct lines *l, struct line **line)
{
	const char *end, *blank;
	struct line *now = &l->now;
	size_t len;

	*line = now;
	if (l->have)
		return 1;
	if (l->at == l->end)
		return 0;
	end = memchr(l->at, '\n', (size_t)(l->end - l->at));
	l->number++;
	if (!end || !is_line(l->at, (size_t)(end - l->at)))
		return -1;
	len = (size_t)(end - l->at);
	blank = memchr(l->at, ' ', len);
	*now = (struct line){ .word = l->at, .word_len = len, .rest = end, .number = l->number };
	if (blank) {
		now->word_len = (size_t)(blank - l->at);
		now->rest = blank + 1;
		now->rest_len = (size_t)(end - now->rest);
	}
	l->at = end + 1;
	l->have = true;
	return 1;
}

void lines_drop(struct lines *l)
{
	l->have = false;
}

bool line_is(const struct line *l, const char *word)
{
	return l->word_len == strlen(word) && !memcmp(l->word, word, l->word_len);
}

bool line_take(struct line *l, struct value *out)
{
	const char *blank;

	if (!l->rest_len)
		return false;
	blank = memchr(l->rest, ' ', l->rest_len);
	out->at = l->rest;
	out->len = blank ? (size_t)(blank - l->rest) : l->rest_len;
	l->rest += out->len + (blank ? 1 : 0);
	l->rest_len -= out->len + (blank ? 1 : 0);
	return true;
}

int lines_bad(const struct lines *l, struct err *e)
{
	char word[40] = "";

	if (l->have)
		text_clean_to(word, sizeof(word), l->now.word, l->now.word_len);
	if (*word)
		return err_set(e, ERR_DAMAGED, "line %u ('%s') is not what it should be", l->number,
			word);
	return err_set(e, ERR_DAMAGED, "line %u is not what it should be", l->number);
}

/* --- fields --------------------------------------------------------------- */

_Static_assert(sizeof(unsigned) == sizeof(enum field_type), "an enum is as large as unsigned");

static unsigned get_unsigned(const char *at)
{
	unsigned number;

	memcpy(&number, at, sizeof(number));
	return number;
}

static uint64_t get_number(const struct field *f, const char *at)
{
	int64_t time;
	uint64_t size;

	if (f->type == FIELD_UNSIGNED)
		return get_unsigned(at);
	if (f->type == FIELD_SIZE) {
		memcpy(&size, at, sizeof(size));
		return size;
	}
	memcpy(&time, at, sizeof(time));
	return time > 0 ? (uint64_t)time : 0;
}

static const char *get_text(const struct field *f, const char *at)
{
	const char *text;

	if (f->type == FIELD_ARRAY)
		return at;
	memcpy(&text, at, sizeof(text));
	return text;
}

static void write_set(struct buf *out, const char *word, const char *const *names, unsigned set)
{
	const char *before = " ";

	buf_add_text(out, word);
	for (unsigned i = 0; names[i]; i++) {
		if (!(set & 1U << i))
			continue;
		buf_add_text(out, before);
		buf_add_text(out, names[i]);
		before = ",";
	}
	buf_add_char(out, '\n');
}

static void write_text(struct buf *out, const struct field *f, const char *text)
{
	bool path = f->type == FIELD_PATH;

	if (!text || (!*text && !path))
		return;
	buf_add_text(out, f->word);
	buf_add_text(out, path ? " <" : " ");
	value_write(out, text, SIZE_MAX);
	buf_add_text(out, path ? ">\n" : "\n");
}

static void write_field(const struct field *f, const char *at, struct buf *out)
{
	bool truth;
	uint64_t number;

	switch (f->type) {
	case FIELD_TIME:
	case FIELD_SIZE:
	case FIELD_UNSIGNED:
		number = get_number(f, at);
		if (number || f->always)
			buf_printf(out, "%s %llu\n", f->word, (unsigned long long)number);
		break;
	case FIELD_TEXT:
	case FIELD_PATH:
	case FIELD_ARRAY:
		write_text(out, f, get_text(f, at));
		break;
	case FIELD_BOOL:
		memcpy(&truth, at, sizeof(truth));
		if (truth)
			buf_printf(out, "%s yes\n", f->word);
		break;
	case FIELD_CHOICE:
		if (get_unsigned(at) || f->always)
			buf_printf(out, "%s %s\n", f->word, f->names[get_unsigned(at)]);
		break;
	case FIELD_SET:
		if (get_unsigned(at))
			write_set(out, f->word, f->names, get_unsigned(at));
		break;
	}
}

void fields_write(const struct field *table, const void *from, struct buf *out)
{
	for (; table->word; table++)
		write_field(table, (const char *)from + table->offset, out);
}

static bool read_number(const struct field *f, const struct value *v, char *at)
{
	uint64_t number;
	unsigned small;
	int64_t time;

	if (!value_number(v->at, v->len, f->type == FIELD_SIZE ? UINT64_MAX :
			f->type == FIELD_TIME ? INT64_MAX : UINT32_MAX, &number))
		return false;
	small = (unsigned)number;
	time = (int64_t)number;
	if (f->type == FIELD_SIZE)
		memcpy(at, &number, sizeof(number));
	else if (f->type == FIELD_TIME)
		memcpy(at, &time, sizeof(time));
	else
		memcpy(at, &small, sizeof(small));
	return number > 0 || f->always;
}

static bool read_text(const struct field *f, const struct value *v, char *at)
{
	bool path = f->type == FIELD_PATH, good = true;
	char *text;

	if (path && (v->len < 2 || v->at[0] != '<' || v->at[v->len - 1] != '>'))
		return false;
	text = path ? value_read(v->at + 1, v->len - 2) : value_read(v->at, v->len);
	if (!text)
		return false;
	if (f->type != FIELD_ARRAY) {
		memcpy(at, &text, sizeof(text));
		return true;
	}
	good = strlen(text) < f->size;
	if (good)
		memcpy(at, text, strlen(text) + 1);
	free(text);
	return good;
}

static bool read_choice(const struct field *f, const struct value *v, char *at)
{
	for (unsigned i = 0; f->names[i]; i++)
		if (value_is(v, f->names[i])) {
			memcpy(at, &i, sizeof(i));
			return i > 0 || f->always;
		}
	return false;
}

/* Each name once and in the order of the table, as they are written. */
static bool read_set(const struct field *f, const struct value *v, char *at)
{
	const char *next = v->at, *end = v->at + v->len;
	unsigned set = 0;

	for (unsigned i = 0; f->names[i] && next < end; i++) {
		size_t len = strlen(f->names[i]), left = (size_t)(end - next);

		if (left < len || memcmp(next, f->names[i], len) != 0 ||
				(left > len && next[len] != ','))
			continue;
		set |= 1U << i;
		next += len;
		if (next < end && ++next == end)
			return false;   /* ends with a comma */
	}
	memcpy(at, &set, sizeof(set));
	return next == end;
}

static bool read_field(const struct field *f, const struct value *v, char *at)
{
	static const bool yes = true;

	switch (f->type) {
	case FIELD_TIME:
	case FIELD_SIZE:
	case FIELD_UNSIGNED:
		return read_number(f, v, at);
	case FIELD_TEXT:
	case FIELD_PATH:
	case FIELD_ARRAY:
		return read_text(f, v, at);
	case FIELD_BOOL:
		memcpy(at, &yes, sizeof(yes));
		return value_is(v, "yes");
	case FIELD_CHOICE:
		return read_choice(f, v, at);
	case FIELD_SET:
		return read_set(f, v, at);
	}
	return false;
}

int fields_read(const struct field *table, struct lines *l, void *to, struct err *e)
{
	struct line *line;
	struct value v;
	int got = 1;

	for (; table->word; table++) {
		got = lines_peek(l, &line);
		if (got < 0)
			return lines_bad(l, e);
		if (got == 0 || !line_is(line, table->word)) {
			if (!table->always)
				continue;
			return err_set(e, ERR_DAMAGED, "line %u should be '%s'",
				got ? l->number : l->number + 1, table->word);
		}
		if (!line_take(line, &v) || line->rest_len ||
				!read_field(table, &v, (char *)to + table->offset))
			return lines_bad(l, e);
		lines_drop(l);
	}
	return 0;
}
