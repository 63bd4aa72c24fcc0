/* cred/oauth_ask.c - what is asked of a provider; see oauth_talk.h.
 *
 * Room for the whole is made first: a buffer that grows leaves copies of secrets behind.
 */
#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/mem.h"
#include "cred/oauth_assertion.h"
#include "cred/oauth_talk.h"

enum {
	NAMES_MAX     = 1024,        /* octets of all names and fixed values */
	ENCODED       = 3,           /* times as long, at most, as what it stands for */
	ASSERTION_MAX = 24 * 1024
};

static const char grant_device[] = "urn:ietf:params:oauth:grant-type:device_code";
static const char grant_assertion[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";
static const char assertion_type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

/* ---- forms */

/* As much as could be needed, or all that there may be: what is really longer is found out
 * when it is added. */
static void make_room(const struct oauth_plan *p, size_t more, struct buf *out)
{
	size_t room = (out->max ? out->max : BUF_DEFAULT_MAX) - out->len;
	size_t most = NAMES_MAX + ENCODED * (length(p->client_id) + p->client_secret.len +
		length(p->scope) + more);

	buf_reserve(out, most < room ? most : room);
}

static void add_octets(struct buf *out, const char *name, const char *value, size_t len)
{
	if (out->len && !strchr("?&", out->data[out->len - 1]))
		buf_add_char(out, '&');
	buf_printf(out, "%s=", name);
	percent_encode(value, len, out);
}

static void add(struct buf *out, const char *name, const char *value)
{
	if (value)
		add_octets(out, name, value, strlen(value));
}

static void add_secret(struct buf *out, const char *name, const struct secret *s)
{
	if (s->data)
		add_octets(out, name, s->data, s->len);
}

static bool secret_in_header(const struct oauth_plan *p)
{
	return p->basic && p->client_secret.data;
}

/* Who asks (RFC 6749 section 2.3.1). */
static void add_client(const struct oauth_plan *p, struct buf *out)
{
	if (secret_in_header(p))
		return;
	add(out, "client_id", p->client_id);
	add_secret(out, "client_secret", &p->client_secret);
}

static int finish(const struct buf *out, struct err *e)
{
	return buf_ok(out) ? 0 : err_set(e, ERR_INTERNAL, "a request to the provider is too long");
}

bool oauth_authorization(const struct oauth_plan *p, struct buf *out)
{
	size_t len = ENCODED * (length(p->client_id) + p->client_secret.len) + 1;
	struct buf pair = BUF_INIT(len + 1);

	if (!secret_in_header(p))
		return false;
	buf_reserve(&pair, len);
	percent_encode(p->client_id, strlen(p->client_id), &pair);
	buf_add_char(&pair, ':');
	percent_encode(p->client_secret.data, p->client_secret.len, &pair);
	buf_reserve(out, 2 * len + strlen("Basic ") + 4);
	buf_add_text(out, "Basic ");
	base64_encode(pair.data, pair.len, out);
	buf_wipe(&pair);
	return true;
}

/* ---- requests */

int oauth_ask_refresh(const struct oauth_plan *p, const struct secret *refresh, struct buf *out,
	struct err *e)
{
	make_room(p, refresh->len, out);
	add(out, "grant_type", "refresh_token");
	add_client(p, out);
	add_secret(out, "refresh_token", refresh);
	return finish(out, e);
}

int oauth_ask_code(const struct oauth_plan *p, const char *code, const char *verifier,
	const char *redirect, struct buf *out, struct err *e)
{
	make_room(p, strlen(code) + strlen(verifier) + strlen(redirect), out);
	add(out, "grant_type", "authorization_code");
	add_client(p, out);
	add(out, "code", code);
	add(out, "code_verifier", verifier);
	add(out, "redirect_uri", redirect);
	return finish(out, e);
}

int oauth_ask_device(const struct oauth_plan *p, struct buf *out)
{
	make_room(p, 0, out);
	add_client(p, out);
	add(out, "scope", p->scope);
	return buf_ok(out) ? 0 : -1;
}

int oauth_ask_poll(const struct oauth_plan *p, const char *device_code, struct buf *out,
	struct err *e)
{
	make_room(p, strlen(device_code), out);
	add(out, "grant_type", p->device_by_code ? "device_code" : grant_device);
	add_client(p, out);
	add(out, p->device_by_code ? "code" : "device_code", device_code);
	return finish(out, e);
}

int oauth_ask_revoke(const struct oauth_plan *p, const struct secret *token, struct buf *out,
	struct err *e)
{
	make_room(p, token->len, out);
	add_secret(out, "token", token);
	add_client(p, out);
	return finish(out, e);
}

/* In place of a secret, or of all that says who asks. */
static int add_assertion(const struct oauth_plan *p, int64_t now,
	const unsigned char random[OAUTH_RANDOM], struct buf *out, struct err *e)
{
	struct buf jwt = BUF_INIT(ASSERTION_MAX);
	int good = oauth_assertion(p, now, random, &jwt, e);

	if (good == 0 && p->flow == OAUTH_FLOW_SERVICE) {
		add(out, "grant_type", grant_assertion);
		add(out, "assertion", buf_text(&jwt));
	} else if (good == 0) {
		add(out, "client_assertion_type", assertion_type);
		add(out, "client_assertion", buf_text(&jwt));
	}
	buf_wipe(&jwt);
	return good;
}

int oauth_ask_client(const struct oauth_plan *p, int64_t now,
	const unsigned char random[OAUTH_RANDOM], struct buf *out, struct err *e)
{
	make_room(p, p->key.data ? ASSERTION_MAX : 0, out);
	if (p->flow != OAUTH_FLOW_SERVICE) {
		add(out, "grant_type", "client_credentials");
		add_client(p, out);
		add(out, "scope", p->scope);
	}
	if (p->key.data && add_assertion(p, now, random, out, e) < 0)
		return -1;
	return finish(out, e);
}

/* ---- the user's browser */

void oauth_verifier(const unsigned char random[OAUTH_RANDOM], char out[64])
{
	struct buf text = BUF_INIT(64);

	buf_reserve(&text, 63);
	base64url_encode(random, OAUTH_RANDOM, &text);
	memcpy(out, buf_text(&text), text.len + 1);
	buf_wipe(&text);
}

/* RFC 7636 section 4.2. */
static void add_challenge(struct buf *out, const char *verifier)
{
	char hex[DIGEST_HEX + 1];
	struct buf digest = BUF_INIT(DIGEST_HEX), text = BUF_INIT(64);

	digest_of(verifier, strlen(verifier), hex);
	hex_decode(hex, DIGEST_HEX, &digest);
	base64url_encode(digest.data, digest.len, &text);
	add(out, "code_challenge", buf_text(&text));
	add(out, "code_challenge_method", "S256");
	buf_release(&digest);
	buf_release(&text);
}

void oauth_url(const struct oauth_plan *p, const char *redirect, const char *state,
	const char *verifier, struct buf *out)
{
	buf_add_text(out, p->auth_url);
	if (!strchr(p->auth_url, '?'))
		buf_add_char(out, '?');
	add(out, "response_type", "code");
	add(out, "client_id", p->client_id);
	add(out, "redirect_uri", redirect);
	add(out, "scope", p->scope);
	add(out, "state", state);
	add_challenge(out, verifier);
	if (p->user && strchr(p->user, '@'))
		add(out, "login_hint", p->user);
	if (p->more)
		buf_printf(out, "&%s", p->more);
}
