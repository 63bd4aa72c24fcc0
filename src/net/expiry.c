/* net/expiry.c - certificates and pins that run out; see expiry.h. */
#include "net/expiry.h"

#include <stdio.h>

#include "base/gnutls.h"
#include "net/pin.h"

enum { DAY = 24 * 60 * 60 };

/* The first so far. */
struct first {
	time_t to;                  /* (time_t)-1: none */
	const char *what, *then;    /* what it is, and what to do */
};

static void look_at(struct first *f, time_t to, const char *what, const char *then)
{
	if (to == (time_t)-1 || (f->to != (time_t)-1 && f->to <= to))
		return;
	*f = (struct first){ to, what, then };
}

time_t expiry_of_client(gnutls_certificate_credentials_t cred)
{
	gnutls_datum_t der = { NULL, 0 };   /* borrowed */
	gnutls_x509_crt_t crt = NULL;
	time_t to = (time_t)-1;

	if (gnutls_certificate_get_crt_raw(cred, 0, 0, &der) < 0 || gnutls_x509_crt_init(&crt) < 0)
		return to;
	if (gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) == 0)
		to = gnutls_x509_crt_get_expiration_time(crt);
	gnutls_x509_crt_deinit(crt);
	return to;
}

/* A pinned key needs no certificate in time; a pinned certificate will be replaced. */
static void look_at_pin(struct first *f, const struct verify *v)
{
	struct err ignored;

	if (verify_pin(v, &ignored) == PIN_OF_CERT)
		look_at(f, gnutls_x509_crt_get_expiration_time(v->chain[0]),
			"the certificate in tls_pin", "the one that replaces it will be refused: pin its key "
			"(spki:), or add the pin of the next one");
}

static void look_at_chain(struct first *f, const struct verify *v)
{
	unsigned path[VERIFY_DEPTH], count = verify_path(v, path);

	for (unsigned i = 0; i < count; i++)
		look_at(f, gnutls_x509_crt_get_expiration_time(v->chain[path[i]]),
			i ? "an intermediate certificate of the server" : "the server's certificate",
			"its operator must renew it");
}

void expiry_note(const struct verify *v, gnutls_certificate_credentials_t cred, time_t now,
	char *out, size_t size)
{
	struct first f = { (time_t)-1, NULL, NULL };
	struct buf date = BUF_INIT(32);
	long days;

	out[0] = '\0';
	if (v->set->pins.count)
		look_at_pin(&f, v);
	else
		look_at_chain(&f, v);
	if (v->set->cert)
		look_at(&f, expiry_of_client(cred), "the client certificate in tls_cert",
			"get a new one, and set tls_cert to it");
	if (f.to == (time_t)-1 || f.to - now > (time_t)TLS_SOON_DAYS * DAY)
		return;
	days = (long)((f.to - now) / DAY);
	verify_date(f.to, &date);
	if (f.to < now)
		snprintf(out, size, "%s ran out on %s: %s", f.what, buf_text(&date), f.then);
	else
		snprintf(out, size, "%s runs out in %ld day%s, on %s: %s", f.what, days,
			days == 1 ? "" : "s", buf_text(&date), f.then);
	buf_release(&date);
}
