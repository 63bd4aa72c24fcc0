/* t/token/token.c - the token endpoint: each grant type, RFC 6749, 7636, 8628, 7523. */
#include "t/token/endpoint.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "t/server/word.h"
#include "t/token/grant.h"
#include "t/token/jwt.h"
#include "t/token/options.h"

enum { VERIFIER_LEAST = 43, VERIFIER_MOST = 128, EARLY_MS = 100, SLOWER_SECONDS = 5 };

/* 200 with an access token of the grant; a refresh token where one is due. */
static void token_give(struct call *c, struct grant *g, bool refresh)
{
	json_t *o = json_pack("{s:s, s:s, s:i, s:s}", "access_token", grant_access(g), "token_type",
		"Bearer", "expires_in", (int)settings.life, "scope", g->scope);

	if (refresh)
		json_object_set_new(o, "refresh_token", json_string(grant_refresh(g)));
	call_answer(c, o);
}

static const char *verifier_refusal(const char *verifier, const char *challenge)
{
	size_t len = verifier ? strlen(verifier) : 0;
	unsigned char digest[32];
	struct buf want = BUF_INIT(0);
	bool good;

	if (!challenge)
		return verifier ? "a code_verifier for a code without challenge" : NULL;
	if (len < VERIFIER_LEAST || len > VERIFIER_MOST || strspn(verifier,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != len)
		return "no code_verifier of 43 to 128 unreserved characters";
	gnutls_hash_fast(GNUTLS_DIG_SHA256, verifier, len, digest);
	base64url_encode(digest, sizeof(digest), &want);
	good = !strcmp(buf_text(&want), challenge);
	buf_release(&want);
	return good ? NULL : "code_verifier does not fit the challenge";
}

static void by_code(struct call *c)
{
	const struct form *f = &c->r->form;
	const char *text = form_get(f, "code"), *redirect = form_get(f, "redirect_uri"), *why;
	const char *verifier = form_get(f, "code_verifier");
	struct code *code = text ? code_find(text) : NULL;

	if (verifier)
		secret_note(verifier);
	if (!client_is_known(c))
		return;
	if (!code) {
		call_refuse(c, 400, "invalid_grant", "no such code");
	} else if (code->grant) {
		call_violation(c, "reuse", "a code that was used");
		grant_kill(code->grant);
		call_refuse(c, 400, "invalid_grant", "the code was used");
	} else if (time(NULL) > code->born + (time_t)settings.code_life) {
		call_refuse(c, 400, "invalid_grant", "the code has expired");
	} else if (!redirect || strcmp(redirect, code->redirect)) {
		call_refuse(c, 400, "invalid_grant", "another redirect_uri than before");
	} else if ((why = verifier_refusal(verifier, code->challenge))) {
		call_refuse(c, 400, "invalid_grant", why);
	} else {
		code->grant = grant_new(code->scope, !word_is_in(settings.scope, "offline_access") ||
			word_is_in(code->scope, "offline_access"));
		token_give(c, code->grant, code->grant->refreshable);
	}
}

static void by_refresh(struct call *c)
{
	const char *token = form_get(&c->r->form, "refresh_token");
	const char *scope = form_get(&c->r->form, "scope");
	bool spent = false;
	struct grant *g = token ? grant_of_refresh(token, &spent) : NULL;

	if (!client_is_known(c))
		return;
	if (g && spent) {
		call_violation(c, "reuse", "a refresh token that was spent");
		grant_kill(g);
	}
	if (!g || g->dead)
		call_refuse(c, 400, "invalid_grant", "Token has been expired or revoked.");
	else if (scope && !scope_is_good(scope))
		call_refuse(c, 400, "invalid_scope", "more than was granted");
	else
		token_give(c, g, settings.rotate);
}

/* The word of the script for this poll. */
static char *device_word(const struct device *d)
{
	const char *at = settings.polls;

	for (unsigned i = 0; i < d->polls; i++) {
		const char *next = strchr(at, ' ');

		if (!next)
			break;
		at = next + 1;
	}
	return mem_copy(at, strcspn(at, " "));
}

/* Not before its interval is over: whoever asks too early gets to know it. */
static bool device_is_early(struct call *c, struct device *d)
{
	uint64_t now = clock_ms(), before = d->polled ? d->polled : d->born;
	uint64_t least = d->interval * 1000 / settings.hurry;

	d->polled = now;
	if (now + EARLY_MS >= before + least)
		return false;
	call_violation(c, "early", "a poll before the interval was over");
	d->interval += SLOWER_SECONDS;
	call_refuse(c, 400, "slow_down", "too early");
	return true;
}

static void device_say(struct call *c, struct device *d, const char *word)
{
	if (!strcmp(word, "pending") || (!strcmp(word, "wait") && !d->activated)) {
		d->polls += word[0] == 'p';
		call_refuse(c, 400, "authorization_pending", NULL);
		return;
	}
	d->polls++;
	if (!strcmp(word, "slow_down")) {
		d->interval += SLOWER_SECONDS;
		call_refuse(c, 400, "slow_down", NULL);
	} else if (!strcmp(word, "granted") || !strcmp(word, "wait")) {
		d->spent = true;
		token_give(c, grant_new(d->scope, true), true);
	} else {
		call_refuse(c, 400, word, "as the script has it");
	}
}

static void by_device(struct call *c)
{
	const char *code = form_get(&c->r->form, settings.device_by_code ? "code" : "device_code");
	struct device *d = code ? device_find(code) : NULL;
	char *word;

	if (!client_is_known(c))
		return;
	if (!d || d->spent) {
		call_refuse(c, 400, "invalid_grant", "no such device code");
	} else if (clock_ms() > d->born + settings.device_life * 1000) {
		call_refuse(c, 400, "expired_token", "the device code has expired");
	} else if (!device_is_early(c, d)) {
		word = device_word(d);
		device_say(c, d, word);
		free(word);
	}
}

static void by_client(struct call *c)
{
	const char *scope = form_get(&c->r->form, "scope");

	if (!client_is_proved(c))
		return;
	if (!scope_is_good(scope))
		call_refuse(c, 400, "invalid_scope", "not a scope of this client");
	else
		token_give(c, grant_new(scope, false), false);
}

static void by_assertion(struct call *c)
{
	const char *text = form_get(&c->r->form, "assertion");
	const char *why = text ? assertion_refusal(c, text, false) : "no assertion";

	if (!why)
		token_give(c, grant_new(settings.scope, false), false);
	else if (!strcmp(why, "unauthorized_client") || !strcmp(why, "invalid_scope"))
		call_refuse(c, 400, why, "not delegated to this account");
	else
		call_refuse(c, 400, "invalid_grant", why);
}

void token_run(struct call *c)
{
	const char *type;

	if (!call_is_form(c))
		return;
	type = form_get(&c->r->form, "grant_type");
	if (!type)
		call_refuse(c, 400, "invalid_request", "no grant_type");
	else if (!strcmp(type, "authorization_code"))
		by_code(c);
	else if (!strcmp(type, "refresh_token"))
		by_refresh(c);
	else if (!strcmp(type, settings.device_by_code ? "device_code" :
			"urn:ietf:params:oauth:grant-type:device_code"))
		by_device(c);
	else if (!strcmp(type, "client_credentials"))
		by_client(c);
	else if (!strcmp(type, "urn:ietf:params:oauth:grant-type:jwt-bearer"))
		by_assertion(c);
	else
		call_refuse(c, 400, "unsupported_grant_type", "not a grant type of ours");
}
