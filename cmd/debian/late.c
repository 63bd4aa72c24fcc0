/* cmd/debian/late.c - what sendoff loads when it is first needed, as a library that is
 * linked with it: dpkg-shlibdeps sees only what is linked, down to the version that a
 * function takes.
 */
#include "base/gnutls.h"
#include "base/idn.h"

/* By their names in the libraries: in the headers they are macros. */
#define GNUTLS_NAME(name) extern const char late_gnutls_##name[] __asm__("gnutls_" #name);
#define IDN_NAME(name)    extern const char late_idn2_##name[] __asm__("idn2_" #name);
GNUTLS_SUMS(GNUTLS_NAME)
GNUTLS_CALLS(GNUTLS_NAME)
IDN_CALLS(IDN_NAME)

#define GNUTLS_PLACE(name) late_gnutls_##name,
#define IDN_PLACE(name)    late_idn2_##name,
extern const char *const late_names[];
const char *const late_names[] = { GNUTLS_SUMS(GNUTLS_PLACE) GNUTLS_CALLS(GNUTLS_PLACE)
		IDN_CALLS(IDN_PLACE) };
