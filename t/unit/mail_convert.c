/* t/unit/mail_convert.c - mail/convert: messages written such that a server takes
 * them, however the body is cut. */
#include "mail/convert.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/repair.h"
#include "t/unit/mime_rig.h"
#include "t/unit/tap.h"

#define UE "\xc3\xbc"
#define X10 "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define B50 "                                                  "
#define B200 B50 B50 B50 B50
#define B1000 B200 B200 B200 B200 B200
#define MIME "MIME-Version: 1.0\n"
#define CTE "Content-Transfer-Encoding: "
#define MIXED MIME "Content-Type: multipart/mixed; boundary=a\n"

enum { SEVEN = 1, LABEL = 2, UTF8 = 4 };

/* Lines with LF here, with CRLF in use.  out NULL: as it came; why: refused. */
static const struct {
	const char *what;
	unsigned want;
	const char *in, *out, *why;
} rows[] = {
	{ "ASCII", SEVEN | LABEL, "A: b\n\nx\n", NULL, NULL },
	{ "8-bit, and it may stay", 0, "A: b\n\n" UE "\n", NULL, NULL },
	{ "empty body", SEVEN | LABEL, "A: b\n\n", NULL, NULL },

	{ "UTF-8 text", SEVEN, "A: b\n\nf" UE "r dich\n", "A: b\n" MIME "Content-Type: text/plain; charset=UTF-8\n"
		CTE "quoted-printable\n\nf=C3=BCr dich\n", NULL },
	{ "UTF-8 text, told", LABEL, "A: b\n\n" UE "\n", "A: b\n" MIME "Content-Type: text/plain; charset=UTF-8\n"
		CTE "8bit\n\n" UE "\n", NULL },
	{ "not UTF-8", LABEL, "A: b\n\n\xfc\n", "A: b\n" MIME "Content-Type: text/plain; charset=unknown-8bit\n"
		CTE "8bit\n\n\xfc\n", NULL },
	{ "a character that is cut", LABEL, "A: b\n\n\xe2\x82\n", "A: b\n" MIME
		"Content-Type: text/plain; charset=unknown-8bit\n" CTE "8bit\n\n\xe2\x82\n", NULL },
	{ "with MIME: not told", LABEL, "Content-Language: de\n\n" UE "\n", NULL, NULL },
	{ "mostly 8-bit", SEVEN, MIME "\n" UE UE UE "\n", MIME CTE "base64\n\nw7zDvMO8DQo=\n", NULL },
	{ "the coding is replaced", SEVEN, CTE "8bit\nA: b\nContent-Type: text/plain\n" CTE "binary\n\nxxxx" UE "\n",
		CTE "quoted-printable\nA: b\nContent-Type: text/plain\n" MIME "\nxxxx=C3=BC\n", NULL },
	{ "no text", SEVEN, "Content-Type: a/b\n" MIME "\nxxxxxx" UE "\n",
		"Content-Type: a/b\n" MIME CTE "base64\n\neHh4eHh4w7wNCg==\n", NULL },
	{ "encoded already", SEVEN, MIME CTE "base64\n\nw7w=\n", NULL, NULL },
	{ "quoted-printable that is not", SEVEN, MIME CTE "quoted-printable\n\n" UE "=3D\n",
		MIME CTE "quoted-printable\n\n=C3=BC=3D\n", NULL },
	{ "foreign", SEVEN, MIME CTE "x-uuencode\n\n" UE "\n", NULL, "in an encoding that is not known" },
	{ "header only", SEVEN, "Subject: " UE "\n\nx\n", "Subject: =?UTF-8?Q?=C3=BC?=\n\nx\n", NULL },
	{ "header that may stay", SEVEN | UTF8, "Subject: " UE "\n\nx\n", NULL, NULL },

	{ "multipart", SEVEN, MIXED CTE "8bit\n\n--a\n\nx\n--a\n" CTE "8bit\n\nxxxx" UE "\n--a--\n",
		MIXED CTE "7bit\n\n--a\n\nx\n--a\n" CTE "quoted-printable\n\nxxxx=C3=BC\n--a--\n", NULL },
	{ "a part about which nothing is said", SEVEN, MIXED "\n--a\n\nxxxx" UE "\n--a\nA: b\nxxxx" UE "\n--a--\n",
		MIXED "\n--a\nContent-Type: text/plain; charset=UTF-8\n" CTE "quoted-printable\n\nxxxx=C3=BC\n"
		"--a\nA: b\nContent-Type: text/plain; charset=UTF-8\n" CTE "quoted-printable\n\nxxxx=C3=BC\n--a--\n",
		NULL },
	{ "a part's header", SEVEN, MIXED "\n--a\nContent-Type: a/b; name=" UE "\n\nx\n--a--\n",
		MIXED "\n--a\nContent-Type: a/b; name*=UTF-8''%C3%BC\n\nx\n--a--\n", NULL },
	{ "which may stay", 0, MIXED "\n--a\nContent-Type: a/b; name=" UE "\n\nx\n--a--\n", NULL, NULL },
	{ "beside the parts", SEVEN, MIXED "\n=" UE "\n--a\n\nx\n--a--\n=" UE "\n",
		MIXED "\n=3D=C3=BC\n--a\n\nx\n--a--\n=3D=C3=BC\n", NULL },
	{ "a message inside", SEVEN, MIXED "\n--a\nContent-Type: message/rfc822\n" CTE "8bit\n\nSubject: " UE "\n\n"
		"xxxx" UE "\n--a--\n", MIXED "\n--a\nContent-Type: message/rfc822\n" CTE "7bit\n\nSubject: "
		"=?UTF-8?Q?=C3=BC?=\n" MIME "Content-Type: text/plain; charset=UTF-8\n" CTE "quoted-printable\n\n"
		"xxxx=C3=BC\n--a--\n", NULL },
	{ "an address inside", SEVEN, MIXED "\n--a\nContent-Type: message/rfc822\n\nTo: " UE "@x, U " UE " <" UE "@y>\n\n\n--a--\n",
		MIXED "\n--a\nContent-Type: message/rfc822\n\nTo: =?UTF-8?Q?=C3=BC=40x?= :;, U =?UTF-8?Q?=C3=BC?= "
		"=?UTF-8?Q?_=C3=BC=40y?=\n :;\n\n\n--a--\n", NULL },
	{ "signed", SEVEN, "Content-Type: multipart/signed; boundary=a\n\n--a\n\n" UE "\n--a--\n", NULL,
		"does not offer 8BITMIME" },
	{ "signed, which may stay", LABEL, "Content-Type: multipart/signed; boundary=a\n\n--a\n\n" UE "\n--a--\n",
		NULL, NULL },
	{ "signed, a long line", 0, "Content-Type: multipart/signed; boundary=a\n\n--a\n\n" X1000 "\n--a--\n", NULL,
		"a line of more than 998 octets" },
	{ "signed, behind a comment", SEVEN, "Content-Type: (c) multipart/signed; boundary=a\n\n--a\n\n" UE "\n--a--\n",
		NULL, "a signed or encrypted part" },
	{ "a boundary in sections", SEVEN, MIME "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n\n--ab\n"
		"Content-Type: a/b\n\n" UE "\n--ab--\n", MIME "Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\n"
		"\n--ab\nContent-Type: a/b\n" CTE "base64\n\nw7w=\n--ab--\n", NULL },
	{ "a boundary that cannot be read", SEVEN, MIME "Content-Type: multipart/mixed; boundary*1=a\n\n--a\n\n" UE
		"\n--a--\n", NULL, "a multipart of the message whose boundary cannot be read has 8-bit content" },
	{ "which needs no change", LABEL, MIME "Content-Type: multipart/mixed; boundary*1=a\n\n--a\n\n" UE
		"\n--a--\n", NULL, NULL },
	{ "signed, and beside it", SEVEN, MIXED "\n--a\nContent-Type: multipart/signed; boundary=s\n\n--s\n\nx  \n--s--\n"
		"--a\nContent-Type: a/b\n\n" UE "\n--a--\n", MIXED "\n--a\nContent-Type: multipart/signed; boundary=s\n\n"
		"--s\n\nx  \n--s--\n--a\nContent-Type: a/b\n" CTE "base64\n\nw7w=\n--a--\n", NULL },

	{ "a long line, base64", 0, MIME "Content-Type: a/b\n" CTE "base64\n\n" X1000 "\n", MIME "Content-Type: a/b\n"
		CTE "base64\n\nxxxxxx", NULL },
	{ "a long line of text", 0, "A: b\n\n" X1000 "\n", "A: b\n" MIME "Content-Type: text/plain; charset=us-ascii\n"
		CTE "quoted-printable\n\nxxxx", NULL },
	{ "a long delimiter", 0, MIXED "\n--a\n\nx\n--a" B1000 "\n\ny\n--a-- \n", MIXED "\n--a\n\nx\n--a\n\ny\n--a-- \n", NULL },
	{ "a long last one", 0, MIXED "\n--a \n\nx\n--a--" B1000, MIXED "\n--a \n\nx\n--a--\n", NULL },
	{ "a long line in a part's header", 0, MIXED "\n--a\nX: " X100 " " X1000 "\n\n" UE "\n--a--\n",
		MIXED "\n--a\nX:\n " X100 "\n =?UTF-8?Q?x", NULL },
};

static void take_line_ends(const struct buf *in, struct buf *out)
{
	for (size_t i = 0; i < in->len; i++)
		if (in->data[i] != '\r')
			buf_add_char(out, in->data[i]);
}

/* Header and body together, with LF; or why it is refused. */
static char *run(size_t row, size_t step)
{
	struct buf body = BUF_INIT(0), all = BUF_INIT(0);
	struct repair *r = repair_new(false, rig_keep, &body);
	const struct convert_want want = { .seven_bit = rows[row].want & SEVEN,
		.label = rows[row].want & LABEL, .header = rows[row].want & UTF8 ? FIT_UTF8 :
		rows[row].want & SEVEN ? FIT_ASCII : FIT_ANY };
	struct rig_result result;
	struct err e = { 0 };

	repair_feed(r, rows[row].in, strlen(rows[row].in), &e);
	repair_finish(r, &e);
	if (rig_convert(repair_header(r), &body, &want, step, &result, &e) == 0) {
		take_line_ends(&result.header, &all);
		buf_add_char(&all, '\n');
		take_line_ends(&result.body, &all);
	} else {
		buf_printf(&all, "%s %d", e.text, e.kind == ERR_CAPABILITY);
	}
	rig_result_release(&result);
	repair_free(&r);
	buf_release(&body);
	return buf_take(&all);
}

static void test(size_t i)
{
	char *got = run(i, 0);
	const char *want = rows[i].why ? rows[i].why : rows[i].out ? rows[i].out : rows[i].in;
	size_t len = strlen(want);
	bool same = true;

	if (rows[i].why)
		check(strstr(got, want) && got[strlen(got) - 1] == '1', "%s: %s", rows[i].what, got);
	else if (want[len - 1] != '\n')   /* the beginning */
		check(!strncmp(got, want, len), "%s: %.300s", rows[i].what, got);
	else
		check_text(got, want, "%s", rows[i].what);
	for (size_t step = 1; step < 60; step++) {
		char *cut = run(i, step);

		same = same && !strcmp(cut, got);
		free(cut);
	}
	check(same, "%s: the same in pieces of any size", rows[i].what);
	free(got);
}

/* ---- lines so long that it is their length that says what they are */

/* A multipart with a line that begins as a delimiter or a field, at that place in it. */
static void add_long_line(const char *begins, size_t octets, const char *end, size_t at,
	struct buf *body)
{
	buf_add_text(body, "--a\r\n");
	while (body->len < at - 80)
		buf_printf(body, "X: %066d\r\n", 0);
	buf_printf(body, "X: %0*d\r\n", (int)(at - body->len - 5), 0);
	buf_printf(body, "%s%*s%s\r\n", begins, (int)(octets - strlen(begins) - strlen(end) - 2),
		"", end);
	buf_add_text(body, "A: b\r\n\r\nf" UE "r dich\r\n--a\r\n"
		"Content-Type: multipart/signed; boundary=s\r\n\r\nx\r\n--a\r\n\r\n" UE "\r\n--a--\r\n");
}

static void test_long_line(const char *begins, size_t octets, const char *end, size_t at)
{
	static const size_t steps[] = { 1, 7, 2047, 2048, 2049, 2050, 16 * 1024, 64 * 1024 };
	struct buf header = BUF_INIT(0), body = BUF_INIT(0);
	const struct convert_want want = { .seven_bit = true, .header = FIT_ASCII };
	struct rig_result whole, cut;
	struct err e = { 0 };
	int good;
	bool same = true;

	buf_add_text(&header, "Content-Type: multipart/mixed; boundary=a\r\n");
	add_long_line(begins, octets, end, at, &body);
	good = rig_convert(&header, &body, &want, 0, &whole, &e);
	check(good == 0 && whole.needed, "a line of %zu octets, '%s': %s", octets, begins, e.text);
	for (size_t i = 0; i < COUNT(steps); i++) {
		same = same && rig_convert(&header, &body, &want, steps[i], &cut, &e) == good;
		same = same && cut.body.len == whole.body.len &&
			!memcmp(buf_text(&cut.body), buf_text(&whole.body), cut.body.len);
		rig_result_release(&cut);
	}
	check(same, "the same in pieces of any size, its place being %zu", at);
	check(!header_has_long_line(buf_text(&whole.body), whole.body.len), "and no line is too long");
	check(strstr(buf_text(&whole.body), "boundary=s\r\n\r\nx\r\n--a\r\n") != NULL,
		"and the signed part behind it is untouched");
	rig_result_release(&whole);
	buf_release(&header);
	buf_release(&body);
}

static void test_long_lines(void)
{
	static const size_t places[] = { 100, 16 * 1024 - 2200, 16 * 1024 - 2048, 16 * 1024 - 2 };

	for (size_t i = 0; i < COUNT(places); i++) {
		for (size_t octets = 2046; octets <= 2052; octets++) {
			test_long_line("--a", octets, "", places[i]);
			test_long_line("X", octets, ": x", places[i]);
			test_long_line("X:", octets, "x", places[i]);
		}
		test_long_line("--a", 998, "", places[i]);
		test_long_line("--a", 1001, "", places[i]);
		test_long_line("--a", 2300, "", places[i]);
		test_long_line("X", 2300, ": x", places[i]);
	}
}

/* The second reading meets another message than the first: nothing of that may go. */
static void test_other(const char *first, const char *second)
{
	const struct convert_want want = { .seven_bit = true };
	static const char header[] = "Content-Type: multipart/mixed; boundary=a\r\n";
	struct convert *v = convert_new(header, strlen(header), &want);
	struct buf body = BUF_INIT(0);
	struct err e = { 0 };

	check(convert_survey(v, first, strlen(first), &e) == 0 && convert_survey_end(v, &e) == 0 &&
		convert_is_needed(v), "the first reading");
	check(convert_body(v, second, strlen(second), rig_keep, &body, &e) < 0 ||
		convert_body_end(v, rig_keep, &body, &e) < 0, "the second meets other parts");
	check_int(e.kind, ERR_INTERNAL, "which is a fault of ours");
	convert_free(&v);
	buf_release(&body);
}

static void test_others(void)
{
	static const char two[] = "--a\r\n\r\n" UE "\r\n--a\r\n\r\nx\r\n--a--\r\n";

	test_other(two, "--a\r\n\r\n" UE "\r\n--a--\r\n");
	test_other(two, "--a\r\n\r\n" UE "\r\n--a\r\n\r\nx\r\n--a\r\n\r\n\r\n--a--\r\n");
	test_other(two, "--a\r\n\r\n" UE "\r\n--a\r\nContent-Type: multipart/signed\r\n\r\n\r\n--a--\r\n");
}

/* Memory is bounded by the number of parts. */
static void test_parts(void)
{
	const struct convert_want want = { .seven_bit = true };
	static const char header[] = "Content-Type: multipart/mixed; boundary=a\r\n";
	struct convert *v = convert_new(header, strlen(header), &want);
	struct err e = { 0 };
	unsigned parts = 0;

	while (parts <= CONVERT_PARTS && convert_survey(v, "--a\r\n\r\n\r\n", 9, &e) == 0)
		parts++;
	check(parts > CONVERT_PARTS - 5 && parts <= CONVERT_PARTS, "%u parts", parts);
	check_int(e.kind, ERR_CAPABILITY, "more are refused");
	convert_free(&v);
}

/* What a part's header becomes has a limit, and no time changes that. */
static void test_room(void)
{
	const struct convert_want want = { .seven_bit = true };
	struct buf header = BUF_INIT(0), body = BUF_INIT(0);
	struct rig_result result;
	struct err e = { 0 };

	buf_add_text(&header, "Content-Type: multipart/mixed; boundary=a\r\n");
	buf_printf(&body, "--a\r\nContent-Type: a/b; %060d=\"", 0);
	while (body.len < 250000)
		buf_add_char(&body, '(');
	buf_add_text(&body, "\"\r\n\r\n\r\n--a--\r\n");
	check(rig_convert(&header, &body, &want, 0, &result, &e) < 0, "no room");
	check_int(e.kind, ERR_CAPABILITY, "for good: %s", e.text);
	rig_result_release(&result);
	buf_release(&header);
	buf_release(&body);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		test(i);
	test_long_lines();
	test_others();
	test_parts();
	test_room();
	return tap_done();
}
