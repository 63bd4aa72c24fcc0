/* deliver/trouble.c - parking accounts and letting them go; see trouble.h. */
#include "deliver/trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/mem.h"

enum {
	OVERRIDE_SECONDS = 60,
	WARN_SECONDS = 24 * 60 * 60,
	APART_SECONDS = 7 * 24 * 60 * 60
};

struct parking {
	const char *sender;      /* NULL: the account as a whole */
	enum park_kind kind;
	const char *cause, *reason;
	char fingerprint[65];
	const struct retry_settings *retry;
};

static uint32_t some_number(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)time(NULL);
	return random;
}

static void do_park(struct park *p, void *context)
{
	struct parking *k = context;

	if (k->sender)
		park_sender_set(p, k->sender, k->cause, k->reason, k->fingerprint, k->retry,
			some_number(), time(NULL));
	else
		park_set(p, k->kind, k->cause, k->reason, k->fingerprint, k->retry, some_number(),
			time(NULL));
}

static int park(struct spool *s, const struct config *c, const struct account *a,
	const struct timespec *since, const char *sender, const struct cause *cause,
	const char *reason)
{
	struct parking k = { .sender = sender, .kind = cause->park == PARK_NONE ? PARK_RATE : cause->park,
		.cause = cause->id, .reason = reason, .retry = &c->global.retry };
	struct err ignored;

	if (!since || !config_changed_since(c, a, since))   /* else it is of no configuration */
		config_fingerprint(c, a, k.fingerprint);
	return park_change(s, a->name, do_park, &k, &ignored);
}

int trouble_park(struct spool *s, const struct config *c, const struct account *a,
	const struct timespec *since, const struct smtp_result *r, const struct err *err)
{
	const struct cause *cause = r ? cause_of_result(r, a->net.host) : cause_of_err(err);

	if (cause->concern != CONCERNS_ACCOUNT)
		return 0;
	return park(s, c, a, since, NULL, cause, r ? r->text : err->text) < 0 ? -1 : 1;
}

struct sender_trouble {
	const char *sender;
	bool second;
};

static void note_sender(struct park *p, void *context)
{
	struct sender_trouble *t = context;

	t->second = p->later_sender[0] && strcmp(p->later_sender, t->sender) != 0;
	snprintf(p->later_sender, sizeof(p->later_sender), "%s", t->sender);
}

bool trouble_sender(struct spool *s, const struct config *c, const struct account *a,
	const char *sender, const struct smtp_result *r)
{
	const struct cause *cause = cause_of_result(r, a->net.host);
	struct sender_trouble t = { .sender = sender };
	struct err ignored;

	if (r->code >= 500 && cause->concern == CONCERNS_SENDER)
		park(s, c, a, NULL, sender, cause, r->text);
	if (r->step != STEP_MAIL || r->code >= 500 || !r->code ||
	    park_change(s, a->name, note_sender, &t, &ignored) < 0 || !t.second)
		return false;
	park(s, c, a, NULL, NULL, cause, r->text);
	return true;
}

static void do_clear(struct park *p, void *context)
{
	park_clear(p);
	park_sender_clear(p, context);
}

void trouble_over(struct spool *s, const struct account *a, const char *sender)
{
	struct park p = { .kind = PARK_NONE };
	char address[PARK_SENDER_MAX + 1];
	struct err ignored;

	snprintf(address, sizeof(address), "%s", sender);
	if (park_read(s, a->name, &p, &ignored) == 0 &&
	    (p.kind != PARK_NONE || p.later_sender[0] || p.sender_count))
		park_change(s, a->name, do_clear, address, &ignored);
	park_release(&p);
}

struct warning {
	int64_t now;
	bool due;
};

/* A clock that was put back warns once more. */
static void warn(struct park *p, void *context)
{
	struct warning *w = context;

	w->due = p->warned > w->now || w->now - p->warned >= WARN_SECONDS;
	if (w->due)
		p->warned = w->now;
}

bool trouble_warns(struct spool *s, const struct account *a)
{
	struct warning w = { .now = time(NULL) };
	struct park p = { .kind = PARK_NONE };
	struct err ignored;

	if (park_read(s, a->name, &p, &ignored) == 0)   /* mostly it was today */
		warn(&p, &w);
	park_release(&p);
	return w.due && park_change(s, a->name, warn, &w, &ignored) == 0 && w.due;
}

bool trouble_is_apart(struct spool *s, const struct account *a)
{
	struct park p = { .kind = PARK_NONE };
	struct err ignored;
	int64_t now = time(NULL);
	bool apart = park_read(s, a->name, &p, &ignored) == 0 && p.apart <= now &&
		now - p.apart < APART_SECONDS;

	park_release(&p);
	return apart;
}

static void note_apart(struct park *p, void *context)
{
	(void)context;
	p->apart = time(NULL);
}

void trouble_apart(struct spool *s, const struct account *a)
{
	struct err ignored;

	park_change(s, a->name, note_apart, NULL, &ignored);
}

struct overriding {
	int64_t now;
	bool granted;
};

static void grant(struct park *p, void *context)
{
	struct overriding *o = context;

	o->granted = p->overridden > o->now || o->now - p->overridden >= OVERRIDE_SECONDS;
	if (o->granted)
		p->overridden = o->now;
}

/* Asked once a run. */
static bool is_granted(struct spool *s, const struct account *a, struct trouble_grants *g)
{
	struct overriding o = { .now = time(NULL) };
	struct err ignored;

	if (!g)
		return false;
	for (size_t i = 0; i < g->count; i++)
		if (g->items[i].account == a)
			return g->items[i].given;
	g->items = mem_grow(g->items, g->count + 1, sizeof(*g->items));
	g->items[g->count] = (struct trouble_grant){ a,
		park_change(s, a->name, grant, &o, &ignored) == 0 && o.granted };
	return g->items[g->count++].given;
}

void trouble_grants_release(struct trouble_grants *g)
{
	free(g->items);
	*g = (struct trouble_grants){ .items = NULL };
}

struct staying {
	const struct config *config;
	char fingerprint[65];
	bool stays;
};

/* Once more for a while, where a try would do harm and nothing has changed. */
static void park_on(struct park *p, void *context)
{
	struct staying *t = context;
	const struct cause *cause = p->cause ? cause_named(p->cause) : NULL;

	t->stays = p->kind != PARK_NONE && cause && cause->stays &&
		!strcmp(p->fingerprint, t->fingerprint);
	if (t->stays)
		park_set(p, p->kind, p->cause, p->reason, t->fingerprint, &t->config->global.retry,
			some_number(), time(NULL));
}

bool trouble_is_parked(struct spool *s, const struct config *c, const struct account *a,
	struct park *out)
{
	struct staying t = { .config = c };
	struct err ignored;

	*out = (struct park){ .kind = PARK_NONE };
	if (park_read(s, a->name, out, &ignored) == 0 && out->kind != PARK_NONE) {
		config_fingerprint(c, a, t.fingerprint);
		if (park_blocks(out, &c->global.retry, t.fingerprint, time(NULL)))
			return true;
		park_on(out, &t);
		if (t.stays && (park_change(s, a->name, park_on, &t, &ignored) < 0 || t.stays))
			return true;
	}
	park_release(out);   /* of senders too */
	return false;
}

/* Whether a new message may try what did not work a while ago: nobody's patience is spent. */
static bool is_fresh_chance(const struct park *p)
{
	const struct cause *cause = p->cause ? cause_named(p->cause) : NULL;

	return p->kind == PARK_NETWORK || (cause && cause->here);
}

static void say_why(struct trouble_why *why, int64_t until, const char *cause, const char *reason)
{
	why->until = until;
	why->cause = cause ? cause_named(cause) : NULL;
	snprintf(why->reason, sizeof(why->reason), "%s", reason ? reason : "");
}

static bool blocked(struct spool *s, const struct config *c, const struct account *a,
	enum trouble_ask ask, struct trouble_grants *grants, struct trouble_why *why)
{
	struct park p;
	bool blocks;

	if (!trouble_is_parked(s, c, a, &p))
		return false;
	blocks = !(p.kind == PARK_NETWORK && grants) &&
		!(ask == TROUBLE_FRESH && is_fresh_chance(&p)) && !is_granted(s, a, grants);
	if (blocks)
		say_why(why, grants && p.overridden + OVERRIDE_SECONDS < p.until ?
			p.overridden + OVERRIDE_SECONDS : p.until, p.cause, p.reason);
	park_release(&p);
	return blocks;
}

const struct account *trouble_free(struct spool *s, const struct config *c,
	const struct account *a, enum trouble_ask ask, struct trouble_grants *grants,
	struct trouble_why *why)
{
	const struct account *other = a->who.fallback ? config_account(c, a->who.fallback) : NULL;
	struct trouble_why ignored;

	why->until = 0;
	if (!blocked(s, c, a, ask, grants, why))
		return a;
	if (other && !blocked(s, c, other, ask, grants, &ignored))
		return other;
	return NULL;
}

int64_t trouble_rate_wait(struct spool *s, const struct account *a)
{
	struct park p = { .kind = PARK_NONE };
	struct timespec now;
	struct err ignored;
	long wait = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (a->traffic.rate_interval && park_read(s, a->name, &p, &ignored) == 0)
		wait = rate_wait(&p, a->traffic.rate_interval,
			(int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	park_release(&p);
	return (wait + 999) / 1000;
}

bool trouble_sender_free(struct spool *s, const struct config *c, const struct account *a,
	const struct park *p, const char *sender, struct trouble_grants *grants,
	struct trouble_why *why)
{
	const struct parked_sender *blocks = NULL;
	struct park read = { .kind = PARK_NONE };
	char fingerprint[65];
	struct err ignored;

	if (!p && park_read(s, a->name, &read, &ignored) == 0)
		p = &read;
	if (p && p->sender_count) {
		config_fingerprint(c, a, fingerprint);
		blocks = park_sender_blocks(p, sender, &c->global.retry, fingerprint, time(NULL));
	}
	if (blocks && is_granted(s, a, grants))
		blocks = NULL;
	if (blocks)
		say_why(why, blocks->until, blocks->cause, blocks->reason);
	park_release(&read);
	return !blocks;
}
