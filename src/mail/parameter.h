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

/* The value without quotes, backslashes, and blanks and comments around it;
 * appended to out. */
void parameter_value(const struct parameter *p, struct buf *out);

#endif
