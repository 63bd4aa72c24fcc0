/* net/network.c - the kernel's news of links, addresses and routes; see network.h.
 *
 * Only what comes counts.  The kernel repeats itself (each router advertisement
 * renews its addresses), so what was there already is remembered; a link says
 * only what it is now, so one that was down is remembered too.
 */
#include "net/network.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/clock.h"
#include "base/mem.h"

enum { FACTS_MAX = 128, PAUSE_MS = 1000, ADDRESS_MAX = 16, PIECE = 16384 };

/* An address or a default route that is there, or a link that is down. */
struct fact {
	uint16_t kind;               /* RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWLINK */
	unsigned char family, table;
	uint32_t link;
	unsigned char address[ADDRESS_MAX];   /* or the gateway */
};

struct network {
	struct loop *loop;
	struct watch watch;
	void (*changed)(void *context);
	void *context;
	struct fact facts[FACTS_MAX];   /* the oldest first */
	size_t count;
};

static void note_change(struct network *n)
{
	if (n->watch.deadline == LOOP_NEVER)
		n->watch.deadline = clock_ms() + PAUSE_MS;
}

static size_t find(const struct network *n, const struct fact *f)
{
	size_t i = 0;

	while (i < n->count && memcmp(&n->facts[i], f, sizeof(*f)) != 0)
		i++;
	return i;
}

static void forget(struct network *n, size_t i)
{
	n->count--;
	memmove(&n->facts[i], &n->facts[i + 1], (n->count - i) * sizeof(n->facts[0]));
}

/* Returns whether it was news. */
static bool remember(struct network *n, const struct fact *f)
{
	if (find(n, f) < n->count)
		return false;
	if (n->count == FACTS_MAX)
		forget(n, 0);
	n->facts[n->count++] = *f;
	return true;
}

/* Whether it was known. */
static bool drop(struct network *n, const struct fact *f)
{
	size_t i = find(n, f);

	if (i == n->count)
		return false;
	forget(n, i);
	return true;
}

/* ---- messages.  data and len are what stands behind the header. */

static void find_attribute(const char *data, size_t len, uint16_t type, void *to, size_t size)
{
	while (len >= sizeof(struct rtattr)) {
		struct rtattr head;
		size_t whole;

		memcpy(&head, data, sizeof(head));
		if (head.rta_len < sizeof(head) || head.rta_len > len)
			return;
		if ((head.rta_type & NLA_TYPE_MASK) == type) {
			whole = head.rta_len - sizeof(head);
			memcpy(to, data + sizeof(head), whole < size ? whole : size);
		}
		whole = RTA_ALIGN(head.rta_len);
		if (whole > len)
			return;
		data += whole;
		len -= whole;
	}
}

static void take_link(struct network *n, const char *data, size_t len)
{
	struct fact down = { .kind = RTM_NEWLINK };
	struct ifinfomsg link;

	if (len < sizeof(link))
		return;
	memcpy(&link, data, sizeof(link));
	down.link = (uint32_t)link.ifi_index;
	if (!(link.ifi_flags & IFF_RUNNING))
		remember(n, &down);
	else if (drop(n, &down) && !(link.ifi_flags & IFF_LOOPBACK))
		note_change(n);
}

static void take_address(struct network *n, bool came, const char *data, size_t len)
{
	struct fact f = { .kind = RTM_NEWADDR };
	struct ifaddrmsg address;

	if (len < sizeof(address))
		return;
	memcpy(&address, data, sizeof(address));
	/* One that is still being checked for a double is told again when it is good. */
	if (address.ifa_scope >= RT_SCOPE_LINK || address.ifa_flags & IFA_F_TENTATIVE)
		return;
	f.family = address.ifa_family;
	f.link = address.ifa_index;
	find_attribute(data + NLMSG_ALIGN(sizeof(address)), len - NLMSG_ALIGN(sizeof(address)),
		IFA_ADDRESS, f.address, sizeof(f.address));
	if (!came)
		drop(n, &f);
	else if (remember(n, &f))
		note_change(n);
}

static void take_route(struct network *n, bool came, const char *data, size_t len)
{
	struct fact f = { .kind = RTM_NEWROUTE };
	struct rtmsg route;

	if (len < sizeof(route))
		return;
	memcpy(&route, data, sizeof(route));
	if (route.rtm_dst_len || route.rtm_type != RTN_UNICAST)
		return;
	data += NLMSG_ALIGN(sizeof(route));
	len -= NLMSG_ALIGN(sizeof(route));
	f.family = route.rtm_family;
	f.table = route.rtm_table;
	find_attribute(data, len, RTA_OIF, &f.link, sizeof(f.link));
	find_attribute(data, len, RTA_GATEWAY, f.address, sizeof(f.address));
	if (!came)
		drop(n, &f);
	else if (remember(n, &f))
		note_change(n);
}

static void take_message(struct network *n, uint16_t type, const char *data, size_t len)
{
	switch (type) {
	case RTM_NEWLINK:
		take_link(n, data, len);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		take_address(n, type == RTM_NEWADDR, data, len);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		take_route(n, type == RTM_NEWROUTE, data, len);
		break;
	default:
		break;
	}
}

static void take_messages(struct network *n, const char *data, size_t len)
{
	while (len >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr head;
		size_t whole;

		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > len)
			return;
		take_message(n, head.nlmsg_type, data + NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN);
		whole = NLMSG_ALIGN(head.nlmsg_len);
		if (whole > len)
			return;
		data += whole;
		len -= whole;
	}
}

/* ---- the socket */

/* Anybody may send to a netlink socket: only number 0 is the kernel. */
static void read_news(struct network *n)
{
	char data[PIECE];

	for (int i = 0; i < 64; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(n->watch.fd, data, sizeof(data), MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_len);

		if (len >= 0 && from.nl_pid == 0)
			take_messages(n, data, (size_t)len);
		if (len >= 0 || errno == EINTR)
			continue;
		if (errno == ENOBUFS)
			note_change(n);   /* more than we could follow */
		else if (errno != EAGAIN)
			n->watch.events = 0;
		return;
	}
}

static void run(struct watch *w, short revents)
{
	struct network *n = w->owner;

	if (revents)
		read_news(n);
	else
		n->changed(n->context);
}

struct network *network_watch(struct loop *l, void (*changed)(void *context), void *context,
	struct err *e)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK |
		RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct network *n;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err_sys(e, ERR_SYSTEM, errno, "the kernel's news of the network cannot be had");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	n = mem_alloc(sizeof(*n));
	n->loop = l;
	n->changed = changed;
	n->context = context;
	n->watch = (struct watch){ .fd = fd, .events = POLLIN, .run = run, .owner = n };
	loop_add(l, &n->watch);
	return n;
}

void network_free(struct network **np)
{
	struct network *n = *np;

	*np = NULL;
	if (!n)
		return;
	loop_remove(n->loop, &n->watch);
	close(n->watch.fd);
	free(n);
}
