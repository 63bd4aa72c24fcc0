/* cred/oauth_trouble.c - refusals, and what follows; see oauth_trouble.h. */
#include "cred/oauth_trouble.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	WORDS_READ  = 2048,   /* octets of the provider's words that are looked at */
	WORDS_SHOWN = 300,
	PLAIN_MAX   = 28,     /* octets of a word */
	MIXED_LEAST = 12,
	HOST_SHOWN  = 64,
	PART_MAX    = 64
};

/* Who is meant: any, or only a program that signs for a user, or that is one itself. */
enum whose { OF_ANY, OF_SERVICE, OF_CLIENT };

struct row {
	long code;                   /* Microsoft's AADSTS number; 0: any */
	const char *errors;          /* "a|b" is one or the other; NULL: any */
	const char *words;           /* likewise, in the description, case-free; NULL: any */
	const char *provider;        /* its id, for words that others use too; NULL: any */
	enum whose whose;
	enum oauth_outcome outcome;
	const char *cause;
};

#define NUMBER(n) .code = (n)
#define OVER(id) .outcome = OAUTH_OVER, .cause = (id)
#define WRONG(id) .outcome = OAUTH_WRONG, .cause = (id)
#define LATER(id) .outcome = OAUTH_LATER, .cause = (id)

/* Tried from the top: what is more exact stands first. */
static const struct row rows[] = {
	/* ---- the device flow goes on */
	{ .errors = "authorization_pending", .outcome = OAUTH_PENDING },
	{ .errors = "slow_down", .outcome = OAUTH_SLOW_DOWN },

	/* ---- Microsoft: the sign-in */
	{ NUMBER(50072), OVER("oauth-second-factor") },
	{ NUMBER(50074), OVER("oauth-second-factor") },
	{ NUMBER(50076), OVER("oauth-second-factor") },
	{ NUMBER(50079), OVER("oauth-second-factor") },
	{ NUMBER(50158), OVER("oauth-second-factor") },
	{ NUMBER(65001), OVER("oauth-consent-missing") },
	{ NUMBER(65004), OVER("oauth-access-denied") },
	{ NUMBER(90094), OVER("oauth-admin-consent") },
	{ NUMBER(90095), OVER("oauth-admin-consent") },
	{ NUMBER(50132), OVER("oauth-password-changed") },
	{ NUMBER(50133), OVER("oauth-password-changed") },
	{ NUMBER(50173), OVER("oauth-password-changed") },
	{ NUMBER(70008), OVER("oauth-sign-in-unused") },
	{ NUMBER(700082), OVER("oauth-sign-in-unused") },
	{ NUMBER(70043), OVER("oauth-sign-in-limited") },
	{ NUMBER(53000), WRONG("oauth-conditional-access") },
	{ NUMBER(53001), WRONG("oauth-conditional-access") },
	{ NUMBER(53002), WRONG("oauth-conditional-access") },
	{ NUMBER(53003), WRONG("oauth-conditional-access") },
	{ NUMBER(53004), WRONG("oauth-conditional-access") },
	{ NUMBER(50053), WRONG("oauth-account-locked") },
	{ NUMBER(50057), WRONG("oauth-account-disabled") },
	{ NUMBER(50105), WRONG("oauth-user-not-assigned") },
	{ NUMBER(50020), WRONG("oauth-other-tenant") },
	{ NUMBER(50034), WRONG("oauth-other-tenant") },
	{ NUMBER(51004), WRONG("oauth-other-tenant") },

	/* ---- Microsoft: the app */
	{ NUMBER(700016), WRONG("oauth-app-unknown") },
	{ NUMBER(7000112), WRONG("oauth-app-disabled") },
	{ NUMBER(7000215), WRONG("oauth-secret-wrong") },
	{ NUMBER(7000222), WRONG("oauth-secret-expired") },
	{ NUMBER(7000218), WRONG("oauth-secret-wanted") },
	{ NUMBER(700025), WRONG("oauth-secret-unwanted") },
	{ NUMBER(700024), WRONG("oauth-clock-wrong") },
	{ NUMBER(700027), WRONG("oauth-key-refused") },
	{ NUMBER(700084), OVER("oauth-app-kind-wrong") },
	{ NUMBER(9002327), WRONG("oauth-app-kind-wrong") },
	{ NUMBER(50194), WRONG("oauth-tenant-needed") },
	{ NUMBER(50059), WRONG("oauth-tenant-needed") },
	{ NUMBER(9002331), WRONG("oauth-tenant-consumers") },
	{ NUMBER(9002346), WRONG("oauth-tenant-consumers") },
	{ NUMBER(90002), WRONG("oauth-tenant-unknown") },
	{ NUMBER(50011), WRONG("oauth-redirect-wrong") },
	{ NUMBER(70011), WRONG("oauth-scope-wrong") },
	{ NUMBER(500011), WRONG("oauth-scope-wrong") },
	{ NUMBER(650052), WRONG("oauth-scope-wrong") },
	{ NUMBER(650057), WRONG("oauth-scope-wrong") },
	{ NUMBER(90033), LATER("oauth-later") },
	{ NUMBER(50196), LATER("oauth-too-many") },
	{ .words = "/common endpoint is not supported|/common or /consumers endpoint",
		WRONG("oauth-tenant-needed") },
	{ .words = "use the /consumers endpoint", WRONG("oauth-tenant-consumers") },

	/* ---- a program that signs for itself */
	{ .errors = "invalid_grant", .words = "reasonable timeframe|short-lived token|check your iat",
		.whose = OF_SERVICE, WRONG("oauth-clock-wrong") },
	{ .errors = "invalid_grant", .words = "account not found|invalid email|invalid user|user id",
		.whose = OF_SERVICE, WRONG("oauth-service-user-unknown") },
	{ .errors = "invalid_grant", .whose = OF_SERVICE, WRONG("oauth-key-refused") },
	{ .errors = "unauthorized_client|access_denied", .whose = OF_SERVICE, WRONG("oauth-not-delegated") },

	/* ---- Google's words */
	{ .errors = "invalid_grant", .words = "invalid_rapt|reauth", OVER("oauth-sign-in-limited") },
	{ .errors = "invalid_grant", .words = "token has been expired or revoked",
		.provider = "google", OVER("oauth-google-over") },
	{ .errors = "deleted_client|disabled_client", WRONG("oauth-app-disabled") },
	{ .errors = "admin_policy_enforced|org_internal", WRONG("oauth-admin-forbids") },
	{ .words = "client_secret is missing|client secret is missing", WRONG("oauth-secret-wanted") },
	{ .errors = "invalid_client", .words = "client was not found|client not found|unknown client",
		WRONG("oauth-app-unknown") },

	/* ---- RFC 6749, 8628 and OpenID Connect */
	{ .errors = "redirect_uri_mismatch|invalid_redirect_uri", WRONG("oauth-redirect-wrong") },
	{ .errors = "invalid_request", .words = "redirect_uri", WRONG("oauth-redirect-wrong") },
	{ .errors = "expired_token|code_expired", OVER("oauth-device-late") },
	{ .errors = "access_denied|authorization_declined", OVER("oauth-access-denied") },
	{ .errors = "consent_required", OVER("oauth-consent-missing") },
	{ .errors = "invalid_grant", .whose = OF_CLIENT, WRONG("oauth-proof-refused") },
	{ .errors = "invalid_grant|interaction_required|login_required|account_selection_required|"
		"bad_verification_code", OVER("sign-in-over") },
	{ .errors = "invalid_client", WRONG("oauth-client-refused") },
	{ .errors = "unauthorized_client", WRONG("oauth-client-not-allowed") },
	{ .errors = "unsupported_grant_type|unsupported_response_type", WRONG("oauth-flow-unsupported") },
	{ .errors = "invalid_scope", WRONG("oauth-scope-wrong") },
	{ .errors = "temporarily_unavailable|server_error", LATER("oauth-later") },
};

static const struct row nothing_said[] = {
	{ 401, WRONG("oauth-client-refused") },
	{ 408, LATER("oauth-later") },
	{ 429, LATER("oauth-too-many") },
};

/* What is left, with words and without. */
static const struct row refused = { WRONG("oauth-refused") };
static const struct row strange = { WRONG("oauth-answer-strange") };
static const struct row later = { LATER("oauth-later") };

/* ---- which row it is */

/* One of the parts of "a|b", either whole or somewhere in the text. */
static bool is_among(const char *list, const char *text, bool whole)
{
	char part[PART_MAX];

	while (*list) {
		size_t len = strcspn(list, "|");

		snprintf(part, sizeof(part), "%.*s", (int)len, list);
		if (whole ? !strcmp(text, part) : strcasestr(text, part) != NULL)
			return true;
		list += len + strspn(list + len, "|");
	}
	return false;
}

static bool has_code(const struct oauth_trouble *t, long code)
{
	for (size_t i = 0; i < OAUTH_CODES_MAX && t->codes[i]; i++)
		if (t->codes[i] == code)
			return true;
	return false;
}

/* "AADSTS700082: ..." says it where no list does. */
static const char number_prefix[] = "AADSTS";

static bool says_code(const char *words, long code)
{
	const char *at = strstr(words, number_prefix);

	return at && strtol(at + strlen(number_prefix), NULL, 10) == code;
}

static bool fits(const struct row *row, const struct oauth_plan *p, const struct oauth_trouble *t,
	const char *words)
{
	if (row->provider && !(p->provider && !strcmp(p->provider->id, row->provider)))
		return false;
	if (row->code && !has_code(t, row->code) && !says_code(words, row->code))
		return false;
	if (row->errors && !(t->error && is_among(row->errors, t->error, true)))
		return false;
	if (row->words && !is_among(row->words, words, false))
		return false;
	return row->whose == OF_ANY ||
		p->flow == (row->whose == OF_SERVICE ? OAUTH_FLOW_SERVICE : OAUTH_FLOW_CLIENT);
}

static const struct row *of_status(int status)
{
	for (size_t i = 0; i < COUNT(nothing_said); i++)
		if (nothing_said[i].code == status)
			return &nothing_said[i];
	return status >= 500 && status < 600 ? &later : NULL;
}

static const struct row *find(const struct oauth_plan *p, const struct oauth_trouble *t,
	const char *words)
{
	const struct row *by_status = of_status(t->status);

	for (size_t i = 0; i < COUNT(rows); i++)
		if (fits(&rows[i], p, t, words))
			/* A server that is in trouble itself has not judged. */
			return by_status && by_status->outcome == OAUTH_LATER && rows[i].cause ? by_status :
				&rows[i];
	if (by_status)
		return by_status;
	return t->error && *t->error ? &refused : &strange;
}

/* ---- in words */

void oauth_host(const char *url, char *to, size_t size)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	text_clean_to(to, size, host, strcspn(host, ":/?#"));
}

/* Whether it may be a token, code or secret that is sent back to us: longer than any word of
 * a language, or long enough and of letters and digits. */
static bool may_be_secret(const char *word, size_t len)
{
	bool digit = false, letter = false;

	if (len >= MIXED_LEAST && !strncmp(word, number_prefix, strlen(number_prefix)))
		return len > PLAIN_MAX;
	for (size_t i = 0; i < len; i++) {
		digit = digit || isdigit((unsigned char)word[i]);
		letter = letter || isalpha((unsigned char)word[i]);
	}
	return len > PLAIN_MAX || (len >= MIXED_LEAST && digit && letter);
}

/* Scheme and host, and of the path what comes before anything suspicious; no query. */
static void show_url(const char *url, size_t len, struct buf *out)
{
	size_t host = (size_t)(strstr(url, "://") + 3 - url), at, end = strcspn(url, "?#");

	if (end > len)
		end = len;
	at = host + strcspn(url + host, "/");
	if (at > end)
		at = end;
	if (at - host > HOST_SHOWN)
		at = end = host;
	for (size_t n; at < end; at += n) {
		n = 1 + strcspn(url + at + 1, "/");
		if (n > end - at)
			n = end - at;
		if (may_be_secret(url + at + 1, n - 1))
			break;
	}
	text_clean(url, at, WORDS_SHOWN, out);
	if (at < len)
		buf_add_text(out, "[...]");
}

static void show_word(const char *word, size_t len, struct buf *out)
{
	if (len > 8 && (!strncmp(word, "https://", 8) || !strncmp(word, "http://", 7)))
		show_url(word, len, out);
	else if (may_be_secret(word, len))
		buf_add_text(out, "[...]");
	else
		text_clean(word, len, WORDS_SHOWN, out);
}

/* Microsoft's words end in lines for its support. */
static size_t useful_length(const char *words)
{
	static const char *const ends[] = { "\r\n", "\n", " Trace ID: " };
	size_t len = strnlen(words, WORDS_READ);

	for (size_t i = 0; i < COUNT(ends); i++) {
		const char *end = memmem(words, len, ends[i], strlen(ends[i]));

		if (end)
			len = (size_t)(end - words);
	}
	return len;
}

static void show(const struct oauth_plan *p, const char *words, struct buf *out)
{
	size_t len = useful_length(words);
	const struct secret *secret = &p->client_secret;

	if (secret->len && memmem(words, len, secret->data, secret->len)) {
		buf_add_text(out, "[...]");
		return;
	}
	for (size_t i = 0, n; i < len && out->len < WORDS_SHOWN; i += n) {
		n = strcspn(words + i, " ");
		if (n > len - i)
			n = len - i;
		if (n)
			show_word(words + i, n, out);
		else
			buf_add(out, words + i, n = 1);
	}
	if (out->len > WORDS_SHOWN)
		buf_add_text(out, "...");
}

static bool is_error_code(const char *error)
{
	size_t len = strspn(error, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len && !error[len] && len < PART_MAX;
}

static void describe(const struct oauth_plan *p, const struct oauth_trouble *t, struct buf *out)
{
	struct buf words = BUF_INIT(4096);

	if (t->error && *t->error)
		buf_add_text(out, is_error_code(t->error) ? t->error : "an error of an unknown kind");
	else if (t->status)
		buf_printf(out, "HTTP status %d, and no words that a program could read", t->status);
	else
		buf_add_text(out, "no reason is given");
	if (t->words)
		show(p, t->words, &words);
	if (words.len)
		buf_printf(out, ": %s", buf_text(&words));
	buf_release(&words);
}

static enum err_kind kind_of(enum oauth_outcome outcome, const struct row *row)
{
	if (row == &strange)
		return ERR_PROTOCOL;
	if (outcome == OAUTH_LATER)
		return ERR_CONNECT;
	return outcome == OAUTH_OVER ? ERR_LOGIN : ERR_CONFIG;
}

/* Whom only a new sign-in helps is told the command. */
static void add_command(const struct oauth_plan *p, const struct row *row, struct err *e)
{
	static const char more[] = "oauth-google-over|oauth-consent-missing|oauth-admin-consent|"
		"oauth-app-kind-wrong";

	bool person = p->flow != OAUTH_FLOW_CLIENT && p->flow != OAUTH_FLOW_SERVICE;

	if (row->outcome == OAUTH_OVER && person && p->account && !is_among(more, row->cause, true))
		err_hint(e, "sign in again: sendoff login %s", p->account);
}

enum oauth_outcome oauth_trouble(const struct oauth_plan *p, const struct oauth_trouble *t,
	struct err *e)
{
	char words[WORDS_READ + PART_MAX], host[128];
	struct buf why = BUF_INIT(4096);
	const struct row *row;

	snprintf(words, sizeof(words), "%.*s %.*s", (int)WORDS_READ - 1, t->words ? t->words : "",
		PART_MAX - 1, t->kind ? t->kind : "");
	row = find(p, t, words);
	if (!row->cause)
		return row->outcome;
	describe(p, t, &why);
	oauth_host(t->url ? t->url : "", host, sizeof(host));
	err_set(e, kind_of(row->outcome, row), "%s failed: %s (%s)", t->what, buf_text(&why), host);
	err_cause(e, row->cause);
	add_command(p, row, e);
	buf_release(&why);
	return row->outcome;
}

int oauth_strange(const char *what, const char *url, const char *why, const char *cause,
	struct err *e)
{
	char host[128];

	oauth_host(url ? url : "", host, sizeof(host));
	err_set(e, ERR_PROTOCOL, "%s failed: %s (%s)", what, why, host);
	return err_cause(e, cause);
}

const char *oauth_trouble_cause(unsigned i)
{
	const struct row *const last[] = { &refused, &strange, &later };

	for (size_t k = 0; k < COUNT(rows); k++)
		if (rows[k].cause && i-- == 0)
			return rows[k].cause;
	for (size_t k = 0; k < COUNT(nothing_said); k++)
		if (i-- == 0)
			return nothing_said[k].cause;
	return i < COUNT(last) ? last[i]->cause : NULL;
}
