/* cred/oauth_assertion.h - programs that prove themselves by a key (RFC 7523).
 *
 * Pure.  GnuTLS signs, and has been loaded (base/gnutls.h).
 */
#ifndef CRED_OAUTH_ASSERTION_H
#define CRED_OAUTH_ASSERTION_H

#include <stdint.h>

#include "cred/oauth_talk.h"

/* What the key file of a service account (JSON) and a certificate with its key (PEM) say,
 * into p.  -1: ERR_CONFIG: it is none, or something is missing. */
int oauth_read_service_account(struct oauth_plan *p, const char *text, size_t len, struct err *e);
int oauth_read_certificate(struct oauth_plan *p, const char *text, size_t len, struct err *e);

/* Appends a signed JWT: of the service account for its user, or of the app for itself.
 * -1: ERR_CONFIG: the key will not do; ERR_TLS: GnuTLS is not there. */
int oauth_assertion(const struct oauth_plan *p, int64_t now,
	const unsigned char random[OAUTH_RANDOM], struct buf *out, struct err *e);

#endif
