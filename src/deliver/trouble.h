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

/* Parks it for what a server said (r), or else for what we could not (err).  1: it is
 * parked now; 0: the cause is no trouble of the account; -1: it is, and that could not
 * be written down. */
int trouble_park(struct spool *s, const struct config *c, const struct account *a,
	const struct smtp_result *r, const struct err *err);

/* The sender was refused: for good, and it is parked with this account; for now, and
 * the account is parked when that happens to two different senders in a row.  True:
 * the account is. */
bool trouble_sender(struct spool *s, const struct config *c, const struct account *a,
	const char *sender, const struct smtp_result *r);

/* A server took a message of that sender: whatever stood against the account, and
 * against the two of them, is over. */
void trouble_over(struct spool *s, const struct account *a, const char *sender);

/* Whether it may be used now: the account, else its fallback, else NULL with the
 * moment and the reason.  fresh: a message that has just come is tried in spite
 * of trouble with the network, which costs a server nothing.  override: an
 * operator may try in spite of anything, once a minute. */
enum trouble_ask { TROUBLE_ASK, TROUBLE_FRESH, TROUBLE_OVERRIDE };
const struct account *trouble_free(struct spool *s, const struct config *c,
	const struct account *a, enum trouble_ask ask, int64_t *until, char *reason, size_t size);

/* An operator wants what is parked to be tried: granted once a minute, so that a
 * script which asks in a loop does not lock the login. */
bool trouble_override(struct spool *s, const struct account *a);

/* Whether an account that may be used may be used for that sender: true, else the
 * moment and the reason.  p: what is known of the account, if it was read already;
 * NULL: it is read here. */
bool trouble_sender_free(struct spool *s, const struct config *c, const struct account *a,
	const struct park *p, const char *sender, int64_t *until, char *reason, size_t size);

#endif
