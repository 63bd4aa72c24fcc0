/* conf/internal.h - what the files of conf/ share and nobody else sees. */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "conf/conf.h"

/* The blanks of the file format.  Other white space is a control character. */
#define CONF_BLANKS " \t"

enum { CONF_WHERE_SIZE = TEXT_SHOWN_MAX + 16 };

/* Whether key_parse() would take the value. */
int  key_check(const struct key *row, const char *value, struct err *e);
/* Whether a value that is given literally is a secret, or has one in it, which others must
 * not read. */
bool key_holds_secret(const struct key *row, const char *value);
/* Frees what the field holds, secrets wiped, and makes it all zero. */
void key_clear(const struct key *row, void *field);

/* The row of that name, and, where at is given, the start of its table's
 * struct; NULL: none. */
const struct key *row_find(const struct conf_table *tables, const char *name, size_t *at);

bool name_is_good(const char *name, size_t len);   /* may stand as an account's name */
int  name_error(const char *where, struct err *e); /* says what may */

/* What errors begin with: "NAME:LINE", or "NAME" for line 0; name is cleaned. */
void source_where(const char *name, unsigned line, char *to);

/* Remembers an account.  Returns the source's own copy. */
char *source_account(struct conf_source *src, const char *name, size_t len);

/* Checks and adds one value.  shape gives part, account (copied), row and line. */
int  source_add(struct conf_source *src, const struct conf_entry *shape, const char *value,
	size_t len, const char *where, struct err *e);

/* How far the name is from the candidate; SIZE_MAX: it is nothing like it. */
size_t suggest_distance(const char *name, const char *candidate);

/* Sets the error for a key that is not among the tables of its part. */
int  suggest_key(const char *where, const char *name, size_t len, enum conf_part part,
	const struct conf_table *own, const struct conf_table *other, struct err *e);

#endif
