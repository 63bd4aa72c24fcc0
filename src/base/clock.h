/* base/clock.h - the time that waits use, and the time that people read.
 *
 * Waits use the monotonic clock only, so that a wall clock that jumps neither
 * stops nor hurries anything.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { CLOCK_LEAST = 1793491200 };   /* 2026-11-01: no right clock of ours can be before */

uint64_t clock_ms(void);       /* monotonic, milliseconds from an arbitrary start */

/* RFC 5322 section 3.3 date-time of a moment, with its offset from UTC:
 * "Sat, 21 Nov 2026 10:00:00 +0100".  Pure; size 32 is enough. */
void clock_rfc5322(time_t when, long offset_seconds, char *out, size_t size);

/* The local offset from UTC at a moment, in seconds. */
long clock_local_offset(time_t when);

/* RFC 3339 in UTC with milliseconds, for logs: "2026-11-21T09:00:00.000Z". */
void clock_rfc3339(const struct timespec *when, char *out, size_t size);

#endif
