/* cred/token.c - what is known of an account's token; see token.h. */
#include "cred/token.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	LIFE_MOST = 366 * 86400,   /* seconds */
	MARGIN    = 300            /* that must be left of a token, or half its life if less */
};

void token_wipe(struct token *t)
{
	secret_wipe(&t->access);
	secret_wipe(&t->refresh);
	memset(t, 0, sizeof(*t));
}

static void set_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

void token_take(struct token *t, const struct oauth_plan *p, const struct oauth_grant *g,
	int64_t now)
{
	secret_set(&t->access, g->access.data, g->access.len);
	if (g->refresh.data)
		secret_set(&t->refresh, g->refresh.data, g->refresh.len);
	t->obtained = now;
	t->expires = now + (g->expires_in < 0 ? 0 : g->expires_in > LIFE_MOST ? LIFE_MOST :
		g->expires_in);
	if (g->scope[0])
		set_text(t->scope, sizeof(t->scope), g->scope);
	set_text(t->client_id, sizeof(t->client_id), p->client_id);
	set_text(t->token_url, sizeof(t->token_url), p->token_url);
	t->not_before = 0;
	t->stale = false;
	t->over[0] = t->cause[0] = '\0';
}

/* One that was obtained in the future was so by another clock, which says nothing of when
 * it expires by this one. */
bool token_is_fresh(const struct token *t, int64_t now)
{
	int64_t life = t->expires - t->obtained;

	return t->access.data && !t->stale && !t->over[0] && t->obtained <= now &&
		t->expires - now > (life / 2 < MARGIN ? life / 2 : MARGIN);
}

int token_hint(struct err *e, const char *directory, const char *account, const char *why)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@+";
	bool system = !strcmp(directory, TOKEN_SYSTEM_DIRECTORY);
	const char *quote = account[0] && !account[strspn(account, plain)] ? "" : "'";
	char shown[128];

	text_clean_to(shown, sizeof(shown), account, strlen(account));
	return err_hint(e, "%s: %ssendoff login %s%s%s", why, system ? "sudo " : "", quote, shown,
		quote);
}
