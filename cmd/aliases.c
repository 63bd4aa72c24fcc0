/* cmd/aliases.c - newaliases and sendmail -bv: are the aliases right, and what
 * does a name become? */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/queue.h"
#include "cmd/sendmail.h"
#include "deliver/aliases.h"
#include "mail/envelope.h"

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
	const char *address = json_string_value(json_object_get(object, "address"));

	if (address)
		add_result(context, address);
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
	char *text;
	int r;

	v->list = json_array();
	buf_clear(&v->out);
	if (is_system(c))
		r = queues_ask(json_pack("{s:s, s:s}", "do", "verify", "address", v->address),
			take_result, v, e);
	else
		r = alias_resolve(rules, v->address, add_result, v, e);
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
