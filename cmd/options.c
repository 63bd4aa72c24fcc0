/* cmd/options.c - option tables, parsed and described; see cmd.h. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cmd/cmd.h"

static int take_config(void *into, const char *value, struct err *e)
{
	struct globals *g = into;

	(void)e;
	g->config = value;
	return 0;
}

static int take_account(void *into, const char *value, struct err *e)
{
	struct globals *g = into;

	(void)e;
	g->account = value;
	return 0;
}

#define FLAG(name) \
	static int take_##name(void *into, const char *value, struct err *e) \
	{ \
		(void)value; \
		(void)e; \
		((struct globals *)into)->name = true; \
		return 0; \
	}
FLAG(verbose)
FLAG(quiet)
FLAG(json)
FLAG(help)
FLAG(version)

const struct opt global_options[] = {
	{ 'C', "config", OPT_VALUE, "FILE", "use this configuration file only", take_config },
	{ 'a', "account", OPT_VALUE, "NAME", "use this account", take_account },
	{ 'v', "verbose", OPT_FLAG, NULL, "show the dialogue with the server, secrets masked",
		take_verbose },
	{ 0, "quiet", OPT_FLAG, NULL, "say nothing; the exit code tells", take_quiet },
	{ 0, "json", OPT_FLAG, NULL, "print one JSON object a line", take_json },
	{ 0, "help", OPT_FLAG, NULL, "show help", take_help },
	{ 0, "version", OPT_FLAG, NULL, "show the version", take_version },
	{ 0, NULL, OPT_FLAG, NULL, NULL, NULL }
};

static bool table_ends(const struct opt *o)
{
	return !o->letter && !o->name;
}

static const struct opt *by_letter(const struct opt *table, char letter)
{
	for (const struct opt *o = table; o && !table_ends(o); o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static const struct opt *by_name(const struct opt *table, const char *name, size_t len)
{
	for (const struct opt *o = table; o && !table_ends(o); o++)
		if (o->name && strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
	return NULL;
}

/* The tables that a word may be from, with what they fill. */
struct scope {
	const struct opt *own, *global;
	void *own_into, *global_into;
};

/* An option of either table, and what it fills; a command's own come first. */
struct found {
	const struct opt *o;   /* NULL: no such option */
	void *into;
};

static struct found find_letter(const struct scope *s, char letter)
{
	struct found f = { by_letter(s->own, letter), s->own_into };

	return f.o ? f : (struct found){ by_letter(s->global, letter), s->global_into };
}

static struct found find_name(const struct scope *s, const char *name, size_t len)
{
	struct found f = { by_name(s->own, name, len), s->own_into };

	return f.o ? f : (struct found){ by_name(s->global, name, len), s->global_into };
}

/* Returns how many words that took, or -1. */
static int apply(const struct found *f, const char *value, int words, struct err *e)
{
	return f->o->take(f->into, value, e) < 0 ? -1 : words;
}

static int unknown(const char *word, size_t len, const struct scope *s, struct err *e)
{
	const struct opt *tables[] = { s->own, s->global };
	const char *near = NULL;
	size_t distance = 3;
	char shown[80];

	text_clean_to(shown, sizeof(shown), word, len);
	err_set(e, ERR_USAGE, "unknown option '%s'", shown);
	for (size_t t = 0; t < 2; t++)
		for (const struct opt *o = tables[t]; o && !table_ends(o); o++) {
			size_t d = o->name && len > 2 ? text_distance(shown + 2, o->name) : 9;

			if (d < distance) {
				distance = d;
				near = o->name;
			}
		}
	if (near)
		return err_hint(e, "did you mean --%s?", near);
	return -1;
}

static int needs_value(const char *word, const struct opt *o, struct err *e)
{
	err_set(e, ERR_USAGE, "option %s needs a value", word);
	return err_hint(e, "as in: %s %s", word, o->value);
}

/* A word that begins with "--": returns how many words it took, or -1. */
static int take_long(const struct scope *s, char **words, int left, struct err *e)
{
	const char *name = words[0] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	struct found f = find_name(s, name, len);

	if (!f.o)
		return unknown(words[0], len + 2, s, e);
	if (f.o->kind == OPT_FLAG && equals)
		return err_set(e, ERR_USAGE, "option --%s takes no value", f.o->name);
	if (f.o->kind == OPT_FLAG || (f.o->kind == OPT_OPTIONAL && !equals))
		return apply(&f, NULL, 1, e);
	if (equals)
		return apply(&f, equals + 1, 1, e);
	return left < 2 ? needs_value(words[0], f.o, e) : apply(&f, words[1], 2, e);
}

/* One or more letters behind a dash: likewise. */
static int take_short(const struct scope *s, char **words, int left, struct err *e)
{
	for (const char *at = words[0] + 1; *at; at++) {
		struct found f = find_letter(s, *at);
		char word[] = { '-', *at, '\0' };

		if (!f.o)
			return unknown(word, 2, s, e);
		if (f.o->kind == OPT_FLAG) {
			if (apply(&f, NULL, 1, e) < 0)
				return -1;
			continue;
		}
		if (at[1])
			return apply(&f, at + 1, 1, e);
		return left < 2 ? needs_value(word, f.o, e) : apply(&f, words[1], 2, e);
	}
	return 1;
}

static int take_word(const struct scope *s, char **words, int left, struct err *e)
{
	return words[0][1] == '-' ? take_long(s, words, left, e) : take_short(s, words, left, e);
}

int opt_parse(const struct opt *own, void *into, struct globals *globals, char **words, int *count,
	struct err *e)
{
	struct scope s = { own, global_options, into, globals };
	int kept = 0, at = 0;

	while (at < *count) {
		int took;

		if (!strcmp(words[at], "--")) {
			at++;
			break;
		}
		if (words[at][0] != '-' || !words[at][1]) {
			words[kept++] = words[at++];
			continue;
		}
		took = take_word(&s, words + at, *count - at, e);
		if (took < 0)
			return -1;
		at += took;
	}
	while (at < *count)
		words[kept++] = words[at++];
	*count = kept;
	return 0;
}

bool opt_take_global(struct globals *globals, char **words, int count, int *at, int *result,
	struct err *e)
{
	struct scope s = { NULL, global_options, NULL, globals };
	const char *word = words[*at];
	int took;

	if (word[0] != '-' || !word[1])
		return false;
	if (word[1] == '-' ? !by_name(global_options, word + 2, strcspn(word + 2, "=")) :
	    !by_letter(global_options, word[1]) ||
	    (by_letter(global_options, word[1])->kind == OPT_FLAG && word[2]))
		return false;
	took = take_word(&s, words + *at, count - *at, e);
	*result = took < 0 ? -1 : 0;
	*at += took < 0 ? 1 : took;
	return true;
}

void opt_describe(const struct opt *table, struct buf *out)
{
	for (const struct opt *o = table; o && !table_ends(o); o++) {
		char left[64];
		int n = 0;

		if (o->letter)
			n = snprintf(left, sizeof(left), "-%c%s", o->letter, o->name ? ", " : "");
		else
			n = snprintf(left, sizeof(left), "    ");
		if (o->name)
			n += snprintf(left + n, sizeof(left) - (size_t)n, "--%s", o->name);
		if (o->value && o->kind == OPT_OPTIONAL)
			snprintf(left + n, sizeof(left) - (size_t)n, "[=%s]", o->value);
		else if (o->value)
			snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->value);
		buf_printf(out, "  %-26s %s\n", left, o->help);
	}
}
