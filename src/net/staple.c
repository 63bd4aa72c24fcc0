/* net/staple.c - OCSP responses that a server sends along (RFC 6960); see revoked.h. */
#include "net/revoked.h"

#include <gnutls/ocsp.h>
#include <gnutls/x509-ext.h>
#include <string.h>

#include "base/gnutls.h"
#include "base/mem.h"

enum {
	DAY = 24 * 60 * 60,
	LONGEST = 15 * DAY,        /* for a response that does not say until when it is good */
	STATUS_REQUEST = 5         /* RFC 7633 section 4.1 */
};

struct answer {
	unsigned status;           /* gnutls_ocsp_cert_status_t */
	time_t from, to;           /* to: (time_t)-1 where it does not say */
	time_t revoked;
	unsigned reason;
};

/* RFC 5280 section 5.3.1. */
static const char *reason_name(unsigned reason)
{
	static const char *const names[] = { NULL, "its key was stolen", "its issuer's key was stolen",
		"what it says is no longer right", "it was replaced", "it is no longer in use",
		"it is suspended", NULL, NULL, "its rights were withdrawn", "its issuer's rights were "
		"withdrawn" };

	return reason < COUNT(names) ? names[reason] : NULL;
}

static bool is_signed(gnutls_ocsp_resp_t response, const gnutls_x509_crt_t *issuers, unsigned count)
{
	for (unsigned k = 0; k < count; k++) {
		unsigned status = 0;

		if (gnutls_ocsp_resp_verify_direct(response, issuers[k], &status, 0) == 0 && !status)
			return true;
	}
	return false;
}

/* The response's word on one certificate.  NULL, or what is wrong with it. */
static const char *hear(gnutls_ocsp_resp_t response, gnutls_x509_crt_t crt, struct answer *out)
{
	enum { ANSWERS_SEEN = 32 };
	int rc = -1;

	if (gnutls_ocsp_resp_get_status(response) != GNUTLS_OCSP_RESP_SUCCESSFUL)
		return "is the responder's excuse for having none";
	for (unsigned at = 0; at < ANSWERS_SEEN && rc != 0; at++) {
		if (gnutls_ocsp_resp_check_crt(response, at, crt) < 0)
			continue;
		rc = gnutls_ocsp_resp_get_single(response, at, NULL, NULL, NULL, NULL, &out->status,
			&out->from, &out->to, &out->revoked, &out->reason);
	}
	return rc == 0 ? NULL : "is for another certificate";
}

/* As it comes from the server.  NULL, or what is wrong with it. */
static const char *read_response(const struct verify *v, unsigned i,
	const gnutls_x509_crt_t roots[VERIFY_DEPTH], struct answer *out)
{
	gnutls_x509_crt_t issuers[VERIFY_DEPTH + 1];
	unsigned count = revoked_issuers(v, i, roots, issuers);
	gnutls_ocsp_resp_t response = NULL;
	const char *wrong = "cannot be read";

	if (gnutls_ocsp_resp_init(&response) < 0)
		return wrong;
	if (gnutls_ocsp_resp_import(response, &v->staples[i]) == 0) {
		wrong = hear(response, v->chain[i], out);
		if (!wrong && !is_signed(response, issuers, count))
			wrong = "is not signed by its issuer";
	}
	gnutls_ocsp_resp_deinit(response);
	return wrong;
}

static int refuse_answer(const struct verify *v, unsigned i, const struct answer *a, struct err *e)
{
	struct buf what = BUF_INIT(512);
	const char *reason = reason_name(a->reason);

	buf_add_text(&what, "was revoked");
	if (a->revoked != (time_t)-1) {
		buf_add_text(&what, " on ");
		verify_date(a->revoked, &what);
	}
	if (reason)
		buf_printf(&what, " (%s)", reason);
	buf_add_text(&what, ", says the OCSP response that the server sends along");
	revoked_say(v, i, buf_text(&what), "certificate-revoked", e);
	buf_release(&what);
	return -1;
}

static int refuse_response(const struct verify *v, unsigned i, const char *wrong, const char *cause,
	struct err *e)
{
	struct buf what = BUF_INIT(512);

	buf_printf(&what, "may have been revoked: the OCSP response that the server sends along %s",
		wrong);
	revoked_say(v, i, buf_text(&what), cause, e);
	buf_release(&what);
	return -1;
}

static int refuse_old(const struct verify *v, unsigned i, time_t when, struct err *e)
{
	struct buf wrong = BUF_INIT(64);

	buf_add_text(&wrong, "expired on ");
	verify_date(when, &wrong);
	refuse_response(v, i, buf_text(&wrong), "ocsp-expired", e);
	buf_release(&wrong);
	return -1;
}

static int check_one(const struct verify *v, unsigned i,
	const gnutls_x509_crt_t roots[VERIFY_DEPTH], struct err *e)
{
	struct answer a = { .from = (time_t)-1, .to = (time_t)-1, .revoked = (time_t)-1 };
	time_t now = time(NULL), to;
	const char *wrong = read_response(v, i, roots, &a);

	if (!wrong && a.status == GNUTLS_OCSP_CERT_REVOKED)
		return refuse_answer(v, i, &a, e);
	if (!wrong && a.status != GNUTLS_OCSP_CERT_GOOD)
		wrong = "says that its issuer does not know it";
	if (!wrong && (a.from == (time_t)-1 || a.from > now + REVOKED_SKEW))
		wrong = "is dated in the future";
	if (wrong)
		return refuse_response(v, i, wrong, "ocsp-wrong", e);
	to = a.to != (time_t)-1 ? a.to : a.from + LONGEST;
	return to < now ? refuse_old(v, i, to, e) : 0;
}

bool demands_staple(gnutls_x509_crt_t crt)
{
	gnutls_x509_tlsfeatures_t features = NULL;
	bool found = false;
	unsigned critical = 0, feature = 0;

	if (gnutls_x509_tlsfeatures_init(&features) < 0)
		return false;
	if (gnutls_x509_crt_get_tlsfeatures(crt, features, 0, &critical) == 0)
		for (unsigned i = 0; gnutls_x509_tlsfeatures_get(features, i, &feature) == 0; i++)
			found |= feature == STATUS_REQUEST;
	gnutls_x509_tlsfeatures_deinit(features);
	return found;
}

int staples_check(const struct verify *v, struct err *e)
{
	gnutls_x509_crt_t roots[VERIFY_DEPTH];
	unsigned ways[VERIFY_DEPTH], count = 0;
	int rc = 0;

	if (!v->staples[0].size && demands_staple(v->chain[0]))
		return revoked_say(v, 0, "demands an OCSP response (must-staple), and the server sends "
			"none along", "ocsp-missing", e);
	for (unsigned i = 0; i < v->count; i++)
		count += v->staples[i].size > 0;
	if (!count)
		return 0;
	if (gnutls_revocation_need(e) < 0)
		return -1;
	count = verify_ways(v, ways);
	verify_roots(v, roots);
	for (unsigned n = 0; n < count && rc == 0; n++)
		if (v->staples[ways[n]].size)
			rc = check_one(v, ways[n], roots, e);
	verify_roots_free(roots);
	return rc;
}

time_t staples_until(const struct verify *v)
{
	struct answer a = { .to = (time_t)-1 };
	gnutls_ocsp_resp_t response = NULL;
	struct err ignored;

	if (!v->staples[0].size || gnutls_revocation_need(&ignored) < 0 ||
	    gnutls_ocsp_resp_init(&response) < 0)
		return (time_t)-1;
	if (gnutls_ocsp_resp_import(response, &v->staples[0]) < 0 || hear(response, v->chain[0], &a))
		a.to = (time_t)-1;
	gnutls_ocsp_resp_deinit(response);
	return a.to;
}
