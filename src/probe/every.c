/* probe/every.c - --all: every mechanism that is offered, every address of the server, each
 * in a session of its own; see state.h.
 *
 * A server that wants a pause gets it: what is left then is not tried.  The others may
 * count as many refused logins as there are mechanisms, which is what was asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "probe/state.h"

enum { MECHANISMS_MOST = 24, NAME_MOST = 24 };

struct every {
	struct probe *p;
	json_t *rows;                /* own until it is handed over */
	size_t works, tried;
	char best[NAME_MOST + 1];    /* the best mechanism that works */
};

/* ---- one row */

static void add_row(struct every *x, const char *kind, const char *name, int works, int64_t ms,
	const char *words)
{
	json_t *object = json_object();
	char time[32] = "";

	if (ms >= 0)
		snprintf(time, sizeof(time), "%" PRId64 " ms", ms);
	report_more(x->p->open, works > 0 ? MARK_OK : works < 0 ? MARK_NONE : MARK_WARNING,
		"%-20s %9s  %s", name, time, words);
	json_object_set_new(object, kind, report_string(name));
	json_object_set_new(object, "tried", json_boolean(works >= 0));
	json_object_set_new(object, "works", json_boolean(works > 0));
	if (ms >= 0)
		json_object_set_new(object, "ms", json_integer(ms));
	json_object_set_new(object, "text", report_string(words));
	json_array_append_new(x->rows, object);
}

static const char *words_of(const struct smtp_failure *f)
{
	return f->err.kind ? f->err.text : f->result.text ? f->result.text : "refused";
}

/* Why one more login would be one too many; NULL: it would not. */
static const char *enough(const struct cause *c, int code)
{
	static const char *const reasons[][2] = {
		{ "account-locked", "the account is locked" },
		{ "account-disabled", "the account is disabled" },
		{ "server-proof-wrong", "the server has not proved who it is" },
		{ "login-unasked", "the server does not ask for the password" },
	};

	if (c->park == PARK_RATE || code / 100 == 4)
		return "the server wants a pause";
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (!strcmp(c->id, reasons[i][0]))
			return reasons[i][1];
	return NULL;
}

/* One session; its row. */
static bool try_one(struct every *x, const char *kind, const char *name, const struct account *a)
{
	struct visit v = { .account = a, .pipelining = PIPELINING_STANDARD };
	uint64_t since = clock_ms();
	bool good;

	if (x->p->paused || x->p->interrupted.kind) {
		char words[80];

		snprintf(words, sizeof(words), "not tried: %s", x->p->paused ? x->p->paused :
			"there was no time left");
		add_row(x, kind, name, -1, -1, words);
		return false;
	}
	visit_run(x->p, &v);
	good = !v.failed;
	x->tried++;
	x->works += good;
	add_row(x, kind, name, good, (int64_t)(clock_ms() - since), good ? "works" :
		words_of(&v.failure));
	if (!good && v.failure.err.kind)
		x->p->paused = enough(cause_of_err(&v.failure.err), 0);
	else if (!good)
		x->p->paused = enough(cause_of_result(&v.failure.result, a->net.host),
			v.failure.result.code);
	visit_end(&v);
	return good;
}

/* ---- mechanisms */

/* Why this one is not even tried; NULL: it is. */
static const char *unfit(const struct account *a, enum sasl_mechanism m)
{
	bool token = account_signs_in(a) || sasl_names(&a->sasl, SASL_OAUTHBEARER) ||
		sasl_names(&a->sasl, SASL_XOAUTH2);

	if (m == SASL_MECHANISMS)
		return "not known here";
	if (a->sasl.authzid && !(sasl_traits(m) & SASL_ACTS_AS))
		return "cannot carry the authzid that is set";
	if (m == SASL_GSSAPI)
		return account_has_ticket(a) ? NULL : "needs a Kerberos ticket, and auth to name gssapi";
	if (m == SASL_ANONYMOUS)
		return NULL;
	if (m == SASL_EXTERNAL)
		return a->tls.cert ? NULL : "needs a client certificate (tls_cert, tls_key)";
	if (!account_has_secret(a))
		return "needs a password";
	if (m == SASL_CRAM_MD5 && a->smtp.tls == SMTP_TLS_OFF && !a->sasl.allow_clear_password &&
	    !sasl_names(&a->sasl, m))
		return "not without TLS: who listens can guess the password from what it shows";
	if (token != ((sasl_traits(m) & SASL_TOKEN) != 0))
		return token ? "needs a password, and the secret is an access token" :
			"needs an access token, and the secret is a password";
	return NULL;
}

static void try_mechanism(struct every *x, const char *name)
{
	struct account a = x->p->account;
	enum sasl_mechanism m = sasl_find(name, strlen(name));
	const char *why = unfit(&a, m);
	char *word = mem_string(name);

	if (why) {
		add_row(x, "mechanism", name, -1, -1, why);
	} else if (x->p->out->cause && x->p->refused_with == m) {
		x->tried++;
		add_row(x, "mechanism", name, 0, -1, x->p->out->said ? x->p->out->said :
			x->p->out->what ? x->p->out->what : "refused");
	} else {
		a.sasl.mechanisms = (struct key_list){ &word, 1 };
		if (try_one(x, "mechanism", name, &a) && !x->best[0])
			snprintf(x->best, sizeof(x->best), "%s", name);
	}
	free(word);
}

/* Servers of old clients offer each of them in two lines. */
static bool offered_before(char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

static void try_mechanisms(struct every *x)
{
	char offered[sizeof(x->p->now.auth)], *rest = NULL, *names[MECHANISMS_MOST];
	size_t count = 0;

	memcpy(offered, x->p->now.auth, sizeof(offered));
	for (char *name = strtok_r(offered, " ", &rest); name && count < MECHANISMS_MOST;
	     name = strtok_r(NULL, " ", &rest)) {
		if (strlen(name) > NAME_MOST)
			name[NAME_MOST] = '\0';
		if (offered_before(names, count, name))
			continue;
		names[count++] = name;
		try_mechanism(x, name);
	}
}

/* ---- addresses */

/* The certificate must still be that of the name. */
static void try_addresses(struct every *x)
{
	char none[] = "none", *word = NULL;   /* refused often enough: no login */
	const struct dial_trail *t = &x->p->trail;

	if (t->through[0])   /* they are not the server's */
		return;
	if (x->p->out->cause && account_logs_in(&x->p->account))
		word = x->best[0] ? x->best : none;

	for (unsigned i = 0; i < t->count; i++) {
		struct account a = x->p->account;

		if (t->tries[i].family == AF_UNIX)
			return;
		if (!a.tls.host)
			a.tls.host = a.net.host;
		a.net.host = mem_string(t->tries[i].address);
		if (word)
			a.sasl.mechanisms = (struct key_list){ &word, 1 };
		try_one(x, "address", t->tries[i].address, &a);
		free(a.net.host);
	}
}

/* The login that the account itself would use was refused, and another one is taken. */
static void recommend(struct every *x)
{
	struct probe_finding *f = x->p->out;
	char lower[NAME_MOST + 1] = "";

	if (!f->cause || f->step != REPORT_LOGIN || !x->best[0])
		return;
	for (size_t i = 0; x->best[i]; i++)
		lower[i] = (char)(x->best[i] | (x->best[i] >= 'A' && x->best[i] <= 'Z' ? 0x20 : 0));
	free(f->works);
	f->works = mem_printf("the login with %s", x->best);
	free(f->next);
	f->next = mem_string(x->p->o->place ? "name that mechanism in the configuration" :
		"name that mechanism in the configuration, when it is written");
	finding_set(f, "auth = %s", lower);
}

void every_try(struct probe *p)
{
	const struct cause *cause = p->out->cause;
	struct every x = { .p = p, .rows = json_array() };

	p->paused = cause ? enough(cause, 0) : NULL;
	stage_begin(p, REPORT_EVERY);
	if (account_logs_in(&p->account))
		try_mechanisms(&x);
	try_addresses(&x);
	report_json(p->open, "rows", x.rows);
	if (x.tried)
		report_say(p->open, p->open->mark, "%zu of %zu ways work", x.works, x.tried);
	else
		report_say(p->open, MARK_SKIPPED, "there is one way only, and it was tried above");
	stage_end(p);
	recommend(&x);
}
