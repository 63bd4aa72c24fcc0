/* net/client_cert.h - the certificate by which we prove who we are.  Internal to TLS. */
#ifndef NET_CLIENT_CERT_H
#define NET_CLIENT_CERT_H

#include <gnutls/gnutls.h>

#include "base/err.h"
#include "net/tls.h"
#include "net/token.h"

/* tls_cert and tls_key are put into cred; where one is on a security token, that is opened
 * (*token, own; else NULL), and client_cert_finish() must follow before the handshake.  -1:
 * ERR_CONFIG, ERR_SYSTEM. */
int client_cert_begin(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token **token, struct err *e);
/* Waits for the token.  -1: as token_open() says it. */
int client_cert_finish(const struct tls_settings *set, gnutls_certificate_credentials_t cred,
	struct token *token, struct err *e);

#endif
