/* deliver/flush.c - the run: the sessions of its lanes, the loop, the end; see
 * flush_state.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "deliver/flush_state.h"
#include "deliver/trouble.h"

enum {
	SYNC_MARKS = 64,
	SYNC_MS = 100,
	SLOT_PATIENCE_MS = 30 * 1000,
	STOP_MS = 10 * 1000,          /* for contents that are on their way */
	SLOT_RETRY_MS = 250
};

/* ---- sessions */

static void feed(struct courier *c);
static void courier_soon(struct watch *w, short revents);

void courier_run_soon(struct courier *c)
{
	c->soon.deadline = clock_ms();
	loop_add(&c->lane->flush->loop, &c->soon);
}

static void courier_idle(void *context)
{
	courier_run_soon(context);
}

/* The first access token that is refused gets the lane another one; whoever began with the
 * old one has no other trouble. */
static bool is_renewed(struct lane *l, const char *refused)
{
	if (refused && !l->old_token[0])
		snprintf(l->old_token, sizeof(l->old_token), "%s", refused);
	return refused && !strcmp(l->old_token, refused);
}

static void courier_ended(void *context, const struct smtp_failure *f)
{
	struct courier *c = context;

	c->ended = true;
	c->failed = f != NULL;
	c->renews = f && c->session && is_renewed(c->lane, session_refused(c->session));
	if (f) {
		c->failure = *f;
		c->failure.result.text = f->result.text ? mem_string(f->result.text) : NULL;
		c->failure.result.hint = NULL;
	}
	courier_run_soon(c);
}

static void courier_trace(void *context, enum smtp_direction direction, const char *line, size_t len)
{
	const struct courier *c = context;
	const struct flush_options *o = c->lane->flush->o;

	o->trace(o->context, direction, line, len);
}

static void lane_warn(const struct lane *l, const char *words)
{
	struct log_record record = { .failed = true };
	char ignored[1];

	clock_gettime(CLOCK_REALTIME, &record.when);
	log_text(&record, "outcome", "warning");
	log_text(&record, "account", l->account->name);
	log_text(&record, "host", l->account->net.host);
	log_text(&record, "warning", words);
	log_send(&l->config->global.log, "syslog", &record, ignored, sizeof(ignored));
}

/* A handshake that went well: no content is on its way, so there is time for the log. */
static void courier_reached(void *context, enum session_point point, bool good)
{
	const struct courier *c = context;
	const struct lane *l = c->lane;
	const struct tls *tls = point == SESSION_SHAKEN && good ? session_shaken(c->session) : NULL;

	if (tls && tls_facts(tls)->warning[0] && trouble_warns(l->flush->spool, l->account))
		lane_warn(l, tls_facts(tls)->warning);
}

static bool courier_start(struct lane *l, struct slot *slot)
{
	struct flush *f = l->flush;
	struct courier *c = mem_alloc(sizeof(*c));
	struct session_hooks hooks = { .trace = f->o->trace ? courier_trace : NULL,
		.reached = courier_reached, .idle = courier_idle, .ended = courier_ended, .pauses = true,
		.apart = l->apart, .refused = l->old_token, .context = c };

	if (!l->couriers)
		clock_gettime(CLOCK_REALTIME, &l->since);
	c->lane = l;
	c->slot = slot;
	c->finished_end = &c->finished;
	c->soon = (struct watch){ .fd = -1, .run = courier_soon, .owner = c };
	c->next = l->couriers;
	l->couriers = c;
	l->courier_count++;
	f->r->connections++;
	/* The login never leads the first MAIL here: it saves nothing over many messages. */
	c->session = session_start(&f->loop, l->account,
		l->account->smtp.pipelining == PIPELINING_FULL ? PIPELINING_STANDARD :
		(enum smtp_pipelining)l->account->smtp.pipelining, &hooks);
	feed(c);
	return true;
}

static void courier_free(struct courier *c)
{
	struct lane *l = c->lane;
	struct courier **at = &l->couriers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	l->courier_count--;
	loop_remove(&l->flush->loop, &c->soon);
	session_free(&c->session);
	slot_free(&c->slot);
	smtp_result_release(&c->failure.result);
	free(c);
}

/* Not even a place among the connections can be had: that is our own trouble. */
static void lane_stuck(struct lane *l, const struct err *why)
{
	struct flush *f = l->flush;
	struct log_record record = { .failed = true };
	char warning[1];

	l->closed = true;
	f->r->later += l->count - l->at;
	l->at = l->count;
	flush_reason(f, why->text);
	clock_gettime(CLOCK_REALTIME, &record.when);
	log_text(&record, "outcome", "trouble");
	log_text(&record, "account", l->account->name);
	log_text(&record, "error", why->text);
	log_send(&l->config->global.log, "syslog", &record, warning, sizeof(warning));
}

/* One more connection, where so many wait that it is worth one. */
static void lane_widen(struct lane *l)
{
	size_t left = l->count - l->at;
	struct slot *slot = NULL;
	struct err e = { 0 };
	int got;

	if (l->closed || l->courier_count >= (size_t)l->account->traffic.max_connections ||
	    (l->courier_count && left / (l->courier_count + 1) < FLUSH_SESSION_WORTH))
		return;
	got = slot_take(l->flush->spool, l->account->name, l->account->traffic.max_connections,
		&slot, &e);
	if (got == 1)
		courier_start(l, slot);
	else if (got < 0 && !l->couriers)
		lane_stuck(l, &e);
}

static bool no_more(const struct flush *f)
{
	return f->stopped || (f->o->deadline && clock_ms() >= f->o->deadline);
}

/* max_rate.  True: it lets one go. */
static bool rate_allows(struct courier *c)
{
	const struct account *a = c->lane->account;
	struct timespec now;
	struct err ignored;
	long wait;

	if (!a->traffic.rate_interval)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	wait = rate_take(c->lane->flush->spool, a->name, a->traffic.rate_interval,
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &ignored);
	if (wait <= 0)
		return true;
	c->rate_until = clock_ms() + (uint64_t)wait;
	return false;
}

/* What is left is not for this run: max_rate does not want it. */
static void leave_rest(struct courier *c)
{
	struct lane *l = c->lane;

	flush_note_next(l->flush, time(NULL) + 1 + (int64_t)(c->rate_until - clock_ms()) / 1000);
	l->flush->r->later += l->count - l->at;
	l->at = l->count;
}

static void finish(struct courier *c)
{
	if (c->ending)
		return;
	c->ending = true;
	session_finish(c->session);
}

/* Gives the session what it may have; nothing left: QUIT. */
static void feed(struct courier *c)
{
	struct lane *l = c->lane;

	if (c->ended || c->ending)
		return;
	while (c->outstanding < FLUSH_WINDOW && l->at < l->count && !l->closed &&
	       !no_more(l->flush)) {
		if (c->rate_until > clock_ms() || !rate_allows(c)) {
			bool patient = l->flush->o->patient &&
				c->rate_until < clock_ms() + FLUSH_RATE_PATIENCE * 1000;

			if (!patient && !c->outstanding)
				leave_rest(c);
			c->soon.deadline = c->rate_until;
			loop_add(&l->flush->loop, &c->soon);
			if (patient || c->outstanding)
				return;
			break;
		}
		c->rate_until = 0;
		job_start(c, l->ids[l->at++]);
	}
	if (l->at < l->count && !l->closed && !no_more(l->flush))
		return;
	if (!c->outstanding && l->at >= l->count && !l->closed && !no_more(l->flush) &&
	    flush_collect(l->flush) && l->at < l->count) {
		feed(c);   /* it came meanwhile */
		return;
	}
	if (!c->outstanding)
		finish(c);
}

static void courier_abort(struct courier *c)
{
	struct err e = { 0 };

	err_set(&e, ERR_SIGNAL, "stopped by signal %d", process_stopped());
	session_abort(c->session, &e);
}

static bool couriers_left(const struct flush *f)
{
	for (const struct lane *l = f->lanes; l; l = l->next)
		if (l->couriers)
			return true;
	return false;
}

bool courier_is_full(const struct courier *c, const struct smtp_result *said)
{
	return c->served && said->code == 421 && said->step == STEP_MAIL && said->text &&
		(strcasestr(said->text, "connection") || strcasestr(said->text, "session"));
}

/* A server may close behind so many messages: that is no trouble.  Nor is, the first
 * time, a content that it does not get or does not survive: that may be the message's
 * own (it is too long for some way there, or offends a filter), and it comes behind
 * the others from now on. */
static bool goes_on(const struct courier *c)
{
	enum err_kind kind = c->failure.err.kind;

	if (c->renews || c->failure.rode ||   /* one that stands apart never rides */
	    (kind == ERR_NONE && courier_is_full(c, &c->failure.result)))
		return !c->lane->closed;
	if (!c->failed || c->lane->closed || (kind != ERR_LOST && kind != ERR_TIMEOUT))
		return false;
	return (kind == ERR_LOST && c->served) || (c->blamed && !c->lane->blames);
}

static void courier_over(struct courier *c)
{
	struct lane *l = c->lane;
	struct flush *f = l->flush;
	bool again = goes_on(c);

	if (session_warning(c->session)[0])
		lane_warn(l, session_warning(c->session));
	if (c->failure.rode && !l->apart)
		trouble_apart(f->spool, l->account);
	l->apart |= c->failure.rode;
	l->blames += c->blamed;
	if (c->failed && !again)
		lane_close(l, c->failure.err.kind == ERR_NONE ? &c->failure.result : NULL,
			&c->failure.err);
	courier_free(c);
	if (l->closed || no_more(f)) {
		if (!l->couriers)
			lane_hand_over(l);
	} else if (!l->couriers && l->at >= l->count) {
		flush_collect(f);   /* the place is free again: whoever found it taken relies on us */
	}
	for (l = f->lanes; l; l = l->next)
		if (l->at < l->count && !no_more(f))
			lane_widen(l);
	if (!couriers_left(f))
		loop_stop(&f->loop);
}

/* Every 64 marks at once, else within 100 ms. */
static void see_to_marks(struct flush *f)
{
	unsigned marks = spool_unsynced(f->spool);
	struct err ignored;

	if (marks >= SYNC_MARKS) {
		spool_sync(f->spool, &ignored);
		f->sync.deadline = LOOP_NEVER;
	} else if (marks && f->sync.deadline == LOOP_NEVER) {
		f->sync.deadline = clock_ms() + SYNC_MS;
		loop_add(&f->loop, &f->sync);
	}
}

/* The session's own call has come back: what was told in it is written down. */
static void courier_soon(struct watch *w, short revents)
{
	struct courier *c = w->owner;
	struct lane *l = c->lane;
	struct job *j;

	(void)revents;
	loop_remove(&l->flush->loop, &c->soon);
	while ((j = c->finished)) {
		c->finished = j->next;
		if (!c->finished)
			c->finished_end = &c->finished;
		job_settle(j);
	}
	see_to_marks(l->flush);
	if (c->ended) {
		courier_over(c);
		return;
	}
	if (l->flush->stopped && c->outstanding && !c->going) {
		courier_abort(c);
		return;
	}
	if (l->closed && !c->outstanding)
		finish(c);
	else
		feed(c);
	session_resume(c->session);
	if (!c->ended)
		lane_widen(l);
}

/* ---- the run */

/* Told to stop: a content that is on its way is waited for a little, lest nobody
 * know whether it was taken.  The second time it is not. */
static void stopped(struct watch *w, short revents)
{
	struct flush *f = w->owner;
	bool again = f->stopped;
	uint64_t count;

	if (!process_stopped())
		return;
	if (revents && read(w->fd, &count, sizeof(count)) < 0)
		errno = 0;   /* it was emptied before */
	f->stopped = true;
	w->deadline = again ? LOOP_NEVER : clock_ms() + STOP_MS;
	for (struct lane *l = f->lanes; l; l = l->next)
		for (struct courier *c = l->couriers; c; c = c->next)
			if (!c->ended && (again || !c->going))
				courier_abort(c);
}

static void sync_marks(struct watch *w, short revents)
{
	struct flush *f = w->owner;
	struct err ignored;

	(void)revents;
	if (spool_unsynced(f->spool))
		spool_sync(f->spool, &ignored);
}

/* Somebody else has every connection: that process takes what is here before it
 * ends, but one that was killed does not. */
static bool wait_for_slots(struct flush *f, uint64_t began)
{
	bool wanted = false;

	for (struct lane *l = f->lanes; l; l = l->next) {
		if (l->at < l->count && !l->closed)
			lane_widen(l);
		wanted |= l->at < l->count && !l->closed;
	}
	if (couriers_left(f) || !wanted || !f->o->patient || no_more(f) ||
	    clock_ms() - began > SLOT_PATIENCE_MS)
		return false;
	poll(NULL, 0, SLOT_RETRY_MS);
	return true;
}

static void run_lanes(struct flush *f)
{
	uint64_t began = clock_ms();

	while (wait_for_slots(f, began) && !process_stopped())
		continue;
	if (couriers_left(f))
		loop_run(&f->loop);
	for (struct lane *l = f->lanes; l; l = l->next)
		f->r->busy += l->count - l->at;
}

static void release(struct flush *f)
{
	while (f->lanes) {
		struct lane *l = f->lanes;

		f->lanes = l->next;
		while (l->couriers)
			courier_free(l->couriers);
		for (size_t i = 0; i < l->refused_count; i++)
			refused_release(&l->refused[i]);
		free(l->refused);
		free(l->sure);
		free(l->ids);
		free(l->order);
		free(l);
	}
	loop_release(&f->loop);
	config_shelf_release(&f->shelf);
	seen_release(&f->seen);
	trouble_grants_release(&f->grants);
}

int flush_run(struct spool *s, const struct config *c, const struct flush_options *o,
	struct flush_result *r, struct err *e)
{
	struct flush f = { .spool = s, .config = c, .o = o, .r = r, .began = time(NULL) };
	int good = 0;
	bool some;

	memset(r, 0, sizeof(*r));
	loop_init(&f.loop);
	f.stop = (struct watch){ .fd = process_wake_fd(), .events = POLLIN, .run = stopped,
		.owner = &f };
	f.sync = (struct watch){ .fd = -1, .run = sync_marks, .owner = &f };
	some = flush_collect(&f);
	some = flush_collect(&f) || some;   /* what was given up in the first look has left reports */
	if (some) {
		if (f.stop.fd >= 0)
			loop_add(&f.loop, &f.stop);
		run_lanes(&f);
	}
	if (spool_unsynced(s))
		good = spool_sync(s, e);
	if (good == 0 && f.err.kind != ERR_NONE) {
		*e = f.err;
		good = -1;
	}
	release(&f);
	return good;
}
