/* deliver/session.c - engine, connection and clock, joined; see session.h. */
#include "deliver/session_state.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/gnutls.h"
#include "base/host.h"
#include "base/mem.h"
#include "cred/prepare.h"
#include "net/proxy.h"

enum {
	READ_PIECE = 16 * 1024,
	WRITES_A_TURN = 64            /* then the poll loop sees to everybody else */
};

/* ---- the end */

static void end(struct session *s, const struct smtp_failure *f)
{
	if (s->stage == STAGE_OVER)
		return;
	s->stage = STAGE_OVER;
	loop_remove(s->loop, &s->watch);
	loop_remove(s->loop, &s->limit);
	credential_fetch_free(&s->fetch);
	kerberos_free(&s->kerberos);
	if (f)
		conn_abort(&s->conn);
	else
		conn_close(&s->conn);
	reach_free(&s->reach);   /* a command ends behind its connection */
	/* What is as new as can be is followed by nothing better. */
	if (!f || !credential_renews(s->account, &s->secret, f, s->refused) || s->fetched)
		s->refused[0] = '\0';
	secret_wipe(&s->secret);
	s->hooks.ended(s->hooks.context, f);
}

static void engine_over(struct session *s, bool good)
{
	size_t len, count;
	const char *out = smtp_output(s->engine, &len);
	short events;
	struct err ignored = { 0 };

	/* QUIT, where it did not ride along: one try, no waiting. */
	if (len && s->stage == STAGE_TALK)
		conn_write(&s->conn, out, len, &count, &events, &ignored);
	end(s, good ? NULL : smtp_failure(s->engine));
}

static struct smtp_message *take_waiting(struct session *s)
{
	struct smtp_message *m = s->waiting;

	if (m)
		s->waiting = m->next;
	if (!s->waiting)
		s->waiting_end = &s->waiting;
	return m;
}

/* Ends before or beside the engine: its messages get their verdicts from it. */
void session_fail(struct session *s, const struct err *e)
{
	struct smtp_failure f = { .err = *e };
	struct smtp_message *m;

	if (s->stage == STAGE_OVER)
		return;
	s->failing = true;
	if (s->engine) {
		smtp_broken(s->engine, e);
		engine_over(s, smtp_turn(s->engine) == SMTP_ENDED);
		return;
	}
	while ((m = take_waiting(s))) {
		for (size_t i = 0; i < m->count; i++)
			m->results[i] = (struct smtp_result){ .verdict = VERDICT_TRY_LATER,
				.step = STEP_GREETING, .kind = e->kind, .cause = e->cause,
				.text = mem_string(e->text) };
		if (m->done)
			m->done(m->context, m);
	}
	end(s, &f);
}

enum moved { MOVED_NOTHING, MOVED_SOME, MOVED_END };

static enum moved read_some(struct session *s);

/* ---- TLS */

static void tell_reached(struct session *s, enum session_point point, bool good)
{
	if (s->hooks.reached)
		s->hooks.reached(s->hooks.context, point, good);
}

/* Who is the connection knows more of its end than the connection. */
static bool way_broke(struct session *s, struct err *e)
{
	bool show = s->hooks.in_confidence || s->account->scope != SCOPE_SYSTEM;

	return reach_broken(s->reach, s->heard, show ? smtp_mask(s->engine) : NULL, e);
}

/* Behind its own 220 a server's plain SMTP is no wrong port, and STARTTLS no cure. */
static void note_went_on_in_clear(const struct session *s, struct err *e)
{
	if (!smtp_starts_tls(s->settings.tls) || !e->cause ||
	    strcmp(e->cause, "plain-smtp-here") != 0)
		return;
	err_cause(e, "tls-not-tls");
	e->hint[0] = '\0';
}

static void shake(struct session *s)
{
	const struct tls_facts *facts;
	struct sasl_binding binding = { 0 };
	struct err e = { 0 };

	switch (conn_handshake(&s->conn, &s->watch.events, &e)) {
	case CONN_OK:
		break;
	case CONN_AGAIN:
		return;
	default:
		tell_reached(s, SESSION_SHAKEN, false);
		if (e.kind == ERR_LOST)
			way_broke(s, &e);
		note_went_on_in_clear(s, &e);
		session_fail(s, &e);
		return;
	}
	tell_reached(s, SESSION_SHAKEN, true);
	s->tls = *tls_facts(s->conn.tls);
	facts = &s->tls;
	if (facts->binding_type && facts->binding_len <= sizeof(binding.data)) {
		binding.type = facts->binding_type;
		binding.len = facts->binding_len;
		memcpy(binding.data, facts->binding, facts->binding_len);
	}
	if (s->hooks.trace) {
		char note[256];
		int len = snprintf(note, sizeof(note), "[TLS: %s %s, %s %s]", facts->version, facts->cipher,
			facts->raw_key ? "raw public key" : "certificate",
			facts->verified ? "verified" : "NOT verified");

		s->hooks.trace(s->hooks.context, SMTP_NOTE, note, (size_t)len);
		if (facts->warning[0]) {
			len = snprintf(note, sizeof(note), "[warning: %.*s]", (int)sizeof(note) - 20,
				facts->warning);
			s->hooks.trace(s->hooks.context, SMTP_NOTE, note, (size_t)len);
		}
	}
	s->stage = STAGE_TALK;
	s->readable = true;   /* TLS may have read ahead */
	s->since = clock_ms();   /* the handshake had a deadline of its own */
	smtp_tls_done(s->engine, &binding, facts->verified);
	read_some(s);            /* what is there before EHLO is no answer to it */
}

static void start_tls(struct session *s)
{
	struct err e = { 0 };

	if (!s->trust)
		s->trust = tls_trust_load(&s->account->tls, &e);
	if (!s->trust || conn_tls(&s->conn, s->account->net.host, &s->account->tls, s->trust,
			&e) < 0) {
		session_fail(s, &e);
		return;
	}
	s->stage = STAGE_HANDSHAKE;
	s->connect_deadline = s->account->smtp.tls == SMTP_TLS_IMPLICIT ? s->connect_deadline :
		clock_ms() + (uint64_t)s->account->net.connect_timeout;
	s->watch.deadline = s->connect_deadline;
	tls_until(s->conn.tls, s->connect_deadline);
	shake(s);
}

/* ---- the dialogue */

static void note_done(struct session *s)
{
	s->paused |= s->hooks.pauses && smtp_load(s->engine)->done != s->told;
	s->told = smtp_load(s->engine)->done;
}

static enum moved write_some(struct session *s)
{
	for (int i = 0; i < WRITES_A_TURN; i++) {
		size_t len, count = 0;
		const char *out = smtp_output(s->engine, &len);
		short events = 0;
		struct err e = { 0 };

		if (!len)
			return i ? MOVED_SOME : MOVED_NOTHING;
		switch (conn_write(&s->conn, out, len, &count, &events, &e)) {
		case CONN_OK:
			smtp_written(s->engine, count);
			s->written += count;
			smtp_turn(s->engine);   /* more content, if there is */
			note_done(s);
			if (s->paused)
				return MOVED_SOME;
			break;
		case CONN_AGAIN:
			s->watch.events |= events;
			return i ? MOVED_SOME : MOVED_NOTHING;
		default:
			return MOVED_END;
		}
	}
	s->watch.events |= POLLOUT;
	return MOVED_NOTHING;
}

/* The server closed or the connection broke: what it still said counts. */
static void lost(struct session *s, enum conn_result how, const struct err *why)
{
	struct err e = *why;
	char where[320];

	account_where(s->account, where, sizeof(where));
	if (way_broke(s, &e)) {
		smtp_broken(s->engine, &e);
		return;
	}
	if (how == CONN_CLOSED || !e.kind)
		err_set(&e, ERR_LOST, "%s closed the connection", where);
	if (e.kind == ERR_LOST && !s->heard)
		err_cause(&e, "connection-closed-at-once");
	smtp_broken(s->engine, &e);
}

static enum moved read_some(struct session *s)
{
	char data[READ_PIECE];
	size_t count = 0;
	short events = 0;
	struct err e = { 0 };
	enum conn_result r = conn_read(&s->conn, data, sizeof(data), &count, &events, &e);

	if (r == CONN_OK) {
		s->heard = true;
		s->readable = count == sizeof(data) || conn_pending(&s->conn);
		smtp_received(s->engine, data, count);
		explicit_bzero(data, count < 512 ? count : 512);
		return MOVED_SOME;
	}
	if (r == CONN_AGAIN) {
		s->readable = false;
		s->watch.events |= events;
		return MOVED_NOTHING;
	}
	lost(s, r, &e);
	return MOVED_END;
}

/* True: somebody was told, and may have given it something to do. */
static bool tell_idle(struct session *s)
{
	if (s->idle_told || !s->hooks.idle)
		return false;
	s->idle_told = true;
	s->hooks.idle(s->hooks.context);
	return true;
}

/* One answer of the engine to "what now".  False: wait. */
static bool serve(struct session *s, enum smtp_want want)
{
	switch (want) {
	case SMTP_ENDED:
		engine_over(s, true);
		return false;
	case SMTP_FAILED:
		engine_over(s, false);
		return false;
	case SMTP_WANT_TLS:
		start_tls(s);
		return s->stage == STAGE_TALK;
	case SMTP_WANT_SECRET:
		if (s->secret_here) {
			smtp_secret(s->engine, &s->secret);
			return true;
		}
		break;
	case SMTP_WANT_RESPONSE:
		session_respond(s);
		break;
	case SMTP_WANT_MESSAGE:
		return tell_idle(s) && s->stage == STAGE_TALK;
	case SMTP_WANT_REPLY:
		break;
	}
	return false;
}

static void talk(struct session *s)
{
	for (;;) {
		enum smtp_want want = smtp_turn(s->engine);
		enum moved out, in;

		if (serve(s, want))
			continue;
		if (s->stage != STAGE_TALK)
			return;
		s->watch.events = 0;
		note_done(s);
		out = s->paused ? MOVED_NOTHING : write_some(s);
		/* Also when writing failed: the server may have said why.  Where poll(2) has
		 * not said that something is there, it is asked: behind a content each call
		 * in vain would be one more at which death leaves a message in doubt. */
		s->watch.events |= POLLIN;
		in = s->readable || out == MOVED_END ? read_some(s) : MOVED_NOTHING;
		if (out == MOVED_END && in == MOVED_NOTHING)
			lost(s, CONN_CLOSED, &(struct err){ 0 });
		if (out == MOVED_NOTHING && in == MOVED_NOTHING)
			break;
	}
	session_note_progress(s);
	/* It is our turn, not the server's. */
	if (smtp_turn(s->engine) == SMTP_WANT_MESSAGE)
		s->watch.deadline = s->limit.deadline = LOOP_NEVER;
	else if ((s->fetch && !s->secret_here) || s->responding)
		s->watch.deadline = LOOP_NEVER;
}

void session_turn(struct session *s)
{
	if (s->turning)
		return;
	s->turning = true;
	if (s->stage == STAGE_HANDSHAKE)
		shake(s);
	if (s->stage == STAGE_TALK)
		talk(s);
	s->turning = false;
}

static void ready(struct watch *w, short revents)
{
	struct session *s = w->owner;

	s->readable |= (revents & ~POLLOUT) != 0;
	if (!revents)
		session_expired(s);
	else
		session_turn(s);
}

/* ---- the beginning */

static int choose_names(struct session *s, struct err *e)
{
	unsigned char random[18];
	struct buf nonce = BUF_INIT(sizeof(s->nonce));
	const char *name = s->account->smtp.ehlo;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, ERR_SYSTEM, errno, "no random numbers");
	base64_encode(random, sizeof(random), &nonce);
	snprintf(s->nonce, sizeof(s->nonce), "%s", buf_text(&nonce));
	buf_release(&nonce);
	if (!name && host_mailname() && host_is_domain(host_mailname()))
		name = host_mailname();
	if (!name && host_is_domain(host_name()))
		name = host_name();
	if (name)
		snprintf(s->ehlo, sizeof(s->ehlo), "%s", name);
	else if (s->account->net.command)   /* whose end has no address that is known here */
		snprintf(s->ehlo, sizeof(s->ehlo), "[127.0.0.1]");
	else
		dial_own_literal(s->conn.fd, s->ehlo, sizeof(s->ehlo));
	return 0;
}

static void make_engine(struct session *s)
{
	struct smtp_options options = {
		.settings = &s->settings,
		.sasl = &s->sasl,
		.login = account_logs_in(s->account),
		.has_secret = account_has_secret(s->account),
		.has_token = account_signs_in(s->account),
		.has_certificate = s->account->tls.cert != NULL,
		.ehlo = s->ehlo,
		.host = s->account->net.host,
		.port = (unsigned)s->account->net.port,
		.nonce = s->nonce,
		.prepare = prepare_saslprep,
		.apart = s->hooks.apart,
		.trace = s->hooks.trace,
		.answered = s->hooks.answered,
		.context = s->hooks.context,
	};
	struct smtp_message *m;

	s->engine = smtp_new(&options);
	proxy_hide(s->account->net.proxy.data, smtp_mask(s->engine));
	while ((m = take_waiting(s)))
		smtp_submit(s->engine, m);
	if (s->finish_asked)
		smtp_finish(s->engine);
}

static void connected(void *context, int fd, struct err *e)
{
	struct session *s = context;
	struct err why = *e;   /* it lies in what is freed with the session's end */

	tell_reached(s, SESSION_DIALLED, fd >= 0);
	if (fd < 0) {
		session_fail(s, &why);
		return;
	}
	conn_init(&s->conn, fd);
	reach_peer_text(s->reach, fd, s->peer, sizeof(s->peer));
	if (choose_names(s, &why) < 0 || (account_logs_in(s->account) && gnutls_need(&why) < 0)) {
		session_fail(s, &why);
		return;
	}
	make_engine(s);
	s->stage = STAGE_TALK;
	s->since = clock_ms();
	s->watch.fd = fd;
	s->watch.events = POLLIN;
	loop_add(s->loop, &s->watch);
	s->turning = true;   /* a secret that is here at once waits for the first turn */
	session_fetch_secret(s);
	s->turning = false;
	if (s->stage != STAGE_OVER)
		session_turn(s);
}

struct session *session_start(struct loop *l, const struct account *a,
	enum smtp_pipelining pipelining, const struct session_hooks *hooks)
{
	struct session *s = mem_alloc(sizeof(*s));
	struct err e = { 0 };

	s->loop = l;
	s->account = a;
	s->settings = a->smtp;
	s->sasl = a->sasl;
	s->settings.pipelining = pipelining;
	s->hooks = *hooks;
	s->watch = (struct watch){ .fd = -1, .run = ready, .owner = s };
	s->limit = (struct watch){ .fd = -1, .run = session_limit_passed, .owner = s };
	s->conn.fd = -1;
	s->waiting_end = &s->waiting;
	s->connect_deadline = clock_ms() + (uint64_t)a->net.connect_timeout;
	session_set_limit(s);
	if (credential_exists(a, &e) < 0) {   /* that no server need be asked for */
		session_fail(s, &e);
		return s;
	}
	s->reach = reach_start(l, &a->net, secret_hidden_variables(), s->connect_deadline, connected, s);
	/* While the network is at it: GnuTLS and the roots (a large part of all the work). */
	if (s->stage == STAGE_DIAL && a->smtp.tls != SMTP_TLS_OFF) {
		s->trust = tls_trust_load(&a->tls, &e);
		if (!s->trust)
			session_fail(s, &e);
	}
	return s;
}

void session_free(struct session **sp)
{
	struct session *s = *sp;

	if (!s)
		return;
	loop_remove(s->loop, &s->watch);
	loop_remove(s->loop, &s->limit);
	credential_fetch_free(&s->fetch);
	kerberos_free(&s->kerberos);
	smtp_free(&s->engine);
	conn_abort(&s->conn);
	reach_free(&s->reach);
	tls_trust_free(&s->trust);
	free(s->user);
	secret_wipe(&s->secret);
	free(s);
	*sp = NULL;
}

void session_submit(struct session *s, struct smtp_message *m)
{
	bool first = !session_load(s).messages || s->limit.deadline == LOOP_NEVER;

	s->idle_told = false;
	if (s->engine) {
		smtp_submit(s->engine, m);
	} else {
		m->next = NULL;
		*s->waiting_end = m;
		s->waiting_end = &m->next;
	}
	if (first)
		session_set_limit(s);
	else
		session_extend_limit(s, m);
	if (s->stage == STAGE_TALK && !s->turning)
		s->watch.events |= POLLOUT;   /* the loop comes back when it can be sent */
}

bool session_takes_more(const struct session *s)
{
	return s->stage != STAGE_OVER && !s->failing && !s->finish_asked &&
		(!s->engine || !smtp_over(s->engine));
}

void session_finish(struct session *s)
{
	s->finish_asked = true;
	if (!s->engine)
		return;
	smtp_finish(s->engine);
	if (!s->turning && s->stage != STAGE_OVER)
		session_turn(s);
}

void session_ask(struct session *s, struct smtp_question *q)
{
	s->idle_told = false;
	smtp_ask(s->engine, q);
	session_set_limit(s);
}

void session_resume(struct session *s)
{
	if (!s->paused)
		return;
	s->paused = false;
	if (!s->turning && s->engine && s->stage != STAGE_OVER)
		session_turn(s);
}

const char *session_refused(const struct session *s)
{
	return s->refused[0] ? s->refused : NULL;
}

void session_abort(struct session *s, const struct err *why)
{
	session_fail(s, why);
}

const char *session_peer(const struct session *s)
{
	return s->peer;
}

const char *session_mechanism(const struct session *s)
{
	return s->engine ? smtp_mechanism(s->engine) : NULL;
}

const char *session_warning(const struct session *s)
{
	return s->warning;
}

const char *session_chosen(const struct session *s)
{
	return s->engine ? smtp_chosen(s->engine) : NULL;
}

const struct kerberos_facts *session_ticket(const struct session *s)
{
	return s->ticket.principal[0] ? &s->ticket : NULL;
}

const struct tls_facts *session_tls(const struct session *s)
{
	return s->tls.version[0] ? &s->tls : NULL;
}

const struct dial_trail *session_trail(const struct session *s)
{
	return reach_trail(s->reach);
}

const struct tls *session_shaken(const struct session *s)
{
	return s->conn.tls;
}
