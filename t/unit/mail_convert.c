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
	{ "signed, and beside it", SEVEN, MIXED "\n--a\nContent-Type: multipart/signed; boundary=s\n\n--s\n\nx  \n--s--\n"
		"--a\nContent-Type: a/b\n\n" UE "\n--a--\n", MIXED "\n--a\nContent-Type: multipart/signed; boundary=s\n\n"
		"--s\n\nx  \n--s--\n--a\nContent-Type: a/b\n" CTE "base64\n\nw7w=\n--a--\n", NULL },

	{ "a long line, base64", 0, MIME "Content-Type: a/b\n" CTE "base64\n\n" X1000 "\n", MIME "Content-Type: a/b\n"
		CTE "base64\n\nxxxxxx", NULL },
	{ "a long line of text", 0, "A: b\n\n" X1000 "\n", "A: b\n" MIME "Content-Type: text/plain; charset=us-ascii\n"
		CTE "quoted-printable\n\nxxxx", NULL },
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

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		test(i);
	test_parts();
	return tap_done();
}
