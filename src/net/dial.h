/* net/dial.h - from a name and a port to a connected socket.
 *
 * Resolves without blocking (numeric hosts and /etc/hosts at once, all else in
 * a child that the deadline kills) and connects as RFC 8305 says: addresses of
 * both families in turn, the next one 250 ms behind the last or as soon as it
 * fails; the first that connects wins, the others are closed.  A host that is an
 * absolute path is a stream socket there; port and family do not matter to it.
 * From a source address only addresses of its family are tried.  Proxies and commands are
 * net/reach's.
 *
 * All that was tried is kept as a trail (net/trail.h), for who asks what happened.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/key.h"
#include "base/secret.h"
#include "net/loop.h"
#include "net/trail.h"

enum net_family { NET_ANY, NET_IPV4, NET_IPV6 };

struct net_settings {
	struct secret proxy;     /* own; a URL, net/proxy.h; data NULL: none */
	char *command;           /* own; connect_command; NULL: none */
	char *source;            /* own; source_address; NULL: any */
	char *host;              /* own; a name (UTF-8 names by IDNA), an address, also "[::1]", or
	                          * the path of a socket */
	long  port;              /* 0: by the TLS mode (deliver/account decides) */
	int   family;            /* enum net_family */
	long  connect_timeout;   /* ms; name, connect and TLS together */
	long  timeout;           /* ms; each reply */
	long  final_timeout;     /* ms; the answer to the content */
};
extern const struct key net_keys[];   /* host, port, family, source_address, proxy, connect_command,
                                       * connect_timeout, timeout, final_timeout */

struct dial;
/* Called once, and from the loop only: fd >= 0 (non-blocking, close-on-exec, TCP_NODELAY; now the
 * caller's), or -1 with *e: ERR_NAME, ERR_NAME_AGAIN, ERR_CONNECT (each address
 * with its own reason), ERR_TIMEOUT, ERR_SYSTEM; ERR_CONFIG: a path that is too long, a source
 * address that is none.
 * sys_errno tells what a socket in the file system lacks: ENOENT, ECONNREFUSED (nobody
 * listens), EAGAIN (too many wait). */
typedef void dial_done(void *context, int fd, struct err *e);

struct dial *dial_start(struct loop *l, const struct net_settings *set, uint64_t deadline,
	dial_done *done, void *context);
/* The same for addresses that are known already, with their ports; resolve.h. */
struct resolved;
struct dial *dial_start_at(struct loop *l, const struct net_settings *set,
	const struct resolved *found, uint64_t deadline, dial_done *done, void *context);
void dial_free(struct dial **dp);   /* may be called at any time; cancels */

/* Valid until dial_free(); at its end when done() is called. */
const struct dial_trail *dial_trail(const struct dial *d);

/* "192.0.2.1", "2001:db8::1"; "" for another family. */
void dial_address_text(const struct sockaddr_storage *a, char *out, size_t size);
/* The address that was connected, as text "192.0.2.1", "2001:db8::1" or "/path". */
void dial_peer_text(int fd, char *out, size_t size);
/* The own address of a connected socket as an EHLO address literal,
 * "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3); "localhost" where
 * it has none. */
void dial_own_literal(int fd, char *out, size_t size);

#endif
