/* cred/curl.c - what is loaded of libcurl; see curl.h. */
#include "cred/curl.h"

#include <stddef.h>

#include "base/optlib.h"

/* Debian has one built with GnuTLS beside the one of all others; either does. */
#define OTHER "libcurl.so.4"

OPTLIB_NOTE(note, "oauth", "Signing in at a mail provider by OAuth 2.0", "recommended",
	OPTLIB_EITHER(SENDOFF_CURL, OTHER));

struct curl_calls curl_calls;

#define CALL(name) { "curl_" #name, offsetof(struct curl_calls, name) },

static const struct optlib_symbol calls[] = { CURL_CALLS(CALL) { NULL, 0 } };

static struct optlib library = {
	.soname = SENDOFF_CURL, .other = OTHER, .package = "libcurl3-gnutls", .symbols = calls,
	.table = &curl_calls
};

int curl_need(struct err *e)
{
	return optlib_need(&library, e);
}
