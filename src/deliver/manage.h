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

enum { MANAGE_ID_MAX = 64 };   /* room for an id as shown, or the name of a damaged file */

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
	char id[MANAGE_ID_MAX];     /* with its scope */
	const char *state;          /* "new", "hold", "failed", "damaged" */
	int64_t created, last;      /* seconds since 1970; last try, 0: none */
	int64_t next;               /* the earliest next try; 0: now */
	int64_t age, now;           /* seconds; the moment it was looked at */
	uint64_t size;              /* octets of content */
	unsigned tries;
	bool whole;                 /* manage_show(): its JSON has everything */
	const struct entry *entry;  /* borrowed, during the call; NULL: damaged, or not read */
	bool unread;                /* it could not be read now, and may be sound */
	const char *trouble;        /* borrowed; what is wrong with its file; NULL */
	const struct park *park;    /* borrowed; of its account, when that is parked; NULL */
	/* The newest answer about a recipient that is still to be served; NULL. */
	const struct entry_recipient *answer;
};

/* What to call who sends and what carries it: never NULL ("" the null sender,
 * or an account that is not chosen yet). */
const char *manage_sender(const struct manage_item *i);
const char *manage_account(const struct manage_item *i);

/* Calls for each, oldest first where there are not more than some thousands, else
 * in the order of the directory; memory does not grow with their number beyond
 * that.  -1: ERR_STORE, ERR_RIGHT (may_list). */
int manage_list(const struct manage *m, void (*item)(void *context, const struct manage_item *i),
	void *context, struct err *e);

/* One message whole: its item and, where content is not NULL, its header as it is
 * stored (CRLF) or, with all, header and body, in pieces.  -1 as manage_do(). */
int manage_show(const struct manage *m, const char *id, bool all,
	void (*item)(void *context, const struct manage_item *i),
	void (*content)(void *context, const char *data, size_t len), void *context, struct err *e);

/* id: with or without its scope, may be shortened.  -1: ERR_USAGE (no such
 * message, several, or nothing that this can be done to), ERR_RIGHT (not one's
 * own), ERR_STORE (also: being sent just now).
 * retry makes it due now and takes it back from failed/ with its unserved
 * recipients; remove deletes it. */
enum manage_deed { MANAGE_HOLD, MANAGE_RELEASE, MANAGE_REMOVE, MANAGE_RETRY };
int manage_do(const struct manage *m, enum manage_deed deed, const char *id,
	char done[MANAGE_ID_MAX], struct err *e);

/* Whether such an id means a message here, or several. */
bool manage_has(const struct manage *m, const char *id);

/* The id that is meant, whole and without its scope.  It must wait to be sent:
 * -1 as manage_do() where it is held or given up. */
int manage_resolve(const struct manage *m, const char *id, char whole[ENTRY_ID_LEN + 1],
	struct err *e);

/* Since when it is late: what is to be sent later on purpose is not, and what was
 * held, or given up, and taken back begins anew. */
int64_t manage_since(const struct entry *n);

/* For monitors: how many, and the oldest of those that are to be sent by now. */
struct manage_summary {
	uint64_t messages, octets;  /* in new/ and hold/ */
	uint64_t failed, damaged, held;
	uint64_t failed_lately;     /* given up within the last 24 hours */
	int64_t  oldest_age;        /* seconds since it was to be sent; of new/; -1: none */
	char     oldest[MANAGE_ID_MAX];
};
int manage_summary(const struct manage *m, struct manage_summary *out, struct err *e);

/* ---- manage_json.c: the same for a program: what --json prints and what
 * crosses the control socket, and back. */

json_t *manage_item_json(const struct manage_item *i);

/* What was read back, with all that item points to. */
struct manage_copy {
	struct manage_item item;
	struct entry entry;       /* own */
	struct park park;         /* own */
	char trouble[300];
};
/* -1: ERR_RUNNER, it is no such object; *out is then empty. */
int  manage_item_read(const json_t *object, struct manage_copy *out, struct err *e);
void manage_copy_release(struct manage_copy *c);

json_t *manage_summary_json(const struct manage_summary *s);
int manage_summary_read(const json_t *object, struct manage_summary *out, struct err *e);

#endif
