/* t/unit/cred_https.c - one request over verified TLS: what is sent, what counts as an
 * answer, and what every failure is called. */
#include "t/unit/web_rig.h"

#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "base/clock.h"
#include "base/process.h"
#include "cred/https.h"

static struct {
	unsigned calls;
	bool answered;
	int status;
	long retry_after;
	char body[70000];
	size_t len;
	struct err err;
	struct loop loop;
} got;

static void done(void *context, struct https_answer *a, struct err *e)
{
	(void)context;
	got.calls++;
	got.answered = a != NULL;
	got.err = *e;
	if (a) {
		got.status = a->status;
		got.retry_after = a->retry_after;
		got.len = a->body.len;
		memcpy(got.body, buf_text(&a->body), a->body.len + 1);
	}
	loop_stop(&got.loop);
}

/* Asks and waits, at most so many ms. */
static void ask_within(const char *url, const char *body, const char *authorization,
	const char *ca_file, unsigned ms)
{
	struct buf form = BUF_INIT(4096);
	struct https_request r = { .url = url, .body = body ? &form : NULL,
		.authorization = authorization, .ca_file = ca_file };
	struct https *h;

	memset(&got, 0, sizeof(got));
	if (body)
		buf_add_text(&form, body);
	loop_init(&got.loop);
	h = https_start(&got.loop, &r, clock_ms() + ms, done, NULL);
	buf_wipe(&form);   /* it was borrowed for the call only */
	if (h)
		loop_run(&got.loop);
	https_free(&h);
	loop_release(&got.loop);
	check_int(got.calls, 1, "done is called once");
}

static void ask(const char *path, const char *body)
{
	char *url = web_url(path);

	ask_within(url, body, NULL, web_ca, 10000);
	free(url);
}

static void fails_by(enum err_kind kind, const char *cause, const char *words)
{
	check(!got.answered, "no answer");
	check_int(got.err.kind, kind, "E4: the kind of trouble");
	check(strstr(got.err.text, words), "... says '%s'", words);
	if (!strstr(got.err.text, words))
		printf("#   %s\n", got.err.text);
	check_text(got.err.cause, cause, "... the cause");
}

/* The caller knows the cause. */
static void fails(enum err_kind kind, const char *words)
{
	fails_by(kind, NULL, words);
}

/* ---- what goes out, what comes back */

static void request(void)
{
	char *url = web_url("/token?x=1");

	web_next("200 OK", "", "{\"a\":1}");
	ask_within(url, "grant_type=x&b=%20", "Basic geheim", web_ca, 10000);
	check_int(got.status, 200, "a form is answered");
	check_text(got.body, "{\"a\":1}", "... with a body");
	check(!strncmp(web->request, "POST /token?x=1 HTTP/1.1\r\n", 26), "it was posted");
	check(strstr(web->request, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"),
		"... as a form");
	check(strstr(web->request, "\r\nAuthorization: Basic geheim\r\n"), "... authorized");
	check(strstr(web->request, "\r\nAccept: application/json\r\n"), "... for JSON");
	check(strstr(web->request, "\r\n\r\ngrant_type=x&b=%20"), "... with the body as it was");
	free(url);

	web_next("200 OK", "", "hi");
	ask("/x", NULL);
	check_text(got.body, "hi", "without a body it is a GET");
	check(!strncmp(web->request, "GET /x HTTP/1.1\r\n", 17), "... indeed");
	check(!strstr(web->request, "Authorization"), "... of nobody in particular");

	web_next("200 OK", "", "");
	ask("/x", "");
	check(got.answered && got.len == 0, "an empty answer is one");
	check(!strncmp(web->request, "POST ", 5), "an empty form is a POST");
}

static void statuses(void)
{
	static const char *const lines[] = { "400 Bad Request", "401 Unauthorized",
		"429 Too Many Requests", "500 Oh", "503 Later" };

	for (size_t i = 0; i < COUNT(lines); i++) {
		web_next(lines[i], "", "{\"error\":\"x\"}");
		ask("/", "a=b");
		check_int(got.status, atoi(lines[i]), "%s is an answer", lines[i]);
		check_text(got.body, "{\"error\":\"x\"}", "... with its body");
	}
	web_next("302 Found", "Location: https://localhost/\r\n", "away");
	web->asked = 0;
	ask("/", "a=b");
	check_int(got.status, 302, "a redirect is an answer");
	check_int(web->asked, 1, "... that nobody follows");
}

static void retry_after(void)
{
	char header[128], date[64];
	time_t then = time(NULL) + 100;
	struct tm tm;

	web_next("429 x", "Retry-After: 17\r\n", "");
	ask("/", "a=b");
	check_int(got.retry_after, 17, "Retry-After in seconds");
	gmtime_r(&then, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(header, sizeof(header), "Retry-After: %s\r\n", date);
	web_next("503 x", header, "");
	ask("/", "a=b");
	check(got.retry_after > 80 && got.retry_after <= 100, "... as a date (%ld)", got.retry_after);
	web_next("503 x", "Retry-After: Thu, 01 Jan 1970 00:00:10 GMT\r\n", "");
	ask("/", "a=b");
	check_int(got.retry_after, 0, "... which has passed");
	web_next("503 x", "Retry-After: 99999999\r\n", "");
	ask("/", "a=b");
	/* Newer releases of libcurl themselves believe no more than six hours. */
	check(got.retry_after == 86400 || got.retry_after == 6 * 3600, "... or is beyond belief (%ld)",
		got.retry_after);
	web_next("503 x", "Retry-After: soon\r\n", "");
	ask("/", "a=b");
	check_int(got.retry_after, 0, "... or is nonsense");
}

static void sizes(void)
{
	web->action = WEB_FULL;
	ask("/", "a=b");
	check_int(got.len, HTTPS_BODY_MAX, "C2: as long as is taken");
	web->action = WEB_HUGE;
	ask("/", "a=b");
	fails(ERR_PROTOCOL, "is longer than 65536 octets");
	web->action = WEB_CUT;
	ask("/", "a=b");
	fails(ERR_LOST, "localhost:");
}

/* ---- what goes wrong */

static void network(void)
{
	char *url = web_url("/");
	uint64_t begun;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	web->action = WEB_CLOSE;
	ask("/", "a=b");
	fails(ERR_LOST, "cannot be asked: ");
	web->action = WEB_PLAIN;
	ask("/", "a=b");
	fails(ERR_TLS, "cannot be asked: ");

	web->action = WEB_SILENT;
	begun = clock_ms();
	ask_within(url, "a=b", NULL, web_ca, 1500);
	fails(ERR_TIMEOUT, "cannot be asked: ");
	check(clock_ms() - begun < 2500, "C1: in time");
	web_next("200 OK", "", "a long body that takes its time to come and so is too late");
	web->action = WEB_DRIP;
	begun = clock_ms();
	ask_within(url, "a=b", NULL, web_ca, 1500);
	fails(ERR_TIMEOUT, "cannot be asked: ");
	check(clock_ms() - begun < 2500, "C1: single octets stretch nothing");
	ask_within(url, "a=b", NULL, web_ca, 1);
	fails(ERR_TIMEOUT, "no answer within 1 s");
	free(url);

	bind(fd, (struct sockaddr *)&a, sizeof(a));   /* and nobody listens */
	getsockname(fd, (struct sockaddr *)&a, &len);
	url = mem_printf("https://127.0.0.1:%u/", ntohs(a.sin_port));
	ask_within(url, "a=b", NULL, web_ca, 5000);
	fails(ERR_CONNECT, "127.0.0.1:");
	free(url);
	close(fd);

	ask_within("https://x..invalid/", NULL, NULL, web_ca, 5000);
	check(got.err.kind == ERR_NAME || got.err.kind == ERR_NAME_AGAIN, "a name that is none");
	check(strstr(got.err.text, "x..invalid cannot be asked: "), "... is in the error");
}

/* One with that root in it, as openssl(1) prepares it. */
static void ask_in_directory(const char *root, bool good)
{
	char *directory = mem_printf("%s.d", root), *url = web_url("/");
	char *make = mem_printf("mkdir %s && cp %s %s/root.pem && openssl rehash %s", directory, root,
		directory, directory);
	char *remove = mem_printf("rm -r %s", directory);

	check(system(make) == 0, "a directory of roots");
	web_next("200 OK", "", "{}");
	ask_within(url, "a=b", NULL, directory, 5000);
	if (good)
		check(got.answered && got.status == 200, "it counts: %s", got.err.text);
	else
		fails(ERR_CERT, "localhost:");
	check(system(remove) == 0, "... away");
	free(directory);
	free(url);
	free(make);
	free(remove);
}

static void certificates(void)
{
	char *url = web_url("/");

	web_next("200 OK", "", "secret");
	web->asked = 0;
	ask_within(url, "a=b", NULL, web_other_ca, 5000);
	fails(ERR_CERT, "localhost:");
	check(strstr(got.err.hint, web_other_ca) && strstr(got.err.hint, "of tls_ca_file the first file"),
		"... and which file has not served: %s", got.err.hint);
	ask_within(url, "a=b", NULL, NULL, 5000);
	check(got.err.kind == ERR_CERT || got.err.kind == ERR_CONFIG,
		"D3: the system's roots do not know it");
	ask_within(url, "a=b", NULL, "/nowhere/ca.pem", 5000);
	fails(ERR_CONFIG, "cannot be asked: ");
	check(strstr(got.err.hint, "tls_ca_file"), "... and which key to look at");
	free(url);
	ask_in_directory(web_other_ca, false);
	url = mem_printf("https://127.0.0.1:%u/", web_port);
	ask_within(url, "a=b", NULL, web_ca, 5000);
	fails(ERR_CERT, "127.0.0.1:");
	free(url);
	url = mem_printf("https://old.localhost:%u/", web_port);
	ask_within(url, "a=b", NULL, web_ca, 5000);
	fails(ERR_CERT, "old.localhost:");
	free(url);
	check_int(web->asked, 0, "D8: nothing was said to any of them");
	ask_in_directory(web_ca, true);
}

static void urls(void)
{
	static const struct {
		const char *url, *words;
	} bad[] = {
		{ "http://localhost/", "is no https:// URL" },
		{ "ftp://localhost/", "is no https:// URL" },
		{ "file:///etc/passwd", "is no https:// URL" },
		{ "", "is no https:// URL" },
		{ "https://", "is no https:// URL" },
		{ "https:///x", "is no URL with a host" },
		{ "https://:443/x", "is no URL with a host" },
		{ "https://me@localhost/", "is no URL with a host" },
		{ "https://a b/", "octet 10 is not printable ASCII" },
		{ "https://a/\r\nX: y", "octet 11 is not printable ASCII" },
		{ "https://a/\xc3\xa4", "octet 11 is not printable ASCII" },
	};

	web->asked = 0;
	for (size_t i = 0; i < COUNT(bad); i++) {
		ask_within(bad[i].url, NULL, NULL, web_ca, 5000);
		fails(ERR_CONFIG, bad[i].words);
	}
	check_int(web->asked, 0, "none was asked");
}

/* ---- around it */

static void never(void *context, struct https_answer *a, struct err *e)
{
	(void)context;
	(void)a;
	(void)e;
	check(false, "done after it was freed");
}

static void given_up(void)
{
	char *url = web_url("/");
	struct https_request r = { .url = url, .ca_file = web_ca };
	struct loop loop;
	struct https *h;

	loop_init(&loop);
	web->action = WEB_SILENT;
	h = https_start(&loop, &r, LOOP_NEVER, never, NULL);
	check(h, "one is under way");
	https_free(&h);
	check(!h, "... and let go");
	loop_run(&loop);   /* nothing is left to wait for */
	loop_release(&loop);
	check(waitpid(-1, NULL, WNOHANG) == 0, "... its child is gone, the server alone is left");
	free(url);
}

/* A proxy that refuses; what it heard is kept as the web's request is. */
static pid_t proxy_start(unsigned *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	static const char no[] = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
	pid_t pid;

	bind(fd, (struct sockaddr *)&a, sizeof(a));
	listen(fd, 1);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*port = ntohs(a.sin_port);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int one = accept(fd, NULL, NULL);
		ssize_t n = read(one, web->request, sizeof(web->request) - 1);

		web->request[n > 0 ? n : 0] = '\0';
		send(one, no, sizeof(no) - 1, MSG_NOSIGNAL);
		close(one);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void proxy(void)
{
	unsigned port;
	pid_t pid = proxy_start(&port);
	char *want = mem_printf("CONNECT localhost:%u ", web_port);
	char *where = mem_printf("http://127.0.0.1:%u", port);

	web_next("200 OK", "", "hi");
	setenv("http_proxy", where, 1);
	ask("/", NULL);
	check_text(got.body, "hi", "what libcurl would read in the environment is nothing");
	setenv("https_proxy", where, 1);
	setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
	ask("/", NULL);
	check_text(got.body, "hi", "... whatever it is");
	process_clean();
	check(!getenv("https_proxy"), "the variables are taken away");
	check_text(process_https_proxy(), where, "... and kept");
	web->asked = 0;
	ask("/", NULL);
	fails(ERR_CONNECT, "403");
	check(strstr(got.err.hint, "https_proxy"), "... with the variable to look at");
	check_int(web->asked, 0, "... and nobody else was asked");
	waitpid(pid, NULL, 0);
	check(!strncmp(web->request, want, strlen(want)), "the proxy was asked for the server");
	setenv("https_proxy", where, 1);
	setenv("no_proxy", "example.org,localhost", 1);
	process_clean();
	ask("/", NULL);
	check_text(got.body, "hi", "no_proxy names who is asked without it");
	check_text(process_proxy_variables()[1], "no_proxy=example.org,localhost", "... and is kept");
	unsetenv("no_proxy");
	process_clean();
	check(!process_https_proxy() && !process_no_proxy() && !process_proxy_variables()[0],
		"without variables there is none");
	free(where);
	free(want);
}

/* ---- without libcurl */

/* Where the loader finds it; "": nowhere. */
static void find(const char *soname, char path[256])
{
	int ends[2];
	ssize_t n;

	path[0] = '\0';
	if (pipe(ends) < 0)
		return;
	fflush(stdout);
	if (fork() == 0) {
		struct link_map *map = NULL;
		void *library = dlopen(soname, RTLD_LAZY);

		if (library && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 &&
				write(ends[1], map->l_name, strlen(map->l_name)) < 0)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	n = read(ends[0], path, 255);
	path[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* An empty file in its place cannot be loaded. */
static bool hide(const char *soname)
{
	char path[256];

	find(soname, path);
	return !path[0] || mount("/dev/null", path, "", MS_BIND, NULL) == 0;
}

static void missing(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
			mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0) {
		printf("# needs root and namespaces: libcurl is not hidden\n");
		return;
	}
	check(hide(SENDOFF_CURL), "the library of its first name is hidden");
	web_next("200 OK", "", "hi");
	ask("/", NULL);
	if (got.answered)
		check_text(got.body, "hi", "the other does as well");
	else
		printf("# the other is not there: %s\n", got.err.text);
	check(hide("libcurl.so.4"), "both are hidden");
	web->asked = 0;
	ask("/", NULL);
	fails_by(ERR_SYSTEM, "library-missing", "libcurl");
	check(strstr(got.err.text, " cannot be loaded: "), "... what it is");
	check_text(got.err.hint, "install libcurl3-gnutls", "... and its package");
	check_int(web->asked, 0, "nobody was asked");
}

int main(void)
{
	if (!web_open())
		return 1;
	request();
	statuses();
	retry_after();
	sizes();
	network();
	certificates();
	urls();
	given_up();
	proxy();
	missing();
	web_close();
	return tap_done();
}
