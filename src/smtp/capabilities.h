/* smtp/capabilities.h - what the current EHLO reply offers.
 *
 * Pure.  Only the extensions that this program uses are read; a new EHLO
 * replaces everything.
 */
#ifndef SMTP_CAPABILITIES_H
#define SMTP_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "smtp/reply.h"

struct smtp_capabilities {
	bool esmtp;               /* EHLO was understood */
	bool starttls, pipelining, eight_bit_mime, smtputf8, dsn, chunking, enhanced, size_known;
	bool xsendoff;            /* the other side is a sendoff (smtp/server.h) */
	uint64_t size;            /* SIZE (RFC 1870); 0: no fixed limit */
	long recipients_most;     /* LIMITS RCPTMAX (RFC 9422); 0: not said */
	char auth[1024];          /* mechanisms, upper case as offered, separated by blanks */
};

/* Reads a 250 reply to EHLO.  "AUTH=LOGIN" (older than RFC 2554) counts too. */
void capabilities_read(struct smtp_capabilities *c, const struct smtp_reply *ehlo);

#endif
