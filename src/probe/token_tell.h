/* probe/token_tell.h - an account's access token, told without the token.
 */
#ifndef PROBE_TOKEN_TELL_H
#define PROBE_TOKEN_TELL_H

#include "base/digest.h"
#include "deliver/account.h"
#include "probe/report.h"

/* The digest of the one that is stored; "": none is. */
void token_mark(const struct account *a, char digest[DIGEST_HEX + 1]);

/* Of what is stored: since when and how long it is good, for whom and what.  before: the
 * mark of the one that was there; another one is called new.  access: the one that was got. */
void token_tell(struct report_stage *s, const struct account *a, const char *before,
	const struct secret *access);

#endif
