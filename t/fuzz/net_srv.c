/* t/fuzz/net_srv.c - any octets as the answer to a question for SRV records.
 *
 * It comes to an end, and what is taken are names of hosts, in order, each once; a
 * message that is refused has added nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void check_target(const struct srv_target *t)
{
	struct sockaddr_storage ignored;
	size_t len = strnlen(t->host, sizeof(t->host));

	must(len > 2 && len < sizeof(t->host) && strchr(t->host, '.'));
	must(strspn(t->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		len && !strstr(t->host, ".."));
	must(t->port > 0 && t->port < 65536 && !name_address(t->host, &ignored));
}

static void check_order(const struct srv_target *a, const struct srv_target *b)
{
	must(a->implicit >= b->implicit);
	if (a->implicit != b->implicit)
		return;
	must(a->priority <= b->priority && (a->priority < b->priority || a->weight >= b->weight));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srv_list list = { .count = 0 };
	int good;

	good = srv_read(data, size, "example.com", false, &list);
	must(good == 0 || (!list.count && !list.refused));
	must(srv_read(data, size, "example.com", true, &list) == good);
	must(list.count <= SRV_MOST);
	for (unsigned i = 0; i < list.count; i++) {
		check_target(&list.items[i]);
		if (i)
			check_order(&list.items[i - 1], &list.items[i]);
	}
	return 0;
}
