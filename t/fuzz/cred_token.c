/* t/fuzz/cred_token.c - any text as the file of a token.
 *
 * What is read can be sent, shown and written, and comes out the same; what is not leaves
 * nothing behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cred/token_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_secret(const struct secret *s)
{
	must(!s->data == !s->len && s->len <= SECRET_MAX);
	for (size_t i = 0; i < s->len; i++)
		must(s->data[i] >= 0x21 && s->data[i] <= 0x7e);
}

static void check_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	must(len < size && text_is_utf8(text, len));
	for (size_t i = 0; i < len; i++)
		must((unsigned char)text[i] >= 0x20);
}

static void check_again(const struct token *t)
{
	struct buf first = BUF_INIT(TOKEN_TEXT_MAX), second = BUF_INIT(TOKEN_TEXT_MAX);
	struct token back;
	struct err e;
	char *copy;

	must(token_write(t, &first, &e) == 0);
	copy = mem_copy(first.data, first.len);
	must(token_read(copy, first.len, &back, &e) == 0);
	must(token_write(&back, &second, &e) == 0);
	must(first.len == second.len && !memcmp(first.data, second.data, first.len));
	free(copy);
	token_wipe(&back);
	buf_release(&first);
	buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size ? size : 1);
	struct token t, none = { 0 };
	struct err e = { 0 };

	memcpy(text, data, size);
	if (token_read(text, size, &t, &e) == 0) {
		check_secret(&t.access);
		check_secret(&t.refresh);
		check_text(t.scope, sizeof(t.scope));
		check_text(t.client_id, sizeof(t.client_id));
		check_text(t.token_url, sizeof(t.token_url));
		check_text(t.over, sizeof(t.over));
		check_text(t.cause, sizeof(t.cause));
		check_text(t.keyring_access, sizeof(t.keyring_access));
		check_text(t.keyring_refresh, sizeof(t.keyring_refresh));
		check_text(t.keyring_trouble, sizeof(t.keyring_trouble));
		must(!token_in_keyring(&t) || (!t.access.data && !t.refresh.data));
		must(t.obtained >= 0 && t.expires >= 0 && t.signed_in >= 0 && t.not_before >= 0);
		check_again(&t);
	} else {
		must((e.kind == ERR_DAMAGED || e.kind == ERR_FORMAT) && e.text[0]);
		must(!memcmp(&t, &none, sizeof(t)));
	}
	token_wipe(&t);
	free(text);
	return 0;
}
