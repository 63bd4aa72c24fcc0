/* t/unit/smtp_content.c - dots are doubled at the start of lines, and nowhere
 * else, wherever the pieces are cut. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "smtp/content.h"

struct source {
	const char *data;
	size_t len, piece, cut;   /* piece 0: as asked; cut: a read never crosses it */
	unsigned fail_after;
	unsigned reads;
};

static ssize_t source_read(void *context, uint64_t offset, char *data, size_t len, struct err *e)
{
	struct source *s = context;
	size_t left = s->len - (size_t)offset;

	if (s->fail_after && ++s->reads > s->fail_after)
		return err_set(e, ERR_READ, "gone");
	if (len > left)
		len = left;
	if (s->piece && len > s->piece)
		len = s->piece;
	if (offset < s->cut && offset + len > s->cut)
		len = s->cut - (size_t)offset;
	memcpy(data, s->data + offset, len);
	return (ssize_t)len;
}

static void stuff(const char *in, size_t len, bool dots, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (dots && in[i] == '.' && (!i || in[i - 1] == '\n'))
			buf_add_char(out, '.');
		buf_add_char(out, in[i]);
	}
}

/* Whether content_fill() gives what stuff() gives, from this source. */
static bool fills(struct source *source, bool dots)
{
	struct smtp_message m = { .size = source->len, .read = source_read, .context = source };
	struct content_cursor at = { 0 };
	struct buf got = BUF_INIT(1 << 22), want = BUF_INIT(1 << 22);
	struct err e = { 0 };
	bool same;
	int more;

	do {
		uint64_t before = at.offset;

		more = content_fill(&m, &at, dots, &got, &e);
		if (more > 0 && at.offset == before)
			more = -1;
	} while (more > 0);
	stuff(source->data, source->len, dots, &want);
	same = more == 0 && at.offset == source->len && got.len == want.len &&
		!memcmp(buf_text(&got), buf_text(&want), got.len) &&
		at.mid_line == (source->len && source->data[source->len - 1] != '\n');
	buf_release(&got);
	buf_release(&want);
	return same;
}

static const char *const texts[] = {
	"", ".", "..", "...\r\n", ".\r\n", "\r\n.\r\n", "a.b\r\n.c\r\n..d\r\n", "a\r\n.\r\n.\r\n",
	"x.\r\n", ".\n.\n", "\r.\r\n", "no end.", "no end\r\n.", "a\r\n\r\n\r\n...\r\n.",
	"\xff.\x80\r\n.\xfe\r\n",
};

static void test_texts(void)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct source s = { .data = texts[i], .len = strlen(texts[i]) };
		bool same = true;

		for (s.cut = 0; s.cut <= s.len; s.cut++)
			same &= fills(&s, true) && fills(&s, false);
		s.piece = 1;
		same &= fills(&s, true) && fills(&s, false);
		check(same, "A8 text %zu, cut everywhere", i);
	}
}

/* Every text of six octets of this alphabet, cut at each place. */
static void test_all_short(void)
{
	static const char alphabet[] = ".\r\nx";
	bool same = true;
	char text[7] = "";

	for (unsigned n = 0; n < 4096; n++) {
		struct source s = { .data = text, .len = 6 };

		for (unsigned k = 0; k < 6; k++)
			text[k] = alphabet[n >> (2 * k) & 3];
		for (s.cut = 0; s.cut < 6; s.cut++)
			same &= fills(&s, true);
	}
	check(same, "A8 all short texts, cut everywhere");
}

/* Long ones, with dots where the pieces of the engine end. */
static void test_long(void)
{
	enum { LEN = 70000 };
	char *text = mem_alloc(LEN + 1);
	static const size_t pieces[] = { 0, 1, 3, 16383, 16384, 16385 };
	unsigned seed = 1;

	for (size_t i = 0; i < LEN; i++) {
		seed = seed * 1103515245 + 12345;
		text[i] = "..\n\r.\nab"[seed >> 16 & 7];
	}
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct source s = { .data = text, .len = LEN, .piece = pieces[i] };

		check(fills(&s, true), "A8 long text in pieces of %zu", pieces[i]);
		check(fills(&s, false), "A8 long text as it is, in pieces of %zu", pieces[i]);
	}
	memset(text, '.', LEN);
	for (size_t i = 0; i < LEN; i += 2)
		text[i] = '\n';
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct source s = { .data = text, .len = LEN, .piece = pieces[i] };

		check(fills(&s, true), "A8 nothing but dots to double, in pieces of %zu",
			pieces[i]);
	}
	free(text);
}

static void test_faults(void)
{
	struct source s = { .data = "one\r\ntwo\r\n", .len = 10, .piece = 5, .fail_after = 1 };
	struct smtp_message m = { .size = 10, .read = source_read, .context = &s };
	struct content_cursor at = { 0 };
	struct buf out = BUF_INIT(1 << 20);
	struct err e = { 0 };

	check_int(content_fill(&m, &at, true, &out, &e), 1, "A6 the first piece");
	check_int(content_fill(&m, &at, true, &out, &e), -1, "A6 a read error is not the end");
	check_int(e.kind, ERR_READ, "A6 the reader's error is kept");
	check_text(buf_text(&out), "one\r\n", "A6 nothing is added");

	s = (struct source){ .data = "one\r\n", .len = 5 };
	m.size = 9;
	at = (struct content_cursor){ 0 };
	check_int(content_fill(&m, &at, true, &out, &e), 1, "A7 shorter than it was");
	check_int(content_fill(&m, &at, true, &out, &e), -1, "A7 is an error");

	m.size = 3;
	at = (struct content_cursor){ 0 };
	buf_clear(&out);
	check_int(content_fill(&m, &at, true, &out, &e), 0, "longer than it was");
	check_text(buf_text(&out), "one", "what was announced is sent, and no octet more");
	check_int(content_fill(&m, &at, true, &out, &e), 0, "the end stays the end");
	check_text(buf_text(&out), "one", "and adds nothing");
	buf_release(&out);

	out = BUF_INIT(100);
	at = (struct content_cursor){ 0 };
	check_int(content_fill(&m, &at, true, &out, &e), -1, "no room is an error");
	buf_release(&out);
}

int main(void)
{
	test_texts();
	test_all_short();
	test_long();
	test_faults();
	return tap_done();
}
