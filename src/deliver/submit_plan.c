/* deliver/submit_plan.c - sent, stored or handed over; see submit_state.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/daemon.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/credential.h"
#include "deliver/enqueue.h"
#include "deliver/submit_state.h"
#include "deliver/trouble.h"

enum {
	HAND_OVER_MS = 10 * 1000,
	UNSURE_MS = 60 * 1000,     /* the runner may have it: only its own word ends that */
	AGAIN_LEAST = 20,
	AGAIN_SPREAD = 180
};

bool plan_spool(struct run *r)
{
	if (r->spool || r->no_spool.kind != ERR_NONE)
		return r->spool != NULL;
	r->queue = enqueue_path(r->configured ? r->config : NULL, &r->no_spool);
	if (r->queue)
		spool_open(&r->spool, r->queue, true, &r->no_spool);
	return r->spool != NULL;
}

/* ---- the runner */

static bool hands_over(const struct account *a)
{
	return a->scope == SCOPE_SYSTEM && (!a->source || config_has_runner());
}

static int plan_runner(struct run *r, struct err *e)
{
	if (r->o->no_queue) {
		err_set(e, ERR_RIGHT, "--no-queue cannot be had from the system's runner");
		return err_hint(e, "leave it out, or use an account of your own configuration");
	}
	r->plan = PLAN_HAND_OVER;
	r->out->route.account = config_runner_account();
	return 0;
}

int plan_handover(struct run *r, struct err *e)
{
	unsigned char random[16];
	struct buf hex = BUF_INIT(sizeof(r->token));
	static const char errors[] = { [ERRORS_MAIL] = 'm', [ERRORS_PRINT] = 'p',
		[ERRORS_QUIET] = 'q' };

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, ERR_SYSTEM, errno, "no random numbers");
	hex_encode(random, sizeof(random), &hex);
	snprintf(r->token, sizeof(r->token), "%s", buf_text(&hex));
	buf_release(&hex);
	r->handover = (struct smtp_handover){
		.account = r->o->account,
		.name = r->o->full_name,
		.no_sender = !r->out->message.envelope.sender,
		.hold = r->o->not_before,
		.errors = errors[r->o->errors],
		.tag = r->o->tag,
		.token = r->token,
	};
	r->handed_over = clock_ms();
	r->out->attempt.smtp.handover = &r->handover;
	r->out->attempt.smtp.sender = r->handover.no_sender ? "" : buf_text(&r->bare_sender);
	return 0;
}

/* No answer, or none any more, is asked for again under the same token; an
 * answer is final. */
bool plan_again(struct run *r, uint64_t *when)
{
	const struct outcome *o = &r->out->outcome;
	bool none = o->err.kind == ERR_CONNECT || o->err.kind == ERR_LOST ||
		o->err.kind == ERR_TIMEOUT || o->err.kind == ERR_UNKNOWN || o->err.kind == ERR_RUNNER;
	uint64_t now = clock_ms();
	unsigned char random = 0;

	if (r->plan != PLAN_HAND_OVER || process_stopped() || (!none && o->refusal.code != 421))
		return false;
	if (now - r->handed_over >= (r->unsure ? UNSURE_MS : HAND_OVER_MS))
		return false;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (unsigned char)now;
	*when = now + AGAIN_LEAST + random * AGAIN_SPREAD / 255;
	return true;
}

/* ---- one's own accounts */

static void wait_for(struct run *r, enum err_kind kind, const char *text)
{
	r->plan = PLAN_STORE;
	err_set(&r->out->outcome.err, kind, "%s", text);
}

/* ... for the end of some trouble; what mends it is worth saying each time. */
static void wait_for_end(struct run *r, const struct account *a, const struct trouble_why *why,
	const char *text)
{
	char next[CREDENTIAL_NEXT_MAX];
	const char *step = why->cause ? credential_next(a, why->cause, next) : NULL;

	wait_for(r, ERR_PARKED, text);
	if (step)
		err_hint(&r->out->outcome.err, "%s", step);
}

/* How long max_rate makes this message wait; 0: it may go now. */
static long rate_delay(const struct run *r, const struct account *a)
{
	struct timespec now;
	struct err ignored;
	long wait;

	clock_gettime(CLOCK_REALTIME, &now);
	wait = rate_take(r->spool, a->name, a->traffic.rate_interval,
		(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &ignored);
	return wait > 0 ? wait : 0;
}

/* By the account, not yet by the header, which may still have to be read. */
static bool sender_is_free(struct run *r, const struct account *a)
{
	char text[ENTRY_TEXT_MAX + 400];
	bool given = r->o->sender != NULL;
	const char *sender = given ? buf_text(&r->sender) : process_user();
	struct trouble_why why;

	sender = route_sender(a, sender, given);
	if (trouble_sender_free(r->spool, r->config, a, NULL, sender, NULL, &why))
		return true;
	snprintf(text, sizeof(text), "account '%s' does not get mail of %s sent: %s", a->name, sender,
		why.reason);
	wait_for_end(r, a, &why, text);
	return false;
}

/* A parked login is not tried for each new message; a network that was down is, and a keyring
 * that was locked. */
static void plan_own(struct run *r)
{
	const struct account *a = r->out->route.account, *open;
	char text[ENTRY_TEXT_MAX + 200];
	struct trouble_why why;
	struct err ignored;
	long wait;

	r->plan = PLAN_SEND;
	if (r->o->no_queue || !plan_spool(r))
		return;
	open = trouble_free(r->spool, r->config, a, TROUBLE_FRESH, NULL, &why);
	if (!open) {
		snprintf(text, sizeof(text), "account '%s' is parked: %s", a->name, why.reason);
		wait_for_end(r, a, &why, text);
		return;
	}
	r->out->route.account = open;
	r->stands_in = open != a;
	if (!sender_is_free(r, open))
		return;
	if (slot_take(r->spool, open->name, open->traffic.max_connections, &r->slot, &ignored) == 0) {
		snprintf(text, sizeof(text), "all %ld connections of account '%s' are in use",
			open->traffic.max_connections, open->name);
		r->busy = true;
		wait_for(r, ERR_PARKED, text);
	} else if ((wait = rate_delay(r, open))) {
		snprintf(text, sizeof(text), "max_rate of account '%s' lets the next message go in "
			"%ld s", open->name, (wait + 999) / 1000);
		slot_free(&r->slot);
		r->busy = true;
		wait_for(r, ERR_PARKED, text);
	}
}

int plan_delivery(const struct run *r)
{
	if (r->o->delivery_given)
		return r->o->delivery;
	return r->configured ? r->config->global.delivery : DELIVERY_NOW;
}

/* Where there is a user for it, root goes into the network as that one. */
static int drop_root(struct err *e)
{
	return geteuid() == 0 ? process_become(CONFIG_RUNNER_USER, e) : 0;
}

int plan_make(struct run *r, const struct err *trouble, struct err *e)
{
	const struct account *a = r->out->route.account;

	/* The runner takes it in all the same; in a queue of one's own nobody would look
	 * for it when the administrator has mended the file. */
	if (trouble && trouble->kind != ERR_NONE && r->config->only_system && config_has_runner())
		return plan_runner(r, e);
	if (trouble && trouble->kind != ERR_NONE) {
		if (r->config->only_system && drop_root(e) < 0)
			return -1;
		r->plan = PLAN_STORE;
		r->out->outcome.err = *trouble;
		return 0;
	}
	if (r->o->no_network) {
		r->plan = PLAN_SEND;
		return 0;
	}
	if (hands_over(a))
		return plan_runner(r, e);
	if (a->scope == SCOPE_SYSTEM && drop_root(e) < 0)
		return -1;
	if (r->o->queue_only || r->o->not_before || (plan_delivery(r) != DELIVERY_NOW && !r->o->no_queue))
		r->plan = PLAN_STORE;
	else
		plan_own(r);
	return 0;
}
