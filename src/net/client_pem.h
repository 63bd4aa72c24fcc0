/* net/client_pem.h - the files of tls_cert and tls_key.  Internal to TLS.
 *
 * What cannot be used is told by what the file holds instead, and how that is made PEM.
 */
#ifndef NET_CLIENT_PEM_H
#define NET_CLIENT_PEM_H

#include <gnutls/abstract.h>

#include "base/err.h"

enum { CLIENT_PEM_MOST = 16 };   /* certificates of a file that are looked at */

/* The first ones in the file, the client's own before its issuer's and so on, each to be given
 * back by gnutls_pcert_deinit().  Returns how many.  -1: ERR_CONFIG. */
int client_pem_certificates(const char *path, gnutls_pcert_st list[CLIENT_PEM_MOST], struct err *e);

/* NULL: ERR_CONFIG; "client-key-encrypted". */
gnutls_privkey_t client_pem_key(const char *path, struct err *e);

#endif
