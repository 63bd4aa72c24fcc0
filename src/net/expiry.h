/* net/expiry.h - what will have run out soon.  Internal to TLS. */
#ifndef NET_EXPIRY_H
#define NET_EXPIRY_H

#include <gnutls/gnutls.h>
#include <stddef.h>

#include "net/verify.h"

/* Of a server that was taken, and of the certificate in cred, if there is one: words on the
 * first that runs out within TLS_SOON_DAYS, as in tls_facts; "" where none does. */
void expiry_note(const struct verify *v, gnutls_certificate_credentials_t cred, time_t now,
	char *out, size_t size);

/* Until when the certificate in cred is valid; (time_t)-1: there is none. */
time_t expiry_of_client(gnutls_certificate_credentials_t cred);

#endif
