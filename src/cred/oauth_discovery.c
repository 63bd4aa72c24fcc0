/* cred/oauth_discovery.c - the servers of an issuer; see oauth_talk.h. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cred/oauth_rules.h"
#include "cred/oauth_trouble.h"

static const char what[] = "asking the issuer for its servers";
static const char openid[] = "/.well-known/openid-configuration";
static const char rfc8414[] = "/.well-known/oauth-authorization-server";

static size_t without_slash(const char *url)
{
	size_t len = strlen(url);

	return len && url[len - 1] == '/' ? len - 1 : len;
}

/* OpenID Connect puts it behind the path of the issuer, RFC 8414 before. */
void oauth_discovery_url(const struct oauth_plan *p, unsigned which, struct buf *out)
{
	size_t len = without_slash(p->issuer);
	size_t scheme = strlen("https://"), host = scheme + strcspn(p->issuer + scheme, "/");

	if (host > len)
		host = len;
	if (which == 0)
		buf_printf(out, "%.*s%s", (int)len, p->issuer, openid);
	else if (which == 1)
		buf_printf(out, "%.*s%s%.*s", (int)host, p->issuer, rfc8414, (int)(len - host),
			p->issuer + host);
}

/* ---- the answer */

struct servers {
	const char *issuer, *auth, *token, *device, *revoke;   /* borrowed from the answer */
};

static bool is_in(const json_t *list, const char *word)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_string_value(json_array_get(list, i));

		if (item && !strcmp(item, word))
			return true;
	}
	return false;
}

static int strange(const struct oauth_plan *p, const char *why, struct err *e)
{
	return oauth_strange(what, p->issuer, why, "oauth-discovery-failed", e);
}

/* What is no URL to trust is as if it were not there. */
static const char *server(const json_t *answer, const char *name)
{
	const char *url = json_text(answer, name);

	return url && oauth_is_https(url) ? url : NULL;
}

/* A slash at the end is easily forgotten, and adds nothing. */
static bool is_issuer(const char *said, const char *wanted)
{
	size_t len = without_slash(wanted);

	return said && without_slash(said) == len && !strncmp(said, wanted, len);
}

static int lacks(const struct oauth_plan *p, const struct servers *s, struct err *e)
{
	const char *flow = NULL;

	if (p->flow == OAUTH_FLOW_DEVICE && !p->device_url && !s->device)
		flow = "device";
	else if ((p->flow == OAUTH_FLOW_CODE || p->flow == OAUTH_FLOW_PASTE) && !p->auth_url && !s->auth)
		flow = p->flow == OAUTH_FLOW_CODE ? "code" : "paste";
	else if (p->flow == OAUTH_FLOW_AUTO && !p->auth_url && !s->auth && !p->device_url && !s->device)
		flow = "auto";
	if (!p->token_url && !s->token)
		return strange(p, "it names no server for tokens", e);
	if (!flow)
		return 0;
	err_set(e, ERR_CONFIG, "oauth_flow = %s: the issuer has no server for that", flow);
	err_cause(e, "oauth-flow-unsupported");
	return err_hint(e, "leave oauth_flow out, so that one is chosen that it has");
}

/* Only S256 hides the verifier (RFC 9700 section 2.1.1). */
static bool has_no_pkce(const struct oauth_plan *p, const json_t *answer)
{
	const json_t *methods = json_object_get(answer, "code_challenge_methods_supported");

	return methods && !is_in(methods, "S256") && p->flow != OAUTH_FLOW_DEVICE &&
		p->flow != OAUTH_FLOW_CLIENT && p->flow != OAUTH_FLOW_SERVICE;
}

/* RFC 8414 section 2: where nothing is said, the header is meant. */
static bool wants_header(const json_t *answer)
{
	const json_t *methods = json_object_get(answer, "token_endpoint_auth_methods_supported");

	return !methods || (is_in(methods, "client_secret_basic") && !is_in(methods, "client_secret_post"));
}

static void put(char **own, const char *theirs)
{
	if (!*own && theirs)
		*own = mem_string(theirs);
}

static int take(struct oauth_plan *p, const json_t *answer, struct err *e)
{
	struct servers s = {
		.issuer = json_text(answer, "issuer"),
		.auth = server(answer, "authorization_endpoint"),
		.token = server(answer, "token_endpoint"),
		.device = server(answer, "device_authorization_endpoint"),
		.revoke = server(answer, "revocation_endpoint")
	};

	if (!is_issuer(s.issuer, p->issuer))
		return strange(p, "who answers there is another issuer", e);
	if (has_no_pkce(p, answer))
		return strange(p, "it cannot do PKCE with S256, without which a code could be stolen", e);
	if (lacks(p, &s, e) < 0)
		return -1;
	put(&p->auth_url, s.auth);
	put(&p->token_url, s.token);
	put(&p->device_url, s.device);
	put(&p->revoke_url, s.revoke);
	free(p->issuer);
	p->issuer = mem_string(s.issuer);
	p->basic = wants_header(answer);
	p->issuer_told = json_is_true(json_object_get(answer,
		"authorization_response_iss_parameter_supported"));
	p->discover = false;
	return 0;
}

int oauth_read_discovery(struct oauth_plan *p, const char *body, size_t len, struct err *e)
{
	json_t *answer = len <= OAUTH_ANSWER_MAX ? json_read_object(body, len) : NULL;
	int good = answer ? take(p, answer, e) : strange(p, "the answer is no JSON object", e);

	json_decref(answer);
	return good;
}
