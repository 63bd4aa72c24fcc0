/* smtp/content.c - content, dot-stuffed where it must be; see content.h. */
#include "smtp/content.h"

#include <string.h>

enum { PIECE = 16 * 1024 };

/* How many dots of a piece stand at the start of a line. */
static size_t count_dots(const char *data, size_t len, bool line_start)
{
	const char *end = data + len, *at = data;
	size_t dots = 0;

	while ((at = memchr(at, '.', (size_t)(end - at)))) {
		if (at == data ? line_start : at[-1] == '\n')
			dots++;
		at++;
	}
	return dots;
}

/* Doubles them in place, from the end; there is room for `dots` more octets. */
static void double_dots(char *data, size_t len, bool line_start, size_t dots)
{
	char *from = data + len, *to = from + dots;

	while (dots && from > data) {
		*--to = *--from;
		if (*from == '.' && (from == data ? line_start : from[-1] == '\n')) {
			*--to = '.';
			dots--;
		}
	}
}

int content_fill(const struct smtp_message *m, struct content_cursor *at, bool dots,
	struct buf *out, struct err *e)
{
	uint64_t left = m->size - at->offset;
	size_t extra = 0;
	char *room;
	ssize_t got;

	if (!left)
		return 0;
	room = buf_reserve(out, 2 * PIECE);
	if (!room)
		return err_set(e, ERR_INTERNAL, "no room for content");
	got = m->read(m->context, at->offset, room, left < PIECE ? (size_t)left : PIECE, e);
	if (got < 0)
		return -1;
	if (!got)
		return err_set(e, ERR_INTERNAL, "the content is shorter than it was");
	if (dots) {
		extra = count_dots(room, (size_t)got, !at->mid_line);
		double_dots(room, (size_t)got, !at->mid_line, extra);
	}
	at->offset += (uint64_t)got;
	out->len += (size_t)got + extra;
	out->data[out->len] = '\0';
	at->mid_line = out->data[out->len - 1] != '\n';
	return at->offset < m->size;
}
