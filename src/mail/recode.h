/* mail/recode.h - content written as quoted-printable or base64, RFC 2045
 * section 6.
 *
 * Pure; octets in, octets out, in pieces of any size with the same result.  What
 * is written is ASCII in lines of at most 76 octets, and decodes to what was
 * given.  No line is made that could be taken for a delimiter of a multipart.
 */
#ifndef MAIL_RECODE_H
#define MAIL_RECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { LINE_MOST = 998 };   /* octets of a line without its end, RFC 5322 section 2.1.1 */

enum recoding {
	RECODE_NOT,           /* it stays as it is */
	RECODE_PRINTABLE,     /* to quoted-printable; CRLF is a line end */
	RECODE_BASE64,
	/* What claims to be encoded, and breaks the rules: */
	RECODE_MEND,          /* quoted-printable with octets above 127 or long lines */
	RECODE_WRAP           /* base64 in long lines; what is no base64 is left out, as
	                       * decoders do */
};

struct recoder {
	enum recoding how;
	size_t column;           /* octets of the line that is being written */
	bool   soft;             /* it goes on from the one before */
	bool   dash;             /* it begins with a '-' */
	char   held[80];         /* octets whose meaning is open */
	size_t held_len;
};

void recoder_start(struct recoder *r, enum recoding how);
void recoder_add(struct recoder *r, const char *data, size_t len, struct buf *out);
/* ends_line: the content ends the text and so must end with a line end; else
 * the line end that follows belongs to somebody else. */
void recoder_end(struct recoder *r, bool ends_line, struct buf *out);

#endif
