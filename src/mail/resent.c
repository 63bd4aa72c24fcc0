/* mail/resent.c - finding the newest Resent- block; see resent.h.
 *
 * The block ends where a field of it comes a second time (two lines of
 * Resent-To, one behind the other, are one list), and at a trace field, which
 * some server put in front of all that was there when the message passed.
 */
#include "mail/resent.h"

#include <stdbool.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"

static const char *const resent_names[] = {
	"Resent-To", "Resent-Cc", "Resent-Bcc",
	/* the first three may be repeated */
	"Resent-From", "Resent-Sender", "Resent-Date", "Resent-Message-ID", "Resent-Reply-To"
};

enum { REPEATABLE = 3 };

static bool is_trace(const struct field *f)
{
	return field_is(f, "Received") || field_is(f, "Return-Path") || field_is(f, "Delivered-To");
}

static size_t name_index(const struct field *f)
{
	size_t i = 0;

	while (i < COUNT(resent_names) && !field_is(f, resent_names[i]))
		i++;
	return i;
}

size_t resent_end(const char *block, size_t len)
{
	size_t at = 0, previous = COUNT(resent_names);
	unsigned seen = 0;
	struct field f;

	while (header_next(block, len, &at, &f)) {
		size_t start = (size_t)(f.start - block), i = name_index(&f);

		if (i == COUNT(resent_names)) {
			if (seen && is_trace(&f))
				return start;
		} else if (seen & 1U << i && !(i == previous && i < REPEATABLE)) {
			return start;
		} else {
			seen |= 1U << i;
		}
		previous = i;
	}
	return seen ? len : 0;
}
