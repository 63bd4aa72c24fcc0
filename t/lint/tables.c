/* t/lint/tables.c - every configuration key that the program knows, one a
 * line: "global KEY" or "account KEY", then its choices.  With a file as
 * argument that file is parsed as well, so that an example is known to be one.
 */
#include <stdio.h>

#include "base/file.h"
#include "deliver/account.h"

static void print(const char *part, const struct conf_table *tables)
{
	for (; tables->keys; tables++) {
		for (const struct key *row = tables->keys; row->name; row++) {
			printf("%s %s", part, row->name);
			for (const struct key_choice *c = row->choices; c && c->name; c++)
				printf(" %s", c->name);
			putchar('\n');
		}
	}
}

int main(int argc, char **argv)
{
	struct buf text = BUF_INIT(CONF_FILE_MAX);
	struct conf_source source = { 0 };
	struct err e;
	int bad = 0;

	print("global", global_tables);
	print("account", account_tables);
	if (argc > 1) {
		bad = file_read(argv[1], FILE_ANY, &text, &e) != FILE_OK ||
			conf_parse(&source, argv[1], buf_text(&text), text.len, global_tables,
				account_tables, &e) < 0;
		if (bad)
			fprintf(stderr, "%s\n", e.text);
		else
			conf_release(&source);
	}
	buf_release(&text);
	return bad;
}
