/* t/unit/net_proxy.c - what is said to a proxy and heard of it, octet by octet. */
#include "net/proxy.h"

#include <stdlib.h>

#include "base/mem.h"
#include "t/unit/tap.h"

static const char name[] = "mail.example.test";

/* ---- the URL */

static void test_urls(void)
{
	static const struct {
		const char *url;
		enum proxy_kind kind;
		const char *host, *user, *password, *shown;
		unsigned port;
	} good[] = {
		{ "socks5://h", PROXY_SOCKS5, "h", NULL, NULL, "socks5://h:1080", 1080 },
		{ "socks5h://h:9050", PROXY_SOCKS5, "h", NULL, NULL, "socks5://h:9050", 9050 },
		{ "SOCKS5://h/", PROXY_SOCKS5, "h", NULL, NULL, "socks5://h:1080", 1080 },
		{ "http://h", PROXY_HTTP, "h", NULL, NULL, "http://h:8080", 8080 },
		{ "http://[::1]:3128", PROXY_HTTP, "::1", NULL, NULL, "http://[::1]:3128", 3128 },
		{ "http://[2001:db8::1]", PROXY_HTTP, "2001:db8::1", NULL, NULL,
			"http://[2001:db8::1]:8080", 8080 },
		{ "socks5://u:p@h:1", PROXY_SOCKS5, "h", "u", "p", "socks5://h:1", 1 },
		{ "socks5://u%40x:p%3A%2f+%25@h", PROXY_SOCKS5, "h", "u@x", "p:/+%", "socks5://h:1080", 1080 },
		{ "socks5://u%3ax:a:b@c@h", PROXY_SOCKS5, "h", "u:x", "a:b@c", "socks5://h:1080", 1080 },
		{ "http://u:\xc3\xa4@h\x1b", PROXY_HTTP, "h\x1b", "u", "\xc3\xa4", "http://h\\x1b:8080", 8080 },
	};
	struct proxy p;
	struct err e;

	for (size_t i = 0; i < COUNT(good); i++) {
		check_int(proxy_parse(good[i].url, &p, &e), 0, "%s", good[i].url);
		check_int(p.kind, good[i].kind, "... its kind");
		check_text(p.host, good[i].host, "... its host");
		check_int(p.port, good[i].port, "... its port");
		check_text(p.user.data, good[i].user, "... its user");
		check_text(p.password.data, good[i].password, "... its password");
		check_text(p.shown, good[i].shown, "... what is shown of it");
		proxy_release(&p);
	}
}

static void test_bad_urls(void)
{
	static const char *const bad[] = { "", "h", "h:1080", "socks4://h", "https://h", "socks5:/h",
		"socks5://", "socks5:///", "socks5://:1", "socks5://h:", "socks5://h:0", "socks5://h:65536",
		"socks5://h:1a", "socks5://h:000001", "socks5://h/x", "socks5://h?x", "socks5://h#x",
		"socks5://::1", "socks5://[::1", "socks5://[]", "socks5://[::1]x:1", "socks5://u@h",
		"socks5://u:@h", "socks5://:p@h", "socks5://u:%@h", "socks5://u:%4@h", "socks5://u:%gg@h",
		"socks5://u:a%00b@h", "http://a%3ab:p@h" };
	char text[1200];
	struct proxy p;
	struct err e;

	for (size_t i = 0; i < COUNT(bad); i++) {
		check_int(proxy_parse(bad[i], &p, &e), -1, "not '%s'", bad[i]);
		check_int(e.kind, ERR_CONFIG, "... a mistake in the configuration");
		check(!p.user.data && !p.password.data && !p.host[0], "... of which nothing is left");
		check(e.hint[0] && (!bad[i][0] || strlen(bad[i]) < 4 || !strstr(e.text, bad[i])),
			"... with a next step, and no word of it");
	}
	for (size_t most = 255; most <= 256; most++) {
		snprintf(text, sizeof(text), "socks5://u:%0*d@h", (int)most, 1);
		check_int(proxy_parse(text, &p, &e), most == 255 ? 0 : -1, "a password of %zu octets", most);
		proxy_release(&p);
		snprintf(text, sizeof(text), "http://h%0*d", (int)most - 1, 1);
		check_int(proxy_parse(text, &p, &e), most == 255 ? 0 : -1, "a host of %zu octets", most);
		proxy_release(&p);
	}
}

/* ---- a talk: what we say is written, what it says is read in pieces of any size */

struct step {
	const char *ours, *its;
	size_t ours_len, its_len;
};
#define STEP(a, b) { (a), (b), sizeof(a) - 1, sizeof(b) - 1 }

static void must_say(struct proxy_talk *t, const struct step *s, size_t piece)
{
	size_t len;
	const char *out = proxy_output(t, &len);

	check(len == s->ours_len && !memcmp(out, s->ours, len), "we say what we must (%zu octets)", len);
	while (len) {
		proxy_written(t, len < piece ? len : piece);
		proxy_output(t, &len);
	}
}

/* Returns what came of the last answer; *rest is what is behind it. */
static enum proxy_turn talk(const char *url, const char *host, unsigned port,
	const struct step *steps, size_t piece, size_t *rest, struct err *e)
{
	struct proxy p;
	struct proxy_talk *t;
	enum proxy_turn turn = PROXY_GOES_ON;

	*rest = 0;
	*e = (struct err){ 0 };
	check_int(proxy_parse(url, &p, e), 0, "%s", url);
	t = proxy_talk_new(&p, host, port);
	for (; steps->ours && turn == PROXY_GOES_ON; steps++) {
		size_t at = 0, used = 0;

		must_say(t, steps, piece);
		while (at < steps->its_len && turn == PROXY_GOES_ON) {
			size_t len = steps->its_len - at < piece ? steps->its_len - at : piece;

			turn = proxy_received(t, steps->its + at, len, &used, e);
			at += used;
			check(used == len || turn != PROXY_GOES_ON, "all is used while it goes on");
		}
		*rest = steps->its_len - at;
	}
	proxy_talk_free(&t);
	proxy_release(&p);
	return turn;
}

#define SOCKS_NAME "\5\1\0\3\x11mail.example.test\2\x4b"

struct sample {
	const char *what, *url, *host;
	struct step steps[4];
	enum proxy_turn turn;
	size_t rest;
	const char *cause;
};

static const struct sample samples[] = {
	{ "SOCKS5", "socks5://h", name, { STEP("\5\1\0", "\5\0"),
		STEP(SOCKS_NAME, "\5\0\0\1\1\2\3\4\5\6" "220 hi\r\n") }, PROXY_OPEN, 8, NULL },
	{ "SOCKS5, answered by IPv6", "socks5://h", name, { STEP("\5\1\0", "\5\0"),
		STEP(SOCKS_NAME, "\5\0\0\4" "0123456789abcdef" "pp") }, PROXY_OPEN, 0, NULL },
	{ "SOCKS5, answered by a name", "socks5://h", name, { STEP("\5\1\0", "\5\0"),
		STEP(SOCKS_NAME, "\5\0\0\3\3abcpp" "2") }, PROXY_OPEN, 1, NULL },
	{ "SOCKS5, answered by no name", "socks5://h", name, { STEP("\5\1\0", "\5\0"),
		STEP(SOCKS_NAME, "\5\0\0\3\0pp" "22") }, PROXY_OPEN, 2, NULL },
	{ "SOCKS5 to IPv4", "socks5://h", "192.0.2.1", { STEP("\5\1\0", "\5\0"),
		STEP("\5\1\0\1\xc0\0\2\1\2\x4b", "\5\0\0\1\1\2\3\4\5\6") }, PROXY_OPEN, 0, NULL },
	{ "SOCKS5 to IPv6", "socks5://h", "2001:db8::1", { STEP("\5\1\0", "\5\0"),
		STEP("\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\2\x4b", "\5\0\0\1\1\2\3\4\5\6") },
		PROXY_OPEN, 0, NULL },
	{ "SOCKS5 with a login", "socks5://u:pw@h", name, { STEP("\5\2\0\2", "\5\2"),
		STEP("\1\1u\2pw", "\1\0"), STEP(SOCKS_NAME, "\5\0\0\1\1\2\3\4\5\6") }, PROXY_OPEN, 0, NULL },
	{ "... that is not asked for", "socks5://u:pw@h", name, { STEP("\5\2\0\2", "\5\0"),
		STEP(SOCKS_NAME, "\5\0\0\1\1\2\3\4\5\6") }, PROXY_OPEN, 0, NULL },
	{ "... answered with the other version", "socks5://u:pw@h", name, { STEP("\5\2\0\2", "\5\2"),
		STEP("\1\1u\2pw", "\5\0"), STEP(SOCKS_NAME, "\5\0\0\1\1\2\3\4\5\6") }, PROXY_OPEN, 0, NULL },
	{ "... refused", "socks5://u:pw@h", name, { STEP("\5\2\0\2", "\5\2"),
		STEP("\1\1u\2pw", "\1\1") }, PROXY_FAILED, 0, "proxy-login-refused" },
	{ "... asked for where there is none", "socks5://h", name, { STEP("\5\1\0", "\5\2") },
		PROXY_FAILED, 0, "proxy-not-one" },
	{ "no way without a login", "socks5://h", name, { STEP("\5\1\0", "\5\xff") }, PROXY_FAILED, 0,
		"proxy-login-wanted" },
	{ "a refusal counts before it is whole", "socks5://h", name, { STEP("\5\1\0", "\5\0"),
		STEP(SOCKS_NAME, "\5\5") }, PROXY_FAILED, 0, "proxy-cannot-reach" },
	{ "another version", "socks5://h", name, { STEP("\5\1\0", "\4") }, PROXY_FAILED, 0,
		"proxy-not-one" },
	{ "CONNECT", "http://h", name, { STEP("CONNECT mail.example.test:587 HTTP/1.1\r\n"
		"Host: mail.example.test:587\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n220 hi\r\n") },
		PROXY_OPEN, 8, NULL },
	{ "CONNECT to IPv6, answered with LF", "http://h", "2001:db8::1", {
		STEP("CONNECT [2001:db8::1]:587 HTTP/1.1\r\nHost: [2001:db8::1]:587\r\n\r\n",
		"HTTP/1.0 200\n\n\n") }, PROXY_OPEN, 1, NULL },
	{ "CONNECT with a login", "http://Aladdin:open%20sesame@h", name, {
		STEP("CONNECT mail.example.test:587 HTTP/1.1\r\nHost: mail.example.test:587\r\n"
		"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n") }, PROXY_OPEN, 0, NULL },
	{ "CONNECT refused", "http://h", name, { STEP("CONNECT mail.example.test:587 HTTP/1.1\r\n"
		"Host: mail.example.test:587\r\n\r\n", "HTTP/1.1 403 No\r\n\r\n") }, PROXY_FAILED, 0,
		"proxy-forbids" },
	{ "CONNECT without a right", "http://u:pw@h", name, { STEP("CONNECT mail.example.test:587 HTTP/1.1\r\n"
		"Host: mail.example.test:587\r\nProxy-Authorization: Basic dTpwdw==\r\n\r\n",
		"HTTP/1.1 401 No\r\n\r\n") }, PROXY_FAILED, 0, "proxy-login-refused" },
	{ "no HTTP", "http://h", name, { STEP("CONNECT mail.example.test:587 HTTP/1.1\r\n"
		"Host: mail.example.test:587\r\n\r\n", "HTTPS") }, PROXY_FAILED, 0, "proxy-not-one" },
};

static void test_talks(void)
{
	struct err e;
	size_t rest;

	for (size_t i = 0; i < COUNT(samples); i++)
		for (size_t piece = 1; piece < 200; piece = piece == 1 ? 3 : piece == 3 ? 100 : 1000) {
			const struct sample *s = &samples[i];

			check_int(talk(s->url, s->host, 587, s->steps, piece, &rest, &e), s->turn,
				"%s, in pieces of %zu: %s", s->what, piece, e.text);
			if (s->turn == PROXY_OPEN)
				check_int(rest, s->rest, "what is behind is left");
			check_text(e.cause, s->cause, "the cause");
			check(!strstr(e.text, "pw") && !strstr(e.text, "sesame"), "no password in it");
		}
}

/* A proxy that repeats the login that it was told; of long words no cut lets a part be seen. */
static void test_repeats(void)
{
	static const char *const says[] = { "407 open sesame", "407 QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
		"403 open%20sesame", "502 OPEN 6f70656e20736573616d65", "502 sesame, pen sesame" };
	static const char *const want[] = { "refuses user and password: \"407 ***********\"",
		"refuses user and password: \"407 QWxhZGRpbj******************\"",
		"cannot reach mail.example.test port 587: it says \"403 *************\"",
		"cannot reach mail.example.test port 587: it says \"502 OPEN **********************\"",
		"cannot reach mail.example.test port 587: it says \"502 sesame, **********\"" };
	struct proxy p;
	struct proxy_talk *t;
	struct err e = { 0 };
	char line[400];
	size_t used;

	proxy_parse("http://Aladdin:open%20sesame@h", &p, &e);
	for (size_t i = 0; i < COUNT(says) + 160; i++) {
		t = proxy_talk_new(&p, name, 587);
		if (i < COUNT(says))
			snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n\r\n", says[i]);
		else
			snprintf(line, sizeof(line), "HTTP/1.1 403 %0*dopen sesame\r\n\r\n",
				(int)(i - COUNT(says) + 1), 0);
		check_int(proxy_received(t, line, strlen(line), &used, &e), PROXY_FAILED, "%s", line);
		if (i < COUNT(says))
			check_text(e.text + strlen("the proxy http://h:8080 "), want[i], "D9 without the password");
		else
			check(!strstr(e.text, "op") && !strstr(e.text, "0o"), "D9 no part of it: %s", e.text);
		proxy_talk_free(&t);
	}
	proxy_release(&p);
}

static void test_hide(void)
{
	static const char *const none[] = { NULL, "", "http://h", "socks5://u@h", "ftp://u:open sesame@h" };
	struct mask m = { 0 };
	char text[] = "open sesame, b3BlbiBzZXNhbWU=";

	for (size_t i = 0; i < COUNT(none); i++)
		proxy_hide(none[i], &m);
	check(!m.secrets, "there is nothing to hide");
	proxy_hide("socks5://u:open%20sesame@h", &m);
	proxy_hide("http://u:open%20sesame@h", &m);
	mask_words(&m, text);
	check_text(text, "***********, ****************", "D9 the password of a proxy");
	mask_wipe(&m);
}

static void test_lost(void)
{
	static const char *const urls[] = { "socks5://h", "http://h" };
	struct proxy p;
	struct proxy_talk *t;
	struct err e = { 0 };
	size_t used;

	for (size_t i = 0; i < COUNT(urls); i++) {
		proxy_parse(urls[i], &p, &e);
		t = proxy_talk_new(&p, name, 587);
		check_int(proxy_lost(t, false, &e), -1, "closed before it said anything");
		check_text(e.cause, "proxy-no-answer", "no answer");
		check_int(e.kind, ERR_CONNECT, "no connection");
		proxy_lost(t, true, &e);
		check_int(e.kind, ERR_TIMEOUT, "or in time");
		if (p.kind == PROXY_SOCKS5) {
			proxy_received(t, "\5\0", 2, &used, &e);
			proxy_lost(t, true, &e);
			check_text(e.cause, "proxy-cannot-reach", "it has answered, and the server has not");
		}
		proxy_talk_free(&t);
		proxy_release(&p);
	}
}

int main(void)
{
	test_urls();
	test_bad_urls();
	test_talks();
	test_repeats();
	test_hide();
	test_lost();
	return tap_done();
}
