/* deliver/enqueue.c - a message put into the queue; see enqueue.h. */
#include "deliver/enqueue.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "mail/address.h"

enum { PIECE = 64 * 1024 };

/* Where the system's queue is one's own: the runner's user, also when root became
 * that one to send by itself where no runner is.  A runner finds it there. */
static bool owns_system_spool(void)
{
	struct stat st;

	return geteuid() != 0 && stat(config_system_spool(), &st) == 0 && S_ISDIR(st.st_mode) &&
		st.st_uid == geteuid();
}

char *enqueue_path(const struct config *c, struct err *e)
{
	const char *state;

	if (c && c->global.queue_dir)
		return mem_string(c->global.queue_dir);
	if (owns_system_spool())
		return mem_string(config_system_spool());
	state = process_state_home();
	if (state)
		return mem_printf("%s/sendoff/queue", state);
	err_set(e, ERR_STORE, "there is no place for a queue: this user has no home directory");
	err_hint(e, "set queue_dir in the configuration, or XDG_STATE_HOME");
	return NULL;
}

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

/* Whoever has it, or will never get it, is not stored. */
static bool is_unserved(const struct enqueue_facts *f, size_t i)
{
	const struct smtp_result *r = f->tried ? &f->tried->results[i] : NULL;

	return !r || (r->verdict != VERDICT_DELIVERED && r->verdict != VERDICT_REFUSED);
}

static void add_recipients(struct entry *n, const struct message *m, const struct enqueue_facts *f)
{
	for (size_t i = 0; i < m->envelope.count; i++) {
		const struct smtp_result *r = f->tried ? &f->tried->results[i] : NULL;
		struct entry_recipient *to;

		if (!is_unserved(f, i))
			continue;
		entry_add_recipient(n, m->envelope.recipients[i],
			m->originals ? m->originals[i] : NULL);
		to = &n->recipients[n->count - 1];
		if (!r)
			continue;
		to->unsure = r->verdict == VERDICT_UNKNOWN;
		to->code = r->code;
		memcpy(to->enhanced, r->enhanced, sizeof(to->enhanced));
		to->text = copy(r->text);
		to->when = n->created;
	}
}

static const char *what_happened(const struct entry *n, const struct enqueue_facts *f)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->recipients[i].unsure)
			return "unsure";
	return f->tried ? "tried" : "waits";
}

static void describe(struct entry *n, const struct message *m, const struct enqueue_facts *f)
{
	struct buf from = BUF_INIT(ADDRESS_PATH_MAX + 1);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	n->created = now.tv_sec;
	n->created_us = (unsigned)(now.tv_nsec / 1000);
	n->uid = f->uid;
	n->login = copy(f->login ? f->login : process_user());
	n->account = copy(f->account);
	n->config = copy(f->config);
	n->sender = copy(m->envelope.sender);
	n->origin = copy(m->login);
	message_sender_of_header(m, NULL, &from);
	n->from = mem_string(buf_text(&from));
	buf_release(&from);
	n->message_id = copy(m->message_id);
	n->subject_of = copy(f->subject_of);
	n->tag = copy(f->tag);
	if (f->token)
		memcpy(n->token, f->token, sizeof(n->token) - 1);
	n->errors = f->errors;
	n->dsn = m->envelope.dsn;
	n->dsn.envid = copy(m->envelope.dsn.envid);
	n->not_before = f->not_before;
	n->eight_bit_header = m->facts.eight_bit_header;
	n->eight_bit_body = m->facts.eight_bit_body;
	n->longest_line = m->facts.longest_line;
	n->header_size = m->header.len;
	n->content_size = m->header.len + 2 + spill_size(&m->body);
	add_recipients(n, m, f);
	n->next = f->next;
	n->next_set = f->next ? n->created : 0;
	entry_event(n, n->created, "accepted", NULL);
	if (f->tried_reason) {
		n->tries = f->tried ? 1 : 0;
		n->last = f->tried ? n->created : 0;
		n->last_account = copy(f->tried_account);
		n->cause = copy(f->tried_cause);
		n->reason = copy(f->tried_reason);
		entry_event(n, n->created, what_happened(n, f), f->tried_reason);
	}
}

static int write_content(struct spool_new *file, const struct message *m, struct err *e)
{
	char *piece;
	uint64_t at = 0;
	ssize_t n;
	int good = 0;

	if (spool_content(file, buf_text(&m->header), m->header.len, e) < 0 ||
	    spool_content(file, "\r\n", 2, e) < 0)
		return -1;
	piece = mem_grow(NULL, PIECE, 1);
	while (good == 0 && (n = spill_read(&m->body, at, piece, PIECE, e)) != 0) {
		good = n < 0 ? -1 : spool_content(file, piece, (size_t)n, e);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(piece);
	return good;
}

int enqueue(struct spool *s, const struct message *m, const struct enqueue_facts *f,
	char id[ENTRY_ID_LEN + 1], struct err *e)
{
	struct entry n = { .created = 0 };
	struct spool_new *file = NULL;
	int good;

	describe(&n, m, f);
	good = spool_begin(s, &file, e);
	if (good == 0)
		good = spool_head(file, &n, e);
	if (good == 0)
		good = write_content(file, m, e);
	if (good == 0)
		good = spool_enter(&file, f->hold ? QUEUE_HOLD : QUEUE_NEW, id, e);
	if (good < 0)
		spool_abandon(&file);
	entry_release(&n);
	return good;
}
