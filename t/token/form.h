/* t/token/form.h - names and values, as queries and forms carry them.
 */
#ifndef TOKEN_FORM_H
#define TOKEN_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { FORM_MOST = 64 };

struct form {
	struct { char *name, *value; } field[FORM_MOST];   /* own */
	size_t count;
};

/* application/x-www-form-urlencoded.  -1: not that, or too many fields. */
int  form_read(struct form *f, const char *text, size_t len);
void form_release(struct form *f);

const char *form_get(const struct form *f, const char *name);    /* the first; NULL */
const char *form_twice(const struct form *f);                    /* a name that is there twice; NULL */

void form_encode(const char *text, struct buf *out);

#endif
