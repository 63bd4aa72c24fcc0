/* conf/conf.h - the configuration: text in, filled structs out, origins kept.
 *
 * Knows no key: it parses, fills, shows and explains whatever key tables it is
 * handed.  The file format is INI as libinih reads it, with what libinih cuts
 * short taken from the line itself: any value up to 4 KB arrives whole, ` ;`,
 * `#`, quotes and UTF-8 included; one pair of double quotes around a whole
 * value is removed; keys may be indented; Windows line ends and a BOM are fine;
 * a NUL, a bare CR, a line that is too long or neither section nor key, a
 * repeated key or section and an unknown one are errors with file, line, name
 * and the nearest valid name.  Errors are ERR_CONFIG and never quote a value.
 *
 * The text of an error begins "FILE:LINE: "; the nearest name is in its hint.
 * A comment is a line that begins with ; or #.  Secrets may hold any octet but
 * NUL; other values are UTF-8 without control characters but tabs.  Words of
 * KEY_BOOL and KEY_CHOICE may be in capitals.  An empty value ("from =", or
 * two quotes) makes a text, word, path, list or secret absent, whatever
 * [defaults] or the row's own default say; for the other types it is an error.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/key.h"

enum { CONF_VALUE_MAX = 4096, CONF_FILE_MAX = 1 << 20, CONF_NAME_MAX = 64 };

enum conf_part {
	CONF_GLOBAL,     /* [sendoff] */
	CONF_DEFAULTS,   /* [defaults] */
	CONF_ACCOUNT     /* [account NAME] */
};

/* A table of rows and where its struct lies in what is filled. */
struct conf_table {
	const struct key *keys;   /* NULL ends a list of tables */
	size_t base;              /* offset of the table's struct in the object */
};

struct conf_entry {
	enum conf_part part;
	char  *account;           /* own; NULL but for CONF_ACCOUNT */
	char  *key;               /* own */
	char  *value;             /* own; wiped when it is a secret */
	const struct key *row;    /* what it was checked against */
	unsigned line;
};

/* One source: a file, or the environment. */
struct conf_source {
	char *name;               /* own; the path, or "environment" */
	struct conf_entry *entries;   /* own */
	size_t count, cap;
	char **accounts;          /* own; names in order, also those without keys */
	size_t account_count;
	bool has_secret;          /* some secret was given literally, if only in a URL */
};

/* Parses text into src, which is overwritten, not released.  The lists of tables
 * say which keys are known: global for [sendoff], account for [defaults] and
 * [account NAME].  Values are checked against their rows.  -1: nothing of the
 * source is to be used; src is empty. */
int  conf_parse(struct conf_source *src, const char *name, const char *text, size_t len,
	const struct conf_table *global, const struct conf_table *account, struct err *e);
void conf_release(struct conf_source *src);

/* Adds an entry that does not come from a file (line 0); the value is taken as
 * it is, quotes too.  It beats an earlier one of the same key.  A source that is
 * all zero is named "environment". */
int  conf_set(struct conf_source *src, enum conf_part part, const char *account, const char *key,
	const char *value, const struct conf_table *tables, struct err *e);

/* Fills object: the rows' own defaults, then the entries of the source that
 * belong to [sendoff] (part CONF_GLOBAL), or to [defaults] and then to the
 * account (part CONF_ACCOUNT; name may be NULL: only the defaults).  object is
 * all zero before; conf_clear() frees what was put into it.  May be called for
 * several sources in turn, later ones override: then `first` is true for the
 * first only. */
int  conf_fill(const struct conf_source *src, enum conf_part part, const char *account,
	const struct conf_table *tables, bool first, void *object, struct err *e);
void conf_clear(const struct conf_table *tables, void *object);

/* The entry that decides a key for an account (or [sendoff]), or NULL: the
 * row's default.  An account's own entry beats [defaults]. */
const struct conf_entry *conf_find(const struct conf_source *src, enum conf_part part,
	const char *account, const char *key);

/* Pure: one value into one field, which is zero or holds an earlier value (it is
 * freed); -1: ERR_CONFIG saying what is allowed, and the field as it was. */
int  key_parse(const struct key *row, const char *value, void *field, struct err *e);
/* The field as text that key_parse() would read back; a secret, also in a URL, as "***". */
void key_write(const struct key *row, const void *field, struct buf *out);

/* The nearest name among the tables' keys, or NULL when nothing is near. */
const char *conf_nearest(const char *name, const struct conf_table *tables);

#endif
