/* queue/schedule.h - when a message is tried again, when it is given up.
 *
 * Pure: the time and the random number are handed in.  All moments are seconds
 * since 1970 by a clock that may jump; what was stored says when it was
 * decided, so that a jump neither stops a message nor makes it storm.
 */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct retry_settings {
	long first, most;      /* ms; waits double from first to most: 5m, 4h */
	long max_age;          /* ms; 5d */
	long delay_notice;     /* ms; 0: never */
};

/* Seconds until the next try behind the tries-th one (1 is the first): doubled
 * each time up to most, then shortened or lengthened by up to a fifth; random
 * is any 32 bits. */
int64_t schedule_wait(const struct retry_settings *set, unsigned tries, uint32_t random);

/* Whether it is due, and when it will be: a `next` that lies further away from
 * now than any wait could have set it counts as due, and so does one that was
 * set in the future (the clock was put back). */
bool    schedule_due(const struct retry_settings *set, int64_t next, int64_t next_set, int64_t now);
int64_t schedule_when(const struct retry_settings *set, int64_t next, int64_t next_set,
	int64_t now);

/* Age, never negative; created at 0 or in the future counts as just created. */
int64_t schedule_age(int64_t created, int64_t now);
bool schedule_expired(const struct retry_settings *set, int64_t created, int64_t now);
bool schedule_delayed(const struct retry_settings *set, int64_t created, int64_t now);

#endif
