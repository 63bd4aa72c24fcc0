/* t/fuzz/smtp_reply.c - replies of a hostile server: the same whole as octet by
 * octet, within the limits, and fit to be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "smtp/capabilities.h"
#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void look(const struct smtp_reply *r)
{
	struct buf shown = BUF_INIT(4 * TEXT_SHOWN_MAX);
	struct smtp_capabilities c;

	must(r->code >= 200 && r->code <= 599);
	must(r->text.len < REPLY_TEXT_MAX && strnlen(r->enhanced, sizeof(r->enhanced)) < 10);
	must(!r->enhanced[0] || r->enhanced[0] == '0' + r->code / 100);
	must(!memchr(buf_text(&r->text), '\0', r->text.len));
	reply_show(r, &shown);
	must(shown.len <= 4 + 10 + TEXT_SHOWN_MAX + 3 && text_is_utf8(buf_text(&shown), shown.len));
	for (size_t i = 0; i < shown.len; i++)
		must((unsigned char)shown.data[i] >= ' ' && shown.data[i] != 0x7f);
	buf_release(&shown);
	capabilities_read(&c, r);
	must(memchr(c.auth, '\0', sizeof(c.auth)) && c.recipients_most >= 0);
	must(!c.size || c.size_known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply_parser whole, cut;
	struct err e = { 0 }, f = { 0 };
	size_t at = 0;
	int a = 1;

	reply_parser_init(&whole);
	reply_parser_init(&cut);
	while (at < size && a == 1) {
		char *copy = mem_copy(data + at, size - at);
		size_t used, n;
		int b = 0;

		a = reply_feed(&whole, copy, size - at, &used, &e);
		must(used <= size - at && used > 0);
		free(copy);
		for (size_t i = 0; i < used && !b; i++)
			b = reply_feed(&cut, (const char *)data + at + i, 1, &n, &f);
		if (a != b && !(a < 0 && !b))   /* a line that is too long may be told later */
			abort();
		if (a == 1) {
			must(cut.reply.code == whole.reply.code);
			must(!strcmp(cut.reply.enhanced, whole.reply.enhanced));
			must(cut.reply.text.len == whole.reply.text.len &&
				!memcmp(buf_text(&cut.reply.text), buf_text(&whole.reply.text),
					whole.reply.text.len));
			look(&whole.reply);
		}
		if (a < 0)
			must(e.kind == ERR_PROTOCOL && e.text[0] &&
				text_is_utf8(e.text, strlen(e.text)));
		at += used;
	}
	reply_parser_release(&whole);
	reply_parser_release(&cut);
	return 0;
}
