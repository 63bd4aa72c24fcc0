/* net/client_cert.c - client certificates of files and tokens; see client_cert.h. */
#include "net/client_cert.h"

#include <string.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/pkcs11.h"
#include "base/process.h"

enum {
	PEM_MAX  = 1 << 20,   /* octets of a client certificate or key file */
	MOST     = 16         /* certificates of a file */
};

static int read_pem(const char *key, const char *path, enum file_trust trust, struct buf *out,
	struct err *e)
{
	if (file_read(path, trust, out, e) == FILE_OK)
		return 0;
	e->kind = ERR_CONFIG;
	return err_context(e, "%s", key);
}

/* PKCS#8's own form, and OpenSSL's old one. */
static bool is_encrypted(const struct buf *pem)
{
	static const char *const signs[] = { "-----BEGIN ENCRYPTED PRIVATE KEY-----",
		"Proc-Type: 4,ENCRYPTED" };

	for (size_t i = 0; pem->len && i < sizeof(signs) / sizeof(*signs); i++)
		if (memmem(pem->data, pem->len, signs[i], strlen(signs[i])))
			return true;
	return false;
}

static int read_key(const char *path, struct buf *out, struct err *e)
{
	if (read_pem("tls_key", path, FILE_SECRET, out, e) < 0)
		return -1;
	if (!is_encrypted(out))
		return 0;
	err_set(e, ERR_CONFIG, "tls_key: '%s' is encrypted, and nobody is there to type its passphrase",
		path);
	err_hint(e, "decrypt it once: (umask 077; openssl pkey -in %s -out NEW), and set tls_key = NEW",
		path);
	return err_cause(e, "client-key-encrypted");
}

static int unusable(int rc, struct err *e)
{
	if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return err_set(e, ERR_CONFIG, "tls_key is not the key of tls_cert");
	return err_set(e, ERR_CONFIG, "tls_cert and tls_key cannot be used: %s", gnutls_strerror(rc));
}

static int from_files(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct err *e)
{
	struct buf cert = BUF_INIT(PEM_MAX), key = BUF_INIT(PEM_MAX);
	gnutls_datum_t c, k;
	int rc = read_pem("tls_cert", set->cert, FILE_ANY, &cert, e);

	if (rc == 0)
		rc = read_key(set->key, &key, e);
	if (rc == 0) {
		c = (gnutls_datum_t){ (unsigned char *)cert.data, (unsigned)cert.len };
		k = (gnutls_datum_t){ (unsigned char *)key.data, (unsigned)key.len };
		rc = gnutls_certificate_set_x509_key_mem2(cred, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc < 0)
			unusable(rc, e);
	}
	buf_release(&cert);
	buf_wipe(&key);
	return rc < 0 ? -1 : 0;
}

int client_cert_begin(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token **token, struct err *e)
{
	*token = NULL;
	if (!set->cert || !set->key)
		return 0;
	process_hold_secret();
	if (!pkcs11_is_uri(set->cert) && !pkcs11_is_uri(set->key))
		return from_files(set, cred, e);
	*token = token_start(set, e);
	return *token ? 0 : -1;
}

/* With what follows it in the file; how many. */
static int certificates(const struct tls_settings *set, const struct token *token,
	gnutls_pcert_st list[MOST], struct err *e)
{
	gnutls_datum_t der = token_certificate(token);
	struct buf pem = BUF_INIT(PEM_MAX);
	unsigned count = MOST;
	int rc;

	if (pkcs11_is_uri(set->cert)) {
		rc = gnutls_pcert_import_x509_raw(&list[0], &der, GNUTLS_X509_FMT_DER, 0);
		count = 1;
	} else if (read_pem("tls_cert", set->cert, FILE_ANY, &pem, e) < 0) {
		buf_release(&pem);
		return -1;
	} else {
		der = (gnutls_datum_t){ (unsigned char *)pem.data, (unsigned)pem.len };
		rc = gnutls_pcert_list_import_x509_raw(list, &count, &der, GNUTLS_X509_FMT_PEM, 0);
	}
	buf_release(&pem);
	if (rc < 0)
		return unusable(rc, e);
	return (int)count;
}

static gnutls_privkey_t file_key(const char *path, struct err *e)
{
	struct buf pem = BUF_INIT(PEM_MAX);
	gnutls_privkey_t key = NULL;
	gnutls_datum_t text;
	int rc = -1;

	if (read_key(path, &pem, e) == 0) {
		text = (gnutls_datum_t){ (unsigned char *)pem.data, (unsigned)pem.len };
		rc = gnutls_privkey_init(&key);
		if (rc >= 0)
			rc = gnutls_privkey_import_x509_raw(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc < 0)
			unusable(rc, e);
	}
	buf_wipe(&pem);
	if (rc < 0 && key) {
		gnutls_privkey_deinit(key);
		key = NULL;
	}
	return key;
}

static gnutls_privkey_t key_on_token(gnutls_certificate_credentials_t cred, struct token *token,
	const gnutls_datum_t *certificate, struct err *e)
{
	gnutls_privkey_t key;

	if (token_expect(token, certificate, e) < 0)
		return NULL;
	gnutls_certificate_set_flags(cred, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	key = token_key(token);
	if (!key)
		unusable(GNUTLS_E_MEMORY_ERROR, e);
	return key;
}

int client_cert_finish(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token *token, struct err *e)
{
	gnutls_pcert_st list[MOST];
	gnutls_privkey_t key = NULL;
	int count, rc;

	if (token_open(token, e) < 0)
		return -1;
	count = certificates(set, token, list, e);
	if (count < 0)
		return -1;
	key = pkcs11_is_uri(set->key) ? key_on_token(cred, token, &list[0].cert, e) :
		file_key(set->key, e);
	rc = key ? gnutls_certificate_set_key(cred, NULL, 0, list, count, key) : -1;
	if (rc >= 0)
		return 0;   /* cred has them now */
	while (count)
		gnutls_pcert_deinit(&list[--count]);
	if (!key)
		return -1;
	gnutls_privkey_deinit(key);
	return token_failed(token, e) ? -1 : unusable(rc, e);
}
