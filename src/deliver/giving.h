/* deliver/giving.h - a queued message that bad news are about, and the report of
 * them.  For deliver/giveup*.c only.
 */
#ifndef DELIVER_GIVING_H
#define DELIVER_GIVING_H

#include "deliver/notice.h"

struct giving {
	struct spool *spool;             /* borrowed, as all here */
	const struct config *config;
	const struct account *account;   /* NULL */
	struct held *held;
	struct entry *entry;
	const char *outcome;             /* for the log: "failed", "expired" */
	const char *next;                /* one next step; NULL */
	char reports[256];               /* ids of what was stored, for people */
};

/* What its reports have in common. */
struct telling {
	struct notice notice;
	struct letter letter;
	struct buf header;               /* own */
	struct envelope to;              /* own */
	bool wanted;                     /* somebody is to be told */
};

void giving_prepare(const struct giving *g, enum report_action action, struct telling *t);
void telling_release(struct telling *t);

/* Who answered last; NULL. */
const char *giving_server(const struct giving *g);

/* Recipients in that state, from the from-th on: as many as one report names. */
size_t giving_choose(const struct entry *n, enum recipient_state state, size_t from,
	size_t which[NOTICE_RECIPIENTS_MAX]);

/* The id of the report about the failure of those, and of the one about delay.
 * -1: ERR_STORE. */
int giving_failure_id(const struct entry *n, const size_t *which, size_t count,
	char id[ENTRY_ID_LEN + 1], struct err *e);
int giving_delay_id(const struct entry *n, char id[ENTRY_ID_LEN + 1], struct err *e);

/* Stores it under that id, unless it is there already.  -1: ERR_STORE. */
int giving_store(struct giving *g, struct telling *t, const size_t *which, size_t count,
	const char *id, struct err *e);
void giving_note(struct giving *g, const char *id);   /* into reports */

/* Why those wait that no server has said anything about: it is the account that
 * is in trouble, or nothing has been tried.  Own. */
char *giving_why_waiting(const struct giving *g);

#endif
