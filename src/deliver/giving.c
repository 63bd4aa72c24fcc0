/* deliver/giving.c - the report about a queued message; see giving.h. */
#include "deliver/giving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "mail/repair.h"
#include "queue/park.h"

enum { HEADER_MAX = 3 * REPAIR_HEADER_MAX };

/* ---- what it is made of */

static ssize_t read_body(const void *where, uint64_t offset, char *data, size_t len, struct err *e)
{
	const struct giving *g = where;

	return held_read(g->held, g->entry->header_size + 2 + offset, data, len, e);
}

/* What cannot be read is not quoted. */
static void read_header(const struct giving *g, struct buf *out)
{
	uint64_t size = g->entry->header_size;
	char *room = size <= HEADER_MAX ? buf_reserve(out, (size_t)size) : NULL;
	struct err ignored;

	while (room && out->len < size) {
		ssize_t got = held_read(g->held, out->len, room + out->len,
			(size_t)size - out->len, &ignored);

		if (got <= 0)
			break;
		out->len += (size_t)got;
	}
	if (room)
		room[out->len] = '\0';
}

const char *giving_server(const struct giving *g)
{
	const char *last = g->entry->last_account;
	const struct account *a = last ? config_account(g->config, last) : NULL;

	if (!a)
		a = g->account;
	return a && a->net.host && a->net.host[0] != '/' ? a->net.host : NULL;
}

static struct letter letter_of(const struct giving *g, const struct buf *header)
{
	const struct entry *n = g->entry;

	return (struct letter){
		.header = buf_text(header), .header_len = header->len,
		.body_size = n->content_size > n->header_size + 2 ?
			n->content_size - n->header_size - 2 : 0,
		.read = read_body, .where = g, .sender = n->sender, .login = n->origin,
		.dsn = &n->dsn, .eight_bit_header = n->eight_bit_header,
		.eight_bit_body = n->eight_bit_body, .longest_line = n->longest_line
	};
}

/* The account that was asked for; one that is gone the report would wait for in vain. */
static const char *wanted_of(const struct giving *g)
{
	const char *wanted = g->entry->account;

	return wanted && config_account(g->config, wanted) ? wanted : NULL;
}

void giving_prepare(const struct giving *g, enum report_action action, struct telling *t)
{
	const struct entry *n = g->entry;

	*t = (struct telling){ .header = BUF_INIT(HEADER_MAX + 1) };
	if (n->subject_of)
		return;   /* never about a report */
	read_header(g, &t->header);
	t->letter = letter_of(g, &t->header);
	t->notice = (struct notice){
		.action = action, .account = g->account, .server = giving_server(g),
		.letter = &t->letter, .subject = n->id, .wanted = wanted_of(g),
		.config = n->config, .login = n->login, .uid = n->uid, .errors = n->errors,
		.created = n->created, .next = g->next
	};
	notice_addressees(g->config, &t->notice, notice_is_personal(g->spool), &t->to);
	t->wanted = notice_wanted(g->config, &t->notice, &t->to);
}

void telling_release(struct telling *t)
{
	buf_release(&t->header);
	envelope_release(&t->to);
}

/* ---- which one it is */

size_t giving_choose(const struct entry *n, enum recipient_state state, size_t from,
	size_t which[NOTICE_RECIPIENTS_MAX])
{
	size_t count = 0;

	for (size_t i = from; i < n->count && count < NOTICE_RECIPIENTS_MAX; i++)
		if (n->recipients[i].state == state)
			which[count++] = i;
	return count;
}

/* 60 bits of the digest of what it is about, in the letters of an id. */
static int report_id(const struct entry *n, const char *kind, const size_t *which, size_t count,
	char id[ENTRY_ID_LEN + 1], struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct buf text = BUF_INIT(0);
	char digest[DIGEST_HEX + 1];
	unsigned long long bits;
	bool good;

	buf_printf(&text, "report:%s:", n->id);
	if (entry_taken_back(n))   /* what was told before was of another try */
		buf_printf(&text, "%lld:", (long long)entry_taken_back(n));
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s%zu", i ? "," : "", which[i]);
	buf_printf(&text, ":%s", kind);
	good = digest_of(buf_text(&text), text.len, digest);
	buf_release(&text);
	if (!good)
		return err_set(e, ERR_STORE, "the report is not stored: its digest cannot be "
			"computed");
	digest[15] = '\0';
	bits = strtoull(digest, NULL, 16);
	for (int i = 0; i < ENTRY_ID_LEN; i++)
		id[i] = letters[bits >> 5 * (ENTRY_ID_LEN - 1 - i) & 31];
	id[ENTRY_ID_LEN] = '\0';
	return 0;
}

int giving_failure_id(const struct entry *n, const size_t *which, size_t count,
	char id[ENTRY_ID_LEN + 1], struct err *e)
{
	return report_id(n, "failed", which, count, id, e);
}

/* One for each message, whoever is waiting. */
int giving_delay_id(const struct entry *n, char id[ENTRY_ID_LEN + 1], struct err *e)
{
	return report_id(n, "delayed", NULL, 0, id, e);
}

/* ---- storing */

void giving_note(struct giving *g, const char *id)
{
	size_t len = strlen(g->reports);

	if (len + ENTRY_ID_LEN + 2 < sizeof(g->reports))
		snprintf(g->reports + len, sizeof(g->reports) - len, "%s%s", len ? "," : "", id);
}

int giving_store(struct giving *g, struct telling *t, const size_t *which, size_t count,
	const char *id, struct err *e)
{
	struct report_recipient *about = mem_alloc(count * sizeof(*about));
	char stored[ENTRY_ID_LEN + 1];
	int good;

	for (size_t i = 0; i < count; i++) {
		const struct entry_recipient *to = &g->entry->recipients[which[i]];

		about[i] = (struct report_recipient){
			.address = to->address, .original = to->original, .code = to->code,
			.enhanced = to->enhanced, .text = to->text, .when = to->when,
			.unsure = to->unsure
		};
	}
	t->notice.recipients = about;
	t->notice.count = count;
	snprintf(stored, sizeof(stored), "%s", id);
	good = notice_store(g->spool, &t->notice, &t->to, stored, e);
	free(about);
	if (good < 0)
		return -1;
	giving_note(g, id);
	return 0;
}

/* ---- waiting */

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

char *giving_why_waiting(const struct giving *g)
{
	struct park park = { .kind = PARK_NONE };
	struct err ignored;
	char *why = copy(g->entry->reason);

	if (!why && g->account && park_read(g->spool, g->account->name, &park, &ignored) == 0)
		why = copy(park.reason);
	park_release(&park);
	return why ? why : mem_string("there was no opportunity to send it");
}
