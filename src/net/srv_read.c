/* net/srv_read.c - SRV records out of a DNS message; see srv.h.
 *
 * Every octet is whoever's answered: nothing is read beyond the message, and a name can
 * lead backwards only, so it comes to an end.
 */
#include <string.h>

#include "base/text.h"
#include "net/srv.h"

enum {
	HEADER = 12, QUESTION = 4, RECORD = 10,   /* octets; the last two behind a name */
	ANSWER = 0x8000, RCODE = 0x000f,          /* of the flags */
	TYPE_SRV = 33, CLASS_IN = 1,
	POINTER = 0xc0,
	LABEL_MAX = 63
};

struct reader {
	const unsigned char *data;
	size_t len, at;
	bool bad;                /* it has been read beyond its end */
};

static unsigned take(struct reader *r)
{
	unsigned value = 0;

	if (r->len - r->at < 2)
		r->bad = true;
	else
		value = (unsigned)r->data[r->at] << 8 | r->data[r->at + 1];
	r->at += r->bad ? 0 : 2;
	return value;
}

static void skip(struct reader *r, size_t octets)
{
	if (r->len - r->at < octets)
		r->bad = true;
	else
		r->at += octets;
}

static bool is_host_octet(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_';
}

/* Adds a label.  False: it cannot stand in the name of a host, or that gets too long. */
static bool add_label(char *out, size_t *len, const unsigned char *label, size_t n)
{
	if (*len + 1 + n >= NAME_MAX_OCTETS)
		return false;
	if (*len)
		out[(*len)++] = '.';
	for (size_t i = 0; i < n; i++) {
		if (!is_host_octet(label[i]))
			return false;
		out[(*len)++] = (char)label[i];
	}
	return true;
}

/* Reads a name; r goes behind it.  out (NAME_MAX_OCTETS) has it with dots, "" for the
 * root.  False: it is no name of a host; r->bad: it is no name at all. */
static bool take_name(struct reader *r, char *out)
{
	size_t at = r->at, before = at, len = 0;
	bool led = false, good = true;

	while (!r->bad && at < r->len && r->data[at]) {
		unsigned n = r->data[at];

		if ((n & POINTER) == POINTER && at + 1 < r->len) {
			size_t to = (size_t)(n & ~(unsigned)POINTER) << 8 | r->data[at + 1];

			if (!led)
				r->at = at + 2;
			led = true;
			r->bad = to >= before;
			at = before = to;
		} else if (n <= LABEL_MAX && r->len - at > n) {
			good = good && add_label(out, &len, r->data + at + 1, n);
			at += n + 1;
		} else {
			r->bad = true;
		}
	}
	r->bad |= at >= r->len;
	if (!led && !r->bad)
		r->at = at + 1;
	out[len] = '\0';
	return good && !r->bad;
}

/* ---- what a record says */

static bool is_foreign(const char *host, const char *domain)
{
	size_t len = strlen(host), n = strlen(domain);

	if (len > n && host[len - n - 1] == '.')
		return !text_equal_fold(host + len - n, n, domain, n);
	return !text_equal_fold(host, len, domain, n);
}

/* RFC 8314 section 3: implicit first.  RFC 2782: the lowest priority; of equal ones the
 * weightier, where a mail program would draw lots. */
static bool is_better(const struct srv_target *a, const struct srv_target *b)
{
	if (a->implicit != b->implicit)
		return a->implicit;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->weight > b->weight;
}

static bool is_same(const struct srv_target *a, const struct srv_target *b)
{
	return a->port == b->port && a->implicit == b->implicit &&
		text_equal_fold(a->host, strlen(a->host), b->host, strlen(b->host));
}

/* Into its place.  In a full list the worst one goes. */
static void keep(struct srv_list *list, const struct srv_target *t)
{
	unsigned i = list->count;

	for (unsigned k = 0; k < list->count; k++)
		if (is_same(&list->items[k], t))
			return;
	if (i == SRV_MOST && !is_better(t, &list->items[--i]))
		return;
	for (; i > 0 && is_better(t, &list->items[i - 1]); i--)
		list->items[i] = list->items[i - 1];
	list->items[i] = *t;
	list->count += list->count < SRV_MOST;
}

/* The name of a host: with a dot inside, and no address. */
static bool is_host(const char *name)
{
	struct sockaddr_storage ignored;

	return strchr(name, '.') && !name_address(name, &ignored);
}

/* A record's own part, which must end where it says. */
static void take_target(struct reader *r, size_t len, const char *domain, bool implicit,
	struct srv_list *list)
{
	struct srv_target t = { .implicit = implicit };
	size_t end = r->at + len;
	bool good;

	t.priority = take(r);
	t.weight = take(r);
	t.port = take(r);
	good = take_name(r, t.host);
	r->bad |= r->at != end;
	if (r->bad || !good)
		return;
	t.foreign = is_foreign(t.host, domain);
	if (!t.host[0])
		list->refused = true;
	else if (t.port && is_host(t.host))
		keep(list, &t);
}

int srv_read(const unsigned char *message, size_t len, const char *domain, bool implicit,
	struct srv_list *list)
{
	struct reader r = { .data = message, .len = len };
	struct srv_list read = *list;
	unsigned flags, questions, answers;
	char ignored[NAME_MAX_OCTETS];

	take(&r);
	flags = take(&r);
	questions = take(&r);
	answers = take(&r);
	skip(&r, HEADER - 8);
	if (r.bad || !(flags & ANSWER) || flags & RCODE)
		return -1;
	for (; questions && !r.bad; questions--) {
		take_name(&r, ignored);
		skip(&r, QUESTION);
	}
	/* Whose record it is does not matter: an alias may stand before it, and whoever can
	 * write a false record here can write the right name above it. */
	for (; answers && !r.bad; answers--) {
		unsigned type, class, size;

		take_name(&r, ignored);
		type = take(&r);
		class = take(&r);
		skip(&r, RECORD - 6);
		size = take(&r);
		if (type == TYPE_SRV && class == CLASS_IN && !r.bad)
			take_target(&r, size, domain, implicit, &read);
		else
			skip(&r, size);
	}
	if (r.bad)
		return -1;
	*list = read;
	return 0;
}
