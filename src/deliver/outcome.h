/* deliver/outcome.h - what became of an attempt: the exit code, the lines for a
 * person, the object for a program, the record for the log.
 *
 * Exit 0 is said when every recipient was accepted by a server or is durably
 * stored, and at no other place.
 */
#ifndef DELIVER_OUTCOME_H
#define DELIVER_OUTCOME_H

#include <stdint.h>

#include "base/log.h"
#include "deliver/cause.h"
#include "deliver/message.h"
#include "deliver/session.h"
#include "smtp/engine.h"

/* What the caller is promised decides how the message is sent: with --no-queue
 * nobody gets it while one recipient may have to be tried again. */
void outcome_prepare(struct smtp_message *m, bool no_queue);

/* What concerns account or sender is no refusal of the message: with a queue it
 * waits.  Before anything is stored. */
void outcome_sort(struct smtp_message *m, const char *host);

struct outcome {
	int exit;
	size_t delivered, refused, later, unknown, not_sent;
	const struct account *account;       /* borrowed; NULL: none was chosen */
	const char *why;                     /* borrowed; why this account */
	const struct attempt *attempt;       /* borrowed; NULL: it did not come to one */
	const char *message_id;              /* borrowed; NULL, "": none */
	struct err err;                      /* kind ERR_NONE: no failure of ours */
	struct smtp_result refusal;          /* borrowed text; code 0: the session was not refused */
	uint64_t milliseconds;
	char peer[64], mechanism[32], tls[16];
	char warning[202 + SESSION_WARNING]; /* tls_facts.warning; session_warning() */

	bool no_queue;                       /* what was not sent is not stored */
	bool queued;                         /* what was not sent is in the queue ... */
	bool handed_over;                    /* ... or all of it is the runner's */
	int64_t not_before;                  /* ... to be sent then; 0: as soon as possible */
	char id[32];                         /* ... under this id, with its scope; "" none */
	struct err store;                    /* kind ERR_NONE: storing did not fail */
	bool reported;                       /* refusals are told by mail */
	struct err left_out;                 /* what is of no use in the aliases; ERR_NONE: all is */
};

/* Settles exit and counts; account, attempt, err, refusal and what the queue
 * said are set. */
void outcome_settle(struct outcome *o);

/* Why it is in the queue, on one line; "" */
void outcome_reason(const struct outcome *o, char *out, size_t size);

/* The lines for stderr, each "sendoff: what failed: why (where)" and, where
 * there is one, a next step; nothing on success. */
void outcome_describe(const struct outcome *o, struct buf *out);

/* One JSON object on one line, with its newline.  file: the input, or NULL. */
void outcome_json(const struct outcome *o, const char *file, struct buf *out);

/* What a client that handed it in by SMTP is answered: 250 where the exit code is 0,
 * a refusal for good where it must not be handed in again as it is, else one for
 * now. */
struct server_reply;
void outcome_reply(const struct outcome *o, struct server_reply *reply);

void outcome_record(const struct outcome *o, struct log_record *r);

/* The lines for an error outside of an attempt. */
void outcome_describe_err(const struct err *e, struct buf *out);

#endif
