/* queue/progress.h - the lines about what has happened to an entry, which stand
 * in its control file and, for a try that was made before it was stored, at the
 * end of its head.
 */
#ifndef QUEUE_PROGRESS_H
#define QUEUE_PROGRESS_H

#include "queue/entry.h"
#include "queue/line.h"

void progress_write(const struct entry *n, struct buf *out);

/* Reads them to the end of the text; n has `count` recipients, and nothing of
 * what these lines tell.  -1: ERR_DAMAGED, and n may have some of it. */
int progress_read(struct lines *l, struct entry *n, struct err *e);

#endif
