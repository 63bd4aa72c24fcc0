/* net/pin.h - "this key and no other" (tls_pin).  Internal to TLS. */
#ifndef NET_PIN_H
#define NET_PIN_H

#include <gnutls/x509.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/key.h"

enum { PIN_OCTETS = 32 };   /* SHA-256 */

struct pin {
	bool of_cert, of_key;   /* what the digest may be of */
	unsigned char digest[PIN_OCTETS];
};

/* Pure.  -1: ERR_CONFIG saying what a pin looks like. */
int pin_parse(const char *text, struct pin *out, struct err *e);

/* "spki:HEX" of a certificate's key, the form to paste; or "unknown". */
void pin_write(gnutls_x509_crt_t crt, struct buf *out);
/* "cert:HEX" of the certificate itself; likewise. */
void pin_write_cert(gnutls_x509_crt_t crt, struct buf *out);
/* "spki:HEX" of a raw public key, in DER as the server sent it. */
void pin_write_raw(const gnutls_datum_t *key, struct buf *out);

/* Whether one of them can be of a key. */
bool pin_of_key(const struct key_list *pins);

/* What of a certificate is pinned: PIN_OF_CERT alone will not be right of the next one.  -1:
 * ERR_CONFIG. */
enum { PIN_OF_NONE, PIN_OF_CERT, PIN_OF_KEY };
int pin_match(const struct key_list *pins, gnutls_x509_crt_t crt, struct err *e);
/* Likewise of a raw public key, which no pin of a certificate fits. */
int pin_match_raw(const struct key_list *pins, const gnutls_datum_t *key, struct err *e);

#endif
