/* smtp/capabilities.c - reading an EHLO reply; see capabilities.h. */
#include "smtp/capabilities.h"

#include <string.h>

#include "base/text.h"

static bool number(const char *s, size_t len, uint64_t *value)
{
	uint64_t v = 0;

	if (!len || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	*value = v;
	return true;
}

/* The next word of a line; false at its end. */
static bool word(const char **s, const char *end, const char **from, size_t *len)
{
	while (*s < end && (**s == ' ' || **s == '\t'))
		(*s)++;
	*from = *s;
	while (*s < end && **s != ' ' && **s != '\t')
		(*s)++;
	*len = (size_t)(*s - *from);
	return *len > 0;
}

static void add_mechanism(struct smtp_capabilities *c, const char *name, size_t len)
{
	size_t have = strlen(c->auth);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || (unsigned char)name[i] >= 0x7f)
			return;
	if (have + len + 2 > sizeof(c->auth))
		return;
	if (have)
		c->auth[have++] = ' ';
	memcpy(c->auth + have, name, len);
	c->auth[have + len] = '\0';
}

static void read_limits(struct smtp_capabilities *c, const char *s, const char *end)
{
	static const char name[] = "RCPTMAX=";
	const char *from;
	size_t len;
	uint64_t v;

	while (word(&s, end, &from, &len))
		if (len > sizeof(name) - 1 &&
		    text_equal_fold(from, sizeof(name) - 1, name, sizeof(name) - 1) &&
		    number(from + sizeof(name) - 1, len - (sizeof(name) - 1), &v) && v > 0 &&
		    v < 1000000)
			c->recipients_most = (long)v;
}

static void read_line(struct smtp_capabilities *c, const char *s, size_t len)
{
	static const struct {
		const char *name;
		size_t offset;
	} plain[] = {
		{ "STARTTLS", offsetof(struct smtp_capabilities, starttls) },
		{ "PIPELINING", offsetof(struct smtp_capabilities, pipelining) },
		{ "8BITMIME", offsetof(struct smtp_capabilities, eight_bit_mime) },
		{ "SMTPUTF8", offsetof(struct smtp_capabilities, smtputf8) },
		{ "DSN", offsetof(struct smtp_capabilities, dsn) },
		{ "CHUNKING", offsetof(struct smtp_capabilities, chunking) },
		{ "ENHANCEDSTATUSCODES", offsetof(struct smtp_capabilities, enhanced) },
		{ "XSENDOFF", offsetof(struct smtp_capabilities, xsendoff) },
	};
	const char *end = s + len, *from;

	if (!word(&s, end, &from, &len))
		return;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (text_equal_fold(from, len, plain[i].name, strlen(plain[i].name)))
			*(bool *)((char *)c + plain[i].offset) = true;
	if (text_equal_fold(from, len, "SIZE", 4)) {
		c->size_known = true;
		if (word(&s, end, &from, &len) && !number(from, len, &c->size))
			c->size = 0;
	} else if (text_equal_fold(from, len, "LIMITS", 6)) {
		read_limits(c, s, end);
	} else if (len >= 4 && text_equal_fold(from, 4, "AUTH", 4) &&
		   (len == 4 || from[4] == '=')) {
		if (len > 5)
			add_mechanism(c, from + 5, len - 5);
		while (word(&s, end, &from, &len))
			add_mechanism(c, from, len);
	}
}

void capabilities_read(struct smtp_capabilities *c, const struct smtp_reply *ehlo)
{
	const char *s = buf_text(&ehlo->text), *end = s + ehlo->text.len;
	bool first = true;

	memset(c, 0, sizeof(*c));
	c->esmtp = true;
	while (s <= end) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((stop ? stop : end) - s);

		if (!first)
			read_line(c, s, len);
		first = false;
		if (!stop)
			break;
		s = stop + 1;
	}
}
