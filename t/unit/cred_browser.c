/* t/unit/cred_browser.c - the ports that a browser comes back to, and everybody else who
 * comes to them.
 *
 * Both sides are this process: a client writes, the loop is turned for a moment, and then
 * the client looks at what it got.
 */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cred/signin_state.h"

enum { MOMENT_MS = 30 };

static struct loop loop;

/* ---- the loop, for a moment */

static void on_time(struct watch *w, short revents)
{
	(void)w;
	(void)revents;
	loop_stop(&loop);
}

static void turn(void)
{
	struct watch timer = { .fd = -1, .deadline = clock_ms() + MOMENT_MS, .run = on_time };

	loop_add(&loop, &timer);
	loop_run(&loop);
	loop_remove(&loop, &timer);
}

/* ---- clients */

/* -1: nobody listens. */
static int reach(int family, unsigned port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int good = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4)) :
		connect(fd, (struct sockaddr *)&v6, sizeof(v6));

	if (good == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

static void put(int fd, const char *data, size_t len)
{
	if (write(fd, data, len) != (ssize_t)len)
		check(false, "a client can write");
}

/* All that has come so far; `ended`: and no more will. */
static const char *got(int fd, bool *ended)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	*ended = n == 0 || (n < 0 && errno != EAGAIN);
	return text;
}

static struct browser *open_at(const char *url)
{
	struct landing at;
	struct err e = { 0 };
	struct browser *b;

	loop_init(&loop);
	check(landing_parse(url, &at), "%s", url);
	b = browser_open(&loop, &at, "s", &e);
	if (!check(b != NULL, "... is listened at"))
		printf("# %s\n", e.text);
	return b;
}

static char *request(const struct browser *b, const char *target)
{
	return mem_printf("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", target, browser_port(b));
}

/* ---- */

static bool has_ipv6(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;

	close(fd);
	return good;
}

static void test_whole(int family, const char *name)
{
	struct browser *b = open_at("http://127.0.0.1:{port}/");
	char *text = request(b, "/?code=abc&state=s");
	bool ended;
	int fd = reach(family, browser_port(b));

	check(fd >= 0, "%s: it can be reached", name);
	put(fd, text, strlen(text));
	turn();
	check_text(browser_target(b), "/?code=abc&state=s", "what it brings");
	check_text(got(fd, &ended), "", "it waits for its page");
	check(!ended, "... and is kept");
	check_int(reach(AF_INET, browser_port(b)), -1, "nobody else comes in then");
	check_int(reach(AF_INET6, browser_port(b)), -1, "... neither by IPv6");
	browser_answer(b, true, "Go back to the terminal.");
	turn();
	check(strstr(got(fd, &ended), "<h1>You are signed in</h1>\n<p>Go back to the terminal.</p>") &&
		ended, "its page comes whole");
	close(fd);
	turn();
	browser_free(&b);
	loop_release(&loop);
	free(text);
}

/* The page gets through although the browser is still talking. */
static void test_failure_page(void)
{
	struct browser *b = open_at("http://localhost:{port}/back");
	char *text = request(b, "/back?error=access_denied&state=s");
	char *more = mem_alloc(100000);
	bool ended;
	int fd = reach(AF_INET, browser_port(b));

	put(fd, text, strlen(text));
	turn();
	memset(more, 'x', 50000);
	put(fd, more, 50000);
	browser_answer(b, false, "it was <denied>");
	turn();
	check(strstr(got(fd, &ended), "HTTP/1.1 400 ") && ended, "a failure is answered");
	close(fd);
	browser_free(&b);
	loop_release(&loop);
	free(text);
	free(more);
}

static void test_octets(void)
{
	struct browser *b = open_at("http://127.0.0.1:{port}/");
	char *text = request(b, "/?code=abc&state=s");
	int fd = reach(AF_INET, browser_port(b));
	bool early = false;

	for (size_t i = 0; i < strlen(text); i++) {
		early |= browser_target(b) != NULL;
		put(fd, text + i, 1);
		if (i + 2 > strlen(text) || i % 8 == 0)
			turn();
	}
	check(!early, "octet by octet it is waited for");
	check_text(browser_target(b), "/?code=abc&state=s", "... and taken when it is whole");
	close(fd);
	browser_answer(b, true, "");
	turn();
	browser_free(&b);
	loop_release(&loop);
	free(text);
}

/* Others are answered, and the one that is waited for still comes. */
static void test_others(void)
{
	static const struct { const char *request, *answer; } rows[] = {
		{ "GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", "HTTP/1.1 404 " },
		{ "POST /?code=a HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", "HTTP/1.1 405 " },
		{ "GET /?code=a HTTP/1.1\r\nHost: evil.example:%u\r\n\r\n", "HTTP/1.1 403 " },
		{ "GET /?x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /?code=a&state=t HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /?error=b HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /?state=s&state=s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", "HTTP/1.1 400 " },
		{ "SSH-2.0-x%u\r\n\r\n", "HTTP/1.1 400 " },
	};
	struct browser *b = open_at("http://127.0.0.1:{port}/");
	char *long_one = mem_alloc(LANDING_REQUEST_MAX * 2);
	char *text;
	bool ended;
	int fd;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char line[200];

		snprintf(line, sizeof(line), "%.*s%u%s", (int)(strstr(rows[i].request, "%u") - rows[i].request),
			rows[i].request, browser_port(b), strstr(rows[i].request, "%u") + 2);
		fd = reach(AF_INET, browser_port(b));
		put(fd, line, strlen(line));
		turn();
		check(!strncmp(got(fd, &ended), rows[i].answer, strlen(rows[i].answer)) && ended,
			"%.12s... is answered by %s", line, rows[i].answer);
		close(fd);
		check_text(browser_target(b), NULL, "... and forgotten");
	}
	memset(long_one, 'a', LANDING_REQUEST_MAX * 2);
	fd = reach(AF_INET, browser_port(b));
	put(fd, long_one, LANDING_REQUEST_MAX * 2);
	turn();
	check(!strncmp(got(fd, &ended), "HTTP/1.1 431 ", 13), "one that is too long");
	close(fd);
	fd = reach(AF_INET, browser_port(b));
	close(fd);
	turn();
	text = request(b, "/?code=right&state=s");
	fd = reach(AF_INET, browser_port(b));
	put(fd, text, strlen(text));
	turn();
	check_text(browser_target(b), "/?code=right&state=s", "the right one comes all the same");
	close(fd);
	browser_free(&b);
	loop_release(&loop);
	free(text);
	free(long_one);
}

/* Who sits there and says nothing keeps nobody out. */
static void test_crowd(void)
{
	struct browser *b = open_at("http://127.0.0.1:{port}/");
	char *text = request(b, "/?code=right&state=s");
	int fds[40], fd;
	unsigned gone = 0;
	bool ended;

	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = reach(AF_INET, browser_port(b));
		put(fds[i], "GET /", 5);
		turn();
	}
	for (size_t i = 0; i < COUNT(fds); i++) {
		got(fds[i], &ended);
		gone += ended;
	}
	check_int(gone, 32, "of forty at most eight are listened to");
	fd = reach(AF_INET, browser_port(b));
	put(fd, text, strlen(text));
	turn();
	check_text(browser_target(b), "/?code=right&state=s", "the browser gets in");
	close(fd);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	browser_free(&b);
	loop_release(&loop);
	free(text);
}

static void test_two(void)
{
	struct browser *b = open_at("http://127.0.0.1:{port}/");
	char *first = request(b, "/?code=first&state=s"), *second = request(b, "/?code=second&state=s");
	int one = reach(AF_INET, browser_port(b)), two = reach(AF_INET, browser_port(b));

	put(one, first, strlen(first) - 1);
	turn();
	put(two, second, strlen(second) - 1);
	turn();
	put(two, "\n", 1);
	turn();
	put(one, "\n", 1);
	turn();
	check_text(browser_target(b), "/?code=second&state=s", "of two the first that is whole counts, once");
	close(one);
	close(two);
	browser_free(&b);
	loop_release(&loop);
	free(first);
	free(second);
}

/* A browser that is gone before its page keeps nobody waiting. */
static void test_gone(void)
{
	struct browser *b = open_at("http://127.0.0.1:{port}/");
	char *text = request(b, "/?code=a&state=s");
	uint64_t begun;
	int fd = reach(AF_INET, browser_port(b));

	put(fd, text, strlen(text));
	turn();
	close(fd);
	browser_answer(b, true, "");
	begun = clock_ms();
	loop_run(&loop);
	check(clock_ms() - begun < 1500, "it is not waited for");
	browser_free(&b);
	loop_release(&loop);
	free(text);
}

static void test_taken_port(void)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(v4);
	struct landing at;
	struct err e = { 0 };
	char *url;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(bind(fd, (struct sockaddr *)&v4, len) == 0 && listen(fd, 1) == 0 &&
		getsockname(fd, (struct sockaddr *)&v4, &len) == 0, "somebody has a port");
	url = mem_printf("http://localhost:%u/", ntohs(v4.sin_port));
	loop_init(&loop);
	check(landing_parse(url, &at) && !browser_open(&loop, &at, "s", &e), "the same again is not had");
	check_int(e.kind, ERR_SYSTEM, "... and told");
	check(strstr(e.hint, "--flow paste") != NULL, "... with another way");
	loop_release(&loop);
	free(url);
	close(fd);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_whole(AF_INET, "IPv4");
	if (has_ipv6())
		test_whole(AF_INET6, "IPv6");
	test_failure_page();
	test_octets();
	test_others();
	test_crowd();
	test_two();
	test_gone();
	test_taken_port();
	return tap_done();
}
