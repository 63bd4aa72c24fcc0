/* t/unit/probe_knock.c - who is there: the scripted server in each mode, servers of
 * other kinds, and nobody. */
#include "t/unit/tap.h"
#include "t/unit/zoo.h"

#include <arpa/inet.h>
#include <libgen.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/dial.h"
#include "probe/knock.h"

static char dir[] = "/tmp/probe_knock-XXXXXX";
static const char *program;      /* t/server */
static char *ca_file[1];

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

/* ---- servers */

struct server {
	pid_t pid;
	unsigned port;
	char *log;
	bool talks;      /* beyond a greeting */
};

static void write_identity(const char *name, const struct identity *id)
{
	char *crt = mem_printf("%s/%s.crt", dir, name), *key = mem_printf("%s/%s.key", dir, name);
	FILE *f = fopen(crt, "w");

	zoo_write_cert(f, id->crt);
	fclose(f);
	f = fopen(key, "w");
	zoo_write_key(f, id->key);
	fclose(f);
	free(crt);
	free(key);
}

/* A good certificate for localhost, and one that is signed by nobody. */
static void make_identities(void)
{
	static const struct recipe ca = { .cn = "Root", .ca = true };
	static const struct recipe good = { .cn = "x", .dns = { "localhost" }, .ip = "127.0.0.1" };
	struct identity root = zoo_make(&ca, NULL), server = zoo_make(&good, &root);
	struct identity self = zoo_make(&good, NULL);

	write_identity("ca", &root);
	write_identity("good", &server);
	write_identity("self", &self);
	ca_file[0] = path_of("ca.crt");
	zoo_free(&root);
	zoo_free(&server);
	zoo_free(&self);
}

static unsigned read_port(const char *ready)
{
	char line[32] = "";

	for (int i = 0; i < 500; i++) {
		FILE *f = fopen(ready, "r");
		bool whole = f && fgets(line, sizeof(line), f) && strchr(line, '\n');

		if (f)
			fclose(f);
		if (whole)
			return (unsigned)strtoul(line, NULL, 10);
		usleep(10000);
	}
	return 0;
}

/* More arguments by twos, NULL at the end. */
static struct server server_start(const char *tls, const char *cert, const char *const *more)
{
	char *ready = path_of("ready"), *store = path_of("store");
	char *crt = mem_printf("%s/%s.crt", dir, cert), *key = mem_printf("%s/%s.key", dir, cert);
	struct server s = { .log = path_of("log"), .talks = !more || strncmp(more[1], "greeting", 8) != 0 };
	const char *args[40] = { program, "--ready", ready, "--log", s.log, "--store", store,
		"--lifetime", "60", "--user", "me", "--password", "p", "--tls", tls };
	unsigned n = 15;

	if (strcmp(tls, "off") != 0) {
		const char *own[] = { "--cert", crt, "--key", key };

		memcpy(args + n, own, sizeof(own));
		n += 4;
	}
	while (more && *more)
		args[n++] = *more++;
	unlink(ready);
	unlink(s.log);
	fflush(NULL);
	s.pid = fork();
	if (!s.pid) {
		execv(program, (char **)(uintptr_t)args);
		_exit(127);
	}
	s.port = read_port(ready);
	check(s.port, "t/server listens");
	unlink(ready);
	free(ready);
	free(store);
	free(crt);
	free(key);
	return s;
}

/* Ends it, and sees that it heard nothing but what is allowed, unless it is rude to
 * begin with. */
static void server_stop_after(struct server *s, bool rude)
{
	char line[2000];
	bool good = true, talked = false;
	FILE *f;

	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
	f = fopen(s->log, "r");
	while (f && !rude && fgets(line, sizeof(line), f)) {
		bool is_command = strstr(line, " C: ");

		talked = talked || is_command;
		if (!strstr(line, " VIOLATION: ") && (!is_command || strstr(line, " C: EHLO ") ||
				strstr(line, " C: STARTTLS") || strstr(line, " C: QUIT")))
			continue;
		printf("# %s", line);
		good = false;
	}
	check(good, "nothing but EHLO, STARTTLS, QUIT, and by the rules");
	check(f && (rude || talked || !s->talks), "it was spoken with");
	if (f)
		fclose(f);
	unlink(s->log);
	free(s->log);
}

static void server_stop(struct server *s)
{
	server_stop_after(s, false);
}

static int listener(unsigned *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 8) < 0 ||
			getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	*port = ntohs(a.sin_port);
	return fd;
}

/* Says some octets: at once, or to who has spoken.  closes: and is gone. */
static struct server odd_start(const char *says, size_t len, bool asked, bool closes)
{
	struct server s = { .pid = -1 };
	int fd = listener(&s.port);

	fflush(NULL);
	s.pid = fork();
	if (!s.pid) {
		char heard[512];

		alarm(60);
		signal(SIGCHLD, SIG_IGN);
		setpgid(0, 0);
		for (;;) {
			int c = accept(fd, NULL, NULL);

			if (asked && fork() != 0) {   /* who says nothing keeps nobody waiting */
				close(c);
				continue;
			}
			alarm(60);
			if (asked && read(c, heard, sizeof(heard)) <= 0)
				_exit(0);
			if (len && write(c, says, len) < 0)
				continue;
			if (closes) {
				if (!asked)
					usleep(50000);
				shutdown(c, SHUT_RDWR);
				close(c);
			}
			if (asked) {
				pause();
				_exit(0);
			}
		}
	}
	close(fd);
	setpgid(s.pid, s.pid);
	return s;
}

/* With all its children. */
static void odd_stop(struct server *s)
{
	kill(-s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

/* ---- knocks */

struct visit {
	struct loop loop;
	struct tls_settings set;
	struct tls_trust *trust;
	struct knock *knocks[64];
	unsigned wanted, told;
	struct knock_answer answers[64];
};

static void told(void *context, const struct knock_answer *a)
{
	struct visit *v = context;

	v->answers[v->told++] = *a;
	if (v->told == v->wanted)
		loop_stop(&v->loop);
}

static void visit_init(struct visit *v)
{
	struct err e = { 0 };

	memset(v, 0, sizeof(*v));
	loop_init(&v->loop);
	v->set.verify = true;
	v->set.ca_files = (struct key_list){ ca_file, 1 };
	v->trust = tls_trust_load(&v->set, &e);
	check(v->trust, "the roots are there: %s", e.text);
}

static void visit_release(struct visit *v)
{
	for (unsigned i = 0; i < v->wanted; i++)
		knock_free(&v->knocks[i]);
	tls_trust_free(&v->trust);
	loop_release(&v->loop);
}

static void visit_add(struct visit *v, const char *host, unsigned port, int mode, long ms)
{
	struct knock_plan plan = { .host = host, .address = "127.0.0.1", .port = port, .mode = mode,
		.ehlo = "client.example.test", .tls = &v->set, .trust = v->trust,
		.deadline = clock_ms() + (uint64_t)ms };

	v->knocks[v->wanted++] = knock_start(&v->loop, &plan, told, v);
	check_int(v->told, 0, "nothing is told before the loop runs");
}

/* One knock, for itself. */
static struct knock_answer knock(const char *host, unsigned port, int mode, long ms)
{
	struct knock_answer a;
	struct visit v;

	visit_init(&v);
	visit_add(&v, host, port, mode, ms);
	loop_run(&v.loop);
	check_int(v.told, 1, "told once");
	a = v.answers[0];
	visit_release(&v);
	return a;
}

#define FOUND(a, kind, ...) check_text(knock_name((a).found), knock_name(kind), __VA_ARGS__)

static void test_starttls(void)
{
	struct server s = server_start("starttls", "good", NULL);
	struct knock_answer a = knock("localhost", s.port, SMTP_TLS_STARTTLS, 5000);

	FOUND(a, KNOCK_SMTP, "STARTTLS: SMTP");
	check(knock_works(&a), "STARTTLS: it works: %s", a.trouble.text);
	check(a.tls && a.trusted && a.starttls && a.speaks, "STARTTLS: with all that belongs to it");
	check_int(a.code, 220, "STARTTLS: greeted");
	check(!strncmp(a.text, "220 ", 4), "STARTTLS: by \"%s\"", a.text);
	check_text(a.auth_clear, "", "STARTTLS: no login before TLS");
	check_text(a.auth, "PLAIN LOGIN", "STARTTLS: these inside");
	check_text(a.facts.version, "TLS1.3", "STARTTLS: the version");
	check_int(a.trail.winner, 0, "STARTTLS: the trail");
	check(a.ms >= 0 && a.ms < 5000, "STARTTLS: in %lld ms", (long long)a.ms);
	check_int(a.trouble.kind, ERR_NONE, "STARTTLS: nothing to complain about");

	a = knock("localhost", s.port, SMTP_TLS_OFF, 5000);
	check(knock_works(&a) && a.starttls && !a.tls, "in clear: works, and STARTTLS is offered");
	check_text(a.auth_clear, "", "in clear: no login");
	server_stop(&s);

	s = server_start("starttls", "good", NULL);
	a = knock("localhost", s.port, SMTP_TLS_IMPLICIT, 5000);
	FOUND(a, KNOCK_SMTP, "TLS where it is clear: SMTP is told");
	check(!knock_works(&a) && !a.tls && !a.speaks, "TLS where it is clear: does not work");
	check(!strncmp(a.text, "220 ", 4), "TLS where it is clear: \"%s\"", a.text);
	check_int(a.trouble.kind, ERR_TLS, "TLS where it is clear: %s", a.trouble.text);
	server_stop_after(&s, true);
}

static void test_implicit(void)
{
	struct server s = server_start("implicit", "good", NULL);
	struct knock_answer a = knock("localhost", s.port, SMTP_TLS_IMPLICIT, 5000);

	FOUND(a, KNOCK_SMTP, "implicit: SMTP");
	check(knock_works(&a) && a.tls && !a.starttls, "implicit: it works: %s", a.trouble.text);
	check_text(a.auth, "PLAIN LOGIN", "implicit: the mechanisms");
	check_int(a.code, 220, "implicit: greeted inside");

	a = knock("localhost", s.port, SMTP_TLS_STARTTLS, 700);
	FOUND(a, KNOCK_SILENT, "clear where TLS is meant: silence");
	check(!knock_works(&a), "clear where TLS is meant: does not work");
	check_int(a.trouble.kind, ERR_TIMEOUT, "clear where TLS is meant: %s", a.trouble.text);
	check(a.ms >= 690 && a.ms < 3000, "until the deadline");

	a = knock("other.example", s.port, SMTP_TLS_IMPLICIT, 5000);
	check(a.tls && a.speaks && !a.trusted && !knock_works(&a), "another name: speaks, not trusted");
	check_text(a.trouble.text, "the certificate of other.example is refused: it is for localhost, "
		"127.0.0.1, not for other.example", "another name: why");
	server_stop(&s);
}

static void test_certificate(void)
{
	struct server s = server_start("starttls", "self", NULL);
	struct knock_answer a = knock("localhost", s.port, SMTP_TLS_STARTTLS, 5000);

	check(a.tls && a.speaks && !a.trusted && !knock_works(&a), "self-signed: not trusted");
	check(strstr(a.trouble.text, "self-signed"), "self-signed: %s", a.trouble.text);
	check_text(a.auth, "PLAIN LOGIN", "self-signed: looked at all the same");
	check(!a.facts.verified && a.facts.version[0], "self-signed: the facts say so");
	server_stop(&s);
}

/* What a server does at a point; what is found. */
static const struct {
	const char *at;
	enum knock_found found;
	enum err_kind kind;
	const char *text;
} scripts[] = {
	{ "greeting reply \"554 5.7.1 go away\"", KNOCK_SMTP, ERR_NONE, "" },
	{ "greeting reply \"421 4.3.2 busy\"", KNOCK_SMTP, ERR_NONE, "" },
	{ "greeting reply \"220-one\\r\\n220 two\"", KNOCK_SMTP, ERR_NONE, "" },
	{ "greeting close", KNOCK_HUNG_UP, ERR_LOST, "closed the connection" },
	{ "greeting silence", KNOCK_SILENT, ERR_TIMEOUT, "no answer in time" },
	{ "greeting double", KNOCK_SMTP, ERR_PROTOCOL, "before it was asked" },
	{ "greeting line 9000", KNOCK_SMTP, ERR_PROTOCOL, "more than 8192" },
	{ "EHLO reply \"502 5.5.1 what\"", KNOCK_SMTP, ERR_PROTOCOL,
		"the server refuses EHLO: 502 5.5.1 what" },
	{ "EHLO reply \"250 x\"", KNOCK_SMTP, ERR_TLS, "does not offer STARTTLS" },
	{ "EHLO close", KNOCK_SMTP, ERR_LOST, "closed the connection" },
	{ "EHLO reset", KNOCK_SMTP, ERR_LOST, "broke off" },
	{ "EHLO silence", KNOCK_SMTP, ERR_TIMEOUT, "no answer in time" },
	{ "STARTTLS reply \"454 4.7.0 not now\"", KNOCK_SMTP, ERR_TLS,
		"the server refuses STARTTLS: 454 4.7.0 not now" },
	{ "STARTTLS inject \"250 x\"", KNOCK_SMTP, ERR_PROTOCOL, "before it was asked" },
	{ "STARTTLS close", KNOCK_SMTP, ERR_LOST, "closed the connection" },
	{ "handshake close", KNOCK_SMTP, ERR_LOST, "" },
	{ "handshake plain", KNOCK_SMTP, ERR_TIMEOUT, "" },
	{ "EHLO:2 close", KNOCK_SMTP, ERR_LOST, "closed the connection" },
	{ "EHLO:2 reply \"502 no\"", KNOCK_SMTP, ERR_PROTOCOL, "the server refuses EHLO: 502 no" },
};

static void test_scripts(void)
{
	for (size_t i = 0; i < COUNT(scripts); i++) {
		const char *more[] = { "--at", scripts[i].at, "--lenient", NULL };
		struct server s = server_start("starttls", "good", more);
		struct knock_answer a = knock("localhost", s.port, SMTP_TLS_STARTTLS, 900);

		FOUND(a, scripts[i].found, "%s: what it is", scripts[i].at);
		check_int(a.trouble.kind, scripts[i].kind, "%s: %s", scripts[i].at, a.trouble.text);
		check(strstr(a.trouble.text, scripts[i].text), "%s: in words", scripts[i].at);
		check_int(knock_works(&a), !scripts[i].kind && !strstr(scripts[i].at, "\"554") &&
			!strstr(scripts[i].at, "\"421"), "%s: works or not", scripts[i].at);
		check(a.ms < 3000, "%s: in time", scripts[i].at);
		server_stop_after(&s, strstr(scripts[i].at, "plain"));
	}
}

#define SAYS(text) text, sizeof(text) - 1

/* What others say, at once or when asked, and what is found in clear and by TLS. */
static const struct {
	const char *name, *says;
	size_t len;
	bool asked, closes;
	enum knock_found clear, tls;
	const char *text;
} others[] = {
	{ "HTTP", SAYS("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"), true, true, KNOCK_SILENT,
		KNOCK_HTTP, "HTTP/1.1 400 Bad Request" },
	{ "HTML", SAYS("<html><title>Please sign in</title>\n"), true, false, KNOCK_SILENT, KNOCK_HTTP,
		"<html><title>Please sign in</title>" },
	{ "HTTP at once", SAYS("HTTP/1.0 200 OK\r\n\r\n"), false, false, KNOCK_HTTP, KNOCK_HTTP,
		"HTTP/1.0 200 OK" },
	{ "IMAP", SAYS("* OK [CAPABILITY IMAP4rev1] ready\r\n"), false, false, KNOCK_IMAP, KNOCK_IMAP,
		"* OK [CAPABILITY IMAP4rev1] ready" },
	{ "POP3", SAYS("+OK ready\r\n"), false, false, KNOCK_POP3, KNOCK_POP3, "+OK ready" },
	{ "SSH", SAYS("SSH-2.0-OpenSSH_9.2\r\n"), false, false, KNOCK_SSH, KNOCK_SSH,
		"SSH-2.0-OpenSSH_9.2" },
	{ "FTP", SAYS("220 ProFTPD ready\r\n"), false, false, KNOCK_FTP, KNOCK_FTP,
		"220 ProFTPD ready" },
	{ "NNTP", SAYS("200 news.example ready\r\n"), false, false, KNOCK_OTHER, KNOCK_OTHER,
		"200 news.example ready" },
	{ "an escape sequence", SAYS("\033[2J\033]0;x\007 hello\r\n"), false, false, KNOCK_OTHER,
		KNOCK_OTHER, "\\x1b[2J\\x1b]0;x\\x07 hello" },
	{ "half a word", SAYS("SS"), false, false, KNOCK_OTHER, KNOCK_OTHER, "SS" },
	{ "half a word, and gone", SAYS("SS"), false, true, KNOCK_OTHER, KNOCK_OTHER, "SS" },
	{ "nothing", SAYS(""), false, false, KNOCK_SILENT, KNOCK_SILENT, "" },
	{ "nothing, and gone", SAYS(""), false, true, KNOCK_HUNG_UP, KNOCK_HUNG_UP, "" },
	{ "an alert", SAYS("\x15\x03\x01\x00\x02\x02\x46"), true, true, KNOCK_SILENT, KNOCK_TLS, "" },
	{ "an alert at once", SAYS("\x15\x03\x01\x00\x02\x02\x46"), false, false, KNOCK_TLS, KNOCK_TLS,
		"" },
	{ "half a record", SAYS("\x16\x03\x03\x40\x00"), true, false, KNOCK_SILENT, KNOCK_TLS, "" },
	{ "NUL", SAYS("\0\0\0\0\0\0\0\0\0\0\n"), false, false, KNOCK_OTHER, KNOCK_OTHER,
		"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00" },
};

static void check_other(size_t i, const struct knock_answer *a, const char *mode, enum knock_found want)
{
	FOUND(*a, want, "%s, %s: what it is", others[i].name, mode);
	check(!knock_works(a) && !a->tls && !a->speaks, "%s, %s: does not work", others[i].name, mode);
	if (a->mode == SMTP_TLS_IMPLICIT && want == KNOCK_OTHER)   /* no more than a few octets */
		check(*a->text && !strncmp(a->text, others[i].text, strlen(a->text)),
			"%s, %s: its words: %s", others[i].name, mode, a->text);
	else
		check_text(a->text, want == KNOCK_SILENT ? "" : others[i].text, "%s, %s: its words",
			others[i].name, mode);
	check(a->ms < 3000, "%s, %s: in time", others[i].name, mode);
}

/* All at once, in one loop. */
static void test_others(void)
{
	struct server s[COUNT(others)];
	struct visit v;
	uint64_t began;

	visit_init(&v);
	for (size_t i = 0; i < COUNT(others); i++)
		s[i] = odd_start(others[i].says, others[i].len, others[i].asked, others[i].closes);
	began = clock_ms();
	for (size_t i = 0; i < COUNT(others); i++) {
		visit_add(&v, "localhost", s[i].port, SMTP_TLS_STARTTLS, 1000);
		visit_add(&v, "localhost", s[i].port, SMTP_TLS_IMPLICIT, 1000);
	}
	loop_run(&v.loop);
	check_int(v.told, 2 * COUNT(others), "all of them are told");
	check(clock_ms() - began < 4000, "side by side");
	for (unsigned k = 0; k < v.told; k++)
		for (size_t i = 0; i < COUNT(others); i++) {
			bool tls = v.answers[k].mode == SMTP_TLS_IMPLICIT;

			if (v.answers[k].port == s[i].port)
				check_other(i, &v.answers[k], tls ? "TLS" : "clear",
					tls ? others[i].tls : others[i].clear);
		}
	visit_release(&v);
	for (size_t i = 0; i < COUNT(others); i++)
		odd_stop(&s[i]);
}

static void test_nobody(void)
{
	struct knock_answer a;
	struct visit v;
	unsigned port;
	int fd = listener(&port);

	close(fd);
	a = knock("localhost", port, SMTP_TLS_IMPLICIT, 3000);
	FOUND(a, KNOCK_CLOSED, "a closed port");
	check_int(a.trouble.kind, ERR_CONNECT, "%s", a.trouble.text);
	check_int(a.trail.count, 1, "with its trail");
	visit_init(&v);
	{
		struct knock_plan plan = { .host = "no host", .port = 25, .mode = SMTP_TLS_OFF,
			.tls = &v.set, .deadline = clock_ms() + 3000 };

		v.wanted = 1;
		v.knocks[0] = knock_start(&v.loop, &plan, told, &v);
		loop_run(&v.loop);
		FOUND(v.answers[0], KNOCK_NO_NAME, "a name that is none: %s", v.answers[0].trouble.text);
	}
	visit_release(&v);
}

static void told_and_freed(void *context, const struct knock_answer *a)
{
	struct visit *v = context;

	v->answers[v->told++] = *a;
	knock_free(&v->knocks[0]);
}

static void test_freed(void)
{
	struct server s = server_start("starttls", "good", NULL);
	struct knock_plan plan = { .host = "localhost", .port = s.port, .mode = SMTP_TLS_STARTTLS };
	struct visit v;

	visit_init(&v);
	plan.tls = &v.set;
	plan.deadline = clock_ms() + 5000;
	v.knocks[0] = knock_start(&v.loop, &plan, told_and_freed, &v);
	loop_run(&v.loop);
	check_int(v.told, 1, "freed by the very function that is told");
	check(v.answers[0].tls && v.answers[0].speaks && !v.answers[0].trusted,
		"without roots nothing is judged: %s", v.answers[0].trouble.text);
	v.knocks[0] = knock_start(&v.loop, &plan, told_and_freed, &v);
	knock_free(&v.knocks[0]);
	loop_run(&v.loop);
	check_int(v.told, 1, "cancelled: nothing is told");
	visit_release(&v);
	server_stop(&s);
}

/* Each beginning, cut at every octet: nothing is told too early, and nothing differently. */
static void test_kinds(void)
{
	static const struct {
		const char *text;
		enum knock_found found;
	} table[] = {
		{ "220 mx ESMTP\r\n", KNOCK_SMTP }, { "220-mx\r\n220 x\r\n", KNOCK_SMTP },
		{ "220\r\n", KNOCK_SMTP }, { "554 no\r\n", KNOCK_SMTP },
		{ "220 ftp.example ESMTP\r\n", KNOCK_SMTP }, { "* OK x\r\n", KNOCK_IMAP },
		{ "* BYE x\r\n", KNOCK_IMAP }, { "* PREAUTH x\r\n", KNOCK_IMAP },
		{ "+OK x\r\n", KNOCK_POP3 }, { "-ERR x\r\n", KNOCK_POP3 },
		{ "SSH-1.99-x\r\n", KNOCK_SSH }, { "HTTP/2 x\r\n", KNOCK_HTTP },
		{ "<!DOCTYPE html>\r\n", KNOCK_HTTP }, { "<HTML>\r\n", KNOCK_HTTP },
		{ "200 news\r\n", KNOCK_OTHER }, { "22x hello\r\n", KNOCK_OTHER },
		{ "2200 hello\r\n", KNOCK_OTHER }, { "hello world\r\n", KNOCK_OTHER },
		{ "\x16\x03\x01\x02\r\n", KNOCK_TLS },
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		size_t len = strlen(table[i].text);
		bool good = true;

		check_text(knock_name(knock_kind(table[i].text, len)), knock_name(table[i].found),
			"begins so: %.3s", table[i].text[0] > ' ' ? table[i].text : "TLS");
		for (size_t cut = 0; cut < len; cut++) {
			enum knock_found part = knock_kind(table[i].text, cut);

			good = good && (part == KNOCK_SILENT || part == table[i].found);
		}
		check(good, "and is not mistaken for another while it comes");
	}
	check_int(knock_kind("220 ProFTPD\r\n", 13), KNOCK_FTP, "FTP says who it is in its line");
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "ca", "good", "self" };
	char *self = mem_string(argc ? argv[0] : "."), *store;

	program = mem_printf("%s/../server", dirname(self));
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 1;
	make_identities();
	test_kinds();
	test_starttls();
	test_implicit();
	test_certificate();
	test_scripts();
	test_others();
	test_nobody();
	test_freed();
	for (size_t i = 0; i < COUNT(names); i++) {
		char *crt = mem_printf("%s/%s.crt", dir, names[i]);
		char *key = mem_printf("%s/%s.key", dir, names[i]);

		unlink(crt);
		unlink(key);
		free(crt);
		free(key);
	}
	store = path_of("store");
	rmdir(store);
	rmdir(dir);
	free(store);
	free(self);
	return tap_done();
}
