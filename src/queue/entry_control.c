/* queue/entry_control.c - the control file; see entry.h. */
#include "queue/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/line.h"
#include "queue/progress.h"

#define MAGIC    "sendoff-control "
#define VERSION  MAGIC "1\n"
#define OPEN     MAGIC "2\n"     /* marks may follow */
#define MARK     "delivered "
#define SHA256   "sha256 "

enum {
	MAGIC_LEN = sizeof(MAGIC) - 1,
	VERSION_LEN = sizeof(VERSION) - 1,
	DIGEST_AT = VERSION_LEN + sizeof(SHA256) - 1,
	REST_AT = DIGEST_AT + DIGEST_HEX + 1,
	FRONT_LINES = 2
};

static void write_as(const char *version, const struct entry *n, struct buf *out)
{
	static const char empty[DIGEST_HEX + 1] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	size_t start = out->len;
	char digest[DIGEST_HEX + 1];

	buf_add_text(out, version);
	buf_add_text(out, SHA256);
	buf_add(out, empty, DIGEST_HEX);
	buf_printf(out, "\nentry %s %lld\n", *n->id ? n->id : "-",
		n->created > 0 ? (long long)n->created : 0);
	progress_write(n, out);
	if (buf_ok(out) && digest_of(out->data + start + REST_AT, out->len - start - REST_AT,
			digest))
		memcpy(out->data + start + DIGEST_AT, digest, DIGEST_HEX);
}

void entry_write_control(const struct entry *n, struct buf *out)
{
	write_as(VERSION, n, out);
}

void entry_write_open_control(const struct entry *n, struct buf *out)
{
	write_as(OPEN, n, out);
}

/* Twice: where they differ, it is damaged. */
size_t entry_write_mark(size_t number, char out[ENTRY_MARK_MAX])
{
	return (size_t)snprintf(out, ENTRY_MARK_MAX, MARK "%zu %zu\n", number, number);
}

static bool is_other_version(const char *text, size_t len)
{
	size_t i = MAGIC_LEN;

	if (len <= MAGIC_LEN || memcmp(text, MAGIC, MAGIC_LEN) != 0 || text[i] == '0')
		return false;
	while (i < len && i < MAGIC_LEN + 9 && text[i] >= '0' && text[i] <= '9')
		i++;
	return i > MAGIC_LEN && i < len && text[i] == '\n' &&
		!(i == MAGIC_LEN + 1 && (text[MAGIC_LEN] == '1' || text[MAGIC_LEN] == '2'));
}

static bool begins(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(text, with, n);
}

/* Where what the digest covers ends: before the first mark, or what has become of one. */
static size_t covered(const char *text, size_t len)
{
	const char *end, *at = text, *last = text;

	if (!begins(text, len, OPEN))
		return len;
	while ((end = memchr(at, '\n', len - (size_t)(at - text)))) {
		if (begins(at, len - (size_t)(at - text), MARK))
			return (size_t)(at - text);
		last = at = end + 1;
	}
	return (size_t)(last - text);
}

static int check_front(const char *text, size_t len, struct err *e)
{
	char digest[DIGEST_HEX + 1];

	if (is_other_version(text, len))
		return err_set(e, ERR_FORMAT,
			"the control file is of a release that this one does not know");
	if (len <= REST_AT || text[REST_AT - 1] != '\n' ||
			(!begins(text, len, VERSION SHA256) && !begins(text, len, OPEN SHA256)))
		return err_set(e, ERR_DAMAGED, "this is no control file, or it is cut off");
	if (!digest_of(text + REST_AT, len - REST_AT, digest) ||
			memcmp(text + DIGEST_AT, digest, DIGEST_HEX) != 0)
		return err_set(e, ERR_DAMAGED, "the control file is not what was written");
	return 0;
}

static bool read_whose(struct lines *l, const struct entry *n)
{
	struct line *line;
	struct value id, created;
	uint64_t number;
	bool good;

	good = lines_peek(l, &line) > 0 && line_is(line, "entry") && line_take(line, &id) &&
		line_take(line, &created) && !line->rest_len &&
		value_is(&id, *n->id ? n->id : "-") &&
		value_number(created.at, created.len, INT64_MAX, &number) &&
		number == (uint64_t)(n->created > 0 ? n->created : 0);
	lines_drop(l);
	return good;
}

/* Exchanges what tells of progress: fresh gets what n had, to be freed. */
static void exchange(struct entry *n, struct entry *fresh)
{
	struct entry old = *n;

	for (size_t i = 0; i < n->count; i++) {
		fresh->recipients[i].address = n->recipients[i].address;
		fresh->recipients[i].original = n->recipients[i].original;
		n->recipients[i].address = n->recipients[i].original = NULL;
	}
	n->recipients = fresh->recipients;
	n->tries = fresh->tries;
	n->next = fresh->next;
	n->next_set = fresh->next_set;
	n->last = fresh->last;
	n->last_account = fresh->last_account;
	n->cause = fresh->cause;
	n->reason = fresh->reason;
	n->delay_told = fresh->delay_told;
	n->failure_told = fresh->failure_told;
	n->events = fresh->events;
	n->event_count = fresh->event_count;
	fresh->recipients = old.recipients;
	fresh->last_account = old.last_account;
	fresh->cause = old.cause;
	fresh->reason = old.reason;
	fresh->events = old.events;
	fresh->event_count = old.event_count;
}

static bool read_mark(struct line *line, struct entry *n)
{
	struct value once, again;
	uint64_t number, same;
	enum recipient_state *state;

	if (!line_is(line, "delivered") || !line_take(line, &once) || !line_take(line, &again) ||
	    line->rest_len || !value_number(once.at, once.len, n->count, &number) ||
	    !value_number(again.at, again.len, n->count, &same) || !number || number != same)
		return false;
	state = &n->recipients[number - 1].state;
	if (*state != RECIPIENT_WAITING)
		return false;
	*state = RECIPIENT_DELIVERED;
	return true;
}

/* Each stands for itself: one that cannot be read takes none of the others with it.  Of the
 * last one the end may be missing: it was being written. */
static void read_marks(const char *text, size_t len, struct entry *n)
{
	const char *end, *at = text;
	bool good = true;

	while ((end = memchr(at, '\n', len - (size_t)(at - text)))) {
		struct lines l;
		struct line *line;

		lines_start(&l, at, (size_t)(end + 1 - at), 0);
		good = lines_peek(&l, &line) > 0 && read_mark(line, n) && good;
		at = end + 1;
	}
	if (!good)
		entry_event(n, n->last, "damaged", "who was delivered to cannot be read of all");
}

int entry_read_control(const char *text, size_t whole, struct entry *n, struct err *e)
{
	struct entry fresh = { 0 };
	size_t len = covered(text, whole);
	struct lines l;
	int result;

	if (check_front(text, len, e) < 0)
		return -1;
	lines_start(&l, text + REST_AT, len - REST_AT, FRONT_LINES);
	if (!read_whose(&l, n))
		return err_set(e, ERR_DAMAGED, "the control file belongs to another message");
	/* As many as add_recipient() would have made room for. */
	for (fresh.count = 1; fresh.count < n->count; fresh.count *= 2)
		;
	fresh.recipients = mem_alloc(fresh.count * sizeof(*fresh.recipients));
	fresh.count = n->count;
	result = progress_read(&l, &fresh, e);
	if (result == 0) {
		read_marks(text + len, whole - len, &fresh);
		exchange(n, &fresh);
	}
	entry_release(&fresh);
	return result;
}
