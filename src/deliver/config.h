/* deliver/config.h - the configuration in force: which files, whose word
 * counts, what came of each.
 *
 * Sources: -C FILE; else the environment (SENDOFF_HOST); else SENDOFF_CONFIG;
 * else the system file, to which the personal file adds: an account of the same
 * name replaces the system's as a whole, so that no personal file can point a
 * system password elsewhere.  All or nothing: one bad line, and nothing of any
 * source is used.
 */
#ifndef DELIVER_CONFIG_H
#define DELIVER_CONFIG_H

#include "deliver/account.h"

enum { CONFIG_SOURCES_MAX = 2 };

struct config {
	struct conf_source sources[CONFIG_SOURCES_MAX];   /* own; the system's first */
	size_t source_count;
	struct global_settings global;                    /* own */
	struct account *accounts;                         /* own; finished */
	size_t count;
	bool denied;                /* some file is there and may not be read */
	struct buf tried;           /* own; a line for each path: "PATH: what came of it" */
};

/* file: -C, or NULL.  -1: ERR_CONFIG; where there is no configuration at all
 * the text names every path tried and why it did not serve. */
int  config_load(struct config *c, const char *file, struct err *e);
void config_release(struct config *c);

/* NULL: no such account. */
const struct account *config_account(const struct config *c, const char *name);

/* The account for mail that no rule claims: `default`, or the only one there
 * is.  -1: ERR_CONFIG. */
int  config_default(const struct config *c, const struct account **a, struct err *e);

/* The domain for bare names: `domain`, /etc/mailname, the host's name. */
const char *config_domain(const struct config *c);

/* Where a setting of an account (NULL: of [sendoff]) comes from: "FILE:LINE",
 * "environment" or "default". */
void config_origin(const struct config *c, const struct account *a, const char *key,
	struct buf *out);

#endif
