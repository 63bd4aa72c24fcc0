/* base/pkcs11.h - URIs of things on a security token (RFC 7512), read strictly.
 *
 * The PIN is taken out of the URI before any library sees it: the libraries read
 * pin-source in forms of their own and check no file.  Pure.
 */
#ifndef BASE_PKCS11_H
#define BASE_PKCS11_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

struct pkcs11_uri {
	char *object;         /* own; the URI without PIN and module */
	char *module;         /* own; module-path: a library's file; NULL: those of the system */
	char *pin_file;       /* own; pin-source as an absolute path; NULL */
	struct secret pin;    /* pin-value */
};

bool pkcs11_is_uri(const char *text);

/* -1: ERR_CONFIG; no error quotes the URI, which may hold the PIN. */
int  pkcs11_read(const char *text, struct pkcs11_uri *out, struct err *e);
void pkcs11_release(struct pkcs11_uri *u);

/* Where the value of the next pin-value begins, and its length; NULL: there is none. */
const char *pkcs11_pin(const char *text, size_t *len);

#endif
