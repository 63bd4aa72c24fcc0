/* base/mask.c - secrets overwritten in what is shown; see mask.h.
 *
 * A piece of at least two thirds has the middle third in it: that is looked for, and then
 * how far the piece goes on to both sides.  So the work is that of looking for a few words.
 */
#include "base/mask.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/mem.h"

enum {
	LEAST = 4,           /* octets of a secret */
	LEAST_BASE64 = 5,    /* digits that depend on nothing else */
	PIECE = 6,           /* octets */
	WORD = 10,           /* octets of a piece that has letters and blanks alone */
	AS_IS = 0, HEX, BASE64, FORMS = BASE64 + 3   /* BASE64 + k: k octets stand before it */
};

struct mask_secret {
	struct buf forms[FORMS];   /* own; wiped; one in which nothing is looked for is empty */
	struct mask_secret *next;
};

/* Where a piece of a form stands in a text. */
struct piece {
	size_t from, to;           /* in the text */
	size_t first, last;        /* of the form, behind the last */
};

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
		c == '/' || c == '-' || c == '_';
}

/* Base64 that somebody wrote in capitals is guessed easily. */
static char fold(int form, char c)
{
	if (form == AS_IS)
		return c;
	if (form >= BASE64 && (c == '-' || c == '_'))
		return c == '-' ? '+' : '/';
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static int digit(char c)
{
	c = fold(HEX, c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool are_digits(const char *at, char c)
{
	return digit(at[0]) >= 0 && digit(at[1]) >= 0 &&
		(char)(digit(at[0]) << 4 | digit(at[1])) == c;
}

/* How many octets at the start of text stand for c; 0: it is something else. */
static size_t stands_for(int form, const char *text, size_t len, char c)
{
	if (!len)
		return 0;
	if (form == AS_IS && len >= 3 && (text[0] == '%' || text[0] == '=' || text[0] == '+') &&
	    are_digits(text + 1, c))
		return 3;
	if (form == AS_IS && len >= 4 && text[0] == '\\' && text[1] == 'x' && are_digits(text + 2, c))
		return 4;
	return fold(form, text[0]) == c;
}

/* The same, behind line ends where there are some. */
static size_t next(int form, const char *text, size_t len, char c)
{
	size_t ends = 0, n = stands_for(form, text, len, c);

	if (n)
		return n;
	while (ends < len && is_line_end(text[ends]))
		ends++;
	if (!ends)
		return 0;
	n = stands_for(form, text + ends, len - ends, c);
	return n ? ends + n : form == AS_IS && (c == ' ' || is_line_end(c)) ? ends : 0;
}

/* At the end of text, backwards: what is written in several octets goes before one of them. */
static size_t stood_for(int form, const char *text, size_t len, char c)
{
	for (size_t n = 4; n; n--)
		if (len >= n && stands_for(form, text + len - n, n, c) == n)
			return n;
	return 0;
}

static size_t previous(int form, const char *text, size_t len, char c)
{
	size_t ends = 0, n = stood_for(form, text, len, c);

	if (n)
		return n;
	while (ends < len && is_line_end(text[len - 1 - ends]))
		ends++;
	if (!ends)
		return 0;
	n = stood_for(form, text, len - ends, c);
	return n ? ends + n : form == AS_IS && (c == ' ' || is_line_end(c)) ? ends : 0;
}

static bool is_middle(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Whole characters, where it is UTF-8. */
static void overwrite(char *text, size_t size, size_t from, size_t to)
{
	while (from && is_middle(text[from]))
		from--;
	while (to < size && is_middle(text[to]))
		to++;
	for (size_t i = from; i < to; i++)
		if (!is_line_end(text[i]))
			text[i] = '*';
}

/* As far as it goes from the octet p->last of the form on. */
static void go_on(int form, const char *text, size_t size, const char *what, size_t len,
	struct piece *p)
{
	while (p->last < len) {
		size_t n = next(form, text + p->to, size - p->to, what[p->last]);

		if (!n)
			return;
		p->to += n;
		p->last++;
	}
}

static void go_back(int form, const char *text, const char *what, struct piece *p)
{
	while (p->first) {
		size_t n = previous(form, text, p->from, what[p->first - 1]);

		if (!n)
			return;
		p->from -= n;
		p->first--;
	}
}

void mask_hide(char *text, size_t size, const char *what, size_t len, size_t least)
{
	for (size_t i = 0; len >= LEAST && i < size; i++) {
		struct piece p = { .from = i, .to = i };

		if (is_line_end(text[i]))
			continue;
		go_on(AS_IS, text, size, what, len, &p);
		if (p.last < len && p.last < least)
			continue;
		overwrite(text, size, p.from, p.to);
		i = p.to - 1;
	}
}

/* What is an ordinary word more likely than a piece of a secret is worse hidden than shown:
 * that it is one would be seen. */
static bool is_word(const char *what, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = fold(HEX, what[i]);

		if (c != ' ' && (c < 'a' || c > 'z'))
			return false;
	}
	return len < WORD;
}

/* The digits of base64 beside it that hold bits of it and of something else. */
static void take_neighbours(int form, const struct mask_secret *s, const char *text, size_t size,
	struct piece *p)
{
	size_t before = (size_t)(form - BASE64);

	if (!p->first && before && p->from && is_base64(text[p->from - 1]))
		p->from--;
	if (p->last < s->forms[form].len)
		return;
	if ((before + s->forms[AS_IS].len) % 3 && p->to < size && is_base64(text[p->to]))
		p->to++;
	for (int i = 0; i < 2 && p->to < size && text[p->to] == '='; i++)
		p->to++;
}

static size_t least_piece(int form, size_t len)
{
	size_t least = form == AS_IS ? PIECE : form == HEX ? 2 * PIECE : PIECE * 4 / 3;

	if (least < (2 * len + 2) / 3)
		least = (2 * len + 2) / 3;
	return least < len ? least : len;
}

/* Whether a text that begins with t may stand for c: most of all octets it is asked about. */
static bool may_stand_for(int form, char t, char c)
{
	if (form == AS_IS)
		return t == c || t == '%' || t == '=' || t == '+' || t == '\\';
	return fold(form, t) == c;
}

/* A piece that is as long as that, anywhere. */
static bool has_form(const struct mask_secret *s, int form, const char *text, size_t size,
	size_t least)
{
	const char *what = s->forms[form].data;
	size_t len = s->forms[form].len, first = len - least;

	for (size_t i = 0; len && i < size; i++) {
		struct piece p = { .from = i, .to = i, .first = first, .last = first };

		if (!may_stand_for(form, text[i], what[first]))
			continue;
		go_on(form, text, size, what, least, &p);
		if (p.last == least)
			return true;
	}
	return false;
}

static void hide_form(const struct mask_secret *s, int form, char *text, size_t size, size_t least)
{
	const char *what = s->forms[form].data;
	size_t len = s->forms[form].len;

	for (size_t i = 0; len && i < size; i++) {
		struct piece p = { .from = i, .to = i, .first = len - least, .last = len - least };

		if (!stands_for(form, text + i, size - i, what[p.first]))
			continue;
		go_on(form, text, size, what, len, &p);
		if (p.last < least)
			continue;
		go_back(form, text, what, &p);
		if (p.last - p.first < least || (p.last - p.first < len && form == AS_IS &&
				is_word(what + p.first, p.last - p.first)))
			continue;
		if (form >= BASE64)
			take_neighbours(form, s, text, size, &p);
		overwrite(text, size, p.from, p.to);
		i = p.to - 1;
	}
}

void mask_apply(const struct mask *m, char *text, size_t len)
{
	for (const struct mask_secret *s = m->secrets; s; s = s->next)
		for (int form = FORMS - 1; form >= 0; form--) {
			size_t all = s->forms[form].len, least = least_piece(form, all);

			if (!has_form(s, form, text, len, least))
				continue;
			/* The whole first: a piece of it may be like the next one. */
			hide_form(s, form, text, len, all);
			if (least < all)
				hide_form(s, form, text, len, least);
		}
}

void mask_words(const struct mask *m, char *words)
{
	if (m->secrets)
		mask_apply(m, words, strlen(words));
}

/* ---- what is looked for */

/* In one piece from the start: a buffer that grows leaves copies behind. */
static struct buf *with_room(struct buf *b, size_t room)
{
	*b = BUF_INIT(room);
	buf_reserve(b, room);
	return b;
}

static void fold_all(int form, struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		b->data[i] = fold(form, b->data[i]);
}

/* The digits that say nothing of what stands before and behind it. */
static void make_base64(size_t before, const void *secret, size_t len, struct buf *form)
{
	size_t all = before + len, from = (8 * before + 5) / 6, to = 8 * all / 6;
	struct buf octets, digits;

	if (to < from + LEAST_BASE64)
		return;
	buf_add(with_room(&octets, all + 1), "\0\0", before);
	buf_add(&octets, secret, len);
	base64_encode(octets.data, all, with_room(&digits, (all + 2) / 3 * 4 + 1));
	buf_add(with_room(form, to - from + 1), digits.data + from, to - from);
	buf_wipe(&octets);
	buf_wipe(&digits);
}

static bool is_there(const struct mask *m, const void *secret, size_t len)
{
	for (const struct mask_secret *s = m->secrets; s; s = s->next)
		if (s->forms[AS_IS].len == len && !memcmp(s->forms[AS_IS].data, secret, len))
			return true;
	return false;
}

void mask_add(struct mask *m, const void *secret, size_t len)
{
	struct mask_secret *s;

	if (len < LEAST || is_there(m, secret, len))
		return;
	s = mem_alloc(sizeof(*s));
	buf_add(with_room(&s->forms[AS_IS], len + 1), secret, len);
	hex_encode(secret, len, with_room(&s->forms[HEX], 2 * len + 1));
	for (int form = BASE64; form < FORMS; form++) {
		make_base64((size_t)(form - BASE64), secret, len, &s->forms[form]);
		fold_all(form, &s->forms[form]);
	}
	s->next = m->secrets;
	m->secrets = s;
}

void mask_wipe(struct mask *m)
{
	while (m->secrets) {
		struct mask_secret *s = m->secrets;

		m->secrets = s->next;
		for (int form = 0; form < FORMS; form++)
			buf_wipe(&s->forms[form]);
		free(s);
	}
}
