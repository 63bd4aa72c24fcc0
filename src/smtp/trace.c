/* smtp/trace.c - the transcript; see state.h.
 *
 * Replies are held back until all that has arrived was looked at: whoever shows
 * them may have to wait, and a content that a server took is marked before that.
 */
#include <string.h>

#include "smtp/state.h"

enum { HELD_MOST = 1 << 20 };

static void show(const struct smtp *s, enum smtp_direction direction, const char *line, size_t len)
{
	s->o.trace(s->o.context, direction, line, len);
}

void trace_flush(struct smtp *s)
{
	const char *line = buf_text(&s->heard), *end = line + s->heard.len;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		show(s, SMTP_GOT, line, (size_t)(stop - line));
		line = stop + 1;
	}
	buf_clear(&s->heard);
}

void trace_note(struct smtp *s, enum smtp_direction direction, const char *line)
{
	if (!s->o.trace)
		return;
	trace_flush(s);
	show(s, direction, line, strlen(line));
}

void trace_reply(struct smtp *s, const struct smtp_reply *r, bool secret)
{
	const char *line = buf_text(&r->text), *end = line + r->text.len;

	if (!s->o.trace)
		return;
	if (s->heard.len > HELD_MOST)
		trace_flush(s);
	for (;;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);

		buf_printf(&s->heard, "%d%c", r->code, stop ? '-' : ' ');
		if (secret && len)
			buf_add_text(&s->heard, "****");
		else {
			if (r->enhanced[0])
				buf_printf(&s->heard, "%s ", r->enhanced);
			buf_add(&s->heard, line, len);
		}
		buf_add_char(&s->heard, '\n');
		if (!stop)
			break;
		line = stop + 1;
	}
}
