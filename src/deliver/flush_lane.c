/* deliver/flush_lane.c - what waits for each account: found, ordered, handed over when
 * the account is in trouble; see flush_state.h. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "deliver/credential.h"
#include "deliver/flush_state.h"
#include "deliver/trouble.h"

/* ---- lanes */

static struct lane *lane_of(struct flush *f, const struct config *c, const struct account *a)
{
	struct lane **at = &f->lanes;

	while (*at && (*at)->account != a)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_alloc(sizeof(**at));
		(*at)->flush = f;
		(*at)->config = c;
		(*at)->account = a;
		(*at)->apart = trouble_is_apart(f->spool, a);
	}
	return *at;
}

static void lane_add(struct lane *l, const char *id, int64_t order)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->ids = mem_grow(l->ids, l->cap, sizeof(*l->ids));
		l->order = mem_grow(l->order, l->cap, sizeof(*l->order));
	}
	snprintf(l->ids[l->count], sizeof(l->ids[0]), "%s", id);
	l->order[l->count++] = order;
}

/* In the order in which they came: a series of patches stays one.  What was
 * added is sorted in among what still waits. */
static void lane_sort(struct lane *l)
{
	for (size_t gap = (l->count - l->at) / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11)
		for (size_t i = l->at + gap; i < l->count; i++) {
			char id[ENTRY_ID_LEN + 1];
			int64_t order = l->order[i];
			size_t k = i;

			memcpy(id, l->ids[i], sizeof(id));
			while (k >= l->at + gap && l->order[k - gap] > order) {
				memcpy(l->ids[k], l->ids[k - gap], sizeof(id));
				l->order[k] = l->order[k - gap];
				k -= gap;
			}
			memcpy(l->ids[k], id, sizeof(id));
			l->order[k] = order;
		}
}

void flush_note_next(struct flush *f, int64_t when)
{
	if (!f->r->next || when < f->r->next)
		f->r->next = when;
}

void flush_reason(struct flush *f, const char *reason)
{
	struct flush_result *r = f->r;

	text_clean_to(r->reason, sizeof(r->reason), reason, strlen(reason));
	r->cause = NULL;
	r->step[0] = '\0';
	r->signs_in = false;
	r->untried = 0;
}

/* It is trouble of that account.  hint: a next step that is better than that of the cause;
 * "". */
static void note_account(struct flush *f, const struct account *a, const struct cause *cause,
	const char *hint)
{
	struct flush_result *r = f->r;
	char out[CREDENTIAL_NEXT_MAX];
	const char *next = hint[0] ? hint : cause ? credential_next(a, cause, out) : NULL;

	snprintf(r->account, sizeof(r->account), "%s", a->name);
	r->cause = cause ? cause->id : NULL;
	r->signs_in = account_signs_in(a);
	snprintf(r->step, sizeof(r->step), "%s", next ? next : "");
}

/* Not worth a connection, where max_rate lets nothing go for long. */
static bool rate_lets(struct flush *f, const struct account *a)
{
	int64_t wait = trouble_rate_wait(f->spool, a);

	if (!wait || (f->o->patient && wait <= FLUSH_RATE_PATIENCE))
		return true;
	flush_reason(f, "");
	note_account(f, a, NULL, "");
	snprintf(f->r->reason, sizeof(f->r->reason), "max_rate lets the next message go in %lld s",
		(long long)wait);
	flush_note_next(f, time(NULL) + wait);
	return false;
}

/* Where there is a user for it, root goes into the network as that one.  In a queue of
 * root's own it stays root, and what the machine's accounts should carry is the
 * runner's affair. */
static const struct account *without_root(struct flush *f, const struct account *a)
{
	if (geteuid() != 0 || a->scope != SCOPE_SYSTEM || !a->source ||
	    !getpwnam(CONFIG_RUNNER_USER))
		return a;
	if (config_has_runner())
		return config_runner_account();
	flush_reason(f, "root does not use it from a queue of its own, only as user "
		CONFIG_RUNNER_USER ": start the runner, which takes it from here");
	note_account(f, a, NULL, "");
	return NULL;
}

/* It is parked, and was not tried: what is told of it is old. */
static void note_parked(struct flush *f, const struct account *a, const struct trouble_why *why)
{
	flush_reason(f, why->reason);
	note_account(f, a, why->cause, "");
	f->r->untried = why->until;
	flush_note_next(f, why->until);
}

/* Which lane an account's messages go by now; NULL: they wait. */
static struct lane *open_lane(struct flush *f, const struct finding *found)
{
	const struct account *open;
	struct trouble_why why;

	open = trouble_free(f->spool, found->config, found->account, TROUBLE_ASK,
		f->o->override ? &f->grants : NULL, &why);
	if (!open) {
		note_parked(f, found->account, &why);
		return NULL;
	}
	open = without_root(f, open);
	return open && rate_lets(f, open) ? lane_of(f, found->config, open) : NULL;
}

/* It is there, and cannot be tried; why. */
static void note_waiting(struct flush *f, const struct err *why)
{
	f->r->due++;
	f->r->later++;
	f->r->account[0] = '\0';
	flush_reason(f, why->text);
}

struct opened {
	const struct account *account;
	struct lane *lane;
};

static bool is_to_be_looked_at(struct flush *f, const char *id)
{
	if (seen_add(&f->seen, id))
		return true;
	if (!seen_let_go(&f->seen, f->spool, id))
		return false;
	f->r->busy--;
	f->r->due--;
	return true;
}

static struct visit visit_of(struct flush *f)
{
	return (struct visit){ .spool = f->spool, .config = f->config, .shelf = &f->shelf,
		.now = time(NULL), .all_due = f->o->now, .uid = f->o->uid,
		.config_file = f->o->config, .since = f->o->now ? f->began : 0,
		.grants = f->o->override ? &f->grants : NULL };
}

bool flush_collect(struct flush *f)
{
	struct visit v = visit_of(f);
	struct spool_list *list = spool_list(f->spool, QUEUE_NEW, &f->err);
	struct opened *opened = NULL;
	size_t count = 0;
	char id[ENTRY_ID_LEN + 1];
	bool some = false;

	while (list && spool_next(list, id, sizeof(id))) {
		struct finding found;
		enum wish wish;
		size_t i = 0;

		if ((f->o->id && strcmp(f->o->id, id) != 0) || !is_to_be_looked_at(f, id))
			continue;
		wish = visit_entry(&v, id, &found);
		if (wish == WISH_WAIT)
			flush_note_next(f, found.when);
		f->r->damaged += found.damaged;
		f->r->failed += found.given_up;
		if (found.stuck.kind != ERR_NONE) {
			f->r->stuck++;   /* somebody must mend the configuration first */
			note_waiting(f, &found.stuck);
		}
		if (found.trouble.kind != ERR_NONE)
			note_waiting(f, &found.trouble);
		if (wish != WISH_SEND ||
		    (f->o->account && strcmp(f->o->account, found.account->name) != 0))
			continue;
		f->r->due++;
		while (i < count && opened[i].account != found.account)
			i++;
		if (i == count) {
			opened = mem_grow(opened, count + 1, sizeof(*opened));
			opened[count++] = (struct opened){ found.account, open_lane(f, &found) };
		}
		if (!opened[i].lane || opened[i].lane->closed) {
			f->r->later++;
			continue;
		}
		opened[i].lane->stands_in |= opened[i].lane->account != found.account;
		opened[i].lane->overdue |= found.overdue;
		lane_add(opened[i].lane, id, found.order);
		some = true;
	}
	spool_list_free(&list);
	visit_release(&v);
	free(opened);
	for (struct lane *l = f->lanes; l; l = l->next)
		lane_sort(l);
	return some;
}

/* ---- trouble and success */

void lane_close(struct lane *l, const struct smtp_result *r, const struct err *err)
{
	struct flush *f = l->flush;
	const char *why = r ? r->text ? r->text : "" : err->text;

	if (l->closed)
		return;
	l->closed = true;
	f->r->unwritten |= trouble_park(f->spool, l->config, l->account, &l->since,
		r, err) < 0;
	flush_reason(f, why);
	note_account(f, l->account, r ? cause_of_result(r, l->account->net.host) : cause_of_err(err),
		r ? "" : err->hint);
}

/* The first success releases all that waits for the account; each sender's first one
 * what was noted of him. */
void lane_success(struct lane *l, const char *sender)
{
	if (!l->sure || strcmp(l->sure, sender) != 0) {
		trouble_over(l->flush->spool, l->account, sender);
		free(l->sure);
		l->sure = mem_string(sender);
	}
	l->cleared = true;
	l->blames = 0;
}

void lane_unsure(struct lane *l)
{
	free(l->sure);
	l->sure = NULL;
}

void lane_again(struct lane *l, const char *id, int64_t order)
{
	lane_add(l, id, order);
}

/* Whether it was too old to wait any longer, and is given up. */
static bool was_the_last_try(struct flush *f, const char *id)
{
	struct visit v = visit_of(f);
	struct finding ignored;
	bool gone = visit_entry(&v, id, &ignored) == WISH_GONE;

	visit_release(&v);
	return gone;
}

void lane_hand_over(struct lane *l)
{
	struct flush *f = l->flush;
	const char *name = l->account->who.fallback;
	const struct account *other = name ? config_account(l->config, name) : NULL;
	struct finding found = { .config = l->config, .account = other };
	struct lane *to = other ? open_lane(f, &found) : NULL;

	for (; l->at < l->count; l->at++)
		if (to && !to->closed)
			lane_add(to, l->ids[l->at], l->order[l->at]);
		else if (l->overdue && was_the_last_try(f, l->ids[l->at]))
			f->r->failed++;
		else
			f->r->later++;
	if (to) {
		to->stands_in = true;
		to->overdue |= l->overdue;
	}
}
