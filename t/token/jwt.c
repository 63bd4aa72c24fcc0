/* t/token/jwt.c - see jwt.h. */
#include "t/token/jwt.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/codec.h"
#include "base/mem.h"

static json_t *part_json(const char *text, size_t len)
{
	struct buf b = BUF_INIT(0);
	json_t *o = base64url_decode(text, len, &b) < 0 ? NULL :
		json_loadb(buf_text(&b), b.len, JSON_REJECT_DUPLICATES, NULL);

	buf_release(&b);
	return o;
}

static int certificate_load(const char *path, gnutls_x509_crt_t *crt)
{
	gnutls_datum_t pem;
	int code;

	if (gnutls_load_file(path, &pem) < 0)
		return -1;
	gnutls_x509_crt_init(crt);
	code = gnutls_x509_crt_import(*crt, &pem, GNUTLS_X509_FMT_PEM);
	gnutls_free(pem.data);
	if (code >= 0)
		return 0;
	gnutls_x509_crt_deinit(*crt);
	return -1;
}

int jwt_thumbprint(const char *certificate, bool sha256, struct buf *out)
{
	unsigned char digest[32];
	size_t len = sizeof(digest);
	gnutls_x509_crt_t crt;

	if (certificate_load(certificate, &crt) < 0)
		return -1;
	gnutls_x509_crt_get_fingerprint(crt, sha256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA1, digest,
		&len);
	gnutls_x509_crt_deinit(crt);
	base64url_encode(digest, len, out);
	return 0;
}

static const struct {
	const char *name;
	gnutls_sign_algorithm_t sign;
	bool halves;         /* r and s side by side */
} algorithms[] = {
	{ "RS256", GNUTLS_SIGN_RSA_SHA256, false },
	{ "PS256", GNUTLS_SIGN_RSA_PSS_SHA256, false },
	{ "ES256", GNUTLS_SIGN_ECDSA_SHA256, true },
};

static bool signature_is_good(const char *certificate, const char *algorithm,
	gnutls_datum_t signed_text, const struct buf *signature)
{
	gnutls_datum_t s = { (unsigned char *)signature->data, (unsigned)signature->len };
	gnutls_datum_t r = { s.data, s.size / 2 }, t = { s.data + s.size / 2, s.size / 2 };
	gnutls_datum_t der = { NULL, 0 };
	gnutls_x509_crt_t crt;
	gnutls_pubkey_t key;
	bool good = false;

	if (certificate_load(certificate, &crt) < 0)
		return false;
	gnutls_pubkey_init(&key);
	gnutls_pubkey_import_x509(key, crt, 0);
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		if (strcmp(algorithms[i].name, algorithm))
			continue;
		if (algorithms[i].halves && (s.size != 64 || gnutls_encode_rs_value(&der, &r, &t) < 0))
			break;
		good = gnutls_pubkey_verify_data2(key, algorithms[i].sign, 0, &signed_text,
			der.data ? &der : &s) >= 0;
	}
	gnutls_free(der.data);
	gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(crt);
	return good;
}

int jwt_read(const char *text, const char *certificate, json_t **header, json_t **claims,
	const char **why)
{
	const char *first = strchr(text, '.'), *second = first ? strchr(first + 1, '.') : NULL;
	struct buf signature = BUF_INIT(0);
	const char *algorithm;

	*header = *claims = NULL;
	if (!second || strchr(second + 1, '.') ||
			base64url_decode(second + 1, strlen(second + 1), &signature) < 0) {
		*why = "not three parts of base64url";
	} else {
		gnutls_datum_t all = { (unsigned char *)mem_copy(text, (size_t)(second - text)),
			(unsigned)(second - text) };

		*header = part_json(text, (size_t)(first - text));
		*claims = part_json(first + 1, (size_t)(second - first - 1));
		algorithm = json_string_value(json_object_get(*header, "alg"));
		*why = !*header || !*claims ? "header or claims are no JSON" :
			!algorithm || !signature_is_good(certificate, algorithm, all, &signature) ?
			"the signature is not good" : NULL;
		gnutls_free(all.data);
	}
	buf_release(&signature);
	if (!*why)
		return 0;
	json_decref(*header);
	json_decref(*claims);
	*header = *claims = NULL;
	return -1;
}
