/* deliver/outcome.h - what became of an attempt: the exit code, the lines for a
 * person, the object for a program, the record for the log.
 *
 * This is also the one place that knows what happens to a message that could
 * not be sent: for now it is given back to the caller, as with --no-queue.
 */
#ifndef DELIVER_OUTCOME_H
#define DELIVER_OUTCOME_H

#include <stdint.h>

#include "base/log.h"
#include "deliver/cause.h"
#include "deliver/message.h"
#include "smtp/engine.h"

/* What the caller is promised decides how the message is sent: nobody gets it
 * while one recipient may have to be tried again. */
void outcome_prepare(struct smtp_message *m);

struct outcome {
	int exit;
	size_t delivered, refused, later, unknown, not_sent;
	const struct account *account;       /* borrowed; NULL: none was chosen */
	const char *why;                     /* borrowed; why this account */
	const struct attempt *attempt;       /* borrowed; NULL: it did not come to one */
	const struct message *message;       /* borrowed */
	struct err err;                      /* kind ERR_NONE: no failure of ours */
	struct smtp_result refusal;          /* borrowed text; code 0: the session was not refused */
	uint64_t milliseconds;
	char peer[64], mechanism[32], tls[16];
};

/* Settles exit and counts; account, attempt, err and refusal are set. */
void outcome_settle(struct outcome *o);

/* The lines for stderr, each "sendoff: what failed: why (where)" and, where
 * there is one, a next step; nothing on success. */
void outcome_describe(const struct outcome *o, struct buf *out);

/* One JSON object on one line, with its newline.  file: the input, or NULL. */
void outcome_json(const struct outcome *o, const char *file, struct buf *out);

void outcome_record(const struct outcome *o, struct log_record *r);

/* The lines for an error outside of an attempt. */
void outcome_describe_err(const struct err *e, struct buf *out);

#endif
