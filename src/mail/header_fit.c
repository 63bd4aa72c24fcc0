/* mail/header_fit.c - which fields of a header must change, and how; see
 * header_fit.h. */
#include "mail/header_fit.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"
#include "mail/parameter.h"
#include "mail/recode.h"

enum { VALUE_MAX = 4 << 20 };

/* How a field is read. */
enum reading { READ_TEXT, READ_ADDRESSES, READ_PARAMETERS, READ_CODING, READ_RIGID };

/* READ_RIGID: a long word of theirs is no text, and cannot be an encoded word.
 * X-Original-From is text: it is for people, and nobody answers to it. */
static const struct {
	const char *name;
	enum reading reading;
} known[] = {
	{ "From", READ_ADDRESSES }, { "Sender", READ_ADDRESSES }, { "Reply-To", READ_ADDRESSES },
	{ "To", READ_ADDRESSES }, { "Cc", READ_ADDRESSES }, { "Bcc", READ_ADDRESSES },
	{ "Resent-From", READ_ADDRESSES }, { "Resent-Sender", READ_ADDRESSES },
	{ "Resent-Reply-To", READ_ADDRESSES }, { "Resent-To", READ_ADDRESSES },
	{ "Resent-Cc", READ_ADDRESSES }, { "Resent-Bcc", READ_ADDRESSES },
	{ "X-Original-To", READ_ADDRESSES },
	{ "Apparently-To", READ_ADDRESSES }, { "Delivered-To", READ_ADDRESSES },
	{ "Errors-To", READ_ADDRESSES }, { "Return-Receipt-To", READ_ADDRESSES },
	{ "Disposition-Notification-To", READ_ADDRESSES }, { "Mail-Followup-To", READ_ADDRESSES },
	{ "Mail-Reply-To", READ_ADDRESSES },
	{ "Content-Type", READ_PARAMETERS }, { "Content-Disposition", READ_PARAMETERS },
	{ "Date", READ_RIGID }, { "Resent-Date", READ_RIGID }, { "Message-ID", READ_RIGID },
	{ "Resent-Message-ID", READ_RIGID }, { "In-Reply-To", READ_RIGID },
	{ "References", READ_RIGID }, { "Content-ID", READ_RIGID }, { "MIME-Version", READ_RIGID },
	{ "Content-Transfer-Encoding", READ_CODING }, { "Received", READ_RIGID },
	{ "DKIM-Signature", READ_RIGID }, { "ARC-Seal", READ_RIGID },
	{ "ARC-Message-Signature", READ_RIGID }, { "ARC-Authentication-Results", READ_RIGID },
	{ "Authentication-Results", READ_RIGID }, { "Autocrypt", READ_RIGID },
	{ "List-Unsubscribe", READ_RIGID }, { "List-Post", READ_RIGID },
	{ "List-Help", READ_RIGID }, { "List-Archive", READ_RIGID }
};

static enum reading reading_of(const struct field *f)
{
	for (size_t i = 0; i < COUNT(known); i++)
		if (field_is(f, known[i].name))
			return known[i].reading;
	return READ_TEXT;
}

bool header_has_long_line(const char *block, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *lf = memchr(block + at, '\n', len - at);
		size_t end = lf ? (size_t)(lf - block) : len;

		if (end - at > LINE_MOST + 1 || (end - at > LINE_MOST && block[end - 1] != '\r'))
			return true;
		at = end + 1;
	}
	return false;
}

static bool may_stay(const struct field *f, enum fit_octets stays)
{
	if (stays == FIT_ANY)
		return true;
	return stays == FIT_UTF8 ? text_is_utf8(f->start, f->len) : text_is_ascii(f->start, f->len);
}

static bool has_long_word(const char *text, size_t len)
{
	for (size_t at = 0, end; at < len; at = end + 1) {
		for (end = at; end < len && text[end] != ' ' && text[end] != '\t';)
			end++;
		if (end - at > ENCODED_WORD_MOST)
			return true;
	}
	return false;
}

/* One word that must stay what it is, whatever stands beside it: comments and what is
 * behind a semicolon, which mean nothing here, go. */
static void fit_coding(struct fit *f, const char *value, size_t len)
{
	struct buf bare = BUF_INIT(len + 1);

	for (size_t at = 0, gap; at < len && value[at] != ';'; at += gap ? gap : 1) {
		gap = parameter_gap(value + at, len - at);
		buf_add_char(&bare, gap ? ' ' : value[at]);
	}
	if (!f->encode)
		fold_words(&f->fold, value, len);
	else if (text_is_ascii(buf_text(&bare), bare.len))
		fold_words(&f->fold, buf_text(&bare), bare.len);
	else
		fold_text(&f->fold, ENCODED_IN_TEXT, buf_text(&bare), bare.len);
	buf_release(&bare);
}

static void fit_value(struct fit *f, enum reading reading, const char *value, size_t len)
{
	if (reading == READ_ADDRESSES)
		fit_addresses(f, value, len);
	else if (reading == READ_PARAMETERS)
		fit_parameters(f, value, len);
	else if (reading == READ_CODING)
		fit_coding(f, value, len);
	else if (f->encode || (reading == READ_TEXT && has_long_word(value, len)))
		fold_text(&f->fold, ENCODED_IN_TEXT, value, len);
	else
		fold_words(&f->fold, value, len);
}

static int cannot(const struct field *field, const char *why, struct err *e)
{
	char name[80];

	text_clean_to(name, sizeof(name), field->start, field->name_len);
	err_set(e, ERR_CAPABILITY, "the header field %s cannot be sent: %s", name, why);
	return err_hint(e, "correct that line of the message");
}

static int fit_field(const struct field *field, enum fit_octets stays, struct buf *out,
	bool *needs_utf8, struct err *e)
{
	struct fit f = { .encode = !may_stay(field, stays), .inside = stays == FIT_INSIDE };
	struct buf value = BUF_INIT(VALUE_MAX);
	size_t start = out->len;

	if (!f.encode && !header_has_long_line(field->start, field->len)) {
		buf_add(out, field->start, field->len);
		return 0;
	}
	if (!header_is_field(field->start, field->len))
		return 0;   /* the line of an mbox, which says nothing */
	buf_add_char(&value, ' ');
	field_unfold(field, &value);
	fold_begin(&f.fold, out, field->start, field->name_len);
	fit_value(&f, reading_of(field), buf_text(&value), value.len);
	fold_end(&f.fold);
	buf_release(&value);
	*needs_utf8 |= f.needs_utf8;
	if (!f.why && buf_ok(out) && header_has_long_line(out->data + start, out->len - start))
		f.why = "it has a line of more than 998 octets without a blank to fold it at";
	return f.why ? cannot(field, f.why, e) : 0;
}

int header_fit(const char *block, size_t len, enum fit_octets stays, struct buf *out,
	bool *needs_utf8, struct err *e)
{
	struct field f;

	*needs_utf8 = false;
	for (size_t at = 0; header_next(block, len, &at, &f);)
		if (fit_field(&f, stays, out, needs_utf8, e) < 0)
			return -1;
	if (buf_ok(out))
		return 0;
	err_set(e, ERR_CAPABILITY, "the header is too long when it is encoded");
	return err_hint(e, "shorten its longest line");
}
