/* t/unit/deliver_credential.c - a password or a token: which, what is done about a token
 * that is not taken, and what is said to do.
 */
#include "t/unit/tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cred/token.h"
#include "deliver/credential.h"

static char directory[] = "/tmp/sendoff-unit-XXXXXX";
static char user[] = "me@example.com", host[] = "smtp.example.com", name[] = "work";
static char client[] = "my-app", auth_url[] = "https://id.example.com/auth";
static char token_url[] = "https://id.example.com/token", scope[] = "mail";

static struct account account_of(bool token)
{
	struct account a = { .name = name, .net.host = host, .sasl.user = user };

	if (token)
		a.oauth = (struct oauth_settings){ .client_id = client, .auth_url = auth_url,
			.token_url = token_url, .scope = scope };
	return a;
}

static void keep(struct token *t, const char *access)
{
	struct err e = { 0 };
	char *where = token_directory(false, &e);

	secret_set(&t->access, access, strlen(access));
	snprintf(t->client_id, sizeof(t->client_id), "%s", client);
	snprintf(t->token_url, sizeof(t->token_url), "%s", token_url);
	check(where && token_save(where, name, t, &e) == 0, "a token is stored: %s", e.text);
	token_wipe(t);
	free(where);
}

static void store(const char *access, bool stale)
{
	keep(&(struct token){ .obtained = 1000, .expires = 4000000000, .signed_in = 1234,
		.stale = stale }, access);
}

/* One that is to be replaced. */
static void store_old(void)
{
	struct token t = { .obtained = 1000, .expires = 2000, .signed_in = 1234 };

	secret_set(&t.refresh, "refresh-1", 9);
	keep(&t, "access-1");
}

static bool is_stale(void)
{
	struct err e = { 0 };
	char *where = token_directory(false, &e);
	struct token t = { .obtained = 0 };
	bool stale = token_load(where, name, &t, &e) == 0 && t.stale;

	token_wipe(&t);
	free(where);
	return stale;
}

/* ---- fetching */

static char got[80], *named;   /* whom the source named */

static void take(void *context, struct secret *s, struct err *e)
{
	(void)context;
	snprintf(got, sizeof(got), "%.79s", s ? s->data : e->cause ? e->cause : e->text);
	if (s)
		secret_wipe(s);
}

static const char *fetch(const struct account *a)
{
	struct loop loop;

	loop_init(&loop);
	got[0] = '\0';
	check(!credential_fetch_start(&loop, a, NULL, &named, take, NULL), "it is here at once");
	loop_release(&loop);
	return got;
}

static void test_netrc(void)
{
	struct account a = account_of(false);
	char *path = mem_string("/tmp/sendoff-netrc-XXXXXX");
	int fd = mkstemp(path);

	check(dprintf(fd, "machine %s login somebody password geheim", a.net.host) > 0, "a netrc");
	close(fd);
	a.sasl.user = NULL;
	a.secret.netrc = path;
	check_text(fetch(&a), "geheim", "the password of an entry");
	check_text(named, "somebody", "which names the user");
	free(named);
	named = NULL;
	unlink(path);
	free(path);
}

static void test_fetch(void)
{
	struct account plain = account_of(false), token = account_of(true);

	secret_set(&plain.secret.password, "geheim", 6);
	check_text(fetch(&plain), "geheim", "a password");
	check_int(credential_patience(&plain), 0, "takes no time");
	check(!named, "and names no user");
	test_netrc();
	check_text(fetch(&token), "login-needed", "nobody has signed in");
	store("access-1", false);
	check_text(fetch(&token), "access-1", "a token");
	check_int(credential_patience(&token), TOKEN_FETCH_SECONDS * 1000, "may take its time");
	secret_set(&token.secret.given, "at hand", 7);
	check_text(fetch(&token), "at hand", "what was fetched before counts");
	secret_wipe(&token.secret.given);
	check_int(credential_signed_in(&token), 1234, "the moment of the sign-in");
	check_int(credential_signed_in(&plain), 0, "is no password's");
	check(!credential_token_path(&plain), "nor has it a file");
	token.oauth.client_id = NULL;
	check_text(fetch(&token), "oauth-client-id-missing", "what is missing is told");
	secret_wipe(&plain.secret.password);
}

/* Before a provider is asked for a token there is a place for it. */
static void test_full_disk(void)
{
	struct account token = account_of(true);
	struct rlimit none = { .rlim_cur = 10 }, before;

	store_old();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	none.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	check_text(fetch(&token), "token-not-stored", "a full disk is no trouble with a password");
	setrlimit(RLIMIT_FSIZE, &before);
}

static void roots_are(const char *provider, const char *one, const char *two, const char *want)
{
	char *items[] = { mem_string(one), mem_string(two) };
	struct account a = account_of(true);
	struct oauth_plan plan = { .provider = NULL };
	struct err e = { 0 };

	a.tls.ca_files = (struct key_list){ items, (size_t)(*one ? 1 : 0) + (*two ? 1 : 0) };
	if (provider)
		a.oauth = (struct oauth_settings){ .provider = mem_string(provider), .client_id = client };
	check(credential_plan(&a, &plan, &e) == 0, "a plan with '%s' and '%s': %s", one, two, e.text);
	check_text(plan.ca_file, want, "the provider is known by");
	oauth_plan_release(&plan);
	free(a.oauth.provider);
	free(items[0]);
	free(items[1]);
}

static void test_roots(void)
{
	roots_are(NULL, "", "", NULL);
	roots_are(NULL, "/etc/my.pem", "", "/etc/my.pem");
	roots_are(NULL, "/etc/my.pem", "/etc/your.pem", "/etc/my.pem");
	roots_are(NULL, "system", "/etc/my.pem", "/etc/my.pem");
	roots_are(NULL, "system", "", NULL);
	roots_are("microsoft", "/etc/my.pem", "", NULL);
}

/* ---- a token that is not taken */

static const struct {
	int code;
	enum smtp_step step;
	const char *cause, *text;
	bool renews;
} refusals[] = {
	{ 535, STEP_AUTH, "token-refused", "535 5.7.8 no", true },
	{ 535, STEP_AUTH, "token-refused", "535 5.7.3 Authentication unsuccessful", true },
	{ 535, STEP_AUTH, "token-refused", "535 5.7.8 no ({\"status\":\"401\"})", true },
	{ 535, STEP_AUTH, "token-refused", "535 5.7.8 no ({\"status\":\"invalid_token\"})", true },
	{ 554, STEP_AUTH, "token-refused", "554 5.7.8 token expired", true },
	{ 535, STEP_AUTH, "token-refused", "535 no ({\"status\":\"invalid_scope\"})", false },
	{ 535, STEP_AUTH, "token-refused",
		"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
		"Tenant.", false },
	{ 504, STEP_AUTH, "token-refused", "504 5.5.4 unknown mechanism", false },
	{ 500, STEP_AUTH, "token-refused", "500 5.5.6 line too long", false },
	{ 454, STEP_AUTH, "token-refused", "454 4.7.0 later", false },
	{ 421, STEP_AUTH, "token-refused", "421 4.7.0 later", false },
	{ 535, STEP_MAIL, NULL, "535 5.7.8 no", false },
	{ 550, STEP_MAIL, NULL, "550 5.7.1 not you", false },
};

static void test_renews(void)
{
	struct account token = account_of(true), plain = account_of(false);
	struct secret used = { NULL, 0 };
	char digest[DIGEST_HEX + 1], whose[DIGEST_HEX + 1];

	secret_set(&used, "access-1", 8);
	digest_of("access-1", 8, whose);
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct smtp_failure f = { .result = { .verdict = VERDICT_REFUSED,
			.step = refusals[i].step, .code = refusals[i].code, .cause = refusals[i].cause,
			.text = mem_string(refusals[i].text) } };

		store("access-1", false);
		check_int(credential_renews(&token, &used, &f, digest), refusals[i].renews, "C9: %s",
			refusals[i].text);
		check_int(is_stale(), refusals[i].renews, "... and written down");
		if (refusals[i].renews)
			check_text(digest, whose, "... which it was");
		check(!credential_renews(&plain, &used, &f, digest), "C9: a password never");
		store("access-2", false);
		credential_renews(&token, &used, &f, digest);
		check(!is_stale(), "another one that is there by now is good");
		smtp_result_release(&f.result);
	}
	check(!credential_renews(&token, &used, &(struct smtp_failure){ .err.kind = ERR_LOST }, digest),
		"nor is it the token where the connection broke");
	secret_wipe(&used);
}

/* ---- what to do */

static void next_is(const struct account *a, const char *cause, const char *want)
{
	char out[CREDENTIAL_NEXT_MAX];
	const char *next = credential_next(a, cause_named(cause), out);

	check(next && strstr(next, want), "%s: %s", cause, next ? next : "nothing");
}

static void test_next(void)
{
	static char odd[] = "my work";
	struct account token = account_of(true), plain = account_of(false);

	next_is(&token, "token-refused", "sign in again, as the right user: sendoff login work");
	next_is(&token, "token-expired", "sendoff login work");
	next_is(&token, "token-wrong-scope", "sendoff login work");
	next_is(&token, "oauth-google-over", "then sendoff login work");
	next_is(&token, "login-needed", "call sendoff login work");
	next_is(&token, "security-defaults", "ask the administrator");
	next_is(&plain, "security-defaults", "auth = xoauth2");
	next_is(&token, "login-mechanism-unknown", "xoauth2 and oauthbearer");
	next_is(&token, "connect", "check that this machine is online");
	next_is(&plain, "token-refused", cause_named("token-refused")->next);
	next_is(&plain, "login-needed", "sendoff login ACCOUNT");
	token.scope = SCOPE_SYSTEM;
	next_is(&token, "token-expired", "sudo sendoff login work");
	next_is(&token, "sign-in-over", "sudo sendoff login work");
	token.name = odd;
	next_is(&token, "token-expired", "sendoff login 'my work'");
	token.oauth.flow = OAUTH_FLOW_CLIENT;
	next_is(&token, "token-refused", "whether this app may send as me@example.com");
}

int main(void)
{
	char command[80];

	if (!mkdtemp(directory))
		return 1;
	setenv("XDG_STATE_HOME", directory, 1);
	test_fetch();
	test_full_disk();
	test_roots();
	test_renews();
	test_next();
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	check_int(system(command), 0, "nothing is left behind");
	return tap_done();
}
