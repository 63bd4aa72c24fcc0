/* mail/header_fit_parameter.c - Content-Type and Content-Disposition; see
 * header_fit.h. */
#include <string.h>

#include "base/text.h"
#include "mail/header_fit.h"
#include "mail/parameter.h"

enum {
	LINE_BEST = 76,        /* octets of a line, where that can be had */
	FRAME = 10,            /* of a piece: the blank, "*NNNN*=" and semicolon */
	CHARACTER_MOST = 12,   /* octets of the longest, as it is written */
	PIECE_LEAST = 16,      /* octets that are worth a piece of their own */
	NAME_MOST = 60,        /* octets of a name that every piece repeats */
	CHARSET_MOST = 60,     /* octets of "charset'language'" */
	PARAMETERS_MOST = 200
};

static bool is_attribute(char c)
{
	return c > ' ' && c < 127 && !strchr("*'%()<>@,;:\\\"/[]?=", c);
}

static bool is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_attribute(name[i]))
			return false;
	return len > 0;
}

static bool is_named(const struct parameter *p)
{
	return is_name(p->name, p->name_len);
}

/* "name*": extended, and all of it. */
static bool is_extended(const struct parameter *p)
{
	return p->name_len && p->name[p->name_len - 1] == '*' && is_name(p->name, p->name_len - 1);
}

static size_t extended_size(const char *value, size_t len)
{
	size_t size = 0;

	for (size_t i = 0; i < len; i++)
		size += is_attribute(value[i]) ? 1 : 3;
	return size;
}

/* One character; its length. */
static size_t add_character(struct buf *out, const char *value, size_t len)
{
	size_t n = text_utf8(value, len);

	n = n ? n : 1;
	for (size_t i = 0; i < n; i++)
		if (is_attribute(value[i]))
			buf_add_char(out, value[i]);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)value[i]);
	return n;
}

/* "name*=charset'language'octets" in as many pieces as lines need (RFC 2231 sections 3
 * and 4.1); a character is never split. */
static void put_extended(struct fit *f, const char *name, size_t name_len,
	const struct buf *charset, const char *value, size_t len)
{
	size_t frame = name_len + charset->len + FRAME, at = 0;
	size_t most = frame + PIECE_LEAST < LINE_BEST ? LINE_BEST - frame : PIECE_LEAST;
	bool single = extended_size(value, len) <= most;
	struct buf piece = BUF_INIT(0);
	unsigned number = 0;

	do {
		size_t start;

		buf_clear(&piece);
		buf_add(&piece, name, name_len);
		if (!single)
			buf_printf(&piece, "*%u", number);
		buf_add_text(&piece, "*=");
		if (!number++)
			buf_add(&piece, charset->data, charset->len);
		start = piece.len;
		while (at < len && (single || piece.len - start + CHARACTER_MOST <= most))
			at += add_character(&piece, value + at, len - at);
		if (at < len)
			buf_add_char(&piece, ';');
		fold_word(&f->fold, " ", 1, buf_text(&piece), piece.len);
	} while (at < len && buf_ok(f->fold.out));
	buf_release(&piece);
}

static void put_encoded(struct fit *f, const struct parameter *p, const char *value, size_t len)
{
	struct buf charset = BUF_INIT(CHARSET_MOST);

	buf_printf(&charset, "%s''", encoded_charset(value, len));
	put_extended(f, p->name, p->name_len, &charset, value, len);
	buf_release(&charset);
}

/* What is extended already, in pieces; false: it is not what it claims to be. */
static bool put_again(struct fit *f, const struct parameter *p, const char *value, size_t len)
{
	size_t head = parameter_charset(value, len);
	struct buf charset = BUF_INIT(CHARSET_MOST), octets = BUF_INIT(len + 1);
	bool good = head > 0;

	for (size_t i = 0; good && i < head; i++)
		good = is_attribute(value[i]) || value[i] == '\'';
	buf_add(&charset, value, good ? head : 0);
	good = good && buf_ok(&charset) && parameter_decode(value + head, len - head, &octets);
	if (good)
		put_extended(f, p->name, p->name_len - 1, &charset, buf_text(&octets), octets.len);
	buf_release(&charset);
	buf_release(&octets);
	return good;
}

/* The same parameter is there in extended form: readers prefer that. */
static bool has_extended(const char *value, size_t len, const struct parameter *wanted)
{
	size_t at = parameter_head(value, len);
	struct parameter p;

	while (parameter_next(value, len, &at, &p))
		if (p.name_len > wanted->name_len && p.name[wanted->name_len] == '*' &&
		    text_equal_fold(p.name, wanted->name_len, wanted->name, wanted->name_len))
			return true;
	return false;
}

/* Without the semicolon in front and the blanks behind it; folded inside only if it is
 * too long for a line. */
static void put_as_it_is(struct fit *f, const struct parameter *p)
{
	const char *text = p->start + 1, *end = p->start + p->len;
	struct buf words = BUF_INIT(p->len + 1);

	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	buf_add_char(&words, ' ');
	buf_add(&words, text, (size_t)(end - text));
	if (p->len > ENCODED_WORD_MOST)
		fold_words(&f->fold, buf_text(&words), words.len);
	else if (end > text)
		fold_word(&f->fold, " ", 1, text, (size_t)(end - text));
	buf_release(&words);
}

static void put_semicolon(struct fit *f)
{
	fold_word(&f->fold, "", 0, ";", 1);
}

/* One that cannot stay; its value. */
static void put_anew(struct fit *f, const struct parameter *p, const char *value, size_t len)
{
	bool ascii = text_is_ascii(p->start, p->len);

	if ((is_named(p) || is_extended(p)) && p->name_len > NAME_MOST)
		f->why = "a parameter that must be encoded has a name of more than 60 octets";
	else if (is_named(p))
		put_encoded(f, p, value, len);
	else if (is_extended(p) && put_again(f, p, value, len))
		return;
	else if (ascii && is_extended(p))
		f->why = "a parameter is too long, and not what RFC 2231 says it must be to be split";
	else if (ascii)
		put_as_it_is(f, p);
	else   /* rubbish, of which no sign may get a meaning */
		fold_encoded(&f->fold, " ", 1, p->start + 1, p->len - 1);
}

static void put_parameter(struct fit *f, const char *value, size_t len, const struct parameter *p)
{
	struct buf plain = BUF_INIT(len + 1);
	bool ascii = text_is_ascii(p->start, p->len);

	parameter_value(p, &plain);
	if (ascii ? p->len <= ENCODED_WORD_MOST : !f->encode) {
		put_semicolon(f);
		put_as_it_is(f, p);
	} else if (parameter_is_of(p, "boundary")) {   /* what stands in the body is that */
		f->why = ascii ? "its boundary is too long" : "its boundary is not ASCII";
	} else if (!has_extended(value, len, p)) {
		put_semicolon(f);
		put_anew(f, p, buf_text(&plain), plain.len);
	}
	buf_release(&plain);
}

void fit_parameters(struct fit *f, const char *value, size_t len)
{
	size_t at = parameter_head(value, len);
	struct parameter p;
	unsigned count = 0;

	if (f->encode && !text_is_ascii(value, at))
		f->why = "what stands before its parameters is not ASCII";
	fold_word(&f->fold, "", 0, value, at);
	while (!f->why && parameter_next(value, len, &at, &p)) {
		put_parameter(f, value, len, &p);
		if (++count > PARAMETERS_MOST)
			f->why = "it has too many parameters";
	}
}
