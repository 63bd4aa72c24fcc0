/* t/unit/smtp_sweep.c - one answer of a good server is another, each in turn and
 * in every kind of session: what the engine tells must be what the server did. */
#include "t/unit/smtp_fake.h"

enum { MAILS = 2, RECIPIENTS = 2 };

static const char *const contents[] = { "m0\r\n.\r\n", "m1\r\n..x\r\n" };

/* "<LOST>": the connection ends there.  "rubbish": no reply at all. */
static const char *const instead[] = {
	"<LOST>", "rubbish\r\n", "250 ok\r\n", "235 in\r\n", "354 go\r\n", "334 \r\n", "421 bye\r\n",
	"450 later\r\n", "452 4.5.3 too many\r\n", "452 4.3.1 full\r\n", "503 no\r\n", "535 no\r\n",
	"550 5.1.1 no\r\n", "552 5.3.4 big\r\n", "554 no\r\n", "250-mixed\r\n550 codes\r\n", NULL
};

struct kind {
	const char *name;
	struct scene scene;
	const char *offers;
	const char *content;
};

static char kind_names[80];

/* The n-th combination of everything; false when there are no more. */
static bool kind_number(unsigned n, struct kind *k)
{
	static const int tls[] = { SMTP_TLS_IMPLICIT, SMTP_TLS_STARTTLS, SMTP_TLS_OFF };
	static const int ways[] = { PIPELINING_STANDARD, PIPELINING_FULL, PIPELINING_OFF };
	static const char *const refusals[] = { NULL, "552 5.3.4 too big\r\n" };

	memset(k, 0, sizeof(*k));
	k->scene.protocol = n % 2 ? PROTOCOL_LMTP : PROTOCOL_SMTP, n /= 2;
	k->scene.tls = tls[n % 3], n /= 3;
	k->scene.pipelining = ways[n % 3], n /= 3;
	k->scene.login = n % 2, n /= 2;
	k->scene.chunking = n % 2, n /= 2;
	k->scene.lazy = n % 2, n /= 2;
	k->content = refusals[n % 2], n /= 2;
	k->offers = n % 2 ? "250-AUTH PLAIN\r\n250-STARTTLS\r\n250-CHUNKING\r\n" :
		"250-AUTH PLAIN\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-PIPELINING\r\n", n /= 2;
	snprintf(kind_names, sizeof(kind_names),
		"protocol %d tls %d pipelining %d login %d chunking %d lazy %d",
		k->scene.protocol, k->scene.tls, k->scene.pipelining, k->scene.login, k->scene.chunking,
			k->scene.lazy);
	k->name = kind_names;
	return !n;
}

/* What a verdict may be, by what the server did. */
static const char *verdict_wrong(const struct fake *f, const struct smtp_result *result,
	unsigned taken, bool twice, bool chunking)
{
	enum smtp_verdict good = f->content ? VERDICT_REFUSED : VERDICT_DELIVERED;

	if (!f->sabotaged && result->verdict != good)
		return "nothing was wrong, and it was not delivered";
	switch (result->verdict) {
	case VERDICT_PENDING:
		return "a recipient without a verdict";
	case VERDICT_DELIVERED:
		return taken == 1 ? NULL : "E6: delivered, and the server did not take it";
	case VERDICT_UNKNOWN:
		if (twice)   /* who counts wrong can be told only that */
			return NULL;
		return f->lost || f->in_doubt || chunking ? NULL : "unknown for no reason";
	default:
		return taken && !f->in_doubt ? "B1: try again, and the server has taken it" : NULL;
	}
}

/* Nothing, the greeting, or the greeting and STARTTLS. */
static bool is_discreet(const struct rig *r)
{
	const char *clear = buf_text(&r->clear);
	const char *hello = r->scene.protocol == PROTOCOL_LMTP ? "LHLO me.example\r\n" :
		"EHLO me.example\r\n";

	if (!*clear)
		return true;
	return !strncmp(clear, hello, strlen(hello)) &&
		(!clear[strlen(hello)] || !strcmp(clear + strlen(hello), "STARTTLS\r\n"));
}

static const char *session_wrong(struct fake *f, struct rig *r, bool twice)
{
	const char *wrong = fake_run(f, r);

	for (size_t i = 0; !wrong && i < r->submitted; i++)
		for (size_t k = 0; !wrong && k < RECIPIENTS; k++) {
			unsigned taken = f->taken[i][k + 1];

			wrong = verdict_wrong(f, &r->mails[i].results[k], taken, twice,
				r->scene.chunking);
			if (taken > 1)
				wrong = "B1: taken twice";
		}
	if (!wrong && r->scene.tls == SMTP_TLS_STARTTLS && !is_discreet(r))
		wrong = "D1: something else in clear";
	return wrong;
}

/* With BDAT there is no 354 between the answers to MAIL and RCPT and the one to
 * the content: a reply too many among the former passes for the latter.  With LMTP what is
 * said twice of one recipient passes for what is said of the next. */
static bool cannot_be_told(const struct kind *k, const char *what)
{
	return !what && (k->scene.chunking || k->scene.protocol == PROTOCOL_LMTP);
}

static size_t sessions;

/* One session; counts what is wrong with it.  False: it had no such answer. */
static bool session(const struct kind *k, const char *what, size_t at, unsigned mode,
	size_t *wrongs)
{
	struct fake f;
	struct rig r;
	const char *wrong;
	bool sabotaged;

	fake_init(&f, RECIPIENTS);
	f.lmtp = k->scene.protocol == PROTOCOL_LMTP;
	f.offers = k->offers;
	f.content = k->content;
	f.needs_login = k->scene.login;
	f.at = at;
	f.instead = what;
	rig_start(&r, &k->scene, mode);
	for (size_t i = 0; i < MAILS; i++)
		rig_add(&r, RECIPIENTS, contents[i]);
	rig_ready(&r);
	wrong = session_wrong(&f, &r, !what);
	if (wrong && (*wrongs)++ < 3)
		printf("# %s, answer %zu, mode %u, %.6s: %s\n", k->name, at, mode,
			what ? what : "twice", wrong);
	sabotaged = f.sabotaged;
	rig_release(&r);
	fake_release(&f);
	sessions++;
	return sabotaged;
}

static size_t sweep(const struct kind *k, unsigned number, const char *what)
{
	size_t at = 0, wrongs = 0;

	for (; session(k, what, at, 0, &wrongs) && at < 100; at++)
		if ((number + at) % 2)   /* every other one is enough, cut at each octet */
			session(k, what, at, OCTET_REPLIES | OCTET_WRITES, &wrongs);
	return wrongs;
}

int main(void)
{
	size_t wrongs[COUNT(instead)] = { 0 };
	struct kind k;

	for (unsigned n = 0; kind_number(n, &k); n++) {
		if (k.scene.tls == SMTP_TLS_OFF && k.scene.protocol == PROTOCOL_LMTP)
			continue;
		if (k.scene.tls != SMTP_TLS_IMPLICIT && (k.scene.chunking || k.scene.lazy))
			continue;   /* TLS makes no difference to these */
		for (size_t i = 0; i < COUNT(instead); i++)
			if (!cannot_be_told(&k, instead[i]))
				wrongs[i] += sweep(&k, n, instead[i]);
	}
	for (size_t i = 0; i < COUNT(instead); i++)
		check(!wrongs[i], "E6 an answer is %.3s%s: the verdicts are true",
			instead[i] ? instead[i] : "given twice", instead[i] ? ""
				: " (given twice)");
	check(sessions > 50000, "in %zu sessions", sessions);
	return tap_done();
}
