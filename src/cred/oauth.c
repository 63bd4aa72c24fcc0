/* cred/oauth.c - the keys of OAuth, and what can be said of their values; see oauth.h. */
#include "cred/oauth.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "cred/oauth_rules.h"

static const struct key_choice flows[] = {
	{ "auto", OAUTH_FLOW_AUTO },
	{ "code", OAUTH_FLOW_CODE },
	{ "paste", OAUTH_FLOW_PASTE },
	{ "device", OAUTH_FLOW_DEVICE },
	{ "client", OAUTH_FLOW_CLIENT },
	{ "service", OAUTH_FLOW_SERVICE },
	{ NULL, 0 }
};

#define ROW(type, field) type, offsetof(struct oauth_settings, field), NULL
const struct key oauth_keys[] = {
	{ "oauth_provider", ROW(KEY_WORD, provider), "who signs the user in, as google",
		.choices = NULL },
	{ "oauth_flow", KEY_CHOICE, offsetof(struct oauth_settings, flow), "auto",
		"auto, code, paste, device, client or service", .choices = flows },
	{ "oauth_client_id", ROW(KEY_WORD, client_id), "id of your own app at the provider",
		.choices = NULL },
	{ "oauth_client_secret", ROW(KEY_SECRET, client_secret),
		"its secret, where the provider has given one", .choices = NULL },
	{ "oauth_tenant", ROW(KEY_WORD, tenant),
		"directory (Microsoft): its id, or common, organizations, consumers", .choices = NULL },
	{ "oauth_scope", ROW(KEY_TEXT, scope), "what to ask for, with blanks between",
		.choices = NULL },
	{ "oauth_issuer", ROW(KEY_WORD, issuer), "URL by which a provider's servers are discovered",
		.choices = NULL },
	{ "oauth_auth_url", ROW(KEY_WORD, auth_url), "page where the user signs in", .choices = NULL },
	{ "oauth_token_url", ROW(KEY_WORD, token_url), "where tokens are asked for", .choices = NULL },
	{ "oauth_device_url", ROW(KEY_WORD, device_url), "where a code for the device flow is asked for",
		.choices = NULL },
	{ "oauth_revoke_url", ROW(KEY_WORD, revoke_url), "where the end of a sign-in is told",
		.choices = NULL },
	{ "oauth_redirect", ROW(KEY_WORD, redirect),
		"redirect URI as the app is registered; {port} is any free port", .choices = NULL },
	{ "oauth_service_account", ROW(KEY_PATH, service_account),
		"key file of a service account (JSON)", .choices = NULL },
	{ "oauth_certificate", ROW(KEY_PATH, certificate),
		"certificate and key (PEM) by which the app proves itself", .choices = NULL },
	{ "oauth_load_command", ROW(KEY_TEXT, load_command),
		"command that prints the token that oauth_save_command was given", .choices = NULL },
	{ "oauth_save_command", ROW(KEY_TEXT, save_command),
		"command that puts the token on its standard input into a keyring", .choices = NULL },
	{ .name = NULL }
};
#undef ROW

static bool is_set(const struct key *row, const struct oauth_settings *set)
{
	const void *field = (const char *)set + row->offset;

	switch (row->type) {
	case KEY_CHOICE:
		return *(const int *)field != OAUTH_FLOW_AUTO;
	case KEY_SECRET:
		return ((const struct secret *)field)->data != NULL;
	default:
		return *(char *const *)field != NULL;
	}
}

const char *oauth_key(const struct oauth_settings *set)
{
	for (const struct key *row = oauth_keys; row->name; row++)
		if (is_set(row, set))
			return row->name;
	return NULL;
}

bool oauth_configured(const struct oauth_settings *set)
{
	return oauth_key(set) != NULL;
}

const struct oauth_provider *oauth_settings_provider(const struct oauth_settings *set,
	const char *preset)
{
	if (set->provider)
		return oauth_provider_find(set->provider);
	return preset && !set->issuer && !set->token_url ? oauth_provider_of_preset(preset) : NULL;
}

/* ---- one value */

static int refuse(const char *key, const char *value, const char *why, struct err *e)
{
	char shown[160];

	text_clean_to(shown, sizeof(shown), value, strlen(value));
	return err_set(e, ERR_CONFIG, "%s: %s: %s", key, why, shown);
}

/* What a URL is made of (RFC 3986); braces are ours, and only where something is put in. */
static bool of_url(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f || strchr("\"<>\\^`|", *text))
			return false;
	return true;
}

/* Host and port; no user: what stands before an @ is only there to deceive. */
static bool has_host(const char *url)
{
	size_t scheme = strlen("https://"), len = strcspn(url + scheme, "/?#");

	return len && url[scheme] != ':' && !memchr(url + scheme, '@', len) &&
		!memchr(url + scheme, '{', len);
}

bool oauth_is_https(const char *url)
{
	return !strncasecmp(url, "https://", 8) && strlen(url) <= OAUTH_URL_MAX && of_url(url) &&
		has_host(url) && !strchr(url, '#');
}

static int check_url(const char *key, const char *url, struct err *e)
{
	if (!url || oauth_is_https(url))
		return 0;
	if (!strncasecmp(url, "http://", 7)) {
		refuse(key, url, "tokens go over https only", e);
		return err_hint(e, "write https:// in front");
	}
	refuse(key, url, "this is not an https URL", e);
	return err_hint(e, "write it whole, as https://login.example.com/token");
}

static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };

	for (size_t i = 0; i < COUNT(hosts); i++) {
		size_t len = strlen(hosts[i]);

		if (!strncasecmp(url, hosts[i], len) && (!url[len] || strchr(":/", url[len])))
			return strlen(url) <= OAUTH_URL_MAX && of_url(url) && !strchr(url, '#');
	}
	return false;
}

static int check_redirect(const char *url, struct err *e)
{
	if (!url || is_loopback(url) || oauth_is_https(url))
		return 0;
	refuse("oauth_redirect", url, "this leads neither to this machine nor over https", e);
	return err_hint(e, "write it as it is registered, as http://127.0.0.1:{port}/ or "
		"http://localhost:8400/back");
}

/* It becomes a part of a path. */
static int check_tenant(const char *tenant, struct err *e)
{
	size_t len = tenant ? strlen(tenant) : 0;

	if (!tenant)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)tenant[i]) && !strchr(".-", tenant[i]))
			len = 0;
	if (len && len <= OAUTH_TENANT_MAX && isalnum((unsigned char)tenant[0]))
		return 0;
	refuse("oauth_tenant", tenant, "this is no tenant", e);
	return err_hint(e, "write its id, one of its domains, or one of common, organizations, "
		"consumers");
}

/* RFC 6749 section 3.3. */
static int check_scope(const char *scope, struct err *e)
{
	if (!scope)
		return 0;
	for (const char *c = scope; *c; c++)
		if (*c < ' ' || *c >= 0x7f || strchr("\"\\", *c))
			return refuse("oauth_scope", scope, "no scope has such characters", e);
	if (strlen(scope) > OAUTH_SCOPE_MAX)
		return err_set(e, ERR_CONFIG, "oauth_scope is longer than %d octets", OAUTH_SCOPE_MAX);
	if (!strchr(scope, ','))
		return 0;
	refuse("oauth_scope", scope, "a comma is part of no scope", e);
	return err_hint(e, "several are written with blanks between");
}

static int check_client_id(const char *id, struct err *e)
{
	if (!id)
		return 0;
	for (const char *c = id; *c; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return refuse("oauth_client_id", id, "no client id has such characters", e);
	if (strlen(id) <= OAUTH_CLIENT_ID_MAX)
		return 0;
	return err_set(e, ERR_CONFIG, "oauth_client_id is longer than %d octets", OAUTH_CLIENT_ID_MAX);
}

static int check_values(const struct oauth_settings *set, struct err *e)
{
	if (check_client_id(set->client_id, e) < 0 || check_tenant(set->tenant, e) < 0 ||
	    check_scope(set->scope, e) < 0 || check_url("oauth_issuer", set->issuer, e) < 0 ||
	    check_url("oauth_auth_url", set->auth_url, e) < 0 ||
	    check_url("oauth_token_url", set->token_url, e) < 0 ||
	    check_url("oauth_device_url", set->device_url, e) < 0 ||
	    check_url("oauth_revoke_url", set->revoke_url, e) < 0)
		return -1;
	if (set->issuer && strchr(set->issuer, '?'))
		return refuse("oauth_issuer", set->issuer, "an issuer has no query", e);
	return check_redirect(set->redirect, e);
}

/* ---- values beside each other */

static int check_provider(const char *name, struct err *e)
{
	const char *nearest;

	if (!name || oauth_provider_find(name))
		return 0;
	nearest = oauth_provider_nearest(name);
	refuse("oauth_provider", name, "no provider of this name is known", e);
	if (nearest)
		return err_hint(e, "did you mean '%s'?", nearest);
	return err_hint(e, "without oauth_provider, set oauth_issuer, or oauth_auth_url and "
		"oauth_token_url, to what it says");
}

/* Two ways for the app to prove itself, or two apps. */
static int check_proofs(const struct oauth_settings *set, struct err *e)
{
	const char *two = NULL;

	if (set->certificate && set->client_secret.data)
		two = "oauth_certificate and oauth_client_secret";
	else if (set->service_account && set->client_secret.data)
		two = "oauth_service_account and oauth_client_secret";
	else if (set->service_account && set->certificate)
		two = "oauth_service_account and oauth_certificate";
	else if (set->service_account && set->client_id)
		two = "oauth_service_account and oauth_client_id";
	if (!two)
		return 0;
	err_set(e, ERR_CONFIG, "%s are both set", two);
	return err_hint(e, "keep one of them: each says by itself who is asking");
}

static int check_flow_keys(const struct oauth_settings *set, struct err *e)
{
	enum oauth_flow flow = (enum oauth_flow)set->flow;

	if (flow == OAUTH_FLOW_SERVICE && !set->service_account) {
		err_set(e, ERR_CONFIG, "oauth_flow = service, and oauth_service_account is missing");
		return err_hint(e, "set it to the path of the key file that the provider gave you; "
			"sendoff-config(5) tells how to get one");
	}
	if (set->service_account && flow != OAUTH_FLOW_AUTO && flow != OAUTH_FLOW_SERVICE)
		err_set(e, ERR_CONFIG, "oauth_service_account does not go with oauth_flow = %s",
			flows[flow].name);
	else if (set->certificate && flow != OAUTH_FLOW_AUTO && flow != OAUTH_FLOW_CLIENT)
		err_set(e, ERR_CONFIG, "oauth_certificate does not go with oauth_flow = %s",
			flows[flow].name);
	else
		return 0;
	return err_hint(e, "remove one of the two lines");
}

enum oauth_flow oauth_flow_meant(const struct oauth_settings *set)
{
	if (set->flow != OAUTH_FLOW_AUTO)
		return (enum oauth_flow)set->flow;
	if (set->service_account)
		return OAUTH_FLOW_SERVICE;
	return set->certificate ? OAUTH_FLOW_CLIENT : OAUTH_FLOW_AUTO;
}

/* ---- what the provider has to say to it */

static unsigned way_of(enum oauth_flow flow)
{
	switch (flow) {
	case OAUTH_FLOW_CODE:
	case OAUTH_FLOW_PASTE:
		return OAUTH_BY_CODE;
	case OAUTH_FLOW_DEVICE:
		return OAUTH_BY_DEVICE;
	case OAUTH_FLOW_CLIENT:
		return OAUTH_BY_CLIENT;
	case OAUTH_FLOW_SERVICE:
		return OAUTH_BY_KEY;
	case OAUTH_FLOW_AUTO:
		break;
	}
	return 0;
}

static int flow_refused(const struct oauth_provider *p, enum oauth_flow flow, struct err *e)
{
	struct buf can = BUF_INIT(256);

	for (const struct key_choice *c = flows; c->name; c++)
		if (p->flows & way_of((enum oauth_flow)c->value))
			buf_printf(&can, "%s%s", can.len ? ", " : "", c->name);
	err_set(e, ERR_CONFIG, "oauth_flow = %s: %s has no such way for mail", flows[flow].name,
		p->name);
	err_hint(e, "leave oauth_flow out, or set one that it has: %s", buf_text(&can));
	buf_release(&can);
	return -1;
}

static int secret_not_wanted(const struct oauth_provider *p, struct err *e)
{
	err_set(e, ERR_CONFIG, "oauth_client_secret is set, and %s wants none from a program that "
		"people run themselves", p->name);
	return err_hint(e, "remove it; the app must be registered as a public client (mobile and "
		"desktop)");
}

int oauth_check_provider_rules(const struct oauth_settings *set, const struct oauth_provider *p,
	struct err *e)
{
	enum oauth_flow flow = oauth_flow_meant(set);
	unsigned way = way_of(flow), more = (set->device_url ? OAUTH_BY_DEVICE : 0) |
		(set->auth_url ? OAUTH_BY_CODE : 0);
	bool person = flow != OAUTH_FLOW_CLIENT && flow != OAUTH_FLOW_SERVICE;

	if (way && !((p->flows | more) & way))
		return flow_refused(p, flow, e);
	if (p->secret == OAUTH_SECRET_NONE && set->client_secret.data && person)
		return secret_not_wanted(p, e);
	if (set->tenant && !p->tenant) {
		err_set(e, ERR_CONFIG, "oauth_tenant is set, and %s has no tenants", p->name);
		return err_hint(e, "remove it");
	}
	return 0;
}

int oauth_settings_check(const struct oauth_settings *set, struct err *e)
{
	if (check_provider(set->provider, e) < 0 || check_values(set, e) < 0 ||
	    check_proofs(set, e) < 0 || check_flow_keys(set, e) < 0)
		return -1;
	return set->provider ?
		oauth_check_provider_rules(set, oauth_provider_find(set->provider), e) : 0;
}
