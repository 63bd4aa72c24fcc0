/* cred/landing.h - what a browser brings back from the provider, and the page it is shown.
 *
 * Pure: octets in, octets out.  As much of HTTP as that needs (RFC 8252 section 7.3, RFC
 * 9112), for one who may be anybody on this machine, and any page in the browser.
 */
#ifndef CRED_LANDING_H
#define CRED_LANDING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { LANDING_REQUEST_MAX = 40 * 1024 };   /* octets of request line and header */

/* Where the provider sends the browser, if that is this machine. */
struct landing {
	char host[16];          /* "127.0.0.1", "[::1]", "localhost" */
	unsigned port;          /* 0: any, which "{port}" says */
	char path[256];         /* "/..." */
};
/* "http://127.0.0.1:{port}/", "http://localhost:8400/back".  False: it leads elsewhere. */
bool landing_parse(const char *url, struct landing *out);

/* The URL with the port put in. */
void landing_write(const char *url, unsigned port, struct buf *out);

enum landing_verdict {
	LANDING_MORE,          /* the request is not whole yet */
	LANDING_NOT_US,        /* *status says why: 400, 403, 404, 405, 431, 505 */
	LANDING_CAME           /* target: path and query of the one that was waited for */
};
/* len is at most LANDING_REQUEST_MAX: a request that is not whole by then is refused. */
enum landing_verdict landing_read(const struct landing *at, unsigned port,
	const char *data, size_t len, struct buf *target, int *status);

/* A whole response: a page that loads and runs nothing.  words: cleaned text. */
void landing_page(int status, const char *title, const char *words, struct buf *out);
/* The same for what landing_read() refused. */
void landing_refuse(int status, struct buf *out);

#endif
