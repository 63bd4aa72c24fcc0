/* net/reach.h - the way to a server: straight, through a proxy, or by a command.
 *
 * Straight is net/dial.  Through a proxy (net/proxy.h) it is net/dial to the proxy, which is
 * then asked for the server by its name: that is not looked up here.  A command runs as
 * base/child.h says it, and its stdin and stdout are the connection.
 *
 * What comes out is a connected socket, on which the server's first octet is the next one.
 */
#ifndef NET_REACH_H
#define NET_REACH_H

#include "base/mask.h"
#include "net/dial.h"

/* Settings that contradict each other, or cannot be understood.  -1: ERR_CONFIG, and *key is
 * the name of one of them. */
int reach_settings_check(const struct net_settings *set, const char **key, struct err *e);

struct reach;
/* As dial_start(), and beyond what that reports: ERR_CONNECT, ERR_TIMEOUT with the causes of
 * proxies; ERR_SYSTEM: no process for the command.  hidden: variables that the command does
 * not get; NULL-terminated, or NULL. */
struct reach *reach_start(struct loop *l, const struct net_settings *set, const char *const *hidden,
	uint64_t deadline, dial_done *done, void *context);
/* At any time; also the end of the command, with its children.  The socket, once it was
 * handed over, is closed before, so that a command may end by itself. */
void reach_free(struct reach **rp);

/* As dial_trail(). */
const struct dial_trail *reach_trail(struct reach *r);

/* The connection broke (heard: not before the server had said something).  True: it was a
 * command that did so; see net/tunnel.h. */
bool reach_broken(struct reach *r, bool heard, const struct mask *mask, struct err *e);

/* What a log calls the other end: as dial_peer_text(), or what the way leads through. */
void reach_peer_text(const struct reach *r, int fd, char *out, size_t size);

#endif
