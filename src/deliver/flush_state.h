/* deliver/flush_state.h - the inside of a flush, shared by its files only.
 *
 * flush.c         the run: the sessions of its lanes, the loop, the end
 * flush_lane.c    what waits for each account
 * flush_job.c     one message: locked, loaded, dressed, settled
 * flush_mark.c    ... and marked
 * flush_seen.c    which messages this run has looked at
 * flush_visit.c   what an entry wants: due, late, expired; whose it is
 */
#ifndef DELIVER_FLUSH_STATE_H
#define DELIVER_FLUSH_STATE_H

#include "base/digest.h"
#include "deliver/flush.h"
#include "deliver/message.h"
#include "deliver/session.h"
#include "deliver/trouble.h"

enum {
	FLUSH_WINDOW = 3,            /* messages given to a session at a time */
	FLUSH_SESSION_WORTH = 10,    /* so many waiting are worth a further connection */
	FLUSH_RATE_PATIENCE = 20     /* seconds; no connection is held longer for max_rate */
};

struct flush;

/* One message on its way. */
struct job {
	struct lane *lane;           /* borrowed */
	struct courier *courier;     /* borrowed */
	struct held *held;           /* own */
	struct entry entry;          /* own */
	struct buf header;           /* own; as it was taken in */
	char **recipients;           /* own array, borrowed texts; those still waiting ... */
	size_t *which;               /* ... own; and their places in entry.recipients */
	size_t count;
	struct attempt attempt;      /* own */
	bool last_mark;              /* taken() is to be the end of the entry */
	bool one_by_one;             /* ... comes for each recipient by itself (LMTP) */
	size_t marked_last;          /* ... the last of them, index as of `which` */
	size_t unserved;             /* ... recipients of the entry that do not have it */
	struct err unmarkable;       /* the mark could not be prepared: why; no content goes out */
	bool going;                  /* a content of it is on its way */
	bool begun;                  /* ... or was */
	bool taken;                  /* some content of it was */
	struct job *next;
};

/* One connection of a lane. */
struct courier {
	struct lane *lane;           /* borrowed */
	struct session *session;     /* own */
	struct slot *slot;           /* own */
	struct watch soon;           /* runs when the session's own call has come back */
	size_t outstanding;
	size_t going;                /* of these, how many have a content on its way */
	size_t served;               /* messages taken */
	struct job *finished, **finished_end;   /* to be settled */
	struct smtp_failure failure; /* own text; as the session ended */
	bool ending, ended, failed;
	bool renews;                 /* its access token was refused, and another one may do */
	bool blamed;                 /* it ended with the content of one message, whose it may be */
	uint64_t rate_until;         /* clock_ms(): max_rate wants us to wait; 0 */
	struct courier *next;
};

/* What waits for one account. */
struct lane {
	struct flush *flush;         /* borrowed */
	const struct config *config; /* borrowed; that the account stands in */
	const struct account *account;   /* borrowed */
	char (*ids)[ENTRY_ID_LEN + 1];   /* own; due, oldest first */
	int64_t *order;              /* own; microseconds since 1970 */
	size_t count, cap, at;
	bool stands_in;              /* another account's messages come here as well */
	bool overdue;                /* some are here for their last try */
	bool closed;                 /* nothing more goes by it in this run */
	char old_token[DIGEST_HEX + 1];  /* digest of the access token that was refused; "" */
	struct timespec since;       /* when the first of the sessions that are open began */
	bool apart;                  /* see smtp_options.apart */
	unsigned blames;             /* sessions in a row that ended so */
	bool cleared;                /* a success has released the account */
	char *sure;                  /* own; the sender that nothing stands against any more; NULL */
	struct refused_sender {      /* MAIL said no to them in this run */
		char *address, *cause, *reason;   /* own */
	} *refused;                  /* own */
	size_t refused_count;
	struct courier *couriers;
	size_t courier_count;
	struct lane *next;
};

/* Messages that were looked at in this run. */
struct seen {
	uint64_t *numbers;           /* own; hash of ids */
	size_t count, size;
	char (*busy)[ENTRY_ID_LEN + 1];   /* own; those that another process had */
	size_t busy_count, busy_cap;
	char (*put_off)[ENTRY_ID_LEN + 1];   /* own; that were to come once more at the end */
	size_t put_off_count;
};

struct flush {
	struct loop loop;
	struct spool *spool;         /* borrowed */
	const struct config *config; /* borrowed */
	struct config_shelf shelf;   /* own */
	const struct flush_options *o;   /* borrowed */
	struct flush_result *r;      /* borrowed */
	struct lane *lanes;          /* own */
	int64_t began;               /* seconds since 1970 */
	struct trouble_grants grants;    /* own */
	struct seen seen;            /* own */
	struct watch stop, sync;
	bool stopped;                /* by a signal */
	struct err err;              /* what ended the run */
};

/* ---- flush_seen.c */

bool seen_add(struct seen *s, const char *id);   /* true: it was new to this run */
void seen_busy(struct seen *s, const char *id);
/* To be looked at once more when the rest is done; false: it was that before. */
bool seen_put_off(struct seen *s, const char *id);
/* Whether it was busy, and no longer is: it is new then once more. */
bool seen_let_go(struct seen *s, struct spool *spool, const char *id);
void seen_release(struct seen *s);

/* ---- flush.c */

/* Its turn comes in the loop, at once: what is done is settled, marks are synced, more is fed. */
void courier_run_soon(struct courier *c);

/* ---- flush_visit.c */

/* What an entry wants now. */
enum wish { WISH_WAIT, WISH_SEND, WISH_GONE };

/* What is known of an account, read once in a look at the queue. */
struct known {
	const struct account *account;   /* borrowed */
	struct park park;            /* own */
	bool closed;                 /* neither it nor its fallback may be used now */
};

struct visit {
	struct spool *spool;
	const struct config *config;
	struct config_shelf *shelf;
	int64_t now;
	bool all_due;                /* what is not yet due counts as due */
	uid_t uid;                   /* (uid_t)-1: everybody's */
	const char *config_file;     /* NULL: all */
	int64_t since;               /* what was tried behind it is not due; 0 */
	struct trouble_grants *grants;   /* borrowed; an operator wants what is parked tried; NULL */
	struct known *known;         /* own */
	size_t known_count;
};
void visit_release(struct visit *v);

/* What is found out about an entry. */
struct finding {
	const struct config *config;     /* borrowed */
	const struct account *account;   /* borrowed; NULL: none is to be had */
	int64_t when;
	int64_t order;                   /* microseconds since 1970 */
	bool overdue;                    /* this is its last try */
	bool damaged;                    /* and set aside */
	bool given_up;                   /* just now: WISH_GONE */
	struct err stuck;                /* kind not ERR_NONE: it is due, and no account is to be had */
	struct err trouble;              /* ... it cannot be read now */
};

/* Looks at one entry: gives up what has expired, tells what is late, sets aside
 * what is damaged.  WISH_SEND: the account carries it now; WISH_WAIT: not before
 * `when`. */
enum wish visit_entry(struct visit *v, const char *id, struct finding *f);

/* The account of an entry by the configuration in force; NULL with *e. */
const struct account *visit_route(const struct config *c, const struct entry *n, struct err *e);

/* ---- flush_job.c */

/* 1: submitted to the courier; 0: nothing to do with it (busy, gone, not due). */
int  job_start(struct courier *c, const char *id);
void refused_release(struct refused_sender *r);
void job_settle(struct job *j);      /* writes down what became of it, and frees it */

/* ---- flush_mark.c */

/* The entry's own, of the i-th of those that are being tried. */
struct entry_recipient *job_recipient(struct job *j, size_t i);
/* Whether such an answer ends the matter for its recipient. */
bool job_is_final(const struct job *j, const struct smtp_result *r);
void job_marks(struct job *j);       /* has the marks made, and the end told */

/* ---- flush_lane.c */

/* Everything in new/ that this run has not looked at yet, into lanes.  True: something
 * was found to be sent. */
bool flush_collect(struct flush *f);   /* f->err: the queue cannot be read */
/* What stands in the way, as the last trouble: not an account's own (yet). */
void flush_reason(struct flush *f, const char *reason);
void flush_note_next(struct flush *f, int64_t when);

/* Nothing more goes by this lane: for what a server said (r) or what we could
 * not; the account is parked if it is its trouble. */
void lane_close(struct lane *l, const struct smtp_result *r, const struct err *err);
/* What was said to a MAIL: that it takes so many messages in one connection, which this one had. */
bool courier_is_full(const struct courier *c, const struct smtp_result *said);
/* A message of that sender was taken. */
void lane_success(struct lane *l, const char *sender);
/* Something was said of a sender: the next success counts again. */
void lane_unsure(struct lane *l);
/* A message that the trouble kept from being tried: the next session, or the
 * fallback, has it. */
void lane_again(struct lane *l, const char *id, int64_t order);
/* What this lane can no longer carry goes by the fallback, or waits. */
void lane_hand_over(struct lane *l);

#endif
