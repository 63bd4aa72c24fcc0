/* base/mask.h - secrets in every form in which somebody may repeat them, to be overwritten
 * in whatever is shown.
 *
 * Pure.  Forms: as it is; with any of its octets as %HH (RFC 3986), =HH (RFC 2045), +HH (RFC
 * 3461) or \xHH, as text_clean() writes them; in hexadecimal; and in base64 of either alphabet,
 * whatever stands before and behind it there.  A line end counts as a blank, and as nothing.
 * A piece of at least two thirds of it counts as the whole, unless it could be an ordinary word.
 * A secret of less than four octets stands in any text by chance, and is left.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include <stddef.h>

struct mask {
	struct mask_secret *secrets;    /* own; wiped; NULL: none, and nothing is overwritten */
};

/* A secret that is in it already is not added again. */
void mask_add(struct mask *m, const void *secret, size_t len);
void mask_wipe(struct mask *m);

/* Overwrites them all with asterisks; line ends stay. */
void mask_apply(const struct mask *m, char *text, size_t len);
/* The same in one line or text. */
void mask_words(const struct mask *m, char *words);

/* One thing as it is, or a beginning of it of at least `least` octets, as servers cut what
 * they repeat. */
void mask_hide(char *text, size_t size, const char *what, size_t len, size_t least);

#endif
