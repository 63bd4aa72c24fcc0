/* t/fuzz/mail_aliases.c - any octets as an alias file.
 *
 * What is written of it reads the same; whatever a name comes to is an address
 * that could be said to a server, or an error that quotes nothing (E1).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"
#include "mail/aliases.h"
#include "mail/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *text;
	size_t len;
};

static void must(bool good)
{
	if (!good)
		abort();
}

/* The same octets once more, as a list. */
static int include(void *context, size_t table, const char *path, struct buf *out, struct err *e)
{
	const struct input *in = context;

	must(table == 1 && path[0] == '/' && scan_is_harmless(path, strlen(path)));
	if (path[1] == 'x')
		return err_set(e, ERR_CONFIG, "not that one");
	buf_add(out, in->text, in->len);
	return 0;
}

static void add(void *context, const char *address)
{
	struct buf once = BUF_INIT(0);
	unsigned *count = context;
	struct err e;

	must(*address && scan_is_harmless(address, strlen(address)));
	must(!address_parse_one(address, strlen(address), NULL, &once, &e));
	must(!strcmp(buf_text(&once), address));
	buf_release(&once);
	++*count;
}

static void check_names(const struct alias_rules *r)
{
	static const char *const names[] = {
		"root", "a", "b@localhost", "\"c d\"", "postmaster", "nobody", "x@example.org"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned count = 0;
		struct err e = { 0 };

		if (alias_resolve(r, names[i], add, &count, &e) < 0)
			must(!count && *e.text && scan_is_harmless(e.text, strlen(e.text)));
		else
			must(count <= ALIAS_RESULTS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { (const char *)data, size };
	struct alias_rules r = { .domain = "d.example", .include = include, .context = &in };
	struct buf once = BUF_INIT(8 << 20), twice = BUF_INIT(8 << 20);
	struct alias_table *t, *again;
	struct err e;

	if (size > 100000)
		return 0;
	must(!alias_table_parse(&t, "F", in.text, size, &e));
	alias_table_write(t, &once);
	must(!alias_table_parse(&again, "F", buf_text(&once), once.len, &e));
	alias_table_write(again, &twice);
	must(buf_ok(&once) && once.len == twice.len && !strcmp(buf_text(&once), buf_text(&twice)));
	r.tables[1] = t;
	check_names(&r);
	r.tables[1] = again;
	r.admin = "admin@example.org";
	check_names(&r);
	alias_table_free(&t);
	alias_table_free(&again);
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
