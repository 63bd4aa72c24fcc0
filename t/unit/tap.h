/* t/unit/tap.h - the Test Anything Protocol for unit tests in C.
 *
 * A test program calls check() and its kin any number of times and ends with
 * `return tap_done();`.  A failed check says where and what, and goes on.
 */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned tap_count, tap_failed;

/* Which does not know each system call, and bends time. */
static inline bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "valgrind");
}

__attribute__((format(printf, 4, 5), unused))
static bool tap_check(bool good, const char *file, int line, const char *format, ...)
{
	va_list args;

	tap_count++;
	if (!good)
		tap_failed++;
	printf("%sok %u - ", good ? "" : "not ", tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	if (!good)
		printf("#   at %s line %d\n", file, line);
	fflush(stdout);
	return good;
}

#define check(good, ...) tap_check((good), __FILE__, __LINE__, __VA_ARGS__)

#define check_int(got, want, ...) do { \
	long long got_ = (long long)(got), want_ = (long long)(want); \
	if (!tap_check(got_ == want_, __FILE__, __LINE__, __VA_ARGS__)) \
		printf("#   got %lld, want %lld\n", got_, want_); \
} while (0)

#define check_text(got, want, ...) do { \
	const char *got_ = (got), *want_ = (want); \
	if (!tap_check(got_ && want_ ? !strcmp(got_, want_) : got_ == want_, __FILE__, __LINE__, \
			__VA_ARGS__)) \
		printf("#   got  \"%s\"\n#   want \"%s\"\n", got_ ? got_ : "(null)", \
			want_ ? want_ : "(null)"); \
} while (0)

__attribute__((unused))
static int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
