/* t/unit/net_network.c - the network comes and goes, in a namespace of the test's
 * own; skipped where that cannot be made. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <fcntl.h>

#include "base/clock.h"
#include "net/network.h"

static struct loop loop;
static int changes;

static void on_change(void *context)
{
	check(context == &changes, "the context is handed on");
	changes++;
}

static void on_limit(struct watch *w, short revents)
{
	(void)w;
	(void)revents;
	loop_stop(&loop);
}

/* How many changes are told within that time. */
static int changes_in(unsigned ms)
{
	struct watch limit = { .fd = -1, .run = on_limit, .deadline = clock_ms() + ms };

	changes = 0;
	loop_add(&loop, &limit);
	loop_run(&loop);
	loop_remove(&loop, &limit);
	return changes;
}

/* ---- what an administrator does with ip(8) */

static int inet = -1;

static void set_address(struct ifreq *request, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&request->ifr_addr, &in, sizeof(in));
}

static bool link_set(const char *name, bool up)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(inet, SIOCGIFFLAGS, &request) < 0)
		return false;
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	return ioctl(inet, SIOCSIFFLAGS, &request) == 0;
}

static bool address_set(const char *name, const char *address)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	set_address(&request, address);
	return ioctl(inet, SIOCSIFADDR, &request) == 0;
}

static bool default_route(const char *gateway, unsigned long command)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };

	memcpy(&route.rt_dst, &in, sizeof(in));
	memcpy(&route.rt_genmask, &in, sizeof(in));
	inet_pton(AF_INET, gateway, &in.sin_addr);
	memcpy(&route.rt_gateway, &in, sizeof(in));
	return ioctl(inet, command, &route) == 0;
}

static void test_changes(void)
{
	struct err e = { 0 };
	struct network *n = network_watch(&loop, on_change, &changes, &e);
	uint64_t start;

	check(n != NULL, "the kernel tells: %s", e.text);
	check(link_set("lo", true), "loopback comes up");
	check_int(changes_in(1200), 0, "which is no network");
	start = clock_ms();
	check(address_set("lo", "192.0.2.1"), "an address comes");
	check_int(changes_in(1200), 1, "told once");
	check(clock_ms() - start >= 1000, "a second later");
	check(address_set("lo:1", "192.0.2.9") && address_set("lo:2", "192.0.2.10") &&
		address_set("lo:3", "192.0.2.11"), "three come");
	check_int(changes_in(1200), 1, "told once together");
	check(default_route("192.0.2.9", SIOCADDRT), "a default route comes");
	check_int(changes_in(1200), 1, "told");
	check(default_route("192.0.2.9", SIOCDELRT), "it goes");
	check_int(changes_in(1200), 0, "not told");
	check(default_route("192.0.2.9", SIOCADDRT), "it comes again");
	check_int(changes_in(1200), 1, "told again");
	network_free(&n);
	check(!n, "freed");
}

/* A tap's carrier is there while somebody has it open. */
static void test_carrier(void)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct err e = { 0 };
	struct network *n;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "cable");
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0 || ioctl(tap, TUNSETPERSIST, 1) < 0) {
		check(true, "# SKIP no tap here");
		return;
	}
	check(address_set("cable", "198.51.100.1") && link_set("cable", true), "a cable is in");
	n = network_watch(&loop, on_change, &changes, &e);
	close(tap);
	check_int(changes_in(1200), 0, "pulled out: not told");
	tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	check(ioctl(tap, TUNSETIFF, &request) == 0, "and put in again");
	check_int(changes_in(2500), 1, "told, although its address never went");
	network_free(&n);
	close(tap);
}

int main(void)
{
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		check(true, "# SKIP no network namespace to be had");
		return tap_done();
	}
	inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loop_init(&loop);
	test_changes();
	test_carrier();
	loop_release(&loop);
	close(inet);
	return tap_done();
}
