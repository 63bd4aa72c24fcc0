/* runner/confine.h - the accepting role shut in, before it reads the first octet.
 *
 * What it is handed and the spool is all there is for it: no other file, no
 * network, no program, no other process.  Each layer that the kernel lacks is
 * left out; who calls says so in the log.
 */
#ifndef RUNNER_CONFINE_H
#define RUNNER_CONFINE_H

#include <stdbool.h>

struct confinement {
	int  landlock;     /* the version that is in force; 0: none */
	bool seccomp;
};

/* For ever, for this thread and those that it makes later: call it before any
 * other.  spool: its directory, the only one that can be read and written below
 * (no directories can be made there).  Threads can be made afterwards, sockets
 * cannot. */
void confine(int spool, struct confinement *got);

#endif
