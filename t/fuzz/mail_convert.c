/* t/fuzz/mail_convert.c - any octets as a message for a server that takes little.
 *
 * The first octet chooses what the server takes and how the body is cut.  A walk
 * that is written down is the body; what is sent breaks no rule, and decoded says
 * the same, part by part; converted once more it stays as it is; and however the
 * body is cut, the result is the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mail/recode.h"
#include "mail/repair.h"
#include "t/unit/mime_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(good) ((good) ? (void)0 : fail(#good, __LINE__))

static void fail(const char *what, int line)
{
	fprintf(stderr, "line %d: not %s\n", line, what);
	abort();
}

static bool same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(buf_text(a), buf_text(b), a->len);
}

static void check_walk(const struct buf *header, const struct buf *body, size_t step)
{
	struct rig_walk whole, cut;
	struct err e;
	int good = rig_walk(header, body, 0, &whole, &e);

	must(rig_walk(header, body, step, &cut, &e) == good);
	must(good < 0 || (same(&whole.copy, body) && same(&cut.copy, body)));
	must(good < 0 || same(&whole.said, &cut.said));
	rig_walk_release(&whole);
	rig_walk_release(&cut);
}

/* What decoding shows of both. */
static void check_said(const struct buf *header, const struct buf *body,
	const struct rig_result *r)
{
	struct rig_walk before, after;
	struct err e;

	must(rig_walk(header, body, 0, &before, &e) == 0);
	must(rig_walk(&r->header, &r->body, 0, &after, &e) == 0);
	must(same(&before.said, &after.said));
	rig_walk_release(&before);
	rig_walk_release(&after);
}

static void check_rules(const struct convert_want *want, const struct rig_result *r)
{
	must(!header_has_long_line(buf_text(&r->header), r->header.len));
	must(!header_has_long_line(buf_text(&r->body), r->body.len));
	must(want->header != FIT_ASCII || text_is_ascii(buf_text(&r->header), r->header.len));
	must(!want->seven_bit || text_is_ascii(buf_text(&r->body), r->body.len));
	must(!r->body.len || r->body.data[r->body.len - 1] == '\n');
	for (size_t i = 0; i < r->body.len; i++)
		must(r->body.data[i] != '\n' || (i && r->body.data[i - 1] == '\r'));
}

static void check_again(const struct convert_want *want, const struct rig_result *r)
{
	struct rig_result again;
	struct err e;

	must(rig_convert(&r->header, &r->body, want, 0, &again, &e) == 0);
	must(!again.needed && same(&again.body, &r->body) && same(&again.header, &r->header));
	rig_result_release(&again);
}

static void check_convert(const struct buf *header, const struct buf *body,
	const struct convert_want *want, size_t step)
{
	struct rig_result whole, cut;
	struct err e;
	int good = rig_convert(header, body, want, 0, &whole, &e);

	must(rig_convert(header, body, want, step, &cut, &e) == good);
	must(good == 0 || e.kind == ERR_CAPABILITY);
	if (good == 0 && !whole.needs_utf8) {
		must(same(&whole.header, &cut.header) && same(&whole.body, &cut.body));
		check_rules(want, &whole);
		check_said(header, body, &whole);
		check_again(want, &whole);
	}
	rig_result_release(&whole);
	rig_result_release(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf body = BUF_INIT(8 << 20);
	struct convert_want want;
	struct repair *r;
	struct err e;
	size_t step;

	if (!size || size > REPAIR_HEADER_MAX / 16)
		return 0;
	want = (struct convert_want){ .seven_bit = *data & 1, .label = *data & 2,
		.header = *data & 4 ? FIT_UTF8 : FIT_ASCII };
	step = 1 + *data / 8;
	r = repair_new(false, rig_keep, &body);
	must(repair_feed(r, (const char *)data + 1, size - 1, &e) != REPAIR_FAILED);
	must(repair_finish(r, &e) == 0);
	check_walk(repair_header(r), &body, step);
	check_convert(repair_header(r), &body, &want, step);
	repair_free(&r);
	buf_release(&body);
	return 0;
}
