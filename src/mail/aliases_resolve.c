/* mail/aliases_resolve.c - where a recipient's mail goes; see aliases.h.
 *
 * Each alias and each included file is walked once at most, so that no set of
 * them takes longer than it is large.
 */
#include "mail/aliases.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/targets.h"

enum { INCLUDES_MAX = 100, SHOWN = 256 };

enum walked { WALKED_NOT, WALKED_NOW, WALKED_DONE };

struct included {
	size_t table;
	char *path;               /* own */
	enum walked walked;
};

struct resolver {
	const struct alias_rules *rules;
	struct envelope out;                 /* own; what it comes to */
	unsigned char *walked[2];            /* own; of each alias, enum walked; NULL: none yet */
	struct included included[INCLUDES_MAX];
	size_t include_count;
	bool in_default;                     /* names without alias are not looked up there again */
	bool refused;                        /* as a whole: it may be right the next time */
	struct err *e;
	struct err left_out;                 /* the first that was passed over, and why */
};

/* Where a target stands, and below what. */
struct place {
	const char *file;                 /* NULL: it is what the caller asked for */
	unsigned line;
	size_t table;
	const struct alias *alias;
	unsigned depth;
};

static int resolve(struct resolver *r, const char *address, const struct place *at, bool itself);

/* ---- what is local */

/* A quoted local part; returns what stands behind it, or NULL. */
static const char *unquote(const char *address, struct buf *local)
{
	const char *p = address + 1;

	for (; *p && *p != '"'; p++) {
		p += *p == '\\' && p[1];
		buf_add_char(local, *p);
	}
	return *p ? p + 1 : NULL;
}

static bool is_local_domain(const struct alias_rules *r, const char *domain)
{
	static const char *const always[] = { "localhost", "localhost.localdomain", NULL };
	const char *const *lists[] = { always, r->local_names };

	for (size_t i = 0; i < COUNT(lists); i++)
		for (const char *const *name = lists[i]; name && *name; name++)
			if (text_equal_fold(*name, strlen(*name), domain, strlen(domain)))
				return true;
	return false;
}

bool alias_is_local(const struct alias_rules *r, const char *address, struct buf *local)
{
	struct buf name = BUF_INIT(ADDRESS_PATH_MAX);
	const char *behind = address;
	bool good;

	if (*address == '"') {
		behind = unquote(address, &name);
	} else {
		behind += strcspn(address, "@");
		buf_add(&name, address, (size_t)(behind - address));
	}
	good = behind && name.len && buf_ok(&name) &&
		(!*behind || (*behind == '@' && is_local_domain(r, behind + 1)));
	if (good)
		buf_add(local, buf_text(&name), name.len);
	buf_release(&name);
	return good;
}

/* ---- names */

static int fail(struct resolver *r, const struct place *at, const char *why, const char *next)
{
	err_set(r->e, ERR_CONFIG, "%s:%u: %s", at->file ? at->file : "aliases", at->line, why);
	return err_hint(r->e, "%s", next);
}

static int refuse(struct resolver *r, const struct place *at, const char *why, const char *next)
{
	r->refused = true;
	return fail(r, at, why, next);
}

static int add(struct resolver *r, const char *address, const struct place *at)
{
	envelope_add(&r->out, address);
	if (r->out.count <= ALIAS_RESULTS_MAX)
		return 0;
	return refuse(r, at, "one name becomes more than 10000 addresses",
		"use a mailing list for so many");
}

/* A name that no alias is applied to (any more). */
static int stay(struct resolver *r, const char *name, const struct place *at)
{
	struct buf address = BUF_INIT(ADDRESS_PATH_MAX + 1);
	int result;

	if (r->rules->admin)
		return add(r, r->rules->admin, at);
	result = address_write(name, NULL, r->rules->domain, &address, r->e);
	if (!result)
		result = add(r, buf_text(&address), at);
	buf_release(&address);
	return result;
}

static const struct alias *find(const struct resolver *r, const char *name, size_t *table)
{
	const struct alias *a = NULL;

	for (size_t i = 0; !a && i < COUNT(r->rules->tables); i++) {
		if (r->rules->tables[i])
			a = alias_table_find(r->rules->tables[i], name);
		*table = i;
	}
	return a;
}

static unsigned char *walked(struct resolver *r, const struct alias *a, size_t table)
{
	const struct alias_table *t = r->rules->tables[table];

	if (!r->walked[table])
		r->walked[table] = mem_alloc(alias_table_count(t));
	return &r->walked[table][alias_table_place(t, a)];
}

static int too_deep(struct resolver *r, const struct place *at)
{
	return fail(r, at, "more than 20 aliases lead on to each other",
		"name the address where it is first needed");
}

static int in_circle(struct resolver *r, const struct place *at)
{
	return fail(r, at, "aliases lead back to each other in a circle",
		"let one of them name an address");
}

/* ---- targets */

static int take(struct resolver *r, const struct target_list *list, const struct place *within);

static int read_include(struct resolver *r, const struct target *t, const struct place *at)
{
	const struct alias_rules *rules = r->rules;
	struct buf text = BUF_INIT(ALIASES_FILE_MAX), whole = BUF_INIT(ALIASES_FILE_MAX + 1);
	struct target_list list = { 0 };
	struct place within = *at;
	char shown[SHOWN];
	int result = rules->include(rules->context, at->table, t->text, &text, r->e);

	if (result < 0) {
		r->refused = true;
		err_context(r->e, "%s:%u", at->file, at->line);
	} else {
		within.file = text_clean_to(shown, sizeof(shown), t->text, strlen(t->text));
		within.depth++;
		targets_prepare(buf_text(&text), text.len, &whole);
		targets_parse(buf_text(&whole), whole.len, 1, TARGETS_IN_INCLUDE, &list);
		result = take(r, &list, &within);
	}
	targets_release(&list);
	buf_release(&text);
	buf_release(&whole);
	return result;
}

static int include(struct resolver *r, const struct target *t, const struct place *at)
{
	struct included *file = NULL;
	int result;

	if (!r->rules->include)
		return refuse(r, at, "an alias leads to an :include: file, and none are read here",
			"put the addresses into the alias itself");
	for (size_t i = 0; !file && i < r->include_count; i++)
		if (r->included[i].table == at->table && !strcmp(r->included[i].path, t->text))
			file = &r->included[i];
	if (file)
		return file->walked == WALKED_DONE ? 0 : in_circle(r, at);
	if (r->include_count == INCLUDES_MAX)
		return refuse(r, at, "more than 100 :include: files", "join some of them");
	file = &r->included[r->include_count++];
	*file = (struct included){ at->table, mem_string(t->text), WALKED_NOW };
	result = read_include(r, t, at);
	file->walked = WALKED_DONE;
	return result;
}

static int take_one(struct resolver *r, const struct target *t, const struct place *at)
{
	if (at->depth > ALIAS_DEPTH_MAX)
		return too_deep(r, at);
	if (t->kind == TARGET_ADDRESS || t->kind == TARGET_ITSELF)
		return resolve(r, t->text, at, t->kind == TARGET_ITSELF);
	return t->kind == TARGET_INCLUDE ? include(r, t, at) : target_refuse(t, at->file, r->e);
}

/* A target that is of no use takes the mail away from nobody beside it. */
static int take(struct resolver *r, const struct target_list *list, const struct place *within)
{
	struct place at = *within;

	for (size_t i = 0; i < list->count; i++) {
		at.line = list->items[i].line;
		if (take_one(r, &list->items[i], &at) == 0)
			continue;
		if (r->refused)
			return -1;
		if (r->left_out.kind == ERR_NONE)
			r->left_out = *r->e;
	}
	return 0;
}

/* ---- following them */

static int follow(struct resolver *r, const struct alias *a, size_t table, const struct place *from)
{
	unsigned char *state = walked(r, a, table);
	struct place within = { alias_table_name(r->rules->tables[table]), a->line, table, a,
		from->depth + 1 };
	int result;

	if (*state == WALKED_DONE)
		return 0;
	if (*state == WALKED_NOW)
		return in_circle(r, from);
	*state = WALKED_NOW;
	result = take(r, &a->targets, &within);
	*state = WALKED_DONE;
	return result;
}

/* RFC 5321 section 4.5.1 wants a person behind these. */
static const struct alias *stands_in(struct resolver *r, const char *name, size_t *table)
{
	static const char *const names[] = { "postmaster", "mailer-daemon" };
	const struct alias *root = NULL;

	for (size_t i = 0; i < COUNT(names); i++)
		if (text_equal_fold(names[i], strlen(names[i]), name, strlen(name)))
			root = find(r, "root", table);
	return root && *walked(r, root, *table) != WALKED_NOW ? root : NULL;
}

static int resolve_name(struct resolver *r, const char *name, const struct place *at)
{
	size_t table = 0;
	const struct alias *a = find(r, name, &table);
	int result;

	if (a && a == at->alias)
		return stay(r, name, at);
	if (!a)
		a = stands_in(r, name, &table);
	if (a)
		return follow(r, a, table, at);
	if (!r->in_default) {
		a = find(r, "default", &table);
		if (!a)
			a = find(r, "*", &table);
	}
	if (!a)
		return stay(r, name, at);
	r->in_default = true;
	result = follow(r, a, table, at);
	r->in_default = false;
	return result;
}

static int resolve(struct resolver *r, const char *address, const struct place *at, bool itself)
{
	struct buf name = BUF_INIT(ADDRESS_PATH_MAX);
	int result;

	if (!alias_is_local(r->rules, address, &name))
		result = add(r, address, at);
	else
		result = itself ? stay(r, buf_text(&name), at) :
			resolve_name(r, buf_text(&name), at);
	buf_release(&name);
	return result;
}

/* All that it comes to is :include: files with nobody in them. */
static int leads_to_nobody(struct err *e, const char *address)
{
	char shown[SHOWN];

	text_clean_to(shown, sizeof(shown), address, strlen(address));
	err_set(e, ERR_CONFIG, "the alias '%s' leads to nobody", shown);
	return err_hint(e, "name an address in the file that it includes; `sendmail -bv %s` shows what "
		"is found", shown);
}

int alias_resolve(const struct alias_rules *rules, const char *address,
	void (*add_one)(void *context, const char *address), void *context, struct err *e)
{
	struct resolver *r = mem_alloc(sizeof(*r));
	const struct place start = { 0 };
	struct err why = { 0 };
	int result;

	r->rules = rules;
	r->e = &why;
	result = resolve(r, address, &start, false);
	if (result < 0)
		*e = why;
	if (!result && !r->out.count && r->left_out.kind != ERR_NONE) {
		*e = r->left_out;
		result = -1;
	} else if (!result && !r->out.count) {
		result = leads_to_nobody(e, address);
	} else if (!result && rules->left_out && rules->left_out->kind == ERR_NONE) {
		*rules->left_out = r->left_out;
	}
	for (size_t i = 0; !result && i < r->out.count; i++)
		add_one(context, r->out.recipients[i]);
	envelope_release(&r->out);
	for (size_t i = 0; i < r->include_count; i++)
		free(r->included[i].path);
	for (size_t i = 0; i < COUNT(r->walked); i++)
		free(r->walked[i]);
	free(r);
	return result;
}
