/* conf/parse.c - the text of a configuration file into entries; see conf.h.
 *
 * libinih splits the lines, but several of its habits would cost users mail or
 * passwords: it reads 200 octets and takes the rest of a longer line for the
 * next one, cuts at ` ;`, joins indented lines to the one before, cuts section
 * names at 49 octets and stops at a NUL.  Which of these it has depends on how
 * it was built.  So it reads through read_line(), which checks each line as it
 * stands in the file and hands over no more than "key =": the value is taken
 * from the file's own line, and so never lies in the library's memory either.
 * Section headers are read here for the same reason.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* Debian's library calls its handler with the number of the line as a fifth
 * argument, though its header does not say so unless asked. */
#define INI_HANDLER_LINENO 1
#include <ini.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/internal.h"

enum { LINE_MAX_OCTETS = CONF_VALUE_MAX + 256 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

/* Octets of the text; nothing is copied. */
struct slice {
	const char *at;
	size_t len;
};

struct parser {
	struct conf_source *src;
	const struct conf_table *global, *account;   /* the known keys */
	struct slice rest;            /* what is not yet read */
	unsigned line;
	char where[CONF_WHERE_SIZE];  /* name:line */
	bool in_section;
	enum conf_part part;
	char *account_name;           /* borrowed from src; NULL outside accounts */
	size_t first;                 /* entry of this section */
	struct slice key, value;      /* of this line */
	bool pending;                 /* the library has yet to call take_key() for it */
	bool failed;
	void *seen;                   /* own; tree of struct section */
	struct err *e;
};

/* A section header that was met. */
struct section {
	unsigned line;
	char title[];                 /* "account work" */
};

static int section_compare(const void *a, const void *b)
{
	return strcmp(((const struct section *)a)->title, ((const struct section *)b)->title);
}

static void trim_left(struct slice *s)
{
	while (s->len && strchr(CONF_BLANKS, *s->at))
		s->at++, s->len--;
}

static void trim(struct slice *s)
{
	trim_left(s);
	while (s->len && strchr(CONF_BLANKS, s->at[s->len - 1]))
		s->len--;
}

static bool is_word(const struct slice *s, const char *word)
{
	return s->len == strlen(word) && !memcmp(s->at, word, s->len);
}

/* Cuts off what stands before the first blank. */
static struct slice cut_word(struct slice *s)
{
	struct slice word = { s->at, 0 };

	while (word.len < s->len && !strchr(CONF_BLANKS, s->at[word.len]))
		word.len++;
	s->at += word.len;
	s->len -= word.len;
	trim_left(s);
	return word;
}

/* The word as a string, for comparing; "" when it is longer than any name. */
static const char *word_text(const struct slice *word, char *to)
{
	size_t len = word->len <= CONF_NAME_MAX ? word->len : 0;

	memcpy(to, word->at, len);
	to[len] = '\0';
	return to;
}

/* White space of any kind, which libinih might take for the end of a name. */
static bool has_space(const struct slice *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (strchr(CONF_BLANKS "\v\f", s->at[i]))
			return true;
	return false;
}

/* Takes the next line off the rest, without its end.  -1: the line is no text
 * that can be relied on. */
static int next_line(struct parser *p, struct slice *line)
{
	const char *end = memchr(p->rest.at, '\n', p->rest.len);

	*line = (struct slice){ p->rest.at, end ? (size_t)(end - p->rest.at) : p->rest.len };
	p->rest.at += line->len + (end != NULL);
	p->rest.len -= line->len + (end != NULL);
	source_where(p->src->name, ++p->line, p->where);
	if (end && line->len && end[-1] == '\r')
		line->len--;
	if (p->line == 1 && line->len >= 3 && !memcmp(line->at, byte_order_mark, 3))
		line->at += 3, line->len -= 3;
	if (memchr(line->at, '\0', line->len)) {
		err_set(p->e, ERR_CONFIG, "%s: a NUL stands in this line", p->where);
		return err_hint(p->e, "save the file as plain text in UTF-8");
	}
	if (memchr(line->at, '\r', line->len)) {
		err_set(p->e, ERR_CONFIG, "%s: a carriage return stands in this line without "
			"a line feed behind it", p->where);
		return err_hint(p->e, "save the file with Unix or Windows line ends");
	}
	if (line->len > LINE_MAX_OCTETS) {
		err_set(p->e, ERR_CONFIG, "%s: the line is longer than %d octets", p->where,
			LINE_MAX_OCTETS);
		return err_hint(p->e, "a value has at most %d octets; put a long one into a file "
			"and name it, as password_file does", CONF_VALUE_MAX);
	}
	trim(line);
	return 0;
}

/* What a wrong section was probably meant to be. */
static int section_hint(struct parser *p, const struct slice *word, const struct slice *name)
{
	char text[CONF_NAME_MAX + 1];

	word_text(word, text);
	if (suggest_distance(text, "sendoff") <= CONF_NAME_MAX)
		return err_hint(p->e, "did you mean [sendoff]?");
	if (suggest_distance(text, "defaults") <= CONF_NAME_MAX)
		return err_hint(p->e, "did you mean [defaults]?");
	if (suggest_distance(text, "account") <= CONF_NAME_MAX) {
		if (name_is_good(name->at, name->len))
			return err_hint(p->e, "did you mean [account %.*s]?", (int)name->len,
				name->at);
		return err_hint(p->e, "write [account NAME]");
	}
	if (!name->len && name_is_good(word->at, word->len))
		return err_hint(p->e, "did you mean [account %s]?", text);
	return err_hint(p->e, "the sections are [sendoff], [defaults] and [account NAME]");
}

/* Remembers the section; one that was met before is an error. */
static int section_once(struct parser *p, const char *title)
{
	struct section *new = mem_alloc(sizeof(*new) + strlen(title) + 1), **slot;

	new->line = p->line;
	memcpy(new->title, title, strlen(title));
	slot = tsearch(new, &p->seen, section_compare);
	if (slot && *slot == new)
		return 0;
	free(new);
	if (!slot)
		return err_set(p->e, ERR_SYSTEM, "%s: out of memory", p->where);
	err_set(p->e, ERR_CONFIG, "%s: section [%s] was given before, in line %u", p->where, title,
		(*slot)->line);
	return err_hint(p->e, "join the two sections, or give one another name");
}

static int section_enter(struct parser *p, enum conf_part part, const struct slice *name)
{
	static const char *const titles[] = { "sendoff", "defaults", "account " };
	char title[sizeof("account ") + CONF_NAME_MAX + 1];
	size_t len = strlen(titles[part]);

	memcpy(title, titles[part], len);
	word_text(name, title + len);
	if (section_once(p, title) < 0)
		return -1;
	p->in_section = true;
	p->part = part;
	p->first = p->src->count;
	p->account_name = part == CONF_ACCOUNT ? source_account(p->src, name->at, name->len) : NULL;
	return 0;
}

/* line begins with '['. */
static int take_section(struct parser *p, const struct slice *line)
{
	const char *end = memchr(line->at, ']', line->len);
	struct slice name = { line->at + 1, end ? (size_t)(end - line->at) - 1 : 0 }, word;
	struct buf shown = BUF_INIT(2 * CONF_NAME_MAX);

	if (!end) {
		err_set(p->e, ERR_CONFIG, "%s: a section's name ends with ']'", p->where);
		return err_hint(p->e, "the sections are [sendoff], [defaults] and [account NAME]");
	}
	if (end + 1 != line->at + line->len) {
		err_set(p->e, ERR_CONFIG, "%s: something stands behind the section's ']'",
			p->where);
		return err_hint(p->e, "keys and comments stand on lines of their own");
	}
	trim(&name);
	word = cut_word(&name);
	if (is_word(&word, "sendoff") && !name.len)
		return section_enter(p, CONF_GLOBAL, &name);
	if (is_word(&word, "defaults") && !name.len)
		return section_enter(p, CONF_DEFAULTS, &name);
	if (is_word(&word, "account") && name_is_good(name.at, name.len))
		return section_enter(p, CONF_ACCOUNT, &name);
	if (is_word(&word, "account") && name.len)
		return name_error(p->where, p->e);
	text_clean(line->at, line->len, CONF_NAME_MAX, &shown);
	err_set(p->e, ERR_CONFIG, "%s: unknown section %s", p->where, buf_text(&shown));
	buf_release(&shown);
	return section_hint(p, &word, &name);
}

/* The tables of the part that is open, or of the other one. */
static const struct conf_table *tables_of(const struct parser *p, bool other)
{
	return (p->part == CONF_GLOBAL) != other ? p->global : p->account;
}

/* Nothing of the line is shown: it may be the second half of a password. */
static int not_a_line(struct parser *p, const struct slice *line)
{
	struct slice rest = *line, word = cut_word(&rest);
	char text[CONF_NAME_MAX + 1];

	word_text(&word, text);
	err_set(p->e, ERR_CONFIG, "%s: neither a section, nor 'key = value', nor a comment",
		p->where);
	if (row_find(p->global, text, NULL) || row_find(p->account, text, NULL))
		return err_hint(p->e, "write '%s = ...'", text);
	return err_hint(p->e, "a value cannot go on in the next line; comments begin with # or ;");
}

static int no_section(struct parser *p)
{
	char text[CONF_NAME_MAX + 1];
	const char *place = NULL;

	word_text(&p->key, text);
	if (row_find(p->account, text, NULL))
		place = "[defaults] or [account NAME]";
	else if (row_find(p->global, text, NULL))
		place = "[sendoff]";
	if (place)
		err_set(p->e, ERR_CONFIG, "%s: key '%s' stands in no section", p->where, text);
	else
		err_set(p->e, ERR_CONFIG, "%s: a key stands in no section", p->where);
	return err_hint(p->e, "put a line with %s above it",
		place ? place : "[sendoff], [defaults] or [account NAME]");
}

/* Splits a line into key and value at the first '=' or ':', as libinih does,
 * and writes the part of it that libinih is to see. */
static int take_line(struct parser *p, const struct slice *line, char *to, size_t size)
{
	size_t at = 0, len;

	while (at < line->len && line->at[at] != '=' && line->at[at] != ':')
		at++;
	p->key = (struct slice){ line->at, at };
	trim(&p->key);
	if (at == line->len || !p->key.len || has_space(&p->key))
		return not_a_line(p, line);
	p->value = (struct slice){ line->at + at + 1, line->len - at - 1 };
	trim(&p->value);
	if (p->value.len >= 2 && p->value.at[0] == '"' && p->value.at[p->value.len - 1] == '"')
		p->value.at++, p->value.len -= 2;
	if (!p->in_section)
		return no_section(p);
	if (p->key.len > CONF_NAME_MAX)
		return suggest_key(p->where, p->key.at, p->key.len, p->part, tables_of(p, false),
			tables_of(p, true), p->e);
	/* "key=\n": a library with less room than that would see no key at all, and
	 * finish_line() tell of it. */
	len = p->key.len + sizeof("=\n") <= size ? p->key.len : 0;
	memcpy(to, p->key.at, len);
	memcpy(to + len, "=\n", sizeof("=\n"));
	p->pending = true;
	return 0;
}

/* A key that the library did not report is not lost in silence. */
static int finish_line(struct parser *p)
{
	if (!p->pending)
		return 0;
	p->pending = false;
	return not_a_line(p, &p->key);
}

static int read_one(struct parser *p, char *to, size_t size)
{
	struct slice line;

	if (finish_line(p) < 0 || next_line(p, &line) < 0)
		return -1;
	memcpy(to, "\n", sizeof("\n"));
	if (!line.len || *line.at == ';' || *line.at == '#')
		return 0;
	if (*line.at == '[')
		return take_section(p, &line);
	return take_line(p, &line, to, size);
}

/* As fgets(3), for libinih. */
static char *read_line(char *to, int size, void *stream)
{
	struct parser *p = stream;

	if (p->failed || !p->rest.len)
		return NULL;
	if (read_one(p, to, (size_t)size) < 0) {
		p->failed = true;
		return NULL;
	}
	return to;
}

static int add_key(struct parser *p)
{
	struct conf_entry shape = { .part = p->part, .account = p->account_name, .line = p->line };
	char text[CONF_NAME_MAX + 1];

	shape.row = row_find(tables_of(p, false), word_text(&p->key, text), NULL);
	if (!shape.row)
		return suggest_key(p->where, p->key.at, p->key.len, p->part, tables_of(p, false),
			tables_of(p, true), p->e);
	for (size_t i = p->first; i < p->src->count; i++)
		if (p->src->entries[i].row == shape.row) {
			err_set(p->e, ERR_CONFIG, "%s: key '%s' was given before, in line %u",
				p->where, shape.row->name, p->src->entries[i].line);
			return err_hint(p->e, "keep one of the two");
		}
	return source_add(p->src, &shape, p->value.at, p->value.len, p->where, p->e);
}

/* libinih found a key.  Of what it says only the name is used, and only to see
 * that both of us mean the same line. */
static int take_key(void *user, const char *section, const char *name, const char *value,
	int line_number)
{
	struct parser *p = user;

	(void)section, (void)value, (void)line_number;
	if (!p->pending || !is_word(&p->key, name))
		return 0;
	p->pending = false;
	if (add_key(p) < 0)
		p->failed = true;
	return !p->failed;
}

static void free_section(void *section)
{
	free(section);
}

int conf_parse(struct conf_source *src, const char *name, const char *text, size_t len,
	const struct conf_table *global, const struct conf_table *account, struct err *e)
{
	struct parser p = {
		.src = src, .global = global, .account = account, .rest = { text, len }, .e = e
	};

	*src = (struct conf_source){ .name = mem_string(name) };
	source_where(name, 0, p.where);
	if (len > CONF_FILE_MAX) {
		err_set(e, ERR_CONFIG, "%s: larger than %d octets", p.where, CONF_FILE_MAX);
		p.failed = true;
	} else if (ini_parse_stream(read_line, &p, take_key, &p) < 0) {
		err_set(e, ERR_SYSTEM, "%s: out of memory", p.where);
		p.failed = true;
	} else if (!p.failed && finish_line(&p) < 0) {
		p.failed = true;
	}
	tdestroy(p.seen, free_section);
	if (!p.failed)
		return 0;
	conf_release(src);
	return -1;
}
