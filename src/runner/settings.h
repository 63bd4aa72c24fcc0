/* runner/settings.h - the configuration that the supervisor goes by.
 *
 * A configuration that is not right any more does not take the place of the one
 * that was; until it is right again the old one stays.
 */
#ifndef RUNNER_SETTINGS_H
#define RUNNER_SETTINGS_H

#include "deliver/config.h"

struct settings {
	const char *file;        /* borrowed; -C; NULL */
	struct config *config;   /* own; the last that was right; NULL: none was yet */
	bool faulty;             /* the newest is not right: */
	struct err why;          /* this is it */
	char **paths;            /* own; the files that it comes from or could come from, the
	                          * aliases and what these include */
	size_t count;
	char *stamp;             /* own; how they looked when it was read */
	char **tokens;           /* own; files of the accounts' access tokens */
	size_t token_count;
	char *signed_in;         /* own; when its accounts were */
};

/* Reads it (again).  -1: it is not right, and *why says so; what was in force is
 * still there. */
int  settings_load(struct settings *s);
/* One more file, which those that were read lead to; until the next settings_load(). */
void settings_add(struct settings *s, const char *path);
void settings_release(struct settings *s);

/* Whether one of the files looks different than when it was read. */
bool settings_changed(const struct settings *s);

/* Whether somebody has signed in since this was asked or the settings read. */
bool settings_signed_in(struct settings *s);

#endif
