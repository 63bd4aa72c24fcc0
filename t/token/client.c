/* t/token/client.c - who asks: secrets and assertions of clients. */
#include "t/token/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "t/token/grant.h"
#include "t/token/jwt.h"
#include "t/token/options.h"

enum { LIFE_MOST = 3600, CLOCK_SLACK = 300 };

static bool equal(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* What is said about times; the client's clock may be a little wrong. */
static const char *times_refusal(const json_t *claims)
{
	json_int_t now = time(NULL), from = json_integer_value(json_object_get(claims, "iat"));
	json_int_t until = json_integer_value(json_object_get(claims, "exp"));

	if (!from || !until)
		return "iat or exp is missing";
	if (until <= now || from > now + CLOCK_SLACK || from < now - LIFE_MOST)
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
			"timeframe";
	return until - from > LIFE_MOST ? "valid for more than an hour" : NULL;
}

/* RFC 7523 section 3, as a service account's provider wants it. */
static const char *service_refusal(const json_t *header, const json_t *claims)
{
	if (!equal(json_string_value(json_object_get(claims, "iss")), settings.service))
		return "iss is not the service account";
	if (!equal(json_string_value(json_object_get(claims, "sub")), settings.user))
		return "unauthorized_client";
	if (!scope_is_good(json_string_value(json_object_get(claims, "scope"))))
		return "invalid_scope";
	if (settings.service_key_id && !equal(json_string_value(json_object_get(header, "kid")),
			settings.service_key_id))
		return "kid is not that of the key";
	return NULL;
}

/* Section 3 again, with RFC 7515's name for the certificate. */
static const char *client_refusal(const json_t *header, const json_t *claims)
{
	struct buf old = BUF_INIT(0), new = BUF_INIT(0);
	const char *why = NULL;
	const char *jti = json_string_value(json_object_get(claims, "jti"));
	static char *seen;

	jwt_thumbprint(settings.client_cert, false, &old);
	jwt_thumbprint(settings.client_cert, true, &new);
	if (!equal(json_string_value(json_object_get(claims, "iss")), settings.client_id) ||
			!equal(json_string_value(json_object_get(claims, "sub")), settings.client_id))
		why = "iss and sub are not the client";
	else if (!jti || equal(jti, seen))
		why = "no jti, or one that was used";
	else if (!equal(json_string_value(json_object_get(header, "x5t")), buf_text(&old)) &&
			!equal(json_string_value(json_object_get(header, "x5t#S256")), buf_text(&new)))
		why = "neither x5t nor x5t#S256 is that of the certificate";
	if (!why) {
		free(seen);
		seen = mem_string(jti);
	}
	buf_release(&old);
	buf_release(&new);
	return why;
}

const char *assertion_refusal(struct call *c, const char *text, bool client)
{
	const char *certificate = client ? settings.client_cert : settings.service_cert, *why;
	char *here = address(c->w, "token");
	json_t *header, *claims;

	secret_note(text);
	if (!certificate)
		why = "there is no certificate to check it by";
	else if (!jwt_read(text, certificate, &header, &claims, &why)) {
		why = times_refusal(claims);
		if (!why && !equal(json_string_value(json_object_get(claims, "aud")), here))
			why = "aud is not the token endpoint";
		if (!why)
			why = client ? client_refusal(header, claims) : service_refusal(header, claims);
		json_decref(header);
		json_decref(claims);
	}
	free(here);
	return why;
}

static bool refuse(struct call *c, const char *why)
{
	call_refuse(c, 401, "invalid_client", why);
	return false;
}

/* By an assertion of its certificate; true: by that, or none was sent. */
static bool assertion_is_good(struct call *c, const char *assertion)
{
	const char *type = form_get(&c->r->form, "client_assertion_type"), *why;

	if (!equal(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
		return refuse(c, "client_assertion_type");
	why = assertion_refusal(c, assertion, true);
	return why ? refuse(c, why) : true;
}

bool client_is_known(struct call *c)
{
	const struct request *r = c->r;
	const char *id = r->basic_user ? r->basic_user : form_get(&r->form, "client_id");
	const char *secret = r->basic_user ? r->basic_password : form_get(&r->form, "client_secret");
	const char *assertion = form_get(&r->form, "client_assertion");

	if (r->basic_user && (form_get(&r->form, "client_secret") || assertion)) {
		call_violation(c, "client", "two ways at once to prove itself");
		return refuse(c, "two ways at once");
	}
	if (!equal(id, settings.client_id))
		return refuse(c, "no such client");
	if (assertion)
		return assertion_is_good(c, assertion);
	if (secret && !settings.client_secret)
		return refuse(c, "Client is public so neither 'client_assertion' nor 'client_secret' "
			"should be presented.");
	if (settings.client_secret && !equal(secret, settings.client_secret))
		return refuse(c, "wrong client secret");
	return true;
}

bool client_is_proved(struct call *c)
{
	if (!settings.client_secret && !form_get(&c->r->form, "client_assertion"))
		return refuse(c, "a client that nothing proves");
	return client_is_known(c);
}
