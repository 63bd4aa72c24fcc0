/* base/digest.c - SHA-256 by Nettle; see digest.h.
 *
 * Not by GnuTLS, whose hashes are Nettle's too, but which costs ten times as much
 * to load.
 */
#include "base/digest.h"

#include <nettle/sha2.h>
#include <nettle/version.h>
#include <stdlib.h>

#include "base/mem.h"

enum { OCTETS = DIGEST_HEX / 2 };

struct digest {
	struct sha256_ctx state;
};

static void write_hex(struct sha256_ctx *state, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char octets[OCTETS];

#if NETTLE_VERSION_MAJOR >= 4
	sha256_digest(state, octets);
#else
	sha256_digest(state, sizeof(octets), octets);
#endif
	for (size_t i = 0; i < OCTETS; i++) {
		hex[2 * i] = digits[octets[i] >> 4];
		hex[2 * i + 1] = digits[octets[i] & 15];
	}
	hex[DIGEST_HEX] = '\0';
}

struct digest *digest_new(void)
{
	struct digest *d = mem_alloc(sizeof(*d));

	sha256_init(&d->state);
	return d;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
	if (len)
		sha256_update(&d->state, len, data);
}

bool digest_end(struct digest **dp, char hex[DIGEST_HEX + 1])
{
	write_hex(&(*dp)->state, hex);
	digest_free(dp);
	return true;
}

void digest_free(struct digest **dp)
{
	free(*dp);
	*dp = NULL;
}

bool digest_of(const void *data, size_t len, char hex[DIGEST_HEX + 1])
{
	struct sha256_ctx state;

	sha256_init(&state);
	sha256_update(&state, len, data);
	write_hex(&state, hex);
	return true;
}
