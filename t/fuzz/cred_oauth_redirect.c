/* t/fuzz/cred_oauth_redirect.c - any text as a redirected URL.
 *
 * A code comes only with the state in it, and is nothing but a code; the rest is told by a cause
 * of the table, without the state.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"
#include "cred/oauth_talk.h"
#include "deliver/cause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char state[] = "QkZ-7_state";

static void must(bool good)
{
	if (!good)
		abort();
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Somewhere in what the URL says when its signs are resolved. */
static bool holds_state(const char *url)
{
	struct buf plain = BUF_INIT(1 << 20);
	bool found;

	for (size_t i = 0, len = strlen(url); i < len; i++)
		if (url[i] != '%' || percent_decode(url + i, len - i < 3 ? len - i : 3, &plain) < 0)
			buf_add_char(&plain, url[i]);
		else
			i += 2;
	found = plain.data && memmem(plain.data, plain.len, state, strlen(state));
	buf_release(&plain);
	return found;
}

static void read_by(const struct oauth_plan *p, const char *url)
{
	struct buf code = BUF_INIT(8192);
	struct err e = { 0 };

	if (oauth_read_redirect(p, url, state, &code, &e) == 0) {
		must(code.len && is_plain(buf_text(&code)) && strlen(code.data) == code.len);
		must(holds_state(url) && strstr(url, "code=") && oauth_redirect_is_ours(url, state));
	} else {
		must(oauth_redirect_is_ours(url, state) || e.kind == ERR_PROTOCOL);
		must(!code.len && e.kind != ERR_NONE && cause_named(e.cause) != NULL);
		must(is_plain(e.text) && is_plain(e.hint));
	}
	buf_wipe(&code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oauth_plan p = { .account = (char[]){ "work" }, .auth_url = (char[]){ "https://x.test/a" } };
	struct oauth_plan telling = { .account = (char[]){ "work" }, .auth_url = (char[]){ "https://x.test/a" },
		.issuer = (char[]){ "https://x.test" }, .issuer_told = true };
	char *url = mem_copy(data, size);

	read_by(&p, url);
	read_by(&telling, url);
	free(url);
	return 0;
}
