/* net/explain.c - why a certificate was refused, in words; see verify.h.
 *
 * Everything that a certificate says is hostile until text_clean() has seen it.
 */
#include "net/verify.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/gnutls.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/name.h"
#include "net/pin.h"
#include "net/trust.h"

enum {
	NAMES_SHOWN  = 10,
	NAMES_SEEN   = 1000,        /* subjectAltNames that are looked at */
	SAN_SHOWN    = 100,         /* octets of one */
	DN_SHOWN     = 160,
	ACCESS_SEEN  = 10,          /* places of an authorityInfoAccess */
	LONG_AGO     = 2 * 365 * 24 * 60 * 60
};

/* The reasons, "; " between them. */
struct reasons {
	const struct verify *v;
	struct buf text;
	bool clock;                 /* this machine's clock may be wrong, and is told */
	const char *cause;          /* the one that counts; a row of the table of causes, or NULL */
	bool by_address;            /* the server was asked for by its address */
	char server_name[NAME_MAX_OCTETS];   /* a name that the certificate does have, or "" */
};

static void next_reason(struct reasons *r)
{
	if (r->text.len)
		buf_add_text(&r->text, "; ");
}

static void add_name(struct buf *out, gnutls_datum_t dn)
{
	buf_add_char(out, '"');
	text_clean((const char *)dn.data, dn.size, DN_SHOWN, out);
	buf_add_char(out, '"');
}

static void add_subject(gnutls_x509_crt_t crt, struct buf *out)
{
	gnutls_datum_t dn = { NULL, 0 };

	if (gnutls_x509_crt_get_dn3(crt, &dn, 0) < 0)
		dn.size = 0;
	add_name(out, dn);
	gnutls_free(dn.data);
}

static void add_issuer(gnutls_x509_crt_t crt, struct buf *out)
{
	gnutls_datum_t dn = { NULL, 0 };

	if (gnutls_x509_crt_get_issuer_dn3(crt, &dn, 0) < 0)
		dn.size = 0;
	add_name(out, dn);
	gnutls_free(dn.data);
}

void verify_date(time_t when, struct buf *out)
{
	char text[64] = "an unknown date";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	buf_add_text(out, text);
}

/* "it", or which of the certificates behind it. */
static void add_which(const struct verify *v, unsigned i, struct buf *out)
{
	if (!i)
		return;
	buf_add_text(out, "its intermediate certificate ");
	add_subject(v->chain[i], out);
	buf_add_char(out, ' ');
}

static void explain_expired(struct reasons *r)
{
	const struct verify *v = r->v;
	time_t now = time(NULL);
	bool found = false;

	for (unsigned i = 0; i < v->count; i++) {
		time_t end = gnutls_x509_crt_get_expiration_time(v->chain[i]);

		if (end == (time_t)-1 || end >= now)
			continue;
		next_reason(r);
		add_which(v, i, &r->text);
		buf_add_text(&r->text, i ? "has expired on " : "expired on ");
		verify_date(end, &r->text);
		found = true;
	}
	if (!found) {
		next_reason(r);
		buf_add_text(&r->text, "the trusted root it leads to has expired");
	}
}

static void explain_early(struct reasons *r)
{
	const struct verify *v = r->v;
	time_t now = time(NULL);
	bool found = false;

	for (unsigned i = 0; i < v->count; i++) {
		time_t start = gnutls_x509_crt_get_activation_time(v->chain[i]);

		if (start == (time_t)-1 || start <= now)
			continue;
		next_reason(r);
		add_which(v, i, &r->text);
		buf_add_text(&r->text, i ? "is not valid before " : "not valid before ");
		verify_date(start, &r->text);
		found = true;
	}
	if (!found) {
		next_reason(r);
		buf_add_text(&r->text, "the trusted root it leads to is not valid yet");
	}
	r->clock = true;
}

enum side { TOO_EARLY, TOO_LATE };

/* Whether the clock is on that side of a certificate's time; too late only by years: a CA
 * and what it issued may well expire together. */
static bool is_outside(gnutls_x509_crt_t crt, enum side side, time_t now)
{
	time_t from = gnutls_x509_crt_get_activation_time(crt);
	time_t to = gnutls_x509_crt_get_expiration_time(crt);

	return side == TOO_EARLY ? from != (time_t)-1 && now < from :
		to != (time_t)-1 && now > to && now - to > LONG_AGO;
}

/* A single certificate that is out of time is that one's affair.  When server and CA alike
 * are out of it on the same side, the clock that they are held against is at fault. */
static bool clock_is_wrong(const struct verify *v)
{
	gnutls_x509_crt_t root = verify_root(v);
	bool alone = v->count == 1 && (!root || gnutls_x509_crt_check_issuer(v->chain[0], v->chain[0]));
	time_t now = time(NULL);
	bool wrong = now < CLOCK_LEAST;

	for (enum side side = TOO_EARLY; side <= TOO_LATE && !alone && !wrong; side++) {
		wrong = side == TOO_EARLY || root;   /* years late means nothing without a root */
		for (unsigned i = 0; i < v->count; i++)
			wrong = wrong && is_outside(v->chain[i], side, now);
		wrong = wrong && (!root || is_outside(root, side, now));
	}
	if (root)
		gnutls_x509_crt_deinit(root);
	return wrong;
}

static void explain_clock(struct reasons *r)
{
	time_t now = time(NULL);
	char hour[16] = "";
	struct tm tm;

	if (!r->clock)
		return;
	buf_add_text(&r->text, " (is this machine's clock right? it says ");
	verify_date(now, &r->text);
	if (gmtime_r(&now, &tm))
		strftime(hour, sizeof(hour), " %H:%M UTC", &tm);
	buf_printf(&r->text, "%s)", hour);
}

bool verify_san_text(unsigned type, const char *data, size_t size, size_t most, struct buf *out)
{
	char address[INET6_ADDRSTRLEN];

	if (type == GNUTLS_SAN_DNSNAME) {
		text_clean(data, size, most, out);
		return true;
	}
	if (type != GNUTLS_SAN_IPADDRESS || (size != 4 && size != 16))
		return false;
	if (!inet_ntop(size == 4 ? AF_INET : AF_INET6, data, address, sizeof(address)))
		return false;
	buf_add_text(out, address);
	return true;
}

static bool fits_in_hint(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", *p))
			return false;
	return *name != '\0';
}

/* The names it has, the first ten of them.  Returns how many there are. */
static unsigned list_names(struct reasons *r, struct buf *out)
{
	unsigned found = 0;

	for (unsigned i = 0; i < NAMES_SEEN; i++) {
		char data[NAME_MAX_OCTETS];
		size_t size = sizeof(data);
		unsigned type = 0;
		struct buf one = BUF_INIT(NAME_MAX_OCTETS);
		int rc = gnutls_x509_crt_get_subject_alt_name2(r->v->chain[0], i, data, &size,
			&type, NULL);

		if (rc == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (rc < 0)
			break;
		/* Where a name looks like the address, it must be told that it is none. */
		if (r->by_address && type == GNUTLS_SAN_DNSNAME)
			buf_add_text(&one, "the name ");
		if (verify_san_text(type, data, size, SAN_SHOWN, &one) && found++ < NAMES_SHOWN &&
				out->len < 300) {
			buf_printf(out, "%s%s", out->len ? ", " : "", buf_text(&one));
			if (!r->server_name[0] && type == GNUTLS_SAN_DNSNAME &&
					size <= SAN_SHOWN && fits_in_hint(buf_text(&one)))
				memcpy(r->server_name, one.data, one.len + 1);
		}
		buf_release(&one);
	}
	if (found > NAMES_SHOWN)
		buf_printf(out, " and %u more", found - NAMES_SHOWN);
	return found;
}

static void explain_name(struct reasons *r)
{
	struct buf names = BUF_INIT(600);
	const char *host = r->v->host;
	struct sockaddr_storage address;

	r->by_address = name_address(host, &address) > 0;
	next_reason(r);
	if (list_names(r, &names)) {
		buf_printf(&r->text, "it is for %s, not for %s%s", buf_text(&names),
			r->by_address ? "the address " : "", host);
	} else {
		gnutls_datum_t dn = { NULL, 0 };

		buf_printf(&r->text,
			"it names no server in its subjectAltName, so it is not for %s", host);
		if (gnutls_x509_crt_get_dn3(r->v->chain[0], &dn, 0) == 0 && dn.size) {
			buf_add_text(&r->text, " (a common name alone, ");
			add_name(&r->text, dn);
			buf_add_text(&r->text, ", does not count)");
		}
		gnutls_free(dn.data);
	}
	buf_release(&names);
}

/* The last certificate on the way from the server's own. */
static gnutls_x509_crt_t end_of_chain(const struct verify *v)
{
	unsigned path[VERIFY_DEPTH] = { 0 }, count = verify_path(v, path);

	return v->chain[count ? path[count - 1] : 0];
}

static bool is_self_signed(gnutls_x509_crt_t crt)
{
	return gnutls_x509_crt_check_issuer(crt, crt) != 0;
}

static void explain_stranger(struct reasons *r)
{
	const struct verify *v = r->v;

	next_reason(r);
	if (is_self_signed(v->chain[0])) {
		buf_add_text(&r->text, "it is self-signed and not among the trusted roots (");
	} else {
		buf_add_text(&r->text, "issued by ");
		add_issuer(end_of_chain(v), &r->text);
		buf_add_text(&r->text, ", which is not among the trusted roots (");
	}
	trust_describe(v->trust, &r->text);
	buf_add_char(&r->text, ')');
	if (v->count == 1 && !is_self_signed(v->chain[0]))
		buf_add_text(&r->text, ", and the server sends no intermediate certificate");
}

static bool explain_weak_one(struct reasons *r, unsigned i)
{
	gnutls_x509_crt_t crt = r->v->chain[i];
	unsigned bits = 0;
	int key = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	int sign = gnutls_x509_crt_get_signature_algorithm(crt);
	bool found = false;

	if (key > 0 && gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)key, bits) <
			GNUTLS_SEC_PARAM_MEDIUM) {
		next_reason(r);
		add_which(r->v, i, &r->text);
		buf_printf(&r->text, "%s a weak key (%s, %u bits)", i ? "has" : "it has",
			gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)key), bits);
		found = true;
	}
	/* A root's own signature proves nothing, so it may be of any age. */
	if (sign >= 0 && !is_self_signed(crt) && !gnutls_sign_is_secure2(
			(gnutls_sign_algorithm_t)sign, GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS)) {
		const char *name = gnutls_sign_get_name((gnutls_sign_algorithm_t)sign);

		next_reason(r);
		add_which(r->v, i, &r->text);
		buf_printf(&r->text, "%s signed with a weak hash (%s)", i ? "is" : "it is",
			name ? name : "unknown");
		found = true;
	}
	return found;
}

static void explain_weak(struct reasons *r)
{
	bool found = false;

	for (unsigned i = 0; i < r->v->count; i++)
		found = explain_weak_one(r, i) || found;
	if (!found) {
		next_reason(r);
		buf_add_text(&r->text, "a key or hash in its chain is too weak");
	}
}

static void explain_bits(struct reasons *r, unsigned status)
{
	static const struct {
		unsigned bit;
		const char *words;
	} table[] = {
		{ GNUTLS_CERT_PURPOSE_MISMATCH, "it is not meant for servers" },
		{ GNUTLS_CERT_SIGNER_NOT_CA,
			"it was issued by a certificate that may not issue any" },
		{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
			"its issuer is not allowed to issue it (name or other constraints)" },
		{ GNUTLS_CERT_SIGNATURE_FAILURE, "the signature on it is wrong" },
		{ GNUTLS_CERT_REVOKED, "it was revoked" },
		{ GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS,
			"it has a critical extension that is not known" }
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		if (!(status & table[i].bit))
			continue;
		next_reason(r);
		buf_add_text(&r->text, table[i].words);
	}
}

/* For a status that none of the words above cover. */
static void explain_rest(struct reasons *r, unsigned status)
{
	gnutls_datum_t text = { NULL, 0 };

	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0)
		text_clean((const char *)text.data, text.size ? strlen((const char *)text.data) : 0,
			300, &r->text);
	gnutls_free(text.data);
	if (!r->text.len)
		buf_printf(&r->text, "it cannot be verified (status 0x%x)", status);
}

/* A public CA says where its own certificate is to be had. */
static bool names_issuer(gnutls_x509_crt_t crt)
{
	int rc = 0;

	for (unsigned i = 0; i < ACCESS_SEEN && rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		gnutls_datum_t place = { NULL, 0 };

		rc = gnutls_x509_crt_get_authority_info_access(crt, i, GNUTLS_IA_CAISSUERS_URI,
			&place, NULL);
		gnutls_free(place.data);
		if (rc == 0)
			return true;
	}
	return false;
}

static const char *cause_of_stranger(const struct verify *v)
{
	return v->count == 1 && names_issuer(v->chain[0]) ? "certificate-incomplete-chain" :
		"certificate-unknown-issuer";
}

/* The one cause among several reasons: what mends most, or makes the others pointless.
 * A wrong clock makes all certificates look bad, and is set on this very machine.  A
 * self-signed one is taken by its key once that is pinned, whatever else is wrong with it.
 * A certificate for another name is another server's, so the rest is not our affair.
 * What was revoked must not be used at all; then the time, which is the usual trouble of a
 * server that worked until now; then who issued it, and for what; what is merely weak
 * comes last. */
static const char *choose_cause(const struct verify *v, unsigned status, bool named)
{
	static const struct {
		unsigned bits;
		const char *cause;
	} table[] = {
		{ GNUTLS_CERT_REVOKED, "certificate-revoked" },
		{ GNUTLS_CERT_EXPIRED, "certificate-expired" },
		{ GNUTLS_CERT_NOT_ACTIVATED, "certificate-not-yet-valid" },
		{ GNUTLS_CERT_SIGNER_NOT_FOUND, NULL },
		{ GNUTLS_CERT_SIGNATURE_FAILURE, "certificate-unknown-issuer" },
		{ GNUTLS_CERT_PURPOSE_MISMATCH, "certificate-wrong-purpose" },
		{ GNUTLS_CERT_SIGNER_NOT_CA | GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE |
			GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, "certificate-constraints" },
		{ GNUTLS_CERT_INSECURE_ALGORITHM, "certificate-weak" },
	};

	if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED) && clock_is_wrong(v))
		return "clock-wrong";
	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND && is_self_signed(v->chain[0]))
		return "certificate-self-signed";
	if (!named)
		return "certificate-wrong-name";
	for (size_t i = 0; i < COUNT(table); i++)
		if (status & table[i].bits)
			return table[i].cause ? table[i].cause : cause_of_stranger(v);
	return NULL;
}

static bool is_cause(const struct reasons *r, const char *id)
{
	return r->cause && !strcmp(r->cause, id);
}

/* The next step that belongs to the cause, where more is known than the table says. */
static void add_hint(const struct reasons *r, struct err *e)
{
	const struct verify *v = r->v;
	struct buf pin = BUF_INIT(128);

	if (is_cause(r, "clock-wrong"))
		err_hint(e, "set this machine's clock; if it is right, the server's operator must "
			"replace the certificates");
	else if (is_cause(r, "certificate-not-yet-valid"))
		err_hint(e, "set this machine's clock, or wait until the certificate is valid");
	else if (is_cause(r, "certificate-self-signed")) {
		pin_write(v->chain[0], &pin);
		err_hint(e, "if the server is your own, compare this with its key and set "
			"tls_pin = %s", buf_text(&pin));
	} else if (is_cause(r, "certificate-incomplete-chain"))
		err_hint(e, "the server's operator must send the whole chain, with the certificate of "
			"the issuer behind the server's own");
	else if (is_cause(r, "certificate-unknown-issuer") && v->count == 1)
		err_hint(e, "if its CA is private, set tls_ca_file = FILE with the CA's root; if not, "
			"the server's operator must send the whole chain");
	else if (is_cause(r, "certificate-unknown-issuer"))
		err_hint(e, "if its CA is private, set tls_ca_file = FILE with the CA's root");
	else if (!is_cause(r, "certificate-wrong-name"))
		err_hint(e, "the server's operator must replace the certificate");
	else if (!r->server_name[0])
		err_hint(e, "set host to a name that it is for; where none fits, the server's operator "
			"must replace it by one with a subjectAltName");
	else if (r->by_address || !strchr(v->host, '.'))
		err_hint(e, "if %s is the server you mean, set host = %s, or tls_host = %s to keep "
			"the host", r->server_name, r->server_name, r->server_name);
	else
		err_hint(e, "if whoever runs %s calls it %s as well, set host = %s; if not, a login "
			"portal, virus scanner or VPN may stand in between", v->host, r->server_name,
			r->server_name);
	buf_release(&pin);
}

void verify_explain(const struct verify *v, unsigned status, bool named, struct err *e)
{
	struct reasons r = { .v = v, .text = BUF_INIT(4096) };

	r.cause = choose_cause(v, status, named);
	r.clock = is_cause(&r, "clock-wrong");
	if (status & GNUTLS_CERT_EXPIRED)
		explain_expired(&r);
	if (status & GNUTLS_CERT_NOT_ACTIVATED)
		explain_early(&r);
	if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		explain_clock(&r);
	if (!named)
		explain_name(&r);
	if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		explain_stranger(&r);
	if (status & GNUTLS_CERT_INSECURE_ALGORITHM)
		explain_weak(&r);
	explain_bits(&r, status);
	if (!r.text.len)
		explain_rest(&r, status);
	err_set(e, ERR_CERT, "the certificate of %s is refused: %s", v->host, buf_text(&r.text));
	err_cause(e, r.cause);
	add_hint(&r, e);
	buf_release(&r.text);
}
