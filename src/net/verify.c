/* net/verify.c - the verdict on a server's certificate; see verify.h.
 *
 * GnuTLS judges chain, time, purpose, constraints and strength.  What is decided
 * here is what it is asked: roots in two steps, a profile, names from the
 * subjectAltName and never from the CN.
 */
#include "net/verify.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/gnutls.h"
#include "base/text.h"
#include "net/name.h"
#include "net/pin.h"
#include "net/revoked.h"
#include "net/trust.h"

int verify_init(struct verify *v, const gnutls_datum_t *der, unsigned count, struct err *e)
{
	v->count = 0;
	if (!der || !count)
		return err_set(e, ERR_CERT, "the server showed no certificate");
	for (unsigned i = 0; i < count && i < VERIFY_DEPTH; i++) {
		int rc = gnutls_x509_crt_init(&v->chain[i]);

		if (rc == 0) {
			v->count++;
			rc = gnutls_x509_crt_import(v->chain[i], &der[i], GNUTLS_X509_FMT_DER);
		}
		if (rc < 0) {
			verify_release(v);
			return err_set(e, ERR_CERT, "the certificate of %s cannot be read: %s",
				v->host, gnutls_strerror(rc));
		}
	}
	return 0;
}

int verify_init_raw(struct verify *v, const gnutls_datum_t *der, unsigned count, struct err *e)
{
	v->count = 0;
	if (!der || !count || !der[0].size)
		return err_set(e, ERR_CERT, "the server showed no public key");
	if (count > 1)   /* RFC 8446 section 4.4.2 */
		return err_set(e, ERR_CERT, "%s showed %u raw public keys, where there may be one",
			v->host, count);
	v->raw_key = der[0];
	return 0;
}

void verify_release(struct verify *v)
{
	while (v->count)
		gnutls_x509_crt_deinit(v->chain[--v->count]);
}

unsigned verify_chain(const struct verify *v, const struct tls_trust *trust, bool all_roots)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;
	gnutls_typed_vdata_st want = { GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)purpose, 0 };
	gnutls_datum_t names[2 * VERIFY_DEPTH] = { { NULL, 0 } };
	gnutls_x509_crt_t chain[VERIFY_DEPTH];
	gnutls_x509_trust_list_t list;
	unsigned count = verify_names(v, names), status = 0;
	int rc = -1;

	list = trust_list(trust, all_roots ? NULL : names, count);
	while (count)
		gnutls_free(names[--count].data);
	if (!list)
		return GNUTLS_CERT_INVALID;
	memcpy(chain, v->chain, v->count * sizeof(chain[0]));
	/* Medium: 112 bits, so RSA from 2048, and no SHA-1. */
	rc = gnutls_x509_trust_list_verify_crt2(list, chain, v->count, &want, 1,
		GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status, NULL);
	gnutls_x509_trust_list_deinit(list, 1);
	return rc < 0 ? status | GNUTLS_CERT_INVALID : status;
}

/* With few roots first; a refusal is only final with all, so that which roots
 * were looked at can never decide. */
static unsigned verify_twice(const struct verify *v, const struct tls_trust *trust)
{
	unsigned status = verify_chain(v, trust, false);

	return status ? verify_chain(v, trust, true) : 0;
}

static bool has_dns_name(gnutls_x509_crt_t crt)
{
	char name[NAME_MAX_OCTETS];

	for (unsigned i = 0;; i++) {
		size_t size = sizeof(name);
		unsigned type = 0;
		int rc = gnutls_x509_crt_get_subject_alt_name2(crt, i, name, &size, &type, NULL);

		if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
			return false;
		if (type == GNUTLS_SAN_DNSNAME)
			return true;
	}
}

bool verify_name(const struct verify *v)
{
	struct sockaddr_storage address;
	socklen_t len = name_address(v->host, &address);
	const unsigned char *octets = (const unsigned char *)&address;
	unsigned at = offsetof(struct sockaddr_in, sin_addr), size = sizeof(struct in_addr);

	if (!len)
		return has_dns_name(v->chain[0]) && gnutls_x509_crt_check_hostname2(v->chain[0],
			v->host, GNUTLS_VERIFY_DO_NOT_ALLOW_IP_MATCHES) != 0;
	if (address.ss_family == AF_INET6) {
		at = offsetof(struct sockaddr_in6, sin6_addr);
		size = sizeof(struct in6_addr);
	}
	return gnutls_x509_crt_check_ip(v->chain[0], octets + at, size, 0) != 0;
}

/* The first pins, and whether one of them is of a certificate. */
static bool add_wanted(const struct key_list *pins, struct buf *out)
{
	bool by_cert = false;

	for (size_t i = 0; i < pins->count && i < 3; i++) {
		const char *pin = pins->items[i];

		buf_add_text(out, i ? " or " : "");
		text_clean(pin, strlen(pin), 110, out);
		by_cert |= !strncasecmp(pin, "cert:", 5);
	}
	buf_add_text(out, pins->count > 3 ? " or others" : "");
	return by_cert;
}

/* What there is in place of the pinned key. */
static void add_shown(const struct verify *v, bool by_cert, struct buf *out)
{
	if (v->raw_key.size) {
		pin_write_raw(&v->raw_key, out);
		buf_add_text(out, ", a raw public key");
		return;
	}
	pin_write(v->chain[0], out);
	if (by_cert) {
		buf_add_text(out, " with ");
		pin_write_cert(v->chain[0], out);
	}
}

/* Whether the new key comes with a certificate that would do without a pin. */
static bool is_good_otherwise(const struct verify *v)
{
	struct err ignored;
	struct tls_trust *trust = v->raw_key.size ? NULL : trust_load_files(&v->set->ca_files, &ignored);
	bool good = trust && verify_name(v) && !verify_twice(v, trust);

	tls_trust_free(&trust);
	return good;
}

/* The line to paste is only offered with such a certificate: anyone can present just any
 * key. */
static int refuse_pin(const struct verify *v, struct err *e)
{
	struct buf seen = BUF_INIT(256), wanted = BUF_INIT(512), pin = BUF_INIT(128);
	bool by_cert = add_wanted(&v->set->pins, &wanted);

	add_shown(v, by_cert, &seen);
	err_set(e, ERR_CERT, "the key of %s is not the pinned one: expected %s, seen %s", v->host,
		buf_text(&wanted), buf_text(&seen));
	err_cause(e, "pin-mismatch");
	if (is_good_otherwise(v)) {
		pin_write(v->chain[0], &pin);
		err_hint(e, "the new certificate is valid otherwise; if the server changed its "
			"key, set tls_pin = %s", buf_text(&pin));
	} else {
		err_hint(e, "do not trust this server until its operator confirms a new key");
	}
	buf_release(&seen);
	buf_release(&wanted);
	buf_release(&pin);
	return -1;
}

int verify_pin(const struct verify *v, struct err *e)
{
	return v->raw_key.size ? pin_match_raw(&v->set->pins, &v->raw_key, e) :
		pin_match(&v->set->pins, v->chain[0], e);
}

int verify_server(const struct verify *v, struct err *e)
{
	unsigned status;
	bool named;
	int matched;

	if (v->set->pins.count) {
		matched = verify_pin(v, e);
		if (matched)
			return matched > 0 ? 0 : -1;
		return refuse_pin(v, e);
	}
	if (v->raw_key.size)
		return err_set(e, ERR_CERT, "%s shows a raw public key, and no tls_pin says whose it is",
			v->host);
	named = verify_name(v);
	status = verify_twice(v, v->trust);
	if (named && !status)
		return staples_check(v, e) < 0 ? -1 : crls_check(v, e);
	verify_explain(v, status, named, e);
	return -1;
}
