/* t/unit/cred_oauth.c - what the keys of OAuth may be, and the plan that comes of them. */
#include "t/unit/oauth_rig.h"

#include <sys/stat.h>
#include <unistd.h>

#define SECRET OAUTH_RIG_SECRET

/* ---- what is refused without network */

struct refusal {
	const char *set[11];       /* keys and values */
	const char *text, *hint;   /* pieces of what is said */
};

static char long_text[1200];   /* filled with x */
static char long_url[600];

static const struct refusal refusals[] = {
	{ { "provider", "gogle" }, "oauth_provider: no provider of this name is known: gogle",
		"did you mean 'google'?" },
	{ { "provider", "my\033thing" }, "oauth_provider: no provider of this name is known: my\\x1bthing",
		"set oauth_issuer" },
	{ { "tenant", "a/b" }, "oauth_tenant: this is no tenant: a/b", "consumers" },
	{ { "tenant", ".." }, "oauth_tenant: this is no tenant: ..", "its id" },
	{ { "tenant", "common?x" }, "oauth_tenant: this is no tenant", "its id" },
	{ { "tenant", "" }, "oauth_tenant: this is no tenant", "its id" },
	{ { "tenant", "\xc3\xa4" }, "oauth_tenant: this is no tenant", "its id" },
	{ { "tenant", long_text }, "oauth_tenant: this is no tenant", "its id" },
	{ { "token_url", "http://x.test/token" }, "oauth_token_url: tokens go over https only", "https://" },
	{ { "token_url", "x.test/token" }, "oauth_token_url: this is not an https URL: x.test/token", "whole" },
	{ { "token_url", "https://" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "https:///token" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "https://:443/token" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "https://good.test@evil.test/" }, "oauth_token_url: this is not", "whole" },
	{ { "token_url", "https://x.test/a#b" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "https://x.test/a\\b" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "https://x.test/a\r\nb" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "https://{tenant}.test/" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", "file:///etc/passwd" }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "token_url", long_url }, "oauth_token_url: this is not an https URL", "whole" },
	{ { "auth_url", "ftp://x.test/" }, "oauth_auth_url: this is not an https URL", "whole" },
	{ { "device_url", "ftp://x.test/" }, "oauth_device_url: this is not an https URL", "whole" },
	{ { "revoke_url", "http://x.test/" }, "oauth_revoke_url: tokens go over https only", "https://" },
	{ { "issuer", "x.test" }, "oauth_issuer: this is not an https URL", "whole" },
	{ { "issuer", "https://x.test/?a" }, "oauth_issuer: an issuer has no query", NULL },
	{ { "redirect", "http://x.test/" }, "oauth_redirect: this leads neither to this machine", "{port}" },
	{ { "redirect", "http://127.0.0.1.evil.test/" }, "oauth_redirect: this leads neither", "{port}" },
	{ { "redirect", "http://localhost@evil.test/" }, "oauth_redirect: this leads neither", "{port}" },
	{ { "redirect", "app:/back" }, "oauth_redirect: this leads neither", "{port}" },
	{ { "scope", "a\"b" }, "oauth_scope: no scope has such characters", NULL },
	{ { "scope", "a\nb" }, "oauth_scope: no scope has such characters", NULL },
	{ { "scope", "a,b" }, "oauth_scope: a comma is part of no scope: a,b", "blanks" },
	{ { "scope", long_text }, "oauth_scope is longer than", NULL },
	{ { "client_id", "a b" }, "oauth_client_id: no client id has such characters: a b", NULL },
	{ { "client_id", long_text }, "oauth_client_id is longer than", NULL },
	{ { "client_id", "i", "client_secret", SECRET, "certificate", "/c" },
		"oauth_certificate and oauth_client_secret are both set", "keep one" },
	{ { "client_secret", SECRET, "service_account", "/s" },
		"oauth_service_account and oauth_client_secret are both set", "keep one" },
	{ { "certificate", "/c", "service_account", "/s" },
		"oauth_service_account and oauth_certificate are both set", "keep one" },
	{ { "client_id", "i", "service_account", "/s" },
		"oauth_service_account and oauth_client_id are both set", "keep one" },
	{ { "flow", "service" }, "oauth_flow = service, and oauth_service_account is missing",
		"key file" },
	{ { "flow", "device", "service_account", "/s" },
		"oauth_service_account does not go with oauth_flow = device", "remove" },
	{ { "flow", "code", "certificate", "/c" },
		"oauth_certificate does not go with oauth_flow = code", "remove" },
	{ { "provider", "google", "flow", "device" },
		"oauth_flow = device: Google has no such way for mail", "that it has: code, paste, service" },
	{ { "provider", "microsoft", "service_account", "/s" },
		"oauth_flow = service: Microsoft 365 has no such way", "code, paste, device, client" },
	{ { "provider", "google", "certificate", "/c" },
		"oauth_flow = client: Google has no such way for mail", "code, paste, service" },
	{ { "provider", "Microsoft", "client_secret", SECRET },
		"oauth_client_secret is set, and Microsoft 365 wants none", "public client" },
	{ { "provider", "google", "tenant", "common" }, "oauth_tenant is set, and Google has no tenants",
		"remove it" },
};

static void check_said(const struct err *e, const char *text, const char *hint)
{
	check_int(e->kind, ERR_CONFIG, "%s: is the configuration's fault", text);
	check(strstr(e->text, text) != NULL, "... and said so: %s", e->text);
	check(!hint || strstr(e->hint, hint), "... with what to do: %s", e->hint);
	check(!strstr(e->text, SECRET) && !strstr(e->hint, SECRET), "D9 no secret in it");
}

static void test_refusals(void)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
	memset(long_url, 'x', sizeof(long_url) - 1);
	memcpy(long_url, "https://", 8);
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct oauth_settings set = settings_of(refusals[i].set);
		struct err e = { 0 };
		struct oauth_plan p;

		check_int(oauth_settings_check(&set, &e), -1, "refused: row %zu", i);
		check_said(&e, refusals[i].text, refusals[i].hint);
		e = (struct err){ 0 };
		check_int(oauth_plan(&set, "work", NULL, "me@x.test", &p, &e), -1,
			"no plan comes of it");
		check_said(&e, refusals[i].text, refusals[i].hint);
		check(!p.account && !p.token_url, "... and nothing is left");
		settings_release(&set);
	}
}

/* ---- whose it is */

static void whose(const char *name, const char *value, const char *preset, const char *id)
{
	struct oauth_settings set = { 0 };
	const struct oauth_provider *p;

	if (name)
		settings_put(&set, name, value);
	p = oauth_settings_provider(&set, preset);
	check_text(p ? p->id : "none", id, "with %s, of %s", name ? name : "nothing",
		preset ? preset : "nobody");
	check_int(oauth_configured(&set), name != NULL, "whether it is OAuth");
	check(name ? !strcmp(oauth_key(&set) + strlen("oauth_"), name) : !oauth_key(&set),
		"the key that says so");
	settings_release(&set);
}

static void test_provider(void)
{
	whose(NULL, NULL, "google", "google");
	whose(NULL, NULL, "gmx", "none");
	whose(NULL, NULL, NULL, "none");
	whose("client_id", "i", "google", "google");
	whose("client_secret", SECRET, "microsoft365", "microsoft");
	whose("flow", "device", "outlook", "outlook");
	whose("provider", "Yahoo", "google", "yahoo");
	whose("issuer", "https://x.test", "google", "none");
	whose("token_url", "https://x.test/", "google", "none");
}

/* ---- plans */

static void test_google(void)
{
	struct oauth_plan p;

	if (!check(PLAN("google", &p, "client_id", "i", "client_secret", SECRET),
			"Google, by the account's provider"))
		return;
	check_text(p.auth_url, "https://accounts.google.com/o/oauth2/v2/auth", "its page");
	check_text(p.token_url, "https://oauth2.googleapis.com/token", "its tokens");
	check_text(p.revoke_url, "https://oauth2.googleapis.com/revoke", "where they end");
	check_text(p.scope, "https://mail.google.com/", "its scope");
	check_text(p.redirect, "http://127.0.0.1:{port}/", "the way back");
	check_text(p.more, "access_type=offline&prompt=consent", "what makes a refresh token come");
	check(!p.device_url && !p.issuer && !p.discover, "what it has not");
	check_text(p.account, "work", "whose plan it is");
	check_text(p.user, "me@x.test", "whose mailbox");
	check_text(p.client_secret.data, SECRET, "the secret");
	check_int(p.flow, OAUTH_FLOW_AUTO, "the flow is still open");
	oauth_plan_release(&p);
	check(!p.account && !p.client_secret.data, "released");
}

#define ENTRA "https://login.microsoftonline.com/"
#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"

static void test_microsoft(void)
{
	struct oauth_plan p;

	if (check(PLAN("microsoft365", &p, "client_id", "i"), "Microsoft")) {
		check_text(p.token_url, ENTRA "common/oauth2/v2.0/token", "the tenant of all");
		check_text(p.scope, "https://outlook.office.com/SMTP.Send offline_access", "its scope");
	}
	oauth_plan_release(&p);
	if (check(PLAN("outlook", &p, "client_id", "i"), "Outlook.com"))
		check_text(p.token_url, ENTRA "consumers/oauth2/v2.0/token", "that of personal accounts");
	oauth_plan_release(&p);
	if (check(PLAN("microsoft365", &p, "client_id", "i", "tenant", TENANT), "with a tenant")) {
		check_text(p.auth_url, ENTRA TENANT "/oauth2/v2.0/authorize", "in the page");
		check_text(p.token_url, ENTRA TENANT "/oauth2/v2.0/token",
			"where tokens are asked for, so in every refresh");
		check_text(p.device_url, ENTRA TENANT "/oauth2/v2.0/devicecode", "in the device flow");
	}
	oauth_plan_release(&p);
	if (check(PLAN("microsoft365", &p, "client_id", "i", "tenant", TENANT, "flow", "client",
			"client_secret", SECRET), "without a user")) {
		check_text(p.scope, "https://outlook.office365.com/.default", "the scope for that");
		check_int(p.flow, OAUTH_FLOW_CLIENT, "the flow");
	}
	oauth_plan_release(&p);
}

static void test_own_words(void)
{
	struct oauth_plan p;

	if (check(PLAN(NULL, &p, "provider", "yandex", "client_id", "i", "client_secret", SECRET,
			"scope", "a b", "auth_url", "https://x.test/a", "redirect",
			"http://localhost:8400/back"), "a provider, and single keys beside it")) {
		check_text(p.auth_url, "https://x.test/a", "one's own page");
		check_text(p.token_url, "https://oauth.yandex.com/token", "the provider's tokens");
		check_text(p.scope, "a b", "one's own scope");
		check_text(p.redirect, "http://localhost:8400/back", "one's own way back");
		check(p.device_by_code, "its device flow is of its own kind");
	}
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "provider", "yandex", "client_id", "i", "client_secret", SECRET,
			"device_url", "https://x.test/d"), "with a device flow of another"))
		check(!p.device_by_code, "which goes by the book");
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "provider", "google", "client_id", "i", "client_secret", SECRET,
			"device_url", "https://x.test/d", "flow", "device"),
			"a flow that the provider has not, and its URL"))
		check_text(p.device_url, "https://x.test/d", "who knows better is believed");
	oauth_plan_release(&p);
}

static void test_urls_alone(void)
{
	struct oauth_plan p;

	if (check(PLAN("google", &p, "client_id", "i", "token_url", "https://x.test/{tenant}/t",
			"device_url", "https://x.test/d", "tenant", "acme"), "URLs alone")) {
		check(!p.provider && !p.auth_url && !p.scope && !p.more && !p.revoke_url,
			"nothing of Google");
		check_text(p.token_url, "https://x.test/acme/t", "a tenant in one's own URL");
		check(!p.discover, "there is nothing to discover");
	}
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "client_id", "i", "token_url", "https://x.test/t", "auth_url",
			"https://x.test/a", "revoke_url", "https://x.test/{tenant}/r", "tenant", "acme"),
			"where the end is told"))
		check_text(p.revoke_url, "https://x.test/acme/r", "... is as it says");
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "provider", "google", "client_id", "i", "client_secret", SECRET, "token_url",
			"https://x.test/t"), "a provider, and another's tokens"))
		check(!p.revoke_url, "... of which it is told nothing");
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "client_id", "i", "issuer", "https://x.test/realm"), "an issuer")) {
		check(p.discover, "which is to be asked for the URLs");
		check_text(p.issuer, "https://x.test/realm", "and is who must answer");
	}
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "client_id", "i", "issuer", "https://x.test", "token_url",
			"https://x.test/t", "auth_url", "https://x.test/a"), "an issuer with all URLs"))
		check(!p.discover, "which are believed");
	oauth_plan_release(&p);
	if (check(PLAN(NULL, &p, "client_id", "i", "issuer", "https://x.test", "token_url",
			"https://x.test/t", "auth_url", "https://x.test/a", "flow", "device"),
			"but the one for the flow"))
		check(p.discover, "is to be found out");
	oauth_plan_release(&p);
}

/* ---- what is missing */

static const struct {
	const char *set[11];
	const char *preset, *text, *hint;
} lacks[] = {
	{ { "provider", "google" }, NULL, "oauth_client_id is missing: every user of Google registers an "
		"app of their own", "`sendoff login work`" },
	{ { "issuer", "https://x.test" }, NULL, "oauth_client_id is missing", "`sendoff login work`" },
	{ { "client_id", "i" }, "google", "oauth_client_secret is missing: Google issues one", "beside" },
	{ { "client_id", "i" }, NULL, "oauth_token_url is missing", "oauth_issuer" },
	{ { "client_id", "i", "token_url", "https://x.test/" }, NULL, "oauth_auth_url is missing",
		"oauth_provider" },
	{ { "client_id", "i", "token_url", "https://x.test/", "auth_url", "https://x.test/",
		"flow", "device" }, NULL, "oauth_device_url is missing", "oauth_provider" },
	{ { "client_id", "i", "token_url", "https://x.test/", "device_url", "https://x.test/",
		"flow", "paste" }, NULL, "oauth_auth_url is missing", "oauth_provider" },
	{ { "client_id", "i", "token_url", "https://x.test/{tenant}", "auth_url", "https://x.test/" }, NULL,
		"oauth_tenant is missing", "set oauth_tenant" },
	{ { "client_id", "i", "provider", "microsoft", "flow", "client", "tenant", "acme.test" },
		NULL, "the app has nothing to prove itself with", "oauth_certificate" },
	{ { "client_id", "i", "provider", "microsoft", "flow", "client", "client_secret", SECRET },
		NULL, "oauth_flow = client wants one tenant, not common", "oauth_tenant" },
	{ { "client_id", "i", "client_secret", SECRET, "tenant", "consumers", "provider", "microsoft",
		"flow", "client" }, NULL, "wants one tenant, not consumers", "oauth_tenant" },
	{ { "client_id", "i", "client_secret", SECRET }, "microsoft365",
		"oauth_client_secret is set, and Microsoft 365 wants none", "public client" },
	{ { "provider", "google", "service_account", "/nonexistent/key" }, NULL,
		"oauth_service_account: cannot open '/nonexistent/key'", NULL },
	{ { "client_id", "i", "provider", "microsoft", "tenant", "acme.test",
		"certificate", "/nonexistent/pem" }, NULL, "oauth_certificate: cannot open '/nonexistent/pem'", NULL },
};

static void test_lacks(void)
{
	for (size_t i = 0; i < COUNT(lacks); i++) {
		struct oauth_settings set = settings_of(lacks[i].set);
		struct err e = { 0 };
		struct oauth_plan p;

		check_int(oauth_plan(&set, "work", lacks[i].preset, "me@x.test", &p, &e), -1,
			"something is missing: row %zu", i);
		check_said(&e, lacks[i].text, lacks[i].hint);
		check(!p.account, "... and nothing is left");
		if (strstr(lacks[i].text, "oauth_client_id"))
			check_text(e.cause, "oauth-client-id-missing", "by which the steps are found");
		settings_release(&set);
	}
}

/* ---- files */

static char dir[] = "/tmp/sendoff-oauth-XXXXXX";

static const char *path_of(const char *name, const char *text, mode_t mode)
{
	static char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (check(f != NULL, "%s is written", path)) {
		fputs(text, f);
		fclose(f);
		chmod(path, mode);
	}
	return path;
}

static void refused_file(const char *key, const char *content, const char *text, const char *hint)
{
	const char *set[] = { key, path_of("refused", content, 0600), "provider", "microsoft",
		"tenant", "acme.test", "client_id", "i", NULL };
	struct oauth_settings made;
	struct err e = { 0 };
	struct oauth_plan p;

	if (!strcmp(key, "service_account")) {
		set[3] = "google";
		set[4] = NULL;
	}
	made = settings_of(set);
	check_int(oauth_plan(&made, "work", NULL, "me@x.test", &p, &e), -1, "refused: %s", text);
	check_said(&e, text, hint);
	settings_release(&made);
}

static const char service_account[] = "{\"type\":\"service_account\",\"client_email\":\"s@p.test\","
	"\"private_key\":\"-----BEGIN PRIVATE KEY-----\\n" SECRET "\\n\",\"private_key_id\":\"k1\","
	"\"token_uri\":\"https://other.test/token\"}";

static void test_service_account(void)
{
	const char *path = path_of("good", service_account, 0600);
	const char *const set[] = { "service_account", path, NULL };
	struct oauth_settings made = settings_of(set);
	struct err e = { 0 };
	struct oauth_plan p;

	if (check(PLAN("google", &p, "service_account", path), "a service account")) {
		check_int(p.flow, OAUTH_FLOW_SERVICE, "decides the flow");
		check_text(p.client_id, "s@p.test", "says who it is");
		check_text(p.key_id, "k1", "and with which key");
		check(p.key.data && strstr(p.key.data, "\n" SECRET "\n"), "which is there");
		check_text(p.token_url, "https://oauth2.googleapis.com/token", "the provider's URL counts");
	}
	oauth_plan_release(&p);
	check(!p.key.data && !p.key_id, "released");
	if (check(PLAN(NULL, &p, "service_account", path), "without a provider"))
		check_text(p.token_url, "https://other.test/token", "that of the file does");
	oauth_plan_release(&p);
	check_int(oauth_plan(&made, "work", NULL, NULL, &p, &e), -1, "without a user");
	check_said(&e, "user is missing", "mail address");
	chmod(path, 0644);
	check_int(oauth_plan(&made, "work", NULL, "me@x.test", &p, &e), -1, "D10 readable by others");
	check_said(&e, "oauth_service_account: ", NULL);
	settings_release(&made);
}

static void test_bad_service_accounts(void)
{
	static const char *const rows[][3] = {
		{ "{\"type\":\"installed\"}", "the file of an app", "oauth_client_id and oauth_client_secret" },
		{ SECRET, "this is not a key file", "JSON" },
		{ "", "this is not a key file", "JSON" },
		{ "{\"private_key\":\"-----BEGIN x\"}", "no usable client_email", "new one" },
		{ "{\"client_email\":\"\"}", "no usable client_email", "new one" },
		{ "{\"client_email\":\"\xc3\xa4@p.test\"}", "no usable client_email", "new one" },
		{ "{\"client_email\":\"s@p.test\"}", "no usable private_key", "new one" },
		{ "{\"client_email\":\"s@p.test\",\"private_key\":\"" SECRET "\"}", "no usable private_key",
			"new one" },
		{ "{\"client_email\":\"s@p.test\",\"private_key\":\"-----BEGIN x\",\"token_uri\":"
			"\"http://x.test\"}", "no usable token_uri", "new one" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		refused_file("service_account", rows[i][0], rows[i][1], rows[i][2]);
}

static void test_certificate(void)
{
	static const char crt[] = "-----BEGIN CERTIFICATE-----\n", key[] = "-----BEGIN PRIVATE KEY-----\n";
	static const char both[] = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
	struct oauth_plan p;

	if (check(PLAN("microsoft365", &p, "client_id", "i", "tenant", "acme.test", "certificate",
			path_of("both", both, 0600)), "a certificate")) {
		check_int(p.flow, OAUTH_FLOW_CLIENT, "decides the flow");
		check_text(p.key.data, both, "it is there");
	}
	oauth_plan_release(&p);
	refused_file("certificate", crt, "oauth_certificate: no key is in it", "cat certificate.pem key.pem");
	refused_file("certificate", key, "oauth_certificate: no certificate is in it", "cat certificate.pem");
}

static void test_files(void)
{
	char *command;

	if (!mkdtemp(dir))
		return;
	test_service_account();
	test_bad_service_accounts();
	test_certificate();
	command = mem_printf("rm -rf %s", dir);
	check_int(system(command), 0, "cleaned up");
	free(command);
}

int main(void)
{
	test_refusals();
	test_provider();
	test_google();
	test_microsoft();
	test_own_words();
	test_urls_alone();
	test_lacks();
	test_files();
	return tap_done();
}
