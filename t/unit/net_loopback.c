/* t/unit/net_loopback.c - ports that only this machine can reach. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/loopback.h"

static void takes(const char *text)
{
	struct loopback l;
	struct err e = { 0 };

	check(loopback_parse(text, &l, &e) == 0 && l.len, "'%s' is one: %s", text, e.text);
}

static void refuses(const char *text, const char *words)
{
	struct loopback l;
	struct err e = { 0 };

	check(loopback_parse(text, &l, &e) < 0 && e.kind == ERR_CONFIG && strstr(e.text, words) &&
		e.hint[0], "'%s' is none: %s", text, e.text);
}

static void test_parse(void)
{
	static const char *const others[] = { "0.0.0.0:2525", "192.0.2.1:25", "[::]:25",
		"[2001:db8::1]:25", "128.0.0.1:25", "126.255.255.255:25", "[::2]:25",
		"[::ffff:192.0.2.1]:25", "[::ffff:127.0.0.1]:25", "[fe80::1]:25" };
	static const char *const nothing[] = { "", ":", "25", "127.0.0.1", "127.0.0.1:",
		"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:+25",
		"127.0.0.1:25 ", "127.0.0.1: 25", "127.0.0.1:2x", "127.0.0.1:000025", "127.1:25",
		"localhost:25", "::1:25", "[::1]", "[::1:25", "::1]:25", "[]:25", "[127.0.0.1]:25",
		"[::1%lo]:25", "127.0.0.1:25:25", "0x7f000001:25", "\x1b[2J:25",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:25" };

	takes("127.0.0.1:2525");
	takes("127.1.2.3:1");
	takes("127.0.0.1:65535");
	takes("[::1]:2525");
	takes("[0:0:0:0:0:0:0:1]:25");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		refuses(others[i], "other machines");
	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++)
		refuses(nothing[i], "not an address with a port");
}

/* Cut at every octet: never another address than one that was meant. */
static void test_cut(const char *whole)
{
	char text[32];

	for (size_t len = 0; len < strlen(whole); len++) {
		struct loopback l;
		struct err e = { 0 };
		int good;

		snprintf(text, sizeof(text), "%.*s", (int)len, whole);
		good = loopback_parse(text, &l, &e);
		check(good < 0 ? e.text[0] : strrchr(text, ':') && strrchr(text, ':')[1],
			"'%s', cut off", text);
	}
}

static int bound_to(const char *address, int *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&to, &len) < 0)
		return -1;
	*port = ntohs(to.sin_port);
	return fd;
}

static void test_listen(void)
{
	int port = 0, fd = bound_to("127.0.0.1", &port), second, far, pair[2];
	struct loopback at, other;
	struct err e = { 0 };
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%d", port);
	check(fd >= 0 && loopback_parse(text, &at, &e) == 0, "a port");
	check(!loopback_listens(fd, &at), "bound is not yet listening");
	check(listen(fd, 1) == 0 && loopback_listens(fd, &at), "one that was handed over listens");
	snprintf(text, sizeof(text), "127.0.0.2:%d", port);
	check(loopback_parse(text, &other, &e) == 0 && !loopback_listens(fd, &other),
		"not at another address");
	second = loopback_listen(&at, &e);
	check(second == -1 && e.kind == ERR_SYSTEM && e.sys_errno == EADDRINUSE,
		"one that somebody has is his: %s", e.text);
	close(fd);
	second = loopback_listen(&at, &e);
	check(second >= 0 && loopback_listens(second, &at), "and free again when he has gone");
	check(fcntl(second, F_GETFL) & O_NONBLOCK && fcntl(second, F_GETFD) & FD_CLOEXEC,
		"non-blocking and close-on-exec");
	check_int(loopback_port_of(second), port, "which port it is");
	close(second);
	far = bound_to("0.0.0.0", &port);
	snprintf(text, sizeof(text), "127.0.0.1:%d", port);
	check(far >= 0 && listen(far, 1) == 0 && loopback_parse(text, &at, &e) == 0 &&
		!loopback_listens(far, &at), "F3: one that others can reach is not ours");
	check_int(loopback_port_of(far), 0, "nor is it on a loopback port");
	close(far);
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && !loopback_port_of(pair[0]) &&
		!loopback_listens(pair[0], &at), "nor is a UNIX socket");
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	test_parse();
	test_cut("127.0.0.1:2525");
	test_cut("[::1]:2525");
	test_listen();
	return tap_done();
}
