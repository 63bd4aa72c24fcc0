/* sasl/scram.h - SCRAM (RFC 5802, RFC 7677) over GnuTLS's hashes.
 *
 * Pure.  Internal to sasl/: the interface is sasl/sasl.h.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include "sasl/sasl.h"

enum { SCRAM_ROUNDS_LEAST = 4096, SCRAM_ROUNDS_MOST = 1000000 };

struct scram;

struct scram *scram_new(const struct sasl_login *login);
void scram_free(struct scram **sp);
int  scram_first(struct scram *s, struct buf *out, struct err *e);
int  scram_step(struct scram *s, const char *challenge, size_t len, struct buf *out, struct err *e);
bool scram_proved(const struct scram *s);   /* the server's signature was right */

#endif
