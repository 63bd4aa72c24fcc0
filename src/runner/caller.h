/* runner/caller.h - one connection to the SMTP socket.
 *
 * It waits until it is known who it is, and for a place; then smtp/server speaks
 * with it.  Whatever a client does, it costs the others nothing but its share of
 * places: each read is bounded, each silence has its deadline, what is not read is
 * not written.
 */
#ifndef RUNNER_CALLER_H
#define RUNNER_CALLER_H

#include "runner/desk.h"

/* The descriptor becomes the caller's; it frees itself. */
void caller_new(struct desk *d, int fd);
/* One that came by a loopback port: nobody in particular, who gets less of all. */
void caller_new_by_port(struct desk *d, int fd);

/* Somebody has become known, has left a place, or has had his turn. */
void callers_advance(struct desk *d);

/* The spool has been counted. */
void callers_counted(struct desk *d);

/* No more mail: who is not in the middle of a message is sent away. */
void callers_shut_down(struct desk *d);

/* At the end, when the threads are gone. */
void callers_free(struct desk *d);

#endif
