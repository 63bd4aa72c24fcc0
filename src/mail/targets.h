/* mail/targets.h - what stands behind the colon of an alias.
 *
 * Pure; internal to mail/aliases*.c.  A list of targets stands in an alias file,
 * where a line end in it is a blank, or in an :include: file, where it separates.
 */
#ifndef MAIL_TARGETS_H
#define MAIL_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "mail/aliases.h"

enum target_kind {
	TARGET_ADDRESS,    /* envelope form; with or without domain */
	TARGET_ITSELF,     /* the same behind a backslash: not to be looked up again */
	TARGET_INCLUDE,    /* an absolute path */
	TARGET_PIPE,       /* from here on: refused where they are used; no text is kept */
	TARGET_FILE,
	TARGET_NOWHERE,    /* /dev/null */
	TARGET_SPECIAL,
	TARGET_BROKEN
};

struct target {
	enum target_kind kind;
	unsigned line;
	char *text;        /* own; NULL */
};

struct target_list {
	struct target *items;   /* own */
	size_t count, cap;
};

enum targets_place { TARGETS_IN_ALIAS, TARGETS_IN_INCLUDE };

/* The text of a file as the parsers want it: LF only, lines of comment empty, no byte
 * order mark. */
void targets_prepare(const char *text, size_t len, struct buf *out);

/* Appends the targets of prepared text that begins in that line.  Whatever
 * cannot be understood becomes TARGET_BROKEN. */
void targets_parse(const char *text, size_t len, unsigned line, enum targets_place place,
	struct target_list *list);
/* In a form for targets_parse(), each in its line; *line is where out stands. */
void targets_write(const struct target_list *list, unsigned *line, struct buf *out);
void targets_release(struct target_list *list);

/* Why a target from TARGET_PIPE on is of no use. */
const char *target_why(enum target_kind kind);
/* The same with a next step.  Always -1, ERR_CONFIG. */
int target_refuse(const struct target *t, const char *file, struct err *e);

/* ---- one file */

struct alias {
	char *name;        /* own; without quotes, lower case */
	unsigned line;
	struct target_list targets;
};

const struct alias *alias_table_find(const struct alias_table *t, const char *name);
const char *alias_table_name(const struct alias_table *t);
size_t alias_table_count(const struct alias_table *t);
size_t alias_table_place(const struct alias_table *t, const struct alias *a);   /* below count */

#endif
