/* t/unit/net_resolve.c - host names, /etc/hosts, the order of addresses. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/name.h"
#include "net/resolve.h"

/* "192.0.2.1:25 [2001:db8::1]:25" */
static const char *show(const struct resolved *list)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < list->count; i++) {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		char address[INET6_ADDRSTRLEN];

		if (list->items[i].ss_family == AF_INET) {
			memcpy(&v4, &list->items[i], sizeof(v4));
			inet_ntop(AF_INET, &v4.sin_addr, address, sizeof(address));
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s:%u",
				len ? " " : "", address, ntohs(v4.sin_port));
		} else {
			memcpy(&v6, &list->items[i], sizeof(v6));
			inet_ntop(AF_INET6, &v6.sin6_addr, address, sizeof(address));
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s[%s]:%u",
				len ? " " : "", address, ntohs(v6.sin6_port));
		}
	}
	return text;
}

static void test_names(void)
{
	static const struct {
		const char *in, *out;   /* NULL: refused */
	} table[] = {
		{ "smtp.example.com", "smtp.example.com" },
		{ "SMTP.Example.COM", "SMTP.Example.COM" },
		{ "smtp.example.com.", "smtp.example.com" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "under_score.example", "under_score.example" },
		{ "m\303\274nchen.example", "xn--mnchen-3ya.example" },
		{ "under_score.ex\303\244mple", "under_score.xn--exmple-cua" },
		{ "fa\303\237.example", "xn--fa-hia.example" },
		{ "\342\230\203.example", NULL },
		{ "bad\377.example", NULL },
		{ "two words", NULL },
		{ "line\nfeed", NULL },
		{ "", NULL }, { ".", NULL }
	};
	char out[NAME_MAX_OCTETS], long_name[300];
	struct err e = { 0 };

	for (size_t i = 0; i < COUNT(table); i++) {
		int rc = name_ascii(table[i].in, out, ERR_CONFIG, &e);

		check_int(rc, table[i].out ? 0 : -1, "name %zu is %s", i,
			table[i].out ? "taken" : "refused");
		if (table[i].out && !rc)
			check_text(out, table[i].out, "name %zu as DNS knows it", i);
		if (!table[i].out)
			check(e.kind == ERR_CONFIG && !strchr(e.text, '\n'), "and why: %s", e.text);
	}
	memset(long_name, 'a', sizeof(long_name));
	long_name[299] = '\0';
	check_int(name_ascii(long_name, out, ERR_NAME, &e), -1, "a name of 299 octets is refused");
	check_int(e.kind, ERR_NAME, "as the kind asked for");
	long_name[255] = '\0';
	check_int(name_ascii(long_name, out, ERR_NAME, &e), 0, "one of 255 is not");
}

static void test_addresses(void)
{
	static const char *const names[] = {
		"smtp.example.com", "1.2.3", "1.2.3.4.5", "127.1", "::1%", "fe80::1%nosuchif0", "::g",
		"192.0.2.1%1", "", "12345:", "fe80::1%99999999999", "fe80::1%-1"
	};
	struct sockaddr_storage a;

	check_int(name_address("192.0.2.1", &a), sizeof(struct sockaddr_in), "an IPv4 address");
	check_int(name_address("2001:db8::1", &a), sizeof(struct sockaddr_in6), "an IPv6 address");
	check_int(name_address("fe80::1%7", &a), sizeof(struct sockaddr_in6), "one with a zone");
	for (size_t i = 0; i < COUNT(names); i++)
		check_int(name_address(names[i], &a), 0, "'%s' is a name", names[i]);
}

static const char hosts[] =
	"# comment smtp.example.com\n"
	"127.0.0.1\tlocalhost\n"
	"::1 localhost ip6-localhost # 192.0.2.9 nothost\n"
	"\n"
	"192.0.2.1   smtp.example.com smtp\r\n"
	"2001:db8::1 smtp.example.com\n"
	"  192.0.2.2 SMTP.example.com\n"
	"192.0.2.1 smtp.example.com\n"
	"not-an-address smtp.example.com\n"
	"192.0.2.300 smtp.example.com\n"
	"192.0.2.3 #smtp.example.com\n"
	"192.0.2.4 evil.smtp.example.com\n"
	"192.0.2.5\n"
	"1111111111111111111111111111111111111111111111111111111111111111111111111 smtp\n"
	"192.0.2.6 last";

static void test_hosts(void)
{
	struct resolved out;
	size_t len = sizeof(hosts) - 1;

	resolve_hosts(hosts, len, "smtp.example.com", 587, NET_ANY, &out);
	check_text(show(&out), "192.0.2.1:587 [2001:db8::1]:587 192.0.2.2:587",
		"all lines count, each address once");
	resolve_hosts(hosts, len, "smtp.example.com", 25, NET_IPV4, &out);
	check_text(show(&out), "192.0.2.1:25 192.0.2.2:25", "family = ipv4");
	resolve_hosts(hosts, len, "smtp.example.com", 25, NET_IPV6, &out);
	check_text(show(&out), "[2001:db8::1]:25", "family = ipv6");
	resolve_hosts(hosts, len, "smtp", 25, NET_ANY, &out);
	check_text(show(&out), "192.0.2.1:25", "an alias, before a carriage return");
	resolve_hosts(hosts, len, "nothost", 25, NET_ANY, &out);
	check_text(show(&out), "", "a comment is none");
	resolve_hosts(hosts, len, "last", 25, NET_ANY, &out);
	check_text(show(&out), "192.0.2.6:25", "the last line needs no newline");
	resolve_hosts("", 0, "last", 25, NET_ANY, &out);
	check_int(out.count, 0, "an empty file");
}

/* Cut anywhere, it gives what whole lines give, and no more than the whole. */
static void test_hosts_cut(void)
{
	struct resolved out;
	unsigned most = 0;

	for (size_t len = 0; len < sizeof(hosts); len++) {
		char *cut = mem_alloc(len + 1);   /* its end is seen by the sanitizer */

		memcpy(cut, hosts, len);
		cut = mem_grow(cut, len ? len : 1, 1);
		resolve_hosts(cut, len, "smtp.example.com", 587, NET_ANY, &out);
		if (out.count < most)
			check(false, "cut at %zu: an address was lost", len);
		most = out.count;
		free(cut);
	}
	check_int(most, 3, "hosts cut at every octet");
}

static void test_many(void)
{
	struct buf text = BUF_INIT(1 << 16);
	struct resolved out;

	for (unsigned i = 0; i < 200; i++)
		buf_printf(&text, "192.0.2.%u many\n", i);
	resolve_hosts(text.data, text.len, "many", 25, NET_ANY, &out);
	check_int(out.count, RESOLVE_MOST, "no more addresses are kept than there is room for");
	buf_release(&text);
}

static void interleave(const char *addresses, const char *want)
{
	struct resolved list;
	struct buf text = BUF_INIT(4096);
	char *copy = mem_string(addresses), *at = copy, *one;

	while ((one = strsep(&at, " ")))
		if (*one)
			buf_printf(&text, "%s h\n", one);
	resolve_hosts(buf_text(&text), text.len, "h", 1, NET_ANY, &list);
	resolve_interleave(&list);
	check_text(show(&list), want, "families in turn: %s", addresses);
	buf_release(&text);
	free(copy);
}

struct outcome {
	struct loop loop;
	struct resolved found;
	struct err err;
	int called;
};

static void record(void *context, const struct resolved *found, struct err *e)
{
	struct outcome *o = context;

	o->called++;
	if (found)
		o->found = *found;
	else
		o->err = *e;
	loop_stop(&o->loop);
}

static struct resolve *ask(struct outcome *o, const char *host, int family)
{
	memset(o, 0, sizeof(*o));
	loop_init(&o->loop);
	return resolve_start(&o->loop, host, 2525, family, record, o);
}

static void at_once(const char *host, int family, const char *want, enum err_kind kind)
{
	struct outcome o;
	struct resolve *r = ask(&o, host, family);

	check(!r && o.called == 1, "'%s' is answered at once", host);
	check_int(o.err.kind, kind, "'%s': %s", host, kind ? o.err.text : "found");
	check_text(show(&o.found), want, "'%s' is what it should be", host);
	loop_release(&o.loop);
}

static void test_start(void)
{
	struct outcome o;
	struct resolve *r;

	at_once("192.0.2.7", NET_ANY, "192.0.2.7:2525", ERR_NONE);
	at_once("[2001:db8::7]", NET_ANY, "[2001:db8::7]:2525", ERR_NONE);
	at_once("2001:db8::7", NET_IPV6, "[2001:db8::7]:2525", ERR_NONE);
	at_once("192.0.2.7", NET_IPV6, "", ERR_NAME);
	at_once("[smtp.example.com]", NET_ANY, "", ERR_NAME);
	at_once("localhost", NET_IPV4, "127.0.0.1:2525", ERR_NONE);
	at_once("LOCALHOST.", NET_IPV4, "127.0.0.1:2525", ERR_NONE);
	at_once("", NET_ANY, "", ERR_NAME);
	at_once("\342\230\203.example", NET_ANY, "", ERR_NAME);

	/* getaddrinfo(3) takes the old short form of an address and asks nobody. */
	r = ask(&o, "127.1", NET_ANY);
	check(r && !o.called, "what is no address and not in /etc/hosts is asked of a child");
	if (r)
		loop_run(&o.loop);
	check_text(show(&o.found), "127.0.0.1:2525", "whose answer comes by the loop");
	check_int(o.called, 1, "once");
	resolve_free(&r);
	loop_release(&o.loop);

	r = ask(&o, "sendoff-test.invalid", NET_ANY);
	resolve_free(&r);
	check(!r && !o.called, "a look-up that is cancelled says nothing");
	loop_run(&o.loop);
	loop_release(&o.loop);

	r = ask(&o, "a..b.invalid", NET_ANY);
	if (r)
		loop_run(&o.loop);
	check(o.err.kind == ERR_NAME || o.err.kind == ERR_NAME_AGAIN, "a name that cannot be: %s",
		o.err.text);
	resolve_free(&r);
	loop_release(&o.loop);
}

int main(void)
{
	test_names();
	test_addresses();
	test_hosts();
	test_hosts_cut();
	test_many();
	interleave("192.0.2.1 192.0.2.2 192.0.2.3 2001:db8::1 2001:db8::2",
		"192.0.2.1:1 [2001:db8::1]:1 192.0.2.2:1 [2001:db8::2]:1 192.0.2.3:1");
	interleave("2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1",
		"[2001:db8::1]:1 192.0.2.1:1 [2001:db8::2]:1 [2001:db8::3]:1");
	interleave("2001:db8::1", "[2001:db8::1]:1");
	interleave("", "");
	test_start();
	return tap_done();
}
