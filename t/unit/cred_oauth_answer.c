/* t/unit/cred_oauth_answer.c - what providers answer: tokens, device codes, and what a token
 * says of itself; each also cut at every octet. */
#include "t/unit/oauth_rig.h"

#include "base/codec.h"
#include "cred/oauth_talk.h"
#include "deliver/cause.h"

static struct oauth_plan plan = { .account = (char[]){ "work" },
	.token_url = (char[]){ "https://login.x.test/token" },
	.device_url = (char[]){ "https://login.x.test/device" } };

/* ---- tokens */

static const struct {
	const char *body, *access, *refresh;   /* access NULL: refused */
	int64_t expires_in;
	const char *scope;
} grants[] = {
	{ "{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":\"example\",\"expires_in\":3600}",
		NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":\"Bearer\",\"expires_in\":3599,"
		"\"refresh_token\":\"tGzv3JOkF0XG5Qx2TlKWIA\",\"scope\":\"https://mail.google.com/\"}",
		"2YotnFZFEjr1zCsicMWpAA", "tGzv3JOkF0XG5Qx2TlKWIA", 3599, "https://mail.google.com/" },
	{ "{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":\"3600\"}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"a\",\"token_type\":\"BEARER\",\"expires_in\":12.5}", "a", NULL, 12, "" },
	{ "{\"access_token\":\"a\"}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"a\",\"expires_in\":null,\"refresh_token\":null}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"a\",\"expires_in\":0,\"refresh_token\":\"\"}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"a\",\"expires_in\":-5}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"a\",\"expires_in\":\"soon\"}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"a\",\"expires_in\":9223372036854775807}", "a", NULL, 366 * 24 * 3600, "" },
	{ "{\"access_token\":\"a\",\"expires_in\":1e300}", "a", NULL, 3600, "" },
	{ "{\"access_token\":\"!~\",\"refresh_token\":\" r \",\"scope\":\"a\\u001bb\"}", "!~", " r ", 3600,
		"a\\x1bb" },
	{ " {\"id_token\":{\"a\":[]},\"access_token\":\"a\",\"ext_expires_in\":1} \r\n", "a", NULL, 3600, "" },
	/* no token */
	{ "{}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":1}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":[\"a\"]}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a b\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\\u0001auth=Bearer b\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\\r\\nMAIL FROM:<>\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\\u00e4\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\\u007f\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\",\"refresh_token\":\"b\\n\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\",\"token_type\":\"mac\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\",\"token_type\":\"DPoP\"}", NULL, NULL, 0, NULL },
	{ "{\"access_token\":\"a\",\"refresh_token\":\"b\",\"token_type\":\"DPoP\"}", NULL, "b", 0, NULL },
	{ "{\"refresh_token\":\"b c\"}", NULL, "b c", 0, NULL },
};

/* No JSON that may be believed. */
static const char *const strange[] = { "", "a", "<html>", "[\"a\"]", "\"a\"", "access_token=a&expires_in=5",
	"{\"access_token\":\"a\",\"access_token\":\"b\"}", "{\"access_token\":\"a\\u0000\"}",
	"{\"access_token\":\"a\"}x", "{\"access_token\":\"a\xff\"}",
	"{\"access_token\":\"a\",\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}" };

static enum oauth_outcome read_token(const char *body, size_t len, struct oauth_grant *g, struct err *e)
{
	*e = (struct err){ 0 };
	return oauth_read_token(&plan, 200, body, len, g, e);
}

static void check_no_grant(enum oauth_outcome outcome, const char *cause, const char *refresh,
	const struct oauth_grant *g, const struct err *e)
{
	check_int(outcome, OAUTH_WRONG, "... is not taken");
	check_text(e->cause, cause, "... its cause");
	check(cause_named(e->cause) && e->kind == ERR_PROTOCOL && e->text[0], "... is said: %s", e->text);
	check_text(g->access.data, NULL, "... and nothing of it is kept");
	check_text(g->refresh.data, refresh, "... but what will get the next");
}

static void test_grants(void)
{
	for (size_t i = 0; i < COUNT(grants); i++) {
		struct oauth_grant g;
		struct err e;
		enum oauth_outcome outcome = read_token(grants[i].body, strlen(grants[i].body), &g, &e);

		printf("# %s\n", grants[i].body);
		if (!grants[i].access) {
			check_no_grant(outcome, "oauth-token-unusable", grants[i].refresh, &g, &e);
			oauth_grant_wipe(&g);
			continue;
		}
		check_int(outcome, OAUTH_GRANTED, "granted");
		check_text(g.access.data, grants[i].access, "... the token");
		check_int(g.access.len, strlen(grants[i].access), "... its length");
		check_text(g.refresh.data, grants[i].refresh, "... the one for the next");
		check_int(g.expires_in, grants[i].expires_in, "... for how long");
		check_text(g.scope, grants[i].scope, "... for what");
		oauth_grant_wipe(&g);
		check(!g.access.data && !g.refresh.data, "... wiped");
	}
	for (size_t i = 0; i < COUNT(strange); i++) {
		struct oauth_grant g;
		struct err e;
		enum oauth_outcome outcome = read_token(strange[i], strlen(strange[i]), &g, &e);

		printf("# %s\n", strange[i]);
		check_no_grant(outcome, "oauth-answer-strange", NULL, &g, &e);
	}
}

static void test_token_cuts(void)
{
	const char *whole = grants[1].body;

	for (size_t cut = 0; cut < strlen(whole); cut++) {
		char *body = mem_copy(whole, cut);
		struct oauth_grant g;
		struct err e;

		check_no_grant(read_token(body, cut, &g, &e), "oauth-answer-strange", NULL, &g, &e);
		free(body);
	}
}

/* A token of some length in an answer that is padded to some length. */
static enum oauth_outcome sized(size_t token, size_t whole, struct oauth_grant *g, struct err *e)
{
	struct buf body = BUF_INIT(1 << 20);
	enum oauth_outcome outcome;

	buf_add_text(&body, "{\"access_token\":\"");
	for (size_t i = 0; i < token; i++)
		buf_add_char(&body, 't');
	buf_add_text(&body, "\"}");
	while (body.len < whole)
		buf_add_char(&body, ' ');
	outcome = read_token(body.data, body.len, g, e);
	buf_release(&body);
	return outcome;
}

static void test_sizes(void)
{
	struct oauth_grant g;
	struct err e;

	check_int(sized(SECRET_MAX, 0, &g, &e), OAUTH_GRANTED, "the longest token");
	check_int(g.access.len, SECRET_MAX, "whole");
	oauth_grant_wipe(&g);
	check_no_grant(sized(SECRET_MAX + 1, 0, &g, &e), "oauth-token-unusable", NULL, &g, &e);
	check_int(sized(10, 64 * 1024, &g, &e), OAUTH_GRANTED, "the longest answer");
	oauth_grant_wipe(&g);
	check_no_grant(sized(10, 64 * 1024 + 1, &g, &e), "oauth-answer-strange", NULL, &g, &e);
}

/* ---- the device flow: RFC 8628 section 3.2, and others */

static const char rfc8628[] = "{\"device_code\":\"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS\","
	"\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://example.com/device\","
	"\"verification_uri_complete\":\"https://example.com/device?user_code=WDJB-MJHT\","
	"\"expires_in\":1800,\"interval\":5}";

static const struct {
	const char *body, *url, *complete;   /* url NULL: refused */
	int64_t expires_in, interval;
} devices[] = {
	{ rfc8628, "https://example.com/device", "https://example.com/device?user_code=WDJB-MJHT", 1800, 5 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_url\":\"https://ya.ru/device\","
		"\"expires_in\":\"300\",\"interval\":\"7\"}", "https://ya.ru/device", "", 300, 7 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\","
		"\"verification_uri_complete\":\"javascript:alert(1)\"}", "https://x.test/", "", 600, 5 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\","
		"\"expires_in\":99999999,\"interval\":99999}", "https://x.test/", "", 3600, 3600 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\","
		"\"expires_in\":-1,\"interval\":0}", "https://x.test/", "", 600, 5 },
	{ "{\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\"}", NULL, NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"verification_uri\":\"https://x.test/\"}", NULL, NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\"}", NULL, NULL, 0, 0 },
	{ "{\"device_code\":\"\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\"}", NULL,
		NULL, 0, 0 },
	{ "{\"device_code\":\"d\\n\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\"}",
		NULL, NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"user_code\":\"\\u001b[31m\",\"verification_uri\":\"https://x.test/\"}", NULL,
		NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT-WDJB-MJHT-WDJB-MJHT-WDJB-MJHT-WDJB-MJHT-WDJB-MJHT-"
		"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\"}", NULL, NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"http://x.test/\"}", NULL,
		NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://x.test/\\u001b\"}",
		NULL, NULL, 0, 0 },
	{ "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://a@x.test/\"}", NULL,
		NULL, 0, 0 },
};

static void test_devices(void)
{
	for (size_t i = 0; i < COUNT(devices); i++) {
		const char *body = devices[i].body;
		struct oauth_device d;
		struct err e = { 0 };
		int good = oauth_read_device(&plan, 200, body, strlen(body), &d, &e);

		printf("# %s\n", body);
		check_int(good, devices[i].url ? 0 : -1, "a device code or none");
		if (good < 0) {
			check_text(e.cause, "oauth-device-strange", "... its cause");
			check(cause_named(e.cause) != NULL, "... which is in the table of causes");
			check(!d.device_code.data && !d.user_code[0], "... and nothing is kept");
			continue;
		}
		check_text(d.user_code, "WDJB-MJHT", "... the code for the user");
		check_text(d.url, devices[i].url, "... the page");
		check_text(d.url_complete, devices[i].complete, "... the page with the code");
		check_int(d.expires_in, devices[i].expires_in, "... for how long");
		check_int(d.interval, devices[i].interval, "... how often to ask");
		check(d.device_code.len > 0, "... and what to ask with");
		oauth_device_release(&d);
		check(!d.device_code.data, "... wiped");
	}
}

static void test_device_refusals(void)
{
	static const struct { int status; const char *body, *cause; } rows[] = {
		{ 400, "{\"error\":\"invalid_scope\"}", "oauth-scope-wrong" },
		{ 401, "{\"error\":\"invalid_client\"}", "oauth-client-refused" },
		{ 503, "", "oauth-later" },
		{ 200, "<html>", "oauth-answer-strange" },
		{ 400, "{\"error\":\"slow_down\"}", "oauth-device-strange" },
		{ 400, "{\"error\":\"authorization_pending\"}", "oauth-device-strange" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct oauth_device d;
		struct err e = { 0 };

		check_int(oauth_read_device(&plan, rows[i].status, rows[i].body, strlen(rows[i].body), &d, &e), -1,
			"refused: %s", rows[i].body);
		check_text(e.cause, rows[i].cause, "... its cause");
		check(strstr(e.text, "asking for a device code failed: ") == e.text, "... is said: %s", e.text);
		oauth_device_release(&d);
	}
	for (size_t cut = 0; cut < strlen(rfc8628); cut++) {
		char *body = mem_copy(rfc8628, cut);
		struct oauth_device d;
		struct err e = { 0 };

		check_int(oauth_read_device(&plan, 200, body, cut, &d, &e), -1, "cut at %zu", cut);
		free(body);
	}
}

/* ---- what a token says of itself */

static const struct { const char *claims, *user, *audience; } facts[] = {
	{ "{\"preferred_username\":\"me@x.test\",\"upn\":\"u\",\"aud\":\"https://outlook.office.com\"}",
		"me@x.test", "https://outlook.office.com" },
	{ "{\"upn\":\"u@x.test\",\"aud\":[\"a\",\"b\"]}", "u@x.test", "a" },
	{ "{\"unique_name\":\"n@x.test\"}", "n@x.test", "" },
	{ "{\"email\":\"\\u001b[2Jme\",\"aud\":7}", "\\x1b[2Jme", "" },
	{ "{\"aud\":\"00000003-0000-0000-c000-000000000000\"}", "", "00000003-0000-0000-c000-000000000000" },
	{ "{\"sub\":\"x\"}", NULL, NULL },
	{ "{\"upn\":{}}", NULL, NULL },
	{ "[]", NULL, NULL },
	{ "no", NULL, NULL },
	{ "", NULL, NULL },
};

static bool facts_of(const char *token, char user[64], char audience[64])
{
	struct secret s = { NULL, 0 };
	bool any;

	secret_set(&s, token, strlen(token));
	any = oauth_token_facts(&s, user, 64, audience, 64);
	secret_wipe(&s);
	return any;
}

static void test_facts(void)
{
	static const char *const opaque[] = { "", "ya29.a0AfH6", "a.b", "..", "a..c", "a.!.c", "a.e30.c",
		"eyJ.eyJ.x" };
	char user[64], audience[64];
	struct secret none = { NULL, 0 };

	for (size_t i = 0; i < COUNT(facts); i++) {
		struct buf token = BUF_INIT(4096);

		buf_add_text(&token, "eyJhbGciOiJub25lIn0.");
		base64url_encode(facts[i].claims, strlen(facts[i].claims), &token);
		buf_add_text(&token, ".c2ln");
		check_int(facts_of(buf_text(&token), user, audience), facts[i].user != NULL, "%s",
			facts[i].claims);
		check_text(user, facts[i].user ? facts[i].user : "", "... the user");
		check_text(audience, facts[i].audience ? facts[i].audience : "", "... the audience");
		for (size_t cut = 0; cut < token.len; cut++) {
			char *part = mem_copy(token.data, cut);

			facts_of(part, user, audience);
			check(strlen(user) < 64 && strlen(audience) < 64, "cut at %zu", cut);
			free(part);
		}
		buf_release(&token);
	}
	for (size_t i = 0; i < COUNT(opaque); i++)
		check(!facts_of(opaque[i], user, audience) && !user[0] && !audience[0], "opaque: %s", opaque[i]);
	check(!oauth_token_facts(&none, user, 64, audience, 64), "no token at all");
}

int main(void)
{
	test_grants();
	test_token_cuts();
	test_sizes();
	test_devices();
	test_device_refusals();
	test_facts();
	return tap_done();
}
