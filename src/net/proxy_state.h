/* net/proxy_state.h - what the files of a talk with a proxy share; see proxy.h.
 *
 * proxy.c        what the user wrote of the proxy
 * proxy_talk.c   what both kinds have in common
 * proxy_socks.c  SOCKS5
 * proxy_http.c   CONNECT
 */
#ifndef NET_PROXY_STATE_H
#define NET_PROXY_STATE_H

#include "base/buf.h"
#include "net/proxy.h"

enum {
	PROXY_HEAD_MAX = 16 * 1024,   /* octets of all that an HTTP proxy answers */
	PROXY_LOGIN_MAX = 1024        /* octets of a user or password; SOCKS: 255 */
};

enum proxy_stage { PROXY_METHOD, PROXY_LOGIN, PROXY_ANSWER };

struct proxy_talk {
	const struct proxy *proxy;    /* borrowed */
	char host[NAME_MAX_OCTETS];
	unsigned port;
	enum proxy_stage stage;       /* what the next answer is to; HTTP has PROXY_ANSWER alone */
	bool heard;                   /* a whole answer of it, if not the last */
	struct buf out;               /* own; wiped */
	struct buf in;                /* own; the answer that is under way */
	size_t taken;                 /* octets of it in all */
};

void proxy_socks_begin(struct proxy_talk *t);
void proxy_http_begin(struct proxy_talk *t);

/* One more octet of the answer is in t->in. */
enum proxy_turn proxy_socks_step(struct proxy_talk *t, struct err *e);
enum proxy_turn proxy_http_step(struct proxy_talk *t, struct err *e);

/* "the proxy URL WORDS", with that cause; always PROXY_FAILED. */
enum proxy_turn proxy_refuse(const struct proxy_talk *t, struct err *e, const char *cause,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for "the proxy URL cannot reach HOST port PORT: WHY". */
enum proxy_turn proxy_no_way(const struct proxy_talk *t, struct err *e, const char *cause,
	const char *why);

#endif
