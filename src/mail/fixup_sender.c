/* mail/fixup_sender.c - a From that the account may use; see fixup.h. */
#include "mail/fixup.h"

#include <string.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/resent.h"

/* Which pair of fields is treated, and how far down. */
struct subject {
	const char *from, *sender;   /* names */
	size_t      end;             /* fields that start before it */
};

static struct subject find_subject(const char *block, size_t len)
{
	size_t end = resent_end(block, len);
	struct field f;

	if (header_find(block, end, "Resent-From", &f))
		return (struct subject){ "Resent-From", "Resent-Sender", end };
	return (struct subject){ "From", "Sender", len };
}

static bool is_subject(const struct field *f, const char *block, const struct subject *sub,
	const char *name)
{
	return (size_t)(f->start - block) < sub->end && field_is(f, name);
}

static bool is_allowed(const char *address, const struct fixup_sender *set, bool only_own)
{
	return address_equal(address, set->from) ||
		(!only_own && set->allowed && set->allowed(set->context, address));
}

/* Whether each mailbox of the field is allowed; a list that cannot be read, or
 * names nobody, is not. */
static bool field_allowed(const struct field *f, const struct fixup_sender *set, bool only_own)
{
	struct mailbox_list list = { 0 };
	struct err ignored;
	bool good = !mailbox_list_parse(f->value, f->value_len, ADDRESS_IN_HEADER, &list,
		&ignored) && list.count;

	for (size_t i = 0; good && i < list.count; i++) {
		struct buf address = BUF_INIT(0);

		good = !address_write(list.items[i].local, list.items[i].domain, NULL, &address,
			&ignored) && is_allowed(buf_text(&address), set, only_own);
		buf_release(&address);
	}
	mailbox_list_release(&list);
	return good;
}

/* Text without its quotation marks, folds opened. */
static void add_unquoted(struct buf *out, const char *text, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (text[i] == '\\' && quoted && i + 1 < len)
			i++;
		if (text[i] != '\r' && text[i] != '\n')
			buf_add_char(out, text[i]);
	}
}

/* A phrase that may stay as it is because it holds RFC 2047 encoded words,
 * which quotes would turn into plain text, and nothing that needs quotes. */
static bool is_encoded_phrase(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((text[i] > 32 && text[i] < 127) || strchr(" \t\r\n", text[i])) ||
			strchr("()<>[]:;@\\,\"", text[i]))
			return false;
	return memmem(text, len, "=?", 2);
}

/* "Cron Daemon (root@box)" for `Cron Daemon <root@box>`; an empty pair of
 * quotes is no name. */
static void add_name_first(struct buf *out, const char *name, size_t len, const char *address,
	const char *from_name)
{
	struct buf plain = BUF_INIT(0);

	if (is_encoded_phrase(name, len)) {
		struct field as_value = { .value = name, .value_len = len };

		field_unfold(&as_value, out);
		buf_add_char(out, ' ');
		buf_printf(&plain, "(%s)", address);
	} else {
		add_unquoted(&plain, name, len);
		if (plain.len)
			buf_printf(&plain, " (%s)", address);
		else
			buf_add_text(&plain, from_name ? from_name : address);
	}
	header_phrase(buf_text(&plain), plain.len, out);
	buf_release(&plain);
}

/* "root@box (Cron Daemon)" for `root@box (Cron Daemon)`; without a comment,
 * the configured name. */
static void add_address_first(struct buf *out, const char *rest, size_t len, const char *address,
	const char *from_name)
{
	struct buf plain = BUF_INIT(0);

	while (len && strchr(" \t\r\n>", *rest)) {
		rest++;
		len--;
	}
	buf_add_text(&plain, address);
	if (len) {
		buf_add_char(&plain, ' ');
		add_unquoted(&plain, rest, len);
	} else if (from_name) {
		buf_clear(&plain);
		buf_add_text(&plain, from_name);
	}
	header_phrase(buf_text(&plain), plain.len, out);
	buf_release(&plain);
}

static void add_old_mailbox(struct buf *out, const char *text, const struct mailbox *m,
	const char *from_name)
{
	struct buf address = BUF_INIT(0);
	size_t end = m->spec.start + m->spec.len;
	struct err ignored;

	if (address_write(m->local, m->domain, NULL, &address, &ignored) < 0)
		add_unquoted(&address, text + m->spec.start, m->spec.len);
	if (m->name.len)
		add_name_first(out, text + m->name.start, m->name.len, buf_text(&address),
			from_name);
	else
		add_address_first(out, text + end, m->whole.start + m->whole.len - end,
			buf_text(&address), from_name);
	buf_release(&address);
}

/* The phrase that stands before the account's address. */
static void add_old_sender(struct buf *out, const struct field *f, const char *from_name)
{
	struct mailbox_list list = { 0 };
	struct err ignored;

	if (!mailbox_list_parse(f->value, f->value_len, ADDRESS_IN_HEADER, &list, &ignored) &&
		list.count) {
		add_old_mailbox(out, f->value, &list.items[0], from_name);
	} else if (from_name) {
		header_phrase(from_name, strlen(from_name), out);
	} else {
		struct buf plain = BUF_INIT(0);

		add_unquoted(&plain, f->value, f->value_len);
		header_phrase(buf_text(&plain), plain.len, out);
		buf_release(&plain);
	}
	mailbox_list_release(&list);
}

static void add_from(const struct field *f, const struct fixup_sender *set, const char *name,
	struct buf *out)
{
	struct buf value = BUF_INIT(0);

	add_old_sender(&value, f, set->from_name);
	if (value.len)
		buf_printf(&value, " <%s>", set->from);
	if (!value.len || !buf_ok(&value)) {
		buf_clear(&value);
		buf_add_text(&value, set->from);
	}
	header_add(out, name, buf_text(&value));
	buf_release(&value);
}

/* All old values in one field; more than one From is not legal, but occurs. */
static void add_original(const char *block, size_t len, const struct subject *sub,
	struct buf *out)
{
	struct buf value = BUF_INIT(0);
	struct field f;

	for (size_t at = 0; header_next(block, len, &at, &f);) {
		if (!is_subject(&f, block, sub, sub->from))
			continue;
		if (value.len)
			buf_add_text(&value, ", ");
		field_unfold(&f, &value);
	}
	if (value.len)
		header_add(out, "X-Original-From", buf_text(&value));
	buf_release(&value);
}

static void rewrite(const char *block, size_t len, const struct subject *sub,
	const struct fixup_sender *set, struct buf *out)
{
	bool done = false;
	struct field f;

	for (size_t at = 0; header_next(block, len, &at, &f);) {
		if (field_is(&f, "X-Original-From") ||
			(is_subject(&f, block, sub, sub->sender) && !field_allowed(&f, set, false)))
			continue;
		if (!is_subject(&f, block, sub, sub->from)) {
			buf_add(out, f.start, f.len);
			continue;
		}
		if (done)
			continue;
		add_from(&f, set, sub->from, out);
		add_original(block, len, sub, out);
		done = true;
	}
}

int fixup_sender(const char *block, size_t len, const struct fixup_sender *set, struct buf *out,
	bool *changed, struct err *e)
{
	struct subject sub = find_subject(block, len);
	struct field f;

	*changed = false;
	if (set->from)
		for (size_t at = 0; header_next(block, len, &at, &f);)
			if (is_subject(&f, block, &sub, sub.from) &&
				!field_allowed(&f, set, set->always))
				*changed = true;
	if (*changed)
		rewrite(block, len, &sub, set, out);
	else
		buf_add(out, block, len);
	if (!buf_ok(out))
		return err_set(e, ERR_MESSAGE, "the header of the message is too long");
	return 0;
}
