/* mail/targets.c - reading lists of targets; see targets.h.
 *
 * What is refused where it is used is not kept: a command in root's file is
 * nobody else's business.
 */
#include "mail/targets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/scan.h"

enum { PATH_LONGEST = 4095 };

static const char include_word[] = ":include:";

struct reader {
	const char *text;     /* borrowed; prepared */
	size_t len, at;
	unsigned line;
	enum targets_place place;
	struct target_list *list;   /* borrowed */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void targets_prepare(const char *text, size_t len, struct buf *out)
{
	/* What editors of other systems put in front of a text in UTF-8. */
	size_t mark = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	for (size_t at = mark; at < len;) {
		const char *line = text + at, *lf = memchr(line, '\n', len - at);
		size_t end = lf ? (size_t)(lf - line) : len - at, first = 0, keep = end;

		while (first < end && is_blank(line[first]))
			first++;
		if (keep && line[keep - 1] == '\r')
			keep--;
		if (first < end && line[first] != '#')
			buf_add(out, line, keep);
		if (lf)
			buf_add_char(out, '\n');
		at += end + 1;
	}
}

void targets_release(struct target_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].text);
	free(list->items);
	*list = (struct target_list){ 0 };
}

static void add(struct reader *r, enum target_kind kind, char *text)
{
	struct target_list *list = r->list;

	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 2;
		list->items = mem_grow(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->count++] = (struct target){ .kind = kind, .line = r->line, .text = text };
}

/* ---- reading */

/* Where the target that begins at `at` ends: at a comma that stands in no
 * quotes, comment or angle brackets. */
static size_t find_end(const struct reader *r)
{
	unsigned comments = 0;
	bool quoted = false, angle = false;
	size_t i;

	for (i = r->at; i < r->len; i++) {
		char c = r->text[i];

		if (c == '\n' && r->place == TARGETS_IN_INCLUDE)
			break;
		if (c == '\\' && i > r->at && i + 1 < r->len && r->text[i + 1] != '\n')
			i++;
		else if (comments)
			comments += (c == '(') - (c == ')');
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '(')
			comments++;
		else if (c == '<' || c == '>')
			angle = c == '<';
		else if (c == ',' && !angle)
			break;
	}
	return i;
}

/* A special runs to the end of its alias: ":fail: go away, please". */
static size_t find_special_end(const struct reader *r)
{
	const char *lf = NULL;

	if (r->text[r->at] == '"')
		return find_end(r);
	if (r->place == TARGETS_IN_INCLUDE)
		lf = memchr(r->text + r->at, '\n', r->len - r->at);
	return lf ? (size_t)(lf - r->text) : r->len;
}

/* One that is not an address: blanks at its ends and quotes around it go. */
static void trim(const char **text, size_t *len)
{
	while (*len && (is_blank((*text)[*len - 1]) || (*text)[*len - 1] == '\n'))
		(*len)--;
	if (*len && **text == '"') {
		(*text)++;
		(*len)--;
		if (*len && (*text)[*len - 1] == '"')
			(*len)--;
	}
}

static void add_include(struct reader *r, const char *text, size_t len)
{
	trim(&text, &len);
	text += sizeof(include_word) - 1;
	len -= sizeof(include_word) - 1;
	for (; len && is_blank(*text); len--)
		text++;
	if (len && *text == '/' && len <= PATH_LONGEST && scan_is_harmless(text, len) &&
			!memchr(text, '"', len))
		add(r, TARGET_INCLUDE, mem_copy(text, len));
	else
		add(r, TARGET_BROKEN, NULL);
}

static void add_file(struct reader *r, const char *text, size_t len)
{
	static const char nowhere[] = "/dev/null";

	trim(&text, &len);
	add(r, len == sizeof(nowhere) - 1 && !memcmp(text, nowhere, len) ? TARGET_NOWHERE :
		TARGET_FILE, NULL);
}

/* The errors quote what they are about and are therefore not passed on. */
static void add_address(struct reader *r, const char *text, size_t len)
{
	struct mailbox_list list = { 0 };
	struct buf address = BUF_INIT(ADDRESS_PATH_MAX + 1);
	enum target_kind kind = *text == '\\' ? TARGET_ITSELF : TARGET_ADDRESS;
	char *copy = mem_copy(text, len);
	size_t skip = kind == TARGET_ITSELF;
	struct err ignored;

	for (char *lf = copy; (lf = memchr(lf, '\n', len - (size_t)(lf - copy)));)
		*lf = ' ';
	if (!mailbox_list_parse(copy + skip, len - skip, ADDRESS_IN_HEADER, &list, &ignored) &&
			list.count == 1 && !address_write(list.items[0].local,
			list.items[0].domain, NULL, &address, &ignored))
		add(r, kind, buf_take(&address));
	else
		add(r, TARGET_BROKEN, NULL);
	mailbox_list_release(&list);
	buf_release(&address);
	free(copy);
}

static bool is_include(const struct reader *r, size_t at)
{
	size_t len = sizeof(include_word) - 1;

	return r->len - at >= len && text_equal_fold(r->text + at, len, include_word, len);
}

static void read_one(struct reader *r)
{
	size_t lead = r->at + (r->text[r->at] == '"'), end = find_end(r);
	const char *text = r->text + r->at;
	char c = lead < r->len ? r->text[lead] : '\0';

	if (c == ':' && !is_include(r, lead))
		end = find_special_end(r);
	if (c == ':' && is_include(r, lead))
		add_include(r, text, end - r->at);
	else if (c == ':')
		add(r, TARGET_SPECIAL, NULL);
	else if (c == '|')
		add(r, TARGET_PIPE, NULL);
	else if (c == '/')
		add_file(r, text, end - r->at);
	else
		add_address(r, text, end - r->at);
	for (; r->at < end; r->at++)
		r->line += r->text[r->at] == '\n';
}

void targets_parse(const char *text, size_t len, unsigned line, enum targets_place place,
	struct target_list *list)
{
	struct reader r = { text, len, 0, line, place, list };

	for (;;) {
		while (r.at < len && (is_blank(text[r.at]) || text[r.at] == ',' ||
				text[r.at] == '\n'))
			r.line += text[r.at++] == '\n';
		if (r.at == len)
			return;
		read_one(&r);
	}
}

/* ---- writing */

/* In angle brackets nothing that an address begins with is taken for a sign. */
static void write_one(const struct target *t, struct buf *out)
{
	switch (t->kind) {
	case TARGET_ADDRESS:
		buf_printf(out, "<%s>", t->text);
		break;
	case TARGET_ITSELF:
		buf_printf(out, "\\<%s>", t->text);
		break;
	case TARGET_INCLUDE:
		buf_printf(out, "\"%s%s\"", include_word, t->text);
		break;
	case TARGET_PIPE:
		buf_add_text(out, "\"|\"");
		break;
	case TARGET_FILE:
		buf_add_text(out, "\"/\"");
		break;
	case TARGET_NOWHERE:
		buf_add_text(out, "/dev/null");
		break;
	case TARGET_SPECIAL:
		buf_add_text(out, "\":\"");
		break;
	case TARGET_BROKEN:
		buf_add_text(out, "<>");
		break;
	}
}

void targets_write(const struct target_list *list, unsigned *line, struct buf *out)
{
	for (size_t i = 0; i < list->count; i++) {
		bool here = *line >= list->items[i].line;

		for (; *line < list->items[i].line; ++*line)
			buf_add_char(out, '\n');
		buf_add_char(out, here ? ' ' : '\t');
		write_one(&list->items[i], out);
		if (i + 1 < list->count)
			buf_add_char(out, ',');
	}
}

/* ---- refusing */

static const struct { const char *why, *next; } refusals[] = {
	[TARGET_PIPE] = { "an alias leads to a program, and none is run",
		"put an address there, or leave that mail to the program's own timer or unit" },
	[TARGET_FILE] = { "an alias leads to a file, and none is written",
		"put an address there" },
	[TARGET_NOWHERE] = { "an alias leads to /dev/null, and no mail is thrown away",
		"put an address there, or stop what sends this mail" },
	[TARGET_SPECIAL] = { "an alias leads to a ':special:' that only other mail systems know",
		"put an address there" },
	[TARGET_BROKEN] = { "an alias leads to something that is no address",
		"correct it; several addresses are separated by commas, and comments stand on "
		"lines of their own" },
};

const char *target_why(enum target_kind kind)
{
	return refusals[kind].why;
}

int target_refuse(const struct target *t, const char *file, struct err *e)
{
	err_set(e, ERR_CONFIG, "%s:%u: %s", file, t->line, target_why(t->kind));
	return err_hint(e, "%s", refusals[t->kind].next);
}
