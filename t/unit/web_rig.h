/* t/unit/web_rig.h - a web server on loopback, in a process of its own: it answers each
 * request as the test has just told it, and counts and keeps what it was asked. */
#ifndef T_UNIT_WEB_RIG_H
#define T_UNIT_WEB_RIG_H

#include "t/unit/tap.h"
#include "t/unit/zoo.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum web_action {
	WEB_ANSWER,    /* `answer`, where every '#' becomes the number of the request */
	WEB_CLOSE,     /* hears the request and closes */
	WEB_SILENT,    /* hears the request and does not answer */
	WEB_DRIP,      /* an octet every 50 ms */
	WEB_HUGE,      /* more than anybody wants */
	WEB_FULL,      /* exactly as much as is taken */
	WEB_CUT,       /* announces more than it sends */
	WEB_PLAIN      /* does not speak TLS */
};

/* Shared by both processes. */
struct web {
	enum web_action action;
	unsigned wait;              /* ms before the answer */
	unsigned asked;             /* requests heard */
	char request[32768];        /* the last one */
	char answer[16384];
};

static struct web *web;
static char web_dir[] = "/tmp/sendoff-web-XXXXXX";
static char *web_ca, *web_other_ca;
static unsigned web_port;
static pid_t web_pid;
static struct identity web_root, web_leaf, web_old, web_other;

static void web_send(gnutls_session_t s, const char *data, size_t len)
{
	while (len) {
		ssize_t n = gnutls_record_send(s, data, len);

		if (n < 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* Head, and body as long as announced. */
static bool web_hear(gnutls_session_t s)
{
	size_t len = 0, want = 0;
	char *end, *size;

	while (len < sizeof(web->request) - 1) {
		ssize_t n = gnutls_record_recv(s, web->request + len,
			sizeof(web->request) - 1 - len);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
		web->request[len] = '\0';
		end = strstr(web->request, "\r\n\r\n");
		size = strstr(web->request, "Content-Length: ");
		want = size ? strtoul(size + 16, NULL, 10) : 0;
		if (end && len >= (size_t)(end - web->request) + 4 + want)
			return true;
	}
	return false;
}

static void web_say(gnutls_session_t s)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", web->asked);
	for (const char *p = web->answer; *p; p++)
		if (*p == '#')
			web_send(s, number, strlen(number));
		else if (web->action == WEB_DRIP || p[strcspn(p, "#")]) {
			if (web->action == WEB_DRIP)
				poll(NULL, 0, 50);
			web_send(s, p, 1);
		} else {
			web_send(s, p, strlen(p));
			return;
		}
}

static void web_fill(gnutls_session_t s, size_t announced, size_t len)
{
	char head[128], block[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", announced);
	web_send(s, head, strlen(head));
	memset(block, 'x', sizeof(block));
	for (; len; len -= sizeof(block))
		web_send(s, block, sizeof(block));
}

static void web_act(gnutls_session_t s)
{
	poll(NULL, 0, (int)web->wait);
	switch (web->action) {
	case WEB_CLOSE:
	case WEB_PLAIN:
		break;
	case WEB_SILENT:
		poll(NULL, 0, 5000);
		break;
	case WEB_HUGE:
		web_fill(s, 1 << 20, 1 << 20);
		break;
	case WEB_FULL:
		web_fill(s, 65536, 65536);
		break;
	case WEB_CUT:
		web_fill(s, 4096, 1024);
		break;
	case WEB_ANSWER:
	case WEB_DRIP:
		web_say(s);
		gnutls_bye(s, GNUTLS_SHUT_WR);
		break;
	}
}

/* Who asks for "old.localhost" is shown one that has expired. */
static void web_talk(int fd, gnutls_certificate_credentials_t cred)
{
	gnutls_session_t s;
	int rc;

	if (web->action == WEB_PLAIN) {
		send(fd, "220 not the web\r\n", 17, MSG_NOSIGNAL);
		poll(NULL, 0, 100);
		return;
	}
	ZOO_MUST(gnutls_init(&s, GNUTLS_SERVER | GNUTLS_NO_SIGNAL));
	ZOO_MUST(gnutls_set_default_priority(s));
	ZOO_MUST(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred));
	gnutls_transport_set_int(s, fd);
	do
		rc = gnutls_handshake(s);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc == 0 && web_hear(s)) {
		web->asked++;
		web_act(s);
	}
	gnutls_deinit(s);
}

static void web_serve(int listener)
{
	gnutls_certificate_credentials_t cred;

	ZOO_MUST(gnutls_certificate_allocate_credentials(&cred));
	ZOO_MUST(gnutls_certificate_set_x509_key(cred, &web_leaf.crt, 1, web_leaf.key));
	ZOO_MUST(gnutls_certificate_set_x509_key(cred, &web_old.crt, 1, web_old.key));
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		web_talk(fd, cred);
		close(fd);
	}
}

static char *web_file(const char *name, const struct identity *root)
{
	char *path = mem_printf("%s/%s", web_dir, name);
	FILE *f = fopen(path, "w");

	zoo_write_cert(f, root->crt);
	fclose(f);
	return path;
}

static int web_listen(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 64) < 0 ||
			getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	web_port = ntohs(a.sin_port);
	return fd;
}

/* Before the first test. */
static bool web_open(void)
{
	static const struct recipe good = { .cn = "web", .dns = { "localhost" } };
	static const struct recipe old = { .cn = "old", .dns = { "old.localhost" }, .to = 2021 };
	int listener;

	web_root = zoo_make(&(struct recipe){ .cn = "Root", .ca = true }, NULL);
	web_other = zoo_make(&(struct recipe){ .cn = "Other", .ca = true }, NULL);
	web_leaf = zoo_make(&good, &web_root);
	web_old = zoo_make(&old, &web_root);
	web = mmap(NULL, sizeof(*web), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (web == MAP_FAILED || !mkdtemp(web_dir))
		return false;
	web_ca = web_file("ca.pem", &web_root);
	web_other_ca = web_file("other.pem", &web_other);
	listener = web_listen();
	fflush(stdout);
	web_pid = listener < 0 ? -1 : fork();
	if (web_pid == 0)
		web_serve(listener);
	close(listener);
	return web_pid > 0;
}

/* Behind the last one. */
static void web_close(void)
{
	kill(web_pid, SIGKILL);
	waitpid(web_pid, NULL, 0);
	unlink(web_ca);
	unlink(web_other_ca);
	rmdir(web_dir);
	free(web_ca);
	free(web_other_ca);
	munmap(web, sizeof(*web));
	zoo_free(&web_root);
	zoo_free(&web_other);
	zoo_free(&web_leaf);
	zoo_free(&web_old);
}

/* What comes next: status line and body. */
__attribute__((unused))
static void web_next(const char *status, const char *headers, const char *body)
{
	web->action = WEB_ANSWER;
	web->wait = 0;
	snprintf(web->answer, sizeof(web->answer), "HTTP/1.1 %s\r\n%sConnection: close\r\n\r\n%s",
		status, headers, body);
}

__attribute__((unused))
static char *web_url(const char *path)
{
	return mem_printf("https://localhost:%u%s", web_port, path);
}

#endif
