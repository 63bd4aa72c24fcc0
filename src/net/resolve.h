/* net/resolve.h - names to addresses, never blocking the caller.
 *
 * Numeric hosts and names in /etc/hosts are answered at once; everything else
 * is asked of getaddrinfo(3) in a child process.  Internal to net/dial.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/dial.h"

enum { RESOLVE_MOST = TRAIL_MOST };   /* addresses kept */

struct resolved {
	enum trail_way way;
	struct sockaddr_storage items[RESOLVE_MOST];
	socklen_t lengths[RESOLVE_MOST];
	unsigned count;
};

struct resolve;
/* found is NULL on failure, and *e says why. */
typedef void resolve_done(void *context, const struct resolved *found, struct err *e);

/* May call done before it returns (and then returns NULL). */
struct resolve *resolve_start(struct loop *l, const char *host, unsigned port, int family,
	resolve_done *done, void *context);
void resolve_free(struct resolve **rp);

/* Pure: addresses that the text of an /etc/hosts file gives for a name. */
void resolve_hosts(const char *text, size_t len, const char *host, unsigned port, int family,
	struct resolved *out);
/* Pure: RFC 8305 section 4, families in turn, the first one's first. */
void resolve_interleave(struct resolved *list);

#endif
