/* queue/progress.c - what has happened to an entry, as lines; see progress.h. */
#include "queue/progress.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	TEXTS_MAX = 8 << 20,    /* octets of all recipients' answers; written, up to three times that */
	CODE_MAX = 999
};

#define FIELD(word, type, field) \
	{ word, type, offsetof(struct entry, field), sizeof(((struct entry *)0)->field), false, NULL }

static const struct field fields[] = {
	FIELD("tries", FIELD_UNSIGNED, tries),
	FIELD("next", FIELD_TIME, next),
	FIELD("next-set", FIELD_TIME, next_set),
	FIELD("last", FIELD_TIME, last),
	FIELD("tried-by", FIELD_TEXT, last_account),
	FIELD("cause", FIELD_TEXT, cause),
	FIELD("reason", FIELD_TEXT, reason),
	FIELD("delay-told", FIELD_BOOL, delay_told),
	FIELD("failure-told", FIELD_BOOL, failure_told),
	{ 0 }
};

static const char *const states[] = { "waiting", "delivered", "failed", "reported" };

/* --- writing -------------------------------------------------------------- */

static bool is_untouched(const struct entry_recipient *r)
{
	return r->state == RECIPIENT_WAITING && !r->unsure && !r->code && !*r->enhanced &&
		(!r->text || !*r->text) && r->when <= 0;
}

static void write_recipient(const struct entry_recipient *r, size_t number, size_t most,
	struct buf *out)
{
	buf_printf(out, "recipient %zu %s %lld", number, states[r->state],
		r->when > 0 ? (long long)r->when : 0);
	if (r->unsure)
		buf_add_text(out, " unsure");
	if (r->code > 0 && r->code <= CODE_MAX)
		buf_printf(out, " code=%d", r->code);
	if (*r->enhanced) {
		buf_add_text(out, " enhanced=");
		value_write(out, r->enhanced, sizeof(r->enhanced));
	}
	if (r->text && *r->text && most) {
		buf_add_text(out, " text=");
		value_write(out, r->text, most);
	}
	buf_add_char(out, '\n');
}

static void write_event(const struct entry_event *v, struct buf *out)
{
	buf_printf(out, "event %lld ", v->when > 0 ? (long long)v->when : 0);
	value_write(out, v->what, sizeof(v->what));
	if (v->text && *v->text) {
		buf_add_char(out, ' ');
		value_write(out, v->text, ENTRY_TEXT_MAX);
	}
	buf_add_char(out, '\n');
}

void progress_write(const struct entry *n, struct buf *out)
{
	size_t most = n->count ? TEXTS_MAX / n->count : 0;

	if (most > ENTRY_TEXT_MAX)
		most = ENTRY_TEXT_MAX;
	fields_write(fields, n, out);
	for (size_t i = 0; i < n->count; i++)
		if (!is_untouched(&n->recipients[i]))
			write_recipient(&n->recipients[i], i + 1, most, out);
	for (size_t i = 0; i < n->event_count; i++)
		if (*n->events[i].what)
			write_event(&n->events[i], out);
}

/* --- reading -------------------------------------------------------------- */

static bool read_state(const struct value *v, enum recipient_state *state)
{
	for (unsigned i = 0; i < COUNT(states); i++)
		if (value_is(v, states[i])) {
			*state = (enum recipient_state)i;
			return true;
		}
	return false;
}

static bool read_time(struct line *l, int64_t *when)
{
	struct value v;
	uint64_t number;

	if (!line_take(l, &v) || !value_number(v.at, v.len, INT64_MAX, &number))
		return false;
	*when = (int64_t)number;
	return true;
}

static bool read_code(const struct value *v, int *code)
{
	uint64_t number;

	if (!value_number(v->at, v->len, CODE_MAX, &number))
		return false;
	*code = (int)number;
	return number > 0;
}

static bool copy_short(const struct value *v, char *to, size_t size)
{
	char *text = value_read(v->at, v->len);
	bool good = text && strlen(text) < size;

	if (good)
		memcpy(to, text, strlen(text) + 1);
	free(text);
	return good;
}

static bool read_text(const struct value *v, char **text)
{
	*text = value_read(v->at, v->len);
	return *text != NULL;
}

/* What may follow, each at most once and in this order. */
static bool read_answer(struct line *l, struct entry_recipient *r)
{
	struct value v, inner;
	bool more = line_take(l, &v);

	if (more && value_is(&v, "unsure")) {
		r->unsure = true;
		more = line_take(l, &v);
	}
	if (more && value_named(&v, "code", &inner)) {
		if (!read_code(&inner, &r->code))
			return false;
		more = line_take(l, &v);
	}
	if (more && value_named(&v, "enhanced", &inner)) {
		if (!copy_short(&inner, r->enhanced, sizeof(r->enhanced)))
			return false;
		more = line_take(l, &v);
	}
	if (more && value_named(&v, "text", &inner)) {
		if (!read_text(&inner, &r->text))
			return false;
		more = line_take(l, &v);
	}
	return !more;
}

/* Numbers rise, so that nobody is told of twice. */
static bool read_recipient(struct line *l, struct entry *n, uint64_t *before)
{
	struct entry_recipient *r;
	struct value v;
	uint64_t number;

	if (!line_take(l, &v) || !value_number(v.at, v.len, n->count, &number) ||
			number <= *before)
		return false;
	*before = number;
	r = &n->recipients[number - 1];
	return line_take(l, &v) && read_state(&v, &r->state) && read_time(l, &r->when) &&
		read_answer(l, r) && !is_untouched(r);
}

static bool read_event(struct line *l, struct entry *n)
{
	struct entry_event *event;
	struct value v;

	if (n->event_count == ENTRY_HISTORY_MAX)
		return false;
	n->events = mem_grow(n->events, n->event_count + 1, sizeof(*n->events));
	event = &n->events[n->event_count++];
	*event = (struct entry_event){ 0 };
	if (!read_time(l, &event->when) || !line_take(l, &v) ||
			!copy_short(&v, event->what, sizeof(event->what)))
		return false;
	return !line_take(l, &v) || (read_text(&v, &event->text) && !l->rest_len);
}

int progress_read(struct lines *l, struct entry *n, struct err *e)
{
	struct line *line;
	uint64_t before = 0;
	bool good = true;
	int got;

	if (fields_read(fields, l, n, e) < 0)
		return -1;
	while ((got = lines_peek(l, &line)) > 0) {
		if (line_is(line, "recipient") && !n->event_count)
			good = read_recipient(line, n, &before);
		else
			good = line_is(line, "event") && read_event(line, n);
		if (!good)
			return lines_bad(l, e);
		lines_drop(l);
	}
	return got < 0 ? lines_bad(l, e) : 0;
}
