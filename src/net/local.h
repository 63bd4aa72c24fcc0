/* net/local.h - sockets of this machine: UNIX sockets, and who is behind one.
 */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct local_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;    /* for the log only: it may be gone */
};

/* Binds and listens at path with that mode, replacing a socket that nobody
 * listens on; directories are not made.  Non-blocking, close-on-exec.  Returns
 * the descriptor; -1: ERR_SYSTEM (in use, no right, path too long). */
int local_listen(const char *path, mode_t mode, struct err *e);

/* Next connection, non-blocking and close-on-exec; -1: none now (errno). */
int local_accept(int listener);

/* The kernel's word on who connected (SO_PEERCRED).  False: not a UNIX socket. */
bool local_peer_of(int fd, struct local_peer *peer);

/* Connects to a UNIX socket; at most ms milliseconds for a full backlog (then
 * errno is EAGAIN).  Non-blocking, close-on-exec.  -1 with *e (ERR_RUNNER) and errno. */
int local_connect(const char *path, long ms, struct err *e);

/* A pair of connected stream sockets, close-on-exec, for two of our own roles.
 * -1: ERR_SYSTEM. */
int local_pair(int fds[2], struct err *e);

#endif
