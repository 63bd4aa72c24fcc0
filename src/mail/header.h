/* mail/header.h - walking over a header block, RFC 5322 section 2.2.
 *
 * Pure.  A block is the lines before the empty line, each ended by CRLF, as
 * mail/repair leaves it; the empty line is not part of it.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct field {
	const char *start;    /* first octet of the name */
	size_t len;           /* of the whole field with its continuation lines and last CRLF */
	size_t name_len;      /* without blanks before the colon */
	const char *value;    /* behind the colon */
	size_t value_len;     /* without the last CRLF, folds inside */
};

/* Sets *f to the field at *at and moves *at behind it; false at the end. */
bool header_next(const char *block, size_t len, size_t *at, struct field *f);

bool field_is(const struct field *f, const char *name);   /* case-free */
bool field_is_blank(const struct field *f);               /* nothing but blanks in the value */

/* First field of that name, or false. */
bool header_find(const char *block, size_t len, const char *name, struct field *f);

/* The value with folds opened (each CRLF removed) and blanks at both ends
 * removed, appended to out. */
void field_unfold(const struct field *f, struct buf *out);

/* Whether line (len octets, no line end) opens a field: a name of 33 to 126
 * without colon, blanks, a colon (RFC 5322 section 3.6.8, obsolete blanks
 * before the colon allowed), all within the 998 octets of a line. */
bool header_is_field(const char *line, size_t len);

/* The same, octet by octet, for whoever has not the whole line yet; start with
 * an opening that is all zero, and stop asking after the first answer. */
struct opening {
	size_t len;
	bool   blank;   /* blanks were met */
};
enum opening_kind { OPENING_MORE, OPENING_FIELD, OPENING_OTHER };
enum { OPENING_MAX = 998 };
enum opening_kind opening_add(struct opening *o, char c);

/* Appends "Name: value\r\n", folded at blanks into lines of at most 76 octets
 * where it can be (RFC 2047 section 2 wants that for encoded words); value must
 * hold no CR, LF or NUL (they are written as blanks). */
void header_add(struct buf *block, const char *name, const char *value);

bool header_is_atext(char c);   /* RFC 5322 section 3.2.3; ASCII only */

/* A display name fit for a header: bare when it is atoms, quoted when ASCII,
 * as RFC 2047 encoded words (UTF-8, base64) when not; controls become blanks.
 * Appended to out. */
void header_phrase(const char *name, size_t len, struct buf *out);

#endif
