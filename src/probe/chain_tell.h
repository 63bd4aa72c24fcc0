/* probe/chain_tell.h - the certificates of a server, told.
 */
#ifndef PROBE_CHAIN_TELL_H
#define PROBE_CHAIN_TELL_H

#include "base/buf.h"
#include "net/tls.h"
#include "probe/report.h"

/* Adds what the server sent to the stage: each certificate and days left, or its raw public
 * key; the pin to copy;
 * good: it was accepted.  Warns of what runs out soon. */
void chain_tell(struct report_stage *s, const struct tls *t, bool good);

#endif
