/* probe/token_tell.h - an account's access token, told without the token.
 */
#ifndef PROBE_TOKEN_TELL_H
#define PROBE_TOKEN_TELL_H

#include "deliver/account.h"
#include "probe/report.h"

/* Of what is stored: since when and how long it is good, for whom and what.  since: seconds
 * since 1970; what was obtained from then on is called new. */
void token_tell(struct report_stage *s, const struct account *a, int64_t since);

#endif
