/* mail/mime_kind.c - what a part's header says about it; see mime.h. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/parameter.h"

enum { BOUNDARY_MAX = 500, VALUE_MAX = 64 * 1024 };

/* The unfolded value of a field, or "". */
static void find_value(const char *block, size_t len, const char *name, struct buf *value)
{
	struct field f;

	if (header_find(block, len, name, &f))
		field_unfold(&f, value);
	if (!buf_ok(value))
		buf_clear(value);
}

/* The length of the token at text, blanks and comments in front skipped. */
static size_t take_token(const char **text, const char *end)
{
	const char *at;

	*text += parameter_gap(*text, (size_t)(end - *text));
	for (at = *text; at < end && *at > ' ' && *at < 127 && !strchr("()<>@,;:\\\"/[]?=", *at);)
		at++;
	return (size_t)(at - *text);
}

struct type {
	const char *main, *sub;
	size_t main_len, sub_len;
};

/* "text/plain", blanks and comments around the slash allowed.  False: it is none. */
static bool take_type(const char *value, size_t len, struct type *t)
{
	const char *at = value, *end = value + len;

	t->main_len = take_token(&at, end);
	t->main = at;
	at += t->main_len;
	at += parameter_gap(at, (size_t)(end - at));
	if (!t->main_len || at == end || *at != '/')
		return false;
	at++;
	t->sub_len = take_token(&at, end);
	t->sub = at;
	return t->sub_len > 0;
}

static bool is_main(const struct type *t, const char *name)
{
	return text_equal_fold(t->main, t->main_len, name, strlen(name));
}

static bool is_type(const struct type *t, const char *main, const char *sub)
{
	return is_main(t, main) && text_equal_fold(t->sub, t->sub_len, sub, strlen(sub));
}

static bool is_sealed(const struct type *t)
{
	return is_type(t, "multipart", "signed") || is_type(t, "multipart", "encrypted") ||
		is_type(t, "application", "pkcs7-mime") ||
		is_type(t, "application", "x-pkcs7-mime");
}

static bool is_written_in_ascii(const char *value, size_t len, const char *name)
{
	size_t at = parameter_head(value, len);
	struct parameter p;

	while (parameter_next(value, len, &at, &p))
		if (parameter_is_of(&p, name) && !text_is_ascii(p.start, p.len))
			return false;
	return true;
}

/* By RFC 2231 anything can be written; a boundary is no line end, and ASCII where that is
 * what it is written in. */
static bool is_odd(const char *value, size_t len, const char *boundary, size_t boundary_len)
{
	return memchr(boundary, '\n', boundary_len) || memchr(boundary, '\r', boundary_len) ||
		(!text_is_ascii(boundary, boundary_len) && is_written_in_ascii(value, len, "boundary"));
}

/* As parameter_find().  A boundary that ends in blanks cannot be told from one that
 * does not. */
static int find_boundary(const char *value, size_t len, struct buf *boundary)
{
	size_t start = boundary->len;
	int found = parameter_find(value, len, "boundary", boundary);

	while (boundary->len > start && (boundary->data[boundary->len - 1] == ' ' ||
			boundary->data[boundary->len - 1] == '\t'))
		boundary->data[--boundary->len] = '\0';
	if (found && (boundary->len == start || boundary->len - start > BOUNDARY_MAX ||
			is_odd(value, len, boundary->data + start, boundary->len - start)))
		return -1;
	return buf_ok(boundary) ? found : -1;
}

/* Where its parts begin and end must be known, or nothing in it may be changed; one
 * that names no boundary has none. */
static void classify_multipart(const char *value, size_t len, struct mime_part *p,
	struct buf *boundary)
{
	int found = find_boundary(value, len, boundary);

	p->kind = found > 0 ? MIME_MULTIPART : found < 0 ? MIME_SEALED : MIME_LEAF;
	p->unreadable = found < 0;
	p->text = !found;
}

static void classify_type(const char *value, size_t len, struct mime_part *p, struct buf *boundary)
{
	struct type t;

	if (!take_type(value, len, &t)) {
		p->text = true;   /* RFC 2045 section 5.2 */
	} else if (is_sealed(&t)) {
		p->kind = MIME_SEALED;
	} else if (is_main(&t, "multipart")) {
		classify_multipart(value, len, p, boundary);
		p->digest = is_type(&t, "multipart", "digest");
	} else if (is_type(&t, "message", "rfc822") || is_type(&t, "message", "global")) {
		p->kind = MIME_MESSAGE;
	} else {
		p->text = is_main(&t, "text") || is_main(&t, "message");
	}
}

/* What is none of the known words means nothing to whoever reads it. */
static enum mime_coding classify_coding(const char *value, size_t len)
{
	const char *end = value + len;
	size_t n = take_token(&value, end);

	if (value + n < end && !strchr(" \t(;", value[n]))
		return MIME_PLAIN;
	if (text_equal_fold(value, n, "quoted-printable", 16))
		return MIME_PRINTABLE;
	if (text_equal_fold(value, n, "base64", 6))
		return MIME_BASE64;
	if ((n > 2 && text_equal_fold(value, 2, "x-", 2)) || text_equal_fold(value, n, "uuencode", 8))
		return MIME_FOREIGN;
	return MIME_PLAIN;
}

static bool is_labelled(const char *block, size_t len)
{
	struct field f;

	for (size_t at = 0; header_next(block, len, &at, &f);)
		if (field_is(&f, "MIME-Version") || (f.name_len > 8 &&
				text_equal_fold(f.start, 8, "Content-", 8)))
			return true;
	return false;
}

void mime_classify(const char *block, size_t len, bool digest, struct mime_part *p,
	struct buf *boundary)
{
	struct buf value = BUF_INIT(VALUE_MAX);

	*p = (struct mime_part){ .header = block, .header_len = len };
	p->labelled = is_labelled(block, len);
	find_value(block, len, "Content-Transfer-Encoding", &value);
	p->coding = classify_coding(buf_text(&value), value.len);
	buf_clear(&value);
	find_value(block, len, "Content-Type", &value);
	if (!value.len && digest)
		p->kind = MIME_MESSAGE;
	else
		classify_type(buf_text(&value), value.len, p, boundary);
	/* A message that is encoded is not looked into: nothing of it needs a change. */
	if (p->kind == MIME_MESSAGE && (p->coding == MIME_PRINTABLE || p->coding == MIME_BASE64))
		p->kind = MIME_LEAF;
	buf_release(&value);
}
