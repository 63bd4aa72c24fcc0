/* t/unit/mail_recode.c - mail/recode: quoted-printable and base64, however the
 * content is cut. */
#include "mail/recode.h"

#include <stdlib.h>

#include "base/mem.h"
#include "t/unit/tap.h"

#define X10 "xxxxxxxxxx"
#define X70 X10 X10 X10 X10 X10 X10 X10
#define A16 "YWJjYWJjYWJjYWJj"
#define A64 A16 A16 A16 A16

static const struct {
	const char *what;
	enum recoding how;
	bool last;                /* the content ends the text */
	const char *in, *out;
} rows[] = {
	{ "nothing", RECODE_PRINTABLE, true, "", "" },
	{ "not", RECODE_NOT, true, "a \xff\r\n", "a \xff\r\n" },
	{ "not, whatever it is", RECODE_NOT, true, "a", "a" },

	{ "lines", RECODE_PRINTABLE, true, "a b\r\n\r\nc\r\n", "a b\r\n\r\nc\r\n" },
	{ "octets", RECODE_PRINTABLE, true, "f\xc3\xbcr =\x01\x7f\t.\r\n",
		"f=C3=BCr =3D=01=7F\t.\r\n" },
	{ "blanks at the end", RECODE_PRINTABLE, true, "a \r\nb\t\r\n  \r\n",
		"a=20\r\nb=09\r\n =20\r\n" },
	{ "a blank last of all", RECODE_PRINTABLE, false, "a ", "a=20" },
	{ "no line end", RECODE_PRINTABLE, false, "a\r\nb", "a\r\nb" },
	{ "CR and LF alone", RECODE_PRINTABLE, false, "a\rb\nc\r", "a=0Db=0Ac=0D" },
	{ "75", RECODE_PRINTABLE, true, X70 "12345\r\n", X70 "12345\r\n" },
	{ "76", RECODE_PRINTABLE, true, X70 "123456\r\n", X70 "12345=\r\n6\r\n" },
	{ "a blank at the edge", RECODE_PRINTABLE, true, X70 "12345 7\r\n", X70 "12345=\r\n 7\r\n" },
	{ "no octet is split", RECODE_PRINTABLE, true, X70 "123\xff\r\n", X70 "123=\r\n=FF\r\n" },
	{ "no delimiter by chance", RECODE_PRINTABLE, true, X70 "12345--a\r\n--b\r\n",
		X70 "12345=\r\n=2D-a\r\n-=2Db\r\n" },
	{ "nor by what is written for an octet", RECODE_PRINTABLE, true, "--\xc3\xbc\r\n- a - b\r\n",
		"-=2D=C3=BC\r\n- a - b\r\n" },
	{ "nor behind an octet", RECODE_PRINTABLE, true, X70 "12\xff--a\r\n",
		X70 "12=FF=\r\n=2D-a\r\n" },

	{ "base64", RECODE_BASE64, false, "abcd", "YWJjZA==" },
	{ "base64, the end of the text", RECODE_BASE64, true, "\xff\xfe\r\n", "//4NCg==\r\n" },
	{ "base64, nothing", RECODE_BASE64, true, "", "" },
	{ "base64, a line", RECODE_BASE64, true, "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc",
		A64 "YWJjYWJjYWJj\r\n" },
	{ "base64, more than a line", RECODE_BASE64, true,
		"abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcd",
		A64 "YWJjYWJjYWJj\r\nYWJjZA==\r\n" },

	{ "mended", RECODE_MEND, true, "f\xc3\xbcr=20=3d =\r\n=ZZ=\r\n\r\n=",
		"f=C3=BCr=20=3d =\r\n=3DZZ=\r\n\r\n=3D=\r\n" },
	{ "mended, long", RECODE_MEND, true, X70 "1234=3D6789\r\n", X70 "1234=\r\n=3D6789\r\n" },
	{ "mended, an escape that is none", RECODE_MEND, false, "a=Xb=4", "a=3DXb=3D4" },
	{ "mended, an escape that is none, at the edge", RECODE_MEND, true, X70 "1234=G\r\n" X70 "123=4G\r\n",
		X70 "1234=\r\n=3DG\r\n" X70 "123=\r\n=3D4G\r\n" },
	{ "mended, blanks behind a soft line break", RECODE_MEND, true, "a= \r\nb=\t \t\r\n" X70 "1234= \r\n"
		X70 "12345= \r\nc", "a=\r\nb=\r\n" X70 "1234=\r\n" X70 "12345=\r\nc=\r\n" },
	{ "mended, blanks behind what is none", RECODE_MEND, true, "a= x= =3D= 3D=\r=\r\n",
		"a=3D x=3D =3D=3D 3D=3D=0D=\r\n" },
	{ "mended, more blanks than anybody writes", RECODE_MEND, true, "=" "          " "          " "          "
		"          " "          " "          " "          " "          \r\n",
		"=3D" "          " "          " "          " "          " "          " "          " "          "
		"  =\r\n        \r\n" },

	{ "wrapped", RECODE_WRAP, true, A64 A64 "\xc3!\r\n" "YQ==\r\n",
		A64 "YWJjYWJjYWJj\r\nYWJj" A16 A16 A16 "YQ==\r\n" },
};

static char *run(size_t row, size_t step)
{
	struct buf out = BUF_INIT(0);
	struct recoder r;
	size_t len = strlen(rows[row].in);

	recoder_start(&r, rows[row].how);
	for (size_t at = 0; at < len; at += step)
		recoder_add(&r, rows[row].in + at, step < len - at ? step : len - at, &out);
	recoder_end(&r, rows[row].last, &out);
	buf_add(&out, "", 0);
	return buf_take(&out);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *whole = run(i, 10000);
		bool same = true;

		check_text(whole, rows[i].out, "%s", rows[i].what);
		for (size_t step = 1; step < 80; step++) {
			char *cut = run(i, step);

			same = same && !strcmp(cut, whole);
			free(cut);
		}
		check(same, "%s: the same in pieces of any size", rows[i].what);
		free(whole);
	}
	return tap_done();
}
