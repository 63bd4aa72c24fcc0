/* smtp/server_content.c - the octets behind DATA and BDAT; see server.h. */
#include <stdio.h>
#include <string.h>

#include "smtp/server_state.h"

/* The rest of the content is read to its end and thrown away. */
static void refuse(struct server *s, const struct server_reply *r)
{
	s->refusal = *r;
	s->failed = true;
	server_void(s);
}

void server_too_big(const struct server *s, struct server_reply *r)
{
	server_reply_set(r, 552, "5.3.4", "the message is too big, at most %llu octets are taken; "
		"send less in one message", (unsigned long long)s->o.max_size);
}

static void too_big(struct server *s)
{
	struct server_reply r;

	server_too_big(s, &r);
	refuse(s, &r);
}

static bool fits(const struct server *s, uint64_t more)
{
	return !s->o.max_size ||
		(s->content <= s->o.max_size && more <= s->o.max_size - s->content);
}

static void give(struct server *s, const char *data, size_t len)
{
	if (!len || s->refusal.code)
		return;
	if (!fits(s, len)) {
		too_big(s);
		return;
	}
	s->content += len;
	s->inside = true;
	s->on.content(s->on.context, data, len);
	s->inside = false;
}

static void content_end(struct server *s)
{
	struct server_reply r = s->refusal;

	s->phase = SERVER_COMMANDS;
	if (r.code) {
		s->refusal.code = 0;
		server_say(s, r.code, r.enhanced, r.text);
		return;
	}
	r = (struct server_reply){ 0 };
	s->begun = false;
	s->inside = true;
	s->on.end(s->on.context, &r);
	s->inside = false;
	server_take_answer(s, EVENT_END, &r);
}

static void ask_begin(struct server *s, int code, const char *enhanced, const char *text)
{
	struct server_reply r;

	server_reply_set(&r, code, enhanced, "%s", text);
	s->inside = true;
	s->on.begin(s->on.context, &r);
	s->inside = false;
	server_take_answer(s, EVENT_BEGIN, &r);
}

/* ---- DATA */

static void data_refused(struct server *s, int code, const char *enhanced, const char *text)
{
	s->wary = true;
	server_say(s, code, enhanced, text);
}

void server_begin_data(struct server *s)
{
	if (s->chunks || (!s->begun && !s->failed)) {
		s->wary = true;
		server_fault(s, 503, "5.5.1", s->chunks ?
			"this message comes in BDAT, not in DATA" :
			"no message is begun, MAIL and RCPT come first");
	} else if (!s->begun) {
		data_refused(s, 503, "5.5.1", "what this belongs to was refused");
	} else if (!s->mail.recipients) {
		data_refused(s, 554, "5.5.1", "no valid recipients, give one with RCPT first");
	} else {
		ask_begin(s, 354, "", "go on, a dot alone on a line ends the message");
	}
}

/* The next octets up to where the line's state changes.  *run is where those
 * begin that are content and not yet handed out. */
static size_t data_line(struct server *s, const char *data, size_t len, size_t i, size_t *run)
{
	const char *end;

	if (s->at == LINE_START && data[i] == '.') {
		give(s, data + *run, i - *run);
		s->at = LINE_DOT;
		*run = i + 1;
		return i + 1;
	}
	if (s->at == LINE_CR && data[i] == '\n') {
		s->at = LINE_START;
		return i + 1;
	}
	end = memchr(data + i, '\n', len - i);
	if (!end) {
		s->at = data[len - 1] == '\r' ? LINE_CR : LINE_INSIDE;
		return len;
	}
	s->at = s->bare_lf || (end > data + i && end[-1] == '\r') ? LINE_START : LINE_INSIDE;
	return (size_t)(end - data) + 1;
}

/* Behind a dot at the start of a line.  True: that was the end. */
static bool data_dot(struct server *s, char c, size_t *i, size_t *run)
{
	bool ends = c == '\n' && (s->at == LINE_DOT_CR || s->bare_lf);

	if (ends || (s->at == LINE_DOT && c == '\r')) {
		s->at = LINE_DOT_CR;
		*run = ++*i;
	} else if (s->at == LINE_DOT_CR) {
		give(s, "\r", 1);
		s->at = LINE_CR;
	} else {
		s->at = LINE_INSIDE;
	}
	return ends;
}

size_t server_take_data(struct server *s, const char *data, size_t len)
{
	size_t i = 0, run = 0;

	while (i < len) {
		if (s->at != LINE_DOT && s->at != LINE_DOT_CR) {
			i = data_line(s, data, len, i, &run);
		} else if (data_dot(s, data[i], &i, &run)) {
			content_end(s);
			return i;
		}
	}
	give(s, data + run, i - run);
	return i;
}

/* ---- BDAT */

static void chunk_end(struct server *s)
{
	char text[64];

	if (s->chunk_last || s->refusal.code) {
		content_end(s);
		return;
	}
	s->phase = SERVER_COMMANDS;
	snprintf(text, sizeof(text), "%llu octets taken", (unsigned long long)s->content);
	server_say(s, 250, "2.0.0", text);
}

static void chunk_start(struct server *s)
{
	s->phase = SERVER_CHUNK;
	if (!s->chunk_left)
		chunk_end(s);
}

/* A chunk that is not wanted is passed over, or its octets would be commands. */
static void chunk_refuse(struct server *s, int code, const char *enhanced, const char *text)
{
	struct server_reply r;

	server_reply_set(&r, code, enhanced, "%s", text);
	refuse(s, &r);
	chunk_start(s);
}

void server_begin_chunk(struct server *s, uint64_t len, bool last, const char *wrong)
{
	s->chunk_left = len;
	s->chunk_last = last;
	if (wrong) {
		chunk_refuse(s, 501, "5.5.4", wrong);
	} else if (!s->begun) {
		chunk_refuse(s, 503, "5.5.1", s->failed ? "what this belongs to was refused" :
			"no message is begun, MAIL and RCPT come first");
	} else if (!s->mail.recipients) {
		chunk_refuse(s, 554, "5.5.1", "no valid recipients, give one with RCPT first");
	} else if (!fits(s, len)) {
		too_big(s);
		chunk_start(s);
	} else if (s->chunks) {
		chunk_start(s);
	} else {
		s->chunks = true;
		ask_begin(s, 250, "2.0.0", "go on");
	}
}

size_t server_take_chunk(struct server *s, const char *data, size_t len)
{
	if (len > s->chunk_left)
		len = (size_t)s->chunk_left;
	give(s, data, len);
	s->chunk_left -= len;
	if (!s->chunk_left)
		chunk_end(s);
	return len;
}

void server_content_answer(struct server *s, const struct server_reply *r)
{
	if (r->code < 400 && s->shutting)
		return;   /* 421 takes the place of this answer */
	if (s->chunks) {
		if (r->code >= 400)
			refuse(s, r);
		chunk_start(s);
	} else if (r->code < 400) {
		server_say(s, 354, "", r->text);
		s->phase = SERVER_DATA;
		s->at = LINE_START;
	} else {
		data_refused(s, r->code, r->enhanced, r->text);
	}
}
