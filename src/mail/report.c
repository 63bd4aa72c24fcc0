/* mail/report.c - reports of failure and of delay; see report.h.
 *
 * Three parts: words for a person, fields for a program (RFC 3464), and the
 * message itself.  No line is longer than 998 octets, whatever is quoted.
 */
#include "mail/report.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"

enum {
	LINE_LONGEST = 998,      /* RFC 5322 section 2.1.1 */
	LINE_BEST    = 76,
	WORD_LONGEST = 400,      /* octets without a blank; longer ones are broken */
	FIELD_LONGEST = 600,     /* octets of a value for programs */
	PARTS_MAX = 64 << 20
};

/* ---- words for a person */

/* Not inside a character of UTF-8. */
static size_t shorten(const char *word)
{
	size_t len = WORD_LONGEST;

	while (len > WORD_LONGEST - 4 && ((unsigned char)word[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Adds text in lines of at most LINE_BEST octets where its blanks allow that. */
static void add_wrapped(struct buf *out, const char *indent, const char *text)
{
	size_t column = 0;

	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");

		if (len > WORD_LONGEST)
			len = shorten(text);
		if (column && column + 1 + len > LINE_BEST) {
			buf_add_text(out, "\r\n");
			column = 0;
		}
		if (!column) {
			buf_add_text(out, indent);
			column = strlen(indent);
		} else if (column > strlen(indent)) {
			buf_add_char(out, ' ');
			column++;
		}
		buf_add(out, text, len);
		column += len;
		text += len;
	}
	buf_add_text(out, "\r\n");
}

/* The answer with its code in front, cleaned; "" when there is none. */
static void write_answer(const struct report_recipient *to, struct buf *out)
{
	char code[8] = "";
	const char *text = to->text ? to->text : "";

	if (to->code)
		snprintf(code, sizeof(code), "%03d", to->code);
	if (code[0] && strncmp(text, code, strlen(code)) != 0) {
		buf_printf(out, "%s ", code);
		if (to->enhanced && to->enhanced[0])
			buf_printf(out, "%s ", to->enhanced);
	}
	text_clean(text, strlen(text), TEXT_SHOWN_MAX, out);
}

static void describe_recipient(const struct report *r, const struct report_recipient *to,
	struct buf *out)
{
	struct buf line = BUF_INIT(0);

	buf_add_text(&line, to->address);
	if (to->original && strcmp(to->original, to->address) != 0)
		buf_printf(&line, " (for %s)", to->original);
	add_wrapped(out, "  ", buf_text(&line));
	buf_clear(&line);
	if (to->code)
		buf_printf(&line, "%s answered: ", r->server ? r->server : "the server");
	write_answer(to, &line);
	if (line.len)
		add_wrapped(out, "    ", buf_text(&line));
	if (to->unsure)
		add_wrapped(out, "    ", "A copy may have arrived all the same: the answer to an "
			"earlier try was lost.");
	buf_release(&line);
}

static const char *whom(const struct report *r)
{
	return r->count == 1 ? "this recipient" : "these recipients";
}

static void describe(const struct report *r, struct buf *out)
{
	struct buf text = BUF_INIT(0);

	buf_printf(&text, "This is sendoff, which sends the mail of %s.", r->host);
	add_wrapped(out, "", buf_text(&text));
	buf_clear(&text);
	if (r->action == REPORT_DELAYED)
		buf_printf(&text, "Your message could not be delivered to %s yet. It is kept and tried "
			"again%s%s. There is no need to send it again.", whom(r),
			r->until ? " until " : "", r->until ? r->until : "");
	else
		buf_printf(&text, "Your message could not be delivered to %s, and will not be tried "
			"again.", whom(r));
	buf_add_text(out, "\r\n");
	add_wrapped(out, "", buf_text(&text));
	buf_add_text(out, "\r\n");
	for (size_t i = 0; i < r->count; i++)
		describe_recipient(r, &r->recipients[i], out);
	if (r->next) {
		buf_add_text(out, "\r\n");
		buf_clear(&text);
		buf_add_text(&text, "What to do: ");
		text_clean(r->next, strlen(r->next), TEXT_SHOWN_MAX, &text);
		add_wrapped(out, "", buf_text(&text));
	}
	buf_clear(&text);
	buf_printf(&text, "The message was handed in on %s.", r->arrival);
	if (r->id)
		buf_printf(&text, " Its id in the queue is %s.", r->id);
	buf_add_text(out, "\r\n");
	add_wrapped(out, "", buf_text(&text));
	buf_release(&text);
}

/* ---- fields for a program */

const char *report_status(int code, const char *enhanced, bool expired)
{
	static const struct { int code; const char *status; } known[] = {
		{ 421, "4.3.2" }, { 452, "4.3.1" }, { 551, "5.1.6" }, { 553, "5.1.3" },
		{ 555, "5.5.4" }
	};

	if (enhanced && enhanced[0] && (!code || enhanced[0] - '0' == code / 100))
		return enhanced;
	for (size_t i = 0; i < COUNT(known); i++)
		if (code == known[i].code)
			return known[i].status;
	if (code)
		return code < 500 ? "4.0.0" : "5.0.0";
	return expired ? "4.4.7" : "5.0.0";
}

static uint32_t character(const char *text, size_t len)
{
	uint32_t v = (unsigned char)text[0];

	if (len > 1)
		v &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++)
		v = v << 6 | ((unsigned char)text[i] & 0x3f);
	return v;
}

/* RFC 6533 section 3: this part is ASCII, other characters are \x{HEX}. */
static void add_ascii(struct buf *out, const char *text, bool address)
{
	size_t start = out->len;

	for (size_t left = strlen(text), n; left; text += n, left -= n) {
		n = text_utf8(text, left);
		if (out->len - start > FIELD_LONGEST) {
			buf_add_text(out, "...");
			return;
		}
		if (!n)
			buf_printf(out, "\\x{%X}", (unsigned char)*text);
		else if (n > 1 || (address && strchr("\\+=", *text)))
			buf_printf(out, "\\x{%X}", (unsigned)character(text, n));
		else
			buf_add_char(out, *text);
		n += !n;
	}
}

static void add_field(struct buf *out, const char *name, const char *type, const char *text)
{
	struct buf value = BUF_INIT(0);

	if (type)
		buf_printf(&value, "%s; ", type);
	add_ascii(&value, text, type && !strcmp(type, "utf-8"));
	header_add(out, name, buf_text(&value));
	buf_release(&value);
}

static void add_address_field(struct buf *out, const char *name, const char *address)
{
	add_field(out, name, text_is_ascii(address, strlen(address)) ? "rfc822" : "utf-8", address);
}

/* A socket of this machine is no name in the sense of RFC 3464. */
static bool has_server(const struct report *r, const struct report_recipient *to)
{
	return to->code && r->server && r->server[0] && r->server[0] != '/';
}

static const char *status_of(const struct report *r, const struct report_recipient *to)
{
	bool given = to->code || (to->enhanced && to->enhanced[0]);

	if (r->action == REPORT_DELAYED && !given)
		return "4.0.0";
	return report_status(to->code, to->enhanced, false);
}

static void write_recipient(const struct report *r, const struct report_recipient *to,
	struct buf *out)
{
	struct buf answer = BUF_INIT(0);
	char when[40];

	buf_add_text(out, "\r\n");
	if (to->original)
		add_address_field(out, "Original-Recipient", to->original);
	add_address_field(out, "Final-Recipient", to->address);
	add_field(out, "Action", NULL, r->action == REPORT_DELAYED ? "delayed" : "failed");
	add_field(out, "Status", NULL, status_of(r, to));
	if (has_server(r, to))
		add_field(out, "Remote-MTA", "dns", r->server);
	write_answer(to, &answer);
	if (answer.len)
		add_field(out, "Diagnostic-Code", to->code ? "smtp" : "x-sendoff",
			buf_text(&answer));
	buf_release(&answer);
	if (to->when > 0) {
		clock_rfc5322((time_t)to->when, 0, when, sizeof(when));
		add_field(out, "Last-Attempt-Date", NULL, when);
	}
	if (r->action == REPORT_DELAYED && r->until)
		add_field(out, "Will-Retry-Until", NULL, r->until);
}

static void write_status(const struct report *r, struct buf *out)
{
	if (r->dsn && r->dsn->envid)
		add_field(out, "Original-Envelope-Id", NULL, r->dsn->envid);
	add_field(out, "Reporting-MTA", "dns", r->host);
	add_field(out, "Arrival-Date", NULL, r->arrival);
	for (size_t i = 0; i < r->count; i++)
		write_recipient(r, &r->recipients[i], out);
}

/* ---- the message */

static bool has_long_line(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t end = lf ? (size_t)(lf - text) : len;

		if (end - at > LINE_LONGEST + 1)   /* the CR counts not */
			return true;
		at = end + 1;
	}
	return false;
}

/* A line that is too long goes on in the next, which begins with a blank. */
static void quote_header(const char *text, size_t len, struct buf *out)
{
	for (size_t at = 0, end; at < len; at = end) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t blank = 0;

		end = lf ? (size_t)(lf - text) + 1 : len;
		while (end - at + blank > LINE_LONGEST + 2) {
			buf_add(out, text + at, LINE_LONGEST - 1);
			buf_add_text(out, "\r\n ");
			at += LINE_LONGEST - 1;
			blank = 1;
		}
		buf_add(out, text + at, end - at);
	}
}

static void quote(const struct report *r, bool whole, struct buf *out)
{
	quote_header(r->header, r->header_len, out);
	if (!whole)
		return;
	buf_add_text(out, "\r\n");
	buf_add(out, r->body, r->body_len);
}

/* ---- all of it */

/* The sender's id of it, if that is one. */
static bool find_message_id(const struct report *r, struct buf *id)
{
	struct field f;
	size_t len;

	if (!header_find(r->header, r->header_len, "Message-ID", &f))
		return false;
	field_unfold(&f, id);
	len = id->len;
	if (!buf_ok(id) || len < 3 || id->data[0] != '<' || id->data[len - 1] != '>')
		return false;
	for (size_t i = 0; i < len; i++)
		if (id->data[i] <= 0x20 || id->data[i] >= 0x7f)
			return false;
	return true;
}

static void add_subject(const struct report *r, struct buf *out)
{
	const char *address = r->count == 1 ? r->recipients[0].address : NULL;
	struct buf text = BUF_INIT(0);

	buf_add_text(&text, "Your message to ");
	if (address && text_is_ascii(address, strlen(address)))
		buf_add_text(&text, address);
	else
		buf_printf(&text, "%zu recipient%s", r->count, r->count == 1 ? "" : "s");
	buf_add_text(&text, r->action == REPORT_DELAYED ? " is delayed" : " was not delivered");
	header_add(out, "Subject", buf_text(&text));
	buf_release(&text);
}

static void write_header(const struct report *r, const char *boundary, bool eight_bit,
	struct buf *out)
{
	struct buf value = BUF_INIT(0), id = BUF_INIT(LINE_LONGEST - 20);

	buf_printf(&value, "Mail Delivery System <MAILER-DAEMON@%s>", r->host);
	header_add(out, "From", buf_text(&value));
	header_add(out, "To", r->to);
	add_subject(r, out);
	header_add(out, "Date", r->date);
	header_add(out, "Message-ID", r->message_id);
	if (find_message_id(r, &id)) {
		header_add(out, "In-Reply-To", buf_text(&id));
		header_add(out, "References", buf_text(&id));
	}
	header_add(out, "Auto-Submitted", "auto-replied");
	header_add(out, "MIME-Version", "1.0");
	buf_clear(&value);
	buf_printf(&value, "multipart/report; report-type=delivery-status; boundary=\"%s\"", boundary);
	header_add(out, "Content-Type", buf_text(&value));
	header_add(out, "Content-Transfer-Encoding", eight_bit ? "8bit" : "7bit");
	buf_release(&value);
	buf_release(&id);
}

static void write_part(struct buf *out, const char *boundary, const char *type, bool eight_bit,
	const struct buf *text)
{
	buf_printf(out, "\r\n--%s\r\n", boundary);
	header_add(out, "Content-Type", type);
	header_add(out, "Content-Transfer-Encoding", eight_bit ? "8bit" : "7bit");
	buf_add_text(out, "\r\n");
	buf_add(out, buf_text(text), text->len);
}

struct parts {
	struct buf words, status, message;
	bool whole;      /* the message with its body */
};

static bool occurs(const struct parts *p, const char *boundary)
{
	const struct buf *const all[] = { &p->words, &p->status, &p->message };

	for (size_t i = 0; i < COUNT(all); i++)
		if (memmem(buf_text(all[i]), all[i]->len, boundary, strlen(boundary)))
			return true;
	return false;
}

static void write_all(const struct report *r, const struct parts *p, const char *boundary,
	struct buf *out, size_t *header_len)
{
	bool words = !text_is_ascii(buf_text(&p->words), p->words.len);
	bool message = !text_is_ascii(buf_text(&p->message), p->message.len);
	size_t start = out->len;

	write_header(r, boundary, words || message, out);
	*header_len = out->len - start;
	write_part(out, boundary, "text/plain; charset=utf-8", words, &p->words);
	write_part(out, boundary, "message/delivery-status", false, &p->status);
	write_part(out, boundary, p->whole ? "message/rfc822" : "text/rfc822-headers", message,
		&p->message);
	buf_printf(out, "\r\n--%s--\r\n", boundary);
}

int report_write(const struct report *r, struct buf *out, size_t *header_len, struct err *e)
{
	struct parts p = { { .max = PARTS_MAX }, { .max = PARTS_MAX }, { .max = PARTS_MAX },
		r->body && !has_long_line(r->body, r->body_len) };
	char boundary[128];
	bool good;

	describe(r, &p.words);
	write_status(r, &p.status);
	quote(r, p.whole, &p.message);
	snprintf(boundary, sizeof(boundary), "%s", r->boundary);
	for (unsigned i = 1; occurs(&p, boundary); i++)
		snprintf(boundary, sizeof(boundary), "%.60s.%u", r->boundary, i);
	write_all(r, &p, boundary, out, header_len);
	good = buf_ok(&p.words) && buf_ok(&p.status) && buf_ok(&p.message) && buf_ok(out);
	buf_release(&p.words);
	buf_release(&p.status);
	buf_release(&p.message);
	return good ? 0 : err_set(e, ERR_MESSAGE, "the report would be too long");
}
