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

/* By the key, not by the name alone: a name and its key identifier anyone can write.  Nothing
 * else may count here, neither time nor rights: where the key is of another kind than the
 * signature GnuTLS says no more than "invalid", as it does for all the rest. */
static bool is_signed_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	unsigned status = 0;

	return gnutls_x509_crt_verify(crt, &issuer, 1, GNUTLS_VERIFY_DISABLE_CA_SIGN |
			GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_ALLOW_BROKEN |
			GNUTLS_VERIFY_ALLOW_X509_V1_CA_CRT | GNUTLS_VERIFY_IGNORE_UNKNOWN_CRIT_EXTENSIONS,
			&status) == 0 && !status;
}

bool verify_issued_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	return gnutls_x509_crt_check_issuer(crt, issuer) && is_signed_by(crt, issuer);
}

unsigned verify_issuer(const struct verify *v, unsigned i)
{
	for (unsigned k = 0; k < v->count; k++)
		if (k != i && verify_issued_by(v->chain[i], v->chain[k]))
			return k;
	return i;
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

unsigned verify_ways(const struct verify *v, unsigned ways[VERIFY_DEPTH])
{
	bool in[VERIFY_DEPTH] = { true };
	unsigned count = 0;

	if (v->count)
		ways[count++] = 0;
	for (unsigned n = 0; n < count; n++)
		for (unsigned k = 1; k < v->count; k++)
			if (!in[k] && verify_issued_by(v->chain[ways[n]], v->chain[k])) {
				in[k] = true;
				ways[count++] = k;
			}
	return count;
}

static gnutls_x509_crt_t root_of(gnutls_x509_trust_list_t list, gnutls_x509_crt_t crt)
{
	gnutls_x509_crt_t root = NULL;

	if (gnutls_x509_trust_list_get_issuer(list, crt, &root, GNUTLS_TL_GET_COPY) < 0)
		return NULL;
	if (is_signed_by(crt, root))
		return root;
	gnutls_x509_crt_deinit(root);
	return NULL;
}

void verify_roots(const struct verify *v, gnutls_x509_crt_t roots[VERIFY_DEPTH])
{
	gnutls_datum_t names[2 * VERIFY_DEPTH] = { { NULL, 0 } };
	unsigned count = verify_names(v, names);
	gnutls_x509_trust_list_t list = trust_list(v->trust, names, count);

	while (count)
		gnutls_free(names[--count].data);
	for (unsigned i = 0; i < VERIFY_DEPTH; i++)
		roots[i] = list && i < v->count ? root_of(list, v->chain[i]) : NULL;
	if (list)
		gnutls_x509_trust_list_deinit(list, 1);
}

void verify_roots_free(gnutls_x509_crt_t roots[VERIFY_DEPTH])
{
	for (unsigned i = 0; i < VERIFY_DEPTH; i++)
		if (roots[i])
			gnutls_x509_crt_deinit(roots[i]);
}

gnutls_x509_crt_t verify_root(const struct verify *v)
{
	gnutls_x509_crt_t roots[VERIFY_DEPTH], root = NULL;
	unsigned ways[VERIFY_DEPTH], count = verify_ways(v, ways);

	verify_roots(v, roots);
	for (unsigned n = 0; n < count && !root; n++) {
		root = roots[ways[n]];
		roots[ways[n]] = NULL;
	}
	verify_roots_free(roots);
	return root;
}
