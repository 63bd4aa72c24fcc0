/* smtp/transact.c - messages: MAIL, RCPT, DATA or BDAT, content; see state.h.
 *
 * A message with more recipients than one transaction takes is carried by
 * several, one behind the other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "smtp/command.h"
#include "smtp/content.h"
#include "smtp/state.h"

enum {
	OUTPUT_FULL = 32 * 1024,       /* octets waiting to be written: commands pause */
	BDAT_EAGER = 1 << 20,          /* up to this size BDAT does not wait for RCPT replies */
	WINDOW = 2                     /* contents by BDAT that are not answered: so many are in
	                                * doubt when the connection breaks */
};

void smtp_submit(struct smtp *s, struct smtp_message *m)
{
	struct work *w = mem_alloc(sizeof(*w));

	w->m = m;
	w->open = m->count;
	w->sender_left = m->trial && !m->count;
	s->load.messages++;
	s->load.recipients += m->count;
	s->load.octets += m->size;
	*s->works_end = w;
	s->works_end = &w->next;
}

/* While nobody has it, one recipient refused for now keeps it from all. */
static bool held(const struct work *w)
{
	return w->m->all_or_nothing && w->m->count > 1 && !w->content_taken;
}

static bool unassigned(const struct work *w)
{
	return !w->started || w->sender_left || w->again_count || w->next_recipient < w->m->count;
}

bool transact_idle(const struct smtp *s)
{
	if (s->current)
		return false;
	for (const struct work *w = s->works; w; w = w->next)
		if (unassigned(w))
			return false;
	/* A recipient too many may yet come back for another transaction. */
	for (size_t i = 0; i < s->flying_count; i++)
		if (s->flying[i]->count > 1 && s->flying[i]->answered < s->flying[i]->count)
			return false;
	return true;
}

/* ---- beginning a transaction */

static size_t limit(const struct smtp *s)
{
	long most = s->o.settings->max_recipients;

	if (s->encrypted && s->caps.recipients_most && s->caps.recipients_most < most)
		most = s->caps.recipients_most;
	if (s->learned_limit && s->learned_limit < most)
		most = s->learned_limit;
	return most > 0 ? (size_t)most : 1;
}

static void fly(struct smtp *s, struct transaction *t)
{
	s->flying = mem_grow(s->flying, s->flying_count + 1, sizeof(struct transaction *));
	s->flying[s->flying_count++] = t;
	t->work->in_flight++;
	s->current = t;
}

void transaction_free(struct transaction *t)
{
	free(t->recipients);
	free(t->got);
	free(t);
}

/* Everything about it is known.  Expected replies may still point to it only
 * if there are none left. */
static void settle(struct smtp *s, struct transaction *t)
{
	for (size_t i = 0; i < s->flying_count; i++)
		if (s->flying[i] == t) {
			memmove(s->flying + i, s->flying + i + 1,
				(s->flying_count - i - 1) * sizeof(struct transaction *));
			s->flying_count--;
			break;
		}
	if (s->current == t) {
		s->current = NULL;
		s->content_next = false;
	}
	t->work->in_flight--;
	transaction_free(t);
}

static struct transaction *take_recipients(struct smtp *s, struct work *w)
{
	struct transaction *t = mem_alloc(sizeof(*t));
	size_t most = limit(s), left = w->m->count - w->next_recipient, n;

	t->work = w;
	w->sender_left = false;
	n = w->again_count + left < most ? w->again_count + left : most;
	t->recipients = mem_grow(NULL, n, sizeof(*t->recipients));
	t->got = mem_alloc(n);
	while (t->count < n && w->next_recipient < w->m->count)
		t->recipients[t->count++] = w->next_recipient++;
	while (t->count < n)
		t->recipients[t->count++] = w->again[--w->again_count];
	return t;
}

static void note_size(struct smtp *s, uint64_t before, uint64_t now)
{
	char note[120];

	snprintf(note, sizeof(note), "[encoded for this server: %" PRIu64 " octets become %" PRIu64
		"]", before, now);
	trace_note(s, SMTP_NOTE, note);
}

/* The message as this server can take it, or why it cannot. */
static void start(struct smtp *s, struct work *w)
{
	struct smtp_message *m = w->m;
	uint64_t size = m->size;
	struct err e = { 0 };
	int good = m->fit ? m->fit(m->context, m, &s->caps, &e) : 0;

	w->started = true;
	s->load.octets += m->size - size;
	if (m->size != size)
		note_size(s, size, m->size);
	if (good == 0)
		good = command_check(m, &s->caps, &e);
	if (good < 0)
		verdict_all(w, e.kind == ERR_CAPABILITY ? VERDICT_REFUSED : VERDICT_TRY_LATER, &e);
}

/* The next message with recipients that are in no transaction; those that this
 * server cannot take at all get their verdict here. */
static struct work *next_work(struct smtp *s)
{
	for (struct work *w = s->works; w; w = w->next) {
		if (!w->started)
			start(s, w);
		if (held(w) && w->refused_for_now)
			verdict_take_back(w);
		if (unassigned(w))
			return w;
	}
	return NULL;
}

static void begin(struct smtp *s, struct work *w)
{
	struct transaction *t;
	struct buf line = BUF_INIT(COMMAND_LINE_MAX);
	struct err e = { 0 };

	if (s->need_reset) {
		engine_command(s, STEP_RSET, NULL, 0, "RSET", NULL);
		s->need_reset = false;
		return;
	}
	if (command_mail(w->m, &s->caps, &line, &e) < 0) {
		verdict_all(w, VERDICT_REFUSED, &e);
	} else {
		t = take_recipients(s, w);
		t->rides = apart_content_is_out(s);
		fly(s, t);
		engine_command(s, STEP_MAIL, t, 0, buf_text(&line), NULL);
	}
	buf_release(&line);
}

/* ---- asking for the recipients */

static void send_rcpt(struct smtp *s, struct transaction *t)
{
	size_t which = t->sent++, recipient = t->recipients[which];
	struct buf line = BUF_INIT(COMMAND_LINE_MAX);
	struct err e = { 0 };

	if (command_rcpt(t->work->m, recipient, &s->caps, &line, &e) < 0) {
		verdict_local(t->work, recipient, VERDICT_REFUSED, STEP_RCPT, e.kind, e.text);
		t->got[which] = GOT_VERDICT;
		t->answered++;
	} else {
		engine_command(s, STEP_RCPT, t, which, buf_text(&line), NULL);
	}
	buf_release(&line);
}

static bool wants_bdat(const struct smtp *s)
{
	return s->o.settings->chunking && s->caps.chunking;
}

/* The content goes out next.  A recipient whose RCPT is not answered yet (BDAT
 * that does not wait) is the only one. */
static void tell_ready(struct transaction *t)
{
	struct smtp_message *m = t->work->m;
	size_t *accepted, count = 0;

	if (!m->ready || t->ready)
		return;
	t->ready = true;
	accepted = mem_grow(NULL, t->count, sizeof(*accepted));
	for (size_t i = 0; i < t->count; i++)
		if (t->got[i] == GOT_ACCEPTED || t->got[i] == GOT_NOTHING)
			accepted[count++] = t->recipients[i];
	m->ready(m->context, m, accepted, count);
	free(accepted);
}

/* Contents sent by BDAT that are not answered. */
static size_t unanswered(const struct smtp *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->flying_count; i++)
		count += s->flying[i]->data_sent;
	return count;
}

/* With LMTP for whom the content is decides how many replies it has. */
static bool bdat_waits(const struct smtp *s, const struct smtp_message *m)
{
	return engine_is_lmtp(s) || m->size > BDAT_EAGER || (m->ready && m->count > 1);
}

/* The command's reply is expected only when its content is out: one that comes
 * before is an answer to nothing. */
static void begin_bdat(struct smtp *s, struct transaction *t)
{
	char line[64];

	tell_ready(t);
	snprintf(line, sizeof(line), "BDAT %" PRIu64 " LAST", t->work->m->size);
	trace_note(s, SMTP_SENT, line);
	engine_emit(s, line, strlen(line));
	engine_emit(s, "\r\n", 2);
	s->content_next = true;
}

/* All RCPTs are out.  Whether DATA, BDAT, RSET or nothing comes next. */
static void after_recipients(struct smtp *s, struct transaction *t)
{
	bool asked = t->answered < t->count, known = t->mail_answered && !asked;
	bool bdat = wants_bdat(s), back = held(t->work) && t->work->refused_for_now;
	bool hold = t->work->m->trial || (held(t->work) && !(t->work->content_sent && !bdat));

	if (!known && (!asked || hold || t->mail_refused || (bdat && bdat_waits(s, t->work->m))))
		return;
	if (known && (t->mail_refused || !t->accepted || back)) {
		if (back)
			verdict_take_back(t->work);
		/* A server that refused MAIL has no transaction to reset. */
		if (!t->mail_refused) {
			engine_command(s, STEP_RSET, NULL, 0, "RSET", NULL);
			s->need_reset = false;
		}
		settle(s, t);
		verdict_report(s);
		return;
	}
	if (!bdat) {
		t->data_sent = true;
		engine_command(s, STEP_DATA, t, 0, "DATA", NULL);
	} else if (unanswered(s) < WINDOW &&
		   (!s->o.login || (s->logged_in && !smtp_may_stumble(s)))) {
		/* Content never before 235, and never while the group that the login leads
		 * may be tried again on another connection. */
		t->data_sent = true;
		begin_bdat(s, t);
	}
}

/* ---- content */

/* One reply or, with LMTP, one for each accepted recipient, in the order of the RCPTs
 * (RFC 2033 section 4.2).  Where there are several recipients nothing is sent behind the content
 * before all are here: of a server that gave too few, or one for those refused before as well,
 * the next command's answer would be taken for what it is not. */
static void expect_verdicts(struct smtp *s, struct transaction *t)
{
	if (!engine_is_lmtp(s)) {
		t->awaited = 1;
		engine_expect(s, STEP_CONTENT, t, EVERYBODY);
		return;
	}
	for (size_t i = 0; i < t->count; i++)
		if (t->got[i] == GOT_ACCEPTED) {
			t->awaited++;
			engine_expect(s, STEP_CONTENT, t, i);
		}
	s->group_closed |= t->count > 1;
}

static void content_sent(struct smtp *s, struct transaction *t)
{
	bool bdat = wants_bdat(s);
	char note[96];

	if (!bdat && t->cursor.mid_line)
		engine_emit(s, "\r\n", 2);
	if (!bdat)
		engine_emit(s, ".\r\n", 3);
	snprintf(note, sizeof(note), "[%" PRIu64 " octets of content%s]", t->cursor.offset,
		bdat ? "" : ", then \".\"");
	trace_note(s, SMTP_NOTE, note);
	t->end_at = s->emitted;
	t->work->content_sent = true;
	s->content_next = false;
	s->current = NULL;
	s->need_reset = bdat;   /* RFC 3030 section 2: only RSET ends what a failed BDAT leaves */
	expect_verdicts(s, t);
}

static void send_content(struct smtp *s)
{
	struct transaction *t = s->current;
	struct err e = { 0 };

	if (!t->nobody)
		tell_ready(t);
	while (s->content_next && s->out.len - s->out_at < OUTPUT_FULL) {
		size_t before = s->out.len;
		int more;

		if (t->nobody) {
			content_sent(s, t);
			return;
		}
		more = content_fill(t->work->m, &t->cursor, !wants_bdat(s), &s->out, &e);
		s->emitted += s->out.len - before;
		if (more < 0) {
			engine_fail(s, &e);   /* no final dot: the server throws it away */
			return;
		}
		if (!more)
			content_sent(s, t);
	}
}

/* ---- what may be sent now */

void transact_send(struct smtp *s)
{
	for (;;) {
		struct transaction *t = s->current;

		if (s->phase == PHASE_FAILED || s->quit_sent)
			return;
		if (s->content_next) {
			send_content(s);
			if (s->content_next)
				return;
			continue;
		}
		if (!engine_may_send(s) || s->out.len - s->out_at >= OUTPUT_FULL)
			return;
		if (!t && s->o.apart && apart_content_is_out(s))
			return;
		if (!t) {
			struct work *w = next_work(s);

			verdict_report(s);
			if (!w)
				return;
			begin(s, w);
		} else if (t->mail_refused && t->sent < t->count && !t->data_sent) {
			t->answered += t->count - t->sent;
			t->sent = t->count;
		} else if (t->sent < t->count) {
			send_rcpt(s, t);
		} else if (!t->data_sent) {
			after_recipients(s, t);
			if (s->current == t && !t->data_sent)
				return;
		} else {
			return;
		}
	}
}

/* ---- answers */

static void answer_mail(struct smtp *s, struct transaction *t, const struct smtp_reply *r)
{
	if (s->login_led && !s->login_led_mail && (r->code == 503 || r->code == 530 ||
			r->code == 500 || r->code == 502 || r->code == 554)) {
		engine_protocol(s, STEP_MAIL, r);   /* the group was too much for it */
		return;
	}
	if (apart_refused(s, t, r))
		return;
	s->login_led_mail = true;
	t->mail_answered = true;
	if (t->work->m->trial)
		result_from_reply(&t->work->m->content, r->code / 100 == 2 ? VERDICT_WELCOME :
			verdict_of(r), STEP_MAIL, r);
	if (r->code / 100 == 2)
		return;
	t->mail_refused = true;
	for (size_t i = 0; i < t->count; i++)
		verdict_reply(t->work, t->recipients[i], verdict_of(r), STEP_MAIL, r);
	/* The next transaction of this message would be refused alike. */
	while (t->work->next_recipient < t->work->m->count)
		verdict_reply(t->work, t->work->next_recipient++, verdict_of(r), STEP_MAIL, r);
	while (t->work->again_count)
		verdict_reply(t->work, t->work->again[--t->work->again_count], verdict_of(r),
			STEP_MAIL, r);
}

/* "Too many recipients" (RFC 5321 section 4.5.3.1.10: 452, from some servers
 * 552), and not "mailbox full". */
static bool too_many(const struct transaction *t, const struct smtp_reply *r)
{
	const char *detail = strchr(r->enhanced, '.');

	return (r->code == 452 || r->code == 552) && t->accepted > 0 &&
		(!detail || !strcmp(detail, ".5.3"));
}

static void answer_rcpt(struct smtp *s, struct transaction *t, size_t which,
	const struct smtp_reply *r)
{
	struct work *w = t->work;
	size_t recipient = t->recipients[which];

	t->answered++;
	if (t->mail_refused)
		return;
	if (r->code / 100 == 2 && w->m->trial) {
		t->got[which] = GOT_VERDICT;
		verdict_reply(w, recipient, VERDICT_WELCOME, STEP_RCPT, r);
		return;
	}
	if (r->code / 100 == 2) {
		t->got[which] = GOT_ACCEPTED;
		t->accepted++;
		return;
	}
	if (too_many(t, r)) {
		w->again = mem_grow(w->again, w->again_count + 1, sizeof(size_t));
		w->again[w->again_count++] = recipient;
		t->got[which] = GOT_SPLIT;
		s->learned_limit = (long)t->accepted;
		return;
	}
	t->got[which] = GOT_VERDICT;
	verdict_reply(w, recipient, verdict_of(r), STEP_RCPT, r);
	w->refused_for_now |= r->code < 500;
}

/* DATA rode behind a content that the server then could not take.  It waits for
 * content now, and only a closed connection keeps that from being sent: so
 * nobody has it, and the caller may send all again. */
static void break_off(struct smtp *s, struct transaction *t)
{
	struct err e = { 0 };

	verdict_take_back(t->work);
	err_set(&e, ERR_LOST, "the server could not take the message for the first recipients, so the "
		"connection was closed before any other got it");
	engine_fail(s, &e);
}

static void answer_data(struct smtp *s, struct transaction *t, const struct smtp_reply *r)
{
	if (r->code / 100 == 3) {
		if (s->o.login && !s->logged_in) {
			engine_protocol(s, STEP_DATA, r);   /* closed without the final dot */
			return;
		}
		if (held(t->work) && t->work->refused_for_now) {
			break_off(s, t);
			return;
		}
		if (engine_is_lmtp(s) && !t->accepted) {
			engine_protocol(s, STEP_DATA, r);   /* RFC 2033 section 4.2: 503, and nothing else */
			return;
		}
		t->nobody = !t->accepted;   /* RFC 2920 section 3.1: then only the dot */
		s->content_next = true;
		s->current = t;
		return;
	}
	verdict_accepted(t, EVERYBODY, STEP_DATA, r);
	s->need_reset = !t->mail_refused;
	settle(s, t);
}

static enum smtp_step step_of_content(size_t which)
{
	return which == EVERYBODY ? STEP_CONTENT : STEP_DELIVERY;
}

static void answer_content(struct smtp *s, struct transaction *t, size_t which,
	const struct smtp_reply *r)
{
	if (r->code / 100 == 2)
		verdict_taken_words(t, which, step_of_content(which), r);
	else
		verdict_accepted(t, which, step_of_content(which), r);
	if (!--t->awaited)
		settle(s, t);
}

void transact_count_answers(const struct smtp *s, struct err *e)
{
	const struct expected *x = s->count ? &s->queue[s->head] : NULL;

	if (!x || x->step != STEP_CONTENT || x->which == EVERYBODY || x->t->awaited == x->t->accepted)
		return;
	err_context(e, e->kind == ERR_TIMEOUT ? "the answers for %zu of %zu recipients are missing (a "
		"server that gives one for all wants protocol = smtp)" :
		"the answers for %zu of %zu recipients are missing", x->t->awaited, x->t->accepted);
}

void transact_answer(struct smtp *s, const struct expected *x, const struct smtp_reply *r)
{
	bool step_takes_3xx = x->step == STEP_DATA;
	bool more = x->step == STEP_CONTENT && x->t->awaited > 1;
	bool known = r->code == 421 && verdict_all_answered(s);

	if ((r->code / 100 == 3 && !step_takes_3xx) || (r->code / 100 == 2 && step_takes_3xx)) {
		engine_protocol(s, x->step, r);
		return;
	}
	switch (x->step) {
	case STEP_MAIL:
		answer_mail(s, x->t, r);
		break;
	case STEP_RCPT:
		answer_rcpt(s, x->t, x->which, r);
		break;
	case STEP_DATA:
		answer_data(s, x->t, r);
		break;
	case STEP_CONTENT:
		answer_content(s, x->t, x->which, r);
		break;
	default:
		break;
	}
	/* RFC 5321 section 3.8: it closes, whatever was asked; but what it has to say of the other
	 * recipients may stand right behind. */
	if (known)
		engine_answered(s);
	else if (r->code == 421 && !more)
		engine_refused(s, x->step, r);
}

static size_t unanswered_recipient(const struct transaction *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->got[i] == GOT_ACCEPTED &&
		    t->work->m->results[t->recipients[i]].verdict == VERDICT_PENDING)
			return i;
	return EVERYBODY;
}

/* A reply while the content is on its way: the server has had enough.  With LMTP it is about
 * one recipient, and the others are to be tried again. */
void transact_unasked(struct smtp *s, struct transaction *t, const struct smtp_reply *r)
{
	size_t which;

	if (r->code < 400) {
		engine_protocol(s, STEP_CONTENT, r);
		return;
	}
	which = engine_is_lmtp(s) ? unanswered_recipient(t) : EVERYBODY;
	verdict_accepted(t, which, step_of_content(which), r);
	if (which != EVERYBODY && t->end_at && s->written >= t->end_at)
		engine_protocol(s, STEP_CONTENT, r);   /* of the others nobody has said anything */
	else
		engine_refused(s, STEP_CONTENT, r);
}

void transact_release(struct smtp *s)
{
	for (size_t i = 0; i < s->flying_count; i++)
		transaction_free(s->flying[i]);
	free(s->flying);
	while (s->works) {
		struct work *w = s->works;

		s->works = w->next;
		free(w->again);
		free(w);
	}
}
