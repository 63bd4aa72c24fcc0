/* net/token_pin.h - the PIN of a security token, from its URI or the file that this names.
 * Internal to TLS.
 */
#ifndef NET_TOKEN_PIN_H
#define NET_TOKEN_PIN_H

#include "base/err.h"
#include "base/pkcs11.h"
#include "base/secret.h"

/* The URI has pin-source or pin-value.  -1: ERR_CONFIG; the file cannot be had, or no token
 * could have what is in it for a PIN, which would cost one of the few tries.  *out is the
 * caller's to wipe. */
int token_pin_read(const struct pkcs11_uri *uri, struct secret *out, struct err *e);

#endif
