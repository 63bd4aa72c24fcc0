/* runner/role.h - another role of this program, started beside us.
 *
 * The same file is run again (/proc/self/exe, also when a package has replaced it
 * meanwhile), so that a role has neither our memory nor our descriptors.  It is
 * in a process group of its own, so that an interrupt on a terminal comes to us
 * alone, and gets SIGTERM when we are gone.
 */
#ifndef RUNNER_ROLE_H
#define RUNNER_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { ROLE_DESCRIPTORS_MAX = 16 };

/* Handed over as sd_listen_fds(3) describes it. */
struct role_descriptor {
	const char *name;    /* without ':' */
	int fd;
};

/* argv: NULL-terminated, argv[0] says which role.  bare: of our variables it gets only
 * what a program needs to speak and to know the time, for one that is to have no
 * secret.  -1: ERR_SYSTEM. */
int role_start(pid_t *pid, const char *const *argv, bool bare,
	const struct role_descriptor *descriptors, size_t count, struct err *e);

/* Whether it has ended; then *status is as of waitpid(2).  Does not wait. */
bool role_ended(pid_t pid, int *status);

#endif
