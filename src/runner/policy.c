/* runner/policy.c - what the accepting role is told; see policy.h.
 *
 * Settings cross the channel as the texts that a configuration file would hold.
 * The two lists of keys are all that does.
 */
#include "runner/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/text.h"
#include "deliver/route.h"

enum { INCLUDES_MOST = 200, TABLES = 2 };

static const char usual_aliases[] = "/etc/aliases";

static const char *const global_told[] = {
	"default", "domain", "admin", "local_names", "max_age", "delay_notice", "retry",
	"max_message", "quota_messages", "quota_bytes", "min_free", "trace", NULL
};
static const char *const account_told[] = {
	"from", "match", "allowed_from", "users", NULL
};

static bool is_told(const char *const *names, const struct key *row)
{
	for (; *names; names++)
		if (!strcmp(*names, row->name))
			return row->type != KEY_SECRET && row->type != KEY_URL;
	return false;
}

/* ---- settings */

static json_t *write_settings(const struct conf_table *tables, const char *const *names,
	const void *object)
{
	json_t *out = json_object();

	for (; tables->keys; tables++)
		for (const struct key *row = tables->keys; row->name; row++) {
			struct buf text = BUF_INIT(0);

			if (!is_told(names, row))
				continue;
			key_write(row, (const char *)object + tables->base + row->offset, &text);
			if (text.len)
				json_object_set_new(out, row->name, json_string(buf_text(&text)));
			buf_release(&text);
		}
	return out;
}

static int read_settings(const struct conf_table *tables, const char *const *names,
	const json_t *in, void *object, struct err *e)
{
	static const struct conf_source nothing = { .name = NULL };

	if (conf_fill(&nothing, names == global_told ? CONF_GLOBAL : CONF_ACCOUNT, NULL, tables,
			true, object, e) < 0)
		return -1;
	for (; tables->keys; tables++)
		for (const struct key *row = tables->keys; row->name; row++) {
			const char *text = json_string_value(json_object_get(in, row->name));

			if (is_told(names, row) && text && key_parse(row, text,
					(char *)object + tables->base + row->offset, e) < 0)
				return -1;
		}
	return 0;
}

/* ---- aliases: octets of files, which need not be UTF-8 */

static json_t *encode(const char *text, size_t len)
{
	struct buf out = BUF_INIT(2 * (size_t)ALIASES_FILE_MAX);
	json_t *string;

	base64_encode(text, len, &out);
	string = json_string(buf_text(&out));
	buf_release(&out);
	return string;
}

static char *decode(const json_t *string)
{
	struct buf out = BUF_INIT(2 * (size_t)ALIASES_FILE_MAX);
	const char *text = json_string_value(string);

	if (!text || base64_decode(text, strlen(text), &out) < 0 || !buf_ok(&out)) {
		buf_release(&out);
		return NULL;
	}
	return buf_take(&out);
}

struct includes {
	json_t *list;
	const struct alias_book *book;
	size_t octets;
};

static bool is_listed(const struct includes *x, size_t table, const char *path)
{
	size_t i;
	json_t *one;

	json_array_foreach(x->list, i, one)
		if (json_integer_value(json_object_get(one, "table")) == (json_int_t)table &&
		    !strcmp(json_string_value(json_object_get(one, "path")), path))
			return true;
	return false;
}

static void add_includes(struct includes *x, size_t table, const char *text);

static void add_include(struct includes *x, size_t table, const char *path)
{
	json_t *one = json_pack("{s:i, s:s}", "table", (int)table, "path", path);
	struct buf text = BUF_INIT(ALIASES_FILE_MAX);
	struct err e = { 0 };
	bool good;

	if (!one)
		return;   /* no UTF-8: it is not found when it is asked for */
	json_array_append_new(x->list, one);
	good = alias_book_read(x->book, table, path, &text, &e) == 0;
	if (good && text.len > ALIASES_FILE_MAX - x->octets) {
		good = false;
		err_set(&e, ERR_CONFIG, "the files that aliases include are too large");
	}
	if (good) {
		x->octets += text.len;
		json_object_set_new(one, "text", encode(buf_text(&text), text.len));
		add_includes(x, table, buf_text(&text));
	} else {
		json_object_set_new(one, "why", json_string(e.text));
	}
	buf_release(&text);
}

/* Whatever looks like the name of an included file: one too many does no harm. */
static void add_includes(struct includes *x, size_t table, const char *text)
{
	static const char word[] = ":include:";

	while ((text = strcasestr(text, word)) && json_array_size(x->list) < INCLUDES_MOST) {
		size_t len;
		char *path;

		text += sizeof(word) - 1;
		text += strspn(text, " \t");
		len = strcspn(text, "\",\r\n");
		path = mem_copy(text, len);
		while (len && (path[len - 1] == ' ' || path[len - 1] == '\t'))
			path[--len] = '\0';
		if (path[0] == '/' && !is_listed(x, table, path))
			add_include(x, table, path);
		free(path);
	}
}

static void write_aliases(json_t *out, const struct config *c, const struct alias_book *b)
{
	struct includes x = { .list = json_array(), .book = b };
	json_t *tables = json_array();

	for (size_t i = 0; b && i < TABLES; i++) {
		struct buf text = BUF_INIT(2 * (size_t)ALIASES_FILE_MAX);
		json_t *one;

		if (!b->tables[i])
			continue;
		alias_table_write(b->tables[i], &text);
		one = json_pack("{s:i, s:s}", "table", (int)i, "name",
			c && c->global.aliases ? c->global.aliases : usual_aliases);
		json_object_set_new(one, "text", encode(buf_text(&text), text.len));
		json_array_append_new(tables, one);
		add_includes(&x, i, buf_text(&text));
		buf_release(&text);
	}
	json_object_set_new(out, "tables", tables);
	json_object_set_new(out, "includes", x.list);
}

static int read_tables(struct policy *p, const json_t *list, struct err *e)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one) {
		json_int_t table = json_integer_value(json_object_get(one, "table"));
		const char *name = json_string_value(json_object_get(one, "name"));
		char *text = decode(json_object_get(one, "text"));
		int good = -1;

		if (text && name && table >= 0 && table < TABLES && !p->tables[table])
			good = alias_table_parse(&p->tables[table], name, text, strlen(text), e);
		else
			err_set(e, ERR_INTERNAL, "a table of aliases cannot be understood");
		free(text);
		if (good < 0)
			return -1;
	}
	return 0;
}

static int read_includes(struct policy *p, const json_t *list, struct err *e)
{
	size_t i;
	json_t *one;

	p->includes = mem_grow(NULL, json_array_size(list) + 1, sizeof(*p->includes));
	json_array_foreach(list, i, one) {
		const char *path = json_string_value(json_object_get(one, "path"));
		const char *why = json_string_value(json_object_get(one, "why"));
		struct policy_include *to = &p->includes[p->include_count];

		if (!path)
			return err_set(e, ERR_INTERNAL, "an included file has no name");
		*to = (struct policy_include){
			.table = (size_t)json_integer_value(json_object_get(one, "table")),
			.path = mem_string(path), .text = decode(json_object_get(one, "text")),
			.why = mem_string(why ? why : "an included file cannot be read"),
		};
		p->include_count++;
	}
	return 0;
}

/* ---- all of it */

static const char *own_domain(void)
{
	return host_mailname() ? host_mailname() : host_name();
}

static json_t *local_names(const struct config *c)
{
	const char **names = aliases_local_names(c);
	struct buf text = BUF_INIT(64 * 1024);
	json_t *string;

	for (size_t i = 0; names[i]; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", names[i]);
	string = json_string(buf_text(&text));
	free(names);
	buf_release(&text);
	return string;
}

json_t *policy_make(const struct config *c, const struct alias_book *b, const char *problem)
{
	json_t *out = json_object(), *accounts = json_array();
	json_t *global = c ? write_settings(global_tables, global_told, &c->global) : json_object();

	json_object_set_new(global, "local_names", local_names(c));
	json_object_set_new(global, "domain", json_string(c ? config_domain(c) : own_domain()));
	for (size_t i = 0; c && i < c->count; i++)
		json_array_append_new(accounts, json_pack("{s:s, s:o}", "name", c->accounts[i].name,
			"who", write_settings(account_tables, account_told, &c->accounts[i])));
	json_object_set_new(out, "host", json_string(host_name()));
	if (problem)
		json_object_set_new(out, "problem", json_string(problem));
	json_object_set_new(out, "global", global);
	json_object_set_new(out, "accounts", accounts);
	write_aliases(out, c, b);
	return out;
}

void policy_keep_aliases(json_t *policy, const json_t *from)
{
	static const char *const names[] = { "tables", "includes" };

	for (size_t i = 0; i < COUNT(names); i++)
		json_object_set(policy, names[i], json_object_get(from, names[i]));
}

/* Where they come from; it holds nothing that could be asked for. */
static const struct conf_source told = { .name = NULL };

static int read_accounts(struct policy *p, const json_t *list, struct err *e)
{
	struct config *c = &p->config;
	size_t i;
	json_t *one;

	c->accounts = mem_grow(NULL, json_array_size(list) + 1, sizeof(*c->accounts));
	json_array_foreach(list, i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		struct account *a = &c->accounts[c->count++];

		memset(a, 0, sizeof(*a));
		a->name = mem_string(name ? name : "");
		a->scope = SCOPE_SYSTEM;
		a->source = &told;
		if (read_settings(account_tables, account_told, json_object_get(one, "who"), a,
				e) < 0)
			return -1;
	}
	return 0;
}

static void list_local_names(struct policy *p)
{
	const struct key_list *names = &p->config.global.local_names;

	p->local_names = mem_alloc((names->count + 1) * sizeof(*p->local_names));
	for (size_t i = 0; i < names->count; i++)
		p->local_names[i] = names->items[i];
}

int policy_read(struct policy *p, const json_t *object, struct err *e)
{
	const char *host = json_string_value(json_object_get(object, "host"));
	const char *problem = json_string_value(json_object_get(object, "problem"));
	struct config *c = &p->config;

	memset(p, 0, sizeof(*p));
	p->host = mem_string(host ? host : "localhost");
	p->problem = problem ? mem_string(problem) : NULL;
	if (read_settings(global_tables, global_told, json_object_get(object, "global"),
			&c->global, e) < 0 ||
	    account_finish_global(&c->global, NULL, e) < 0 ||
	    read_accounts(p, json_object_get(object, "accounts"), e) < 0 ||
	    read_tables(p, json_object_get(object, "tables"), e) < 0 ||
	    read_includes(p, json_object_get(object, "includes"), e) < 0) {
		policy_release(p);
		e->kind = ERR_INTERNAL;
		return err_context(e, "what the supervisor tells");
	}
	list_local_names(p);
	return 0;
}

void policy_release(struct policy *p)
{
	config_release(&p->config);
	for (size_t i = 0; i < TABLES; i++)
		alias_table_free(&p->tables[i]);
	for (size_t i = 0; i < p->include_count; i++) {
		free(p->includes[i].path);
		free(p->includes[i].text);
		free(p->includes[i].why);
	}
	free(p->includes);
	free(p->local_names);
	free(p->host);
	free(p->problem);
	memset(p, 0, sizeof(*p));
}

/* ---- its use */

static int include(void *context, size_t table, const char *path, struct buf *out, struct err *e)
{
	const struct policy *p = context;
	char shown[256];

	for (size_t i = 0; i < p->include_count; i++) {
		const struct policy_include *one = &p->includes[i];

		if (one->table != table || strcmp(one->path, path) != 0)
			continue;
		if (!one->text)
			return err_set(e, ERR_CONFIG, "%s", one->why);
		buf_add_text(out, one->text);
		return buf_ok(out) ? 0 : err_set(e, ERR_CONFIG, "an included file is too large");
	}
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	return err_set(e, ERR_CONFIG, "'%s' is included by the aliases and was not read", shown);
}

void policy_rules(struct policy *p, struct alias_rules *rules)
{
	*rules = (struct alias_rules){
		.tables = { p->tables[0], p->tables[1] }, .admin = p->config.global.admin,
		.domain = config_domain(&p->config), .local_names = p->local_names,
		.include = include, .context = p,
	};
}

static bool may_use(const struct policy *p, const struct account *a, const struct person *who)
{
	const struct account *first = NULL;
	struct err ignored;

	if (who->uid == 0)
		return true;
	if (a->who.users.count)
		return people_are_listed(who, a->who.users.items, a->who.users.count);
	return config_default(&p->config, &first, &ignored) == 0 && first == a;
}

int policy_may_use(const struct policy *p, const char *account, const struct person *who,
	struct err *e)
{
	const struct account *a = config_account(&p->config, account);
	char shown[80];

	if (!p->config.count || (a && may_use(p, a, who)))
		return 0;
	text_clean_to(shown, sizeof(shown), account, strlen(account));
	if (!a)
		return err_set(e, ERR_USAGE, "this machine has no account '%s'", shown);
	err_set(e, ERR_RIGHT, "account '%s' of this machine is not for this user", shown);
	return err_hint(e, "ask the administrator to add the user to its users");
}

int policy_explain(const struct policy *p, const struct person *who,
	const struct route_question *q, json_t *out, struct err *e)
{
	static char all[] = "*", none[] = "";
	char *everybody[] = { all }, *nobody[] = { none };
	struct config c = p->config;
	struct route_question about = *q;
	struct route route = { .account = NULL };
	enum route_answer answer;

	if (!c.count)
		return err_set(e, ERR_CONFIG, "%s", p->problem ? p->problem :
			"this machine has no account yet");
	/* Who belongs to which group is known here, and cannot be looked up there. */
	c.accounts = mem_grow(NULL, c.count, sizeof(*c.accounts));
	for (size_t i = 0; i < c.count; i++) {
		c.accounts[i] = p->config.accounts[i];
		c.accounts[i].who.users = (struct key_list){
			may_use(p, &p->config.accounts[i], who) ? everybody : nobody, 1
		};
	}
	about.user = who->name;
	about.uid = who->uid;
	answer = route_choose(&c, &about, &route, e);
	if (answer == ROUTE_FOUND) {
		json_object_set_new(out, "account", json_string(route.account->name));
		json_object_set_new(out, "from", json_string(route.account->who.from ?
			route.account->who.from : ""));
		json_object_set_new(out, "why", json_string(route.why));
	} else if (answer == ROUTE_NOT_YET) {
		err_set(e, ERR_USAGE, "the From header decides which account carries it");
	}
	free(c.accounts);
	return answer == ROUTE_FOUND ? 0 : -1;
}
