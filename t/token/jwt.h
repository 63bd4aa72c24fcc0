/* t/token/jwt.h - signed assertions (RFC 7515, 7519).
 */
#ifndef TOKEN_JWT_H
#define TOKEN_JWT_H

#include <jansson.h>

#include "base/buf.h"

/* Its header and claims (the caller's), signed by the key of the certificate in a PEM
 * file.  -1: *why. */
int  jwt_read(const char *text, const char *certificate, json_t **header, json_t **claims,
	const char **why);

/* SHA-256 (else SHA-1) of that certificate, in base64url: x5t#S256 and x5t. */
int  jwt_thumbprint(const char *certificate, bool sha256, struct buf *out);

#endif
