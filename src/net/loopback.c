/* net/loopback.c - ports of this machine; see loopback.h. */
#include "net/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum { FIRST_FREE = 1024, PORT_MOST = 65535, DIGITS_MOST = 5 };

static struct sockaddr_in *v4_of(struct loopback *l)
{
	return (struct sockaddr_in *)&l->address;
}

static struct sockaddr_in6 *v6_of(struct loopback *l)
{
	return (struct sockaddr_in6 *)&l->address;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->ss_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
	}
	memcpy(&v6, address, sizeof(v6));
	return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static unsigned port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memcpy(&v4, address, sizeof(v4));
	memcpy(&v6, address, sizeof(v6));
	return ntohs(address->ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

/* 0: it is none. */
static unsigned read_port(const char *text)
{
	size_t len = strlen(text);
	unsigned long port;

	if (!len || len > DIGITS_MOST || strspn(text, "0123456789") != len)
		return 0;
	port = strtoul(text, NULL, 10);
	return port <= PORT_MOST ? (unsigned)port : 0;
}

static bool read_address(const char *text, size_t len, unsigned port, struct loopback *out)
{
	char host[INET6_ADDRSTRLEN + 1] = "";
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

	text += bracketed;
	len -= bracketed ? 2 : 0;
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	if (bracketed) {
		v6_of(out)->sin6_family = AF_INET6;
		v6_of(out)->sin6_port = htons((uint16_t)port);
		out->len = sizeof(struct sockaddr_in6);
		return inet_pton(AF_INET6, host, &v6_of(out)->sin6_addr) == 1;
	}
	v4_of(out)->sin_family = AF_INET;
	v4_of(out)->sin_port = htons((uint16_t)port);
	out->len = sizeof(struct sockaddr_in);
	return inet_pton(AF_INET, host, &v4_of(out)->sin_addr) == 1;
}

int loopback_parse(const char *text, struct loopback *out, struct err *e)
{
	const char *colon = strrchr(text, ':');
	unsigned port = colon ? read_port(colon + 1) : 0;
	char shown[80];

	memset(out, 0, sizeof(*out));
	text_clean_to(shown, sizeof(shown), text, strlen(text));
	if (!port || !read_address(text, (size_t)(colon - text), port, out)) {
		err_set(e, ERR_CONFIG, "'%s' is not an address with a port", shown);
		return err_hint(e, "write it as in: listen = 127.0.0.1:2525, [::1]:2525");
	}
	if (is_loopback(&out->address))
		return 0;
	err_set(e, ERR_CONFIG, "'%s' can be reached by other machines, for which nothing is relayed",
		shown);
	return err_hint(e, "use a loopback address: 127.0.0.1 or [::1]");
}

int loopback_listen(const struct loopback *at, struct err *e)
{
	const int on = 1;
	int fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int number;

	if (fd >= 0) {
		/* Connections that have just ended are in nobody's way. */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (at->address.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		if (bind(fd, (const struct sockaddr *)&at->address, at->len) == 0 &&
		    listen(fd, SOMAXCONN) == 0)
			return fd;
	}
	number = errno;
	if (fd >= 0)
		close(fd);
	err_sys(e, ERR_SYSTEM, number, "cannot listen on port %u", port_of(&at->address));
	if (number == EACCES && port_of(&at->address) < FIRST_FREE)
		err_hint(e, "ports below 1024 are root's: let systemd open it (sendoff-runner(8)), "
			"or take another");
	return -1;
}

static bool is_same(const struct sockaddr_storage *a, const struct loopback *b)
{
	struct loopback mine = { .len = 0 }, other = *b;

	mine.address = *a;
	if (a->ss_family != b->address.ss_family || port_of(a) != port_of(&b->address))
		return false;
	return a->ss_family == AF_INET ?
		v4_of(&mine)->sin_addr.s_addr == v4_of(&other)->sin_addr.s_addr :
		!memcmp(&v6_of(&mine)->sin6_addr, &v6_of(&other)->sin6_addr, sizeof(struct in6_addr));
}

bool loopback_listens(int fd, const struct loopback *at)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(own), size = sizeof(int);
	int listening = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening &&
		getsockname(fd, (struct sockaddr *)&own, &len) == 0 && is_same(&own, at);
}

unsigned loopback_port_of(int fd)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0 || !is_loopback(&own))
		return 0;
	return port_of(&own);
}
