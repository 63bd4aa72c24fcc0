/* net/loopback.h - ports of this machine that only this machine can reach.
 */
#ifndef NET_LOOPBACK_H
#define NET_LOOPBACK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

struct loopback {
	struct sockaddr_storage address;
	socklen_t len;
};

/* "127.0.0.1:2525" or "[::1]:2525": any address of 127.0.0.0/8, or ::1, and a port.
 * -1: ERR_CONFIG, it is something else, or an address that others can reach. */
int loopback_parse(const char *text, struct loopback *out, struct err *e);

/* Binds and listens there.  Non-blocking, close-on-exec.  Returns the descriptor;
 * -1: ERR_SYSTEM (in use, no right). */
int loopback_listen(const struct loopback *at, struct err *e);

/* Whether that socket is one that listens there and nowhere else. */
bool loopback_listens(int fd, const struct loopback *at);

/* The port of our side of a connection; 0: it is none of a loopback port. */
unsigned loopback_port_of(int fd);

#endif
