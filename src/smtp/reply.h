/* smtp/reply.h - reading what a server answers, RFC 5321 section 4.2.
 *
 * Pure.  The one place where replies are read: it owns the limits and the check
 * of the codes.  Octets may come in pieces of any size.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	REPLY_LINE_MAX = 8 * 1024,    /* octets of one line, its end included */
	REPLY_TEXT_MAX = 64 * 1024    /* octets of a whole reply */
};

struct smtp_reply {
	int  code;                /* 200 to 599 */
	char enhanced[16];        /* "5.1.1" (RFC 2034, class equal to the code's), or "" */
	struct buf text;          /* own; the lines without codes, joined by LF; raw octets */
	unsigned standing;        /* the engine's: set of enum smtp_standing (message.h) */
};

struct reply_parser {
	struct smtp_reply reply;
	struct buf line;          /* own; the line being read, or that was no reply's */
	size_t octets;            /* of the reply so far */
	bool whole;               /* reply holds one, until the next feed */
};

void reply_parser_init(struct reply_parser *p);
void reply_parser_release(struct reply_parser *p);

/* Takes octets up to the end of one reply and says in *used how many.  Returns
 * 1 when a reply is whole (in p->reply, until the next call), 0 when more is
 * needed, -1 with ERR_PROTOCOL: not a reply, mixed codes, NUL, too long. */
int reply_feed(struct reply_parser *p, const char *data, size_t len, size_t *used, struct err *e);

/* -1 with ERR_PROTOCOL, which shows p->line, when no line of a reply begins like that one:
 * what came before the end, however little; or again, when the line has been changed. */
int reply_judge_line(const struct reply_parser *p, struct err *e);

/* Whether some octets of a reply were taken, and not all of it. */
bool reply_begun(const struct reply_parser *p);

/* All lines as one, cleaned for display, at most TEXT_SHOWN_MAX octets, with
 * code and enhanced code in front, into out. */
void reply_show(const struct smtp_reply *r, struct buf *out);

#endif
