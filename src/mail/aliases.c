/* mail/aliases.c - alias files; see aliases.h.  What they lead to is found in
 * mail/aliases_resolve.c.
 */
#include "mail/aliases.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/scan.h"
#include "mail/targets.h"

enum { SHOWN = 256, FAULTS_MAX = 64 * 1024 };

struct alias_table {
	char *name;              /* own; cleaned */
	struct alias *aliases;   /* own; in the order of the file */
	size_t count, cap;
	size_t *index;           /* own; numbers of aliases plus one, 0 is free */
	size_t index_size;       /* a power of two */
	struct buf faults;       /* own */
};

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* ---- finding */

/* FNV-1a without regard to case. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)fold(*name)) * 0x100000001b3U;
	return hash ^ hash >> 29;
}

/* The slot that holds the name, or the free one where it belongs. */
static size_t *find_slot(const struct alias_table *t, const char *name)
{
	size_t mask = t->index_size - 1, i = (size_t)hash_name(name) & mask, len = strlen(name);

	while (t->index[i]) {
		const char *there = t->aliases[t->index[i] - 1].name;

		if (text_equal_fold(there, strlen(there), name, len))
			break;
		i = (i + 1) & mask;
	}
	return &t->index[i];
}

/* At most half full, so that runs of used slots stay short. */
static void grow_index(struct alias_table *t)
{
	if (t->count < t->index_size / 2)
		return;
	free(t->index);
	t->index_size = t->index_size ? t->index_size * 2 : 16;
	t->index = mem_alloc(t->index_size * sizeof(*t->index));
	for (size_t i = 0; i < t->count; i++)
		*find_slot(t, t->aliases[i].name) = i + 1;
}

const struct alias *alias_table_find(const struct alias_table *t, const char *name)
{
	size_t *slot = t->index_size ? find_slot(t, name) : NULL;

	return slot && *slot ? &t->aliases[*slot - 1] : NULL;
}

const char *alias_table_name(const struct alias_table *t)
{
	return t->name;
}

const char *alias_table_alias(const struct alias_table *t, size_t place)
{
	return place < t->count ? t->aliases[place].name : NULL;
}

size_t alias_table_count(const struct alias_table *t)
{
	return t->count;
}

size_t alias_table_place(const struct alias_table *t, const struct alias *a)
{
	return (size_t)(a - t->aliases);
}

/* ---- reading */

static void note(struct alias_table *t, unsigned line, const char *what)
{
	buf_printf(&t->faults, "%s:%u: %s\n", t->name, line, what);
}

/* The name without its quotes.  Returns how much of text it takes, or 0. */
static size_t read_quoted(const char *text, size_t len, struct buf *name)
{
	size_t i = 1;

	while (i < len && text[i] != '"') {
		i += text[i] == '\\' && i + 1 < len;
		buf_add_char(name, fold(text[i++]));
	}
	return i < len ? i + 1 : 0;
}

static size_t read_plain(const char *text, size_t len, struct buf *name)
{
	size_t i = 0;

	while (i < len && text[i] != ':' && text[i] != ' ' && text[i] != '\t')
		buf_add_char(name, fold(text[i++]));
	return i && !strpbrk(buf_text(name), "@,()\";") ? i : 0;
}

/* "name :" at the start of a line; *used is what it takes.  Returns why it is
 * none, or NULL. */
static const char *read_name(const char *text, size_t len, struct buf *name, size_t *used)
{
	const char *lf = memchr(text, '\n', len);
	size_t line = lf ? (size_t)(lf - text) : len, at;

	at = *text == '"' ? read_quoted(text, line, name) : read_plain(text, line, name);
	if (!at || !name->len || !buf_ok(name) || !scan_is_harmless(name->data, name->len) ||
			!text_is_utf8(name->data, name->len))
		return "the line does not begin with a name";
	while (at < line && (text[at] == ' ' || text[at] == '\t'))
		at++;
	if (at == line || text[at] != ':')
		return "no colon stands behind the name";
	*used = at + 1;
	return NULL;
}

static void note_targets(struct alias_table *t, const struct target_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind >= TARGET_PIPE)
			note(t, list->items[i].line, target_why(list->items[i].kind));
}

/* One alias with its continuation lines. */
static void read_alias(struct alias_table *t, const char *text, size_t len, unsigned line)
{
	struct buf name = BUF_INIT(1024);
	struct alias a = { .line = line };
	const char *why;
	size_t used = 0;

	if (*text == ' ' || *text == '\t')
		why = "the line begins with a blank and continues no alias";
	else
		why = read_name(text, len, &name, &used);
	if (!why && alias_table_find(t, buf_text(&name)))
		why = "there is an alias of that name already, and the first one counts";
	if (!why) {
		targets_parse(text + used, len - used, line, TARGETS_IN_ALIAS, &a.targets);
		note_targets(t, &a.targets);
		if (!a.targets.count)
			why = "nothing stands behind the colon";
	}
	if (why) {
		note(t, line, why);
		buf_release(&name);
		return;
	}
	grow_index(t);
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->aliases = mem_grow(t->aliases, t->cap, sizeof(*t->aliases));
	}
	a.name = buf_take(&name);
	*find_slot(t, a.name) = t->count + 1;
	t->aliases[t->count++] = a;
}

/* Where the line at `at` with all that continues it ends; nothing continues an
 * empty one. */
static size_t find_end(const char *text, size_t len, size_t at, unsigned *lines)
{
	bool empty = text[at] == '\n';
	const char *lf;

	*lines = 0;
	do {
		lf = memchr(text + at, '\n', len - at);
		at = lf ? (size_t)(lf - text) + 1 : len;
		++*lines;
	} while (!empty && at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n'));
	return at;
}

int alias_table_parse(struct alias_table **tp, const char *name, const char *text, size_t len,
	struct err *e)
{
	struct alias_table *t;
	struct buf whole = BUF_INIT(ALIASES_FILE_MAX + 1);
	char shown[SHOWN];
	unsigned line = 1, lines;

	*tp = NULL;
	text_clean_to(shown, sizeof(shown), name, strlen(name));
	if (len > ALIASES_FILE_MAX)
		return err_set(e, ERR_CONFIG, "%s: more than %d octets of aliases", shown,
			(int)ALIASES_FILE_MAX);
	t = mem_alloc(sizeof(*t));
	t->name = mem_string(shown);
	t->faults.max = FAULTS_MAX;
	targets_prepare(text, len, &whole);
	for (size_t at = 0, end; at < whole.len; at = end, line += lines) {
		end = find_end(whole.data, whole.len, at, &lines);
		if (whole.data[at] != '\n')
			read_alias(t, whole.data + at, end - at, line);
	}
	buf_release(&whole);
	*tp = t;
	return 0;
}

void alias_table_free(struct alias_table **tp)
{
	struct alias_table *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		free(t->aliases[i].name);
		targets_release(&t->aliases[i].targets);
	}
	free(t->aliases);
	free(t->index);
	free(t->name);
	buf_release(&t->faults);
	free(t);
}

const char *alias_table_faults(const struct alias_table *t)
{
	return buf_text(&t->faults);
}

static void name_includes(const struct target_list *list,
	void (*each)(void *context, const char *path), void *context)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == TARGET_INCLUDE)
			each(context, list->items[i].text);
}

void alias_table_includes(const struct alias_table *t,
	void (*each)(void *context, const char *path), void *context)
{
	for (size_t i = 0; i < t->count; i++)
		name_includes(&t->aliases[i].targets, each, context);
}

void alias_text_includes(const char *text, size_t len,
	void (*each)(void *context, const char *path), void *context)
{
	struct buf whole = BUF_INIT(ALIASES_FILE_MAX + 1);
	struct target_list list = { 0 };

	targets_prepare(text, len, &whole);
	targets_parse(buf_text(&whole), whole.len, 1, TARGETS_IN_INCLUDE, &list);
	name_includes(&list, each, context);
	targets_release(&list);
	buf_release(&whole);
}

/* Every alias keeps its line, so that errors name the same place. */
void alias_table_write(const struct alias_table *t, struct buf *out)
{
	unsigned line = 1;

	for (size_t i = 0; i < t->count; i++) {
		const struct alias *a = &t->aliases[i];

		for (; line < a->line; line++)
			buf_add_char(out, '\n');
		buf_add_char(out, '"');
		for (const char *c = a->name; *c; c++) {
			if (*c == '"' || *c == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, *c);
		}
		buf_add_text(out, "\":");
		targets_write(&a->targets, &line, out);
	}
	if (line > 1 || t->count)
		buf_add_char(out, '\n');
}
