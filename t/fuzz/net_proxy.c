/* t/fuzz/net_proxy.c - a URL, and any octets as what a proxy answers.
 *
 * The input is the URL's line and then the answers.  They come to an end within bounds, are
 * taken the same whole and octet by octet, and no error holds the password.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

struct end {
	enum proxy_turn turn;
	size_t used, said;
	struct err err;
};

static struct end talk(const struct proxy *p, const char *data, size_t size, size_t piece)
{
	struct end end = { .turn = PROXY_GOES_ON };
	struct proxy_talk *t = proxy_talk_new(p, "mail.example.test", 587);

	while (end.used < size && end.turn == PROXY_GOES_ON) {
		size_t len = size - end.used < piece ? size - end.used : piece, used, out;

		proxy_output(t, &out);
		proxy_written(t, out);
		end.said += out;
		end.turn = proxy_received(t, data + end.used, len, &used, &end.err);
		must(used <= len && (used == len || end.turn != PROXY_GOES_ON));
		end.used += used;
	}
	must(end.said < 8192 && end.used <= 16384 + 1);
	if (end.turn == PROXY_GOES_ON)
		must(proxy_lost(t, false, &end.err) == -1);
	must(end.turn == PROXY_OPEN || (end.err.kind && end.err.cause));
	proxy_talk_free(&t);
	return end;
}

/* Unless the proxy says it itself, or the host's name does. */
static void check_secret(const struct proxy *p, const uint8_t *said, size_t len, const struct err *e)
{
	const struct secret *s = &p->password;

	if (s->data && s->len >= 24 && !memmem(said, len, s->data, s->len) && !strstr(p->shown, s->data))
		must(!strstr(e->text, s->data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	size_t len = line ? (size_t)(line - data) : size;
	char *url = malloc(len + 1);
	struct proxy p;
	struct err e;

	must(url != NULL);
	memcpy(url, data, len);
	url[len] = '\0';
	if (proxy_parse(url, &p, &e) < 0) {
		must(e.kind == ERR_CONFIG && !p.user.data && !p.password.data);
	} else if (line) {
		struct end whole = talk(&p, (const char *)line + 1, size - len - 1, SIZE_MAX);
		struct end single = talk(&p, (const char *)line + 1, size - len - 1, 1);

		must(whole.turn == single.turn && whole.used == single.used &&
			!strcmp(whole.err.text, single.err.text));
		check_secret(&p, line + 1, size - len - 1, &whole.err);
	}
	proxy_release(&p);
	free(url);
	return 0;
}
