/* deliver/manage_json.c - messages of the queue as JSON, and back; see manage.h.
 *
 * What is read back comes from another process: every member is checked, and one
 * that is missing is absent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "deliver/manage.h"

enum { SHOWN_MAX = 2 * TEXT_SHOWN_MAX };

static const char *const recipient_states[] = {
	[RECIPIENT_WAITING] = "waiting", [RECIPIENT_DELIVERED] = "delivered",
	[RECIPIENT_FAILED] = "failed", [RECIPIENT_REPORTED] = "reported",
};

static const char *const park_kinds[] = {
	[PARK_NONE] = "none", [PARK_NETWORK] = "network", [PARK_LOGIN] = "login",
	[PARK_RATE] = "rate",
};

/* ---- out */

static void set_number(json_t *object, const char *name, int64_t number)
{
	json_object_set_new_nocheck(object, name, json_integer(number));
}

static void set_moment(json_t *object, const char *name, int64_t when)
{
	if (when)
		set_number(object, name, when);
}

static void set_words(json_t *object, const char *name, const char *text)
{
	struct buf clean = BUF_INIT(2 * SHOWN_MAX);

	text_clean(text, strlen(text), SHOWN_MAX, &clean);
	json_object_set_new_nocheck(object, name, json_string(buf_text(&clean)));
	buf_release(&clean);
}

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text && text[0])
		set_words(object, name, text);
}

static json_t *recipient_json(const struct entry_recipient *r)
{
	json_t *object = json_object();

	set_words(object, "address", r->address);
	set_text(object, "original", r->original);
	set_words(object, "state", recipient_states[r->state]);
	if (r->code)
		set_number(object, "code", r->code);
	set_text(object, "enhanced", r->enhanced);
	set_text(object, "text", r->text);
	set_moment(object, "when", r->when);
	if (r->unsure)
		json_object_set_new(object, "unsure", json_true());
	return object;
}

static json_t *answer_json(const struct manage_item *i)
{
	json_t *object = json_object();

	set_moment(object, "when", i->answer->when);
	set_text(object, "account", i->entry->last_account);
	if (i->answer->code)
		set_number(object, "code", i->answer->code);
	set_text(object, "enhanced", i->answer->enhanced);
	set_text(object, "text", i->answer->text);
	return object;
}

static json_t *park_json(const struct park *p)
{
	json_t *object = json_object();

	set_words(object, "kind", park_kinds[p->kind]);
	set_moment(object, "since", p->since);
	set_moment(object, "until", p->until);
	set_text(object, "cause", p->cause);
	set_text(object, "reason", p->reason);
	return object;
}

static void set_dsn(json_t *object, const struct dsn *dsn)
{
	static const char *const names[] = { "never", "success", "failure", "delay" };
	json_t *list = json_array();

	for (unsigned i = 0; i < COUNT(names); i++)
		if (dsn->notify & 1u << i)
			json_array_append_new(list, json_string(names[i]));
	if (json_array_size(list))
		json_object_set(object, "dsn", list);
	json_decref(list);
	if (dsn->ret != DSN_RET_UNSET)
		set_words(object, "dsn_return", dsn->ret == DSN_RET_FULL ? "full" : "hdrs");
	set_text(object, "dsn_envid", dsn->envid);
}

/* What only `queue show` tells. */
static void set_whole(json_t *object, const struct entry *n)
{
	json_t *history = json_array();

	set_number(object, "uid", n->uid == ENTRY_NOBODY ? -1 : (int64_t)n->uid);
	set_text(object, "login", n->login);
	set_text(object, "asked_account", n->account);
	set_text(object, "config", n->config);
	set_text(object, "from", n->from);
	set_text(object, "message_id", n->message_id);
	set_text(object, "tag", n->tag);
	set_text(object, "report_about", n->subject_of);
	set_dsn(object, &n->dsn);
	set_moment(object, "not_before", n->not_before);
	set_text(object, "last_account", n->last_account);
	set_text(object, "cause", n->cause);
	for (size_t i = 0; i < n->event_count; i++) {
		json_t *event = json_object();

		set_number(event, "when", n->events[i].when);
		set_words(event, "what", n->events[i].what);
		set_text(event, "text", n->events[i].text);
		json_array_append_new(history, event);
	}
	json_object_set_new(object, "history", history);
}

static void set_entry(json_t *object, const struct manage_item *i)
{
	const struct entry *n = i->entry;
	json_t *list = json_array();

	set_text(object, "account", manage_account(i));
	set_words(object, "sender", manage_sender(i));
	for (size_t k = 0; k < n->count; k++)
		json_array_append_new(list, recipient_json(&n->recipients[k]));
	json_object_set_new_nocheck(object, "recipients", list);
	set_number(object, "tries", i->tries);
	if (i->answer)
		json_object_set_new_nocheck(object, "last_answer", answer_json(i));
	if (!strcmp(i->state, "new"))
		set_number(object, "next_try", i->next);
	set_text(object, "reason", n->reason);
	if (i->park)
		json_object_set_new_nocheck(object, "parked", park_json(i->park));
	if (i->whole)
		set_whole(object, n);
}

json_t *manage_item_json(const struct manage_item *i)
{
	json_t *object = json_object();

	set_words(object, "id", i->id);
	set_words(object, "scope", i->id[0] == 'p' ? "personal" : "system");
	set_words(object, "state", i->state);
	set_number(object, "age", i->age);
	set_number(object, "created", i->created);
	set_number(object, "size", (int64_t)i->size);
	if (i->entry)
		set_entry(object, i);
	if (i->whole)
		set_moment(object, "last_try", i->last);
	if (i->unread)
		json_object_set_new(object, "unread", json_true());
	set_text(object, "trouble", i->trouble);
	return object;
}

json_t *manage_summary_json(const struct manage_summary *s)
{
	json_t *object = json_object();

	set_number(object, "messages", (int64_t)s->messages);
	set_number(object, "octets", (int64_t)s->octets);
	set_number(object, "held", (int64_t)s->held);
	set_number(object, "failed", (int64_t)s->failed);
	set_number(object, "failed_lately", (int64_t)s->failed_lately);
	set_number(object, "damaged", (int64_t)s->damaged);
	set_number(object, "oldest_age", s->oldest_age);
	set_text(object, "oldest", s->oldest);
	return object;
}

/* ---- back */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && text[0] ? text : NULL;
}

static char *copy_of(const json_t *object, const char *name)
{
	const char *text = text_of(object, name);

	return text ? mem_string(text) : NULL;
}

static int64_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));   /* 0 where it is none */
}

/* Never negative: counts and sizes. */
static uint64_t count_of(const json_t *object, const char *name)
{
	int64_t n = number_of(object, name);

	return n > 0 ? (uint64_t)n : 0;
}

static int index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return 0;
}

static void read_recipients(const json_t *list, struct entry *n)
{
	size_t i;
	json_t *object;

	json_array_foreach(list, i, object) {
		const char *address = json_string_value(json_object_get(object, "address"));
		const char *enhanced = text_of(object, "enhanced");
		int64_t code = number_of(object, "code");
		struct entry_recipient *r;

		if (!address)
			continue;
		entry_add_recipient(n, address, text_of(object, "original"));
		r = &n->recipients[n->count - 1];
		r->state = (enum recipient_state)index_of(recipient_states,
			COUNT(recipient_states), text_of(object, "state"));
		r->unsure = json_is_true(json_object_get(object, "unsure"));
		r->code = code > 0 && code < 1000 ? (int)code : 0;
		snprintf(r->enhanced, sizeof(r->enhanced), "%s", enhanced ? enhanced : "");
		r->text = copy_of(object, "text");
		r->when = number_of(object, "when");
	}
}

/* The recipient that last_answer speaks of. */
static const struct entry_recipient *find_answer(const json_t *object, const struct entry *n)
{
	const json_t *answer = json_object_get(object, "last_answer");
	const char *text = text_of(answer, "text");

	for (size_t i = 0; answer && i < n->count; i++) {
		const struct entry_recipient *r = &n->recipients[i];

		if (r->state != RECIPIENT_DELIVERED && r->code == number_of(answer, "code") &&
		    r->when == number_of(answer, "when") &&
		    (r->text && text ? !strcmp(r->text, text) : r->text == text))
			return r;
	}
	return NULL;
}

static void read_dsn(const json_t *object, struct dsn *dsn)
{
	static const char *const names[] = { "never", "success", "failure", "delay" };
	const char *ret = text_of(object, "dsn_return");
	size_t i;
	json_t *word;

	json_array_foreach(json_object_get(object, "dsn"), i, word)
		for (unsigned k = 0; k < COUNT(names); k++)
			if (json_is_string(word) && !strcmp(json_string_value(word), names[k]))
				dsn->notify |= 1u << k;
	if (ret)
		dsn->ret = !strcmp(ret, "full") ? DSN_RET_FULL : DSN_RET_HDRS;
	dsn->envid = copy_of(object, "dsn_envid");
}

static void read_whole(const json_t *object, struct entry *n)
{
	size_t i;
	json_t *event;

	n->uid = (uid_t)number_of(object, "uid");
	n->login = copy_of(object, "login");
	n->config = copy_of(object, "config");
	n->from = copy_of(object, "from");
	n->message_id = copy_of(object, "message_id");
	n->tag = copy_of(object, "tag");
	n->subject_of = copy_of(object, "report_about");
	read_dsn(object, &n->dsn);
	n->not_before = number_of(object, "not_before");
	n->cause = copy_of(object, "cause");
	json_array_foreach(json_object_get(object, "history"), i, event) {
		const char *what = text_of(event, "what"), *text = text_of(event, "text");

		if (what && what[strspn(what, "abcdefghijklmnopqrstuvwxyz")] == '\0')
			entry_event(n, number_of(event, "when"), what, text);
	}
}

static void read_entry(const json_t *object, struct manage_copy *c)
{
	struct entry *n = &c->entry;
	const json_t *parked = json_object_get(object, "parked");

	c->item.entry = n;
	n->sender = mem_string(json_string_value(json_object_get(object, "sender")));
	n->reason = copy_of(object, "reason");
	read_recipients(json_object_get(object, "recipients"), n);
	c->item.answer = find_answer(object, n);
	c->item.whole = json_is_array(json_object_get(object, "history"));
	if (c->item.whole) {
		n->account = copy_of(object, "asked_account");
		n->last_account = copy_of(object, "last_account");
		read_whole(object, n);
	} else {
		/* Which of the two it was makes no difference where only it is shown. */
		n->last_account = copy_of(object, "account");
	}
	if (!json_is_object(parked))
		return;
	c->item.park = &c->park;
	c->park.kind = (enum park_kind)index_of(park_kinds, COUNT(park_kinds),
		text_of(parked, "kind"));
	c->park.since = number_of(parked, "since");
	c->park.until = number_of(parked, "until");
	c->park.cause = copy_of(parked, "cause");
	c->park.reason = copy_of(parked, "reason");
}

static const char *state_of(const json_t *object)
{
	const char *name = text_of(object, "state");

	for (int s = QUEUE_NEW; name && s < QUEUE_STATES; s++)
		if (!strcmp(name, queue_state_name((enum queue_state)s)))
			return queue_state_name((enum queue_state)s);
	return NULL;
}

int manage_item_read(const json_t *object, struct manage_copy *out, struct err *e)
{
	const char *id = text_of(object, "id"), *trouble = text_of(object, "trouble");
	struct manage_item *i = &out->item;

	*out = (struct manage_copy){ .park = { .kind = PARK_NONE } };
	i->state = state_of(object);
	if (!id || strlen(id) >= sizeof(i->id) || !i->state)
		return err_set(e, ERR_RUNNER, "the runner's answer is no message of a queue");
	text_clean_to(i->id, sizeof(i->id), id, strlen(id));
	i->created = number_of(object, "created");
	i->age = number_of(object, "age");
	i->now = time(NULL);
	i->size = count_of(object, "size");
	i->tries = (unsigned)count_of(object, "tries");
	i->next = number_of(object, "next_try");
	i->last = number_of(object, "last_try");
	i->unread = json_is_true(json_object_get(object, "unread"));
	if (trouble) {
		snprintf(out->trouble, sizeof(out->trouble), "%s", trouble);
		i->trouble = out->trouble;
	}
	if (json_is_string(json_object_get(object, "sender")))
		read_entry(object, out);
	return 0;
}

void manage_copy_release(struct manage_copy *c)
{
	entry_release(&c->entry);
	park_release(&c->park);
	*c = (struct manage_copy){ .park = { .kind = PARK_NONE } };
}

int manage_summary_read(const json_t *object, struct manage_summary *out, struct err *e)
{
	const char *oldest = text_of(object, "oldest");

	*out = (struct manage_summary){ .oldest_age = -1 };
	if (!json_is_integer(json_object_get(object, "messages")))
		return err_set(e, ERR_RUNNER, "the runner's answer does not say what is queued");
	out->messages = count_of(object, "messages");
	out->octets = count_of(object, "octets");
	out->held = count_of(object, "held");
	out->failed = count_of(object, "failed");
	out->failed_lately = count_of(object, "failed_lately");
	out->damaged = count_of(object, "damaged");
	if (json_is_integer(json_object_get(object, "oldest_age")))
		out->oldest_age = number_of(object, "oldest_age");
	text_clean_to(out->oldest, sizeof(out->oldest), oldest ? oldest : "",
		oldest ? strlen(oldest) : 0);
	return 0;
}
