/* t/unit/runner_who.c - names behind numbers, by a name service that answers some and
 * is silent about others. */
#include "t/unit/tap.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runner/who.h"

enum { ANN = 1000, BOB = 1001, LOST = 2000, SOON_MS = 5000 };

static struct loop loop;
static struct who *who;
static unsigned answers;
static uid_t answered[16];
static size_t enough;

/* The name service of this test: it never comes back about some. */
struct passwd *getpwuid(uid_t uid)
{
	static char ann[] = "ann", bob[] = "bob", home[] = "/";
	static struct passwd user;

	while (uid == LOST)
		pause();
	user = (struct passwd){ .pw_name = uid == ANN ? ann : bob, .pw_uid = uid, .pw_gid = uid,
		.pw_dir = home };
	return uid == 7 ? NULL : &user;
}

static uid_t overflow(void)
{
	FILE *in = fopen("/proc/sys/kernel/overflowuid", "re");
	unsigned uid = 0;

	if (in && fscanf(in, "%u", &uid) != 1)
		uid = 0;
	if (in)
		fclose(in);
	return uid;
}

static void on_answer(void *context, json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	uid_t uid = (uid_t)json_integer_value(json_object_get(object, "uid"));

	check(context == &answers, "the context is handed on");
	if (uid == ANN)
		check_text(name, "ann", "a name");
	if (uid == 0)
		check_text(name, "root", "root's name");
	if (uid == 7 || uid == overflow())
		check(!name, "nobody has no name");
	check(json_is_array(json_object_get(object, "groups")) == (name != NULL), "and groups");
	if (answers < COUNT(answered))
		answered[answers] = uid;
	if (++answers == enough)
		loop_stop(&loop);
}

static void on_limit(struct watch *w, short revents)
{
	(void)w;
	(void)revents;
	loop_stop(&loop);
}

/* How long so many answers took. */
static uint64_t await(size_t count)
{
	uint64_t began = clock_ms();
	struct watch limit = { .fd = -1, .run = on_limit, .deadline = began + 20000 };

	enough = count;
	loop_add(&loop, &limit);
	if (answers < enough)
		loop_run(&loop);
	loop_remove(&loop, &limit);
	check_int(answers, count, "so many answers");
	return clock_ms() - began;
}

int main(void)
{
	loop_init(&loop);
	who = who_new(&loop, on_answer, &answers);
	who_ask(who, 7);
	check(await(1) < SOON_MS, "an answer comes soon");
	who_ask(who, 0);
	check_int(answers, 2, "F3 root need not wait for a name service");

	if (overflow()) {
		who_ask(who, overflow());
		check_int(answers, 3, "F4 nor has who is many a name");
		check_int(answered[2], overflow(), "whatever passwd says");
		answers = 2;
	}

	/* The first is begun with alone; those behind him are one batch. */
	who_ask(who, BOB);
	who_ask(who, ANN);
	who_ask(who, LOST);
	who_ask(who, BOB);
	who_ask(who, 7);
	check(await(5) < SOON_MS, "F3 one about whom nothing is heard keeps the others for a moment");
	check_int(answered[2], BOB, "in their order");
	check_int(answered[3], ANN, "who was before him");
	check_int(answered[4], 7, "and who was behind");

	/* Once bitten: he has a line of his own. */
	who_ask(who, LOST);
	who_ask(who, ANN);
	check(await(6) < 1500, "F3 and the next time not at all");
	who_free(&who);
	check(!who, "it is gone, whoever was still to be heard of");
	loop_release(&loop);
	return tap_done();
}
