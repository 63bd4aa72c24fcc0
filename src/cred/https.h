/* cred/https.h - one request to a provider, over TLS that is verified.
 *
 * By libcurl, which is loaded when this is first called, in a child that a deadline kills:
 * neither waits in the loop, and what the library leaves behind in memory dies with the
 * child; unless what comes is to be kept whatever becomes of us.  https only, no redirect is followed, at most HTTPS_BODY_MAX octets of an answer;
 * without a proxy of its own the usual variables (https_proxy, all_proxy, no_proxy) count as
 * process.h has kept them.
 */
#ifndef CRED_HTTPS_H
#define CRED_HTTPS_H

#include "base/buf.h"
#include "base/err.h"
#include "net/loop.h"

enum { HTTPS_BODY_MAX = 64 * 1024, HTTPS_SECONDS = 20, HTTPS_NOTED = 360 };

struct https_answer;
/* In the child, once, before it tells: what came, or a NULL and what failed.  -1: *e, without
 * a cause, is told instead; 0: where the text of *e was set, it is told with the answer.  The
 * child holds `lock` then, is not killed, and ends by itself. */
typedef int https_keep(void *context, const struct https_answer *a, struct err *e);

struct https_request {
	const char *url;
	const struct buf *body;      /* borrowed for the call; a form; NULL: GET */
	const char *authorization;   /* value of that header, borrowed for the call; NULL */
	const char *ca_file;         /* NULL: the system's roots */
	const char *proxy;           /* as net/proxy.h reads it, borrowed for the call; NULL: the usual
	                              * variables count */
	https_keep *keep;            /* with the context of done; NULL: nothing is kept */
	int lock;                    /* borrowed for the call; where there is `keep` */
	unsigned keep_seconds;       /* that `keep` may take; 0: no time at all */
};

struct https_answer {
	int  status;                 /* 200, 400, ...; as it came */
	long retry_after;            /* seconds, at most a day; 0: not said */
	struct buf body;             /* own; raw; wiped by https_answer_release() */
	char noted[HTTPS_NOTED];     /* what `keep` had to say besides; "" */
};

struct https;
/* Called once.  a NULL: ERR_NAME, ERR_NAME_AGAIN, ERR_CONNECT, ERR_TIMEOUT, ERR_CERT, ERR_TLS,
 * ERR_LOST, ERR_PROTOCOL (too long); ERR_SYSTEM: libcurl is missing (its package is named), with
 * the cause "library-missing";
 * ERR_CONFIG: not an https URL, a CA file that cannot be used.  Gone after the call; what is
 * to stay is taken. */
typedef void https_done(void *context, struct https_answer *a, struct err *e);

/* May call done before it returns (and then returns NULL).  deadline: clock_ms() time;
 * LOOP_NEVER: HTTPS_SECONDS from now. */
struct https *https_start(struct loop *l, const struct https_request *r, uint64_t deadline,
	https_done *done, void *context);
void https_free(struct https **hp);   /* at any time; kills a child that keeps nothing */
void https_answer_release(struct https_answer *a);

#endif
