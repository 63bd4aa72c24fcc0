/* t/token/endpoint.c - the endpoints beside that for tokens. */
#include "t/token/endpoint.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "t/server/issued.h"
#include "t/server/journal.h"
#include "t/server/word.h"
#include "t/token/grant.h"
#include "t/token/options.h"

enum { CHALLENGE_LEN = 43, STATE_LEAST = 16 };

void call_violation(struct call *c, const char *id, const char *what)
{
	journal_say(c->w->number, "VIOLATION", "%s: %s", id, what);
}

void call_refuse(struct call *c, int status, const char *error, const char *why)
{
	c->a->status = status;
	c->a->why = why;
	c->a->fields = json_pack("{s:s, s:s*}", "error", error, "error_description", why);
	if (status == 401)
		buf_add_text(&c->a->headers, "WWW-Authenticate: Basic realm=\"test\"\r\n");
}

void call_answer(struct call *c, json_t *fields)
{
	c->a->status = 200;
	c->a->fields = fields;
}

bool scope_is_good(const char *scope)
{
	bool any = false;

	while (scope && *scope) {
		char *word = mem_copy(scope, strcspn(scope, " "));
		bool good = word_is_in(settings.scope, word);

		scope += strlen(word);
		scope += strspn(scope, " ");
		free(word);
		if (!good)
			return false;
		any = true;
	}
	return any;
}

char *issuer(const struct wire *w)
{
	return mem_printf("https://localhost:%u%s%s", w->opt->port, settings.tenant ? "/" : "",
		settings.tenant ? settings.tenant : "");
}

char *address(const struct wire *w, const char *endpoint)
{
	char *base = issuer(w), *all = mem_printf("%s/%s", base, endpoint);

	free(base);
	return all;
}

bool call_is_form(struct call *c)
{
	if (strcmp(c->r->method, "POST")) {
		call_refuse(c, 405, "invalid_request", "not POST");
	} else if (c->r->query.count) {
		call_violation(c, "query", "what belongs into the form is in the URL");
		call_refuse(c, 400, "invalid_request", "a query");
	} else if (form_twice(&c->r->form)) {
		call_violation(c, "twice", "a parameter that is there twice");
		call_refuse(c, 400, "invalid_request", "a parameter that is there twice");
	} else {
		return true;
	}
	return false;
}

void device_run(struct call *c)
{
	const char *scope = form_get(&c->r->form, "scope");
	struct device *d;
	char *url = address(c->w, "activate"), *whole;

	if (!call_is_form(c) || !client_is_known(c)) {
		free(url);
		return;
	}
	if (!scope_is_good(scope)) {
		call_refuse(c, 400, "invalid_scope", "not a scope of this client");
	} else {
		d = device_new(scope);
		whole = mem_printf("%s?user_code=%s", url, d->user_code);
		call_answer(c, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "device_code", d->code,
			"user_code", d->user_code, "verification_uri", url, "verification_uri_complete", whole,
			"expires_in", (int)settings.device_life, "interval", (int)settings.interval));
		free(whole);
	}
	free(url);
}

/* A page for people; nothing is sent back to the client. */
static void page(struct call *c, int status, const char *text)
{
	c->a->status = status;
	c->a->type = "text/html";
	c->a->why = text;
	buf_printf(&c->a->body, "<!DOCTYPE html><title>test</title><p>%s</p>\n", text);
}

void activate_run(struct call *c)
{
	const char *code = form_get(&c->r->query, "user_code");
	struct device *d = code ? device_of_user(code) : NULL;

	if (d)
		d->activated = true;
	page(c, d ? 200 : 404, d ? "Done; you may close this window." : "No such code.");
}

/* The text behind a loopback address and its port; NULL: not such a one. */
static const char *behind_port(const char *url, const char *host)
{
	size_t len = strlen(host), digits;

	if (strncmp(url, host, len))
		return NULL;
	url += len;
	if (*url == ':') {
		digits = strspn(url + 1, "0123456789");
		if (!digits)
			return NULL;
		url += 1 + digits;
	}
	return !*url || *url == '/' ? url : NULL;
}

/* RFC 8252 section 7.3: the port is the client's to choose, nothing else. */
static bool redirect_is_good(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://[::1]", "http://localhost" };

	for (size_t i = 0; i < COUNT(hosts); i++) {
		const char *path = behind_port(url, hosts[i]);
		const char *want = settings.redirect ? behind_port(settings.redirect, hosts[i]) : NULL;

		if (path && (!settings.redirect || (want && !strcmp(path, want))))
			return i != 2 || settings.redirect;   /* a name only where it is registered */
	}
	return settings.redirect && !strcmp(url, settings.redirect);
}

static const char *pkce_refusal(struct call *c, const char *challenge)
{
	const char *method = form_get(&c->r->query, "code_challenge_method");

	if (!challenge)
		return settings.no_pkce ? NULL : "no code_challenge";
	if (!method || strcmp(method, "S256"))
		return "a code_challenge that is not S256";
	return strlen(challenge) == CHALLENGE_LEN ? NULL : "a code_challenge of another length";
}

/* What else is wrong with a request whose redirect is good; NULL: nothing. */
static const char *authorize_refusal(struct call *c, const char **error)
{
	const struct form *q = &c->r->query;
	const char *type = form_get(q, "response_type"), *state = form_get(q, "state"), *why;

	*error = "invalid_request";
	if (form_get(q, "client_secret") || form_get(q, "code_verifier"))
		return "a secret in the URL";
	if (form_twice(q))
		return "a parameter that is there twice";
	if (!state || strlen(state) < STATE_LEAST)
		return "no state, or a short one";
	if ((why = pkce_refusal(c, form_get(q, "code_challenge"))))
		return why;
	*error = "unsupported_response_type";
	if (!type || strcmp(type, "code"))
		return "not response_type=code";
	*error = "invalid_scope";
	return scope_is_good(form_get(q, "scope")) ? NULL : "not a scope of this client";
}

void authorize_run(struct call *c)
{
	const struct form *q = &c->r->query;
	const char *redirect = form_get(q, "redirect_uri"), *id = form_get(q, "client_id");
	const char *error, *why;
	char *me = issuer(c->w);
	json_t *fields;

	if (strcmp(c->r->method, "GET")) {
		page(c, 405, "Not GET.");
	} else if (!id || strcmp(id, settings.client_id)) {
		page(c, 400, "No such client.");
	} else if (!redirect || !redirect_is_good(redirect)) {
		page(c, 400, "Not a redirect of this client.");
	} else {
		why = authorize_refusal(c, &error);
		if (why && !strcmp(error, "invalid_request"))
			call_violation(c, "authorize", why);
		fields = why ? json_pack("{s:s, s:s}", "error", error, "error_description", why) :
			json_pack("{s:s}", "code", code_new(form_get(q, "code_challenge"), redirect,
				form_get(q, "scope"))->code);
		json_object_set_new(fields, "state", json_string(form_get(q, "state")));
		if (!settings.no_iss)
			json_object_set_new(fields, "iss", json_string(me));
		c->a->status = 302;
		c->a->why = why;
		c->a->fields = fields;
		c->a->redirect = mem_string(redirect);
	}
	free(me);
}

/* RFC 7009: what is not there counts as taken back. */
void revoke_run(struct call *c)
{
	const char *token = form_get(&c->r->form, "token");
	bool spent;
	struct grant *g;

	if (!call_is_form(c) || !client_is_known(c))
		return;
	if (!token) {
		call_refuse(c, 400, "invalid_request", "no token");
		return;
	}
	g = grant_of_refresh(token, &spent);
	if (g)
		grant_kill(g);
	else if (!access_drop(token))
		c->a->why = "not a token of ours";
	c->a->status = 200;
}

/* RFC 7662 */
void introspect_run(struct call *c)
{
	const char *token = form_get(&c->r->form, "token");
	char user[ISSUED_USER];
	time_t expires;

	if (!call_is_form(c))
		return;
	if (token && settings.tokens && issued_find(settings.tokens, token, strlen(token), user,
			&expires))
		call_answer(c, json_pack("{s:b, s:s, s:s, s:I}", "active", true, "username", user, "scope",
			settings.scope, "exp", (json_int_t)expires));
	else
		call_answer(c, json_pack("{s:b}", "active", false));
}

void discovery_run(struct call *c)
{
	static const char *const names[][2] = {
		{ "authorization_endpoint", "authorize" }, { "token_endpoint", "token" },
		{ "device_authorization_endpoint", "device" }, { "revocation_endpoint", "revoke" },
		{ "introspection_endpoint", "introspect" }
	};
	char *me = issuer(c->w);
	json_t *o = json_pack("{s:s, s:[s], s:[s], s:b}", "issuer", me,
		"code_challenge_methods_supported", "S256", "response_types_supported", "code",
		"authorization_response_iss_parameter_supported", !settings.no_iss);

	for (size_t i = 0; i < COUNT(names); i++) {
		char *url = address(c->w, names[i][1]);

		json_object_set_new(o, names[i][0], json_string(url));
		free(url);
	}
	call_answer(c, o);
	free(me);
}
