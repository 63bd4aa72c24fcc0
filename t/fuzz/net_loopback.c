/* t/fuzz/net_loopback.c - any text as a loopback port.
 *
 * What is taken can be reached by this machine alone; what is not says why.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/loopback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_taken(const struct loopback *l)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memcpy(&v4, &l->address, sizeof(v4));
	memcpy(&v6, &l->address, sizeof(v6));
	if (l->address.ss_family == AF_INET)
		must(l->len == sizeof(v4) && ntohl(v4.sin_addr.s_addr) >> 24 == 127 && v4.sin_port);
	else
		must(l->address.ss_family == AF_INET6 && l->len == sizeof(v6) &&
			IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) && v6.sin6_port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy((const char *)data, size);
	struct loopback l;
	struct err e = { 0 };

	if (loopback_parse(text, &l, &e) == 0)
		check_taken(&l);
	else
		must(e.kind == ERR_CONFIG && e.text[0] && e.hint[0]);
	free(text);
	return 0;
}
