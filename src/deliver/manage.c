/* deliver/manage.c - the queue, steered and counted; see manage.h. */
#include "deliver/manage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "deliver/manage_find.h"

enum { LATELY = 24 * 3600 };

static const char *const deed_names[] = {
	[MANAGE_HOLD] = "held", [MANAGE_RELEASE] = "released", [MANAGE_REMOVE] = "removed",
	[MANAGE_RETRY] = "retried",
};

/* ---- deeds */

static void note(const struct manage *m, struct entry *n, enum manage_deed deed, int64_t now)
{
	char *who = mem_printf("by uid %lu", (unsigned long)m->asker.uid);

	entry_event(n, now, deed_names[deed], who);
	free(who);
}

/* What happened is written down before the rename: a crash in between leaves the
 * message where it was, and the deed can be done again. */
static int change(const struct manage *m, struct held *h, struct entry *n, enum manage_deed deed,
	enum queue_state to, struct err *e)
{
	note(m, n, deed, time(NULL));
	if (held_update(h, n, true, e) < 0)
		return -1;
	return held_state(h) == to ? 0 : held_move(h, to, e);
}

static void make_due(struct entry *n)
{
	n->next = 0;
	n->next_set = 0;
}

/* Those who have it keep it; for all others it begins anew. */
static bool begin_anew(struct entry *n)
{
	bool any = false;

	for (size_t i = 0; i < n->count; i++)
		if (n->recipients[i].state != RECIPIENT_DELIVERED) {
			n->recipients[i].state = RECIPIENT_WAITING;
			any = true;
		}
	n->tries = 0;
	n->delay_told = false;
	n->failure_told = false;
	make_due(n);
	return any;
}

/* instead: the command that would do something, and what. */
static int cannot(const struct manage *m, const char *name, const char *why,
	const char *instead, const char *what, struct err *e)
{
	char shown[MANAGE_ID_MAX];

	manage_label(m, name, shown);
	err_set(e, ERR_USAGE, "message %s %s", shown, why);
	return err_hint(e, "`sendoff queue %s %s` %s", instead, shown, what);
}

static int hold(const struct manage *m, struct held *h, struct entry *n, struct err *e)
{
	if (held_state(h) == QUEUE_FAILED)
		return cannot(m, held_id(h), "has been given up: there is nothing to hold",
			"retry", "takes it back", e);
	return held_state(h) == QUEUE_HOLD ? 0 : change(m, h, n, MANAGE_HOLD, QUEUE_HOLD, e);
}

static int release(const struct manage *m, struct held *h, struct entry *n, struct err *e)
{
	if (held_state(h) == QUEUE_FAILED)
		return cannot(m, held_id(h), "has been given up and is not held",
			"retry", "takes it back", e);
	if (held_state(h) == QUEUE_NEW)
		return 0;
	make_due(n);
	return change(m, h, n, MANAGE_RELEASE, QUEUE_NEW, e);
}

static int retry(const struct manage *m, struct held *h, struct entry *n, struct err *e)
{
	if (held_state(h) == QUEUE_HOLD)
		return cannot(m, held_id(h), "is held", "release", "lets it go", e);
	if (held_state(h) == QUEUE_NEW) {
		make_due(n);
		return held_update(h, n, true, e);
	}
	if (!begin_anew(n))
		return cannot(m, held_id(h), "has no recipient that is still to be served",
			"show", "tells who has it", e);
	return change(m, h, n, MANAGE_RETRY, QUEUE_NEW, e);
}

static int do_loaded(const struct manage *m, enum manage_deed deed, struct held *h,
	struct entry *n, struct err *e)
{
	if (!manage_may_see(m, n))
		return err_set(e, ERR_RIGHT, "this message is somebody else's");
	switch (deed) {
	case MANAGE_HOLD:
		return hold(m, h, n, e);
	case MANAGE_RELEASE:
		return release(m, h, n, e);
	case MANAGE_RETRY:
		return retry(m, h, n, e);
	default:
		return held_remove(h, e);
	}
}

static int do_held(const struct manage *m, enum manage_deed deed, struct held *h, struct err *e)
{
	struct entry n = { .id = "" };
	int r;

	/* What cannot be read can still be thrown away, by whoever may do all. */
	if (deed == MANAGE_REMOVE && m->asker.all)
		return held_remove(h, e);
	if (held_state(h) == QUEUE_DAMAGED)
		return cannot(m, held_id(h), "is damaged and can only be removed", "remove", "does so", e);
	r = held_load(h, false, &n, e);
	if (r == 0)
		r = do_loaded(m, deed, h, &n, e);
	entry_release(&n);
	return r;
}

int manage_do(const struct manage *m, enum manage_deed deed, const char *id,
	char done[MANAGE_ID_MAX], struct err *e)
{
	struct manage_found f;
	struct held *h = NULL;
	int r;

	if (manage_find(m, id, &f, e) < 0)
		return -1;
	manage_label(m, f.name, done);
	if (manage_lock(m, &f, &h, e) < 0)
		return -1;
	r = do_held(m, deed, h, e);
	held_free(&h);
	return r;
}

int manage_resolve(const struct manage *m, const char *id, char whole[ENTRY_ID_LEN + 1],
	struct err *e)
{
	struct manage_found f;

	if (manage_find(m, id, &f, e) < 0)
		return -1;
	switch (f.state) {
	case QUEUE_NEW:
		snprintf(whole, ENTRY_ID_LEN + 1, "%.*s", (int)ENTRY_ID_LEN, f.name);
		return 0;
	case QUEUE_HOLD:
		return cannot(m, f.name, "is held", "release", "lets it go", e);
	case QUEUE_FAILED:
		return cannot(m, f.name, "has been given up", "retry", "takes it back", e);
	default:
		return cannot(m, f.name, "is damaged and can only be removed", "remove",
			"does so", e);
	}
}

/* ---- counting */

struct count {
	const struct manage *m;
	struct manage_summary *out;
	int64_t now;
	struct err unread;     /* the last that could not be read */
};

int64_t manage_since(const struct entry *n)
{
	int64_t since = n->created, back = entry_taken_back(n);

	if (n->not_before > since)
		since = n->not_before;
	return back > since ? back : since;
}

static void count_new(struct count *c, const struct entry *n)
{
	int64_t age = schedule_age(manage_since(n), c->now);

	if (n->not_before > c->now || age <= c->out->oldest_age)
		return;
	c->out->oldest_age = age;
	manage_label(c->m, n->id, c->out->oldest);
}

static void count_failed(struct count *c, const struct entry *n)
{
	int64_t when = n->event_count ? n->events[n->event_count - 1].when : n->created;

	c->out->failed++;
	if (schedule_age(when, c->now) < LATELY)
		c->out->failed_lately++;
}

static void count_one(struct count *c, enum queue_state state, const char *id)
{
	struct entry n = { .id = "" };
	struct err why = { 0 };
	int r = spool_peek(c->m->spool, state, id, &n, &why);

	if (r < 0 && c->m->asker.all && (why.kind == ERR_DAMAGED || why.kind == ERR_FORMAT))
		c->out->damaged++;
	else if (r < 0 && c->m->asker.all)
		c->unread = why;
	if (r == 0 && manage_may_see(c->m, &n)) {
		if (state == QUEUE_FAILED) {
			count_failed(c, &n);
		} else {
			c->out->messages++;
			c->out->octets += n.content_size;
			c->out->held += state == QUEUE_HOLD;
			if (state == QUEUE_NEW)
				count_new(c, &n);
		}
	}
	entry_release(&n);
}

int manage_summary(const struct manage *m, struct manage_summary *out, struct err *e)
{
	struct count c = { .m = m, .out = out, .now = time(NULL) };
	char name[NAME_MAX + 1];

	*out = (struct manage_summary){ .oldest_age = -1 };
	if (!m->asker.may_list)
		return err_set(e, ERR_RIGHT, "this user may neither see nor change the queue");
	for (int state = QUEUE_NEW; state < QUEUE_STATES; state++) {
		struct spool_list *l = manage_names(m, (enum queue_state)state, e);

		if (!l)
			return -1;
		while (spool_next(l, name, sizeof(name)))
			if (state != QUEUE_DAMAGED)
				count_one(&c, (enum queue_state)state, name);
			else if (m->asker.all)
				out->damaged++;
		spool_list_free(&l);
	}
	if (c.unread.kind == ERR_NONE)
		return 0;
	*e = c.unread;
	return -1;
}
