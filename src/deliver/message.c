/* deliver/message.c - intake, and the dress for one attempt; see message.h. */
#include "deliver/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/host.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "deliver/fit.h"
#include "deliver/route.h"
#include "mail/address.h"
#include "mail/fixup.h"
#include "mail/header.h"

static int take_body(void *context, const char *data, size_t len, struct err *e)
{
	struct message *m = context;

	return spill_add(&m->body, data, len, e);
}

void message_init(struct message *m, const struct intake *in)
{
	memset(m, 0, sizeof(*m));
	m->header.max = 2 * REPAIR_HEADER_MAX;
	spill_init(&m->body, in->spill);
	m->repair = repair_new(in->dot_ends, take_body, m);
}

static void free_originals(struct message *m)
{
	for (size_t i = 0; m->originals && i < m->envelope.count; i++)
		free(m->originals[i]);
	free(m->originals);
	m->originals = NULL;
}

void message_release(struct message *m)
{
	repair_free(&m->repair);
	buf_release(&m->header);
	spill_release(&m->body);
	free_originals(m);
	envelope_release(&m->envelope);
	free(m->login);
	m->login = NULL;
}

int message_feed(struct message *m, const char *data, size_t len, struct err *e)
{
	return (int)repair_feed(m->repair, data, len, e);
}

bool message_from(const struct message *m, const char *domain, bool at_end, struct buf *out)
{
	const struct buf *block;

	if (!at_end && !repair_header_done(m->repair))
		return false;
	block = repair_header(m->repair);
	fixup_find_from(buf_text(block), block->len, domain, out);
	return true;
}

/* Time and 96 random bits; the right side is a name that this machine controls
 * (RFC 5322 section 3.6.4). */
static int make_message_id(const char *domain, char *out, size_t size, struct err *e)
{
	unsigned char random[12];
	struct buf hex = BUF_INIT(64);

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, ERR_SYSTEM, errno, "no random numbers for a Message-ID");
	hex_encode(random, sizeof(random), &hex);
	snprintf(out, size, "<%llx.%s@%.100s>", (unsigned long long)time(NULL), buf_text(&hex),
		domain);
	buf_release(&hex);
	return 0;
}

static void remember_message_id(struct message *m)
{
	struct buf value = BUF_INIT(1024);
	struct field f;

	if (header_find(buf_text(&m->header), m->header.len, "Message-ID", &f))
		field_unfold(&f, &value);
	text_clean_to(m->message_id, sizeof(m->message_id), buf_text(&value), value.len);
	buf_release(&value);
}

static int fix_header(struct message *m, const struct intake *in, struct err *e)
{
	const struct buf *block = repair_header(m->repair);
	time_t now = time(NULL);
	char date[40] = "", id[160];
	struct field f;
	struct fixup fix = {
		.date = date, .message_id = id, .full_name = in->full_name, .domain = in->domain,
		.from = m->envelope.sender && m->envelope.sender[0] ? m->envelope.sender : m->login,
	};

	if (in->as_it_came)
		fix.date = fix.message_id = fix.from = NULL;
	/* Else the file of the time zone is not read. */
	if (!header_find(buf_text(block), block->len, "Date", &f))
		clock_rfc5322(now, clock_local_offset(now), date, sizeof(date));
	if (in->received)   /* not folded: people and programs look for it by the line */
		buf_printf(&m->header, "Received: %s\r\n", in->received);
	if (make_message_id(in->id_domain ? in->id_domain : in->domain, id, sizeof(id), e) < 0 ||
	    fixup_intake(buf_text(block), block->len, &fix, &m->header, e) < 0)
		return -1;
	if (fixup_count_received(buf_text(block), block->len) > RECEIVED_MOST) {
		err_set(e, ERR_MESSAGE, "the message has more than %d Received lines: it goes round in "
			"a loop", RECEIVED_MOST);
		return err_hint(e, "look at its Received lines for the two systems that send it to "
			"each other");
	}
	remember_message_id(m);
	return 0;
}

static int make_login(struct message *m, const struct intake *in, struct err *e)
{
	struct buf login = BUF_INIT(ADDRESS_PATH_MAX + 1);

	if (address_write(in->login ? in->login : process_user(), NULL, in->domain, &login, e) < 0) {
		buf_release(&login);
		return err_context(e, "login name");
	}
	m->login = buf_take(&login);
	return 0;
}

int message_finish(struct message *m, const struct intake *in, struct err *e)
{
	const struct buf *block;
	long named = 0;

	if (repair_finish(m->repair, e) < 0 || spill_finish(&m->body, e) < 0)
		return -1;
	m->facts = *repair_facts(m->repair);
	block = repair_header(m->repair);
	if (in->from_header)
		named = envelope_add_header(&m->envelope, buf_text(block), block->len, NULL, e);
	if (named < 0)
		return -1;
	if (!m->envelope.count) {
		err_set(e, ERR_USAGE, in->from_header ?
			"nobody to send it to: To, Cc and Bcc name no address" :
			"nobody to send it to: no recipient was given");
		return err_hint(e, in->from_header ? "add a To line, or name recipients as arguments" :
			"name recipients as arguments, or use -t to take them from the header");
	}
	if (make_login(m, in, e) < 0 || fix_header(m, in, e) < 0)
		return -1;
	repair_free(&m->repair);
	return 0;
}

/* ---- local names */

bool message_is_local(const struct message *m, const struct alias_rules *rules)
{
	struct buf name = BUF_INIT(ADDRESS_PATH_MAX + 1);
	bool local = false;

	for (size_t i = 0; !local && i < m->envelope.count; i++)
		local = alias_is_local(rules, m->envelope.recipients[i], &name);
	buf_release(&name);
	return local;
}

struct expansion {
	struct envelope env;
	char **originals;     /* own */
	const char *now;      /* what is being expanded */
};

static void add_to(struct envelope *env, char ***originals, const char *address,
	const char *original)
{
	if (!envelope_add(env, address))
		return;
	*originals = mem_grow(*originals, env->count, sizeof(**originals));
	(*originals)[env->count - 1] = strcmp(address, original) ? mem_string(original) : NULL;
}

void message_add_recipient(struct message *m, const char *address, const char *original)
{
	add_to(&m->envelope, &m->originals, address, original);
}

static void add_expanded(void *context, const char *address)
{
	struct expansion *x = context;

	add_to(&x->env, &x->originals, address, x->now);
}

int message_expand(struct message *m, const struct alias_rules *rules, struct err *e)
{
	struct expansion x = { .originals = NULL };
	int good = 0;

	for (size_t i = 0; good == 0 && i < m->envelope.count; i++) {
		x.now = m->envelope.recipients[i];
		good = alias_resolve(rules, x.now, add_expanded, &x, e);
	}
	if (good < 0) {
		for (size_t i = 0; i < x.env.count; i++)
			free(x.originals[i]);
		free(x.originals);
		envelope_release(&x.env);
		return -1;
	}
	free_originals(m);
	x.env.sender = m->envelope.sender;
	x.env.dsn = m->envelope.dsn;
	m->envelope.sender = NULL;
	m->envelope.dsn = (struct dsn){ 0 };
	envelope_release(&m->envelope);
	m->envelope = x.env;
	m->originals = x.originals;
	return 0;
}

void message_sender_of_header(const struct message *m, const char *domain, struct buf *out)
{
	fixup_find_from(buf_text(&m->header), m->header.len, domain, out);
}

/* ---- one attempt */

static ssize_t read_body(const void *where, uint64_t offset, char *data, size_t len, struct err *e)
{
	return spill_read(where, offset, data, len, e);
}

void message_letter(const struct message *m, struct letter *out)
{
	*out = (struct letter){
		.header = buf_text(&m->header), .header_len = m->header.len,
		.body_size = spill_size(&m->body), .read = read_body, .where = &m->body,
		.spill = m->body.directory,
		.sender = m->envelope.sender, .login = m->login,
		.recipients = m->envelope.recipients, .count = m->envelope.count,
		.dsn = &m->envelope.dsn,
		.eight_bit_header = m->facts.eight_bit_header,
		.eight_bit_body = m->facts.eight_bit_body,
		.longest_line = m->facts.longest_line,
	};
}

static bool allowed(const void *context, const char *address)
{
	return route_allows(context, address);
}

ssize_t attempt_read(const struct attempt *t, uint64_t offset, char *data, size_t len,
	struct err *e)
{
	const struct buf *header = t->fitted ? &t->fit_header : &t->header;
	size_t head = header->len;

	if (offset >= head && t->recoded)
		return spill_read(&t->fit_body, offset - head, data, len, e);
	if (offset >= head)
		return t->letter.read(t->letter.where, offset - head, data, len, e);
	if (len > head - offset)
		len = (size_t)(head - offset);
	memcpy(data, header->data + offset, len);
	return (ssize_t)len;
}

static ssize_t read_content(void *context, uint64_t offset, char *data, size_t len, struct err *e)
{
	return attempt_read(context, offset, data, len, e);
}

static int fit_content(void *context, struct smtp_message *m, const struct smtp_capabilities *c,
	struct err *e)
{
	(void)m;
	return attempt_fit(context, c, e);
}

static int dress_header(struct attempt *t, const struct account *a, struct err *e)
{
	const struct letter *l = &t->letter;
	struct fixup_sender set = {
		.from = a->who.from, .from_name = a->who.from_name, .allowed = allowed,
		.context = a, .always = a->who.rewrite_from == REWRITE_ALWAYS,
	};

	if (!a->who.from || a->who.rewrite_from == REWRITE_NEVER)
		buf_add(&t->header, l->header, l->header_len);
	else if (fixup_sender(l->header, l->header_len, &set, &t->header, &t->rewritten, e) < 0)
		return -1;
	buf_add_text(&t->header, "\r\n");
	return buf_ok(&t->header) ? 0 : err_set(e, ERR_MESSAGE, "the header is too long");
}

int attempt_dress(struct attempt *t, const struct letter *l, const struct account *a,
	struct err *e)
{
	bool given = l->sender != NULL;

	memset(t, 0, sizeof(*t));
	t->letter = *l;
	t->header.max = 3 * REPAIR_HEADER_MAX;
	t->sender = route_sender(a, given ? l->sender : l->login, given);
	if (dress_header(t, a, e) < 0)
		return -1;
	t->smtp = (struct smtp_message){
		.sender = t->sender,
		.recipients = l->recipients,
		.count = l->count,
		.dsn = l->dsn,
		.size = t->header.len + l->body_size,
		.eight_bit = l->eight_bit_header || l->eight_bit_body,
		.read = read_content,
		.fit = fit_content,
		.context = t,
		.results = mem_grow(NULL, l->count, sizeof(struct smtp_result)),
	};
	memset(t->smtp.results, 0, l->count * sizeof(struct smtp_result));
	return 0;
}

void attempt_release(struct attempt *t)
{
	for (size_t i = 0; t->smtp.results && i < t->smtp.count; i++)
		smtp_result_release(&t->smtp.results[i]);
	smtp_result_release(&t->smtp.content);
	free(t->smtp.results);
	t->smtp.results = NULL;
	attempt_unfit(t);
	buf_release(&t->header);
}
