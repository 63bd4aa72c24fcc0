/* mail/parameter.h - the parameters of Content-Type and its kin, RFC 2045
 * section 5.1.
 *
 * Pure; lenient, as those are who read mail: a value without quotes ends at the
 * next semicolon, whatever it holds, and a missing closing quote at the end.
 */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct parameter {
	const char *name;      /* borrowed, as all here; "" when there is no "=" */
	size_t name_len;
	const char *value;     /* as written: quotes, blanks around and comments included */
	size_t value_len;
	const char *start;     /* of all of it, the semicolon in front included */
	size_t len;
};

/* text is the unfolded value of the field.  What stands before the first
 * semicolon; its length. */
size_t parameter_head(const char *text, size_t len);

/* Sets *p to the parameter at *at (parameter_head() at the start) and moves *at
 * behind it; false at the end. */
bool parameter_next(const char *text, size_t len, size_t *at, struct parameter *p);

bool parameter_is(const struct parameter *p, const char *name);   /* case-free */
/* It, or a section of it as RFC 2231 has them. */
bool parameter_is_of(const struct parameter *p, const char *name);

/* Blanks and comments at text; their length. */
size_t parameter_gap(const char *text, size_t len);

/* The value without quotes, backslashes, and blanks and comments around it;
 * appended to out. */
void parameter_value(const struct parameter *p, struct buf *out);

/* The value of the parameter of that name, however it is written, also as RFC 2231 has
 * it: "name*=", "name*0=", "name*0*="; appended to out.  1; 0: there is none; -1: it is
 * there, and cannot be read, or in two ways. */
int parameter_find(const char *text, size_t len, const char *name, struct buf *out);

/* Of a value "charset'language'octets": the length of what stands before the octets;
 * 0: it is none. */
size_t parameter_charset(const char *value, size_t len);
/* The octets without their "%HH", appended to out; false: a "%" is no such thing. */
bool   parameter_decode(const char *text, size_t len, struct buf *out);

#endif
