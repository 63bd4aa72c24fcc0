/* t/server/content.c - see content.h. */
#include "t/server/content.h"

enum { CONTENT_LINE_MAX = 998 };   /* octets without CRLF */

void content_begin(struct content *c, bool dots)
{
	*c = (struct content){ .dots = dots, .before = '\n', .at_start = true };
}

/* Judges and keeps one octet of the message proper. */
static void content_octet(struct content *c, char octet)
{
	if (c->before == '\r' && octet != '\n')
		c->bare_cr = true;
	if (octet == '\n') {
		if (c->before != '\r')
			c->bare_lf = true;
		if (c->line > CONTENT_LINE_MAX)
			c->long_line = true;
		if (!c->line)
			c->in_body = true;
		c->line = 0;
	} else if (octet != '\r') {
		c->line++;
	}
	if (!octet)
		c->nul = true;
	if ((unsigned char)octet >= 0x80)
		*(c->in_body ? &c->eight_bit_body : &c->eight_bit_header) = true;
	c->at_start = octet == '\n' && c->before == '\r';
	c->before = octet;
	store_add(&c->store, &octet, 1);
}

/* A dot opened the line, and now comes its second octet. */
static void content_after_dot(struct content *c, char octet)
{
	c->pending_dot = false;
	if (octet == '.') {
		content_octet(c, octet);
	} else if (octet == '\r') {
		c->pending_end = true;
	} else {
		c->unstuffed = true;
		content_octet(c, octet);
	}
}

static void content_after_dot_cr(struct content *c, char octet)
{
	c->pending_end = false;
	if (octet == '\n') {
		c->done = true;
		return;
	}
	c->unstuffed = true;
	content_octet(c, '\r');
	content_octet(c, octet);
}

/* Octets at the start of data that need no second look: no line end, and room
 * in the line. */
static size_t content_plain(const struct content *c, const char *data, size_t len)
{
	size_t n = 0;

	if (c->pending_dot || c->pending_end || c->before == '\n' || c->before == '\r')
		return 0;
	while (n < len && data[n] > '\r')
		n++;
	return n;
}

size_t content_feed(struct content *c, const char *data, size_t len)
{
	size_t i = 0;

	while (i < len && !c->done) {
		size_t plain = content_plain(c, data + i, len - i);

		if (plain) {
			store_add(&c->store, data + i, plain);
			c->line += plain;
			c->before = data[i + plain - 1];
			i += plain;
			continue;
		}
		if (c->pending_dot)
			content_after_dot(c, data[i]);
		else if (c->pending_end)
			content_after_dot_cr(c, data[i]);
		else if (c->dots && c->at_start && data[i] == '.')
			c->pending_dot = true;
		else
			content_octet(c, data[i]);
		i++;
	}
	return i;
}

void content_finish(struct content *c)
{
	if (c->before == '\r')
		c->bare_cr = true;
	if (c->before != '\n')
		c->open_end = true;
}
