/* t/unit/conf_fill.c - entries into structs: secrets whole, who overrides whom,
 * and which line decided.
 */
#include "t/unit/conf_tables.h"

static const char whole[] =
	BOM "# all there is\r\n"
	"[sendoff]\r\n"
	"default = work\n"
	"\n"
	"[account work]\n"
	"  host = work.example.com\n"
	"  from =\n"
	"  password = p ;w\n"
	"[defaults]\n"
	"port = 465\n"
	"timeout = 90\n"
	"from = a@example.com, b@example.com\n"
	"verify = no\n"
	"[account home]\n"
	"port = 25\n"
	"verify = yes\n"
	"host = home.example.com\n";

static void check_secret(const char *secret, const char *what)
{
	char *text = mem_printf("[account a]\npassword = %s\nhost = h\n", secret);
	struct account a = { 0 };
	struct conf_source src;
	struct err e;

	check_int(parse(&src, text, strlen(text), &e), 0, "password with %s: taken", what);
	check_int(conf_fill(&src, CONF_ACCOUNT, "a", account_tables, true, &a, &e), 0, "filled");
	check_text(a.login.password.data, secret, "password with %s: whole", what);
	check_int(a.login.password.len, strlen(secret), "its length");
	check_text(a.server.host, "h", "the line behind it");
	check(src.has_secret, "the source knows that it holds a secret");
	conf_clear(account_tables, &a);
	conf_release(&src);
	free(text);
}

static void test_secrets(void)
{
	static const char *const secrets[] = {
		"a ;b", "a #b", ";a", "#a", "a;", "=a=", ":a:", "a\"b", "\"a", "a\"", "'a'", "\\",
		"\\n",
		"$HOME `id` %s", "[a]", "a  b", "a\tb",
		"p\xc3\xa4ss\xe2\x82\xac ;w\xf0\x9f\x94\x91",
		"\xff\xfe\x80", "\x01\x1b\x7f", "\xc2\x85", "a=b ;c:d #e \"f\" g",
	};
	char every[2 * 95 + 1], one[32];
	size_t n = 0;

	for (char c = '!'; c <= '~'; c++) {
		every[n++] = c;
		every[n++] = c == '~' ? '!' : ' ';
		snprintf(one, sizeof(one), "%c", c);
		check_secret(one, "one printable octet");
		snprintf(one, sizeof(one), "x %c%c", c, c);
		check_secret(one, "a blank and two octets");
	}
	every[n] = '\0';
	check_secret(every, "every printable octet");
	for (size_t i = 0; i < COUNT(secrets); i++) {
		snprintf(one, sizeof(one), "case %zu", i);
		check_secret(secrets[i], one);
	}
}

static void test_quoted_secret(void)
{
	static const char text[] = "[account a]\npassword = \" \"a\" ;b \"\n[account "
		"b]\npassword=\n";
	struct conf_source src;
	struct err e;

	check_int(parse(&src, text, sizeof(text) - 1, &e), 0, "a quoted password");
	check_text(src.entries[0].value, " \"a\" ;b ", "loses the outer quotes only");
	check(src.has_secret, "and is a secret");
	conf_release(&src);
	check_int(parse(&src, text + 34, sizeof(text) - 35, &e), 0, "an empty password");
	check_int(src.count, 1, "is an entry");
	check(!src.has_secret, "and no secret");
	conf_release(&src);
}

static void test_fill(void)
{
	struct global_part g = { 0 };
	struct account a = { .canary = 42 };
	struct conf_source src;
	struct err e;

	check_int(parse(&src, whole, sizeof(whole) - 1, &e), 0, "a whole file");
	check_text(src.name, "/etc/f", "the source has its name");
	check_int(src.account_count, 2, "two accounts");
	check_text(src.accounts[0], "work", "the first");
	check_text(src.accounts[1], "home", "the second");
	check_int(conf_fill(&src, CONF_GLOBAL, NULL, global_tables, true, &g, &e), 0, "[sendoff]");
	check_text(g.account, "work", "given");
	check_int(g.max_age, 432000000, "by default");
	conf_clear(global_tables, &g);
	check(!g.account && !g.max_age, "cleared");

	check_int(conf_fill(&src, CONF_ACCOUNT, "work", account_tables, true, &a, &e), 0, "work");
	check_text(a.server.host, "work.example.com", "its own host");
	check_int(a.server.port, 465, "port of [defaults], which stands behind it");
	check_int(a.server.timeout, 90000, "timeout of [defaults]");
	check_int(a.from.count, 0, "an empty value beats [defaults] and the row's default");
	check(!a.verify, "verify of [defaults]");
	check_text(a.login.password.data, "p ;w", "password");
	check(!a.login.user, "no user");
	check_int(a.canary, 42, "what is no field is left alone");
	conf_clear(account_tables, &a);

	check_int(conf_fill(&src, CONF_ACCOUNT, "home", account_tables, true, &a, &e), 0, "home");
	check_int(a.server.port, 25, "its own port");
	check_int(a.from.count, 2, "two addresses of [defaults]");
	check_text(a.from.items[1], "b@example.com", "the second");
	check(a.verify && !a.login.password.data, "the rest");
	conf_clear(account_tables, &a);

	check_int(conf_fill(&src, CONF_ACCOUNT, NULL, account_tables, true, &a, &e), 0,
		"no account");
	check(!a.server.host && a.server.port == 465, "only the defaults");
	conf_clear(account_tables, &a);
	check_int(conf_fill(&src, CONF_ACCOUNT, "Work", account_tables, true, &a, &e), 0,
		"an account that is not there");
	check(!a.server.host && a.server.port == 465, "only the defaults");
	conf_clear(account_tables, &a);
	conf_release(&src);
}

static void test_fill_twice(void)
{
	static const char first[] = "[defaults]\nuser = one\nfrom = a\n[account x]\nhost = h\n";
	static const char second[] = "[account x]\nuser = two\nport = 99\n";
	struct account a = { 0 };
	struct conf_source src;
	struct err e;

	parse(&src, first, sizeof(first) - 1, &e);
	conf_fill(&src, CONF_ACCOUNT, "x", account_tables, true, &a, &e);
	conf_release(&src);
	parse(&src, second, sizeof(second) - 1, &e);
	check_int(conf_fill(&src, CONF_ACCOUNT, "x", account_tables, false, &a, &e), 0,
		"a second source");
	conf_release(&src);
	check_text(a.login.user, "two", "overrides");
	check_int(a.server.port, 99, "and adds");
	check_text(a.server.host, "h", "and leaves the rest");
	check_text(a.from.items[0], "a", "not putting defaults back");
	conf_clear(account_tables, &a);
}

static void check_found(const struct conf_source *src, enum conf_part part, const char *account,
	const char *key, unsigned line)
{
	const struct conf_entry *entry = conf_find(src, part, account, key);

	check_int(entry ? entry->line : 0, line, "%s of %s is decided in line %u", key,
		account ? account : "none", line);
}

static void test_find(void)
{
	struct conf_source src;
	struct err e;

	parse(&src, whole, sizeof(whole) - 1, &e);
	check_found(&src, CONF_GLOBAL, NULL, "default", 3);
	check_found(&src, CONF_GLOBAL, NULL, "max_age", 0);
	check_found(&src, CONF_GLOBAL, NULL, "host", 0);
	check_found(&src, CONF_ACCOUNT, "work", "host", 6);
	check_found(&src, CONF_ACCOUNT, "work", "from", 7);
	check_found(&src, CONF_ACCOUNT, "home", "from", 12);
	check_found(&src, CONF_ACCOUNT, "work", "port", 10);
	check_found(&src, CONF_ACCOUNT, "home", "port", 15);
	check_found(&src, CONF_ACCOUNT, NULL, "port", 10);
	check_found(&src, CONF_DEFAULTS, NULL, "port", 10);
	check_found(&src, CONF_DEFAULTS, NULL, "host", 0);
	check_found(&src, CONF_ACCOUNT, "home", "user", 0);
	check_found(&src, CONF_ACCOUNT, "home", "default", 0);
	conf_release(&src);
}

static void test_set(void)
{
	struct conf_source src = { 0 };
	struct account a = { 0 };
	struct err e = { 0 };
	char *huge = mem_alloc(CONF_VALUE_MAX + 2);

	memset(huge, 'x', CONF_VALUE_MAX + 1);
	check_int(conf_set(&src, CONF_ACCOUNT, "environment", "host", "h", account_tables, &e), 0,
		"set");
	check_int(conf_set(&src, CONF_ACCOUNT, "environment", "password", "\"p\"", account_tables,
		&e),
		0, "set a secret");
	check_text(src.name, "environment", "the source's name");
	check_int(src.account_count, 1, "one account");
	check(src.has_secret, "a secret");
	check_int(conf_set(&src, CONF_ACCOUNT, "environment", "port", "x", account_tables, &e), -1,
		"a bad value");
	check_text(e.text, "environment: 'port' must be a number from 1 to 65535", "is told");
	check_int(conf_set(&src, CONF_ACCOUNT, "environment", "hots", "x", account_tables, &e), -1,
		"a bad key");
	check_text(e.text, "environment: unknown key 'hots'", "is told");
	check_text(e.hint, "did you mean 'host'?", "with the nearest");
	check_int(conf_set(&src, CONF_ACCOUNT, "a b", "host", "x", account_tables, &e), -1,
		"a bad name");
	check_text(e.text, "environment: " NAME_TEXT, "is told");
	check_int(conf_set(&src, CONF_ACCOUNT, "environment", "user", huge, account_tables, &e), -1,
		"a value of 4097 octets");
	check_text(e.text, "environment: the value of 'user' is longer than 4096 octets",
		"is told");
	check_int(conf_set(&src, CONF_ACCOUNT, "environment", "host", "i", account_tables, &e), 0,
		"set again");
	check_text(conf_find(&src, CONF_ACCOUNT, "environment", "host")->value, "i",
		"the later wins");
	check_int(conf_fill(&src, CONF_ACCOUNT, "environment", account_tables, true, &a, &e), 0,
		"fill");
	check_text(a.server.host, "i", "here, too");
	check_text(a.login.password.data, "\"p\"", "quotes are the value's own");
	conf_clear(account_tables, &a);
	conf_release(&src);
	check(!src.name && !src.has_secret, "released");
	conf_release(&src);
	free(huge);
}

/* A fallback that its own row refuses is our fault, not the user's. */
static void test_bad_fallback(void)
{
	static const struct key rows[] = {
		{ .name = "n", .type = KEY_NUMBER, .fallback = "9", .most = 5 }, { 0 }
	};
	static const struct conf_table tables[] = { { rows, 0 }, { 0 } };
	struct conf_source src = { 0 };
	struct err e = { 0 };
	long n = 0;

	check_int(conf_fill(&src, CONF_GLOBAL, NULL, tables, true, &n, &e), -1, "a bad default");
	check_int(e.kind, ERR_INTERNAL, "is internal");
	check_text(e.text, "built-in default: 'n' must be a number from 0 to 5", "and told");
}

int main(void)
{
	test_secrets();
	test_quoted_secret();
	test_fill();
	test_fill_twice();
	test_find();
	test_set();
	test_bad_fallback();
	return tap_done();
}
