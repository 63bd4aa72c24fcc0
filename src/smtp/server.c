/* smtp/server.c - the session of the answering side: octets in and out, the
 * answers of the events, and how it ends; see server.h. */
#include "smtp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/server_state.h"

enum { OUTPUT_COMPACT = SERVER_OUTPUT_MAX / 2 };

void server_reply_set(struct server_reply *r, int code, const char *enhanced, const char *format,
	...)
{
	va_list args;

	r->code = code;
	snprintf(r->enhanced, sizeof(r->enhanced), "%s", enhanced);
	va_start(args, format);
	vsnprintf(r->text, sizeof(r->text), format, args);
	va_end(args);
}

/* Printable ASCII, whatever it is: no reply becomes two lines. */
static void add_words(struct buf *out, const char *text, size_t most)
{
	for (size_t i = 0; i < most && text[i]; i++)
		buf_add_char(out, text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?');
}

/* RFC 2034 section 4: of the same class as the code. */
static bool is_enhanced(int code, const char *text)
{
	return (code / 100 == 2 || code / 100 >= 4) && text[0] == '0' + code / 100 &&
		!text[strspn(text, "0123456789.")];
}

void server_say(struct server *s, int code, const char *enhanced, const char *text)
{
	if (code < 400)
		s->errors = 0;
	buf_printf(&s->out, "%d ", code);
	if (is_enhanced(code, enhanced))
		buf_printf(&s->out, "%s ", enhanced);
	add_words(&s->out, text, sizeof(((struct server_reply *)0)->text) - 1);
	buf_add_text(&s->out, "\r\n");
}

void server_stop(struct server *s, int code, const char *enhanced, const char *text)
{
	server_void(s);
	server_say(s, code, enhanced, text);
	s->phase = SERVER_OVER;
	s->open = EVENT_NONE;
}

void server_fault(struct server *s, int code, const char *enhanced, const char *text)
{
	if (++s->errors > SERVER_ERRORS_MAX)
		server_stop(s, 421, "4.7.0", "too many commands in a row were refused, goodbye");
	else
		server_say(s, code, enhanced, text);
}

bool server_is_busy(struct server *s)
{
	if (++s->idle <= SERVER_IDLE_COMMANDS_MAX)
		return true;
	server_stop(s, 421, "4.7.0", "too many commands that lead to no message, goodbye");
	return false;
}

static void forget(struct server *s)
{
	server_mail_release(&s->mail);
	s->begun = s->chunks = false;
	s->content = 0;
}

void server_void(struct server *s)
{
	bool begun = s->begun;

	forget(s);
	if (!begun)
		return;
	s->inside = true;
	s->on.reset(s->on.context);
	s->inside = false;
}

struct server *server_new(const struct server_options *options, const struct server_events *events)
{
	struct server *s = mem_alloc(sizeof(*s));

	s->o = *options;
	s->on = *events;
	s->out.max = 4 * SERVER_OUTPUT_MAX;
	s->line.max = SERVER_LINE_MAX;
	buf_add_text(&s->out, "220 ");
	add_words(&s->out, s->o.host, 255);
	buf_add_text(&s->out, " ESMTP sendoff\r\n");
	s->greeting = s->out.len;
	return s;
}

void server_free(struct server **sp)
{
	struct server *s = *sp;

	if (!s)
		return;
	server_mail_release(&s->mail);
	buf_release(&s->out);
	buf_release(&s->line);
	free(s);
	*sp = NULL;
}

/* What the events asked for, or the driver while an answer was open. */
static void settle(struct server *s)
{
	if (s->inside || s->phase == SERVER_OVER)
		return;
	if (s->eof && s->open != EVENT_END) {
		server_void(s);
		s->phase = SERVER_OVER;
		s->open = EVENT_NONE;
	} else if (s->shutting && !s->open) {
		server_stop(s, 421, "4.3.2", s->why);
	}
}

static void take_mail_answer(struct server *s, const struct server_reply *r)
{
	s->failed = r->code >= 400;
	if (s->failed)
		forget(s);
	server_say(s, r->code, r->enhanced, r->text);
}

static void take_end_answer(struct server *s, const struct server_reply *r)
{
	forget(s);
	if (r->code < 400)
		s->idle = 0;
	server_say(s, r->code, r->enhanced, r->text);
}

void server_take_answer(struct server *s, enum server_event event, const struct server_reply *r)
{
	struct server_reply fault;

	s->open = r->code ? EVENT_NONE : event;
	if (!r->code)
		return;
	if (r->code == 421) {
		server_stop(s, 421, r->enhanced, r->text);
		return;
	}
	if (r->code / 100 < 2 || r->code / 100 > 5 ||
		(r->code / 100 == 3 && event != EVENT_BEGIN)) {
		server_reply_set(&fault, 451, "4.3.0", "a fault of this program, try again later");
		r = &fault;
	}
	if (event == EVENT_MAIL)
		take_mail_answer(s, r);
	else if (event == EVENT_BEGIN)
		server_content_answer(s, r);
	else if (event == EVENT_END)
		take_end_answer(s, r);
	else
		server_say(s, r->code, r->enhanced, r->text);
	if (event == EVENT_RCPT && r->code < 400)
		s->mail.recipients++;
}

void server_answer(struct server *s, const struct server_reply *reply)
{
	if (s->open && reply->code)
		server_take_answer(s, s->open, reply);
	settle(s);
}

/* Instead of a greeting, or behind what of it is gone already. */
static void stop_at_greeting(struct server *s, int code, const char *enhanced, const char *text)
{
	if (!s->out_at && s->greeting == s->out.len)
		buf_clear(&s->out);
	s->greeting = 0;
	server_stop(s, code, enhanced, text);
}

void server_refuse(struct server *s, const char *why)
{
	if (s->phase != SERVER_OVER)
		stop_at_greeting(s, 421, "4.3.2", why);
}

void server_shut_down(struct server *s, const char *why)
{
	snprintf(s->why, sizeof(s->why), "%s", why);
	s->shutting = true;
	settle(s);
}

void server_eof(struct server *s)
{
	s->eof = true;
	settle(s);
}

static size_t waiting(const struct server *s)
{
	return s->out.len - s->out_at;
}

size_t server_received(struct server *s, const char *data, size_t len)
{
	size_t at = 0;

	/* RFC 5321 section 4.3.1: the client waits for it. */
	if (len && s->o.banner_first && s->greeting && s->phase != SERVER_OVER)
		stop_at_greeting(s, 554, "5.5.1", "you spoke before the greeting, goodbye");
	while (at < len && s->phase != SERVER_OVER && !s->open &&
		waiting(s) < SERVER_OUTPUT_MAX) {
		if (s->phase == SERVER_DATA)
			at += server_take_data(s, data + at, len - at);
		else if (s->phase == SERVER_CHUNK)
			at += server_take_chunk(s, data + at, len - at);
		else
			at += server_take_line(s, data + at, len - at);
		settle(s);
	}
	return s->phase == SERVER_OVER ? len : at;
}

const char *server_output(struct server *s, size_t *len)
{
	*len = waiting(s);
	return buf_text(&s->out) + s->out_at;
}

void server_written(struct server *s, size_t len)
{
	s->out_at += len;
	s->greeting -= len < s->greeting ? len : s->greeting;
	if (s->out_at < s->out.len && s->out_at < OUTPUT_COMPACT)
		return;
	buf_drop(&s->out, s->out_at);
	s->out_at = 0;
}

bool server_ended(const struct server *s)
{
	return s->phase == SERVER_OVER;
}

bool server_in_content(const struct server *s)
{
	return s->phase == SERVER_DATA || s->phase == SERVER_CHUNK;
}

bool server_awaits_answer(const struct server *s)
{
	return s->open != EVENT_NONE;
}

bool server_is_midway(const struct server *s)
{
	return s->begun || s->line.len > 0 || server_in_content(s);
}
