/* t/unit/runner_channel.c - JSON lines between roles and with local users: whole
 * and cut at every octet, garbage, too much, unread answers, freed at any moment. */
#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "runner/channel.h"

/* What one end has heard. */
struct ear {
	struct loop *loop;
	struct channel *channel;
	struct buf lines;        /* each as "NAME:VALUE;" */
	int closed, drained;
	char why[80];
	bool free_in_line, free_in_closed, free_in_drained, pause_in_line, answer;
	struct watch limit;
};

static void on_line(void *context, json_t *object)
{
	struct ear *ear = context;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		buf_printf(&ear->lines, "%s:%.40s;", name, text);
		free(text);
	}
	if (ear->answer)
		channel_send(ear->channel, object);
	if (ear->pause_in_line)
		channel_pause(ear->channel, true);
	if (ear->free_in_line)
		channel_free(&ear->channel);
}

static void on_closed(void *context, const char *why)
{
	struct ear *ear = context;

	ear->closed++;
	snprintf(ear->why, sizeof(ear->why), "%s", why ? why : "(end)");
	if (ear->free_in_closed)
		channel_free(&ear->channel);
}

static void on_drained(void *context)
{
	struct ear *ear = context;

	ear->drained++;
	if (ear->free_in_drained)
		channel_free(&ear->channel);
}

static void on_limit(struct watch *w, short revents)
{
	struct ear *ear = w->owner;

	(void)revents;
	loop_stop(ear->loop);
}

static void ear_open(struct ear *ear, struct loop *l, int fd, size_t line_max)
{
	struct channel_events events = { on_line, on_closed, on_drained, ear };

	ear->loop = l;
	ear->lines = BUF_INIT(1 << 20);
	ear->limit = (struct watch){ .fd = -1, .run = on_limit, .owner = ear };
	ear->channel = channel_new(l, fd, line_max, &events);
	loop_add(l, &ear->limit);
}

static void ear_close(struct ear *ear)
{
	channel_free(&ear->channel);
	loop_remove(ear->loop, &ear->limit);
	buf_release(&ear->lines);
}

static void run_for(struct ear *ear, unsigned ms)
{
	ear->limit.deadline = clock_ms() + ms;
	loop_run(ear->loop);
}

/* Until something has been counted, for ten seconds at most. */
static void run_until(struct ear *ear, const int *count)
{
	uint64_t until = clock_ms() + 10000;

	while (!*count && clock_ms() < until)
		run_for(ear, 1);
}

/* Both ends of a socket; the peer is plain. */
static void rig(struct ear *ear, struct loop *l, int *peer, size_t line_max)
{
	int fds[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		perror("socketpair");
	loop_init(l);
	memset(ear, 0, sizeof(*ear));
	ear_open(ear, l, fds[0], line_max);
	*peer = fds[1];
}

static void unrig(struct ear *ear, struct loop *l, int peer)
{
	ear_close(ear);
	loop_release(l);
	if (peer >= 0)
		close(peer);
}

static void put(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		printf("# short write\n");
}

static void test_cut(void)
{
	static const char text[] = "{\"a\":1}\n{\"b\":\"x\\ny\"}\r\n{}\n { \"c\" : [] } \n";
	int bad = 0;

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct ear ear;
		struct loop l;
		int peer;

		rig(&ear, &l, &peer, 100);
		put(peer, text, cut);
		run_for(&ear, 1);
		put(peer, text + cut, sizeof(text) - 1 - cut);
		close(peer);
		run_until(&ear, &ear.closed);
		if (strcmp(buf_text(&ear.lines), "a:1;b:\"x\\ny\";c:[];") != 0 ||
		    ear.closed != 1 || strcmp(ear.why, "(end)") != 0) {
			bad++;
			printf("# cut at %zu: %s %d %s\n", cut, buf_text(&ear.lines), ear.closed,
				ear.why);
		}
		unrig(&ear, &l, -1);
	}
	check_int(bad, 0, "lines cut at every octet arrive the same, and their end");
}

static const struct {
	const char *text, *lines, *why;
} garbage[] = {
	{ "\n", "", "what came is not a JSON object on a line" },
	{ "[]\n", "", "what came is not a JSON object on a line" },
	{ "{\"a\":1}{\"b\":2}\n", "", "what came is not a JSON object on a line" },
	{ "{\"a\":1}\n{\"a\":1,\"a\":2}\n", "a:1;", "what came is not a JSON object on a line" },
	{ "{\"a\":\"\\u0000\"}\n", "", "what came is not a JSON object on a line" },
	{ "{\"a\":\"\xff\"}\n", "", "what came is not a JSON object on a line" },
	{ "GET / HTTP/1.1\r\n\r\n", "", "what came is not a JSON object on a line" },
	{ "{\"a\":1}\n{\"b\"", "a:1;", "it ended in the middle of a line" },
	{ "{\"a\":1111111111111111}\n", "", "what came is too long a line" },
	{ "{\"a\":11111111111111111111111", "", "what came is too long a line" },
	{ "", "", "(end)" },
};

static void test_garbage(void)
{
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct ear ear;
		struct loop l;
		int peer;

		rig(&ear, &l, &peer, 20);
		put(peer, garbage[i].text, strlen(garbage[i].text));
		shutdown(peer, SHUT_WR);
		run_until(&ear, &ear.closed);
		check_text(buf_text(&ear.lines), garbage[i].lines, "F3: garbage %zu: lines", i);
		check_text(ear.why, garbage[i].why, "F3: garbage %zu: the reason", i);
		check_int(ear.closed, 1, "F3: garbage %zu: told once", i);
		unrig(&ear, &l, peer);
	}
}

static void test_depth(void)
{
	struct ear ear;
	struct loop l;
	struct buf deep = BUF_INIT(0);
	int peer;

	rig(&ear, &l, &peer, CHANNEL_LINE_MAX);
	buf_add_text(&deep, "{\"a\":");
	for (int i = 0; i < 30000; i++)
		buf_add_char(&deep, '[');
	buf_add_char(&deep, '\n');
	put(peer, buf_text(&deep), deep.len);
	run_until(&ear, &ear.closed);
	check_int(ear.closed, 1, "F3: what is nested without end is no line");
	unrig(&ear, &l, peer);
	buf_release(&deep);
}

/* Reads from the peer's end without waiting; how many octets came. */
static size_t swallow(int peer)
{
	char data[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(peer, data, sizeof(data), MSG_DONTWAIT)) > 0)
		all += (size_t)n;
	return all;
}

/* {"text":"000...0"}; new. */
static json_t *zeros(int count)
{
	char *text = mem_printf("%0*d", count, 0);
	json_t *object = json_pack("{s:s}", "text", text);

	free(text);
	return object;
}

static void test_slow_reader(void)
{
	struct ear ear;
	struct loop l;
	json_t *object = zeros(1000);
	size_t sent = 0, got = 0, line = strlen("{\"text\":\"\"}\n") + 1000;
	int peer;

	rig(&ear, &l, &peer, 1000);
	do
		sent++;
	while (channel_send(ear.channel, object) && sent < 10000);
	check(sent < 10000, "a reader that does not read makes the sender pause");
	run_for(&ear, 5);
	check_int(ear.drained, 0, "who does not read is not done");
	for (int i = 0; i < 1000 && !ear.drained; i++) {
		got += swallow(peer);
		run_for(&ear, 1);
	}
	got += swallow(peer);
	check_int(ear.drained, 1, "when all has been read, the sender goes on");
	check_int(got, sent * line, "and nothing of it is lost");
	check(channel_send(ear.channel, object), "then there is room again");
	json_decref(object);
	object = zeros(4 << 20);   /* few: each makes valgrind look at all that waits */
	for (sent = 0; !ear.closed && sent < 100; sent++) {
		channel_send(ear.channel, object);
		run_for(&ear, 1);
	}
	check_text(ear.why, "the other side does not read", "F3: what piles up has a limit");
	check_int(ear.closed, 1, "told once");
	check(!channel_send(ear.channel, object), "nothing can be sent then");
	json_decref(object);
	unrig(&ear, &l, peer);
}

static void test_gone(void)
{
	struct ear ear;
	struct loop l;
	json_t *object = json_pack("{s:i}", "a", 1);
	int peer;

	rig(&ear, &l, &peer, 1000);
	close(peer);
	check(!channel_send(ear.channel, object), "a peer that is gone takes nothing");
	check_int(ear.closed, 0, "which is not told from within");
	run_until(&ear, &ear.closed);
	check_text(ear.why, "the other side is gone", "but from the loop");
	json_decref(object);
	unrig(&ear, &l, -1);
}

static void test_free(void)
{
	static const char two[] = "{\"a\":1}\n{\"b\":2}\n";
	struct ear ear;
	struct loop l;
	json_t *big;
	int peer;

	rig(&ear, &l, &peer, 1000);
	ear.free_in_line = true;
	put(peer, two, sizeof(two) - 1);
	run_for(&ear, 5);
	check_text(buf_text(&ear.lines), "a:1;", "freed by a line: no more lines");
	check_int(ear.closed, 0, "and no end");
	unrig(&ear, &l, peer);

	rig(&ear, &l, &peer, 1000);
	ear.free_in_closed = true;
	close(peer);
	run_until(&ear, &ear.closed);
	check(ear.closed == 1 && !ear.channel, "freed by its end");
	unrig(&ear, &l, -1);

	rig(&ear, &l, &peer, 1000);
	ear.free_in_drained = true;
	big = zeros(500000);
	check(!channel_send(ear.channel, big), "one object may be more than there is room for");
	for (int i = 0; i < 100 && ear.channel; i++) {
		swallow(peer);
		run_for(&ear, 1);
	}
	check_int(ear.drained, 1, "freed when all is sent");
	json_decref(big);
	unrig(&ear, &l, peer);
}

static void test_pause(void)
{
	static const char three[] = "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n";
	struct ear ear;
	struct loop l;
	int peer;

	rig(&ear, &l, &peer, 1000);
	ear.pause_in_line = true;
	put(peer, three, sizeof(three) - 1);
	run_for(&ear, 5);
	check_text(buf_text(&ear.lines), "a:1;", "paused by a line: no more lines");
	channel_pause(ear.channel, false);
	run_for(&ear, 50);
	check_text(buf_text(&ear.lines), "a:1;b:2;", "what had come goes on");
	ear.pause_in_line = false;
	channel_pause(ear.channel, false);
	put(peer, "{\"d\":4}\n", 8);
	run_for(&ear, 100);
	check_text(buf_text(&ear.lines), "a:1;b:2;c:3;d:4;", "and then reading");
	unrig(&ear, &l, peer);
}

static void test_both(void)
{
	struct ear here, there;
	struct loop l;
	json_t *table = json_array(), *object = json_object();
	int fds[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), "a pair");
	loop_init(&l);
	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	ear_open(&here, &l, fds[0], CHANNEL_ROLE_MAX);
	ear_open(&there, &l, fds[1], CHANNEL_ROLE_MAX);
	there.answer = true;
	for (int i = 0; i < 60000; i++)
		json_array_append_new(table, json_string("somebody@example.com"));
	json_object_set_new(object, "aliases", table);
	channel_send(here.channel, object);
	for (int i = 0; i < 200 && !here.lines.len && !here.closed; i++)
		run_for(&here, 10);
	check(!strncmp(buf_text(&here.lines), "aliases:[\"some", 14),
		"a long table crosses and comes back");
	check_int(here.closed + there.closed, 0, "with nothing broken");
	json_decref(object);
	ear_close(&here);
	ear_close(&there);
	loop_release(&l);
}

int main(void)
{
	test_cut();
	test_garbage();
	test_depth();
	test_slow_reader();
	test_gone();
	test_free();
	test_pause();
	test_both();
	return tap_done();
}
