/* runner/runner.h - the roles of the runner: who submits what is queued.
 *
 *   watch     the supervisor: knows the configuration, watches the queue and the
 *             network, starts the others; speaks to no server
 *   accept    takes messages from local users; confined to the spool, knows no
 *             secret (system scope only)
 *   deliver   carries what is due for one account, then ends; knows its secret
 *
 * Each is the same program under another argv[0], with its descriptors handed
 * over as systemd does it (LISTEN_FDS).
 */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

#include "base/err.h"

#define RUNNER_ACCEPT_NAME "sendoff-accept"
#define RUNNER_DELIVER_NAME "sendoff-deliver"

/* The exit status of deliver when it could not note what became of the messages. */
enum { RUNNER_UNWRITTEN = 1 };

/* Who owns the system's queue. */
#define RUNNER_USER "sendoff"

struct watch_options {
	const char *config;     /* -C; NULL: the usual sources */
	long interval;          /* ms: the longest time between two looks; 0: the usual one */
};

/* Runs until SIGTERM or SIGINT.  -1: it could not begin (another watcher, no
 * queue, a socket in use). */
int runner_watch(const struct watch_options *o, struct err *e);

/* The other roles: called by main() under their names; the exit code. */
int runner_accept_main(int argc, char **argv);
int runner_deliver_main(int argc, char **argv);

#endif
