/* t/unit/mail_header_fit.c - mail/header_fit: fields that a server cannot take. */
#include "mail/header_fit.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "t/unit/tap.h"

#define UE "\xc3\xbc"           /* in UTF-8 */
#define Q_UE "=?UTF-8?Q?=C3=BC?="
#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define A10 "%e3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82"
#define A100 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50

/* Lines with LF here, with CRLF in use.  out NULL: as it came; why: refused. */
static const struct {
	const char *what;
	enum fit_octets stays;
	const char *in, *out, *why;
	bool needs_utf8;
} rows[] = {
	{ "ASCII", FIT_ASCII, "A:b\nC : d\n e\n", NULL, NULL, false },
	{ "anything", FIT_ANY, "A: " UE "\xff\n", NULL, NULL, false },
	{ "UTF-8", FIT_UTF8, "A: " UE "\n", NULL, NULL, false },
	{ "998 octets", FIT_ASCII, "A: " X500 X10 X10 X10 X10 "\n", NULL, NULL, false },

	{ "text", FIT_ASCII, "Subject: gr" UE "n is " UE "\n",
		"Subject: =?UTF-8?Q?gr=C3=BCn?= is " Q_UE "\n", NULL, false },
	{ "neighbours", FIT_ASCII, "Subject:" UE "  \t" UE " x\n",
		"Subject: =?UTF-8?Q?=C3=BC__=09=C3=BC?= x\n", NULL, false },
	{ "folded", FIT_ASCII, "Subject: a\n " UE "\n\tb\n", "Subject: a " Q_UE "\tb\n", NULL, false },
	{ "beside encoded words", FIT_ASCII, "Subject: =?x?Q?a?= " UE " =?x?Q?b?= c\n",
		"Subject: =?x?Q?a?= =?UTF-8?Q?_=C3=BC_?= =?x?Q?b?= c\n", NULL, false },
	{ "not UTF-8", FIT_UTF8, "Subject: a\xfc\nX: " UE "\n", "Subject: =?unknown-8bit?Q?a=FC?=\nX: " UE "\n",
		NULL, false },
	{ "a cut character", FIT_ASCII, "Subject: a\xc3\n", "Subject: =?unknown-8bit?Q?a=C3?=\n", NULL,
		false },
	{ "signs", FIT_ASCII, "Subject: " UE "_=?\"(\n", "Subject: =?UTF-8?Q?=C3=BC=5F=3D=3F=22=28?=\n",
		NULL, false },
	{ "nothing but that", FIT_ASCII, "Subject: \xe2\x82\xac\xe2\x82\xac\n",
		"Subject: =?UTF-8?B?4oKs4oKs?=\n", NULL, false },
	{ "folds between characters", FIT_ASCII, "Subject: " X50 UE UE UE UE "\n",
		"Subject: =?UTF-8?Q?" X50 "?=\n =?UTF-8?Q?=C3=BC=C3=BC=C3=BC=C3=BC?=\n", NULL, false },
	{ "a name of its own", FIT_ASCII, "Content-Description: " UE "\n", "Content-Description: " Q_UE "\n",
		NULL, false },
	{ "rigid, but what else", FIT_ASCII, "Received: by x (" UE ")\n",
		"Received: by x =?UTF-8?Q?=28=C3=BC=29?=\n", NULL, false },

	{ "a coding", FIT_ASCII, "Content-Transfer-Encoding: (" UE " (x)) base64 (" UE ")\n",
		"Content-Transfer-Encoding: base64\n", NULL, false },
	{ "a coding, and more", FIT_ASCII, "Content-Transfer-Encoding: base64(x)" UE ";" UE "\n",
		"Content-Transfer-Encoding: base64 " Q_UE "\n", NULL, false },
	{ "none that is known", FIT_ASCII, "Content-Transfer-Encoding: " UE " (x)\n",
		"Content-Transfer-Encoding: " Q_UE "\n", NULL, false },
	{ "a long line", FIT_ASCII, "X: " X500 " " X500 "\n", "X:\n " X500 "\n " X500 "\n", NULL, false },
	{ "a long word", FIT_ANY, "X: " X500 X500 "\n", "X: =?UTF-8?Q?" X50 X10 "x?=\n =?UTF-8?Q?" X50
		"xxxxxxxxxxxxx?=", NULL, false },
	{ "a long id", FIT_ANY, "References: <" X500 X500 ">\n", NULL, "References cannot be sent", false },
	{ "a long list", FIT_ANY, "To: a@" X500 ",b@" X500 "\n", "To:\n a@" X500 ",\n b@" X500 "\n", NULL,
		false },
	{ "a long line of UTF-8", FIT_UTF8, "X: " UE X500 " " X500 "\n", "X:\n " UE X500 "\n " X500 "\n",
		NULL, false },

	{ "a name", FIT_ASCII, "From: J" UE "rgen x <a@b>\n", "From: =?UTF-8?Q?J=C3=BCrgen?= x <a@b>\n", NULL,
		false },
	{ "quoted", FIT_ASCII, "From: \"J, \\\"" UE "\" <a@b>\n", "From: =?UTF-8?Q?J=2C_=22=C3=BC?= <a@b>\n",
		NULL, false },
	{ "without blanks", FIT_ASCII, "To: " UE "<a@b>,\"" UE "\"x<c@d>\n",
		"To: " Q_UE " <a@b>, =?UTF-8?Q?=C3=BCx?= <c@d>\n", NULL, false },
	{ "beside an encoded word", FIT_ASCII, "To: =?x?Q?a?= " UE " =?x?Q?b?= <a@b>\n",
		"To: =?x?Q?a?= =?UTF-8?Q?_=C3=BC_?= =?x?Q?b?= <a@b>\n", NULL, false },
	{ "a group", FIT_ASCII, "To: " UE ": a@b, " UE " <c@d>;\n", "To: " Q_UE " : a@b, " Q_UE " <c@d>;\n",
		NULL, false },
	{ "comments", FIT_ASCII, "Cc: a@b (" UE " (x " UE ") \\)" UE ")\n",
		"Cc: a@b (" Q_UE " (x " Q_UE ") =?UTF-8?B?KcO8?=)\n", NULL, false },
	{ "a comment that stays", FIT_ASCII, "Cc: a@b (x (y\\)), " UE " <c@d>\n",
		"Cc: a@b (x (y\\)), " Q_UE " <c@d>\n", NULL, false },
	{ "a domain", FIT_ASCII, "To: a@b" UE "cher.example, <c@b" UE "cher.example>\n",
		"To: a@xn--bcher-kva.example, <c@xn--bcher-kva.example>\n", NULL, false },
	{ "a domain that is none", FIT_ASCII, "To: a@" UE "..b\n", NULL, "To cannot be sent: the domain", false },
	{ "a local part", FIT_ASCII, "To: " UE "@b\n", NULL, NULL, true },
	{ "in angle brackets", FIT_ASCII, "To: <" UE "@b>\n", NULL, NULL, true },
	{ "quoted", FIT_ASCII, "To: \"" UE " x\"@b\n", NULL, NULL, true },
	{ "which may stay", FIT_UTF8, "To: " UE "@b\n", NULL, NULL, false },
	{ "which is no UTF-8", FIT_UTF8, "To: \xfc@b, c@d\n", NULL, NULL, true },
	{ "no address at all", FIT_ASCII, "To: the " UE " people\n", "To: the " Q_UE " people\n", NULL, false },
	{ "signs that do not pair", FIT_ASCII, "To: \"" UE " <a@b>\n", "To: =?UTF-8?B?IsO8?= <a@b>\n", NULL,
		false },

	{ "a parameter", FIT_ASCII, "Content-Type: a/b; name=\"" UE " \\\"x.pdf\"; y=z\n",
		"Content-Type: a/b; name*=UTF-8''%C3%BC%20%22x.pdf; y=z\n", NULL, false },
	{ "without quotes", FIT_ASCII, "Content-Disposition: attachment;filename=" UE " x ;a=b\n",
		"Content-Disposition: attachment; filename*=UTF-8''%C3%BC%20x; a=b\n", NULL, false },
	{ "not UTF-8", FIT_ASCII, "Content-Type: a/b; name=\xfc\n",
		"Content-Type: a/b; name*=unknown-8bit''%FC\n", NULL, false },
	{ "long", FIT_ASCII, "Content-Type: a/b; name=\"" UE X50 X10 "\"\n",
		"Content-Type: a/b;\n name*0*=UTF-8''%C3%BC" X10 X10 X10 "xxxxxxxx;\n name*1*=" X10 X10 "xx\n",
		NULL, false },
	{ "there already", FIT_ASCII, "Content-Type: a/b; name=" UE "; name*=UTF-8''%C3%BC\n",
		"Content-Type: a/b; name*=UTF-8''%C3%BC\n", NULL, false },
	{ "extended already, and long", FIT_ASCII, "Content-Disposition: attachment; filename*=UTF-8'ja'" A100 A10 "x; y=z\n",
		"Content-Disposition: attachment;\n filename*0*=UTF-8'ja'%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82;\n"
		" filename*1*=%E3%81%82%E3%81%82%E3%81%82%E3%81%82%E3%81%82;\n filename*2*=%E3", NULL, false },
	{ "which may stay", FIT_ASCII, "Content-Disposition: attachment; filename*=UTF-8''" A10 "; y=" UE "\n",
		"Content-Disposition: attachment;\n filename*=UTF-8''" A10 ";\n y*=UTF-8''%C3%BC\n", NULL, false },
	{ "with octets above 127", FIT_ASCII, "Content-Disposition: attachment; filename*=utf-8''" UE "%20x\n",
		"Content-Disposition: attachment; filename*=utf-8''%C3%BC%20x\n", NULL, false },
	{ "long, no escape", FIT_ASCII, "Content-Disposition: attachment; filename*=UTF-8''" A100 A10 "%x\n", NULL,
		"not what RFC 2231 says", false },
	{ "long, no charset", FIT_ASCII, "Content-Disposition: attachment; filename*=" A100 A10 "\n", NULL,
		"not what RFC 2231 says", false },
	{ "in sections, and folded", FIT_ASCII, "Content-Type: a/b; x*0=" X500 X50 X50 X50 X50 X50 X50 X50 X50 X10 "; x*1*=" X50 X50 "\n",
		"Content-Type: a/b;\n x*0=" X500 X50 X50 X50 X50 X50 X50 X50 X50 X10 ";\n x*1*=" X50 X50 "\n", NULL, false },
	{ "a section too long", FIT_ASCII, "Content-Type: a/b; x*0=" X500 X500 "; x*1*=%41\n", NULL,
		"without a blank to fold it at", false },
	{ "a long comment", FIT_ASCII, "Content-Type: a/b; (" X500 " " X500 ")\n",
		"Content-Type: a/b;\n (" X500 "\n " X500 ")\n", NULL, false },
	{ "a section of a boundary", FIT_ASCII, "Content-Type: multipart/mixed; boundary*0=" UE "; boundary*1=x\n", NULL,
		"its boundary is not ASCII", false },
	{ "a long boundary", FIT_ASCII, "Content-Type: a/b; boundary=" X500 X500 "\n", NULL, "its boundary is too long",
		false },
	{ "a name of 60 octets", FIT_ASCII, "Content-Type: a/b; " X50 X10 "=" UE "\n",
		"Content-Type: a/b;\n " X50 X10 "*=UTF-8''%C3%BC\n", NULL, false },
	{ "a longer one", FIT_ASCII, "Content-Type: a/b; " X50 X10 "x=" UE "\n", NULL,
		"a name of more than 60 octets", false },
	{ "which may stay", FIT_ASCII, "Content-Type: a/b; " X50 X10 "x=y; z=" UE "\n",
		"Content-Type: a/b;\n " X50 X10 "x=y;\n z*=UTF-8''%C3%BC\n", NULL, false },
	{ "a boundary", FIT_ASCII, "Content-Type: multipart/mixed; boundary=" UE "\n", NULL,
		"its boundary is not ASCII", false },
	{ "a type", FIT_ASCII, "Content-Type: a/" UE "; boundary=x\n", NULL, "before its parameters", false },
	{ "rubbish", FIT_ASCII, "Content-Type: a/b; " UE "(; x=y\n",
		"Content-Type: a/b; =?UTF-8?Q?_=C3=BC=28=3B_x=3Dy?=\n", NULL, false },
};

static void with_line_ends(const char *text, struct buf *out)
{
	for (; *text; text++)
		buf_add(out, *text == '\n' ? "\r\n" : text, *text == '\n' ? 2 : 1);
}

static char *without(const struct buf *in)
{
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < in->len; i++)
		if (in->data[i] != '\r')
			buf_add_char(&out, in->data[i]);
	buf_add(&out, "", 0);
	return buf_take(&out);
}

static void test(size_t i)
{
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	const char *want = rows[i].out ? rows[i].out : rows[i].in;
	struct err e = { 0 };
	bool needs_utf8 = false;
	char *got;
	int good;

	with_line_ends(rows[i].in, &in);
	good = header_fit(buf_text(&in), in.len, rows[i].stays, &out, &needs_utf8, &e);
	check_int(needs_utf8, rows[i].needs_utf8, "%s: SMTPUTF8", rows[i].what);
	got = without(&out);
	if (rows[i].why) {
		check(good < 0 && e.kind == ERR_CAPABILITY, "%s: refused", rows[i].what);
		check(strstr(e.text, rows[i].why) != NULL, "%s: %s", rows[i].what, e.text);
	} else if (!needs_utf8 && want[strlen(want) - 1] != '\n') {   /* the beginning */
		check(good == 0 && !strncmp(got, want, strlen(want)), "%s: begins so", rows[i].what);
	} else if (!needs_utf8) {
		check_text(got, want, "%s", rows[i].what);
	}
	free(got);
	buf_release(&in);
	buf_release(&out);
}

/* C1: what many signs cost does not grow beyond their number. */
static void test_many(void)
{
	static const struct {
		const char *begin, *again, *end;
		bool good;            /* else a line is too long */
	} many[] = {
		{ "To: ", "\"\"", " " UE " <a@b>\n", false },
		{ "To: ", "(", UE "\n", true },
		{ "To: ", "\"" UE "\" ", "<a@b>\n", true },
		{ "To: ", "a,", UE " <a@b>\n", true },
		{ "To: ", "a ", UE "\n", true },
		{ "To: ", "a@" UE "b ", "\n", true },
		{ "To: ", "<", UE ">\n", true },
		{ "To: (", "(" UE ")", ") a@b\n", false },
		{ "Subject: ", UE " a ", "\n", true },
		{ "Subject: ", "  ", UE "\n", true },
		{ "Content-Type: a/b", ";a=" UE, "\n", false },
		{ "Content-Type: a/b;", "(", UE "\n", true },
		{ "Content-Type: a/b; x=\"", UE, "\"\n", true },
	};

	alarm(300);   /* what grows with the square takes longer, and valgrind does not */
	for (size_t i = 0; i < COUNT(many); i++) {
		struct buf in = BUF_INIT(0), out = BUF_INIT(64 << 20);
		struct err e = { 0 };
		bool needs_utf8;

		buf_add_text(&in, many[i].begin);
		while (in.len < 500000)
			buf_add_text(&in, many[i].again);
		buf_add_text(&in, many[i].end);
		check_int(header_fit(buf_text(&in), in.len, FIT_ASCII, &out, &needs_utf8, &e) == 0,
			many[i].good, "many times '%s'", many[i].again);
		buf_release(&in);
		buf_release(&out);
	}
	alarm(0);
}

/* No time makes room: it is final, and costs no more than what there is room for. */
static void test_room(void)
{
	struct buf in = BUF_INIT(8 << 20), out = BUF_INIT(100000);
	struct err e = { 0 };
	bool needs_utf8;

	alarm(300);
	buf_add_text(&in, "Content-Type: a/b; " X50 "=\"" UE);
	while (in.len < 3000000)
		buf_add_text(&in, "((((((((((");
	buf_add_text(&in, "\"\r\n");
	check(header_fit(buf_text(&in), in.len, FIT_ASCII, &out, &needs_utf8, &e) < 0, "no room");
	check_int(e.kind, ERR_CAPABILITY, "and never will be");
	check(strstr(e.text, "too long when it is encoded") && *e.hint, "which is said: %s", e.text);
	alarm(0);
	buf_release(&in);
	buf_release(&out);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		test(i);
	test_many();
	test_room();
	return tap_done();
}
