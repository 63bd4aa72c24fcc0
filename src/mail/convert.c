/* mail/convert.c - two walks through a message; see convert.h.
 *
 * The first walk writes down one octet for each part that has content: how it is
 * to be encoded, what its text is called, and what kind of part it is.  The second
 * goes the same way and obeys; should it ever meet another part than the first did,
 * nothing is sent.
 */
#include "mail/convert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/recode.h"

enum {
	PIECE = 16 * 1024,          /* octets that are worked on at once */
	OUT_MAX = 8 << 20           /* of what one of them becomes, headers included */
};

/* What the text of a part without MIME fields is called. */
enum label { LABEL_NONE, LABEL_ASCII, LABEL_UTF8, LABEL_UNKNOWN };

static const char *const charsets[] = { "", "us-ascii", "UTF-8", "unknown-8bit" };

/* What is known of the content that is read. */
struct content {
	uint64_t octets, eight_bit, line, longest;
	bool     utf8;
	char     character[4];      /* the beginning of one */
	size_t   character_len;
};

struct convert {
	struct convert_want want;
	const char *header;         /* borrowed */
	size_t header_len;
	struct mime *mime;          /* own; the walk that goes on; NULL: none */
	bool inside;                /* the message's own header was met */
	bool needed;
	struct mime_part part;      /* whose content is read; without its header */
	bool of_top;                /* ... which is the message's own */
	struct content content;
	struct buf plan;            /* own; for each part what plan_octet() tells */
	size_t at;                  /* the next of them */
	struct recoder recoder;
	struct buf out;             /* own; not yet given to the sink */
};

struct convert *convert_new(const char *header, size_t len, const struct convert_want *want)
{
	struct convert *v = mem_alloc(sizeof(*v));

	v->want = *want;
	v->header = header;
	v->header_len = len;
	v->plan.max = CONVERT_PARTS;
	v->out.max = OUT_MAX;
	return v;
}

void convert_free(struct convert **vp)
{
	struct convert *v = *vp;

	*vp = NULL;
	if (!v)
		return;
	mime_free(&v->mime);
	buf_release(&v->plan);
	buf_release(&v->out);
	free(v);
}

static char plan_octet(enum recoding how, enum label label, enum mime_kind kind)
{
	return (char)(how | (unsigned)label << 3 | (unsigned)kind << 5);
}

static enum recoding plan_recoding(char octet)
{
	return (enum recoding)(octet & 7);
}

static enum label plan_label(char octet)
{
	return (enum label)(octet >> 3 & 3);
}

static enum mime_kind plan_kind(char octet)
{
	return (enum mime_kind)(octet >> 5 & 7);
}

static bool has_content(const struct mime_part *p)
{
	return p->kind != MIME_MULTIPART && p->kind != MIME_MESSAGE;
}

/* ---- the first walk */

static bool is_fit(const struct convert *v, const struct mime_part *p)
{
	return !header_has_long_line(p->header, p->header_len) &&
		(!v->want.seven_bit || text_is_ascii(p->header, p->header_len));
}

static int survey_begin(void *context, const struct mime_part *p, struct err *e)
{
	struct convert *v = context;

	(void)e;
	v->needed |= v->inside && !is_fit(v, p);
	v->of_top = !v->inside;
	v->inside = true;
	v->part = *p;
	v->part.header = NULL;
	v->content = (struct content){ .utf8 = true };
	return 0;
}

/* Characters may be cut between two pieces. */
static void survey_utf8(struct content *c, const char *data, size_t len)
{
	size_t n;

	while (len && c->character_len && c->utf8) {
		c->character[c->character_len++] = *data++;
		len--;
		if (text_utf8(c->character, c->character_len))
			c->character_len = 0;
		else if (c->character_len == 4 || (c->character[c->character_len - 1] & 0xc0) != 0x80)
			c->utf8 = false;
	}
	for (; len && c->utf8; data += n, len -= n) {
		n = text_utf8(data, len);
		if (n)
			continue;
		c->utf8 = len < 4 && (*data & 0xc0) == 0xc0;
		if (c->utf8) {
			memcpy(c->character, data, len);
			c->character_len = len;
		}
		return;
	}
}

static int survey_data(void *context, const char *data, size_t len, struct err *e)
{
	struct convert *v = context;
	struct content *c = &v->content;

	(void)e;
	c->octets += len;
	if (c->utf8)
		survey_utf8(c, data, len);
	for (size_t i = 0; i < len; i++) {
		c->eight_bit += (data[i] & 0x80) != 0;
		if (data[i] == '\n') {
			c->line = 0;
		} else if (data[i] != '\r' && ++c->line > c->longest) {
			c->longest = c->line;
		}
	}
	return 0;
}

static int refuse_sealed(const struct convert *v, struct err *e)
{
	const char *what = v->part.unreadable ?
		"a multipart of the message whose boundary cannot be read" :
		"a signed or encrypted part of the message";

	if (v->content.longest > LINE_MOST)
		err_set(e, ERR_CAPABILITY, "%s has a line of more than %d octets, and such a part "
			"must not be changed", what, LINE_MOST);
	else
		err_set(e, ERR_CAPABILITY, "%s has 8-bit content, such a part must not be changed, "
			"and this server does not offer 8BITMIME", what);
	if (v->part.unreadable)
		return err_hint(e, "correct the boundary in the Content-Type of that part");
	return err_hint(e, "let the program that signs it encode it as quoted-printable or base64 "
		"first");
}

static int refuse_foreign(struct err *e)
{
	err_set(e, ERR_CAPABILITY, "a part of the message must be encoded for this server, and is "
		"already in an encoding that is not known here");
	return err_hint(e, "encode that part as quoted-printable or base64");
}

static enum recoding recoding_of(const struct convert *v)
{
	const struct content *c = &v->content;

	if (v->part.coding == MIME_PRINTABLE)
		return RECODE_MEND;
	if (v->part.coding == MIME_BASE64)
		return RECODE_WRAP;
	if (v->part.kind == MIME_ASIDE)
		return RECODE_PRINTABLE;   /* which nobody decodes, but people can read */
	return v->part.text && c->eight_bit <= c->octets / 2 ? RECODE_PRINTABLE : RECODE_BASE64;
}

static enum label label_of(const struct convert *v)
{
	const struct content *c = &v->content;

	if (v->part.labelled || v->part.kind == MIME_ASIDE)
		return LABEL_NONE;
	if (!c->eight_bit)
		return LABEL_ASCII;
	return c->utf8 && !c->character_len ? LABEL_UTF8 : LABEL_UNKNOWN;
}

static int survey_end(void *context, bool last, struct err *e)
{
	struct convert *v = context;
	const struct content *c = &v->content;
	bool needy = c->longest > LINE_MOST || (c->eight_bit && v->want.seven_bit);
	enum recoding how = RECODE_NOT;
	enum label label = LABEL_NONE;

	(void)last;
	if (needy && v->part.kind == MIME_SEALED)
		return refuse_sealed(v, e);
	if (needy && v->part.coding == MIME_FOREIGN)
		return refuse_foreign(e);
	if (needy)
		how = recoding_of(v);
	if (needy || (v->of_top && v->want.label && c->eight_bit && v->part.kind == MIME_LEAF))
		label = label_of(v);
	v->needed |= needy;
	buf_add_char(&v->plan, plan_octet(how, label, v->part.kind));
	return buf_ok(&v->plan) ? 0 : err_set(e, ERR_CAPABILITY,
		"the message has more than %d parts", CONVERT_PARTS);
}

static int survey_delimiter(void *context, const char *data, size_t len, struct err *e)
{
	struct convert *v = context;

	(void)e;
	v->needed |= header_has_long_line(data, len);
	return 0;
}

static const struct mime_hooks survey_hooks = {
	survey_begin, survey_data, survey_end, survey_delimiter
};

/* ---- headers */

/* NULL: what the header says of the encoding stays true. */
static const char *coding_of(const struct convert *v, const struct mime_part *p,
	enum recoding how, enum label label)
{
	struct buf value = BUF_INIT(0);
	struct field f;
	bool wide;

	if (how == RECODE_PRINTABLE)
		return "quoted-printable";
	if (how == RECODE_BASE64)
		return "base64";
	if (label)
		return "8bit";
	if (has_content(p) || !v->needed || !v->want.seven_bit ||
	    !header_find(p->header, p->header_len, "Content-Transfer-Encoding", &f))
		return NULL;
	field_unfold(&f, &value);
	wide = text_equal_fold(buf_text(&value), value.len, "8bit", 4) ||
		text_equal_fold(buf_text(&value), value.len, "binary", 6);
	buf_release(&value);
	return wide ? "7bit" : NULL;   /* so is now all that is in it */
}

/* The header with that coding in the place of another, or at the end. */
static void add_coded(const struct mime_part *p, const char *coding, enum label label,
	struct buf *out)
{
	bool placed = false, version = !p->of_message;
	struct field f;

	for (size_t at = 0; header_next(p->header, p->header_len, &at, &f);) {
		version |= field_is(&f, "MIME-Version");
		if (!field_is(&f, "Content-Transfer-Encoding"))
			buf_add(out, f.start, f.len);
		else if (!placed)
			header_add(out, "Content-Transfer-Encoding", coding);
		placed |= field_is(&f, "Content-Transfer-Encoding");
	}
	if (!version)
		header_add(out, "MIME-Version", "1.0");
	if (label)
		buf_printf(out, "Content-Type: text/plain; charset=%s\r\n", charsets[label]);
	if (!placed)
		header_add(out, "Content-Transfer-Encoding", coding);
}

static int write_header(struct convert *v, const struct mime_part *p, enum fit_octets stays,
	struct buf *out, bool *changed, bool *needs_utf8, struct err *e)
{
	char plan = has_content(p) && v->at < v->plan.len ? v->plan.data[v->at] : 0;
	const char *coding = coding_of(v, p, plan_recoding(plan), plan_label(plan));
	struct buf block = BUF_INIT(OUT_MAX);
	int good;

	*changed = coding != NULL;
	if (!coding)
		return header_fit(p->header, p->header_len, stays, out, needs_utf8, e);
	add_coded(p, coding, plan_label(plan), &block);
	good = header_fit(buf_text(&block), block.len, stays, out, needs_utf8, e);
	buf_release(&block);
	return good;
}

int convert_header(struct convert *v, struct buf *out, bool *needs_utf8, struct err *e)
{
	struct buf ignored = BUF_INIT(0);
	struct mime_part p;
	bool changed;

	mime_classify(v->header, v->header_len, false, &p, &ignored);
	buf_release(&ignored);
	p.of_message = p.separated = true;
	v->at = 0;
	return write_header(v, &p, v->want.header, out, &changed, needs_utf8, e);
}

/* ---- the second walk */

static int lost_the_way(struct err *e)
{
	return err_set(e, ERR_INTERNAL, "the parts of the message are not those that were found "
		"when it was read first");
}

static int write_begin(void *context, const struct mime_part *p, struct err *e)
{
	struct convert *v = context;
	enum fit_octets stays = v->want.seven_bit ? FIT_INSIDE : FIT_ANY;
	bool ignored, changed;

	if (has_content(p)) {
		if (v->at == v->plan.len || plan_kind(v->plan.data[v->at]) != p->kind)
			return lost_the_way(e);
		recoder_start(&v->recoder, plan_recoding(v->plan.data[v->at]));
	}
	if (!v->inside || p->kind == MIME_ASIDE) {
		v->inside = true;
		return 0;
	}
	if (write_header(v, p, stays, &v->out, &changed, &ignored, e) < 0)
		return -1;
	/* What we add must not become part of another header, nor of the content. */
	if (p->separated || changed || p->kind == MIME_MESSAGE)
		buf_add(&v->out, "\r\n", 2);
	return 0;
}

static int write_data(void *context, const char *data, size_t len, struct err *e)
{
	struct convert *v = context;

	(void)e;
	recoder_add(&v->recoder, data, len, &v->out);
	return 0;
}

static int write_end(void *context, bool last, struct err *e)
{
	struct convert *v = context;

	(void)e;
	recoder_end(&v->recoder, last, &v->out);
	v->at++;
	return 0;
}

/* Blanks at its end mean nothing (RFC 2046 section 5.1.1), and without them none is too
 * long. */
static int write_delimiter(void *context, const char *data, size_t len, struct err *e)
{
	struct convert *v = context;
	size_t end = len > 2 && data[len - 1] == '\n' ? len - 2 : len, used = end;

	(void)e;
	if (header_has_long_line(data, len))
		while (used && (data[used - 1] == ' ' || data[used - 1] == '\t'))
			used--;
	buf_add(&v->out, data, used);
	buf_add(&v->out, data + end, len - end);
	return 0;
}

static const struct mime_hooks write_hooks = {
	write_begin, write_data, write_end, write_delimiter
};

/* ---- both */

/* The walk that goes on, begun if it is not. */
static int walk(struct convert *v, const struct mime_hooks *hooks, struct err *e)
{
	if (v->mime)
		return 0;
	v->inside = false;
	v->at = 0;
	v->mime = mime_new(hooks, v);
	return mime_header(v->mime, v->header, v->header_len, e);
}

int convert_survey(struct convert *v, const char *data, size_t len, struct err *e)
{
	return walk(v, &survey_hooks, e) < 0 ? -1 : mime_feed(v->mime, data, len, e);
}

int convert_survey_end(struct convert *v, struct err *e)
{
	if (walk(v, &survey_hooks, e) < 0 || mime_finish(v->mime, e) < 0)
		return -1;
	mime_free(&v->mime);
	return 0;
}

bool convert_is_needed(const struct convert *v)
{
	return v->needed;
}

static int give(struct convert *v, convert_sink *sink, void *context, struct err *e)
{
	int good = 0;

	if (!buf_ok(&v->out)) {
		err_set(e, ERR_CAPABILITY, "the headers of the message's parts are too long when "
			"they are encoded");
		return err_hint(e, "shorten their longest lines");
	}
	if (v->out.len)
		good = sink(context, v->out.data, v->out.len, e);
	buf_clear(&v->out);
	return good;
}

int convert_body(struct convert *v, const char *data, size_t len, convert_sink *sink,
	void *context, struct err *e)
{
	if (walk(v, &write_hooks, e) < 0)
		return -1;
	for (size_t n; len; data += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		if (mime_feed(v->mime, data, n, e) < 0 || give(v, sink, context, e) < 0)
			return -1;
	}
	return 0;
}

int convert_body_end(struct convert *v, convert_sink *sink, void *context, struct err *e)
{
	if (walk(v, &write_hooks, e) < 0 || mime_finish(v->mime, e) < 0)
		return -1;
	mime_free(&v->mime);
	return v->at == v->plan.len ? give(v, sink, context, e) : lost_the_way(e);
}
