/* probe/token_tell.c - an account's access token, told; see token_tell.h. */
#include "probe/token_tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cred/token.h"
#include "deliver/credential.h"

enum { WHO_MAX = 256 };

static const char *moment(int64_t when, char out[32])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	out[0] = '\0';
	if (when > 0 && gmtime_r(&seconds, &tm))
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out[0] ? out : NULL;
}

/* "59 min", "3 h", "20 d" */
static const char *span(int64_t seconds, char out[32])
{
	if (seconds < 2 * 3600)
		snprintf(out, 32, "%lld min", (long long)(seconds < 0 ? 0 : seconds / 60));
	else if (seconds < 2 * 86400)
		snprintf(out, 32, "%lld h", (long long)(seconds / 3600));
	else
		snprintf(out, 32, "%lld d", (long long)(seconds / 86400));
	return out;
}

/* What the token says of itself, which nobody has proved. */
static void tell_claims(struct report_stage *s, const struct account *a,
	const struct secret *access)
{
	char user[WHO_MAX] = "", audience[WHO_MAX] = "";

	if (!oauth_token_facts(access, user, sizeof(user), audience, sizeof(audience)))
		return;
	if (user[0] && strchr(user, '@') && strcasecmp(user, a->sasl.user) != 0)
		report_more(s, MARK_WARNING, "the token is for %s, and user is %s: fine for a mailbox "
			"that they share, else sign in as the other", user, a->sasl.user);
	else if (user[0])
		report_more(s, MARK_NONE, "the token is for %s", user);
	if (audience[0])
		report_more(s, MARK_NONE, "... at %s", audience);
	report_text(s, "token_user", user[0] ? user : NULL);
	report_text(s, "token_audience", audience[0] ? audience : NULL);
}

/* What the provider was asked for and has not given: the mail server may miss it. */
static void tell_lacks(struct report_stage *s, const struct account *a, const struct token *t)
{
	struct buf lacks = BUF_INIT(2048);
	struct oauth_plan plan = { .account = NULL };
	struct err ignored = { 0 };

	if (credential_plan(a, &plan, &ignored) == 0)
		token_scope_lacks(plan.scope, t->scope, &lacks);
	oauth_plan_release(&plan);
	if (lacks.len)
		report_more(s, MARK_WARNING, "%s was asked for and is not in that: sign in again and agree to "
			"all of it, or give the app that right", buf_text(&lacks));
	report_text(s, "token_scope_missing", lacks.len ? buf_text(&lacks) : NULL);
	buf_release(&lacks);
}

static void tell(struct report_stage *s, const struct account *a, const struct token *t,
	bool renewed)
{
	int64_t now = time(NULL);
	char one[32], two[32];

	report_say(s, MARK_OK, "%s, good for %s", renewed ? "a new access token" :
		"the access token that is stored", span(t->expires - now, one));
	if (t->signed_in > 0)
		report_more(s, MARK_NONE, "signed in %s ago; the token is %s old",
			span(now - t->signed_in, one), span(now - t->obtained, two));
	if (t->scope[0])
		report_more(s, MARK_NONE, "scope: %s", t->scope);
	if (!token_has_refresh(t) && t->signed_in > 0)
		report_more(s, MARK_WARNING, "there is no refresh token: in %s somebody must sign in "
			"again", span(t->expires - now, one));
	report_text(s, "signed_in", moment(t->signed_in, one));
	report_text(s, "token_obtained", moment(t->obtained, one));
	report_text(s, "token_expires", moment(t->expires, one));
	report_text(s, "token_scope", t->scope[0] ? t->scope : NULL);
	tell_lacks(s, a, t);
	report_bool(s, "token_renewed", renewed);
	report_bool(s, "refresh_token", token_has_refresh(t));
}

/* Where it lies, of an account that has a keyring for it. */
static void tell_place(struct report_stage *s, const struct account *a, const struct token *t)
{
	if (!a->oauth.save_command)
		return;
	if (token_in_keyring(t))
		report_more(s, MARK_NONE, "kept in a keyring");
	else if (t->keyring_trouble[0])
		report_more(s, MARK_WARNING, "kept in a file, for the keyring has not taken it: %s",
			t->keyring_trouble);
	report_bool(s, "keyring", token_in_keyring(t));
}

/* The digest of its access token, wherever that lies. */
static bool mark_of(const struct token *t, char digest[DIGEST_HEX + 1])
{
	if (token_in_keyring(t))
		return snprintf(digest, DIGEST_HEX + 1, "%s", t->keyring_access) > 0;
	return t->access.data && digest_of(t->access.data, t->access.len, digest);
}

static void load(const struct account *a, struct token *out)
{
	struct err ignored = { 0 };
	char *directory = token_directory(a->scope == SCOPE_SYSTEM, &ignored);

	if (!directory || token_load(directory, a->name, out, &ignored) != 0)
		token_wipe(out);
	free(directory);
}

void token_mark(const struct account *a, char digest[DIGEST_HEX + 1])
{
	struct token t = { .obtained = 0 };

	load(a, &t);
	if (!mark_of(&t, digest))
		digest[0] = '\0';
	token_wipe(&t);
}

void token_tell(struct report_stage *s, const struct account *a, const char *before,
	const struct secret *access)
{
	struct token t = { .obtained = 0 };
	char now[DIGEST_HEX + 1];

	load(a, &t);
	if (mark_of(&t, now)) {
		tell(s, a, &t, strcmp(now, before) != 0);
		tell_place(s, a, &t);
		tell_claims(s, a, access);
	}
	token_wipe(&t);
}
