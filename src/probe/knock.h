/* probe/knock.h - what answers at a port, found out without any secret.
 *
 * A knock is one connection in one mode: it reads the greeting, says EHLO, changes
 * to TLS where the mode asks for that, says EHLO again and QUIT.  Never AUTH, never
 * MAIL; any certificate is let in, since nothing is told to it, and is judged
 * afterwards.  Many of them stand side by side in one loop.
 *
 * In SMTP_TLS_IMPLICIT mode a hello of TLS is the first thing that the server hears:
 * that is no way to treat port 25, where servers take offence at who speaks first.
 */
#ifndef PROBE_KNOCK_H
#define PROBE_KNOCK_H

#include "net/dial.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/trail.h"
#include "smtp/engine.h"

enum knock_found {
	KNOCK_NO_NAME,       /* the host has no address */
	KNOCK_CLOSED,        /* connection refused */
	KNOCK_FILTERED,      /* no answer to the connection at all */
	KNOCK_UNREACHABLE,   /* the network says that it is not to be had */
	KNOCK_SILENT,        /* connected, and nothing is said */
	KNOCK_HUNG_UP,       /* connected, and closed without a word */
	KNOCK_SMTP,
	KNOCK_TLS,           /* TLS, and nothing readable inside it */
	KNOCK_HTTP, KNOCK_IMAP, KNOCK_POP3, KNOCK_SSH, KNOCK_FTP,
	KNOCK_OTHER          /* it speaks, and none of these */
};
const char *knock_name(enum knock_found found);   /* "closed", "smtp", ... */

/* Pure: what begins so.  KNOCK_SILENT: too little to tell. */
enum knock_found knock_kind(const char *data, size_t len);

struct knock_plan {
	const char *host;                 /* the server's name: for TLS, and to connect to */
	const char *address;              /* connect here instead; NULL */
	const struct net_settings *way;   /* how to get there: family, source, proxy; no
	                                   * command; NULL: straight */
	unsigned port;
	int mode;                         /* enum smtp_tls, not UNSET */
	const char *ehlo;                 /* NULL: the own address */
	const struct tls_settings *tls;   /* what the certificate is judged by */
	const struct tls_trust *trust;    /* NULL: not judged */
	uint64_t deadline;                /* of the whole; clock_ms() time */
};

struct knock_answer {
	enum knock_found found;           /* inside TLS where tls is set */
	unsigned port;
	int  mode;
	char text[320];                   /* how it greeted, cleaned; "" */
	int  code;                        /* of the greeting; 0: it was none of SMTP */
	bool starttls;                    /* offered in clear */
	bool tls;                         /* a handshake came about */
	bool trusted;                     /* with a certificate that would be taken */
	bool speaks;                      /* EHLO was answered in this mode, so encrypted where
	                                   * the mode says that */
	char auth_clear[1024];            /* mechanisms offered before TLS */
	char auth[1024];                  /* and where the mode ends */
	struct tls_facts facts;           /* version "": none */
	struct err trouble;               /* what stopped it, or is wrong with the certificate;
	                                   * kind ERR_NONE: nothing */
	struct dial_trail trail;
	int64_t ms;                       /* from the start to the end */
};

/* An account with this port and mode would get as far as its login. */
bool knock_works(const struct knock_answer *a);

struct knock;
/* Called once, from the loop only; k may be freed in it.  a is valid until then. */
typedef void knock_done(void *context, const struct knock_answer *a);

/* What plan points to is borrowed until knock_free(), plan itself is not. */
struct knock *knock_start(struct loop *l, const struct knock_plan *plan, knock_done *done,
	void *context);
void knock_free(struct knock **kp);   /* at any time; cancels */

#endif
