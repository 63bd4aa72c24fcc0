/* net/client_cert.c - client certificates of files and tokens; see client_cert.h. */
#include "net/client_cert.h"

#include "base/gnutls.h"
#include "base/pkcs11.h"
#include "base/process.h"
#include "net/client_pem.h"

static int unusable(int rc, struct err *e)
{
	if (rc != GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return err_set(e, ERR_CONFIG, "tls_cert and tls_key cannot be used: %s",
			gnutls_strerror(rc));
	err_set(e, ERR_CONFIG, "tls_key is not the key of tls_cert");
	return err_hint(e, "name the key that the certificate was made for: openssl pkey -pubout -in KEY "
		"and openssl x509 -pubkey -noout -in CERT show the same of both");
}

/* With what follows it in the file; how many. */
static int certificates(const struct tls_settings *set, const struct token *token,
	gnutls_pcert_st list[CLIENT_PEM_MOST], struct err *e)
{
	gnutls_datum_t der;
	int rc;

	if (!pkcs11_is_uri(set->cert))
		return client_pem_certificates(set->cert, list, e);
	der = token_certificate(token);
	rc = gnutls_pcert_import_x509_raw(&list[0], &der, GNUTLS_X509_FMT_DER, 0);
	return rc < 0 ? unusable(rc, e) : 1;
}

/* Where it is on a token, that is not to sign anything before the server is known. */
static gnutls_privkey_t key_of(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token *token, const gnutls_datum_t *certificate, struct err *e)
{
	gnutls_privkey_t key;

	if (!pkcs11_is_uri(set->key))
		return client_pem_key(set->key, e);
	if (token_expect(token, certificate, e) < 0)
		return NULL;
	gnutls_certificate_set_flags(cred, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	key = token_key(token);
	if (!key)
		unusable(GNUTLS_E_MEMORY_ERROR, e);
	return key;
}

/* token: open, or NULL where neither is on one. */
static int take(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token *token, struct err *e)
{
	gnutls_pcert_st list[CLIENT_PEM_MOST];
	gnutls_privkey_t key;
	int rc, count = certificates(set, token, list, e);

	if (count < 0)
		return -1;
	key = key_of(set, cred, token, &list[0].cert, e);
	rc = key ? gnutls_certificate_set_key(cred, NULL, 0, list, count, key) : -1;
	if (rc >= 0)
		return 0;   /* cred has them now */
	while (count)
		gnutls_pcert_deinit(&list[--count]);
	if (!key)
		return -1;
	gnutls_privkey_deinit(key);
	return token && token_failed(token, e) ? -1 : unusable(rc, e);
}

int client_cert_begin(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token **token, struct err *e)
{
	*token = NULL;
	if (!set->cert || !set->key)
		return 0;
	if (gnutls_own_key_need(e) < 0)
		return -1;
	process_hold_secret();
	if (!pkcs11_is_uri(set->cert) && !pkcs11_is_uri(set->key))
		return take(set, cred, NULL, e);
	*token = token_start(set, e);
	return *token ? 0 : -1;
}

int client_cert_finish(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token *token, struct err *e)
{
	return token_open(token, e) < 0 ? -1 : take(set, cred, token, e);
}
