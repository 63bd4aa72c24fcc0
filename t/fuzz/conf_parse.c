/* t/fuzz/conf_parse.c - any octets as a configuration file.
 *
 * What is taken must fill structs without a further error, and what key_write()
 * says of a field must read back to the same text.  What is refused must say so.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct all {
	char *text, *word, *path;
	struct key_list list;
	bool flag;
	long number, duration;
	int choice;
	struct secret secret, url;
};

static const struct key_choice choices[] = { { "off", 0 }, { "starttls", 1 }, { NULL, 0 } };

static const struct key keys[] = {
	{ "user", KEY_TEXT, offsetof(struct all, text), "u", "", NULL, 0, 0 },
	{ "host", KEY_WORD, offsetof(struct all, word), NULL, "", NULL, 0, 0 },
	{ "ca", KEY_PATH, offsetof(struct all, path), "/p", "", NULL, 0, 0 },
	{ "from", KEY_LIST, offsetof(struct all, list), "a, b", "", NULL, 0, 0 },
	{ "verify", KEY_BOOL, offsetof(struct all, flag), "yes", "", NULL, 0, 0 },
	{ "port", KEY_NUMBER, offsetof(struct all, number), NULL, "", NULL, -5, 65535 },
	{ "timeout", KEY_DURATION, offsetof(struct all, duration), "60s", "", NULL, 0, 864000000 },
	{ "tls", KEY_CHOICE, offsetof(struct all, choice), NULL, "", choices, 0, 0 },
	{ "password", KEY_SECRET, offsetof(struct all, secret), NULL, "", NULL, 0, 0 },
	{ "proxy", KEY_URL, offsetof(struct all, url), NULL, "", NULL, 0, 0 },
	{ 0 }
};
static const struct key global_keys[] = {
	{ "default", KEY_TEXT, offsetof(struct all, text), NULL, "", NULL, 0, 0 },
	{ "max_age", KEY_DURATION, offsetof(struct all, duration), "5d", "", NULL, 0, 864000000 },
	{ 0 }
};
static const struct conf_table account_tables[] = { { keys, 0 }, { 0 } };
static const struct conf_table global_tables[] = { { global_keys, 0 }, { 0 } };

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_row(const struct key *row, const struct all *object)
{
	struct buf once = BUF_INIT(0), again = BUF_INIT(0);
	struct all copy = { 0 };
	struct err e;

	key_write(row, (const char *)object + row->offset, &once);
	must(key_parse(row, buf_text(&once), (char *)&copy + row->offset, &e) == 0);
	key_write(row, (char *)&copy + row->offset, &again);
	must(!strcmp(buf_text(&once), buf_text(&again)));
	conf_clear(account_tables, &copy);
	buf_release(&once);
	buf_release(&again);
}

static void check_fill(const struct conf_source *src, enum conf_part part, const char *account,
	const struct conf_table *tables)
{
	struct all object = { 0 };
	struct err e;

	must(conf_fill(src, part, account, tables, true, &object, &e) == 0);
	for (const struct key *row = tables->keys; row->name; row++) {
		const struct conf_entry *entry = conf_find(src, part, account, row->name);

		must(!entry || entry->row == row);
		check_row(row, &object);
	}
	conf_clear(tables, &object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_source src;
	struct err e = { 0 };

	if (conf_parse(&src, "f", (const char *)data, size, global_tables, account_tables,
		&e) < 0) {
		must(e.kind == ERR_CONFIG && !strncmp(e.text, "f:", 2));
		must(!src.name && !src.entries && !src.accounts);
		return 0;
	}
	must(e.kind == ERR_NONE);
	check_fill(&src, CONF_GLOBAL, NULL, global_tables);
	check_fill(&src, CONF_ACCOUNT, NULL, account_tables);
	for (size_t i = 0; i < src.account_count && i < 16; i++)
		check_fill(&src, CONF_ACCOUNT, src.accounts[i], account_tables);
	conf_release(&src);
	return 0;
}
