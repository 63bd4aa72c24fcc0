/* t/unit/cred_oauth_ask.c - requests to providers, octet by octet. */
#include "t/unit/oauth_rig.h"

#include "base/codec.h"
#include "cred/oauth_talk.h"

#define SECRET OAUTH_RIG_SECRET
#define CODE "grant_type=authorization_code&client_id=i&code=c%2B1%2F2&code_verifier=v&" \
	"redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2F"

static char odd[] = "r +&=%/~";
static const struct secret refresh = { odd, sizeof(odd) - 1 };

static void said(int good, struct buf *out, const char *want, const char *name)
{
	check_int(good, 0, "%s", name);
	check_text(buf_text(out), want, "... as it must be");
	buf_wipe(out);
}

/* ---- RFC 7636 appendix B */

static void test_pkce(void)
{
	static const unsigned char random[OAUTH_RANDOM] = { 116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96,
		125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121 };
	struct oauth_plan p = { .client_id = (char[]){ "i" }, .auth_url = (char[]){ "https://x.test/" } };
	struct buf url = BUF_INIT(4096);
	char verifier[64];

	oauth_verifier(random, verifier);
	check_text(verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "the verifier of the RFC");
	oauth_url(&p, "http://127.0.0.1:1/", "s", verifier, &url);
	check(strstr(buf_text(&url), "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&"
		"code_challenge_method=S256") != NULL, "and its challenge");
	check(!strstr(buf_text(&url), verifier), "the verifier itself stays here");
	buf_release(&url);
}

static void test_url(void)
{
	struct oauth_plan p;
	struct buf out = BUF_INIT(8192);

	if (check(PLAN("google", &p, "client_id", "id&1", "client_secret", SECRET), "a plan")) {
		oauth_url(&p, "http://127.0.0.1:8400/", "st", "v", &out);
		said(0, &out, "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&"
			"client_id=id%261&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2F&"
			"scope=https%3A%2F%2Fmail.google.com%2F&state=st&"
			"code_challenge=TJRIXgwhrmxBzh3-e2v6zupato5AokdvUCCOUm9QYIA&"
			"code_challenge_method=S256&login_hint=me%40x.test&"
			"access_type=offline&prompt=consent", "the URL to open");
	}
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "client_id", "i", "auth_url", "https://x.test/a?b=c", "token_url",
			"https://x.test/t", "scope", "a b"), "one with a query")) {
		free(p.user);
		p.user = mem_string("me");
		oauth_url(&p, "r", "st", "v", &out);
		check(strstr(buf_text(&out), "https://x.test/a?b=c&response_type=code&client_id=i&"
			"redirect_uri=r&scope=a%20b&state=st&code_challenge=") == out.data, "the query is kept");
		check(!strstr(buf_text(&out), "login_hint"), "a name that is no address is no hint");
	}
	buf_release(&out);
	oauth_plan_release(&p);
}

/* ---- forms */

static void test_forms(void)
{
	struct buf out = BUF_INIT(8192);
	struct oauth_plan p;
	struct err e = { 0 };

	if (!check(PLAN("microsoft365", &p, "client_id", "i"), "a public client"))
		return;
	said(oauth_ask_refresh(&p, &refresh, &out, &e), &out, "grant_type=refresh_token&client_id=i&"
		"refresh_token=r%20%2B%26%3D%25%2F~", "a refresh: without scope, which stays what it was");
	said(oauth_ask_code(&p, "c+1/2", "v", "http://127.0.0.1:8400/", &out, &e), &out, CODE, "a code");
	said(oauth_ask_device(&p, &out), &out, "client_id=i&scope="
		"https%3A%2F%2Foutlook.office.com%2FSMTP.Send%20offline_access", "a device");
	said(oauth_ask_poll(&p, "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", &out, &e), &out,
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=i&"
		"device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", "RFC 8628 section 3.4");
	said(oauth_ask_revoke(&p, &refresh, &out, &e), &out, "token=r%20%2B%26%3D%25%2F~&client_id=i",
		"RFC 7009 section 2.1");
	oauth_plan_release(&p);
	if (check(PLAN("yandex", &p, "client_id", "i", "client_secret", "s&"), "one with a secret"))
		said(oauth_ask_poll(&p, "d", &out, &e), &out, "grant_type=device_code&client_id=i&"
			"client_secret=s%26&code=d", "the way of Yandex");
	oauth_plan_release(&p);
	if (check(PLAN("microsoft365", &p, "client_id", "i", "client_secret", "s", "tenant", "t", "flow",
			"client"), "an app for itself"))
		said(oauth_ask_client(&p, 0, (const unsigned char *)SECRET SECRET, &out, &e), &out,
			"grant_type=client_credentials&client_id=i&client_secret=s&"
			"scope=https%3A%2F%2Foutlook.office365.com%2F.default", "client credentials");
	oauth_plan_release(&p);
}

/* RFC 6749 section 2.3.1: both are encoded first. */
static void test_header(void)
{
	struct buf out = BUF_INIT(8192);
	struct oauth_plan p;
	struct err e = { 0 };

	if (!check(PLAN(NULL, &p, "client_id", "i:1", "client_secret", "s+ ", "issuer", "https://x.test"),
			"a plan"))
		return;
	check(!oauth_authorization(&p, &out) && !out.len, "no header where none is wanted");
	p.basic = true;
	check(oauth_authorization(&p, &out), "the secret in a header");
	check_text(buf_text(&out), "Basic aSUzQTE6cyUyQiUyMA==", "i%%3A1:s%%2B%%20");
	buf_wipe(&out);
	said(oauth_ask_refresh(&p, &refresh, &out, &e), &out, "grant_type=refresh_token&"
		"refresh_token=r%20%2B%26%3D%25%2F~", "and then not in the form");
	secret_wipe(&p.client_secret);
	check(!oauth_authorization(&p, &out), "without a secret there is none");
	said(oauth_ask_refresh(&p, &refresh, &out, &e), &out, "grant_type=refresh_token&client_id=i%3A1&"
		"refresh_token=r%20%2B%26%3D%25%2F~", "and the form says who asks");
	oauth_plan_release(&p);
}

/* A buffer that grows leaves its old place behind, with the secret in it. */
static void test_one_place(void)
{
	static char long_token[SECRET_MAX + 1];
	struct secret token = { long_token, SECRET_MAX };
	struct buf out = BUF_INIT(1 << 20), small = BUF_INIT(1000);
	struct oauth_plan p = { .client_id = (char[]){ "i" }, .token_url = (char[]){ "https://x.test" } };
	struct err e = { 0 };
	const char *place;

	memset(long_token, '%', SECRET_MAX);
	buf_reserve(&out, 1);
	check_int(oauth_ask_refresh(&p, &token, &out, &e), 0, "the longest token");
	check(out.len > 3 * SECRET_MAX, "each octet of it three times as long");
	place = out.data;
	buf_clear(&out);
	oauth_ask_refresh(&p, &token, &out, &e);
	check(out.data == place, "D9 in one place");
	buf_wipe(&out);
	check_int(oauth_ask_refresh(&p, &token, &small, &e), -1, "where there is no room");
	check_int(e.kind, ERR_INTERNAL, "it is said");
	check_int(oauth_ask_device(&p, &small), -1, "of the other requests too");
	buf_wipe(&small);
}

int main(void)
{
	test_pkce();
	test_url();
	test_forms();
	test_header();
	test_one_place();
	return tap_done();
}
