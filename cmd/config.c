/* cmd/config.c - sendoff config: the settings in force, and whether they are right. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "deliver/cause.h"
#include "deliver/config.h"
#include "deliver/provided.h"
#include "runner/scope.h"

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

/* ---- check */

struct report {
	struct config *config;
	bool json;
	struct buf accounts;       /* own; what is to be said of them */
	struct buf told;           /* own; the mistakes, a line each */
	size_t mistakes[CONFIG_SOURCES_MAX], mistake_count;
};

static void add_line(struct report *r, const struct account *a, const char *result,
	const char *text, const char *next, const char *cause)
{
	if (r->json)
		print_json(&r->accounts, (const char *[]){ "account", a->name, "result", result,
			"text", text, "next", next, "cause", cause, NULL });
	else
		buf_printf(&r->accounts, "account %s: %s: %s\n%s%s%s", a->name, result, text,
			next ? "  " : "", next ? next : "", next ? "\n" : "");
}

/* What is known of the account's login before it is tried. */
static void report_note(struct report *r, const struct account *a)
{
	struct buf note = BUF_INIT(1024);
	enum provided_note kind = provided_note(a, &note);

	if (kind != PROVIDED_NOTHING)
		add_line(r, a, kind == PROVIDED_WARNING ? "warning" : "note", buf_text(&note), NULL, NULL);
	buf_release(&note);
}

/* A line of [defaults] is wrong for all accounts, and told once. */
static void report_mistake(struct report *r, const struct account *a, const struct err *e)
{
	struct buf line = BUF_INIT(1024);

	buf_printf(&line, "%s\n", e->text);
	if (!r->told.len || !memmem(r->told.data, r->told.len, line.data, line.len)) {
		buf_add(&r->told, line.data, line.len);
		print_failure(e);
		r->mistakes[a->source - r->config->sources]++;
		r->mistake_count++;
	}
	buf_release(&line);
}

/* config_seen; a mistake is told where those in the files themselves are. */
static void report_seen(void *context, const struct account *a, enum config_sight sight,
	const struct err *e)
{
	static const char *const results[] = { [CONFIG_MISTAKE] = "mistake",
		[CONFIG_WARNING] = "warning", [CONFIG_NOTE] = "note" };
	struct report *r = context;
	const struct cause *cause = cause_of_err(e);
	const char *next = e->hint[0] ? e->hint : cause->next;

	if (r->json || sight != CONFIG_MISTAKE)
		add_line(r, a, results[sight], e->text, next,
			sight == CONFIG_MISTAKE ? cause->id : NULL);
	if (sight == CONFIG_MISTAKE)
		report_mistake(r, a, e);
}

static void report_accounts(struct report *r, enum scope scope)
{
	for (size_t i = 0; i < r->config->count; i++) {
		const struct account *a = &r->config->accounts[i];

		if (a->scope != scope)
			continue;
		report_note(r, a);
		config_look(a, report_seen, r);
	}
}

/* The system's accounts are looked at as whom they are used by: root becomes that user. */
static int report_all(struct report *r, struct err *e)
{
	bool system = false;

	for (size_t i = 0; i < r->config->count; i++)
		system |= r->config->accounts[i].source && r->config->accounts[i].scope == SCOPE_SYSTEM;
	report_accounts(r, SCOPE_PERSONAL);
	if (system && scope_leave_root(e) < 0)
		return -1;
	report_accounts(r, SCOPE_SYSTEM);
	return 0;
}

static void write_source(const struct report *r, size_t i, struct buf *out)
{
	const struct conf_source *src = &r->config->sources[i];
	size_t mistakes = r->mistakes[i];

	if (r->json) {
		print_json(out, (const char *[]){ "source", src->name, "result",
			mistakes ? "mistake" : "ok", NULL });
		return;
	}
	buf_printf(out, "%s: ", src->name);
	if (mistakes)
		buf_printf(out, "%zu mistake%s", mistakes, mistakes == 1 ? "" : "s");
	else
		buf_add_text(out, "ok");
	buf_printf(out, ", %zu account%s\n", src->account_count, src->account_count == 1 ? "" : "s");
}

/* The exit code. */
static int check(struct config *c, bool json)
{
	struct report r = { .config = c, .json = json, .accounts = BUF_INIT(64 << 20),
		.told = BUF_INIT(64 << 20) };
	struct buf out = BUF_INIT(64 << 20);
	struct err e = { 0 };
	int code = 0;

	if (report_all(&r, &e) < 0) {
		code = print_failure(&e);
	} else {
		for (size_t i = 0; i < c->source_count; i++)
			write_source(&r, i, &out);
		buf_add(&out, buf_text(&r.accounts), r.accounts.len);
		code = print_out(&out);
	}
	if (code == 0 && r.mistake_count)
		code = cause_of_err(&(struct err){ .kind = ERR_CONFIG })->exit;
	buf_release(&r.accounts);
	buf_release(&r.told);
	buf_release(&out);
	return code;
}

int cmd_config(struct globals *globals, char **words, int count)
{
	struct config config;
	struct buf out = BUF_INIT(64 << 20);
	struct err e = { 0 };
	bool checks;
	int code;

	if (opt_parse(NULL, NULL, globals, words, &count, &e) < 0)
		return print_failure(&e);
	if (globals->help) {
		char name[] = "config", *named[] = { name };

		return cmd_help(globals, named, 1);
	}
	checks = count == 1 && !strcmp(words[0], "check");
	if (!checks && count && (strcmp(words[0], "show") != 0 || count > 2)) {
		err_set(&e, ERR_USAGE, "config does not know these words");
		err_hint(&e, "try `sendoff config show`, `sendoff config show ACCOUNT` or "
			"`sendoff config check`");
		return print_failure(&e);
	}
	code = config_load(&config, globals->config, &e);
	if (code == 0 && !checks)
		code = show(&config, count == 2 ? words[1] : globals->account, globals->json,
			&out, &e);
	if (code < 0)
		code = print_failure(&e);
	else
		code = checks ? check(&config, globals->json) : print_out(&out);
	config_release(&config);
	buf_release(&out);
	return code;
}
