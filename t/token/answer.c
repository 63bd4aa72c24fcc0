/* t/token/answer.c - answers, right and as a script has them; see http.h. */
#include "t/token/http.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "t/server/journal.h"

void answer_release(struct answer *a)
{
	json_decref(a->fields);
	free(a->redirect);
	buf_release(&a->body);
	buf_release(&a->headers);
}

/* Takes a word off the front of *text. */
static char *word(const char **text)
{
	size_t len = strcspn(*text, " ");
	char *w = mem_copy(*text, len);

	*text += len;
	*text += strspn(*text, " ");
	return w;
}

static void answer_empty(struct answer *a)
{
	json_decref(a->fields);
	free(a->redirect);
	buf_clear(&a->body);
	a->fields = NULL;
	a->redirect = NULL;
}

/* "503 retry-after 7 type text/html body <p>sorry" */
static void answer_status(struct answer *a, const char *text)
{
	char *w = word(&text);

	answer_empty(a);
	a->status = atoi(w);
	for (free(w); *text; free(w)) {
		w = word(&text);
		if (!strcmp(w, "body")) {
			buf_add_text(&a->body, text);   /* to the end */
			text = "";
		} else if (!strcmp(w, "retry-after")) {
			size_t len = strcspn(text, ";");   /* a date has blanks */

			if (!text[len])
				len = strcspn(text, " ");
			buf_printf(&a->headers, "Retry-After: %.*s\r\n", (int)len, text);
			text += len + (text[len] == ';');
			text += strspn(text, " ");
		} else if (!strcmp(w, "type")) {
			a->type = word(&text);
		} else {
			journal_say(0, "FAULT", "cannot read '%s' of a status", w);
		}
	}
}

/* "invalid_grant Token has been expired": as the endpoint says it; where the browser is to
 * be sent back, by that way. */
static void answer_error(struct answer *a, const char *text)
{
	char *name = word(&text);
	json_t *state = a->redirect ? json_incref(json_object_get(a->fields, "state")) : NULL;

	json_decref(a->fields);
	a->fields = json_pack("{s:s, s:o*}", "error", name, "state", state);
	if (*text)
		json_object_set_new(a->fields, "error_description", json_string(text));
	if (!a->redirect)
		a->status = strcmp(name, "invalid_client") ? 400 : 401;
	free(name);
}

static void answer_set(struct answer *a, const char *text)
{
	char *name = word(&text);

	json_object_set_new(a->fields, name, json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	free(name);
}

/* What a fault makes of the answer itself. */
static void answer_spoil(struct answer *a, const struct fault *f)
{
	const char *text = buf_text(&f->text);

	switch (f->action) {
	case FAULT_STATUS: answer_status(a, text); break;
	case FAULT_ERROR:  answer_error(a, text); break;
	case FAULT_SET:    answer_set(a, text); break;
	case FAULT_DROP:   json_object_del(a->fields, text); break;
	case FAULT_TYPE:   a->type = text; break;
	case FAULT_BODY:
		answer_empty(a);
		a->status = 200;
		buf_add(&a->body, text, f->text.len);
		break;
	case FAULT_HUGE:
		answer_empty(a);
		a->status = 200;
		a->body.max = 256 << 20;
		buf_add_text(&a->body, "{\"access_token\":\"");
		memset(buf_reserve(&a->body, f->number), 'x', f->number);
		a->body.len += f->number;
		buf_add_text(&a->body, "\",\"token_type\":\"Bearer\"}");
		break;
	case FAULT_REDIRECT:
		answer_empty(a);
		a->status = 302;
		a->redirect = mem_string(text);
		break;
	default:
		break;
	}
}

/* The redirect with its query. */
static void answer_location(const struct answer *a, struct buf *out)
{
	char mark = strchr(a->redirect, '?') ? '&' : '?';
	const char *name;
	json_t *value;

	buf_printf(out, "Location: %s", a->redirect);
	json_object_foreach(a->fields, name, value) {
		buf_printf(out, "%c%s=", mark, name);
		form_encode(json_string_value(value), out);
		mark = '&';
	}
	buf_add_text(out, "\r\n");
}

static void answer_body(struct answer *a)
{
	char *text;

	if (a->redirect) {
		answer_location(a, &a->headers);
		buf_clear(&a->body);
	} else if (a->fields) {
		text = json_dumps(a->fields, JSON_COMPACT);
		buf_clear(&a->body);
		buf_add_text(&a->body, text ? text : "");
		free(text);
	}
}

static void answer_text(struct answer *a, bool chunked, struct buf *out)
{
	out->max = 300 << 20;
	buf_printf(out, "HTTP/1.1 %d test\r\nContent-Type: %s\r\nCache-Control: no-store\r\n",
		a->status, a->type ? a->type : "application/json");
	buf_add(out, buf_text(&a->headers), a->headers.len);
	if (!chunked) {
		buf_printf(out, "Content-Length: %zu\r\n\r\n", a->body.len);
		buf_add(out, buf_text(&a->body), a->body.len);
		return;
	}
	buf_add_text(out, "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < a->body.len; i++)
		buf_printf(out, "1\r\n%c\r\n", a->body.data[i]);
	buf_add_text(out, "0\r\n\r\n");
}

static void answer_note(struct wire *w, const struct answer *a, const struct fault *f)
{
	const char *error = json_string_value(json_object_get(a->fields, "error"));
	json_t *o = json_pack("{s:i, s:s*, s:s*, s:b}", "status", a->status, "error", error, "why",
		a->why, "fault", f != NULL);
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

	journal_say(w->number, "ANSWER", "%s", text);
	free(text);
	json_decref(o);
}

static void answer_sleep(unsigned long ms)
{
	const struct timespec t = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000
	};

	nanosleep(&t, NULL);
}

static void send_all(struct wire *w, const struct buf *text)
{
	for (size_t at = 0; at < text->len && !w->broken; at += 1 << 20) {
		size_t rest = text->len - at;

		buf_add(&w->out, text->data + at, rest < 1 << 20 ? rest : 1 << 20);
		wire_flush(w);
	}
}

/* What becomes of the octets of an answer; false: the connection is done for. */
static bool answer_send(struct wire *w, const struct fault *f, const struct buf *text)
{
	struct buf part = { .data = text->data };

	switch (f ? f->action : FAULT_SET) {
	case FAULT_CLOSE:
		return false;
	case FAULT_RESET:
		wire_reset(w);
		return false;
	case FAULT_SILENCE: case FAULT_STALL:
		wire_wait(w, POLLRDHUP, -1);
		return false;
	case FAULT_REPLY:
		send_all(w, &f->text);
		return false;
	case FAULT_DRIP:
		wire_drip(w, text->data, text->len, f->number);
		return !w->broken;
	case FAULT_CUT:
		part.len = text->len > f->number ? text->len - f->number : 0;
		send_all(w, &part);
		return false;
	case FAULT_DELAY:
		answer_sleep(f->number);
		break;
	default:
		break;
	}
	send_all(w, text);
	return !w->broken;
}

bool answer_write(struct wire *w, struct answer *a, const struct fault *f)
{
	struct buf text = BUF_INIT(0);
	bool on;

	if (f)
		answer_spoil(a, f);
	answer_note(w, a, f);
	answer_body(a);
	answer_text(a, f && f->action == FAULT_CHUNKED, &text);
	on = answer_send(w, f, &text);
	buf_release(&text);
	return on;
}
