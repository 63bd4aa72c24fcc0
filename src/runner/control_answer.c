/* runner/control_answer.c - what the control socket answers; see control.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/mem.h"
#include "deliver/route.h"
#include "mail/address.h"
#include "runner/control_state.h"

const struct control_kind control_kinds[] = {
	{ "usage", ERR_USAGE }, { "message", ERR_MESSAGE }, { "right", ERR_RIGHT },
	{ "store", ERR_STORE }, { "config", ERR_CONFIG }, { "damaged", ERR_DAMAGED },
	{ "format", ERR_FORMAT }, { "system", ERR_SYSTEM }, { "no-queue", ERR_NO_QUEUE },
	{ "runner", ERR_RUNNER }, { NULL, ERR_NONE }
};

/* ---- lines */

enum { LOOK_EACH = 1 << 20 /* octets of an answer between two looks at the space left */ };

/* A long answer lies on the disk until it is read. */
static int look_for_room(struct question *q)
{
	uint64_t size = spill_size(&q->out);

	if (size - q->looked < LOOK_EACH)
		return 0;
	q->looked = size;
	if (spool_free_space(q->guest.desk->spool) >= q->floor)
		return 0;
	return err_set(&q->trouble, ERR_STORE, "no room for the answer: the disk of this "
		"machine's mail queue is nearly full");
}

/* Takes the reference. */
static void say(struct question *q, json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (q->trouble.kind == ERR_NONE && !line)
		err_set(&q->trouble, ERR_SYSTEM, "an answer cannot be written as JSON");
	else if (q->trouble.kind == ERR_NONE && look_for_room(q) == 0 &&
		 spill_add(&q->out, line, strlen(line), &q->trouble) == 0)
		spill_add(&q->out, "\n", 1, &q->trouble);
	free(line);
}

static const char *word_of(enum err_kind kind)
{
	const struct control_kind *k = control_kinds;

	while (k->name && k->kind != kind)
		k++;
	return k->name ? k->name : "runner";
}

static void say_error(struct question *q, const struct err *e)
{
	say(q, json_pack("{s:b, s:{s:s, s:s, s:s}}", "end", 1, "error", "kind", word_of(e->kind),
		"text", e->text, "hint", e->hint));
}

/* The last line; more: what stands in it (taken), or NULL. */
static void say_end(struct question *q, json_t *more)
{
	json_t *object = more ? more : json_object();

	json_object_set_new(object, "end", json_true());
	say(q, object);
}

/* Where a long answer found no room only the reason is left of it. */
static void close_answer(struct question *q)
{
	struct err why;

	if (q->trouble.kind == ERR_NONE)
		spill_finish(&q->out, &q->trouble);
	if (q->trouble.kind == ERR_NONE)
		return;
	why = q->trouble;
	q->trouble.kind = ERR_NONE;
	spill_release(&q->out);
	spill_init(&q->out, q->out.directory);
	say_error(q, &why);
}

static const char *text_of(const struct question *q, const char *name)
{
	return json_string_value(json_object_get(q->asked, name));
}

/* ---- by a thread */

static struct manage manager(const struct question *q, struct spool *s)
{
	uid_t uid = q->guest.peer.uid;

	return (struct manage){
		.spool = s, .retry = &q->retry, .scope = 's',
		.asker = { .uid = uid, .all = uid == 0 || uid == geteuid(),
			.may_list = uid == 0 || q->guest.person.lasting },
	};
}

static void say_item(void *context, const struct manage_item *i)
{
	say(context, manage_item_json(i));
}

static void list(struct question *q, struct spool *s)
{
	struct manage m = manager(q, s);
	struct err e = { 0 };

	if (manage_list(&m, say_item, q, &e) < 0)
		say_error(q, &e);
	else
		say_end(q, NULL);
}

static void say_content(void *context, const char *data, size_t len)
{
	struct question *q = context;
	struct buf text = BUF_INIT(2 * CONTROL_PIECE);

	for (size_t n; len && q->trouble.kind == ERR_NONE; data += n, len -= n) {
		n = len < CONTROL_PIECE ? len : CONTROL_PIECE;
		base64_encode(data, n, &text);
		say(q, json_pack("{s:s}", "base64", buf_text(&text)));
		buf_clear(&text);
	}
	buf_release(&text);
}

static void show(struct question *q, struct spool *s)
{
	bool all = json_is_true(json_object_get(q->asked, "content"));
	struct manage m = manager(q, s);
	struct err e = { 0 };

	if (manage_show(&m, text_of(q, "id"), all, say_item, say_content, q, &e) < 0)
		say_error(q, &e);
	else
		say_end(q, NULL);
}

static void deed(struct question *q, struct spool *s, enum manage_deed what)
{
	struct manage m = manager(q, s);
	char done[MANAGE_ID_MAX] = "";
	struct err e = { 0 };

	if (manage_do(&m, what, text_of(q, "id"), done, &e) < 0) {
		say_error(q, &e);
		return;
	}
	q->look = true;
	say_end(q, json_pack("{s:s}", "id", done));
}

static void hold(struct question *q, struct spool *s)
{
	deed(q, s, MANAGE_HOLD);
}

static void release(struct question *q, struct spool *s)
{
	deed(q, s, MANAGE_RELEASE);
}

static void remove_one(struct question *q, struct spool *s)
{
	deed(q, s, MANAGE_REMOVE);
}

static void retry(struct question *q, struct spool *s)
{
	deed(q, s, MANAGE_RETRY);
}

static void check(struct question *q, struct spool *s)
{
	struct manage m = manager(q, s);
	struct manage_summary summary = { .oldest_age = -1 };
	struct err e = { 0 };

	if (manage_summary(&m, &summary, &e) < 0)
		say_error(q, &e);
	else
		say_end(q, manage_summary_json(&summary));
}

struct due {
	const struct manage *manage;
	bool any;
};

static void make_due(void *context, const struct manage_item *i)
{
	struct due *due = context;
	char done[MANAGE_ID_MAX];
	struct err ignored;

	/* What is being sent just now needs no push. */
	if (i->next && !strcmp(i->state, "new"))
		due->any |= manage_do(due->manage, MANAGE_RETRY, i->id, done, &ignored) == 0;
}

static void flush_own(struct question *q, struct spool *s)
{
	struct manage m = manager(q, s);
	struct due due = { .manage = &m };
	struct err e = { 0 };

	if (manage_list(&m, make_due, &due, &e) < 0) {
		say_error(q, &e);
		return;
	}
	q->look = true;
	say_end(q, NULL);
}

void control_work(struct pool_job *job)
{
	struct question *q = (struct question *)job;
	struct spool *s = NULL;
	struct err e = { 0 };

	/* One of its own: a spool is no thing to share between threads. */
	if (spool_open(&s, q->guest.desk->spool_path, false, &e) < 0)
		say_error(q, &e);
	else
		q->work(q, s);
	spool_close(&s);
	close_answer(q);
}

/* ---- at once */

static void flush(struct question *q)
{
	if (q->guest.peer.uid != 0 && q->guest.peer.uid != geteuid()) {
		q->work = flush_own;
		return;
	}
	q->flush = true;
	say_end(q, NULL);
}

/* Envelope form, or NULL when it is none that was given. */
static char *address_of(const struct question *q, const char *name)
{
	const char *text = text_of(q, name);
	struct buf out = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct err ignored;
	int good = text ? address_parse_one(text, strlen(text),
		config_domain(&q->guest.desk->policy.config), &out, &ignored) : -1;
	char *address = good < 0 ? NULL : mem_string(buf_text(&out));

	buf_release(&out);
	return address;
}

static void explain(struct question *q)
{
	char *sender = address_of(q, "sender"), *from = address_of(q, "from");
	struct route_question about = {
		.wanted = text_of(q, "account"), .sender = sender, .from = from ? from : "",
	};
	json_t *out = json_object();
	struct err e = { 0 };

	if (policy_explain(&q->guest.desk->policy, &q->guest.person, &about, out, &e) < 0) {
		json_decref(out);
		say_error(q, &e);
	} else {
		say_end(q, out);
	}
	free(sender);
	free(from);
}

static void say_address(void *context, const char *address)
{
	say(context, json_pack("{s:s}", "address", address));
}

static void say_verified(struct question *q, const struct err *left_out)
{
	if (left_out->kind != ERR_NONE)
		say(q, json_pack("{s:s, s:s}", "left_out", left_out->text, "hint", left_out->hint));
	say_end(q, NULL);
}

static void verify(struct question *q)
{
	const char *text = text_of(q, "address");
	struct buf address = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct alias_rules rules;
	struct err e = { 0 }, left_out = { 0 };

	policy_rules(&q->guest.desk->policy, &rules);
	rules.left_out = &left_out;
	if (!text)
		err_set(&e, ERR_USAGE, "no address is given");
	else if (address_parse_one(text, strlen(text), NULL, &address, &e) == 0 &&
		 alias_resolve(&rules, buf_text(&address), say_address, q, &e) == 0)
		say_verified(q, &left_out);
	if (e.kind != ERR_NONE)
		say_error(q, &e);
	buf_release(&address);
}

static const struct {
	const char *name;
	void (*at_once)(struct question *q);
	void (*work)(struct question *q, struct spool *s);
	bool needs_id, is_long;
} answers[] = {
	{ "list", NULL, list, false, false }, { "show", NULL, show, true, false },
	{ "hold", NULL, hold, true, false }, { "release", NULL, release, true, false },
	{ "remove", NULL, remove_one, true, false }, { "retry", NULL, retry, true, false },
	{ "check", NULL, check, false, false }, { "flush", flush, NULL, false, false },
	{ "explain", explain, NULL, false, false }, { "verify", verify, NULL, false, true },
};

static size_t find_answer(const struct question *q)
{
	const char *name = text_of(q, "do");
	size_t i = 0;

	while (i < COUNT(answers) && (!name || strcmp(answers[i].name, name)))
		i++;
	return i;
}

bool control_is_long(const struct question *q)
{
	size_t i = find_answer(q);

	return i < COUNT(answers) && answers[i].is_long;
}

void control_answer(struct question *q)
{
	struct err e = { 0 };
	size_t i = find_answer(q);

	if (json_integer_value(json_object_get(q->asked, "v")) != CONTROL_VERSION) {
		err_set(&e, ERR_FORMAT, "the runner answers version %d of this question only",
			CONTROL_VERSION);
		err_hint(&e, "restart the runner after an update");
	} else if (i == COUNT(answers)) {
		err_set(&e, ERR_USAGE, "the runner does not know this question");
	} else if (answers[i].needs_id && !text_of(q, "id")) {
		err_set(&e, ERR_USAGE, "no message is named");
	} else if (answers[i].work) {
		q->work = answers[i].work;
		return;
	} else {
		answers[i].at_once(q);
	}
	if (e.kind != ERR_NONE)
		say_error(q, &e);
	if (!q->work)
		close_answer(q);
}
