/* cred/oauth_assertion.c - signed assertions; see oauth_assertion.h. */
#include "cred/oauth_assertion.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/gnutls.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cred/oauth_rules.h"

enum {
	SKEW_SECONDS    = 60,         /* our clock may be ahead by that much */
	SERVICE_SECONDS = 3600,       /* the longest that is taken */
	CLIENT_SECONDS  = 600,
	JWT_MAX         = 16 * 1024,
	JTI_OCTETS      = 16,
	SHA256_OCTETS   = 32
};

/* ---- what the files say */

static int lacks(const char *member, struct err *e)
{
	err_set(e, ERR_CONFIG, "the key file has no usable %s", member);
	return err_hint(e, "get a new one where the service account was made: its keys, add key, JSON");
}

static int take_service_account(struct oauth_plan *p, const json_t *file, struct err *e)
{
	const char *kind = json_text(file, "type"), *email = json_text(file, "client_email");
	const char *key = json_text(file, "private_key"), *key_id = json_text(file, "private_key_id");
	const char *url = json_text(file, "token_uri");

	if (kind && strcmp(kind, "service_account") != 0) {
		err_set(e, ERR_CONFIG, "this is the file of an app, not of a service account");
		return err_hint(e, "what is in it are oauth_client_id and oauth_client_secret: set those");
	}
	if (!email || !*email || strlen(email) > OAUTH_CLIENT_ID_MAX || !text_is_ascii(email, strlen(email)))
		return lacks("client_email", e);
	if (!key || !strstr(key, "-----BEGIN "))
		return lacks("private_key", e);
	if (url && !oauth_is_https(url))
		return lacks("token_uri", e);
	free(p->client_id);
	p->client_id = mem_string(email);
	free(p->key_id);
	p->key_id = key_id ? mem_string(key_id) : NULL;
	secret_set(&p->key, key, strlen(key));
	if (!p->token_url && url)
		p->token_url = mem_string(url);
	return 0;
}

int oauth_read_service_account(struct oauth_plan *p, const char *text, size_t len, struct err *e)
{
	json_t *file = json_read_object(text, len);
	int good;

	if (!file) {
		err_set(e, ERR_CONFIG, "this is not a key file: no JSON object is in it");
		return err_hint(e, "take the file as the provider gave it, of the type JSON (not P12)");
	}
	good = take_service_account(p, file, e);
	json_decref(file);
	return good;
}

int oauth_read_certificate(struct oauth_plan *p, const char *text, size_t len, struct err *e)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----", key[] = "PRIVATE KEY-----";

	if (memchr(text, '\0', len))
		err_set(e, ERR_CONFIG, "this is not PEM");
	else if (!memmem(text, len, certificate, strlen(certificate)))
		err_set(e, ERR_CONFIG, "no certificate is in it");
	else if (!memmem(text, len, key, strlen(key)))
		err_set(e, ERR_CONFIG, "no key is in it");
	else {
		secret_set(&p->key, text, len);
		return 0;
	}
	return err_hint(e, "put both into one file in PEM: cat certificate.pem key.pem >FILE");
}

/* ---- the key */

static int fails(const char *what, int code, struct err *e)
{
	return err_set(e, ERR_CONFIG, "%s: %s", what, gnutls_strerror(code));
}

static gnutls_datum_t pem_of(const struct oauth_plan *p)
{
	return (gnutls_datum_t){ .data = (unsigned char *)p->key.data, .size = (unsigned)p->key.len };
}

static gnutls_x509_privkey_t open_key(const struct oauth_plan *p, struct err *e)
{
	gnutls_datum_t pem = pem_of(p);
	gnutls_x509_privkey_t key;
	int code = gnutls_x509_privkey_init(&key);

	if (code < 0) {
		fails("the key cannot be read", code, e);
		return NULL;
	}
	code = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (code == GNUTLS_E_DECRYPTION_FAILED) {
		err_set(e, ERR_CONFIG, "the key is protected by a password, which nobody can type in here");
		err_hint(e, "store it without one: openssl pkey -in KEY -out FILE; the mode 0600 guards it");
	} else if (code < 0) {
		fails("the key cannot be read", code, e);
	} else if (gnutls_x509_privkey_get_pk_algorithm(key) != GNUTLS_PK_RSA) {
		err_set(e, ERR_CONFIG, "the key is not of the kind RSA");
		err_hint(e, "make a new one of 2048 bits or more, and register it");
	} else {
		return key;
	}
	gnutls_x509_privkey_deinit(key);
	return NULL;
}

static int sign(gnutls_x509_privkey_t key, gnutls_sign_algorithm_t how, const struct buf *text,
	struct buf *out, struct err *e)
{
	gnutls_datum_t signed_text = { (unsigned char *)text->data, (unsigned)text->len };
	gnutls_datum_t signature = { NULL, 0 };
	gnutls_privkey_t signer;
	int code = gnutls_privkey_init(&signer);

	if (code < 0)
		return fails("signing failed", code, e);
	code = gnutls_privkey_import_x509(signer, key, 0);
	if (code >= 0)
		code = gnutls_privkey_sign_data2(signer, how, 0, &signed_text, &signature);
	gnutls_privkey_deinit(signer);
	if (code < 0)
		return fails("signing failed", code, e);
	base64url_encode(signature.data, signature.size, out);
	gnutls_free(signature.data);
	return 0;
}

/* ---- the certificate that belongs to it */

static int check_dates(gnutls_x509_crt_t crt, int64_t now, struct err *e)
{
	if (now <= (int64_t)gnutls_x509_crt_get_expiration_time(crt))
		return 0;
	err_set(e, ERR_CONFIG, "the certificate is out of date");
	return err_hint(e, "make a new one, register it with the app, and put it into the file");
}

static int check_pair(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct err *e)
{
	unsigned char of_crt[SHA256_OCTETS], of_key[SHA256_OCTETS];
	size_t crt_size = sizeof(of_crt), key_size = sizeof(of_key);

	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, of_crt, &crt_size) >= 0 &&
	    gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size) >= 0 &&
	    crt_size == key_size && !memcmp(of_crt, of_key, crt_size))
		return 0;
	err_set(e, ERR_CONFIG, "the certificate and the key do not belong together");
	return err_hint(e, "put the certificate first that was made for this key");
}

/* The thumbprint by which the provider finds the certificate (RFC 7515 section 4.1.8). */
static int thumbprint(const struct oauth_plan *p, gnutls_x509_privkey_t key, int64_t now,
	struct buf *out, struct err *e)
{
	unsigned char digest[SHA256_OCTETS];
	size_t size = sizeof(digest);
	gnutls_datum_t pem = pem_of(p);
	gnutls_x509_crt_t crt;
	int good = -1, code = gnutls_x509_crt_init(&crt);

	if (code < 0)
		return fails("the certificate cannot be read", code, e);
	code = gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM);
	if (code >= 0)
		code = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &size);
	if (code < 0)
		fails("the certificate cannot be read", code, e);
	else if (check_dates(crt, now, e) == 0 && check_pair(crt, key, e) == 0)
		good = 0;
	if (good == 0)
		base64url_encode(digest, size, out);
	gnutls_x509_crt_deinit(crt);
	return good;
}

/* ---- the assertion */

/* One part of it; takes the JSON away. */
static int add_part(json_t *part, struct buf *out, struct err *e)
{
	char *text = part ? json_dumps(part, JSON_COMPACT) : NULL;

	json_decref(part);
	if (!text)
		return err_set(e, ERR_CONFIG, "user or scope is not text (UTF-8), which an assertion wants");
	base64url_encode(text, strlen(text), out);
	free(text);
	return 0;
}

static json_t *service_header(const struct oauth_plan *p)
{
	return json_pack("{s:s, s:s, s:s*}", "alg", "RS256", "typ", "JWT", "kid", p->key_id);
}

static json_t *service_claims(const struct oauth_plan *p, int64_t now)
{
	json_int_t from = now - SKEW_SECONDS;

	return json_pack("{s:s, s:s, s:s*, s:s, s:I, s:I}", "iss", p->client_id, "sub", p->user,
		"scope", p->scope, "aud", p->token_url, "iat", from, "exp", from + SERVICE_SECONDS);
}

static json_t *client_claims(const struct oauth_plan *p, int64_t now, const unsigned char *random)
{
	json_int_t from = now - SKEW_SECONDS;
	struct buf id = BUF_INIT(2 * JTI_OCTETS + 1);
	json_t *claims;

	hex_encode(random, JTI_OCTETS, &id);
	claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", p->token_url,
		"iss", p->client_id, "sub", p->client_id, "jti", buf_text(&id), "nbf", from, "iat", from,
		"exp", from + CLIENT_SECONDS);
	buf_release(&id);
	return claims;
}

static int write_service(const struct oauth_plan *p, int64_t now, struct buf *jwt, struct err *e)
{
	if (add_part(service_header(p), jwt, e) < 0)
		return -1;
	buf_add_char(jwt, '.');
	return add_part(service_claims(p, now), jwt, e);
}

static int write_client(const struct oauth_plan *p, gnutls_x509_privkey_t key, int64_t now,
	const unsigned char *random, struct buf *jwt, struct err *e)
{
	struct buf print = BUF_INIT(64);
	int good = thumbprint(p, key, now, &print, e);

	if (good == 0)
		good = add_part(json_pack("{s:s, s:s, s:s}", "alg", "PS256", "typ", "JWT", "x5t#S256",
			buf_text(&print)), jwt, e);
	buf_release(&print);
	if (good < 0)
		return -1;
	buf_add_char(jwt, '.');
	return add_part(client_claims(p, now, random), jwt, e);
}

int oauth_assertion(const struct oauth_plan *p, int64_t now,
	const unsigned char random[OAUTH_RANDOM], struct buf *out, struct err *e)
{
	bool service = p->flow == OAUTH_FLOW_SERVICE;
	struct buf jwt = BUF_INIT(JWT_MAX), signature = BUF_INIT(JWT_MAX);
	gnutls_x509_privkey_t key;
	int good;

	if (!gnutls_is_here())
		return err_set(e, ERR_TLS, "GnuTLS, which signs, has not been loaded");
	key = open_key(p, e);
	if (!key)
		return -1;
	good = service ? write_service(p, now, &jwt, e) : write_client(p, key, now, random, &jwt, e);
	if (good == 0)
		good = sign(key, service ? GNUTLS_SIGN_RSA_SHA256 : GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, &jwt,
			&signature, e);
	if (good == 0)
		buf_printf(out, "%s.%s", buf_text(&jwt), buf_text(&signature));
	gnutls_x509_privkey_deinit(key);
	buf_wipe(&jwt);
	buf_wipe(&signature);
	return good;
}
