/* cred/oauth_answer.c - what a provider answers; see oauth_talk.h. */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/oauth_rules.h"
#include "cred/oauth_trouble.h"

enum {
	EXPIRES_DEFAULT  = 3600,
	EXPIRES_MOST     = 366 * 24 * 3600,
	DEVICE_SECONDS   = 600,
	DEVICE_MOST      = 3600,
	INTERVAL_DEFAULT = 5
};

static const char asking_token[] = "asking for an access token";
static const char asking_device[] = "asking for a device code";

void oauth_grant_wipe(struct oauth_grant *g)
{
	secret_wipe(&g->access);
	secret_wipe(&g->refresh);
	*g = (struct oauth_grant){ 0 };
}

static json_t *object_of(const char *body, size_t len)
{
	return len <= OAUTH_ANSWER_MAX ? json_read_object(body, len) : NULL;
}

/* ---- refusals */

static void take_codes(const json_t *answer, struct oauth_trouble *t)
{
	const json_t *list = json_object_get(answer, "error_codes");

	for (size_t i = 0; i < OAUTH_CODES_MAX && i < json_array_size(list); i++) {
		long code = (long)json_integer_value(json_array_get(list, i));

		if (code <= 0)
			return;
		t->codes[i] = code;
	}
}

/* Most say it as RFC 6749 wants it, some as an object. */
static void take_error(const json_t *answer, struct oauth_trouble *t)
{
	const json_t *error = json_object_get(answer, "error");

	if (json_is_object(error)) {
		t->error = json_text(error, "status");
		t->words = json_text(error, "message");
	} else {
		t->error = json_string_value(error);
		t->words = json_text(answer, "error_description");
	}
	t->kind = json_text(answer, "error_subtype");
	if (!t->kind)
		t->kind = json_text(answer, "suberror");
	take_codes(answer, t);
}

/* answer may be NULL. */
static enum oauth_outcome refusal(const struct oauth_plan *p, const char *what, const char *url,
	int status, const json_t *answer, struct err *e)
{
	struct oauth_trouble t = { .what = what, .url = url, .status = status };

	if (answer)
		take_error(answer, &t);
	return oauth_trouble(p, &t, e);
}

static bool is_success(int status, const json_t *answer)
{
	return answer && status >= 200 && status < 300 && !json_object_get(answer, "error");
}

/* ---- tokens */

static bool made_of(const char *text, char least, char most)
{
	for (; *text; text++)
		if (*text < least || *text > most)
			return false;
	return true;
}

/* What fits into a login and into the file, and nothing that could end either. */
static bool is_token(const char *text, char least)
{
	size_t len = strlen(text);

	return len && len <= SECRET_MAX && made_of(text, least, 0x7e);
}

static void take_scope(const json_t *answer, char *to, size_t size)
{
	const char *scope = json_text(answer, "scope");

	if (scope)
		text_clean_to(to, size, scope, strlen(scope));
}

static int64_t expires_in(const json_t *answer)
{
	int64_t seconds;

	if (!json_number(answer, "expires_in", &seconds) || seconds <= 0)
		return EXPIRES_DEFAULT;
	return seconds < EXPIRES_MOST ? seconds : EXPIRES_MOST;
}

static enum oauth_outcome unusable(const struct oauth_plan *p, const char *why, struct err *e)
{
	oauth_strange(asking_token, p->token_url, why, "oauth-token-unusable", e);
	return OAUTH_WRONG;
}

/* Also beside an access token that will not do: the provider may take no other any more. */
static bool take_refresh(const char *refresh, struct oauth_grant *out)
{
	if (!refresh || !*refresh)
		return true;
	if (!is_token(refresh, 0x20))
		return false;
	secret_set(&out->refresh, refresh, strlen(refresh));
	return true;
}

static enum oauth_outcome take_grant(const struct oauth_plan *p, const json_t *answer,
	struct oauth_grant *out, struct err *e)
{
	const char *access = json_text(answer, "access_token"), *type = json_text(answer, "token_type");
	bool good = take_refresh(json_text(answer, "refresh_token"), out);

	if (!access)
		return unusable(p, "the answer has no access token", e);
	if (type && strcasecmp(type, "Bearer") != 0)
		return unusable(p, "the access token is of a kind that no mail server takes", e);
	if (!is_token(access, 0x21))
		return unusable(p, "the access token has octets that cannot be sent, or too many", e);
	if (!good)
		return unusable(p, "the refresh token has octets that it may not have, or too many", e);
	secret_set(&out->access, access, strlen(access));
	out->expires_in = expires_in(answer);
	take_scope(answer, out->scope, sizeof(out->scope));
	return OAUTH_GRANTED;
}

enum oauth_outcome oauth_read_token(const struct oauth_plan *p, int status, const char *body,
	size_t len, struct oauth_grant *out, struct err *e)
{
	json_t *answer = object_of(body, len);
	enum oauth_outcome outcome;

	*out = (struct oauth_grant){ 0 };
	if (is_success(status, answer))
		outcome = take_grant(p, answer, out, e);
	else
		outcome = refusal(p, asking_token, p->token_url, status, answer, e);
	json_decref(answer);
	return outcome;
}

/* ---- the device flow */

void oauth_device_release(struct oauth_device *d)
{
	buf_wipe(&d->device_code);
	*d = (struct oauth_device){ 0 };
}

static int64_t bounded(const json_t *answer, const char *name, int64_t fallback, int64_t most)
{
	int64_t seconds;

	if (!json_number(answer, name, &seconds) || seconds <= 0)
		return fallback;
	return seconds < most ? seconds : most;
}

/* Two names are in use for the URLs. */
static const char *url_of(const json_t *answer, const char *name, const char *older)
{
	const char *url = json_text(answer, name);

	return url ? url : json_text(answer, older);
}

/* The user opens them and types the code: nothing else may be in there. */
static int take_device(const struct oauth_plan *p, const json_t *answer, struct oauth_device *out,
	struct err *e)
{
	const char *device = json_text(answer, "device_code"), *user = json_text(answer, "user_code");
	const char *url = url_of(answer, "verification_uri", "verification_url");
	const char *whole = url_of(answer, "verification_uri_complete", "verification_url_complete");

	if (!device || !is_token(device, 0x20))
		return oauth_strange(asking_device, p->device_url, "the answer has no usable device code",
			"oauth-device-strange", e);
	if (!user || !is_token(user, 0x20) || strlen(user) >= sizeof(out->user_code))
		return oauth_strange(asking_device, p->device_url, "the answer has no usable code for the user",
			"oauth-device-strange", e);
	if (!url || !oauth_is_https(url) || strlen(url) >= sizeof(out->url))
		return oauth_strange(asking_device, p->device_url, "the answer has no usable URL to open",
			"oauth-device-strange", e);
	out->device_code = BUF_INIT(strlen(device) + 1);
	buf_add_text(&out->device_code, device);
	memcpy(out->user_code, user, strlen(user) + 1);
	memcpy(out->url, url, strlen(url) + 1);
	if (whole && oauth_is_https(whole) && strlen(whole) < sizeof(out->url_complete))
		memcpy(out->url_complete, whole, strlen(whole) + 1);
	out->expires_in = bounded(answer, "expires_in", DEVICE_SECONDS, DEVICE_MOST);
	out->interval = bounded(answer, "interval", INTERVAL_DEFAULT, DEVICE_MOST);
	return 0;
}

int oauth_read_device(const struct oauth_plan *p, int status, const char *body, size_t len,
	struct oauth_device *out, struct err *e)
{
	json_t *answer = object_of(body, len);
	int good = -1;

	*out = (struct oauth_device){ 0 };
	if (is_success(status, answer)) {
		good = take_device(p, answer, out, e);
	} else {
		enum oauth_outcome outcome = refusal(p, asking_device, p->device_url, status, answer, e);

		if (outcome == OAUTH_PENDING || outcome == OAUTH_SLOW_DOWN)
			oauth_strange(asking_device, p->device_url, "the answer belongs to a later question",
				"oauth-device-strange", e);
	}
	json_decref(answer);
	return good;
}

/* ---- what a token says of itself */

/* Of the first of these members that is there. */
static bool take_fact(const json_t *facts, const char *const *names, char *to, size_t size)
{
	to[0] = '\0';
	for (; *names && !to[0]; names++) {
		const json_t *fact = json_object_get(facts, *names);
		const char *text = json_string_value(json_is_array(fact) ? json_array_get(fact, 0) : fact);

		if (text)
			text_clean_to(to, size, text, strlen(text));
	}
	return to[0] != '\0';
}

bool oauth_token_facts(const struct secret *access, char *user, size_t user_size, char *audience,
	size_t audience_size)
{
	static const char *const users[] = { "preferred_username", "upn", "unique_name", "email", NULL };
	static const char *const audiences[] = { "aud", NULL };
	const char *start = access->data ? strchr(access->data, '.') : NULL;
	const char *end = start ? strchr(start + 1, '.') : NULL;
	struct buf text = BUF_INIT(SECRET_MAX);
	json_t *facts = NULL;
	bool any;

	buf_reserve(&text, SECRET_MAX - 1);
	if (end && base64url_decode(start + 1, (size_t)(end - start - 1), &text) == 0)
		facts = json_read_object(buf_text(&text), text.len);
	any = take_fact(facts, users, user, user_size);
	any = take_fact(facts, audiences, audience, audience_size) || any;
	json_decref(facts);
	buf_wipe(&text);
	return any;
}
