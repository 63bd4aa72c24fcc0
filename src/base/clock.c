/* base/clock.c - clocks and dates; see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void clock_rfc5322(time_t when, long offset_seconds, char *out, size_t size)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t shifted = when + offset_seconds;
	long minutes = labs(offset_seconds) / 60;
	struct tm tm = { 0 };

	gmtime_r(&shifted, &tm);
	snprintf(out, size, "%.3s, %d %.3s %d %02d:%02d:%02d %c%02ld%02ld", days + 3 * tm.tm_wday,
		tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec, offset_seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

long clock_local_offset(time_t when)
{
	struct tm tm = { 0 };

	return localtime_r(&when, &tm) ? tm.tm_gmtoff : 0;
}

void clock_rfc3339(const struct timespec *when, char *out, size_t size)
{
	struct tm tm = { 0 };

	gmtime_r(&when->tv_sec, &tm);
	snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, when->tv_nsec / 1000000);
}
