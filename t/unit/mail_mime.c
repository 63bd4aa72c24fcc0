/* t/unit/mail_mime.c - mail/mime: the walk through the parts of a message. */
#include "mail/mime.h"

#include <stdlib.h>

#include "base/mem.h"
#include "t/unit/tap.h"

/* A walk as text: {KIND-FLAGS header| for a part, its content, } for its end, and
 * delimiters in <>; CRLF is shown as "~". */
static const struct {
	const char *what, *header, *body, *told;
} rows[] = {
	{ "no header", "", "a~b~", "{Lt+h|a~b~}." },
	{ "text", "Content-Type: text/plain~", "a~", "{Lt+h|a~}." },
	{ "no text", "Content-Type: image/png~", "a~", "{L+h|a~}." },
	{ "nothing in it", "Content-Type: image/png~", "", "{L+h|}." },
	{ "encoded", "Content-Transfer-Encoding: Base64 (x)~", "a~", "{Lt+b|a~}." },
	{ "printable", "Content-Transfer-Encoding: quoted-PRINTABLE~", "a~", "{Lt+q|a~}." },
	{ "a word like that", "Content-Transfer-Encoding: base64x~", "a~", "{Lt+h|a~}." },
	{ "foreign", "Content-Transfer-Encoding: x-uu~", "a~", "{Lt+f|a~}." },
	{ "what only looks like a delimiter", "", "--a~--~", "{Lt+h|--a~--~}." },
	{ "mixed", "Content-Type: multipart/mixed; boundary=a~", "pre~--a~~one~--a~X: y~~two~--a--~post~",
		"{M+h|{At-h|pre}<~--a~>{Lt+p|one}<~--a~>{Lt+p X: y~|two}<~--a--~>{At-h|post~}." },
	{ "nothing before, between, behind", "Content-Type: multipart/mixed; boundary=\"a b\"~",
		"--a b~--a b \t~~--a b--", "{M+h|{At-h|}<--a b~>{Lt-p|}<--a b \t~>{Lt+p|}<--a b-->{At-h|}." },
	{ "blank lines", "Content-Type: multipart/mixed; boundary=a~", "~--a~~~~--a--~~",
		"{M+h|{At-h|}<~--a~>{Lt+p|~}<~--a--~>{At-h|~}." },
	{ "no last delimiter", "Content-Type: multipart/mixed; boundary=a~", "--a~~x~",
		"{M+h|{At-h|}<--a~>{Lt+p|x~}." },
	{ "no delimiter at all", "Content-Type: multipart/mixed; boundary=a~", "x~",
		"{M+h|{At-h|x~}." },
	{ "no boundary", "Content-Type: multipart/mixed~", "--a~~x~", "{Lt+h|--a~~x~}." },
	{ "an empty one", "Content-Type: multipart/mixed; boundary=\"\"~", "--~~x~", "{S+h|--~~x~}." },
	{ "in sections", "Content-Type: multipart/mixed; boundary*1=b~ ; boundary*0=\"a \"~", "--a b~~x~",
		"{M+h|{At-h|}<--a b~>{Lt+p|x~}." },
	{ "extended", "Content-Type: multipart/mixed; BOUNDARY*=us-ascii'en'a%3db~", "--a=b~~x~",
		"{M+h|{At-h|}<--a=b~>{Lt+p|x~}." },
	{ "both", "Content-Type: multipart/mixed; boundary*0*=''%61; boundary*1=%; boundary*2*=%62~",
		"--a%b~~x~", "{M+h|{At-h|}<--a%b~>{Lt+p|x~}." },
	{ "twice the same", "Content-Type: multipart/mixed; boundary*=''a; boundary=a~", "--a~~x~",
		"{M+h|{At-h|}<--a~>{Lt+p|x~}." },
	{ "two that differ", "Content-Type: multipart/mixed; boundary*=''a; boundary=b~", "--a~~x~",
		"{S+h|--a~~x~}." },
	{ "a section too few", "Content-Type: multipart/mixed; boundary*0=a; boundary*2=a~", "--a~~x~",
		"{S+h|--a~~x~}." },
	{ "a section twice", "Content-Type: multipart/mixed; boundary*0=a; boundary*0=a~", "--a~~x~",
		"{S+h|--a~~x~}." },
	{ "no escape", "Content-Type: multipart/mixed; boundary*=''a%4~", "--a~~x~", "{S+h|--a~~x~}." },
	{ "no ASCII", "Content-Type: multipart/mixed; boundary*=''%C3%BC~", "--\xc3\xbc~~x~",
		"{S+h|--\xc3\xbc~~x~}." },
	{ "a line end", "Content-Type: multipart/mixed; boundary*=''a%0D%0A~", "--a~~x~", "{S+h|--a~~x~}." },
	{ "no charset", "Content-Type: multipart/mixed; boundary*=a~", "--a~~x~", "{S+h|--a~~x~}." },
	{ "comments", "Content-Type: (c;\\)) multipart (/) / (x) mixed (;) ; (y) boundary=(z)a(z)~", "--a~~x~",
		"{M+h|{At-h|}<--a~>{Lt+p|x~}." },
	{ "a comment before a coding", "Content-Transfer-Encoding: (a (b)) base64~", "a~", "{Lt+b|a~}." },
	{ "and before what is signed", "Content-Type: (c) multipart/signed; boundary=a~", "--a~~x~--a--~",
		"{S+h|--a~~x~--a--~}." },
	{ "and a digest", "Content-Type: (c) multipart/digest; boundary=a~", "--a~~A: b~~x~--a--~",
		"{M+h|{At-h|}<--a~>{R+p|{Lt+h A: b~|x}<~--a--~>{At-h|}." },
	{ "a comment without an end", "Content-Type: (c multipart/signed; boundary=a~", "--a~", "{Lt+h|--a~}." },
	{ "odd boundary", "Content-Type: multipart/mixed; boundary=\"=_(a\\\";)\"; x=y~",
		"--=_(a\";)~~x~", "{M+h|{At-h|}<--=_(a\";)~>{Lt+p|x~}." },
	{ "what begins as a delimiter", "Content-Type: multipart/mixed; boundary=a~",
		"--a~~--ab~--a x~-~--~ --a~--a-~", "{M+h|{At-h|}<--a~>{Lt+p|--ab~--a x~-~--~ --a~--a-~}." },
	{ "nested", "Content-Type: multipart/mixed; boundary=a~",
		"--a~Content-Type: multipart/alternative; boundary=aa~~--aa~~x~--aa--~--a--~",
		"{M+h|{At-h|}<--a~>{M+p Content-Type: multipart/alternative; boundary=aa~|{At-h|}"
		"<--aa~>{Lt+p|x}<~--aa--~>{At-h|}<--a--~>{At-h|}." },
	{ "an outer delimiter ends the inner", "Content-Type: multipart/mixed; boundary=a~",
		"--a~Content-Type: multipart/mixed; boundary=b~~--b~~x~--a~~y~--b~--a--~",
		"{M+h|{At-h|}<--a~>{M+p Content-Type: multipart/mixed; boundary=b~|{At-h|}<--b~>{Lt+p|x}"
		"<~--a~>{Lt+p|y~--b}<~--a--~>{At-h|}." },
	{ "a message", "Content-Type: message/rfc822~", "A: b~~x~", "{R+h|{Lt+h A: b~|x~}." },
	{ "in a multipart", "Content-Type: multipart/mixed; boundary=a~",
		"--a~Content-Type: message/rfc822~~From me~A: b~~x~--a--~",
		"{M+h|{At-h|}<--a~>{R+p Content-Type: message/rfc822~|{Lt+h From me~A: b~|x}<~--a--~>{At-h|}." },
	{ "encoded: not looked into", "Content-Type: message/rfc822~Content-Transfer-Encoding: base64~",
		"QTogYg==~", "{L+b|QTogYg==~}." },
	{ "a digest", "Content-Type: multipart/digest; boundary=a~", "--a~~A: b~~x~--a--~",
		"{M+h|{At-h|}<--a~>{R+p|{Lt+h A: b~|x}<~--a--~>{At-h|}." },
	{ "signed", "Content-Type: multipart/signed; boundary=a~", "--a~~x~--a--~", "{S+h|--a~~x~--a--~}." },
	{ "signed inside", "Content-Type: multipart/mixed; boundary=a~",
		"--a~Content-Type: application/pkcs7-mime~~x~--a--~",
		"{M+h|{At-h|}<--a~>{S+p Content-Type: application/pkcs7-mime~|x}<~--a--~>{At-h|}." },
	{ "header without an end", "Content-Type: multipart/mixed; boundary=a~", "--a~A: b~ c~--a~A: b",
		"{M+h|{At-h|}<--a~>{Lt-p A: b~ c~|}<--a~>{Lt-p A: b|}." },
	{ "header without an empty line", "Content-Type: multipart/mixed; boundary=a~",
		"--a~A: b~no field~C: d~--a--~", "{M+h|{At-h|}<--a~>{Lt-p A: b~|no field~C: d}<~--a--~>{At-h|}." },
	{ "a message without a header", "Content-Type: message/rfc822~", "no field~", "{R+h|{Lt-h|no field~}." },
};

static int begin(void *context, const struct mime_part *p, struct err *e)
{
	struct buf *out = context;

	(void)e;
	buf_printf(out, "{%c%s%c", "LSMRA"[p->kind], p->text ? "t" : "",
		p->separated ? '+' : '-');
	buf_add_char(out, p->coding ? "-qbf"[p->coding] : p->of_message || p->kind == MIME_ASIDE ? 'h' : 'p');
	if (out->len > 6 && p->header_len) {
		buf_add_char(out, ' ');
		buf_add(out, p->header, p->header_len);
	}
	buf_add_char(out, '|');
	return 0;
}

static int data(void *context, const char *text, size_t len, struct err *e)
{
	(void)e;
	buf_add(context, text, len);
	return 0;
}

static int end(void *context, bool last, struct err *e)
{
	(void)e;
	buf_add_text(context, last ? "}." : "}");
	return 0;
}

static int delimiter(void *context, const char *text, size_t len, struct err *e)
{
	(void)e;
	buf_add_char(context, '<');
	buf_add(context, text, len);
	buf_add_char(context, '>');
	return 0;
}

static const struct mime_hooks hooks = { begin, data, end, delimiter };

static void with_line_ends(const char *text, struct buf *out)
{
	for (; *text; text++)
		if (*text == '~')
			buf_add(out, "\r\n", 2);
		else
			buf_add_char(out, *text);
}

static char *shown(const struct buf *told)
{
	struct buf out = BUF_INIT(0);

	for (size_t i = 0; i < told->len; i++)
		if (told->data[i] == '\n')
			buf_add_char(&out, '~');
		else if (told->data[i] != '\r')
			buf_add_char(&out, told->data[i]);
	return buf_take(&out);
}

static int walk(const struct buf *header, const struct buf *body, size_t step, struct buf *told,
	struct err *e)
{
	struct mime *m = mime_new(&hooks, told);
	int good = mime_header(m, buf_text(header), header->len, e);

	for (size_t at = 0; good == 0 && at < body->len; at += step) {
		size_t n = step < body->len - at ? step : body->len - at;
		char *piece = mem_copy(body->data + at, n);

		good = mime_feed(m, piece, n, e);
		free(piece);
	}
	if (good == 0)
		good = mime_finish(m, e);
	mime_free(&m);
	return good;
}

static char *run(size_t row, size_t step)
{
	struct buf header = BUF_INIT(0), body = BUF_INIT(0), told = BUF_INIT(0);
	struct err e;
	char *text;

	with_line_ends(rows[row].header, &header);
	with_line_ends(rows[row].body, &body);
	walk(&header, &body, step, &told, &e);
	text = shown(&told);
	buf_release(&header);
	buf_release(&body);
	buf_release(&told);
	return text;
}

/* No part is told of that a walk has no room for. */
static void test_limits(void)
{
	struct buf header = BUF_INIT(0), body = BUF_INIT(4 << 20), told = BUF_INIT(8 << 20);
	struct err e = { 0 };

	buf_add_text(&header, "Content-Type: multipart/mixed; boundary=b0\r\n");
	for (int i = 0; i < MIME_DEPTH; i++)
		buf_printf(&body, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i + 1);
	check(walk(&header, &body, 1000, &told, &e) < 0, "too deep");
	check_int(e.kind, ERR_CAPABILITY, "is refused for good");
	check(strstr(e.text, "50 multiparts") != NULL, "and told");
	buf_clear(&body);
	buf_add_text(&body, "--b0\r\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&body, "X: %0100d\r\n", i);
	check(walk(&header, &body, 1000, &told, &e) < 0, "a header too long");
	check_int(e.kind, ERR_CAPABILITY, "is refused for good");
	/* A line is no delimiter when its end has not come for so long. */
	buf_clear(&body);
	buf_clear(&told);
	buf_add_text(&body, "--b0\r\n\r\n--b0");
	for (int i = 0; i < 300000; i++)
		buf_add_char(&body, ' ');
	buf_add_text(&body, "\r\n--b0--\r\n");
	check(walk(&header, &body, 777, &told, &e) == 0 && strstr(buf_text(&told), "<\r\n--b0--"),
		"a line of any length is borne");
	buf_release(&header);
	buf_release(&body);
	buf_release(&told);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *whole = run(i, 10000);
		bool same = true;

		check_text(whole, rows[i].told, "%s", rows[i].what);
		for (size_t step = 1; step < 200; step++) {
			char *cut = run(i, step);

			same = same && !strcmp(cut, whole);
			free(cut);
		}
		check(same, "%s: the same in pieces of any size", rows[i].what);
		free(whole);
	}
	test_limits();
	return tap_done();
}
