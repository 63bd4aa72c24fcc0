/* probe/surroundings.h - who we are here, and what is around us: why it works by hand
 * and not from a service.
 *
 * Nothing is changed by looking: the runner's socket is connected to and left, a file
 * without a name is opened in the queue and gone with its descriptor.
 */
#ifndef PROBE_SURROUNDINGS_H
#define PROBE_SURROUNDINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "deliver/config.h"
#include "base/confinement.h"
#include "probe/report.h"

enum { SURROUNDINGS_NAME = 64, SURROUNDINGS_WORDS = 1536 };

/* What is the matter with a file or directory. */
enum place_trouble {
	PLACE_FINE,
	PLACE_ABSENT,
	PLACE_DENIED,              /* by its mode, or by one above it */
	PLACE_POLICY,              /* though the modes allow it */
	PLACE_HIDDEN,              /* something is mounted over it, as services have it done */
	PLACE_READ_ONLY,           /* its file system, here */
	PLACE_OTHER                /* as words say */
};

struct place {
	char *path;                /* own; NULL: there is none */
	enum place_trouble trouble;
	char words[SURROUNDINGS_WORDS];   /* what the system says of it, and what to do; "" */
	char mount[SURROUNDINGS_NAME * 2];   /* PLACE_HIDDEN, PLACE_READ_ONLY: where */
};

struct surroundings {
	/* who */
	uid_t uid, real_uid;
	gid_t gid, real_gid;
	char user[SURROUNDINGS_NAME], real_user[SURROUNDINGS_NAME], group[SURROUNDINGS_NAME];
	bool no_terminal;          /* there is nobody to ask */
	const char *input;         /* what stdin is: "terminal", "pipe", ... */

	/* where files are sought */
	struct place home;
	bool home_of_passwd;
	struct { const char *name; char *value; char why[128]; } ignored[3];   /* HOME, XDG_... */
	struct place queue;
	bool queue_to_be_made;
	uint64_t queue_free;       /* octets; only where it is there */
	uint64_t queue_least;      /* min_free */

	/* the system's runner */
	bool by_runner;            /* the account is handed to it */
	const char *scope;         /* "personal", "system"; NULL: no account yet */
	struct place runner;
	bool runner_is_there;      /* its socket is */
	bool runner_is_strange;    /* it belongs neither to root nor to the runner's user */
	uid_t runner_owner, runner_peer;   /* (uid_t)-1: not known */

	/* what else an attempt needs */
	char *roots;               /* own; "144 in FILE"; NULL: not needed, or */
	char roots_fault[SURROUNDINGS_WORDS];   /* why there are none */
	bool no_network;           /* nothing but loopback is up, and the server is elsewhere */
	int no_sockets;            /* errno of socket(2) for the internet; 0 */
	const char *resolver;      /* what is wrong with /etc/resolv.conf; NULL */
	int64_t file_limit, memory_limit, open_limit;   /* -1: none */
	int64_t now, newest;       /* the clock, and the latest time that a file of ours bears */
	char *setuid_command;      /* own; the program of password_command, when it is set-uid */

	struct confinement confinement;
};

/* c, a: what is known so far; each may be NULL. */
struct surroundings *surroundings_look(const struct config *c, const struct account *a);
void surroundings_free(struct surroundings **sp);

/* The stage: one line, and one more for each thing that may hurt. */
void surroundings_tell(const struct surroundings *s, struct report_stage *stage);

/* ---- pure, for tests */

/* What is wrong with a resolv.conf(5); NULL: it names a server. */
const char *surroundings_resolver(const char *text, size_t len);

#endif
