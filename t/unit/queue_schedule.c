/* t/unit/queue_schedule.c - when again, against a clock of our own. */
#include "t/unit/tap.h"

#include <limits.h>

#include "base/mem.h"
#include "queue/schedule.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
enum { MIDDLE = 1 << 30 };   /* doubled: the random number that shifts nothing */

static const int64_t now = 1764000000;
static const struct retry_settings usual = {
	.first = 5 * MINUTE * 1000, .most = 4 * HOUR * 1000, .max_age = 5L * DAY * 1000,
	.delay_notice = 4 * HOUR * 1000
};

static void test_doubling(void)
{
	static const int64_t want[] = { 300, 300, 600, 1200, 2400, 4800, 9600, 14400, 14400 };

	for (unsigned tries = 0; tries < COUNT(want); tries++)
		check_int(schedule_wait(&usual, tries, 2U * MIDDLE), want[tries],
			"C9 the wait behind try %u", tries);
	check_int(schedule_wait(&usual, UINT_MAX, 2U * MIDDLE), 14400, "C9 and behind any other");
}

static void test_jitter(void)
{
	check_int(schedule_wait(&usual, 1, 0), 240, "C9 a fifth shorter at most");
	check_int(schedule_wait(&usual, 1, UINT32_MAX), 360, "C9 a fifth longer at most");
	check_int(schedule_wait(&usual, 9, 0), 11520, "C9 of the cap as well");
	check_int(schedule_wait(&usual, 9, UINT32_MAX), 17280, "C9 and longer than the cap");
	check_int(schedule_wait(&usual, 1, 3U << 30), 330, "C9 evenly between");
	check_int(schedule_wait(&usual, 1, 1U << 30), 270, "C9 on both sides");
}

static void test_odd_settings(void)
{
	struct retry_settings none = { 0 };
	struct retry_settings endless = { LONG_MAX, LONG_MAX, LONG_MAX, LONG_MAX };
	struct retry_settings turned = { .first = 10000, .most = 1000 };
	struct retry_settings short_one = { .first = 100, .most = 100 };

	check_int(schedule_wait(&none, 1, 0), 1, "C9 never at once: no settings");
	check_int(schedule_wait(&short_one, 5, 0), 1, "C9 a tenth of a second is rounded up");
	check_int(schedule_wait(&turned, 3, 2U * MIDDLE), 10, "a cap below the first wait is none");
	check(schedule_wait(&endless, 60, UINT32_MAX) > INT32_MAX, "centuries do not overflow");
	check(!schedule_due(&endless, INT64_MAX / 8000, now, now), "nor do they here");
	check(!schedule_expired(&endless, 1, now), "nor here");
	check(schedule_expired(&none, now, now), "no age is allowed: expired");
	check(!schedule_delayed(&none, 1, now), "no notice is wanted");
}

static void test_due(void)
{
	check(schedule_due(&usual, 0, 0, now), "never tried: due");
	check(schedule_due(&usual, now, now - 300, now), "its moment: due");
	check(schedule_due(&usual, now - 1, now - 300, now), "behind it: due");
	check(!schedule_due(&usual, now + 1, now - 300, now), "a second before: not");
	check(!schedule_due(&usual, now + 17280, now, now), "the longest wait there is: not");
	check_int(schedule_when(&usual, now + 1, now - 300, now), now + 1, "when");
	check_int(schedule_when(&usual, now - 1, now - 300, now), now, "when, if it is late");
	check_int(schedule_when(&usual, 0, 0, now), now, "when, if never tried");
}

/* The clock was wrong when the moment was set, or is now. */
static void test_jumps(void)
{
	static const int64_t years = 3650LL * DAY;

	check(schedule_due(&usual, now + years, now + years - 300, now), "B7 set in the future: due");
	check(schedule_due(&usual, now + years, now - 10, now), "B7 further than any wait: due");
	check_int(schedule_when(&usual, now + years, now - 10, now), now, "B7 when: now");
	check(schedule_due(&usual, now + 300, now, now + years), "B7 ten years later: due");
	check(schedule_due(&usual, now + 300, now, now - years), "B7 ten years earlier: due");
	check(schedule_due(&usual, now + 300, now, 0), "B7 at 0: due");
	check(schedule_due(&usual, INT64_MAX, 0, now), "B7 at the end of time: due");
	/* One try sets a moment by the clock as it is, and so does not storm. */
	check(!schedule_due(&usual, now - years + 300, now - years, now - years),
		"B7 tried once with the clock put back: not due again");
}

static void test_age(void)
{
	check_int(schedule_age(now - 10, now), 10, "G3 age");
	check_int(schedule_age(0, now), 0, "B7 made at 0: just now");
	check_int(schedule_age(now + 1, now), 0, "B7 made in the future: just now");
	check_int(schedule_age(-5, now), 0, "B7 made before 1970: just now");
	check(!schedule_expired(&usual, now - 5 * DAY + 1, now), "G3 a second before: not expired");
	check(schedule_expired(&usual, now - 5 * DAY, now), "G3 to the second: expired");
	check(!schedule_delayed(&usual, now - 4 * HOUR + 1, now), "G3 a second before: not late");
	check(schedule_delayed(&usual, now - 4 * HOUR, now), "G3 to the second: late");
	check(!schedule_expired(&usual, now + DAY, now), "B7 from the future: not expired");
	check(!schedule_delayed(&usual, 0, now), "B7 from 1970: not late");
}

int main(void)
{
	test_doubling();
	test_jitter();
	test_odd_settings();
	test_due();
	test_jumps();
	test_age();
	return tap_done();
}
