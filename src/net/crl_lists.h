/* net/crl_lists.h - lists of revoked certificates, as a file has them (RFC 5280 section 5).
 * Internal to TLS.
 */
#ifndef NET_CRL_LISTS_H
#define NET_CRL_LISTS_H

#include <gnutls/x509.h>

#include "base/err.h"

struct crls {
	gnutls_x509_crl_t *lists;   /* of the library's memory */
	unsigned count;
	char *path;                 /* own; fit for messages */
};

/* PEM, any number of lists, or DER, one.  NULL: ERR_CONFIG. */
struct crls *crls_load(const char *path, struct err *e);
void crls_free(struct crls **cp);

#endif
