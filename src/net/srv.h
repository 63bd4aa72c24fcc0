/* net/srv.h - which servers a domain names for submission: SRV records (RFC 6186,
 * RFC 8314 section 5.1).
 *
 * For setting an account up only, not for each connection (RFC 8314): whoever answers
 * for DNS could otherwise lead a password anywhere.  The records are not signed, so a
 * target outside the domain (`foreign`) is for the user to accept.
 */
#ifndef NET_SRV_H
#define NET_SRV_H

#include "net/loop.h"
#include "net/name.h"

enum { SRV_MOST = 16 };      /* targets kept */

struct srv_target {
	char host[NAME_MAX_OCTETS];
	unsigned port;
	unsigned priority, weight;
	bool implicit;           /* _submissions: TLS from the first octet; else STARTTLS */
	bool foreign;            /* neither the domain itself nor below it */
};

struct srv_list {
	struct srv_target items[SRV_MOST];   /* the best first */
	unsigned count;
	bool refused;            /* a record says that there is no such service */
};

struct srv;
/* found has at least one target; NULL: ERR_NAME: the domain names none, ERR_NAME_AGAIN:
 * nobody answered, and *e says why. */
typedef void srv_done(void *context, const struct srv_list *found, struct err *e);

/* May call done before it returns (and then returns NULL).  deadline: clock_ms() time. */
struct srv *srv_start(struct loop *l, const char *domain, uint64_t deadline, srv_done *done,
	void *context);
void srv_free(struct srv **sp);

/* Pure: adds the SRV records of one DNS message (RFC 1035 section 4) to the list, which
 * stays in order.  domain is in ASCII.  Targets that are no names of hosts are passed
 * over.  -1: it is no such message; then nothing was added. */
int  srv_read(const unsigned char *message, size_t len, const char *domain, bool implicit,
	struct srv_list *list);

#endif
