/* mail/repair.h - what callers write, made a legal message, once, while it is
 * being read.
 *
 * Pure; bytes in, bytes out, in pieces of any size with the same result.
 *   - every line ends in CRLF: LF alone and runs of CR before LF become CRLF,
 *     a last line without an end gets one;
 *   - a CR elsewhere becomes a blank in the header and a line end in the body
 *     (a lone CR never begins a header line);
 *   - NUL octets are removed, what follows them is kept;
 *   - a first line "From " or ">From " (mbox) is removed;
 *   - the header ends at the first empty line, or before the first line that is
 *     neither a field nor a continuation: that line is the body's first;
 *   - a first line that is not a field (or begins with a blank): no header at
 *     all, everything is body.
 * Nothing else is changed.  The header goes to a buffer without its empty line,
 * the body to a function.
 */
#ifndef MAIL_REPAIR_H
#define MAIL_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { REPAIR_HEADER_MAX = 1 << 20 };   /* octets of header; more is ERR_MESSAGE */

/* Takes the next octets of the repaired body; 0, or -1 with *e set. */
typedef int repair_sink(void *context, const char *data, size_t len, struct err *e);

struct repair_facts {
	bool     eight_bit_header, eight_bit_body;
	bool     nul_removed;
	uint64_t body_size;        /* octets, CRLF counted as two */
	uint64_t longest_line;     /* octets without the line end, header and body */
};

struct repair;   /* own state; see repair.c */

/* dot_ends: a line of a single dot ends the message (no -i). */
struct repair *repair_new(bool dot_ends, repair_sink *sink, void *context);
void repair_free(struct repair **rp);

enum repair_result { REPAIR_MORE = 0, REPAIR_END = 1, REPAIR_FAILED = -1 };

/* REPAIR_END: the lone dot was met, nothing behind it counts. */
enum repair_result repair_feed(struct repair *r, const char *data, size_t len, struct err *e);
int repair_finish(struct repair *r, struct err *e);   /* the input is at its end */

bool repair_header_done(const struct repair *r);      /* the block is whole */
const struct buf *repair_header(const struct repair *r);   /* own; CRLF lines, no empty line */
const struct repair_facts *repair_facts(const struct repair *r);

#endif
