/* deliver/flush_visit.c - what an entry wants: due, late, expired; whose it is;
 * see flush_state.h. */
#include "deliver/flush_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "deliver/giveup.h"
#include "deliver/manage.h"
#include "deliver/route.h"
#include "deliver/trouble.h"
#include "mail/address.h"

enum { FAULT_SECONDS = 300 };

const struct account *visit_route(const struct config *c, const struct entry *n, struct err *e)
{
	struct route_question q = { .wanted = n->account, .sender = n->sender,
		.from = n->from ? n->from : "", .user = n->login, .uid = n->uid };
	struct route route = { .account = NULL };

	return route_choose(c, &q, &route, e) == ROUTE_FOUND ? route.account : NULL;
}

/* ---- what is known of the accounts */

static struct known *known_of(struct visit *v, const struct finding *f)
{
	struct trouble_why why;
	struct known *k;
	struct err ignored;

	for (size_t i = 0; i < v->known_count; i++)
		if (v->known[i].account == f->account)
			return &v->known[i];
	v->known = mem_grow(v->known, v->known_count + 1, sizeof(*v->known));
	k = &v->known[v->known_count++];
	*k = (struct known){ .account = f->account };
	if (park_read(v->spool, f->account->name, &k->park, &ignored) < 0)
		park_release(&k->park);
	k->closed = !trouble_free(v->spool, f->config, f->account, TROUBLE_ASK, NULL, &why);
	return k;
}

void visit_release(struct visit *v)
{
	for (size_t i = 0; i < v->known_count; i++)
		park_release(&v->known[i].park);
	free(v->known);
	v->known = NULL;
	v->known_count = 0;
}

/* Its account does not get mail of its sender sent; until *when. */
static bool sender_waits(struct visit *v, const struct entry *n, const struct finding *f,
	int64_t *when)
{
	const struct known *k = known_of(v, f);
	const char *sender = n->sender ? n->sender : n->origin ? n->origin : "";
	struct trouble_why why;

	if (!k->park.sender_count || trouble_sender_free(v->spool, f->config, f->account, &k->park,
			route_sender(f->account, sender, n->sender != NULL), v->grants, &why))
		return false;
	*when = why.until;
	return true;
}

/* There is no way to try it now. */
static bool is_stuck(struct visit *v, const struct entry *n, const struct finding *f)
{
	int64_t ignored;

	return !f->account || known_of(v, f)->closed || sender_waits(v, n, f, &ignored);
}

/* How patient the configuration is that it was taken in with. */
static const struct retry_settings *patience_of(const struct visit *v, const struct finding *f)
{
	return &(f->config ? f->config : v->config)->global.retry;
}

/* ---- too late */

/* What is to be done with an entry before it is tried, or instead. */
struct lateness {
	bool overdue;    /* older than max_age */
	bool over;       /* ... and it had its last try, or there is no way to try it */
	bool late;       /* the sender is to be told that it waits */
	bool rest;       /* of a run that was interrupted: somebody has failed, or nobody waits */
};

static struct lateness lateness_of(struct visit *v, const struct entry *n, const struct finding *f)
{
	const struct retry_settings *set = patience_of(v, f);
	int64_t start = manage_since(n), longest = set->most / 1000 + set->most / 5000;
	struct lateness l = { .overdue = schedule_expired(set, start, v->now),
		.rest = !entry_waiting(n) || entry_in_state(n, RECIPIENT_FAILED) };
	bool delayed = !n->delay_told && schedule_delayed(set, start, v->now);

	/* A machine that was off, or a clock that was put right, is no reason to give up
	 * what no server was offered lately. */
	l.over = l.overdue && ((n->last && v->now - n->last <= longest) || is_stuck(v, n, f));
	l.late = delayed && (n->tries || is_stuck(v, n, f));
	return l;
}

/* What needs no server: done under the entry's lock, by what it says then.  True: it
 * is gone from new/. */
static bool attend(struct visit *v, const char *id, struct finding *f)
{
	struct entry n = { .created = 0 };
	const struct config *c = f->config ? f->config : v->config;
	struct lateness l;
	struct held *h = NULL;
	struct err e = { 0 };
	bool gone = false;

	if (spool_hold(v->spool, QUEUE_NEW, id, &h, &e) <= 0)
		return true;   /* somebody else sees to it */
	if (held_load(h, false, &n, &e) == 0) {
		l = lateness_of(v, &n, f);
		if (l.rest)
			giveup_failed(v->spool, c, f->account, h, &n, &e);
		else if (l.over)
			giveup_expired(v->spool, c, f->account, h, &n, &e);
		else if (l.late)
			giveup_delayed(v->spool, c, f->account, h, &n, &e);
		gone = held_state(h) != QUEUE_NEW || held_is_gone(h);
		f->given_up = held_state(h) == QUEUE_FAILED;
	}
	held_free(&h);
	entry_release(&n);
	return gone;
}

/* ---- one entry */

static bool set_aside(const struct visit *v, const char *id, const struct err *why)
{
	struct log_record record = { .failed = true };
	char warning[1];
	struct err e = { 0 };

	if (spool_set_aside(v->spool, QUEUE_NEW, id, &e) < 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &record.when);
	log_text(&record, "outcome", "damaged");
	log_text(&record, "id", id);
	log_text(&record, "error", why->text);
	log_send(&v->config->global.log, "syslog", &record, warning, sizeof(warning));
	return true;
}

/* Whether this run is about it at all. */
static bool concerns(const struct visit *v, const struct entry *n)
{
	if (v->uid != (uid_t)-1 && v->uid != n->uid)
		return false;
	return !v->config_file || (n->config && !strcmp(n->config, v->config_file));
}

static bool is_due(const struct visit *v, const struct retry_settings *set,
	const struct entry *n, int64_t *when)
{
	*when = schedule_when(set, n->next, n->next_set, v->now);
	if (n->not_before > v->now) {
		*when = n->not_before > *when ? n->not_before : *when;
		return false;
	}
	if (v->since && n->last > v->since && n->last <= v->now)
		return false;
	if (v->all_due)
		*when = v->now;
	return v->all_due || schedule_due(set, n->next, n->next_set, v->now);
}

/* What was handed in with a moment that no clock will show waits for ever. */
static int64_t later_by(int64_t moment, long milliseconds)
{
	int64_t seconds = milliseconds / 1000;

	return moment > INT64_MAX - seconds ? INT64_MAX : moment + seconds;
}

/* When it wants to be looked at for another reason than being due. */
static int64_t sooner(const struct retry_settings *set, const struct entry *n, int64_t when)
{
	int64_t start = manage_since(n);
	int64_t expires = later_by(start, set->max_age);
	int64_t late = later_by(start, set->delay_notice);

	if (expires < when)
		when = expires;
	if (set->delay_notice && !n->delay_told && late < when)
		when = late;
	return when;
}

static enum wish weigh(struct visit *v, const struct entry *n, struct finding *f)
{
	const struct retry_settings *set;
	struct lateness l;
	struct err e = { 0 };

	f->config = config_of(v->shelf, v->config, n->config, &e);
	f->account = f->config ? visit_route(f->config, n, &e) : NULL;
	set = patience_of(v, f);
	l = lateness_of(v, n, f);
	if ((l.rest || l.over || l.late) && attend(v, n->id, f))
		return WISH_GONE;
	f->overdue = l.overdue && !l.over;
	if (f->overdue)
		return WISH_SEND;
	if (!is_due(v, set, n, &f->when) || (f->account && sender_waits(v, n, f, &f->when))) {
		f->when = sooner(set, n, f->when);
		return WISH_WAIT;
	}
	if (f->account)
		return WISH_SEND;
	/* Whoever mends the configuration wakes us. */
	f->stuck = e;
	f->when = sooner(set, n, v->now + FAULT_SECONDS);
	return WISH_WAIT;
}

enum wish visit_entry(struct visit *v, const char *id, struct finding *f)
{
	struct entry n = { .created = 0 };
	struct err e = { 0 };
	enum wish wish = WISH_GONE;

	*f = (struct finding){ .config = NULL };
	switch (spool_peek(v->spool, QUEUE_NEW, id, &n, &e)) {
	case 0:
		f->order = n.created * 1000000 + n.created_us;
		if (concerns(v, &n))
			wish = weigh(v, &n, f);
		break;
	case -1:
		if (e.kind == ERR_DAMAGED)
			f->damaged = set_aside(v, id, &e);
		else if (e.kind != ERR_FORMAT)
			f->trouble = e;
		break;
	default:
		break;
	}
	entry_release(&n);
	return wish;
}

/* ---- for the watcher */

struct wait {
	const struct config *config;
	const struct account *account;
	int64_t when;
};

struct waits {
	struct wait *items;
	size_t count;
};

static void note_wait(struct waits *w, const struct finding *f, int64_t when)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].account == f->account) {
			if (when < w->items[i].when)
				w->items[i].when = when;
			return;
		}
	w->items = mem_grow(w->items, w->count + 1, sizeof(*w->items));
	w->items[w->count++] = (struct wait){ f->config, f->account, when };
}

struct telling {
	int64_t now, patience;
};

static bool is_to_be_told(const struct park *p, const struct telling *t)
{
	return p->kind == PARK_LOGIN && !p->told && t->now - p->since >= t->patience;
}

static void note_told(struct park *p, void *context)
{
	p->told |= is_to_be_told(p, context);
}

/* A login that stays refused is told to whoever looks after this machine. */
static void tell_parked(struct spool *s, const struct config *c, const struct account *a,
	int64_t now)
{
	struct telling t = { .now = now, .patience = c->global.retry.delay_notice / 1000 };
	struct park p = { .kind = PARK_NONE };
	struct err ignored;

	if (t.patience && park_read(s, a->name, &p, &ignored) == 0 && is_to_be_told(&p, &t) &&
	    giveup_run_command(s, c, "", a->name, p.reason ? p.reason : ""))
		park_change(s, a->name, note_told, &t, &ignored);
	park_release(&p);
}

static const char *file_of(const struct config *c, const struct config *in_force)
{
	return c && c != in_force ? c->file : NULL;
}

/* No connection is worth it before. */
static int64_t rate_moment(struct spool *s, const struct account *a, int64_t now)
{
	int64_t wait = trouble_rate_wait(s, a);

	return wait > FLUSH_RATE_PATIENCE ? now + wait : 0;
}

int flush_survey(struct spool *s, const struct config *c,
	void (*account)(void *context, const char *config, const char *name, int64_t when),
	void *context, struct err *e)
{
	struct config_shelf shelf = { .count = 0 };
	struct visit v = { .spool = s, .config = c, .shelf = &shelf, .now = time(NULL),
		.uid = (uid_t)-1 };
	struct spool_list *list = spool_list(s, QUEUE_NEW, e);
	struct waits waits = { .count = 0 };
	char id[ENTRY_ID_LEN + 1];

	if (!list)
		return -1;
	while (spool_next(list, id, sizeof(id))) {
		struct finding f;
		enum wish wish = visit_entry(&v, id, &f);

		if (wish != WISH_GONE)
			note_wait(&waits, &f, wish == WISH_SEND ? 0 : f.when);
	}
	spool_list_free(&list);
	visit_release(&v);
	for (size_t i = 0; i < waits.count; i++) {
		struct wait *w = &waits.items[i];
		const struct account *open = NULL;
		struct trouble_why why = { .until = 0 };
		int64_t until;

		if (w->account)
			open = trouble_free(s, w->config, w->account, TROUBLE_ASK, NULL, &why);
		until = why.until;
		if (w->account)   /* its fallback may be free */
			tell_parked(s, w->config, w->account, v.now);
		if (open)
			until = rate_moment(s, open, v.now);
		account(context, file_of(w->config, c), w->account ? w->account->name : "",
			until > w->when ? until : w->when);
	}
	free(waits.items);
	config_shelf_release(&shelf);
	return 0;
}
