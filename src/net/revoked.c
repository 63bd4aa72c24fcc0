/* net/revoked.c - what both witnesses need; see revoked.h. */
#include "net/revoked.h"

#include <string.h>

#include "base/gnutls.h"
#include "base/text.h"

enum { DN_SHOWN = 160 };

int revoked_say(const struct verify *v, unsigned i, const char *what, const char *cause,
	struct err *e)
{
	gnutls_datum_t dn = { NULL, 0 };
	struct buf which = BUF_INIT(4 * DN_SHOWN + 64);

	if (i && gnutls_x509_crt_get_dn3(v->chain[i], &dn, 0) == 0) {
		buf_add_text(&which, "its intermediate certificate \"");
		text_clean((const char *)dn.data, dn.size, DN_SHOWN, &which);
		buf_add_text(&which, "\" ");
	} else if (i) {
		buf_add_text(&which, "its intermediate certificate ");
	} else {
		buf_add_text(&which, "it ");
	}
	gnutls_free(dn.data);
	err_set(e, ERR_CERT, "the certificate of %s is refused: %s%s", v->host, buf_text(&which),
		what);
	buf_release(&which);
	return err_cause(e, cause);
}

unsigned revoked_issuers(const struct verify *v, unsigned i,
	const gnutls_x509_crt_t roots[VERIFY_DEPTH], gnutls_x509_crt_t out[VERIFY_DEPTH + 1])
{
	unsigned count = 0;

	for (unsigned k = 0; k < v->count; k++)
		if (k != i && verify_issued_by(v->chain[i], v->chain[k]))
			out[count++] = v->chain[k];
	if (roots[i])
		out[count++] = roots[i];
	return count;
}
