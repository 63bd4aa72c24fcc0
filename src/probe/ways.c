/* probe/ways.c - what answers elsewhere: other ports and modes of the same server, side by
 * side; and other servers, where the name does not exist.  See state.h.
 *
 * No secret goes there (probe/knock.h): whoever follows the advice changes the
 * configuration, and the next check says whether it was right.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/name.h"
#include "probe/knock.h"
#include "probe/state.h"
#include "provider/preset.h"

enum { WAYS_MOST = 12, LOOK_MS = 7500, SLIPS = 2 };

struct way {
	struct ways *ways;           /* borrowed */
	char *host;                  /* own */
	unsigned port;
	int mode;
	struct knock *knock;         /* own */
	struct knock_answer answer;
};

struct ways {
	struct probe *p;
	struct tls_trust *trust;     /* own; NULL: not judged */
	struct way items[WAYS_MOST];
	size_t count, left;
};

/* ---- what to try */

static void add_way(struct ways *w, const char *host, unsigned port, int mode)
{
	const struct account *a = &w->p->account;

	if (w->count == WAYS_MOST || (port == (unsigned)a->net.port && mode == a->smtp.tls &&
			!strcmp(host, a->net.host)))
		return;
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].port == port && w->items[i].mode == mode &&
		    !strcmp(w->items[i].host, host))
			return;
	w->items[w->count++] = (struct way){ .ways = w, .host = mem_string(host), .port = port,
		.mode = mode };
}

/* The best first: what works further up is what is recommended.  A port that has said by
 * now in which mode it speaks is not asked for the other one: that would only wait. */
static void add_ports(struct ways *w, const char *host)
{
	static const unsigned ports[] = { 587, 2525, 25 };
	const struct probe *p = w->p;
	unsigned own = (unsigned)p->account.net.port;
	bool same = !strcmp(host, p->account.net.host);
	bool implicit = p->account.smtp.tls == SMTP_TLS_IMPLICIT;

	/* Who speaks first at port 25 may be banned. */
	if (same && own != 25 && (implicit || !p->greeting.len))
		add_way(w, host, own, SMTP_TLS_IMPLICIT);
	if (same && own != 465 && !(implicit && p->shaken))
		add_way(w, host, own, SMTP_TLS_STARTTLS);
	add_way(w, host, 465, SMTP_TLS_IMPLICIT);
	for (size_t i = 0; i < COUNT(ports); i++)
		add_way(w, host, ports[i], SMTP_TLS_STARTTLS);
}

/* A port or a whole URL, written where only the name belongs: "smtps://HOST:465/". */
static bool add_inside(struct ways *w)
{
	const char *all = w->p->account.net.host, *scheme = strstr(all, "://");
	const char *name = scheme ? scheme + 3 : all;
	size_t len = strcspn(name, ":/");
	unsigned long port = name[len] == ':' ? strtoul(name + len + 1, NULL, 10) : 0;
	char *host;

	if (!len || (!scheme && !name[len]))
		return false;
	host = mem_copy(name, len);
	if (port && port <= 65535)
		add_way(w, host, (unsigned)port, port == 465 ? SMTP_TLS_IMPLICIT : SMTP_TLS_STARTTLS);
	add_ports(w, host);
	free(host);
	return true;
}

/* By the custom of many domains. */
static void add_customs(struct ways *w, const char *domain)
{
	static const char *const customs[] = { "smtp", "mail" };

	for (size_t i = 0; i < COUNT(customs); i++) {
		char *host = mem_printf("%s.%s", customs[i], domain);

		add_way(w, host, 465, SMTP_TLS_IMPLICIT);
		add_way(w, host, 587, SMTP_TLS_STARTTLS);
		free(host);
	}
}

static bool add_provider(struct ways *w, const struct preset *known)
{
	if (!known || !known->host || preset_needs_region(known))
		return false;
	for (const struct preset_way *way = known->ways; way->port; way++)
		add_way(w, known->host, way->port, way->tls == PRESET_IMPLICIT ?
			SMTP_TLS_IMPLICIT : SMTP_TLS_STARTTLS);
	return true;
}

/* A slip of the pen in the name of a provider's server; NULL: it is none. */
static const struct preset *misspelt(const char *host)
{
	for (const struct preset *p = presets; strchr(host, '.') && p->id; p++)
		if (p->host && text_distance(host, p->host) <= SLIPS)
			return p;
	return NULL;
}

/* What a name that does not exist may have been meant to be.  Nobody is proposed who is
 * not where this login belongs: the name may be one of another network. */
static void add_hosts(struct ways *w)
{
	const struct account *a = &w->p->account;
	const char *address = a->sasl.user ? a->sasl.user : a->who.from ? a->who.from : "";
	const char *at = strrchr(address, '@');

	if (!add_provider(w, misspelt(a->net.host)) &&
	    !add_provider(w, preset_of_address(address)) && at)
		add_customs(w, at + 1);
}

/* What exists may be a domain with its web site.  Nobody outside of it is named: it may as
 * well be the right server, which is down. */
static void add_domain(struct ways *w)
{
	const char *host = w->p->account.net.host;
	struct sockaddr_storage address;

	if (!strchr(host, '.') || name_address(host, &address))
		return;
	if (strncasecmp(host, "smtp.", 5) != 0 && strncasecmp(host, "mail.", 5) != 0)
		add_customs(w, host);
}

/* ---- trying it */

static void knocked(void *context, const struct knock_answer *a)
{
	struct way *way = context;

	way->answer = *a;
	if (!--way->ways->left)
		loop_stop(&way->ways->p->loop);
}

static void try_all(struct ways *w)
{
	struct probe *p = w->p;
	struct knock_plan plan = { .way = &p->account.net, .ehlo = p->account.smtp.ehlo,
		.tls = &p->account.tls, .trust = w->trust, .deadline = clock_ms() + LOOK_MS };

	if (plan.deadline > p->ends)
		plan.deadline = p->ends;
	for (size_t i = 0; i < w->count; i++) {
		struct way *way = &w->items[i];

		plan.host = way->host;
		plan.port = way->port;
		plan.mode = way->mode;
		way->knock = knock_start(&p->loop, &plan, knocked, way);
		w->left++;
	}
	if (w->left)
		loop_run(&p->loop);
	for (size_t i = 0; i < w->count; i++)
		knock_free(&w->items[i].knock);
}

/* ---- what came of it */

static bool works(const struct ways *w, const struct way *way)
{
	const struct knock_answer *a = &way->answer;

	return knock_works(a) && (!account_logs_in(&w->p->account) || a->auth[0]);
}

static void tell_way(struct report_stage *s, const struct ways *w, const struct way *way,
	json_t *list)
{
	const struct knock_answer *a = &way->answer;
	json_t *object = json_object();
	bool good = works(w, way);
	const char *what = good ? "works" : a->tls && !a->trusted && a->speaks ?
		(a->facts.raw_key ? "answers, but its key would be refused" :
		"answers, but its certificate would be refused") : a->speaks ?
		"answers, but offers no login" : knock_name(a->found);

	report_more(s, good ? MARK_OK : MARK_NONE, "%s port %u, tls = %s: %s%s%s", way->host, way->port,
		smtp_tls_name(way->mode), what, a->text[0] ? ": " : "", a->text);
	json_object_set_new(object, "host", report_string(way->host));
	json_object_set_new(object, "port", json_integer(way->port));
	json_object_set_new(object, "tls", json_string(smtp_tls_name(way->mode)));
	json_object_set_new(object, "works", json_boolean(good));
	json_object_set_new(object, "found", json_string(knock_name(a->found)));
	if (a->text[0])
		json_object_set_new(object, "greeting", report_string(a->text));
	if (a->auth[0])
		json_object_set_new(object, "mechanisms", report_string(a->auth));
	json_array_append_new(list, object);
}

static void recommend(struct ways *w, const struct way *best)
{
	struct probe_finding *f = w->p->out;
	const struct account *a = &w->p->account;
	bool options = !w->p->o->place;

	free(f->works);
	f->works = mem_printf("%s port %u with tls = %s answers", best->host, best->port,
		smtp_tls_name(best->mode));
	if (strcmp(best->host, a->net.host) != 0)
		finding_set(f, options ? "--host %s" : "host = %s", best->host);
	if (best->port != (unsigned)a->net.port)
		finding_set(f, options ? "--port %u" : "port = %u", best->port);
	if (best->mode != a->smtp.tls)
		finding_set(f, options ? "--tls %s" : "tls = %s", smtp_tls_name(best->mode));
	free(f->next);
	f->next = options ? mem_string("call it with the options below") :
		mem_printf("set what stands below in %s, in place of what is there",
			w->p->o->place);
}

static const struct way *own_port(const struct ways *w, bool starttls)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->items[i].host, w->p->account.net.host) &&
		    w->items[i].port == (unsigned)w->p->account.net.port &&
		    (!starttls || w->items[i].mode == SMTP_TLS_STARTTLS))
			return &w->items[i];
	return NULL;
}

static void blame(struct probe_finding *f, const char *id)
{
	const struct cause *cause = cause_named(id);

	if (!cause)
		return;
	f->cause = cause;
	f->exit = cause->exit;
	free(f->next);
	f->next = cause->next ? mem_string(cause->next) : NULL;
}

/* Where nothing else works, what was found may still tell the cause. */
static void reconsider(struct ways *w)
{
	struct probe_finding *f = w->p->out;
	const struct way *own = own_port(w, false), *plain = own_port(w, true);
	bool silent = true;

	for (size_t i = 0; i < w->count; i++)
		silent = silent && w->items[i].answer.found == KNOCK_FILTERED;
	if (own && own->answer.found == KNOCK_HTTP) {
		blame(f, "http-here");
	} else if (own && (own->answer.found == KNOCK_IMAP || own->answer.found == KNOCK_POP3 ||
			own->answer.found == KNOCK_SSH || own->answer.found == KNOCK_FTP)) {
		blame(f, "other-protocol-here");
	} else if (silent && !strcmp(f->cause->id, "port-25-blocked")) {
		blame(f, "connect-timeout");
	} else if (plain && plain->answer.found == KNOCK_SMTP && !plain->answer.starttls &&
		   f->step == REPORT_TLS) {
		free(f->next);
		f->next = mem_string("this server offers no encryption, here or at another port: ask "
			"its operator for it; without, no password is sent");
	}
}

static void tell_all(struct ways *w)
{
	struct probe *p = w->p;
	struct report_stage *s = p->open;
	const struct way *best = NULL;
	json_t *list = json_array();

	for (size_t i = 0; i < w->count; i++) {
		tell_way(s, w, &w->items[i], list);
		if (!best && works(w, &w->items[i]))
			best = &w->items[i];
	}
	report_json(s, "tried", list);
	if (best)
		report_say(s, MARK_OK, "%s port %u with tls = %s works", best->host, best->port,
			smtp_tls_name(best->mode));
	else
		report_say(s, MARK_NONE, "no other port or mode answers as a submission server");
	stage_end(p);
	if (best)
		recommend(w, best);
	else
		reconsider(w);
}

/* Whether others can be tried the same way.  A command leads to one place, and a proxy that
 * fails, or an address to come from that is missing, fails for all. */
static bool way_is_good(const struct probe *p)
{
	const struct net_settings *net = &p->account.net;
	const char *id = p->out->cause->id;

	if (net->host[0] == '/' || net->command || !strcmp(id, "source-address-missing"))
		return false;
	return strncmp(id, "proxy-", 6) != 0 || !strcmp(id, "proxy-cannot-reach") ||
		!strcmp(id, "proxy-forbids");
}

/* Where another port or host could be the better one. */
static bool worth_it(const struct probe_finding *f)
{
	static const char *const ids[] = { "login-not-offered", "login-clear-forbidden", "tls-wanted",
		"login-needs-tls", "login-not-enabled" };

	if (f->cause->park == PARK_RATE)   /* it wants to see less of us */
		return false;
	if (f->cause->exit == cause_exit_of_kind(ERR_CONFIG))   /* our own files */
		return false;
	if (!strcmp(f->cause->id, "lmtp-here"))   /* it is the right server, as likely as not */
		return false;
	if (f->step == REPORT_CONNECT || f->step == REPORT_EHLO)
		return true;
	if (f->step == REPORT_TLS)   /* a server that is not the right one is so everywhere */
		return f->cause->exit == cause_exit_of_kind(ERR_TLS);
	for (size_t i = 0; i < COUNT(ids); i++)
		if (!strcmp(f->cause->id, ids[i]))
			return true;
	return false;
}

void ways_look(struct probe *p)
{
	struct ways w = { .p = p };
	struct err ignored = { 0 };
	bool name = p->out->step == REPORT_NAME;

	/* A name that cannot be looked up now is no wrong one.  LMTP has no usual ports. */
	if (!way_is_good(p) || p->account.smtp.protocol == PROTOCOL_LMTP || (name ? p->out->cause->exit !=
			cause_exit_of_kind(ERR_NAME) : !worth_it(p->out)))
		return;
	if (!name)
		add_ports(&w, p->account.net.host);
	else if (!add_inside(&w))
		add_hosts(&w);
	if (p->out->step == REPORT_CONNECT)
		add_domain(&w);
	if (!w.count)
		return;
	w.trust = tls_trust_load(&p->account.tls, &ignored);
	stage_begin(p, REPORT_ELSEWHERE);
	try_all(&w);
	tell_all(&w);
	for (size_t i = 0; i < w.count; i++)
		free(w.items[i].host);
	tls_trust_free(&w.trust);
}
