/* net/proxy.h - a proxy asked for a way to a server: by SOCKS5 or by HTTP CONNECT.
 *
 * Pure: octets in, octets out (net/reach has the sockets).  The server's name goes to the
 * proxy as it is, so that names are looked up there which are known there alone.  SOCKS is
 * that of RFC 1928, its login by user and password that of RFC 1929; HTTP is RFC 9110
 * section 9.3.6 with the Basic login of RFC 7617.  Either login goes to the proxy in clear.
 *
 * What the proxy answers is bounded, and taken one octet at a time: behind its last octet
 * begins what the server says.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mask.h"
#include "base/secret.h"
#include "net/name.h"

enum proxy_kind { PROXY_SOCKS5, PROXY_HTTP };

struct proxy {
	enum proxy_kind kind;
	char host[NAME_MAX_OCTETS];     /* as it was written, without brackets */
	unsigned port;
	struct secret user, password;   /* own; data NULL: no login */
	char shown[2 * NAME_MAX_OCTETS];   /* "socks5://host:port", cleaned, never with a login */
};

/* "socks5://[user:password@]host[:port]", port 1080, also as socks5h://; or "http://...", port
 * 8080.  User and password may have octets as %HH, and must where they are one of ":/?#@%".
 * -1: ERR_CONFIG, which quotes nothing of it; *p is empty. */
int  proxy_parse(const char *url, struct proxy *p, struct err *e);
void proxy_release(struct proxy *p);

/* The password in it, so that it is overwritten in what is told of a proxy, and by one that
 * speaks in a server's place.  url NULL, or none that is understood: nothing. */
void proxy_hide(const char *url, struct mask *m);

struct proxy_talk;
/* host is an address or a name of A-labels (net/name.h) of less than NAME_MAX_OCTETS octets;
 * p is borrowed until proxy_talk_free(). */
struct proxy_talk *proxy_talk_new(const struct proxy *p, const char *host, unsigned port);
void proxy_talk_free(struct proxy_talk **tp);

/* What is to be written to the proxy next, until it is told that it was. */
const char *proxy_output(const struct proxy_talk *t, size_t *len);
void proxy_written(struct proxy_talk *t, size_t len);

enum proxy_turn {
	PROXY_GOES_ON,   /* all was used */
	PROXY_OPEN,      /* what is behind *used is the server's */
	PROXY_FAILED     /* *e: ERR_CONNECT, with one of the causes proxy-... */
};
enum proxy_turn proxy_received(struct proxy_talk *t, const char *data, size_t len, size_t *used,
	struct err *e);

/* The proxy has closed the connection (late: not answered in time); always -1, with
 * ERR_CONNECT, or ERR_TIMEOUT. */
int proxy_lost(const struct proxy_talk *t, bool late, struct err *e);

#endif
