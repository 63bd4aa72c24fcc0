/* t/unit/zoo.h - certificates made while a test runs, good and bad ones.
 *
 * Everything is made by the GnuTLS interface with dates that do not depend on
 * today's: valid ones from 2000 to 2099.
 */
#ifndef T_UNIT_ZOO_H
#define T_UNIT_ZOO_H

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct recipe {
	const char *cn;
	const char *dns[12];       /* subjectAltName dNSName */
	unsigned copies;           /* how often each; 0: once */
	const char *ip;            /* and iPAddress, IPv4 */
	const char *raw;           /* instead of both: a dNSName of these raw octets */
	unsigned char raw_len;
	int   from, to;            /* years; 0: 2000 and 2099 */
	bool  ca;
	const char *purpose;       /* NULL: serverAuth; "": none at all */
	unsigned rsa;              /* bits; 0: an EC key */
	gnutls_ecc_curve_t curve;  /* of 256 bits, or this one */
	gnutls_digest_algorithm_t hash;   /* of its signature; 0: SHA-256 */
	const char *permitted;     /* CA: name constraint, dNSName */
	const char *excluded;      /* likewise */
	const char *issuer_at;     /* where the issuer's certificate is to be had */
	bool  odd;                 /* with a critical extension that nobody knows */
	unsigned with;             /* the test's own: what is sent along */
};

struct identity {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
};

static void zoo_must(int rc, const char *what)
{
	if (rc < 0) {
		printf("Bail out! %s: %s\n", what, gnutls_strerror(rc));
		exit(1);
	}
}

#define ZOO_MUST(call) zoo_must((call), #call)

/* The third of February of a year. */
static time_t zoo_date(int year)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = 1, .tm_mday = 3, .tm_hour = 12 };

	return timegm(&tm);
}

static gnutls_datum_t zoo_datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
}

static void zoo_constrain(gnutls_x509_crt_t crt, const char *permitted, const char *excluded)
{
	gnutls_x509_name_constraints_t nc;
	gnutls_datum_t name = zoo_datum(permitted ? permitted : excluded);

	ZOO_MUST(gnutls_x509_name_constraints_init(&nc));
	if (permitted)
		ZOO_MUST(gnutls_x509_name_constraints_add_permitted(nc, GNUTLS_SAN_DNSNAME, &name));
	else
		ZOO_MUST(gnutls_x509_name_constraints_add_excluded(nc, GNUTLS_SAN_DNSNAME, &name));
	ZOO_MUST(gnutls_x509_crt_set_name_constraints(crt, nc, 1));
	gnutls_x509_name_constraints_deinit(nc);
}

/* Past the library's own care for names: SEQUENCE { [2] octets }. */
static void zoo_raw_name(gnutls_x509_crt_t crt, const char *name, unsigned char len)
{
	unsigned char der[128] = { 0x30, (unsigned char)(len + 2), 0x82, len };

	memcpy(der + 4, name, len);
	ZOO_MUST(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.17", der, len + 4u, 0));
}

static void zoo_names(gnutls_x509_crt_t crt, const struct recipe *r)
{
	if (r->raw)
		zoo_raw_name(crt, r->raw, r->raw_len);
	for (unsigned copy = 0; copy < (r->copies ? r->copies : 1); copy++)
		for (size_t i = 0; i < sizeof(r->dns) / sizeof(r->dns[0]) && r->dns[i]; i++)
			ZOO_MUST(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
				r->dns[i], (unsigned)strlen(r->dns[i]), GNUTLS_FSAN_APPEND));
	if (r->ip) {
		struct in_addr a;

		inet_pton(AF_INET, r->ip, &a);
		ZOO_MUST(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &a,
			sizeof(a), GNUTLS_FSAN_APPEND));
	}
}

static void zoo_extend(gnutls_x509_crt_t crt, const struct recipe *r)
{
	static const unsigned char null[] = { 0x05, 0x00 };
	gnutls_datum_t place;

	if (r->permitted || r->excluded)
		zoo_constrain(crt, r->permitted, r->excluded);
	if (r->odd)
		ZOO_MUST(gnutls_x509_crt_set_extension_by_oid(crt, "1.3.6.1.4.1.99999.1", null,
			sizeof(null), 1));
	if (r->issuer_at) {
		place = zoo_datum(r->issuer_at);
		ZOO_MUST(gnutls_x509_crt_set_authority_info_access(crt, GNUTLS_IA_CAISSUERS_URI,
			&place));
	}
}

static gnutls_x509_privkey_t zoo_key(const struct recipe *r)
{
	gnutls_x509_privkey_t key;

	ZOO_MUST(gnutls_x509_privkey_init(&key));
	if (r->rsa)
		ZOO_MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, r->rsa, 0));
	else
		ZOO_MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(
			r->curve ? r->curve : GNUTLS_ECC_CURVE_SECP256R1), 0));
	return key;
}

/* As it would be after a journey. */
static void zoo_reread(gnutls_x509_crt_t *crt)
{
	gnutls_datum_t der;

	ZOO_MUST(gnutls_x509_crt_export2(*crt, GNUTLS_X509_FMT_DER, &der));
	gnutls_x509_crt_deinit(*crt);
	ZOO_MUST(gnutls_x509_crt_init(crt));
	ZOO_MUST(gnutls_x509_crt_import(*crt, &der, GNUTLS_X509_FMT_DER));
	gnutls_free(der.data);
}

/* issuer NULL: self-signed.  Takes the key over. */
static struct identity zoo_sign(const struct recipe *r, const struct identity *issuer,
	gnutls_x509_privkey_t key)
{
	static unsigned char serial;
	struct identity id = { .key = key };
	gnutls_x509_crt_t by = issuer ? issuer->crt : NULL;
	unsigned char number[2] = { 1, ++serial };

	ZOO_MUST(gnutls_x509_crt_init(&id.crt));
	ZOO_MUST(gnutls_x509_crt_set_version(id.crt, 3));
	ZOO_MUST(gnutls_x509_crt_set_serial(id.crt, number, sizeof(number)));
	ZOO_MUST(gnutls_x509_crt_set_dn_by_oid(id.crt, GNUTLS_OID_X520_COMMON_NAME, 0, r->cn,
		(unsigned)strlen(r->cn)));
	ZOO_MUST(gnutls_x509_crt_set_activation_time(id.crt, zoo_date(r->from ? r->from : 2000)));
	ZOO_MUST(gnutls_x509_crt_set_expiration_time(id.crt, zoo_date(r->to ? r->to : 2099)));
	ZOO_MUST(gnutls_x509_crt_set_key(id.crt, id.key));
	ZOO_MUST(gnutls_x509_crt_set_basic_constraints(id.crt, r->ca, -1));
	ZOO_MUST(gnutls_x509_crt_set_key_usage(id.crt, r->ca ? GNUTLS_KEY_KEY_CERT_SIGN :
		GNUTLS_KEY_DIGITAL_SIGNATURE));
	zoo_names(id.crt, r);
	if (!r->ca && (!r->purpose || *r->purpose))
		ZOO_MUST(gnutls_x509_crt_set_key_purpose_oid(id.crt,
			r->purpose ? r->purpose : GNUTLS_KP_TLS_WWW_SERVER, 0));
	zoo_extend(id.crt, r);
	ZOO_MUST(gnutls_x509_crt_sign2(id.crt, by ? by : id.crt, by ? issuer->key : id.key,
		r->hash ? r->hash : GNUTLS_DIG_SHA256, 0));
	zoo_reread(&id.crt);
	return id;
}

static struct identity zoo_make(const struct recipe *r, const struct identity *issuer)
{
	return zoo_sign(r, issuer, zoo_key(r));
}

/* A second certificate for one key. */
__attribute__((unused))
static struct identity zoo_with_key(const struct recipe *r, const struct identity *issuer,
	gnutls_x509_privkey_t key)
{
	gnutls_x509_privkey_t copy;

	ZOO_MUST(gnutls_x509_privkey_init(&copy));
	ZOO_MUST(gnutls_x509_privkey_cpy(copy, key));
	return zoo_sign(r, issuer, copy);
}

static void zoo_free(struct identity *id)
{
	gnutls_x509_crt_deinit(id->crt);
	gnutls_x509_privkey_deinit(id->key);
}

static void zoo_write_cert(FILE *f, gnutls_x509_crt_t crt)
{
	gnutls_datum_t pem;

	ZOO_MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
	fwrite(pem.data, 1, pem.size, f);
	gnutls_free(pem.data);
}

__attribute__((unused))
static void zoo_write_key(FILE *f, gnutls_x509_privkey_t key)
{
	gnutls_datum_t pem;

	ZOO_MUST(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
	fwrite(pem.data, 1, pem.size, f);
	gnutls_free(pem.data);
}

#endif
