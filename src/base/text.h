/* base/text.h - text from outside, made fit to be shown.
 *
 * Pure.  Whatever a server, a file, the environment or argv gave passes
 * through text_clean() before a terminal, a log or an error sees it.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { TEXT_SHOWN_MAX = 512 };   /* octets of foreign text that are shown */

/* Appends in to out with control characters and broken UTF-8 written as \xHH,
 * and "..." behind `most` octets of output (a whole character is never cut). */
void text_clean(const char *in, size_t len, size_t most, struct buf *out);

/* The same into a fixed array, which is always terminated.  Returns to. */
char *text_clean_to(char *to, size_t size, const char *in, size_t len);

/* Length of the UTF-8 sequence at in (1 to 4), or 0 when it is not one
 * (overlong forms, surrogates and cut sequences are not). */
size_t text_utf8(const char *in, size_t len);
bool   text_is_utf8(const char *in, size_t len);
bool   text_is_ascii(const char *in, size_t len);

/* Edit distance for "did you mean"; names are short. */
size_t text_distance(const char *a, const char *b);

/* ASCII case folding only: protocol words and host names. */
bool text_equal_fold(const char *a, size_t alen, const char *b, size_t blen);

#endif
