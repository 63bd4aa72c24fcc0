/* net/tls_look.c - the files that settings of TLS name, looked at without a server; see tls.h. */
#include "net/tls.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/pkcs11.h"
#include "base/process.h"
#include "net/client_cert.h"
#include "net/client_pem.h"
#include "net/crl_lists.h"
#include "net/priority.h"
#include "net/token_pin.h"
#include "net/trust.h"

struct look {
	const struct tls_settings *set;
	tls_looked *found;
	void *context;
};

static void tell(const struct look *l, const char *key, const struct err *e)
{
	l->found(l->context, key, e);
}

static void look_at_priority(const struct look *l)
{
	gnutls_priority_t priority = NULL;
	struct err e = { 0 };

	if (!l->set->priority)
		return;
	if (priority_make(l->set, &priority, &e) < 0)
		tell(l, "tls_priority", &e);
	else
		gnutls_priority_deinit(priority);
}

/* Each of the files, and not only the first that is wrong. */
static void look_at_roots(const struct look *l)
{
	const struct key_list *files = &l->set->ca_files;

	for (size_t i = 0; i < files->count || i == 0; i++) {
		struct key_list one = { files->items + i, files->count ? 1 : 0 };
		struct err e = { 0 };
		struct tls_trust *trust = trust_load_files(&one, &e);

		if (!trust)
			tell(l, "tls_ca_file", &e);
		tls_trust_free(&trust);
	}
}

static void look_at_crls(const struct look *l)
{
	struct err e = { 0 };
	struct crls *crls = l->set->crl_file ? crls_load(l->set->crl_file, &e) : NULL;

	if (l->set->crl_file && !crls)
		tell(l, "tls_crl_file", &e);
	crls_free(&crls);
}

/* Loading a module would run it. */
static int look_at_module(const char *path, struct err *e)
{
	int fd;

	if (!path)
		return 0;
	if (file_open(path, FILE_ANY, &fd, e) != FILE_OK)
		return err_context(e, "module-path");
	close(fd);
	return 0;
}

static bool look_at_token(const struct look *l, const char *key, const char *place)
{
	struct secret pin = { NULL, 0 };
	struct pkcs11_uri uri;
	struct err e = { 0 };
	int rc = pkcs11_read(place, &uri, &e);

	if (rc == 0 && (uri.pin.data || uri.pin_file))
		rc = token_pin_read(&uri, &pin, &e);
	if (rc == 0)
		rc = look_at_module(uri.module, &e);
	secret_wipe(&pin);
	pkcs11_release(&uri);
	if (rc == 0)
		return true;
	err_context(&e, "%s", key);
	tell(l, key, &e);
	return false;
}

static bool look_at_certificate(const struct look *l)
{
	gnutls_pcert_st list[CLIENT_PEM_MOST];
	struct err e = { 0 };
	int count;

	if (pkcs11_is_uri(l->set->cert))
		return look_at_token(l, "tls_cert", l->set->cert);
	count = client_pem_certificates(l->set->cert, list, &e);
	if (count < 0)
		tell(l, "tls_cert", &e);
	for (int i = 0; i < count; i++)
		gnutls_pcert_deinit(&list[i]);
	return count >= 0;
}

static bool look_at_key(const struct look *l)
{
	gnutls_privkey_t key;
	struct err e = { 0 };

	if (pkcs11_is_uri(l->set->key))
		return look_at_token(l, "tls_key", l->set->key);
	key = client_pem_key(l->set->key, &e);
	if (!key) {
		tell(l, "tls_key", &e);
		return false;
	}
	gnutls_privkey_deinit(key);
	return true;
}

static void look_at_client(const struct look *l)
{
	gnutls_certificate_credentials_t cred = NULL;
	struct token *token = NULL;
	struct err e = { 0 };
	bool certificate, key;

	if (!l->set->cert || !l->set->key)
		return;
	process_hold_secret();
	certificate = look_at_certificate(l);
	key = look_at_key(l);
	if (!certificate || !key || pkcs11_is_uri(l->set->cert) || pkcs11_is_uri(l->set->key) ||
			gnutls_certificate_allocate_credentials(&cred) < 0)
		return;
	if (client_cert_begin(l->set, cred, &token, &e) < 0)
		tell(l, "tls_key", &e);
	gnutls_certificate_free_credentials(cred);
}

void tls_look(const struct tls_settings *set, tls_looked *found, void *context)
{
	const struct look l = { set, found, context };
	struct err e = { 0 };

	if (gnutls_need(&e) < 0 || gnutls_own_key_need(&e) < 0) {
		tell(&l, NULL, &e);
		return;
	}
	look_at_priority(&l);
	if (set->verify && !set->pins.count) {
		look_at_roots(&l);
		look_at_crls(&l);
	}
	look_at_client(&l);
}
