/* net/reach.c - straight, through a proxy, or by a command; see reach.h. */
#include "net/reach.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/tunnel.h"
#include "net/name.h"
#include "net/proxy.h"

enum { PEEK = 2048 };   /* octets of a proxy's answer that are looked at in one go */

struct reach {
	struct loop *loop;                /* borrowed */
	const struct net_settings *set;   /* borrowed */
	uint64_t deadline;
	dial_done *done;
	void *context;
	struct dial *dial;                /* own */
	struct dial_trail trail;          /* when there is no dial */
	struct net_settings to;           /* the proxy; what it points to is borrowed */
	struct proxy proxy;               /* own */
	struct proxy_talk *talk;          /* own; NULL: straight */
	struct tunnel *tunnel;          /* own; NULL: none */
	int fd;                           /* own until it is handed over; -1 */
	struct watch watch;               /* the talk, or what is known before the loop runs */
	struct err err;
};

/* ---- settings */

static int clash(const char *one, const char *other, const char *next, struct err *e)
{
	err_set(e, ERR_CONFIG, "%s and %s do not go together", one, other);
	return err_hint(e, "%s", next);
}

static int check_source(const struct net_settings *set, const char **key, struct err *e)
{
	struct sockaddr_storage a;

	*key = "source_address";
	if (!name_address(set->source, &a)) {
		err_set(e, ERR_CONFIG, "source_address is no address");
		return err_hint(e, "write an address of this machine, as 192.0.2.1 or 2001:db8::1, "
			"not a name and without brackets");
	}
	if (set->family == (a.ss_family == AF_INET ? NET_IPV6 : NET_IPV4))
		return clash("source_address", "family", "take family out: the address says it", e);
	return 0;
}

static int check_proxy(const struct net_settings *set, const char **key, struct err *e)
{
	struct proxy p;

	*key = "proxy";
	if (proxy_parse(set->proxy.data, &p, e) < 0)
		return -1;
	proxy_release(&p);
	return 0;
}

int reach_settings_check(const struct net_settings *set, const char **key, struct err *e)
{
	bool path = set->host[0] == '/';

	*key = "connect_command";
	if (set->command && set->proxy.data)
		return clash("connect_command", "proxy", "keep one of them: either leads to the server", e);
	if (set->command && set->source)
		return clash("connect_command", "source_address", "take source_address out: the command "
			"makes the connection", e);
	if (set->command && set->family != NET_ANY)
		return clash("connect_command", "family", "take family out: the command makes the "
			"connection", e);
	if (path && set->command)
		return clash("connect_command", "a host that is a socket", "set host to the name of the "
			"server that the command leads to: its certificate is checked for that", e);
	*key = "proxy";
	if (path && set->proxy.data)
		return clash("proxy", "a host that is a socket", "take proxy out: a socket is on this "
			"machine", e);
	*key = "source_address";
	if (path && set->source)
		return clash("source_address", "a host that is a socket", "take source_address out: a "
			"socket is on this machine", e);
	if (set->proxy.data && check_proxy(set, key, e) < 0)
		return -1;
	return set->source ? check_source(set, key, e) : 0;
}

/* ---- the end */

/* The last that is done with r: whoever is told may free it. */
static void tell(struct reach *r)
{
	int fd = r->fd;

	loop_remove(r->loop, &r->watch);
	r->fd = -1;
	if (r->err.kind && fd >= 0)
		close(fd);
	r->done(r->context, r->err.kind ? -1 : fd, &r->err);
}

static void tell_later(struct reach *r, watch_function *run)
{
	r->watch = (struct watch){ .fd = -1, .deadline = clock_ms() + 1, .run = run, .owner = r };
	loop_add(r->loop, &r->watch);
}

static void told_later(struct watch *w, short revents)
{
	(void)revents;
	tell(w->owner);
}

/* ---- straight */

static void dialled(void *context, int fd, struct err *e)
{
	struct reach *r = context;

	r->fd = fd;
	if (fd < 0)
		r->err = *e;
	tell(r);
}

/* ---- through a proxy */

/* What net/dial says of a server is said of the proxy. */
static void proxy_unreached(struct reach *r, const struct err *e)
{
	bool ours = e->cause && !strcmp(e->cause, "source-address-missing");

	r->err = *e;
	r->err.hint[0] = '\0';
	err_context(&r->err, "the proxy %s", r->proxy.shown);
	if (e->kind == ERR_NAME)
		err_cause(&r->err, "proxy-name-unknown");
	else if (!ours && (e->kind == ERR_CONNECT || e->kind == ERR_TIMEOUT || e->kind == ERR_NAME_AGAIN))
		err_cause(&r->err, "proxy-unreachable");
	tell(r);
}

static void broken(struct reach *r, bool late)
{
	proxy_lost(r->talk, late, &r->err);
	tell(r);
}

/* What fails here is seen when reading: what the proxy still said counts. */
static void talk_write(struct reach *r)
{
	const char *out;
	size_t len;

	r->watch.events = POLLIN;
	while ((out = proxy_output(r->talk, &len)), len) {
		ssize_t n = send(r->fd, out, len, MSG_NOSIGNAL);

		if (n >= 0)
			proxy_written(r->talk, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			r->watch.events |= POLLOUT;
		if (n < 0 && errno != EINTR)
			return;
	}
}

/* Looks at what is there and takes what is the proxy's: what the server says behind it stays
 * where whoever gets the socket finds it.  False: wait, or it is at its end. */
static bool talk_read(struct reach *r)
{
	char data[PEEK];
	size_t used = 0;
	enum proxy_turn turn;
	ssize_t n = recv(r->fd, data, sizeof(data), MSG_PEEK), took;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n <= 0) {
		broken(r, false);
		return false;
	}
	turn = proxy_received(r->talk, data, (size_t)n, &used, &r->err);
	do
		took = recv(r->fd, data, used, 0);
	while (took < 0 && errno == EINTR);
	if (turn == PROXY_GOES_ON && took == (ssize_t)used)
		return true;
	if (took != (ssize_t)used && !r->err.kind)
		err_set(&r->err, ERR_INTERNAL, "octets of the proxy %s were there and are not",
			r->proxy.shown);
	tell(r);
	return false;
}

static void talk_ready(struct watch *w, short revents)
{
	struct reach *r = w->owner;

	if (!revents) {
		broken(r, true);
		return;
	}
	do
		talk_write(r);
	while (talk_read(r));
}

static void proxy_connected(void *context, int fd, struct err *e)
{
	struct reach *r = context;

	if (fd < 0) {
		proxy_unreached(r, e);
		return;
	}
	r->fd = fd;
	r->watch = (struct watch){ .fd = fd, .events = POLLOUT, .deadline = r->deadline,
		.run = talk_ready, .owner = r };
	loop_add(r->loop, &r->watch);
}

static int start_proxy(struct reach *r)
{
	struct sockaddr_storage a;
	char host[NAME_MAX_OCTETS];

	if (proxy_parse(r->set->proxy.data, &r->proxy, &r->err) < 0 ||
	    name_ascii(r->set->host, host, ERR_CONFIG, &r->err) < 0)
		return -1;
	if (strchr(host, '%') && name_address(host, &a))
		return err_set(&r->err, ERR_CONFIG, "host has a zone (%%), which means nothing to a proxy");
	snprintf(r->trail.through, sizeof(r->trail.through), "%s", r->proxy.shown);
	r->to = *r->set;
	r->to.host = r->proxy.host;
	r->to.port = (long)r->proxy.port;
	r->talk = proxy_talk_new(&r->proxy, host, (unsigned)r->set->port);
	r->dial = dial_start(r->loop, &r->to, r->deadline, proxy_connected, r);
	return 0;
}

/* ---- by a command */

static int start_command(struct reach *r, const char *const *hidden)
{
	r->trail.way = WAY_COMMAND;
	snprintf(r->trail.through, sizeof(r->trail.through), "connect_command");
	r->tunnel = tunnel_start(r->loop, r->set->command, hidden, &r->fd, &r->err);
	if (r->tunnel)
		tell_later(r, told_later);
	return r->tunnel ? 0 : -1;
}

/* ---- the beginning */

struct reach *reach_start(struct loop *l, const struct net_settings *set, const char *const *hidden,
	uint64_t deadline, dial_done *done, void *context)
{
	struct reach *r = mem_alloc(sizeof(*r));
	int good = 0;

	r->loop = l;
	r->set = set;
	r->deadline = deadline;
	r->done = done;
	r->context = context;
	r->fd = -1;
	r->watch.fd = -1;
	r->trail.winner = -1;
	r->trail.name_ms = -1;
	if (set->command)
		good = start_command(r, hidden);
	else if (set->proxy.data)
		good = start_proxy(r);
	else
		r->dial = dial_start(l, set, deadline, dialled, r);
	if (good < 0)
		tell_later(r, told_later);
	return r;
}

void reach_free(struct reach **rp)
{
	struct reach *r = *rp;

	if (!r)
		return;
	loop_remove(r->loop, &r->watch);
	dial_free(&r->dial);
	proxy_talk_free(&r->talk);
	proxy_release(&r->proxy);
	if (r->fd >= 0)
		close(r->fd);
	tunnel_free(&r->tunnel);
	free(r);
	*rp = NULL;
}

const struct dial_trail *reach_trail(struct reach *r)
{
	char through[sizeof(r->trail.through)];

	if (!r->dial)
		return &r->trail;
	memcpy(through, r->trail.through, sizeof(through));
	r->trail = *dial_trail(r->dial);
	memcpy(r->trail.through, through, sizeof(through));
	return &r->trail;
}

bool reach_broken(struct reach *r, bool heard, const struct mask *mask, struct err *e)
{
	return r && r->tunnel && tunnel_failed(r->tunnel, heard, mask, e);
}

void reach_peer_text(const struct reach *r, int fd, char *out, size_t size)
{
	if (r->trail.through[0])
		snprintf(out, size, "%s", r->trail.through);
	else
		dial_peer_text(fd, out, size);
}
