/* net/client_pem.c - reading certificate and key of a client; see client_pem.h. */
#include "net/client_pem.h"

#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/text.h"

enum { PEM_MAX = 1 << 20 };   /* octets of a file */

/* What a file should hold, and what makes that of other forms. */
struct kind {
	const char *key, *what;     /* the setting; "certificate" */
	const char *sign;           /* the end of the line that begins it */
	const char *convert;        /* from DER */
	const char *look;           /* tells what is wrong with it */
	enum file_trust trust;
};

static const struct kind certificate = { "tls_cert", "certificate", "CERTIFICATE-----",
	"openssl x509 -inform der", "certtool --certificate-info", FILE_ANY };
static const struct kind private_key = { "tls_key", "private key", "PRIVATE KEY-----",
	"openssl pkey -inform der", "certtool --key-info", FILE_SECRET };

static bool holds(const struct buf *text, const char *sign)
{
	return text->len && memmem(text->data, text->len, sign, strlen(sign));
}

/* How long the head of a SEQUENCE is that is the whole text (X.690 section 8.1); 0: it is
 * none. */
static size_t der_head(const struct buf *text)
{
	const unsigned char *p = (const unsigned char *)text->data;
	size_t octets, head, len = 0;

	if (text->len < 2 || p[0] != 0x30)
		return 0;
	octets = p[1] & 0x80 ? p[1] & 0x7fU : 0;
	head = 2 + octets;
	if (octets > 3 || text->len < head)
		return 0;
	for (size_t i = 2; i < head; i++)
		len = len << 8 | p[i];
	if (!octets)
		len = p[1];
	return text->len == head + len ? head : 0;
}

/* RFC 7292 section 4: version 3 comes first, as in no key or certificate. */
static bool is_pkcs12(const struct buf *text)
{
	static const unsigned char version[] = { 2, 1, 3, 0x30 };
	size_t head = der_head(text);

	return head && text->len > head + sizeof(version) &&
		!memcmp(text->data + head, version, sizeof(version));
}

/* Why the library does not take it.  Always returns -1. */
static int blame(const struct kind *k, const char *path, const struct buf *text, int rc,
	struct err *e)
{
	char shown[200];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (!text->len) {
		err_set(e, ERR_CONFIG, "%s: '%s' is empty", k->key, shown);
		return err_hint(e, "put the %s into it, in PEM form", k->what);
	}
	if (is_pkcs12(text)) {
		err_set(e, ERR_CONFIG, "%s: '%s' is a PKCS#12 file (.p12, .pfx), and PEM form is needed",
			k->key, shown);
		return err_hint(e, "take both out of it: (umask 077; openssl pkcs12 -nodes -in %s -out "
			"NEW), and set tls_cert = NEW and tls_key = NEW", shown);
	}
	if (der_head(text)) {
		err_set(e, ERR_CONFIG, "%s: '%s' is in DER form, and PEM form is needed", k->key, shown);
		return err_hint(e, "convert it: (umask 077; %s -in %s -out NEW), and set %s = NEW",
			k->convert, shown, k->key);
	}
	if (!holds(text, k->sign)) {
		err_set(e, ERR_CONFIG, "%s: '%s' holds no %s in PEM form", k->key, shown, k->what);
		return err_hint(e, "it must have a line \"-----BEGIN %s\"", k->sign);
	}
	err_set(e, ERR_CONFIG, "%s: the %s in '%s' cannot be read: %s", k->key, k->what, shown,
		gnutls_strerror(rc));
	return err_hint(e, "it is damaged, or of a kind that GnuTLS does not know; %s --infile %s "
		"tells more", k->look, shown);
}

/* PKCS#8's own form, and OpenSSL's old one. */
static int check_encrypted(const char *path, const struct buf *text, struct err *e)
{
	char shown[200];

	if (!holds(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") &&
			!holds(text, "Proc-Type: 4,ENCRYPTED"))
		return 0;
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	err_set(e, ERR_CONFIG, "tls_key: '%s' is encrypted, and nobody is there to type its passphrase",
		shown);
	err_hint(e, "decrypt it once: (umask 077; openssl pkey -in %s -out NEW), and set tls_key = NEW",
		shown);
	return err_cause(e, "client-key-encrypted");
}

static int read_text(const struct kind *k, const char *path, struct buf *out, struct err *e)
{
	if (file_read(path, k->trust, out, e) == FILE_OK)
		return 0;
	e->kind = ERR_CONFIG;
	return err_context(e, "%s", k->key);
}

static gnutls_datum_t datum(const struct buf *text)
{
	return (gnutls_datum_t){ (unsigned char *)text->data, (unsigned)text->len };
}

int client_pem_certificates(const char *path, gnutls_pcert_st list[CLIENT_PEM_MOST], struct err *e)
{
	struct buf text = BUF_INIT(PEM_MAX);
	unsigned count = CLIENT_PEM_MOST;
	gnutls_datum_t pem;
	int rc = read_text(&certificate, path, &text, e);

	if (rc == 0) {
		pem = datum(&text);
		rc = text.len ? gnutls_pcert_list_import_x509_raw(list, &count, &pem, GNUTLS_X509_FMT_PEM,
			GNUTLS_X509_CRT_LIST_SORT) : -1;
		if (rc < 0)
			blame(&certificate, path, &text, rc, e);
	}
	buf_release(&text);
	return rc < 0 ? -1 : (int)count;
}

gnutls_privkey_t client_pem_key(const char *path, struct err *e)
{
	struct buf text = BUF_INIT(PEM_MAX);
	gnutls_privkey_t key = NULL;
	gnutls_datum_t pem;
	int rc = read_text(&private_key, path, &text, e);

	if (rc == 0)
		rc = check_encrypted(path, &text, e);
	if (rc == 0) {
		pem = datum(&text);
		rc = text.len ? gnutls_privkey_init(&key) : -1;
		if (rc >= 0)
			rc = gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc < 0)
			blame(&private_key, path, &text, rc, e);
	}
	buf_wipe(&text);
	if (rc < 0 && key) {
		gnutls_privkey_deinit(key);
		key = NULL;
	}
	return key;
}
