/* t/unit/mail_aliases.c - mail/aliases: what /etc/aliases says, and what comes
 * of a recipient.
 */
#include "mail/aliases.h"

#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "t/unit/tap.h"

static const char real[] =
	"# /etc/aliases\r\n"
	"mailer-daemon: postmaster\n"
	"postmaster: root\n"
	"nobody: root\n"
	"\n"
	"WWW-data:\troot\n"
	"\"two words\" : me@example.org\n"
	"\"quo\\\"ted\": <q@example.org>\n"
	"# a comment\n"
	"team: a@example.org,\n"
	"\tb@Example.ORG, Joe Doe <c@example.org>\n"
	"   # inside\n"
	"\n"
	"  , d@example.org (Dee)\n"
	"root: root, me@example.org\n"
	"vacation: \\vacation, \"|/usr/bin/vacation vacation\"\n"
	"decode: \"|/usr/bin/uudecode -o, x\"\n"
	"pipe: |/bin/cat\n"
	"file: /var/mail/file\n"
	"null: /dev/null\n"
	"gone: :fail: no such user, go away\n"
	"black: :blackhole:\n"
	"list: :include:/etc/list\n"
	"quoted-list: \":include:/etc/list\"\n"
	"owner-list: root\n"
	"broken: two words@x y\n"
	"local: root@LOCALHOST\n"
	"Mixed: box@machine.example";

struct got {
	struct buf all;       /* addresses, each with a blank behind it */
};

static void collect(void *context, const char *address)
{
	struct got *got = context;

	buf_add_text(&got->all, address);
	buf_add_char(&got->all, ' ');
}

static struct alias_table *parse(const char *name, const char *text)
{
	struct alias_table *t;
	struct err e;

	if (alias_table_parse(&t, name, text, strlen(text), &e) < 0)
		return NULL;
	return t;
}

/* What it comes to and what is left out, or the error. */
static void check_resolved(const struct alias_rules *rules, const char *address, const char *want)
{
	struct got got = { .all = BUF_INIT(1 << 20) };
	struct err e = { 0 }, left_out = { 0 };
	struct alias_rules r = *rules;

	r.left_out = &left_out;
	if (alias_resolve(&r, address, collect, &got, &e) < 0) {
		check(!got.all.len && e.kind == ERR_CONFIG, "%s: refused as a whole", address);
		check(left_out.kind == ERR_NONE, "... and nothing is left out of it");
		buf_add_text(&got.all, e.text);
	} else if (left_out.kind != ERR_NONE) {
		buf_printf(&got.all, "- %s", left_out.text);
		check(left_out.hint[0], "%s: what is left out has a next step", address);
	}
	check_text(buf_text(&got.all), want, "%s", address);
	buf_release(&got.all);
}

static void check_file(const char *text, const char *address, const char *want)
{
	struct alias_table *t = parse("F", text);
	struct alias_rules r = { .tables = { NULL, t }, .domain = "d.example" };

	check_resolved(&r, address, want);
	alias_table_free(&t);
}

static int include(void *context, size_t table, const char *path, struct buf *out, struct err *e)
{
	(void)context;
	if (!strcmp(path, "/etc/list"))
		buf_add_text(out, "# members\r\none@example.org\r\n two@example.org, nobody\n"
			"list-owner (that is me)\n");
	else if (!strcmp(path, "/etc/deep"))
		buf_add_text(out, ":include:/etc/deeper\nx@x\n");
	else if (!strcmp(path, "/etc/deeper"))
		buf_add_text(out, "\n:include:/etc/deep\n");
	else if (!strcmp(path, "/etc/bad"))
		buf_add_text(out, "ok@x\n# no\n|/bin/sh -c 'secret'\n");
	else if (!strcmp(path, "/etc/special"))
		buf_add_text(out, ":defer: a, b\nok@x\n");
	else
		return err_set(e, ERR_CONFIG, "'%s' is not to be trusted (table %zu)", path, table);
	return 0;
}

static const char *const here[] = { "machine.example", NULL };

static void test_real(const struct alias_rules *r)
{
	check_resolved(r, "you@example.net", "you@example.net ");
	check_resolved(r, "root", "root@d.example me@example.org ");
	check_resolved(r, "ROOT@localhost", "root@d.example me@example.org ");
	check_resolved(r, "root@machine.example", "root@d.example me@example.org ");
	check_resolved(r, "root@localhost.localdomain", "root@d.example me@example.org ");
	check_resolved(r, "root@d.example", "root@d.example ");
	check_resolved(r, "www-data", "root@d.example me@example.org ");
	check_resolved(r, "MAILER-DAEMON", "root@d.example me@example.org ");
	check_resolved(r, "\"two words\"", "me@example.org ");
	check_resolved(r, "\"Two Words\"@localhost", "me@example.org ");
	check_resolved(r, "\"quo\\\"ted\"", "q@example.org ");
	check_resolved(r, "team",
		"a@example.org b@example.org c@example.org d@example.org ");
	check_resolved(r, "local", "root@d.example me@example.org ");
	check_resolved(r, "mixed", "box@d.example ");
	check_resolved(r, "unknown", "unknown@d.example ");
	check_resolved(r, "list",
		"one@example.org two@example.org root@d.example me@example.org list-owner@d.example ");
	check_resolved(r, "quoted-list",
		"one@example.org two@example.org root@d.example me@example.org list-owner@d.example ");
}

static void test_refused(const struct alias_rules *r)
{
	static const char program[] = ": an alias leads to a program, and none is run";
	char *want;

	want = mem_printf("vacation@d.example - /etc/aliases:16%s", program);
	check_resolved(r, "vacation", want);
	free(want);
	want = mem_printf("/etc/aliases:17%s", program);
	check_resolved(r, "decode", want);
	free(want);
	want = mem_printf("/etc/aliases:18%s", program);
	check_resolved(r, "pipe", want);
	free(want);
	check_resolved(r, "file", "/etc/aliases:19: an alias leads to a file, and none is written");
	check_resolved(r, "null",
		"/etc/aliases:20: an alias leads to /dev/null, and no mail is thrown away");
	check_resolved(r, "gone",
		"/etc/aliases:21: an alias leads to a ':special:' that only other mail systems know");
	check_resolved(r, "black",
		"/etc/aliases:22: an alias leads to a ':special:' that only other mail systems know");
	check_resolved(r, "broken",
		"/etc/aliases:26: an alias leads to something that is no address");
}

/* What is handed to another process reads the same there, lines and all. */
static void test_written(void)
{
	struct alias_table *t = parse("/etc/aliases", real), *again;
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	struct alias_rules r = { .tables = { NULL, t }, .domain = "d.example", .local_names = here,
		.include = include };

	check_text(alias_table_faults(t),
		"/etc/aliases:16: an alias leads to a program, and none is run\n"
		"/etc/aliases:17: an alias leads to a program, and none is run\n"
		"/etc/aliases:18: an alias leads to a program, and none is run\n"
		"/etc/aliases:19: an alias leads to a file, and none is written\n"
		"/etc/aliases:20: an alias leads to /dev/null, and no mail is thrown away\n"
		"/etc/aliases:21: an alias leads to a ':special:' that only other mail systems know\n"
		"/etc/aliases:22: an alias leads to a ':special:' that only other mail systems know\n"
		"/etc/aliases:26: an alias leads to something that is no address\n",
		"E1 the lines that are faulty, and nothing of them is quoted");
	test_real(&r);
	test_refused(&r);
	alias_table_write(t, &once);
	check(!strstr(buf_text(&once), "uudecode") && !strstr(buf_text(&once), "go away"),
		"what is refused anyway is not passed on");
	again = parse("/etc/aliases", buf_text(&once));
	r.tables[1] = again;
	test_real(&r);
	test_refused(&r);
	alias_table_write(again, &twice);
	check_text(buf_text(&twice), buf_text(&once), "written again it is the same");
	alias_table_free(&t);
	alias_table_free(&again);
	check(!t && !again, "freed");
	alias_table_free(&t);
	buf_release(&once);
	buf_release(&twice);
	t = parse("F", "");
	alias_table_write(t, &once);
	check_int(once.len, 0, "an empty table is an empty text");
	check_text(alias_table_faults(t), "", "without faults");
	alias_table_free(&t);
	buf_release(&once);
}

static void test_faults(void)
{
	static const char text[] =
		"  x: begins@blank\n"
		"\n"
		"  y: too@x\n"
		"no colon here\n"
		"\tnor here: x@x\n"
		": nameless@x\n"
		"a@b: x@x\n"
		"empty:\n"
		"blank: , ,\n"
		"good: good@x\n"
		"GOOD: second@x\n"
		"\"open: x@x\n"
		"\"\": x@x\n"
		"ctrl\001: x@x\n"
		"<b>: x@x\n"
		"good2 : root # the administrator\n"
		"\"good\"3: x@x\n";
	struct alias_table *t = parse("/a/b\033[1m", text);
	struct alias_rules r = { .tables = { t, NULL }, .domain = "d" };

	check_text(alias_table_faults(t),
		"/a/b\\x1b[1m:1: the line begins with a blank and continues no alias\n"
		"/a/b\\x1b[1m:4: no colon stands behind the name\n"
		"/a/b\\x1b[1m:6: the line does not begin with a name\n"
		"/a/b\\x1b[1m:7: the line does not begin with a name\n"
		"/a/b\\x1b[1m:8: nothing stands behind the colon\n"
		"/a/b\\x1b[1m:9: nothing stands behind the colon\n"
		"/a/b\\x1b[1m:11: there is an alias of that name already, and the first one counts\n"
		"/a/b\\x1b[1m:12: the line does not begin with a name\n"
		"/a/b\\x1b[1m:13: the line does not begin with a name\n"
		"/a/b\\x1b[1m:14: the line does not begin with a name\n"
		"/a/b\\x1b[1m:15: the line does not begin with a name\n"
		"/a/b\\x1b[1m:16: an alias leads to something that is no address\n"
		"/a/b\\x1b[1m:17: no colon stands behind the name\n",
		"E4 every fault has its line, cleaned and unquoted");
	check_resolved(&r, "good", "good@x ");
	check_resolved(&r, "empty", "empty@d ");
	alias_table_free(&t);
}

/* An editor's byte order mark is no part of a name. */
static void test_mark(void)
{
	check_file("\xef\xbb\xbfroot: me@x\n", "root", "me@x ");
	check_file("\xef\xbb\xbf", "root", "root@d.example ");
	check_file("\xef\xbb\xbf# none\nroot: me@x\n", "root", "me@x ");
}

static void test_hostile_targets(void)
{
	static const char *const targets[] = {
		"a@b\rRCPT TO:<x@y>", "<a@b> <c@d>", "a@b\001", "a@@b", "@", "<>", "\"a", "(open",
		"a@b>", "\\", ":include:", ":include:relative", "\":include:/x\001\"",
		"x@\377", "g:a@x,b@x;"
	};

	for (size_t i = 0; i < COUNT(targets); i++) {
		char *text = mem_printf("n: ok@x, %s", targets[i]);

		check_file(text, "n", "ok@x - F:1: an alias leads to something that is no address");
		free(text);
	}
	check_file("n: a@b,\n\t\"x\ny\"@b", "n", "a@b - F:2: an alias leads to something that is no address");
}

/* E1: no octet of the file makes another recipient; cut anywhere it is a table. */
static void test_cuts(void)
{
	for (size_t cut = 0; cut < sizeof(real); cut++) {
		struct got got = { .all = BUF_INIT(1 << 20) };
		struct alias_rules r = { .local_names = here, .domain = "d", .include = include };
		char *text = mem_copy(real, cut);
		struct alias_table *t;
		struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
		struct err e = { 0 };
		bool good;

		good = alias_table_parse(&t, "F", text, cut, &e) == 0;
		free(text);
		r.tables[1] = t;
		good = good && (alias_resolve(&r, "team", collect, &got, &e) == 0 ||
			e.kind == ERR_CONFIG);
		alias_table_write(t, &once);
		alias_table_free(&t);
		t = parse("F", buf_text(&once));
		alias_table_write(t, &twice);
		check(good && !strcmp(buf_text(&once), buf_text(&twice)), "E1 cut at %zu", cut);
		alias_table_free(&t);
		buf_release(&once);
		buf_release(&twice);
		buf_release(&got.all);
	}
}

static void test_order(void)
{
	struct alias_table *own = parse("own", "me: mine@own\ndefault: own-default@own\n*: star@own");
	struct alias_table *system = parse("sys", "me: mine@sys\nyou: yours@sys\ndefault: d@sys");
	struct alias_rules r = { .tables = { own, system }, .domain = "d" };

	check_resolved(&r, "me", "mine@own ");
	check_resolved(&r, "you", "yours@sys ");
	check_resolved(&r, "else", "own-default@own ");
	check_resolved(&r, "else@other.example", "else@other.example ");
	alias_table_free(&own);
	own = parse("own", "*: Star@own, unknown");
	r.tables[0] = own;
	r.tables[1] = NULL;
	check_resolved(&r, "else", "Star@own unknown@d ");
	r.admin = "admin@a";
	check_resolved(&r, "else", "Star@own admin@a ");
	r.tables[0] = NULL;
	check_resolved(&r, "else", "admin@a ");
	check_resolved(&r, "else@localhost", "admin@a ");
	check_resolved(&r, "else@there.example", "else@there.example ");
	r.admin = NULL;
	r.domain = NULL;
	check_resolved(&r, "else", "else ");
	check_resolved(&r, "\"e l\"@localhost", "\"e l\" ");
	alias_table_free(&own);
	alias_table_free(&system);
}

static void test_itself(void)
{
	struct alias_table *t = parse("F", "root: Root, me@x\nback: \\root, \\w@localhost, \\a@b");
	struct alias_rules r = { .tables = { NULL, t }, .domain = "d", .admin = "admin@a" };

	check_resolved(&r, "root", "admin@a me@x ");
	check_resolved(&r, "back", "admin@a a@b ");
	r.admin = NULL;
	check_resolved(&r, "root", "Root@d me@x ");
	check_resolved(&r, "back", "root@d w@d a@b ");
	check_resolved(&r, "postmaster", "Root@d me@x ");
	check_resolved(&r, "Mailer-Daemon@localhost", "Root@d me@x ");
	alias_table_free(&t);
	check_file("root: postmaster", "root", "postmaster@d.example ");
	check_file("root: postmaster", "postmaster", "postmaster@d.example ");
	check_file("default: default", "x", "default@d.example ");
	check_file("*: x", "x", "x@d.example ");
}

static void test_loops(void)
{
	struct buf text = BUF_INIT(0);
	struct alias_table *t;
	struct alias_rules r = { .domain = "d", .include = include };

	check_file("a: b\nb: c\nc: a\n", "a", "F:3: aliases lead back to each other in a circle");
	check_file("a: b\nb: c, ok@x\nc: a\n", "a",
		"ok@x - F:3: aliases lead back to each other in a circle");
	check_file("a: b, b, b\nb: c, c\nc: ok@x\n", "a", "ok@x ");
	for (int i = 0; i < 25; i++)
		buf_printf(&text, "n%d: n%d\n", i, i + 1);
	buf_add_text(&text, "n25: end@x");
	check_file(buf_text(&text), "n0", "F:21: more than 20 aliases lead on to each other");
	check_file(buf_text(&text), "n6", "end@x ");
	check_file(buf_text(&text), "n5", "F:26: more than 20 aliases lead on to each other");
	buf_release(&text);
	check_file("a: b@x,\n :include:/etc/list", "a",
		"F:2: an alias leads to an :include: file, and none are read here");
	t = parse("F", "d: :include:/etc/deep\nb: x@x, :include:/etc/bad\nn: :INCLUDE: /etc/none\n"
		"twice: :include:/etc/list, :include:/etc/list\ns: :include:/etc/special");
	r.tables[1] = t;
	check_resolved(&r, "d", "x@x - /etc/deeper:2: aliases lead back to each other in a circle");
	check_resolved(&r, "b", "x@x ok@x - /etc/bad:3: an alias leads to a program, and none is run");
	check_resolved(&r, "s",
		"ok@x - /etc/special:1: an alias leads to a ':special:' that only other mail systems know");
	check_resolved(&r, "n", "F:3: '/etc/none' is not to be trusted (table 1)");
	check_resolved(&r, "twice",
		"one@example.org two@example.org nobody@d list-owner@d ");
	alias_table_free(&t);
}

/* Doubling at each of many steps: the work is that of the file, not of the tree. */
static void test_doubling(void)
{
	struct buf text = BUF_INIT(0), many = BUF_INIT(1 << 20);

	for (int i = 0; i < 18; i++)
		buf_printf(&text, "n%d: n%d, n%d, m%d, m%d\nm%d: n%d, n%d\n", i, i + 1, i + 1,
			i, i, i, i + 1, i + 1);
	buf_add_text(&text, "n18: end@x");
	check_file(buf_text(&text), "n9", "end@x ");
	buf_release(&text);
	buf_add_text(&many, "many: a0@x");
	for (int i = 1; i <= ALIAS_RESULTS_MAX; i++)
		buf_printf(&many, ",\n a%d@x", i);
	check_file(buf_text(&many), "many",
		"F:10001: one name becomes more than 10000 addresses");
	buf_release(&many);
}

/* 10,000 aliases: quick to read, and each found at once. */
static void test_many(void)
{
	struct buf text = BUF_INIT(1 << 20);
	struct alias_rules r = { .domain = "d" };
	struct alias_table *t;
	clock_t start = clock();
	struct got got = { .all = BUF_INIT(1 << 20) };
	bool good = true;
	struct err e;

	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "user%d: person%d@example.org\n", i, i);
	t = parse("F", buf_text(&text));
	r.tables[1] = t;
	for (int i = 0; i < 10000 && good; i++) {
		char name[32], want[64];

		snprintf(name, sizeof(name), "User%d", i);
		snprintf(want, sizeof(want), "person%d@example.org ", i);
		buf_clear(&got.all);
		good = alias_resolve(&r, name, collect, &got, &e) == 0 &&
			!strcmp(buf_text(&got.all), want);
	}
	check(good, "10,000 aliases, each found");
	check(clock() - start < 10 * CLOCKS_PER_SEC, "and soon enough (%ld ms)",
		(long)((clock() - start) * 1000 / CLOCKS_PER_SEC));
	alias_table_free(&t);
	buf_release(&text);
	buf_release(&got.all);
}

static void test_includes(void)
{
	static const char text[] = ":include:/x, a@b\n# :include:/no\n\":include:/y\"\n:fail: :include:/z\n";
	struct alias_table *t = parse("F", real);
	struct got got = { .all = BUF_INIT(0) };

	alias_table_includes(t, collect, &got);
	check_text(buf_text(&got.all), "/etc/list /etc/list ", "the files that a table names");
	buf_clear(&got.all);
	alias_text_includes(text, sizeof(text) - 1, collect, &got);
	check_text(buf_text(&got.all), "/x /y ", "the files that such a file names");
	buf_release(&got.all);
	alias_table_free(&t);
}

static void test_limits(void)
{
	char *large = mem_alloc(ALIASES_FILE_MAX + 2), *name = mem_alloc(3000);
	struct alias_rules r = { .local_names = here };
	struct alias_table *t;
	struct buf local = BUF_INIT(0);
	struct err e;

	memset(large, '#', ALIASES_FILE_MAX + 1);
	check_int(alias_table_parse(&t, "F", large, ALIASES_FILE_MAX + 1, &e), -1, "too large");
	check_text(e.text, "F: more than 16777216 octets of aliases", "and told so");
	check(!t && e.kind == ERR_CONFIG, "and nothing made of it");
	check_int(alias_table_parse(&t, "F", large, ALIASES_FILE_MAX, &e), 0, "as large as can be");
	alias_table_free(&t);
	memset(name, 'n', 2000);
	memcpy(name + 2000, ": x@x", 6);
	t = parse("F", name);
	check_text(alias_table_faults(t), "F:1: the line does not begin with a name\n", "long name");
	alias_table_free(&t);
	check(!alias_is_local(&r, "a@b", &local) && !alias_is_local(&r, "", &local) &&
		!alias_is_local(&r, "@localhost", &local) && !alias_is_local(&r, "\"a", &local) &&
		!alias_is_local(&r, "\"a\"b", &local) && !alias_is_local(&r, "a@xlocalhost", &local) &&
		!alias_is_local(&r, "a@machine.example.org", &local) && !local.len,
		"what is not local");
	check(alias_is_local(&r, "\"a\\@b\"@Machine.Example", &local), "what is");
	check_text(buf_text(&local), "a@b", "its name without quotes");
	buf_release(&local);
	free(large);
	free(name);
}

int main(void)
{
	test_written();
	test_faults();
	test_mark();
	test_hostile_targets();
	test_cuts();
	test_order();
	test_itself();
	test_loops();
	test_doubling();
	test_many();
	test_includes();
	test_limits();
	return tap_done();
}
