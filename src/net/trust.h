/* net/trust.h - the roots behind struct tls_trust.  Internal to TLS. */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "net/tls.h"

/* Like tls_trust_load() (net/trust_load.c), whatever pins and tls_verify say. */
struct tls_trust *trust_load_files(const struct key_list *files, struct err *e);

/* A list for GnuTLS with the roots whose subject (raw DER) is one of the names,
 * or with all roots when names is NULL.  NULL: no memory. */
gnutls_x509_trust_list_t trust_list(const struct tls_trust *t, const gnutls_datum_t *names,
	size_t count);

/* The first of the files that systems keep their roots in which can be read; NULL. */
const char *trust_system_file(void);

/* "144 in /etc/ssl/certs/ca-certificates.crt", for messages. */
void trust_describe(const struct tls_trust *t, struct buf *out);

/* The lists of tls_crl_file; NULL: none is set.  t takes them over. */
struct crls;
const struct crls *trust_crls(const struct tls_trust *t);
void trust_set_crls(struct tls_trust *t, struct crls *crls);

/* Pure: indexes the certificates of a PEM text, which must outlive t. */
struct tls_trust *trust_new(void);
void trust_index(struct tls_trust *t, const char *text, size_t len);
void trust_take(struct tls_trust *t, struct buf *text);      /* the same; takes the text over */
void trust_name(struct tls_trust *t, const char *path);      /* where it is from, for messages */
/* Whether of those from the i-th on any can be trusted. */
bool trust_understood(const struct tls_trust *t, size_t i);
size_t trust_count(const struct tls_trust *t);
/* The subject of the i-th root, as raw DER; length 0: not understood. */
gnutls_datum_t trust_subject(const struct tls_trust *t, size_t i);

#endif
