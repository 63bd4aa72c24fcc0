/* t/unit/base_clock.c - dates as mail and logs write them. */
#include "t/unit/tap.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

static const struct {
	long long when;
	long offset;
	const char *mail, *log;
} dates[] = {
	{ 0, 0, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00.007Z" },
	{ 1795251600, 3600, "Sat, 21 Nov 2026 10:00:00 +0100", "2026-11-21T09:00:00.007Z" },
	{ 1795251600, -34200, "Fri, 20 Nov 2026 23:30:00 -0930", "2026-11-21T09:00:00.007Z" },
	{ 1795251600, 20700, "Sat, 21 Nov 2026 14:45:00 +0545", "2026-11-21T09:00:00.007Z" },
	{ 951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00.007Z" },
	{ 4102444799, 0, "Thu, 31 Dec 2099 23:59:59 +0000", "2099-12-31T23:59:59.007Z" },
	{ -1, 0, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59.007Z" },
};

static void test_dates(void)
{
	char text[40];

	for (size_t i = 0; i < COUNT(dates); i++) {
		struct timespec when = { .tv_sec = (time_t)dates[i].when, .tv_nsec = 7999999 };

		clock_rfc5322((time_t)dates[i].when, dates[i].offset, text, 32);
		check_text(text, dates[i].mail, "RFC 5322 row %zu", i);
		clock_rfc3339(&when, text, sizeof(text));
		check_text(text, dates[i].log, "RFC 3339 row %zu", i);
	}
}

static void test_no_locale_and_no_room(void)
{
	char text[8] = "xxxxxxx";

	clock_rfc5322(0, 0, text, 5);
	check_text(text, "Thu,", "cut to the room there is");
	check_text(text + 5, "xx", "and no octet further");
}

static void test_offset(void)
{
	setenv("TZ", "TST-2:30", 1);
	tzset();
	check_int(clock_local_offset(1795251600), 9000, "east of UTC");
	setenv("TZ", "TST7", 1);
	tzset();
	check_int(clock_local_offset(1795251600), -25200, "west of UTC");
	setenv("TZ", "XST-1XDT,M3.5.0,M10.5.0/3", 1);
	tzset();
	check_int(clock_local_offset(1795251600), 3600, "in winter");
	check_int(clock_local_offset(1782000000), 7200, "in summer");
}

static void test_monotonic(void)
{
	uint64_t before = clock_ms();

	usleep(20000);
	check(clock_ms() >= before + 19 && clock_ms() < before + 60000, "B7 time goes forward");
}

int main(void)
{
	test_dates();
	test_no_locale_and_no_room();
	test_offset();
	test_monotonic();
	return tap_done();
}
