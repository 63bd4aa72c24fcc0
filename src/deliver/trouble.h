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

/* Parks it for what a server said (r), or else for what we could not (err); not
 * when the cause is no trouble of the account.  True: it is parked now. */
bool trouble_park(struct spool *s, const struct config *c, const struct account *a,
	const struct smtp_result *r, const struct err *err);

/* MAIL was refused for now: the account is parked when that happens to two
 * different senders in a row. */
bool trouble_sender(struct spool *s, const struct config *c, const struct account *a,
	const char *sender, const struct smtp_result *r);

/* A server took a message: whatever stood against the account is over. */
void trouble_over(struct spool *s, const struct account *a);

/* Whether it may be used now: the account, else its fallback, else NULL with the
 * moment and the reason.  fresh: a message that has just come is tried in spite
 * of trouble with the network, which costs a server nothing.  override: an
 * operator may try in spite of anything, once a minute. */
enum trouble_ask { TROUBLE_ASK, TROUBLE_FRESH, TROUBLE_OVERRIDE };
const struct account *trouble_free(struct spool *s, const struct config *c,
	const struct account *a, enum trouble_ask ask, int64_t *until, char *reason, size_t size);

#endif
