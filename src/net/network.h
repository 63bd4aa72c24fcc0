/* net/network.h - tells when the network has come back.
 *
 * Listens to the kernel (rtnetlink: links, addresses and routes).  Where that
 * is not to be had, it says so once, and the timer alone has to do.
 */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "base/err.h"
#include "net/loop.h"

struct network;

/* changed() is called when a usable address or a default route has come, at most
 * once a second, the first time one second behind the change.  NULL with *e:
 * ERR_SYSTEM. */
struct network *network_watch(struct loop *l, void (*changed)(void *context), void *context,
	struct err *e);
void network_free(struct network **np);

#endif
