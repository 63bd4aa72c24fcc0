/* net/chain.c - certificates as text; see chain.h. */
#include "net/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/name.h"
#include "net/pin.h"
#include "net/revoked.h"
#include "net/verify.h"

enum {
	DN_SHOWN  = 300,     /* octets of a subject or issuer */
	SAN_SHOWN = 260,     /* of one name */
	SAN_SEEN  = 1000     /* names that are looked at */
};

typedef int dn_of(gnutls_x509_crt_t crt, gnutls_datum_t *dn, unsigned flags);

static char *dn_text(gnutls_x509_crt_t crt, dn_of *get)
{
	struct buf text = BUF_INIT(4 * DN_SHOWN + 16);
	gnutls_datum_t dn = { NULL, 0 };

	if (get(crt, &dn, 0) == 0)
		text_clean((const char *)dn.data, dn.size, DN_SHOWN, &text);
	gnutls_free(dn.data);
	return text.len ? buf_take(&text) : mem_string("");
}

/* Takes a name over. */
static void add_name(struct chain_cert *c, struct buf *name)
{
	if (c->name_count == CHAIN_NAMES) {
		c->names_left++;
		buf_release(name);
		return;
	}
	c->names = mem_grow(c->names, c->name_count + 1, sizeof(*c->names));
	c->names[c->name_count++] = buf_take(name);
}

static void read_names(gnutls_x509_crt_t crt, struct chain_cert *c)
{
	for (unsigned i = 0; i < SAN_SEEN; i++) {
		char data[NAME_MAX_OCTETS];
		size_t size = sizeof(data);
		unsigned type = 0;
		struct buf name = BUF_INIT(4 * SAN_SHOWN);
		int rc = gnutls_x509_crt_get_subject_alt_name2(crt, i, data, &size, &type, NULL);

		if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER) {   /* longer than any name */
			c->names_left++;
			continue;
		}
		if (rc < 0)
			return;
		if (verify_san_text(type, data, size, SAN_SHOWN, &name) && name.len)
			add_name(c, &name);
		else
			buf_release(&name);
	}
}

static void read_algorithms(gnutls_x509_crt_t crt, struct chain_cert *c)
{
	int key = gnutls_x509_crt_get_pk_algorithm(crt, &c->bits);
	int sign = gnutls_x509_crt_get_signature_algorithm(crt);
	const char *key_name = key > 0 ? gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)key) : NULL;
	const char *sign_name = sign > 0 ? gnutls_sign_get_name((gnutls_sign_algorithm_t)sign) : NULL;

	snprintf(c->key, sizeof(c->key), "%s", key_name ? key_name : "");
	snprintf(c->signature, sizeof(c->signature), "%s", sign_name ? sign_name : "");
}

static void read_serial(gnutls_x509_crt_t crt, struct chain_cert *c)
{
	unsigned char octets[(sizeof(c->serial) - 1) / 2];
	size_t size = sizeof(octets);
	struct buf hex = BUF_INIT(sizeof(c->serial));

	if (gnutls_x509_crt_get_serial(crt, octets, &size) == 0)
		hex_encode(octets, size, &hex);
	snprintf(c->serial, sizeof(c->serial), "%s", buf_text(&hex));
	buf_release(&hex);
}

static void read_pins(gnutls_x509_crt_t crt, struct chain_cert *c)
{
	struct buf key = BUF_INIT(sizeof(c->key_pin)), cert = BUF_INIT(sizeof(c->cert_pin));

	pin_write(crt, &key);
	pin_write_cert(crt, &cert);
	snprintf(c->key_pin, sizeof(c->key_pin), "%s", buf_text(&key));
	snprintf(c->cert_pin, sizeof(c->cert_pin), "%s", buf_text(&cert));
	buf_release(&key);
	buf_release(&cert);
}

static void read_cert(gnutls_x509_crt_t crt, struct chain_cert *c)
{
	c->subject = dn_text(crt, gnutls_x509_crt_get_dn3);
	c->issuer = dn_text(crt, gnutls_x509_crt_get_issuer_dn3);
	c->from = gnutls_x509_crt_get_activation_time(crt);
	c->to = gnutls_x509_crt_get_expiration_time(crt);
	c->self_signed = gnutls_x509_crt_check_issuer(crt, crt) != 0;
	read_names(crt, c);
	read_algorithms(crt, c);
	read_serial(crt, c);
	read_pins(crt, c);
}

static void read_raw_key(const gnutls_datum_t *der, struct chain_raw_key *out)
{
	gnutls_pubkey_t key = NULL;
	struct buf pin = BUF_INIT(sizeof(out->pin));
	const char *name;
	int kind = -1;

	if (gnutls_pubkey_init(&key) >= 0 && gnutls_pubkey_import(key, der, GNUTLS_X509_FMT_DER) >= 0)
		kind = gnutls_pubkey_get_pk_algorithm(key, &out->bits);
	name = kind > 0 ? gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)kind) : NULL;
	snprintf(out->key, sizeof(out->key), "%s", name ? name : "");
	if (key)
		gnutls_pubkey_deinit(key);
	pin_write_raw(der, &pin);
	snprintf(out->pin, sizeof(out->pin), "%s", buf_text(&pin));
	buf_release(&pin);
	out->shown = true;
}

static void read_chain(const struct verify *v, struct tls_chain *out)
{
	gnutls_x509_crt_t root = v->trust ? verify_root(v) : NULL;
	struct err ignored;

	for (unsigned i = 0; i < v->count; i++)
		read_cert(v->chain[i], &out->certs[out->count++]);
	out->pinned_whole = v->count && v->set->pins.count && verify_pin(v, &ignored) == PIN_OF_CERT;
	out->must_staple = v->count && demands_staple(v->chain[0]);
	out->stapled = v->staples[0].size > 0;
	out->staple_to = staples_until(v);
	out->list_to = v->count ? crls_until(v) : (time_t)-1;
	if (!root)
		return;
	out->root = dn_text(root, gnutls_x509_crt_get_dn3);
	out->root_to = gnutls_x509_crt_get_expiration_time(root);
	gnutls_x509_crt_deinit(root);
}

void verify_describe(const struct verify *v, struct tls_chain *out)
{
	out->pins = v->set->pins.count;
	out->staple_to = out->list_to = (time_t)-1;
	if (v->raw_key.size)
		read_raw_key(&v->raw_key, &out->raw_key);
	else
		read_chain(v, out);
}

void tls_chain_release(struct tls_chain *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct chain_cert *one = &c->certs[i];

		free(one->subject);
		free(one->issuer);
		for (unsigned k = 0; k < one->name_count; k++)
			free(one->names[k]);
		free(one->names);
	}
	free(c->root);
	free(c->name);
	free(c->sni);
	*c = (struct tls_chain){ .count = 0 };
}

long tls_days_until(time_t to, time_t now)
{
	enum { DAY = 24 * 60 * 60 };

	return (long)((to - now) / DAY) - (to < now && (to - now) % DAY != 0);
}

long tls_chain_days(const struct tls_chain *c, time_t now)
{
	time_t first = (time_t)-1;

	for (unsigned i = 0; i < c->count; i++) {
		time_t to = c->certs[i].to;

		if (to != (time_t)-1 && (first == (time_t)-1 || to < first))
			first = to;
	}
	return first == (time_t)-1 ? 0 : tls_days_until(first, now);
}
