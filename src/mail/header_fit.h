/* mail/header_fit.h - a header made such that a server takes it.
 *
 * Pure.  Fields that are fit already stay byte-identical; of the others
 *   - words with octets that may not stay become encoded words (RFC 2047); in
 *     fields of addresses only display names, names of groups and comments; an
 *     international domain becomes its ASCII form;
 *   - parameters of Content-Type and Content-Disposition become what RFC 2231 says;
 *   - lines of more than 998 octets are folded at blanks, and a longer word of free
 *     text becomes encoded words.
 * What is written says the same when it is decoded.
 */
#ifndef MAIL_HEADER_FIT_H
#define MAIL_HEADER_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mail/encoded.h"

/* Which octets above 127 may stay. */
enum fit_octets {
	FIT_ANY, FIT_UTF8, FIT_ASCII,
	FIT_INSIDE         /* none, and it is the header of a part: an address that is not
	                    * ASCII becomes the name of an empty group (RFC 6857) */
};

/* Appends the block to out.  *needs_utf8 is set when an address that may not stay has a
 * local part that is not ASCII: by FIT_ASCII, nothing but SMTPUTF8 can carry it; by FIT_UTF8
 * it is not UTF-8 either, and nothing can.  out is then of no use.
 * -1: ERR_CAPABILITY: what cannot be written otherwise, and why; out is too small. */
int header_fit(const char *block, size_t len, enum fit_octets stays, struct buf *out,
	bool *needs_utf8, struct err *e);

bool header_has_long_line(const char *block, size_t len);   /* over 998 octets */

/* ---- header_fit_*.c: the value of one field, unfolded */

struct fit {
	struct fold fold;
	bool encode;          /* else it is only folded */
	bool inside;          /* FIT_INSIDE */
	bool needs_utf8;
	const char *why;      /* what cannot be done; NULL: nothing */
};

void fit_addresses(struct fit *f, const char *value, size_t len);
void fit_parameters(struct fit *f, const char *value, size_t len);

#endif
