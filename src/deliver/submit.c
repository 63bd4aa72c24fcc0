/* deliver/submit.c - one message, read and sent at once; see submit.h. */
#include "deliver/submit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/aliases.h"
#include "deliver/submit_state.h"
#include "mail/address.h"

enum {
	PIECE = 64 * 1024,
	PIECES_A_TURN = 16,
	DRAIN_MS = 10 * 1000
};

void run_finish(struct run *r)
{
	r->over = true;
	loop_stop(&r->loop);
}

/* What we could not do, once: the first reason counts. */
static void give_up(struct run *r, const struct err *e)
{
	if (r->out->outcome.err.kind == ERR_NONE)
		r->out->outcome.err = *e;
	run_finish(r);
}

/* ---- the choice of the account */

/* Trouble that somebody may mend is a reason to store it, not to refuse it. */
static void no_account(struct run *r, const struct err *trouble)
{
	struct err e = { 0 };

	if (r->o->no_queue || r->o->no_network || trouble->kind != ERR_CONFIG)
		give_up(r, trouble);
	else if (plan_make(r, trouble, &e) < 0)
		give_up(r, &e);
}

static bool choose(struct run *r, bool last_chance)
{
	struct submission *out = r->out;
	struct buf from = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct route_question q = { .wanted = r->o->account,
		.sender = r->o->sender ? buf_text(&r->sender) : NULL };
	struct err e = { 0 };
	enum route_answer answer;

	if (r->plan != PLAN_NONE)
		return true;
	if (message_from(&out->message, r->intake.domain, last_chance, &from))
		q.from = buf_text(&from);
	answer = route_choose(r->config, &q, &out->route, &e);
	buf_release(&from);
	if (answer == ROUTE_FAILED)
		no_account(r, &e);
	else if (answer == ROUTE_FOUND && plan_make(r, NULL, &e) < 0)
		give_up(r, &e);
	return r->plan != PLAN_NONE;
}

/* As soon as the account is known the connection is made, while the rest of
 * the message is read; not again when the server has tired of it. */
static void connect_early(struct run *r)
{
	if (r->session || r->over || r->o->no_network || r->session_dead || r->tired)
		return;
	if (choose(r, false) && !r->over && r->plan == PLAN_SEND)
		carry_start(r, (enum smtp_pipelining)r->out->route.account->smtp.pipelining);
}

/* ---- the input */

/* A Message-ID wants a domain that exists: where this machine has only a bare
 * name, the account's serves. */
static void choose_id_domain(struct run *r)
{
	const char *from = r->out->route.account->who.from;
	const char *at = from ? strrchr(from, '@') : NULL;

	if (!host_is_domain(r->intake.domain) && at && host_is_domain(at + 1))
		r->intake.id_domain = at + 1;
}

/* Most mail has no use for the file of aliases. */
static bool is_local(const struct run *r, struct alias_rules plain)
{
	const char **names = aliases_local_names(r->configured ? r->config : NULL);
	bool local;

	plain.local_names = names;
	local = message_is_local(&r->out->message, &plain);
	free(names);
	return local;
}

/* The runner does that for those who hand over. */
static int expand(struct run *r, struct err *e)
{
	struct message *m = &r->out->message;
	struct alias_rules plain = { .domain = r->intake.domain }, rules;
	struct alias_book book;
	int good;

	if (r->plan == PLAN_HAND_OVER)
		return 0;
	if (!is_local(r, plain))
		return message_expand(m, &plain, e);
	if (alias_book_load(&book, r->configured ? r->config : NULL, true, e) < 0)
		return -1;
	rules = *alias_book_rules(&book);
	rules.left_out = &r->out->outcome.left_out;
	good = message_expand(m, &rules, e);
	alias_book_release(&book);
	return good;
}

static int dress(struct run *r, struct err *e)
{
	struct submission *out = r->out;
	struct letter l;

	message_letter(&out->message, &l);
	if (attempt_dress(&out->attempt, &l, out->route.account, e) < 0)
		return -1;
	out->outcome.attempt = &out->attempt;
	outcome_prepare(&out->attempt.smtp, r->o->no_queue);
	return r->plan == PLAN_HAND_OVER ? plan_handover(r, e) : 0;
}

static int take_in(struct run *r, struct err *e)
{
	if (r->out->route.account)
		choose_id_domain(r);
	if (r->plan == PLAN_HAND_OVER) {   /* the runner knows the domain of bare names */
		r->intake.id_domain = r->intake.id_domain ? r->intake.id_domain : r->intake.domain;
		r->intake.domain = NULL;
	}
	if (message_finish(&r->out->message, &r->intake, e) < 0 || expand(r, e) < 0)
		return -1;
	r->taken_in = true;
	return r->plan == PLAN_STORE ? 0 : dress(r, e);
}

static void input_complete(struct run *r)
{
	struct err e = { 0 };

	r->complete = true;
	loop_remove(&r->loop, &r->input);
	if (!choose(r, false)) {
		if (!r->over)
			choose(r, true);
		if (r->over)
			return;
	}
	if (take_in(r, &e) < 0)
		give_up(r, &e);
	else if (r->o->no_network || r->plan == PLAN_STORE)
		run_finish(r);
	else if (r->session_dead)
		carry_nobody(r);
	else
		carry_message(r);
}

/* It came by a dialogue, and is whole. */
static void take_content(struct run *r)
{
	uint64_t at = 0;
	struct err e = { 0 };
	ssize_t n;

	while ((n = spill_read(r->o->content, at, r->piece, PIECE, &e)) > 0) {
		if (message_feed(&r->out->message, r->piece, (size_t)n, &e) < 0) {
			n = -1;
			break;
		}
		at += (uint64_t)n;
	}
	if (n < 0)
		give_up(r, &e);
	else
		input_complete(r);
}

static ssize_t read_input(struct run *r)
{
	ssize_t n;

	do
		n = read(r->o->input, r->piece, PIECE);
	while (n < 0 && errno == EINTR && !process_stopped());
	return n;
}

static void input_ready(struct watch *w, short revents)
{
	struct run *r = w->owner;
	struct err e = { 0 };

	(void)revents;
	for (int i = 0; i < PIECES_A_TURN; i++) {
		struct pollfd more = { .fd = r->o->input, .events = POLLIN };
		ssize_t n = read_input(r);
		int fed;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			err_sys(&e, ERR_READ, errno, "reading the message failed");
			give_up(r, &e);
			return;
		}
		if (n == 0) {
			input_complete(r);
			return;
		}
		fed = message_feed(&r->out->message, r->piece, (size_t)n, &e);
		if (fed < 0) {
			give_up(r, &e);
			return;
		}
		if (fed > 0) {
			input_complete(r);
			return;
		}
		if (poll(&more, 1, 0) <= 0)
			break;
	}
	connect_early(r);
}

void submit_drain(int input)
{
	char piece[4096];

	while (!isatty(input) && !process_stopped()) {
		struct pollfd p[] = { { .fd = input, .events = POLLIN },
			{ .fd = process_wake_fd(), .events = POLLIN } };
		int ready = poll(p, COUNT(p), DRAIN_MS);
		ssize_t n;

		if (ready == 0 || (ready < 0 && errno != EINTR))
			break;
		if (ready < 0 || !p[0].revents)   /* a signal: it must not end in a read that waits */
			continue;
		n = read(input, piece, sizeof(piece));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
}

/* Where a caller writes to us. */
static void drain(const struct submit_options *o)
{
	if (!o->content)
		submit_drain(o->input);
}

static void stopped(struct watch *w, short revents)
{
	struct run *r = w->owner;
	struct err e = { 0 };

	(void)revents;
	if (!process_stopped())
		return;
	err_set(&e, ERR_SIGNAL, "stopped by signal %d", process_stopped());
	if (r->submitted && r->session && !r->again.added) {
		loop_remove(&r->loop, &r->stop);
		session_abort(r->session, &e);
	} else {
		give_up(r, &e);
	}
}

/* ---- all of it */

static int take_arguments(struct run *r, struct err *e)
{
	struct envelope *env = &r->out->message.envelope;

	if (r->o->sender) {
		if (address_parse_one(r->o->sender, strlen(r->o->sender), r->intake.domain,
				&r->sender, e) < 0)
			return err_context(e, "envelope sender");
		envelope_set_sender(env, buf_text(&r->sender));
		if (address_parse_one(r->o->sender, strlen(r->o->sender), NULL, &r->bare_sender,
				e) < 0)
			return err_context(e, "envelope sender");
	}
	for (size_t i = 0; i < r->o->count; i++)
		if (envelope_add_word(env, r->o->recipients[i], NULL, e) < 0)
			return -1;
	env->dsn = r->o->dsn;
	env->dsn.envid = r->o->dsn.envid ? mem_string(r->o->dsn.envid) : NULL;
	if (!r->o->from_header && !env->count) {
		err_set(e, ERR_USAGE, "nobody to send it to: no recipient was given");
		return err_hint(e, "name recipients as arguments, or use -t to take them from the header");
	}
	return 0;
}

static void run_loop(struct run *r)
{
	r->input = (struct watch){ .fd = r->o->input, .events = POLLIN, .run = input_ready,
		.owner = r };
	r->stop = (struct watch){ .fd = process_wake_fd(), .events = POLLIN, .run = stopped,
		.owner = r };
	r->idle = r->again = (struct watch){ .fd = -1, .owner = r };
	if (r->stop.fd >= 0)
		loop_add(&r->loop, &r->stop);
	if (r->o->content) {
		take_content(r);
	} else {
		loop_add(&r->loop, &r->input);
		connect_early(r);
	}
	if (!r->over)
		loop_run(&r->loop);
	if (!r->complete)
		drain(r->o);
}

/* A log that cannot be written stops no mail; where syslog is the usual place,
 * it has the line then. */
static void note_in_log(struct run *r)
{
	struct submission *out = r->out;
	struct log_record record = { .count = 0 };
	struct log_settings unset = { 0 };
	char ignored[1];

	outcome_record(&out->outcome, &record);
	if (!log_send(r->configured ? &r->config->global.log : &unset, r->o->log_fallback, &record,
			out->log_warning, sizeof(out->log_warning)))
		log_send(&unset, r->o->log_fallback, &record, ignored, sizeof(ignored));
}

/* "stored as s-ID": the runner's word. */
static void take_receipt(struct run *r)
{
	struct outcome *o = &r->out->outcome;
	const char *text = r->out->attempt.smtp.content.text, *at;

	if (r->plan == PLAN_HAND_OVER && (o->err.kind == ERR_CONNECT || o->err.kind == ERR_LOST ||
			o->err.kind == ERR_TIMEOUT)) {
		o->err.kind = ERR_RUNNER;
		o->err.cause = NULL;
		o->err.hint[0] = '\0';   /* the cause's own step is the better one */
	}
	if (r->unsure) {
		err_set(&o->err, ERR_UNKNOWN, "the system's runner may have stored the message, but "
			"did not answer");
		err_hint(&o->err, "see with `mailq` whether it is there before sending it again");
	}
	if (r->plan != PLAN_HAND_OVER || !text || r->out->attempt.smtp.content.code / 100 != 2)
		return;
	o->handed_over = true;
	at = strstr(text, "s-");
	if (at && strlen(at) >= ENTRY_ID_LEN + 2)
		snprintf(o->id, sizeof(o->id), "%.*s", ENTRY_ID_LEN + 2, at);
}

static void settle(struct run *r, uint64_t began)
{
	struct submission *out = r->out;

	out->outcome.message_id = out->message.message_id;
	out->outcome.why = out->route.why;
	if (r->o->no_network && out->outcome.err.kind == ERR_NONE) {
		out->outcome.account = out->route.account;
		return;
	}
	out->outcome.account = out->route.account;
	if (!r->o->no_network)
		store_rest(r);
	take_receipt(r);
	out->outcome.milliseconds = clock_ms() - began;
	outcome_settle(&out->outcome);
	if (!r->o->no_network)
		note_in_log(r);
}

static void run_release(struct run *r)
{
	session_free(&r->session);
	loop_release(&r->loop);
	buf_release(&r->sender);
	buf_release(&r->bare_sender);
	slot_free(&r->slot);
	spool_close(&r->spool);
	free(r->queue);
	free(r->known);
	free(r->piece);
}

/* What can be mended by whoever looks after the configuration waits for that. */
static bool waits_for_config(const struct config *c, const struct submit_options *o)
{
	return c->faulty && !o->no_queue && !o->no_network;
}

void submit(const struct config *c, const struct err *why, const struct submit_options *o,
	struct submission *out)
{
	struct run r = { .config = c, .configured = why->kind == ERR_NONE, .o = o, .out = out };
	uint64_t began = clock_ms();
	struct err e = { 0 };

	memset(out, 0, sizeof(*out));
	r.intake = (struct intake){ .dot_ends = o->dot_ends, .from_header = o->from_header,
		.full_name = o->full_name, .as_it_came = o->as_it_came,
		.domain = config_domain(r.configured ? c : NULL) };
	r.piece = mem_grow(NULL, PIECE, 1);
	r.sender.max = r.bare_sender.max = ADDRESS_PATH_MAX + 1;
	loop_init(&r.loop);
	message_init(&out->message, &r.intake);
	if (!r.configured && waits_for_config(c, o))
		plan_make(&r, why, &e);
	if (r.plan == PLAN_NONE && !r.configured) {
		out->outcome.err = *why;
		drain(o);
	} else if (take_arguments(&r, &e) < 0) {
		out->outcome.err = e;
		drain(o);
	} else {
		run_loop(&r);
	}
	settle(&r, began);
	session_free(&r.session);
	store_follow(&r);
	run_release(&r);
}

void submission_release(struct submission *s)
{
	attempt_release(&s->attempt);
	message_release(&s->message);
	smtp_result_release(&s->failure.result);
}
