/* net/crl_lists.c - reading lists of revoked certificates; see crl_lists.h. */
#include "net/crl_lists.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"

enum { CRL_MAX = 64 << 20 };   /* octets of the file */

void crls_free(struct crls **cp)
{
	struct crls *c = *cp;

	if (!c)
		return;
	for (unsigned i = 0; i < c->count; i++)
		gnutls_x509_crl_deinit(c->lists[i]);
	gnutls_free(c->lists);
	free(c->path);
	free(c);
	*cp = NULL;
}

static bool is_pem(const struct buf *text)
{
	static const char begin[] = "-----BEGIN";

	return text->len && memmem(text->data, text->len, begin, sizeof(begin) - 1);
}

struct crls *crls_load(const char *path, struct err *e)
{
	struct crls *c = mem_alloc(sizeof(*c));
	struct buf text = BUF_INIT(CRL_MAX);
	char shown[256];
	gnutls_datum_t data;
	int rc;

	if (gnutls_revocation_need(e) < 0) {
		free(c);
		return NULL;
	}
	text_clean_to(shown, sizeof(shown), path, strlen(path));
	c->path = mem_string(shown);
	if (file_read(path, FILE_ANY, &text, e) != FILE_OK) {
		e->kind = ERR_CONFIG;
		err_context(e, "tls_crl_file");
		buf_release(&text);
		crls_free(&c);
		return NULL;
	}
	data = (gnutls_datum_t){ (unsigned char *)text.data, (unsigned)text.len };
	rc = gnutls_x509_crl_list_import2(&c->lists, &c->count, &data,
		is_pem(&text) ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER, 0);
	buf_release(&text);
	if (rc >= 0 && c->count)
		return c;
	err_set(e, ERR_CONFIG, "tls_crl_file: '%s' holds no list of revoked certificates", shown);
	err_hint(e, "it must hold \"-----BEGIN X509 CRL-----\", or one list in DER form; an issuer says "
		"where its list is to be had (crlDistributionPoints)");
	c->lists = NULL;
	c->count = 0;
	crls_free(&c);
	return NULL;
}
