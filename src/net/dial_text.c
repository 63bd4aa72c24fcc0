/* net/dial_text.c - both ends of a connection, as text; see dial.h. */
#include "net/dial.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"

void dial_address_text(const struct sockaddr_storage *a, char *out, size_t size)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	out[0] = '\0';
	if (a->ss_family == AF_INET) {
		memcpy(&v4, a, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, out, (socklen_t)size);
	} else if (a->ss_family == AF_INET6) {
		memcpy(&v6, a, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], out, (socklen_t)size);
		else
			inet_ntop(AF_INET6, &v6.sin6_addr, out, (socklen_t)size);
	}
}

void dial_peer_text(int fd, char *out, size_t size)
{
	struct sockaddr_storage a;
	struct sockaddr_un path;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (size)
		out[0] = '\0';
	if (!size || getpeername(fd, (struct sockaddr *)&a, &len))
		return;
	if (a.ss_family != AF_UNIX) {
		dial_address_text(&a, out, size);
		return;
	}
	memcpy(&path, &a, sizeof(path));
	text_clean_to(out, size, path.sun_path, strnlen(path.sun_path, sizeof(path.sun_path)));
}

void dial_own_literal(int fd, char *out, size_t size)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "";

	memset(&a, 0, sizeof(a));
	if (!getsockname(fd, (struct sockaddr *)&a, &len))
		dial_address_text(&a, text, sizeof(text));
	if (!text[0])   /* without an address of this kind the other end is this machine */
		snprintf(out, size, "localhost");
	else
		snprintf(out, size, strchr(text, ':') ? "[IPv6:%s]" : "[%s]", text);
}
