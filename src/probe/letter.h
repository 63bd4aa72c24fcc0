/* probe/letter.h - the one message that a check may send: made and dressed as any
 * other is, so that what it meets is what mail would meet.
 */
#ifndef PROBE_LETTER_H
#define PROBE_LETTER_H

#include "deliver/message.h"

struct probe_letter {
	struct message message;      /* own */
	struct attempt attempt;      /* own; its smtp is what to submit */
};

/* from: envelope form.  -1: ERR_MESSAGE, ERR_STORE. */
int  letter_make(struct probe_letter *l, const struct account *a, const char *from,
	char *const *to, size_t count, struct err *e);
void letter_release(struct probe_letter *l);

#endif
