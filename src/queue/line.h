/* queue/line.h - the lines that the queue's files are made of.
 *
 * Pure.  A line is a word and values, one blank between each, and ends with LF.
 * A value from outside is written with %HH (upper case) for each octet below 33
 * or above 126, for '%' and for '='; a plain number or word of ours needs none.
 * Reading is strict: there is one way to write each thing, and all else is
 * damage.
 */
#ifndef QUEUE_LINE_H
#define QUEUE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* ---- values */

/* Appends text as a value; of more than `most` octets only so many, without
 * cutting a character of UTF-8 in two. */
void  value_write(struct buf *out, const char *text, size_t most);
char *value_read(const char *value, size_t len);   /* own; NULL: not a value of ours */
bool  value_number(const char *value, size_t len, uint64_t most, uint64_t *number);

/* ---- lines */

struct line {
	const char *word;
	size_t      word_len;
	const char *rest;       /* values that were not yet taken */
	size_t      rest_len;
	unsigned    number;
};

struct lines {
	const char *at, *end;
	unsigned    number;     /* of the line last read */
	bool        have;       /* `now` is read and not yet dropped */
	struct line now;
};

/* `before`: how many lines of the file stand in front of the text. */
void lines_start(struct lines *l, const char *text, size_t len, unsigned before);
/* The next line, the same until lines_drop(): 1; 0: the end; -1: it is none. */
int  lines_peek(struct lines *l, struct line **line);
void lines_drop(struct lines *l);
bool line_is(const struct line *l, const char *word);

struct value { const char *at; size_t len; };
/* The next value; false: there is none. */
bool line_take(struct line *l, struct value *out);
bool value_is(const struct value *v, const char *text);
/* Whether it is NAME=VALUE; out is then what is behind the '='. */
bool value_named(const struct value *v, const char *name, struct value *out);

/* ERR_DAMAGED that names the line now at hand. */
int  lines_bad(const struct lines *l, struct err *e);

/* ---- one value a line: the fields of a struct */

enum field_type {
	FIELD_TIME,       /* int64_t; below 0 is written as 0 */
	FIELD_SIZE,       /* uint64_t */
	FIELD_UNSIGNED,   /* unsigned, or an enum's number */
	FIELD_TEXT,       /* char *, own; NULL and "" are the same, and read NULL */
	FIELD_PATH,       /* char *, own; an address, in angle brackets: "" is <>, NULL no line */
	FIELD_ARRAY,      /* char[size]; "" is no line */
	FIELD_BOOL,       /* "yes"; false is no line */
	FIELD_CHOICE,     /* int-sized enum: one of names; the first is no line unless `always` */
	FIELD_SET         /* unsigned: bits, by names with commas between; 0 is no line */
};

struct field {
	const char      *word;      /* NULL ends a table */
	enum field_type  type;
	size_t           offset, size;
	bool             always;    /* has a line whatever its value, and must have one */
	const char *const *names;   /* NULL at the end; FIELD_CHOICE, FIELD_SET */
};

void fields_write(const struct field *table, const void *from, struct buf *out);
/* Reads lines in the order of the table, up to the first that is none of it. */
int  fields_read(const struct field *table, struct lines *l, void *to, struct err *e);

#endif
