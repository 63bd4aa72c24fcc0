/* mail/encoded.c - encoded words and folding; see encoded.h. */
#include "mail/encoded.h"

#include <stdint.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	LINE_BEST = 76,        /* octets of a line, where that can be had */
	ENCODED_MOST = 75,     /* of an encoded word */
	FRAME = 7,             /* of one that is empty, without the name of the charset */
	ROOM_LEAST = 12,       /* inside one: the longest character, in either encoding */
	ENCODED_CHARSET_MOST = 40
};

void fold_begin(struct fold *f, struct buf *out, const char *name, size_t len)
{
	f->out = out;
	f->column = len + 1;
	buf_add(out, name, len);
	buf_add_char(out, ':');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void break_line(struct fold *f)
{
	buf_add(f->out, "\r\n", 2);
	f->column = 0;
}

void fold_word(struct fold *f, const char *gap, size_t gap_len, const char *word, size_t len)
{
	if (gap_len && f->column && f->column + gap_len + len > LINE_BEST)
		break_line(f);
	buf_add(f->out, gap, gap_len);
	buf_add(f->out, word, len);
	f->column += gap_len + len;
}

void fold_words(struct fold *f, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t start = at, end;

		while (start < len && is_blank(text[start]))
			start++;
		for (end = start; end < len && !is_blank(text[end]);)
			end++;
		if (end > start)
			fold_word(f, text + at, start - at, text + start, end - start);
		at = end;
	}
}

void fold_end(struct fold *f)
{
	break_line(f);
}

/* ---- encoded words */

static bool has_eight_bit(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] & 0x80)
			return true;
	return false;
}

bool encoded_is_needed(const char *word, size_t len)
{
	return len > ENCODED_WORD_MOST || has_eight_bit(word, len);
}

bool encoded_is_one(const char *word, size_t len)
{
	size_t marks = 0;

	if (len < 8 || memcmp(word, "=?", 2) != 0 || memcmp(word + len - 2, "?=", 2) != 0)
		return false;
	for (size_t i = 2; i < len - 2; i++)
		marks += word[i] == '?';
	return marks == 2;
}

const char *encoded_charset(const char *text, size_t len)
{
	return text_is_utf8(text, len) ? "UTF-8" : "unknown-8bit";
}

/* What may stand in an encoded word wherever that stands (RFC 2047 section 5). */
static bool is_safe(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		c == ' ' || (c && strchr("!*+-/", c));
}

static size_t q_size(const char *text, size_t len)
{
	size_t size = 0;

	for (size_t i = 0; i < len; i++)
		size += is_safe(text[i]) ? 1 : 3;
	return size;
}

static size_t b_size(size_t len)
{
	return (len + 2) / 3 * 4;
}

static void q_encode(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == ' ')
			buf_add_char(out, '_');
		else if (is_safe(text[i]))
			buf_add_char(out, text[i]);
		else
			buf_printf(out, "=%02X", (unsigned)(unsigned char)text[i]);
}

/* How much of text, in whole characters, fits into so much room; at least one. */
static size_t take(const char *text, size_t len, bool q, size_t room)
{
	size_t n = 0;

	while (n < len) {
		size_t step = text_utf8(text + n, len - n);

		step = step ? step : 1;
		if (n && (q ? q_size(text, n + step) : b_size(n + step)) > room)
			break;
		n += step;
	}
	return n;
}

/* What a line still has for the inside of an encoded word. */
static size_t room_of(const struct fold *f, size_t gap_len, size_t frame)
{
	size_t used = f->column + gap_len + frame, most = ENCODED_MOST - frame;

	if (used + ROOM_LEAST > LINE_BEST)
		return 0;
	return LINE_BEST - used < most ? LINE_BEST - used : most;
}

void fold_encoded(struct fold *f, const char *gap, size_t gap_len, const char *text, size_t len)
{
	const char *charset = encoded_charset(text, len);
	size_t frame = strlen(charset) + FRAME, n;
	bool q = q_size(text, len) <= 2 * b_size(len);   /* people can read it */

	for (size_t done = 0; done < len; done += n) {
		size_t room = room_of(f, gap_len, frame), start;

		if (!room && gap_len && f->column)
			break_line(f);
		if (!room)
			room = room_of(f, gap_len, frame);
		n = take(text + done, len - done, q, room ? room : ROOM_LEAST);
		buf_add(f->out, gap, gap_len);
		start = f->out->len;
		buf_printf(f->out, "=?%s?%c?", charset, q ? 'Q' : 'B');
		if (q)
			q_encode(text + done, n, f->out);
		else
			base64_encode(text + done, n, f->out);
		buf_add(f->out, "?=", 2);
		f->column += gap_len + f->out->len - start;
		gap = " ";   /* which nobody sees */
		gap_len = 1;
	}
}

/* ---- encoded words that are too long for a line */

static bool is_too_long(const char *word, size_t len)
{
	return len > ENCODED_WORD_MOST && !has_eight_bit(word, len) && encoded_is_one(word, len);
}

/* How its text may be divided: 1 between any two octets, 2 between characters of UTF-8,
 * 0 not by us. */
static int division_of(const char *charset, size_t len)
{
	static const char *const single[] = { "us-ascii", "iso-8859-", "windows-125", "koi8-" };
	size_t name = 0;

	while (name < len && charset[name] != '*')   /* a language (RFC 2231 section 5) */
		name++;
	if (text_equal_fold(charset, name, "utf-8", 5))
		return 2;
	for (size_t i = 0; i < COUNT(single); i++)
		if (name >= strlen(single[i]) &&
		    text_equal_fold(charset, strlen(single[i]), single[i], strlen(single[i])))
			return 1;
	return 0;
}

static bool q_decode(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=') {
			if (len - i < 3 || hex_decode(text + i + 1, 2, out) < 0)
				return false;
			i += 2;
		} else {
			buf_add_char(out, text[i] == '_' ? ' ' : text[i]);
		}
	}
	return true;
}

static void put_pieces(struct fold *f, const char *gap, size_t gap_len, const char *charset,
	size_t charset_len, int division, const struct buf *plain)
{
	size_t most = (ENCODED_MOST - FRAME - charset_len) / 4 * 3, n;

	for (size_t at = 0; at < plain->len; at += n) {
		struct buf word = BUF_INIT(ENCODED_MOST + 1);

		for (n = 0; at + n < plain->len;) {
			size_t step = division == 2 ? text_utf8(plain->data + at + n,
				plain->len - at - n) : 1;

			step = step ? step : 1;
			if (n && n + step > most)
				break;
			n += step;
		}
		buf_printf(&word, "=?%.*s?B?", (int)charset_len, charset);
		base64_encode(plain->data + at, n, &word);
		buf_add_text(&word, "?=");
		fold_word(f, gap, gap_len, buf_text(&word), word.len);
		buf_release(&word);
		gap = " ";   /* which nobody sees */
		gap_len = 1;
	}
}

/* False: nobody can tell how it may be divided. */
static bool fold_again(struct fold *f, const char *gap, size_t gap_len, const char *word,
	size_t len)
{
	const char *charset = word + 2, *end = word + len - 2;
	const char *coding = memchr(charset, '?', (size_t)(end - charset)) , *text = coding + 3;
	size_t charset_len = (size_t)(coding - charset);
	int division = charset_len <= ENCODED_CHARSET_MOST ? division_of(charset, charset_len) : 0;
	struct buf plain = BUF_INIT(len + 1);
	bool good = division && end - coding > 3 && coding[2] == '?';

	if (good && (coding[1] == 'B' || coding[1] == 'b'))
		good = base64_decode(text, (size_t)(end - text), &plain) == 0;
	else
		good = good && (coding[1] == 'Q' || coding[1] == 'q') &&
			q_decode(text, (size_t)(end - text), &plain);
	if (good)
		put_pieces(f, gap, gap_len, charset, charset_len, division, &plain);
	buf_release(&plain);
	return good;
}

/* ---- text */

struct word {
	size_t gap, start, end;   /* the blanks from gap to start, the word from there */
};

static bool next_word(const char *text, size_t len, enum encoded_place place, size_t at,
	struct word *w)
{
	w->gap = w->start = at;
	while (w->start < len && is_blank(text[w->start]))
		w->start++;
	w->end = w->start;
	while (w->end < len && !is_blank(text[w->end]))
		w->end += place == ENCODED_IN_COMMENT && text[w->end] == '\\' ? 2 : 1;
	if (w->end > len)
		w->end = len;
	return w->end > w->start;
}

/* The words from w on that must be encoded, with the blanks between them. */
static void extend(const char *text, size_t len, enum encoded_place place, struct word *w)
{
	struct word next;

	while (next_word(text, len, place, w->end, &next) &&
			encoded_is_needed(text + next.start, next.end - next.start) &&
			!is_too_long(text + next.start, next.end - next.start))
		w->end = next.end;
}

static void put_encoded(struct fold *f, enum encoded_place place, const char *gap, size_t gap_len,
	const char *text, size_t len)
{
	struct buf plain = BUF_INIT(len + 1);

	for (size_t i = 0; i < len; i++) {
		if (place == ENCODED_IN_COMMENT && text[i] == '\\' && i + 1 < len)
			i++;
		buf_add_char(&plain, text[i]);
	}
	fold_encoded(f, gap, gap_len, buf_text(&plain), plain.len);
	buf_release(&plain);
}

/* Blanks between two encoded words are not shown: where one of them was there
 * before, they go into ours. */
void fold_text(struct fold *f, enum encoded_place place, const char *text, size_t len)
{
	bool before = false;
	struct word w, next;

	for (size_t at = 0; next_word(text, len, place, at, &w); at = w.end) {
		size_t from = w.start, to;

		if (!encoded_is_needed(text + w.start, w.end - w.start)) {
			before = encoded_is_one(text + w.start, w.end - w.start);
			fold_word(f, text + w.gap, w.start - w.gap, text + w.start,
				w.end - w.start);
			continue;
		}
		if (is_too_long(text + w.start, w.end - w.start) &&
		    fold_again(f, text + w.gap, w.start - w.gap, text + w.start,
				w.end - w.start)) {
			before = true;
			continue;
		}
		extend(text, len, place, &w);
		to = w.end;
		if (before)
			from = w.gap;
		if (next_word(text, len, place, w.end, &next) &&
		    encoded_is_one(text + next.start, next.end - next.start))
			to = next.start;
		put_encoded(f, place, before ? " " : text + w.gap,
			before ? 1 : w.start - w.gap, text + from, to - from);
		before = true;
	}
}
