/* base/digest.c - SHA-256 by GnuTLS; see digest.h. */
#include "base/digest.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { OCTETS = DIGEST_HEX / 2 };

struct digest {
	gnutls_hash_hd_t state;   /* own; NULL: it could not be had */
	bool failed;
};

static void write_hex(const unsigned char *octets, char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < OCTETS; i++) {
		hex[2 * i] = digits[octets[i] >> 4];
		hex[2 * i + 1] = digits[octets[i] & 15];
	}
	hex[DIGEST_HEX] = '\0';
}

struct digest *digest_new(void)
{
	struct digest *d = mem_alloc(sizeof(*d));

	d->failed = gnutls_hash_init(&d->state, GNUTLS_DIG_SHA256) < 0;
	if (d->failed)
		d->state = NULL;
	return d;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	if (len && d->state && gnutls_hash(d->state, data, len) < 0)
		d->failed = true;
}

bool digest_end(struct digest **dp, char hex[DIGEST_HEX + 1])
{
	unsigned char octets[OCTETS];
	bool good = !(*dp)->failed;

	hex[0] = '\0';
	if (good) {
		gnutls_hash_output((*dp)->state, octets);
		write_hex(octets, hex);
	}
	digest_free(dp);
	return good;
}

void digest_free(struct digest **dp)
{
	if (!*dp)
		return;
	if ((*dp)->state)
		gnutls_hash_deinit((*dp)->state, NULL);
	free(*dp);
	*dp = NULL;
}

bool digest_of(const void *data, size_t len, char hex[DIGEST_HEX + 1])
{
	unsigned char octets[OCTETS];

	hex[0] = '\0';
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, octets) < 0)
		return false;
	write_hex(octets, hex);
	return true;
}
