/* mail/address.c - reading lists of addresses; see address.h.
 *
 * A member is looked through once to learn what it is (a group's name, a name
 * with an address in angle brackets, or an address alone) and then read.
 */
#include "mail/address.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/scan.h"

enum { PART_MAX = 4096 };   /* octets of a local part or domain that are kept */

enum member { MEMBER_PLAIN, MEMBER_ANGLE, MEMBER_GROUP, MEMBER_BAD };

struct reader {
	struct scan          s;
	enum address_place   place;
	bool                 group;        /* between ':' and ';' */
	size_t               plain_until;  /* no '<' or ':' before this offset */
	size_t               behind;       /* where the last mailbox ended, comments included */
	struct mailbox_list *list;         /* borrowed */
	struct err          *e;
};

static int fail(struct reader *r, const char *why)
{
	return scan_fail(r->s.text, r->s.len, r->e, why);
}

static int next(struct reader *r)
{
	return scan_next(&r->s, r->e);
}

static void mailbox_release(struct mailbox *m)
{
	free(m->local);
	free(m->domain);
}

static void list_cut(struct mailbox_list *list, size_t count)
{
	while (list->count > count)
		mailbox_release(&list->items[--list->count]);
}

void mailbox_list_release(struct mailbox_list *list)
{
	list_cut(list, 0);
	free(list->items);
	*list = (struct mailbox_list){ 0 };
}

static int list_add(struct reader *r, const struct mailbox *m)
{
	struct mailbox_list *list = r->list;

	if (list->count >= ADDRESS_LIST_MAX)
		return fail(r, "more than 100000 addresses in one list");
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 4;
		list->items = mem_grow(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->count++] = *m;
	return 0;
}

/* In a word of the command line a blank ends an address. */
static bool ends_here(const struct reader *r, bool in_angle)
{
	return r->place == ADDRESS_IN_ARGV && !in_angle && r->s.now.spaced;
}

/* RFC 821 allowed a backslash before any character of a plain local part as
 * well, and shell quoting leaves such ("o\'brien@example.org"). */
static void add_unescaped(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len)
			i++;
		buf_add_char(out, text[i]);
	}
}

/* Two words are one part only where a dot joins them (RFC 5322 section 4.4). */
static bool is_joined(const struct scan *s, const struct token *before)
{
	return (s->now.kind == TOKEN_ATOM && s->text[s->now.start] == '.') ||
		(before->kind == TOKEN_ATOM && s->text[before->end - 1] == '.');
}

static int read_local(struct reader *r, bool in_angle, struct buf *out, struct token *last)
{
	const struct token *now = &r->s.now;
	bool first = true;

	for (; now->kind == TOKEN_ATOM || now->kind == TOKEN_QUOTED; first = false) {
		const char *text = r->s.text + now->start;
		size_t len = now->end - now->start;

		if (!first && ends_here(r, in_angle))
			break;
		if (!first && !is_joined(&r->s, last))
			return fail(r, "several words where one address is expected; "
				"is a comma or a pair of quotes missing?");
		if (now->kind == TOKEN_QUOTED)
			add_unescaped(out, text + 1, len - 2);
		else
			add_unescaped(out, text, len);
		*last = *now;
		if (next(r) < 0)
			return -1;
	}
	return out->len ? 0 : fail(r, "the part before '@' is missing");
}

static int read_domain(struct reader *r, bool in_angle, struct buf *out, struct token *last)
{
	const struct token *now = &r->s.now;
	bool first = true;

	for (; now->kind == TOKEN_ATOM || now->kind == TOKEN_LITERAL; first = false) {
		if (ends_here(r, in_angle))
			break;
		if (!first && (now->kind == TOKEN_LITERAL || !is_joined(&r->s, last)))
			return fail(r, "text stands behind the domain; is a comma missing?");
		buf_add(out, r->s.text + now->start, now->end - now->start);
		*last = *now;
		if (next(r) < 0)
			return -1;
	}
	return out->len ? 0 : fail(r, "no domain behind '@'");
}

static int keep_parts(struct reader *r, const struct buf *local, const struct buf *domain,
	struct mailbox *m)
{
	if (!buf_ok(local) || !buf_ok(domain))
		return fail(r, "too long");
	if (!scan_is_harmless(buf_text(local), local->len) ||
		!scan_is_harmless(buf_text(domain), domain->len))
		return fail(r, "control characters and angle brackets cannot be part of "
			"an address");
	m->local = mem_copy(buf_text(local), local->len);
	m->domain = domain->len ? mem_copy(buf_text(domain), domain->len) : NULL;
	return 0;
}

/* addr-spec, or a bare name. */
static int read_spec(struct reader *r, bool in_angle, struct mailbox *m)
{
	struct buf local = BUF_INIT(PART_MAX), domain = BUF_INIT(PART_MAX);
	struct token last = r->s.now;
	int result;

	m->spec.start = last.start;
	result = read_local(r, in_angle, &local, &last);
	if (!result && scan_at_sign(&r->s, '@') && !ends_here(r, in_angle)) {
		result = next(r);
		if (!result)
			result = read_domain(r, in_angle, &domain, &last);
	}
	m->spec.len = last.end - m->spec.start;
	if (!result)
		result = keep_parts(r, &local, &domain, m);
	buf_release(&local);
	buf_release(&domain);
	return result;
}

/* RFC 5321 section 4.1.1.3: "@relay,@other:" before the address means nothing
 * any more and is passed over. */
static int skip_route(struct reader *r)
{
	while (!scan_at_sign(&r->s, ':')) {
		bool part = r->s.now.kind == TOKEN_ATOM || r->s.now.kind == TOKEN_LITERAL;

		if (!part && !scan_at_sign(&r->s, '@') && !scan_at_sign(&r->s, ','))
			return fail(r, "the source route is not ended by ':'");
		if (next(r) < 0)
			return -1;
	}
	return next(r);
}

static int read_angle(struct reader *r, struct mailbox *m)
{
	m->angle = true;
	if (next(r) < 0 || (scan_at_sign(&r->s, '@') && skip_route(r) < 0))
		return -1;
	if (scan_at_sign(&r->s, '>'))
		return fail(r, "nothing stands between '<' and '>'");
	if (r->s.now.kind != TOKEN_END && read_spec(r, true, m) < 0)
		return -1;
	if (r->s.now.kind == TOKEN_END)
		return fail(r, "a bracket '<' is not closed");
	if (!scan_at_sign(&r->s, '>'))
		return fail(r, "more than one address between '<' and '>'");
	m->whole.len = r->s.now.end - m->whole.start;
	return next(r);
}

static int read_name(struct reader *r, struct mailbox *m)
{
	m->name.start = r->s.now.start;
	while (!scan_at_sign(&r->s, '<')) {
		m->name.len = r->s.now.end - m->name.start;
		if (next(r) < 0)
			return -1;
	}
	return 0;
}

static int read_mailbox(struct reader *r, enum member kind)
{
	struct mailbox m = { 0 };
	int result;

	m.whole.start = r->s.now.start;
	if (r->s.comment && r->s.comment_start >= r->behind)
		m.whole.start = r->s.comment_start;
	if (kind == MEMBER_ANGLE) {
		result = read_name(r, &m);
		if (!result)
			result = read_angle(r, &m);
	} else {
		result = read_spec(r, false, &m);
		m.whole.len = m.spec.start + m.spec.len - m.whole.start;
	}
	if (!result && r->s.comment)
		m.whole.len = r->s.comment_end - m.whole.start;
	r->behind = m.whole.start + m.whole.len;
	if (!result && r->s.now.kind != TOKEN_END && !scan_at_sign(&r->s, ',') &&
		!scan_at_sign(&r->s, ';') && !ends_here(r, false))
		result = fail(r, "text stands behind the address; is a comma missing?");
	if (!result)
		result = list_add(r, &m);
	if (result)
		mailbox_release(&m);
	return result;
}

static enum member classify(struct reader *r)
{
	struct scan s = r->s;
	bool at = false;

	if (s.now.start < r->plain_until)
		return MEMBER_PLAIN;
	for (bool first = true;; first = false) {
		bool apart = r->place == ADDRESS_IN_ARGV && at;

		if ((apart && s.now.spaced && !first) || s.now.kind == TOKEN_END ||
			scan_at_sign(&s, ',') || scan_at_sign(&s, ';')) {
			r->plain_until = s.now.start;
			return MEMBER_PLAIN;
		}
		if (scan_at_sign(&s, '<') && !apart)
			return MEMBER_ANGLE;
		if (scan_at_sign(&s, ':') && !at)
			return MEMBER_GROUP;
		if (s.now.kind == TOKEN_SIGN && s.now.sign != '@') {
			fail(r, "a '<', '>' or ':' stands where it means nothing");
			return MEMBER_BAD;
		}
		at = at || scan_at_sign(&s, '@');
		if (scan_next(&s, r->e) < 0)
			return MEMBER_BAD;
	}
}

static int read_group(struct reader *r)
{
	if (r->group || scan_at_sign(&r->s, ':'))
		return fail(r, r->group ? "a group stands inside a group" : "a group has no name");
	while (!scan_at_sign(&r->s, ':'))
		if (next(r) < 0)
			return -1;
	r->group = true;
	return next(r);
}

static int end_group(struct reader *r)
{
	if (!r->group)
		return fail(r, "';' ends no group; addresses are separated by commas");
	r->group = false;
	if (next(r) < 0)
		return -1;
	if (r->s.now.kind != TOKEN_END && !scan_at_sign(&r->s, ',') && !ends_here(r, false))
		return fail(r, "text stands behind a group; is a comma missing?");
	return 0;
}

static int read_member(struct reader *r)
{
	enum member kind = classify(r);

	if (kind == MEMBER_BAD)
		return -1;
	return kind == MEMBER_GROUP ? read_group(r) : read_mailbox(r, kind);
}

static int read_list(struct reader *r, const char *text, size_t len)
{
	if (scan_start(&r->s, text, len, r->place, r->e) < 0)
		return -1;
	while (r->s.now.kind != TOKEN_END) {
		int result;

		if (scan_at_sign(&r->s, ','))
			result = next(r);
		else if (scan_at_sign(&r->s, ';'))
			result = end_group(r);
		else
			result = read_member(r);
		if (result)
			return -1;
	}
	return r->group ? fail(r, "a group is not ended by ';'") : 0;
}

int mailbox_list_parse(const char *text, size_t len, enum address_place place,
	struct mailbox_list *list, struct err *e)
{
	struct reader r = { .place = place, .list = list, .e = e };
	size_t before = list->count;

	if (!read_list(&r, text, len))
		return 0;
	if (before)
		list_cut(list, before);
	else
		mailbox_list_release(list);
	return -1;
}
