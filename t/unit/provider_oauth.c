/* t/unit/provider_oauth.c - the table of sign-ins holds together, and is found in. */
#include "t/unit/tap.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/mem.h"
#include "provider/oauth.h"
#include "provider/preset.h"

enum { PROVIDERS_LEAST = 9, STEPS_MOST = 10, STEP_MAX = 240 };

static bool is_url(const char *url)
{
	return !url || (!strncmp(url, "https://", 8) && strlen(url) < 256 && !strpbrk(url, " \"<>#"));
}

static bool names_tenant(const char *url)
{
	return url && strstr(url, "{tenant}");
}

static void check_urls(const struct oauth_provider *p)
{
	check(is_url(p->auth_url) && is_url(p->token_url) && is_url(p->device_url) &&
		is_url(p->revoke_url) && is_url(p->apps), "%s: all its URLs are https", p->id);
	check(p->auth_url && p->token_url, "%s: has the two that all need", p->id);
	check((p->tenant != NULL) == names_tenant(p->token_url), "%s: tenants are in its URLs", p->id);
	check(!p->redirect || !strncmp(p->redirect, "https://", 8) ||
		(!strncmp(p->redirect, "http://", 7) && strstr(p->redirect, ":{port}/")),
		"%s: the redirect is on this machine, or https", p->id);
}

static void check_flows(const struct oauth_provider *p)
{
	check(p->flows & OAUTH_BY_CODE, "%s: can be signed in to", p->id);
	check(!(p->flows & OAUTH_BY_DEVICE) == !p->device_url, "%s: device flow and URL", p->id);
	check(!(p->flows & OAUTH_BY_CLIENT) == !p->client_scope, "%s: client flow and scope", p->id);
	check(p->scope && p->scope[0] && !strchr(p->scope, ','), "%s: its scope", p->id);
	check(!p->device_by_code || p->device_url, "%s: how the device flow asks", p->id);
}

static void check_list(const struct oauth_provider *p, const char *list)
{
	size_t len = strlen(list);
	unsigned steps = 0, longest = 0, line = 0;

	for (size_t i = 0; i < len; i++) {
		if (list[i] == '\n') {
			steps++;
			line = 0;
		} else if (++line > longest) {
			longest = line;
		}
		if (list[i] != '\n' && (list[i] < ' ' || list[i] > '~'))
			check(false, "%s: plain text (octet %zu)", p->id, i);
	}
	check(len && list[len - 1] == '\n', "%s: the steps are whole lines", p->id);
	check(steps >= 3 && steps <= STEPS_MOST && longest <= STEP_MAX, "%s: a few steps (%u, %u)",
		p->id, steps, longest);
}

static void check_steps(const struct oauth_provider *p)
{
	check_list(p, p->steps);
	check(strstr(p->steps, "oauth_client_id"), "%s: they say where the id goes", p->id);
	check((p->secret == OAUTH_SECRET_WANTED) == (strstr(p->steps, "oauth_client_secret") != NULL),
		"%s: and the secret, where there is one", p->id);
	check(!!strncmp(p->redirect, "http://localhost", 16) || strstr(p->steps, "http://localhost\n"),
		"%s: and how to register the redirect", p->id);
	check(!(p->flows & OAUTH_BY_CLIENT) == !p->client_steps, "%s: how an app gets on by itself", p->id);
	check(!(p->flows & OAUTH_BY_KEY) == !p->key_steps, "%s: how a service account does", p->id);
	if (p->client_steps)
		check_list(p, p->client_steps);
	if (p->key_steps)
		check_list(p, p->key_steps);
}

/* Each provider's presets are known, are nobody else's, and take OAuth. */
static void check_presets(const struct oauth_provider *p)
{
	char *copy = mem_string(p->presets), *at = copy, *id;

	while ((id = strsep(&at, " "))) {
		const struct preset *preset = preset_find(id);

		check(preset && preset->takes & PRESET_OAUTH, "%s: %s is a preset that takes tokens",
			p->id, id);
		check(oauth_provider_of_preset(id) == p, "%s: %s signs in there", p->id, id);
	}
	free(copy);
}

static void test_table(void)
{
	unsigned count = 0;

	for (const struct oauth_provider *p = oauth_providers; p->id; p++, count++) {
		check(oauth_provider_find(p->id) == p, "%s: has one row", p->id);
		check(p->name && p->name[0], "%s: has a name", p->id);
		check_urls(p);
		check_flows(p);
		check_steps(p);
		check_presets(p);
	}
	check(count >= PROVIDERS_LEAST, "%u providers", count);
}

static const char *id_of(const struct oauth_provider *p)
{
	return p ? p->id : "none";
}

static void test_found(void)
{
	static const struct { const char *word, *id; } nearest[] = {
		{ "google", "google" }, { "Google", "google" }, { "gogle", "google" }, { "gmail", "google" },
		{ "gmail.com", "google" }, { "office365", "microsoft" }, { "microsfot", "microsoft" },
		{ "azure", NULL }, { "hotmail", "outlook" }, { "mailru", "mail-ru" }, { "mail.ru", "mail-ru" },
		{ "xfinity", "comcast" }, { "aol.com", "aol" }, { "yahooo", "yahoo" }, { "gmx", NULL },
		{ "", NULL }, { "x", NULL }, { "my-own-server", NULL },
	};

	check_text(id_of(oauth_provider_find("GOOGLE")), "google", "found in capitals");
	check_text(id_of(oauth_provider_find("googl")), "none", "not by its beginning");
	check_text(id_of(oauth_provider_find("")), "none", "nor by nothing");
	check_text(id_of(oauth_provider_of_preset("microsoft365")), "microsoft", "by a preset");
	check_text(id_of(oauth_provider_of_preset("Outlook")), "outlook", "by one in capitals");
	check_text(id_of(oauth_provider_of_preset("google-relay")), "google", "by the second of a list");
	check_text(id_of(oauth_provider_of_preset("google google-relay")), "none", "not by the list");
	check_text(id_of(oauth_provider_of_preset("gmx")), "none", "not by one without");
	check_text(id_of(oauth_provider_of_preset("")), "none", "nor by nothing");
	for (size_t i = 0; i < COUNT(nearest); i++)
		check_text(oauth_provider_nearest(nearest[i].word), nearest[i].id, "meant by '%s'",
			nearest[i].word);
}

static void test_facts(void)
{
	const struct oauth_provider *google = oauth_provider_find("google");
	const struct oauth_provider *microsoft = oauth_provider_find("microsoft");

	if (!check(google && microsoft, "the rows that the rest is about"))
		return;
	check(!(google->flows & OAUTH_BY_DEVICE), "Google has no device flow for mail");
	check_text(microsoft->tenant, "common", "the tenant where none is said");
	check_text(oauth_provider_find("outlook")->tenant, "consumers", "that of personal accounts");
	check(microsoft->secret == OAUTH_SECRET_NONE, "a public client of Microsoft has no secret");
	check(strstr(google->refresh_life, "7 days") && strstr(google->steps, "7 days"),
		"what Testing means is told");
	check(oauth_provider_find("yandex")->device_by_code, "Yandex polls in a way of its own");
}

/* ---- the manual: with a word behind it, the program prints what sendoff-config(5) says of
 * each provider, in the order of the table. */

static void print_item(const struct oauth_provider *p)
{
	static const struct { unsigned way; const char *flows; } ways[] = {
		{ OAUTH_BY_CODE, "code, paste" }, { OAUTH_BY_DEVICE, ", device" },
		{ OAUTH_BY_CLIENT, ", client" }, { OAUTH_BY_KEY, ", service" }
	};

	printf(".It Cm %s Pq %s\nFlows: ", p->id, p->name);
	for (size_t i = 0; i < COUNT(ways); i++)
		printf("%s", p->flows & ways[i].way ? ways[i].flows : "");
	printf(".\n%s.\n", p->secret == OAUTH_SECRET_WANTED ? "The client id comes with a secret" :
		p->secret == OAUTH_SECRET_NONE ? "There is no secret" : "There may be a secret");
	if (p->tenant)
		printf("Tenant: %s, unless oauth_tenant is set.\n", p->tenant);
	if (p->refresh_life)
		printf("What ends a sign-in: %s.\n", p->refresh_life);
	if (p->client_steps)
		printf(".Pp\nWhat oauth_flow = client takes:\n%s", p->client_steps);
	if (p->key_steps)
		printf(".Pp\nWhat oauth_flow = service takes:\n%s", p->key_steps);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "page")) {
		for (const struct oauth_provider *p = oauth_providers; p->id; p++)
			print_item(p);
		return 0;
	}
	test_table();
	test_found();
	test_facts();
	return tap_done();
}
