/* runner/wake.c - signals and the clock as descriptors; see wake.h. */
#include "runner/wake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/mem.h"

/* A moment that does not come before the clock has been set many times. */
enum { FAR_SECONDS = 365 * 24 * 3600 };

#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#endif

struct wake_calls {
	struct loop *loop;
	struct watch signals, clock;
	sigset_t before;
	void (*woken)(void *context, enum wake what);
	void *context;
};

static void take_signals(struct watch *watch, short revents)
{
	struct wake_calls *w = watch->owner;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(watch->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		w->woken(w->context, WAKE_CHILD);
	else if (info.ssi_signo == SIGHUP)
		w->woken(w->context, WAKE_RELOAD);
	else
		w->woken(w->context, WAKE_STOP);
}

static void set_clock(int fd)
{
	struct itimerspec far = { .it_value = { 0, 0 } };

	clock_gettime(CLOCK_REALTIME, &far.it_value);
	far.it_value.tv_sec += FAR_SECONDS;
	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void take_clock(struct watch *watch, short revents)
{
	struct wake_calls *w = watch->owner;
	uint64_t times;

	(void)revents;
	if (read(watch->fd, &times, sizeof(times)) < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	set_clock(watch->fd);
	w->woken(w->context, WAKE_CLOCK);
}

struct wake_calls *wake_new(struct loop *l, void (*woken)(void *context, enum wake what),
	void *context, struct err *e)
{
	struct wake_calls *w = mem_alloc(sizeof(*w));
	sigset_t ours;
	int fd;

	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, &w->before);
	fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		err_sys(e, ERR_SYSTEM, errno, "signals cannot be waited for");
		sigprocmask(SIG_SETMASK, &w->before, NULL);
		free(w);
		return NULL;
	}
	w->loop = l;
	w->woken = woken;
	w->context = context;
	w->signals = (struct watch){ .fd = fd, .events = POLLIN, .run = take_signals, .owner = w };
	loop_add(l, &w->signals);
	/* Without it a jump is noticed at the next look. */
	fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	w->clock = (struct watch){ .fd = fd, .events = POLLIN, .run = take_clock, .owner = w };
	if (fd >= 0) {
		set_clock(fd);
		loop_add(l, &w->clock);
	}
	return w;
}

void wake_free(struct wake_calls **wp)
{
	struct wake_calls *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	loop_remove(w->loop, &w->signals);
	loop_remove(w->loop, &w->clock);
	close(w->signals.fd);
	if (w->clock.fd >= 0)
		close(w->clock.fd);
	sigprocmask(SIG_SETMASK, &w->before, NULL);
	free(w);
}
