/* t/server/scram_server.c - see scram_server.h. */
#include "t/server/scram_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"

enum {
	HASH_MAX = 64,
	ROUNDS_WORTH_COMPUTING = 4000000   /* no client may get that far */
};

void scram_server_release(struct scram_server *s)
{
	buf_release(&s->binding_type);
	buf_release(&s->gs2);
	buf_release(&s->client_first_bare);
	buf_release(&s->server_first);
	buf_release(&s->joined_nonce);
	buf_release(&s->name);
	buf_release(&s->authzid);
}

static enum auth_verdict scram_malformed(struct scram_server *s, const char *why)
{
	s->complaint = why;
	return AUTH_MALFORMED;
}

/* An attribute "x=value" at the start of text: its length, up to a comma. */
static size_t scram_attribute(const char *text, char letter)
{
	return text[0] == letter && text[1] == '=' ? 2 + strcspn(text + 2, ",") : 0;
}

/* saslname: "=2C" and "=3D" stand for comma and equals sign. */
static bool scram_name(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '=') {
			buf_add_char(out, text[i]);
		} else if (len - i >= 3 && (!memcmp(text + i, "=2C", 3) || !memcmp(text + i, "=3D", 3))) {
			buf_add_char(out, text[i + 2] == 'C' ? ',' : '=');
			i += 2;
		} else {
			return false;
		}
	}
	return true;
}

/* The GS2 header "n,," "y,," or "p=type,,", perhaps with "a=name". */
static const char *scram_gs2(struct scram_server *s, const char *in)
{
	const char *at = in;
	size_t len;

	if (*at == 'p') {
		len = scram_attribute(at, 'p');
		if (len < 3)
			return NULL;
		buf_add(&s->binding_type, at + 2, len - 2);
		at += len;
	} else if (*at == 'n' || *at == 'y') {
		s->says_unsupported = *at == 'y';
		at++;
	} else {
		return NULL;
	}
	if (*at++ != ',')
		return NULL;
	len = scram_attribute(at, 'a');
	if (len && !scram_name(at + 2, len - 2, &s->authzid))
		return NULL;
	at += len;
	if (*at++ != ',')
		return NULL;
	buf_add(&s->gs2, in, (size_t)(at - in));
	return at;
}

enum auth_verdict scram_server_first(struct scram_server *s, const char *in, size_t len,
	struct buf *out)
{
	const char *at;
	size_t n;

	if (memchr(in, 0, len) || !(at = scram_gs2(s, in)))
		return scram_malformed(s, "SCRAM: no GS2 header");
	if (s->plus != (s->binding_type.len > 0))
		return scram_malformed(s, "SCRAM: channel binding does not fit the mechanism");
	buf_add_text(&s->client_first_bare, at);
	n = scram_attribute(at, 'n');
	if (n < 3 || at[n] != ',' || !scram_name(at + 2, n - 2, &s->name))
		return scram_malformed(s, "SCRAM: no user name");
	at += n + 1;
	n = scram_attribute(at, 'r');
	if (n < 2 + 18)
		return scram_malformed(s, "SCRAM: no nonce, or a short one");
	buf_add(&s->joined_nonce, at + 2, n - 2);
	if (!s->faults.reuse_nonce)
		buf_add_text(&s->joined_nonce, s->nonce);
	buf_printf(&s->server_first, "r=%s,s=", buf_text(&s->joined_nonce));
	base64_encode(s->salt, s->salt_len, &s->server_first);
	buf_printf(&s->server_first, ",i=%lu", s->faults.rounds);
	buf_add(out, s->server_first.data, s->server_first.len);
	return AUTH_CHALLENGE;
}

/* Proof and signature as RFC 5802 section 3 computes them. */
static void scram_keys(const struct scram_server *s, const struct buf *message,
	unsigned char *client_key, unsigned char *client_signature, unsigned char *signature)
{
	static const char client[] = "Client Key", server[] = "Server Key";
	size_t size = (size_t)gnutls_hmac_get_len(s->mac);
	gnutls_datum_t password = { (unsigned char *)mem_string(s->password),
		(unsigned)strlen(s->password) };
	gnutls_datum_t salt = { (unsigned char *)mem_copy(s->salt, s->salt_len),
		(unsigned)s->salt_len };
	unsigned char salted[HASH_MAX] = { 0 }, stored[HASH_MAX], server_key[HASH_MAX];

	if (s->faults.rounds <= ROUNDS_WORTH_COMPUTING)
		gnutls_pbkdf2(s->mac, &password, &salt, (unsigned)s->faults.rounds, salted, size);
	gnutls_hmac_fast(s->mac, salted, size, client, sizeof(client) - 1, client_key);
	gnutls_hash_fast((gnutls_digest_algorithm_t)s->mac, client_key, size, stored);
	gnutls_hmac_fast(s->mac, stored, size, message->data, message->len, client_signature);
	gnutls_hmac_fast(s->mac, salted, size, server, sizeof(server) - 1, server_key);
	gnutls_hmac_fast(s->mac, server_key, size, message->data, message->len, signature);
	free(password.data);
	free(salt.data);
}

/* c= holds the GS2 header once more, and for -PLUS the channel's octets. */
static bool scram_binding_fits(const struct scram_server *s, const char *text, size_t len,
	const struct buf *binding)
{
	struct buf want = BUF_INIT(0), got = BUF_INIT(0);
	bool good;

	buf_add(&want, buf_text(&s->gs2), s->gs2.len);
	if (s->plus && binding)
		buf_add(&want, buf_text(binding), binding->len);
	good = (!s->plus || binding) && !base64_decode(text, len, &got) && got.len == want.len &&
		!memcmp(got.data, want.data, want.len);
	buf_release(&want);
	buf_release(&got);
	return good;
}

static bool scram_proof_fits(const struct scram_server *s, const char *text, size_t len,
	const struct buf *message, struct buf *out)
{
	unsigned char client_key[HASH_MAX], mask[HASH_MAX], signature[HASH_MAX];
	size_t size = (size_t)gnutls_hmac_get_len(s->mac);
	struct buf proof = BUF_INIT(0);
	bool good;

	scram_keys(s, message, client_key, mask, signature);
	good = !base64_decode(text, len, &proof) && proof.len == size;
	for (size_t i = 0; good && i < size; i++)
		good = (unsigned char)proof.data[i] == (client_key[i] ^ mask[i]);
	if (s->faults.bad_signature)
		signature[0] ^= 1;
	buf_add_text(out, "v=");
	base64_encode(signature, size, out);
	buf_release(&proof);
	return good && !strcmp(buf_text(&s->name), s->user);
}

enum auth_verdict scram_server_final(struct scram_server *s, const char *in, size_t len,
	const struct buf *binding, struct buf *out)
{
	struct buf message = BUF_INIT(0);
	const char *at = in;
	size_t c, r, p;
	bool good;

	if (memchr(in, 0, len))
		return scram_malformed(s, "SCRAM: NUL in the final message");
	c = scram_attribute(at, 'c');
	if (!c || at[c] != ',')
		return scram_malformed(s, "SCRAM: no channel binding attribute");
	if (!scram_binding_fits(s, at + 2, c - 2, binding)) {
		s->complaint = "SCRAM: the channel binding is wrong";
		return AUTH_REFUSED;
	}
	at += c + 1;
	r = scram_attribute(at, 'r');
	if (!r || at[r] != ',' || r - 2 != s->joined_nonce.len ||
			memcmp(at + 2, s->joined_nonce.data, r - 2))
		return scram_malformed(s, "SCRAM: not our nonce");
	at += r + 1;
	p = scram_attribute(at, 'p');
	if (!p || at[p])
		return scram_malformed(s, "SCRAM: no proof at the end");
	buf_printf(&message, "%s,%s,%.*s", buf_text(&s->client_first_bare),
		buf_text(&s->server_first), (int)(at - 1 - in), in);
	good = scram_proof_fits(s, at + 2, p - 2, &message, out);
	buf_release(&message);
	return good ? AUTH_CHALLENGE : AUTH_REFUSED;
}
