/* net/crl.c - lists of revoked certificates (RFC 5280 section 5); see revoked.h. */
#include "net/revoked.h"

#include <string.h>

#include "base/gnutls.h"
#include "base/text.h"
#include "net/crl_lists.h"

enum {
	DN_SHOWN = 160,
	SERIAL_MAX = 128,      /* RFC 5280 section 4.1.2.2 has 20 octets at most */
	OID_MAX = 64,
	EXTENSIONS_SEEN = 64
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

/* Best last: what is known of one certificate when all lists were seen. */
enum verdict { NO_LIST, NOT_SIGNED, UNREADABLE, PARTIAL, OUT_OF_TIME, CURRENT, REVOKED };

/* REVOKED, with the time (0: one that cannot be read); CURRENT: it is not listed; or
 * UNREADABLE, for the library goes no further behind an entry that it cannot give. */
static enum verdict look_up(gnutls_x509_crl_t list, gnutls_x509_crt_t crt, time_t *when)
{
	unsigned char ours[SERIAL_MAX], theirs[SERIAL_MAX];
	size_t our_size = sizeof(ours);
	gnutls_x509_crl_iter_t at = NULL;
	bool found = false;
	int rc = gnutls_x509_crt_get_serial(crt, ours, &our_size);

	while (rc == 0 && !found) {
		size_t their_size = sizeof(theirs);

		rc = gnutls_x509_crl_iter_crt_serial(list, &at, theirs, &their_size, when);
		found = rc == 0 && their_size == our_size && !memcmp(ours, theirs, our_size);
	}
	if (at)
		gnutls_x509_crl_iter_deinit(at);
	if (found && *when == (time_t)-1)
		*when = 0;
	if (found)
		return REVOKED;
	return at && rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? CURRENT : UNREADABLE;
}

/* RFC 5280 section 5.2: a critical extension that is not understood narrows what the list
 * speaks of, and these two do whatever they are marked as.  CURRENT: it speaks of all. */
static enum verdict scope(gnutls_x509_crl_t list)
{
	static const char delta[] = "2.5.29.27", distribution_point[] = "2.5.29.28";

	for (unsigned i = 0; i < EXTENSIONS_SEEN; i++) {
		char oid[OID_MAX] = "";
		size_t size = sizeof(oid);
		unsigned critical = 0;
		int rc = gnutls_x509_crl_get_extension_info(list, i, oid, &size, &critical);

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return CURRENT;
		if (rc < 0)
			return UNREADABLE;
		if (critical || !strcmp(oid, delta) || !strcmp(oid, distribution_point))
			return PARTIAL;
	}
	return UNREADABLE;
}

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

/* A list that is out of time, or a part, still knows what was revoked. */
static enum verdict judge(gnutls_x509_crl_t list, gnutls_x509_crt_t crt,
	const gnutls_x509_crt_t *issuers, unsigned count, time_t *when)
{
	time_t now = time(NULL), next = gnutls_x509_crl_get_next_update(list);
	time_t from = gnutls_x509_crl_get_this_update(list);
	enum verdict verdict = NOT_SIGNED;

	if (is_signed(list, issuers, count))
		verdict = look_up(list, crt, when);
	if (verdict == CURRENT)
		verdict = scope(list);
	if (verdict != REVOKED)
		*when = next;
	if (verdict != CURRENT)
		return verdict;
	return (next != (time_t)-1 && next < now) || from == (time_t)-1 ||
		from > now + REVOKED_SKEW ? OUT_OF_TIME : CURRENT;
}

static struct finding find(const struct verify *v, unsigned i,
	const gnutls_x509_crt_t roots[VERIFY_DEPTH])
{
	const struct crls *c = v->crls;
	struct finding best = { NO_LIST, NULL, (time_t)-1 };
	gnutls_x509_crt_t issuers[VERIFY_DEPTH + 1];
	unsigned count = revoked_issuers(v, i, roots, issuers);

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
		} else if (f->verdict == UNREADABLE) {
			buf_add_text(&what, " cannot be searched for it: a serial number or an extension "
				"cannot be read");
		} else if (f->verdict == PARTIAL) {
			buf_add_text(&what, " is only a part of its issuer's list (or a delta), which says "
				"nothing of this certificate");
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

/* Of several that refuse, one that was revoked is told. */
int crls_check(const struct verify *v, struct err *e)
{
	struct finding worst = { NO_LIST, NULL, (time_t)-1 };
	gnutls_x509_crt_t roots[VERIFY_DEPTH];
	unsigned ways[VERIFY_DEPTH], count, which = 0;

	if (!v->crls)
		return 0;
	count = verify_ways(v, ways);
	verify_roots(v, roots);
	for (unsigned n = 0; n < count && worst.verdict != REVOKED; n++) {
		struct finding f = find(v, ways[n], roots);

		if (f.verdict == NO_LIST || f.verdict == CURRENT)
			continue;
		if (f.verdict == REVOKED || worst.verdict == NO_LIST) {
			worst = f;
			which = ways[n];
		}
	}
	verify_roots_free(roots);
	return worst.verdict == NO_LIST ? 0 : refuse(v, which, &worst, e);
}

time_t crls_until(const struct verify *v)
{
	struct finding f = { NO_LIST, NULL, (time_t)-1 };
	gnutls_x509_crt_t roots[VERIFY_DEPTH];

	if (!v->crls)
		return (time_t)-1;
	verify_roots(v, roots);
	f = find(v, 0, roots);
	verify_roots_free(roots);
	return f.verdict == CURRENT || f.verdict == OUT_OF_TIME ? f.when : (time_t)-1;
}
