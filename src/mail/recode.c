/* mail/recode.c - quoted-printable and base64 in pieces; see recode.h. */
#include "mail/recode.h"

#include <string.h>

#include "base/codec.h"

enum {
	TEXT_COLUMNS = 75,     /* of quoted-printable; one more for the "=" of a soft line break */
	BASE64_COLUMNS = 76
};

void recoder_start(struct recoder *r, enum recoding how)
{
	*r = (struct recoder){ .how = how };
}

/* ---- quoted-printable */

static void put_line_end(struct recoder *r, struct buf *out)
{
	buf_add(out, "\r\n", 2);
	r->column = 0;
	r->soft = false;
}

/* Octets that must stay together. */
static void put_together(struct recoder *r, const char *text, size_t len, struct buf *out)
{
	if (r->column + len > TEXT_COLUMNS) {
		buf_add(out, "=\r\n", 3);
		r->column = 0;
		r->soft = true;
	}
	buf_add(out, text, len);
	r->column += len;
}

static void put_octet(struct recoder *r, char c, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char octet = (unsigned char)c;
	char hex[3] = { '=', digits[octet >> 4], digits[octet & 15] };

	put_together(r, hex, sizeof(hex), out);
}

/* A line that began in the middle of another could be "--BOUNDARY" by chance. */
static void put_plain(struct recoder *r, char c, struct buf *out)
{
	bool breaks = r->column + 1 > TEXT_COLUMNS, starts = !r->column;

	/* Lest a line become a delimiter that was none. */
	if (c == '-' && (breaks || (r->soft && starts) || (r->dash && r->column == 1))) {
		put_octet(r, c, out);
	} else {
		put_together(r, &c, 1, out);
		r->dash = c == '-' && starts;
	}
}

static void add_printable(struct recoder *r, char c, struct buf *out)
{
	char held = r->held_len ? r->held[0] : '\0';

	if (held == '\r' && c == '\n') {
		r->held_len = 0;
		put_line_end(r, out);
		return;
	}
	if (held) {
		r->held_len = 0;
		/* At the end of a line a blank would be lost on the way. */
		if (held == '\r' || c == '\r')
			put_octet(r, held, out);
		else
			put_plain(r, held, out);
	}
	if (c == ' ' || c == '\t' || c == '\r')
		r->held[r->held_len++] = c;
	else if (c <= ' ' || c >= 127 || c == '=')
		put_octet(r, c, out);
	else
		put_plain(r, c, out);
}

/* ---- quoted-printable that needs mending */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* They turned out to be no escape: "=" means itself, which must not change with what
 * is written behind it. */
static void put_held(struct recoder *r, struct buf *out)
{
	for (size_t i = 0; i < r->held_len; i++)
		if (r->held[i] == '\r' || r->held[i] == '=')
			put_octet(r, r->held[i], out);
		else
			put_plain(r, r->held[i], out);
	r->held_len = 0;
}

/* Behind "=", "=H" or "=" and blanks: whether c goes on with that. */
static bool goes_on(struct recoder *r, char c, struct buf *out)
{
	char last = r->held[r->held_len - 1];
	bool breaks = last == '=' || is_blank(last);   /* it may be a soft line break */

	if (r->held[0] != '=' || r->held_len == sizeof(r->held) ||
	    !((is_hex(c) && (last == '=' || is_hex(last))) ||
	      ((is_blank(c) || c == '\r') && breaks)))
		return false;
	r->held[r->held_len++] = c;
	if (r->held_len == 3 && is_hex(c)) {
		put_together(r, r->held, 3, out);
		r->held_len = 0;
	}
	return true;
}

/* A soft line break that was there stays one, whatever the column; blanks behind its
 * "=" mean nothing (RFC 2045 section 6.7, rule 3). */
static void add_mended(struct recoder *r, char c, struct buf *out)
{
	if (r->held_len && goes_on(r, c, out))
		return;
	if (c == '\n' && r->held_len && r->held[r->held_len - 1] == '\r') {
		if (r->held[0] == '=')
			buf_add_char(out, '=');
		put_line_end(r, out);
		r->held_len = 0;
		return;
	}
	put_held(r, out);
	if (c == '=' || c == '\r')
		r->held[r->held_len++] = c;
	else if (c & 0x80)
		put_octet(r, c, out);
	else
		put_plain(r, c, out);
}

/* ---- base64 */

static void put_four(struct recoder *r, const char *data, size_t len, struct buf *out)
{
	if (r->column == BASE64_COLUMNS) {
		buf_add(out, "\r\n", 2);
		r->column = 0;
	}
	base64_encode(data, len, out);
	r->column += 4;
}

static void add_base64(struct recoder *r, const char *data, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (!r->held_len && len - i >= 3) {
			put_four(r, data + i, 3, out);
			i += 2;
			continue;
		}
		r->held[r->held_len++] = data[i];
		if (r->held_len == 3) {
			put_four(r, r->held, 3, out);
			r->held_len = 0;
		}
	}
}

static void add_wrapped(struct recoder *r, char c, struct buf *out)
{
	bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		c == '+' || c == '/' || c == '=';

	if (!good)
		return;
	if (r->column == BASE64_COLUMNS) {
		buf_add(out, "\r\n", 2);
		r->column = 0;
	}
	buf_add_char(out, c);
	r->column++;
}

/* ---- all of them */

void recoder_add(struct recoder *r, const char *data, size_t len, struct buf *out)
{
	if (r->how == RECODE_NOT)
		buf_add(out, data, len);
	if (r->how == RECODE_BASE64)
		add_base64(r, data, len, out);
	if (r->how == RECODE_NOT || r->how == RECODE_BASE64)
		return;
	for (size_t i = 0; i < len; i++)
		if (r->how == RECODE_PRINTABLE)
			add_printable(r, data[i], out);
		else if (r->how == RECODE_MEND)
			add_mended(r, data[i], out);
		else
			add_wrapped(r, data[i], out);
}

void recoder_end(struct recoder *r, bool ends_line, struct buf *out)
{
	if (r->how == RECODE_PRINTABLE && r->held_len)
		put_octet(r, r->held[0], out);
	else if (r->how == RECODE_MEND)
		put_held(r, out);
	else if (r->how == RECODE_BASE64 && r->held_len)
		put_four(r, r->held, r->held_len, out);
	if (ends_line && r->column) {
		if (r->how == RECODE_PRINTABLE || r->how == RECODE_MEND)
			buf_add_char(out, '=');
		put_line_end(r, out);
	}
	*r = (struct recoder){ .how = r->how };
}
