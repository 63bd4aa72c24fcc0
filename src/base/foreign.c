/* base/foreign.c - who answers there; see foreign.h. */
#include "base/foreign.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

static bool begins(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !strncasecmp(line, with, n);
}

static bool holds(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (!strncasecmp(line + i, word, n))
			return true;
	return false;
}

/* "HTTP/1.1 302 Found": somewhere else, or 511, RFC 6585 section 6: log in to the
 * network first. */
static bool sends_elsewhere(const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	size_t left = blank ? len - (size_t)(blank - line) : 0;

	return blank && (begins(blank, left, " 30") || begins(blank, left, " 511"));
}

static bool is_web(const char *line, size_t len)
{
	return begins(line, len, "HTTP/") || begins(line, len, "<html") ||
		begins(line, len, "<!doctype");
}

const char *foreign_greeting(const char *words, size_t len)
{
	if (holds(words, len, "SMTP"))
		return NULL;
	return holds(words, len, "LMTP") ? "lmtp-here" :
		holds(words, len, "FTP") ? "other-protocol-here" : NULL;
}

static bool is_other(const char *line, size_t len)
{
	static const char *const beginnings[] = { "* OK", "* BYE", "* PREAUTH", "+OK", "-ERR", "SSH-",
		"<?xml", "<stream:" };

	for (size_t i = 0; i < COUNT(beginnings); i++)
		if (begins(line, len, beginnings[i]))
			return true;
	return begins(line, len, "220") && holds(line + 3, len - 3, "FTP") &&
		foreign_greeting(line + 3, len - 3);
}

bool foreign_name(const char *line, size_t len, struct err *e)
{
	if (is_web(line, len) && sends_elsewhere(line, len))
		err_cause(e, "portal");
	else if (is_web(line, len))
		err_cause(e, "http-here");
	else if (is_other(line, len))
		err_cause(e, "other-protocol-here");
	else
		return false;
	return true;
}
