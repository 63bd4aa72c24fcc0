/* runner/desk.h - what the parts of the accepting role have in common.
 *
 * One process, one loop, two sockets: runner/caller speaks SMTP with whoever
 * comes to the one, runner/control answers whoever comes to the other, and both
 * know their guest by the kernel's word alone.  What may wait for the disk is done
 * by the threads of two pools: messages are written by one, the spool is read by
 * the other, so that a long list keeps nobody from handing in mail.
 *
 * What this role tells the supervisor over their channel:
 *
 *	{"do":"who","uid":N}                   runner/people.h
 *	{"do":"stored","id":ID,"uid":N,"login":"...","size":N,"recipients":N,
 *	 "account":A,"sender":S,"message_id":M,"tag":T}
 *	                                       a message was stored: to be logged, and
 *	                                       looked at; account, sender and tag may be
 *	                                       missing; by a loopback port there is
 *	                                       "loopback_port":N instead of uid and login
 *	{"do":"look"}                          the queue was changed by somebody's word
 *	{"do":"flush"}                         uid 0 wants all of it sent now
 *	{"do":"trouble","text":"..."}          something is wrong: to be logged
 *	{"do":"confined","landlock":N,"seccomp":B}
 *	                                       it listens from now on; N is 0, B false,
 *	                                       where the kernel has none
 *
 * and what it is told: {"do":"who",...}, as asked, and
 *
 *	{"do":"policy","policy":{...}}         runner/policy.h; the first one before all
 *	                                       else, another whenever it has changed
 */
#ifndef RUNNER_DESK_H
#define RUNNER_DESK_H

#include "net/local.h"
#include "net/loop.h"
#include "queue/spool.h"
#include "runner/channel.h"
#include "runner/people.h"
#include "runner/policy.h"
#include "runner/pool.h"
#include "runner/quota.h"

enum {
	DESK_PIECE = 64 << 10,        /* octets read from a guest at a time */
	DESK_MEMORY = 64 << 10,       /* octets of a message, or an answer, kept in memory */
	DESK_WAIT_MS = 30 * 1000,     /* for a place; then a guest is told to come again */
	DESK_AT_ONCE = 1              /* a deadline that has passed */
};

struct desk {
	struct loop loop;
	struct spool *spool;          /* own; for entering, from any thread */
	char *spool_path;             /* own */
	char *spill_path;             /* own; where what is not kept in memory goes */
	struct policy policy;         /* own */
	struct people *people;        /* own */
	struct quota *quota;          /* own */
	struct pool *files, *readers; /* own */
	struct channel *supervisor;   /* own */
	struct caller *callers;       /* those at the SMTP socket */
	struct question *questions;   /* those at the control socket */
	struct watch places;          /* its deadline is at once when somebody has left */
	uint64_t storing;             /* octets that threads are writing into the spool */
	bool counting;                /* the spool is being counted */
	uint64_t counted, count_took; /* clock_ms(): when it was last, and how long it took */
	void (*on_counted)(struct desk *d);
	uint64_t troubled;            /* clock_ms(): when trouble was last told */
	bool closing;
	char *piece;                  /* own; DESK_PIECE octets, of use during one call */
};

/* Takes the reference. */
void desk_tell(struct desk *d, json_t *object);
void desk_tell_trouble(struct desk *d, const char *text);   /* not more often than every 10 s */

/* Counts the spool again, unless that was done just now.  False: it was, and what
 * quota says is so. */
bool desk_count(struct desk *d);

/* Octets of the disk that must stay free, whatever that user wants; a tenth of them
 * is root's. */
uint64_t desk_floor(const struct desk *d, uid_t uid);

/* ---- who has come */

struct guest {
	struct desk *desk;            /* borrowed */
	struct local_peer peer;       /* uid ENTRY_NOBODY: it came by a loopback port ... */
	unsigned port;                /* ... this one; 0 */
	struct person person;         /* own; once it is known */
	bool known;
	struct quota_user *account;   /* borrowed; NULL: not counted */
	struct quota_user *unknown;   /* borrowed; of his uid, while he is not known; NULL */
};

/* False: it is no UNIX socket, or there are too many. */
bool guest_arrives(struct guest *g, struct desk *d, int fd);

/* By a loopback port: who it is cannot be known.  False: likewise. */
bool guest_arrives_by_port(struct guest *g, struct desk *d, int fd);

/* 1: it is known who it is; 0: not yet; -1: there are too many of his. */
int  guest_meet(struct guest *g);
void guest_leaves(struct guest *g);

/* What takes long is done in the loop only where it has to be, and of one user's it is
 * a tenth of the time at most, root's excepted.  False: not now; he is come back to by
 * callers_advance() and control_advance(). */
bool guest_has_turn(const struct guest *g);
void guest_took(const struct guest *g, uint64_t ms);

/* A line to somebody who is not let in. */
void guest_refuse(int fd, const char *line);

#endif
