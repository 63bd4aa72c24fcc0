/* deliver/trouble.h - an account that cannot be used now, and one that can again.
 *
 * Decides nothing on its own: the table of causes says what parks an account,
 * queue/park keeps it, queue/schedule says for how long.
 */
#ifndef DELIVER_TROUBLE_H
#define DELIVER_TROUBLE_H

#include "deliver/cause.h"
#include "deliver/config.h"
#include "queue/park.h"

/* Parks it for what a server said (r), or else for what we could not (err).  since: when the
 * attempt began, for what has changed meanwhile releases it at once.  1: it is parked now; 0: the
 * cause is no trouble of the account; -1: it is, and that could not be written down. */
int trouble_park(struct spool *s, const struct config *c, const struct account *a,
	const struct timespec *since, const struct smtp_result *r, const struct err *err);

/* The sender was refused: for good, and it is parked with this account; for now, and
 * the account is parked when that happens to two different senders in a row.  True:
 * the account is. */
bool trouble_sender(struct spool *s, const struct config *c, const struct account *a,
	const char *sender, const struct smtp_result *r);

/* A server took a message of that sender: whatever stood against the account, and
 * against the two of them, is over. */
void trouble_over(struct spool *s, const struct account *a, const char *sender);

/* Whether it is parked now, by the configuration in force: true, with what is known of that,
 * which is the caller's to release.  One that stays (struct cause) is parked on. */
bool trouble_is_parked(struct spool *s, const struct config *c, const struct account *a,
	struct park *out);

/* Whether the log is to be told now of what will be trouble soon: once a day for each
 * account, of all processes together. */
bool trouble_warns(struct spool *s, const struct account *a);

/* Whether its server was seen, in the last days, not to bear a transaction behind a content that
 * is not answered yet; and that it was (smtp_failure.rode). */
bool trouble_is_apart(struct spool *s, const struct account *a);
void trouble_apart(struct spool *s, const struct account *a);

/* What an operator may try in spite of its being parked: once a minute for each account,
 * so that a script which asks in a loop does not lock the login; what was granted holds
 * for the run.  All zero at the start. */
struct trouble_grants {
	struct trouble_grant {
		const struct account *account;   /* borrowed */
		bool given;
	} *items;                /* own */
	size_t count;
};
void trouble_grants_release(struct trouble_grants *g);

/* What stands against it. */
struct trouble_why {
	int64_t until;             /* seconds since 1970 */
	const struct cause *cause; /* NULL: one of another release */
	char reason[ENTRY_TEXT_MAX + 1];
};

/* Whether it may be used now: the account, else its fallback, else NULL with why not.
 * TROUBLE_FRESH: a message that has just come is tried in spite of trouble with the network or
 * on this machine, which costs a server nothing.  grants: an operator asks, who may do so
 * again at that moment; NULL: nobody of that kind. */
enum trouble_ask { TROUBLE_ASK, TROUBLE_FRESH };
const struct account *trouble_free(struct spool *s, const struct config *c,
	const struct account *a, enum trouble_ask ask, struct trouble_grants *grants,
	struct trouble_why *why);

/* How long, in seconds, max_rate lets no further message go; 0: one may. */
int64_t trouble_rate_wait(struct spool *s, const struct account *a);

/* Whether an account that may be used may be used for that sender: true, else why not.  p: what is known of the account, if it was read already;
 * NULL: it is read here. */
bool trouble_sender_free(struct spool *s, const struct config *c, const struct account *a,
	const struct park *p, const char *sender, struct trouble_grants *grants,
	struct trouble_why *why);

#endif
