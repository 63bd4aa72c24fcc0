/* base/digest.h - SHA-256, to notice that a file is not what it was.
 *
 * Against accidents, not against people: whoever can write a queue file can
 * write its digest as well.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_HEX = 64 };   /* digits, lower case; beside them a NUL */

struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *d, const void *data, size_t len);
/* The digest of all that was added; frees *dp.  False when the library failed at
 * any time: then hex is empty and equal to no digest. */
bool digest_end(struct digest **dp, char hex[DIGEST_HEX + 1]);
void digest_free(struct digest **dp);   /* *dp may be NULL */

/* Of one run of octets. */
bool digest_of(const void *data, size_t len, char hex[DIGEST_HEX + 1]);

#endif
