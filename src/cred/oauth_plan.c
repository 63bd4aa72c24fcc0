/* cred/oauth_plan.c - keys, provider and defaults made one plan; see oauth.h. */
#include "cred/oauth.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/process.h"
#include "cred/oauth_assertion.h"
#include "cred/oauth_rules.h"

static const char tenant_mark[] = "{tenant}";

/* Where no provider says it. */
static const char redirect_default[] = "http://127.0.0.1:{port}/";

static char *copy(const char *text)
{
	return text ? mem_string(text) : NULL;
}

/* The user's own word, or the provider's. */
static const char *either(const char *own, const char *theirs)
{
	return own ? own : theirs;
}

static char *with_tenant(const char *url, const char *tenant)
{
	const char *mark = url && tenant ? strstr(url, tenant_mark) : NULL;

	if (!mark)
		return copy(url);
	return mem_printf("%.*s%s%s", (int)(mark - url), url, tenant, mark + strlen(tenant_mark));
}

/* ---- what is put in */

static const struct oauth_provider nobody;   /* says nothing */

static void put_urls(const struct oauth_settings *set, struct oauth_plan *p)
{
	const struct oauth_provider *theirs = p->provider ? p->provider : &nobody;
	const char *tenant = either(set->tenant, theirs->tenant);

	p->auth_url = with_tenant(either(set->auth_url, theirs->auth_url), tenant);
	p->token_url = with_tenant(either(set->token_url, theirs->token_url), tenant);
	p->device_url = with_tenant(either(set->device_url, theirs->device_url), tenant);
	/* Tokens of another server are none of theirs. */
	p->revoke_url = with_tenant(either(set->revoke_url, set->token_url ? NULL : theirs->revoke_url),
		tenant);
	p->redirect = copy(either(set->redirect, either(theirs->redirect, redirect_default)));
	p->issuer = copy(set->issuer);
}

static void put_rest(const struct oauth_settings *set, struct oauth_plan *p)
{
	const struct oauth_provider *theirs = p->provider ? p->provider : &nobody;

	p->client_id = copy(set->client_id);
	if (set->client_secret.data)
		secret_set(&p->client_secret, set->client_secret.data, set->client_secret.len);
	p->scope = copy(either(set->scope,
		p->flow == OAUTH_FLOW_CLIENT ? theirs->client_scope : theirs->scope));
	p->more = copy(theirs->more);
	p->device_by_code = theirs->device_by_code && !set->device_url;
	p->service_account = copy(set->service_account);
	p->certificate = copy(set->certificate);
	p->load_command = copy(set->load_command);
	p->save_command = copy(set->save_command);
}

/* Its octets stay in one place of fixed size, so that no copy is left behind. */
static int read_key(struct oauth_plan *p, struct err *e)
{
	bool service = p->flow == OAUTH_FLOW_SERVICE;
	const char *path = service ? p->service_account : p->certificate;
	struct buf text = BUF_INIT(OAUTH_KEY_FILE_MAX);
	int good = 0;

	if (!path)
		return 0;
	if (gnutls_need(e) < 0 || gnutls_own_key_need(e) < 0)   /* which is to sign with it */
		return -1;
	process_hold_secret();
	buf_reserve(&text, OAUTH_KEY_FILE_MAX);
	if (file_read(path, FILE_SECRET, &text, e) != FILE_OK)
		good = -1;
	else if (service)
		good = oauth_read_service_account(p, buf_text(&text), text.len, e);
	else
		good = oauth_read_certificate(p, buf_text(&text), text.len, e);
	buf_wipe(&text);
	return good < 0 ? err_context(e, service ? "oauth_service_account" : "oauth_certificate") : 0;
}

/* ---- what must be there */

static int lacks_client_id(const struct oauth_plan *p, struct err *e)
{
	err_set(e, ERR_CONFIG, "oauth_client_id is missing: every user of %s registers an app of "
		"their own", p->provider ? p->provider->name : "OAuth");
	err_cause(e, "oauth-client-id-missing");
	return err_hint(e, "`sendoff login %s` tells step by step how to get one", p->account);
}

static int lacks_secret(const struct oauth_plan *p, struct err *e)
{
	if (p->flow == OAUTH_FLOW_CLIENT && !p->client_secret.data && !p->certificate) {
		err_set(e, ERR_CONFIG, "oauth_flow = client, and the app has nothing to prove itself with");
		return err_hint(e, "set oauth_client_secret or oauth_certificate");
	}
	if (p->flow == OAUTH_FLOW_CLIENT || !p->provider ||
	    p->provider->secret != OAUTH_SECRET_WANTED || p->client_secret.data)
		return 0;
	err_set(e, ERR_CONFIG, "oauth_client_secret is missing: %s issues one with the client id, and "
		"wants both", p->provider->name);
	return err_hint(e, "it stands beside the client id on the provider's page");
}

static int lacks_servers(const struct oauth_plan *p, struct err *e)
{
	const char *missing = NULL;

	if (p->discover)
		return 0;
	if (!p->token_url)
		missing = "oauth_token_url";
	else if ((p->flow == OAUTH_FLOW_CODE || p->flow == OAUTH_FLOW_PASTE) && !p->auth_url)
		missing = "oauth_auth_url";
	else if (p->flow == OAUTH_FLOW_DEVICE && !p->device_url)
		missing = "oauth_device_url";
	else if (p->flow == OAUTH_FLOW_AUTO && !p->auth_url && !p->device_url)
		missing = "oauth_auth_url";
	if (!missing)
		return 0;
	err_set(e, ERR_CONFIG, "%s is missing, and no oauth_provider or oauth_issuer gives it", missing);
	return err_hint(e, "set oauth_provider to one of those in sendoff-config(5), or oauth_issuer");
}

/* An app that asks for itself does so in one directory. */
static bool is_any_tenant(const char *tenant)
{
	static const char *const any[] = { "common", "organizations", "consumers" };

	for (size_t i = 0; i < COUNT(any); i++)
		if (!strcmp(tenant, any[i]))
			return true;
	return false;
}

static bool wants_tenant(const char *url)
{
	return url && strstr(url, tenant_mark);
}

static int lacks_whose(const struct oauth_settings *set, const struct oauth_plan *p, struct err *e)
{
	const char *tenant = p->provider ? either(set->tenant, p->provider->tenant) : NULL;

	if (p->flow == OAUTH_FLOW_SERVICE && !p->user[0]) {
		err_set(e, ERR_CONFIG, "user is missing: whose mail the service account is to send");
		return err_hint(e, "set user to the mail address");
	}
	if (wants_tenant(p->auth_url) || wants_tenant(p->token_url) || wants_tenant(p->device_url)) {
		err_set(e, ERR_CONFIG, "oauth_tenant is missing: a URL has {tenant} in it");
		return err_hint(e, "set oauth_tenant");
	}
	if (p->flow != OAUTH_FLOW_CLIENT || !tenant || !is_any_tenant(tenant))
		return 0;
	err_set(e, ERR_CONFIG, "oauth_flow = client wants one tenant, not %s", tenant);
	return err_hint(e, "set oauth_tenant to the Directory (tenant) ID");
}

/* What the certificate's holder or the key file says is as good as a key. */
static int complete(const struct oauth_settings *set, const struct oauth_plan *p, struct err *e)
{
	if (!p->client_id)
		return lacks_client_id(p, e);
	if (p->flow != OAUTH_FLOW_SERVICE && lacks_secret(p, e) < 0)
		return -1;
	if (lacks_whose(set, p, e) < 0)
		return -1;
	return lacks_servers(p, e);
}

static bool has_all_urls(const struct oauth_plan *p)
{
	if (p->flow == OAUTH_FLOW_CLIENT || p->flow == OAUTH_FLOW_SERVICE)
		return p->token_url != NULL;
	if (p->flow == OAUTH_FLOW_DEVICE)
		return p->token_url && p->device_url;
	return p->token_url && p->auth_url;
}

int oauth_plan(const struct oauth_settings *set, const char *account, const char *preset,
	const char *user, struct oauth_plan *out, struct err *e)
{
	*out = (struct oauth_plan){ 0 };
	if (oauth_settings_check(set, e) < 0)
		return -1;
	out->provider = oauth_settings_provider(set, preset);
	if (out->provider && oauth_check_provider_rules(set, out->provider, e) < 0)
		return -1;
	out->account = mem_string(account);
	out->user = mem_string(user ? user : "");
	out->flow = oauth_flow_meant(set);
	put_urls(set, out);
	put_rest(set, out);
	if (read_key(out, e) == 0) {
		out->discover = out->issuer && !has_all_urls(out);
		if (complete(set, out, e) == 0)
			return 0;
	}
	oauth_plan_release(out);
	return -1;
}

void oauth_plan_release(struct oauth_plan *p)
{
	char *const own[] = { p->account, p->user, p->client_id, p->auth_url, p->token_url, p->device_url,
		p->revoke_url, p->scope, p->redirect, p->more, p->issuer, p->ca_file, p->service_account,
		p->certificate, p->key_id, p->load_command, p->save_command };

	for (size_t i = 0; i < COUNT(own); i++)
		free(own[i]);
	secret_wipe(&p->client_secret);
	secret_wipe(&p->key);
	secret_wipe(&p->proxy);
	*p = (struct oauth_plan){ 0 };
}
