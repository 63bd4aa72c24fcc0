/* cred/prepare.c - see prepare.h. */
#include "cred/prepare.h"

#include <gsasl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/optlib.h"
#include "base/text.h"

OPTLIB_NOTE(note, "saslprep", "Passwords that are not ASCII, with SCRAM", "suggested",
	SENDOFF_GSASL);

#define CALLS(X) X(saslprep) X(free)
#define POINTER(name) __typeof__(gsasl_##name) *name;
#define CALL(name) { "gsasl_" #name, offsetof(struct calls, name) },

struct calls { CALLS(POINTER) };

static struct calls gsasl;
static const struct optlib_symbol calls[] = { CALLS(CALL) { NULL, 0 } };
static struct optlib library = {
	.soname = SENDOFF_GSASL, .package = "libgsasl18", .symbols = calls, .table = &gsasl
};

static int refuse(const char *why, struct err *e)
{
	err_set(e, ERR_LOGIN, "%s", why);
	err_cause(e, "password-not-preparable");
	return err_hint(e, "set another one; or auth = plain or login, which send it as it is, over TLS");
}

static bool prepare(const char *text, Gsasl_saslprep_flags flags, struct secret *out)
{
	char *prepared = NULL;
	bool good = gsasl.saslprep(text, flags, &prepared, NULL) == GSASL_OK && prepared;

	if (good)
		secret_set(out, prepared, strlen(prepared));
	if (prepared) {
		explicit_bzero(prepared, strlen(prepared));
		gsasl.free(prepared);
	}
	return good;
}

int prepare_saslprep(const char *text, size_t len, struct secret *out, struct err *e)
{
	char *copy;
	bool good;

	if (memchr(text, '\0', len) || !text_is_utf8(text, len))
		return refuse("it is not UTF-8", e);
	if (optlib_need(&library, e) < 0)
		return err_cause(e, "library-missing");
	copy = mem_copy(text, len);
	/* Releases differ in what the flag for unassigned characters means: one of the two
	 * refuses them. */
	good = prepare(copy, GSASL_ALLOW_UNASSIGNED, out) && prepare(copy, 0, out);
	explicit_bzero(copy, len);
	free(copy);
	if (!good)
		secret_wipe(out);
	return good ? 0 : refuse("it holds a character that no server may accept (SASLprep)", e);
}
