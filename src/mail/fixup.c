/* mail/fixup.c - the changes that are made once, at intake; see fixup.h. */
#include "mail/fixup.h"

#include <string.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/resent.h"

static const char *const dropped[] = { "Bcc", "Resent-Bcc", "Return-Path" };

static const char *const qualified[] = {
	"From", "Sender", "Reply-To", "To", "Cc",
	"Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc"
};

static bool is_among(const struct field *f, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (field_is(f, names[i]))
			return true;
	return false;
}

/* The domain in the form of the envelope, behind its '@'. */
static int write_domain(const char *domain, struct buf *out, struct err *e)
{
	struct buf address = BUF_INIT(0);
	int result = address_write("x", domain, NULL, &address, e);

	if (!result)
		buf_add_text(out, buf_text(&address) + 1);
	buf_release(&address);
	return result;
}

static int insert_domain(const struct field *f, const struct mailbox_list *list,
	const char *domain, struct buf *out, struct err *e)
{
	struct buf at_domain = BUF_INIT(0);
	size_t done = (size_t)(f->value - f->start);
	int result = write_domain(domain, &at_domain, e);

	buf_add(out, f->start, done);
	done = 0;
	for (size_t i = 0; !result && i < list->count; i++) {
		const struct mailbox *m = &list->items[i];
		size_t end = m->spec.start + m->spec.len;

		if (m->domain)
			continue;
		buf_add(out, f->value + done, end - done);
		buf_add(out, buf_text(&at_domain), at_domain.len);
		done = end;
	}
	buf_add(out, f->value + done, (size_t)(f->start + f->len - f->value) - done);
	buf_release(&at_domain);
	return result;
}

static int qualify(const struct field *f, const char *domain, struct buf *out, struct err *e)
{
	struct mailbox_list list = { 0 };
	struct err ignored;
	bool bare = false;
	int result = 0;

	if (domain && is_among(f, qualified, COUNT(qualified)) &&
		!mailbox_list_parse(f->value, f->value_len, ADDRESS_IN_HEADER, &list, &ignored))
		for (size_t i = 0; i < list.count; i++)
			bare = bare || !list.items[i].domain;
	if (bare)
		result = insert_domain(f, &list, domain, out, e);
	else
		buf_add(out, f->start, f->len);
	mailbox_list_release(&list);
	return result;
}

/* A bare name is taken as it stands: a login name may hold what a list of
 * addresses would read as a sign. */
static int write_from(const struct fixup *fix, struct buf *out, struct err *e)
{
	struct buf address = BUF_INIT(0), value = BUF_INIT(0);
	int result;

	if (strchr(fix->from, '@'))
		result = address_parse_one(fix->from, strlen(fix->from), fix->domain, &address, e);
	else
		result = address_write(fix->from, NULL, fix->domain, &address, e);
	if (fix->full_name)
		header_phrase(fix->full_name, strlen(fix->full_name), &value);
	if (value.len)
		buf_printf(&value, " <%s>", buf_text(&address));
	else
		buf_add(&value, buf_text(&address), address.len);
	if (!result && !buf_ok(&value))
		result = err_set(e, ERR_MESSAGE, "the sender's full name is too long");
	if (!result)
		header_add(out, "From", buf_text(&value));
	buf_release(&value);
	buf_release(&address);
	return result;
}

static bool has_from(const char *block, size_t len)
{
	struct field f;

	for (size_t at = 0; header_next(block, len, &at, &f);)
		if (field_is(&f, "From") && !field_is_blank(&f))
			return true;
	return false;
}

/* In the order Date, From, Message-ID. */
static int add_missing(const char *block, size_t len, const struct fixup *fix, struct buf *out,
	struct err *e)
{
	struct field f;

	if (fix->date && !header_find(block, len, "Date", &f))
		header_add(out, "Date", fix->date);
	if (fix->from && !has_from(block, len) && write_from(fix, out, e) < 0)
		return err_context(e, "sender for the From field");
	if (fix->message_id && !header_find(block, len, "Message-ID", &f))
		header_add(out, "Message-ID", fix->message_id);
	return 0;
}

int fixup_intake(const char *block, size_t len, const struct fixup *fix, struct buf *out,
	struct err *e)
{
	struct field f;

	if (add_missing(block, len, fix, out, e) < 0)
		return -1;
	for (size_t at = 0; header_next(block, len, &at, &f);) {
		if (is_among(&f, dropped, COUNT(dropped)) ||
			(fix->from && field_is(&f, "From") && field_is_blank(&f)))
			continue;
		if (qualify(&f, fix->domain, out, e) < 0)
			return err_context(e, "domain for bare names in the header");
	}
	if (!buf_ok(out))
		return err_set(e, ERR_MESSAGE, "the header of the message is too long");
	return 0;
}

void fixup_find_from(const char *block, size_t len, const char *default_domain, struct buf *out)
{
	struct mailbox_list list = { 0 };
	struct err ignored;
	struct field f;
	bool found = header_find(block, resent_end(block, len), "Resent-From", &f) ||
		header_find(block, len, "From", &f);

	if (found && !mailbox_list_parse(f.value, f.value_len, ADDRESS_IN_HEADER, &list,
			&ignored) && list.count)
		address_write(list.items[0].local, list.items[0].domain, default_domain, out,
			&ignored);
	mailbox_list_release(&list);
}

unsigned fixup_count_received(const char *block, size_t len)
{
	unsigned count = 0;
	struct field f;

	for (size_t at = 0; header_next(block, len, &at, &f);)
		count += field_is(&f, "Received");
	return count;
}
