/* probe/discover.c - a server found by a domain; see discover.h. */
#include "probe/discover.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/unconfigured.h"
#include "probe/knock.h"

enum { GUESSES_MOST = 4, WAYS = 2 };

struct discovery {
	struct loop loop;
	struct watch stop;
	struct srv_list found;
	struct err err;              /* kind ERR_NONE: there is a server */
	struct guess {
		struct discovery *of;
		char host[NAME_MAX_OCTETS];
		struct knock *knock[WAYS];   /* own */
		struct knock_answer answer[WAYS];
	} guesses[GUESSES_MOST];
	size_t count, left;
};

static void on_signal(struct watch *w, short revents)
{
	struct discovery *d = w->owner;

	(void)revents;
	loop_remove(&d->loop, w);
	err_set(&d->err, ERR_SIGNAL, "stopped by signal %d", process_stopped());
	loop_stop(&d->loop);
}

static void found(void *context, const struct srv_list *list, struct err *e)
{
	struct discovery *d = context;

	if (list)
		d->found = *list;
	else
		d->err = *e;
	loop_stop(&d->loop);
}

static void ask_dns(struct discovery *d, const char *domain, uint64_t deadline)
{
	struct srv *srv = srv_start(&d->loop, domain, deadline, found, d);

	loop_run(&d->loop);
	srv_free(&srv);
}

/* ---- names that are only guessed */

static void knocked(void *context, const struct knock_answer *a)
{
	struct guess *g = context;

	g->answer[a->mode == SMTP_TLS_IMPLICIT ? 0 : 1] = *a;
	if (!--g->of->left)
		loop_stop(&g->of->loop);
}

static void try_guesses(struct discovery *d, const char *domain, uint64_t deadline)
{
	static const struct tls_settings strict = { .verify = true };
	struct tls_trust *trust = tls_trust_load(&strict, &(struct err){ 0 });
	struct knock_plan plan = { .tls = &strict, .trust = trust, .deadline = deadline };

	for (struct guess *g = d->guesses; d->count < GUESSES_MOST && unconfigured_guess(domain,
			(unsigned)d->count, g->host, sizeof(g->host)); g++, d->count++) {
		g->of = d;
		plan.host = g->host;
		for (int way = 0; way < WAYS; way++) {
			plan.port = way ? 587 : 465;
			plan.mode = way ? SMTP_TLS_STARTTLS : SMTP_TLS_IMPLICIT;
			g->knock[way] = knock_start(&d->loop, &plan, knocked, g);
			d->left++;
		}
	}
	if (d->left)
		loop_run(&d->loop);
	for (size_t i = 0; i < d->count; i++)
		for (int way = 0; way < WAYS; way++)
			knock_free(&d->guesses[i].knock[way]);
	tls_trust_free(&trust);
}

static const struct knock_answer *best_guess(const struct discovery *d, const char **host)
{
	for (size_t i = 0; i < d->count; i++)
		for (int way = 0; way < WAYS; way++)
			if (knock_works(&d->guesses[i].answer[way])) {
				*host = d->guesses[i].host;
				return &d->guesses[i].answer[way];
			}
	return NULL;
}

static int propose(struct err *e, const char *why, const char *host, unsigned port, bool implicit,
	const char *address)
{
	err_set(e, ERR_USAGE, "%s", why);
	err_cause(e, "server-not-known");
	return err_hint(e, "if you trust that: sendoff check --host %s --port %u --tls %s %s", host,
		port, implicit ? "implicit" : "starttls", address);
}

static int guess(struct discovery *d, const char *address, const char *domain, uint64_t deadline,
	struct err *e)
{
	const struct knock_answer *a;
	const char *host = NULL;
	struct err dns = d->err;
	char *why;

	d->err = (struct err){ 0 };
	try_guesses(d, domain, deadline);
	if (d->err.kind) {
		*e = d->err;
		return -1;
	}
	a = best_guess(d, &host);
	if (!a && dns.kind == ERR_NAME_AGAIN) {
		*e = dns;
		return -1;
	}
	if (!a) {
		const struct preset *near = preset_nearest(domain);

		err_set(e, ERR_USAGE, "which server sends for %s is not known: %s", domain, dns.text);
		if (near)
			err_hint(e, "look at %s for a typing error: should it be an address of %s?",
				domain, near->name);
		return err_cause(e, "server-not-known");
	}
	why = mem_printf("%s names no server, but one answers at %s, which is only a guess", domain,
		host);
	propose(e, why, host, a->port, a->mode == SMTP_TLS_IMPLICIT, address);
	free(why);
	return -1;
}

static int take(const struct srv_target *t, const char *address, const char *domain,
	struct srv_target *out, struct err *e)
{
	char *why;

	*out = *t;
	if (!t->foreign)
		return 0;
	why = mem_printf("the server that DNS names for %s, %s, lies outside of that domain, and DNS is "
		"not signed", domain, t->host);
	propose(e, why, t->host, t->port, t->implicit, address);
	free(why);
	return -1;
}

int discover_server(const char *address, const char *domain, long milliseconds,
	struct srv_target *out, struct report_stage *stage, struct err *e)
{
	struct discovery *d = mem_alloc(sizeof(*d));
	uint64_t began = clock_ms(), end = began + (uint64_t)milliseconds;
	int good;

	loop_init(&d->loop);
	d->stop = (struct watch){ .fd = process_wake_fd(), .events = POLLIN, .run = on_signal,
		.owner = d };
	if (d->stop.fd >= 0)
		loop_add(&d->loop, &d->stop);
	ask_dns(d, domain, began + (uint64_t)milliseconds / 2);
	if (d->err.kind == ERR_SIGNAL) {
		*e = d->err;
		good = -1;
	} else if (d->found.count) {
		good = take(&d->found.items[0], address, domain, out, e);
	} else {
		good = guess(d, address, domain, end, e);
	}
	report_text(stage, "domain", domain);
	stage->ms = (int64_t)(clock_ms() - began);
	if (good == 0)
		report_say(stage, MARK_OK, "by the SRV record of %s: %s port %u", domain, out->host,
			out->port);
	else
		report_say(stage, MARK_FAILED, "%s", e->text);
	loop_remove(&d->loop, &d->stop);
	loop_release(&d->loop);
	free(d);
	return good;
}
