/* cmd/queue.h - the inside of `sendoff queue`, shared by its files and by what
 * sendmail has of it.
 *
 * queue.c         its words and options; hold, release, remove, retry
 * queue_open.c    where the two queues are: one's own and, by the control socket,
 *                 the system's
 * queue_list.c    list, mailq, show
 * queue_text.c    what they look like
 * queue_flush.c   flush, and sendmail -q
 * queue_check.c   check
 * queue_watch.c   watch
 */
#ifndef CMD_QUEUE_H
#define CMD_QUEUE_H

#include "cmd/cmd.h"
#include "deliver/config.h"
#include "deliver/manage.h"

/* ---- queue_open.c */

struct queues {
	const struct globals *globals;   /* borrowed */
	struct config config;            /* own */
	struct err config_err;           /* kind ERR_NONE: the configuration is in force */
	struct global_settings usual;    /* own; stands in for it ... */
	struct config none;              /* ... in this; borrows from usual */
	struct spool *spool;             /* own; NULL: nothing was ever queued */
	struct manage manage;            /* of the queue that is open */
	bool runner;                     /* the system's queue is to be asked as well */
	bool more;                       /* ... is to be opened behind one's own */
};

/* A configuration that is not right is told, and the usual place taken: mail is
 * stored there meanwhile.  -1: the queue is there and cannot be used. */
int  queues_open(struct queues *q, const struct globals *globals, struct err *e);
void queues_close(struct queues *q);

/* Root where no runner is has two queues: goes on from its own to the system's, as
 * the user who may use that, and for good.  False: there is no other; what went wrong
 * is told, and raises *code. */
bool queues_next(struct queues *q, int *code);
/* Whether an id that somebody typed is to be looked for there. */
bool queues_is_later(const struct queues *q, const char *id);

/* Asks the runner.  answer: of each object but what only ends it; may be NULL.
 * The question is freed. */
int queues_ask(json_t *question, void (*answer)(void *context, const json_t *object),
	void *context, struct err *e);

/* Whether an id that somebody typed is the system's affair. */
bool queues_is_system(const struct queues *q, const char *id);

/* ---- queue_list.c */

/* Calls for each message of both queues, one's own first.  The exit code; what
 * went wrong is told. */
int queues_list(struct queues *q, void (*item)(void *context, const struct manage_item *i),
	void *context);

/* -a: whether that account is meant to carry it. */
bool queues_wants(const struct queues *q, const struct manage_item *i);

int queue_list(struct queues *q, bool all);
int queue_mailq(struct queues *q);
int queue_show(struct queues *q, const char *id, bool content);

/* ---- queue_text.c: pure */

void show_mailq(const struct manage_item *i, bool first, struct buf *out);
void show_row(const struct manage_item *i, bool first, bool verbose, struct buf *out);
void show_whole(const struct manage_item *i, struct buf *out);
void show_total(uint64_t octets, uint64_t messages, struct buf *out);
char *show_span(int64_t seconds, char out[16]);    /* "45s", "12m", "30h", "3d" */
char *show_size(uint64_t octets, char out[16]);    /* "512", "12K", "3.4M" */
void show_json(json_t *object, struct buf *out);   /* and frees it */

/* ---- queue_flush.c */

int queue_flush(struct queues *q, char **words, int count);
/* sendmail -q: what is due of one's own, once, for cron; id: only that, due or
 * not.  Silent unless something is wrong here. */
int queue_run(const struct globals *globals, const char *id);

/* ---- queue_watch.c */

/* interval: ms; 0: the usual one. */
int cmd_queue_watch(const struct globals *globals, long interval);

/* ---- queue_check.c */

int queue_check(struct queues *q, long max_age_ms, long max_count);

#endif
