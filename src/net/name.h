/* net/name.h - what the user calls the server, as DNS and certificates know it.
 *
 * Shared by the resolver and TLS, so that the name that is looked up and
 * the name that is verified can never be two.
 */
#ifndef NET_NAME_H
#define NET_NAME_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

enum { NAME_MAX_OCTETS = 256 };   /* RFC 1035 section 2.3.4: 255, and a NUL */

/* Brackets and one trailing dot removed; a name that is not ASCII becomes
 * A-labels (RFC 5891); ASCII names stay as they are.  -1: kind and why. */
int name_ascii(const char *host, char out[NAME_MAX_OCTETS], enum err_kind kind, struct err *e);

/* An address rather than a name ("192.0.2.1", "2001:db8::1", "fe80::1%eth0"):
 * fills *out with port 0, or returns 0.  Otherwise the length of *out. */
socklen_t name_address(const char *text, struct sockaddr_storage *out);

#endif
