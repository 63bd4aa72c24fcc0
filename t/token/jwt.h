/* t/token/jwt.h - signed assertions (RFC 7515, 7519) and base64url.
 */
#ifndef TOKEN_JWT_H
#define TOKEN_JWT_H

#include <jansson.h>

#include "base/buf.h"

void base64url_encode(const void *data, size_t len, struct buf *out);
int  base64url_decode(const char *text, size_t len, struct buf *out);   /* 0, or -1 */

/* Its header and claims (the caller's), signed by the key of the certificate in a PEM
 * file.  -1: *why. */
int  jwt_read(const char *text, const char *certificate, json_t **header, json_t **claims,
	const char **why);

/* SHA-256 (else SHA-1) of that certificate, in base64url: x5t#S256 and x5t. */
int  jwt_thumbprint(const char *certificate, bool sha256, struct buf *out);

#endif
