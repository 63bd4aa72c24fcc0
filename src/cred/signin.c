/* cred/signin.c - what all ways to sign in have in common; see signin.h. */
#include "cred/signin.h"

#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/process.h"
#include "cred/signin_state.h"

enum { SECOND_MS = 1000, HEADER_MAX = 8 * 1024 };

/* ---- waiting */

static void on_signal(struct watch *w, short revents)
{
	struct signin *s = w->owner;

	(void)revents;
	loop_stop(&s->loop);
}

static void on_time(struct watch *w, short revents)
{
	struct signin *s = w->owner;

	(void)revents;
	loop_stop(&s->loop);
}

static void on_second(struct watch *w, short revents)
{
	struct signin *s = w->owner;
	uint64_t now = clock_ms();

	(void)revents;
	w->deadline = now + SECOND_MS;
	s->hooks->waiting(s->hooks->context,
		now < s->end ? (int64_t)((s->end - now + SECOND_MS - 1) / SECOND_MS) : 0);
}

enum signin_turn signin_turn(struct signin *s, uint64_t until)
{
	s->timer.deadline = until;
	loop_run(&s->loop);
	if (process_stopped()) {
		err_set(s->e, ERR_SIGNAL, "told to stop while signing in");
		return SIGNIN_STOPPED;
	}
	return s->timer.deadline == LOOP_NEVER ? SIGNIN_LATE : SIGNIN_CAME;
}

static void begin(struct signin *s)
{
	loop_init(&s->loop);
	s->signals = (struct watch){ .fd = process_wake_fd(), .events = POLLIN, .run = on_signal,
		.owner = s };
	s->timer = (struct watch){ .fd = -1, .run = on_time, .owner = s };
	s->second = (struct watch){ .fd = -1, .run = on_second, .owner = s };
	if (s->hooks && s->hooks->waiting)
		s->second.deadline = clock_ms() + SECOND_MS;
	loop_add(&s->loop, &s->signals);
	loop_add(&s->loop, &s->timer);
	loop_add(&s->loop, &s->second);
	s->end = clock_ms() + SIGNIN_SECONDS * (uint64_t)SECOND_MS;
}

static void end(struct signin *s)
{
	https_free(&s->https);
	https_answer_release(&s->answer);
	loop_release(&s->loop);
	explicit_bzero(s->state, sizeof(s->state));
	explicit_bzero(s->verifier, sizeof(s->verifier));
}

/* ---- the provider */

static void on_answer(void *context, struct https_answer *a, struct err *e)
{
	struct signin *s = context;

	s->answered = true;
	memset(&s->asked, 0, sizeof(s->asked));
	if (!a) {
		s->asked = *e;
	} else {
		s->answer = *a;
		a->body = BUF_INIT(HTTPS_BODY_MAX);   /* taken */
	}
	if (s->https)   /* else nobody waits yet */
		loop_stop(&s->loop);
}

int signin_ask(struct signin *s, const char *url, const struct buf *body)
{
	struct https_request r = { .url = url, .body = body, .ca_file = s->plan->ca_file,
		.proxy = s->plan->proxy.data };
	uint64_t deadline = clock_ms() + HTTPS_SECONDS * (uint64_t)SECOND_MS;
	struct buf authorization = BUF_INIT(HEADER_MAX);
	enum signin_turn turn = SIGNIN_CAME;

	https_answer_release(&s->answer);
	s->answer = (struct https_answer){ .status = 0 };
	s->answered = false;
	if (body && oauth_authorization(s->plan, &authorization))
		r.authorization = buf_text(&authorization);
	s->https = https_start(&s->loop, &r, deadline, on_answer, s);
	buf_wipe(&authorization);
	while (!s->answered && turn == SIGNIN_CAME)
		turn = signin_turn(s, deadline + SECOND_MS);
	https_free(&s->https);
	if (turn == SIGNIN_STOPPED)
		s->asked = *s->e;
	else if (!s->answered)
		err_set(&s->asked, ERR_TIMEOUT, "the provider did not answer in time");
	return s->answered && !s->asked.kind ? 0 : -1;
}

enum oauth_outcome signin_ask_token(struct signin *s, struct buf *body)
{
	int good = signin_ask(s, s->plan->token_url, body);
	enum oauth_outcome outcome;

	buf_wipe(body);
	if (good == 0) {
		outcome = oauth_read_token(s->plan, s->answer.status, buf_text(&s->answer.body),
			s->answer.body.len, s->out, s->e);
		if (outcome != OAUTH_GRANTED)
			oauth_grant_wipe(s->out);
		return outcome;
	}
	*s->e = s->asked;
	return s->e->kind == ERR_SIGNAL || s->e->kind == ERR_CONFIG || s->e->kind == ERR_SYSTEM ?
		OAUTH_WRONG : OAUTH_LATER;
}

int signin_keep(struct signin *s)
{
	return s->hooks->keep ? s->hooks->keep(s->hooks->context, s->out, s->e) : 0;
}

/* ---- the issuer's own words on where to ask */

/* 0, 1: not there, -1. */
static int discover_at(struct signin *s, unsigned which)
{
	struct buf url = BUF_INIT(2048);
	int good;

	oauth_discovery_url(s->plan, which, &url);
	good = signin_ask(s, buf_text(&url), NULL);
	buf_release(&url);
	if (good < 0) {
		*s->e = s->asked;
		return err_context(s->e, "the issuer cannot be asked for its addresses");
	}
	if (s->answer.status == 200)
		return oauth_read_discovery(s->plan, buf_text(&s->answer.body), s->answer.body.len, s->e);
	err_set(s->e, ERR_CONFIG, "the issuer does not tell its addresses: HTTP status %d",
		s->answer.status);
	err_hint(s->e, "check oauth_issuer, or set oauth_auth_url, oauth_token_url and "
		"oauth_device_url");
	return 1;
}

int signin_prepare(struct oauth_plan *p, struct err *e)
{
	struct signin s = { .plan = p, .e = e };
	int good = 1;

	if (!p->discover)
		return 0;
	begin(&s);
	for (unsigned which = 0; which < 2 && good > 0; which++)
		good = discover_at(&s, which);
	end(&s);
	return good == 0 ? 0 : -1;
}

/* ---- which flow, and it */

static bool can(const struct oauth_plan *p, unsigned flow)
{
	return !p->provider || (p->provider->flows & flow);
}

enum oauth_flow signin_choose(const struct oauth_plan *p, bool remote, bool terminal)
{
	bool code = p->auth_url && can(p, OAUTH_BY_CODE);
	bool device = p->device_url && can(p, OAUTH_BY_DEVICE);
	struct landing place;

	if (p->flow != OAUTH_FLOW_AUTO)
		return p->flow;
	if (code && !remote && p->redirect && landing_parse(p->redirect, &place))
		return OAUTH_FLOW_CODE;
	if (device && (remote || !code || !terminal))
		return OAUTH_FLOW_DEVICE;
	return OAUTH_FLOW_PASTE;
}

static int draw(char out[64], struct err *e)
{
	unsigned char random[OAUTH_RANDOM];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_set(e, ERR_SYSTEM, "the kernel gives no random numbers");
	oauth_verifier(random, out);
	explicit_bzero(random, sizeof(random));
	return 0;
}

int signin_run(struct oauth_plan *p, enum oauth_flow flow, const struct signin_hooks *hooks,
	struct oauth_grant *out, struct err *e)
{
	struct signin s = { .plan = p, .hooks = hooks, .out = out, .e = e };
	int good;

	process_hold_secret();
	if (draw(s.state, e) < 0 || draw(s.verifier, e) < 0)
		return -1;
	begin(&s);
	if (flow == OAUTH_FLOW_CODE || flow == OAUTH_FLOW_PASTE)
		good = flow == OAUTH_FLOW_CODE ? signin_by_code(&s) : signin_by_paste(&s);
	else if (flow == OAUTH_FLOW_DEVICE)
		good = signin_by_device(&s);
	else
		good = err_set(e, ERR_INTERNAL, "no person signs in by this flow");
	end(&s);
	if (good < 0)
		oauth_grant_wipe(out);
	return good;
}

int signin_revoke(struct oauth_plan *p, const struct token *t, struct err *e)
{
	struct signin s = { .plan = p, .e = e };
	int good;

	if (!p->revoke_url || (!t->refresh.data && !t->access.data))
		return 1;
	begin(&s);
	good = signin_ask_revoke(&s, t);
	end(&s);
	return good;
}
