/* runner/policy.h - what the accepting role is told: limits, names of accounts and
 * who may use them, aliases.  Never a secret: only the keys named in policy.c cross
 * the channel.
 *
 * The supervisor makes it from its configuration whenever that or the aliases have
 * changed; {"do":"policy","policy":{...}} takes it to the other role.
 */
#ifndef RUNNER_POLICY_H
#define RUNNER_POLICY_H

#include <jansson.h>

#include "deliver/aliases.h"
#include "deliver/config.h"
#include "runner/people.h"

struct policy {
	struct config config;       /* own; [sendoff], and of accounts what `who` says; no sources */
	char *host;                 /* own; this machine's name */
	char *problem;              /* own; why there is no valid configuration: "FILE:LINE: ..." */
	struct alias_table *tables[2];   /* own; NULL */
	const char **local_names;   /* own the array; NULL-terminated */
	struct policy_include {
		size_t table;
		char *path;         /* own */
		char *text;         /* own; NULL: it could not be read */
		char *why;          /* own; then */
	} *includes;                /* own */
	size_t include_count;
};

/* c: NULL without a valid configuration; problem says why then.  b: NULL, there
 * are no aliases.  A new reference. */
json_t *policy_make(const struct config *c, const struct alias_book *b, const char *problem);

/* The aliases of another one in place of its own. */
void policy_keep_aliases(json_t *policy, const json_t *from);

/* -1: ERR_INTERNAL, it is not such an object; p is then empty. */
int  policy_read(struct policy *p, const json_t *object, struct err *e);
void policy_release(struct policy *p);

/* All of it borrowed from p. */
void policy_rules(struct policy *p, struct alias_rules *rules);

/* Whether that person may have it carried by that account (-a).  -1: ERR_USAGE,
 * there is none; ERR_RIGHT.  Without a configuration everything is taken, and
 * waits. */
int  policy_may_use(const struct policy *p, const char *account, const struct person *who,
	struct err *e);

/* Which account would carry it, of those that this person may use; 0, with the
 * account's name and address and why, or -1. */
struct route_question;
int  policy_explain(const struct policy *p, const struct person *who,
	const struct route_question *q, json_t *out, struct err *e);

#endif
