/* mail/header_fit_address.c - fields of addresses; see header_fit.h.
 *
 * The value is read piece by piece, as mail/scan reads it, but with blanks and
 * comments as pieces of their own, since here they stay.  Only names and comments
 * are ever encoded.  Where the signs do not pair, nobody can tell what is a name:
 * then it is text.
 */
#include <string.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/header_fit.h"

enum piece_kind { PIECE_GAP, PIECE_COMMENT, PIECE_QUOTED, PIECE_ANGLE, PIECE_MARK, PIECE_WORD };

struct piece {
	enum piece_kind kind;
	size_t start, end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind what closes the sign at text[at]; 0: nothing does.  Comments nest, and
 * quotes count in angle brackets. */
static size_t skip_enclosed(const char *text, size_t len, size_t at)
{
	char open = text[at], close = open == '(' ? ')' : open == '<' ? '>' : open == '[' ? ']' : '"';
	size_t depth = 1;

	for (at++; at < len; at++) {
		char c = text[at];

		if (c == '\\') {
			at++;
		} else if (c == close) {
			if (!--depth)
				return at + 1;
		} else if (c == '(' && open == '(') {
			depth++;
		} else if (c == '"' && open == '<') {
			at = skip_enclosed(text, len, at);
			if (!at)
				return 0;
			at--;
		}
	}
	return 0;
}

static size_t skip_word(const char *text, size_t len, size_t at)
{
	while (at < len && !is_blank(text[at]) && !strchr("()<>,;:\"", text[at])) {
		if (text[at] == '[')
			at = skip_enclosed(text, len, at);
		else
			at += text[at] == '\\' ? 2 : 1;
		if (!at)
			return 0;
	}
	return at < len ? at : len;
}

/* 1; 0 at the end; -1: signs that do not pair. */
static int next_piece(const char *text, size_t len, size_t at, struct piece *p)
{
	p->start = p->end = at;
	if (at >= len)
		return 0;
	if (is_blank(text[at])) {
		p->kind = PIECE_GAP;
		while (p->end < len && is_blank(text[p->end]))
			p->end++;
	} else if (strchr("(\"<", text[at])) {
		p->kind = text[at] == '(' ? PIECE_COMMENT : text[at] == '<' ? PIECE_ANGLE :
			PIECE_QUOTED;
		p->end = skip_enclosed(text, len, at);
	} else if (strchr(",;:", text[at])) {
		p->kind = PIECE_MARK;
		p->end = at + 1;
	} else {
		p->kind = PIECE_WORD;
		p->end = skip_word(text, len, at);
	}
	return p->end > at ? 1 : -1;
}

static bool is_readable(const char *text, size_t len)
{
	struct piece p;
	int more;

	for (size_t at = 0; (more = next_piece(text, len, at, &p)) > 0;)
		at = p.end;
	return more == 0;
}

/* Whether the words from at on, up to the next mark, are a name: an angle bracket or
 * a colon follows them, or there is no address among them at all. */
static bool is_name(const char *text, size_t len, size_t at)
{
	struct piece p;
	bool address = false;

	while (next_piece(text, len, at, &p) > 0) {
		at = p.end;
		if (p.kind == PIECE_ANGLE)
			return true;
		if (p.kind == PIECE_MARK)
			return text[p.start] == ':' || !address;
		address |= p.kind == PIECE_WORD &&
			memchr(text + p.start, '@', p.end - p.start) != NULL;
	}
	return !address;
}

/* ---- writing */

struct list {
	struct fit *fit;
	const char *text;
	size_t len;
	struct piece gap;       /* blanks that are not yet written */
	bool name;              /* words are a name's */
	bool encoded;           /* the last piece is an encoded word */
	bool apart;             /* a blank must stand behind it, or is welcome for a fold */
	size_t plain;           /* no word that stands before that begins a run */
};

/* The blanks in front of what comes next. */
static void take_gap(struct list *l, bool wanted, const char **gap, size_t *len)
{
	*gap = l->text + l->gap.start;
	*len = l->gap.end - l->gap.start;
	l->gap.end = l->gap.start;
	if (!*len && wanted) {
		*gap = " ";
		*len = 1;
	}
}

static void put(struct list *l, const char *text, size_t len)
{
	const char *gap;
	size_t gap_len;

	take_gap(l, l->apart, &gap, &gap_len);
	fold_word(&l->fit->fold, gap, gap_len, text, len);
	l->encoded = l->apart = encoded_is_one(text, len);
}

static void put_mark(struct list *l, const struct piece *p)
{
	put(l, l->text + p->start, 1);
	l->name = is_name(l->text, l->len, p->end);
	l->apart = l->text[p->start] == ',';
}

/* Text between two parentheses, which are signs and so need no blank. */
static void put_comment(struct list *l, const struct piece *p)
{
	size_t at = p->start, end;

	if (!l->fit->encode || text_is_ascii(l->text + p->start, p->end - p->start)) {
		put(l, l->text + p->start, p->end - p->start);
		return;
	}
	put(l, "(", 1);
	for (at++; at < p->end; at = end) {
		for (end = at; end < p->end && l->text[end] != '(' && l->text[end] != ')';)
			end += l->text[end] == '\\' ? 2 : 1;
		fold_text(&l->fit->fold, ENCODED_IN_COMMENT, l->text + at, end - at);
		if (end > at && is_blank(l->text[end - 1]))
			fold_word(&l->fit->fold, "", 0, " ", 1);
		if (end < p->end)
			fold_word(&l->fit->fold, "", 0, l->text + end++, 1);
	}
	l->encoded = l->apart = false;
}

/* ---- addresses */

/* "=?...?= :;" - nobody can be answered by that, but everybody reads who it was. */
static void put_group(struct list *l, const char *text, size_t len)
{
	struct buf name = BUF_INIT(len + 2);
	const char *gap;
	size_t gap_len;

	if (l->encoded)
		buf_add_char(&name, ' ');
	take_gap(l, l->apart, &gap, &gap_len);
	buf_add(&name, *text == '<' ? text + 1 : text, len - 2 * (*text == '<'));
	fold_encoded(&l->fit->fold, gap, gap_len, buf_text(&name), name.len);
	fold_word(&l->fit->fold, " ", 1, ":;", 2);
	l->encoded = l->apart = false;
	buf_release(&name);
}

/* An addr-spec, "<" and ">" included where it has them. */
static void put_address(struct list *l, const char *text, size_t len)
{
	struct buf out = BUF_INIT(len + ADDRESS_PATH_MAX + 1), domain = BUF_INIT(len + 1);
	const char *at = memrchr(text, '@', len), *why;
	size_t end = len;

	if (text_is_ascii(text, len) || !l->fit->encode) {
		put(l, text, len);
		return;
	}
	if (!at || !text_is_ascii(text, (size_t)(at - text))) {
		l->fit->needs_utf8 = !l->fit->inside;
		if (l->fit->inside)
			put_group(l, text, len);
		return;
	}
	while (end && (text[end - 1] == '>' || is_blank(text[end - 1])))
		end--;
	buf_add(&out, text, (size_t)(at - text) + 1);
	buf_add(&domain, at + 1, end - (size_t)(at + 1 - text));
	why = address_domain(buf_text(&domain), &out);
	if (why)
		l->fit->why = why;
	buf_add(&out, text + end, len - end);
	put(l, buf_text(&out), out.len);
	buf_release(&domain);
	buf_release(&out);
}

/* ---- names */

/* Words and quoted strings as what they mean. */
static void add_meaning(const char *text, size_t len, struct buf *out)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len)
			buf_add_char(out, text[++i]);
		else if (text[i] == '"')
			quoted = !quoted;
		else
			buf_add_char(out, text[i]);
	}
}

/* Of an addr-spec without angle brackets; blanks before its "@" are obsolete. */
static bool is_address(const struct list *l, const struct piece *p)
{
	size_t next = p->end;

	while (next < l->len && is_blank(l->text[next]))
		next++;
	return !l->name && (memchr(l->text + p->start, '@', p->end - p->start) ||
		(next < l->len && l->text[next] == '@'));
}

static bool is_word(const struct list *l, const struct piece *p)
{
	return (p->kind == PIECE_WORD || p->kind == PIECE_QUOTED) && !is_address(l, p);
}

static bool is_needy(const struct list *l, const struct piece *p)
{
	return is_word(l, p) && !text_is_ascii(l->text + p->start, p->end - p->start);
}

/* Behind the last of the words that are to be encoded together: those that need it,
 * and whatever stands beside them without a blank. */
static size_t run_end(const struct list *l, size_t at, size_t *ahead)
{
	struct piece p;
	size_t end = at;
	bool gap = false;

	*ahead = 0;
	while (next_piece(l->text, l->len, at, &p) > 0) {
		at = p.end;
		if (p.kind == PIECE_GAP) {
			gap = true;
			continue;
		}
		if (!is_word(l, &p) || (gap && !is_needy(l, &p))) {
			if (gap && encoded_is_one(l->text + p.start, p.end - p.start))
				*ahead = p.start;
			break;
		}
		end = p.end;
		gap = false;
	}
	return end;
}

/* The piece begins a run; its end.  Blanks beside an encoded word that was there
 * before would not be shown, and go into ours. */
static size_t put_name(struct list *l, const struct piece *p)
{
	struct buf meaning = BUF_INIT(l->len + 1);
	size_t ahead, end = run_end(l, p->start, &ahead), gap_len;
	const char *gap;

	if (l->encoded && l->gap.end > l->gap.start)
		buf_add(&meaning, l->text + l->gap.start, l->gap.end - l->gap.start);
	take_gap(l, true, &gap, &gap_len);
	add_meaning(l->text + p->start, end - p->start, &meaning);
	if (ahead)
		buf_add(&meaning, l->text + end, ahead - end);
	fold_encoded(&l->fit->fold, gap, gap_len, buf_text(&meaning), meaning.len);
	buf_release(&meaning);
	l->encoded = l->apart = true;
	return end;
}

/* A word that stands beside one that needs it, without a blank, is encoded as well. */
static bool begins_run(struct list *l, const struct piece *p)
{
	struct piece next = *p;

	if (!l->fit->encode || p->start < l->plain)
		return false;
	do {
		if (is_needy(l, &next))
			return true;
	} while (next_piece(l->text, l->len, next.end, &next) > 0 && is_word(l, &next));
	l->plain = next.start;
	return false;
}

static void put_word(struct list *l, struct piece *p)
{
	if (is_address(l, p))
		put_address(l, l->text + p->start, p->end - p->start);
	else if (begins_run(l, p))
		p->end = put_name(l, p);
	else
		put(l, l->text + p->start, p->end - p->start);
}

void fit_addresses(struct fit *f, const char *value, size_t len)
{
	struct list l = { .fit = f, .text = value, .len = len };
	struct piece p;

	if (!is_readable(value, len)) {
		fold_text(&f->fold, ENCODED_IN_TEXT, value, len);
		return;
	}
	l.name = is_name(value, len, 0);
	for (size_t at = 0; next_piece(value, len, at, &p) > 0; at = p.end) {
		if (p.kind == PIECE_GAP)
			l.gap = p;
		else if (p.kind == PIECE_MARK)
			put_mark(&l, &p);
		else if (p.kind == PIECE_COMMENT)
			put_comment(&l, &p);
		else if (p.kind == PIECE_ANGLE)
			put_address(&l, value + p.start, p.end - p.start);
		else
			put_word(&l, &p);
	}
}
