/* t/fuzz/cred_oauth_token.c - any octets as the answer of a token server, to a device flow's
 * question too, and as a token.
 *
 * The first octet chooses the status and the flow.  What is taken can be sent and kept; what is
 * not is told by a cause of the table; and nothing that looks like a token is ever said.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cred/oauth_talk.h"
#include "deliver/cause.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* Nobody writes words as long. */
static bool shows_no_token(const char *text)
{
	for (size_t run = 0; *text; text++) {
		run = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			(*text >= '0' && *text <= '9') ? run + 1 : 0;
		if (run > 64)
			return false;
	}
	return true;
}

static void check_err(const struct err *e)
{
	must(e->kind != ERR_NONE && e->text[0] && cause_named(e->cause) != NULL);
	must(is_plain(e->text) && is_plain(e->hint) && shows_no_token(e->text));
}

/* A refresh token, or none. */
static bool is_kept(const struct secret *refresh)
{
	return !refresh->data || (refresh->len && is_plain(refresh->data));
}

static void check_token(const struct oauth_plan *p, int status, const char *body, size_t len)
{
	struct oauth_grant g;
	struct err e = { 0 };
	char user[64], audience[64];

	switch (oauth_read_token(p, status, body, len, &g, &e)) {
	case OAUTH_GRANTED:
		must(status < 300 && g.access.len && g.access.len <= SECRET_MAX && g.expires_in > 0);
		for (size_t i = 0; i < g.access.len; i++)
			must(g.access.data[i] > 0x20 && g.access.data[i] < 0x7f);
		must(is_plain(g.scope) && is_kept(&g.refresh));
		oauth_token_facts(&g.access, user, sizeof(user), audience, sizeof(audience));
		must(is_plain(user) && is_plain(audience));
		break;
	case OAUTH_PENDING:
	case OAUTH_SLOW_DOWN:
		must(e.kind == ERR_NONE && !g.access.data);
		break;
	case OAUTH_LATER:
	case OAUTH_OVER:
		check_err(&e);
		must(!g.access.data && !g.refresh.data);
		break;
	case OAUTH_WRONG:
		check_err(&e);
		must(!g.access.data && is_kept(&g.refresh) && (status < 300 || !g.refresh.data));
	}
	must(status < 500 || status > 599 || !g.access.data);
	oauth_grant_wipe(&g);
}

static void check_device(const struct oauth_plan *p, int status, const char *body, size_t len)
{
	struct oauth_device d;
	struct err e = { 0 };

	if (oauth_read_device(p, status, body, len, &d, &e) == 0) {
		must(d.device_code.len && d.user_code[0] && is_plain(d.user_code));
		must(!strncasecmp(d.url, "https://", 8) && is_plain(d.url) && is_plain(d.url_complete));
		must(d.expires_in > 0 && d.interval > 0 && d.interval <= 3600);
	} else {
		check_err(&e);
		must(!d.device_code.data && !d.user_code[0]);
	}
	oauth_device_release(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 400, 401, 403, 429, 503, 302, 201 };
	struct oauth_plan p = { .account = (char[]){ "work" }, .token_url = (char[]){ "https://x.test/t" },
		.device_url = (char[]){ "https://x.test/d" } };
	struct secret token = { NULL, 0 };
	char user[64], audience[64];
	int status;

	if (!size)
		return 0;
	status = statuses[data[0] % COUNT(statuses)];
	p.flow = data[0] & 8 ? OAUTH_FLOW_SERVICE : OAUTH_FLOW_AUTO;
	check_token(&p, status, (const char *)data + 1, size - 1);
	check_device(&p, status, (const char *)data + 1, size - 1);
	secret_set(&token, (const char *)data + 1, size - 1);
	oauth_token_facts(&token, user, sizeof(user), audience, sizeof(audience));
	must(is_plain(user) && is_plain(audience));
	secret_wipe(&token);
	return 0;
}
