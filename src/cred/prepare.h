/* cred/prepare.h - SASLprep (RFC 4013): one spelling of a name or password.
 *
 * By libgsasl, which is loaded when something that is not ASCII is first to be prepared.
 */
#ifndef CRED_PREPARE_H
#define CRED_PREPARE_H

#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

/* As sasl_prepare (sasl/sasl.h) wants it.  Unassigned characters are refused, as in a text
 * that is stored (RFC 3454 section 7): a server could not agree on them.  What the library
 * itself copied is freed, and not wiped.  -1: ERR_LOGIN with the cause
 * "password-not-preparable", or ERR_SYSTEM with "library-missing". */
int prepare_saslprep(const char *text, size_t len, struct secret *out, struct err *e);

#endif
