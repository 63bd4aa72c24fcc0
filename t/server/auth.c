/* t/server/auth.c - see auth.h. */
#include "t/server/auth.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/mem.h"
#include "t/server/issued.h"
#include "t/server/scram_server.h"
#include "t/server/secure.h"
#include "t/server/word.h"

enum { NONCE_LEN = 18, MD5_LEN = 16, STEPS_MOST = 4 };

struct mechanism {
	const char *name;
	enum auth_verdict (*step)(struct auth *a, const char *in, size_t len);
	bool client_first;
	bool plus;
	gnutls_mac_algorithm_t mac;   /* SCRAM */
};

struct auth {
	const struct mechanism *mechanism;   /* borrowed */
	const struct options *opt;           /* borrowed */
	const struct wire *wire;             /* borrowed */
	unsigned steps;                      /* responses seen */
	struct buf challenge;                /* own */
	struct buf user;                     /* own; LOGIN: as given */
	struct scram_server scram;           /* own */
	char salt[NONCE_LEN];
	struct buf nonce;                    /* own */
	bool finished;                       /* nothing but refusal can follow */
	const char *complaint;
};

/* Equal, and there is something to be equal to. */
static bool auth_is(const char *want, const char *got, size_t len)
{
	return want && strlen(want) == len && !memcmp(want, got, len);
}

/* Whom the user asks to act as; nothing: itself. */
static bool auth_may_act(const struct auth *a, const char *name, size_t len)
{
	if (a->opt->authzid)
		return auth_is(a->opt->authzid, name, len);
	return !len || auth_is(a->opt->user, name, len);
}

static enum auth_verdict auth_malformed(struct auth *a, const char *why)
{
	a->complaint = why;
	return AUTH_MALFORMED;
}

/* RFC 4616: authzid NUL authcid NUL password. */
static enum auth_verdict auth_plain(struct auth *a, const char *in, size_t len)
{
	const char *name = memchr(in, 0, len), *secret;
	size_t name_len, secret_len;

	if (!name)
		return auth_malformed(a, "PLAIN: no NUL");
	name++;
	secret = memchr(name, 0, len - (size_t)(name - in));
	if (!secret)
		return auth_malformed(a, "PLAIN: only one NUL");
	name_len = (size_t)(secret - name);
	secret++;
	secret_len = len - (size_t)(secret - in);
	if (memchr(secret, 0, secret_len))
		return auth_malformed(a, "PLAIN: more than two NULs");
	if (!auth_may_act(a, in, (size_t)(name - 1 - in)))
		return AUTH_REFUSED;
	return auth_is(a->opt->user, name, name_len) && auth_is(a->opt->password, secret, secret_len) ?
		AUTH_ACCEPTED : AUTH_REFUSED;
}

static enum auth_verdict auth_login(struct auth *a, const char *in, size_t len)
{
	if (a->steps == 0) {
		buf_add(&a->user, in, len);
		buf_add_text(&a->challenge, "Password:");
		return AUTH_CHALLENGE;
	}
	return auth_is(a->opt->user, buf_text(&a->user), a->user.len) &&
		auth_is(a->opt->password, in, len) ? AUTH_ACCEPTED : AUTH_REFUSED;
}

/* RFC 2195: user, blank, and the HMAC of the challenge in lower-case hex. */
static enum auth_verdict auth_cram_md5(struct auth *a, const char *in, size_t len)
{
	unsigned char mac[MD5_LEN];
	struct buf want = BUF_INIT(0);
	bool good;

	if (!a->opt->user || !a->opt->password)
		return AUTH_REFUSED;
	gnutls_hmac_fast(GNUTLS_MAC_MD5, a->opt->password, strlen(a->opt->password), a->nonce.data,
		a->nonce.len, mac);
	buf_printf(&want, "%s ", a->opt->user);
	hex_encode(mac, sizeof(mac), &want);
	good = auth_is(want.data, in, len);
	buf_release(&want);
	return good ? AUTH_ACCEPTED : AUTH_REFUSED;
}

/* RFC 4422 appendix A: who the certificate says, or that name once more. */
static enum auth_verdict auth_external(struct auth *a, const char *in, size_t len)
{
	struct buf who = BUF_INIT(0);
	bool good = secure_identity(a->wire, &who) &&
		(a->opt->authzid ? auth_is(a->opt->authzid, in, len) : !len || auth_is(buf_text(&who), in, len)) &&
		(!a->opt->user || !strcmp(a->opt->user, buf_text(&who)));

	buf_release(&who);
	return good ? AUTH_ACCEPTED : AUTH_REFUSED;
}

/* The token that is right: ours, or the one that is shown if the token server issued it to
 * the user.  Own; "" when there is none. */
static char *auth_token(const struct auth *a, const char *in, size_t len)
{
	const char *shown = memmem(in, len, "auth=Bearer ", 12), *end;
	char user[ISSUED_USER];

	if (!a->opt->tokens || !shown)
		return mem_string(a->opt->token ? a->opt->token : "");
	shown += 12;
	end = memchr(shown, 1, len - (size_t)(shown - in));
	if (!end || !issued_find(a->opt->tokens, shown, (size_t)(end - shown), user, NULL))
		return mem_string("");
	return strcmp(user, a->opt->user ? a->opt->user : "") ? mem_string("") :
		mem_copy(shown, (size_t)(end - shown));
}

/* An OAuth error is a challenge first; the client answers with a dummy, and
 * only then comes the refusal. */
static enum auth_verdict auth_bearer(struct auth *a, const char *want, const char *in, size_t len,
	const char *dummy)
{
	if (a->steps > 0) {
		if (len != strlen(dummy) || memcmp(in, dummy, len))
			a->complaint = "OAuth: the answer to the error is not the dummy";
		return AUTH_REFUSED;
	}
	if (want && auth_is(want, in, len))
		return AUTH_ACCEPTED;
	buf_add_text(&a->challenge,
		"{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"https://mail.example.test/\"}");
	return AUTH_CHALLENGE;
}

static enum auth_verdict auth_xoauth2(struct auth *a, const char *in, size_t len)
{
	struct buf want = BUF_INIT(0);
	char *token;
	enum auth_verdict verdict;

	if (!a->steps && (len < 7 || memcmp(in, "user=", 5) || memcmp(in + len - 2, "\001\001", 2)))
		return auth_malformed(a, "XOAUTH2: not user=... and two octets of 1 at the end");
	token = auth_token(a, in, len);
	buf_printf(&want, "user=%s\001auth=Bearer %s\001\001", a->opt->user ? a->opt->user : "",
		token);
	verdict = auth_bearer(a, *token ? want.data : NULL, in, len, "");
	buf_release(&want);
	free(token);
	return verdict;
}

/* RFC 7628 section 3.1: host and port may stand between the name and the token. */
static enum auth_verdict auth_oauthbearer(struct auth *a, const char *in, size_t len)
{
	struct buf head = BUF_INIT(0), want = BUF_INIT(0), got = BUF_INIT(0);
	const char *at = memmem(in, len, "\001auth=", 6);
	char *token = auth_token(a, in, len);
	enum auth_verdict verdict = AUTH_MALFORMED;

	buf_add_text(&head, "n,a=");
	for (const char *c = a->opt->authzid ? a->opt->authzid : a->opt->user ? a->opt->user : ""; *c; c++)
		buf_add_text(&head, *c == ',' ? "=2C" : *c == '=' ? "=3D" : (char[]){ *c, '\0' });
	buf_add_text(&head, ",");
	buf_printf(&want, "%s\001auth=Bearer %s\001\001", head.data, token);
	if (!a->steps && (!at || memcmp(in, "n,", 2)))
		a->complaint = "OAUTHBEARER: no GS2 header or no auth=";
	else {
		/* Leave host and port out of the comparison. */
		if (!a->steps && len >= head.len && !memcmp(in, head.data, head.len)) {
			buf_add(&got, in, head.len);
			buf_add(&got, at, len - (size_t)(at - in));
		} else {
			buf_add(&got, in, len);
		}
		verdict = auth_bearer(a, *token ? want.data : NULL, buf_text(&got), got.len, "\001");
	}
	buf_release(&head);
	buf_release(&want);
	buf_release(&got);
	free(token);
	return verdict;
}

static enum auth_verdict auth_scram_final(struct auth *a, const char *in, size_t len)
{
	struct scram_server *s = &a->scram;
	struct buf binding = BUF_INIT(0);
	bool bound = s->binding_type.len &&
		!secure_binding(a->wire, buf_text(&s->binding_type), &binding);
	enum auth_verdict verdict = scram_server_final(s, in, len, bound ? &binding : NULL,
		&a->challenge);

	buf_release(&binding);
	if (verdict == AUTH_CHALLENGE && !auth_may_act(a, buf_text(&s->authzid), s->authzid.len))
		return AUTH_REFUSED;
	if (verdict == AUTH_CHALLENGE && s->faults.no_signature)
		return AUTH_ACCEPTED;
	return verdict;
}

/* Flag y says that we offered no -PLUS form; if we did, somebody lied. */
static bool auth_was_downgraded(const struct auth *a)
{
	struct buf plus = BUF_INIT(0);
	bool offered;

	buf_printf(&plus, "%s-PLUS", a->mechanism->name);
	offered = word_is_in(a->opt->mechanisms, buf_text(&plus));
	buf_release(&plus);
	return a->scram.says_unsupported && offered;
}

static enum auth_verdict auth_scram(struct auth *a, const char *in, size_t len)
{
	enum auth_verdict verdict;

	if (a->steps == 0) {
		verdict = scram_server_first(&a->scram, in, len, &a->challenge);
		if (verdict == AUTH_CHALLENGE && auth_was_downgraded(a))
			return auth_malformed(a, "SCRAM: flag y although -PLUS was offered");
	} else if (a->steps == 1) {
		verdict = auth_scram_final(a, in, len);
	} else {
		/* The client has taken the signature and says nothing more. */
		return len ? auth_malformed(a, "SCRAM: words behind the end") : AUTH_ACCEPTED;
	}
	if (a->scram.complaint)
		a->complaint = a->scram.complaint;
	return verdict;
}

/* RFC 4505: whoever comes is let in; what he gives is no more than a trace. */
static enum auth_verdict auth_anonymous(struct auth *a, const char *in, size_t len)
{
	if (len > 255)
		return auth_malformed(a, "ANONYMOUS: the trace is too long");
	buf_clear(&a->user);
	buf_add(&a->user, in, len);
	return AUTH_ACCEPTED;
}

/* RFC 2743 section 3.1: a token begins so.  There is no realm here: no ticket is good. */
static enum auth_verdict auth_gssapi(struct auth *a, const char *in, size_t len)
{
	if (!a->steps && (!len || in[0] != 0x60))
		return auth_malformed(a, "GSSAPI: no token");
	return AUTH_REFUSED;
}

static const struct mechanism mechanisms[] = {
	{ "PLAIN", auth_plain, true, false, GNUTLS_MAC_UNKNOWN },
	{ "LOGIN", auth_login, false, false, GNUTLS_MAC_UNKNOWN },
	{ "CRAM-MD5", auth_cram_md5, false, false, GNUTLS_MAC_UNKNOWN },
	{ "SCRAM-SHA-1", auth_scram, true, false, GNUTLS_MAC_SHA1 },
	{ "SCRAM-SHA-1-PLUS", auth_scram, true, true, GNUTLS_MAC_SHA1 },
	{ "SCRAM-SHA-256", auth_scram, true, false, GNUTLS_MAC_SHA256 },
	{ "SCRAM-SHA-256-PLUS", auth_scram, true, true, GNUTLS_MAC_SHA256 },
	{ "EXTERNAL", auth_external, true, false, GNUTLS_MAC_UNKNOWN },
	{ "ANONYMOUS", auth_anonymous, true, false, GNUTLS_MAC_UNKNOWN },
	{ "GSSAPI", auth_gssapi, true, false, GNUTLS_MAC_UNKNOWN },
	{ "XOAUTH2", auth_xoauth2, true, false, GNUTLS_MAC_UNKNOWN },
	{ "OAUTHBEARER", auth_oauthbearer, true, false, GNUTLS_MAC_UNKNOWN },
};

static const struct mechanism *mechanism_find(const char *name)
{
	for (size_t i = 0; i < COUNT(mechanisms); i++)
		if (!strcasecmp(mechanisms[i].name, name))
			return &mechanisms[i];
	return NULL;
}

bool auth_is_known(const char *mechanism)
{
	return mechanism_find(mechanism) != NULL;
}

struct auth *auth_new(const char *mechanism, const struct options *opt, const struct wire *w)
{
	struct auth *a = mem_alloc(sizeof(*a));
	unsigned char random[NONCE_LEN];

	a->mechanism = mechanism_find(mechanism);
	a->opt = opt;
	a->wire = w;
	gnutls_rnd(GNUTLS_RND_NONCE, a->salt, sizeof(a->salt));
	gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof(random));
	if (!strcmp(a->mechanism->name, "CRAM-MD5")) {
		buf_add_text(&a->nonce, "<");
		hex_encode(random, sizeof(random), &a->nonce);
		buf_add_text(&a->nonce, "@smtp.example.test>");
	} else {
		base64_encode(random, sizeof(random), &a->nonce);
	}
	a->scram = (struct scram_server){
		.mac = a->mechanism->mac, .plus = a->mechanism->plus, .faults = opt->scram,
		.user = opt->user ? opt->user : "", .password = opt->password ? opt->password : "",
		.salt = a->salt, .salt_len = sizeof(a->salt), .nonce = a->nonce.data
	};
	return a;
}

void auth_free(struct auth **ap)
{
	struct auth *a = *ap;

	if (!a)
		return;
	scram_server_release(&a->scram);
	buf_release(&a->challenge);
	buf_release(&a->user);
	buf_release(&a->nonce);
	free(a);
	*ap = NULL;
}

enum auth_verdict auth_start(struct auth *a, const char *initial, size_t len)
{
	if (initial && (a->mechanism->client_first || a->mechanism->step == auth_login))
		return auth_step(a, initial, len);
	if (initial)
		return auth_malformed(a, "an initial response where the server speaks first");
	if (a->mechanism->step == auth_login)
		buf_add_text(&a->challenge, "Username:");
	else if (a->mechanism->step == auth_cram_md5)
		buf_add(&a->challenge, a->nonce.data, a->nonce.len);
	return AUTH_CHALLENGE;
}

enum auth_verdict auth_step(struct auth *a, const char *response, size_t len)
{
	enum auth_verdict verdict = AUTH_REFUSED;

	buf_clear(&a->challenge);
	/* A script may have asked for responses that the mechanism has no use for. */
	if (!a->finished && a->steps < STEPS_MOST)
		verdict = a->mechanism->step(a, response, len);
	a->steps++;
	a->finished = verdict != AUTH_CHALLENGE;
	return verdict;
}

const struct buf *auth_challenge(const struct auth *a)
{
	return &a->challenge;
}

const char *auth_name(const struct auth *a)
{
	return a->mechanism->name;
}

const char *auth_complaint(const struct auth *a)
{
	return a->complaint;
}
