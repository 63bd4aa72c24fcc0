/* cred/pasted.h - one long word that is pasted at a terminal which edits nothing itself.
 *
 * Pure.  A terminal that edits lines keeps 4095 octets of one and drops the rest without a
 * word; an address that a browser ends at may be longer.  So the keys that take back are obeyed
 * here: the erase key, those for a word or all of it, the end of input.  Terminals mark
 * what is pasted (ESC [ 200 ~ ... ESC [ 201 ~) where that was asked for: line ends between
 * the marks are of the page or window that it was copied from, and end nothing.  Blanks are
 * no part of such a word, nor are other keys' codes.
 */
#ifndef CRED_PASTED_H
#define CRED_PASTED_H

#include <stdbool.h>

#include "base/buf.h"

struct pasted {
	struct buf word;           /* own; wiped; never grows beyond what was reserved */
	size_t most;               /* octets */
	char erase, kill, end;     /* the terminal's keys */
	bool marked;               /* between the marks */
	bool long_one;             /* there was more, which is passed over */
	int  code;                 /* inside of a key's code: how far */
	unsigned number;           /* its number */
};

void pasted_begin(struct pasted *p, size_t most);
/* Takes all of it, or up to the end of the line, behind which nothing counts: true then. */
bool pasted_take(struct pasted *p, const char *data, size_t len);
void pasted_release(struct pasted *p);

#endif
