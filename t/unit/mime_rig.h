/* t/unit/mime_rig.h - what the parts of a message say, decoded: for comparing a
 * message with what mail/convert made of it.
 */
#ifndef T_UNIT_MIME_RIG_H
#define T_UNIT_MIME_RIG_H

#include <stdlib.h>
#include <string.h>

#include "mail/convert.h"
#include "mail/header.h"
#include "mail/mime.h"

static int rig_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a soft line break at text, which may have blanks behind its "="; 0: it is none. */
static size_t rig_soft_break(const char *text, size_t len)
{
	size_t at = 1;

	while (at < len && at < 79 && (text[at] == ' ' || text[at] == '\t'))
		at++;
	return at + 1 < len && text[at] == '\r' && text[at + 1] == '\n' ? at + 2 : 0;
}

/* Soft line breaks go, and what is no escape is itself. */
static void rig_printable(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=' && i + 2 < len && rig_hex(text[i + 1]) >= 0 &&
				rig_hex(text[i + 2]) >= 0) {
			buf_add_char(out, (char)(rig_hex(text[i + 1]) << 4 | rig_hex(text[i + 2])));
			i += 2;
		} else if (text[i] == '=' && rig_soft_break(text + i, len - i)) {
			i += rig_soft_break(text + i, len - i) - 1;
		} else {
			buf_add_char(out, text[i]);
		}
	}
}

static void rig_base64(const char *text, size_t len, struct buf *out)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, value = 0;

	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(letters, text[i]) : NULL;

		if (!at)
			continue;
		value = (value << 6 | (unsigned)(at - letters)) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_add_char(out, (char)(value >> bits));
		}
	}
}

struct rig_walk {
	struct mime_part part;
	struct buf content;     /* own; of the part that is read */
	struct buf copy;        /* own; the body as the walk tells it */
	struct buf said;        /* own; each part's content decoded, and a mark behind it */
	bool first;
};

static int rig_begin(void *context, const struct mime_part *p, struct err *e)
{
	struct rig_walk *w = context;

	(void)e;
	if (!w->first && p->kind != MIME_ASIDE) {
		buf_add(&w->copy, p->header, p->header_len);
		if (p->separated)
			buf_add(&w->copy, "\r\n", 2);
	}
	w->first = false;
	w->part = *p;
	buf_printf(&w->said, "[kind %d text %d]", p->kind, p->text);
	return 0;
}

static int rig_data(void *context, const char *data, size_t len, struct err *e)
{
	struct rig_walk *w = context;

	(void)e;
	buf_add(&w->copy, data, len);
	buf_add(&w->content, data, len);
	return 0;
}

static int rig_end(void *context, bool last, struct err *e)
{
	struct rig_walk *w = context;
	size_t start = w->said.len;

	(void)e;
	(void)last;
	if (w->part.kind == MIME_ASIDE)   /* which says nothing */
		buf_clear(&w->content);
	if (w->part.coding == MIME_PRINTABLE)
		rig_printable(buf_text(&w->content), w->content.len, &w->said);
	else if (w->part.coding == MIME_BASE64)
		rig_base64(buf_text(&w->content), w->content.len, &w->said);
	else
		buf_add(&w->said, buf_text(&w->content), w->content.len);
	buf_printf(&w->said, "[end %zu]", w->said.len - start);
	buf_clear(&w->content);
	return 0;
}

static int rig_delimiter(void *context, const char *data, size_t len, struct err *e)
{
	(void)e;
	buf_add(&((struct rig_walk *)context)->copy, data, len);
	return 0;
}

static const struct mime_hooks rig_hooks = { rig_begin, rig_data, rig_end, rig_delimiter };

/* step 0: in one piece. */
__attribute__((unused))
static int rig_walk(const struct buf *header, const struct buf *body, size_t step,
	struct rig_walk *w, struct err *e)
{
	struct mime *m = mime_new(&rig_hooks, w);
	int good;

	*w = (struct rig_walk){ .first = true, .content = BUF_INIT(64 << 20),
		.copy = BUF_INIT(64 << 20), .said = BUF_INIT(64 << 20) };
	good = mime_header(m, buf_text(header), header->len, e);
	for (size_t at = 0, n; good == 0 && at < body->len; at += n) {
		n = step && step < body->len - at ? step : body->len - at;
		good = mime_feed(m, body->data + at, n, e);
	}
	if (good == 0)
		good = mime_finish(m, e);
	mime_free(&m);
	return good;
}

__attribute__((unused))
static void rig_walk_release(struct rig_walk *w)
{
	buf_release(&w->content);
	buf_release(&w->copy);
	buf_release(&w->said);
}

static int rig_keep(void *context, const char *data, size_t len, struct err *e)
{
	(void)e;
	buf_add(context, data, len);
	return 0;
}

struct rig_result {
	struct buf header, body;   /* own */
	bool needed, needs_utf8;
};

__attribute__((unused))
static void rig_result_release(struct rig_result *r)
{
	buf_release(&r->header);
	buf_release(&r->body);
}

/* All of a conversion; a body that needs none is copied. */
__attribute__((unused))
static int rig_convert(const struct buf *header, const struct buf *body,
	const struct convert_want *want, size_t step, struct rig_result *r, struct err *e)
{
	struct convert *v = convert_new(buf_text(header), header->len, want);
	int good = 0;

	*r = (struct rig_result){ .header = BUF_INIT(64 << 20), .body = BUF_INIT(64 << 20) };
	for (size_t at = 0, n; good == 0 && at < body->len; at += n) {
		n = step && step < body->len - at ? step : body->len - at;
		good = convert_survey(v, body->data + at, n, e);
	}
	if (good == 0)
		good = convert_survey_end(v, e);
	if (good == 0)
		good = convert_header(v, &r->header, &r->needs_utf8, e);
	r->needed = good == 0 && convert_is_needed(v);
	if (good == 0 && !r->needed)
		buf_add(&r->body, buf_text(body), body->len);
	for (size_t at = 0, n; r->needed && good == 0 && at < body->len; at += n) {
		n = step && step < body->len - at ? step : body->len - at;
		good = convert_body(v, body->data + at, n, rig_keep, &r->body, e);
	}
	if (good == 0 && r->needed)
		good = convert_body_end(v, rig_keep, &r->body, e);
	convert_free(&v);
	return good;
}

#endif
