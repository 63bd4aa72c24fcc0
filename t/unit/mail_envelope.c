/* t/unit/mail_envelope.c - mail/envelope: sender, recipients, report wishes. */
#include "mail/envelope.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mail/address.h"
#include "t/unit/tap.h"

static char *recipients(const struct envelope *env)
{
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < env->count; i++)
		buf_printf(&out, "%s%s", i ? " " : "", env->recipients[i]);
	return buf_take(&out);
}

static void check_recipients(const struct envelope *env, const char *want, const char *what)
{
	char *got = recipients(env);

	check_text(got, want, "%s", what);
	free(got);
}

static void test_basic(void)
{
	struct envelope env = { 0 };

	check(!env.sender, "nobody said who sends");
	envelope_set_sender(&env, "");
	check_text(env.sender, "", "null sender");
	envelope_set_sender(&env, "a@x");
	check_text(env.sender, "a@x", "sender");
	check(envelope_add(&env, "b@x") && envelope_add(&env, "c@x"), "new ones");
	check(!envelope_add(&env, "b@x") && !envelope_add(&env, "b@X"), "known ones");
	check(envelope_add(&env, "B@x"), "local parts are exact");
	check_recipients(&env, "b@x c@x B@x", "in the order of their first mention");
	envelope_release(&env);
	check(!env.count && !env.sender && !env.recipients, "released");
}

static void test_words(void)
{
	static const struct { const char *word, *want; } rows[] = {
		{ "", "" }, { " ", "" }, { "to@example.org", "to@example.org" },
		{ "a@x b@y", "a@x b@y" }, { "a@x,b@y", "a@x b@y" }, { "root, ops@x",
			"root@d ops@x" },
		{ "Full Name <to@x>", "to@x" }, { " to@x ", "to@x" }, { "-b@x", "-b@x" },
		{ "<@r:to@x>", "to@x" }, { "a@x A@X a@X", "a@x A@x" }, { "a..b@x", "\"a..b\"@x" },
		{ "a@x; b@y", NULL }, { "a@x\nb@y", NULL }, { "a@x/y", NULL }, { "<a@x", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct envelope env = { 0 };
		struct err e = { 0 };
		int result = envelope_add_word(&env, rows[i].word, "d", &e);

		check_int(result, rows[i].want ? 0 : -1, "word %zu", i);
		check_int(e.kind, rows[i].want ? ERR_NONE : ERR_MESSAGE, "its kind of error");
		if (rows[i].want)
			check_recipients(&env, rows[i].want, rows[i].want);
		envelope_release(&env);
	}
}

struct header_row {
	const char *what, *block;
	long        count;
	const char *want;
};

static const struct header_row header_rows[] = {
	{ "plain", "To: a@x, b@y\r\nCC: c@z\r\nbcc : d@w\r\nReply-To: n@x\r\n", 4,
	  "a@x b@y c@z d@w" },
	{ "duplicates count", "To: x@e, y@e\r\nCc: x@E\r\nBcc: y@e\r\n", 4, "x@e y@e" },
	{ "two To lines", "To: root\r\nTo: ops@e\r\nFrom: root\r\n", 2, "root@d ops@e" },
	{ "blank and empty", "To:\r\nCc: \r\nBcc: undisclosed-recipients:;\r\n", 0, "" },
	{ "folded", "Bcc: a@x,\r\n\tb@y,\r\n c@z\r\nX: y\r\n", 3, "a@x b@y c@z" },
	{ "none", "From: a@x\r\n", 0, "" },
	{ "resent", "Resent-To: r@x\r\nResent-Bcc: s@x\r\nTo: a@x\r\nBcc: b@x\r\n", 2, "r@x s@x" },
	{ "two resent-to", "Resent-To: r@x\r\nResent-To: s@x\r\nResent-From: me@x\r\n", 2,
		"r@x s@x" },
	{ "newest block", "Resent-From: b@x\r\nResent-Date: d\r\nResent-To: r2@x\r\n"
	  "Resent-From: a@x\r\nResent-Date: d\r\nResent-To: r1@x\r\nTo: t@x\r\n", 1, "r2@x" },
	{ "newest block, To first", "Resent-To: r2@x\r\nResent-From: b@x\r\n"
	  "Resent-To: r1@x\r\nResent-From: a@x\r\n", 1, "r2@x" },
	{ "newest block before a trace", "Resent-From: b@x\r\nResent-To: r2@x\r\nReceived: z\r\n"
	  "Resent-Cc: old@x\r\nResent-From: a@x\r\n", 1, "r2@x" },
	{ "resent behind other fields", "Received: y\r\nSubject: s\r\nResent-To: r@x\r\nX: y\r\n"
	  "Resent-Cc: s@x\r\nTo: t@x\r\n", 2, "r@x s@x" },
	{ "newest block without recipients", "Resent-From: b@x\r\nReceived: z\r\nResent-To: r@x\r\n"
	  "To: t@x\r\n", 0, "" },
	{ "no recipients in Resent-From", "Resent-From: b@x\r\nTo: t@x\r\n", 1, "t@x" },
	{ "broken", "To: a@x\r\nCC: \"b <c@x>\r\n", -1, NULL },
	{ "bad domain", "Bcc: a@b!c\r\n", -1, NULL },
};

static void test_header(void)
{
	for (size_t i = 0; i < COUNT(header_rows); i++) {
		const struct header_row *row = &header_rows[i];
		struct envelope env = { 0 };
		struct err e = { 0 };

		check_int(envelope_add_header(&env, row->block, strlen(row->block), "d", &e),
			row->count, "-t: %s", row->what);
		if (row->want)
			check_recipients(&env, row->want, row->what);
		else
			check_int(e.kind, ERR_MESSAGE, "%s", e.text);
		envelope_release(&env);
	}
}

static void test_field_named(void)
{
	struct envelope env = { 0 };
	struct err e = { 0 };

	envelope_add_header(&env, "CC: \"b <c@x>\r\n", 14, NULL, &e);
	check_text(e.text, "CC: address ' \"b <c@x>': a quotation mark '\"' is not closed",
		"the error names the field");
	envelope_release(&env);
}

/* 100,000 recipients, each twice: quick, or this test does not end. */
static void test_many(void)
{
	enum { MANY = 100000 };
	struct envelope env = { 0 };
	size_t fresh = 0, wrong = 0;
	char address[40];

	for (int i = 0; i < MANY; i++) {
		snprintf(address, sizeof(address), "u%d@Example.org", i);
		fresh += envelope_add(&env, address);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(address, sizeof(address), "u%d@eXample.org", i);
		fresh += envelope_add(&env, address);
		wrong += !address_equal(env.recipients[i], address);
	}
	check_int(fresh, MANY, "B1: each of 100,000 recipients once");
	check_int(env.count, MANY, "all of them");
	check_int(wrong, 0, "in order");
	envelope_release(&env);
}

static void check_notify(const char *text, int want)
{
	unsigned set = 99;
	struct err e = { 0 };
	int result = dsn_parse_notify(text, &set, &e);

	check_int(result, want < 0 ? -1 : 0, "notify '%.*s'",
		(int)strcspn(text, "\r\n"), text);
	check_int(set, want < 0 ? 99 : want, "its set");
	check_int(e.kind, want < 0 ? ERR_USAGE : ERR_NONE, "its error");
}

static void check_envid(const char *text, bool good)
{
	char *envid = mem_string("old");
	struct err e = { 0 };

	check_int(dsn_parse_envid(text, &envid, &e), good ? 0 : -1, "envid %.*s",
		(int)strcspn(text, "\r\n"), text);
	check_text(envid, good ? text : "old", "kept");
	free(envid);
}

#define TEN "++++++++++"

static void test_dsn(void)
{
	enum dsn_ret ret = DSN_RET_UNSET;
	struct err e = { 0 };

	check_notify("never", DSN_NEVER);
	check_notify("NEVER", DSN_NEVER);
	check_notify("none", DSN_NEVER);
	check_notify("none,delay", -1);
	check_notify("failure,delay", DSN_FAILURE | DSN_DELAY);
	check_notify("success,delay,failure", DSN_SUCCESS | DSN_FAILURE | DSN_DELAY);
	check_notify("success, delay", DSN_SUCCESS | DSN_DELAY);
	check_notify(" success , delay ", DSN_SUCCESS | DSN_DELAY);
	check_notify("success delay", -1);
	check_notify("success, ", -1);
	check_notify(" ", -1);
	check_notify("", -1);
	check_notify(",", -1);
	check_notify("failure,", -1);
	check_notify("never,failure", -1);
	check_notify("failures", -1);
	check_notify("failure\r\nDATA", -1);
	check(!dsn_parse_ret("hdrs", &ret, &e) && ret == DSN_RET_HDRS, "hdrs");
	check(!dsn_parse_ret("FULL", &ret, &e) && ret == DSN_RET_FULL, "full");
	check(dsn_parse_ret("", &ret, &e) < 0 && e.kind == ERR_USAGE && ret == DSN_RET_FULL,
		"neither");
	check_envid("V00001a2b", true);
	check_envid("with blank", true);
	check_envid("", false);
	check_envid("a\nb", false);
	check_envid("\xc3\xa9", false);
	check_envid(TEN TEN TEN "+++", true);
	check_envid(TEN TEN TEN "++++", false);
}

/* Recipients may ask for different things; there is one answer for all. */
static void test_dsn_sum(void)
{
	struct dsn d = { .notify = DSN_UNSET };

	dsn_add_notify(&d, DSN_UNSET, true);
	dsn_add_notify(&d, DSN_UNSET, false);
	check_int(d.notify, DSN_UNSET, "nobody asks");
	dsn_add_notify(&d, DSN_NEVER, true);
	dsn_add_notify(&d, DSN_NEVER, false);
	check_int(d.notify, DSN_NEVER, "all want none");
	dsn_add_notify(&d, DSN_DELAY, false);
	check_int(d.notify, DSN_DELAY, "one wants some");
	dsn_add_notify(&d, DSN_NEVER, false);
	check_int(d.notify, DSN_DELAY, "and none of another is no answer for him");
	dsn_add_notify(&d, DSN_UNSET, false);
	check_int(d.notify, DSN_DELAY | DSN_FAILURE, "G2 who asks for nothing is told of failures");
	dsn_add_notify(&d, DSN_SUCCESS, false);
	check_int(d.notify, DSN_DELAY | DSN_FAILURE | DSN_SUCCESS, "who wants more is heard");
	dsn_add_notify(&d, DSN_UNSET, true);
	dsn_add_notify(&d, DSN_NEVER, false);
	check_int(d.notify, DSN_DELAY | DSN_FAILURE, "G2 whatever the other wants");
}

int main(void)
{
	test_basic();
	test_words();
	test_header();
	test_field_named();
	test_many();
	test_dsn();
	test_dsn_sum();
	return tap_done();
}
