/* runner/quota.c - who has how much; see quota.h. */
#include "runner/quota.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runner/people.h"

enum {
	CONNECTIONS_MOST = 2000,
	SESSIONS_MOST = 500,
	PORT_CONNECTIONS_MOST = 40,
	PORT_SESSIONS_MOST = 10,
	PORT_SHARE = 10,            /* of a user's messages and octets: the tenth part */
	DESCRIPTORS_KEPT = 64,      /* the spool's, the threads', the sockets that listen */
	FILES_TAKE = 8 << 10        /* octets of disk that the files of any message take */
};

struct quota {
	struct quota_limits limits;
	struct quota_user **users;   /* in the order of their uids */
	size_t count, cap;
	unsigned connections, sessions;
};

static uint64_t one_at_least(uint64_t number)
{
	return number ? number : 1;
}

static unsigned at_least_one(uint64_t number)
{
	return (unsigned)one_at_least(number);
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A connection is one descriptor, a session two more: what memory does not hold
 * of its message, and the file in the spool. */
void quota_limits_make(struct quota_limits *l, uint64_t descriptors)
{
	uint64_t rest = descriptors > DESCRIPTORS_KEPT ? descriptors - DESCRIPTORS_KEPT : 1;

	l->connections = at_least_one(lesser(rest / 2, CONNECTIONS_MOST));
	l->connections_each = at_least_one(l->connections / 3);
	l->sessions = at_least_one(lesser(rest / 4, SESSIONS_MOST));
	l->sessions_each = at_least_one(l->sessions / 10);
	l->connections_port = (unsigned)lesser(l->connections_each, PORT_CONNECTIONS_MOST);
	l->sessions_port = (unsigned)lesser(l->sessions_each, PORT_SESSIONS_MOST);
}

struct quota *quota_new(const struct quota_limits *limits)
{
	struct quota *q = mem_alloc(sizeof(*q));

	q->limits = *limits;
	return q;
}

void quota_free(struct quota **qp)
{
	struct quota *q = *qp;

	*qp = NULL;
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		free(q->users[i]);
	free(q->users);
	free(q);
}

static size_t place_of(const struct quota *q, uid_t uid)
{
	size_t low = 0, high = q->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (q->users[middle]->uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct quota_user *quota_user(struct quota *q, uid_t uid)
{
	size_t at = place_of(q, uid);

	if (at < q->count && q->users[at]->uid == uid)
		return q->users[at];
	if (q->count == q->cap) {
		q->cap = q->cap ? 2 * q->cap : 16;
		q->users = mem_grow(q->users, q->cap, sizeof(struct quota_user *));
	}
	memmove(&q->users[at + 1], &q->users[at], (q->count - at) * sizeof(struct quota_user *));
	q->count++;
	q->users[at] = mem_alloc(sizeof(struct quota_user));
	q->users[at]->uid = uid;
	return q->users[at];
}

/* ---- connections */

/* The last tenth is root's. */
static unsigned share_of(unsigned number, uid_t uid)
{
	return uid == 0 ? number : number - number / 10;
}

/* Whether somebody has so many already. */
static bool is_at_limit(uid_t uid, unsigned has, unsigned each, unsigned port)
{
	return uid != 0 && has >= (uid == ENTRY_NOBODY ? port : each);
}

bool quota_connect(struct quota *q, struct quota_user *u)
{
	if (q->connections >= share_of(q->limits.connections, u->uid) ||
	    is_at_limit(u->uid, u->connections, q->limits.connections_each,
			q->limits.connections_port))
		return false;
	q->connections++;
	u->connections++;
	return true;
}

void quota_disconnect(struct quota *q, struct quota_user *u)
{
	q->connections--;
	u->connections--;
}

bool quota_begin(struct quota *q, struct quota_user *u)
{
	if (q->sessions >= share_of(q->limits.sessions, u->uid) ||
	    is_at_limit(u->uid, u->sessions, q->limits.sessions_each, q->limits.sessions_port))
		return false;
	q->sessions++;
	u->sessions++;
	return true;
}

void quota_end(struct quota *q, struct quota_user *u)
{
	q->sessions--;
	u->sessions--;
}

/* ---- messages */

bool quota_has_room(const struct quota_user *u, uint64_t octets, uint64_t most_messages,
	uint64_t most_octets)
{
	uint64_t taken = u->octets + u->claimed;

	if (u->uid == ENTRY_NOBODY) {
		most_messages = one_at_least(most_messages / PORT_SHARE);
		most_octets = one_at_least(most_octets / PORT_SHARE);
	}
	return u->uid == 0 || (u->messages < most_messages && taken < most_octets &&
		octets <= most_octets - taken);
}

void quota_stored(struct quota_user *u, uint64_t octets)
{
	u->messages++;
	u->octets += octets;
	u->new_messages++;
	u->new_octets += octets;
}

static void count_one(struct quota_count *c, uid_t uid, unsigned messages, uint64_t octets)
{
	size_t at = c->count;

	while (at > 0 && c->users[at - 1].uid >= uid)
		at--;
	if (at == c->count || c->users[at].uid != uid) {
		if (c->count == c->cap) {
			c->cap = c->cap ? 2 * c->cap : 16;
			c->users = mem_grow(c->users, c->cap, sizeof(*c->users));
		}
		memmove(&c->users[at + 1], &c->users[at],
			(c->count - at) * sizeof(*c->users));
		c->count++;
		c->users[at] = (struct quota_counted){ .uid = uid };
	}
	c->users[at].messages += messages;
	c->users[at].octets += octets;
}

/* With its recipients, which may be longer than what they get.
 *
 * Who is nobody's for long is known by the name that he was stored under.  What was
 * given up waits no more, but it takes room for as long as it is kept: without it a
 * user whose mail is refused could fill the disk. */
static void count_entry(struct quota_count *c, const struct entry *n, enum queue_state state)
{
	bool lasting = n->login && strncmp(n->login, "uid-", 4) != 0 && people_uid_lasts(n->uid);
	uid_t account = people_account_of(n->uid, lasting);
	uint64_t octets = n->file_size + n->control_size;

	if (state == QUEUE_FAILED)
		count_one(c, account, 0, octets + FILES_TAKE);
	else
		count_one(c, account, 1, octets);
}

int quota_count(struct quota_count *c, struct spool *s, struct err *e)
{
	static const enum queue_state states[] = { QUEUE_NEW, QUEUE_HOLD, QUEUE_FAILED };
	struct err ignored;

	*c = (struct quota_count){ .count = 0 };
	for (size_t i = 0; i < COUNT(states); i++) {
		struct spool_list *l = spool_list(s, states[i], e);
		char id[ENTRY_ID_LEN + 1];

		if (!l) {
			quota_count_release(c);
			return -1;
		}
		while (spool_next(l, id, sizeof(id))) {
			struct entry n = { .created = 0 };

			if (spool_peek(s, states[i], id, &n, &ignored) == 0)
				count_entry(c, &n, states[i]);
			entry_release(&n);
		}
		spool_list_free(&l);
	}
	return 0;
}

void quota_count_release(struct quota_count *c)
{
	free(c->users);
	*c = (struct quota_count){ .count = 0 };
}

void quota_count_begins(struct quota *q)
{
	for (size_t i = 0; i < q->count; i++)
		q->users[i]->new_messages = q->users[i]->new_octets = 0;
}

/* What was stored while it was counted may have been counted too: then it counts
 * twice until the next time. */
void quota_count_ends(struct quota *q, const struct quota_count *c)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < c->count; i++)
		quota_user(q, c->users[i].uid);
	for (size_t i = 0; i < q->count; i++) {
		struct quota_user *u = q->users[i];

		while (at < c->count && c->users[at].uid < u->uid)
			at++;
		u->messages = u->new_messages;
		u->octets = u->new_octets;
		if (at < c->count && c->users[at].uid == u->uid) {
			u->messages += c->users[at].messages;
			u->octets += c->users[at].octets;
		}
		if (u->messages || u->octets || u->connections || u->unknown)
			q->users[kept++] = u;
		else
			free(u);
	}
	q->count = kept;
}
