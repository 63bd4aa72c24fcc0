/* deliver/cause.c - which row of the table of causes it is; see cause.h. */
#include "deliver/cause_row.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/mem.h"

enum { WORDS_MAX = 2048 };   /* octets of what a server said that are looked at */

/* What is to be named. */
struct heard {
	const struct smtp_result *result;
	const char *host;          /* NULL: not known */
	char words[WORDS_MAX];     /* the server's, without addresses */
};

/* One part of "a|b" into part, and *at behind it. */
static bool next_part(const char **at, char part[CAUSE_PART_MAX])
{
	size_t len;

	*at += strspn(*at, "|");
	len = strcspn(*at, "|");
	snprintf(part, CAUSE_PART_MAX, "%.*s", (int)len, *at);
	*at += len;
	return len > 0;
}

static bool ends_in(const char *host, const char *end)
{
	size_t h = strlen(host), n = strlen(end);

	return h >= n && !strcasecmp(host + h - n, end) &&
		(h == n || end[0] == '/' || host[h - n - 1] == '.' || host[h - n - 1] == '/');
}

static bool host_fits(const char *host, const char *wanted)
{
	char part[CAUSE_PART_MAX];

	if (!wanted)
		return true;
	while (host && next_part(&wanted, part))
		if (ends_in(host, part))
			return true;
	return false;
}

static bool enhanced_fits(const char *said, const char *wanted)
{
	char part[CAUSE_PART_MAX];

	if (!wanted)
		return true;
	while (next_part(&wanted, part)) {
		size_t len = strlen(part);

		if (part[len - 1] == '.' ? !strncmp(said, part, len) :
		    !strcmp(said, strcmp(part, "-") != 0 ? part : ""))
			return true;
	}
	return false;
}

/* Whether the pieces between the stars stand in the words, in that order. */
static bool says_part(const char *words, char *part)
{
	for (char *piece = part, *end; piece; piece = end) {
		end = strchr(piece, '*');
		if (end)
			*end++ = '\0';
		words = strcasestr(words, piece);
		if (!words)
			return false;
		words += strlen(piece);
	}
	return true;
}

static bool says(const char *words, const char *pattern)
{
	char part[CAUSE_PART_MAX];

	if (!pattern)
		return true;
	while (next_part(&pattern, part))
		if (says_part(words, part))
			return true;
	return false;
}

/* Who writes to spamhaus@example.com is not blocked by Spamhaus. */
static void leave_out_addresses(const char *text, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	while (*text) {
		size_t len = strcspn(text, " "), blanks = strspn(text + len, " ");

		if (!memchr(text, '@', len))
			used += (size_t)snprintf(out + used, size - used, "%.*s", (int)(len + blanks), text);
		if (used >= size)
			return;
		text += len + blanks;
	}
}

static bool fits(const struct cause_sign *sign, const struct heard *h)
{
	const struct smtp_result *r = h->result;

	return r->code >= sign->least && r->code <= sign->most &&
		(!sign->steps || sign->steps & 1u << r->step) &&
		enhanced_fits(r->enhanced, sign->enhanced) && host_fits(h->host, sign->host) &&
		says(h->words, sign->pattern);
}

/* The row that a refusal for good names fits as well: with what we know beyond the
 * words. */
static bool row_fits(const struct cause_row *row, const struct heard *h)
{
	if (h->result->code >= 500 && h->result->cause &&
	    !strcmp(h->result->cause, row->cause.id))
		return true;
	if ((h->result->standing & row->with) != row->with || h->result->standing & row->without)
		return false;
	for (size_t i = 0; i < CAUSE_SIGNS && row->signs[i].most; i++)
		if (fits(&row->signs[i], h))
			return true;
	return false;
}

const struct cause *cause_named(const char *id)
{
	for (size_t i = 0; id && i < cause_row_count; i++)
		if (!strcmp(cause_rows[i].cause.id, id))
			return &cause_rows[i].cause;
	return NULL;
}

static const struct cause *of_kind(enum err_kind kind, const char *host)
{
	static const struct cause unknown = { "internal-kind", EX_SOFTWARE, CONCERNS_CALLER, PARK_NONE, false,
		false, "sendoff does not know what went wrong", "please report this, with -v" };

	for (size_t i = 0; i < cause_row_count; i++)
		if (cause_rows[i].kind == kind && kind != ERR_NONE && host_fits(host, cause_rows[i].host))
			return &cause_rows[i].cause;
	return &unknown;
}

const struct cause *cause_of_err(const struct err *e)
{
	const struct cause *named = cause_named(e->cause);

	return named ? named : of_kind(e->kind, NULL);
}

const struct cause *cause_of_result(const struct smtp_result *r, const char *host)
{
	struct heard h = { .result = r, .host = host };
	const struct cause *named;

	if (r->verdict == VERDICT_UNKNOWN)
		return of_kind(ERR_UNKNOWN, host);
	if (!r->code) {
		named = cause_named(r->cause);
		return named ? named : of_kind(r->kind, host);
	}
	leave_out_addresses(r->text ? r->text : "", h.words, sizeof(h.words));
	for (size_t i = 0; i < cause_row_count; i++)
		if (row_fits(&cause_rows[i], &h))
			return &cause_rows[i].cause;
	return of_kind(ERR_PROTOCOL, host);
}

bool cause_is_final(const struct cause *c, const struct smtp_result *r)
{
	return r->verdict == VERDICT_REFUSED &&
		(c->concern == CONCERNS_RECIPIENT || c->concern == CONCERNS_MESSAGE);
}

int cause_exit_of_kind(enum err_kind kind)
{
	return of_kind(kind, NULL)->exit;
}

int cause_exit_partly(void)
{
	return EX_UNAVAILABLE;
}

int cause_exit_again(void)
{
	return EX_TEMPFAIL;
}

bool cause_exit_passes(int exit)
{
	static const int passing[] = { EX_SOFTWARE, EX_OSERR, EX_CANTCREAT, EX_IOERR, EX_TEMPFAIL,
		EX_CONFIG };

	for (size_t i = 0; i < COUNT(passing); i++)
		if (passing[i] == exit)
			return true;
	return false;
}

int cause_worse(int a, int b)
{
	static const int order[] = { EX_SOFTWARE, EX_OSERR, EX_IOERR, EX_CANTCREAT, EX_CONFIG,
		EX_NOPERM, EX_PROTOCOL, EX_UNAVAILABLE, EX_NOHOST, EX_NOUSER, EX_DATAERR, EX_NOINPUT,
		EX_USAGE, EX_TEMPFAIL };

	for (size_t i = 0; i < COUNT(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}

const struct cause *cause_row(unsigned i)
{
	return i < cause_row_count ? &cause_rows[i].cause : NULL;
}

const struct cause_exit *cause_exit_row(unsigned i)
{
	static const struct cause_exit exits[] = {
		{ EX_OK, "OK", "every recipient was accepted by a server, or is durably stored" },
		{ EX_USAGE, "USAGE", "wrong usage, no recipient, or unknown account" },
		{ EX_DATAERR, "DATAERR", "the message or an address is not acceptable" },
		{ EX_NOINPUT, "NOINPUT", "an input file cannot be opened" },
		{ EX_NOUSER, "NOUSER", "a recipient was refused for good" },
		{ EX_NOHOST, "NOHOST", "the server's name does not exist or has no address" },
		{ EX_UNAVAILABLE, "UNAVAILABLE",
			"the message or the service was refused for good, or only some were served" },
		{ EX_SOFTWARE, "SOFTWARE", "internal error" },
		{ EX_OSERR, "OSERR", "a limit of the system was met" },
		{ EX_CANTCREAT, "CANTCREAT", "the output cannot be written" },
		{ EX_IOERR, "IOERR", "reading the message failed, or its fate is unknown" },
		{ EX_TEMPFAIL, "TEMPFAIL", "try again: nobody got it, nothing is stored" },
		{ EX_PROTOCOL, "PROTOCOL", "not SMTP, protocol broken, or no TLS" },
		{ EX_NOPERM, "NOPERM", "certificate, login or sender refused" },
		{ EX_CONFIG, "CONFIG", "configuration or secret missing or wrong" },
	};

	return i < COUNT(exits) ? &exits[i] : NULL;
}
