/* t/fuzz/mail_repair.c - any octets as a message.
 *
 * The first octet chooses whether dots end it and how it is cut.  However it is
 * cut the result is the same, and it is legal: CRLF lines, no NUL, a header of
 * fields, and each octet of the input that is no line end still there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/header.h"
#include "mail/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	struct buf          header, body;
	struct repair_facts facts;
	enum repair_result  last;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static int collect(void *context, const char *data, size_t len, struct err *e)
{
	(void)e;
	must(len > 0);
	buf_add(context, data, len);
	return 0;
}

/* step 0: in one piece. */
static void run(const char *data, size_t len, bool dots, size_t step, struct result *out)
{
	struct repair *r;
	struct err e;

	*out = (struct result){ .header = BUF_INIT(8 << 20), .body = BUF_INIT(8 << 20) };
	r = repair_new(dots, collect, &out->body);
	for (size_t at = 0; at < len || !at; at += step) {
		if (!step || step > len - at)
			step = len - at;
		out->last = repair_feed(r, data + at, step, &e);
		if (!step)
			break;
	}
	must(out->last != REPAIR_FAILED && !repair_finish(r, &e));
	must(repair_header_done(r));
	buf_add(&out->header, buf_text(repair_header(r)), repair_header(r)->len);
	out->facts = *repair_facts(r);
	repair_free(&r);
}

static void result_release(struct result *r)
{
	buf_release(&r->header);
	buf_release(&r->body);
}

static void check_lines(const struct buf *b, uint64_t *longest)
{
	const char *text = buf_text(b);
	size_t line = 0;

	for (size_t i = 0; i < b->len; i++, line++) {
		must(text[i]);
		if (text[i] == '\r') {
			must(i + 1 < b->len && text[i + 1] == '\n');
			*longest = line > *longest ? line : *longest;
		} else if (text[i] == '\n') {
			must(i && text[i - 1] == '\r');
			line = (size_t)-1;
		}
	}
	must(!b->len || text[b->len - 1] == '\n');
}

static void check_header(const struct buf *b)
{
	struct field f;

	for (size_t at = 0; header_next(buf_text(b), b->len, &at, &f);)
		must(f.name_len && header_is_field(f.start, f.len) && memchr(f.start, ':', f.len));
}

static size_t count_ink(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] && text[i] != ' ' && text[i] != '\r' && text[i] != '\n';
	return count;
}

static bool is_mbox(const char *text, size_t len)
{
	static const char word[] = ">From ";
	size_t i = 0, k;

	while (i < len && !text[i])
		i++;
	for (k = i < len && text[i] == '>' ? 0 : 1; i < len && k < 6; i++)
		if (text[i] && text[i] != word[k++])
			return false;
	return k == 6;
}

static void check_cut(const char *data, size_t len, bool dots, size_t step,
	const struct result *whole)
{
	struct result cut;

	run(data, len, dots, step, &cut);
	must(cut.last == whole->last);
	must(cut.header.len == whole->header.len && cut.body.len == whole->body.len);
	must(!memcmp(buf_text(&cut.header), buf_text(&whole->header), cut.header.len));
	must(!memcmp(buf_text(&cut.body), buf_text(&whole->body), cut.body.len));
	must(cut.facts.eight_bit_header == whole->facts.eight_bit_header);
	must(cut.facts.eight_bit_body == whole->facts.eight_bit_body);
	must(cut.facts.nul_removed == whole->facts.nul_removed);
	must(cut.facts.body_size == whole->facts.body_size);
	must(cut.facts.longest_line == whole->facts.longest_line);
	result_release(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	uint64_t longest = 0;
	struct result whole;
	bool dots;

	if (!size || size > REPAIR_HEADER_MAX / 2)
		return 0;
	dots = *data & 1;
	size--;
	run(text, size, dots, 0, &whole);
	check_lines(&whole.header, &longest);
	check_lines(&whole.body, &longest);
	check_header(&whole.header);
	must(whole.facts.body_size == whole.body.len && whole.facts.longest_line == longest);
	must(whole.last == REPAIR_MORE || dots);
	if (!dots && !is_mbox(text, size))
		must(count_ink(text, size) ==
			count_ink(buf_text(&whole.header), whole.header.len) +
			count_ink(buf_text(&whole.body), whole.body.len));
	check_cut(text, size, dots, 1, &whole);
	check_cut(text, size, dots, 2 + *data / 2, &whole);
	result_release(&whole);
	return 0;
}
