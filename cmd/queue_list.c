/* cmd/queue_list.c - what is queued; see queue.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/text.h"
#include "cmd/queue.h"

enum {
	OUT_FULL = 32 << 10,
	OUT_MAX = 256 << 20      /* octets of one message shown: it may have 100,000 recipients */
};

/* ---- both queues */

struct walk {
	void (*item)(void *context, const struct manage_item *i);
	void *context;
	struct err err;        /* the first of the runner's messages that is none */
};

static void take_item(void *context, const json_t *object)
{
	struct walk *w = context;
	struct manage_copy copy;
	struct err e = { 0 };

	if (manage_item_read(object, &copy, &e) == 0)
		w->item(w->context, &copy.item);
	else if (w->err.kind == ERR_NONE)
		w->err = e;
	manage_copy_release(&copy);
}

int queues_list(struct queues *q, void (*item)(void *context, const struct manage_item *i),
	void *context)
{
	struct walk w = { .item = item, .context = context };
	struct err e = { 0 };
	int code = 0, other = 0;

	if (q->spool && manage_list(&q->manage, item, context, &e) < 0)
		code = print_failure(&e);
	if (!q->runner)
		return code;
	if (queues_ask(json_pack("{s:s}", "do", "list"), take_item, &w, &e) < 0)
		other = print_failure(&e);
	else if (w.err.kind != ERR_NONE)
		other = print_failure(&w.err);
	return other > code ? other : code;
}

bool queues_wants(const struct queues *q, const struct manage_item *i)
{
	return !q->globals->account || !strcmp(q->globals->account, manage_account(i));
}

/* ---- list */

enum form { FORM_MAILQ, FORM_TABLE, FORM_JSON };

struct listing {
	const struct queues *q;
	enum form form;
	bool all;                   /* what was given up too */
	struct buf out;
	uint64_t shown, octets, hidden;
	uint64_t unread;            /* are to be sent, and cannot be read: mailq has no line for them */
	struct err why;             /* the first of them */
	int code;                   /* of writing */
};

static void write_out(struct listing *l)
{
	if (l->code == 0)
		l->code = print_out(&l->out);
	buf_clear(&l->out);
}

/* mailq has what is still to be sent, as everywhere; what was given up has been
 * told, and is shown when it is asked for. */
static bool is_shown(struct listing *l, const struct manage_item *i)
{
	bool failed = !strcmp(i->state, "failed");

	if (!queues_wants(l->q, i))
		return false;
	if (failed && !l->all) {
		l->hidden++;
		return false;
	}
	if (l->form != FORM_MAILQ || i->entry)
		return true;
	if (strcmp(i->state, "damaged") != 0 && !l->unread++)
		err_set(&l->why, ERR_STORE, "message %s cannot be read: %s", i->id, i->trouble);
	return false;
}

static void list_item(void *context, const struct manage_item *i)
{
	struct listing *l = context;

	if (!is_shown(l, i))
		return;
	switch (l->form) {
	case FORM_MAILQ:
		show_mailq(i, !l->shown, &l->out);
		break;
	case FORM_TABLE:
		show_row(i, !l->shown, l->q->globals->verbose, &l->out);
		break;
	default:
		show_json(manage_item_json(i), &l->out);
		break;
	}
	l->shown++;
	l->octets += i->size;
	if (l->out.len > OUT_FULL)
		write_out(l);
}

static int list(struct queues *q, enum form form, bool all)
{
	struct listing l = { .q = q, .all = all, .out = BUF_INIT(OUT_MAX),
		.form = q->globals->json ? FORM_JSON : form };
	int code = 0;

	do {
		int one = queues_list(q, list_item, &l);

		code = one > code ? one : code;
	} while (queues_next(q, &code));
	if (l.form == FORM_TABLE && l.hidden)
		buf_printf(&l.out, "%s(%llu given up: `sendoff queue list --all` shows them)\n",
			l.shown ? "\n" : "", (unsigned long long)l.hidden);
	/* Nobody shall take "empty" from what could not be looked at. */
	if (l.form != FORM_JSON && (l.shown || (!code && !l.unread)))
		show_total(l.octets, l.shown, &l.out);
	write_out(&l);
	buf_release(&l.out);
	if (l.unread && !code)
		code = print_failure(&l.why);
	return l.code > code ? l.code : code;
}

int queue_list(struct queues *q, bool all)
{
	return list(q, FORM_TABLE, all);
}

int queue_mailq(struct queues *q)
{
	return list(q, FORM_MAILQ, false);
}

/* ---- show */

struct shown {
	const struct queues *q;
	bool content;
	bool clean;                 /* a terminal reads it */
	bool told;                  /* the item is out */
	struct buf out;
	int code;
};

static void write_shown(struct shown *s)
{
	if (s->code == 0)
		s->code = print_out(&s->out);
	buf_clear(&s->out);
}

static void shown_item(void *context, const struct manage_item *i)
{
	struct shown *s = context;

	if (s->q->globals->json)
		show_json(manage_item_json(i), &s->out);
	else if (!s->content)
		show_whole(i, &s->out);
	write_shown(s);
}

/* Line ends stay, whatever else a terminal would act on does not. */
static void add_clean(const char *data, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; ) {
		const char *end = memchr(data + at, '\n', len - at);
		size_t line = end ? (size_t)(end - (data + at)) : len - at;
		size_t text = line && data[at + line - 1] == '\r' ? line - 1 : line;

		text_clean(data + at, text, 4 * text, out);
		if (end)
			buf_add_char(out, '\n');
		at += line + (end ? 1 : 0);
	}
}

static void shown_content(void *context, const char *data, size_t len)
{
	struct shown *s = context;

	if (s->q->globals->json && !s->content)
		return;   /* the runner sends the header in any case */
	if (s->q->globals->json) {
		struct buf coded = BUF_INIT(2 * len + 8);

		base64_encode(data, len, &coded);
		show_json(json_pack("{s:s}", "base64", buf_text(&coded)), &s->out);
		buf_release(&coded);
	} else {
		if (!s->content && !s->told)
			buf_add_char(&s->out, '\n');
		if (s->clean)
			add_clean(data, len, &s->out);
		else
			buf_add(&s->out, data, len);
	}
	s->told = true;
	write_shown(s);
}

static void take_shown(void *context, const json_t *object)
{
	struct shown *s = context;
	const char *coded = json_string_value(json_object_get(object, "base64"));
	struct manage_copy copy;
	struct err e = { 0 };

	if (coded) {
		struct buf data = BUF_INIT(OUT_MAX);

		if (base64_decode(coded, strlen(coded), &data) == 0)
			shown_content(s, buf_text(&data), data.len);
		buf_release(&data);
		return;
	}
	if (manage_item_read(object, &copy, &e) == 0)
		shown_item(s, &copy.item);
	else
		s->code = print_failure(&e);
	manage_copy_release(&copy);
}

int queue_show(struct queues *q, const char *id, bool content)
{
	struct shown s = { .q = q, .content = content, .out = BUF_INIT(OUT_MAX),
		.clean = !content || isatty(STDOUT_FILENO) };
	bool wanted = content || !q->globals->json;
	struct err e = { 0 };
	int r;

	if (queues_is_later(q, id))
		queues_next(q, &s.code);
	if (s.code)
		return s.code;
	if (queues_is_system(q, id))
		r = queues_ask(json_pack("{s:s, s:s, s:b}", "do", "show", "id", id, "content",
			content), take_shown, &s, &e);
	else if (q->spool)
		r = manage_show(&q->manage, id, content, shown_item,
			wanted ? shown_content : NULL, &s, &e);
	else
		r = err_set(&e, ERR_USAGE, "there is no message here: nothing was ever queued");
	buf_release(&s.out);
	return r < 0 ? print_failure(&e) : s.code;
}
