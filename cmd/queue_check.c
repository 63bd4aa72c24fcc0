/* cmd/queue_check.c - is all well with the queue, for monitors; see queue.h. */
#include <stdio.h>
#include <string.h>

#include "cmd/queue.h"

enum { EXIT_ALARM = 1 };

struct verdict {
	struct manage_summary sum;
	const char *word;          /* "OK", "TOO OLD", ... */
	long max_age;              /* seconds */
	long max_count;            /* -1: any */
	struct err err;
};

static void add_summary(struct verdict *v, const struct manage_summary *s)
{
	v->sum.messages += s->messages;
	v->sum.octets += s->octets;
	v->sum.held += s->held;
	v->sum.failed += s->failed;
	v->sum.failed_lately += s->failed_lately;
	v->sum.damaged += s->damaged;
	if (s->oldest_age > v->sum.oldest_age) {
		v->sum.oldest_age = s->oldest_age;
		memcpy(v->sum.oldest, s->oldest, sizeof(v->sum.oldest));
	}
}

static void take_summary(void *context, const json_t *object)
{
	struct verdict *v = context;
	struct manage_summary s;

	if (manage_summary_read(object, &s, &v->err) == 0)
		add_summary(v, &s);
}

/* What is worst comes first; "": all is well. */
static void judge(struct verdict *v)
{
	if (v->sum.oldest_age > v->max_age)
		v->word = "TOO OLD";
	else if (v->max_count >= 0 && v->sum.messages > (uint64_t)v->max_count)
		v->word = "TOO MANY";
	else if (v->sum.failed_lately)
		v->word = "FAILED";
	else if (v->sum.damaged)
		v->word = "DAMAGED";
	else
		v->word = "OK";
}

static void describe(const struct verdict *v, struct buf *out)
{
	const struct manage_summary *s = &v->sum;
	char size[16], age[16], most[16];

	buf_printf(out, "queue %s: ", v->word);
	if (!strcmp(v->word, "UNKNOWN"))
		buf_add_text(out, "not all of it can be looked at, ");
	if (s->messages)
		buf_printf(out, "%llu message%s, %s", (unsigned long long)s->messages,
			s->messages == 1 ? "" : "s", show_size(s->octets, size));
	else
		buf_add_text(out, strcmp(v->word, "UNKNOWN") ? "empty" : "no message seen");
	if (s->held)
		buf_printf(out, ", %llu of them held", (unsigned long long)s->held);
	if (s->oldest_age >= 0)
		buf_printf(out, ", oldest %s %s (at most %s)", s->oldest,
			show_span(s->oldest_age, age), show_span(v->max_age, most));
	if (v->max_count >= 0)
		buf_printf(out, ", at most %ld", v->max_count);
	if (s->failed_lately)
		buf_printf(out, ", %llu given up in the last 24 hours",
			(unsigned long long)s->failed_lately);
	if (s->damaged)
		buf_printf(out, ", %llu damaged", (unsigned long long)s->damaged);
	buf_add_char(out, '\n');
}

int queue_check(struct queues *q, long max_age_ms, long max_count)
{
	struct verdict v = { .sum = { .oldest_age = -1 }, .max_age = max_age_ms / 1000,
		.max_count = max_count };
	struct buf out = BUF_INIT(4096);
	struct err e = { 0 };
	int code = 0;

	do {
		struct manage_summary own = { .oldest_age = -1 };

		if (q->spool && manage_summary(&q->manage, &own, &e) < 0)
			code = print_failure(&e);
		else if (q->spool)
			add_summary(&v, &own);
	} while (queues_next(q, &code));
	if (q->runner && queues_ask(json_pack("{s:s}", "do", "check"), take_summary, &v, &e) < 0)
		code = print_failure(&e);
	else if (v.err.kind != ERR_NONE)
		code = print_failure(&v.err);
	if (code)
		v.word = "UNKNOWN";
	else
		judge(&v);
	if (q->globals->json) {
		json_t *object = manage_summary_json(&v.sum);

		json_object_set_new(object, "result", json_string(v.word));
		show_json(object, &out);
	} else if (!q->globals->quiet) {
		describe(&v, &out);
	}
	if (print_out(&out) != 0 && code == 0)
		code = EXIT_ALARM;   /* a monitor that reads nothing is to notice */
	buf_release(&out);
	return !code && strcmp(v.word, "OK") ? EXIT_ALARM : code;
}
