/* sasl/sasl.c - the table of mechanisms, and one exchange; see sasl.h. */
#include "sasl/sasl.h"

#include <stdlib.h>
#include <string.h>

#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "sasl/mechanism.h"

static const struct {
	const char *name;
	unsigned traits;
} mechanisms[SASL_MECHANISMS] = {
	[SASL_EXTERNAL]           = { "EXTERNAL",
		SASL_CLIENT_FIRST | SASL_ONE_TRIP | SASL_ACTS_AS | SASL_NO_SECRET },
	[SASL_GSSAPI]             = { "GSSAPI",
		SASL_CLIENT_FIRST | SASL_OUTSIDE | SASL_ACTS_AS | SASL_NO_SECRET },
	[SASL_SCRAM_SHA_256_PLUS] = { "SCRAM-SHA-256-PLUS",
		SASL_CLIENT_FIRST | SASL_BINDS | SASL_ACTS_AS },
	[SASL_SCRAM_SHA_256]      = { "SCRAM-SHA-256", SASL_CLIENT_FIRST | SASL_ACTS_AS },
	[SASL_SCRAM_SHA_1_PLUS]   = { "SCRAM-SHA-1-PLUS",
		SASL_CLIENT_FIRST | SASL_BINDS | SASL_ACTS_AS },
	[SASL_SCRAM_SHA_1]        = { "SCRAM-SHA-1", SASL_CLIENT_FIRST | SASL_ACTS_AS },
	[SASL_PLAIN]              = { "PLAIN",
		SASL_CLIENT_FIRST | SASL_ONE_TRIP | SASL_CLEAR | SASL_ACTS_AS },
	[SASL_LOGIN]              = { "LOGIN", SASL_CLEAR },
	[SASL_CRAM_MD5]           = { "CRAM-MD5", 0 },
	[SASL_OAUTHBEARER]        = { "OAUTHBEARER",
		SASL_CLIENT_FIRST | SASL_CLEAR | SASL_TOKEN | SASL_ACTS_AS },
	[SASL_XOAUTH2]            = { "XOAUTH2", SASL_CLIENT_FIRST | SASL_CLEAR | SASL_TOKEN },
	[SASL_ANONYMOUS]          = { "ANONYMOUS",
		SASL_CLIENT_FIRST | SASL_ONE_TRIP | SASL_NO_SECRET },
};

const struct key sasl_keys[] = {
	{ .name = "user", .type = KEY_TEXT, .offset = offsetof(struct sasl_settings, user),
		.help = "the name to log in with" },
	{ .name = "authzid", .type = KEY_TEXT, .offset = offsetof(struct sasl_settings, authzid),
		.help = "whom to act as once logged in, if not as the user" },
	{ .name = "auth", .type = KEY_LIST, .offset = offsetof(struct sasl_settings, mechanisms),
		.help = "auto, none, or the login mechanisms to use, best first; !NAME forbids one" },
	{ .name = "allow_clear_password", .type = KEY_BOOL,
		.offset = offsetof(struct sasl_settings, allow_clear_password), .fallback = "no",
		.help = "send the password without encryption, readable by everyone on the way" },
	{ .name = NULL },
};

const char *sasl_name(enum sasl_mechanism m)
{
	return m < SASL_MECHANISMS ? mechanisms[m].name : "none";
}

enum sasl_mechanism sasl_find(const char *name, size_t len)
{
	unsigned m = 0;

	while (m < SASL_MECHANISMS &&
			!text_equal_fold(name, len, mechanisms[m].name, strlen(mechanisms[m].name)))
		m++;
	return (enum sasl_mechanism)m;
}

unsigned sasl_traits(enum sasl_mechanism m)
{
	return m < SASL_MECHANISMS ? mechanisms[m].traits : 0;
}

/* --- settings ----------------------------------------------------------- */

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static const char *nearest_name(const char *word)
{
	const char *nearest = NULL;
	size_t least = 4, len = strnlen(word, 32);
	char upper[33];

	for (size_t i = 0; i < len; i++)
		upper[i] = word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 32) : word[i];
	upper[len] = '\0';
	for (unsigned m = 0; m < SASL_MECHANISMS; m++) {
		size_t distance = text_distance(upper, mechanisms[m].name);

		if (distance < least && distance < len) {
			least = distance;
			nearest = mechanisms[m].name;
		}
	}
	return nearest;
}

/* A word like none of them is not shown: some take auth for the place of the
 * password. */
static int unknown_mechanism(const char *word, struct err *e)
{
	const char *nearest = nearest_name(word);
	char shown[64];

	if (nearest) {
		text_clean_to(shown, sizeof(shown), word, strlen(word));
		err_set(e, ERR_CONFIG, "auth names '%s', which is no login mechanism that sendoff "
			"knows", shown);
		return err_hint(e, "did you mean %s?", nearest);
	}
	err_set(e, ERR_CONFIG, "auth names what is no login mechanism that sendoff knows");
	return err_hint(e, "leave auth out: sendoff then chooses the best that the server offers");
}

static bool is_word(const char *item, const char *word)
{
	return text_equal_fold(item, strlen(item), word, strlen(word));
}

/* The mechanism that an item of `auth` is about; forbids: it must not be used.  "!NAME" may
 * have a blank behind its mark. */
static enum sasl_mechanism item_mechanism(const char *item, bool *forbids)
{
	*forbids = item[0] == '!';
	if (*forbids)
		item += 1 + strspn(item + 1, " \t");
	return sasl_find(item, strlen(item));
}

static bool has_item(const struct sasl_settings *set, enum sasl_mechanism m, bool forbidden)
{
	for (size_t i = 0; i < set->mechanisms.count; i++) {
		bool forbids;

		if (item_mechanism(set->mechanisms.items[i], &forbids) == m && forbids == forbidden)
			return true;
	}
	return false;
}

bool sasl_never(const struct sasl_settings *set)
{
	return set->mechanisms.count == 1 && is_word(set->mechanisms.items[0], "none");
}

bool sasl_is_automatic(const struct sasl_settings *set)
{
	for (size_t i = 0; i < set->mechanisms.count; i++)
		if (set->mechanisms.items[i][0] != '!' && !is_word(set->mechanisms.items[i], "auto"))
			return false;
	return true;
}

bool sasl_names(const struct sasl_settings *set, enum sasl_mechanism m)
{
	return m < SASL_MECHANISMS && has_item(set, m, false);
}

bool sasl_allows(const struct sasl_settings *set, enum sasl_mechanism m)
{
	if (m >= SASL_MECHANISMS)
		return false;
	return sasl_is_automatic(set) ? !has_item(set, m, true) : has_item(set, m, false);
}

/* Each item by itself, and beside the others. */
static int check_items(const struct sasl_settings *set, struct err *e)
{
	bool automatic = sasl_is_automatic(set);

	for (size_t i = 0; i < set->mechanisms.count; i++) {
		const char *item = set->mechanisms.items[i];
		bool forbids, first = is_word(item, "auto"), alone = is_word(item, "none");
		enum sasl_mechanism m = item_mechanism(item, &forbids);

		if ((alone || (first && !automatic)) && set->mechanisms.count > 1)
			return err_set(e, ERR_CONFIG, "auth: '%s' cannot stand beside others", item);
		if (first || alone)
			continue;
		if (m == SASL_MECHANISMS)
			return unknown_mechanism(forbids ? item + 1 : item, e);
		if (forbids && !automatic) {
			err_set(e, ERR_CONFIG, "auth both names mechanisms to use and forbids %s",
				sasl_name(m));
			return err_hint(e, "what a list does not name is not used: leave '!%s' out",
				sasl_name(m));
		}
	}
	return 0;
}

/* Whether anything is left that can say it. */
static int check_authzid(const struct sasl_settings *set, struct err *e)
{
	if (!set->authzid || sasl_never(set))
		return 0;
	if (has_control(set->authzid))
		return err_set(e, ERR_CONFIG, "authzid holds a control character");
	for (unsigned m = 0; m < SASL_MECHANISMS; m++)
		if ((sasl_traits((enum sasl_mechanism)m) & SASL_ACTS_AS) &&
		    sasl_allows(set, (enum sasl_mechanism)m))
			return 0;
	err_set(e, ERR_CONFIG, "authzid is set, and no login that auth leaves can carry it");
	return err_hint(e, "XOAUTH2, LOGIN, CRAM-MD5 and ANONYMOUS know no authzid: name another one in auth, "
		"as plain or scram-sha-256, or leave authzid out");
}

int sasl_settings_check(const struct sasl_settings *set, struct err *e)
{
	return check_items(set, e) < 0 ? -1 : check_authzid(set, e);
}

/* --- one exchange ------------------------------------------------------- */

static bool is_token(const struct secret *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->data[i] < 0x21 || s->data[i] > 0x7e)
			return false;
	return true;
}

static int check_secret(const struct sasl_login *login, struct err *e)
{
	const struct secret *secret = login->secret;
	bool token = sasl_traits(login->mechanism) & SASL_TOKEN;

	if (!secret || !secret->len) {
		err_set(e, ERR_SECRET, token ? "the access token is empty" : "the password is empty");
		return err_cause(e, "secret-empty");
	}
	if (token && !is_token(secret)) {
		err_set(e, ERR_LOGIN, "the access token holds an octet that no token has");
		return err_hint(e, "what gives the token must print it alone, on one line");
	}
	if (memchr(secret->data, '\0', secret->len))
		return err_set(e, ERR_LOGIN, "the password holds a NUL octet");
	return 0;
}

static bool is_scram(enum sasl_mechanism m)
{
	return m >= SASL_SCRAM_SHA_256_PLUS && m <= SASL_SCRAM_SHA_1;
}

static int check_names(const struct sasl_login *login, struct err *e)
{
	/* A control character would end a field of OAuth's, or of PLAIN's. */
	if (has_control(login->user))
		return err_set(e, ERR_LOGIN, "the user name holds a control character");
	if (login->authzid && has_control(login->authzid))
		return err_set(e, ERR_LOGIN, "authzid holds a control character");
	if (login->host && has_control(login->host))
		return err_set(e, ERR_LOGIN, "the host name holds a control character");
	/* Without it the mail would leave in another name than the one that was asked for. */
	if (login->authzid && !(sasl_traits(login->mechanism) & SASL_ACTS_AS))
		return err_set(e, ERR_LOGIN, "%s cannot carry the authzid of the account",
			sasl_name(login->mechanism));
	return 0;
}

enum { TRACE_MOST = 255 };   /* RFC 4505 section 2, in characters there */

static int check_login(const struct sasl_login *login, struct err *e)
{
	if (check_names(login, e) < 0)
		return -1;
	if (login->mechanism == SASL_ANONYMOUS && strlen(login->user) > TRACE_MOST)
		return err_set(e, ERR_LOGIN, "the user name is longer than the %d octets that ANONYMOUS "
			"takes", TRACE_MOST);
	if (sasl_traits(login->mechanism) & SASL_NO_SECRET)
		return 0;
	if (!login->user[0] && login->mechanism != SASL_OAUTHBEARER) {
		err_set(e, ERR_LOGIN, "there is no user name to log in with");
		err_cause(e, "login-without-user");
		return err_hint(e, "set user; most servers want the whole mail address");
	}
	if ((sasl_traits(login->mechanism) & SASL_BINDS) &&
			(!login->binding || !login->binding->type))
		return err_set(e, ERR_LOGIN, "%s needs a TLS connection that it can be bound to",
			sasl_name(login->mechanism));
	if ((is_scram(login->mechanism) || login->mechanism == SASL_CRAM_MD5) && !gnutls_is_here())
		return err_set(e, ERR_INTERNAL, "GnuTLS is not loaded, which %s needs",
			sasl_name(login->mechanism));
	return check_secret(login, e);
}

/* SASLprep leaves it as it is. */
static bool is_prepared(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return true;
}

/* Of a name or password; out stays empty for one that needs no change. */
static int prepare(const struct sasl_login *login, const char *what, const char *text, size_t len,
	struct secret *out, struct err *e)
{
	if (is_prepared(text, len))
		return 0;
	if (!login->prepare)
		return err_set(e, ERR_LOGIN, "the %s is not ASCII, and cannot be prepared for %s", what,
			sasl_name(login->mechanism));
	if (login->prepare(text, len, out, e) == 0 && out->len)
		return 0;
	if (!e->kind)
		err_set(e, ERR_LOGIN, "nothing is left of it");
	return err_context(e, "the %s cannot be used with %s", what, sasl_name(login->mechanism));
}

/* RFC 5802 section 5.1 and section 2.2, Normalize(). */
static int prepare_both(struct sasl *s, struct err *e)
{
	const struct secret *secret = s->login.secret;
	struct secret name = { 0 };

	if (prepare(&s->login, "user name", s->user, strlen(s->user), &name, e) < 0 ||
	    prepare(&s->login, "password", secret->data, secret->len, &s->prepared, e) < 0) {
		secret_wipe(&name);
		return -1;
	}
	if (name.data) {
		free(s->user);
		s->login.user = s->user = mem_string(name.data);
		secret_wipe(&name);
	}
	if (s->prepared.data)
		s->login.secret = &s->prepared;
	return 0;
}

struct sasl *sasl_new(const struct sasl_login *login, struct err *e)
{
	struct sasl *s;

	if (check_login(login, e) < 0)
		return NULL;
	s = mem_alloc(sizeof(*s));
	s->login = *login;
	s->login.user = s->user = mem_string(login->user);
	s->login.authzid = s->authzid = login->authzid ? mem_string(login->authzid) : NULL;
	s->login.host = s->host = login->host ? mem_string(login->host) : NULL;
	s->login.nonce = s->nonce = login->nonce ? mem_string(login->nonce) : NULL;
	if (login->binding) {
		s->binding = *login->binding;
		s->login.binding = &s->binding;
	}
	if (is_scram(login->mechanism) && prepare_both(s, e) < 0)
		sasl_free(&s);
	else if (is_scram(login->mechanism))
		s->scram = scram_new(&s->login);
	return s;
}

void sasl_free(struct sasl **sp)
{
	struct sasl *s = *sp;

	if (!s)
		return;
	scram_free(&s->scram);
	secret_wipe(&s->prepared);
	free(s->user);
	free(s->authzid);
	free(s->host);
	free(s->nonce);
	free(s->server_error);
	explicit_bzero(s, sizeof(*s));
	free(s);
	*sp = NULL;
}

/* LOGIN and CRAM-MD5 wait for the server: they have nothing to say here. */
int sasl_start(struct sasl *s, struct buf *out, struct err *e)
{
	switch (s->login.mechanism) {
	case SASL_EXTERNAL:
		return external_start(s, out);
	case SASL_ANONYMOUS:
		return anonymous_start(s, out);
	case SASL_PLAIN:
		return plain_start(s, out);
	case SASL_OAUTHBEARER:
	case SASL_XOAUTH2:
		return oauth_start(s, out);
	default:
		return s->scram ? scram_first(s->scram, out, e) : 0;
	}
}

int sasl_too_many(const struct sasl *s, struct err *e)
{
	err_set(e, ERR_LOGIN, "the server asks for more than the login %s has",
		sasl_name(s->login.mechanism));
	return err_hint(e, "set auth to another mechanism that the server offers");
}

int sasl_step(struct sasl *s, const char *challenge, size_t len, struct buf *out, struct err *e)
{
	int result;

	switch (s->login.mechanism) {
	case SASL_LOGIN:
		result = login_step(s, out, e);
		break;
	case SASL_CRAM_MD5:
		result = cram_step(s, challenge, len, out, e);
		break;
	case SASL_OAUTHBEARER:
	case SASL_XOAUTH2:
		result = oauth_step(s, challenge, len, out, e);
		break;
	default:
		result = s->scram ? scram_step(s->scram, challenge, len, out, e) :
			sasl_too_many(s, e);
		break;
	}
	s->answered++;
	return result;
}

enum { OUTSIDE_CHALLENGE_MOST = 32 * 1024, OUTSIDE_RESPONSES_MOST = 16 };

int sasl_outside(const struct sasl *s, size_t challenge, struct err *e)
{
	if (s->last_said || s->answered >= OUTSIDE_RESPONSES_MOST)
		return sasl_too_many(s, e);
	if (challenge > OUTSIDE_CHALLENGE_MOST)
		return err_set(e, ERR_LOGIN, "the server's %s challenge is too long",
			sasl_name(s->login.mechanism));
	return 0;
}

void sasl_responded(struct sasl *s, bool last)
{
	s->answered++;
	s->last_said = last;
}

bool sasl_said_all(const struct sasl *s)
{
	return s->answered >= (s->login.mechanism == SASL_LOGIN ? 2u :
		s->login.mechanism == SASL_CRAM_MD5 ? 1u : 0u);
}

int sasl_finish(struct sasl *s, struct err *e)
{
	bool outside = sasl_traits(s->login.mechanism) & SASL_OUTSIDE;

	if (outside ? s->last_said : !s->scram || scram_proved(s->scram))
		return 0;
	err_set(e, ERR_LOGIN, "the server says that the login succeeded, but does not prove that "
		"it %s", outside ? "is the one that Kerberos knows" : "knows the password");
	err_cause(e, "server-proof-wrong");
	return err_hint(e, "this may not be the server that it claims to be: check host and tls");
}

const char *sasl_server_error(const struct sasl *s)
{
	return s->server_error;
}

void sasl_write_name(const char *name, struct buf *out)
{
	for (; *name; name++) {
		if (*name == ',')
			buf_add_text(out, "=2C");
		else if (*name == '=')
			buf_add_text(out, "=3D");
		else
			buf_add_char(out, *name);
	}
}
