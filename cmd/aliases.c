/* cmd/aliases.c - newaliases and sendmail -bv: are the aliases right, and what
 * does a name become? */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/queue.h"
#include "cmd/sendmail.h"
#include "deliver/aliases.h"
#include "mail/envelope.h"

static void ignore(void *context, const char *address)
{
	(void)context;
	(void)address;
}

/* Lines that read well and lead nowhere: circles, lists that cannot be read.  Many names
 * may lead to one of them. */
static void add_dead_ends(const struct alias_book *b, struct buf *out)
{
	struct err why, left_out;
	struct alias_rules rules = *alias_book_rules(b);
	const struct err *told;
	const char *name;

	rules.left_out = &left_out;
	for (size_t i = 0; i < COUNT(rules.tables); i++)
		for (size_t k = 0; rules.tables[i] &&
				(name = alias_table_alias(rules.tables[i], k)); k++) {
			why = left_out = (struct err){ 0 };
			told = alias_resolve(&rules, name, ignore, NULL, &why) < 0 ? &why : &left_out;
			if (told->kind != ERR_NONE && !strstr(buf_text(out), told->text))
				buf_printf(out, "%s\n", told->text);
		}
}

/* Packages call this after a change: a line that is not right is told and stops
 * nothing, a file that cannot be used at all is an error. */
int aliases_check(const struct globals *globals)
{
	struct config config;
	struct alias_book book;
	struct buf out = BUF_INIT(ALIASES_FILE_MAX);
	struct err e = { 0 };
	bool good = config_load(&config, globals->config, &e) == 0;
	int code = 0;

	e = (struct err){ 0 };
	if (alias_book_load(&book, good ? &config : NULL, true, &e) < 0) {
		code = print_failure(&e);
	} else {
		for (size_t i = 0; i < 2; i++)
			if (book.tables[i])
				buf_add_text(&out, alias_table_faults(book.tables[i]));
		add_dead_ends(&book, &out);
		if (!globals->quiet)
			print_err(&out);
		alias_book_release(&book);
	}
	config_release(&config);
	buf_release(&out);
	return code;
}

/* ---- -bv */

struct verifying {
	const struct globals *globals;
	const char *address;
	struct buf out;        /* lines, or the members of a list */
	json_t *list;          /* own */
	struct err left_out;
};

static void add_result(void *context, const char *address)
{
	struct verifying *v = context;
	struct buf clean = BUF_INIT(4 * TEXT_SHOWN_MAX);

	text_clean(address, strlen(address), 2 * TEXT_SHOWN_MAX, &clean);
	if (v->globals->json) {
		json_array_append_new(v->list, json_string(buf_text(&clean)));
	} else {
		text_clean(v->address, strlen(v->address), 2 * TEXT_SHOWN_MAX, &v->out);
		buf_printf(&v->out, ": %s\n", buf_text(&clean));
	}
	buf_release(&clean);
}

static void take_result(void *context, const json_t *object)
{
	struct verifying *v = context;
	const char *address = json_string_value(json_object_get(object, "address"));
	const char *left_out = json_string_value(json_object_get(object, "left_out"));
	const char *hint = json_string_value(json_object_get(object, "hint"));

	if (address)
		add_result(context, address);
	if (left_out) {
		err_set(&v->left_out, ERR_CONFIG, "%s", left_out);
		err_hint(&v->left_out, "%s", hint ? hint : "");
	}
}

/* Which aliases count is up to whoever takes the message. */
static bool is_system(const struct config *c)
{
	const struct account *a = NULL;
	struct err ignored = { 0 };

	return config_default(c, &a, &ignored) == 0 && a->scope == SCOPE_SYSTEM &&
		config_has_runner();
}

static int verify_one(struct verifying *v, const struct config *c, const struct alias_rules *rules,
	struct err *e)
{
	struct alias_rules mine = *rules;
	char *text;
	int r;

	mine.left_out = &v->left_out;
	v->left_out = (struct err){ 0 };
	v->list = json_array();
	buf_clear(&v->out);
	if (is_system(c))
		r = queues_ask(json_pack("{s:s, s:s}", "do", "verify", "address", v->address),
			take_result, v, e);
	else
		r = alias_resolve(&mine, v->address, add_result, v, e);
	if (r == 0 && v->globals->json) {
		json_t *object = json_pack("{s:s, s:O}", "address", v->address, "becomes", v->list);

		text = json_dumps(object, JSON_COMPACT);
		buf_printf(&v->out, "%s\n", text ? text : "{}");
		free(text);
		json_decref(object);
	}
	json_decref(v->list);
	return r;
}

static int verify_all(const struct globals *globals, const struct config *c,
	const struct alias_rules *rules, const struct envelope *env)
{
	struct verifying v = { .globals = globals, .out = BUF_INIT(ALIASES_FILE_MAX) };
	int code = 0;

	for (size_t i = 0; i < env->count; i++) {
		struct err e = { 0 };
		int one;

		v.address = env->recipients[i];
		if (verify_one(&v, c, rules, &e) < 0)
			one = print_failure(&e);
		else
			one = print_out(&v.out);
		if (v.left_out.kind != ERR_NONE) {
			err_context(&v.left_out, "left out");
			print_failure(&v.left_out);
		}
		code = one > code ? one : code;
	}
	buf_release(&v.out);
	return code;
}

int aliases_verify(const struct globals *globals, char *const *words, size_t count)
{
	struct envelope env = { .sender = NULL };
	struct alias_book book = { .local_names = NULL };
	struct config config;
	struct err e = { 0 };
	int r = config_load(&config, globals->config, &e), code;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = envelope_add_word(&env, words[i], NULL, &e);
	if (r == 0 && !env.count)
		r = err_set(&e, ERR_USAGE, "no address is given to be verified");
	if (r == 0)
		r = alias_book_load(&book, &config, true, &e);
	if (r == 0)
		code = verify_all(globals, &config, alias_book_rules(&book), &env);
	else
		code = print_failure(&e);
	alias_book_release(&book);
	envelope_release(&env);
	config_release(&config);
	return code;
}
