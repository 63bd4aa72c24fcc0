/* t/unit/dns_rig.h - DNS messages, right and wrong, written octet by octet. */
#ifndef T_UNIT_DNS_RIG_H
#define T_UNIT_DNS_RIG_H

#include <stddef.h>
#include <string.h>

enum { DNS_MAX = 4096, DNS_OK = 0x8180, DNS_SERVFAIL = 0x8182, DNS_NXDOMAIN = 0x8183 };

struct dns {
	unsigned char data[DNS_MAX];
	size_t len;
};

static inline void dns_octet(struct dns *m, unsigned value)
{
	if (m->len < sizeof(m->data))
		m->data[m->len++] = (unsigned char)value;
}

static inline void dns_number(struct dns *m, unsigned value)
{
	dns_octet(m, value >> 8);
	dns_octet(m, value & 0xff);
}

/* "mx.example.com"; "" is the root. */
static inline void dns_name(struct dns *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		dns_octet(m, (unsigned)n);
		for (size_t i = 0; i < n; i++)
			dns_octet(m, (unsigned char)name[i]);
		name += n + (name[n] == '.');
	}
	dns_octet(m, 0);
}

static inline void dns_begin(struct dns *m, unsigned flags, const char *question, unsigned answers)
{
	m->len = 0;
	dns_number(m, 0x1234);
	dns_number(m, flags);
	dns_number(m, question ? 1 : 0);
	dns_number(m, answers);
	dns_number(m, 0);
	dns_number(m, 0);
	if (!question)
		return;
	dns_name(m, question);
	dns_number(m, 33);
	dns_number(m, 1);
}

/* The head of a record whose name is a pointer to octet 12, the question's. */
static inline void dns_record(struct dns *m, unsigned type, unsigned size)
{
	dns_number(m, 0xc00c);
	dns_number(m, type);
	dns_number(m, 1);
	dns_number(m, 0);
	dns_number(m, 300);
	dns_number(m, size);
}

static inline void dns_srv(struct dns *m, unsigned priority, unsigned weight, unsigned port,
	const char *target)
{
	dns_record(m, 33, 6 + (*target ? (unsigned)strlen(target) + 2 : 1));
	dns_number(m, priority);
	dns_number(m, weight);
	dns_number(m, port);
	dns_name(m, target);
}

#endif
