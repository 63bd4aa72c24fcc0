/* t/unit/oauth_standin.h - in the place of cred/oauth_talk, as much as a fetch needs of it. */
#ifndef T_UNIT_OAUTH_STANDIN_H
#define T_UNIT_OAUTH_STANDIN_H

#include <stdlib.h>
#include <string.h>

#include "cred/oauth_talk.h"

void oauth_grant_wipe(struct oauth_grant *g)
{
	secret_wipe(&g->access);
	secret_wipe(&g->refresh);
}

bool oauth_authorization(const struct oauth_plan *p, struct buf *out)
{
	if (p->client_secret.data && p->issuer)
		buf_printf(out, "Basic %s", p->client_secret.data);
	return p->client_secret.data && p->issuer;
}

int oauth_ask_refresh(const struct oauth_plan *p, const struct secret *refresh, struct buf *out,
	struct err *e)
{
	(void)e;
	buf_printf(out, "grant_type=refresh_token&refresh_token=%s&client_id=%s", refresh->data,
		p->client_id);
	return 0;
}

int oauth_ask_client(const struct oauth_plan *p, int64_t now,
	const unsigned char random[OAUTH_RANDOM], struct buf *out, struct err *e)
{
	(void)now;
	(void)random;
	(void)e;
	buf_printf(out, "grant_type=client_credentials&client_id=%s", p->client_id);
	return 0;
}

static void standin_take(const char *body, const char *name, struct secret *s)
{
	const char *at = strstr(body, name);

	if (at)
		secret_set(s, at + strlen(name), strcspn(at + strlen(name), "\""));
}

enum oauth_outcome oauth_read_token(const struct oauth_plan *p, int status, const char *body,
	size_t len, struct oauth_grant *out, struct err *e)
{
	(void)p;
	(void)len;
	out->expires_in = 3600;
	standin_take(body, "\"access_token\":\"", &out->access);
	standin_take(body, "\"refresh_token\":\"", &out->refresh);
	if (status == 200 && out->access.data)
		return OAUTH_GRANTED;
	if (strstr(body, "invalid_grant")) {
		err_set(e, ERR_LOGIN, "invalid_grant");
		err_cause(e, strstr(body, "AADSTS700082") ? "oauth-sign-in-unused" : "sign-in-over");
		return OAUTH_OVER;
	}
	if (status >= 500 || status == 429) {
		err_set(e, ERR_CONNECT, "HTTP status %d", status);
		err_cause(e, "oauth-later");
		return OAUTH_LATER;
	}
	err_set(e, ERR_CONFIG, "invalid_client");
	err_cause(e, "oauth-client-refused");
	return OAUTH_WRONG;
}

void oauth_discovery_url(const struct oauth_plan *p, unsigned which, struct buf *out)
{
	buf_printf(out, "%s/.well-known/%s", p->issuer,
		which ? "oauth-authorization-server" : "openid-configuration");
}

int oauth_read_discovery(struct oauth_plan *p, const char *body, size_t len, struct err *e)
{
	struct secret url = { NULL, 0 };

	(void)len;
	standin_take(body, "\"token_endpoint\":\"", &url);
	if (!url.data)
		return err_set(e, ERR_PROTOCOL, "no token_endpoint");
	p->token_url = url.data;
	p->discover = false;
	return 0;
}

#endif
