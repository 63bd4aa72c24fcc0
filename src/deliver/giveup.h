/* deliver/giveup.h - bad news, told: reports of failure and of delay,
 * on_failure, and where a message goes that is given up.
 *
 * A report is durable before the message that it is about leaves new/.  Its id
 * follows from what it is about, and whoever flushes a report first finishes the
 * giving up that it stems from: however often this is interrupted, there is one
 * report.  Never a report about a report, nor to the null sender.
 */
#ifndef DELIVER_GIVEUP_H
#define DELIVER_GIVEUP_H

#include "deliver/config.h"
#include "queue/spool.h"

/* Recipients of n that are RECIPIENT_FAILED are reported and become REPORTED;
 * when nobody is left waiting the entry goes to failed/, even if others have it.
 * h is locked and loaded into n; n is updated.  account may be NULL.  Logs at
 * error; runs on_failure.  0; -1: ERR_STORE, and what is not yet told stays. */
int giveup_failed(struct spool *s, const struct config *c, const struct account *a,
	struct held *h, struct entry *n, struct err *e);

/* What max_age has passed: everybody waiting becomes FAILED (4.4.7 or the last
 * answer), and then giveup_failed(). */
int giveup_expired(struct spool *s, const struct config *c, const struct account *a,
	struct held *h, struct entry *n, struct err *e);

/* The one notice that it is late (delay_notice). */
int giveup_delayed(struct spool *s, const struct config *c, const struct account *a,
	struct held *h, struct entry *n, struct err *e);

/* Before a report is delivered: what it is about is marked as told.  -1: not now;
 * ERR_TIMEOUT, another process is at what it is about, or ERR_STORE. */
int giveup_finish(struct spool *s, const struct config *c, const struct entry *report,
	struct err *e);

/* A report about recipients that a server refused while the caller waited
 * (sendmail -oem): stored like mail.  0 and the id; 1: nobody can be told; -1. */
struct message;
struct smtp_message;
int giveup_tell(struct spool *s, const struct config *c, const struct account *a,
	const struct message *m, const struct smtp_message *tried, char id[ENTRY_ID_LEN + 1],
	struct err *e);

/* on_failure: at most once a minute for all of a queue; in the background, 30 s.
 * id: "" where it is about no message.  False: it was not run. */
bool giveup_run_command(struct spool *s, const struct config *c, const char *id,
	const char *account, const char *reason);

#endif
