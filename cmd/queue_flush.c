/* cmd/queue_flush.c - send now what waits; see queue.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cmd/queue.h"
#include "deliver/cause.h"
#include "deliver/flush.h"

enum {
	BAR_MANY = 20,         /* with more than so many messages there is a bar at once, */
	BAR_LATE_MS = 2000,    /* else when it takes longer than that */
	BAR_WIDTH = 30,
	BAR_EVERY_MS = 100
};

/* ---- while it runs */

struct progress {
	const struct globals *globals;
	char scope;                /* of ids */
	bool terminal;
	uint64_t total, done;      /* messages */
	uint64_t began, drawn;     /* clock_ms(); 0: never */
};

static void draw(struct progress *p)
{
	struct buf out = BUF_INIT(256);
	uint64_t total = p->total > p->done ? p->total : p->done;
	unsigned filled = total ? (unsigned)(p->done * BAR_WIDTH / total) : 0;

	buf_add_text(&out, "\r[");
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		buf_add_char(&out, i < filled ? '#' : '.');
	buf_printf(&out, "] %llu of %llu", (unsigned long long)p->done,
		(unsigned long long)total);
	print_err(&out);
	buf_release(&out);
}

static void clear(struct progress *p)
{
	struct buf out = BUF_INIT(16);

	if (!p->drawn)
		return;
	buf_add_text(&out, "\r\033[K");
	print_err(&out);
	buf_release(&out);
	p->drawn = 0;
}

static void told(void *context, const struct entry *n, const char *what)
{
	struct progress *p = context;
	uint64_t now = clock_ms();

	p->done++;
	if (p->globals->verbose) {
		struct buf out = BUF_INIT(4096);

		buf_printf(&out, "* %c-%s: ", p->scope, n->id);
		text_clean(what, strlen(what), 2 * TEXT_SHOWN_MAX, &out);
		buf_add_char(&out, '\n');
		print_err(&out);
		buf_release(&out);
		return;
	}
	if (!p->terminal || now - p->drawn < BAR_EVERY_MS)
		return;
	if (p->total <= BAR_MANY && now - p->began < BAR_LATE_MS)
		return;
	draw(p);
	p->drawn = now;
}

/* ---- how it went */

static void add_result(struct flush_result *sum, const struct flush_result *r)
{
	sum->due += r->due;
	sum->delivered += r->delivered;
	sum->later += r->later;
	sum->stuck += r->stuck;
	sum->failed += r->failed;
	sum->busy += r->busy;
	sum->damaged += r->damaged;
	sum->connections += r->connections;
	if (r->next && (!sum->next || r->next < sum->next))
		sum->next = r->next;
	if (r->reason[0]) {
		memcpy(sum->account, r->account, sizeof(sum->account));
		memcpy(sum->reason, r->reason, sizeof(sum->reason));
		memcpy(sum->step, r->step, sizeof(sum->step));
		sum->cause = r->cause;
		sum->signs_in = r->signs_in;
		sum->untried = r->untried;
	}
}

static void add_part(struct buf *out, size_t count, const char *one, const char *many)
{
	if (count)
		buf_printf(out, "%s%zu %s", out->len ? ", " : "", count, count == 1 ? one : many);
}

/* "12:34", the minute in which it has come. */
static const char *clock_words(int64_t when, char out[8])
{
	time_t moment = (time_t)(when + 59);
	struct tm local;

	if (!localtime_r(&moment, &local) || !strftime(out, 8, "%H:%M", &local))
		snprintf(out, 8, "later");
	return out;
}

static void describe(const struct flush_result *r, struct buf *out)
{
	struct buf parts = BUF_INIT(4096);
	char moment[8];

	if (r->delivered)
		buf_printf(&parts, "sent %zu", r->delivered);
	add_part(&parts, r->failed, "given up", "given up");
	add_part(&parts, r->busy, "is being sent already", "are being sent already");
	add_part(&parts, r->damaged, "damaged and set aside", "damaged and set aside");
	add_part(&parts, r->later, "still waiting", "still waiting");
	buf_printf(out, "%s", parts.len ? buf_text(&parts) : "nothing to send");
	buf_release(&parts);
	if ((r->later || r->failed) && r->reason[0]) {
		buf_add_text(out, ": ");
		if (r->untried)
			buf_printf(out, "not tried again before %s: ", clock_words(r->untried, moment));
		text_clean(r->reason, strlen(r->reason), 2 * TEXT_SHOWN_MAX, out);
		if (r->account[0])
			buf_printf(out, " (account %s)", r->account);
	}
	buf_add_char(out, '\n');
	if (r->later && r->signs_in && r->step[0]) {
		buf_add_text(out, "  ");
		text_clean(r->step, strlen(r->step), sizeof(r->step), out);
		buf_add_char(out, '\n');
	}
}

static void set_text(json_t *object, const char *name, const char *text)
{
	struct buf clean = BUF_INIT(4 * TEXT_SHOWN_MAX);

	text_clean(text, strlen(text), 2 * TEXT_SHOWN_MAX, &clean);
	if (clean.len)
		json_object_set_new(object, name, json_string(buf_text(&clean)));
	buf_release(&clean);
}

static json_t *result_json(const struct flush_result *r)
{
	json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "scope", "personal",
		"due", (json_int_t)r->due, "sent", (json_int_t)r->delivered,
		"waiting", (json_int_t)r->later, "failed", (json_int_t)r->failed,
		"busy", (json_int_t)r->busy, "damaged", (json_int_t)r->damaged,
		"connections", (json_int_t)r->connections);

	if (r->next)
		json_object_set_new(object, "next_try", json_integer(r->next));
	set_text(object, "account", r->account);
	set_text(object, "reason", r->reason);
	if (r->cause)
		json_object_set_new(object, "cause", json_string(r->cause));
	set_text(object, "next", r->step);
	if (r->untried)
		json_object_set_new(object, "not_before", json_integer(r->untried));
	return object;
}

static int tell(const struct queues *q, const struct flush_result *r)
{
	struct buf out = BUF_INIT(8192);
	int code = 0;

	if (q->globals->json) {
		show_json(result_json(r), &out);
		code = print_out(&out);
	} else if (!q->globals->quiet) {
		describe(r, &out);
		print_err(&out);
	}
	buf_release(&out);
	if (code)
		return code;
	return r->later ? cause_exit_again() : r->failed ? cause_exit_partly() : 0;
}

/* ---- one's own queue */

/* A word is an account, else it is taken for an id. */
static bool is_account(const struct queues *q, const char *word)
{
	return q->config_err.kind == ERR_NONE && config_account(&q->config, word);
}

static int run(struct queues *q, struct flush_options *o, const char *word,
	struct flush_result *sum, struct err *e)
{
	struct flush_result r = { .due = 0 };
	char id[ENTRY_ID_LEN + 1];

	o->account = q->globals->account;
	o->id = NULL;
	if (word && is_account(q, word)) {
		o->account = word;
	} else if (word) {
		if (manage_resolve(&q->manage, word, id, e) < 0)
			return -1;
		o->id = id;
	}
	if (flush_run(q->spool, q->config_err.kind == ERR_NONE ? &q->config : &q->none, o, &r, e) < 0)
		return -1;
	add_result(sum, &r);
	return 0;
}

/* What names a configuration of its own goes by that; the rest cannot go without
 * one.  Where nothing waits there is nothing wrong. */
static bool lacks_config(const struct queues *q, const struct flush_result *r)
{
	return q->config_err.kind != ERR_NONE && r->stuck;
}

static int tell_lack(const struct queues *q)
{
	if (q->config.faulty && !q->globals->quiet)
		return cause_of_err(&q->config_err)->exit;   /* it was told at once */
	return print_failure(&q->config_err);
}

/* Whether some word, or none at all, means one's own queue. */
static bool is_meant(const struct queues *q, char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (is_account(q, words[i]) || !queues_is_system(q, words[i]))
			return true;
	return !count;
}

static int flush_own(struct queues *q, char *const *words, int count, struct flush_result *sum,
	struct err *e)
{
	struct progress p = { .globals = q->globals, .scope = q->manage.scope, .began = clock_ms(),
		.terminal = isatty(STDERR_FILENO) && !q->globals->quiet && !q->globals->json };
	struct flush_options o = { .uid = (uid_t)-1, .now = true, .override = true,
		.patient = true, .told = told, .context = &p };
	struct spool_usage usage = { 0, 0 };
	int r = 0;

	if (!q->spool)
		return 0;
	if (spool_usage(q->spool, (uid_t)-1, &usage, e) < 0)
		return -1;
	p.total = usage.messages;
	if (q->globals->verbose)
		o.trace = print_trace;
	if (!count)
		r = run(q, &o, NULL, sum, e);
	for (int i = 0; i < count && r == 0; i++)
		if (is_meant(q, &words[i], 1))
			r = run(q, &o, words[i], sum, e);
	clear(&p);
	return r;
}

/* First one's own, with what is named of it; what is an account's goes in both. */
static int flush_here(struct queues *q, char **words, int count, struct flush_result *sum)
{
	int code = 0, now = 0, later = 0;
	char **rest = mem_alloc((size_t)(count + 1) * sizeof(*rest));
	struct err e = { 0 };

	for (int i = 0; i < count; i++) {
		bool both = q->more && is_account(q, words[i]);

		if (both || queues_is_later(q, words[i]))
			rest[later++] = words[i];
		if (both || !queues_is_later(q, words[i]))
			words[now++] = words[i];
	}
	if ((now || !count) && flush_own(q, words, now, sum, &e) < 0)
		code = print_failure(&e);
	if ((later || !count) && queues_next(q, &code)) {
		int other = flush_here(q, rest, later, sum);

		code = other > code ? other : code;
	}
	free(rest);
	return code;
}

/* ---- and the system's, which the runner flushes */

static void tell_asked(void)
{
	struct buf out = BUF_INIT(128);

	buf_add_text(&out, "the runner was told to send what waits in the system's queue\n");
	print_err(&out);
	buf_release(&out);
}

static int flush_system(struct queues *q, char *const *words, int count)
{
	struct err e = { 0 };
	bool all = !count && !q->globals->account, some = false;
	int r = 0;

	for (int i = 0; i < count && r == 0; i++)
		if (is_account(q, words[i])) {
			all |= config_account(&q->config, words[i])->scope == SCOPE_SYSTEM;
		} else if (queues_is_system(q, words[i])) {
			some = true;
			r = queues_ask(json_pack("{s:s, s:s}", "do", "retry", "id", words[i]),
				NULL, NULL, &e);
		}
	if (r == 0 && all)
		r = queues_ask(json_pack("{s:s}", "do", "flush"), NULL, NULL, &e);
	if (r < 0)
		return print_failure(&e);
	if ((all || some) && !q->globals->quiet && !q->globals->json)
		tell_asked();
	return 0;
}

static bool names_system(const struct queues *q, char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (!is_account(q, words[i]) && queues_is_system(q, words[i]))
			return true;
	return false;
}

int queue_flush(struct queues *q, char **words, int count)
{
	struct flush_result sum = { .due = 0 };
	int code = 0, other;

	if (is_meant(q, words, count)) {
		code = flush_here(q, words, count, &sum);
		if (!code)
			code = tell(q, &sum);
		other = lacks_config(q, &sum) ? tell_lack(q) : 0;
		code = other > code ? other : code;
	}
	other = q->runner || names_system(q, words, count) ? flush_system(q, words, count) : 0;
	return other > code ? other : code;
}

int queue_run(const struct globals *globals, const char *id)
{
	struct flush_options o = { .uid = (uid_t)-1, .patient = true, .now = id != NULL };
	struct flush_result sum = { .due = 0 };
	struct queues q;
	struct err e = { 0 };
	int r = queues_open(&q, globals, &e), code = 0;

	if (globals->verbose)
		o.trace = print_trace;
	if (r == 0 && id && queues_is_later(&q, id))
		queues_next(&q, &code);
	do {
		if (r == 0 && q.spool && !code)
			r = run(&q, &o, id, &sum, &e);
	} while (r == 0 && !id && queues_next(&q, &code));
	if (r < 0)
		code = print_failure(&e);
	else if (lacks_config(&q, &sum))
		code = tell_lack(&q);
	queues_close(&q);
	return code;
}
