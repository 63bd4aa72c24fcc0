/* t/bench/bare.c - the measuring stick: the least that a client with GnuTLS
 * can do for one message.
 *
 * usage: bare PORT CA USER PASSWORD SENDER RECIPIENT FILE
 *
 * TLS from the first octet with 127.0.0.1, verified as "localhost"; EHLO; AUTH
 * PLAIN; MAIL, RCPT and DATA at once; FILE as it is (CRLF, dots doubled) in
 * records of 16 KB; QUIT.  CA is a PEM file that GnuTLS reads whole, or
 * lazy:FILE: then only those of its roots that bear a name of the server's chain
 * are handed to GnuTLS.  The seconds from the first octet of the content to the
 * answer to it go to stdout.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 16384, CHAIN = 8 };

static const char host[] = "localhost";
static gnutls_session_t tls;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bare: %s\n", what);
	exit(1);
}

static void need(int code, const char *what)
{
	if (code < 0) {
		fprintf(stderr, "bare: %s: %s\n", what, gnutls_strerror(code));
		exit(1);
	}
}

/* ---- the roots, looked through */

/* The content of the TLV at *at, which moves behind it; NULL: cut off. */
static const unsigned char *tlv(const unsigned char **at, const unsigned char *end)
{
	const unsigned char *p = *at;
	size_t len, octets;

	if (end - p < 2)
		return NULL;
	len = p[1];
	p += 2;
	if (len & 0x80) {
		octets = len & 0x7f;
		if (octets > 3 || (size_t)(end - p) < octets)
			return NULL;
		for (len = 0; octets; octets--)
			len = len << 8 | *p++;
	}
	if ((size_t)(end - p) < len)
		return NULL;
	*at = p + len;
	return p;
}

/* RFC 5280 section 4.1: the subject is the fifth behind the version. */
static bool subject_of(const gnutls_datum_t *der, gnutls_datum_t *subject)
{
	const unsigned char *end = der->data + der->size, *at = der->data, *whole = at, *start;

	if (!(at = tlv(&whole, end)))
		return false;
	whole = at;
	if (!(at = tlv(&whole, end)))
		return false;
	if (at < end && *at == 0xa0 && !tlv(&at, end))
		return false;
	for (int i = 0; i < 4; i++)
		if (!tlv(&at, end))
			return false;
	start = at;
	if (!tlv(&at, end))
		return false;
	*subject = (gnutls_datum_t){ (unsigned char *)(uintptr_t)start, (unsigned)(at - start) };
	return true;
}

static size_t unbase64(const char *p, const char *end, unsigned char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static signed char value[256];
	unsigned bits = 0, have = 0;
	unsigned char *o = out;

	if (!value[0]) {
		memset(value, -1, sizeof(value));
		for (int i = 0; i < 64; i++)
			value[(unsigned char)digits[i]] = (signed char)i;
	}
	for (; p < end; p++) {
		int v = value[(unsigned char)*p];

		if (v < 0)
			continue;
		bits = bits << 6 | (unsigned)v;
		if (++have == 4) {
			*o++ = (unsigned char)(bits >> 16);
			*o++ = (unsigned char)(bits >> 8);
			*o++ = (unsigned char)bits;
			have = 0;
		}
	}
	if (have > 1)
		*o++ = (unsigned char)(bits >> (have == 3 ? 10 : 4));
	if (have == 3)
		*o++ = (unsigned char)(bits >> 2);
	return (size_t)(o - out);
}

static const char *bundle, *bundle_end;

static void map_bundle(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	close(fd);
	bundle = map;
	bundle_end = bundle + st.st_size;
}

static void add_root(gnutls_x509_trust_list_t list, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t crt;

	need(gnutls_x509_crt_init(&crt), "root");
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0)
		gnutls_x509_trust_list_add_cas(list, &crt, 1, 0);
}

/* Hands those of the bundle to the list that bear one of the names. */
static void add_roots(gnutls_x509_trust_list_t list, const gnutls_datum_t *names, unsigned count)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	unsigned char der[RECORD];
	const char *p = bundle;

	while ((p = memmem(p, (size_t)(bundle_end - p), begin, sizeof(begin) - 1))) {
		gnutls_datum_t whole = { der, 0 }, subject;
		const char *end;

		p += sizeof(begin) - 1;
		end = memchr(p, '-', (size_t)(bundle_end - p));
		if (!end || end - p > RECORD)
			continue;
		whole.size = (unsigned)unbase64(p, end, der);
		p = end;
		if (!subject_of(&whole, &subject))
			continue;
		for (unsigned i = 0; i < count; i++)
			if (names[i].size == subject.size &&
					!memcmp(names[i].data, subject.data, subject.size)) {
				add_root(list, &whole);
				break;
			}
	}
}

static int verify_lazily(gnutls_session_t session)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;
	gnutls_typed_vdata_st want[] = {
		{ GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)host, 0 },
		{ GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)purpose, 0 }
	};
	gnutls_x509_trust_list_t list;
	gnutls_x509_crt_t chain[CHAIN];
	gnutls_datum_t names[2 * CHAIN];
	unsigned count = 0, status = 0, shown;
	const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &shown);

	if (!der || !shown || shown > CHAIN)
		return -1;
	for (unsigned i = 0; i < shown; i++) {
		need(gnutls_x509_crt_init(&chain[i]), "chain");
		need(gnutls_x509_crt_import(chain[i], &der[i], GNUTLS_X509_FMT_DER), "chain");
		need(gnutls_x509_crt_get_raw_issuer_dn(chain[i], &names[count++]), "chain");
		need(gnutls_x509_crt_get_raw_dn(chain[i], &names[count++]), "chain");
	}
	need(gnutls_x509_trust_list_init(&list, 0), "roots");
	add_roots(list, names, count);
	need(gnutls_x509_trust_list_verify_crt2(list, chain, shown, want, 2, 0, &status, NULL),
		"verification");
	return status ? -1 : 0;
}

/* ---- TLS and SMTP */

static void connect_tls(const char *port, const char *ca)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((in_port_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, code;
	gnutls_certificate_credentials_t cred;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	need(gnutls_init(&tls, GNUTLS_CLIENT | GNUTLS_NO_TICKETS), "set-up");
	need(gnutls_set_default_priority(tls), "set-up");
	need(gnutls_certificate_allocate_credentials(&cred), "set-up");
	need(gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, cred), "set-up");
	need(gnutls_server_name_set(tls, GNUTLS_NAME_DNS, host, sizeof(host) - 1), "set-up");
	if (!strncmp(ca, "lazy:", 5)) {
		map_bundle(ca + 5);
		gnutls_certificate_set_verify_function(cred, verify_lazily);
	} else {
		need(gnutls_certificate_set_x509_trust_file(cred, ca, GNUTLS_X509_FMT_PEM), ca);
		gnutls_session_set_verify_cert(tls, host, 0);
	}
	gnutls_transport_set_int(tls, fd);
	do
		code = gnutls_handshake(tls);
	while (code < 0 && !gnutls_error_is_fatal(code));
	need(code, "handshake");
}

static void say(const char *data, size_t len)
{
	while (len) {
		ssize_t n = gnutls_record_send(tls, data, len);

		if (n < 0 && gnutls_error_is_fatal((int)n))
			need((int)n, "send");
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

/* One line of a reply.  Returns its first digit, and whether it is the last. */
static char take_line(bool *last)
{
	static char in[RECORD];
	static size_t len;
	char *end, kind;

	while (!(end = memchr(in, '\n', len))) {
		ssize_t n = gnutls_record_recv(tls, in + len, sizeof(in) - len);

		if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n)))
			die("the server is gone");
		if (n > 0)
			len += (size_t)n;
	}
	kind = in[0];
	*last = end - in > 3 && in[3] != '-';
	len -= (size_t)(end + 1 - in);
	memmove(in, end + 1, len);
	return kind;
}

static void expect(char kind)
{
	bool last;

	do
		if (take_line(&last) != kind)
			die("an answer that was not expected");
	while (!last);
}

static void log_in(const char *user, const char *password)
{
	char plain[256], command[512];
	int len = snprintf(plain, sizeof(plain), "%c%s%c%s", 0, user, 0, password);
	gnutls_datum_t in = { (unsigned char *)plain, (unsigned)len }, out;

	need(gnutls_base64_encode2(&in, &out), "login");
	len = snprintf(command, sizeof(command), "AUTH PLAIN %.*s\r\n", (int)out.size,
		(char *)out.data);
	gnutls_free(out.data);
	say(command, (size_t)len);
	expect('2');
}

static void send_content(int fd)
{
	static const char end[] = ".\r\nQUIT\r\n";
	char data[RECORD + sizeof(end)];
	ssize_t n = read(fd, data, RECORD);

	while (n == RECORD) {
		say(data, RECORD);
		n = read(fd, data, RECORD);
	}
	if (n < 0)
		die("the content cannot be read");
	memcpy(data + n, end, sizeof(end) - 1);
	say(data, (size_t)n + sizeof(end) - 1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	char command[1024];
	struct stat st;
	double start;
	int fd, len;

	if (argc != 8)
		die("usage: bare PORT CA USER PASSWORD SENDER RECIPIENT FILE");
	fd = open(argv[7], O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0)
		die(argv[7]);
	connect_tls(argv[1], argv[2]);
	expect('2');
	say("EHLO client.example.test\r\n", 26);
	expect('2');
	log_in(argv[3], argv[4]);
	len = snprintf(command, sizeof(command),
		"MAIL FROM:<%.300s> SIZE=%lld\r\nRCPT TO:<%.300s>\r\nDATA\r\n", argv[5],
		(long long)st.st_size, argv[6]);
	say(command, (size_t)len);
	expect('2');
	expect('2');
	expect('3');
	start = seconds();
	send_content(fd);
	expect('2');
	printf("%.6f\n", seconds() - start);
	return 0;
}
