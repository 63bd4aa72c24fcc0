/* t/unit/runner_wake.c - what calls the supervisor: files, signals, children that
 * find something out. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/files.h"
#include "runner/wake.h"
#include "runner/who.h"
#include "runner/work.h"

static struct loop loop;
static char top[] = "/tmp/sendoff-wake-XXXXXX";
static char *made[64];     /* paths, to be removed at the end */
static size_t made_count;

static const char *path_of(const char *name)
{
	return made[made_count++] = mem_printf("%s/%s", top, name);
}

static void on_limit(struct watch *w, short revents)
{
	(void)w;
	(void)revents;
	loop_stop(&loop);
}

static void run_for(unsigned ms)
{
	struct watch limit = { .fd = -1, .run = on_limit, .deadline = clock_ms() + ms };

	loop_add(&loop, &limit);
	loop_run(&loop);
	loop_remove(&loop, &limit);
}

/* ---- files */

static int news[4];

static void on_news(void *context, enum files_news what)
{
	(void)context;
	news[what]++;
}

/* "NCFT": which kinds were told within a moment. */
static const char *told(void)
{
	static char text[5];

	memset(news, 0, sizeof(news));
	run_for(30);
	snprintf(text, sizeof(text), "%s%s%s%s", news[FILES_NEW] ? "N" : "",
		news[FILES_CONTROL] ? "C" : "", news[FILES_CONFIG] ? "F" : "",
		news[FILES_TOKEN] ? "T" : "");
	return text;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("# %s cannot be written\n", path);
	close(fd);
}

static void test_queue(void)
{
	struct err e = { 0 };
	struct files *f;
	const char *entered, *other = path_of("tmp"), *control;

	check(!files_watch(&loop, top, on_news, NULL, &e) && e.kind == ERR_SYSTEM,
		"no queue there: %s", e.text);
	mkdir(path_of("new"), 0700);
	mkdir(path_of("control"), 0700);
	entered = path_of("new/one");
	control = path_of("control/one");
	f = files_watch(&loop, top, on_news, NULL, &e);
	check(f != NULL, "a queue: %s", e.text);
	check_text(told(), "", "nothing happens");
	write_file(other, "x");
	check_text(told(), "", "what is being written is not in the queue");
	check(!rename(other, entered), "it enters");
	check_text(told(), "N", "and is told");
	check(open(entered, O_RDWR | O_CLOEXEC) >= 0, "it is opened and locked");
	check_text(told(), "", "which is nothing new");
	write_file(other, "y");
	check(!rename(other, control), "its control file");
	check_text(told(), "C", "is told");
	unlink(entered);
	check_text(told(), "", "what leaves is no news");
	files_free(&f);
}

static void test_config(void)
{
	const char *there = path_of("config"), *spare = path_of("spare");
	const char *directory = path_of("a"), *below = path_of("a/b");
	const char *absent = path_of("a/b/config");
	char *paths[2] = { mem_string(there), mem_string(absent) };
	struct err e = { 0 };
	struct files *f = files_watch(&loop, top, on_news, NULL, &e);

	write_file(there, "1");
	files_name(f, FILES_CONFIG, paths, 2);
	check_text(told(), "", "the configuration is as it was");
	write_file(there, "2");
	check_text(told(), "F", "it is written");
	write_file(spare, "3");
	check_text(told(), "", "another file beside it");
	check(!rename(spare, there), "it is replaced");
	check_text(told(), "F", "told");
	chmod(there, 0640);
	check_text(told(), "F", "its mode changes");
	unlink(there);
	check_text(told(), "F", "it goes");
	mkdir(directory, 0700);
	check_text(told(), "F", "a directory on the way of one that is missing comes");
	files_name(f, FILES_CONFIG, paths, 2);
	mkdir(below, 0700);
	check_text(told(), "F", "and the next");
	files_name(f, FILES_CONFIG, paths, 2);
	write_file(absent, "4");
	check_text(told(), "F", "and the file");
	files_name(f, FILES_CONFIG, paths, 1);
	write_file(absent, "5");
	check_text(told(), "", "one that is not named any more");
	files_name(f, FILES_CONFIG, paths, 0);
	write_file(there, "6");
	check_text(told(), "", "none is");
	files_free(&f);
	free(paths[0]);
	free(paths[1]);
}

/* In a directory of their own, in that of the configuration, or in none yet. */
static void test_tokens(void)
{
	const char *config = path_of("config"), *token = path_of("token"), *part = path_of("token.new");
	const char *directory = path_of("tokens"), *below = path_of("tokens/work");
	char *paths[1] = { mem_string(config) };
	char *tokens[2] = { mem_string(token), mem_string(below) };
	struct err e = { 0 };
	struct files *f = files_watch(&loop, top, on_news, NULL, &e);

	files_name(f, FILES_CONFIG, paths, 1);
	files_name(f, FILES_TOKEN, tokens, 2);
	write_file(part, "1");
	check_text(told(), "", "a token is being written");
	check(!rename(part, token), "it is put in place");
	check_text(told(), "T", "told as what it is");
	write_file(config, "1");
	check_text(told(), "F", "the configuration beside it as well");
	mkdir(directory, 0700);
	check_text(told(), "T", "a directory of tokens comes");
	files_name(f, FILES_TOKEN, tokens, 2);
	write_file(below, "2");
	check_text(told(), "T", "and a token in it");
	files_name(f, FILES_CONFIG, paths, 1);
	write_file(token, "3");
	check_text(told(), "T", "to name the configuration anew leaves the tokens");
	files_name(f, FILES_TOKEN, tokens, 0);
	write_file(token, "4");
	check_text(told(), "", "none is named any more");
	write_file(config, "5");
	check_text(told(), "F", "which leaves the configuration");
	files_free(&f);
	free(paths[0]);
	free(tokens[0]);
	free(tokens[1]);
}

/* ---- signals */

static int woken[4];

static void on_wake(void *context, enum wake what)
{
	check(context == woken, "the context is handed on");
	woken[what]++;
}

static void test_signals(void)
{
	struct err e = { 0 };
	struct wake_calls *w = wake_new(&loop, on_wake, woken, &e);
	sigset_t mask;
	pid_t pid;

	check(w != NULL, "signals come by the loop: %s", e.text);
	raise(SIGHUP);
	raise(SIGTERM);
	run_for(20);
	check(woken[WAKE_RELOAD] == 1 && woken[WAKE_STOP] == 1, "SIGHUP and SIGTERM");
	raise(SIGINT);
	run_for(20);
	check_int(woken[WAKE_STOP], 2, "SIGINT");
	pid = fork();
	if (pid == 0)
		_exit(0);
	run_for(200);
	check_int(woken[WAKE_CHILD], 1, "a child has ended");
	waitpid(pid, NULL, 0);
	check_int(woken[WAKE_CLOCK], 0, "the clock has not jumped");
	wake_free(&w);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	check(!sigismember(&mask, SIGTERM) && !sigismember(&mask, SIGCHLD), "as it was before");
}

/* ---- work */

static char found_text[64];
static int found_good;

static int say(int out, void *context)
{
	struct buf text = BUF_INIT(100);
	int result;

	buf_add_text(&text, context);
	result = work_tell(out, &text);
	buf_release(&text);
	return result;
}

static int say_and_fail(int out, void *context)
{
	say(out, context);
	return 1;
}

static int say_much(int out, void *context)
{
	for (int i = 0; i < 10000; i++)
		say(out, context);
	return 0;
}

static int hang(int out, void *context)
{
	say(out, context);
	poll(NULL, 0, 60000);
	return 0;
}

static int die(int out, void *context)
{
	say(out, context);
	raise(SIGKILL);
	return 0;
}

static void on_found(void *context, const struct buf *found, bool good)
{
	(void)context;
	snprintf(found_text, sizeof(found_text), "%.50s", buf_text(found));
	found_good = good;
	loop_stop(&loop);
}

static struct work *begin(int (*run)(int out, void *context))
{
	static char text[] = "found";
	const struct work_order order = { .run = run, .done = on_found, .context = text, .ms = 300,
		.most = 1000 };
	struct err e = { 0 };

	found_good = -1;
	return work_start(&loop, &order, &e);
}

static int result_of(int (*run)(int out, void *context))
{
	begin(run);
	run_for(5000);
	return found_good;
}

static void test_work(void)
{
	struct work *w;

	check_int(result_of(say), 1, "what a child finds");
	check_text(found_text, "found", "comes back");
	check_int(result_of(say_and_fail), 0, "one that fails");
	check_int(result_of(say_much), 0, "one that finds too much");
	check_int(result_of(hang), 0, "one that takes too long");
	check_int(result_of(die), 0, "one that dies");
	w = begin(hang);
	run_for(50);
	work_free(&w);
	run_for(400);
	check(!w && found_good == -1, "one that is not wanted any more tells nothing");
}

/* ---- names */

static int answers;

static void on_answer(void *context, json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	json_int_t uid = json_integer_value(json_object_get(object, "uid"));

	(void)context;
	answers++;
	check_text(json_string_value(json_object_get(object, "do")), "who", "an answer");
	if (uid == 0)
		check(name && !strcmp(name, "root") &&
			json_array_size(json_object_get(object, "groups")) > 0, "root, and its groups");
	else
		check(uid == 3999999999 && !name, "and one that nobody has");
	if (answers == 2)
		loop_stop(&loop);
}

static void test_who(void)
{
	struct who *w = who_new(&loop, on_answer, NULL);

	who_ask(w, 0);
	who_ask(w, 3999999999);
	who_ask(w, 3999999999);
	run_for(5000);
	run_for(100);
	check_int(answers, 2, "each who was asked about, once");
	who_ask(w, 0);
	who_free(&w);
	check(!w, "not waited for");
}

int main(void)
{
	if (!mkdtemp(top))
		return 1;
	loop_init(&loop);
	test_queue();
	test_config();
	test_tokens();
	test_signals();
	test_work();
	test_who();
	loop_release(&loop);
	while (made_count) {
		if (remove(made[--made_count]) < 0 && access(made[made_count], F_OK) == 0)
			printf("# %s is left\n", made[made_count]);
		free(made[made_count]);
	}
	rmdir(top);
	return tap_done();
}
