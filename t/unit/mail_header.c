/* t/unit/mail_header.c - mail/header: walking over fields and writing them. */
#include "mail/header.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/address.h"
#include "t/unit/tap.h"

static const char block[] =
	"Subject: one\r\n"
	"To : a@x,\r\n"
	"\tb@y\r\n"
	"X-Empty:\r\n"
	"x-blank: \t \r\n"
	"TO: c@z\r\n"
	"Last:v\r\n";

static void test_walk(void)
{
	static const struct { size_t len, name_len, value_len; } want[] = {
		{ 14, 7, 4 }, { 17, 2, 11 }, { 10, 7, 0 }, { 13, 7, 3 }, { 9, 2, 4 }, { 8, 4, 1 },
	};
	size_t at = 0, i = 0, sum = 0;
	struct field f;

	for (; header_next(block, sizeof(block) - 1, &at, &f) && i < COUNT(want); i++) {
		check_int(f.len, want[i].len, "length of field %zu", i);
		check_int(f.name_len, want[i].name_len, "length of name %zu", i);
		check_int(f.value_len, want[i].value_len, "length of value %zu", i);
		sum += f.len;
	}
	check_int(i, COUNT(want), "six fields");
	check_int(sum, sizeof(block) - 1, "together they are the block");
	check(!header_next(block, sizeof(block) - 1, &at, &f), "and that is the end");
	at = 0;
	check(!header_next("", 0, &at, &f), "an empty block has none");
}

/* Fields of a block that is cut anywhere are still a partition of it. */
static void test_cuts(void)
{
	for (size_t cut = 0; cut < sizeof(block); cut++) {
		char *copy = mem_copy(block, cut);
		size_t at = 0, sum = 0;
		struct field f;
		bool inside = true;

		while (header_next(copy, cut, &at, &f)) {
			inside = inside && f.start == copy + sum && f.value >= f.start &&
				f.value + f.value_len <= f.start + f.len && f.name_len <= f.len;
			sum += f.len;
		}
		check(inside && sum == cut, "cut at %zu", cut);
		free(copy);
	}
}

static void check_unfolded(const char *name, const char *want)
{
	struct buf out = BUF_INIT(0);
	struct field f;

	if (check(header_find(block, sizeof(block) - 1, name, &f), "%s is found", name)) {
		field_unfold(&f, &out);
		check_text(buf_text(&out), want, "value of %s", name);
		check_int(field_is_blank(&f), !*want, "whether %s is blank", name);
	}
	buf_release(&out);
}

static void test_find(void)
{
	struct field f;

	check_unfolded("subject", "one");
	check_unfolded("to", "a@x,\tb@y");
	check_unfolded("X-EMPTY", "");
	check_unfolded("X-Blank", "");
	check_unfolded("Last", "v");
	check(!header_find(block, sizeof(block) - 1, "Sub", &f), "a part of a name is no name");
	check(!header_find(block, sizeof(block) - 1, "b@y", &f), "a continuation is no field");
}

static void test_is_field(void)
{
	static const struct { const char *line; bool want; } rows[] = {
		{ "A: b", true }, { "A:", true }, { "A :b", true }, { "A \t : b", true },
		{ "!~: x", true }, { "http://x", true }, { "", false }, { ":", false },
		{ "A", false }, { "A b: c", false }, { " A: b", false }, { "\tA: b", false },
		{ "\xc3\xa9: b", false }, { "A\x01: b", false }, { "A\x7f: b", false },
		{ "From a@x 10:00", false },
	};
	char name[1200];

	for (size_t i = 0; i < COUNT(rows); i++)
		check_int(header_is_field(rows[i].line, strlen(rows[i].line)), rows[i].want,
			"line %zu", i);
	memset(name, 'a', sizeof(name));
	name[997] = ':';
	check(header_is_field(name, sizeof(name)), "a name of 997 octets");
	name[997] = 'a';
	name[998] = ':';
	check(!header_is_field(name, sizeof(name)), "a name of 998 is no name");
}

static void check_add(const char *name, const char *value, const char *want)
{
	struct buf out = BUF_INIT(0);

	header_add(&out, name, value);
	check_text(buf_text(&out), want, "adds %s", name);
	buf_release(&out);
}

#define W20 "wwwwwwwwwwwwwwwwwwww"

static void test_add(void)
{
	check_add("A", "b", "A: b\r\n");
	check_add("A", "", "A: \r\n");
	check_add("Short", "one  two ", "Short: one  two\r\n");
	check_add("Fold", W20 " " W20 " " W20 " " W20 "\t" W20 " x",
		"Fold: " W20 " " W20 " " W20 "\r\n " W20 "\t" W20 " x\r\n");
	check_add("Exact", W20 " " W20 " " W20 " 89012",
		"Exact: " W20 " " W20 " " W20 " 89012\r\n");
	check_add("Exact", W20 " " W20 " " W20 " 8901234",
		"Exact: " W20 " " W20 " " W20 "\r\n 8901234\r\n");
	check_add("Long", W20 W20 W20 W20 W20 " x", "Long: " W20 W20 W20 W20 W20 "\r\n x\r\n");
	check_add("E7", "a\r\nBcc: evil@x\n\n\rbody", "E7: a  Bcc: evil@x   body\r\n");
}

static void check_phrase(const char *name, size_t len, const char *want)
{
	struct buf out = BUF_INIT(0);

	header_phrase(name, len, &out);
	check_text(buf_text(&out), want, "phrase %s", want);
	buf_release(&out);
}

#define PHRASE(name, want) check_phrase(name, sizeof(name) - 1, want)

static void test_phrase(void)
{
	PHRASE("", "");
	PHRASE(" \t ", "");
	PHRASE("Full Name", "Full Name");
	PHRASE(" CronDaemon ", "CronDaemon");
	PHRASE("Last, First", "\"Last, First\"");
	PHRASE("John Q. Public", "\"John Q. Public\"");
	PHRASE("two  blanks", "\"two  blanks\"");
	PHRASE("a\"b\\c", "\"a\\\"b\\\\c\"");
	PHRASE("root@box (Cron Daemon)", "\"root@box (Cron Daemon)\"");
	PHRASE("J\xc3\xbcrgen", "=?UTF-8?B?SsO8cmdlbg==?=");
	PHRASE("J\xfcrgen", "J?rgen");
	PHRASE("\xc3\xa9\xff\xc3", "=?UTF-8?B?w6k/Pw==?=");
	PHRASE("E7\r\nBcc: x", "\"E7  Bcc: x\"");
	PHRASE("a\0b\x1b[0m\x7f", "\"a b [0m\"");
	PHRASE("\xc2\x85x", "x");
	/* 12 characters of three octets are the most of one encoded word */
	PHRASE("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac" "ab\xe2\x82\xac",
		"=?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKsYWI=?= "
		"=?UTF-8?B?4oKs?=");
}

/* E7: whatever a name is made of, no line is begun, none is over 76 octets with
 * encoded words, and the address beside it stays the one it was. */
static void test_phrase_safe(void)
{
	unsigned seed = 1, bad = 0;

	for (int round = 0; round < 3000; round++) {
		struct buf value = BUF_INIT(0), out = BUF_INIT(0);
		struct mailbox_list list = { 0 };
		char name[300];
		struct err e;
		struct field f;
		size_t len, at = 0;

		for (len = 0; len < (size_t)round % sizeof(name); len++) {
			seed = seed * 1103515245 + 12345;
			name[len] = (char)(seed >> 16);
		}
		header_phrase(name, len, &value);
		buf_add_text(&value, " <a@x>");
		header_add(&out, "Resent-From", buf_text(&value));
		if (!header_next(buf_text(&out), out.len, &at, &f) || at != out.len ||
			mailbox_list_parse(f.value, f.value_len, ADDRESS_IN_HEADER, &list, &e) ||
			list.count != 1 || strcmp(list.items[0].local, "a"))
			bad++;
		for (const char *p = buf_text(&out); *p; p += strcspn(p, "\n") + 1)
			bad += strcspn(p, "\r") > 76 && strstr(p, "=?UTF-8?B");
		mailbox_list_release(&list);
		buf_release(&value);
		buf_release(&out);
	}
	check_int(bad, 0, "E7: random names make no new header line");
}

int main(void)
{
	test_walk();
	test_cuts();
	test_find();
	test_is_field();
	test_add();
	test_phrase();
	test_phrase_safe();
	return tap_done();
}
