/* deliver/flush_job.c - one queued message on its way; see flush_state.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "deliver/cause.h"
#include "deliver/fit.h"
#include "deliver/flush_state.h"
#include "deliver/giveup.h"
#include "deliver/manage.h"
#include "deliver/outcome.h"
#include "deliver/trouble.h"
#include "mail/repair.h"

static void job_free(struct job *j)
{
	attempt_release(&j->attempt);
	buf_release(&j->header);
	free(j->recipients);
	free(j->which);
	entry_release(&j->entry);
	held_free(&j->held);
	free(j);
}

/* ---- the beginning */

static ssize_t read_body(const void *where, uint64_t offset, char *data, size_t len, struct err *e)
{
	const struct job *j = where;

	return held_read(j->held, offset + j->entry.header_size + 2, data, len, e);
}

static ssize_t read_content(void *context, uint64_t offset, char *data, size_t len, struct err *e)
{
	const struct job *j = context;

	if (j->unmarkable.kind != ERR_NONE) {
		*e = j->unmarkable;
		return -1;
	}
	return attempt_read(&j->attempt, offset, data, len, e);
}

static int fit_content(void *context, struct smtp_message *m, const struct smtp_capabilities *c,
	struct err *e)
{
	struct job *j = context;

	(void)m;
	return attempt_fit(&j->attempt, c, e);
}

static int read_header(struct job *j, struct err *e)
{
	uint64_t size = j->entry.header_size, at = 0;
	char *room;

	j->header.max = 3 * REPAIR_HEADER_MAX;
	room = size <= j->header.max ? buf_reserve(&j->header, (size_t)size + 1) : NULL;
	if (!room)
		return err_set(e, ERR_DAMAGED, "its header is too long");
	while (at < size) {
		ssize_t n = held_read(j->held, at, room + at, (size_t)(size - at), e);

		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_DAMAGED, "its header is cut");
		at += (uint64_t)n;
	}
	j->header.len = (size_t)size;
	return 0;
}

static void choose_recipients(struct job *j)
{
	j->recipients = mem_grow(NULL, j->entry.count + 1, sizeof(*j->recipients));
	j->which = mem_grow(NULL, j->entry.count + 1, sizeof(*j->which));
	for (size_t i = 0; i < j->entry.count; i++)
		if (j->entry.recipients[i].state == RECIPIENT_WAITING) {
			j->recipients[j->count] = j->entry.recipients[i].address;
			j->which[j->count++] = i;
		}
}

static int dress(struct job *j, struct err *e)
{
	struct letter l = {
		.sender = j->entry.sender, .login = j->entry.origin,
		.dsn = &j->entry.dsn, .eight_bit_header = j->entry.eight_bit_header,
		.eight_bit_body = j->entry.eight_bit_body,
		.longest_line = j->entry.longest_line,
	};

	if (read_header(j, e) < 0)
		return -1;
	choose_recipients(j);
	l.header = buf_text(&j->header);
	l.header_len = j->header.len;
	l.body_size = j->entry.content_size - j->entry.header_size - 2;
	l.recipients = j->recipients;
	l.count = j->count;
	l.read = read_body;
	l.where = j;
	l.spill = spool_path(j->lane->flush->spool);
	if (attempt_dress(&j->attempt, &l, j->lane->account, e) < 0)
		return -1;
	j->attempt.smtp.read = read_content;
	j->attempt.smtp.fit = fit_content;
	job_marks(j);
	j->attempt.smtp.context = j;
	return 0;
}

/* Older than max_age: this is its last try. */
static bool is_overdue(const struct job *j)
{
	return schedule_expired(&j->lane->config->global.retry, manage_since(&j->entry), time(NULL));
}

/* It changed since it was looked at: another flusher tried it. */
static bool still_wanted(const struct job *j)
{
	const struct flush *f = j->lane->flush;
	const struct entry *n = &j->entry;

	if (!entry_waiting(n))
		return false;
	if (n->last >= f->began && n->last <= time(NULL) && j->lane->stands_in)
		return true;   /* by the account that this one stands in for */
	/* A moment to come is what a clock that was put back has left. */
	if (n->last > f->began && n->last <= time(NULL))
		return false;
	return f->o->now || is_overdue(j) || schedule_due(&j->lane->config->global.retry, n->next,
		n->next_set, time(NULL));
}

void refused_release(struct refused_sender *r)
{
	free(r->address);
	free(r->cause);
	free(r->reason);
}

static const struct refused_sender *refusal_of_sender(const struct job *j)
{
	const struct lane *l = j->lane;

	for (size_t i = 0; i < l->refused_count; i++)
		if (!strcmp(l->refused[i].address, j->attempt.sender))
			return &l->refused[i];
	return NULL;
}

static void log_entry(const struct flush *f, const char *id, const struct err *why)
{
	struct log_record record = { .failed = true };
	char warning[1];

	clock_gettime(CLOCK_REALTIME, &record.when);
	log_text(&record, "outcome", why->kind == ERR_DAMAGED ? "damaged" : "trouble");
	log_text(&record, "id", id);
	log_text(&record, "error", why->text);
	log_send(&f->config->global.log, "syslog", &record, warning, sizeof(warning));
}

static void log_damage(const struct job *j, const struct err *why)
{
	log_entry(j->lane->flush, held_id(j->held), why);
}

static void keep_reason(struct job *j, const char *cause, const char *reason)
{
	struct entry *n = &j->entry;

	free(n->last_account);
	n->last_account = mem_string(j->lane->account->name);
	free(n->cause);
	n->cause = mem_string(cause);
	free(n->reason);
	n->reason = reason ? mem_string(reason) : NULL;
}

/* That was a try: until the next one. */
static void wait_again(struct job *j, int64_t now)
{
	struct entry *n = &j->entry;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	n->last = now;
	n->tries++;
	n->next = now + schedule_wait(&j->lane->config->global.retry, n->tries, random);
	n->next_set = now;
}

/* As if it had been tried: what came of it is known.  Else each of many would be
 * tried in a run of its own, with a login each. */
static int count_as_tried(struct job *j, const char *cause, const char *reason)
{
	struct flush *f = j->lane->flush;
	struct err e = { 0 };

	keep_reason(j, cause, reason);
	wait_again(j, time(NULL));
	if (held_update(j->held, &j->entry, false, &e) < 0) {
		f->r->unwritten = true;
		log_damage(j, &e);
	}
	flush_reason(f, reason);
	f->r->later++;
	job_free(j);
	return 0;
}

/* Nothing is wrong with it: it waits. */
static int put_off(struct job *j, const struct err *why)
{
	struct flush *f = j->lane->flush;

	log_damage(j, why);
	flush_reason(f, why->text);
	f->r->later++;
	job_free(j);
	return 0;
}

/* Something about it is not right: kept, and nobody else is stopped. */
static int refuse_job(struct job *j, const struct err *why)
{
	struct flush *f = j->lane->flush;
	char id[ENTRY_ID_LEN + 1];
	struct err ignored;

	if (why->kind != ERR_DAMAGED && why->kind != ERR_FORMAT)
		return put_off(j, why);
	log_damage(j, why);
	memcpy(id, held_id(j->held), sizeof(id));
	if (why->kind == ERR_DAMAGED && spool_set_aside(f->spool, QUEUE_NEW, id, &ignored) == 0)
		f->r->damaged++;
	job_free(j);
	return 0;
}

/* When some may be served and others not, that takes a control file behind the
 * content.  Where there is no room for one those who have the message would get it
 * again with each try, so it is not tried. */
static bool can_be_noted(struct job *j, struct err *e)
{
	if ((j->count == 1 && entry_in_state(&j->entry, RECIPIENT_DELIVERED) + 1 == j->entry.count) ||
	    held_prepare(j->held, &j->entry, e) == 0)
		return true;
	err_context(e, "it is not tried, for it could not be noted who has it");
	return false;
}

int job_start(struct courier *c, const char *id)
{
	struct flush *f = c->lane->flush;
	const struct refused_sender *refused;
	struct held *held = NULL;
	struct job *j;
	struct err e = { 0 };
	int got = spool_hold(f->spool, QUEUE_NEW, id, &held, &e);

	if (got == 0) {
		f->r->busy++;
		seen_busy(&f->seen, id);
	}
	if (got < 0) {
		log_entry(f, id, &e);
		flush_reason(f, e.text);
		f->r->later++;
	}
	if (got <= 0)
		return 0;
	j = mem_alloc(sizeof(*j));
	j->lane = c->lane;
	j->courier = c;
	j->held = held;
	if (held_load(held, true, &j->entry, &e) < 0)
		return refuse_job(j, &e);
	if (!still_wanted(j)) {
		job_free(j);
		return 0;
	}
	if (j->entry.subject_of && giveup_finish(f->spool, c->lane->config, &j->entry, &e) < 0) {
		/* What it is about is being sent, by us as a rule. */
		if (seen_put_off(&f->seen, id))
			f->r->busy++;
		else
			f->r->later++;
		job_free(j);
		return 0;
	}
	if (dress(j, &e) < 0) {
		if (e.kind == ERR_DAMAGED)
			return refuse_job(j, &e);
		log_damage(j, &e);
		return count_as_tried(j, cause_of_err(&e)->id, e.text);
	}
	if (!can_be_noted(j, &e))
		return put_off(j, &e);
	refused = refusal_of_sender(j);
	if (refused)
		return count_as_tried(j, refused->cause, refused->reason);
	c->outstanding++;
	session_submit(c->session, &j->attempt.smtp);
	return 1;
}

/* ---- the end */

static void keep_answer(struct entry_recipient *to, const struct smtp_result *r, int64_t now)
{
	to->code = r->code;
	memcpy(to->enhanced, r->enhanced, sizeof(to->enhanced));
	free(to->text);
	to->text = r->text ? mem_string(r->text) : NULL;
	to->when = now;
}

/* Of those who still wait: that one may have it counts most, then what a server said. */
static bool tells_more(const struct smtp_result *told, const struct smtp_result *r)
{
	if (!told || told->verdict == VERDICT_UNKNOWN)
		return !told;
	return r->verdict == VERDICT_UNKNOWN || !told->code;
}

/* What came of each recipient into the entry.  Returns the worst answer, which
 * tells why somebody still waits; NULL: none does. */
static const struct smtp_result *take_results(struct job *j, int64_t now)
{
	const struct smtp_result *told = NULL;

	for (size_t i = 0; i < j->count; i++) {
		const struct smtp_result *r = &j->attempt.smtp.results[i];
		struct entry_recipient *to = job_recipient(j, i);

		keep_answer(to, r, now);
		if (r->verdict == VERDICT_DELIVERED) {
			to->state = RECIPIENT_DELIVERED;
			continue;
		}
		to->unsure |= r->verdict == VERDICT_UNKNOWN;
		to->state = job_is_final(j, r) ? RECIPIENT_FAILED : RECIPIENT_WAITING;
		if (to->state == RECIPIENT_WAITING && tells_more(told, r))
			told = r;
	}
	return told;
}

static void record_attempt(struct job *j, const struct smtp_result *told)
{
	struct outcome o = { .account = j->lane->account, .attempt = &j->attempt,
		.message_id = j->entry.message_id, .queued = told != NULL };
	struct log_record record = { .count = 0 };
	const struct session *s = j->courier->session;
	char warning[1];

	snprintf(o.id, sizeof(o.id), "%s-%s", strcmp(spool_path(j->lane->flush->spool),
		config_system_spool()) ? "p" : "s", j->entry.id);
	if (s)
		snprintf(o.peer, sizeof(o.peer), "%s", session_peer(s));
	outcome_settle(&o);
	outcome_record(&o, &record);
	log_send(&j->lane->flush->config->global.log, "syslog", &record, warning, sizeof(warning));
}

static void note_event(struct job *j, const struct smtp_result *r, const char *what, int64_t now)
{
	char where[320];
	char *text;

	account_where(j->lane->account, where, sizeof(where));
	text = mem_printf("account %s, %s: %s", j->lane->account->name, where,
		r && r->text ? r->text : "");
	entry_event(&j->entry, now, what, text);
	free(text);
}

static void refuse_sender(struct lane *l, const char *sender, const struct cause *cause,
	const struct smtp_result *told)
{
	l->refused = mem_grow(l->refused, l->refused_count + 1, sizeof(*l->refused));
	l->refused[l->refused_count++] = (struct refused_sender){ mem_string(sender),
		mem_string(cause->id), mem_string(told->text ? told->text : "") };
}

/* Where others went by it just now, what is said of one recipient is no trouble of
 * the account, unless it is now that the server has had enough. */
static bool is_of_account(const struct job *j, const struct smtp_result *told)
{
	const struct cause *cause = cause_of_result(told, j->lane->account->net.host);

	return cause->concern == CONCERNS_ACCOUNT && told->verdict != VERDICT_UNKNOWN &&
		!((told->step == STEP_RCPT || told->step == STEP_DELIVERY) && told->code != 421 &&
		cause->park != PARK_RATE && j->lane->cleared);
}

/* What it says about the account and the sender. */
static void consider(struct job *j, const struct smtp_result *told)
{
	struct lane *l = j->lane;
	const struct cause *cause = cause_of_result(told, l->account->net.host);

	if (told->verdict == VERDICT_UNKNOWN)
		return;
	if (is_of_account(j, told) && told->code) {
		if (!j->courier->renews && !courier_is_full(j->courier, told))
			lane_close(l, told, NULL);
	} else if (cause->concern == CONCERNS_SENDER) {
		lane_unsure(l);
		refuse_sender(l, j->attempt.sender, cause, told);
		if (trouble_sender(l->flush->spool, l->config, l->account, j->attempt.sender, told))
			l->closed = true;
	}
}

/* The session ended with its content or, as far as can be told, with its recipients,
 * and no server said why. */
static bool is_blamed(const struct job *j, const struct smtp_result *told)
{
	const struct courier *c = j->courier;

	if (told->verdict == VERDICT_UNKNOWN)
		return true;
	if (told->code || (told->kind != ERR_LOST && told->kind != ERR_TIMEOUT))
		return false;
	return j->begun || (told->step > STEP_MAIL && !c->served && !c->blamed);
}

/* The account's trouble kept it from being tried at all.  Where its own commands or
 * its own content met with it, the message waits for itself as well: else it would
 * be the first again each time, and keep all the others from being sent. */
static bool untried(const struct job *j, const struct smtp_result *told)
{
	return is_of_account(j, told) &&
		(told->code ? told->step < STEP_MAIL : !is_blamed(j, told));
}

static void schedule(struct job *j, const struct smtp_result *told, int64_t now)
{
	keep_reason(j, cause_of_result(told, j->lane->account->net.host)->id, told->text);
	/* Where it is the account's trouble, the account is what waits. */
	if (untried(j, told))
		j->entry.next = j->entry.next_set = 0;
	else
		wait_again(j, now);
}

/* Which takes it out of new/, if nobody waits any more. */
static int give_up(struct job *j, bool expired, struct err *e)
{
	struct spool *s = j->lane->flush->spool;

	return expired ? giveup_expired(s, j->lane->config, j->lane->account, j->held, &j->entry, e) :
		giveup_failed(s, j->lane->config, j->lane->account, j->held, &j->entry, e);
}

/* It was tried for itself, it waits still, and is too old for that. */
static bool had_its_last_try(const struct job *j, const struct smtp_result *told)
{
	return told && told->verdict != VERDICT_UNKNOWN && !untried(j, told) &&
		!(is_of_account(j, told) && j->lane->account->who.fallback) && is_overdue(j);
}

/* Says what became of it, in a word. */
static const char *settle_rest(struct job *j, const struct smtp_result *told, int64_t now)
{
	struct flush *f = j->lane->flush;
	bool failed = entry_in_state(&j->entry, RECIPIENT_FAILED);
	bool expired = had_its_last_try(j, told);
	struct err e = { 0 };
	int good;

	if (j->taken && !told)
		note_event(j, &j->attempt.smtp.content, "sent", now);
	if (told) {
		note_event(j, told, told->verdict == VERDICT_UNKNOWN ? "unsure" : "tried", now);
		schedule(j, told, now);
	}
	good = failed || expired ? 0 :
		held_update(j->held, &j->entry, told && told->verdict == VERDICT_UNKNOWN, &e);
	if (good == 0 && (failed || expired || !told))
		good = give_up(j, expired, &e);
	if (good < 0) {
		f->r->unwritten = true;
		log_damage(j, &e);
	}
	if (told && is_of_account(j, told) &&
	    (untried(j, told) || j->lane->account->who.fallback))
		lane_again(j->lane, j->entry.id,
			j->entry.created * 1000000 + j->entry.created_us);
	else if (told && !expired)
		f->r->later++;
	else if (failed || expired)
		f->r->failed++;
	else
		f->r->delivered++;
	if (told && !j->lane->closed)   /* which has told more */
		flush_reason(f, told->text ? told->text : "");
	return told && !expired ? "later" : failed || expired ? "failed" : "sent";
}

void job_settle(struct job *j)
{
	struct flush *f = j->lane->flush;
	int64_t now = time(NULL);
	const struct smtp_result *told = take_results(j, now);
	const char *word = "sent";

	j->courier->outstanding--;
	if (j->taken) {
		j->courier->served++;
		lane_success(j->lane, j->attempt.sender);
	}
	if (held_marks_failed(j->held) && !held_is_gone(j->held))
		log_damage(j, &(struct err){ .kind = ERR_STORE, .text =
			"it was sent, and that could not be written down: it may be sent once more" });
	record_attempt(j, told);
	if (held_is_gone(j->held))
		f->r->delivered++;
	else
		word = settle_rest(j, told, now);
	if (f->o->told)
		f->o->told(f->o->context, &j->entry, word);
	if (told) {
		j->courier->blamed |= is_blamed(j, told);
		consider(j, told);
	}
	job_free(j);
}
