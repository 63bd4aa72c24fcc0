/* deliver/fit.h - an attempt's content as the server at hand can take it.
 *
 * What it is depends on what that server offers, so it is made anew for each
 * session, always from the letter.  A message that needs nothing is neither read
 * nor copied; else the header is written anew, and the body only if it must be
 * (mail/convert): then it is read twice, and goes to memory or to a file without a
 * name (base/spill).
 */
#ifndef DELIVER_FIT_H
#define DELIVER_FIT_H

#include "deliver/message.h"
#include "smtp/capabilities.h"

/* What smtp_message.fit does for t->smtp.  -1: ERR_CAPABILITY: this server cannot
 * take it, ever; ERR_STORE: no room now; what reading the letter failed of. */
int  attempt_fit(struct attempt *t, const struct smtp_capabilities *c, struct err *e);
void attempt_unfit(struct attempt *t);   /* as attempt_dress() left it */

#endif
