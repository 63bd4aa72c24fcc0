/* cmd/config.c - sendoff config: the settings in force, and whether they are right. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "deliver/config.h"
#include "deliver/credential.h"
#include "deliver/provided.h"

/* One setting; those that nobody set and that have no default are left out. */
static void show_setting(const struct config *c, const struct account *a, const struct key *k,
	const void *field, bool json, struct buf *out)
{
	struct buf value = BUF_INIT(3 * CONF_FILE_MAX), origin = BUF_INIT(4096);
	struct buf shown = BUF_INIT(4 * CONF_FILE_MAX);

	key_write(k, field, &value);
	text_clean(buf_text(&value), value.len, CONF_VALUE_MAX, &shown);
	config_origin(c, a, k->name, &origin);
	if (!value.len && !strcmp(buf_text(&origin), "default"))
		;
	else if (json)
		print_json(out, (const char *[]){ "account", a ? a->name : NULL, "key", k->name,
			"value", buf_text(&shown), "origin", buf_text(&origin), NULL });
	else
		buf_printf(out, "%-20s = %-32s [%s]\n", k->name, buf_text(&shown),
			buf_text(&origin));
	buf_release(&value);
	buf_release(&origin);
	buf_release(&shown);
}

static void show_tables(const struct config *c, const struct account *a,
	const struct conf_table *tables, const void *object, bool json, struct buf *out)
{
	for (const struct conf_table *t = tables; t->keys; t++)
		for (const struct key *k = t->keys; k->name; k++)
			show_setting(c, a, k, (const char *)object + t->base + k->offset, json, out);
}

static int show(const struct config *c, const char *name, bool json, struct buf *out,
	struct err *e)
{
	const struct account *only = name ? config_account(c, name) : NULL;

	if (name && !only) {
		char shown[80];

		text_clean_to(shown, sizeof(shown), name, strlen(name));
		err_set(e, ERR_USAGE, "there is no account '%s'", shown);
		return err_hint(e, "`sendoff config show` lists the accounts");
	}
	if (!name) {
		if (!json)
			buf_add_text(out, "[sendoff]\n");
		show_tables(c, NULL, global_tables, &c->global, json, out);
	}
	for (size_t i = 0; i < c->count; i++)
		if (!only || only == &c->accounts[i]) {
			if (!json)
				buf_printf(out, "%s[account %s]\n", out->len ? "\n" : "",
					c->accounts[i].name);
			show_tables(c, &c->accounts[i], account_tables, &c->accounts[i], json, out);
		}
	return 0;
}

/* What is known of the account's login before it is tried. */
static void report_note(const struct account *a, bool json, struct buf *out)
{
	struct buf note = BUF_INIT(1024);
	enum provided_note kind = provided_note(a, &note);
	const char *word = kind == PROVIDED_WARNING ? "warning" : "note";

	if (kind == PROVIDED_NOTHING)
		;
	else if (json)
		print_json(out, (const char *[]){ "account", a->name, "result", word, "text",
			buf_text(&note), NULL });
	else
		buf_printf(out, "account %s: %s: %s\n", a->name, word, buf_text(&note));
	buf_release(&note);
}

/* What keeps it from being signed in, before anybody tries. */
static void report_sign_in(const struct account *a, bool json, struct buf *out)
{
	struct oauth_plan plan = { .provider = NULL };
	struct err e = { 0 };

	if (credential_exists(a, &e) < 0 ||
	    (account_signs_in(a) && credential_plan(a, &plan, &e) < 0)) {
		if (json)
			print_json(out, (const char *[]){ "account", a->name, "result", "warning",
				"text", e.text, "next", e.hint, NULL });
		else
			buf_printf(out, "account %s: warning: %s\n%s%s%s", a->name, e.text,
				e.hint[0] ? "  " : "", e.hint, e.hint[0] ? "\n" : "");
	}
	oauth_plan_release(&plan);
}

static void report_check(const struct config *c, bool json, struct buf *out)
{
	for (size_t i = 0; i < c->source_count; i++) {
		const struct conf_source *src = &c->sources[i];

		if (json)
			print_json(out, (const char *[]){ "source", src->name, "result", "ok", NULL });
		else
			buf_printf(out, "%s: ok, %zu account%s\n", src->name, src->account_count,
				src->account_count == 1 ? "" : "s");
	}
	for (size_t i = 0; i < c->count; i++) {
		report_note(&c->accounts[i], json, out);
		report_sign_in(&c->accounts[i], json, out);
	}
}

int cmd_config(struct globals *globals, char **words, int count)
{
	struct config config;
	struct buf out = BUF_INIT(64 << 20);
	struct err e = { 0 };
	bool check;
	int code;

	if (opt_parse(NULL, NULL, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (globals->help) {
		char name[] = "config", *named[] = { name };

		return cmd_help(globals, named, 1);
	}
	check = count == 1 && !strcmp(words[0], "check");
	if (!check && count && (strcmp(words[0], "show") != 0 || count > 2)) {
		err_set(&e, ERR_USAGE, "config does not know these words");
		err_hint(&e, "try `sendoff config show`, `sendoff config show ACCOUNT` or "
			"`sendoff config check`");
		return print_failure(&e);
	}
	code = config_load(&config, globals->config, &e);
	if (code == 0 && check)
		report_check(&config, globals->json, &out);
	else if (code == 0)
		code = show(&config, count == 2 ? words[1] : globals->account, globals->json,
			&out, &e);
	code = code < 0 ? print_failure(&e) : print_out(&out);
	config_release(&config);
	buf_release(&out);
	return code;
}
