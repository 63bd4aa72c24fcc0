/* base/log.h - one line for each attempt.
 *
 * A record is a list of names and values; where it goes and how it is written
 * are settings.  A log that cannot be written never stops mail: it costs one
 * warning on stderr.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/key.h"

enum log_format { LOG_TEXT, LOG_JSON };

struct log_settings {
	char *target;   /* own; "syslog", "stderr", "none" or an absolute file; NULL: by name */
	int   format;   /* enum log_format */
};

extern const struct key log_keys[];   /* log, log_format; offsets into struct log_settings */

enum { LOG_FIELDS_MAX = 24 };

struct log_field {
	const char *name;
	const char *text;      /* borrowed; NULL: number is the value */
	long long   number;
};

struct log_record {
	struct timespec  when;
	bool             failed;    /* syslog priority: err, else info */
	struct log_field fields[LOG_FIELDS_MAX];
	unsigned         count;
};

/* A target that is none of these is a mistake in the configuration.  -1:
 * ERR_CONFIG. */
int log_settings_check(const struct log_settings *set, struct err *e);

/* Fields beyond LOG_FIELDS_MAX are dropped; text NULL adds nothing. */
void log_text(struct log_record *r, const char *name, const char *text);
void log_number(struct log_record *r, const char *name, long long number);

/* Pure: the line without its newline.  Text: `name=value` separated by blanks,
 * values with blanks, quotes or "=" in double quotes with \ before " and \;
 * JSON: one object.  Both are cleaned by text_clean().  with_time puts the
 * RFC 3339 time first. */
void log_write(const struct log_record *r, enum log_format format, bool with_time, struct buf *out);

/* Sends the record where the settings say (target NULL: fallback).  Files are
 * opened for appending only, without following a link, mode 0600, one write a
 * line.  Returns false and fills `warning` (size octets) when it could not. */
bool log_send(const struct log_settings *set, const char *fallback, const struct log_record *r,
	char *warning, size_t size);

#endif
