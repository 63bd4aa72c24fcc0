/* t/fuzz/mail_address.c - any octets as an address list.
 *
 * The first octet chooses the place.  What is read must be harmless (E1), its
 * spans must lie in the text in order, and what is written of it must read back
 * to the same address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static bool is_harmless(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == '<' || *text == '>')
			return false;
	return true;
}

static bool is_inside(struct span inner, struct span outer)
{
	return inner.start >= outer.start && inner.start + inner.len <= outer.start + outer.len;
}

/* The written form stands for one address, the same, in argv and in a header. */
static void check_written(const struct mailbox *m, const char *fallback)
{
	struct buf once = BUF_INIT(0), again = BUF_INIT(0);
	struct mailbox_list list = { 0 };
	struct err e = { 0 };

	if (address_write(m->local, m->domain, fallback, &once, &e) < 0) {
		must(e.kind == ERR_MESSAGE && *e.text && !once.len);
		return;
	}
	must(once.len > 0 && once.len <= ADDRESS_PATH_MAX && is_harmless(buf_text(&once)));
	must(!address_parse_one(buf_text(&once), once.len, NULL, &again, &e));
	must(!strcmp(buf_text(&once), buf_text(&again)));
	must(!mailbox_list_parse(buf_text(&once), once.len, ADDRESS_IN_HEADER, &list, &e));
	must(list.count == 1 && !strcmp(list.items[0].local, m->local));
	must(address_equal(buf_text(&once), buf_text(&again)));
	must(address_matches(buf_text(&once), "*") && address_matches(buf_text(&once), "**"));
	mailbox_list_release(&list);
	buf_release(&once);
	buf_release(&again);
}

static void check_mailbox(const struct mailbox *m, size_t len, size_t *behind)
{
	struct span all = { 0, len };

	must(m->local && *m->local && is_harmless(m->local));
	must(!m->domain || (*m->domain && is_harmless(m->domain)));
	must(m->whole.start >= *behind && m->whole.len > 0 && is_inside(m->whole, all));
	must(m->spec.len > 0 && is_inside(m->spec, m->whole));
	must(!m->name.len || (m->angle && is_inside(m->name, m->whole)));
	*behind = m->whole.start + m->whole.len;
	check_written(m, NULL);
	check_written(m, "b\xc3\xbc" "cher.Example.");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct mailbox_list list = { 0 };
	struct buf one = BUF_INIT(0);
	struct err e = { 0 };
	size_t behind = 0;

	if (!size)
		return 0;
	if (mailbox_list_parse(text, size - 1, *data & 1 ? ADDRESS_IN_ARGV : ADDRESS_IN_HEADER,
		&list,
			&e) < 0)
		must(e.kind == ERR_MESSAGE && *e.text && !list.count);
	for (size_t i = 0; i < list.count; i++)
		check_mailbox(&list.items[i], size - 1, &behind);
	mailbox_list_release(&list);
	if (!address_parse_one(text, size - 1, "d", &one, &e))
		must(is_harmless(buf_text(&one)) && strlen(buf_text(&one)) == one.len);
	buf_release(&one);
	return 0;
}
