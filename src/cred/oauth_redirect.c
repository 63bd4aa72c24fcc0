/* cred/oauth_redirect.c - what the browser brought back; see oauth_talk.h.
 *
 * Anybody can make a browser open such a URL, and anybody can paste one: only one with the
 * state of this sign-in is an answer at all (RFC 6749 section 10.12).
 */
#include <nettle/memops.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "cred/oauth_trouble.h"

enum { PARAMETERS_MAX = 64, CODE_MAX = 16 * 1024 };

static const char what[] = "signing in";

enum parameter { CODE, STATE, ISSUER, ERROR, WORDS, PARAMETERS };

static const char *const names[PARAMETERS] = { "code", "state", "iss", "error", "error_description" };

struct query {
	struct buf values[PARAMETERS];   /* data NULL: not there */
};

static void query_release(struct query *q)
{
	for (size_t i = 0; i < PARAMETERS; i++)
		buf_wipe(&q->values[i]);
}

/* False: it stands there twice, or is not well-formed. */
static bool take(struct query *q, const char *name, size_t name_len, const char *value, size_t len)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		struct buf *b = &q->values[i];

		if (strlen(names[i]) != name_len || memcmp(names[i], name, name_len) != 0)
			continue;
		if (b->data || !buf_reserve(b, len))
			return false;
		return percent_decode(value, len, b) == 0 && !memchr(buf_text(b), '\0', b->len);
	}
	return true;
}

/* What is not known is passed over (RFC 6749 section 4.1.2). */
static bool query_parse(struct query *q, const char *text, size_t len)
{
	unsigned count = 0;

	for (size_t i = 0; i < PARAMETERS; i++)
		q->values[i] = BUF_INIT(OAUTH_REDIRECT_MAX);
	for (size_t i = 0, n; i < len; i += n + 1) {
		const char *equals;
		size_t name;

		n = strcspn(text + i, "&#");
		if (n > len - i)
			n = len - i;
		equals = memchr(text + i, '=', n);
		name = equals ? (size_t)(equals - (text + i)) : n;
		if (++count > PARAMETERS_MAX || !take(q, text + i, name,
				equals ? equals + 1 : text + i + n, equals ? n - name - 1 : 0))
			return false;
	}
	return true;
}

static const char *value(const struct query *q, enum parameter which)
{
	return q->values[which].data ? buf_text(&q->values[which]) : NULL;
}

/* In a time that does not tell how much of it is right. */
static bool same(const char *a, const char *b)
{
	return a && strlen(a) == strlen(b) && memeql_sec(a, b, strlen(b));
}

static int strange(const struct oauth_plan *p, const char *why, const char *cause, struct err *e)
{
	return oauth_strange(what, p->auth_url, why, cause, e);
}

/* RFC 9207: an answer of another provider is not for us. */
static int check_issuer(const struct oauth_plan *p, const struct query *q, struct err *e)
{
	const char *issuer = value(q, ISSUER);

	if (!p->issuer || (!issuer && !p->issuer_told) || (issuer && !strcmp(issuer, p->issuer)))
		return 0;
	return strange(p, issuer ? "the answer is of another issuer than oauth_issuer names" :
		"the answer does not say which issuer it is of", "oauth-issuer-other", e);
}

static bool is_code(const char *code)
{
	size_t len = code ? strlen(code) : 0;

	for (size_t i = 0; i < len; i++)
		if (code[i] < 0x20 || code[i] > 0x7e)
			return false;
	return len && len <= CODE_MAX;
}

static int refused(const struct oauth_plan *p, const struct query *q, struct err *e)
{
	struct oauth_trouble t = { .what = what, .url = p->auth_url, .error = value(q, ERROR),
		.words = value(q, WORDS) };

	switch (oauth_trouble(p, &t, e)) {
	case OAUTH_GRANTED:
	case OAUTH_PENDING:
	case OAUTH_SLOW_DOWN:
		return strange(p, "the answer belongs to another flow", "oauth-redirect-strange", e);
	default:
		return -1;
	}
}

static int judge(const struct oauth_plan *p, const struct query *q, const char *state,
	struct buf *code, struct err *e)
{
	if (!same(value(q, STATE), state))
		return strange(p, "what came back does not belong to this sign-in",
			"oauth-state-other", e);
	if (check_issuer(p, q, e) < 0)
		return -1;
	if (value(q, ERROR))
		return refused(p, q, e);
	if (!is_code(value(q, CODE)))
		return strange(p, "what came back has no code in it", "oauth-redirect-strange", e);
	if (!buf_reserve(code, q->values[CODE].len))
		return err_set(e, ERR_INTERNAL, "no room for a code");
	buf_add(code, q->values[CODE].data, q->values[CODE].len);
	return 0;
}

bool oauth_redirect_is_ours(const char *url, const char *state)
{
	const char *mark = strchr(url, '?');
	struct query q;
	bool ours;

	if (!mark || strlen(url) > OAUTH_REDIRECT_MAX)
		return false;
	mark++;
	ours = query_parse(&q, mark, strcspn(mark, "#")) && same(value(&q, STATE), state);
	query_release(&q);
	return ours;
}

int oauth_read_redirect(const struct oauth_plan *p, const char *url, const char *state,
	struct buf *code, struct err *e)
{
	const char *mark = strchr(url, '?');
	struct query q;
	int good;

	if (!mark)
		return strange(p, "the URL has no answer of the provider in it", "oauth-redirect-strange", e);
	if (strlen(url) > OAUTH_REDIRECT_MAX)
		return strange(p, "the URL is too long", "oauth-redirect-strange", e);
	mark++;
	if (query_parse(&q, mark, strcspn(mark, "#")))
		good = judge(p, &q, state, code, e);
	else
		good = strange(p, "the URL is not well-formed", "oauth-redirect-strange", e);
	query_release(&q);
	return good;
}
