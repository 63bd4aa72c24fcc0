/* deliver/manage.h - the queue as people see and steer it: the same for one's
 * own queue and, through the control socket, for the system's.
 *
 * Who asks sees and changes own messages only; an operator (root at the system's
 * queue, the owner at a personal one) all.
 */
#ifndef DELIVER_MANAGE_H
#define DELIVER_MANAGE_H

#include <jansson.h>

#include "queue/park.h"
#include "queue/schedule.h"
#include "queue/spool.h"

struct manage_asker {
	uid_t uid;
	bool  all;        /* an operator */
	bool  may_list;   /* false: a uid that is nobody's for long (61184 to 65519, no passwd entry) */
};

struct manage {
	struct spool *spool;                  /* borrowed */
	const struct retry_settings *retry;   /* borrowed */
	char scope;                           /* 'p' or 's': in front of ids */
	struct manage_asker asker;
};

/* One message, as listed. */
struct manage_item {
	char id[16];                /* with its scope */
	const char *state;          /* "new", "hold", "failed", "damaged" */
	int64_t created, next, last;
	int64_t age;                /* seconds */
	uint64_t size;              /* octets of content */
	unsigned tries;
	const struct entry *entry;  /* borrowed, during the call; NULL: damaged */
	const struct park *park;    /* borrowed; of its account, when that is parked; NULL */
};

/* Calls for each, oldest first where there are not more than some thousands, else
 * in the order of the directory; memory does not grow with their number beyond
 * that.  -1: ERR_STORE. */
int manage_list(const struct manage *m, void (*item)(void *context, const struct manage_item *i),
	void *context, struct err *e);

/* One message whole: as item, and its head or, with content, all of it. */
int manage_show(const struct manage *m, const char *id,
	void (*item)(void *context, const struct manage_item *i), 
	void (*content)(void *context, const char *data, size_t len), void *context, struct err *e);

/* -1: ERR_USAGE (no such message, several), ERR_RIGHT (not one's own), ERR_STORE.
 * retry makes it due now and takes it back from failed/ with its unserved
 * recipients; remove deletes it. */
enum manage_deed { MANAGE_HOLD, MANAGE_RELEASE, MANAGE_REMOVE, MANAGE_RETRY };
int manage_do(const struct manage *m, enum manage_deed deed, const char *id, char done[16],
	struct err *e);

/* For monitors: how many, and the oldest. */
struct manage_summary {
	uint64_t messages, octets, failed, damaged, held;
	int64_t  oldest_age;        /* seconds; of new/; -1: none */
	char     oldest[16];
};
int manage_summary(const struct manage *m, struct manage_summary *out, struct err *e);

/* The same item for a program: what --json prints and what crosses the control
 * socket, and back. */
json_t *manage_item_json(const struct manage_item *i);

#endif
