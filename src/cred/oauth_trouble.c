/* cred/oauth_trouble.c - refusals, and what follows; see oauth_trouble.h. */
#include "cred/oauth_trouble.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/oauth_trouble_table.h"

enum {
	WORDS_READ  = 2048,   /* octets of the provider's words that are looked at */
	WORDS_SHOWN = 300,
	PLAIN_MAX   = 28,     /* octets of a word */
	MIXED_LEAST = 12,
	HOST_SHOWN  = 64,
	PART_MAX    = 64
};

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

static bool fits(const struct oauth_trouble_row *row, const struct oauth_plan *p, const struct oauth_trouble *t,
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

static const struct oauth_trouble_row *of_status(int status)
{
	for (const struct oauth_trouble_row *row = oauth_statuses; row->outcome != OAUTH_GRANTED; row++)
		if (row->code == status)
			return row;
	return status >= 500 && status < 600 ? &oauth_in_trouble : NULL;
}

static const struct oauth_trouble_row *find(const struct oauth_plan *p, const struct oauth_trouble *t,
	const char *words)
{
	const struct oauth_trouble_row *by_status = of_status(t->status);

	for (const struct oauth_trouble_row *row = oauth_refusals; row->outcome != OAUTH_GRANTED; row++)
		if (fits(row, p, t, words))
			/* A server that is in trouble itself has not judged. */
			return by_status && by_status->outcome == OAUTH_LATER && row->cause ? by_status : row;
	if (by_status)
		return by_status;
	return t->error && *t->error ? &oauth_refused : &oauth_strange_answer;
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

static enum err_kind kind_of(enum oauth_outcome outcome, const struct oauth_trouble_row *row)
{
	if (row == &oauth_strange_answer)
		return ERR_PROTOCOL;
	if (outcome == OAUTH_LATER)
		return ERR_CONNECT;
	return outcome == OAUTH_OVER ? ERR_LOGIN : ERR_CONFIG;
}

/* Whom only a new sign-in helps is told the command. */
static void add_command(const struct oauth_plan *p, const struct oauth_trouble_row *row, struct err *e)
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
	const struct oauth_trouble_row *row;

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
