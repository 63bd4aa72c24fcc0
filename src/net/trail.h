/* net/trail.h - what became of each address of a server, for people to read.
 *
 * Holds nothing that must be freed: whoever wants to keep a trail copies it.
 */
#ifndef NET_TRAIL_H
#define NET_TRAIL_H

#include <netinet/in.h>
#include <stdint.h>

enum { TRAIL_MOST = 32 };   /* addresses of one name */
enum { TRAIL_THROUGH = 512 };

/* How the host became addresses. */
enum trail_way {
	WAY_GIVEN,      /* the caller had them already */
	WAY_ADDRESS,    /* the host is one itself */
	WAY_PATH,       /* the host is a socket in the file system */
	WAY_HOSTS,      /* /etc/hosts */
	WAY_SERVICE,    /* the system's name service; DNS as a rule */
	WAY_COMMAND     /* a command leads there: it has none */
};
const char *trail_way_name(enum trail_way way);   /* "given", "address", ... */

enum trail_end {
	TRY_NOT_BEGUN,  /* another address came first */
	TRY_UNDER_WAY,  /* only seen in a trail that is not at its end */
	TRY_CONNECTED,
	TRY_FAILED,     /* number says why */
	TRY_ABANDONED,  /* another one was connected meanwhile */
	TRY_LATE        /* no answer until the deadline of all */
};
const char *trail_end_name(enum trail_end end);   /* "not tried", "connected", ... */

struct trail_try {
	char address[INET6_ADDRSTRLEN];   /* "192.0.2.1"; "" for a path, which is the host */
	int  family;                      /* AF_INET, AF_INET6, AF_UNIX */
	unsigned port;
	enum trail_end end;
	int  number;                      /* errno, or 0 */
	int64_t ms;                       /* from its own beginning to its end; -1: has none */
};

struct dial_trail {
	char through[TRAIL_THROUGH];      /* "": none; "socks5://host:port", whose addresses these then
	                                   * are; "connect_command" */
	enum trail_way way;
	int64_t name_ms;                  /* what finding the addresses took; -1: not done */
	unsigned count;                   /* all addresses that the host has (up to TRAIL_MOST), in
	                                   * the order in which they are tried */
	struct trail_try tries[TRAIL_MOST];
	int winner;                       /* index of the address that is used; -1: none */
};

#endif
