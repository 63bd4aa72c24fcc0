/* runner/scope.h - whose queue the supervisor looks after, and as whom.
 *
 * The system's: with sockets handed over, as user `sendoff`, as the owner of its
 * queue, and as root where that user is there: root becomes it.  Else one's own.
 */
#ifndef RUNNER_SCOPE_H
#define RUNNER_SCOPE_H

#include <stdbool.h>

#include "base/err.h"

/* The sockets that local users come to; -1 for one that is not there. */
struct scope_sockets {
	int smtp, control;
};

/* config: -C, or NULL.  In the system's scope the sockets are those that were
 * handed over, or are bound; then the rights of root are gone, and HOME and USER
 * are the runner's.  Reads no configuration.  -1: ERR_SYSTEM. */
int scope_enter(const char *config, bool *system, struct scope_sockets *sockets, struct err *e);

/* Root becomes user `sendoff`, for good, where there is such a user: before a secret of the
 * system is used or the network is met.  Nothing for anybody else.  -1: ERR_SYSTEM. */
int scope_leave_root(struct err *e);

#endif
