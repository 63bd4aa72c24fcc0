/* t/unit/smtp_reply.c - replies, good and bad, whole and cut at every octet. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "smtp/reply.h"

#define S(text) text, sizeof(text) - 1

static const struct {
	const char *in;
	size_t len;
	int code;
	const char *enhanced, *text;
} good[] = {
	{ S("250 2.1.0 ok\r\n"), 250, "2.1.0", "ok" },
	{ S("250\r\n"), 250, "", "" },
	{ S("250 \r\n"), 250, "", "" },
	{ S("250\n"), 250, "", "" },
	{ S("250 ok\n"), 250, "", "ok" },
	{ S("250-one\n250-two\r\n250 three\n"), 250, "", "one\ntwo\nthree" },
	{ S("250-one\r\n250\r\n"), 250, "", "one\n" },
	{ S("250-\r\n250-\r\n250 \r\n"), 250, "", "\n\n" },
	{ S("550-5.7.1 not\r\n550 5.7.1 here\r\n"), 550, "5.7.1", "not\nhere" },
	{ S("550-words first\r\n550 5.7.1 here\r\n"), 550, "5.7.1", "words first\nhere" },
	{ S("550-5.7.1 not\r\n550 5.1.1 here\r\n"), 550, "5.7.1", "not\nhere" },
	{ S("550 5.7.1\r\n"), 550, "5.7.1", "" },
	{ S("550 5.123.456 x\r\n"), 550, "5.123.456", "x" },
	{ S("550 4.7.1 class differs\r\n"), 550, "", "4.7.1 class differs" },
	{ S("550 5.1234.1 x\r\n"), 550, "", "5.1234.1 x" },
	{ S("550 5.1.1234 x\r\n"), 550, "", "5.1.1234 x" },
	{ S("550 5.1.1x\r\n"), 550, "", "5.1.1x" },
	{ S("550 5.1.\r\n"), 550, "", "5.1." },
	{ S("550 5..1 x\r\n"), 550, "", "5..1 x" },
	{ S("550 5.1\r\n"), 550, "", "5.1" },
	{ S("550 5.1.1-x\r\n"), 550, "", "5.1.1-x" },
	{ S("250  two blanks\r\n"), 250, "", " two blanks" },
	{ S("250 a\rb\r\n"), 250, "", "a\rb" },
	{ S("250 a\r\r\n"), 250, "", "a\r" },
	{ S("250 \xff\x1b\x7f\r\n"), 250, "", "\xff\x1b\x7f" },
	{ S("200 least\r\n"), 200, "", "least" },
	{ S("599 most\r\n"), 599, "", "most" },
	{ S("334 dGVzdA==\r\n"), 334, "", "dGVzdA==" },
};

static const struct {
	const char *in;
	size_t len;
} bad[] = {
	{ S("\r\n") },
	{ S("\n") },
	{ S(" 250 ok\r\n") },
	{ S("25\r\n") },
	{ S("25 ok\r\n") },
	{ S("2500 ok\r\n") },
	{ S("250ok\r\n") },
	{ S("250\tok\r\n") },
	{ S("250_ok\r\n") },
	{ S("250\r-ok\r\n") },
	{ S("199 x\r\n") },
	{ S("100 x\r\n") },
	{ S("600 x\r\n") },
	{ S("000 x\r\n") },
	{ S("+OK\r\n") },
	{ S("-25 x\r\n") },
	{ S("2x0 ok\r\n") },
	{ S("HTTP/1.1 400 Bad Request\r\n") },
	{ S("<html>\r\n") },
	{ S("\x16\x03\x01\x02\x00\x01\n") },
	{ S("250 nul\0inside\r\n") },
	{ S("250-nul\0inside\r\n250 ok\r\n") },
	{ S("\0\0\0\n") },
	{ S("250-ok\r\n251 ok\r\n") },
	{ S("250-ok\r\n550 no\r\n") },
	{ S("250-ok\r\n250-ok\r\n550-no\r\n") },
	{ S("250-ok\r\nok\r\n") },
	{ S("250-ok\r\n\r\n") },
};

/* Feeds in the pieces that the cut makes; cut 0: octet by octet.  Returns what
 * the last call returned and adds up what was used. */
static int feed(struct reply_parser *p, const char *in, size_t len, size_t cut, size_t *used,
	struct err *e)
{
	int whole = 0;

	*used = 0;
	while (!whole && *used < len) {
		size_t piece = cut ? (*used < cut ? cut : len) - *used : 1, n;
		/* A block of its own: reading behind its end is a fault that shows. */
		char *copy = mem_copy(in + *used, piece);

		whole = reply_feed(p, copy, piece, &n, e);
		*used += n;
		free(copy);
	}
	return whole;
}

static void test_good(void)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		bool same = true;

		for (size_t cut = 0; cut <= good[i].len; cut++) {
			struct reply_parser p;
			struct err e = { 0 };
			size_t used;

			reply_parser_init(&p);
			same &= !reply_begun(&p);
			same &= feed(&p, good[i].in, good[i].len, cut, &used, &e) == 1;
			same &= used == good[i].len && !reply_begun(&p);
			same &= p.reply.code == good[i].code;
			same &= !strcmp(p.reply.enhanced, good[i].enhanced);
			same &= !strcmp(buf_text(&p.reply.text), good[i].text);
			reply_parser_release(&p);
		}
		check(same, "good reply %zu, cut everywhere", i);
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		bool same = true;

		for (size_t cut = 0; cut <= bad[i].len; cut++) {
			struct reply_parser p;
			struct err e = { 0 };
			size_t used;

			reply_parser_init(&p);
			same &= feed(&p, bad[i].in, bad[i].len, cut, &used, &e) == -1;
			same &= e.kind == ERR_PROTOCOL && e.text[0] && !strpbrk(e.text, "\r\n\033");
			reply_parser_release(&p);
		}
		check(same, "E6 bad reply %zu, cut everywhere", i);
	}
}

/* Every prefix of a good reply asks for more, and says that one has begun. */
static void test_unfinished(void)
{
	bool same = true;

	for (size_t i = 0; i < COUNT(good); i++)
		for (size_t len = 1; len < good[i].len; len++) {
			struct reply_parser p;
			struct err e = { 0 };
			size_t used;

			reply_parser_init(&p);
			same &= feed(&p, good[i].in, len, len, &used, &e) == 0 && used == len;
			same &= reply_begun(&p);
			reply_parser_release(&p);
		}
	check(same, "every prefix of a reply is unfinished");
}

/* What can become no line of a reply is known for that by its first octets. */
static void test_judged(void)
{
	static const struct {
		const char *begins;
		bool good;
	} lines[] = {
		{ "2", true }, { "59", true }, { "250", true }, { "250 ", true }, { "354-x", true },
		{ "1", false }, { "6", false }, { "x", false }, { " ", false }, { "2x", false },
		{ "25x", false }, { "2500", false }, { "250_", false }, { "<html>", false },
		{ "\x16\x03", false },
	};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct reply_parser p;
		struct err e = { 0 };
		size_t used;

		reply_parser_init(&p);
		check_int(reply_feed(&p, lines[i].begins, strlen(lines[i].begins), &used, &e), 0,
			"line %zu is not whole", i);
		check_int(reply_judge_line(&p, &e), lines[i].good ? 0 : -1, "line %zu", i);
		check_int(e.kind, lines[i].good ? ERR_NONE : ERR_PROTOCOL, "line %zu: told", i);
		reply_parser_release(&p);
	}
}

/* One feed takes one reply, and the next begins with nothing left of it. */
static void test_several(void)
{
	static const char in[] = "250-2.1.0 a\r\n250 2.1.0 b\r\n354\r\n550 5.1.1 who\r\n";
	static const struct { int code; const char *enhanced, *text; size_t used; } want[] = {
		{ 250, "2.1.0", "a\nb", 26 }, { 354, "", "", 5 }, { 550, "5.1.1", "who", 15 },
	};
	struct reply_parser p;
	struct err e = { 0 };
	size_t at = 0, used;

	reply_parser_init(&p);
	for (size_t i = 0; i < COUNT(want); i++) {
		check_int(reply_feed(&p, in + at, strlen(in + at), &used, &e), 1,
			"reply %zu of three", i);
		check_int(used, want[i].used, "its length");
		check_int(p.reply.code, want[i].code, "its code");
		check_text(p.reply.enhanced, want[i].enhanced, "its enhanced code");
		check_text(buf_text(&p.reply.text), want[i].text, "its text");
		at += used;
	}
	check_int(reply_feed(&p, "", 0, &used, &e), 0, "nothing more");
	reply_parser_release(&p);
}

/* The longest line is taken, one octet more is not; pieces make no difference. */
static void test_line_limit(void)
{
	static const size_t cuts[] = { 0, 1, 4000, REPLY_LINE_MAX - 1, REPLY_LINE_MAX };

	for (size_t more = 0; more < 2; more++) {
		struct buf in = BUF_INIT(REPLY_LINE_MAX + 64);

		buf_add_text(&in, "250 ");
		while (in.len < REPLY_LINE_MAX - 2 + more)
			buf_add_char(&in, 'x');
		buf_add_text(&in, "\r\n");
		for (size_t i = 0; i < COUNT(cuts); i++) {
			struct reply_parser p;
			struct err e = { 0 };
			size_t used;

			reply_parser_init(&p);
			check_int(feed(&p, in.data, in.len, cuts[i], &used, &e), more ? -1 : 1,
				"C2 a line of %zu octets, cut at %zu", in.len, cuts[i]);
			if (!more)
				check_int(p.reply.text.len, REPLY_LINE_MAX - 6,
					"all of it is there");
			check(p.line.cap <= 2 * REPLY_LINE_MAX, "C2 little is kept");
			reply_parser_release(&p);
		}
		buf_release(&in);
	}
}

static void test_endless(void)
{
	static const char *const pieces[] = { "x", "250-0123456789\r\n", "250-\n" };

	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct reply_parser p;
		struct err e = { 0 };
		size_t octets = 0, used;
		int whole = 0;

		reply_parser_init(&p);
		while (!whole && octets < 1 << 24) {
			whole = reply_feed(&p, pieces[i], strlen(pieces[i]), &used, &e);
			octets += used;
		}
		check_int(whole, -1, "C2 an endless reply ends in an error");
		check_int(e.kind, ERR_PROTOCOL, "C2 of the protocol");
		check(octets <= REPLY_TEXT_MAX + strlen(pieces[i]), "C2 after %zu octets", octets);
		reply_parser_release(&p);
	}
}

/* The largest reply that is taken, and one octet more. */
static void test_reply_limit(void)
{
	for (size_t more = 0; more < 2; more++) {
		struct reply_parser p;
		struct err e = { 0 };
		struct buf in = BUF_INIT(REPLY_TEXT_MAX + 64);
		size_t used;

		while (in.len < REPLY_TEXT_MAX - 16)
			buf_add_text(&in, "250-0123456789\r\n");
		buf_add_text(&in, "250 012345678");
		if (more)
			buf_add_char(&in, '9');
		buf_add_text(&in, "9\r\n");
		reply_parser_init(&p);
		check_int(reply_feed(&p, in.data, in.len, &used, &e), more ? -1 : 1,
			"C2 a reply of %zu octets", in.len);
		reply_parser_release(&p);
		buf_release(&in);
	}
}

static const struct {
	const char *in, *want;
} shown[] = {
	{ "250 ok\r\n", "250 ok" },
	{ "250\r\n", "250" },
	{ "550-5.7.1 not\r\n550 5.7.1 here\r\n", "550 5.7.1 not here" },
	{ "550 5.7.1\r\n", "550 5.7.1" },
	{ "550 \033[31m\x07red\xff %s%n\r\n", "550 \\x1b[31m\\x07red\\xff %s%n" },
	{ "550 a\rb\tc\r\n", "550 a\\x0db\\x09c" },
	{ "550 gr\xc3\xbc\xc3\x9f\r\n", "550 gr\xc3\xbc\xc3\x9f" },
};

static void test_show(void)
{
	struct reply_parser p;
	struct err e = { 0 };
	struct buf out = BUF_INIT(4096), in = BUF_INIT(4096);
	size_t used;

	reply_parser_init(&p);
	for (size_t i = 0; i < COUNT(shown); i++) {
		reply_feed(&p, shown[i].in, strlen(shown[i].in), &used, &e);
		buf_clear(&out);
		reply_show(&p.reply, &out);
		check_text(buf_text(&out), shown[i].want, "E4 shown %zu", i);
	}
	buf_add_text(&in, "550 ");
	while (in.len < 3000)
		buf_add_char(&in, 'y');
	buf_add_text(&in, "\r\n");
	reply_feed(&p, in.data, in.len, &used, &e);
	buf_clear(&out);
	reply_show(&p.reply, &out);
	check_int(out.len, 4 + 512 + 3, "E4 cut at 512 octets");
	reply_parser_release(&p);
	buf_release(&out);
	buf_release(&in);
}

int main(void)
{
	test_good();
	test_bad();
	test_unfinished();
	test_judged();
	test_several();
	test_line_limit();
	test_endless();
	test_reply_limit();
	test_show();
	return tap_done();
}
