/* t/server/front.h - what the servers of the tests have in common: they listen on one
 * address, serve each connection in a thread, and end by themselves: at SIGTERM, or when
 * their lifetime is over.
 */
#ifndef SERVER_FRONT_H
#define SERVER_FRONT_H

#include "t/server/wire.h"

/* Serves one connection to its end. */
typedef void front_session(struct wire *w);

/* opt->port becomes the port chosen.  Returns with the exit status of a server that could
 * not start, having said why; else ends the process. */
int front_run(struct options *opt, front_session *run);

#endif
