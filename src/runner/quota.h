/* runner/quota.h - how much of the system's queue and of the accepting role each
 * user has, and how much he may.
 *
 * What is stored is counted in memory from a count of the spool on; what leaves
 * the queue meanwhile is noticed by counting again, which is done when somebody
 * comes to his limit.  What was given up and is still kept counts by its octets.
 * All users that are nobody's for long share one account.  So do all who come by a
 * loopback port: it is ENTRY_NOBODY's, and has a tenth of what a user has.  uid 0 has no
 * quota of its own, only the floor of free space, a tenth lower, and the last tenth of
 * the connections.
 */
#ifndef RUNNER_QUOTA_H
#define RUNNER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "queue/spool.h"

/* How many connections there may be; from the descriptors that there are. */
struct quota_limits {
	unsigned connections;      /* in all; the last tenth is uid 0's */
	unsigned connections_each; /* of one user: those that wait included */
	unsigned sessions;         /* being served; the last tenth is uid 0's */
	unsigned sessions_each;
	unsigned connections_port; /* of all that come by loopback ports together */
	unsigned sessions_port;
};
void quota_limits_make(struct quota_limits *l, uint64_t descriptors);

/* One user's account. */
struct quota_user {
	uid_t uid;
	unsigned connections, sessions;
	unsigned unknown;                     /* connections of that uid, not counted here yet */
	uint64_t spent, rests;                /* ms of his turn; clock_ms(): until the next one
	                                       * (desk.h) */
	unsigned answers;                     /* that are being made, or lie in files unread */
	uint64_t messages, octets;            /* in the queue */
	uint64_t new_messages, new_octets;    /* of these, stored since a count began */
	uint64_t claimed;                     /* octets that are coming in */
};

struct quota;

struct quota *quota_new(const struct quota_limits *limits);
void quota_free(struct quota **qp);

/* The account of one user; it stays where it is as long as he is connected. */
struct quota_user *quota_user(struct quota *q, uid_t uid);

/* ---- connections: false, there are too many */

bool quota_connect(struct quota *q, struct quota_user *u);
void quota_disconnect(struct quota *q, struct quota_user *u);
bool quota_begin(struct quota *q, struct quota_user *u);     /* a session */
void quota_end(struct quota *q, struct quota_user *u);

/* ---- messages */

/* Whether so much more may be stored for him, beside what is claimed; by the
 * numbers of the settings. */
bool quota_has_room(const struct quota_user *u, uint64_t octets, uint64_t most_messages,
	uint64_t most_octets);
void quota_stored(struct quota_user *u, uint64_t octets);

/* A count of the spool: made anywhere, taken over in the loop. */
struct quota_count {
	struct quota_counted {
		uid_t uid;
		uint64_t messages, octets;
	} *users;              /* own; in the order of their uids */
	size_t count, cap;
};
int  quota_count(struct quota_count *c, struct spool *s, struct err *e);
void quota_count_release(struct quota_count *c);

void quota_count_begins(struct quota *q);
void quota_count_ends(struct quota *q, const struct quota_count *c);

#endif
