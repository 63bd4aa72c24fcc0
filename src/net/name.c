/* net/name.c - host names to A-labels, addresses told from names; see name.h. */
#include "net/name.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/idn.h"
#include "base/text.h"

static int refuse(const char *host, enum err_kind kind, const char *why, struct err *e)
{
	char shown[NAME_MAX_OCTETS];

	text_clean_to(shown, sizeof(shown), host, strlen(host));
	return err_set(e, kind, "host \"%s\" is not a host name: %s", shown, why);
}

/* Not gnutls_idna_map(): it drops underscores, which makes another domain. */
static int to_a_labels(const char *host, const char *name, char *out, enum err_kind kind,
	struct err *e)
{
	char *ascii = NULL;
	size_t len;
	int rc;

	if (!text_is_utf8(name, strlen(name)))
		return refuse(host, kind, "it is not UTF-8", e);
	if (idn_need(e) < 0) {
		e->kind = kind;
		return -1;
	}
	rc = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK)
		return refuse(host, kind, idn2_strerror(rc), e);
	len = strlen(ascii);
	if (len && len < NAME_MAX_OCTETS)
		memcpy(out, ascii, len + 1);
	idn2_free(ascii);
	return len && len < NAME_MAX_OCTETS ? 0 : refuse(host, kind, "it is too long", e);
}

int name_ascii(const char *host, char out[NAME_MAX_OCTETS], enum err_kind kind, struct err *e)
{
	size_t len = strlen(host);
	char name[4 * NAME_MAX_OCTETS];

	if (len > 2 && host[0] == '[' && host[len - 1] == ']')
		host++, len -= 2;
	if (len > 1 && host[len - 1] == '.')
		len--;
	if (!len || (len == 1 && host[0] == '.'))
		return refuse(host, kind, "it is empty", e);
	if (len >= sizeof(name))
		return refuse(host, kind, "it is too long", e);
	memcpy(name, host, len);
	name[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
			return refuse(host, kind, "it holds a blank or control character", e);
	if (!text_is_ascii(name, len))
		return to_a_labels(host, name, out, kind, e);
	if (len >= NAME_MAX_OCTETS)
		return refuse(host, kind, "it is too long", e);
	memcpy(out, name, len + 1);
	return 0;
}

/* RFC 4007 section 11: a zone behind "%", by name or number. */
static bool zone_index(const char *zone, uint32_t *index)
{
	unsigned found = if_nametoindex(zone);
	unsigned long number;
	char *end;

	if (found) {
		*index = found;
		return true;
	}
	number = strtoul(zone, &end, 10);
	if (end == zone || *end || zone[0] < '0' || zone[0] > '9' || number > UINT32_MAX)
		return false;
	*index = (uint32_t)number;
	return true;
}

socklen_t name_address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const char *zone = strchr(text, '%');
	size_t len = zone ? (size_t)(zone - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];

	memset(out, 0, sizeof(*out));
	if (len >= sizeof(address))
		return 0;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!zone && inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return 0;
	if (zone && !zone_index(zone + 1, &v6.sin6_scope_id))
		return 0;
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}
