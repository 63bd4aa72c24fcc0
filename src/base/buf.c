/* base/buf.c - bounded buffers; see buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

char *buf_reserve(struct buf *b, size_t len)
{
	size_t max = b->max ? b->max : BUF_DEFAULT_MAX;

	if (b->overflow || len > max || b->len > max - len) {
		b->overflow = true;
		return NULL;
	}
	if (b->len + len + 1 > b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;

		if (cap < b->len + len + 1)
			cap = b->len + len + 1;
		b->data = mem_grow(b->data, cap, 1);
		b->data[b->len] = '\0';   /* buf_text() even if nothing is appended */
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *room = buf_reserve(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	size_t room = b->cap - b->len;   /* mostly it is enough, and once is */
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(room ? b->data + b->len : NULL, room, format, again);
	va_end(again);
	if (len < 0 || !buf_reserve(b, (size_t)len)) {
		if (room)
			b->data[b->len] = '\0';
		b->overflow = true;
		return;
	}
	if ((size_t)len >= room)
		vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
	b->len += (size_t)len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

void buf_drop(struct buf *b, size_t len)
{
	if (len >= b->len) {
		buf_clear(b);
		return;
	}
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
	b->data[b->len] = '\0';
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data)
		b->data[0] = '\0';
}

void buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->overflow = false;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_release(b);
}

char *buf_take(struct buf *b)
{
	char *text = b->data ? b->data : mem_string("");

	b->data = NULL;
	b->len = b->cap = 0;
	b->overflow = false;
	return text;
}

bool buf_ok(const struct buf *b)
{
	return !b->overflow;
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}
