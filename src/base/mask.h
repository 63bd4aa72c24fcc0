/* base/mask.h - a secret in every form in which somebody may repeat it, to be overwritten
 * in whatever is shown.
 *
 * Pure.  Forms: as it is, in base64, and as the response of PLAIN (RFC 4616) in base64.
 * Those shorter than four octets stand in any text by chance, and are left.
 */
#ifndef BASE_MASK_H
#define BASE_MASK_H

#include "base/buf.h"
#include "base/secret.h"

enum { MASK_FORMS = 3 };

struct mask {
	struct buf forms[MASK_FORMS];   /* own; wiped */
};

/* user NULL: without the last form.  What m held before is wiped. */
void mask_make(struct mask *m, const struct secret *secret, const char *user);
void mask_wipe(struct mask *m);

/* Overwrites them all with asterisks. */
void mask_apply(const struct mask *m, char *text, size_t len);

/* One form: the whole of it, or a beginning of at least `least` octets, as servers cut
 * what they repeat. */
void mask_hide(char *text, size_t size, const char *what, size_t len, size_t least);

#endif
