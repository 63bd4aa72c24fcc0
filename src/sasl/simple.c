/* sasl/simple.c - PLAIN, LOGIN, EXTERNAL, ANONYMOUS and CRAM-MD5: no state of their own.
 *
 * What holds a secret gets its room in one piece, since a buffer that grows
 * leaves copies behind that nobody wipes.
 */
#include "sasl/mechanism.h"

#include <string.h>

#include "base/codec.h"
#include "base/gnutls.h"

/* RFC 4616 section 2: authzid NUL authcid NUL password. */
int plain_start(const struct sasl *s, struct buf *out)
{
	const struct secret *secret = s->login.secret;
	const char *authzid = s->authzid ? s->authzid : "";

	buf_reserve(out, strlen(authzid) + strlen(s->user) + secret->len + 2);
	buf_add_text(out, authzid);
	buf_add_char(out, '\0');
	buf_add_text(out, s->user);
	buf_add_char(out, '\0');
	buf_add(out, secret->data, secret->len);
	return 0;
}

/* RFC 4422 appendix A: the identity is the certificate's; authzid, or else the user, is
 * the one to act as. */
int external_start(const struct sasl *s, struct buf *out)
{
	buf_add_text(out, s->authzid ? s->authzid : s->user);
	return 0;
}

/* RFC 4505 section 2: something to trace it by, or nothing. */
int anonymous_start(const struct sasl *s, struct buf *out)
{
	buf_add_text(out, s->user);
	return 0;
}

/* Never standardised: servers word the two prompts differently, and only their
 * order is certain. */
int login_step(const struct sasl *s, struct buf *out, struct err *e)
{
	if (s->answered == 0)
		buf_add_text(out, s->user);
	else if (s->answered == 1)
		buf_add(out, s->login.secret->data, s->login.secret->len);
	else
		return sasl_too_many(s, e);
	return 0;
}

/* RFC 2195: the user and the challenge's keyed digest in hexadecimal. */
int cram_step(const struct sasl *s, const char *challenge, size_t len, struct buf *out,
	struct err *e)
{
	const struct secret *secret = s->login.secret;
	unsigned char digest[16];

	if (s->answered)
		return sasl_too_many(s, e);
	if (!len)
		return err_set(e, ERR_LOGIN, "the server's CRAM-MD5 challenge is empty");
	if (gnutls_hmac_fast(GNUTLS_MAC_MD5, secret->data, secret->len, challenge, len, digest) < 0)
		return err_set(e, ERR_LOGIN, "this machine forbids MD5, which CRAM-MD5 needs");
	buf_add_text(out, s->user);
	buf_add_char(out, ' ');
	hex_encode(digest, sizeof(digest), out);
	return 0;
}
