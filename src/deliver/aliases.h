/* deliver/aliases.h - the alias files that hold for a configuration.
 *
 * Read anew whenever they are asked for.  A system file (`aliases`) that is not
 * there or may not be read is none; a personal one stands before it.  Files that
 * other users could change are refused as a whole, and an :include: file must
 * belong to whom the file belongs to that names it: to root in the system's.
 */
#ifndef DELIVER_ALIASES_H
#define DELIVER_ALIASES_H

#include "deliver/config.h"
#include "mail/aliases.h"

/* The domains that are this machine's: local_names, and what the machine calls itself,
 * alone and with its domain; the latter not where an account sends as it, since there is
 * a mailbox somewhere else then.  c may be NULL.  The array is the caller's, one free();
 * what it points to is c's, or part of it. */
const char **aliases_local_names(const struct config *c);

struct alias_book {
	struct alias_table *tables[2];   /* own; the personal one, the system's; NULL */
	uid_t owners[2];
	struct alias_rules rules;        /* what it points to is ours or the configuration's */
	const char **local_names;        /* own array */
};

/* c may be NULL: no configuration, /etc/aliases all the same; else it must outlive
 * b.  -1: ERR_CONFIG, a file is there and is not to be used; b is empty then. */
int  alias_book_load(struct alias_book *b, const struct config *c, bool personal, struct err *e);
void alias_book_release(struct alias_book *b);

/* Borrowing from b. */
const struct alias_rules *alias_book_rules(const struct alias_book *b);

/* The text of an :include: file of that table.  -1: ERR_CONFIG. */
int  alias_book_read(const struct alias_book *b, size_t table, const char *path,
	struct buf *out, struct err *e);

#endif
