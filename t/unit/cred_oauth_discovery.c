/* t/unit/cred_oauth_discovery.c - issuers: where they are asked, what they may answer. */
#include "t/unit/oauth_rig.h"

#include "cred/oauth_talk.h"
#include "deliver/cause.h"

static void test_urls(void)
{
	static const char *const rows[][3] = {
		{ "https://x.test", "https://x.test/.well-known/openid-configuration",
			"https://x.test/.well-known/oauth-authorization-server" },
		{ "https://x.test/", "https://x.test/.well-known/openid-configuration",
			"https://x.test/.well-known/oauth-authorization-server" },
		{ "https://x.test:8443/realms/a", "https://x.test:8443/realms/a/.well-known/openid-configuration",
			"https://x.test:8443/.well-known/oauth-authorization-server/realms/a" },
		{ "https://x.test/a/", "https://x.test/a/.well-known/openid-configuration",
			"https://x.test/.well-known/oauth-authorization-server/a" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *issuer = mem_string(rows[i][0]);
		struct oauth_plan p = { .issuer = issuer };

		for (unsigned which = 0; which < 3; which++) {
			struct buf out = BUF_INIT(2048);

			oauth_discovery_url(&p, which, &out);
			check_text(buf_text(&out), which < 2 ? rows[i][which + 1] : "", "%s: choice %u", issuer, which);
			buf_release(&out);
		}
		free(issuer);
	}
}

#define SERVERS "\"authorization_endpoint\":\"https://x.test/auth\",\"token_endpoint\":" \
	"\"https://x.test/token\",\"device_authorization_endpoint\":\"https://x.test/device\"," \
	"\"revocation_endpoint\":\"https://x.test/revoke\""
#define BY(issuer) "{\"issuer\":\"" issuer "\"," SERVERS

static const char whole[] = BY("https://x.test/r") ",\"code_challenge_methods_supported\":[\"plain\","
	"\"S256\"],\"token_endpoint_auth_methods_supported\":[\"client_secret_post\","
	"\"client_secret_basic\"],\"authorization_response_iss_parameter_supported\":true}";

static void test_good(void)
{
	struct oauth_plan p;
	struct err e = { 0 };

	if (!check(PLAN(NULL, &p, "client_id", "i", "issuer", "https://x.test/r"), "a plan"))
		return;
	check_int(oauth_read_discovery(&p, whole, strlen(whole), &e), 0, "an answer");
	check_text(p.auth_url, "https://x.test/auth", "the page");
	check_text(p.token_url, "https://x.test/token", "the tokens");
	check_text(p.device_url, "https://x.test/device", "the device flow");
	check_text(p.revoke_url, "https://x.test/revoke", "the end");
	check(!p.discover && !p.basic && p.issuer_told, "what else it says");
	oauth_plan_release(&p);
}

/* What the user has set counts; a slash at the end does not. */
static void test_own(void)
{
	static const char body[] = BY("https://x.test/r/") "}";
	struct oauth_plan p;
	struct err e = { 0 };

	if (!check(PLAN(NULL, &p, "client_id", "i", "issuer", "https://x.test/r", "token_url",
			"https://own.test/t"), "a plan"))
		return;
	check_int(oauth_read_discovery(&p, body, strlen(body), &e), 0, "an answer");
	check_text(p.token_url, "https://own.test/t", "one's own URL");
	check_text(p.auth_url, "https://x.test/auth", "and the issuer's");
	check_text(p.issuer, "https://x.test/r/", "who calls itself like this from now on");
	check(p.basic, "where it says nothing of secrets, they go into the header");
	check(!p.issuer_told, "and it need not name itself");
	oauth_plan_release(&p);
}

static const struct { const char *flow, *body, *cause, *text; } bad[] = {
	{ "auto", "", "oauth-discovery-failed", "no JSON object" },
	{ "auto", "<html>", "oauth-discovery-failed", "no JSON object" },
	{ "auto", "{}", "oauth-discovery-failed", "another issuer" },
	{ "auto", BY("https://y.test/r") "}", "oauth-discovery-failed", "another issuer" },
	{ "auto", BY("https://x.test/r2") "}", "oauth-discovery-failed", "another issuer" },
	{ "auto", BY("https://x.test/R") "}", "oauth-discovery-failed", "another issuer" },
	{ "auto", BY("https://x.test/r") ",\"issuer\":\"https://x.test/r\"}", "oauth-discovery-failed",
		"no JSON" },
	{ "auto", "{\"issuer\":\"https://x.test/r\"}", "oauth-discovery-failed", "no server for tokens" },
	{ "auto", "{\"issuer\":\"https://x.test/r\",\"token_endpoint\":\"http://x.test/t\","
		"\"authorization_endpoint\":\"https://x.test/a\"}", "oauth-discovery-failed", "no server for tokens" },
	{ "auto", "{\"issuer\":\"https://x.test/r\",\"token_endpoint\":\"https://x.test/t\"}",
		"oauth-flow-unsupported", "no server for that" },
	{ "device", "{\"issuer\":\"https://x.test/r\",\"token_endpoint\":\"https://x.test/t\","
		"\"authorization_endpoint\":\"https://x.test/a\"}", "oauth-flow-unsupported", "oauth_flow = device" },
	{ "paste", "{\"issuer\":\"https://x.test/r\",\"token_endpoint\":\"https://x.test/t\","
		"\"authorization_endpoint\":\"javascript:x\"}", "oauth-flow-unsupported", "oauth_flow = paste" },
	{ "auto", BY("https://x.test/r") ",\"code_challenge_methods_supported\":[\"plain\"]}",
		"oauth-discovery-failed", "PKCE" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct oauth_plan p;
		struct err e = { 0 };

		if (!check(PLAN(NULL, &p, "client_id", "i", "issuer", "https://x.test/r", "flow", bad[i].flow),
				"a plan"))
			continue;
		check_int(oauth_read_discovery(&p, bad[i].body, strlen(bad[i].body), &e), -1, "refused: row %zu", i);
		check_text(e.cause, bad[i].cause, "... its cause");
		check(cause_named(e.cause) != NULL, "... which is in the table of causes");
		check(strstr(e.text, bad[i].text) != NULL, "... is said: %s", e.text);
		check(!p.token_url && !p.auth_url && p.discover, "... and the plan is as it was");
		oauth_plan_release(&p);
	}
}

static void test_without_person(void)
{
	static const char body[] = "{\"issuer\":\"https://x.test/r\",\"token_endpoint\":\"https://x.test/t\","
		"\"code_challenge_methods_supported\":[],\"token_endpoint_auth_methods_supported\":"
		"[\"client_secret_basic\"]}";
	struct oauth_plan p;
	struct err e = { 0 };

	if (!check(PLAN(NULL, &p, "client_id", "i", "client_secret", "s", "issuer", "https://x.test/r", "flow",
			"client"), "a plan without a person"))
		return;
	check_int(oauth_read_discovery(&p, body, strlen(body), &e), 0, "needs tokens only");
	check(p.basic, "with the secret where it is wanted");
	oauth_plan_release(&p);
}

static void test_cuts(void)
{
	for (size_t cut = 0; cut < strlen(whole); cut++) {
		char *body = mem_copy(whole, cut);
		struct oauth_plan p = { .issuer = mem_string("https://x.test/r"), .discover = true };
		struct err e = { 0 };

		check_int(oauth_read_discovery(&p, body, cut, &e), -1, "cut at %zu", cut);
		check(p.discover && !p.token_url, "... nothing is taken");
		oauth_plan_release(&p);
		free(body);
	}
}

int main(void)
{
	test_urls();
	test_good();
	test_own();
	test_bad();
	test_without_person();
	test_cuts();
	return tap_done();
}
