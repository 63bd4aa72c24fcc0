/* mail/aliases.h - local names to addresses: /etc/aliases, admin, bare names.
 *
 * Pure: files are read by whoever calls.  The format is that of sendmail and
 * Postfix: "name: target, target", '#' comments, continuation lines begin with
 * a blank, names compare without regard to case, names may be quoted.  Targets
 * are addresses, other names, or :include:/path; a pipe, a file or any other
 * ":special:" is refused where it would be used, not where it stands: one bad
 * line in root's file stops nobody else's mail, and a bad target not that of
 * the addresses beside it.  Errors name file and line and never quote content.
 */
#ifndef MAIL_ALIASES_H
#define MAIL_ALIASES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	ALIASES_FILE_MAX = 16 << 20,   /* octets */
	ALIAS_DEPTH_MAX = 20,
	ALIAS_RESULTS_MAX = 10000      /* addresses that one name may become */
};

struct alias_table;   /* one file */

/* name: for errors.  Lines that are no aliases are noted (alias_table_faults)
 * and skipped.  -1: ERR_CONFIG (too large). */
int  alias_table_parse(struct alias_table **tp, const char *name, const char *text, size_t len,
	struct err *e);
void alias_table_free(struct alias_table **tp);
/* The faults, one line each "FILE:LINE: what"; "" when there are none.  Lists that
 * cannot be read and circles are not among them: alias_resolve() finds those. */
const char *alias_table_faults(const struct alias_table *t);
/* The names in the order of the file; NULL behind the last. */
const char *alias_table_alias(const struct alias_table *t, size_t place);
/* The file as parsed, in a form for alias_table_parse(): what the watcher hands
 * to the accepting role. */
void alias_table_write(const struct alias_table *t, struct buf *out);

/* The :include: files that a table names, and those that the text of one names;
 * one may be named more than once. */
void alias_table_includes(const struct alias_table *t,
	void (*each)(void *context, const char *path), void *context);
void alias_text_includes(const char *text, size_t len,
	void (*each)(void *context, const char *path), void *context);

struct alias_rules {
	const struct alias_table *tables[2];   /* borrowed; the personal one first; NULL: none */
	const char *admin;                /* envelope form, or NULL */
	const char *domain;               /* for names that stay; NULL: they stay bare */
	const char *const *local_names;   /* domains that are this machine's; NULL-terminated */
	/* Text of an :include: file of that table, in out; NULL: none are allowed. */
	int (*include)(void *context, size_t table, const char *path, struct buf *out, struct err *e);
	void *context;
	struct err *left_out;             /* borrowed; NULL: nobody wants to know; see alias_resolve() */
};

/* Whether it is a bare name, or one of a domain in local_names ("localhost" and
 * "localhost.localdomain" always are): *local gets the bare name. */
bool alias_is_local(const struct alias_rules *r, const char *address, struct buf *local);

/* What becomes of one recipient (envelope form or bare name): add() is called
 * once for each address, itself where nothing is said of it.  A local name: its
 * alias, else "default:" or "*:" of the tables, else admin, else NAME@domain.
 * "postmaster" and "MAILER-DAEMON" without alias go on to root's.  A name that
 * leads back to itself (`root: root, me@x`) or stands behind a backslash stands
 * for itself: admin, else NAME@domain.  Other loops, depth, pipes and files are
 * passed over; rules->left_out gets the first of them, if it holds no other by then.
 * -1, ERR_CONFIG naming file and line, and add() is not called at all: nobody else
 * is left, there are too many, or an :include: file was not to be had. */
int alias_resolve(const struct alias_rules *r, const char *address,
	void (*add)(void *context, const char *address), void *context, struct err *e);

#endif
