/* queue/schedule.c - when again; see schedule.h. */
#include "queue/schedule.h"

/* No wait is longer, so that sums of waits and moments stay in 64 bits. */
#define WAIT_MAX (INT64_MAX / 4)

static int64_t at_least(int64_t least, int64_t value)
{
	return value < least ? least : value;
}

static int64_t at_most(int64_t most, int64_t value)
{
	return value > most ? most : value;
}

/* Seconds of so many milliseconds, rounded up. */
static int64_t seconds(int64_t ms)
{
	return ms <= 0 ? 0 : (ms - 1) / 1000 + 1;
}

/* The wait before it is shortened or lengthened, in ms. */
static int64_t plain_wait(const struct retry_settings *set, unsigned tries)
{
	int64_t wait = at_most(WAIT_MAX, at_least(1, set->first));
	int64_t most = at_most(WAIT_MAX, at_least(wait, set->most));

	for (; tries > 1 && wait < most; tries--)
		wait = wait > most / 2 ? most : 2 * wait;
	return wait;
}

/* By a fifth of it at most, either way. */
static int64_t with_jitter(int64_t wait, uint32_t random)
{
	int64_t part = wait / 5, shift = (int64_t)random - (INT64_C(1) << 31);

	/* In 16 bits each, so that a wait of centuries does not overflow. */
	return wait + part / 65536 * (shift / 32768) + part % 65536 * (shift / 32768) / 65536;
}

int64_t schedule_wait(const struct retry_settings *set, unsigned tries, uint32_t random)
{
	return at_least(1, seconds(with_jitter(plain_wait(set, tries), random)));
}

/* The longest that schedule_wait() can say. */
static int64_t longest(const struct retry_settings *set)
{
	int64_t most = plain_wait(set, UINT32_MAX);

	return seconds(most + most / 5) + 1;
}

bool schedule_due(const struct retry_settings *set, int64_t next, int64_t next_set, int64_t now)
{
	return next <= now || next_set > now || next - longest(set) > now;
}

int64_t schedule_when(const struct retry_settings *set, int64_t next, int64_t next_set,
	int64_t now)
{
	return schedule_due(set, next, next_set, now) ? now : next;
}

int64_t schedule_age(int64_t created, int64_t now)
{
	return created <= 0 || created > now ? 0 : now - created;
}

bool schedule_expired(const struct retry_settings *set, int64_t created, int64_t now)
{
	return schedule_age(created, now) >= seconds(set->max_age);
}

bool schedule_delayed(const struct retry_settings *set, int64_t created, int64_t now)
{
	return set->delay_notice > 0 && schedule_age(created, now) >= seconds(set->delay_notice);
}
