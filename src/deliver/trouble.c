/* deliver/trouble.c - parking accounts and letting them go; see trouble.h. */
#include "deliver/trouble.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { OVERRIDE_SECONDS = 60 };

struct parking {
	enum park_kind kind;
	const char *cause, *reason;
	char fingerprint[65];
	const struct retry_settings *retry;
};

static void do_park(struct park *p, void *context)
{
	struct parking *k = context;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)time(NULL);
	park_set(p, k->kind, k->cause, k->reason, k->fingerprint, k->retry, random, time(NULL));
}

static void park(struct spool *s, const struct config *c, const struct account *a,
	const struct cause *cause, const char *reason)
{
	struct parking k = { .kind = cause->park == PARK_NONE ? PARK_RATE : cause->park,
		.cause = cause->id, .reason = reason, .retry = &c->global.retry };
	struct err ignored;

	config_fingerprint(c, a, k.fingerprint);
	park_change(s, a->name, do_park, &k, &ignored);
}

bool trouble_park(struct spool *s, const struct config *c, const struct account *a,
	const struct smtp_result *r, const struct err *err)
{
	const struct cause *cause = r ? cause_of_result(r, a->net.host) : cause_of_err(err);

	if (cause->concern != CONCERNS_ACCOUNT)
		return false;
	park(s, c, a, cause, r ? r->text : err->text);
	return true;
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
	struct sender_trouble t = { .sender = sender };
	struct err ignored;

	if (r->step != STEP_MAIL || r->code >= 500 || !r->code ||
	    park_change(s, a->name, note_sender, &t, &ignored) < 0 || !t.second)
		return false;
	park(s, c, a, cause_of_result(r, a->net.host), r->text);
	return true;
}

static void do_clear(struct park *p, void *context)
{
	(void)context;
	park_clear(p);
}

void trouble_over(struct spool *s, const struct account *a)
{
	struct park p = { .kind = PARK_NONE };
	struct err ignored;

	if (park_read(s, a->name, &p, &ignored) == 0 &&
	    (p.kind != PARK_NONE || p.later_sender[0]))
		park_change(s, a->name, do_clear, NULL, &ignored);
	park_release(&p);
}

struct overriding {
	int64_t now;
	bool granted;
};

/* Once a minute: an operator may try in spite of a refused login, but a script
 * that does so in a loop must not lock the login. */
static void grant(struct park *p, void *context)
{
	struct overriding *o = context;

	o->granted = p->overridden > o->now || o->now - p->overridden >= OVERRIDE_SECONDS;
	if (o->granted)
		p->overridden = o->now;
}

static bool overrides(struct spool *s, const struct account *a, const struct park *p,
	enum trouble_ask ask, int64_t now)
{
	struct overriding o = { .now = now };
	struct err ignored;

	if (ask == TROUBLE_ASK)
		return false;
	if (p->kind == PARK_NETWORK)
		return true;
	return ask == TROUBLE_OVERRIDE && park_change(s, a->name, grant, &o, &ignored) == 0 &&
		o.granted;
}

static bool blocked(struct spool *s, const struct config *c, const struct account *a,
	enum trouble_ask ask, int64_t *until, char *reason, size_t size)
{
	struct park p = { .kind = PARK_NONE };
	char fingerprint[65];
	int64_t now = time(NULL);
	struct err ignored;
	bool blocks;

	if (park_read(s, a->name, &p, &ignored) < 0 || p.kind == PARK_NONE)
		return false;
	config_fingerprint(c, a, fingerprint);
	blocks = park_blocks(&p, &c->global.retry, fingerprint, now) &&
		!overrides(s, a, &p, ask, now);
	if (blocks) {
		*until = p.until;
		snprintf(reason, size, "%s", p.reason ? p.reason : "");
	}
	park_release(&p);
	return blocks;
}

const struct account *trouble_free(struct spool *s, const struct config *c,
	const struct account *a, enum trouble_ask ask, int64_t *until, char *reason, size_t size)
{
	const struct account *other = a->who.fallback ? config_account(c, a->who.fallback) : NULL;
	int64_t other_until = 0;
	char ignored[ENTRY_TEXT_MAX + 1];

	*until = 0;
	if (!blocked(s, c, a, ask, until, reason, size))
		return a;
	if (other && !blocked(s, c, other, ask, &other_until, ignored, sizeof(ignored)))
		return other;
	return NULL;
}
