/* deliver/enqueue.h - a message put into the queue.
 */
#ifndef DELIVER_ENQUEUE_H
#define DELIVER_ENQUEUE_H

#include "deliver/config.h"
#include "deliver/message.h"
#include "queue/spool.h"

/* Where the queue of this user is: `queue_dir`, for the runner's user the system's,
 * else $XDG_STATE_HOME/sendoff/queue, else ~/.local/state/sendoff/queue.  c may be NULL (a configuration that cannot
 * be read stops no mail from being stored).  Own; NULL with ERR_STORE: no home. */
char *enqueue_path(const struct config *c, struct err *e);

/* What the queue needs to know beside the message. */
struct enqueue_facts {
	const char *account, *config;   /* -a; -C as an absolute path; NULL */
	const char *tag, *token;        /* NULL */
	uid_t uid;
	const char *login;
	enum entry_errors errors;
	int64_t not_before;
	const char *subject_of;         /* a report: the id of what it is about; NULL */
	bool hold;

	/* A try that was made before; all zero when there was none. */
	const struct smtp_message *tried;   /* its verdicts: who has it is not stored */
	const char *tried_account, *tried_cause, *tried_reason;   /* NULL */
	int64_t next;
};

/* Stores it durably.  0 and the id (in: one that is wanted, or ""); 1: that id is
 * there already, and nothing was stored; -1: ERR_STORE, and nothing is stored. */
int enqueue(struct spool *s, const struct message *m, const struct enqueue_facts *f,
	char id[ENTRY_ID_LEN + 1], struct err *e);

#endif
