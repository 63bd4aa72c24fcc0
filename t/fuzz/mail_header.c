/* t/fuzz/mail_header.c - any octets as a header block, and as a display name.
 *
 * The first octet chooses.  A block's fields are a partition of it; through
 * mail/repair and mail/fixup no field appears or vanishes that should not.  A
 * name makes one line of header, with the address beside it unharmed (E7).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/fixup.h"
#include "mail/header.h"
#include "mail/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_partition(const char *block, size_t len)
{
	size_t at = 0, sum = 0;
	struct field f;

	while (header_next(block, len, &at, &f)) {
		struct buf value = BUF_INIT(0);

		must(f.start == block + sum && f.len && f.name_len <= f.len);
		must(f.value >= f.start && f.value + f.value_len <= f.start + f.len);
		field_unfold(&f, &value);
		must(!memchr(buf_text(&value), '\n', value.len));
		must(!memchr(buf_text(&value), '\r', value.len));
		buf_release(&value);
		sum += f.len;
	}
	must(sum == len && at == len);
}

static void check_name(const char *name, size_t len)
{
	struct buf value = BUF_INIT(0), block = BUF_INIT(0);
	struct mailbox_list list = { 0 };
	struct field f;
	struct err e;
	size_t at = 0;

	header_phrase(name, len, &value);
	buf_add_text(&value, " <a@x>");
	header_add(&block, "From", buf_text(&value));
	must(header_next(buf_text(&block), block.len, &at, &f) && at == block.len);
	must(field_is(&f, "From") && strlen(buf_text(&block)) == block.len);
	must(!mailbox_list_parse(f.value, f.value_len, ADDRESS_IN_HEADER, &list, &e));
	must(list.count == 1 && !strcmp(list.items[0].local, "a"));
	mailbox_list_release(&list);
	buf_release(&value);
	buf_release(&block);
}

static int forget(void *context, const char *data, size_t len, struct err *e)
{
	(void)context;
	(void)data;
	(void)len;
	(void)e;
	return 0;
}

static bool allow(const void *context, const char *address)
{
	return address_matches(address, context);
}

/* Once more makes no difference; from here every address in From is ours. */
static void check_sender(const struct buf *block)
{
	static const char ours[] = "example.org";
	const struct fixup_sender set = { "me@example.org", NULL, allow, ours, false };
	struct buf once = BUF_INIT(8 << 20), again = BUF_INIT(8 << 20);
	struct err e;
	bool changed;

	must(!fixup_sender(buf_text(block), block->len, &set, &once, &changed, &e));
	must(changed || (once.len == block->len && !memcmp(buf_text(&once), buf_text(block),
		once.len)));
	must(!fixup_sender(buf_text(&once), once.len, &set, &again, &changed, &e));
	must(!changed && once.len == again.len);
	buf_release(&once);
	buf_release(&again);
}

static void check_fixup(const struct buf *block)
{
	const struct fixup fix = { "d", "<i@x>", "me", "N", "d.example" };
	struct buf once = BUF_INIT(8 << 20), again = BUF_INIT(8 << 20), from = BUF_INIT(0);
	struct envelope env = { 0 };
	struct field f;
	struct err e;

	must(!fixup_intake(buf_text(block), block->len, &fix, &once, &e));
	check_partition(buf_text(&once), once.len);
	must(!header_find(buf_text(&once), once.len, "Bcc", &f));
	must(!header_find(buf_text(&once), once.len, "Resent-Bcc", &f));
	must(header_find(buf_text(&once), once.len, "Date", &f));
	must(header_find(buf_text(&once), once.len, "From", &f) && !field_is_blank(&f));
	must(!fixup_intake(buf_text(&once), once.len, &fix, &again, &e));
	must(once.len == again.len && !memcmp(buf_text(&once), buf_text(&again), once.len));
	fixup_find_from(buf_text(&once), once.len, "d", &from);
	must(fixup_count_received(buf_text(&once), once.len) ==
		fixup_count_received(buf_text(block), block->len));
	if (envelope_add_header(&env, buf_text(block), block->len, "d", &e) < 0)
		must(e.kind == ERR_MESSAGE);
	check_sender(&once);
	envelope_release(&env);
	buf_release(&once);
	buf_release(&again);
	buf_release(&from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct repair *r;
	struct err e;

	if (!size || size > 100000)
		return 0;
	if (*data & 1) {
		check_name(text, size - 1);
		return 0;
	}
	check_partition(text, size - 1);
	r = repair_new(false, forget, NULL);
	must(repair_feed(r, text, size - 1, &e) == REPAIR_MORE && !repair_finish(r, &e));
	check_partition(buf_text(repair_header(r)), repair_header(r)->len);
	check_fixup(repair_header(r));
	repair_free(&r);
	return 0;
}
