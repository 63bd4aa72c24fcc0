/* t/unit/cred_landing.c - what a browser may bring back, and what anybody else may try. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cred/landing.h"

enum { PORT = 40001 };

#define HOST "Host: 127.0.0.1:40001\r\n"

/* ---- where it leads */

static void test_places(void)
{
	static const struct { const char *url, *host, *path; unsigned port; } good[] = {
		{ "http://127.0.0.1:{port}/", "127.0.0.1", "/", 0 },
		{ "http://127.0.0.1:{port}", "127.0.0.1", "/", 0 },
		{ "http://localhost:{port}/back/here", "localhost", "/back/here", 0 },
		{ "HTTP://LocalHost:8400/", "localhost", "/", 8400 },
		{ "http://[::1]:65535/", "[::1]", "/", 65535 },
		{ "http://localhost", "localhost", "/", 80 },
	};
	static const char *const bad[] = { "", "http://", "https://127.0.0.1:{port}/",
		"http://example.com:{port}/", "http://127.0.0.1.example.com/", "http://localhost.evil/",
		"http://127.0.0.2:{port}/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/",
		"http://127.0.0.1:8x/", "http://127.0.0.1:/", "http://127.0.0.1:{port}/?a=b",
		"http://127.0.0.1:{port}/#a", "http://user@127.0.0.1/", "http://127.0.0.1:123456/",
		"http://127.0.0.1:{port}/a b", "ftp://127.0.0.1/" };
	struct landing at;
	struct buf url = BUF_INIT(1024);

	for (size_t i = 0; i < COUNT(good); i++) {
		check(landing_parse(good[i].url, &at), "%s is this machine", good[i].url);
		check_text(at.host, good[i].host, "... its host");
		check_text(at.path, good[i].path, "... its path");
		check_int(at.port, good[i].port, "... its port");
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		check(!landing_parse(bad[i], &at), "'%s' is not", bad[i]);
	landing_write("http://127.0.0.1:{port}/a", PORT, &url);
	landing_write(" http://localhost:8400/", PORT, &url);
	check_text(buf_text(&url), "http://127.0.0.1:40001/a http://localhost:8400/",
		"the port is put where it belongs");
	buf_release(&url);
}

/* ---- requests */

static enum landing_verdict ask(const char *data, size_t len, struct buf *target, int *status)
{
	struct landing at;

	landing_parse("http://127.0.0.1:{port}/back", &at);
	return landing_read(&at, PORT, data, len, target, status);
}

static void expect_status(const char *request, int want, const char *name)
{
	struct buf target = BUF_INIT(LANDING_REQUEST_MAX);
	int status = 0;

	check(ask(request, strlen(request), &target, &status) == LANDING_NOT_US, "refused: %s", name);
	check_int(status, want, "... as it should be");
	check_int(target.len, 0, "... and nothing is taken of it");
	buf_release(&target);
}

static void test_refused(void)
{
	static const struct { const char *request; int status; const char *name; } rows[] = {
		{ "GET /favicon.ico HTTP/1.1\r\n" HOST "\r\n", 404, "another path" },
		{ "GET /back HTTP/1.1\r\n" HOST "\r\n", 404, "nothing brought" },
		{ "GET /back? HTTP/1.1\r\n" HOST "\r\n", 404, "an empty query" },
		{ "GET /backwards?code=a HTTP/1.1\r\n" HOST "\r\n", 404, "a longer path" },
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", 404, "the root" },
		{ "POST /back?code=a&state=b HTTP/1.1\r\n" HOST "\r\n", 405, "POST" },
		{ "HEAD /back?code=a&state=b HTTP/1.1\r\n" HOST "\r\n", 405, "HEAD" },
		{ "get /back?code=a&state=b HTTP/1.1\r\n" HOST "\r\n", 405, "get" },
		{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, "OPTIONS *" },
		{ "CONNECT example.com:443 HTTP/1.1\r\n" HOST "\r\n", 400, "CONNECT" },
		{ "GET http://127.0.0.1:40001/back?code=a HTTP/1.1\r\n" HOST "\r\n", 400, "as to a proxy" },
		{ "GET /back?code=a HTTP/2.0\r\n" HOST "\r\n", 505, "another version" },
		{ "GET /back?code=a HTTQ/1.1\r\n" HOST "\r\n", 400, "another protocol" },
		{ "GET /back?code=a\r\n" HOST "\r\n", 400, "no version" },
		{ "GET /back?code=a HTTP/1.1 x\r\n" HOST "\r\n", 400, "more behind it" },
		{ "GET  /back?code=a HTTP/1.1\r\n" HOST "\r\n", 400, "two blanks" },
		{ "GET /back?code=a\tb HTTP/1.1\r\n" HOST "\r\n", 400, "a control" },
		{ "GET /back?code=\xc3\xbc HTTP/1.1\r\n" HOST "\r\n", 400, "beyond ASCII" },
		{ "GET /back?code=a#b HTTP/1.1\r\n" HOST "\r\n", 400, "a fragment" },
		{ "\r\n\r\n", 400, "no request line" },
		{ "GET /back?code=a HTTP/1.1\r\n\r\n", 400, "no Host" },
		{ "GET /back?code=a HTTP/1.1\r\n" HOST HOST "\r\n", 400, "two of them" },
		{ "GET /back?code=a HTTP/1.1\r\nHost: evil.example:40001\r\n\r\n", 403, "another Host" },
		{ "GET /back?code=a HTTP/1.1\r\nHost: 127.0.0.1.evil.example:40001\r\n\r\n", 403,
			"one that begins like ours" },
		{ "GET /back?code=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 403, "a Host without the port" },
		{ "GET /back?code=a HTTP/1.1\r\nHost: localhost:40002\r\n\r\n", 403, "another port" },
		{ "GET /back?code=a HTTP/1.1\r\nHost:\r\n\r\n", 403, "an empty Host" },
		{ "GET /back?code=a HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", 400, "a line without colon" },
		{ "GET /back?code=a HTTP/1.1\r\n" HOST " folded: x\r\n\r\n", 400, "a folded line" },
		{ "GET /back?code=a HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400, "a bare CR" },
	};
	char nul[] = "GET /back?code=a HTTP/1.1\r\n" HOST "X: a?\r\n\r\n";
	struct buf target = BUF_INIT(LANDING_REQUEST_MAX);
	int status;

	for (size_t i = 0; i < COUNT(rows); i++)
		expect_status(rows[i].request, rows[i].status, rows[i].name);
	*(strstr(nul, "a?") + 1) = '\0';
	check(ask(nul, sizeof(nul) - 1, &target, &status) == LANDING_NOT_US && status == 400,
		"refused: a NUL");
	buf_release(&target);
}

static void test_taken(void)
{
	static const char *const requests[] = {
		"GET /back?code=4%2Fabc&state=xyz HTTP/1.1\r\n" HOST "\r\n",
		"GET /back?code=4%2Fabc&state=xyz HTTP/1.0\nhost:\tLOCALHOST:40001 \n\n",
		("GET /back?code=4%2Fabc&state=xyz HTTP/1.1\r\nUser-Agent: M (X11; \xc3\xbc)\r\n"
		"Host: [::1]:40001\r\nCookie: a=b\r\n\r\nand a body"),
	};

	for (size_t i = 0; i < COUNT(requests); i++) {
		size_t len = strlen(requests[i]), whole = len;
		struct buf target = BUF_INIT(LANDING_REQUEST_MAX);
		bool all = true;
		int status;

		if (strstr(requests[i], "and a body"))
			whole = len - strlen("and a body");
		for (size_t cut = 0; cut < whole; cut++)
			all &= ask(requests[i], cut, &target, &status) == LANDING_MORE && !target.len;
		check(all, "request %zu, cut at every octet, is waited for", i);
		check(ask(requests[i], len, &target, &status) == LANDING_CAME, "... and whole it is taken");
		check_text(buf_text(&target), "/back?code=4%2Fabc&state=xyz", "... with what it brings");
		buf_release(&target);
	}
}

static void test_long(void)
{
	static const char begin[] = "GET /back?code=";
	char *text = mem_alloc(LANDING_REQUEST_MAX + 1);
	struct buf target = BUF_INIT(LANDING_REQUEST_MAX);
	int status = 0;

	memset(text, 'a', LANDING_REQUEST_MAX);
	memcpy(text, begin, strlen(begin));
	check(ask(text, LANDING_REQUEST_MAX - 1, &target, &status) == LANDING_MORE,
		"an octet less than the most");
	check(ask(text, LANDING_REQUEST_MAX, &target, &status) == LANDING_NOT_US && status == 431,
		"the most, and not whole");
	snprintf(text + LANDING_REQUEST_MAX - 50, 51, "%s", " HTTP/1.1\r\n" HOST "\r\n     ");
	check(ask(text, LANDING_REQUEST_MAX - 50 + strlen(text + LANDING_REQUEST_MAX - 50), &target,
		&status) == LANDING_CAME, "a long one that is whole");
	check_int(target.len, LANDING_REQUEST_MAX - 50 - strlen("GET "), "... is taken whole");
	free(text);
	buf_release(&target);
}

/* ---- pages */

static void test_pages(void)
{
	struct buf page = BUF_INIT(16 * 1024);
	const char *body;
	char length[64];

	landing_page(200, "You are <in>", "a \"quoted\" & <script>alert('x')</script>", &page);
	body = strstr(buf_text(&page), "\r\n\r\n");
	check(strstr(buf_text(&page), "HTTP/1.1 200 OK\r\n") == buf_text(&page), "its status");
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", body ? strlen(body + 4) : 0);
	check(strstr(buf_text(&page), length) != NULL, "its length");
	check(strstr(buf_text(&page), "\r\nContent-Security-Policy: default-src 'none'; ") != NULL &&
		strstr(buf_text(&page), "\r\nCache-Control: no-store\r\n") &&
		strstr(buf_text(&page), "\r\nReferrer-Policy: no-referrer\r\n") &&
		strstr(buf_text(&page), "\r\nConnection: close\r\n"), "what it lets nobody do");
	check(strstr(buf_text(&page), "a &#34;quoted&#34; &#38; &#60;script&#62;alert(&#39;x&#39;)") &&
		!strstr(buf_text(&page), "<script"), "words are words");
	check(!strstr(buf_text(&page), "src=") && !strstr(buf_text(&page), "href"),
		"it loads nothing");
	buf_clear(&page);
	landing_refuse(405, &page);
	check(strstr(buf_text(&page), "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n") ==
		buf_text(&page), "what is refused is told so");
	buf_release(&page);
}

int main(void)
{
	test_places();
	test_refused();
	test_taken();
	test_long();
	test_pages();
	return tap_done();
}
