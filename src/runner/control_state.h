/* runner/control_state.h - one question, shared by the files of control only.
 *
 * control.c          the connection: what comes in, who it is, what goes out
 * control_answer.c   what is answered
 */
#ifndef RUNNER_CONTROL_STATE_H
#define RUNNER_CONTROL_STATE_H

#include "base/spill.h"
#include "deliver/manage.h"
#include "runner/control.h"

struct question {
	struct pool_job job;
	struct guest guest;           /* own */
	struct watch watch;
	struct buf in;                /* own; the line that asks */
	json_t *asked;                /* own; NULL: it has not come yet */
	bool working;                 /* a thread has it */
	bool counted;                 /* among the answers of its user */
	bool answered;                /* what is in out is all */
	struct retry_settings retry;
	uint64_t floor;               /* octets of disk that its answer leaves free */
	uint64_t looked;              /* octets of it when that was last looked at */
	char key[24];                 /* one user's questions are answered one by one */
	void (*work)(struct question *q, struct spool *s);   /* for a thread */
	bool look, flush;             /* what the supervisor is to be told afterwards */
	struct spill out;             /* own; answers, as lines */
	struct err trouble;           /* why no more could be added to it */
	uint64_t sent, renewed;       /* octets of it; when the deadline was set anew */
	struct question *next, **at;
};

/* Whether its answer takes long, and cannot be a thread's. */
bool control_is_long(const struct question *q);

/* Answers what can be answered at once, or sets q->work. */
void control_answer(struct question *q);

/* In a thread: does q->work. */
void control_work(struct pool_job *job);

#endif
