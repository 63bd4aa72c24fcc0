/* net/revoked.h - was a certificate taken back before its time?  Internal to TLS.
 *
 * Asked of a chain that is good otherwise.  Two witnesses are heard: the lists in
 * tls_crl_file, and OCSP responses that the server sends along ("stapled", RFC 6066
 * section 8).  Nobody is asked over the network.  A witness that cannot be believed is
 * as bad as one that says no: who could take the lists out of date, or have a server send
 * rubbish along, would have the certificate pass.
 */
#ifndef NET_REVOKED_H
#define NET_REVOKED_H

#include "net/verify.h"

enum { REVOKED_SKEW = 5 * 60 };   /* seconds that a witness's clock may be ahead */

/* What a list says of the certificates on any way from the server's own to the root.  An
 * issuer that has no list in the file is not asked.  -1: ERR_CERT (certificate-revoked,
 * crl-expired, crl-wrong). */
int crls_check(const struct verify *v, struct err *e);
/* Until when the list of the server's own issuer is good; (time_t)-1: it has none. */
time_t crls_until(const struct verify *v);

/* The same by v->staples; and where the certificate demands one (RFC 7633), that there is
 * one.  -1: ERR_CERT (certificate-revoked, ocsp-expired, ocsp-wrong, ocsp-missing). */
int staples_check(const struct verify *v, struct err *e);
/* Until when the response for the server's own certificate is good; (time_t)-1: there is
 * none, or it does not say. */
time_t staples_until(const struct verify *v);

/* Whether RFC 7633 demands a response with it. */
bool demands_staple(gnutls_x509_crt_t crt);

/* Puts the usual beginning before the words in `what`: whose certificate is refused, and
 * where the i-th is not the server's own, which one it is ("it", or "its intermediate
 * certificate ..."). */
int revoked_say(const struct verify *v, unsigned i, const char *what, const char *cause,
	struct err *e);

/* The certificates whose key has signed the i-th: those of the chain, and its root among
 * those of verify_roots().  Borrowed.  Returns how many. */
unsigned revoked_issuers(const struct verify *v, unsigned i,
	const gnutls_x509_crt_t roots[VERIFY_DEPTH], gnutls_x509_crt_t out[VERIFY_DEPTH + 1]);

#endif
