/* mail/repair.c - one pass that makes a message legal; see repair.h.
 *
 * The octets run through a small machine:
 *
 *   LINE   in the header, the start of a line: is it a field? (kept in `line`)
 *   FIELD  in the header, behind the colon, or in a continuation
 *   MBOX   in the "From " line
 *   BODY   behind the header
 *   ENDED  a lone dot was met
 *
 * A CR is only counted when it comes, since what it means depends on the next
 * octet: a run of CR before LF, or at the end of the input, is part of that line
 * end.  In the header the octets go one by one or in short runs, there is at
 * most a megabyte of them; the body goes line by line into a batch.
 */
#include "mail/repair.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/header.h"

enum { BATCH = 64 * 1024 };

enum state { LINE, FIELD, MBOX, BODY, ENDED };

struct repair {
	bool         dot_ends;
	repair_sink *sink;
	void        *context;   /* borrowed */
	enum state   state;
	bool         first;     /* this is the first line */
	bool         started;   /* the line has octets */
	bool         dot;       /* the body's line is "." so far, held back */
	uint64_t     crs;       /* CR octets whose meaning is open */
	uint64_t     column;    /* octets of the line that went out */
	struct opening opening; /* of the header line that is looked at */
	struct buf   line;      /* own; that line, as it came */
	struct buf   header;    /* own */
	struct repair_facts facts;
	bool         failed;
	struct err   why;       /* when failed */
	size_t       batch_len;
	char         batch[BATCH];
};

struct repair *repair_new(bool dot_ends, repair_sink *sink, void *context)
{
	struct repair *r = mem_grow(NULL, 1, sizeof(*r));

	/* The batch is not touched before it is filled: most messages are short. */
	memset(r, 0, offsetof(struct repair, batch));
	r->dot_ends = dot_ends;
	r->sink = sink;
	r->context = context;
	r->first = true;
	r->header.max = REPAIR_HEADER_MAX;
	return r;
}

void repair_free(struct repair **rp)
{
	struct repair *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	buf_release(&r->line);
	buf_release(&r->header);
	free(r);
}

static bool has_eight_bit(const char *data, size_t len)
{
	uint64_t all = 0, word;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		all |= word;
	}
	for (; i < len; i++)
		all |= (unsigned char)data[i] & 0x80;
	return all & 0x8080808080808080U;
}

/* ---- what goes out ---- */

static void flush(struct repair *r)
{
	size_t len = r->batch_len;

	r->batch_len = 0;
	if (!len || r->failed)
		return;
	r->facts.body_size += len;
	if (!r->facts.eight_bit_body)
		r->facts.eight_bit_body = has_eight_bit(r->batch, len);
	if (r->sink(r->context, r->batch, len, &r->why) < 0)
		r->failed = true;
}

static void put(struct repair *r, const char *data, size_t len)
{
	r->column += len;
	while (len) {
		size_t part = BATCH - r->batch_len;

		if (part > len)
			part = len;
		memcpy(r->batch + r->batch_len, data, part);
		r->batch_len += part;
		data += part;
		len -= part;
		if (r->batch_len == BATCH)
			flush(r);
	}
}

static void count_line(struct repair *r)
{
	if (r->column > r->facts.longest_line)
		r->facts.longest_line = r->column;
	r->column = 0;
	r->started = false;
}

static void put_line_end(struct repair *r)
{
	count_line(r);
	if (BATCH - r->batch_len > 2) {
		r->batch[r->batch_len++] = '\r';
		r->batch[r->batch_len++] = '\n';
		return;
	}
	put(r, "\r\n", 2);
	r->column = 0;
}

static void put_header(struct repair *r, const char *data, size_t len)
{
	buf_add(&r->header, data, len);
	r->column += len;
	if (!r->facts.eight_bit_header)
		r->facts.eight_bit_header = has_eight_bit(data, len);
	if (buf_ok(&r->header) || r->failed)
		return;
	r->failed = true;
	err_set(&r->why, ERR_MESSAGE, "the header of the message is longer than %d octets",
		REPAIR_HEADER_MAX);
	err_hint(&r->why, "put an empty line between the header and the text; very many recipients are "
		"given as arguments");
}

/* ---- the body ---- */

/* CRs that no LF follows: each ends a line. */
static void settle_crs(struct repair *r)
{
	for (; r->crs && !r->failed; r->crs--)
		put_line_end(r);
}

/* Octets of one line without its LF, none of them NUL, at least one. */
static void take_body(struct repair *r, const char *data, size_t len)
{
	size_t end = len;

	if (!r->started && r->dot_ends && *data == '.' && !r->crs) {
		r->dot = true;
		r->started = true;
		data++;
		end = --len;
	}
	while (end && data[end - 1] == '\r')
		end--;
	if (end) {
		const char *cr;

		if (r->dot)
			put(r, ".", 1);
		r->dot = false;
		settle_crs(r);
		while ((cr = memchr(data, '\r', end))) {
			size_t before = (size_t)(cr - data);

			put(r, data, before);
			put_line_end(r);
			data += before + 1;
			end -= before + 1;
			len -= before + 1;
		}
		put(r, data, end);
	}
	r->crs += len - end;
	r->started = true;
}

static void end_body_line(struct repair *r)
{
	r->crs = 0;
	if (!r->dot) {
		put_line_end(r);
		return;
	}
	r->state = ENDED;
	flush(r);
}

/* ---- the header ---- */

static void feed(struct repair *r, const char *data, size_t len);

/* No header from here on: what was kept of the line goes the way of the body. */
static void begin_body(struct repair *r)
{
	struct buf line = r->line;
	uint64_t crs = r->crs;

	r->line = (struct buf){ 0 };
	r->state = BODY;
	r->started = false;
	r->column = 0;
	r->crs = 0;
	if (line.len)
		feed(r, line.data, line.len);
	r->crs = crs;   /* they stood behind the line */
	buf_release(&line);
}

static void keep_crs(struct repair *r)
{
	for (; r->crs; r->crs--)
		buf_add_char(&r->line, '\r');
}

static bool is_mbox(const struct repair *r)
{
	const char *text = buf_text(&r->line);

	return r->first && (!strncmp(text, "From ", 5) || !strncmp(text, ">From ", 6));
}

static void begin_field(struct repair *r)
{
	r->state = FIELD;
	r->first = false;
	for (size_t i = 0; i < r->line.len; i++)
		if (r->line.data[i] == '\r')
			r->line.data[i] = ' ';
	put_header(r, buf_text(&r->line), r->line.len);
	buf_clear(&r->line);
}

/* One octet of a line that may be a field; a CR before it counts as a blank.
 * Anything longer than a field's name can be is settled by opening_add(), so
 * nothing is kept without bound. */
static void take_opening(struct repair *r, char c)
{
	enum opening_kind kind = OPENING_MORE;
	bool blank = c == ' ' || c == '\t' || r->crs;
	uint64_t crs = r->crs;

	if (!r->line.len && blank && r->header.len) {
		/* a continuation; a CR stands for the blank */
		r->state = FIELD;
		feed(r, &c, 1);
		return;
	}
	while (crs-- && kind == OPENING_MORE)
		kind = opening_add(&r->opening, ' ');
	if (kind == OPENING_MORE)
		kind = opening_add(&r->opening, c);
	if (kind == OPENING_OTHER && is_mbox(r)) {
		r->state = MBOX;
		buf_clear(&r->line);
		feed(r, &c, 1);
		return;
	}
	if (kind == OPENING_OTHER) {
		begin_body(r);
		feed(r, &c, 1);
		return;
	}
	keep_crs(r);
	buf_add_char(&r->line, c);
	if (kind == OPENING_FIELD)
		begin_field(r);
}

static void end_header_line(struct repair *r)
{
	r->crs = 0;
	if (r->state == LINE && !r->line.len) {
		begin_body(r);   /* the empty line itself goes nowhere */
		return;
	}
	if (r->state == LINE && is_mbox(r))
		r->state = MBOX;
	if (r->state == LINE) {
		begin_body(r);
		end_body_line(r);
		return;
	}
	if (r->state == FIELD) {
		count_line(r);
		put_header(r, "\r\n", 2);
	}
	r->column = 0;
	r->first = false;
	r->state = LINE;
	r->opening = (struct opening){ 0 };
	buf_clear(&r->line);
}

static void take_field(struct repair *r, const char *data, size_t len)
{
	for (; r->crs && !r->failed; r->crs--)
		put_header(r, " ", 1);
	put_header(r, data, len);
}

/* ---- what comes in ---- */

/* Octets of the header that are no LF, none of them NUL.  Returns how many were
 * taken: the state may have changed behind them. */
static size_t take_header(struct repair *r, const char *data, size_t len)
{
	size_t run = 0;

	if (*data == '\r') {
		r->crs++;
		return 1;
	}
	if (r->state == LINE) {
		take_opening(r, *data);
		return 1;
	}
	if (r->state == MBOX && r->crs) {
		/* what stands behind a lone CR is text, and never a header */
		r->crs = 0;
		begin_body(r);
		return 0;
	}
	while (run < len && data[run] != '\r')
		run++;
	if (r->state == FIELD)
		take_field(r, data, run);
	return run;
}

/* Octets without NUL. */
static void feed(struct repair *r, const char *data, size_t len)
{
	const char *end = data + len;

	while (data < end && r->state != ENDED && !r->failed) {
		const char *lf = memchr(data, '\n', (size_t)(end - data));
		const char *stop = lf ? lf : end;

		while (data < stop && r->state != BODY)
			data += take_header(r, data, (size_t)(stop - data));
		if (data < stop)
			take_body(r, data, (size_t)(stop - data));
		data = stop;
		if (!lf)
			return;
		data++;
		if (r->state == BODY)
			end_body_line(r);
		else
			end_header_line(r);
	}
}

static enum repair_result outcome(struct repair *r, struct err *e)
{
	if (r->failed) {
		*e = r->why;
		return REPAIR_FAILED;
	}
	return r->state == ENDED ? REPAIR_END : REPAIR_MORE;
}

enum repair_result repair_feed(struct repair *r, const char *data, size_t len, struct err *e)
{
	const char *end = data + len;

	while (data < end && r->state != ENDED && !r->failed) {
		const char *nul = memchr(data, '\0', (size_t)(end - data));
		const char *stop = nul ? nul : end;

		feed(r, data, (size_t)(stop - data));
		if (nul && r->state != ENDED)
			r->facts.nul_removed = true;
		data = stop + (nul != NULL);
	}
	return outcome(r, e);
}

int repair_finish(struct repair *r, struct err *e)
{
	if (r->state == FIELD || r->state == MBOX || (r->state == LINE && (r->line.len || r->crs)))
		end_header_line(r);
	else if (r->state == BODY && (r->started || r->crs))
		end_body_line(r);
	if (r->state == LINE)
		r->state = BODY;
	flush(r);
	return outcome(r, e) == REPAIR_FAILED ? -1 : 0;
}

bool repair_header_done(const struct repair *r)
{
	return r->state == BODY || r->state == ENDED;
}

const struct buf *repair_header(const struct repair *r)
{
	return &r->header;
}

const struct repair_facts *repair_facts(const struct repair *r)
{
	return &r->facts;
}
