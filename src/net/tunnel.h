/* net/tunnel.h - a command that leads to a server: its stdin and stdout are the connection.
 *
 * It runs as base/child.h says it (child_talk).  Of what it writes to stderr the end is kept,
 * for who is told why it failed.
 */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/mask.h"
#include "net/loop.h"

struct tunnel;
/* *fd is the connection, non-blocking, the caller's.  hidden: variables that it does not get;
 * NULL-terminated, or NULL.  NULL: ERR_SYSTEM. */
struct tunnel *tunnel_start(struct loop *l, const char *text, const char *const *hidden, int *fd,
	struct err *e);
/* The end of it and of its process group; the connection is closed before.  It has 400 ms for
 * that, in which the loop stands still. */
void tunnel_free(struct tunnel **cp);

/* The connection has come to its end.  True: *e, ERR_CONNECT, says that it was the command
 * that failed, and how: by its exit status, a signal, or, where the server was not heard
 * before, by ending at all; with the last line that it wrote to stderr, but for what the mask
 * hides; mask NULL: that may not be shown.
 * Waits for its end, but not long. */
bool tunnel_failed(struct tunnel *c, bool heard, const struct mask *mask, struct err *e);

#endif
