/* queue/slot.c - the connections that an account may have, as locks; see park.h.
 *
 * Each has a description of its own of the lock file, so that the locks of one
 * process are as good against each other as against those of others.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "queue/internal.h"
#include "queue/park.h"

struct slot {
	int fd;   /* own; holds one octet locked */
};

int slot_take(struct spool *s, const char *account, long most, struct slot **slot, struct err *e)
{
	int fd = account_open_lock(s, account, e), got = 0;

	*slot = NULL;
	if (fd < 0)
		return -1;
	for (long i = 1; got == 0 && i <= (most > 0 ? most : 1); i++)
		got = account_lock(fd, i);
	if (got == 1) {
		*slot = mem_alloc(sizeof(**slot));
		(*slot)->fd = fd;
		return 1;
	}
	if (got < 0)
		spool_failed(s, errno, e, "a connection cannot be counted");
	close(fd);
	return got;
}

void slot_free(struct slot **slot)
{
	if (!*slot)
		return;
	close((*slot)->fd);
	free(*slot);
	*slot = NULL;
}
