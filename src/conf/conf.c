/* conf/conf.c - entries into structs, and which entry decides; see conf.h. */
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "conf/internal.h"

const struct key *row_find(const struct conf_table *tables, const char *name, size_t *at)
{
	for (; tables->keys; tables++)
		for (const struct key *row = tables->keys; row->name; row++)
			if (!strcmp(row->name, name)) {
				if (at)
					*at = tables->base;
				return row;
			}
	return NULL;
}

void source_where(const char *name, unsigned line, char *to)
{
	size_t len;

	text_clean_to(to, TEXT_SHOWN_MAX, name, strlen(name));
	len = strlen(to);
	if (line)
		snprintf(to + len, CONF_WHERE_SIZE - len, ":%u", line);
}

bool name_is_good(const char *name, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-@+";

	if (!len || len > CONF_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!name[i] || !strchr(good, name[i]))
			return false;
	return true;
}

int name_error(const char *where, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s: an account's name is made of at most %d letters, "
		"digits and the signs . _ - @ +", where, CONF_NAME_MAX);
}

char *source_account(struct conf_source *src, const char *name, size_t len)
{
	size_t count = src->account_count;

	/* There is no cap to remember: the room doubles at each power of two. */
	if (!(count & (count - 1)))
		src->accounts = mem_grow(src->accounts, count ? 2 * count : 1,
			sizeof(*src->accounts));
	src->accounts[count] = mem_copy(name, len);
	return src->accounts[src->account_count++];
}

static void wipe_string(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

int source_add(struct conf_source *src, const struct conf_entry *shape, const char *value,
	size_t len, const char *where, struct err *e)
{
	struct conf_entry *entry;
	char *copy;

	if (len > CONF_VALUE_MAX)
		return err_set(e, ERR_CONFIG, "%s: the value of '%s' is longer than %d octets",
			where, shape->row->name, CONF_VALUE_MAX);
	copy = mem_copy(value, len);
	if (key_check(shape->row, copy, e) < 0) {
		wipe_string(copy);
		return err_context(e, "%s", where);
	}
	if (src->count == src->cap) {
		src->cap = src->cap ? 2 * src->cap : 32;
		src->entries = mem_grow(src->entries, src->cap, sizeof(*src->entries));
	}
	entry = &src->entries[src->count++];
	*entry = *shape;
	entry->account = shape->account ? mem_string(shape->account) : NULL;
	entry->key = mem_string(shape->row->name);
	entry->value = copy;
	src->has_secret |= key_holds_secret(shape->row, copy);
	return 0;
}

void conf_release(struct conf_source *src)
{
	for (size_t i = 0; i < src->count; i++) {
		free(src->entries[i].account);
		free(src->entries[i].key);
		wipe_string(src->entries[i].value);
	}
	for (size_t i = 0; i < src->account_count; i++)
		free(src->accounts[i]);
	free(src->entries);
	free(src->accounts);
	free(src->name);
	*src = (struct conf_source){ 0 };
}

static char *find_account(const struct conf_source *src, const char *name)
{
	for (size_t i = 0; i < src->account_count; i++)
		if (!strcmp(src->accounts[i], name))
			return src->accounts[i];
	return NULL;
}

int conf_set(struct conf_source *src, enum conf_part part, const char *account, const char *key,
	const char *value, const struct conf_table *tables, struct err *e)
{
	struct conf_entry shape = { .part = part };
	char where[CONF_WHERE_SIZE];

	if (!src->name)
		src->name = mem_string("environment");
	source_where(src->name, 0, where);
	shape.row = row_find(tables, key, NULL);
	if (!shape.row)
		return suggest_key(where, key, strlen(key), part, tables, NULL, e);
	if (part == CONF_ACCOUNT) {
		if (!name_is_good(account, strlen(account)))
			return name_error(where, e);
		shape.account = find_account(src, account);
		if (!shape.account)
			shape.account = source_account(src, account, strlen(account));
	}
	return source_add(src, &shape, value, strlen(value), where, e);
}

/* Whether an entry has a say in what is asked for. */
static bool entry_counts(const struct conf_entry *entry, enum conf_part part, const char *account)
{
	if (part == CONF_GLOBAL || entry->part == CONF_GLOBAL)
		return part == entry->part;
	if (entry->part == CONF_DEFAULTS)
		return true;
	return part == CONF_ACCOUNT && account && !strcmp(entry->account, account);
}

static int fill_fallbacks(const struct conf_table *tables, void *object, struct err *e)
{
	for (; tables->keys; tables++)
		for (const struct key *row = tables->keys; row->name; row++) {
			void *field = (char *)object + tables->base + row->offset;

			if (row->fallback && key_parse(row, row->fallback, field, e) < 0) {
				e->kind = ERR_INTERNAL;
				return err_context(e, "built-in default");
			}
		}
	return 0;
}

static int fill_entry(const struct conf_source *src, const struct conf_entry *entry,
	const struct conf_table *tables, void *object, struct err *e)
{
	char where[CONF_WHERE_SIZE];
	size_t at;
	const struct key *row = row_find(tables, entry->key, &at);

	if (!row || key_parse(row, entry->value, (char *)object + at + row->offset, e) == 0)
		return 0;
	source_where(src->name, entry->line, where);
	return err_context(e, "%s", where);
}

int conf_fill(const struct conf_source *src, enum conf_part part, const char *account,
	const struct conf_table *tables, bool first, void *object, struct err *e)
{
	if (first && fill_fallbacks(tables, object, e) < 0)
		return -1;
	/* [defaults] may stand behind the account that it serves. */
	for (int own = 0; own <= 1; own++)
		for (size_t i = 0; i < src->count; i++) {
			const struct conf_entry *entry = &src->entries[i];

			if ((entry->part == CONF_ACCOUNT) == own &&
					entry_counts(entry, part, account) &&
					fill_entry(src, entry, tables, object, e) < 0)
				return -1;
		}
	return 0;
}

void conf_clear(const struct conf_table *tables, void *object)
{
	for (; tables->keys; tables++)
		for (const struct key *row = tables->keys; row->name; row++)
			key_clear(row, (char *)object + tables->base + row->offset);
}

const struct conf_entry *conf_find(const struct conf_source *src, enum conf_part part,
	const char *account, const char *key)
{
	const struct conf_entry *found = NULL;

	for (size_t i = 0; i < src->count; i++) {
		const struct conf_entry *entry = &src->entries[i];

		if (strcmp(entry->key, key) != 0 || !entry_counts(entry, part, account))
			continue;
		/* Of two entries the later one counts, but a default never beats an own. */
		if (!found || entry->part == CONF_ACCOUNT || found->part != CONF_ACCOUNT)
			found = entry;
	}
	return found;
}
