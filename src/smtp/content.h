/* smtp/content.h - content on its way to the wire.
 *
 * Pure.
 */
#ifndef SMTP_CONTENT_H
#define SMTP_CONTENT_H

#include "base/buf.h"
#include "smtp/message.h"

/* Where a writer of content is; all zero at its start. */
struct content_cursor {
	uint64_t offset;    /* octets read */
	bool mid_line;      /* the last one was not an LF */
};

/* Appends the next piece of m's content to out and moves the cursor.  With dots,
 * a dot at the start of a line is doubled (RFC 5321 section 4.5.2); BDAT sends
 * octets as they are (RFC 3030).  Returns 1 while there is more, 0 when the last
 * octet is in out, -1 and *e when the content cannot be read: what was sent so
 * far must then not be ended. */
int content_fill(const struct smtp_message *m, struct content_cursor *at, bool dots,
	struct buf *out, struct err *e);

#endif
