/* runner/pool.c - threads that do what would keep the loop waiting; see pool.h. */
#include "runner/pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

enum { STACK = 1 << 20 };

struct pool {
	struct loop *loop;
	struct watch watch;           /* an eventfd: jobs have come to their end */
	pthread_t *threads;
	unsigned count, each;
	size_t open;                  /* the loop's own: added and not yet done */

	pthread_mutex_t lock;         /* of all that follows */
	pthread_cond_t  wake;
	struct pool_job *jobs, **last;     /* waiting and running, in order */
	struct pool_job *ended, **ended_last;
	bool stop;
};

static bool key_runs(const struct pool_job *from, const struct pool_job *to)
{
	for (; from != to; from = from->next)
		if (from->key && to->key && !strcmp(from->key, to->key))
			return true;
	return false;
}

static bool has_share(const struct pool *p, unsigned long owner)
{
	unsigned running = 0;

	for (const struct pool_job *job = p->jobs; owner && job; job = job->next)
		running += job->running && job->owner == owner;
	return running < p->each;
}

/* The first that waits, whose owner may have one more, and whose key no earlier one has. */
static struct pool_job *next_job(const struct pool *p)
{
	struct pool_job *job = p->jobs;

	while (job && (job->running || !has_share(p, job->owner) || key_runs(p->jobs, job)))
		job = job->next;
	return job;
}

static void take_out(struct pool *p, struct pool_job *job)
{
	struct pool_job **at = &p->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (p->last == &job->next)
		p->last = at;
	job->next = NULL;
}

static void end_job(struct pool *p, struct pool_job *job)
{
	static const uint64_t one = 1;

	take_out(p, job);
	*p->ended_last = job;
	p->ended_last = &job->next;
	/* One that waited for its key, or its owner's share, may run now. */
	pthread_cond_broadcast(&p->wake);
	if (write(p->watch.fd, &one, sizeof(one)) < 0)
		errno = 0;   /* it is readable already */
}

static void *work(void *context)
{
	struct pool *p = context;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct pool_job *job = next_job(p);

		if (!job) {
			pthread_cond_wait(&p->wake, &p->lock);
			continue;
		}
		job->running = true;
		pthread_mutex_unlock(&p->lock);
		job->run(job);
		pthread_mutex_lock(&p->lock);
		end_job(p, job);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void finish_ended(struct pool *p)
{
	struct pool_job *job, *next;

	pthread_mutex_lock(&p->lock);
	job = p->ended;
	p->ended = NULL;
	p->ended_last = &p->ended;
	pthread_mutex_unlock(&p->lock);
	for (; job; job = next) {
		next = job->next;
		job->next = NULL;
		p->open--;
		job->done(job);
	}
}

static void run(struct watch *w, short revents)
{
	uint64_t count;

	(void)revents;
	if (read(w->fd, &count, sizeof(count)) < 0)
		errno = 0;   /* somebody else has emptied it */
	finish_ended(w->owner);
}

static int start(struct pool *p, unsigned threads, struct err *e)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int number = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->threads = mem_grow(NULL, threads, sizeof(*p->threads));
	while (p->count < threads && number == 0) {
		number = pthread_create(&p->threads[p->count], &attr, work, p);
		if (number == 0)
			p->count++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	/* Fewer do as well, only slower. */
	return p->count ? 0 : err_sys(e, ERR_SYSTEM, number, "no thread can be started");
}

int pool_new(struct pool **pp, struct loop *l, unsigned threads, unsigned each, struct err *e)
{
	struct pool *p = mem_alloc(sizeof(*p));
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	*pp = p;
	p->loop = l;
	p->each = each;
	p->watch = (struct watch){ .fd = fd, .events = POLLIN, .run = run, .owner = p };
	p->last = &p->jobs;
	p->ended_last = &p->ended;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (fd < 0)
		err_sys(e, ERR_SYSTEM, errno, "no descriptor is left");
	if (fd < 0 || start(p, threads, e) < 0) {
		pool_free(pp);
		return -1;
	}
	loop_add(l, &p->watch);
	return 0;
}

void pool_add(struct pool *p, struct pool_job *job)
{
	job->next = NULL;
	job->running = false;
	p->open++;
	pthread_mutex_lock(&p->lock);
	*p->last = job;
	p->last = &job->next;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

bool pool_is_idle(const struct pool *p)
{
	return !p->open;
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->count; i++)
		pthread_join(p->threads[i], NULL);
	finish_ended(p);
	loop_remove(p->loop, &p->watch);
	if (p->watch.fd >= 0)
		close(p->watch.fd);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
}
