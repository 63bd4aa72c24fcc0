/* deliver/manage_list.c - the queue, shown; see manage.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "deliver/cause.h"
#include "deliver/manage_find.h"

enum {
	SORTED_MAX = 4096,     /* so many messages are sorted by age */
	PARKS_KEPT = 16,
	PIECE = 64 << 10
};

const char *manage_sender(const struct manage_item *i)
{
	const struct entry *n = i->entry;

	if (!n)
		return "";
	return n->sender ? n->sender : n->origin ? n->origin : "";
}

const char *manage_account(const struct manage_item *i)
{
	const struct entry *n = i->entry;

	if (!n)
		return "";
	return n->last_account ? n->last_account : n->account ? n->account : "";
}

/* ---- what a listing remembers */

struct parking {
	char account[CONF_NAME_MAX + 1];
	struct park park;
	bool blocks;
};

struct listing {
	const struct manage *m;
	void (*item)(void *context, const struct manage_item *i);
	void *context;
	int64_t now;
	struct parking parks[PARKS_KEPT];
	unsigned next_park;
};

static void listing_release(struct listing *l)
{
	for (size_t i = 0; i < PARKS_KEPT; i++)
		park_release(&l->parks[i].park);
}

/* Whoever tries it next parks it on. */
static bool stays(const struct park *p)
{
	const struct cause *cause = p->kind != PARK_NONE && p->cause ? cause_named(p->cause) : NULL;

	return cause && cause->stays;
}

/* What is known of an account, or NULL: each file is read once, unless there are very
 * many. */
static const struct parking *parking_of(struct listing *l, const char *account)
{
	struct parking *p = NULL;
	struct err why = { 0 };

	if (!account[0] || strlen(account) > CONF_NAME_MAX)
		return NULL;
	for (size_t i = 0; !p && i < PARKS_KEPT; i++)
		if (!strcmp(l->parks[i].account, account))
			p = &l->parks[i];
	if (!p) {
		p = &l->parks[l->next_park++ % PARKS_KEPT];
		park_release(&p->park);
		p->park = (struct park){ .kind = PARK_NONE };
		snprintf(p->account, sizeof(p->account), "%s", account);
		/* Whether the configuration has changed since is for those to find out
		 * who try. */
		p->blocks = park_read(l->m->spool, account, &p->park, &why) == 0 &&
			(park_blocks(&p->park, l->m->retry, p->park.fingerprint, l->now) || stays(&p->park));
	}
	return p;
}

/* ---- one message */

static const struct entry_recipient *newest_answer(const struct entry *n)
{
	const struct entry_recipient *best = NULL;

	for (size_t i = 0; i < n->count; i++) {
		const struct entry_recipient *r = &n->recipients[i];

		if (r->state == RECIPIENT_DELIVERED || (!r->code && !r->text))
			continue;
		if (!best || r->when > best->when)
			best = r;
	}
	return best;
}

/* When max_rate lets the next message of the account go; 0: now. */
static int64_t rate_moment(const struct parking *p, int64_t now)
{
	enum { LONGEST = 86400 };   /* one a day */
	int64_t moment = p ? (p->park.rate_next + 999) / 1000 : 0;

	return moment > now && moment - now <= LONGEST ? moment : 0;
}

static int64_t next_try(const struct listing *l, const struct entry *n, const struct parking *p)
{
	const struct retry_settings *set = l->m->retry;
	int64_t next = rate_moment(p, l->now);

	if (!schedule_due(set, n->next, n->next_set, l->now)) {
		int64_t own = schedule_when(set, n->next, n->next_set, l->now);

		next = own > next ? own : next;
	}
	if (n->not_before > l->now && n->not_before > next)
		next = n->not_before;
	if (p && p->blocks) {
		int64_t until = schedule_when(set, p->park.until, p->park.set, l->now);

		next = until > next ? until : next;
	}
	return next;
}

static void tell(struct listing *l, enum queue_state state, const struct entry *n, bool whole)
{
	struct manage_item i = { .state = queue_state_name(state), .entry = n, .whole = whole,
		.created = n->created, .last = n->last, .tries = n->tries,
		.size = n->content_size, .age = schedule_age(n->created, l->now),
		.answer = newest_answer(n), .now = l->now };

	manage_label(l->m, n->id, i.id);
	if (state == QUEUE_NEW) {
		const struct parking *p = parking_of(l, manage_account(&i));

		i.park = p && p->blocks ? &p->park : NULL;
		i.next = next_try(l, n, p);
	}
	l->item(l->context, &i);
}

static int stat_file(const struct manage *m, enum queue_state state, const char *name,
	struct stat *st)
{
	char path[NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", queue_state_name(state), name);
	return fstatat(spool_directory(m->spool), path, st, AT_SYMLINK_NOFOLLOW);
}

/* A file that cannot be read as a message: its own facts are all there is. */
static void tell_damaged(struct listing *l, enum queue_state state, const char *name,
	const char *trouble, bool unread)
{
	struct manage_item i = { .state = queue_state_name(state), .trouble = trouble,
		.unread = unread, .now = l->now };
	struct stat st;

	if (stat_file(l->m, state, name, &st) < 0)
		return;
	manage_label(l->m, name, i.id);
	i.created = st.st_mtime;
	i.age = schedule_age(i.created, l->now);
	i.size = (uint64_t)st.st_size;
	l->item(l->context, &i);
}

/* 1: it is gone, or not to be seen by the asker. */
static int show_one(struct listing *l, enum queue_state state, const char *name, bool whole)
{
	const struct manage *m = l->m;
	struct entry n = { .id = "" };
	struct err why = { 0 };
	int r;

	if (state == QUEUE_DAMAGED) {
		if (m->asker.all)
			tell_damaged(l, state, name, "set aside: it is not what was stored", false);
		return !m->asker.all;
	}
	r = spool_peek(m->spool, state, name, &n, &why);
	if (r < 0 && m->asker.all) {
		tell_damaged(l, state, name, why.text,
			why.kind != ERR_DAMAGED && why.kind != ERR_FORMAT);
		r = 0;
	} else if (r == 0 && manage_may_see(m, &n)) {
		tell(l, state, &n, whole);
	} else {
		r = 1;
	}
	entry_release(&n);
	return r;
}

/* ---- all of them */

struct row {
	int64_t created;
	char id[ENTRY_ID_LEN + 1];
	unsigned char state;
};

/* The ids of a state.  1: there are too many; -1: ERR_STORE. */
static int gather(const struct manage *m, enum queue_state state, struct row *rows,
	size_t *count, struct err *e)
{
	struct spool_list *l = manage_names(m, state, e);
	char id[NAME_MAX + 1];
	bool fits = true;

	if (!l)
		return -1;
	while (fits && spool_next(l, id, sizeof(id))) {
		fits = *count < SORTED_MAX;
		if (fits && entry_is_id(id)) {
			memcpy(rows[*count].id, id, sizeof(rows->id));
			rows[(*count)++].state = (unsigned char)state;
		}
	}
	spool_list_free(&l);
	return !fits;
}

static void date(const struct manage *m, struct row *row)
{
	enum queue_state state = (enum queue_state)row->state;
	struct entry n = { .id = "" };
	struct err why = { 0 };
	struct stat st;

	if (spool_peek(m->spool, state, row->id, &n, &why) == 0)
		row->created = n.created;
	else if (stat_file(m, state, row->id, &st) == 0)
		row->created = st.st_mtime;
	entry_release(&n);
}

static int by_age(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->id, y->id);
}

static void list_sorted(struct listing *l, struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		date(l->m, &rows[i]);
	qsort(rows, count, sizeof(*rows), by_age);
	for (size_t i = 0; i < count; i++)
		show_one(l, (enum queue_state)rows[i].state, rows[i].id, false);
}

static int list_state(struct listing *l, enum queue_state state, struct err *e)
{
	struct spool_list *names = manage_names(l->m, state, e);
	char name[NAME_MAX + 1];

	if (!names)
		return -1;
	while (spool_next(names, name, sizeof(name)))
		show_one(l, state, name, false);
	spool_list_free(&names);
	return 0;
}

static int list_all(struct listing *l, struct err *e)
{
	struct row *rows = mem_alloc(SORTED_MAX * sizeof(*rows));
	size_t count = 0;
	int r = 0;

	for (int state = QUEUE_NEW; r == 0 && state <= QUEUE_FAILED; state++)
		r = gather(l->m, (enum queue_state)state, rows, &count, e);
	if (r == 0)
		list_sorted(l, rows, count);
	free(rows);
	for (int state = QUEUE_NEW; r > 0 && state <= QUEUE_FAILED; state++)
		if (list_state(l, (enum queue_state)state, e) < 0)
			r = -1;
	return r < 0 ? -1 : list_state(l, QUEUE_DAMAGED, e);
}

int manage_list(const struct manage *m, void (*item)(void *context, const struct manage_item *i),
	void *context, struct err *e)
{
	struct listing l = { .m = m, .item = item, .context = context, .now = time(NULL) };
	int r;

	if (!m->asker.may_list)
		return err_set(e, ERR_RIGHT, "this user may neither see nor change the queue");
	r = list_all(&l, e);
	listing_release(&l);
	return r;
}

/* ---- one of them, whole */

static int read_content(const struct held *h, uint64_t size,
	void (*content)(void *context, const char *data, size_t len), void *context, struct err *e)
{
	char *data = mem_grow(NULL, PIECE, 1);
	uint64_t at = 0;
	ssize_t got = 0;

	while (at < size) {
		size_t want = size - at < PIECE ? (size_t)(size - at) : (size_t)PIECE;

		got = held_read(h, at, data, want, e);
		if (got <= 0)
			break;
		content(context, data, (size_t)got);
		at += (uint64_t)got;
	}
	free(data);
	return got < 0 ? -1 : 0;
}

static int show_content(const struct manage *m, const struct manage_found *f, bool all,
	void (*content)(void *context, const char *data, size_t len), void *context, struct err *e)
{
	struct held *h = NULL;
	struct entry n = { .id = "" };
	int r;

	if (manage_lock(m, f, &h, e) < 0)
		return -1;
	r = held_load(h, false, &n, e);
	if (r == 0 && !manage_may_see(m, &n))
		r = err_set(e, ERR_RIGHT, "this message is somebody else's");
	if (r == 0)
		r = read_content(h, all ? n.content_size : n.header_size, content, context, e);
	entry_release(&n);
	held_free(&h);
	return r;
}

int manage_show(const struct manage *m, const char *id, bool all,
	void (*item)(void *context, const struct manage_item *i),
	void (*content)(void *context, const char *data, size_t len), void *context, struct err *e)
{
	struct listing l = { .m = m, .item = item, .context = context, .now = time(NULL) };
	struct manage_found f;
	int r;

	if (manage_find(m, id, &f, e) < 0)
		return -1;
	r = show_one(&l, f.state, f.name, true);
	listing_release(&l);
	if (r)
		return err_set(e, ERR_USAGE, "the message has gone meanwhile");
	/* A damaged one has none that could be told from the rest. */
	if (content && f.state != QUEUE_DAMAGED)
		return show_content(m, &f, all, content, context, e);
	return 0;
}
