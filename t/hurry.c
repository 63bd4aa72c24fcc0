/* t/hurry.c - a library to be preloaded: the clock that does not jump runs so many
 * times as fast as it should, and waits are so much shorter.
 *
 * HURRY=FACTOR, set by SendoffTest::hurry().  For deadlines that no test can wait for;
 * what is measured from the kernel's own clock (files, sockets) is as ever.
 */
#include <dlfcn.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum { SECOND = 1000000000 };

static long factor(void)
{
	static long value;
	const char *text = value ? NULL : getenv("HURRY");

	if (!value)
		value = text && atol(text) > 0 ? atol(text) : 1;
	return value;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
	static int (*real)(clockid_t which, struct timespec *now);
	long long ns;
	int good;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	good = real(which, now);
	if (good == 0 && which == CLOCK_MONOTONIC) {
		ns = (now->tv_sec * (long long)SECOND + now->tv_nsec) % (SECOND * 1000000LL) * factor();
		now->tv_sec = ns / SECOND;
		now->tv_nsec = ns % SECOND;
	}
	return good;
}

int poll(struct pollfd *fds, nfds_t count, int ms)
{
	static int (*real)(struct pollfd *fds, nfds_t count, int ms);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "poll");
	return real(fds, count, ms > 0 ? (int)((ms + factor() - 1) / factor()) : ms);
}
