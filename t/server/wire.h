/* t/server/wire.h - one connection of the test server: octets in and out.
 *
 * The socket never blocks; the calls do, until there is something, the peer
 * goes, or the process ends (its lifetime is the only deadline).  Replies are
 * collected and leave when all that was received has been answered, as a server
 * that honours PIPELINING does.
 *
 * A flight is what a client sends without having to wait: it begins with the
 * first octets that arrive after the server has answered everything it had.
 */
#ifndef SERVER_WIRE_H
#define SERVER_WIRE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "t/server/options.h"

enum { WIRE_LINE_MAX = 200000 };   /* octets of a command line; more ends the connection */

struct wire {
	int fd;                      /* own */
	gnutls_session_t tls;        /* own; NULL: in clear */
	unsigned number;             /* of the connection, from 1 */
	const struct options *opt;   /* borrowed */
	struct fault *mood;          /* borrowed; of the time when it began */
	bool refused;                /* one connection too many */
	struct buf in, out;          /* own */
	size_t at;                   /* octets of in that were taken */
	uint64_t taken;              /* octets taken in all */
	unsigned flights;
	bool answered;               /* something was sent since octets last arrived */
	bool broken;                 /* nothing more can be sent or received */
	int raw;                     /* own; -1: octets received are not kept */
	const char *closed;          /* how it ended, for the journal */
};

void wire_init(struct wire *w, int fd, unsigned number, const struct options *opt);
void wire_release(struct wire *w);

/* Ends it: FIN after all that was sent; or RST, whatever is under way. */
void wire_end(struct wire *w);
void wire_reset(struct wire *w);

/* Waits for poll(2) events.  false: the connection is broken, or ms (-1: for
 * ever) have passed. */
bool wire_wait(struct wire *w, short events, int ms);

/* Waits for more octets, having sent what is to be sent unless the peer is in
 * the middle of something (begun).  false: no more will come. */
bool wire_fill(struct wire *w, bool begun);

/* What has arrived and was not taken. */
size_t      wire_held(const struct wire *w);
const char *wire_data(const struct wire *w);
void        wire_take(struct wire *w, size_t len);
void        wire_forget(struct wire *w);    /* takes all there is */

/* Whether more has arrived than was taken; asks the socket, does not wait. */
bool wire_more(struct wire *w);

/* The next line with its LF, into line (cleared first).  false: none. */
bool wire_line(struct wire *w, struct buf *line);

void wire_put(struct wire *w, const char *data, size_t len);   /* collects, with journal */
void wire_flush(struct wire *w);
/* Sends at once, octet by octet, with a pause before each. */
void wire_drip(struct wire *w, const char *data, size_t len, unsigned long pause_ms);

#endif
