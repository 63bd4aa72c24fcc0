/* base/spill.h - content that stays in memory while small and goes to an
 * unlinked file when it is not.
 *
 * Up to SPILL_MEMORY octets are kept in memory (whoever holds many at a time sets
 * memory.max lower, before anything is added); with the first octet beyond, all
 * of it moves to a file without a name, so that memory stays flat and
 * nothing is left behind whatever ends the process.
 */
#ifndef BASE_SPILL_H
#define BASE_SPILL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum { SPILL_MEMORY = 1 << 20 };

struct spill {
	struct buf  memory;      /* own; all of it while small, else what is not yet written */
	int         fd;          /* own; -1 while in memory */
	uint64_t    written;     /* octets in the file */
	const char *directory;   /* borrowed; where the file goes; NULL: TMPDIR, else /tmp */
};

void     spill_init(struct spill *s, const char *directory);
/* 0, or -1 with ERR_STORE: the disk is full, no directory can be written. */
int      spill_add(struct spill *s, const char *data, size_t len, struct err *e);
int      spill_finish(struct spill *s, struct err *e);   /* all is written; now it may be read */
uint64_t spill_size(const struct spill *s);
/* Reads up to len octets at offset.  Returns how many, 0 at the end, -1 with
 * ERR_STORE: the file cannot be read back. */
ssize_t  spill_read(const struct spill *s, uint64_t offset, char *data, size_t len, struct err *e);
void     spill_release(struct spill *s);

#endif
