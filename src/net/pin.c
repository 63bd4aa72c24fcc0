/* net/pin.c - fingerprints of certificates and keys; see pin.h. */
#include "net/pin.h"

#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/gnutls.h"
#include "base/text.h"

static int refuse(const char *text, struct err *e)
{
	char shown[128];

	text_clean_to(shown, sizeof(shown), text, strlen(text));
	err_set(e, ERR_CONFIG, "tls_pin: '%s' is not a SHA-256 fingerprint", shown);
	return err_hint(e, "write spki:HEX or cert:HEX with 64 hexadecimal digits "
		"(colons between octets are fine), or sha256//BASE64");
}

/* Colons may stand between octets, nowhere else. */
static bool read_hex(const char *text, unsigned char *digest)
{
	struct buf octets = BUF_INIT(PIN_OCTETS);
	bool good = true;

	for (unsigned i = 0; i < PIN_OCTETS && good; i++) {
		if (i && *text == ':')
			text++;
		good = text[0] && text[1] && hex_decode(text, 2, &octets) == 0;
		if (good)
			text += 2;
	}
	good = good && !*text && octets.len == PIN_OCTETS;
	if (good)
		memcpy(digest, octets.data, PIN_OCTETS);
	buf_release(&octets);
	return good;
}

static bool read_base64(const char *text, unsigned char *digest)
{
	struct buf octets = BUF_INIT(PIN_OCTETS);
	bool good = base64_decode(text, strlen(text), &octets) == 0 && octets.len == PIN_OCTETS;

	if (good)
		memcpy(digest, octets.data, PIN_OCTETS);
	buf_release(&octets);
	return good;
}

int pin_parse(const char *text, struct pin *out, struct err *e)
{
	const char *digits = text;
	bool good;

	memset(out, 0, sizeof(*out));
	if (!strncasecmp(text, "sha256//", 8)) {
		out->of_key = true;
		good = read_base64(text + 8, out->digest);
	} else {
		if (!strncasecmp(text, "spki:", 5))
			out->of_key = true;
		else if (!strncasecmp(text, "cert:", 5))
			out->of_cert = true;
		if (out->of_key || out->of_cert)
			digits += 5;
		else
			out->of_key = out->of_cert = true;
		good = read_hex(digits, out->digest);
	}
	return good ? 0 : refuse(text, e);
}

/* SHA-256 of the SubjectPublicKeyInfo; it stays when the certificate is renewed
 * with the same key. */
static bool key_digest(gnutls_x509_crt_t crt, unsigned char *digest)
{
	size_t size = PIN_OCTETS;

	return gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, digest, &size) == 0
		&& size == PIN_OCTETS;
}

static bool cert_digest(gnutls_x509_crt_t crt, unsigned char *digest)
{
	size_t size = PIN_OCTETS;

	return gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &size) == 0
		&& size == PIN_OCTETS;
}

/* RFC 7250 section 3: what is sent is a SubjectPublicKeyInfo and nothing else. */
static bool raw_digest(const gnutls_datum_t *key, unsigned char *digest)
{
	return key->size && gnutls_hash_fast(GNUTLS_DIG_SHA256, key->data, key->size, digest) == 0;
}

static void write_pin(const char *kind, const unsigned char *digest, bool known, struct buf *out)
{
	if (!known) {
		buf_add_text(out, "unknown");
		return;
	}
	buf_add_text(out, kind);
	hex_encode(digest, PIN_OCTETS, out);
}

void pin_write(gnutls_x509_crt_t crt, struct buf *out)
{
	unsigned char digest[PIN_OCTETS];
	bool known = key_digest(crt, digest);

	write_pin("spki:", digest, known, out);
}

void pin_write_cert(gnutls_x509_crt_t crt, struct buf *out)
{
	unsigned char digest[PIN_OCTETS];
	bool known = cert_digest(crt, digest);

	write_pin("cert:", digest, known, out);
}

void pin_write_raw(const gnutls_datum_t *key, struct buf *out)
{
	unsigned char digest[PIN_OCTETS];
	bool known = raw_digest(key, digest);

	write_pin("spki:", digest, known, out);
}

bool pin_of_key(const struct key_list *pins)
{
	struct err ignored;
	struct pin pin;

	for (size_t i = 0; i < pins->count; i++)
		if (pin_parse(pins->items[i], &pin, &ignored) == 0 && pin.of_key)
			return true;
	return false;
}

/* Of the digests that there are; NULL: there is none. */
static int match(const struct key_list *pins, const unsigned char *key, const unsigned char *cert,
	struct err *e)
{
	int found = PIN_OF_NONE;

	for (size_t i = 0; i < pins->count; i++) {
		struct pin pin;

		if (pin_parse(pins->items[i], &pin, e) < 0)
			return -1;
		if (pin.of_key && key && !memcmp(pin.digest, key, PIN_OCTETS))
			return PIN_OF_KEY;
		if (pin.of_cert && cert && !memcmp(pin.digest, cert, PIN_OCTETS))
			found = PIN_OF_CERT;
	}
	return found;
}

int pin_match(const struct key_list *pins, gnutls_x509_crt_t crt, struct err *e)
{
	unsigned char key[PIN_OCTETS], cert[PIN_OCTETS];
	bool has_key = key_digest(crt, key), has_cert = cert_digest(crt, cert);

	return match(pins, has_key ? key : NULL, has_cert ? cert : NULL, e);
}

int pin_match_raw(const struct key_list *pins, const gnutls_datum_t *key, struct err *e)
{
	unsigned char digest[PIN_OCTETS];
	bool known = raw_digest(key, digest);

	return match(pins, known ? digest : NULL, NULL, e);
}
