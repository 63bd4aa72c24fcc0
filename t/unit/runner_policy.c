/* t/unit/runner_policy.c - what the accepting role is told, and what it is not. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "deliver/route.h"
#include "runner/policy.h"

static char directory[] = "/tmp/sendoff-policy-XXXXXX";

static char *write_file(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		printf("Bail out! %s\n", path);
	close(fd);
	return path;
}

static const char settings[] =
	"[sendoff]\n"
	"default = work\n"
	"domain = example.test\n"
	"aliases = %s/aliases\n"
	"admin = boss@example.net\n"
	"local_names = box.example.test, box\n"
	"on_failure = curl https://hook-secret.example/SECRET-IN-A-COMMAND\n"
	"max_message = 10M\n"
	"quota_messages = 77\n"
	"quota_bytes = 1G\n"
	"min_free = 0\n"
	"trace = no\n"
	"retry = 2m 1h\n"
	"\n"
	"[account work]\n"
	"host = mail.SECRET-HOST.example\n"
	"user = SECRET-USER\n"
	"password = SECRET-PASSWORD\n"
	"from = me@example.com\n"
	"allowed_from = also@example.com\n"
	"users = *\n"
	"\n"
	"[account staff]\n"
	"host = localhost\n"
	"tls = off\n"
	"user = SECRET-USER\n"
	"password_command = pass show SECRET-COMMAND\n"
	"from = staff@example.com\n"
	"match = *@staff.example.com\n"
	"users = @staff, carol\n"
	"\n"
	"[account third]\n"
	"host = localhost\n"
	"user = SECRET-USER\n"
	"password_file = %s/SECRET-FILE\n"
	"tls_cert = /SECRET-CERT\n"
	"tls_key = /SECRET-KEY\n"
	"\n"
	"[account fourth]\n"
	"host = localhost\n"
	"user = SECRET-USER\n"
	"password_env = SECRET_VARIABLE\n";

static json_t *policy_of_file(void)
{
	char *text = mem_printf(settings, directory, directory);
	char *path = write_file("config", text), *aliases, *list;
	struct config c;
	struct alias_book b;
	struct err e = { 0 };
	json_t *out;

	setenv("SECRET_VARIABLE", "SECRET-IN-THE-ENVIRONMENT", 1);
	list = mem_printf("root: admin@example.net\nstaff: :include:%s/list\n"
		"broken: :include:%s/absent\n", directory, directory);
	aliases = write_file("aliases", list);
	free(list);
	list = write_file("list", "ann@example.org\n# by hand\nbea@example.org, :include:/nowhere\n");
	check_int(config_load(&c, path, &e), 0, "a configuration: %s", e.text);
	check_int(alias_book_load(&b, &c, false, &e), 0, "aliases: %s", e.text);
	out = policy_make(&c, &b, NULL);
	alias_book_release(&b);
	config_release(&c);
	free(text);
	free(path);
	free(aliases);
	free(list);
	return out;
}

static struct person person(uid_t uid, const char *name, char **groups, size_t count)
{
	struct person who = { .uid = uid, .lasting = true, .groups = groups, .group_count = count };

	snprintf(who.name, sizeof(who.name), "%s", name);
	return who;
}

static void test_no_secret(const json_t *made)
{
	char *text = json_dumps(made, JSON_COMPACT);
	static const char *const parts[] = { "SECRET", "hook-secret", "pass show", "mail.", NULL };

	for (size_t i = 0; parts[i]; i++)
		check(!strstr(text, parts[i]), "D9 nothing of '%s' crosses the channel", parts[i]);
	check(strstr(text, "me@example.com"), "addresses do");
	free(text);
}

static void test_settings(struct policy *p)
{
	const struct global_settings *g = &p->config.global;

	check_text(config_domain(&p->config), "example.test", "the domain");
	check_text(g->admin, "boss@example.net", "admin");
	check_int(g->max_message, 10 << 20, "max_message");
	check_int(g->quota_messages, 77, "quota_messages");
	check_int(g->quota_bytes, 1L << 30, "quota_bytes");
	check_int(g->min_free, 0, "min_free");
	check_int(g->trace, TRACE_NO, "trace");
	check_int(g->retry.first, 120000, "the first wait");
	check_int(g->retry.most, 3600000, "the longest");
	check(g->local_names.count >= 3 && !strcmp(g->local_names.items[0], "box.example.test"),
		"local names, and this machine's own");
	check_int(p->config.count, 4, "accounts");
	check_text(p->config.accounts[0].who.from, "me@example.com", "whose they are");
	check(!p->config.accounts[0].net.host && !p->config.accounts[0].secret.password.data,
		"D9 and nothing else of them");
	check(!p->problem, "nothing is wrong");
}

static void test_entitlement(const struct policy *p)
{
	char staff[] = "staff", users[] = "users";
	char *groups[] = { users, staff };
	struct person ann = person(1000, "ann", groups, 2), bob = person(1001, "bob", groups, 1),
		carol = person(1002, "carol", groups, 1), root = person(0, "root", groups, 0);
	struct err e = { 0 };

	check_int(policy_may_use(p, "work", &bob, &e), 0, "F4 '*': everybody");
	check_int(policy_may_use(p, "staff", &ann, &e), 0, "F4 '@staff': one of the group");
	check_int(policy_may_use(p, "staff", &carol, &e), 0, "F4 a name");
	check_int(policy_may_use(p, "staff", &bob, &e), -1, "F4 nobody else");
	check_int(e.kind, ERR_RIGHT, "F4 has no right: %s", e.text);
	check_int(policy_may_use(p, "third", &ann, &e), -1, "F4 without users: nobody");
	check_int(policy_may_use(p, "third", &root, &e), 0, "F4 but root");
	check_int(policy_may_use(p, "fifth", &root, &e), -1, "one that is not there");
	check_int(e.kind, ERR_USAGE, "is not known: %s", e.text);
}

static void test_explain(const struct policy *p)
{
	char users[] = "users";
	char *groups[] = { users };
	struct person bob = person(1001, "bob", groups, 1), carol = person(1002, "carol", groups, 1);
	struct route_question q = { .sender = "x@staff.example.com", .from = "" };
	struct err e = { 0 };
	json_t *out = json_object();

	check_int(policy_explain(p, &carol, &q, out, &e), 0, "by the sender: %s", e.text);
	check_text(json_string_value(json_object_get(out, "account")), "staff", "the account");
	check_text(json_string_value(json_object_get(out, "from")), "staff@example.com",
		"and its address");
	json_object_clear(out);
	check_int(policy_explain(p, &bob, &q, out, &e), 0, "F4 who may not use it: %s", e.text);
	check_text(json_string_value(json_object_get(out, "account")), "work", "F4 has the default");
	q.wanted = "staff";
	check_int(policy_explain(p, &bob, &q, out, &e), -1, "F4 and may not ask for it");
	check_int(e.kind, ERR_RIGHT, "F4 rightly: %s", e.text);
	json_decref(out);
}

static void collect(void *context, const char *address)
{
	struct buf *out = context;

	buf_printf(out, "%s ", address);
}

static void check_alias(struct policy *p, const char *name, int want, const char *addresses)
{
	struct buf out = BUF_INIT(0);
	struct alias_rules rules;
	struct err e = { 0 };

	policy_rules(p, &rules);
	check_int(alias_resolve(&rules, name, collect, &out, &e), want, "'%s': %s", name, e.text);
	check_text(buf_text(&out), addresses, "goes to '%s'", addresses);
	buf_release(&out);
}

static void test_aliases(struct policy *p)
{
	check_alias(p, "root", 0, "admin@example.net ");
	check_alias(p, "whoever", 0, "boss@example.net ");
	check_alias(p, "whoever@box", 0, "boss@example.net ");
	check_alias(p, "x@elsewhere.example", 0, "x@elsewhere.example ");
	check_alias(p, "broken", -1, "");
	check_alias(p, "staff", -1, "");   /* its list includes what is not there */
	for (size_t i = 0; i < p->include_count; i++)
		if (strstr(p->includes[i].path, "/list")) {
			free(p->includes[i].text);
			p->includes[i].text = mem_string("ann@example.org\nbea@example.org\n");
		}
	check_alias(p, "staff", 0, "ann@example.org bea@example.org ");
}

/* Accepting never depends on accounts. */
static void test_without(void)
{
	json_t *made = policy_make(NULL, NULL, "/etc/sendoff/config:3: no key is called 'hots'");
	struct person who = person(1000, "ann", NULL, 0);
	struct route_question q = { .from = "" };
	struct policy p;
	struct err e = { 0 };
	json_t *out = json_object();

	check_int(policy_read(&p, made, &e), 0, "no configuration: %s", e.text);
	check_text(p.problem, "/etc/sendoff/config:3: no key is called 'hots'", "why");
	check(p.config.global.quota_messages > 0 && p.config.global.max_message > 0,
		"F5 limits are there all the same");
	check(p.config.global.domain != NULL, "a domain too");
	check_int(policy_may_use(&p, "anything", &who, &e), 0, "every account is taken, and waits");
	check_int(policy_explain(&p, &who, &q, out, &e), -1, "nothing can be explained");
	check(strstr(e.text, "config:3"), "but why: %s", e.text);
	check_alias(&p, "x@elsewhere.example", 0, "x@elsewhere.example ");
	policy_release(&p);
	json_decref(out);
	json_decref(made);
}

/* Whatever is missing or of another type: refused, or left out, never a crash. */
static void test_strange(const json_t *made)
{
	static const char *const texts[] = {
		"{}", "{\"global\":7}", "{\"accounts\":[{}]}", "{\"accounts\":[7]}",
		"{\"tables\":[7]}", "{\"tables\":[{\"table\":9,\"name\":\"x\",\"text\":\"\"}]}",
		"{\"tables\":[{\"table\":1,\"name\":\"x\",\"text\":\"?\"}]}", "{\"includes\":[7]}",
		"{\"includes\":[{\"path\":\"/x\"}]}", "{\"global\":{\"max_message\":\"much\"}}",
		"{\"global\":{\"password\":\"x\",\"default\":\"\"}}", NULL
	};
	json_t *copy;

	for (size_t i = 0; texts[i]; i++) {
		json_t *object = json_loads(texts[i], 0, NULL);
		struct policy p;
		struct err e = { 0 };
		int good = policy_read(&p, object, &e);

		check(good == 0 || e.kind == ERR_INTERNAL, "%s: %d %s", texts[i], good, e.text);
		if (good == 0)
			policy_release(&p);
		json_decref(object);
	}
	copy = json_deep_copy(made);
	for (void *at = json_object_iter(copy); at; at = json_object_iter(copy)) {
		struct policy p;
		struct err e = { 0 };

		json_object_del(copy, json_object_iter_key(at));
		check_int(policy_read(&p, copy, &e), 0, "less and less of it: %s", e.text);
		policy_release(&p);
	}
	json_decref(copy);
}

int main(void)
{
	struct policy p;
	struct err e = { 0 };
	json_t *made;

	if (!mkdtemp(directory))
		return 1;
	made = policy_of_file();
	test_no_secret(made);
	check_int(policy_read(&p, made, &e), 0, "read: %s", e.text);
	test_settings(&p);
	test_entitlement(&p);
	test_explain(&p);
	test_aliases(&p);
	policy_release(&p);
	test_without();
	test_strange(made);
	json_decref(made);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "config", "aliases", "list" };
		char *path = mem_printf("%s/%s", directory, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(directory);
	return tap_done();
}
