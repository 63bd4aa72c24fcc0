/* base/codec.c - base64 and the like; see codec.h. */
#include "base/codec.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, struct buf *out)
{
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)in[i] << 16;
		char four[4];

		if (have > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (have > 2)
			v |= in[i + 2];
		four[0] = alphabet[v >> 18];
		four[1] = alphabet[v >> 12 & 63];
		four[2] = have > 1 ? alphabet[v >> 6 & 63] : '=';
		four[3] = have > 2 ? alphabet[v & 63] : '=';
		buf_add(out, four, 4);
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int base64_decode(const char *text, size_t len, struct buf *out)
{
	if (len % 4)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		bool last = i + 4 == len;
		size_t pad = 0;
		uint32_t v = 0;
		char three[3];

		if (last && text[i + 3] == '=')
			pad = text[i + 2] == '=' ? 2 : 1;
		for (size_t k = 0; k < 4 - pad; k++) {
			int d = base64_value(text[i + k]);

			if (d < 0)
				return -1;
			v |= (uint32_t)d << (18 - 6 * k);
		}
		if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
			return -1;   /* bits that no encoder writes */
		three[0] = (char)(v >> 16);
		three[1] = (char)(v >> 8);
		three[2] = (char)v;
		buf_add(out, three, 3 - pad);
	}
	return buf_ok(out) ? 0 : -1;
}

void base64url_encode(const void *data, size_t len, struct buf *out)
{
	size_t start = out->len;

	base64_encode(data, len, out);
	while (out->len > start && out->data[out->len - 1] == '=')
		out->data[--out->len] = '\0';
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] == '+')
			out->data[i] = '-';
		else if (out->data[i] == '/')
			out->data[i] = '_';
}

/* '!' stands in no base64. */
static char other_alphabet(char c)
{
	switch (c) {
	case '-':
		return '+';
	case '_':
		return '/';
	case '+':
	case '/':
	case '=':
		return '!';
	default:
		return c;
	}
}

/* By the other alphabet, padded; in one place of fixed size, for it may be a secret. */
int base64url_decode(const char *text, size_t len, struct buf *out)
{
	struct buf plain = BUF_INIT(len + 4);
	int good;

	buf_reserve(&plain, len + 3);
	for (size_t i = 0; i < len; i++)
		buf_add_char(&plain, other_alphabet(text[i]));
	while (plain.len % 4 && plain.len < len + 3)
		buf_add_char(&plain, '=');
	good = base64_decode(buf_text(&plain), plain.len, out);
	buf_wipe(&plain);
	return good;
}

void hex_encode(const void *data, size_t len, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i++) {
		buf_add_char(out, digits[in[i] >> 4]);
		buf_add_char(out, digits[in[i] & 15]);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(const char *text, size_t len, struct buf *out)
{
	if (len % 2)
		return -1;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(text[i]), low = hex_value(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		buf_add_char(out, (char)(high << 4 | low));
	}
	return buf_ok(out) ? 0 : -1;
}

void xtext_encode(const char *data, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c < 33 || c > 126 || c == '+' || c == '=')
			buf_printf(out, "+%02X", c);
		else
			buf_add_char(out, (char)c);
	}
}

/* The octet that two digits behind a sign stand for, or -1. */
static int escaped(const char *text, size_t len, size_t sign, int (*digit)(char c))
{
	int high = sign + 1 < len ? digit(text[sign + 1]) : -1;
	int low = sign + 2 < len ? digit(text[sign + 2]) : -1;

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Only upper-case digits: section 4 of RFC 3461 knows no others. */
static int xtext_digit(char c)
{
	return c >= 'a' && c <= 'f' ? -1 : hex_value(c);
}

int xtext_decode(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c < 33 || c > 126 || c == '=')
			return -1;
		if (c == '+') {
			int octet = escaped(text, len, i, xtext_digit);

			if (octet < 0)
				return -1;
			c = (char)octet;
			i += 2;
		}
		buf_add_char(out, c);
	}
	return buf_ok(out) ? 0 : -1;
}

static bool stands_for_itself(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(const char *data, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++)
		if (stands_for_itself(data[i]))
			buf_add_char(out, data[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)data[i]);
}

int percent_decode(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];

		if (c == '%') {
			int octet = escaped(text, len, i, hex_value);

			if (octet < 0)
				return -1;
			c = (char)octet;
			i += 2;
		}
		buf_add_char(out, c);
	}
	return buf_ok(out) ? 0 : -1;
}
