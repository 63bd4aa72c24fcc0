/* cred/gssapi.h - MIT Kerberos' GSS-API (RFC 2744), loaded when a ticket is first needed.
 *
 * In the child that speaks with Kerberos (cred/kerberos) and nowhere else.  As in
 * base/gnutls.h its functions are called as ever.
 */
#ifndef CRED_GSSAPI_H
#define CRED_GSSAPI_H

#include <gssapi/gssapi.h>

#include "base/err.h"

#define GSSAPI_CALLS(X) \
	X(display_name) X(display_status) X(import_name) X(init_sec_context) X(inquire_context) \
	X(release_buffer) X(unwrap) X(wrap)

#define GSSAPI_POINTER(name) __typeof__(gss_##name) *name;
extern struct gssapi_calls { GSSAPI_CALLS(GSSAPI_POINTER) } gssapi_calls;

/* To be called before any of the functions.  -1: ERR_SYSTEM, it cannot be had.  Where the
 * table is filled already nothing is loaded. */
int gssapi_need(struct err *e);

#define gss_display_name (*gssapi_calls.display_name)
#define gss_display_status (*gssapi_calls.display_status)
#define gss_import_name (*gssapi_calls.import_name)
#define gss_init_sec_context (*gssapi_calls.init_sec_context)
#define gss_inquire_context (*gssapi_calls.inquire_context)
#define gss_release_buffer (*gssapi_calls.release_buffer)
#define gss_unwrap (*gssapi_calls.unwrap)
#define gss_wrap (*gssapi_calls.wrap)

#endif
