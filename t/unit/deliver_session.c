/* t/unit/deliver_session.c - a session that lives through many messages: given
 * while others are sent, out of an idle moment, or too late. */
#include "t/unit/tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deliver/session.h"

/* ---- a server behind a socket, in a child */

static char directory[] = "/tmp/deliver_session-XXXXXX";
static char path[sizeof(directory) + 8];

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
}

/* Answers line by line; the close_at-th content gets 421. */
static void serve(int listener, unsigned close_at)
{
	int fd = accept(listener, NULL, NULL);
	FILE *in = fdopen(fd, "r");
	bool data = false;
	unsigned contents = 0;
	char line[1024];

	say(fd, "220 mx\r\n");
	while (in && fgets(line, sizeof(line), in)) {
		if (data && strcmp(line, ".\r\n"))
			continue;
		if (data && ++contents == close_at) {
			say(fd, "421 enough\r\n");
			_exit(0);
		}
		if (!strncmp(line, "EHLO", 4))
			say(fd, "250-mx\r\n250 PIPELINING\r\n");
		else
			say(fd, !strcmp(line, "DATA\r\n") ? "354 go\r\n" : "250 ok\r\n");
		data = !strcmp(line, "DATA\r\n");
	}
	_exit(0);
}

static pid_t start_server(unsigned close_at)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	memcpy(a.sun_path, path, sizeof(path));
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(60);
		serve(fd, close_at);
	}
	close(fd);
	return pid;
}

/* ---- who gives the session its messages */

enum { MAILS = 200, PATIENT = 10000, IDLE_MS = 3250 };

struct driver {
	struct loop loop;
	struct session *session;
	struct account account;
	struct smtp_message m[MAILS];
	struct smtp_result results[MAILS];
	unsigned given, most, done, ended, idle, too_late;
	size_t ahead;                /* so many at a time */
	bool blind;                  /* does not ask whether the session takes more */
	bool from_idle;              /* the next one, and the end, are given when it is idle */
	bool failed;
	struct smtp_failure failure;
	struct watch timer;
};

static char recipient[] = "you@example.net", *recipients[] = { recipient };

static ssize_t read_content(void *context, uint64_t offset, char *data, size_t len, struct err *e)
{
	(void)context;
	(void)e;
	if (offset || len < 3)
		return 0;
	memcpy(data, "x\r\n", 3);
	return 3;
}

static void give(struct driver *d);

static void done(void *context, struct smtp_message *m)
{
	struct driver *d = context;

	(void)m;
	d->done++;
	if (d->from_idle || d->given == d->most)
		return;
	if (d->blind || session_takes_more(d->session))
		give(d);
	else
		d->too_late++;
}

static void give(struct driver *d)
{
	unsigned i = d->given++;

	d->m[i] = (struct smtp_message){ .sender = "me@example.com", .recipients = recipients,
		.count = 1, .size = 3, .read = read_content, .done = done, .context = d,
		.results = &d->results[i] };
	session_submit(d->session, &d->m[i]);
	if (!d->from_idle && d->given == d->most)
		session_finish(d->session);
}

static void idle(void *context)
{
	struct driver *d = context;

	d->idle++;
	if (!d->from_idle || d->idle == 1)
		return;
	if (d->given < d->most)
		give(d);
	else
		session_finish(d->session);
}

static void ended(void *context, const struct smtp_failure *f)
{
	struct driver *d = context;

	d->ended++;
	d->failed = f;
	if (f)
		d->failure.err = f->err;
	loop_stop(&d->loop);
}

static void timer_ran(struct watch *w, short revents)
{
	struct driver *d = w->owner;

	(void)revents;
	give(d);
}

static void start(struct driver *d, unsigned most, size_t ahead, long timeout)
{
	struct session_hooks hooks = { .idle = idle, .ended = ended, .context = d };

	d->account = (struct account){
		.net = { .host = path, .connect_timeout = timeout, .timeout = timeout,
			.final_timeout = timeout },
		.smtp = { .tls = SMTP_TLS_OFF, .max_recipients = 100 },
	};
	d->most = most;
	d->ahead = ahead;
	loop_init(&d->loop);
	d->session = session_start(&d->loop, &d->account, PIPELINING_STANDARD, &hooks);
	while (d->given < d->most && d->given < ahead)
		give(d);
}

static unsigned count_verdicts(const struct driver *d, enum smtp_verdict verdict)
{
	unsigned count = 0;

	for (unsigned i = 0; i < d->given; i++)
		count += d->results[i].verdict == verdict;
	return count;
}

static void release(struct driver *d, pid_t server)
{
	check_int(d->done, d->given, "each is told, once");
	check_int(d->ended, 1, "so is the end");
	session_free(&d->session);
	for (unsigned i = 0; i < d->given; i++) {
		smtp_result_release(&d->results[i]);
		smtp_result_release(&d->m[i].content);
	}
	loop_release(&d->loop);
	free(d);
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
}

/* ---- the tests */

static void test_many(void)
{
	struct driver *d = mem_alloc(sizeof(*d));
	pid_t server = start_server(0);

	start(d, MAILS, 2, PATIENT);
	loop_run(&d->loop);
	check(!d->failed, "two hundred messages, two at a time: %s", d->failure.err.text);
	check_int(count_verdicts(d, VERDICT_DELIVERED), MAILS, "all are delivered");
	check_text(session_peer(d->session), path, "through a socket");
	check(!session_takes_more(d->session), "it has ended");
	release(d, server);
}

/* The whole session may last twelve time-outs and what its messages are worth; but
 * time in which it has nothing to do is ours. */
static void test_idle(void)
{
	struct driver *d = mem_alloc(sizeof(*d));
	pid_t server = start_server(0);

	d->from_idle = true;
	start(d, 3, 0, IDLE_MS / 13);
	d->timer = (struct watch){ .fd = -1, .deadline = clock_ms() + IDLE_MS, .run = timer_ran,
		.owner = d };
	loop_add(&d->loop, &d->timer);
	loop_run(&d->loop);
	loop_remove(&d->loop, &d->timer);
	check(!d->failed, "idle for long: %s", d->failure.err.text);
	check_int(count_verdicts(d, VERDICT_DELIVERED), 3,
		"one from outside, two when it said that it was idle");
	check_int(d->idle, 4, "which it says once each time");
	release(d, server);
}

static void test_421(bool blind)
{
	struct driver *d = mem_alloc(sizeof(*d));
	pid_t server = start_server(5);

	d->blind = blind;
	start(d, 20, 2, PATIENT);
	loop_run(&d->loop);
	check(d->failed, "421 to the fifth");
	check_int(count_verdicts(d, VERDICT_DELIVERED), 4, "four are delivered");
	check_int(d->given, blind ? 20 : 6, "who asks knows when to stop");
	check_int(count_verdicts(d, VERDICT_TRY_LATER), d->given - 4, "the others may try later");
	release(d, server);
}

static void test_nobody(bool blind)
{
	struct driver *d = mem_alloc(sizeof(*d));

	unlink(path);
	d->blind = blind;
	start(d, 10, 2, PATIENT);
	loop_run(&d->loop);
	check(d->failed, "nobody listens: %s", d->failure.err.text);
	check_int(d->failure.err.kind, ERR_CONNECT, "as it is told");
	check_int(d->given, blind ? 10 : 2, "who asks knows when to stop");
	check_int(count_verdicts(d, VERDICT_TRY_LATER), d->given, "all may try later");
	release(d, -1);
}

int main(void)
{
	check(!!mkdtemp(directory), "a directory");
	snprintf(path, sizeof(path), "%s/socket", directory);
	signal(SIGPIPE, SIG_IGN);
	alarm(120);   /* a session that waits for nothing would wait for ever */
	test_many();
	test_idle();
	test_421(false);
	test_421(true);
	test_nobody(false);
	test_nobody(true);
	unlink(path);
	rmdir(directory);
	return tap_done();
}
