/* t/server/secure.h - the server's side of TLS.
 */
#ifndef SERVER_SECURE_H
#define SERVER_SECURE_H

#include "t/server/wire.h"

/* Loads certificates; prints and returns -1 when that cannot be done. */
int secure_init(const struct options *opt);

/* Handshake on a connection; 0, or -1 (the journal says why). */
int secure_start(struct wire *w);

const char *secure_version(const struct wire *w);   /* "TLS1.3"; "none" in clear */

/* Whether the client showed a certificate that the client CA signed; identity
 * (cleared first) gets its e-mail SAN, else its CN. */
bool secure_identity(const struct wire *w, struct buf *identity);

/* Channel binding of a type ("tls-exporter", "tls-unique"); -1: not to be had. */
int secure_binding(const struct wire *w, const char *type, struct buf *out);

#endif
