/* t/unit/mail_repair.c - mail/repair: what callers write becomes legal. */
#include "mail/repair.h"

#include <stdlib.h>

#include "base/mem.h"
#include "t/unit/tap.h"

enum { DOTS = 1, ENDS = 2 };   /* dot_ends; REPAIR_END is expected from feed */

struct row {
	const char *what, *in;
	size_t      in_len;
	int         flags;
	const char *header, *body;
};

#define IN(text) text, sizeof(text) - 1

static const struct row rows[] = {
	{ "empty", IN(""), 0, "", "" },
	{ "LF", IN("A: b\nC: d\n\nx\ny\n"), 0, "A: b\r\nC: d\r\n", "x\r\ny\r\n" },
	{ "CRLF", IN("A: b\r\n\r\nx\r\n"), 0, "A: b\r\n", "x\r\n" },
	{ "mixed", IN("A: b\r\nB: c\nC: d\r\n\n<p>\r\n\n"), 0, "A: b\r\nB: c\r\nC: d\r\n",
	  "<p>\r\n\r\n" },
	{ "runs of CR", IN("A: b\r\r\n\r\r\r\nx\r\r\n"), 0, "A: b\r\n", "x\r\n" },
	{ "no last line end", IN("A: b\n\nx"), 0, "A: b\r\n", "x\r\n" },
	{ "header only", IN("A: b\nC: d"), 0, "A: b\r\nC: d\r\n", "" },
	{ "CR at the end", IN("A: b\n\nx\r"), 0, "A: b\r\n", "x\r\n" },
	{ "CR at the header's end", IN("A: b\r"), 0, "A: b\r\n", "" },
	{ "E2: CR in a header is a blank", IN("A: one\rBcc: evil@x\n\nx\n"), 0,
	  "A: one Bcc: evil@x\r\n", "x\r\n" },
	{ "E2: CR before a header makes a continuation", IN("A: b\n\rBcc: evil@x\n\nx\n"), 0,
	  "A: b\r\n Bcc: evil@x\r\n", "x\r\n" },
	{ "E2: CR in a name", IN("A\r: b\r\rc\n\n"), 0, "A : b  c\r\n", "" },
	{ "E2: CR in the body", IN("A: b\n\none\rtwo\r\rthree\n\r.\rx"), 0, "A: b\r\n",
	  "one\r\ntwo\r\n\r\nthree\r\n\r\n.\r\nx\r\n" },
	{ "CR in the first line of a body", IN("A: b\nno field\rB: c\n"), 0, "A: b\r\n",
	  "no field\r\nB: c\r\n" },
	{ "CR first of all", IN("\rA: b\n\nx\n"), 0, "", "\r\nA: b\r\n\r\nx\r\n" },
	{ "CR and LF first of all", IN("\r\nx\n"), 0, "", "x\r\n" },
	{ "NUL", IN("Sub\0ject: a\0b\n\0\nx\0y\r\0\n\0"), 0, "Subject: ab\r\n", "xy\r\n" },
	{ "From_", IN("From a@x Sat Jan  1\nA: b\n\nFrom c\n"), 0, "A: b\r\n", "From c\r\n" },
	{ ">From_", IN(">From a@x\r\nA: b\n\nx\n"), 0, "A: b\r\n", "x\r\n" },
	{ "From_ once only", IN("From a\nFrom b\nA: b\n"), 0, "", "From b\r\nA: b\r\n" },
	{ "From_ alone", IN("From a"), 0, "", "" },
	{ "From_ without more", IN("From \nA: b\n\nx\n"), 0, "A: b\r\n", "x\r\n" },
	{ "From_ and a blank line", IN("From a\n b\n"), 0, "", " b\r\n" },
	{ "From_ ended by CR: text stays", IN("From a\rBcc: b\rc\n"), 0, "", "Bcc: b\r\nc\r\n" },
	{ "From : is a field", IN("From : a@x\nTo : b@x\n\nx\n"), 0, "From : a@x\r\nTo : b@x\r\n",
	  "x\r\n" },
	{ "From is no mbox", IN("From\nx\n"), 0, "", "From\r\nx\r\n" },
	{ "no blank line", IN("A: b\nthis is body\nCc: c\n\nx\n"), 0, "A: b\r\n",
	  "this is body\r\nCc: c\r\n\r\nx\r\n" },
	{ "no header", IN("just text\nA: b\n"), 0, "", "just text\r\nA: b\r\n" },
	{ "blank first", IN(" A: b\nC: d\n"), 0, "", " A: b\r\nC: d\r\n" },
	{ "warning", IN("Warning: disk\nsecond line\n"), 0, "Warning: disk\r\n",
		"second line\r\n" },
	{ "empty first line", IN("\nA: b\n"), 0, "", "A: b\r\n" },
	{ "continuation", IN("A: b\n c\n\td\n\nx\n"), 0, "A: b\r\n c\r\n\td\r\n", "x\r\n" },
	{ "blank continuation", IN("A: b\n \nC: d\n\nx\n"), 0, "A: b\r\n \r\nC: d\r\n", "x\r\n" },
	{ "colon first", IN("A: b\n: c\n"), 0, "A: b\r\n", ": c\r\n" },
	{ "8 bit name", IN("A: b\n\xc3\xa9: c\n"), 0, "A: b\r\n", "\xc3\xa9: c\r\n" },
	{ "double blank", IN("A: b\r\n\n\nbody\n"), 0, "A: b\r\n", "\r\nbody\r\n" },
	{ "dots with -i", IN("A: b\n\n.\n..\n.x\n."), 0, "A: b\r\n", ".\r\n..\r\n.x\r\n.\r\n" },
	{ "dot ends", IN("A: b\n\nx\n.\nmore\n"), DOTS | ENDS, "A: b\r\n", "x\r\n" },
	{ "dot CRLF ends", IN("A: b\n\nx\n.\r\nmore\n"), DOTS | ENDS, "A: b\r\n", "x\r\n" },
	{ "dot CR CRLF ends", IN("A: b\n\nx\n.\r\r\nmore\0"), DOTS | ENDS, "A: b\r\n", "x\r\n" },
	{ "dot in the header ends", IN("A: b\n.\nC: d\n"), DOTS | ENDS, "A: b\r\n", "" },
	{ "dot first ends", IN(".\nx\n"), DOTS | ENDS, "", "" },
	{ "dot without line end is dropped", IN("A: b\n\nx\n."), DOTS, "A: b\r\n", "x\r\n" },
	{ "dot CR without LF is dropped", IN("A: b\n\nx\n.\r"), DOTS, "A: b\r\n", "x\r\n" },
	{ "dot in the header at the end", IN("A: b\n."), DOTS, "A: b\r\n", "" },
	{ "dots that are text", IN("A: b\n\n..\n.x\n. \nx.\n\r.\n.\rx\n"), DOTS, "A: b\r\n",
	  "..\r\n.x\r\n. \r\nx.\r\n\r\n.\r\n.\r\nx\r\n" },
	{ "dot field", IN(".a: b\n\nx\n"), DOTS, ".a: b\r\n", "x\r\n" },
	{ "E2: smuggling", IN("A: b\n\none\r\n.\r\nMAIL FROM:<e@x>\r\nx\n.\ny\r.\rz\n"), 0,
	  "A: b\r\n", "one\r\n.\r\nMAIL FROM:<e@x>\r\nx\r\n.\r\ny\r\n.\r\nz\r\n" },
};

static int collect(void *context, const char *data, size_t len, struct err *e)
{
	(void)e;
	buf_add(context, data, len);
	return 0;
}

/* What a repair gives as one text: header, body, facts. */
static char *run(const struct row *row, const size_t *cuts, size_t count)
{
	struct buf body = BUF_INIT(0), all = BUF_INIT(0);
	struct repair *r = repair_new(row->flags & DOTS, collect, &body);
	const struct repair_facts *facts = repair_facts(r);
	enum repair_result got = REPAIR_MORE;
	struct err e = { 0 };
	size_t at = 0;

	for (size_t i = 0; i <= count; i++) {
		size_t to = i < count ? cuts[i] : row->in_len;
		char *piece = mem_copy(row->in + at, to - at);

		got = repair_feed(r, piece, to - at, &e);
		free(piece);
		at = to;
	}
	buf_printf(&all, "%d %d ", got, repair_finish(r, &e));
	buf_printf(&all, "done=%d ", repair_header_done(r));
	buf_printf(&all, "[%s] [%s] ", buf_text(repair_header(r)), buf_text(&body));
	buf_printf(&all, "%d%d%d %llu %llu", facts->eight_bit_header, facts->eight_bit_body,
		facts->nul_removed, (unsigned long long)facts->body_size,
		(unsigned long long)facts->longest_line);
	if (facts->body_size != body.len)
		buf_add_text(&all, " wrong size");
	buf_release(&body);
	repair_free(&r);
	if (r)
		buf_add_text(&all, " not freed");
	return buf_take(&all);
}

static void test_rows(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf want = BUF_INIT(0);
		char *whole = run(&rows[i], NULL, 0);
		size_t differ = 0;

		buf_printf(&want, "%d 0 done=1 [%s] [%s] ", rows[i].flags & ENDS ? 1 : 0,
			rows[i].header, rows[i].body);
		check(!strncmp(whole, buf_text(&want), want.len), "%s", rows[i].what);
		if (strncmp(whole, buf_text(&want), want.len))
			printf("# got %s\n# want %s\n", whole, buf_text(&want));
		for (size_t a = 0; a <= rows[i].in_len; a++)
			for (size_t b = a; b <= rows[i].in_len; b++) {
				const size_t cuts[2] = { a, b };
				char *cut = run(&rows[i], cuts, 2);

				differ += strcmp(cut, whole) != 0;
				free(cut);
			}
		check_int(differ, 0, "%s: the same however it is cut", rows[i].what);
		free(whole);
		buf_release(&want);
	}
}

static void test_facts(void)
{
	static const struct row row = { "facts", IN("A: \xc3\xa9\n\nxx\0x\n\xff"), 0, NULL, NULL };
	static const struct row plain = { "facts", IN("A: b\n 345678\n\nxx\n"), 0, NULL, NULL };
	char *got = run(&row, NULL, 0);

	check_text(got, "0 0 done=1 [A: \xc3\xa9\r\n] [xxx\r\n\xff\r\n] 111 8 5", "facts");
	free(got);
	got = run(&plain, NULL, 0);
	check_text(got, "0 0 done=1 [A: b\r\n 345678\r\n] [xx\r\n] 000 4 7", "facts of ASCII");
	free(got);
}

static int count_calls(void *context, const char *data, size_t len, struct err *e)
{
	(void)data;
	(void)len;
	(void)e;
	++*(unsigned *)context;
	return 0;
}

static void test_limits(void)
{
	static char blob[4096];
	unsigned calls = 0;
	struct repair *r = repair_new(false, count_calls, &calls);
	struct err e = { 0 };
	int failed = 0;

	memset(blob, 'x', sizeof(blob));
	for (int i = 0; i < 5000; i++)
		failed |= repair_feed(r, blob, sizeof(blob), &e);
	failed |= repair_finish(r, &e);
	check_int(failed, 0, "C3: 20 MB without a line end or a colon are body");
	check_int(repair_facts(r)->longest_line, 5000 * 4096, "its length is known");
	check(calls > 100 && calls < 1000, "the sink gets large pieces (%u)", calls);
	repair_free(&r);

	r = repair_new(false, count_calls, &calls);
	failed = repair_feed(r, "A: ", 3, &e);
	for (int i = 0; i < 300 && !failed; i++)
		failed = repair_feed(r, blob, sizeof(blob), &e);
	check_int(failed, REPAIR_FAILED, "a header over 1 MB is refused");
	check_int(e.kind, ERR_MESSAGE, "as a fault of the message");
	check_text(e.text, "the header of the message is longer than 1048576 octets",
		"and says so");
	check(strstr(e.hint, "recipients are given as arguments") != NULL, "and what to do");
	check_int(repair_feed(r, "x", 1, &e), REPAIR_FAILED, "and stays refused");
	check_int(repair_finish(r, &e), -1, "to the end");
	repair_free(&r);
	repair_free(&r);

	memset(blob, '\r', sizeof(blob));
	r = repair_new(false, count_calls, &calls);
	for (int i = 0; i < 1000; i++)
		failed = repair_feed(r, blob, sizeof(blob), &e);
	failed = repair_feed(r, "x", 1, &e);
	check_int(repair_finish(r, &e), 0, "a flood of CR");
	check_int(repair_facts(r)->body_size, 2 * 4096000 + 3, "each ends a line");
	repair_free(&r);
}

static int refuse(void *context, const char *data, size_t len, struct err *e)
{
	(void)context;
	(void)data;
	(void)len;
	return err_set(e, ERR_STORE, "no room");
}

static void test_sink_fails(void)
{
	struct repair *r = repair_new(false, refuse, NULL);
	struct err e = { 0 };
	enum repair_result got = REPAIR_MORE;

	for (int i = 0; i < 100000 && !got; i++)
		got = repair_feed(r, "no field\n", 9, &e);
	check_int(got, REPAIR_FAILED, "a sink that fails is told");
	check_int(e.kind, ERR_STORE, "with its reason");
	check_int(repair_finish(r, &e), -1, "finish tells it too");
	repair_free(&r);

	r = repair_new(false, refuse, NULL);
	check_int(repair_feed(r, "\nx", 2, &e), REPAIR_MORE, "kept in the batch");
	e = (struct err){ 0 };
	check_int(repair_finish(r, &e), -1, "A4: a failure of the last piece is told");
	check_text(e.text, "no room", "with its reason");
	repair_free(&r);
}

static void test_after_end(void)
{
	struct buf body = BUF_INIT(0);
	struct repair *r = repair_new(true, collect, &body);
	struct err e;

	check_int(repair_feed(r, "A: b\n\nx\n.\ny", 11, &e), REPAIR_END, "end");
	check_int(repair_feed(r, "z\n", 2, &e), REPAIR_END, "what follows does not count");
	check_int(repair_finish(r, &e), 0, "finished");
	check_text(buf_text(&body), "x\r\n", "nothing was added");
	repair_free(&r);
	buf_release(&body);
}

int main(void)
{
	test_rows();
	test_facts();
	test_limits();
	test_sink_fails();
	test_after_end();
	return tap_done();
}
