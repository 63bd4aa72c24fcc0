/* probe/chain_tell.c - the certificates of a server, told; see chain_tell.h. */
#include "probe/chain_tell.h"

#include <string.h>
#include <time.h>

#include "base/codec.h"
#include "net/chain.h"

enum {
	NAMES_TOLD = 12
};

static void date(time_t when, char out[16])
{
	struct tm tm;

	out[0] = '\0';
	if (when != (time_t)-1 && gmtime_r(&when, &tm))
		strftime(out, 16, "%Y-%m-%d", &tm);
}

static void add_names(const struct chain_cert *c, struct buf *out)
{
	for (unsigned i = 0; i < c->name_count && i < NAMES_TOLD; i++)
		buf_printf(out, "%s%s", i ? ", " : "", c->names[i]);
	if (c->name_count + c->names_left > NAMES_TOLD)
		buf_printf(out, " and %u more", c->name_count + c->names_left - NAMES_TOLD);
}

/* The same key pin in the shorter of its forms, which stays on one line when copied. */
static void add_pin(const char *pin, struct buf *out)
{
	struct buf octets = BUF_INIT(64);
	const char *hex = strchr(pin, ':');

	if (hex && hex_decode(hex + 1, strlen(hex + 1), &octets) == 0) {
		buf_add_text(out, "sha256//");
		base64_encode(octets.data, octets.len, out);
	}
	buf_release(&octets);
}

static void tell_cert(struct report_stage *s, const struct chain_cert *c, unsigned i)
{
	char from[16], to[16];
	struct buf names = BUF_INIT(8192);

	date(c->from, from);
	date(c->to, to);
	report_more(s, MARK_NONE, "certificate %u: %s", i + 1, c->subject);
	report_more(s, MARK_NONE, "  issued by %s", c->self_signed ? "itself" : c->issuer);
	report_more(s, MARK_NONE, "  valid from %s to %s, %s %u bits, %s", from, to, c->key, c->bits,
		c->signature);
	if (!i) {
		add_names(c, &names);
		report_more(s, MARK_NONE, "  for %s", names.len ? buf_text(&names) : "no name at all");
		buf_clear(&names);
		add_pin(c->key_pin, &names);
		report_more(s, MARK_NONE, "  tls_pin = %s", buf_text(&names));
	}
	buf_release(&names);
}

static json_t *date_json(time_t when)
{
	char text[16];

	date(when, text);
	return json_string(text);
}

static json_t *cert_json(const struct chain_cert *c)
{
	json_t *object = json_object(), *names = json_array();

	for (unsigned i = 0; i < c->name_count; i++)
		json_array_append_new(names, report_string(c->names[i]));
	json_object_set_new(object, "subject", report_string(c->subject));
	json_object_set_new(object, "issuer", report_string(c->issuer));
	json_object_set_new(object, "not_before", date_json(c->from));
	json_object_set_new(object, "not_after", date_json(c->to));
	json_object_set_new(object, "names", names);
	json_object_set_new(object, "key", report_string(c->key));
	json_object_set_new(object, "bits", json_integer(c->bits));
	json_object_set_new(object, "signature", report_string(c->signature));
	json_object_set_new(object, "serial", report_string(c->serial));
	json_object_set_new(object, "key_pin", report_string(c->key_pin));
	json_object_set_new(object, "certificate_pin", report_string(c->cert_pin));
	json_object_set_new(object, "self_signed", json_boolean(c->self_signed));
	return object;
}

static void warn_of(struct report_stage *s, const char *what, long days, const char *then)
{
	if (days < 0)
		report_more(s, MARK_WARNING, "%s ran out: %s", what, then);
	else
		report_more(s, MARK_WARNING, "%s runs out in %ld day%s: %s", what, days,
			days == 1 ? "" : "s", then);
}

static void tell_client(struct report_stage *s, const struct tls_chain *c, time_t now)
{
	long days;

	if (c->client_to == (time_t)-1)
		return;
	days = tls_days_until(c->client_to, now);
	report_number(s, "client_days_left", days);
	if (days <= TLS_SOON_DAYS)
		warn_of(s, "the client certificate in tls_cert", days, "get a new one, and set tls_cert to it");
	else
		report_more(s, MARK_NONE, "days left of the client certificate: %ld", days);
}

static void tell_pin(struct report_stage *s, const struct tls_chain *c)
{
	if (c->by != CHAIN_BY_PIN)
		return;
	report_more(s, MARK_NONE, "trusted by tls_pin; %s", c->raw_key.shown ?
		"a raw public key bears neither name nor date" : "the certificate is not looked at further");
	if (c->pins == 1)
		report_more(s, MARK_NONE, "one pin only: add that of the server's next key, and its change "
			"will stop nothing");
}

static void tell_end(struct report_stage *s, const struct tls_chain *c, bool good)
{
	time_t now = time(NULL);
	long days = tls_chain_days(c, now), root = tls_days_until(c->root_to, now);

	report_number(s, "days_left", days);
	tell_pin(s, c);
	if (c->root)
		report_more(s, MARK_NONE, "trusted root: %s", c->root);
	if (c->by == CHAIN_BY_PIN && c->pinned_whole && days <= TLS_SOON_DAYS)
		warn_of(s, "the certificate in tls_pin", days, "the one that replaces it will be refused: pin "
			"its key as above, or add the pin of the next one");
	else if (good && c->by != CHAIN_BY_PIN && days <= TLS_SOON_DAYS)
		warn_of(s, "a certificate", days, "its operator must renew it");
	else
		report_more(s, MARK_NONE, "days left: %ld", days);
	if (c->by == CHAIN_BY_ROOT && c->root && root <= TLS_SOON_DAYS)
		warn_of(s, "the trusted root", root, "see that tls_ca_file, or the package ca-certificates, "
			"has the one that follows it");
}

static void date_fact(struct report_stage *s, const char *name, time_t when)
{
	char text[16];

	date(when, text);
	report_text(s, name, text[0] ? text : NULL);
}

/* What speaks of its being revoked, where that was asked at all. */
static void tell_revocation(struct report_stage *s, const struct tls_chain *c, bool good)
{
	char until[16];

	report_text(s, "ocsp", !c->stapled ? "none" : good && c->by == CHAIN_BY_ROOT ? "good" : "sent");
	date_fact(s, "ocsp_until", c->staple_to);
	date_fact(s, "crl_until", c->list_to);
	report_bool(s, "must_staple", c->must_staple);
	if (!good || c->by != CHAIN_BY_ROOT)
		return;
	date(c->staple_to, until);
	if (c->stapled)
		report_more(s, MARK_NONE, "not revoked, says an OCSP response%s%s",
			until[0] ? ", good until " : "", until);
	date(c->list_to, until);
	if (until[0])
		report_more(s, MARK_NONE, "not revoked, says the list in tls_crl_file, good until %s",
			until);
}

static void tell_chain(struct report_stage *s, const struct tls_chain *c, bool good)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->count; i++) {
		tell_cert(s, &c->certs[i], i);
		json_array_append_new(list, cert_json(&c->certs[i]));
	}
	report_json(s, "chain", list);
	report_number(s, "chain_sent", c->sent);
	report_text(s, "root", c->root);
	report_text(s, "name", c->name);
	tell_revocation(s, c, good);
	tell_end(s, c, good);
}

static void tell_raw_key(struct report_stage *s, const struct tls_chain *c)
{
	const struct chain_raw_key *k = &c->raw_key;
	struct buf pin = BUF_INIT(128);
	json_t *object = json_object();

	add_pin(k->pin, &pin);
	report_more(s, MARK_NONE, "raw public key, no certificate: %s %u bits", k->key, k->bits);
	report_more(s, MARK_NONE, "  tls_pin = %s", buf_text(&pin));
	json_object_set_new(object, "key", report_string(k->key));
	json_object_set_new(object, "bits", json_integer(k->bits));
	json_object_set_new(object, "key_pin", report_string(k->pin));
	report_json(s, "raw_public_key", object);
	tell_pin(s, c);
	buf_release(&pin);
}

void chain_tell(struct report_stage *s, const struct tls *t, bool good)
{
	struct tls_chain c;

	if (tls_chain_read(t, &c) < 0)
		return;
	report_text(s, "trusted_by", c.by == CHAIN_BY_PIN ? "pin" : c.by == CHAIN_BY_ROOT ? "root" :
		"nothing");
	report_text(s, "sni", c.sni);
	if (c.raw_key.shown)
		tell_raw_key(s, &c);
	else
		tell_chain(s, &c, good);
	tell_client(s, &c, time(NULL));
	tls_chain_release(&c);
}
