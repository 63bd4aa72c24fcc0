/* mail/resent.h - where the newest block of Resent- fields ends.
 *
 * Internal to mail/.  RFC 5322 section 3.6.6: each resending puts a new block
 * in front; no mark tells two of them apart.
 */
#ifndef MAIL_RESENT_H
#define MAIL_RESENT_H

#include <stddef.h>

/* The Resent- fields that start before the returned offset are the newest
 * block; 0 when there are none. */
size_t resent_end(const char *block, size_t len);

#endif
