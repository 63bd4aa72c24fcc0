/* mail/convert.h - a message made such that a server takes it, and says the same.
 *
 * Pure; the body comes in pieces of any size.  It is read twice: convert_survey()
 * finds out what each part needs, convert_header() and convert_body() write it.
 *
 *   - a part with octets above 127, where they may not stay, or with a line of more
 *     than 998 octets becomes quoted-printable if it is text, base64 if it is not
 *     or if more than half of it is above 127; messages inside are looked into;
 *   - what already is quoted-printable or base64, and breaks those rules, is mended;
 *   - the headers of parts are made fit as mail/header_fit says;
 *   - a delimiter that is too long loses the blanks at its end;
 *   - 8-bit text without any MIME field is told to be text/plain in UTF-8, or where
 *     it is not that, in "unknown-8bit" (RFC 1428);
 *   - signed and encrypted parts are never touched.
 * All else stays byte-identical.
 */
#ifndef MAIL_CONVERT_H
#define MAIL_CONVERT_H

#include "mail/header_fit.h"

struct convert_want {
	bool seven_bit;            /* nothing above 127 in the body */
	bool label;                /* 8-bit text without MIME fields gets them in any case */
	enum fit_octets header;    /* what may stay in the message's header */
};

enum { CONVERT_PARTS = 50000 };   /* of one message */

struct convert;

/* header: without its empty line; borrowed. */
struct convert *convert_new(const char *header, size_t len, const struct convert_want *want);
void convert_free(struct convert **vp);

/* 0, or -1 and *e, ERR_CAPABILITY: what cannot be sent to this server and why. */
int  convert_survey(struct convert *v, const char *data, size_t len, struct err *e);
int  convert_survey_end(struct convert *v, struct err *e);
bool convert_is_needed(const struct convert *v);   /* the body must be written anew */

/* The message's header, without an empty line, appended to out; *needs_utf8 as
 * header_fit() tells.  May be called without a survey: then only it changes. */
int  convert_header(struct convert *v, struct buf *out, bool *needs_utf8, struct err *e);

/* Takes the next octets of the body as it is to be sent; 0, or -1 with *e set. */
typedef int convert_sink(void *context, const char *data, size_t len, struct err *e);
int  convert_body(struct convert *v, const char *data, size_t len, convert_sink *sink,
	void *context, struct err *e);
int  convert_body_end(struct convert *v, convert_sink *sink, void *context, struct err *e);

#endif
