/* deliver/giveup.c - what becomes of what cannot be delivered; see giveup.h.
 *
 * The order makes it safe to be interrupted anywhere:
 *   1. the control file says FAILED, and of whom: the id of a report follows
 *      from exactly that;
 *   2. the report is stored, or is there already;
 *   3. the control file says REPORTED; where nobody waits any more the entry goes to
 *      failed/.
 * A report that goes out before 3 has come to pass does 3 first.
 */
#include "deliver/giveup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "deliver/cause.h"
#include "deliver/giving.h"

/* ---- telling */

static void mark(struct entry *n, const size_t *which, size_t count)
{
	for (size_t i = 0; i < count; i++)
		n->recipients[which[i]].state = RECIPIENT_REPORTED;
}

/* Reports about everybody who is FAILED, each stored before its recipients are
 * marked in memory.  Where nobody is to be told they are marked all the same. */
static int report_failed(struct giving *g, struct telling *t, struct err *e)
{
	size_t *which = mem_alloc(NOTICE_RECIPIENTS_MAX * sizeof(*which)), count;
	char id[ENTRY_ID_LEN + 1];
	int good = 0;

	while (good == 0 && (count = giving_choose(g->entry, RECIPIENT_FAILED, 0, which))) {
		if (t->wanted)
			good = giving_failure_id(g->entry, which, count, id, e);
		if (t->wanted && good == 0)
			good = giving_store(g, t, which, count, id, e);
		if (good == 0)
			mark(g->entry, which, count);
	}
	free(which);
	return good;
}

/* Whoever failed in a run that was interrupted may have a report already, about
 * just these: the others are put off, noted in `later`.  Returns how many failed
 * then. */
static size_t put_off(const struct giving *g, bool *later)
{
	struct entry there = { .created = 0 }, *n = g->entry;
	struct err ignored;
	size_t old = 0;

	if (spool_peek(g->spool, held_state(g->held), n->id, &there, &ignored) == 0 &&
			there.count == n->count)
		old = entry_in_state(&there, RECIPIENT_FAILED);
	for (size_t i = 0; old && i < n->count; i++) {
		later[i] = n->recipients[i].state == RECIPIENT_FAILED &&
			there.recipients[i].state != RECIPIENT_FAILED;
		if (later[i])
			n->recipients[i].state = RECIPIENT_WAITING;
	}
	entry_release(&there);
	return old;
}

static int tell_failed(struct giving *g, struct telling *t, struct err *e)
{
	struct entry *n = g->entry;
	bool *later = mem_alloc(n->count * sizeof(*later));
	int good = 0;

	if (put_off(g, later))
		good = report_failed(g, t, e);
	for (size_t i = 0; i < n->count; i++)
		if (later[i])
			n->recipients[i].state = RECIPIENT_FAILED;
	free(later);
	if (good == 0 && t->wanted && entry_in_state(n, RECIPIENT_FAILED))
		good = held_update(g->held, n, true, e);
	return good == 0 ? report_failed(g, t, e) : -1;
}

/* ---- the end of it */

static void log_failure(const struct giving *g, const char *summary)
{
	const struct entry *n = g->entry;
	struct log_record record = { .failed = true };
	char warning[1];

	clock_gettime(CLOCK_REALTIME, &record.when);
	log_text(&record, "outcome", g->outcome);
	if (g->account)
		log_text(&record, "account", g->account->name);
	log_text(&record, "from", n->sender ? n->sender : n->origin);
	log_number(&record, "recipients", (long long)n->count);
	log_number(&record, "delivered", (long long)entry_in_state(n, RECIPIENT_DELIVERED));
	if (n->message_id && n->message_id[0])
		log_text(&record, "message_id", n->message_id);
	log_text(&record, "id", n->id);
	if (g->reports[0])
		log_text(&record, "report", g->reports);
	log_text(&record, "error", summary);
	log_send(&g->config->global.log, "syslog", &record, warning, sizeof(warning));
}

/* "bob@example.org: 550 no such user, and 2 more". */
static char *summarize(const struct giving *g)
{
	const struct entry_recipient *first = NULL;
	const char *expired = !strcmp(g->outcome, "expired") ? "expired: " : "", *text;
	size_t count = entry_in_state(g->entry, RECIPIENT_FAILED);

	for (size_t i = 0; !first && i < g->entry->count; i++)
		if (g->entry->recipients[i].state == RECIPIENT_FAILED)
			first = &g->entry->recipients[i];
	if (!first)
		return mem_string("");
	text = first->text ? first->text : "not delivered";
	return count == 1 ? mem_printf("%s%s: %s", expired, first->address, text) :
		mem_printf("%s%s: %s, and %zu more", expired, first->address, text, count - 1);
}

/* Everybody who is FAILED has been told: it goes where it belongs. */
static int conclude(struct giving *g, const char *summary, struct err *e)
{
	struct entry *n = g->entry;
	const char *account = g->account ? g->account->name : n->account ? n->account : "";
	bool run = g->config->global.on_failure && !n->failure_told;
	int64_t now = time(NULL);

	entry_event(n, now, "failed", summary);
	if (g->reports[0])
		entry_event(n, now, "reported", g->reports);
	n->failure_told = n->failure_told || run;
	if (held_update(g->held, n, true, e) < 0 ||
	    (!entry_waiting(n) && held_move(g->held, QUEUE_FAILED, e) < 0))
		return -1;
	log_failure(g, summary);
	if (run)
		giveup_run_command(g->spool, g->config, n->id, account, summary);
	return 0;
}

/* ---- failed */

/* By what a server said of a recipient, or of the message: not for want of a login or of
 * encryption, which nobody is given up for. */
static const char *next_step(const struct giving *g)
{
	for (size_t i = 0; i < g->entry->count; i++) {
		const struct entry_recipient *to = &g->entry->recipients[i];
		struct smtp_result r = { .verdict = VERDICT_REFUSED, .code = to->code,
			.standing = SMTP_ENCRYPTED | SMTP_LOGGED_IN, .text = to->text };

		if (to->state != RECIPIENT_FAILED || to->code < 500 || !to->enhanced[0])
			continue;
		memcpy(r.enhanced, to->enhanced, sizeof(r.enhanced));
		/* RFC 3463 section 3.2: X.1 and X.2 are about the address. */
		r.step = r.enhanced[2] == '1' || r.enhanced[2] == '2' ? STEP_RCPT : STEP_CONTENT;
		return cause_of_result(&r, giving_server(g))->next;
	}
	return NULL;
}

/* Nobody has failed, nobody waits: what is left of a run that was interrupted. */
static int clear_away(struct giving *g, struct err *e)
{
	if (entry_waiting(g->entry))
		return 0;
	if (entry_in_state(g->entry, RECIPIENT_REPORTED))
		return held_move(g->held, QUEUE_FAILED, e);
	return held_remove(g->held, e);   /* everybody has it */
}

static int give_up(struct giving *g, struct err *e)
{
	struct telling t;
	char *summary;
	int good;

	if (!entry_in_state(g->entry, RECIPIENT_FAILED))
		return clear_away(g, e);
	summary = summarize(g);
	giving_prepare(g, REPORT_FAILED, &t);
	good = tell_failed(g, &t, e);
	if (good == 0)
		good = conclude(g, summary, e);
	telling_release(&t);
	free(summary);
	return good;
}

int giveup_failed(struct spool *s, const struct config *c, const struct account *a,
	struct held *h, struct entry *n, struct err *e)
{
	struct giving g = { .spool = s, .config = c, .account = a, .held = h, .entry = n,
		.outcome = "failed" };

	g.next = next_step(&g);
	return give_up(&g, e);
}

/* ---- expired */

static char *in_words(long milliseconds)
{
	static const struct { long seconds; const char *unit; } units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" }
	};
	long seconds = milliseconds / 1000;
	size_t i = 0;

	while (i + 1 < COUNT(units) && (seconds % units[i].seconds || seconds < units[i].seconds))
		i++;
	seconds /= units[i].seconds;
	return mem_printf("%ld %s%s", seconds, units[i].unit, seconds == 1 ? "" : "s");
}

static void expire(struct giving *g, int64_t now)
{
	char *why = giving_why_waiting(g), *age = in_words(g->config->global.retry.max_age);

	for (size_t i = 0; i < g->entry->count; i++) {
		struct entry_recipient *to = &g->entry->recipients[i];

		if (to->state != RECIPIENT_WAITING)
			continue;
		to->state = RECIPIENT_FAILED;
		if (to->code)
			continue;   /* that answer is what there is to tell */
		if (!to->enhanced[0])
			snprintf(to->enhanced, sizeof(to->enhanced), "%s",
				report_status(0, NULL, true));
		free(to->text);
		to->text = mem_printf("not delivered within %s: %s", age, why);
		to->when = to->when ? to->when : now;
	}
	free(why);
	free(age);
}

int giveup_expired(struct spool *s, const struct config *c, const struct account *a,
	struct held *h, struct entry *n, struct err *e)
{
	struct giving g = { .spool = s, .config = c, .account = a, .held = h, .entry = n,
		.outcome = "expired" };
	char *age = in_words(c->global.retry.max_age), *keep = in_words(c->global.failed_keep);
	char shown[ENTRY_ID_LEN + 3], *next;
	int good;

	notice_show_id(s, n->id, shown);
	next = mem_printf("it waited for %s and is kept for %s more; when the cause is mended, "
		"`sendoff queue retry %s` sends it after all", age, keep, shown);
	g.next = next;
	expire(&g, time(NULL));
	good = give_up(&g, e);
	free(next);
	free(keep);
	free(age);
	return good;
}

/* ---- a report goes out */

/* The recipients that this report is about, if it is of this entry. */
static bool mark_reported(struct entry *n, const char *report)
{
	size_t *which = mem_alloc(NOTICE_RECIPIENTS_MAX * sizeof(*which)), count, from = 0;
	char id[ENTRY_ID_LEN + 1];
	struct err ignored;
	bool found = false;

	while (!found && (count = giving_choose(n, RECIPIENT_FAILED, from, which))) {
		found = giving_failure_id(n, which, count, id, &ignored) == 0 && !strcmp(id, report);
		if (found)
			mark(n, which, count);
		from = which[count - 1] + 1;
	}
	free(which);
	return found;
}

static int finish(struct spool *s, const struct config *c, struct held *h, struct entry *n,
	const struct entry *report, struct err *e)
{
	const char *account = n->account ? n->account : n->last_account;
	struct giving g = { .spool = s, .config = c, .held = h, .entry = n, .outcome = "failed",
		.account = account ? config_account(c, account) : NULL };
	char id[ENTRY_ID_LEN + 1], *summary;
	int good = 0;

	if (giving_delay_id(n, id, e) == 0 && !strcmp(id, report->id)) {
		if (n->delay_told)
			return 0;
		n->delay_told = true;
		entry_event(n, time(NULL), "delayed", report->id);
		return held_update(h, n, true, e);
	}
	summary = summarize(&g);
	if (mark_reported(n, report->id)) {
		giving_note(&g, report->id);
		if (entry_in_state(n, RECIPIENT_FAILED))
			good = held_update(h, n, true, e);   /* the next report sees to the rest */
		else
			good = conclude(&g, summary, e);
	}
	free(summary);
	return good;
}

static int finish_in(struct spool *s, const struct config *c, enum queue_state state,
	const struct entry *report, struct err *e)
{
	struct entry n = { .created = 0 };
	struct held *h = NULL;
	struct err ignored;
	int got = spool_hold(s, state, report->subject_of, &h, e), good = 0;

	if (got == 0 && spool_peek(s, state, report->subject_of, &n, &ignored) != 1)
		good = err_set(e, ERR_TIMEOUT, "another process is at the message that the report is "
			"about");
	else if (got < 0)
		good = -1;
	else if (got > 0 && held_load(h, false, &n, e) == 0)
		good = finish(s, c, h, &n, report, e);
	else if (got > 0 && e->kind != ERR_DAMAGED && e->kind != ERR_FORMAT)
		good = -1;   /* what it says is not known now */
	entry_release(&n);
	held_free(&h);
	return good;
}

/* Whoever released or held it meanwhile may have taken it past us once. */
int giveup_finish(struct spool *s, const struct config *c, const struct entry *report,
	struct err *e)
{
	static const enum queue_state states[] = { QUEUE_NEW, QUEUE_HOLD, QUEUE_NEW };
	int good = 0;

	for (size_t i = 0; report->subject_of && good == 0 && i < COUNT(states); i++)
		good = finish_in(s, c, states[i], report, e);
	return good;
}
