/* t/fuzz/sasl_scram.c - any octets as a SCRAM server.
 *
 * The first octet chooses the mechanism; the rest, split at newlines, are its
 * challenges.  Nobody who does not know the password can be believed (D7), a
 * refusal says why, and the password is never said (D9).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/gnutls.h"
#include "sasl/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char password[] = "never-to-be-shown";

static void must(bool good)
{
	if (!good)
		abort();
}

static void talk(struct sasl *s, const char *data, size_t size)
{
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	bool good = true, guessed = memmem(data, size, password, sizeof(password) - 1);

	must(sasl_start(s, &out, &e) == 0 && out.len > 0);
	for (unsigned i = 0; good && i < 4; i++) {
		const char *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		buf_clear(&out);
		good = sasl_step(s, data, len, &out, &e) == 0;
		must(good || (e.kind == ERR_LOGIN && e.text[0] && !out.len));
		must(guessed || (!strstr(e.text, password) && !strstr(e.hint, password)));
		must(guessed || !strstr(buf_text(&out), password));
		must(sasl_finish(s, &e) < 0);
		if (!end)
			break;
		data += len + 1;
		size -= len + 1;
	}
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret secret = { .data = password, .len = sizeof(password) - 1 };
	struct sasl_binding binding = { .type = "tls-exporter", .len = 32 };
	struct sasl_login login = { .user = "user", .secret = &secret, .binding = &binding,
		.nonce = "fyko+d2lbbFgONRv9qkxdawL" };
	struct err e = { 0 };
	struct sasl *s;

	if (!size)
		return 0;
	login.mechanism = (enum sasl_mechanism)(SASL_SCRAM_SHA_256_PLUS + data[0] % 4);
	login.plus_offered = data[0] & 4;
	must(gnutls_need(&e) == 0);
	s = sasl_new(&login, &e);
	must(s != NULL);
	talk(s, (const char *)data + 1, size - 1);
	sasl_free(&s);
	return 0;
}
