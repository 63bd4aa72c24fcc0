/* t/server/parameters.c - the parameters of MAIL and RCPT. */
#include "t/server/session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

enum { PARAMETERS_MOST = 16, XTEXT_ENVID_MAX = 100, XTEXT_MAX = 500 };

static bool word_is(const char *word, const char *name)
{
	return !strcasecmp(word, name);
}

/* RFC 3461 section 4: printable ASCII, '+' always before two upper-case digits. */
static bool is_xtext(const char *text, size_t most)
{
	static const char digits[] = "0123456789ABCDEF";

	if (!*text || strlen(text) > most)
		return false;
	for (; *text; text++) {
		if (*text < 33 || *text > 126 || *text == '=')
			return false;
		if (*text == '+' && (!text[1] || !strchr(digits, text[1]) || !text[2] ||
				!strchr(digits, text[2])))
			return false;
	}
	return true;
}

/* One parameter of MAIL: the extension it needs, or NULL when it is malformed. */
static const char *mail_parameter(struct session *s, const char *name, const char *value)
{
	char *end;

	if (word_is(name, "SIZE") && value && strlen(value) <= 20) {
		s->size = strtoull(value, &end, 10);
		s->sized = true;
		return *value >= '0' && *value <= '9' && !*end ? "SIZE" : NULL;
	}
	if (word_is(name, "BODY") && value && (word_is(value, "7BIT") || word_is(value, "8BITMIME"))) {
		s->eight_bit = word_is(value, "8BITMIME");
		return "8BITMIME";
	}
	if (word_is(name, "SMTPUTF8") && !value) {
		s->utf8 = true;
		return "SMTPUTF8";
	}
	if (word_is(name, "RET") && value && (word_is(value, "FULL") || word_is(value, "HDRS")))
		return "DSN";
	if (word_is(name, "ENVID") && value && is_xtext(value, XTEXT_ENVID_MAX))
		return "DSN";
	if (word_is(name, "AUTH") && value && (word_is(value, "<>") || is_xtext(value, XTEXT_MAX)))
		return "AUTH";
	return NULL;
}

static bool is_notify(const char *value)
{
	if (word_is(value, "NEVER"))
		return true;
	while (*value) {
		size_t len = strcspn(value, ",");

		if (!text_equal_fold(value, len, "SUCCESS", 7) &&
				!text_equal_fold(value, len, "FAILURE", 7) &&
				!text_equal_fold(value, len, "DELAY", 5))
			return false;
		value += len;
		if (*value && !*++value)
			return false;
	}
	return true;
}

static const char *rcpt_parameter(const struct session *s, const char *name, const char *value)
{
	if (word_is(name, "NOTIFY") && value && *value && is_notify(value))
		return "DSN";
	if (word_is(name, "ORCPT") && value && !strncasecmp(value, "rfc822;", 7) &&
			is_xtext(value + 7, XTEXT_MAX))
		return "DSN";
	if (word_is(name, "ORCPT") && value && !strncasecmp(value, "utf-8;", 6) && s->utf8)
		return "DSN";
	return NULL;
}

bool session_parameters(struct session *s, const struct fault *f, const char *text, bool of_mail)
{
	char *copy = mem_string(text), *at = copy, *word, *value;
	const char *seen[PARAMETERS_MOST], *extension;
	unsigned count = 0;
	bool good = true;

	strsep(&at, " ");   /* nothing stands before the first blank */
	while (good && (word = strsep(&at, " "))) {
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		extension = of_mail ? mail_parameter(s, word, value) : rcpt_parameter(s, word, value);
		for (unsigned i = 0; i < count; i++)
			if (word_is(seen[i], word))
				extension = NULL;
		if (count < PARAMETERS_MOST)
			seen[count++] = word;
		if (!extension)
			good = !session_punish(s, f, "parameter", "unknown, malformed or repeated parameter");
		else if (!session_offers(s, extension))
			good = !session_punish(s, f, "not-offered", extension);
	}
	free(copy);
	return good;
}
