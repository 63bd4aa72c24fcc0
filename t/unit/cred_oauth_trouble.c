/* t/unit/cred_oauth_trouble.c - refusals as providers write them, and what becomes of them. */
#include "t/unit/oauth_rig.h"

#include "cred/oauth_trouble.h"
#include "cred/oauth_trouble_table.h"
#include "deliver/cause.h"

enum { CAUSES_MOST = 128 };

#define LOGIN "sign in again: sendoff login work"
#define ENTRA_END "\\r\\nTrace ID: 255d1aef-8c98-452f-ac51-23d051240864\\r\\nCorrelation ID: " \
	"fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7\\r\\nTimestamp: 2026-11-30 10:00:00Z\""
#define ENTRA(error, number, words) "{\"error\":\"" error "\",\"error_description\":\"AADSTS" #number \
	": " words ENTRA_END ",\"error_codes\":[" #number "],\"timestamp\":\"2026-11-30 10:00:00Z\"," \
	"\"trace_id\":\"255d1aef-8c98-452f-ac51-23d051240864\"}"

struct refusal {
	int status;
	const char *body;
	enum oauth_outcome outcome;
	const char *cause;          /* NULL: none, it goes on */
	const char *text, *hint;    /* pieces of what is said; NULL */
};

static const struct refusal refusals[] = {
	/* ---- RFC 6749 section 5.2, RFC 8628 section 3.5 */
	{ 400, "{\"error\":\"invalid_request\"}", OAUTH_WRONG, "oauth-refused",
		"asking for an access token failed: invalid_request (login.x.test)", NULL },
	{ 401, "{\"error\":\"invalid_client\"}", OAUTH_WRONG, "oauth-client-refused", "invalid_client", NULL },
	{ 400, "{\"error\":\"invalid_grant\"}", OAUTH_OVER, "sign-in-over", "invalid_grant", LOGIN },
	{ 400, "{\"error\":\"unauthorized_client\"}", OAUTH_WRONG, "oauth-client-not-allowed", NULL, NULL },
	{ 400, "{\"error\":\"unsupported_grant_type\"}", OAUTH_WRONG, "oauth-flow-unsupported", NULL, NULL },
	{ 400, "{\"error\":\"invalid_scope\"}", OAUTH_WRONG, "oauth-scope-wrong", NULL, NULL },
	{ 400, "{\"error\":\"authorization_pending\"}", OAUTH_PENDING, NULL, NULL, NULL },
	{ 428, "{\"error\":\"authorization_pending\",\"error_description\":\"Precondition Required\"}",
		OAUTH_PENDING, NULL, NULL, NULL },
	{ 400, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, NULL, NULL, NULL },
	{ 403, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, NULL, NULL, NULL },
	{ 429, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, NULL, NULL, NULL },
	{ 400, "{\"error\":\"expired_token\"}", OAUTH_OVER, "oauth-device-late", NULL, LOGIN },
	{ 400, "{\"error\":\"access_denied\"}", OAUTH_OVER, "oauth-access-denied", NULL, LOGIN },
	{ 400, "{\"error\":\"authorization_declined\"}", OAUTH_OVER, "oauth-access-denied", NULL, LOGIN },
	{ 400, "{\"error\":\"bad_verification_code\"}", OAUTH_OVER, "sign-in-over", NULL, LOGIN },
	{ 400, "{\"error\":\"consent_required\"}", OAUTH_OVER, "oauth-consent-missing", NULL, NULL },
	{ 400, "{\"error\":\"interaction_required\"}", OAUTH_OVER, "sign-in-over", NULL, LOGIN },
	{ 400, "{\"error\":\"something_else\",\"error_description\":\"of its own\"}", OAUTH_WRONG,
		"oauth-refused", "something_else: of its own", NULL },
	{ 200, "{\"error\":\"invalid_grant\"}", OAUTH_OVER, "sign-in-over", NULL, LOGIN },
	/* ---- what passes: whatever else is said, the server has not judged */
	{ 400, "{\"error\":\"temporarily_unavailable\"}", OAUTH_LATER, "oauth-later", NULL, NULL },
	{ 400, "{\"error\":\"server_error\"}", OAUTH_LATER, "oauth-later", NULL, NULL },
	{ 503, "", OAUTH_LATER, "oauth-later", "HTTP status 503", NULL },
	{ 502, "<html><h1>Bad Gateway</h1></html>", OAUTH_LATER, "oauth-later", "HTTP status 502", NULL },
	{ 500, "{\"error\":\"invalid_grant\"}", OAUTH_LATER, "oauth-later", NULL, NULL },
	{ 599, "{\"error\":\"invalid_client\"}", OAUTH_LATER, "oauth-later", NULL, NULL },
	{ 429, "{\"error\":\"invalid_grant\"}", OAUTH_LATER, "oauth-too-many", NULL, NULL },
	{ 429, "Too Many Requests", OAUTH_LATER, "oauth-too-many", "HTTP status 429", NULL },
	{ 408, "", OAUTH_LATER, "oauth-later", NULL, NULL },
	{ 503, ENTRA("temporarily_unavailable", 90033, "A transient error has occurred."), OAUTH_LATER,
		"oauth-later", NULL, NULL },
	{ 400, ENTRA("invalid_grant", 50196, "The server terminated an operation because it encountered "
		"a client request loop."), OAUTH_LATER, "oauth-too-many", NULL, NULL },
	/* ---- who is no token server */
	{ 200, "<!DOCTYPE html><title>Sign in</title>", OAUTH_WRONG, "oauth-answer-strange",
		"HTTP status 200", NULL },
	{ 200, "", OAUTH_WRONG, "oauth-answer-strange", NULL, NULL },
	{ 200, "[]", OAUTH_WRONG, "oauth-answer-strange", NULL, NULL },
	{ 302, "", OAUTH_WRONG, "oauth-answer-strange", "HTTP status 302", NULL },
	{ 404, "Not Found", OAUTH_WRONG, "oauth-answer-strange", "HTTP status 404", NULL },
	{ 400, "<html>", OAUTH_WRONG, "oauth-answer-strange", NULL, NULL },
	{ 400, "{}", OAUTH_WRONG, "oauth-answer-strange", NULL, NULL },
	{ 400, "{\"error\":\"\"}", OAUTH_WRONG, "oauth-answer-strange", NULL, NULL },
	{ 401, "Unauthorized", OAUTH_WRONG, "oauth-client-refused", "HTTP status 401", NULL },
	/* ---- Google */
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or revoked.\"}",
		OAUTH_OVER, "sign-in-over", "invalid_grant: Token has been expired or revoked. (", LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Bad Request\"}", OAUTH_OVER,
		"sign-in-over", NULL, LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"reauth related error (invalid_rapt)\","
		"\"error_subtype\":\"invalid_rapt\"}", OAUTH_OVER, "oauth-sign-in-limited", NULL, LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_subtype\":\"invalid_rapt\"}", OAUTH_OVER,
		"oauth-sign-in-limited", NULL, LOGIN },
	{ 401, "{\"error\":\"invalid_client\",\"error_description\":\"The OAuth client was not found.\"}",
		OAUTH_WRONG, "oauth-app-unknown", NULL, NULL },
	{ 401, "{\"error\":\"deleted_client\",\"error_description\":\"The OAuth client was deleted.\"}",
		OAUTH_WRONG, "oauth-app-disabled", NULL, NULL },
	{ 401, "{\"error\":\"disabled_client\"}", OAUTH_WRONG, "oauth-app-disabled", NULL, NULL },
	{ 400, "{\"error\":\"invalid_request\",\"error_description\":\"client_secret is missing.\"}",
		OAUTH_WRONG, "oauth-secret-wanted", NULL, NULL },
	{ 401, "{\"error\":\"invalid_client\",\"error_description\":\"Unauthorized\"}", OAUTH_WRONG,
		"oauth-client-refused", NULL, NULL },
	{ 400, "{\"error\":\"redirect_uri_mismatch\",\"error_description\":\"Bad Request\"}", OAUTH_WRONG,
		"oauth-redirect-wrong", NULL, NULL },
	{ 400, "{\"error\":\"invalid_request\",\"error_description\":\"The redirect_uri is not "
		"registered\"}", OAUTH_WRONG, "oauth-redirect-wrong", NULL, NULL },
	{ 400, "{\"error\":\"admin_policy_enforced\"}", OAUTH_WRONG, "oauth-admin-forbids", NULL, NULL },
	{ 403, "{\"error\":\"org_internal\"}", OAUTH_WRONG, "oauth-admin-forbids", NULL, NULL },
	{ 403, "{\"error\":{\"code\":403,\"message\":\"The caller may not.\",\"status\":"
		"\"PERMISSION_DENIED\"}}", OAUTH_WRONG, "oauth-refused", "PERMISSION_DENIED: The caller may not.",
		NULL },
	/* ---- Microsoft */
	{ 400, ENTRA("interaction_required", 50076, "Due to a configuration change made by your "
		"administrator, you must use multi-factor authentication"), OAUTH_OVER, "oauth-second-factor",
		"interaction_required: AADSTS50076: Due to", LOGIN },
	{ 400, ENTRA("invalid_grant", 50079, "x"), OAUTH_OVER, "oauth-second-factor", NULL, LOGIN },
	{ 400, ENTRA("invalid_grant", 65001, "The user or administrator has not consented to use the "
		"application"), OAUTH_OVER, "oauth-consent-missing", NULL, NULL },
	{ 400, ENTRA("access_denied", 65004, "The resource owner did not consent."), OAUTH_OVER,
		"oauth-access-denied", NULL, LOGIN },
	{ 400, ENTRA("invalid_grant", 90094, "The grant requires admin permission."), OAUTH_OVER,
		"oauth-admin-consent", NULL, NULL },
	{ 400, ENTRA("invalid_grant", 50173, "The provided grant has expired due to it being revoked, a "
		"fresh auth token is needed."), OAUTH_OVER, "oauth-password-changed", NULL, LOGIN },
	{ 400, ENTRA("invalid_grant", 70008, "The refresh token has expired due to inactivity."),
		OAUTH_OVER, "oauth-sign-in-unused", NULL, LOGIN },
	{ 400, ENTRA("invalid_grant", 700082, "The refresh token has expired due to inactivity. The "
		"token was issued on 2026-08-01 and was inactive for 90.00:00:00."), OAUTH_OVER,
		"oauth-sign-in-unused", "AADSTS700082: The refresh token has expired", LOGIN },
	{ 400, ENTRA("invalid_grant", 70043, "The refresh token has expired or is invalid due to "
		"sign-in frequency checks by conditional access."), OAUTH_OVER, "oauth-sign-in-limited", NULL,
		LOGIN },
	{ 400, ENTRA("invalid_grant", 53003, "Access has been blocked by Conditional Access policies."),
		OAUTH_WRONG, "oauth-conditional-access", NULL, NULL },
	{ 400, ENTRA("invalid_grant", 50053, "The account is locked"), OAUTH_WRONG,
		"oauth-account-locked", NULL, NULL },
	{ 400, ENTRA("invalid_grant", 50057, "The user account is disabled."), OAUTH_WRONG,
		"oauth-account-disabled", NULL, NULL },
	{ 400, ENTRA("invalid_grant", 50105, "The signed in user is not assigned to a role"), OAUTH_WRONG,
		"oauth-user-not-assigned", NULL, NULL },
	{ 400, ENTRA("invalid_grant", 50020, "User account does not exist in tenant"), OAUTH_WRONG,
		"oauth-other-tenant", NULL, NULL },
	{ 400, ENTRA("unauthorized_client", 700016, "Application with identifier x was not found in the "
		"directory"), OAUTH_WRONG, "oauth-app-unknown", NULL, NULL },
	{ 401, ENTRA("invalid_client", 7000215, "Invalid client secret provided."), OAUTH_WRONG,
		"oauth-secret-wrong", NULL, NULL },
	{ 401, ENTRA("invalid_client", 7000222, "The provided client secret keys are expired."),
		OAUTH_WRONG, "oauth-secret-expired", NULL, NULL },
	{ 401, ENTRA("invalid_client", 7000218, "The request body must contain the following parameter: "
		"client_assertion or client_secret"), OAUTH_WRONG, "oauth-secret-wanted", NULL, NULL },
	{ 401, ENTRA("invalid_client", 700025, "Client is public so neither client_assertion nor "
		"client_secret should be presented."), OAUTH_WRONG, "oauth-secret-unwanted", NULL, NULL },
	{ 401, ENTRA("invalid_client", 700027, "Client assertion contains an invalid signature."),
		OAUTH_WRONG, "oauth-key-refused", NULL, NULL },
	{ 401, ENTRA("invalid_client", 700024, "Client assertion is not within its valid time range."),
		OAUTH_WRONG, "oauth-clock-wrong", NULL, NULL },
	{ 401, ENTRA("unauthorized_client", 7000112, "Application is disabled."), OAUTH_WRONG,
		"oauth-app-disabled", NULL, NULL },
	{ 400, ENTRA("invalid_request", 9002327, "Tokens issued for the Single-Page Application client-type "
		"may only be redeemed via cross-origin requests."), OAUTH_WRONG, "oauth-app-kind-wrong", NULL,
		NULL },
	{ 400, ENTRA("invalid_grant", 700084, "x"), OAUTH_OVER, "oauth-app-kind-wrong", NULL, NULL },
	{ 400, ENTRA("invalid_request", 50194, "Application is not configured as a multi-tenant "
		"application. Usage of the /common endpoint is not supported for such apps"), OAUTH_WRONG,
		"oauth-tenant-needed", NULL, NULL },
	{ 400, "{\"error\":\"invalid_request\",\"error_description\":\"Usage of the /common endpoint is not "
		"supported\"}", OAUTH_WRONG, "oauth-tenant-needed", NULL, NULL },
	{ 400, ENTRA("unauthorized_client", 9002331, "Application is configured for use by Microsoft "
		"Account users only. Please use the /consumers endpoint"), OAUTH_WRONG,
		"oauth-tenant-consumers", NULL, NULL },
	{ 400, "{\"error\":\"unauthorized_client\",\"error_description\":\"Please use the /consumers endpoint "
		"to serve this request.\"}", OAUTH_WRONG, "oauth-tenant-consumers", NULL, NULL },
	{ 400, ENTRA("invalid_request", 90002, "Tenant not found."), OAUTH_WRONG, "oauth-tenant-unknown",
		NULL, NULL },
	{ 400, ENTRA("invalid_scope", 70011, "The provided value for scope is not valid."), OAUTH_WRONG,
		"oauth-scope-wrong", NULL, NULL },
	{ 400, ENTRA("invalid_resource", 500011, "The resource principal was not found"), OAUTH_WRONG,
		"oauth-scope-wrong", NULL, NULL },
	{ 400, ENTRA("invalid_request", 50011, "The redirect URI does not match"), OAUTH_WRONG,
		"oauth-redirect-wrong", NULL, NULL },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS700082: x\"}", OAUTH_OVER,
		"oauth-sign-in-unused", "AADSTS700082: x", LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_codes\":[1,2,700082]}", OAUTH_OVER,
		"oauth-sign-in-unused", NULL, LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_codes\":[1,2,3,4,5,700082]}", OAUTH_OVER,
		"sign-in-over", NULL, LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_codes\":[\"700082\",-1,700082]}", OAUTH_OVER,
		"sign-in-over", NULL, LOGIN },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS7000820: x\"}", OAUTH_OVER,
		"sign-in-over", NULL, LOGIN },
};

/* The same where a program signs for itself: nobody can sign in again. */
static const struct refusal services[] = {
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Token must be a short-lived "
		"token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT "
		"claim.\"}", OAUTH_WRONG, "oauth-clock-wrong", "Invalid JWT: Token must be", NULL },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}", OAUTH_WRONG,
		"oauth-key-refused", NULL, NULL },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid email or User ID\"}", OAUTH_WRONG,
		"oauth-service-user-unknown", NULL, NULL },
	{ 401, "{\"error\":\"unauthorized_client\",\"error_description\":\"Client is unauthorized to retrieve "
		"access tokens using this method, or client not authorized for any of the scopes "
		"requested.\"}", OAUTH_WRONG, "oauth-not-delegated", NULL, NULL },
	{ 503, "", OAUTH_LATER, "oauth-later", NULL, NULL },
};

/* Where nobody signs in nobody is told to. */
static const struct refusal clients[] = {
	{ 400, "{\"error\":\"invalid_grant\"}", OAUTH_WRONG, "oauth-proof-refused", "invalid_grant", NULL },
	{ 400, ENTRA("invalid_grant", 50076, "Due to a configuration change"), OAUTH_OVER,
		"oauth-second-factor", NULL, NULL },
};

/* In words that others use too. */
static const struct refusal of_google = {
	400, "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or revoked.\"}",
	OAUTH_OVER, "oauth-google-over", "invalid_grant: Token has been expired or revoked. (", NULL
};

static const char *met[CAUSES_MOST];
static size_t met_count;

static void check_refusal(const struct oauth_plan *p, const struct refusal *r)
{
	struct oauth_grant grant;
	struct err e = { 0 };
	enum oauth_outcome outcome = oauth_read_token(p, r->status, r->body, strlen(r->body), &grant, &e);

	check_int(outcome, r->outcome, "%d %.60s: what follows", r->status, r->body);
	check_text(e.cause, r->cause, "... its cause");
	check(!grant.access.data && !grant.refresh.data, "... and no token");
	if (!r->cause) {
		check_int(e.kind, ERR_NONE, "... it is no trouble");
		return;
	}
	if (met_count < CAUSES_MOST)
		met[met_count++] = r->cause;
	check(cause_named(e.cause) != NULL, "... which is in the table of causes");
	check(!r->text || strstr(e.text, r->text), "... is said: %s", e.text);
	check(strstr(e.text, " failed: ") && strstr(e.text, " (login.x.test)"), "... what and where");
	check_text(e.hint, r->hint ? r->hint : "", "... what to do");
	check(!strstr(e.text, "Trace ID") && !strstr(e.text, "\\x0d"), "... nothing for support only");
}

static void test_refusals(void)
{
	struct oauth_plan p = { .account = (char[]){ "work" }, .client_id = (char[]){ "i" },
		.token_url = (char[]){ "https://login.x.test:8443/token?a=b" } };

	for (size_t i = 0; i < COUNT(refusals); i++)
		check_refusal(&p, &refusals[i]);
	p.provider = oauth_provider_find("google");
	check_refusal(&p, &of_google);
	p.provider = NULL;
	p.flow = OAUTH_FLOW_SERVICE;
	for (size_t i = 0; i < COUNT(services); i++)
		check_refusal(&p, &services[i]);
	p.flow = OAUTH_FLOW_CLIENT;
	for (size_t i = 0; i < COUNT(clients); i++)
		check_refusal(&p, &clients[i]);
}

static void check_met(const char *cause)
{
	bool found = false;

	for (size_t i = 0; i < met_count; i++)
		found = found || !strcmp(met[i], cause);
	check(found, "%s has a case", cause);
}

static unsigned check_all_met(const struct oauth_trouble_row *row)
{
	unsigned count = 0;

	for (; row->outcome != OAUTH_GRANTED; row++, count++)
		if (row->cause)
			check_met(row->cause);
	return count;
}

/* Each row of the table has a case above. */
static void test_table(void)
{
	unsigned count = check_all_met(oauth_refusals) + check_all_met(oauth_statuses);

	check_met(oauth_refused.cause);
	check_met(oauth_strange_answer.cause);
	check_met(oauth_in_trouble.cause);
	check(count > 60, "the tables have %u rows", count);
}

/* ---- what a provider must not make us say */

static const struct { const char *words, *shown; } echoes[] = {
	{ "plain words, and (some) marks.", "plain words, and (some) marks." },
	{ "your token ya29.a0AfH6SMBxyzABCDEFGHIJKLMNOP is bad", "your token [...] is bad" },
	{ "code=4/0AX4XfWh1234", "[...]" },
	{ "secret1234567", "[...]" },
	{ "AADSTS7000215: short", "AADSTS7000215: short" },
	{ "AADSTS7000215aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "[...]" },
	{ "scope https://mail.google.com/ is not", "scope https://mail.google.com/ is not" },
	{ "see https://x.test/help?token=1//0gABCDEF", "see https://x.test/help[...]" },
	{ "see https://x.test/t/1234567890abcdef", "see https://x.test/t[...]" },
	{ "https://x.test https://x.test/ https://x.test?a https://x.test#b https://", "https://x.test "
		"https://x.test/ https://x.test[...] https://x.test[...] https://" },
	{ "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test/",
		"https://[...]" },
	{ "https://x.test/12345678abcdefgh.html", "https://x.test[...]" },
	{ "a\tb \033[31mred", "a\\x09b \\x1b[31mred" },
	{ "first\r\nsecond", "first" },
	{ "two  blanks", "two  blanks" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "[...]" },
	{ "", "" },
	{ "my-client-secret was wrong", "[...]" },
};

static void test_echoes(void)
{
	static char secret[] = "my-client-secret";
	struct oauth_plan p = { .account = (char[]){ "work" }, .client_secret = { secret, strlen(secret) } };
	char want[600];

	for (size_t i = 0; i < COUNT(echoes); i++) {
		struct oauth_trouble t = { .what = "trying", .url = "https://x.test/", .status = 400,
			.error = "invalid_grant", .words = echoes[i].words };
		struct err e = { 0 };

		oauth_trouble(&p, &t, &e);
		snprintf(want, sizeof(want), "trying failed: invalid_grant%s%s (x.test)",
			echoes[i].shown[0] ? ": " : "", echoes[i].shown);
		check_text(e.text, want, "D9 what is shown of its words: row %zu", i);
	}
}

static void test_long(void)
{
	struct oauth_plan p = { .account = (char[]){ "work" } };
	struct oauth_trouble t = { .what = "trying", .url = "https://x.test/", .status = 400 };
	struct err e = { 0 };
	char *words = mem_alloc(100000);

	for (size_t i = 0; i < 99999; i++)
		words[i] = i % 7 ? 'a' : ' ';
	t.error = words;
	t.words = words;
	oauth_trouble(&p, &t, &e);
	check(strlen(e.text) < 500 && strstr(e.text, "... (x.test)"), "E4 no more than a few lines: %zu",
		strlen(e.text));
	check(strstr(e.text, "an error of an unknown kind") != NULL, "and no error's name of any length");
	free(words);
}

static void test_hosts(void)
{
	static const char *const rows[][2] = {
		{ "https://x.test/a", "x.test" }, { "https://x.test", "x.test" }, { "https://x.test:1/", "x.test" },
		{ "https://x.test?a", "x.test" }, { "", "" }, { "https://\033/", "\\x1b" },
	};
	char host[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		oauth_host(rows[i][0], host, sizeof(host));
		check_text(host, rows[i][1], "the host of %s", rows[i][0]);
	}
}

int main(void)
{
	test_refusals();
	test_table();
	test_echoes();
	test_long();
	test_hosts();
	return tap_done();
}
