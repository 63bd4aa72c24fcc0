/* provider/preset.c - finding a preset; see preset.h. */
#include "provider/preset.h"

#include <string.h>

#include "base/text.h"

enum { SLIPS_MOST = 2, WORD_MAX = 64 };

static const char blank[] = " ";
static const char region[] = "REGION";

static bool is_word(const char *text, size_t len, const char *word)
{
	return text_equal_fold(text, len, word, strlen(word));
}

const struct preset *preset_find(const char *id)
{
	for (const struct preset *p = presets; p->id; p++)
		if (is_word(id, strlen(id), p->id))
			return p;
	return NULL;
}

static bool in_list(const char *list, const char *word, size_t len)
{
	for (size_t n; list && *list; list += n + strspn(list + n, blank)) {
		n = strcspn(list, blank);
		if (text_equal_fold(list, n, word, len))
			return true;
	}
	return false;
}

/* A trailing dot only says that nothing follows. */
static size_t name_length(const char *name)
{
	size_t len = strlen(name);

	return len && name[len - 1] == '.' ? len - 1 : len;
}

const struct preset *preset_of_domain(const char *domain)
{
	size_t len = name_length(domain);

	for (const struct preset *p = presets; p->id; p++)
		if (in_list(p->domains, domain, len))
			return p;
	return NULL;
}

const struct preset *preset_of_address(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? preset_of_domain(at + 1) : NULL;
}

/* ---- servers */

/* Label by label; one that is * or REGION in the pattern may be any. */
static bool host_fits(const char *pattern, size_t pattern_len, const char *host, size_t len)
{
	for (;;) {
		const char *dot = memchr(pattern, '.', pattern_len), *host_dot = memchr(host, '.', len);
		size_t n = dot ? (size_t)(dot - pattern) : pattern_len;
		size_t host_n = host_dot ? (size_t)(host_dot - host) : len;
		bool any = is_word(pattern, n, "*") || is_word(pattern, n, region);

		if (!host_n || !(any || text_equal_fold(pattern, n, host, host_n)))
			return false;
		if (!dot || !host_dot)
			return !dot && !host_dot;
		pattern = dot + 1;
		pattern_len -= n + 1;
		host = host_dot + 1;
		len -= host_n + 1;
	}
}

/* Any server may have an address of this machine. */
static bool is_address(const char *host)
{
	return strspn(host, "0123456789.") == strlen(host);
}

static bool serves(const struct preset *p, const char *host, size_t len)
{
	if (!p->host || is_address(p->host))
		return false;
	if (host_fits(p->host, strlen(p->host), host, len))
		return true;
	for (const char *more = p->hosts; more && *more;) {
		size_t n = strcspn(more, blank);

		if (host_fits(more, n, host, len))
			return true;
		more += n + strspn(more + n, blank);
	}
	return false;
}

const struct preset *preset_of_host(const char *host)
{
	size_t len = name_length(host);

	for (const struct preset *p = presets; p->id; p++)
		if (serves(p, host, len))
			return p;
	return NULL;
}

/* ---- what was meant */

static bool begins_with(const char *text, const char *word, size_t len)
{
	return strlen(text) >= len && text_equal_fold(text, len, word, len);
}

/* Whether some name of the list has the word as that label. */
static bool has_label(const char *list, int label, const char *word, size_t len)
{
	while (list && *list) {
		size_t n = strcspn(list, blank);
		const char *at = list, *end = list + n;

		for (int i = 0; at && i < label; i++) {
			at = memchr(at, '.', (size_t)(end - at));
			at = at ? at + 1 : NULL;
		}
		if (at && text_equal_fold(at, strcspn(at, ". "), word, len))
			return true;
		list = end + strspn(end, blank);
	}
	return false;
}

/* By the beginning of a name, or by a domain's: hotmail; or by a host's: office365. */
static const struct preset *called(const char *word, size_t len)
{
	for (const struct preset *p = presets; p->id; p++)
		if (begins_with(p->name, word, len) || begins_with(p->id, word, len) ||
		    has_label(p->domains, 0, word, len))
			return p;
	for (const struct preset *p = presets; p->id; p++)
		if (has_label(p->host, 1, word, len))
			return p;
	return NULL;
}

static const struct preset *meant_by(const char *word)
{
	const struct preset *p = preset_find(word);

	if (!p)
		p = strchr(word, '@') ? preset_of_address(word) : preset_of_domain(word);
	return p ? p : preset_of_host(word);
}

static const struct preset *slip_of(const char *word, size_t len)
{
	size_t least = (len < 5 ? 1 : SLIPS_MOST) + 1;
	const struct preset *nearest = NULL;
	char plain[WORD_MAX + 1];

	for (size_t i = 0; i <= len; i++)
		plain[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
	for (const struct preset *p = presets; p->id; p++) {
		size_t distance = text_distance(plain, p->id);

		if (distance < least) {
			least = distance;
			nearest = p;
		}
	}
	return nearest;
}

const struct preset *preset_nearest(const char *word)
{
	const struct preset *p = meant_by(word);
	size_t len = strlen(word);

	if (p || len < 2 || len > WORD_MAX)
		return p;
	p = called(word, len);
	return p ? p : slip_of(word, len);
}

/* ---- what follows from a row */

bool preset_needs_region(const struct preset *p)
{
	return p->host && strstr(p->host, region) != NULL;
}

bool preset_only_oauth(const struct preset *p)
{
	return p->takes == PRESET_OAUTH;
}

bool preset_only_made(const struct preset *p)
{
	return !(p->takes & PRESET_PASSWORD) && (p->takes & (PRESET_APP_PASSWORD | PRESET_KEY));
}

const struct preset_way *preset_way(const struct preset *p, unsigned port, unsigned tls)
{
	for (const struct preset_way *way = p->ways; way->port; way++)
		if ((!port || way->port == port) && (!tls || way->tls == tls))
			return way;
	return NULL;
}

const char *preset_tls_name(enum preset_tls tls)
{
	return tls == PRESET_IMPLICIT ? "implicit" : "starttls";
}
