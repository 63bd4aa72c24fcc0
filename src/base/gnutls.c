/* base/gnutls.c - what is loaded of GnuTLS; see gnutls.h. */
#include "base/gnutls.h"

#include <stddef.h>

#include "base/optlib.h"

OPTLIB_NOTE(note, "tls", "TLS, and logins that do not show the password", "required",
	SENDOFF_GNUTLS);

struct gnutls_sums gnutls_sums;
struct gnutls_calls gnutls_calls;
struct gnutls_own_keys gnutls_own_keys;
struct gnutls_revocation gnutls_revocation;
struct gnutls_tokens gnutls_tokens;
struct gnutls_raw_keys gnutls_raw_keys;

#define SUM(name)  { "gnutls_" #name, offsetof(struct gnutls_sums, name) },
#define CALL(name) { "gnutls_" #name, offsetof(struct gnutls_calls, name) },
#define OWN_KEY(name) { "gnutls_" #name, offsetof(struct gnutls_own_keys, name) },
#define REVOCATION(name) { "gnutls_" #name, offsetof(struct gnutls_revocation, name) },
#define TOKEN(name) { "gnutls_" #name, offsetof(struct gnutls_tokens, name) },
#define RAW_KEY(name) { "gnutls_" #name, offsetof(struct gnutls_raw_keys, name) },

static const struct optlib_symbol sums[] = { GNUTLS_SUMS(SUM) { NULL, 0 } };
static const struct optlib_symbol calls[] = { GNUTLS_CALLS(CALL) { NULL, 0 } };
static const struct optlib_symbol own_keys[] = { GNUTLS_OWN_KEYS(OWN_KEY) { NULL, 0 } };
static const struct optlib_symbol revocation[] = { GNUTLS_REVOCATION(REVOCATION) { NULL, 0 } };
static const struct optlib_symbol tokens[] = { GNUTLS_TOKENS(TOKEN) { NULL, 0 } };
static const struct optlib_symbol raw_keys[] = { GNUTLS_RAW_KEYS(RAW_KEY) { NULL, 0 } };

#define OPTLIB(list, into) { .soname = SENDOFF_GNUTLS, .package = "libgnutls30", \
	.symbols = (list), .table = (into) }

static struct optlib library_calls = OPTLIB(calls, &gnutls_calls);
static struct optlib library_own_keys = OPTLIB(own_keys, &gnutls_own_keys);
static struct optlib library_revocation = OPTLIB(revocation, &gnutls_revocation);
static struct optlib library_tokens = OPTLIB(tokens, &gnutls_tokens);
static struct optlib library_raw_keys = OPTLIB(raw_keys, &gnutls_raw_keys);
static struct optlib library_sums = OPTLIB(sums, &gnutls_sums);

/* The sums last: gnutls_is_here() looks at them.  ERR_SYSTEM would be the caller's
 * affair, who is to send the message again: but it can wait for the library, as it
 * does for a server. */
int gnutls_need(struct err *e)
{
	if (optlib_need(&library_calls, e) == 0 && optlib_need(&library_sums, e) == 0)
		return 0;
	e->kind = ERR_TLS;
	return -1;
}

static int need_more(struct optlib *library, struct err *e)
{
	if (optlib_need(library, e) == 0)
		return 0;
	e->kind = ERR_TLS;
	return -1;
}

int gnutls_own_key_need(struct err *e)
{
	return need_more(&library_own_keys, e);
}

int gnutls_revocation_need(struct err *e)
{
	return need_more(&library_revocation, e);
}

int gnutls_token_need(struct err *e)
{
	return gnutls_own_key_need(e) < 0 ? -1 : need_more(&library_tokens, e);
}

int gnutls_raw_key_need(struct err *e)
{
	return need_more(&library_raw_keys, e);
}
