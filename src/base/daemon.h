/* base/daemon.h - going on without the caller, or as somebody with less rights.
 */
#ifndef BASE_DAEMON_H
#define BASE_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Does that work in a child of its own session, 0 to 2 on /dev/null, in the root
 * directory, signals caught anew; it ends with the work, and nobody need wait for
 * it.  False: none could be made. */
bool process_background(void (*work)(void *context), void *context);

/* Part of a systemd service: what is left behind there is killed with it. */
bool process_in_service(void);

/* From root to that user, for good: groups, ids, HOME, and no way back.  Nothing
 * happens where there is no such user.  -1: ERR_SYSTEM, and nothing more may be
 * done as root. */
int process_become(const char *user, struct err *e);

/* Who runs us, also behind process_become(). */
uid_t process_caller(void);

#endif
