/* base/text.c - cleaning and comparing text; see text.h. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

size_t text_utf8(const char *in, size_t len)
{
	const unsigned char *s = (const unsigned char *)in;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need;
	uint32_t v;

	if (!len)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		need = 2, v = s[0] & 0x1f;
	else if ((s[0] & 0xf0) == 0xe0)
		need = 3, v = s[0] & 0x0f;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		need = 4, v = s[0] & 0x07;
	else
		return 0;
	if (need > len)
		return 0;
	for (size_t i = 1; i < need; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	if (v < least[need] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	return need;
}

bool text_is_utf8(const char *in, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = text_utf8(in + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

bool text_is_ascii(const char *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)in[i] >= 0x80)
			return false;
	return true;
}

/* C1 controls and the bidirectional ones move a terminal's text about; others cannot be
 * seen at all: soft hyphen, marks of joining and direction, byte order mark, tags. */
static bool moves_text(const unsigned char *s, size_t n)
{
	if (n == 2)
		return (s[0] == 0xc2 && (s[1] < 0xa0 || s[1] == 0xad)) || (s[0] == 0xd8 && s[1] == 0x9c);
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x80)
		return (s[2] >= 0x8b && s[2] <= 0x8f) || (s[2] >= 0xa8 && s[2] <= 0xae);
	if (n == 3 && s[0] == 0xe2)
		return s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf;
	return (n == 3 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf) ||
		(n == 4 && s[0] == 0xf3 && s[1] == 0xa0 && s[2] <= 0x81);
}

/* How many octets at the start need no second look. */
static size_t plain_ascii(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return n;
}

void text_clean(const char *in, size_t len, size_t most, struct buf *out)
{
	size_t start = out->len;

	for (size_t i = 0, n; i < len; i += n) {
		const unsigned char *s = (const unsigned char *)in + i;
		size_t room = most - (out->len - start);
		bool plain;

		/* Nearly all text is this, and there may be much of it. */
		n = plain_ascii(in + i, len - i);
		if (n) {
			buf_add(out, in + i, n < room ? n : room);
			if (n <= room)
				continue;
			buf_add_text(out, "...");
			return;
		}
		n = text_utf8(in + i, len - i);
		plain = n && !(n == 1 && (s[0] < 0x20 || s[0] == 0x7f)) && !moves_text(s, n);
		if (!n)
			n = 1;
		if ((plain ? n : 4 * n) > room) {
			buf_add_text(out, "...");
			return;
		}
		if (plain) {
			buf_add(out, in + i, n);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			buf_printf(out, "\\x%02x", s[k]);
	}
}

char *text_clean_to(char *to, size_t size, const char *in, size_t len)
{
	struct buf out = BUF_INIT(size + 4);
	size_t most = size > 4 ? size - 4 : 0;

	/* Nearly all text is this. */
	if (len <= most && len <= TEXT_SHOWN_MAX && plain_ascii(in, len) == len) {
		memcpy(to, in, len);
		to[len] = '\0';
		return to;
	}
	text_clean(in, len, most > TEXT_SHOWN_MAX ? TEXT_SHOWN_MAX : most, &out);
	if (size) {
		size_t n = out.len < size ? out.len : size - 1;

		memcpy(to, buf_text(&out), n);
		to[n] = '\0';
	}
	buf_release(&out);
	return to;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t text_distance(const char *a, const char *b)
{
	enum { LONGEST = 64 };
	size_t row[LONGEST + 1], la = strnlen(a, LONGEST), lb = strnlen(b, LONGEST);

	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t above = row[j];

			row[j] = least_of(row[j] + 1, row[j - 1] + 1,
				diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_equal_fold(const char *a, size_t alen, const char *b, size_t blen)
{
	if (alen != blen)
		return false;
	for (size_t i = 0; i < alen; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}
