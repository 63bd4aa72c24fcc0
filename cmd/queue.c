/* cmd/queue.c - sendoff queue: see and steer what waits; see queue.h. */
#include "cmd/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* ---- options */

enum {
	OPTION_ALL = 1, OPTION_CONTENT = 2, OPTION_MAX_AGE = 4, OPTION_MAX_COUNT = 8,
	OPTION_INTERVAL = 16
};

struct queue_words {
	unsigned given;            /* set of OPTION_ */
	long max_age, max_count, interval;   /* ms; messages; ms */
};

#define TAKE(name) static int take_##name(void *into, const char *value, struct err *e)

TAKE(all)
{
	(void)value;
	(void)e;
	((struct queue_words *)into)->given |= OPTION_ALL;
	return 0;
}

TAKE(content)
{
	(void)value;
	(void)e;
	((struct queue_words *)into)->given |= OPTION_CONTENT;
	return 0;
}

static int take_number(const struct key *row, const char *value, long *into, struct err *e)
{
	struct err why = { 0 };

	if (key_parse(row, value, into, &why) == 0)
		return 0;
	err_set(e, ERR_USAGE, "%s", why.text);
	return why.hint[0] ? err_hint(e, "%s", why.hint) : -1;
}

TAKE(max_age)
{
	static const struct key row = { .name = "--max-age", .type = KEY_DURATION, .least = 0,
		.most = 400L * 86400 * 1000 };
	struct queue_words *w = into;

	w->given |= OPTION_MAX_AGE;
	return take_number(&row, value, &w->max_age, e);
}

TAKE(max_count)
{
	static const struct key row = { .name = "--max-count", .type = KEY_NUMBER, .least = 0,
		.most = 1000000000 };
	struct queue_words *w = into;

	w->given |= OPTION_MAX_COUNT;
	return take_number(&row, value, &w->max_count, e);
}

TAKE(interval)
{
	static const struct key row = { .name = "interval", .type = KEY_DURATION, .least = 1000,
		.most = 400L * 86400 * 1000 };
	struct queue_words *w = into;

	w->given |= OPTION_INTERVAL;
	return take_number(&row, value, &w->interval, e);
}

const struct opt queue_options[] = {
	{ 0, "all", OPT_FLAG, NULL, "list: what was given up too; else: every message", take_all },
	{ 0, "content", OPT_FLAG, NULL, "show: the message itself, as it is stored",
		take_content },
	{ 0, "max-age", OPT_VALUE, "TIME", "check: how long a message may wait (1h)",
		take_max_age },
	{ 0, "max-count", OPT_VALUE, "N", "check: how many may wait", take_max_count },
	{ 0, "interval", OPT_VALUE, "TIME", "watch: how often to look at least (30m)",
		take_interval },
	{ 0, NULL, OPT_FLAG, NULL, NULL, NULL }
};

/* ---- hold, release, remove, retry */

static const struct deed {
	const char *name, *done;
	enum manage_deed deed;
} deeds[] = {
	{ "hold", "held", MANAGE_HOLD },
	{ "release", "released", MANAGE_RELEASE },
	{ "remove", "removed", MANAGE_REMOVE },
	{ "retry", "due now", MANAGE_RETRY },
};

static int tell_done(const struct queues *q, const struct deed *d, const char *id)
{
	struct buf out = BUF_INIT(1024);
	int code;

	if (q->globals->json)
		print_json(&out, (const char *[]){ "id", id, "done", d->name, NULL });
	else if (!q->globals->quiet)
		buf_printf(&out, "%s: %s\n", id, d->done);
	code = print_out(&out);
	buf_release(&out);
	return code;
}

static int tell_failed(const struct queues *q, const struct deed *d, const char *id,
	const struct err *e)
{
	struct buf out = BUF_INIT(4096);
	char shown[MANAGE_ID_MAX];

	if (q->globals->json) {
		text_clean_to(shown, sizeof(shown), id, strlen(id));
		print_json(&out, (const char *[]){ "id", shown, "failed", d->name, "error", e->text,
			NULL });
		print_out(&out);
		buf_release(&out);
	}
	return print_failure(e);
}

static void take_id(void *context, const json_t *object)
{
	const char *id = json_string_value(json_object_get(object, "id"));

	if (id)
		text_clean_to(context, MANAGE_ID_MAX, id, strlen(id));
}

static int do_one(struct queues *q, const struct deed *d, const char *id)
{
	char done[MANAGE_ID_MAX] = "";
	struct err e = { 0 };
	int r;

	if (queues_is_system(q, id))
		r = queues_ask(json_pack("{s:s, s:s}", "do", d->name, "id", id), take_id, done, &e);
	else if (q->spool)
		r = manage_do(&q->manage, d->deed, id, done, &e);
	else
		r = err_set(&e, ERR_USAGE, "there is no message here: nothing was ever queued");
	return r < 0 ? tell_failed(q, d, id, &e) : tell_done(q, d, done);
}

/* The ids of all that a deed with --all is about. */
struct ids {
	const struct queues *q;
	enum manage_deed deed;
	char (*items)[MANAGE_ID_MAX];   /* own */
	size_t count, cap;
};

static bool is_meant(const struct ids *ids, const struct manage_item *i)
{
	if (!i->entry || !queues_wants(ids->q, i))
		return false;
	switch (ids->deed) {
	case MANAGE_HOLD:
		return !strcmp(i->state, "new");
	case MANAGE_RELEASE:
		return !strcmp(i->state, "hold");
	case MANAGE_RETRY:
		return strcmp(i->state, "hold") != 0;
	default:
		return true;
	}
}

static void collect(void *context, const struct manage_item *i)
{
	struct ids *ids = context;

	if (!is_meant(ids, i))
		return;
	if (ids->count == ids->cap) {
		ids->cap = ids->cap ? 2 * ids->cap : 64;
		ids->items = mem_grow(ids->items, ids->cap, sizeof(*ids->items));
	}
	memcpy(ids->items[ids->count++], i->id, sizeof(i->id));
}

static int do_each(struct queues *q, const struct deed *d)
{
	struct ids ids = { .q = q, .deed = d->deed };
	int code = queues_list(q, collect, &ids);

	for (size_t i = 0; i < ids.count; i++) {
		int one = do_one(q, d, ids.items[i]);

		code = one > code ? one : code;
	}
	free(ids.items);
	return code;
}

static int do_all(struct queues *q, const struct deed *d)
{
	int code = 0;

	do {
		int one = do_each(q, d);

		code = one > code ? one : code;
	} while (queues_next(q, &code));
	return code;
}

/* First what is in one's own queue. */
static int do_named(struct queues *q, const struct deed *d, char **words, int count)
{
	int code = 0, later = 0;

	for (int i = 0; i < count; i++)
		if (queues_is_later(q, words[i])) {
			words[later++] = words[i];
		} else {
			int one = do_one(q, d, words[i]);

			code = one > code ? one : code;
		}
	if (later && (queues_next(q, &code) || !code)) {
		int one = do_named(q, d, words, later);

		code = one > code ? one : code;
	}
	return code;
}

static int needs_id(const char *verb, struct err *e)
{
	err_set(e, ERR_USAGE, "queue %s needs the id of a message", verb);
	return err_hint(e, "`sendoff queue list` shows them; the first letters are enough");
}

static int do_deed(struct queues *q, const struct deed *d, char **words, int count,
	const struct queue_words *w)
{
	struct err e = { 0 };

	if (w->given & OPTION_ALL && count)
		err_set(&e, ERR_USAGE, "--all and ids do not go together");
	else if (!(w->given & OPTION_ALL) && !count)
		needs_id(d->name, &e);
	if (e.kind != ERR_NONE)
		return print_failure(&e);
	return w->given & OPTION_ALL ? do_all(q, d) : do_named(q, d, words, count);
}

/* ---- which of them */

static const struct verb {
	const char *name;
	unsigned options;
	int most;                  /* words behind it; -1: any number */
} verbs[] = {
	{ "list", OPTION_ALL, 0 },
	{ "show", OPTION_CONTENT, 1 },
	{ "flush", 0, -1 },
	{ "hold", OPTION_ALL, -1 },
	{ "release", OPTION_ALL, -1 },
	{ "remove", OPTION_ALL, -1 },
	{ "retry", OPTION_ALL, -1 },
	{ "check", OPTION_MAX_AGE | OPTION_MAX_COUNT, 0 },
	{ "watch", OPTION_INTERVAL, 0 },
};

static const struct verb *find_verb(const char *word, struct err *e)
{
	const char *near = NULL;
	size_t distance = 3;
	char shown[80];

	for (size_t i = 0; i < COUNT(verbs); i++) {
		size_t d = text_distance(word, verbs[i].name);

		if (!d)
			return &verbs[i];
		if (d < distance) {
			distance = d;
			near = verbs[i].name;
		}
	}
	text_clean_to(shown, sizeof(shown), word, strlen(word));
	err_set(e, ERR_USAGE, "'%s' is nothing that can be done with the queue", shown);
	if (near)
		err_hint(e, "did you mean `sendoff queue %s`?", near);
	else
		err_hint(e, "try `sendoff help queue`");
	return NULL;
}

static int check_use(const struct verb *v, const struct queue_words *w, int count, struct err *e)
{
	static const char *const names[] = { "all", "content", "max-age", "max-count",
		"interval" };
	unsigned wrong = w->given & ~v->options, bit = 0;

	if (wrong) {
		while (!(wrong & 1u << bit))
			bit++;
		err_set(e, ERR_USAGE, "queue %s has no option --%s", v->name, names[bit]);
		return err_hint(e, "try `sendoff help queue`");
	}
	if (v->most < 0 || count <= v->most)
		return 0;
	err_set(e, ERR_USAGE, "queue %s takes %s", v->name,
		v->most ? "one id" : "no further words");
	return err_hint(e, "try `sendoff help queue`");
}

static int run_verb(struct queues *q, const struct verb *v, char **words, int count,
	const struct queue_words *w)
{
	struct err e = { 0 };

	for (size_t i = 0; i < COUNT(deeds); i++)
		if (!strcmp(v->name, deeds[i].name))
			return do_deed(q, &deeds[i], words, count, w);
	if (!strcmp(v->name, "list"))
		return queue_list(q, w->given & OPTION_ALL);
	if (!strcmp(v->name, "flush"))
		return queue_flush(q, words, count);
	if (!strcmp(v->name, "check"))
		return queue_check(q, w->max_age, w->given & OPTION_MAX_COUNT ? w->max_count : -1);
	if (count)
		return queue_show(q, words[0], w->given & OPTION_CONTENT);
	needs_id(v->name, &e);
	return print_failure(&e);
}

int cmd_queue(struct globals *globals, char **words, int count)
{
	struct queue_words w = { .max_age = 3600 * 1000 };
	const struct verb *v = &verbs[0];
	struct queues q;
	struct err e = { 0 };
	int code;

	if (opt_parse(queue_options, &w, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (globals->help) {
		char name[] = "queue", *named[] = { name };

		return cmd_help(globals, named, 1);
	}
	if (count)
		v = find_verb(words[0], &e);
	if (!v || check_use(v, &w, count ? count - 1 : 0, &e) < 0)
		return print_failure(&e);
	if (!strcmp(v->name, "watch"))
		return cmd_queue_watch(globals, w.interval);
	if (queues_open(&q, globals, &e) < 0)
		code = print_failure(&e);
	else
		code = run_verb(&q, v, words + (count ? 1 : 0), count ? count - 1 : 0, &w);
	queues_close(&q);
	return code;
}
