/* sasl/oauth.c - OAUTHBEARER (RFC 7628) and XOAUTH2: an access token as a login.
 *
 * A refused token is told in a challenge of its own (JSON); the server ends the
 * exchange only when that has been answered with a dummy.
 */
#include "sasl/mechanism.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { KEYS_MAX = 64 };   /* octets of all that is not user, host or token */

/* RFC 7628 section 3.1: a GS2 header, then key=value pairs that ^A ends. */
static void write_bearer(const struct sasl *s, struct buf *out)
{
	const char *name = s->authzid ? s->authzid : s->user;

	buf_add_text(out, "n,");
	if (name[0]) {
		buf_add_text(out, "a=");
		sasl_write_name(name, out);
	}
	buf_add_text(out, ",\1");
	if (s->host)
		buf_printf(out, "host=%s\1", s->host);
	if (s->login.port)
		buf_printf(out, "port=%u\1", s->login.port);
}

int oauth_start(const struct sasl *s, struct buf *out)
{
	const struct secret *token = s->login.secret;

	buf_reserve(out, token->len + 3 * strlen(s->user) + 3 * strlen(s->authzid ? s->authzid : "") +
		(s->host ? strlen(s->host) : 0) +
		KEYS_MAX);
	if (s->login.mechanism == SASL_OAUTHBEARER)
		write_bearer(s, out);
	else
		buf_printf(out, "user=%s\1", s->user);
	buf_add_text(out, "auth=Bearer ");
	buf_add(out, token->data, token->len);
	buf_add_text(out, "\1\1");
	return 0;
}

int oauth_step(struct sasl *s, const char *challenge, size_t len, struct buf *out, struct err *e)
{
	struct buf shown = BUF_INIT(2 * TEXT_SHOWN_MAX);

	if (s->answered)
		return sasl_too_many(s, e);
	text_clean(challenge, len, TEXT_SHOWN_MAX, &shown);
	s->server_error = buf_take(&shown);
	/* RFC 7628 section 3.2.3; the older mechanism wants an empty line. */
	if (s->login.mechanism == SASL_OAUTHBEARER)
		buf_add_char(out, '\1');
	return 0;
}
