/* t/unit/cred_oauth_redirect.c - what a browser brings back, and who else may have sent it. */
#include "t/unit/oauth_rig.h"

#include "cred/oauth_talk.h"
#include "deliver/cause.h"

#define STATE "s-t_a.t~e"

static struct oauth_plan plain = { .account = (char[]){ "work" },
	.auth_url = (char[]){ "https://login.x.test/auth" } };
static struct oauth_plan issuer = { .account = (char[]){ "work" },
	.auth_url = (char[]){ "https://login.x.test/auth" }, .issuer = (char[]){ "https://x.test/r" } };
static struct oauth_plan telling = { .account = (char[]){ "work" }, .issuer_told = true,
	.auth_url = (char[]){ "https://login.x.test/auth" }, .issuer = (char[]){ "https://x.test/r" } };

static const struct { const char *url, *code; const struct oauth_plan *plan; } good[] = {
	{ "http://127.0.0.1:8400/?code=c1&state=" STATE, "c1", &plain },
	{ "/?state=" STATE "&code=c1", "c1", &plain },
	{ "?code=c1&state=" STATE, "c1", &plain },
	{ "/back?x=y&code=4%2F0A-b&state=" STATE "&scope=a+b&authuser=0", "4/0A-b", &plain },
	{ "/?code=c+1%20&state=" STATE, "c 1 ", &plain },
	{ "/?code=c1&state=s%2Dt_a.t%7ee", "c1", &plain },
	{ "/?code=c1&state=" STATE "#fragment&code=c2", "c1", &plain },
	{ "/?code=c1&state=" STATE "&&empty=&lone", "c1", &plain },
	{ "/?code=c1&state=" STATE "&iss=https%3A%2F%2Fother.test", "c1", &plain },
	{ "/?code=c1&state=" STATE "&iss=https%3A%2F%2Fx.test%2Fr", "c1", &issuer },
	{ "/?code=c1&state=" STATE, "c1", &issuer },
	{ "/?code=c1&state=" STATE "&iss=https://x.test/r", "c1", &telling },
};

static const struct {
	const char *url;
	enum err_kind kind;
	const char *cause, *text;
	const struct oauth_plan *plan;
} bad[] = {
	{ "", ERR_PROTOCOL, "oauth-redirect-strange", "no answer of the provider", &plain },
	{ "http://127.0.0.1:8400/", ERR_PROTOCOL, "oauth-redirect-strange", "no answer", &plain },
	{ "code=c1&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "no answer", &plain },
	{ "/?", ERR_PROTOCOL, "oauth-state-other", "does not belong to this sign-in", &plain },
	{ "/?code=c1", ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?code=c1&state=", ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?code=c1&state=" STATE "x", ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?code=c1&state=S-t_a.t~e", ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?code=c1&STATE=" STATE, ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?error=access_denied", ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?code=c1#state=" STATE, ERR_PROTOCOL, "oauth-state-other", "does not belong", &plain },
	{ "/?state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "no code in it", &plain },
	{ "/?code=&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "no code in it", &plain },
	{ "/?code=a%0ab&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "no code in it", &plain },
	{ "/?code=a%80&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "no code in it", &plain },
	{ "/?code=a%00b&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "not well-formed", &plain },
	{ "/?code=a%&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "not well-formed", &plain },
	{ "/?code=a%4&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "not well-formed", &plain },
	{ "/?code=a%zz&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "not well-formed", &plain },
	{ "/?code=c1&code=c2&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "not well-formed", &plain },
	{ "/?code=c1&state=" STATE "&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange",
		"not well-formed", &plain },
	{ "/?code=&code=c1&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "not well-formed", &plain },
	{ "/?code=c1&state=" STATE "&iss=https%3A%2F%2Fother.test", ERR_PROTOCOL, "oauth-issuer-other",
		"another issuer", &issuer },
	{ "/?code=c1&state=" STATE "&iss=", ERR_PROTOCOL, "oauth-issuer-other", "another issuer", &issuer },
	{ "/?code=c1&state=" STATE "&iss=https%3A%2F%2Fx.test%2Fr%2F", ERR_PROTOCOL, "oauth-issuer-other",
		"another issuer", &issuer },
	{ "/?code=c1&state=" STATE, ERR_PROTOCOL, "oauth-issuer-other", "does not say which", &telling },
	{ "/?error=access_denied&state=" STATE "&iss=https://evil.test", ERR_PROTOCOL, "oauth-issuer-other",
		"another issuer", &issuer },
	{ "/?error=access_denied&state=" STATE, ERR_LOGIN, "oauth-access-denied",
		"signing in failed: access_denied (login.x.test)", &plain },
	{ "/?code=c1&error=access_denied&state=" STATE, ERR_LOGIN, "oauth-access-denied", "denied", &plain },
	{ "/?error=access_denied&error_description=The+user%20said%20no&state=" STATE, ERR_LOGIN,
		"oauth-access-denied", "access_denied: The user said no (", &plain },
	{ "/?error=invalid_scope&state=" STATE, ERR_CONFIG, "oauth-scope-wrong", "invalid_scope", &plain },
	{ "/?error=server_error&state=" STATE, ERR_CONNECT, "oauth-later", "server_error", &plain },
	{ "/?error=invalid_request&error_description=AADSTS50194%3A+Usage+of+the+%2Fcommon+endpoint&state="
		STATE, ERR_CONFIG, "oauth-tenant-needed", "AADSTS50194: Usage of the /common", &plain },
	{ "/?error=%1b%5b31m&state=" STATE, ERR_CONFIG, "oauth-refused", "an error of an unknown kind", &plain },
	{ "/?error=&state=" STATE, ERR_PROTOCOL, "oauth-answer-strange", "no reason is given", &plain },
	{ "/?error=slow_down&state=" STATE, ERR_PROTOCOL, "oauth-redirect-strange", "another flow", &plain },
};

static void test_good(void)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct buf code = BUF_INIT(8192);
		struct err e = { 0 };

		check_int(oauth_read_redirect(good[i].plan, good[i].url, STATE, &code, &e), 0, "%s", good[i].url);
		check_text(buf_text(&code), good[i].code, "... its code");
		buf_wipe(&code);
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buf code = BUF_INIT(8192);
		struct err e = { 0 };

		check_int(oauth_read_redirect(bad[i].plan, bad[i].url, STATE, &code, &e), -1, "%s", bad[i].url);
		check_int(e.kind, bad[i].kind, "... of the kind");
		check_text(e.cause, bad[i].cause, "... its cause");
		check(cause_named(e.cause) != NULL, "... which is in the table of causes");
		check(strstr(e.text, bad[i].text) && !strstr(e.text, STATE) && !strstr(e.text, "c1"),
			"... said without what is secret: %s", e.text);
		check(!code.len, "... and no code");
		buf_wipe(&code);
	}
}

/* Only the whole is an answer, or all but what comes behind the state. */
static void test_cuts(void)
{
	static const char whole[] = "http://127.0.0.1:8400/?code=4%2F0AX4&state=" STATE "&scope=a%20b";
	size_t enough = (size_t)(strstr(whole, "&scope") - whole);

	for (size_t cut = 0; cut <= strlen(whole); cut++) {
		char *url = mem_copy(whole, cut);
		struct buf code = BUF_INIT(8192);
		struct err e = { 0 };
		int want = cut >= enough ? 0 : -1;

		check_int(oauth_read_redirect(&plain, url, STATE, &code, &e), want, "cut at %zu", cut);
		check_text(buf_text(&code), want ? "" : "4/0AX4", "... its code");
		buf_wipe(&code);
		free(url);
	}
}

static void test_limits(void)
{
	struct buf url = BUF_INIT(1 << 20), code = BUF_INIT(32768), small = BUF_INIT(4);
	struct err e = { 0 };

	buf_add_text(&url, "/?state=" STATE "&code=");
	for (size_t i = 0; i < 16384; i++)
		buf_add_char(&url, 'c');
	check_int(oauth_read_redirect(&plain, buf_text(&url), STATE, &code, &e), 0, "the longest code");
	check_int(code.len, 16384, "whole");
	buf_wipe(&code);
	buf_add_char(&url, 'c');
	code = BUF_INIT(32768);
	check_int(oauth_read_redirect(&plain, buf_text(&url), STATE, &code, &e), -1, "a longer one");
	for (size_t i = 0; i < OAUTH_REDIRECT_MAX - 16500; i++)
		buf_add_char(&url, 'c');
	check_int(oauth_read_redirect(&plain, buf_text(&url), STATE, &code, &e), -1, "a long URL");
	check(strstr(e.text, "no code"), "... with no code that could be one");
	while (url.len <= OAUTH_REDIRECT_MAX)
		buf_add_char(&url, 'c');
	check_int(oauth_read_redirect(&plain, buf_text(&url), STATE, &code, &e), -1, "a longer URL");
	check(strstr(e.text, "too long"), "... than any");
	buf_clear(&url);
	buf_add_text(&url, "/?state=" STATE "&code=c1");
	for (size_t i = 0; i < 70; i++)
		buf_add_text(&url, "&a=b");
	check_int(oauth_read_redirect(&plain, buf_text(&url), STATE, &code, &e), -1, "many parameters");
	check_int(oauth_read_redirect(&plain, "/?code=long-code&state=" STATE, STATE, &small, &e), -1,
		"no room for the code");
	check(!small.len && !code.len, "nothing was given");
	buf_release(&url);
	buf_wipe(&code);
	buf_wipe(&small);
}

/* What can end the waiting for a browser: the state alone says so. */
static void test_ours(void)
{
	for (size_t i = 0; i < COUNT(good); i++)
		check(oauth_redirect_is_ours(good[i].url, STATE), "ours: %s", good[i].url);
	for (size_t i = 0; i < COUNT(bad); i++)
		check(oauth_redirect_is_ours(bad[i].url, STATE) == (strcmp(bad[i].cause, "oauth-state-other") != 0 &&
			strcmp(bad[i].text, "not well-formed") != 0 && !strstr(bad[i].text, "no answer")),
			"ours or not: %s", bad[i].url);
}

int main(void)
{
	test_ours();
	test_good();
	test_bad();
	test_cuts();
	test_limits();
	return tap_done();
}
