/* t/server/content.h - the octets of a message, judged as they come.
 *
 * Takes the content of DATA (with its dots) or of BDAT in pieces of any size,
 * notes every breach of RFC 5321 section 2.3.8 and 4.5.3.1.6, and passes the
 * message on to the store.
 */
#ifndef SERVER_CONTENT_H
#define SERVER_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "t/server/store.h"

struct content {
	bool dots;             /* DATA: stuffed, and ended by a line with one dot */
	bool done;             /* DATA: the end was met */
	bool in_body;          /* behind the first empty line */
	char before;           /* the octet before; '\n' at the start */
	bool at_start;         /* of a line; only CRLF ends one */
	bool pending_dot;      /* a dot opened the line; what it means is not known yet */
	bool pending_end;      /* dot and CR: only LF makes it the end */
	size_t line;           /* octets in the current line, without a stuffed dot */
	bool bare_cr, bare_lf, nul, long_line, unstuffed, open_end;
	bool eight_bit_header, eight_bit_body;
	struct store_file store;   /* own */
};

void content_begin(struct content *c, bool dots);

/* Returns how many octets belong to the content: less than len only when the
 * end was met. */
size_t content_feed(struct content *c, const char *data, size_t len);

/* To be called at the end of a message that came by BDAT. */
void content_finish(struct content *c);

#endif
