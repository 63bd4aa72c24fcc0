/* net/token.h - a client's key that no file holds: it is on a security token and answers
 * through a PKCS#11 module.  Internal to TLS.
 *
 * A module is somebody else's code, which may wait for a device or a person as long as it
 * likes.  So a child loads it, alone knows the PIN, and signs when it is asked; when the
 * deadline comes it is killed.  A wrong PIN is tried once, and none where only one try is
 * left: tokens lock themselves.
 */
#ifndef NET_TOKEN_H
#define NET_TOKEN_H

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/tls.h"

struct token;

/* For settings in which the key, or the certificate, is a PKCS#11 URI: begins to open it.
 * NULL: ERR_CONFIG, ERR_SYSTEM. */
struct token *token_start(const struct tls_settings *set, struct err *e);
void token_free(struct token **tp);    /* kills the child */

/* Until when whoever asks it for something waits; clock_ms() time. */
void token_until(struct token *t, uint64_t deadline);

/* Waits until it is open.  -1: ERR_SECRET (pkcs11-missing, pkcs11-pin, pkcs11-locked,
 * pkcs11-silent, pkcs11-trouble), ERR_CONFIG. */
int token_open(struct token *t, struct err *e);

/* Once it is open: the certificate as DER, size 0 where that is not on it.  Borrowed. */
gnutls_datum_t token_certificate(const struct token *t);
/* The certificate (DER) that its key must belong to.  Whether it does, the first signature tells,
 * and one of another key is none, with token_failed(): the library would have the token sign
 * something only to see that, which may take a person's touch, and long before we know who the
 * server is.  -1: ERR_CONFIG, it is a key of another kind; ERR_TLS. */
int token_expect(struct token *t, const gnutls_datum_t *der, struct err *e);
/* Then: a key that signs by it, which must outlive it; NULL where the key is not on it, or the
 * library has no memory. */
gnutls_privkey_t token_key(struct token *t);

/* It has signed what there was to sign: the child ends, and with it all that knows the PIN.
 * A key of token_key() signs no more. */
void token_rest(struct token *t);

/* True: it failed in the midst of a handshake; *e is as of token_open(). */
bool token_failed(const struct token *t, struct err *e);

#endif
