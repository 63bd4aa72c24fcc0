/* t/server/receive.c - DATA and BDAT: the content, and the answer to it. */
#include "t/server/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "t/server/journal.h"
#include "t/server/secure.h"

/* DATA or BDAT without a transaction to belong to; answered then. */
static bool receive_is_early(struct session *s, const struct fault *f, const char *verb)
{
	if (s->mail.len && s->recipient_count)
		return false;
	if (!s->mail_tried && s->wire->taken > s->auth_group_end &&
			session_punish(s, f, "order", "content before MAIL"))
		return true;
	if (s->mail.len && s->opt->lmtp)   /* RFC 2033 section 4.2 */
		session_say(s, f, 503, "5.5.1", "no valid recipients for %s", verb);
	else if (s->mail.len)
		session_say(s, f, 554, "5.5.1", "no valid recipients for %s", verb);
	else
		session_say(s, f, 503, "5.5.1", "no sender");
	return true;
}

static void receive_begin(struct session *s, bool dots)
{
	content_begin(&s->content, dots);
	if (store_begin(&s->content.store, s->wire->number) < 0)
		journal_say(s->wire->number, "FAULT", "the message cannot be stored");
}

/* The faults that act while content comes in.  true: the dialogue is over. */
static bool receive_breaks(struct session *s, const struct fault *f, uint64_t count)
{
	if (!f || (f->action != FAULT_STALL && f->action != FAULT_DROP_AFTER))
		return false;
	if (f->action == FAULT_DROP_AFTER && count < f->number)
		return false;
	session_say(s, f, 250, NULL, "-");
	return true;
}

/* Every breach of the rules in the content.  true: it is to be refused. */
static bool receive_is_foul(struct session *s)
{
	const struct content *c = &s->content;
	bool foul = false;

	if (c->bare_cr)
		foul |= session_violation(s, "bare-cr", "CR without LF in the content");
	if (c->bare_lf)
		foul |= session_violation(s, "bare-lf", "LF without CR in the content");
	if (c->nul)
		foul |= session_violation(s, "nul", "NUL in the content");
	if (c->long_line)
		foul |= session_violation(s, "long-line", "more than 998 octets in a line");
	if (c->unstuffed)
		foul |= session_violation(s, "unstuffed", "a dot at the start of a line not doubled");
	if (c->open_end)
		foul |= session_violation(s, "open-end", "the last line has no end");
	if (c->eight_bit_header && !s->utf8)
		foul |= session_violation(s, "8bit-header", "8-bit header without SMTPUTF8");
	if (c->eight_bit_body && !s->eight_bit)
		foul |= session_violation(s, "8bit", "8-bit body without BODY=8BITMIME");
	if (s->sized && c->store.size > s->size)
		foul |= session_violation(s, "size", "SIZE=%llu, and %llu octets came",
			(unsigned long long)s->size, (unsigned long long)c->store.size);
	return foul;
}

static unsigned receive_store(struct session *s, const struct buf *recipients, const char *via)
{
	struct buf envelope = BUF_INIT(64 << 20);
	uint64_t size = s->content.store.size;
	unsigned number;

	buf_printf(&envelope, "%s\n", buf_text(&s->mail));
	buf_add(&envelope, buf_text(recipients), recipients->len);
	if (s->user)
		buf_printf(&envelope, "AUTH %s %s\n", s->user, s->mechanism);
	else
		buf_add_text(&envelope, "AUTH none\n");
	buf_printf(&envelope, "TLS %s\nvia %s\n", secure_version(s->wire), via);
	number = store_commit(&s->content.store, &envelope);
	if (number)
		journal_say(s->wire->number, "STORED", "%u, %llu octets via %s", number,
			(unsigned long long)size, via);
	buf_release(&envelope);
	return number;
}

static void receive_answer(struct session *s, const struct fault *f, bool foul, bool fits,
	unsigned number)
{
	if (foul)
		session_say(s, f, 554, "5.6.0", "VIOLATION, see the journal");
	else if (!fits)
		session_say(s, f, 552, "5.3.4", "message too large");
	else if (!number && fault_allows(f, true))
		session_say(s, f, 451, "4.3.0", "cannot store");
	else
		session_say(s, f, 250, "2.0.0", "stored as %u", number);
}

/* RFC 2033 section 4.2: a fate and a reply for each recipient.  It is stored for those that
 * are told so, before any of them is. */
static void receive_deliver(struct session *s, const char *via, bool foul, bool fits)
{
	const struct fault **faults = mem_alloc(s->recipient_count * sizeof(const struct fault *));
	struct buf served = BUF_INIT(64 << 20);
	const char *line = buf_text(&s->recipients);
	unsigned number = 0;

	for (unsigned i = 0; i < s->recipient_count; i++) {
		const char *start = strchr(line, '<') + 1;
		size_t whole = strcspn(line, "\n") + 1;
		char *address = mem_copy(start, strcspn(start, ">"));

		faults[i] = session_fault(s, "DELIVERY", address);
		if (fault_allows(faults[i], !foul && fits))
			buf_add(&served, line, whole);
		free(address);
		line += whole;
	}
	if (served.len)
		number = receive_store(s, &served, via);
	for (unsigned i = 0; i < s->recipient_count && !s->over; i++)
		receive_answer(s, faults[i], foul, fits, number);
	buf_release(&served);
	free(faults);
}

/* The whole message is there: judge, store, answer. */
static void receive_end(struct session *s, const struct fault *f, const char *via)
{
	bool foul = receive_is_foul(s);
	bool fits = !s->opt->size || s->content.store.size <= s->opt->size;
	unsigned number = 0;

	if (s->opt->lmtp && !f) {
		receive_deliver(s, via, foul, fits);
		session_clear_transaction(s);
		return;
	}
	if (fault_allows(f, !foul && fits))
		number = receive_store(s, &s->recipients, via);
	receive_answer(s, f, foul, fits, number);
	session_clear_transaction(s);
}

/* The content of DATA up to its dot. */
static void receive_data(struct session *s)
{
	const struct fault *f = session_fault(s, "CONTENT", NULL);
	struct wire *w = s->wire;
	uint64_t start = w->taken;

	receive_begin(s, true);
	if (f && f->action == FAULT_STALL && receive_breaks(s, f, 0))
		return;
	while (!s->content.done) {
		if (!wire_held(w) && !wire_fill(w, w->taken > start))
			return;
		wire_take(w, content_feed(&s->content, wire_data(w), wire_held(w)));
		if (receive_breaks(s, f, w->taken - start))
			return;
	}
	journal_say(w->number, "C", "(%llu octets of content, the dot included)",
		(unsigned long long)(w->taken - start));
	receive_end(s, f, "DATA");
}

void session_data(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "DATA", NULL);

	if (*line && session_punish(s, f, "syntax", "DATA takes no parameter"))
		return;
	if (s->chunking && session_punish(s, f, "mixed", "DATA and BDAT in one transaction"))
		return;
	if (!(f && f->action == FAULT_REPLY) && receive_is_early(s, f, "DATA"))
		return;
	session_say(s, f, 354, NULL, "go ahead");
	if (!s->over && (f && f->action == FAULT_REPLY ? f->text.data[0] == '3' :
			fault_allows(f, true)))
		receive_data(s);
}

/* Reads one chunk; keep: into the message, else it is thrown away.  false: it
 * did not come whole. */
static bool receive_chunk(struct session *s, const struct fault *f, uint64_t size, bool keep)
{
	struct wire *w = s->wire;
	uint64_t left = size;

	if (receive_breaks(s, f, 0))
		return false;
	while (left) {
		size_t n;

		if (!wire_held(w) && !wire_fill(w, true))
			return false;
		n = left < wire_held(w) ? (size_t)left : wire_held(w);
		if (keep)
			content_feed(&s->content, wire_data(w), n);
		wire_take(w, n);
		left -= n;
		if (receive_breaks(s, f, size - left))
			return false;
	}
	journal_say(w->number, "C", "(%llu octets of a chunk)", (unsigned long long)size);
	return true;
}

/* "SIZE" or "SIZE LAST". */
static bool bdat_parse(const char *line, uint64_t *size, bool *last)
{
	char *end;

	if (*line < '0' || *line > '9')
		return false;
	*size = strtoull(line, &end, 10);
	*last = !strcasecmp(end, " LAST");
	return *last || !*end;
}

static void bdat_answer(struct session *s, const struct fault *f, uint64_t size, bool last)
{
	if (s->chunk_failed) {
		session_say(s, f, 503, "5.5.1", "an earlier chunk was refused");
	} else if (last) {
		content_finish(&s->content);
		receive_end(s, f, "BDAT");
	} else {
		s->chunk_failed = !fault_allows(f, true);
		session_say(s, f, 250, "2.0.0", "%llu octets", (unsigned long long)size);
	}
}

void session_bdat(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "BDAT", NULL);
	uint64_t size = 0;
	bool last = false, early;

	if (!session_offers(s, "CHUNKING"))
		session_violation(s, "not-offered", "BDAT");
	if (!bdat_parse(line, &size, &last)) {
		/* How much of what follows is content cannot be known. */
		session_violation(s, "syntax", "BDAT SIZE [LAST] expected");
		session_say(s, f, 501, "5.5.4", "syntax");
		s->over = true;
		return;
	}
	early = !(s->mail.len && s->recipient_count);
	if (!early && !s->chunking)
		receive_begin(s, false);
	s->chunking = true;
	if (!receive_chunk(s, f, size, !early && !s->chunk_failed))
		return;
	/* RFC 3030 section 2: the octets of a refused chunk are read all the same. */
	if (session_pushes(s, false) || receive_is_early(s, f, "BDAT"))
		return;
	bdat_answer(s, f, size, last);
}
