/* sasl/scram.c - SCRAM-SHA-1 and SCRAM-SHA-256, with and without -PLUS; see scram.h.
 *
 * Both sides prove that they know the password, and neither shows it: a server
 * that does not know it is found out (RFC 5802 section 3).  Name and password have
 * been through SASLprep (RFC 4013) by then.
 */
#include "sasl/scram.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "sasl/mechanism.h"

enum { DIGEST_MAX = 32, FIRST_MAX = 4096, SALT_MAX = 1024 };

enum scram_state { BEFORE_FIRST, AFTER_FIRST, AFTER_PROOF, PROVED, FAILED };

struct scram {
	const struct sasl_login *login;   /* borrowed */
	enum scram_state state;
	gnutls_mac_algorithm_t mac;
	gnutls_digest_algorithm_t hash;
	size_t size;                      /* octets of a digest */
	char *header;                     /* own; the GS2 header */
	char *first;                      /* own; client-first-message-bare */
	unsigned char signature[DIGEST_MAX];   /* what the server has to prove */
};

/* What server-first-message says; pointers are into it. */
struct server_first {
	const char *nonce, *salt;
	size_t nonce_len, salt_len;
	unsigned rounds;
};

/* RFC 5802 section 6: "y" tells a server that does offer binding that somebody
 * has taken it out of the list. */
static char *make_header(const struct sasl_login *login)
{
	bool can_bind = login->binding && login->binding->type;
	struct buf out = BUF_INIT(FIRST_MAX);

	if (sasl_traits(login->mechanism) & SASL_BINDS)
		buf_printf(&out, "p=%s,", login->binding->type);
	else
		buf_add_text(&out, can_bind && !login->plus_offered ? "y," : "n,");
	if (login->authzid) {
		buf_add_text(&out, "a=");
		sasl_write_name(login->authzid, &out);
	}
	buf_add_char(&out, ',');
	if (buf_ok(&out))
		return buf_take(&out);
	buf_release(&out);
	return NULL;
}

struct scram *scram_new(const struct sasl_login *login)
{
	struct scram *s = mem_alloc(sizeof(*s));
	bool sha_1 = login->mechanism == SASL_SCRAM_SHA_1 ||
		login->mechanism == SASL_SCRAM_SHA_1_PLUS;

	s->login = login;
	s->mac = sha_1 ? GNUTLS_MAC_SHA1 : GNUTLS_MAC_SHA256;
	s->hash = sha_1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256;
	s->size = sha_1 ? 20 : 32;
	s->header = make_header(login);
	return s;
}

void scram_free(struct scram **sp)
{
	struct scram *s = *sp;

	if (!s)
		return;
	free(s->header);
	free(s->first);
	explicit_bzero(s, sizeof(*s));
	free(s);
	*sp = NULL;
}

/* RFC 5802 section 7, "printable": all but controls, blanks and the comma. */
static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e || text[i] == ',')
			return false;
	return len > 0;
}

int scram_first(struct scram *s, struct buf *out, struct err *e)
{
	const char *nonce = s->login->nonce;
	struct buf bare = BUF_INIT(FIRST_MAX);

	if (s->state != BEFORE_FIRST || !nonce || !is_printable(nonce, strlen(nonce)))
		return err_set(e, ERR_INTERNAL, "SCRAM is started without a fresh nonce");
	buf_add_text(&bare, "n=");
	sasl_write_name(s->login->user, &bare);
	buf_printf(&bare, ",r=%s", nonce);
	if (!buf_ok(&bare) || !s->header) {
		buf_release(&bare);
		return err_set(e, ERR_LOGIN, "%s is too long", s->header ? "the user name" : "authzid");
	}
	s->first = buf_take(&bare);
	s->state = AFTER_FIRST;
	buf_add_text(out, s->header);
	buf_add_text(out, s->first);
	return 0;
}

/* --- what the server says ----------------------------------------------- */

enum { UNKNOWN_USER = 1 };   /* the last of those that blame user or password */

static const struct {
	const char *code, *words;
} server_errors[] = {   /* RFC 5802 section 7, server-error-value */
	{ "invalid-proof", "the password is wrong" },
	{ "unknown-user", "it does not know this user" },
	{ "invalid-encoding", "it cannot read what we sent" },
	{ "invalid-username-encoding", "it cannot read the user name" },
	{ "extensions-not-supported", "it lacks an extension that it was asked for" },
	{ "channel-bindings-dont-match", "its TLS connection is not ours, somebody sits between" },
	{ "server-does-support-channel-binding", "somebody took the -PLUS login out of its offer" },
	{ "channel-binding-not-supported", "it cannot bind the login to TLS" },
	{ "unsupported-channel-binding-type", "it cannot bind the login to TLS in this way" },
	{ "no-resources", "it is short of resources; try again later" },
};

static int refused(const char *code, size_t len, struct err *e)
{
	char shown[128];

	for (size_t i = 0; i < COUNT(server_errors); i++) {
		if (strlen(server_errors[i].code) != len || memcmp(server_errors[i].code, code, len) != 0)
			continue;
		err_set(e, ERR_LOGIN, "the server refused the login: %s (%s)", server_errors[i].words,
			server_errors[i].code);
		return i <= UNKNOWN_USER ? err_cause(e, "login-refused") : -1;
	}
	text_clean_to(shown, sizeof(shown), code, len);
	return err_set(e, ERR_LOGIN, "the server refused the login: %s", shown);
}

static int not_scram(const char *what, struct err *e)
{
	err_set(e, ERR_LOGIN, "the server's SCRAM login is broken: %s", what);
	return err_hint(e, "the password has no part in that: tell the server's operator; and as it "
		"may not be the server that it claims to be, check host and tls");
}

/* Takes "x=value" off the text, and the comma behind it.  x is `name`, or any
 * letter when that is 0. */
static bool take_attribute(const char **text, size_t *len, char name, const char **value,
	size_t *value_len)
{
	const char *comma;
	size_t whole;

	if (*len < 2 || (*text)[1] != '=')
		return false;
	if (name ? (*text)[0] != name :
			!((*text)[0] >= 'a' && (*text)[0] <= 'z') &&
			!((*text)[0] >= 'A' && (*text)[0] <= 'Z'))
		return false;
	comma = memchr(*text, ',', *len);
	whole = comma ? (size_t)(comma - *text) : *len;
	*value = *text + 2;
	*value_len = whole - 2;
	*text += whole;
	*len -= whole;
	if (comma) {
		(*text)++;
		(*len)--;
		return *len > 0;   /* nothing behind a comma: cut off */
	}
	return true;
}

/* Extensions that we do not know are passed over, but for "m", which says that
 * they must not be. */
static int skip_extensions(const char *text, size_t len, struct err *e)
{
	const char *value;
	size_t value_len;

	while (len) {
		if (text[0] == 'm')
			return not_scram("it demands an extension (m=)", e);
		if (!take_attribute(&text, &len, '\0', &value, &value_len))
			return not_scram("an attribute is not well formed", e);
	}
	return 0;
}

static int parse_rounds(const char *text, size_t len, unsigned *rounds, struct err *e)
{
	*rounds = 0;
	if (!len || text[0] == '0')
		return not_scram("the number of rounds is no number", e);
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return not_scram("the number of rounds is no number", e);
		if (*rounds <= SCRAM_ROUNDS_MOST)
			*rounds = *rounds * 10 + (unsigned)(text[i] - '0');
	}
	if (*rounds < SCRAM_ROUNDS_LEAST) {
		err_set(e, ERR_LOGIN, "the server asks for only %u rounds of SCRAM: so few make "
			"the password easy to guess (least %d)", *rounds, SCRAM_ROUNDS_LEAST);
		err_cause(e, "login-rounds");
		return err_hint(e, "its operator can raise the number; changing the password "
			"there often does");
	}
	if (*rounds > SCRAM_ROUNDS_MOST) {
		err_set(e, ERR_LOGIN, "the server asks for more than %d rounds of SCRAM, "
			"which would only keep this machine busy", SCRAM_ROUNDS_MOST);
		return err_cause(e, "login-rounds");
	}
	return 0;
}

static int parse_first(const struct scram *s, const char *text, size_t len,
	struct server_first *first, struct err *e)
{
	const char *value, *nonce = s->login->nonce;
	size_t value_len;

	if (take_attribute(&text, &len, 'e', &value, &value_len))
		return refused(value, value_len, e);
	if (len && text[0] == 'm')
		return not_scram("it demands an extension (m=)", e);
	if (!take_attribute(&text, &len, 'r', &first->nonce, &first->nonce_len) ||
			!is_printable(first->nonce, first->nonce_len))
		return not_scram("there is no nonce", e);
	if (first->nonce_len <= strlen(nonce) ||
			memcmp(first->nonce, nonce, strlen(nonce)) != 0)
		return not_scram("its nonce does not continue ours", e);
	if (!take_attribute(&text, &len, 's', &first->salt, &first->salt_len))
		return not_scram("there is no salt", e);
	if (!take_attribute(&text, &len, 'i', &value, &value_len))
		return not_scram("there is no number of rounds", e);
	if (parse_rounds(value, value_len, &first->rounds, e) < 0)
		return -1;
	return skip_extensions(text, len, e);
}

/* --- proving ------------------------------------------------------------ */

static int hmac(const struct scram *s, const void *key, size_t key_len, const char *text,
	unsigned char *to)
{
	return gnutls_hmac_fast(s->mac, key, key_len, text, strlen(text), to) < 0 ? -1 : 0;
}

/* RFC 5802 section 3.  proof becomes ClientProof, s->signature what the server
 * must answer with. */
static int make_proof(struct scram *s, const struct buf *salt, unsigned rounds,
	const char *message, unsigned char *proof)
{
	const struct secret *secret = s->login->secret;
	gnutls_datum_t key = { .data = (unsigned char *)secret->data,
		.size = (unsigned)secret->len };
	gnutls_datum_t salt_datum = { .data = (unsigned char *)salt->data,
		.size = (unsigned)salt->len };
	unsigned char salted[DIGEST_MAX], client[DIGEST_MAX], stored[DIGEST_MAX];
	unsigned char server[DIGEST_MAX];
	int bad;

	bad = gnutls_pbkdf2(s->mac, &key, &salt_datum, rounds, salted, s->size) < 0 ||
		hmac(s, salted, s->size, "Client Key", client) < 0 ||
		gnutls_hash_fast(s->hash, client, s->size, stored) < 0 ||
		hmac(s, stored, s->size, message, proof) < 0 ||
		hmac(s, salted, s->size, "Server Key", server) < 0 ||
		hmac(s, server, s->size, message, s->signature) < 0;
	for (size_t i = 0; !bad && i < s->size; i++)
		proof[i] ^= client[i];
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
	return bad ? -1 : 0;
}

/* client-final-message-without-proof */
static void write_final(const struct scram *s, const struct server_first *first, struct buf *out)
{
	const struct sasl_binding *binding = s->login->binding;
	struct buf bound = BUF_INIT(2 * FIRST_MAX);

	buf_add_text(&bound, s->header);
	if (sasl_traits(s->login->mechanism) & SASL_BINDS)
		buf_add(&bound, binding->data, binding->len);
	buf_add_text(out, "c=");
	base64_encode(bound.data, bound.len, out);
	buf_add_text(out, ",r=");
	buf_add(out, first->nonce, first->nonce_len);
	buf_release(&bound);
}

static int answer_first(struct scram *s, const char *text, size_t len, struct buf *out,
	struct err *e)
{
	struct buf message = BUF_INIT(0), final = BUF_INIT(0), salt = BUF_INIT(SALT_MAX);
	unsigned char proof[DIGEST_MAX];
	struct server_first first = { 0 };
	int result = parse_first(s, text, len, &first, e);

	if (result == 0 && (base64_decode(first.salt, first.salt_len, &salt) < 0 || !salt.len))
		result = not_scram("the salt is not base64", e);
	if (result == 0) {
		write_final(s, &first, &final);
		buf_printf(&message, "%s,", s->first);
		buf_add(&message, text, len);
		buf_printf(&message, ",%s", buf_text(&final));
		if (!buf_ok(&message))
			result = not_scram("it is too long", e);
		else if (make_proof(s, &salt, first.rounds, buf_text(&message), proof) < 0)
			result = err_set(e, ERR_LOGIN, "this machine's TLS library cannot compute "
				"%s", sasl_name(s->login->mechanism));
	}
	if (result == 0) {
		buf_add(out, final.data, final.len);
		buf_add_text(out, ",p=");
		base64_encode(proof, s->size, out);
		s->state = AFTER_PROOF;
	}
	explicit_bzero(proof, sizeof(proof));
	buf_release(&message);
	buf_release(&final);
	buf_release(&salt);
	return result;
}

/* server-final-message; our answer to it is empty. */
static int check_final(struct scram *s, const char *text, size_t len, struct err *e)
{
	struct buf signature = BUF_INIT(2 * DIGEST_MAX);
	const char *value;
	size_t value_len;
	bool same;

	if (take_attribute(&text, &len, 'e', &value, &value_len))
		return refused(value, value_len, e);
	if (!take_attribute(&text, &len, 'v', &value, &value_len))
		return not_scram("its last message holds no signature", e);
	if (skip_extensions(text, len, e) < 0)
		return -1;
	same = base64_decode(value, value_len, &signature) == 0 && signature.len == s->size &&
		gnutls_memcmp(signature.data, s->signature, s->size) == 0;
	buf_release(&signature);
	if (same) {
		s->state = PROVED;
		return 0;
	}
	err_set(e, ERR_LOGIN, "the server cannot prove that it knows the password");
	err_cause(e, "server-proof-wrong");
	return err_hint(e, "this may not be the server that it claims to be: check host and tls");
}

int scram_step(struct scram *s, const char *challenge, size_t len, struct buf *out,
	struct err *e)
{
	int result;

	if (len && memchr(challenge, '\0', len))   /* it would end the text that is signed */
		result = not_scram("it holds a NUL octet", e);
	else if (s->state == AFTER_FIRST)
		result = answer_first(s, challenge, len, out, e);
	else if (s->state == AFTER_PROOF)
		result = check_final(s, challenge, len, e);
	else
		result = not_scram("it goes on where nothing is left to say", e);
	if (result < 0)
		s->state = FAILED;
	return result;
}

bool scram_proved(const struct scram *s)
{
	return s->state == PROVED;
}
