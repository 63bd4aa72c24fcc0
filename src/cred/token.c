/* cred/token.c - what is known of an account's token; see token.h. */
#include "cred/token.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
	LIFE_MOST = 366 * 86400,   /* seconds */
	MARGIN    = 300,           /* that must be left of a token, or half its life if less */
	LEAST     = 60             /* ... of one that cannot be replaced now */
};

void token_wipe(struct token *t)
{
	secret_wipe(&t->access);
	secret_wipe(&t->refresh);
	memset(t, 0, sizeof(*t));
}

bool token_in_keyring(const struct token *t)
{
	return t->keyring_access[0] || t->keyring_refresh[0];
}

void token_leaves_keyring(struct token *t)
{
	t->keyring_access[0] = t->keyring_refresh[0] = '\0';
}

bool token_has_refresh(const struct token *t)
{
	return t->refresh.data || t->keyring_refresh[0];
}

static void set_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

void token_take(struct token *t, const struct oauth_plan *p, const struct oauth_grant *g,
	int64_t now)
{
	token_leaves_keyring(t);
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

bool token_still_does(const struct token *t, int64_t now)
{
	return t->access.data && !t->stale && !t->over[0] && t->obtained <= now &&
		t->expires - now > LEAST;
}

/* Longer than could have been set: the clock was put back. */
int64_t token_pause(const struct token *t, int64_t now)
{
	int64_t left = t->not_before - now;

	return left > 0 && left <= TOKEN_PAUSE_MOST ? left : 0;
}

/* ---- scopes */

/* The next word of a scope; its length, 0 at the end. */
static size_t next_word(const char **scope)
{
	*scope += strspn(*scope, " ");
	return strcspn(*scope, " ");
}

/* Some providers name the same right below another host. */
static const char *right_of(const char *word, size_t len, size_t *right)
{
	const char *slash = memrchr(word, '/', len);

	*right = len;
	if (!slash || slash + 1 == word + len || !memmem(word, len, "://", 3))
		return word;
	*right = (size_t)(word + len - (slash + 1));
	return slash + 1;
}

static bool is_in(const char *scope, const char *word, size_t len)
{
	size_t n, right, theirs;
	const char *wanted = right_of(word, len, &right);

	for (; (n = next_word(&scope)); scope += n) {
		const char *has = right_of(scope, n, &theirs);

		if (text_equal_fold(has, theirs, wanted, right))
			return true;
	}
	return false;
}

void token_scope_lacks(const char *asked, const char *granted, struct buf *out)
{
	static const char besides[] = "offline_access openid profile email .default";
	size_t n, right;

	if (!asked || !granted[strspn(granted, " ")])
		return;
	for (; (n = next_word(&asked)); asked += n) {
		const char *wanted = right_of(asked, n, &right);

		if (is_in(besides, wanted, right) || is_in(granted, asked, n))
			continue;
		buf_printf(out, "%s%.*s", out->len ? " " : "", (int)n, asked);
	}
}

static void command(const char *verb, bool system, const char *account,
	char out[TOKEN_COMMAND_MAX])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@+";
	const char *quote = account[0] && !account[strspn(account, plain)] ? "" : "'";
	char shown[128];

	text_clean_to(shown, sizeof(shown), account, strlen(account));
	snprintf(out, TOKEN_COMMAND_MAX, "%ssendoff %s %s%s%s", system ? "sudo " : "", verb, quote,
		shown, quote);
}

static bool is_system(const char *directory)
{
	return !strcmp(directory, TOKEN_SYSTEM_DIRECTORY);
}

void token_command(bool system, const char *account, char out[TOKEN_COMMAND_MAX])
{
	command("login", system, account, out);
}

int token_hint(struct err *e, const char *directory, const char *account, const char *why)
{
	char line[TOKEN_COMMAND_MAX];

	token_command(is_system(directory), account, line);
	return err_hint(e, "%s: %s", why, line);
}

int token_hint_away(struct err *e, const char *directory, const char *account)
{
	char line[TOKEN_COMMAND_MAX];

	command("logout", is_system(directory), account, line);
	return err_hint(e, "have it removed, and another token is got by itself: %s", line);
}
