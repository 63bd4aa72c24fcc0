/* t/unit/net_loop.c - the poll loop: deadlines, removal while it runs, stops. */
#include "t/unit/tap.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

struct probe {
	struct watch watch;
	struct loop *loop;
	int ran;                 /* times */
	short revents;           /* of the last time */
	struct probe *victim;    /* removed and freed when this one runs */
	struct probe **reborn;   /* made anew when this one runs, on this descriptor */
	int reborn_fd;
	int stop_after;
};

static void probe_run(struct watch *w, short revents);

static struct probe *probe_new(struct loop *l, int fd, short events, uint64_t deadline)
{
	struct probe *p = mem_alloc(sizeof(*p));

	p->watch = (struct watch){ .fd = fd, .events = events, .deadline = deadline,
		.run = probe_run, .owner = p };
	p->loop = l;
	loop_add(l, &p->watch);
	return p;
}

static void probe_run(struct watch *w, short revents)
{
	struct probe *p = w->owner;

	p->ran++;
	p->revents = revents;
	if (p->victim) {
		loop_remove(p->loop, &p->victim->watch);
		free(p->victim);
		p->victim = NULL;
	}
	if (p->reborn && !*p->reborn)
		*p->reborn = probe_new(p->loop, p->reborn_fd, POLLIN, LOOP_NEVER);
	if (p->stop_after && p->ran >= p->stop_after)
		loop_stop(p->loop);
}

static void probe_end(struct probe *p)
{
	loop_remove(p->loop, &p->watch);
	free(p);
}

static void test_nothing(void)
{
	struct loop l;
	struct probe *p;
	int fds[2];

	loop_init(&l);
	loop_run(&l);
	check(true, "a loop with nothing to wait for ends");
	check(!pipe(fds), "a pipe");
	p = probe_new(&l, fds[0], 0, LOOP_NEVER);
	close(fds[1]);
	loop_run(&l);
	check_int(p->ran, 0, "a descriptor that is not asked does not count, hung up or not");
	p->watch.events = POLLIN;
	p->stop_after = 1;
	loop_run(&l);
	check_int(p->ran, 1, "asked, its end is told");
	check(p->revents & POLLHUP, "as POLLHUP");
	probe_end(p);
	close(fds[0]);
	loop_release(&l);
}

static void test_deadlines(void)
{
	struct loop l;
	struct probe *late, *early;
	uint64_t now = clock_ms();

	loop_init(&l);
	late = probe_new(&l, -1, 0, now + 60);
	early = probe_new(&l, -1, 0, now + 20);
	early->stop_after = 1;
	loop_run(&l);
	check(clock_ms() - now >= 20, "C1: a deadline does not come early");
	check(clock_ms() - now < 1400, "C1: nor much too late");
	check_int(early->ran, 1, "the nearer deadline runs");
	check_int(late->ran, 0, "the later one does not yet");
	check_int(early->watch.deadline, LOOP_NEVER, "one that came is gone");
	loop_run(&l);
	check_int(late->ran, 1, "the later one runs in its turn");
	check_int(early->ran, 1, "the nearer one not again");
	check_int(late->revents, 0, "a deadline is told by 0");
	probe_end(late);
	probe_end(early);
	loop_release(&l);
}

static void stop_when_late(struct watch *w, short revents)
{
	struct probe *p = w->owner;

	if (!revents || p->ran++ > 10000000)
		loop_stop(p->loop);
}

/* A peer that always has more to say must not keep a deadline away. */
static void test_flood(void)
{
	struct loop l;
	struct probe *p;
	int fds[2];
	uint64_t began = clock_ms();

	loop_init(&l);
	check(!pipe(fds) && write(fds[1], "x", 1) == 1, "a pipe with an octet that nobody takes");
	p = probe_new(&l, fds[0], POLLIN, began + 30);
	p->watch.run = stop_when_late;
	loop_run(&l);
	check_int(p->watch.deadline, LOOP_NEVER, "C1: always readable, and still the deadline came");
	check(clock_ms() - began < 1000, "C1: in time");
	probe_end(p);
	close(fds[0]);
	close(fds[1]);
	loop_release(&l);
}

static void test_removal(void)
{
	struct loop l;
	struct probe *first, *second, *third, *reborn = NULL;
	int fds[2], quiet[2];

	loop_init(&l);
	check(!pipe(fds) && !pipe(quiet) && write(fds[1], "x", 1) == 1, "two pipes, one readable");
	first = probe_new(&l, fds[0], POLLIN, LOOP_NEVER);
	second = probe_new(&l, fds[0], POLLIN, LOOP_NEVER);
	third = probe_new(&l, fds[0], POLLIN, LOOP_NEVER);
	first->victim = second;
	first->reborn = &reborn;
	first->reborn_fd = quiet[0];
	third->stop_after = 1;
	loop_run(&l);
	check_int(first->ran, 1, "one that frees another runs");
	check_int(third->ran, 1, "the one behind the freed one runs too");
	check(reborn && !reborn->ran, "one that was added meanwhile gets no old answer");
	loop_add(&l, &first->watch);
	third->stop_after = 2;
	loop_run(&l);
	check_int(first->ran, 2, "added twice, it runs once a round");
	loop_remove(&l, &third->watch);
	loop_remove(&l, &third->watch);
	check(!third->watch.added, "removed twice, no harm");
	probe_end(first);
	free(third);
	loop_release(&l);
	check(!reborn->watch.added, "a released loop lets go of its watches");
	free(reborn);
	close(fds[0]);
	close(fds[1]);
	close(quiet[0]);
	close(quiet[1]);
}

static void remove_self(struct watch *w, short revents)
{
	struct probe *p = w->owner;

	(void)revents;
	p->ran++;
	probe_end(p);
}

static void test_self_removal(void)
{
	struct loop l;
	int fds[2];

	loop_init(&l);
	check(!pipe(fds) && write(fds[1], "x", 1) == 1, "a readable pipe");
	for (int i = 0; i < 20; i++)
		probe_new(&l, fds[0], POLLIN, clock_ms())->watch.run = remove_self;
	loop_run(&l);
	check(true, "twenty that remove and free themselves, ready and late at once");
	loop_release(&l);
	close(fds[0]);
	close(fds[1]);
}

static void test_stop(void)
{
	struct loop l;
	struct probe *p;

	loop_init(&l);
	p = probe_new(&l, -1, 0, clock_ms() + 10000);
	loop_stop(&l);
	loop_run(&l);
	check_int(p->ran, 0, "a stop before the run counts for it");
	p->watch.deadline = clock_ms();
	loop_run(&l);
	check_int(p->ran, 1, "but not for the next");
	probe_end(p);
	loop_release(&l);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void test_interrupted(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct loop l;
	struct probe *p;
	uint64_t began = clock_ms();

	loop_init(&l);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	p = probe_new(&l, -1, 0, began + 60);
	loop_run(&l);
	setitimer(ITIMER_REAL, &never, NULL);
	check(alarms > 0, "signals came while waiting");
	check_int(p->ran, 1, "the deadline came once");
	check(clock_ms() - began >= 60, "and not before its time");
	probe_end(p);
	loop_release(&l);
}

int main(void)
{
	test_nothing();
	test_deadlines();
	test_flood();
	test_removal();
	test_self_removal();
	test_stop();
	test_interrupted();
	return tap_done();
}
