/* deliver/provided.h - an account's settings put together: what was set by hand, what its
 * provider gives where nothing was, and the defaults.
 *
 * What is given stands in account.given as a source of its own, so that whoever asks
 * where a setting comes from is told "provider google".
 */
#ifndef DELIVER_PROVIDED_H
#define DELIVER_PROVIDED_H

#include "deliver/account.h"
#include "provider/preset.h"

/* name, source and scope are set, `given` may be.  Fills and finishes the account.
 * -1: ERR_CONFIG naming the file, and the line where it is one. */
int  provided_fill(struct account *a, const char *home, struct err *e);

/* Host, port, encryption, user and limits that source does not set.  A port that was
 * set by hand decides the encryption, and the other way round.  -1: ERR_CONFIG: it has
 * no server, or only the user knows which. */
int  provided_give(struct account *a, const struct preset *p, struct err *e);

/* Sets the error for the name of a provider that nobody knows.  Always -1. */
int  provided_unknown(const char *name, struct err *e);

/* Of a finished account: what it names, or whose its host is.  NULL: nobody known. */
const struct preset *provided_preset(const struct account *a);

/* What there is to know of the account's login before it is tried. */
enum provided_note { PROVIDED_NOTHING, PROVIDED_NOTE, PROVIDED_WARNING };
enum provided_note provided_note(const struct account *a, struct buf *out);

#endif
