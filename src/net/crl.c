/* net/crl.c - lists of revoked certificates (RFC 5280 section 5); see revoked.h. */
#include "net/revoked.h"

#include <string.h>

#include "base/gnutls.h"
#include "base/text.h"
#include "net/crl_lists.h"

enum {
	DN_SHOWN = 160,
	SERIAL_MAX = 128       /* RFC 5280 section 4.1.2.2 has 20 octets at most */
};

static bool is_of_issuer(gnutls_x509_crl_t list, gnutls_x509_crt_t crt)
{
	gnutls_datum_t ours = { NULL, 0 }, theirs = { NULL, 0 };
	bool same = gnutls_x509_crt_get_raw_issuer_dn(crt, &ours) == 0 &&
		gnutls_x509_crl_get_raw_issuer_dn(list, &theirs) == 0 && ours.size == theirs.size &&
		!memcmp(ours.data, theirs.data, ours.size);

	gnutls_free(ours.data);
	gnutls_free(theirs.data);
	return same;
}

/* When it was revoked by this list; (time_t)-1: it is not in it; 0: at a time that cannot
 * be read. */
static time_t revoked_at(gnutls_x509_crl_t list, gnutls_x509_crt_t crt)
{
	unsigned char ours[SERIAL_MAX], theirs[SERIAL_MAX];
	size_t our_size = sizeof(ours), their_size = sizeof(theirs);
	gnutls_x509_crl_iter_t at = NULL;
	time_t when = (time_t)-1, found = (time_t)-1;

	if (gnutls_x509_crt_get_serial(crt, ours, &our_size) < 0)
		return (time_t)-1;
	while (found == (time_t)-1) {
		int rc = gnutls_x509_crl_iter_crt_serial(list, &at, theirs, &their_size, &when);

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (rc == 0 && their_size == our_size && !memcmp(ours, theirs, our_size))
			found = when == (time_t)-1 ? 0 : when;
		if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
		their_size = sizeof(theirs);
	}
	if (at)
		gnutls_x509_crl_iter_deinit(at);
	return found;
}

/* Best last: what is known of one certificate when all lists were seen. */
enum verdict { NO_LIST, NOT_SIGNED, OUT_OF_TIME, CURRENT, REVOKED };

struct finding {
	enum verdict verdict;
	gnutls_x509_crl_t list;   /* borrowed */
	time_t when;
};

static bool is_signed(gnutls_x509_crl_t list, const gnutls_x509_crt_t *issuers, unsigned count)
{
	/* Time is looked at apart, which the library cannot be told. */
	static const unsigned time_bits = GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
		GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE;
	unsigned status = 0;

	if (!count || gnutls_x509_crl_verify(list, issuers, count, 0, &status) < 0)
		return false;
	if (status & time_bits)
		status &= ~(time_bits | GNUTLS_CERT_INVALID);
	return !status;
}

/* A list that is out of time still knows what was revoked before. */
static enum verdict judge(gnutls_x509_crl_t list, gnutls_x509_crt_t crt,
	const gnutls_x509_crt_t *issuers, unsigned count, time_t *when)
{
	time_t now = time(NULL), next = gnutls_x509_crl_get_next_update(list);
	time_t from = gnutls_x509_crl_get_this_update(list);

	if (!is_signed(list, issuers, count))
		return NOT_SIGNED;
	*when = revoked_at(list, crt);
	if (*when != (time_t)-1)
		return REVOKED;
	*when = next;
	return (next != (time_t)-1 && next < now) || from == (time_t)-1 || from > now ? OUT_OF_TIME :
		CURRENT;
}

static struct finding find(const struct verify *v, unsigned i, gnutls_x509_crt_t root)
{
	const struct crls *c = v->crls;
	struct finding best = { NO_LIST, NULL, (time_t)-1 };
	gnutls_x509_crt_t issuers[VERIFY_DEPTH + 1];
	unsigned count = revoked_issuers(v, i, root, issuers);

	for (unsigned k = 0; k < c->count; k++) {
		time_t when = (time_t)-1;
		enum verdict verdict;

		if (!is_of_issuer(c->lists[k], v->chain[i]))
			continue;
		verdict = judge(c->lists[k], v->chain[i], issuers, count, &when);
		if (verdict > best.verdict || (verdict == best.verdict && when > best.when))
			best = (struct finding){ verdict, c->lists[k], when };
	}
	return best;
}

static void add_list(const struct verify *v, gnutls_x509_crl_t list, struct buf *out)
{
	gnutls_datum_t dn = { NULL, 0 };

	buf_add_char(out, '"');
	if (gnutls_x509_crl_get_issuer_dn3(list, &dn, 0) == 0)
		text_clean((const char *)dn.data, dn.size, DN_SHOWN, out);
	gnutls_free(dn.data);
	buf_printf(out, "\" in %s", v->crls->path);
}

static int refuse(const struct verify *v, unsigned i, const struct finding *f, struct err *e)
{
	struct buf what = BUF_INIT(2048);
	const char *cause = "crl-wrong";

	if (f->verdict == REVOKED) {
		cause = "certificate-revoked";
		buf_add_text(&what, "was revoked");
		if (f->when) {
			buf_add_text(&what, " on ");
			verify_date(f->when, &what);
		}
		buf_add_text(&what, ", by the list of ");
		add_list(v, f->list, &what);
	} else {
		buf_add_text(&what, "may have been revoked: the list of ");
		add_list(v, f->list, &what);
		if (f->verdict == NOT_SIGNED) {
			buf_add_text(&what, " is not signed by it");
		} else if (f->when != (time_t)-1 && f->when < time(NULL)) {
			cause = "crl-expired";
			buf_add_text(&what, " expired on ");
			verify_date(f->when, &what);
		} else {
			buf_add_text(&what, " is dated in the future");
		}
	}
	revoked_say(v, i, buf_text(&what), cause, e);
	buf_release(&what);
	return -1;
}

int crls_check(const struct verify *v, struct err *e)
{
	gnutls_x509_crt_t root = v->crls ? verify_root(v) : NULL;
	unsigned path[VERIFY_DEPTH], count = v->crls ? verify_path(v, path) : 0;
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct finding f = find(v, path[i], root);

		if (f.verdict != NO_LIST && f.verdict != CURRENT)
			rc = refuse(v, path[i], &f, e);
	}
	if (root)
		gnutls_x509_crt_deinit(root);
	return rc;
}

time_t crls_until(const struct verify *v)
{
	gnutls_x509_crt_t root = v->crls ? verify_root(v) : NULL;
	struct finding f = { NO_LIST, NULL, (time_t)-1 };

	if (v->crls)
		f = find(v, 0, root);
	if (root)
		gnutls_x509_crt_deinit(root);
	return f.verdict == CURRENT || f.verdict == OUT_OF_TIME ? f.when : (time_t)-1;
}
