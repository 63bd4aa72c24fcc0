/* cred/kerberos.h - our side of a login by Kerberos ticket: GSSAPI (RFC 4752).
 *
 * Looking for a ticket and asking a KDC for one block, so a child does it, which is killed at
 * its deadline: a challenge goes in, a response comes out, each with a bound.  It is started
 * with the first of them, and what Kerberos' library holds dies with it.  No security layer is
 * asked for: TLS is one already.
 */
#ifndef CRED_KERBEROS_H
#define CRED_KERBEROS_H

#include <stdint.h>

#include "base/err.h"
#include "net/loop.h"

enum { KERBEROS_CHALLENGE_MAX = 32 * 1024, KERBEROS_RESPONSE_MAX = 24 * 1024,
	KERBEROS_NAME_MAX = 256 };   /* octets */

/* Whether Kerberos can know a server by this name.  -1: ERR_CONFIG: an address, a path. */
int kerberos_check_host(const char *host, struct err *e);

/* What is known once the first response is there; "" and 0 before. */
struct kerberos_facts {
	char principal[KERBEROS_NAME_MAX];   /* whose ticket, cleaned: "me@EXAMPLE.COM" */
	char service[KERBEROS_NAME_MAX];     /* for whom: "smtp/mx.example.com@EXAMPLE.COM" */
	uint32_t seconds;                    /* that the ticket is still good */
};

struct kerberos_response {
	const char *data;   /* gone after the call */
	size_t len;
	bool last;          /* the server has proved who it is; there is no more to say */
};

/* From the loop, once for each challenge, never inside kerberos_ask().  r NULL: ERR_SECRET,
 * ERR_TIMEOUT or ERR_LOGIN with a cause of "kerberos-...", in the words of Kerberos' library;
 * ERR_SYSTEM: it is missing ("library-missing"), or no child could be started.  Nothing more
 * can be asked then. */
typedef void kerberos_done(void *context, const struct kerberos_response *r, struct err *e);

struct kerberos;
/* The service is that of the protocol, "smtp" or "lmtp", at host.  authzid: whom to act as; NULL:
 * the ticket's owner.  Never fails. */
struct kerberos *kerberos_new(struct loop *l, const char *service, const char *host, const char *authzid,
	kerberos_done *done, void *context);
/* challenge: at most KERBEROS_CHALLENGE_MAX octets, copied.  deadline: clock_ms() time. */
void kerberos_ask(struct kerberos *k, const char *challenge, size_t len, uint64_t deadline);
const struct kerberos_facts *kerberos_facts(const struct kerberos *k);
void kerberos_free(struct kerberos **kp);   /* at any time; kills the child */

#endif
