/* deliver/fit.c - when a message must be written otherwise; see fit.h. */
#include "deliver/fit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/convert.h"
#include "mail/header.h"
#include "mail/mime.h"
#include "mail/recode.h"

enum {
	PIECE = 64 * 1024,
	TIMES_MOST = 4,         /* as large as it was, and a bit: quoted-printable makes three */
	EXTRA_MOST = 1 << 20
};

void attempt_unfit(struct attempt *t)
{
	if (t->recoded)
		spill_release(&t->fit_body);
	buf_release(&t->fit_header);
	t->fitted = t->recoded = false;
	t->smtp.size = t->header.len + t->letter.body_size;
	t->smtp.eight_bit = t->letter.eight_bit_header || t->letter.eight_bit_body;
	t->smtp.utf8 = false;
}

/* The header without the empty line behind it. */
static size_t header_len(const struct attempt *t)
{
	return t->header.len - 2;
}

static bool envelope_needs_utf8(const struct attempt *t)
{
	if (address_needs_utf8(t->sender))
		return true;
	for (size_t i = 0; i < t->letter.count; i++)
		if (address_needs_utf8(t->letter.recipients[i]))
			return true;
	return false;
}

/* 8-bit text that nothing is said about; where a signature may cover the header,
 * nothing is added to it. */
static bool wants_label(const struct attempt *t)
{
	struct buf ignored = BUF_INIT(0);
	struct mime_part p;
	struct field f;

	if (!t->letter.eight_bit_body ||
	    header_find(t->header.data, header_len(t), "DKIM-Signature", &f))
		return false;
	mime_classify(t->header.data, header_len(t), false, &p, &ignored);
	buf_release(&ignored);
	return !p.labelled;
}

/* ---- the two readings of the body */

typedef int take(struct attempt *t, struct convert *v, const char *data, size_t len,
	struct err *e);

static int take_survey(struct attempt *t, struct convert *v, const char *data, size_t len,
	struct err *e)
{
	(void)t;
	return convert_survey(v, data, len, e);
}

/* What grows without measure was made for that, and fills the disk of whoever sends it. */
static int keep(void *context, const char *data, size_t len, struct err *e)
{
	struct attempt *t = context;

	if (spill_size(&t->fit_body) + len > TIMES_MOST * t->letter.body_size + EXTRA_MOST) {
		err_set(e, ERR_CAPABILITY, "the message becomes more than %d times as large when it "
			"is encoded for this server", TIMES_MOST);
		return err_hint(e, "encode its parts as quoted-printable or base64 first");
	}
	return spill_add(&t->fit_body, data, len, e);
}

static int take_body(struct attempt *t, struct convert *v, const char *data, size_t len,
	struct err *e)
{
	return convert_body(v, data, len, keep, t, e);
}

static int read_through(struct attempt *t, struct convert *v, take *take_piece, struct err *e)
{
	char *piece = mem_grow(NULL, PIECE, 1);
	uint64_t left = t->letter.body_size, at = 0;
	int good = 0;

	while (good == 0 && at < left) {
		ssize_t n = t->letter.read(t->letter.where, at, piece,
			left - at < PIECE ? (size_t)(left - at) : PIECE, e);

		if (n > 0)
			good = take_piece(t, v, piece, (size_t)n, e);
		else
			good = n < 0 ? -1 : err_set(e, ERR_INTERNAL,
				"the content is shorter than it was");
		at += (uint64_t)(n > 0 ? n : 0);
	}
	free(piece);
	return good;
}

static int recode(struct attempt *t, struct convert *v, struct err *e)
{
	spill_init(&t->fit_body, t->letter.spill);
	t->recoded = true;
	if (read_through(t, v, take_body, e) < 0 ||
	    convert_body_end(v, keep, t, e) < 0)
		return -1;
	return spill_finish(&t->fit_body, e);
}

/* ---- all of it */

static int fit_header(struct attempt *t, struct convert *v, struct err *e)
{
	t->fit_header = BUF_INIT(t->header.max);
	t->fitted = true;
	if (convert_header(v, &t->fit_header, &t->smtp.utf8, e) < 0)
		return -1;
	buf_add_text(&t->fit_header, "\r\n");
	return buf_ok(&t->fit_header) ? 0 :
		err_set(e, ERR_CAPABILITY, "the header is too long when it is encoded");
}

static int fit_by(struct attempt *t, const struct convert_want *want, bool walks, struct err *e)
{
	struct convert *v = convert_new(t->header.data, header_len(t), want);
	int good = 0;

	if (walks && (read_through(t, v, take_survey, e) < 0 || convert_survey_end(v, e) < 0))
		good = -1;
	if (good == 0)
		good = fit_header(t, v, e);
	if (good == 0 && convert_is_needed(v))
		good = recode(t, v, e);
	convert_free(&v);
	return good;
}

static void measure(struct attempt *t, const struct convert_want *want)
{
	bool eight_bit_body = t->letter.eight_bit_body && !want->seven_bit;
	bool eight_bit_header = t->letter.eight_bit_header && want->header != FIT_ASCII;

	t->smtp.size = t->fit_header.len +
		(t->recoded ? spill_size(&t->fit_body) : t->letter.body_size);
	t->smtp.eight_bit = eight_bit_body || (eight_bit_header && !want->seven_bit);
}

static int fit_as(struct attempt *t, const struct convert_want *want, bool walks, struct err *e)
{
	attempt_unfit(t);
	if (fit_by(t, want, walks, e) < 0) {
		attempt_unfit(t);
		return -1;
	}
	measure(t, want);
	return 0;
}

/* SMTPUTF8 carries UTF-8, and what other octets mean nobody knows. */
static int refuse_address(struct attempt *t, struct err *e)
{
	attempt_unfit(t);
	err_set(e, ERR_CAPABILITY, "an address in the header of the message is neither ASCII nor "
		"UTF-8");
	return err_hint(e, "write that address in UTF-8");
}

int attempt_fit(struct attempt *t, const struct smtp_capabilities *c, struct err *e)
{
	const struct letter *l = &t->letter;
	bool long_line = l->longest_line > LINE_MOST ||
		header_has_long_line(t->header.data, t->header.len);
	bool utf8 = envelope_needs_utf8(t), walks;
	struct convert_want want = { .seven_bit = !c->eight_bit_mime,
		.header = utf8 ? FIT_UTF8 : FIT_ASCII };

	attempt_unfit(t);
	if (c->xsendoff || (utf8 && !c->smtputf8))
		return 0;   /* which does this itself; which is told why not */
	want.label = wants_label(t);
	walks = l->longest_line > LINE_MOST || want.label || (l->eight_bit_body && want.seven_bit);
	if (!walks && !long_line && !l->eight_bit_header)
		return 0;
	if (fit_as(t, &want, walks, e) < 0)
		return -1;
	if (!t->smtp.utf8 || !c->smtputf8)
		return 0;
	if (want.header == FIT_UTF8)
		return refuse_address(t, e);
	/* An address in the header that nothing else can carry. */
	want.header = FIT_UTF8;
	if (fit_as(t, &want, walks, e) < 0)
		return -1;
	if (t->smtp.utf8)
		return refuse_address(t, e);
	t->smtp.utf8 = true;
	return 0;
}
