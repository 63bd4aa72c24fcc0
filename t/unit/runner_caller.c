/* t/unit/runner_caller.c - one connection while the disk hangs: its message is a
 * thread's, and nothing of it may go away. */
#include "t/unit/queue_rig.h"

#include <semaphore.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "runner/caller.h"

enum { SOON_MS = 5000, GREETINGS = 60, PIECE = 64 << 10 };

static struct desk desk;
static struct rig rig;
static struct pool_job disk;
static sem_t hangs;
static int client;
static char answers[PIECE];
static size_t answered;

/* ---- the desk, with one thread for messages, and a disk that hangs */

static void ask(void *context, uid_t uid)
{
	(void)context;
	(void)uid;
}

static void hang(struct pool_job *job)
{
	(void)job;
	while (sem_wait(&hangs) < 0)
		;
}

static void go_on(struct pool_job *job)
{
	(void)job;
}

static void know_us(void)
{
	json_t *answer = json_pack("{s:I, s:s}", "uid", (json_int_t)getuid(), "name", "ann");
	uid_t uid;

	people_find(desk.people, getuid());
	check(people_learn(desk.people, answer, &uid), "it is known who we are");
	json_decref(answer);
}

static void open_desk(void)
{
	struct quota_limits limits;
	json_t *policy = policy_make(NULL, NULL, NULL);
	struct err e = { 0 };

	loop_init(&desk.loop);
	rig_start(&rig);
	desk.spool = rig.spool;
	desk.spool_path = mem_string(rig.path);
	desk.spill_path = mem_printf("%s/tmp", rig.path);
	check_int(policy_read(&desk.policy, policy, &e), 0, "a policy: %s", e.text);
	json_decref(policy);
	quota_limits_make(&limits, 1000);
	desk.quota = quota_new(&limits);
	desk.people = people_new(ask, NULL);
	desk.piece = mem_alloc(DESK_PIECE);
	desk.places.fd = -1;
	know_us();
	sem_init(&hangs, 0, 0);
	check_int(pool_new(&desk.files, &desk.loop, 1, 1, &e), 0, "a thread: %s", e.text);
	disk = (struct pool_job){ .run = hang, .done = go_on };
	pool_add(desk.files, &disk);
}

static void close_desk(void)
{
	pool_free(&desk.files);
	callers_free(&desk);
	people_free(&desk.people);
	quota_free(&desk.quota);
	policy_release(&desk.policy);
	rig_end(&rig);
	loop_release(&desk.loop);
	free(desk.spool_path);
	free(desk.spill_path);
	free(desk.piece);
}

/* ---- time */

static void on_limit(struct watch *w, short revents)
{
	(void)w;
	(void)revents;
	loop_stop(&desk.loop);
}

static void run_for(uint64_t ms)
{
	struct watch limit = { .fd = -1, .run = on_limit, .deadline = clock_ms() + ms };

	loop_add(&desk.loop, &limit);
	loop_run(&desk.loop);
	loop_remove(&desk.loop, &limit);
}

/* Whatever would happen some time happens now. */
static void let_time_pass(void)
{
	for (size_t i = 0; i < desk.loop.count; i++)
		if (desk.loop.watches[i] && desk.loop.watches[i]->deadline != LOOP_NEVER)
			desk.loop.watches[i]->deadline = DESK_AT_ONCE;
	run_for(50);
}

/* ---- the client */

static void come(void)
{
	int fds[2], least = 1;

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0,
		"a connection");
	/* Little of what is answered fits in, when it is not read. */
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	client = fds[0];
	caller_new(&desk, fds[1]);
}

static void say(const char *text)
{
	size_t len = strlen(text);

	check(send(client, text, len, MSG_NOSIGNAL) == (ssize_t)len, "it is said");
	run_for(20);
}

/* Until nothing more comes for a moment. */
static void listen_for(const char *word)
{
	uint64_t end = clock_ms() + SOON_MS;

	while (clock_ms() < end && !strstr(answers, word)) {
		ssize_t n = recv(client, answers + answered, sizeof(answers) - 1 - answered, 0);

		if (n > 0)
			answered += (size_t)n;
		run_for(5);
	}
	check(strstr(answers, word) != NULL, "then comes %s", word);
}

int main(void)
{
	struct buf words = BUF_INIT(PIECE);

	open_desk();
	come();
	for (int i = 0; i < GREETINGS; i++)
		buf_add_text(&words, "EHLO x\r\n");
	buf_add_text(&words, "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\n"
		"Subject: x\r\n\r\nx\r\n.\r\n");
	say(buf_text(&words));
	check(!pool_is_idle(desk.files) && desk.callers, "a message waits for the disk");
	let_time_pass();
	check(desk.callers != NULL, "F3: however long that takes, whoever does not read stays");
	sem_post(&hangs);
	listen_for("250 2.0.0 stored");
	check(desk.callers != NULL, "the session goes on");
	let_time_pass();
	check(!desk.callers, "and ends when nothing more comes");
	close(client);
	buf_release(&words);
	close_desk();
	return tap_done();
}
