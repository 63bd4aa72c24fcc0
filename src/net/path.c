/* net/path.c - where a chain of certificates leads; see verify.h. */
#include "net/verify.h"

#include "base/gnutls.h"
#include "net/trust.h"

unsigned verify_names(const struct verify *v, gnutls_datum_t names[2 * VERIFY_DEPTH])
{
	unsigned count = 0;

	for (unsigned i = 0; i < v->count; i++) {
		if (gnutls_x509_crt_get_raw_issuer_dn(v->chain[i], &names[count]) == 0)
			count++;
		if (gnutls_x509_crt_get_raw_dn(v->chain[i], &names[count]) == 0)
			count++;
	}
	return count;
}

unsigned verify_issuer(const struct verify *v, unsigned i)
{
	unsigned found = i;

	for (unsigned k = 0; k < v->count; k++)
		if (k != i && gnutls_x509_crt_check_issuer(v->chain[i], v->chain[k]))
			found = k;
	return found;
}

unsigned verify_path(const struct verify *v, unsigned path[VERIFY_DEPTH])
{
	unsigned count = 0, at = 0;

	while (count < v->count) {
		unsigned next = verify_issuer(v, at);

		path[count++] = at;
		if (next == at)
			break;
		at = next;
	}
	return count;
}

/* By the key, not by the name alone; whether it was in time is another matter. */
static bool is_signed_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	unsigned status = 0;

	return gnutls_x509_crt_verify(crt, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
			GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_ALLOW_X509_V1_CA_CRT, &status) == 0 &&
		!(status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE));
}

gnutls_x509_crt_t verify_root(const struct verify *v)
{
	gnutls_datum_t names[2 * VERIFY_DEPTH] = { { NULL, 0 } };
	unsigned count = verify_names(v, names), at = 0;
	gnutls_x509_trust_list_t list = trust_list(v->trust, names, count);
	gnutls_x509_crt_t root = NULL;

	while (count)
		gnutls_free(names[--count].data);
	for (unsigned steps = 0; list && steps < v->count; steps++) {
		unsigned next = verify_issuer(v, at);

		if (gnutls_x509_trust_list_get_issuer(list, v->chain[at], &root,
				GNUTLS_TL_GET_COPY) == 0) {
			if (is_signed_by(v->chain[at], root))
				break;
			gnutls_x509_crt_deinit(root);
		}
		root = NULL;
		if (next == at)
			break;
		at = next;
	}
	if (list)
		gnutls_x509_trust_list_deinit(list, 1);
	return root;
}
