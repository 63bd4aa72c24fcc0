/* deliver/notice.c - a report is put together and stored; see notice.h. */
#include "deliver/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/text.h"
#include "deliver/aliases.h"
#include "mail/address.h"

enum {
	ADDRESSEES_MAX = 100,
	HEADER_QUOTED_MAX = 64 * 1024,
	BODY_QUOTED = 50 * 1000,          /* octets of body that come with it unasked ... */
	BODY_QUOTED_MAX = 2 << 20,        /* ... and when all was asked for: it lies in memory */
	REPORT_MAX = 8 << 20
};

bool notice_is_personal(const struct spool *s)
{
	return strcmp(spool_path(s), config_system_spool()) != 0;
}

void notice_show_id(const struct spool *s, const char *id, char out[ENTRY_ID_LEN + 3])
{
	snprintf(out, ENTRY_ID_LEN + 3, "%c-%.*s", notice_is_personal(s) ? 'p' : 's',
		ENTRY_ID_LEN, id);
}

/* ---- who gets it */

static void add_whole(void *context, const char *address)
{
	struct envelope *to = context;

	if (strchr(address, '@') && to->count < ADDRESSEES_MAX)
		envelope_add(to, address);
}

/* Here the machine's whole name counts as local even where an account sends as it. */
static const char **with_host_name(const char *const *local_names)
{
	const char **names;
	size_t count = 0;

	while (local_names[count])
		count++;
	names = mem_alloc((count + 2) * sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = local_names[i];
	names[count] = host_name();
	return names;
}

/* The sender's local name; false: its domain is foreign. */
static bool find_name(const struct alias_rules *rules, const struct notice *n, struct buf *name)
{
	const char *sender = n->letter->sender, *login = n->letter->login;
	bool given = sender && !(login && !strcmp(sender, login));

	if (given)
		return alias_is_local(rules, sender, name);
	buf_add_text(name, n->login ? n->login : "");
	return true;
}

static void resolve_name(const struct config *c, const struct alias_rules *rules, const char *name,
	struct envelope *to)
{
	struct err ignored;

	if (!*name || alias_resolve(rules, name, add_whole, to, &ignored) < 0)
		if (c->global.admin)
			envelope_add(to, c->global.admin);
}

/* A bare name that was completed by a domain that somebody configured. */
static void add_completed(const struct config *c, const struct notice *n, struct envelope *to)
{
	const char *address = n->letter->sender ? n->letter->sender : n->letter->login;
	const char *at = address ? strrchr(address, '@') : NULL;

	if (at && c->global.domain && !strcmp(at + 1, c->global.domain))
		envelope_add(to, address);
}

void notice_addressees(const struct config *c, const struct notice *n, bool personal,
	struct envelope *to)
{
	struct alias_book book;
	struct alias_rules rules = { .admin = c->global.admin };
	struct buf name = BUF_INIT(ADDRESS_PATH_MAX);
	const char **own = aliases_local_names(c), **names = with_host_name(own);
	struct err ignored;
	bool loaded = alias_book_load(&book, c, personal, &ignored) == 0;

	if (loaded)
		rules = *alias_book_rules(&book);
	rules.domain = NULL;
	rules.local_names = names;
	if (!find_name(&rules, n, &name))
		envelope_add(to, n->letter->sender);
	else
		resolve_name(c, &rules, buf_text(&name), to);
	if (!to->count && n->account && n->account->who.from)
		envelope_add(to, n->account->who.from);
	if (!to->count)
		add_completed(c, n, to);
	if (loaded)
		alias_book_release(&book);
	buf_release(&name);
	free(names);
	free(own);
}

bool notice_wanted(const struct config *c, const struct notice *n, const struct envelope *to)
{
	unsigned notify = n->letter->dsn ? n->letter->dsn->notify : DSN_UNSET;
	unsigned needed = n->action == REPORT_DELAYED ? DSN_DELAY : DSN_FAILURE;
	const char *sender = n->letter->sender;

	if (sender && !*sender)
		return false;   /* RFC 5321 section 6.1 */
	if (notify != DSN_UNSET && !(notify & needed))
		return false;
	return c->global.failure_notice && n->errors != ERRORS_QUIET && to->count > 0;
}

/* ---- what it quotes */

/* Its beginning, in whole lines. */
static size_t header_quoted(const struct letter *l)
{
	const char *end;

	if (l->header_len <= HEADER_QUOTED_MAX)
		return l->header_len;
	end = memrchr(l->header, '\n', HEADER_QUOTED_MAX);
	return end ? (size_t)(end - l->header) + 1 : 0;
}

/* RFC 3461 section 6.2: a notice of delay has no use for the body. */
static bool body_quoted(const struct notice *n)
{
	const struct letter *l = n->letter;

	if (n->action == REPORT_DELAYED || (l->dsn && l->dsn->ret == DSN_RET_HDRS) ||
			header_quoted(l) < l->header_len)
		return false;
	if (l->dsn && l->dsn->ret == DSN_RET_FULL)
		return l->body_size <= BODY_QUOTED_MAX;
	/* Not every server takes 8-bit content, and this is to arrive. */
	return l->body_size <= BODY_QUOTED && !l->eight_bit_body;
}

/* False: it cannot be read; the report does without. */
static bool read_body(const struct letter *l, struct buf *out)
{
	char *room = buf_reserve(out, (size_t)l->body_size);
	struct err ignored;
	size_t at = 0;

	while (room && at < l->body_size) {
		ssize_t got = l->read(l->where, at, room + at, (size_t)l->body_size - at, &ignored);

		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	if (!room)
		return false;
	room[at] = '\0';
	out->len = at;
	return true;
}

/* ---- what it says of itself */

static void show_date(int64_t when, char out[40])
{
	clock_rfc5322((time_t)when, clock_local_offset((time_t)when), out, 40);
}

static void random_word(char out[25])
{
	unsigned char octets[12];
	struct buf hex = BUF_INIT(0);

	/* Guessed by nobody, or at least met by no other report. */
	if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets)) {
		uint64_t now = clock_ms();

		memset(octets, 0, sizeof(octets));
		memcpy(octets, &now, sizeof(now));
	}
	hex_encode(octets, sizeof(octets), &hex);
	snprintf(out, 25, "%s", buf_text(&hex));
	buf_release(&hex);
}

/* A name that may stand in an address. */
static char *own_name(void)
{
	struct buf address = BUF_INIT(0);
	struct err ignored;
	char *name;

	if (address_write("x", host_name(), NULL, &address, &ignored) == 0)
		name = mem_string(buf_text(&address) + 2);
	else
		name = mem_string("localhost");
	buf_release(&address);
	return name;
}

static int compose(const struct spool *s, const struct notice *n, const char *host,
	const char *message_id, const struct envelope *to, struct buf *out, size_t *header_len,
	struct err *e)
{
	char date[40], arrival[40], until[40], boundary[25], shown[ENTRY_ID_LEN + 3];
	struct buf body = BUF_INIT(BODY_QUOTED_MAX + 1), list = BUF_INIT(0);
	struct report r = {
		.action = n->action, .host = host, .server = n->server, .date = date,
		.arrival = arrival, .until = n->until ? until : NULL, .message_id = message_id,
		.boundary = boundary, .id = n->subject ? shown : NULL, .next = n->next,
		.dsn = n->letter->dsn, .recipients = n->recipients, .count = n->count,
		.header = n->letter->header, .header_len = header_quoted(n->letter),
	};
	int good;

	show_date(time(NULL), date);
	show_date(n->created, arrival);
	show_date(n->until, until);
	random_word(boundary);
	notice_show_id(s, n->subject ? n->subject : "", shown);
	for (size_t i = 0; i < to->count; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", to->recipients[i]);
	r.to = buf_text(&list);
	if (body_quoted(n) && read_body(n->letter, &body)) {
		r.body = buf_text(&body);
		r.body_len = body.len;
	}
	good = report_write(&r, out, header_len, e);
	buf_release(&body);
	buf_release(&list);
	return good;
}

/* ---- into the queue */

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

static uint64_t longest_line(const char *text, size_t len)
{
	uint64_t longest = 0;

	for (size_t at = 0; at < len;) {
		const char *lf = memchr(text + at, '\n', len - at);
		size_t end = lf ? (size_t)(lf - text) : len, octets = end - at;

		if (octets && text[end - 1] == '\r')
			octets--;
		longest = octets > longest ? octets : longest;
		at = end + 1;
	}
	return longest;
}

/* The report goes by the account of what it is about; it has no sender, and
 * nobody is told what becomes of it. */
static void describe(const struct notice *n, const struct envelope *to, const struct buf *text,
	size_t header_len, struct entry *out)
{
	const char *account = n->wanted ? n->wanted : n->account ? n->account->name : NULL;

	out->created = time(NULL);
	out->uid = n->uid;
	out->login = copy(n->login ? n->login : "");
	out->account = copy(account);
	out->config = copy(n->config);
	out->sender = copy("");
	out->origin = copy(n->letter->login ? n->letter->login : "");
	out->subject_of = copy(n->subject);
	out->errors = ERRORS_QUIET;
	out->header_size = header_len;
	out->content_size = text->len;
	out->eight_bit_header = !text_is_ascii(text->data, header_len);
	out->eight_bit_body = !text_is_ascii(text->data + header_len, text->len - header_len);
	out->longest_line = longest_line(text->data, text->len);
	for (size_t i = 0; i < to->count; i++)
		entry_add_recipient(out, to->recipients[i], NULL);
}

static int store(struct spool *s, const struct entry *entry, const struct buf *text,
	char id[ENTRY_ID_LEN + 1], struct err *e)
{
	struct spool_new *file = NULL;
	int good = spool_begin(s, &file, e);

	if (good == 0)
		good = spool_head(file, entry, e);
	if (good == 0)
		good = spool_content(file, text->data, text->len, e);
	if (good == 0)
		good = spool_enter(&file, QUEUE_NEW, id, e);
	if (good < 0)
		spool_abandon(&file);
	return good < 0 ? err_context(e, "the report") : good;
}

int notice_store(struct spool *s, const struct notice *n, const struct envelope *to,
	char id[ENTRY_ID_LEN + 1], struct err *e)
{
	struct entry entry = { .created = 0 };
	struct buf text = BUF_INIT(REPORT_MAX);
	char *host = own_name(), word[25], *message_id;
	size_t header_len;
	int good;

	random_word(word);
	message_id = mem_printf("<%s@%s>", word, host);
	good = compose(s, n, host, message_id, to, &text, &header_len, e);
	if (good == 0) {
		describe(n, to, &text, header_len, &entry);
		entry.message_id = message_id;
		message_id = NULL;
		entry.from = mem_printf("MAILER-DAEMON@%s", host);
		good = store(s, &entry, &text, id, e);
	}
	entry_release(&entry);
	buf_release(&text);
	free(message_id);
	free(host);
	return good;
}
