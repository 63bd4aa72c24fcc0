/* probe/probe.c - the stages of a check, one behind the other; see probe.h. */
#include "probe/probe.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "net/proxy.h"
#include "probe/letter.h"
#include "probe/state.h"

enum {
	CONNECT_MS = 10 * 1000,     /* nobody watches for longer */
	REPLY_MS = 12 * 1000,
	ELSEWHERE_MS = 8 * 1000     /* kept for what is tried beside it */
};

/* ---- stages */

struct report_stage *stage_begin(struct probe *p, enum report_step step)
{
	report_stage_free(&p->open);
	p->open = report_stage_new(step);
	p->since = clock_ms();
	return p->open;
}

void stage_end(struct probe *p)
{
	struct report_stage *s = p->open;

	if (s->ms < 0 && s->mark != MARK_SKIPPED)
		s->ms = (int64_t)(clock_ms() - p->since);
	/* Of a second session the way to the login is told already. */
	if (!p->second || s->step >= REPORT_LOGIN || s->mark == MARK_FAILED)
		p->o->stage(p->o->context, s);
	report_stage_free(&p->open);
}

/* ---- the end that comes from outside */

static void interrupt(struct probe *p)
{
	if (p->visit && p->visit->session)
		session_abort(p->visit->session, &p->interrupted);
	else
		loop_stop(&p->loop);
}

static void on_signal(struct watch *w, short revents)
{
	struct probe *p = w->owner;

	(void)revents;
	loop_remove(&p->loop, w);
	err_set(&p->interrupted, ERR_SIGNAL, "stopped by signal %d", process_stopped());
	interrupt(p);
}

static void on_limit(struct watch *w, short revents)
{
	struct probe *p = w->owner;

	(void)revents;
	err_set(&p->interrupted, ERR_TIMEOUT, "%s gave no answer within %llu s", p->out->where,
		(unsigned long long)(clock_ms() - p->since + 500) / 1000);
	err_hint(&p->interrupted, "try again later; --timeout SECONDS waits longer");
	interrupt(p);
}

static void set_limit(struct probe *p, uint64_t when)
{
	p->limit.deadline = when;
	loop_add(&p->loop, &p->limit);
}

/* ---- the main session */

static enum report_step hello_step(const struct probe *p)
{
	return p->account.smtp.protocol == PROTOCOL_LMTP ? REPORT_LHLO : REPORT_EHLO;
}

static void reached(void *context, enum session_point point, bool good)
{
	struct visit *v = context;
	struct probe *p = v->probe;

	if (point == SESSION_DIALLED) {
		p->trail = *session_trail(v->session);
		if (p->trail.count || (good && p->trail.way == WAY_COMMAND)) {
			tell_name(p);
			stage_end(p);
			stage_begin(p, REPORT_CONNECT);
			tell_connect(p, good);
		}
		if (!good)
			return;
		stage_end(p);
		stage_begin(p, p->account.smtp.tls == SMTP_TLS_IMPLICIT ? REPORT_TLS :
			hello_step(p));
	} else {
		p->shaken = good;
		tell_tls(p, session_shaken(v->session), good);
		if (!good)
			return;
		stage_end(p);
		stage_begin(p, hello_step(p));
	}
}

static void keep(struct buf *to, const struct smtp_reply *r)
{
	buf_clear(to);
	buf_add(to, buf_text(&r->text), r->text.len);
}

static bool may_stay_clear(const struct probe *p)
{
	return p->account.smtp.tls == SMTP_TLS_OPPORTUNISTIC;
}

static void hello_is_told(struct probe *p)
{
	p->hello_told = true;
	tell_ehlo(p);
	stage_end(p);
}

/* What EHLO said in clear is all that it will say. */
static void goes_on_in_clear(struct probe *p, const char *why)
{
	tell_clear(p, why);
	stage_end(p);
	stage_begin(p, hello_step(p));
	hello_is_told(p);
	stage_begin(p, REPORT_LOGIN);
}

static void answered(void *context, enum smtp_step step, const struct smtp_reply *r)
{
	struct visit *v = context;
	struct probe *p = v->probe;
	bool clear = smtp_starts_tls(p->account.smtp.tls) && !p->shaken;

	if (step == STEP_STARTTLS && r->code >= 400 && r->code != 421 && may_stay_clear(p)) {
		goes_on_in_clear(p, "STARTTLS was refused");
	} else if (step == STEP_GREETING) {
		keep(&p->greeting, r);
	} else if ((step == STEP_EHLO || step == STEP_LHLO || step == STEP_HELO) && r->code / 100 == 2) {
		keep(&p->ehlo, r);
		memset(&p->now, 0, sizeof(p->now));
		if (step != STEP_HELO)
			capabilities_read(&p->now, r);
		if (clear)
			p->before = p->now;
		if (clear && p->now.starttls) {
			stage_begin(p, REPORT_TLS);   /* EHLO is told when it is said inside */
			return;
		}
		hello_is_told(p);
		stage_begin(p, clear ? REPORT_TLS : REPORT_LOGIN);
		if (clear && may_stay_clear(p)) {
			tell_clear(p, "STARTTLS is not offered");
			stage_end(p);
			stage_begin(p, REPORT_LOGIN);
		}
	}
}

static void question_answered(void *context, struct smtp_question *q, const struct smtp_reply *r)
{
	struct probe *p = ((struct asked *)context)->probe;
	struct report_stage *s = p->open;
	const char *line = buf_text(&r->text);

	report_say(s, r->code < 400 ? MARK_OK : MARK_WARNING, "%s: %d%s%s", q->line, r->code,
		r->enhanced[0] ? " " : "", r->enhanced);
	report_text(s, "command", q->line);
	report_number(s, "code", r->code);
	report_text(s, "enhanced", r->enhanced[0] ? r->enhanced : NULL);
	report_text(s, "answer", line);
	for (;;) {
		size_t len = strcspn(line, "\n");

		report_more(s, MARK_NONE, "%.*s", (int)len, line);
		if (!line[len])
			break;
		line += len + 1;
	}
	p->answers++;
	if (r->code / 100 == 3 || r->code == 421)
		return;   /* the session ends with it, and so does this stage */
	stage_end(p);
	if (p->answers < p->o->question_count)
		stage_begin(p, REPORT_ASK);
}

static void ask_questions(struct probe *p, struct visit *v)
{
	p->asked = mem_alloc(p->o->question_count * sizeof(*p->asked));
	stage_begin(p, REPORT_ASK);
	for (size_t i = 0; i < p->o->question_count; i++) {
		p->asked[i] = (struct asked){ .probe = p, .question = { .line = p->o->questions[i],
			.answered = question_answered, .context = &p->asked[i] } };
		session_ask(v->session, &p->asked[i].question);
	}
}

/* Made before anything is connected: what is wrong with it is nobody else's fault. */
static bool make_mail(struct probe *p)
{
	const struct probe_options *o = p->o;
	struct err e = { 0 };

	p->mail = &p->trial;
	p->trial = (struct smtp_message){ .sender = o->from, .recipients = o->to,
		.count = o->to_count, .trial = true,
		.results = mem_alloc((o->to_count + 1) * sizeof(struct smtp_result)) };
	if (!o->send)
		return true;
	p->letter = mem_alloc(sizeof(*p->letter));
	p->mail = &p->letter->attempt.smtp;
	if (letter_make(p->letter, &p->account, o->from, o->to, o->to_count, &e) == 0)
		return true;
	stage_begin(p, REPORT_SEND);
	finding_of_err(p, REPORT_SEND, &e);
	report_say(p->open, MARK_FAILED, "%s", e.text);
	stage_end(p);
	return false;
}

static void note_mechanism(struct probe *p, const char *name)
{
	enum sasl_mechanism m = name ? sasl_find(name, strlen(name)) : SASL_MECHANISMS;

	p->logged_in = name != NULL;
	p->one_trip = m < SASL_MECHANISMS && (sasl_traits(m) & SASL_ONE_TRIP);
}

/* What the last wait was for has come. */
static void end_stage_of_work(struct probe *p, struct visit *v)
{
	if (!p->open)
		return;
	if (p->open->step == REPORT_LOGIN) {
		note_mechanism(p, session_mechanism(v->session));
		tell_login(p, v->session, session_mechanism(v->session), true);
	} else {
		tell_mail(p);
	}
	stage_end(p);
}

/* The session stands: what comes next. */
static bool work(struct visit *v)
{
	struct probe *p = v->probe;

	end_stage_of_work(p, v);
	if (p->o->from && !p->mail_begun) {
		p->mail_begun = true;
		stage_begin(p, p->o->send ? REPORT_SEND : REPORT_ENVELOPE);
		session_submit(v->session, p->mail);
		return true;
	}
	if (p->o->question_count && !p->questions_begun) {
		p->questions_begun = true;
		ask_questions(p, v);
		return true;
	}
	stage_begin(p, REPORT_QUIT);
	return false;
}

/* The stage that a failure belongs to, where it turned out to be another one. */
static enum report_step blamed(const struct probe *p, const struct smtp_failure *f)
{
	enum report_step step = p->open ? p->open->step : REPORT_QUIT;

	if (step == REPORT_NAME && (f->err.kind == ERR_CONFIG || f->err.kind == ERR_CERT))
		return REPORT_TLS;   /* its own files: not even the name was looked up */
	if (step == REPORT_TLS && f->err.kind == ERR_NONE && f->result.step != STEP_STARTTLS)
		return hello_step(p);
	return step;
}

/* The test message that may have arrived; NULL: it has not, or there is none. */
static const struct smtp_result *in_doubt(const struct probe *p)
{
	for (size_t i = 0; p->mail_begun && i < p->mail->count; i++)
		if (p->mail->results[i].verdict == VERDICT_UNKNOWN)
			return &p->mail->results[i];
	return NULL;
}

static void note_refused(struct probe *p, const struct session *session,
	const struct smtp_failure *f)
{
	const char *name = session_chosen(session);

	tell_login(p, session, name, false);
	if (name && f->err.kind == ERR_NONE)
		p->refused_with = sasl_find(name, strlen(name));
}

/* What comes along when a password is copied. */
static bool has_odd_ends(const struct secret *s)
{
	return s->len && (strchr(" \t\r", s->data[0]) || strchr(" \t\r", s->data[s->len - 1]) ||
		(s->len > 3 && !memcmp(s->data, "\xef\xbb\xbf", 3)));
}

static void end_failed(struct probe *p, const struct visit *v)
{
	const struct smtp_failure *f = &v->failure;
	enum report_step step = blamed(p, f);
	const struct smtp_result *doubt = in_doubt(p);

	if (!p->open || p->open->step != step)
		stage_begin(p, step);
	if (doubt)
		finding_of_result(p, step, doubt);
	else if (p->out->cause)
		finding_of_secret(p, step, f);
	else if (p->interrupted.kind)
		finding_of_err(p, step, &f->err);
	else
		finding_of_failure(p, step, f);
	if (!p->open->line)
		report_say(p->open, MARK_FAILED, "%s", p->out->said ? p->out->said : p->out->what ?
			p->out->what : p->out->cause->words);
	p->open->mark = MARK_FAILED;
	if (step == REPORT_LOGIN)
		note_refused(p, v->session, f);
	if (step == REPORT_LOGIN && has_odd_ends(&p->secret))
		report_more(p->open, MARK_WARNING, "the password begins or ends with a blank or a byte "
			"order mark: was that meant?");
	if (step == REPORT_LOGIN && p->secret.len && memchr(p->secret.data, '\n', p->secret.len))
		report_more(p->open, MARK_WARNING, "the password has several lines: was that meant? for the "
			"first alone: password_command = ... | head -n 1");
	stage_end(p);
}

/* The server has said its opinion of sender and recipients. */
static void judge_mail(struct probe *p)
{
	const struct smtp_message *m = p->mail;
	const struct smtp_result *worst = NULL;
	int code = 0;

	if (!p->mail_begun)
		return;
	if (m->trial && m->content.verdict != VERDICT_WELCOME)
		worst = &m->content;
	for (size_t i = 0; worst != &m->content && i < m->count; i++) {
		const struct smtp_result *r = &m->results[i];
		int one;

		if (r->verdict == VERDICT_WELCOME || r->verdict == VERDICT_DELIVERED)
			continue;
		one = cause_of_result(r, p->account.net.host)->exit;
		if (cause_worse(one, code) == one && one != code) {
			code = one;
			worst = r;
		}
	}
	if (worst)
		finding_of_result(p, m->trial ? REPORT_ENVELOPE : REPORT_SEND, worst);
}

static void main_session(struct probe *p)
{
	struct visit v = { .account = &p->account, .pipelining = PIPELINING_STANDARD, .work = work,
		.hooks = { .reached = reached, .answered = answered } };

	stage_begin(p, REPORT_NAME);
	visit_run(p, &v);
	if (v.failed && secret_renew(p, session_refused(v.session))) {
		visit_end(&v);
		stage_begin(p, REPORT_NAME);
		p->shaken = p->hello_told = false;
		visit_run(p, &v);
	}
	if (v.failed) {
		end_failed(p, &v);
	} else {
		report_say(p->open, MARK_OK, "said goodbye");
		stage_end(p);
		judge_mail(p);
	}
	visit_end(&v);
}

/* ---- whether the server bears a login that leads a group */

static bool group_work(struct visit *v)
{
	bool first = !v->probe->group_begun;

	v->probe->group_begun = true;
	if (first)
		session_submit(v->session, &v->probe->group);
	return first;
}

/* MAIL behind AUTH in one go (RFC 4954 section 4), and RSET: no DATA.  Only worth a
 * second login where the first one was of that kind. */
static void try_group(struct probe *p)
{
	const char *sender = p->o->from ? p->o->from : p->account.who.from ? p->account.who.from :
		p->account.sasl.user;
	struct visit v = { .account = &p->account, .pipelining = PIPELINING_FULL,
		.work = group_work };

	if (!p->logged_in || !p->now.pipelining || !sender || !strchr(sender, '@') ||
	    p->account.smtp.pipelining != PIPELINING_STANDARD || !p->one_trip)
		return;
	stage_begin(p, REPORT_PIPELINING);
	p->group = (struct smtp_message){ .sender = sender, .trial = true };
	visit_run(p, &v);
	if (!v.failed)
		tell_pipelining(p, NULL);
	else if (v.failure.stumbled)
		tell_pipelining(p, "the server stumbles over MAIL behind the login");
	else
		tell_pipelining(p, "it could not be found out");
	stage_end(p);
	smtp_result_release(&p->group.content);
	visit_end(&v);
}

/* ---- all of it */

static long least(long a, long b)
{
	return a < b ? a : b;
}

static void begin(struct probe *p, const struct probe_options *o, struct probe_finding *out)
{
	memset(out, 0, sizeof(*out));
	p->o = o;
	p->out = out;
	p->account = *o->account;
	p->account.net.connect_timeout = least(p->account.net.connect_timeout, CONNECT_MS);
	p->account.net.timeout = least(p->account.net.timeout, REPLY_MS);
	p->account.net.final_timeout = least(p->account.net.final_timeout, o->milliseconds);
	account_where(&p->account, out->where, sizeof(out->where));
	p->began = clock_ms();
	p->ends = p->began + (uint64_t)o->milliseconds;
	p->refused_with = SASL_MECHANISMS;
	p->greeting.max = p->ehlo.max = REPLY_TEXT_MAX;
	loop_init(&p->loop);
	proxy_hide(p->account.net.proxy.data, &p->mask);
	report_hide(&p->mask);
	p->stop = (struct watch){ .fd = process_wake_fd(), .events = POLLIN, .run = on_signal,
		.owner = p };
	p->limit = (struct watch){ .fd = -1, .run = on_limit, .owner = p };
	if (p->stop.fd >= 0)
		loop_add(&p->loop, &p->stop);
}

static void release(struct probe *p)
{
	report_stage_free(&p->open);
	report_hide(NULL);
	mask_wipe(&p->mask);
	free(p->user);
	secret_wipe(&p->secret);
	buf_release(&p->greeting);
	buf_release(&p->ehlo);
	for (size_t i = 0; i < p->trial.count; i++)
		smtp_result_release(&p->trial.results[i]);
	smtp_result_release(&p->trial.content);
	free(p->trial.results);
	if (p->letter)
		letter_release(p->letter);
	free(p->letter);
	free(p->asked);
	loop_remove(&p->loop, &p->stop);
	loop_remove(&p->loop, &p->limit);
	loop_release(&p->loop);
}

int probe_run(const struct probe_options *o, struct probe_finding *out)
{
	struct probe p = { .o = o };

	begin(&p, o, out);
	set_limit(&p, p.ends - (uint64_t)least(ELSEWHERE_MS, o->milliseconds / 3));
	if (make_mail(&p) && secret_get(&p))
		main_session(&p);
	if (p.interrupted.kind != ERR_SIGNAL) {
		p.interrupted = (struct err){ 0 };
		set_limit(&p, p.ends);
		if (out->cause)
			ways_look(&p);
		if (o->all && p.hello_told && (!out->cause || out->step >= REPORT_LOGIN))
			every_try(&p);
		if (!out->cause && !p.paused && !p.interrupted.kind)
			try_group(&p);
	}
	if (p.interrupted.kind == ERR_SIGNAL && !out->cause)
		finding_of_err(&p, REPORT_QUIT, &p.interrupted);
	release(&p);
	return out->cause ? out->exit : CAUSE_EXIT_OK;
}
