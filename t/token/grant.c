/* t/token/grant.c - see grant.h. */
#include "t/token/grant.h"

#include <ctype.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "t/server/issued.h"
#include "t/server/journal.h"
#include "t/token/jwt.h"
#include "t/token/options.h"

enum { RANDOM_LEN = 24 };

struct given {
	char *token;
	struct grant *grant;
	bool spent;
	struct given *next;
};

static struct code *codes;
static struct device *devices;
static struct given *refreshes, *accesses;

void secret_note(const char *secret)
{
	int fd = settings.issued ?
		open(settings.issued, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	char *line = mem_printf("%s\n", secret);

	if (settings.issued && (fd < 0 || write(fd, line, strlen(line)) < 0))
		journal_say(0, "FAULT", "the file of secrets cannot be written");
	if (fd >= 0)
		close(fd);
	free(line);
}

/* KIND and random octets, at least so many in all. */
static char *secret_new(const char *kind, size_t least)
{
	struct buf b = BUF_INIT(0);

	buf_printf(&b, "%s-", kind);
	do {
		unsigned char random[RANDOM_LEN];

		gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random));
		base64url_encode(random, sizeof(random), &b);
	} while (b.len < least);
	secret_note(b.data);
	return buf_take(&b);
}

/* One that says whose it is, signed by nobody whom the client could know. */
static char *secret_jwt(const struct grant *g)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "upn", settings.user, "aud",
		"https://mail.example.test", "scp", g->scope, "exp",
		(json_int_t)(time(NULL) + settings.life));
	char *claims = json_dumps(o, JSON_COMPACT), *signature = secret_new("sig", settings.token_size);
	static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	struct buf b = BUF_INIT(0);

	base64url_encode(header, strlen(header), &b);
	buf_add_char(&b, '.');
	base64url_encode(claims, strlen(claims), &b);
	buf_printf(&b, ".%s", signature);
	secret_note(b.data);
	json_decref(o);
	free(claims);
	free(signature);
	return buf_take(&b);
}

struct code *code_new(const char *challenge, const char *redirect, const char *scope)
{
	struct code *c = mem_alloc(sizeof(*c));

	*c = (struct code){
		.code = secret_new("code", 0), .challenge = challenge ? mem_string(challenge) : NULL,
		.redirect = mem_string(redirect), .scope = mem_string(scope), .born = time(NULL),
		.next = codes
	};
	return codes = c;
}

struct code *code_find(const char *code)
{
	struct code *c = codes;

	while (c && strcmp(c->code, code))
		c = c->next;
	return c;
}

struct device *device_new(const char *scope)
{
	struct device *d = mem_alloc(sizeof(*d));
	static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
	unsigned char random[8];

	*d = (struct device){
		.code = secret_new("device", 0), .scope = mem_string(scope), .born = clock_ms(),
		.interval = settings.interval, .next = devices
	};
	gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random));
	d->user_code = mem_string("XXXX-XXXX");
	for (size_t i = 0; i < sizeof(random); i++)
		d->user_code[i + (i > 3)] = letters[random[i] % (sizeof(letters) - 1)];
	return devices = d;
}

struct device *device_find(const char *code)
{
	struct device *d = devices;

	while (d && strcmp(d->code, code))
		d = d->next;
	return d;
}

struct device *device_of_user(const char *user_code)
{
	struct device *d = devices;

	while (d && strcmp(d->user_code, user_code))
		d = d->next;
	return d;
}

static struct given *given_add(struct given **list, char *token, struct grant *g)
{
	struct given *new = mem_alloc(sizeof(*new));

	*new = (struct given){ .token = token, .grant = g, .next = *list };
	return *list = new;
}

static struct given *given_find(struct given *list, const char *token)
{
	while (list && strcmp(list->token, token))
		list = list->next;
	return list;
}

struct grant *grant_new(const char *scope, bool refreshable)
{
	struct grant *g = mem_alloc(sizeof(*g));

	*g = (struct grant){ .scope = mem_string(scope), .refreshable = refreshable };
	return g;
}

void grant_kill(struct grant *g)
{
	g->dead = true;
	for (struct given *a = accesses; a; a = a->next)
		if (a->grant == g && settings.tokens)
			issued_drop(settings.tokens, a->token);
}

const char *grant_access(struct grant *g)
{
	char *token = settings.jwt ? secret_jwt(g) : secret_new("access", settings.token_size);

	g->tokens++;
	given_add(&accesses, token, g);
	if (settings.tokens && issued_add(settings.tokens, token, settings.user,
			time(NULL) + settings.life) < 0)
		journal_say(0, "FAULT", "an issued token cannot be written");
	return token;
}

const char *grant_refresh(struct grant *g)
{
	for (struct given *r = refreshes; r; r = r->next)
		if (r->grant == g)
			r->spent = true;
	return given_add(&refreshes, secret_new("refresh", 0), g)->token;
}

struct grant *grant_of_refresh(const char *token, bool *spent)
{
	struct given *r = given_find(refreshes, token);

	*spent = r && r->spent;
	return r ? r->grant : NULL;
}

bool access_drop(const char *token)
{
	if (!given_find(accesses, token))
		return false;
	if (settings.tokens)
		issued_drop(settings.tokens, token);
	return true;
}
