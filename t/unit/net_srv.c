/* t/unit/net_srv.c - SRV records: read out of any message, and asked for in a network
 * of the test's own. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/srv.h"
#include "t/unit/dns_rig.h"

static const char question[] = "_submissions._tcp.example.com";

/* "mx.example.com:465 implicit, mx.example.net:587 starttls foreign"; "!" for refused. */
static const char *show(const struct srv_list *list)
{
	static char text[8192];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", list->refused ? "!" : "");

	for (unsigned i = 0; i < list->count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s:%u %s%s", i ? ", " : "",
			list->items[i].host, list->items[i].port,
			list->items[i].implicit ? "implicit" : "starttls",
			list->items[i].foreign ? " foreign" : "");
	return text;
}

/* From a copy of the very length, so that the sanitizer sees what is read beyond it. */
static int read_from(const struct dns *m, size_t len, bool implicit, struct srv_list *list)
{
	unsigned char *copy = mem_grow(NULL, len ? len : 1, 1);
	int good;

	memcpy(copy, m->data, len);
	good = srv_read(copy, len, "example.com", implicit, list);
	free(copy);
	return good;
}

static void reads(const struct dns *m, const char *want, const char *what)
{
	struct srv_list list = { .count = 0 };

	check_int(read_from(m, m->len, true, &list), want ? 0 : -1, "%s", what);
	check_text(show(&list), want ? want : "", "%s: what it says", what);
}

static void one(const char *target, const char *want, const char *what)
{
	struct dns m;

	dns_begin(&m, DNS_OK, question, 1);
	dns_srv(&m, 0, 1, 465, target);
	reads(&m, want, what);
}

static void test_targets(void)
{
	char label[70], endless[300];
	struct dns m;

	one("mx.example.com", "mx.example.com:465 implicit", "a server below the domain");
	one("example.com", "example.com:465 implicit", "the domain itself");
	one("MX.Example.COM", "MX.Example.COM:465 implicit", "in capitals");
	one("mx.example.net", "mx.example.net:465 implicit foreign", "one elsewhere");
	one("mx-example.com", "mx-example.com:465 implicit foreign", "one that ends like it");
	one("com", "", "a name without a dot is no host");
	one("", "!", "the root: no such service");
	one("127.0.0.1", "", "an address is no name");
	one("m x.example.com", "", "a blank is in no host");
	one("m\nx.example.com", "", "a line feed neither");
	one("m\303\244x.example.com", "", "nor what is not ASCII");
	one("$(id).example.com", "", "nor what a shell would take");
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	snprintf(endless, sizeof(endless), "%s.%s.%s.%s.example.com", label, label, label, label);
	one(endless, "", "a name that is too long");
	dns_begin(&m, DNS_OK, question, 1);
	dns_srv(&m, 0, 1, 0, "mx.example.com");
	reads(&m, "", "port 0");
	dns_begin(&m, DNS_OK, question, 2);
	dns_srv(&m, 0, 0, 0, "");
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	reads(&m, "!mx.example.com:465 implicit", "one that is not there, and one that is");
}

static void test_order(void)
{
	struct srv_list list = { .count = 0 };
	struct dns m;

	dns_begin(&m, DNS_OK, "_submission._tcp.example.com", 1);
	dns_srv(&m, 0, 0, 587, "first.example.com");
	check_int(read_from(&m, m.len, false, &list), 0, "STARTTLS, asked first");
	dns_begin(&m, DNS_OK, question, 5);
	dns_srv(&m, 20, 100, 465, "d.example.com");
	dns_srv(&m, 10, 1, 465, "c.example.com");
	dns_srv(&m, 10, 50, 465, "b.example.com");
	dns_srv(&m, 65535, 65535, 65535, "e.example.com");
	dns_srv(&m, 0, 0, 465, "a.example.com");
	check_int(read_from(&m, m.len, true, &list), 0, "and TLS, in disorder");
	check_text(show(&list), "a.example.com:465 implicit, b.example.com:465 implicit, "
		"c.example.com:465 implicit, d.example.com:465 implicit, e.example.com:65535 implicit, "
		"first.example.com:587 starttls", "implicit, then priority, then weight");
	check_int(read_from(&m, m.len, true, &list), 0, "once more");
	check_int(list.count, 6, "and nothing is there twice");
}

static void test_many(void)
{
	struct srv_list list = { .count = 0 };
	struct dns m;

	dns_begin(&m, DNS_OK, question, 60);
	for (unsigned i = 0; i < 60; i++) {
		char host[40];

		snprintf(host, sizeof(host), "h%u.example.com", i);
		dns_srv(&m, 100 - i, 0, 465, host);
	}
	check_int(read_from(&m, m.len, true, &list), 0, "more than there is room for");
	check_int(list.count, SRV_MOST, "that many are kept");
	check_text(list.items[0].host, "h59.example.com", "the best of them");
	check_text(list.items[SRV_MOST - 1].host, "h44.example.com", "and no worse ones");
}

static void test_shapes(void)
{
	struct dns m;

	dns_begin(&m, DNS_OK, NULL, 0);
	reads(&m, "", "nothing asked, nothing answered");
	dns_begin(&m, DNS_OK, question, 0);
	reads(&m, "", "no answer");
	dns_begin(&m, DNS_OK, question, 1);
	dns_record(&m, 1, 4);
	dns_number(&m, 0x7f00);
	dns_number(&m, 1);
	reads(&m, "", "a record of another type");
	dns_begin(&m, DNS_OK, question, 2);
	dns_record(&m, 5, 7);
	dns_name(&m, "other");
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	reads(&m, "mx.example.com:465 implicit", "an alias before it");
	dns_begin(&m, DNS_OK, question, 1);
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	dns_name(&m, "more");
	reads(&m, "mx.example.com:465 implicit", "more behind it than was announced");
	dns_begin(&m, DNS_OK, question, 1);
	dns_record(&m, 33, 11);
	dns_number(&m, 0);
	dns_number(&m, 0);
	dns_number(&m, 465);
	dns_octet(&m, 2);
	dns_octet(&m, 'm');
	dns_octet(&m, 'x');
	dns_number(&m, 0xc000 | (12 + 18));   /* example.com, behind _submissions._tcp */
	reads(&m, "mx.example.com:465 implicit", "a target that leads back");
}

static void test_bad_shapes(void)
{
	struct dns m;

	dns_begin(&m, 0x0100, question, 1);
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	reads(&m, NULL, "a question, not an answer");
	dns_begin(&m, DNS_SERVFAIL, question, 1);
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	reads(&m, NULL, "a failure");
	dns_begin(&m, DNS_OK, question, 2);
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	reads(&m, NULL, "fewer than announced: nothing of it is taken");
	dns_begin(&m, DNS_OK, question, 1);
	dns_record(&m, 33, 7);
	dns_number(&m, 0);
	dns_number(&m, 0);
	dns_number(&m, 465);
	dns_name(&m, "mx.example.com");
	reads(&m, NULL, "a target that is longer than its record");
	dns_begin(&m, DNS_OK, question, 1);
	dns_record(&m, 33, 60);
	dns_number(&m, 0);
	dns_number(&m, 0);
	dns_number(&m, 465);
	dns_name(&m, "mx.example.com");
	reads(&m, NULL, "one that is shorter");
	dns_begin(&m, DNS_OK, question, 1);
	dns_record(&m, 33, 5);
	dns_number(&m, 0);
	dns_number(&m, 0);
	dns_octet(&m, 1);
	reads(&m, NULL, "a record without a port");
	dns_begin(&m, DNS_OK, question, 1);
	dns_record(&m, 1, 0xffff);
	reads(&m, NULL, "a record of another type that is longer than the message");
	dns_begin(&m, DNS_OK, NULL, 0);
	m.data[5] = 0xff;
	m.data[4] = 0xff;
	reads(&m, NULL, "questions that are not there");
}

/* A name whose last octets are these. */
static void loops(const unsigned char *name, size_t len, const char *what)
{
	struct dns m;

	dns_begin(&m, DNS_OK, NULL, 1);
	for (size_t i = 0; i < len; i++)
		dns_octet(&m, name[i]);
	dns_number(&m, 33);
	dns_number(&m, 1);
	dns_number(&m, 0);
	dns_number(&m, 0);
	dns_number(&m, 0);
	reads(&m, NULL, what);
}

static void test_loops(void)
{
	static const unsigned char itself[] = { 0xc0, 12 }, forward[] = { 0xc0, 14, 0 },
		turn[] = { 1, 'a', 0xc0, 12 }, header[] = { 0xc0, 0 }, beyond[] = { 0xff, 0xff },
		unknown[] = { 0x40, 0 }, unknown2[] = { 0x80, 0 };

	loops(itself, sizeof(itself), "a pointer to itself");
	loops(forward, sizeof(forward), "a pointer forward");
	loops(turn, sizeof(turn), "a pointer to before its own label");
	loops(header, sizeof(header), "a pointer into the header, and on");
	loops(beyond, sizeof(beyond), "a pointer beyond the end");
	loops(unknown, sizeof(unknown), "a label of a kind that there is not");
	loops(unknown2, sizeof(unknown2), "another");
}

/* Many names that all lead back through many pointers: bounded, and quick. */
static void test_chain(void)
{
	static unsigned char big[65535];
	struct srv_list list = { .count = 0 };
	uint64_t start = clock_ms();
	struct dns m;
	size_t at;

	dns_begin(&m, DNS_OK, NULL, 0xffff);
	memcpy(big, m.data, m.len);
	at = m.len;
	big[at++] = 0;
	memset(big + at, 0, 10);   /* the first record; its data is the chain */
	big[at + 8] = 0x3f;
	at += 10;
	for (size_t i = at; i + 1 < at + 0x3f00; i += 2) {
		big[i] = (unsigned char)(0xc0 | ((i - 2) >> 8));
		big[i + 1] = (unsigned char)(i - 2);
	}
	at += 0x3f00;
	for (; at + 12 < sizeof(big); at += 12) {
		memset(big + at, 0, 12);
		big[at] = 0xff;
		big[at + 1] = 0x00;
	}
	check_int(srv_read(big, sizeof(big), "example.com", true, &list), -1, "it never ends well");
	check(clock_ms() - start < 5000, "but soon");
}

static void test_cut(void)
{
	struct dns m;
	unsigned taken = 0;

	dns_begin(&m, DNS_OK, question, 3);
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	dns_srv(&m, 0, 0, 465, "my.example.com");
	dns_srv(&m, 0, 0, 465, "mz.example.com");
	for (size_t len = 0; len < m.len; len++) {
		struct srv_list list = { .count = 0 };

		if (read_from(&m, len, true, &list) == 0 || list.count)
			taken++;
	}
	check_int(taken, 0, "cut at any octet it is refused as a whole");
	reads(&m, "mx.example.com:465 implicit, my.example.com:465 implicit, "
		"mz.example.com:465 implicit", "and whole it is not");
}

/* Each octet in turn is any other: it ends, and what is taken is the name of a host. */
static void test_changed(void)
{
	struct dns m;
	unsigned bad = 0;

	dns_begin(&m, DNS_OK, question, 2);
	dns_srv(&m, 0, 0, 465, "mx.example.com");
	dns_srv(&m, 0, 0, 465, "my.example.com");
	for (size_t at = 0; at < m.len; at++)
		for (unsigned value = 0; value < 256; value++) {
			struct srv_list list = { .count = 0 };
			struct dns changed = m;

			changed.data[at] = (unsigned char)value;
			read_from(&changed, changed.len, true, &list);
			for (unsigned i = 0; i < list.count; i++)
				if (strspn(list.items[i].host, "abcdefghijklmnopqrstuvwxyz"
						"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") !=
						strlen(list.items[i].host) || !list.items[i].port)
					bad++;
		}
	check_int(bad, 0, "changed at any octet it gives names of hosts or none");
}

/* ---- asked for.  The server is a child of the test, at the address that its own
 * /etc/resolv.conf names. */

static void answer(struct dns *out, const char *name)
{
	bool implicit = !strncmp(name, "_submissions.", 13);
	const char *domain = strstr(name, "_tcp.") + 5;

	dns_begin(out, DNS_NXDOMAIN, name, 0);
	if (!strcmp(domain, "both.test") || (!strcmp(domain, "only.test") && !implicit) ||
	    (!strcmp(domain, "half.test") && !implicit)) {
		dns_begin(out, DNS_OK, name, 1);
		dns_srv(out, 0, 0, implicit ? 465 : 587, implicit ? "tls.both.test" : "mx.other.test");
	} else if (!strcmp(domain, "refused.test")) {
		dns_begin(out, DNS_OK, name, 1);
		dns_srv(out, 0, 0, 0, "");
	} else if (!strcmp(domain, "empty.test")) {
		dns_begin(out, DNS_OK, name, 0);
	} else if (!strcmp(domain, "failing.test") || !strcmp(domain, "half.test")) {
		dns_begin(out, DNS_SERVFAIL, name, 0);
	} else if (!strcmp(domain, "broken.test")) {
		dns_begin(out, DNS_OK, name, 1);
		dns_record(out, 33, 600);
	} else if (!strcmp(domain, "xn--bcher-kva.test")) {
		dns_begin(out, DNS_OK, name, 1);
		dns_srv(out, 0, 0, implicit ? 465 : 587, "mx.xn--bcher-kva.test");
	}
}

/* The question's name as text. */
static bool asked(const unsigned char *data, size_t len, char name[256])
{
	size_t at = 12, out = 0;

	while (at < len && data[at] && at + 1 + data[at] < len && out + data[at] + 2 < 256) {
		if (out)
			name[out++] = '.';
		memcpy(name + out, data + at + 1, data[at]);
		out += data[at];
		at += data[at] + 1u;
	}
	name[out] = '\0';
	return strstr(name, "_tcp.") != NULL;
}

__attribute__((noreturn))
static void serve(int fd)
{
	for (;;) {
		unsigned char data[512];
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);
		struct dns out;
		char name[256];

		if (len < 12 || !asked(data, (size_t)len, name) || strstr(name, "silent.test"))
			continue;
		answer(&out, name);
		memcpy(out.data, data, 2);
		sendto(fd, out.data, out.len, 0, (struct sockaddr *)&from, from_len);
	}
}

/* A network and an /etc/resolv.conf of our own.  Returns the server, or 0. */
static pid_t own_world(void)
{
	static const char text[] = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	char path[] = "/tmp/sendoff-resolv-XXXXXX";
	struct ifreq lo = { .ifr_flags = IFF_UP };
	int fd = mkstemp(path), dns;
	bool good = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 &&
		fchmod(fd, 0644) == 0 && (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 ||
		unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) == 0) &&
		mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount(path, "/etc/resolv.conf", "none", MS_BIND, NULL) == 0;
	pid_t pid;

	close(fd);
	unlink(path);
	dns = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(lo.ifr_name, sizeof(lo.ifr_name), "lo");
	if (!good || ioctl(dns, SIOCSIFFLAGS, &lo) < 0 ||
	    bind(dns, (struct sockaddr *)&at, sizeof(at)) < 0)
		return 0;
	pid = fork();
	if (pid == 0)
		serve(dns);
	close(dns);
	return pid;
}

struct outcome {
	struct loop loop;
	struct srv_list found;
	struct err err;
	int called;
};

static void record(void *context, const struct srv_list *found, struct err *e)
{
	struct outcome *o = context;

	o->called++;
	if (found)
		o->found = *found;
	else
		o->err = *e;
	loop_stop(&o->loop);
}

static void asks(const char *domain, const char *want, enum err_kind kind, const char *text)
{
	struct outcome o = { .called = 0 };
	struct srv *s;

	loop_init(&o.loop);
	s = srv_start(&o.loop, domain, clock_ms() + 5000, record, &o);
	if (s)
		loop_run(&o.loop);
	check_int(o.called, 1, "%s: answered once", domain);
	check_text(show(&o.found), want, "%s: what was found", domain);
	check_int(o.err.kind, kind, "%s: %s", domain, kind ? o.err.text : "found");
	check(!kind || strstr(o.err.text, text), "%s: says \"%s\"", domain, text);
	srv_free(&s);
	check(!s, "%s: freed", domain);
	loop_release(&o.loop);
}

static void test_silence(void)
{
	struct outcome o = { .called = 0 };
	uint64_t start = clock_ms();
	struct srv *s;

	loop_init(&o.loop);
	s = srv_start(&o.loop, "silent.test", start + 300, record, &o);
	if (s)
		loop_run(&o.loop);
	check_int(o.err.kind, ERR_NAME_AGAIN, "C1: silence: %s", o.err.text);
	check(strstr(o.err.text, "no answer in time"), "C1: told as such");
	check(clock_ms() - start < 950, "C1: at the deadline, not the resolver's");
	srv_free(&s);
	s = srv_start(&o.loop, "silent.test", clock_ms() + 5000, record, &o);
	srv_free(&s);
	loop_run(&o.loop);
	check_int(o.called, 1, "one that is cancelled says nothing");
	loop_release(&o.loop);
	check_int(waitpid(-1, NULL, WNOHANG), 0, "no child but the server is left");
}

static void test_asked(void)
{
	pid_t server = own_world();

	if (!server) {
		check(true, "# SKIP no network and no mounts of our own to be had");
		return;
	}
	asks("both.test", "tls.both.test:465 implicit, mx.other.test:587 starttls foreign", ERR_NONE, "");
	asks("BOTH.test.", "", ERR_NAME, "BOTH.test does not tell");   /* this server minds capitals */
	asks("only.test", "mx.other.test:587 starttls foreign", ERR_NONE, "");
	asks("half.test", "mx.other.test:587 starttls foreign", ERR_NONE, "");
	asks("b\303\274cher.test", "mx.xn--bcher-kva.test:465 implicit, "
		"mx.xn--bcher-kva.test:587 starttls", ERR_NONE, "");
	asks("refused.test", "", ERR_NAME, "takes no mail for submission");
	asks("none.test", "", ERR_NAME, "does not tell its submission server");
	asks("empty.test", "", ERR_NAME, "does not tell its submission server");
	asks("failing.test", "", ERR_NAME_AGAIN, "name servers do not answer now");
	asks("broken.test", "", ERR_NAME_AGAIN, "name servers do not answer now");
	test_silence();
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static void test_at_once(void)
{
	asks("", "", ERR_NAME, "");
	asks("two words.test", "", ERR_NAME, "");
	asks("192.0.2.1", "", ERR_NAME, "is an address");
	asks("[2001:db8::1]", "", ERR_NAME, "is an address");
}

int main(void)
{
	test_targets();
	test_order();
	test_many();
	test_shapes();
	test_bad_shapes();
	test_loops();
	test_chain();
	test_cut();
	test_changed();
	test_at_once();
	test_asked();
	return tap_done();
}
