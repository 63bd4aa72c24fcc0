/* base/idn.c - what is loaded of libidn2; see idn.h. */
#include "base/idn.h"

#include <stddef.h>

#include "base/optlib.h"

OPTLIB_NOTE(note, "idn", "International domain names", "required", SENDOFF_IDN);

struct idn_calls idn_calls;

#define CALL(name) { "idn2_" #name, offsetof(struct idn_calls, name) },

static const struct optlib_symbol calls[] = { IDN_CALLS(CALL) { NULL, 0 } };

static struct optlib library = {
	.soname = SENDOFF_IDN, .package = "libidn2-0", .symbols = calls, .table = &idn_calls
};

int idn_need(struct err *e)
{
	return optlib_need(&library, e);
}
