/* t/token/http.c - requests, read strictly and written down; see http.h. */
#include "t/token/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/text.h"
#include "t/server/journal.h"

enum { BODY_MAX = 64 * 1024, HEADERS_MOST = 64, HEADER_LINE_MAX = 16 * 1024 };

static void foul(struct wire *w, struct request *r, const char *why)
{
	journal_say(w->number, "VIOLATION", "http: %s", why);
	r->foul = r->last = true;
}

/* A line without its CRLF; false: none. */
static bool line_read(struct wire *w, struct request *r, struct buf *line)
{
	if (!wire_line(w, line))
		return false;
	if (line->len < 2 || line->data[line->len - 2] != '\r')
		foul(w, r, "a line that LF alone ends");
	else if (memchr(line->data, 0, line->len) || line->len > HEADER_LINE_MAX)
		foul(w, r, "a line with a NUL, or too long");
	line->len = strcspn(line->data, "\r\n");
	line->data[line->len] = '\0';
	return true;
}

/* METHOD SP TARGET SP HTTP/1.1 */
static void request_line(struct wire *w, struct request *r, char *line)
{
	char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL, *query;

	if (!version || strcmp(version, " HTTP/1.1") || target - line >= (ssize_t)sizeof(r->method) ||
			target[1] != '/') {
		foul(w, r, "not METHOD /PATH HTTP/1.1");
		return;
	}
	*target++ = *version = '\0';
	memcpy(r->method, line, strlen(line) + 1);
	query = strchr(target, '?');
	if (query && (*query++ = '\0', form_read(&r->query, query, strlen(query)) < 0))
		foul(w, r, "a query that cannot be read");
	if (strlen(target) >= sizeof(r->path))
		foul(w, r, "a path too long");
	else
		memcpy(r->path, target, strlen(target) + 1);
}

/* RFC 6749 section 2.3.1: both halves are encoded as in a form. */
static void authorization(struct wire *w, struct request *r, const char *value)
{
	struct buf pair = BUF_INIT(0);
	struct form f = { .count = 0 };
	char *colon;

	if (strncasecmp(value, "Basic ", 6) || base64_decode(value + 6, strlen(value + 6), &pair) < 0 ||
			!(colon = strchr(buf_text(&pair), ':'))) {
		foul(w, r, "an Authorization that is not Basic");
	} else {
		*colon = '=';
		if (form_read(&f, pair.data, pair.len) < 0 || f.count != 1)
			foul(w, r, "an Authorization that is not encoded");
		else {
			r->basic_user = mem_string(f.field[0].name);
			r->basic_password = mem_string(f.field[0].value);
		}
	}
	form_release(&f);
	buf_release(&pair);
}

static bool header_is(const char *line, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) || line[len] != ':')
		return false;
	*value = line + len + 1;
	*value += strspn(*value, " \t");
	return true;
}

/* One header field; *length becomes that of the body. */
static void header(struct wire *w, struct request *r, const char *line, size_t *length)
{
	const char *value;

	if (!strchr(line, ':')) {
		foul(w, r, "a header field without a colon");
	} else if (header_is(line, "Content-Length", &value)) {
		*length = strtoul(value, NULL, 10);
		if (*length > BODY_MAX)
			foul(w, r, "a body too large");
	} else if (header_is(line, "Transfer-Encoding", &value)) {
		foul(w, r, "a body in chunks");
	} else if (header_is(line, "Content-Type", &value)) {
		r->form_typed = !strncasecmp(value, "application/x-www-form-urlencoded", 33);
	} else if (header_is(line, "Authorization", &value)) {
		authorization(w, r, value);
	} else if (header_is(line, "Connection", &value)) {
		r->last = r->last || !strcasecmp(value, "close");
	} else if (header_is(line, "Cookie", &value)) {
		foul(w, r, "a cookie");
	}
}

static void body(struct wire *w, struct request *r, size_t length)
{
	while (!w->broken && wire_held(w) < length)
		wire_fill(w, true);
	if (wire_held(w) < length) {
		foul(w, r, "half a body");
		return;
	}
	if (length && !r->form_typed)
		foul(w, r, "a body that is not said to be a form");
	else if (form_read(&r->form, wire_data(w), length) < 0)
		foul(w, r, "a form that cannot be read");
	wire_take(w, length);
}

static json_t *form_json(const struct form *f)
{
	json_t *o = json_object();

	for (size_t i = 0; i < f->count; i++) {
		json_t *value = json_string(f->field[i].value);

		json_object_set_new(o, f->field[i].name, value ? value : json_string("(not UTF-8)"));
	}
	return o;
}

static void request_note(struct wire *w, const struct request *r, json_t *headers)
{
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s*, s:s*}", "method", r->method, "path",
		r->path, "query", form_json(&r->query), "form", form_json(&r->form), "headers", headers,
		"basic_user", r->basic_user, "basic_password", r->basic_password);
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

	journal_say(w->number, "REQUEST", "%s", text ? text : "null");
	free(text);
	json_decref(o);
}

bool request_read(struct wire *w, struct request *r)
{
	struct buf line = BUF_INIT(WIRE_LINE_MAX * 2);
	json_t *headers = json_array();
	size_t length = 0;
	bool came = line_read(w, r, &line);

	if (came && !r->foul)
		request_line(w, r, line.data);
	while (came && !r->foul && json_array_size(headers) < HEADERS_MOST) {
		came = line_read(w, r, &line);
		if (!came || !line.len)
			break;
		json_array_append_new(headers, json_string(line.data));
		header(w, r, line.data, &length);
	}
	if (came && !r->foul)
		body(w, r, length);
	buf_wipe(&line);
	if (came)
		request_note(w, r, headers);
	else
		json_decref(headers);
	return came;
}

void request_release(struct request *r)
{
	form_release(&r->query);
	form_release(&r->form);
	free(r->basic_user);
	free(r->basic_password);
}
