/* base/host.c - what this machine calls itself; see host.h. */
#include "base/host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

enum { NAME_MAX_OCTETS = 255, LABEL_MAX_OCTETS = 63 };

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and inner hyphens; no other octet gets through, so
 * that no name can bring a line end with it. */
static bool is_name(const char *text, unsigned *dots)
{
	size_t label = 0, i;

	*dots = 0;
	for (i = 0; text[i]; i++) {
		if (text[i] == '.') {
			if (!label || text[i - 1] == '-')
				return false;
			(*dots)++;
			label = 0;
			continue;
		}
		if (!is_alnum(text[i]) && (text[i] != '-' || !label))
			return false;
		if (++label > LABEL_MAX_OCTETS)
			return false;
	}
	return label && text[i - 1] != '-' && i <= NAME_MAX_OCTETS;
}

bool host_is_domain(const char *text)
{
	unsigned dots;

	return is_name(text, &dots) && dots > 0;
}

/* The next word of a line, or NULL; moves *text behind it. */
static char *next_word(char **text)
{
	char *word = *text + strspn(*text, " \t\r");
	size_t len = strcspn(word, " \t\r");

	if (!*word)
		return NULL;
	*text = word + len;
	if (**text)
		*(*text)++ = '\0';
	return word;
}

/* One line of hosts(5): the first name with a dot, if `bare` stands there too. */
static const char *full_name_in(char *line, const char *bare)
{
	const char *full = NULL, *word;
	bool found = false;

	line[strcspn(line, "#")] = '\0';
	if (!next_word(&line))   /* the address */
		return NULL;
	while ((word = next_word(&line))) {
		if (text_equal_fold(word, strlen(word), bare, strlen(bare)))
			found = true;
		else if (!full && host_is_domain(word) && strncmp(word, "localhost.", 10) != 0)
			full = word;
	}
	return found ? full : NULL;
}

static void name_from_hosts(char *name, size_t size)
{
	struct buf text = BUF_INIT(1 << 20);
	struct err ignored;
	char *line;

	if (file_read("/etc/hosts", FILE_ANY, &text, &ignored) == FILE_OK && text.len) {
		for (line = text.data; line; ) {
			char *end = strchr(line, '\n');
			const char *full;

			if (end)
				*end++ = '\0';
			full = full_name_in(line, name);
			if (full) {
				snprintf(name, size, "%s", full);
				break;
			}
			line = end;
		}
	}
	buf_release(&text);
}

const char *host_name(void)
{
	static char name[NAME_MAX_OCTETS + 1];
	unsigned dots;

	if (name[0])
		return name;
	if (gethostname(name, sizeof(name)) < 0)
		name[0] = '\0';
	name[sizeof(name) - 1] = '\0';
	if (!is_name(name, &dots))
		snprintf(name, sizeof(name), "localhost");
	else if (!dots)
		name_from_hosts(name, sizeof(name));
	return name;
}

const char *host_mailname(void)
{
	static char name[NAME_MAX_OCTETS + 1];
	struct buf text = BUF_INIT(4096);
	struct err ignored;
	unsigned dots;

	if (!name[0] && file_read("/etc/mailname", FILE_ANY, &text, &ignored) == FILE_OK &&
			text.len) {
		char *line = text.data, *word;

		line[strcspn(line, "\n")] = '\0';
		word = next_word(&line);
		if (word && !next_word(&line) && is_name(word, &dots))
			snprintf(name, sizeof(name), "%s", word);
	}
	buf_release(&text);
	return name[0] ? name : NULL;
}
