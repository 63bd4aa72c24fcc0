/* deliver/submit_store.c - the queue's part of a submission; see submit_state.h. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/enqueue.h"
#include "deliver/flush.h"
#include "deliver/giveup.h"
#include "deliver/submit_state.h"
#include "deliver/trouble.h"

enum {
	FOLLOW_MS = 60 * 1000,
	FOLLOW_PAUSE_MS = 100,       /* until the server has noticed that our connection is closed */
	FOLLOW_RATE_MS = 15 * 1000   /* nobody waits behind a caller for longer than that */
};

/* ---- storing */

/* Why it waits.  Where the server may have it, that counts more than how the
 * connection broke. */
static const struct cause *cause_of(const struct run *r)
{
	const struct outcome *o = &r->out->outcome;
	const struct smtp_message *m = &r->out->attempt.smtp;

	for (size_t i = 0; m->results && i < m->count; i++)
		if (m->results[i].verdict == VERDICT_UNKNOWN)
			return cause_of_result(&m->results[i], NULL);
	if (o->err.kind != ERR_NONE)
		return cause_of_err(&o->err);
	if (o->refusal.code)
		return cause_of_result(&o->refusal, r->out->route.account->net.host);
	for (size_t i = 0; m->results && i < m->count; i++)
		if (m->results[i].verdict == VERDICT_TRY_LATER)
			return cause_of_result(&m->results[i], r->out->route.account->net.host);
	return NULL;
}

/* Trouble of the account is the account's to wait for. */
static int64_t next_try(const struct run *r, const struct cause *cause)
{
	uint32_t random = 0;

	if (!cause || r->plan == PLAN_STORE || !r->configured ||
	    (cause->concern == CONCERNS_ACCOUNT && cause->park != PARK_NONE))
		return 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)time(NULL);
	return time(NULL) + schedule_wait(&r->config->global.retry, 1, random);
}

static void store(struct run *r)
{
	struct submission *out = r->out;
	struct outcome *o = &out->outcome;
	const struct cause *cause = cause_of(r);
	char id[ENTRY_ID_LEN + 1] = "", reason[sizeof(o->err.text)] = "";
	bool tried = o->attempt && r->plan == PLAN_SEND;
	struct enqueue_facts facts = {
		.account = r->o->account, .config = r->config->file,
		.tag = r->o->tag, .uid = process_caller(), .errors = r->o->errors,
		.not_before = r->o->not_before,
		.tried = tried ? &out->attempt.smtp : NULL,
		.tried_account = out->route.account ? out->route.account->name : NULL,
		.tried_cause = cause ? cause->id : NULL, .next = next_try(r, cause),
	};

	outcome_reason(o, reason, sizeof(reason));
	facts.tried_reason = reason[0] ? reason : NULL;
	if (!plan_spool(r)) {
		o->store = r->no_spool;
	} else if (enqueue(r->spool, &out->message, &facts, id, &o->store) == 0) {
		o->queued = true;
		o->not_before = r->o->not_before;
		snprintf(o->id, sizeof(o->id), "p-%s", id);
		out->unwatched = !r->o->queue_only && !spool_is_watched(r->spool);
	}
	/* Whatever kept it from being stored, it may be sent again. */
	if (o->store.kind != ERR_NONE && o->store.kind != ERR_MESSAGE)
		o->store.kind = ERR_STORE;
}

static size_t count_of(const struct run *r, enum smtp_verdict verdict)
{
	const struct smtp_message *m = &r->out->attempt.smtp;
	size_t n = 0;

	for (size_t i = 0; m->results && i < m->count; i++)
		n += m->results[i].verdict == verdict;
	return n;
}

/* ---- what it says about the account */

static void note_trouble(struct run *r)
{
	const struct outcome *o = &r->out->outcome;
	const struct account *a = r->out->route.account;
	const struct smtp_message *m = &r->out->attempt.smtp;

	if (r->plan != PLAN_SEND || !r->spool || !o->attempt)
		return;
	if (count_of(r, VERDICT_DELIVERED)) {
		trouble_over(r->spool, a, r->out->attempt.sender);
		return;
	}
	if (o->err.kind != ERR_NONE || o->refusal.code) {
		trouble_park(r->spool, r->config, a, &r->since, o->refusal.code ? &o->refusal : NULL,
			&o->err);
		return;
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct smtp_result *said = &m->results[i];

		if (said->code >= 400 &&
		    (trouble_park(r->spool, r->config, a, &r->since, said, NULL) ||
		     trouble_sender(r->spool, r->config, a, r->out->attempt.sender, said)))
			return;
	}
}

/* ---- refusals told by mail */

/* Where all were refused the caller hears it as well, and its exit code counts;
 * a report that cannot be stored is no report.  Nor is one in a queue of one's own
 * that nobody looks after, of mail that the runner carries. */
static void report(struct run *r)
{
	char id[ENTRY_ID_LEN + 1];
	struct err e = { 0 };
	size_t refused = count_of(r, VERDICT_REFUSED);

	if (r->plan == PLAN_HAND_OVER || !r->o->report || r->o->errors != ERRORS_MAIL || !refused || !r->configured ||
	    (r->o->answers && refused == r->out->attempt.smtp.count) ||
	    !plan_spool(r) || giveup_tell(r->spool, r->config, r->out->route.account,
			&r->out->message, &r->out->attempt.smtp, id, &e) != 0)
		return;
	r->out->outcome.reported = refused < r->out->attempt.smtp.count ||
		r->o->report_is_success;
}

static bool is_to_be_stored(const struct run *r)
{
	const struct outcome *o = &r->out->outcome;

	if (r->o->no_queue || r->plan == PLAN_HAND_OVER || r->plan == PLAN_NONE || !r->taken_in)
		return false;
	if (o->err.kind != ERR_NONE && cause_of_err(&o->err)->concern == CONCERNS_CALLER)
		return o->err.kind == ERR_SIGNAL && r->submitted;
	if (r->plan == PLAN_STORE)
		return true;
	return o->attempt && count_of(r, VERDICT_DELIVERED) + count_of(r, VERDICT_REFUSED) <
		r->out->attempt.smtp.count;
}

/* What only the account cannot take that stands in is none of the message's faults. */
static void keep_for_the_other(struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->results[i].verdict == VERDICT_REFUSED && !m->results[i].code &&
		    m->results[i].kind == ERR_CAPABILITY)
			m->results[i].verdict = VERDICT_TRY_LATER;
}

void store_rest(struct run *r)
{
	struct outcome *o = &r->out->outcome;

	o->no_queue = r->o->no_queue || r->plan == PLAN_HAND_OVER;
	if (o->attempt && r->plan == PLAN_SEND && !r->o->no_queue)
		outcome_sort(&r->out->attempt.smtp, r->out->route.account->net.host);
	if (o->attempt && r->stands_in)
		keep_for_the_other(&r->out->attempt.smtp);
	if (!r->o->no_queue)
		note_trouble(r);
	if (is_to_be_stored(r))
		store(r);
	report(r);
	slot_free(&r->slot);
}

/* ---- who goes on behind us */

static bool something_waits(struct spool *s)
{
	struct err ignored = { 0 };
	struct spool_list *list = spool_list(s, QUEUE_NEW, &ignored);
	char id[ENTRY_ID_LEN + 1];
	bool some = list && spool_next(list, id, sizeof(id));

	spool_list_free(&list);
	return some;
}

/* A place is free: whoever held it may have looked before our message was there. */
static bool place_is_free(const struct run *r)
{
	const struct account *a = r->out->route.account;
	struct slot *slot = NULL;
	struct err ignored;
	bool free_one = slot_take(r->spool, a->name, a->traffic.max_connections, &slot,
		&ignored) == 1;

	slot_free(&slot);
	return free_one;
}

/* The server has spoken about the message, not about the account: others may go now. */
static bool was_reached(const struct run *r)
{
	const struct smtp_message *m = &r->out->attempt.smtp;
	const char *host = r->out->route.account->net.host;

	for (size_t i = 0; m->results && i < m->count; i++)
		if (m->results[i].code && (m->results[i].code < 400 ||
				cause_of_result(&m->results[i], host)->concern != CONCERNS_ACCOUNT))
			return true;
	return false;
}

static bool is_wanted(const struct run *r)
{
	const struct outcome *o = &r->out->outcome;

	if (!r->configured || !r->spool || !r->out->route.account || r->plan == PLAN_HAND_OVER ||
	    r->o->no_queue || process_stopped() || process_in_service() ||
	    r->out->route.account->traffic.rate_interval > FOLLOW_RATE_MS ||
	    spool_is_watched(r->spool))
		return false;
	if (o->queued && r->busy)
		return place_is_free(r);
	if (o->queued && r->plan == PLAN_SEND && r->out->route.account->who.fallback)
		return true;   /* which may carry it now */
	if (r->plan == PLAN_STORE)
		return o->queued && !r->o->queue_only && !r->o->not_before &&
			plan_delivery(r) == DELIVERY_BACKGROUND;
	return was_reached(r) && something_waits(r->spool);
}

/* In the child: what it has of ours is memory only. */
static void follow(void *context)
{
	const struct run *r = context;
	const struct account *a = r->out->route.account;
	struct flush_options o = { .uid = (uid_t)-1, .account = a->name,
		.config = r->config->file, .deadline = clock_ms() + FOLLOW_MS,
		.patient = a->traffic.rate_interval > 0 };
	struct flush_result result;
	struct spool *spool = NULL;
	struct err ignored;

	poll(NULL, 0, FOLLOW_PAUSE_MS);
	if (spool_open(&spool, r->queue, false, &ignored) == 0)
		flush_run(spool, r->config, &o, &result, &ignored);
	spool_close(&spool);
}

void store_follow(struct run *r)
{
	if (is_wanted(r))
		process_background(follow, r);
}
