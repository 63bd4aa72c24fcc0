/* deliver/flush_mark.c - who has a queued message, marked; see flush_state.h.
 *
 * Behind a server's 250 the mark is the very next system call: whatever it
 * needs is prepared before the content goes out, and all else waits until the
 * session's own call has come back (job_settle).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "deliver/cause.h"
#include "deliver/flush_state.h"

struct entry_recipient *job_recipient(struct job *j, size_t i)
{
	return &j->entry.recipients[j->which[i]];
}

/* What only the account cannot take that stands in is none of the message's faults. */
static bool stands_in_vain(const struct job *j, const struct smtp_result *r)
{
	struct err ignored;

	return !r->code && r->kind == ERR_CAPABILITY && j->lane->stands_in &&
		visit_route(j->lane->config, &j->entry, &ignored) != j->lane->account;
}

bool job_is_final(const struct job *j, const struct smtp_result *r)
{
	return !stands_in_vain(j, r) && cause_is_final(cause_of_result(r, j->lane->account->net.host), r);
}

/* What is known of the others is written with it: a crash right behind the mark
 * asks nobody again who has been refused for good.  Where each is marked by itself what is
 * written now is in force before that, and would be told as the failure of an earlier try. */
static void foresee(struct job *j, const size_t *accepted, size_t count)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct smtp_result *r = &j->attempt.smtp.results[i];
		struct entry_recipient *to = job_recipient(j, i);

		if (r->verdict == VERDICT_DELIVERED)   /* by an earlier transaction */
			to->state = RECIPIENT_DELIVERED;
		if (r->verdict == VERDICT_REFUSED && !j->one_by_one && job_is_final(j, r)) {
			to->state = RECIPIENT_FAILED;
			to->code = r->code;
			memcpy(to->enhanced, r->enhanced, sizeof(to->enhanced));
			free(to->text);
			to->text = r->text ? mem_string(r->text) : NULL;
			to->when = time(NULL);
		}
	}
	for (size_t i = 0; i < count; i++)
		job_recipient(j, accepted[i])->state = RECIPIENT_DELIVERED;
}

static void foresee_not(struct job *j, const size_t *accepted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		job_recipient(j, accepted[i])->state = RECIPIENT_WAITING;
}

static void set_going(struct job *j, bool going)
{
	if (going && !j->going)
		j->courier->going++;
	else if (!going && j->going)
		j->courier->going--;
	j->going = going;
}

static void content_ready(void *context, struct smtp_message *m, const size_t *accepted,
	size_t count)
{
	struct job *j = context;
	struct err e = { 0 };

	(void)m;
	j->one_by_one = j->lane->account->smtp.protocol == PROTOCOL_LMTP && count > 1;
	foresee(j, accepted, j->one_by_one ? 0 : count);
	/* Who was refused before is kept with it, in failed/. */
	j->unserved = j->entry.count - entry_in_state(&j->entry, RECIPIENT_DELIVERED);
	j->last_mark = !j->unserved;
	if (j->one_by_one ? held_open(j->held, &j->entry, count, &e) < 0 :
	    !j->last_mark && held_prepare(j->held, &j->entry, &e) < 0)
		j->unmarkable = e;
	if (!j->one_by_one)
		foresee_not(j, accepted, count);
	set_going(j, true);
	j->begun = true;
}

/* Of those whom the server has taken it for the one who is not marked yet: as a rule not far
 * behind the last one. */
static void mark_one(struct job *j)
{
	for (size_t k = 0; k < j->count; k++) {
		size_t i = (j->marked_last + k) % j->count;
		struct entry_recipient *to = job_recipient(j, i);

		if (j->attempt.smtp.results[i].verdict != VERDICT_DELIVERED ||
		    to->state != RECIPIENT_WAITING)
			continue;
		to->state = RECIPIENT_DELIVERED;
		j->marked_last = i;
		j->last_mark = --j->unserved == 0;
		if (j->last_mark)
			held_done(j->held);
		else
			held_mark_one(j->held, j->which[i] + 1);
		return;
	}
}

static void content_taken(void *context, struct smtp_message *m)
{
	struct job *j = context;

	(void)m;
	if (j->one_by_one)
		mark_one(j);
	else if (j->last_mark)
		held_done(j->held);
	else
		held_mark(j->held);
	j->taken = true;
	if (!j->one_by_one)   /* else the answers for the others are still to come */
		set_going(j, false);
	courier_run_soon(j->courier);   /* what is still to come may take long; the sync must not */
}

static void all_told(void *context, struct smtp_message *m)
{
	struct job *j = context;
	struct courier *c = j->courier;

	(void)m;
	set_going(j, false);
	j->next = NULL;
	*c->finished_end = j;
	c->finished_end = &j->next;
	courier_run_soon(c);
}

void job_marks(struct job *j)
{
	j->attempt.smtp.ready = content_ready;
	j->attempt.smtp.taken = content_taken;
	j->attempt.smtp.done = all_told;
}
