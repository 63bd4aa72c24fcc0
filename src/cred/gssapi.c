/* cred/gssapi.c - what is loaded of GSS-API; see gssapi.h. */
#include "cred/gssapi.h"

#include <stddef.h>

#include "base/optlib.h"

OPTLIB_NOTE(note, "kerberos", "Logging in with a Kerberos ticket (GSSAPI)", "suggested",
	SENDOFF_GSSAPI);

struct gssapi_calls gssapi_calls;

#define CALL(name) { "gss_" #name, offsetof(struct gssapi_calls, name) },

static const struct optlib_symbol calls[] = { GSSAPI_CALLS(CALL) { NULL, 0 } };

static struct optlib library = {
	.soname = SENDOFF_GSSAPI, .package = "libgssapi-krb5-2", .symbols = calls,
	.table = &gssapi_calls
};

int gssapi_need(struct err *e)
{
	return gssapi_calls.wrap ? 0 : optlib_need(&library, e);
}
