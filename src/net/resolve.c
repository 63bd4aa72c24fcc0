/* net/resolve.c - names to addresses without waiting; see resolve.h.
 *
 * getaddrinfo(3) is asked by a child; see lookup.h.
 */
#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/lookup.h"
#include "net/name.h"

enum { HOSTS_MAX = 4 << 20 };

static const char hosts_path[] = "/etc/hosts";

/* What the child tells. */
struct answer {
	int code;      /* getaddrinfo's */
	int number;    /* errno, when code is EAI_SYSTEM */
	struct resolved found;
};

struct question {
	const char *name;
	unsigned port;
	int family;
};

struct resolve {
	struct lookup *lookup;
	char shown[NAME_MAX_OCTETS];
	resolve_done *done;
	void *context;
};

static bool wanted(int family, int net_family)
{
	if (net_family == NET_IPV4)
		return family == AF_INET;
	if (net_family == NET_IPV6)
		return family == AF_INET6;
	return family == AF_INET || family == AF_INET6;
}

static void set_port(struct sockaddr_storage *a, unsigned port)
{
	uint16_t net = htons((uint16_t)port);

	if (a->ss_family == AF_INET)
		memcpy((char *)a + offsetof(struct sockaddr_in, sin_port), &net, sizeof(net));
	else
		memcpy((char *)a + offsetof(struct sockaddr_in6, sin6_port), &net, sizeof(net));
}

static void keep(struct resolved *list, const void *address, socklen_t len, unsigned port)
{
	struct sockaddr_storage item;

	if (list->count == RESOLVE_MOST || len > sizeof(item))
		return;
	memset(&item, 0, sizeof(item));
	memcpy(&item, address, len);
	set_port(&item, port);
	for (unsigned i = 0; i < list->count; i++)
		if (list->lengths[i] == len && !memcmp(&list->items[i], &item, sizeof(item)))
			return;
	list->items[list->count] = item;
	list->lengths[list->count++] = len;
}

/* The next word of a line, which ends at a blank, a '#' or the end. */
static size_t next_word(const char **at, const char *end, const char **word)
{
	const char *p = *at;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	*word = p;
	while (p < end && *p != ' ' && *p != '\t' && *p != '\r' && *p != '#')
		p++;
	*at = p;
	return (size_t)(p - *word);
}

static void hosts_line(const char *at, const char *end, const char *host, unsigned port,
	int family, struct resolved *out)
{
	struct sockaddr_storage address;
	char text[64];
	const char *word;
	size_t len = next_word(&at, end, &word), host_len = strlen(host);
	socklen_t alen;

	if (!len || len >= sizeof(text))
		return;
	memcpy(text, word, len);
	text[len] = '\0';
	alen = 0;
	while ((len = next_word(&at, end, &word)) > 0) {
		if (!text_equal_fold(word, len, host, host_len))
			continue;
		alen = name_address(text, &address);
		break;
	}
	if (alen && wanted(address.ss_family, family))
		keep(out, &address, alen, port);
}

void resolve_hosts(const char *text, size_t len, const char *host, unsigned port, int family,
	struct resolved *out)
{
	const char *end = text + len;

	memset(out, 0, sizeof(*out));
	while (text < end) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		if (!line_end)
			line_end = end;
		hosts_line(text, line_end, host, port, family, out);
		text = line_end + (line_end < end);
	}
}

/* RFC 8305 section 4: no family waits behind more than one of the other. */
void resolve_interleave(struct resolved *list)
{
	struct resolved out = { .way = list->way };
	bool used[RESOLVE_MOST] = { false };
	int family = list->count ? list->items[0].ss_family : 0;

	while (out.count < list->count) {
		unsigned pick = 0;
		bool same = false;

		/* The first one left of this family, else the first one left. */
		for (unsigned i = list->count; i-- > 0;) {
			bool fits = list->items[i].ss_family == family;

			if (used[i] || (same && !fits))
				continue;
			pick = i;
			same = fits;
		}
		used[pick] = true;
		out.items[out.count] = list->items[pick];
		out.lengths[out.count++] = list->lengths[pick];
		family = list->items[pick].ss_family == AF_INET ? AF_INET6 : AF_INET;
	}
	*list = out;
}

/* RFC 6761 section 6.3, for machines whose /etc/hosts forgot it. */
static void loopback(unsigned port, int family, struct resolved *out)
{
	static const char *const addresses[] = { "::1", "127.0.0.1" };

	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct sockaddr_storage address;
		socklen_t len = name_address(addresses[i], &address);

		if (wanted(address.ss_family, family))
			keep(out, &address, len, port);
	}
}

static void from_hosts(const char *name, unsigned port, int family, struct resolved *out)
{
	struct buf text = BUF_INIT(HOSTS_MAX);
	struct err ignored;

	memset(out, 0, sizeof(*out));
	if (file_read(hosts_path, FILE_ANY, &text, &ignored) == FILE_OK)
		resolve_hosts(buf_text(&text), text.len, name, port, family, out);
	buf_release(&text);
	if (!out->count && !strcasecmp(name, "localhost"))
		loopback(port, family, out);
}

/* Runs in the child. */
static int ask(int out, void *context)
{
	const struct question *q = context;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct answer a;

	memset(&a, 0, sizeof(a));
	/* With one family asked for, AI_ADDRCONFIG would answer "does not exist"
	 * on a machine that is off line. */
	if (q->family == NET_ANY)
		hints.ai_flags = AI_ADDRCONFIG;
	else
		hints.ai_family = q->family == NET_IPV4 ? AF_INET : AF_INET6;
	a.code = getaddrinfo(q->name, NULL, &hints, &list);
	if (a.code == EAI_SYSTEM)
		a.number = errno;
	if (!a.code) {
		for (const struct addrinfo *i = list; i; i = i->ai_next)
			if (wanted(i->ai_family, q->family))
				keep(&a.found, i->ai_addr, i->ai_addrlen, q->port);
		freeaddrinfo(list);
	}
	return lookup_answer(out, &a, sizeof(a));
}

static bool is_missing(int code)
{
#ifdef EAI_NODATA
	if (code == EAI_NODATA)
		return true;
#endif
	return code == EAI_NONAME;
}

/* "name:587" */
static void hint_port(const char *shown, struct err *e)
{
	const char *colon = strrchr(shown, ':');

	if (colon && colon > shown && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")])
		err_hint(e, "the port has a key of its own: host = %.*s, port = %s",
			(int)(colon - shown), shown, colon + 1);
}

/* a NULL: the child did not tell. */
static void explain(const struct resolve *r, const struct answer *a, struct err *e)
{
	if (!a)
		err_set(e, ERR_NAME_AGAIN, "cannot find %s: the look-up ended early", r->shown);
	else if (a->code == EAI_NONAME)
		err_set(e, ERR_NAME, "cannot find %s: the name does not exist", r->shown);
	else if (!a->code || is_missing(a->code))
		err_set(e, ERR_NAME, "cannot find %s: the name has no address", r->shown);
	else if (a->code == EAI_AGAIN)
		err_set(e, ERR_NAME_AGAIN, "cannot find %s: the name servers do not answer now",
			r->shown);
	else if (a->code == EAI_SYSTEM)
		err_sys(e, ERR_NAME_AGAIN, a->number, "cannot find %s", r->shown);
	else
		err_set(e, ERR_NAME_AGAIN, "cannot find %s: %s", r->shown, gai_strerror(a->code));
	if (a && e->kind == ERR_NAME && a->code != EAI_NONAME)
		err_cause(e, "name-no-address");
	if (e->kind == ERR_NAME)
		hint_port(r->shown, e);
}

static void answered(void *context, const void *answer, bool late)
{
	const struct answer *a = answer;
	struct resolve *r = context;
	struct resolved found;
	struct err e = { 0 };

	(void)late;   /* whoever asked has the deadline */
	if (!a || a->code || !a->found.count || a->found.count > RESOLVE_MOST) {
		explain(r, a && a->found.count <= RESOLVE_MOST ? a : NULL, &e);
		r->done(r->context, NULL, &e);
		return;
	}
	found = a->found;
	found.way = WAY_SERVICE;
	resolve_interleave(&found);
	r->done(r->context, &found, &e);
}

/* Answers that need no child.  True: done was called. */
static bool answer_at_once(const char *host, const char *name, unsigned port, int family,
	resolve_done *done, void *context)
{
	struct err e = { 0 };
	struct resolved found;
	struct sockaddr_storage address;
	socklen_t len = name_address(name, &address);

	if (!len && host[0] == '[') {
		err_set(&e, ERR_NAME, "cannot use [%s]: what stands in brackets is not an address",
			name);
		done(context, NULL, &e);
		return true;
	}
	if (len && !wanted(address.ss_family, family)) {
		err_set(&e, ERR_NAME, "cannot use %s: it is an %s address, and family asks for %s",
			name, address.ss_family == AF_INET ? "IPv4" : "IPv6",
			family == NET_IPV4 ? "ipv4" : "ipv6");
		err_hint(&e, "remove family from the account, or name another host");
		err_cause(&e, "name-other-family");
		done(context, NULL, &e);
		return true;
	}
	memset(&found, 0, sizeof(found));
	if (len)
		keep(&found, &address, len, port);
	else
		from_hosts(name, port, family, &found);
	if (!found.count)
		return false;
	found.way = len ? WAY_ADDRESS : WAY_HOSTS;
	resolve_interleave(&found);
	done(context, &found, &e);
	return true;
}

struct resolve *resolve_start(struct loop *l, const char *host, unsigned port, int family,
	resolve_done *done, void *context)
{
	struct question q = { .port = port, .family = family };
	char name[NAME_MAX_OCTETS + 1];
	struct resolve *r;
	struct err e = { 0 };

	if (name_ascii(host, name, ERR_NAME, &e) < 0) {
		done(context, NULL, &e);
		return NULL;
	}
	if (answer_at_once(host, name, port, family, done, context))
		return NULL;
	r = mem_alloc(sizeof(*r));
	text_clean_to(r->shown, sizeof(r->shown), name, strlen(name));
	if (host[strlen(host) - 1] == '.')
		memcpy(name + strlen(name), ".", 2);   /* absolute: no search list */
	q.name = name;
	r->done = done;
	r->context = context;
	r->lookup = lookup_start(l, ask, &q, sizeof(struct answer), LOOP_NEVER, answered, r, &e);
	if (r->lookup)
		return r;
	free(r);
	done(context, NULL, &e);
	return NULL;
}

void resolve_free(struct resolve **rp)
{
	struct resolve *r = *rp;

	if (!r)
		return;
	lookup_free(&r->lookup);
	free(r);
	*rp = NULL;
}
