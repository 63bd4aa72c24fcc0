/* base/idn.h - libidn2, loaded when the first international name is met.
 *
 * With its tables it is the dearest library to load but GnuTLS, and nearly all names
 * are ASCII.  As in base/gnutls.h its functions are called as ever.
 */
#ifndef BASE_IDN_H
#define BASE_IDN_H

#include <idn2.h>

#include "base/err.h"

#define IDN_CALLS(X) X(free) X(strerror) X(to_ascii_8z)

#define IDN_POINTER(name) __typeof__(idn2_##name) *name;
extern struct idn_calls { IDN_CALLS(IDN_POINTER) } idn_calls;

/* To be called before any of the functions.  -1: ERR_SYSTEM, it cannot be had. */
int idn_need(struct err *e);

#define idn2_free (*idn_calls.free)
#define idn2_strerror (*idn_calls.strerror)
#define idn2_to_ascii_8z (*idn_calls.to_ascii_8z)

#endif
