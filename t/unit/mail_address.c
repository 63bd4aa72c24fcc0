/* t/unit/mail_address.c - mail/address: reading, writing and comparing. */
#include "mail/address.h"

#include <stdlib.h>

#include "base/mem.h"
#include "t/unit/tap.h"

/* The list as "local|domain" separated by blanks; "error" when refused. */
static char *read_list(const char *text, size_t len, enum address_place place)
{
	struct mailbox_list list = { 0 };
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };

	if (mailbox_list_parse(text, len, place, &list, &e) < 0) {
		if (list.count || e.kind != ERR_MESSAGE || !*e.text)
			buf_add_text(&out, "not clean: ");
		buf_add_text(&out, "error");
	}
	for (size_t i = 0; i < list.count; i++)
		buf_printf(&out, "%s%s|%s", i ? " " : "", list.items[i].local,
			list.items[i].domain ? list.items[i].domain : "-");
	mailbox_list_release(&list);
	return buf_take(&out);
}

struct list_row {
	const char *text, *want;
};

static const struct list_row in_header[] = {
	{ "", "" },
	{ " , ,, ", "" },
	{ "a@x", "a|x" },
	{ "root", "root|-" },
	{ " <root> ", "root|-" },
	{ "a@x,b@y", "a|x b|y" },
	{ "Full Name <a@x.org>", "a|x.org" },
	{ "\"Last, First\" <a@x>, b@y", "a|x b|y" },
	{ "Team: g1@example.org, \"B, C\" <g2@example.org>;, (comment) c1@example.org "
	  "(Carl, the (nested) one)\r\n ,\r\n\t\"quo\\\"ted\" <c2@example.org>",
	  "g1|example.org g2|example.org c1|example.org c2|example.org" },
	{ "undisclosed-recipients:;", "" },
	{ "undisclosed-recipients: ;", "" },
	{ "A:a@x;, B:b@y;", "a|x b|y" },
	{ "<@relay.example.net:to@example.org>", "to|example.org" },
	{ "<@a,@b:to@x>", "to|x" },
	{ "\"a b\"@x", "a b|x" },
	{ "\"a\\\"b\"@x", "a\"b|x" },
	{ "\"a@b\"@x", "a@b|x" },
	{ "a . b @ x . y", "a.b|x.y" },
	{ "a(c).b(c)@(c)x(c).(c)y", "a.b|x.y" },
	{ "\"a\".b@x", "a.b|x" },
	{ "a..b@x, c.@y, .d@z", "a..b|x c.|y .d|z" },
	{ "=?UTF-8?Q?a=2C_b?= <a@x>", "a|x" },
	{ "J\xc3\xbcrgen <j\xc3\xbc@b\xc3\xbc" "cher.example>", "j\xc3\xbc|b\xc3\xbc"
		"cher.example" },
	{ "a@x <a@x>", "a|x" },
	{ "John Q. Public <j@x>", "j|x" },
	{ "a@[192.0.2.1]", "a|[192.0.2.1]" },
	{ "a@x (Full Name)", "a|x" },
	{ "a@x(\\), still)", "a|x" },
	{ "<a@x>,<b@y>", "a|x b|y" },
	{ "a@x,\n b@y", "a|x b|y" },
	{ "-b@example.org", "-b|example.org" },
	{ "o\\'brien@x", "o'brien|x" },
	{ "a@x; b@y", "error" },
	{ "a@x;", "error" },
	{ "Joe User", "error" },
	{ "a@x b@y", "error" },
	{ "<a@x> <b@y>", "error" },
	{ "\"Broken <x@example.org>, y@example.org", "error" },
	{ "a@x (open", "error" },
	{ "a@x)", "error" },
	{ "<a@x", "error" },
	{ "N <a@x, b@y", "error" },
	{ "a@x>", "error" },
	{ "<<a@x>>", "error" },
	{ "<>", "error" },
	{ "N <>", "error" },
	{ "<a@x b@y>", "error" },
	{ "root@<fq-hostname>", "fq-hostname|-" },
	{ "a@b@c", "error" },
	{ "@x", "error" },
	{ "a@", "error" },
	{ "\"\"@x", "error" },
	{ ":;", "error" },
	{ "A: B: a@x;;", "error" },
	{ "A: a@x", "error" },
	{ "A: a@x; b@y", "error" },
	{ "<@relay a@x>", "error" },
	{ "<@relay", "error" },
	{ "a@[1.2.3.4", "error" },
	{ "a]@x", "error" },
	{ "a\\", "error" },
	{ "N <mailto:a@x>", "error" },
};

static const struct list_row in_argv[] = {
	{ "", "" },
	{ "   ", "" },
	{ " to@example.org ", "to|example.org" },
	{ "a@x b@y", "a|x b|y" },
	{ "a@x,b@y", "a|x b|y" },
	{ "root, ops@x", "root|- ops|x" },
	{ "root ops", "root|- ops|-" },
	{ "root ops@x Full Name <a@y> last", "root|- ops|x a|y last|-" },
	{ "Full Name <to@example.org>", "to|example.org" },
	{ "root@box (Cron Daemon)", "root|box" },
	{ "a@x <b@y>", "a|x b|y" },
	{ "<a@x> <b@y>", "a|x b|y" },
	{ "<a@x>b@y", "error" },
	{ "Team: a@x, b@y; c@z", "a|x b|y c|z" },
	{ "-b@example.org", "-b|example.org" },
	{ "\"a b\"@x c@y", "a b|x c|y" },
	{ "a @ b", "error" },
	{ "a@ b", "error" },
	{ "a@x; b@y", "error" },
	{ "user:pass@host", "error" },
	{ "a@x<b@y>", "error" },
};

static void test_lists(void)
{
	for (size_t i = 0; i < COUNT(in_header); i++) {
		const char *text = in_header[i].text;
		char *got = read_list(text, strlen(text), ADDRESS_IN_HEADER);

		check_text(got, in_header[i].want, "header %zu: %.*s", i, (int)strcspn(text,
			"\r\n"), text);
		free(got);
	}
	for (size_t i = 0; i < COUNT(in_argv); i++) {
		const char *text = in_argv[i].text;
		char *got = read_list(text, strlen(text), ADDRESS_IN_ARGV);

		check_text(got, in_argv[i].want, "argv: %.60s", text);
		free(got);
	}
}

/* A cut list must neither crash nor yield an address with a control in it. */
static void test_cuts(void)
{
	unsigned long made = 0, unclean = 0;

	for (size_t i = 0; i < COUNT(in_header); i++)
		for (size_t cut = 0; cut <= strlen(in_header[i].text); cut++)
			for (int place = 0; place < 2; place++) {
				char *copy = mem_copy(in_header[i].text, cut);
				char *got = read_list(copy, cut, (enum address_place)place);

				made++;
				unclean += !strncmp(got, "not clean", 9);
				free(got);
				free(copy);
			}
	check(made > 1000 && !unclean, "cut at every octet: an answer or a clean error (%lu)",
		made);
}

#define BAD(text) { text, sizeof(text) - 1 }

static void test_hostile(void)
{
	static const struct { const char *text; size_t len; } bad[] = {
		BAD("a\0b@x"), BAD("a@x\0.y"), BAD("a\nRCPT TO:<v>@x"), BAD("a@x\r\nDATA"),
		BAD("a@x\rb"), BAD("a@x\n"), BAD("\"a\r\n b\"@x"), BAD("\"a\tb\"@x"),
		BAD("\"a\x01\"@x"), BAD("a\x1b@x"), BAD("a@x\x7f"), BAD("\"a\\\x01\"@x"),
		BAD("\"a<b\"@x"), BAD("\"a>b\"@x"), BAD("\"a\\>b\"@x"), BAD("a\\<b@x"),
			BAD("<a>b@x"),
		BAD("a@[1.2.3.4>]"), BAD("a\xc2\x85@x"), BAD("<\"a> SIZE=1\"@x>"), BAD("a@x\x01"),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		for (int place = 0; place < 2; place++) {
			char *got = read_list(bad[i].text, bad[i].len, (enum address_place)place);

			check_text(got, "error", "E1: hostile address %zu place %d is refused", i,
				place);
			free(got);
		}
}

static void check_span(const char *text, struct span s, const char *want, const char *what)
{
	char *got = mem_copy(text + s.start, s.len);

	check_text(got, want, "%s of %s", what, text);
	free(got);
}

static void test_spans(void)
{
	static const struct { const char *text, *name, *spec, *whole; bool angle; } rows[] = {
		{ " (x) \"Last, First\"  <a . b@x> (c) , z@z", "\"Last, First\"", "a . b@x",
		  "(x) \"Last, First\"  <a . b@x> (c)", true },
		{ "root@box (Cron Daemon)", "", "root@box", "root@box (Cron Daemon)", false },
		{ "Proxmox VE <root>", "Proxmox VE", "root", "Proxmox VE <root>", true },
		{ "<@r:a@x>", "", "a@x", "<@r:a@x>", true },
		{ "\t\"a b\"@x ", "", "\"a b\"@x", "\"a b\"@x", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mailbox_list list = { 0 };
		struct err e;

		if (!check(!mailbox_list_parse(rows[i].text, strlen(rows[i].text),
				ADDRESS_IN_HEADER, &list, &e), "reads %s", rows[i].text))
			continue;
		check_span(rows[i].text, list.items[0].name, rows[i].name, "name");
		check_span(rows[i].text, list.items[0].spec, rows[i].spec, "spec");
		check_span(rows[i].text, list.items[0].whole, rows[i].whole, "whole");
		check_int(list.items[0].angle, rows[i].angle, "angle");
		mailbox_list_release(&list);
	}
}

static void test_append(void)
{
	struct mailbox_list list = { 0 };
	struct err e;

	mailbox_list_parse("a@x", 3, ADDRESS_IN_HEADER, &list, &e);
	check_int(mailbox_list_parse("b@y, <", 6, ADDRESS_IN_HEADER, &list, &e), -1, "refused");
	check_int(list.count, 1, "a refused list leaves what was there");
	check_text(list.items[0].local, "a", "and does not change it");
	mailbox_list_parse("c@y", 3, ADDRESS_IN_HEADER, &list, &e);
	check_int(list.count, 2, "the next one is appended");
	mailbox_list_release(&list);
}

static void test_big(void)
{
	struct mailbox_list list = { 0 };
	struct buf text = BUF_INIT(8 << 20);
	struct err e;

	for (int i = 0; i < ADDRESS_LIST_MAX; i++)
		buf_add_text(&text, "a@x,");
	check_int(mailbox_list_parse(text.data, text.len, ADDRESS_IN_HEADER, &list, &e), 0,
		"as many members as are allowed");
	check_int(list.count, ADDRESS_LIST_MAX, "all are there");
	mailbox_list_release(&list);
	buf_add_text(&text, "b@y");
	check_int(mailbox_list_parse(text.data, text.len, ADDRESS_IN_HEADER, &list, &e), -1,
		"one more is refused");
	mailbox_list_release(&list);
	buf_clear(&text);
	for (int i = 0; i < 60000; i++)
		buf_add_text(&text, "a ");
	check_int(mailbox_list_parse(text.data, text.len, ADDRESS_IN_ARGV, &list, &e), 0,
		"C8: many bare words, in linear time");
	check_int(list.count, 60000, "each is one");
	mailbox_list_release(&list);
	buf_clear(&text);
	for (int i = 0; i < 500000; i++)
		buf_add_char(&text, '(');
	check_int(mailbox_list_parse(text.data, text.len, ADDRESS_IN_HEADER, &list, &e), -1,
		"C8: deep comments need no stack");
	mailbox_list_release(&list);
	buf_release(&text);
}

static void check_write(const char *local, const char *domain, const char *fallback,
	const char *want)
{
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	int result = address_write(local, domain, fallback, &out, &e);

	if (want)
		check_text(result ? e.text : buf_text(&out), want, "writes %s", want);
	else
		check(result == -1 && e.kind == ERR_MESSAGE && !out.len, "refuses %s",
			e.text);
	buf_release(&out);
}

#define TEN "aaaaaaaaaa"
#define SIXTY TEN TEN TEN TEN TEN TEN

static void test_write(void)
{
	check_write("a", "Example.ORG", NULL, "a@example.org");
	check_write("A", NULL, "Example.org", "A@example.org");
	check_write("root", NULL, NULL, "root");
	check_write("a", "x", "y", "a@x");
	check_write("a", "x.", NULL, "a@x");
	check_write("a..b", "x", NULL, "\"a..b\"@x");
	check_write("a.", "x", NULL, "\"a.\"@x");
	check_write(".a", NULL, NULL, "\".a\"");
	check_write("a b", "x", NULL, "\"a b\"@x");
	check_write("a\"\\b", "x", NULL, "\"a\\\"\\\\b\"@x");
	check_write("a%b+c", "x", NULL, "a%b+c@x");
	check_write("a", "under_score.x", NULL, "a@under_score.x");
	check_write("a", "b\xc3\xbc" "cher.example", NULL, "a@xn--bcher-kva.example");
	check_write("a", "fa\xc3\x9f.de", NULL, "a@xn--fa-hia.de");
	check_write("j\xc3\xbc", "x", NULL, "j\xc3\xbc@x");
	check_write("a", "[192.0.2.1]", NULL, "a@[192.0.2.1]");
	check_write("a", "[IPv6:2001:db8::1]", NULL, "a@[IPv6:2001:db8::1]");
	check_write(SIXTY "aaaa", "x", NULL, SIXTY "aaaa@x");

	check_write("", "x", NULL, NULL);
	check_write("a", "", NULL, NULL);
	check_write("a", ".", NULL, NULL);
	check_write("a", "x..", NULL, NULL);
	check_write("a", ".x", NULL, NULL);
	check_write("a", "x..y", NULL, NULL);
	check_write("a", "x y", NULL, NULL);
	check_write("a", "x/y", NULL, NULL);
	check_write("a", "x!y", NULL, NULL);
	check_write("a", "x\r\nDATA", NULL, NULL);
	check_write("a", NULL, "x>y", NULL);
	check_write("a", "x\xef\xbc\x9e.de", NULL, NULL);       /* full-width '>' */
	check_write("a", "x\xef\xbc\xa0y.de", NULL, NULL);      /* full-width '@' */
	check_write("a", "emoji\xe2\x98\x83.de", NULL, NULL);
	check_write("a", "\xff.de", NULL, NULL);
	check_write("\xfc", "x", NULL, NULL);
	check_write("a\nb", "x", NULL, NULL);
	check_write("a>b", "x", NULL, NULL);
	check_write("a\x7f", "x", NULL, NULL);
	check_write("a", "[300.0.2.1]", NULL, NULL);
	check_write("a", "[IPv6:zz]", NULL, NULL);
	check_write("a", "[]", NULL, NULL);
	check_write("a", "[x-tag:y]", NULL, NULL);
	check_write(SIXTY "aaaaa", "x", NULL, NULL);
	check_write("a", SIXTY "aaaa.x", NULL, NULL);
	check_write(SIXTY, SIXTY "." SIXTY "." SIXTY "." TEN, NULL, SIXTY "@" SIXTY "." SIXTY "."
		SIXTY "." TEN);
	check_write(SIXTY, SIXTY "." SIXTY "." SIXTY "." TEN "a", NULL, NULL);
}

static void check_one(const char *text, const char *want)
{
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	int result = address_parse_one(text, strlen(text), "d.example", &out, &e);

	check_text(result ? "error" : buf_text(&out), want, "one address: %s", text);
	buf_release(&out);
}

static void test_one(void)
{
	check_one("", "");
	check_one("<>", "");
	check_one(" < > ", "");
	check_one("a@b", "a@b");
	check_one("<a@B>", "a@b");
	check_one("bare", "bare@d.example");
	check_one("Krm <krm@example.net>", "krm@example.net");
	check_one("a@b c@d", "error");
	check_one("a@b,c@d", "error");
	check_one(",", "error");
	check_one("<", "error");
	check_one("<><>", "error");
	check_one("()", "error");
	check_one("g:;", "error");
	check_one("a@b> SIZE=1", "error");
}

static void test_compare(void)
{
	check(address_equal("a@Example.org", "a@eXAMPLE.org"), "domains fold");
	check(!address_equal("A@x", "a@x"), "local parts do not");
	check(address_equal("\"a@b\"@X", "\"a@b\"@x"), "quoted @");
	check(!address_equal("\"a@B\"@x", "\"a@b\"@x"), "quoted @ is local");
	check(!address_equal("a", "a@x") && address_equal("a", "a"), "bare names");
	check(!address_equal("a@x", "a@xy") && !address_equal("", "a"), "prefixes");

	check(address_matches("me@Example.org", "*@example.ORG"), "any at a domain");
	check(address_matches("me@example.org", "example.org"), "a domain");
	check(!address_matches("me@sub.example.org", "example.org"), "no other domain");
	check(address_matches("me@sub.example.org", "*.example.org"), "subdomains");
	check(address_matches("a+b@x", "a+*@x") && address_matches("a@x", "*@*"), "runs");
	check(!address_matches("a@xy", "a@x") && !address_matches("a@x", "a@xy"), "whole");
	check(address_matches("aXbXc@x", "a*x*c@x") && address_matches("a@x", "**a**@x*"), "stars");
	check(!address_matches("root", "example.org") && address_matches("root", "*"), "bare");
	check(!address_matches("evil@x@example.org.net", "*@example.org"), "anchored");

	check(address_needs_utf8("j\xc3\xbc@x"), "UTF-8 local part");
	check(!address_needs_utf8("j@x"), "ASCII");
}

int main(void)
{
	test_lists();
	test_cuts();
	test_hostile();
	test_spans();
	test_append();
	test_big();
	test_write();
	test_one();
	test_compare();
	return tap_done();
}
