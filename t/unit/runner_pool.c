/* t/unit/runner_pool.c - jobs in threads: each done once, in the loop, in order
 * where it counts. */
#include "t/unit/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "runner/pool.h"

enum { JOBS = 2000, THREADS = 4 };

static struct loop loop;
static struct pool *pool;
static pthread_t here;
static atomic_int at_once, most_at_once, inside[3], overlaps;
static unsigned finished, elsewhere, out_of_order;
static int last[3];

struct task {
	struct pool_job job;
	int number, kind;     /* 0: no key */
	bool ran;
};

static void run_task(struct pool_job *job)
{
	static const struct timespec moment = { .tv_nsec = 20 * 1000 };
	struct task *t = (struct task *)job;
	int now = atomic_fetch_add(&at_once, 1) + 1;

	if (now > atomic_load(&most_at_once))
		atomic_store(&most_at_once, now);
	if (t->kind && atomic_fetch_add(&inside[t->kind], 1))
		atomic_fetch_add(&overlaps, 1);
	if (t->number % 16 == 0)
		nanosleep(&moment, NULL);
	t->ran = true;
	if (t->kind)
		atomic_fetch_sub(&inside[t->kind], 1);
	atomic_fetch_sub(&at_once, 1);
}

static void end_task(struct pool_job *job)
{
	struct task *t = (struct task *)job;

	elsewhere += !pthread_equal(pthread_self(), here) || !t->ran;
	if (t->kind) {
		out_of_order += t->number < last[t->kind];
		last[t->kind] = t->number;
	}
	t->ran = false;
	if (++finished == JOBS)
		loop_stop(&loop);
}

static void test_jobs(void)
{
	static const char *const keys[] = { NULL, "one", "two" };
	struct task *tasks = mem_alloc(JOBS * sizeof(*tasks));
	struct err e = { 0 };

	check_int(pool_new(&pool, &loop, THREADS, THREADS, &e), 0, "a pool: %s", e.text);
	check(pool_is_idle(pool), "with nothing to do");
	for (int i = 0; i < JOBS; i++) {
		tasks[i].number = i;
		tasks[i].kind = i % 5 < 3 ? i % 5 : 0;
		tasks[i].job = (struct pool_job){
			.run = run_task, .done = end_task, .key = keys[tasks[i].kind]
		};
		pool_add(pool, &tasks[i].job);
	}
	check(!pool_is_idle(pool), "much to do");
	loop_run(&loop);
	check_int(finished, JOBS, "each is done once");
	check_int(elsewhere, 0, "behind its run, in the loop's thread");
	check_int(atomic_load(&overlaps), 0, "F0 two of one key never at the same time");
	check_int(out_of_order, 0, "F0 and in their order");
	check(atomic_load(&most_at_once) <= THREADS, "no more at once than there are threads");
	check(pool_is_idle(pool), "and nothing is left");
	pool_free(&pool);
	free(tasks);
}

static atomic_int begun;

static void run_slowly(struct pool_job *job)
{
	static const struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };
	struct task *t = (struct task *)job;

	begun++;
	nanosleep(&moment, NULL);
	t->ran = true;
}

static void count_end(struct pool_job *job)
{
	(void)job;
	finished++;
}

/* What runs is waited for, what waits is never begun. */
static void test_end(void)
{
	static const struct timespec moment = { .tv_nsec = 5 * 1000 * 1000 };
	struct task tasks[10] = { 0 };
	struct err e = { 0 };
	unsigned ran = 0;

	finished = 0;
	begun = 0;
	check_int(pool_new(&pool, &loop, 2, 2, &e), 0, "another: %s", e.text);
	for (size_t i = 0; i < COUNT(tasks); i++) {
		tasks[i].job = (struct pool_job){ .run = run_slowly, .done = count_end };
		pool_add(pool, &tasks[i].job);
	}
	for (int i = 0; i < 2000 && !begun; i++)
		nanosleep(&moment, NULL);
	pool_free(&pool);
	for (size_t i = 0; i < COUNT(tasks); i++)
		ran += tasks[i].ran;
	check(ran >= 1 && ran <= 4, "what had begun has run: %u", ran);
	check_int(finished, ran, "and been told, nothing else");
	check(!pool, "it is gone");
	pool_free(&pool);
}

/* One owner with much to do, and another behind him with little. */
static atomic_int hers, most_hers;
static unsigned when_his, ended;

static void run_hers(struct pool_job *job)
{
	static const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };
	int now = atomic_fetch_add(&hers, 1) + 1;

	(void)job;
	if (now > atomic_load(&most_hers))
		atomic_store(&most_hers, now);
	nanosleep(&moment, NULL);
	atomic_fetch_sub(&hers, 1);
}

static void run_his(struct pool_job *job)
{
	(void)job;
}

static void end_owned(struct pool_job *job)
{
	ended++;
	if (job->owner == 2)
		when_his = ended;
	if (ended == 21)
		loop_stop(&loop);
}

static void test_owners(void)
{
	struct pool_job jobs[21];
	struct err e = { 0 };

	check_int(pool_new(&pool, &loop, 4, 2, &e), 0, "one more: %s", e.text);
	for (size_t i = 0; i < COUNT(jobs); i++) {
		jobs[i] = (struct pool_job){ .run = i < 20 ? run_hers : run_his,
			.done = end_owned, .owner = i < 20 ? 1 : 2 };
		pool_add(pool, &jobs[i]);
	}
	loop_run(&loop);
	check_int(ended, 21, "all are done");
	check_int(atomic_load(&most_hers), 2, "F3 of one owner two at a time");
	check(when_his <= 4, "F3 another need not wait for all of them: %u", when_his);
	pool_free(&pool);
}

int main(void)
{
	here = pthread_self();
	loop_init(&loop);
	test_jobs();
	test_end();
	test_owners();
	loop_release(&loop);
	return tap_done();
}
