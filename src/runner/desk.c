/* runner/desk.c - what the parts of the accepting role have in common; see desk.h. */
#include "runner/desk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loopback.h"

enum { COUNT_AGAIN_MS = 5000, COUNT_SHARE = 10, TROUBLE_MS = 10000,
	ASK_AGAIN_MS = PEOPLE_PATIENCE_MS + 100, TURN_MS = 20, REST_TIMES = 9 };

/* Of whom it is not yet known who they are; they are so for a moment.  Each may have a
 * few connections, all together as many as one user. */
#define UNKNOWN ((uid_t)-3)
enum { UNKNOWN_EACH = 8 };

void desk_tell(struct desk *d, json_t *object)
{
	/* The supervisor reads, or this process ends with it. */
	if (d->supervisor && object)
		channel_send(d->supervisor, object);
	json_decref(object);
}

void desk_tell_trouble(struct desk *d, const char *text)
{
	if (d->troubled && clock_ms() - d->troubled < TROUBLE_MS)
		return;
	d->troubled = clock_ms();
	desk_tell(d, json_pack("{s:s, s:s}", "do", "trouble", "text", text));
}

/* ---- counting the spool */

struct count {
	struct pool_job job;
	struct desk *desk;
	struct quota_count result;
	struct err error;
	uint64_t began;
	bool good;
};

static void run_count(struct pool_job *job)
{
	struct count *c = (struct count *)job;
	struct spool *s = NULL;

	c->good = spool_open(&s, c->desk->spool_path, false, &c->error) == 0 &&
		quota_count(&c->result, s, &c->error) == 0;
	spool_close(&s);
}

static void end_count(struct pool_job *job)
{
	struct count *c = (struct count *)job;
	struct desk *d = c->desk;

	if (c->good)
		quota_count_ends(d->quota, &c->result);
	else
		desk_tell_trouble(d, c->error.text);
	quota_count_release(&c->result);
	d->counting = false;
	d->counted = clock_ms();
	d->count_took = d->counted - c->began;
	free(c);
	if (d->on_counted)
		d->on_counted(d);
}

bool desk_count(struct desk *d)
{
	struct count *c;

	if (d->counting)
		return true;
	if (d->counted && clock_ms() - d->counted < COUNT_AGAIN_MS + COUNT_SHARE * d->count_took)
		return false;
	c = mem_alloc(sizeof(*c));
	c->job = (struct pool_job){ .run = run_count, .done = end_count };
	c->desk = d;
	c->began = clock_ms();
	quota_count_begins(d->quota);
	d->counting = true;
	pool_add(d->readers, &c->job);
	return true;
}

uint64_t desk_floor(const struct desk *d, uid_t uid)
{
	uint64_t least = (uint64_t)d->policy.config.global.min_free;

	return uid == 0 ? least - least / 10 : least;
}

/* ---- who has come */

static bool count_for(struct guest *g, uid_t uid)
{
	struct quota_user *u = quota_user(g->desk->quota, uid);

	if (!quota_connect(g->desk->quota, u))
		return false;
	g->account = u;
	return true;
}

static bool count_unknown(struct guest *g)
{
	struct quota_user *u = quota_user(g->desk->quota, g->peer.uid);

	if (u->unknown == UNKNOWN_EACH || !count_for(g, UNKNOWN))
		return false;
	u->unknown++;
	g->unknown = u;
	return true;
}

static bool count_known(struct guest *g, const struct person *who)
{
	person_copy(&g->person, who);
	g->known = true;
	return count_for(g, people_account_of(who->uid, who->lasting));
}

bool guest_arrives(struct guest *g, struct desk *d, int fd)
{
	const struct person *who;

	*g = (struct guest){ .desk = d };
	if (!local_peer_of(fd, &g->peer))
		return false;
	who = people_find(d->people, g->peer.uid);
	if (who && count_known(g, who))
		return true;
	person_release(&g->person);
	return !who && (g->peer.uid == 0 ? count_for(g, 0) : count_unknown(g));
}

bool guest_arrives_by_port(struct guest *g, struct desk *d, int fd)
{
	*g = (struct guest){ .desk = d, .peer = { .uid = ENTRY_NOBODY },
		.port = loopback_port_of(fd), .person = { .uid = ENTRY_NOBODY,
		.name = ENTRY_NOBODY_NAME }, .known = true };
	return g->port && count_for(g, ENTRY_NOBODY);
}

int guest_meet(struct guest *g)
{
	const struct person *who;

	if (g->known)
		return 1;
	who = people_find(g->desk->people, g->peer.uid);
	if (!who) {
		/* No answer may come: then somebody has to ask again. */
		if (g->desk->places.deadline == LOOP_NEVER)
			g->desk->places.deadline = clock_ms() + ASK_AGAIN_MS;
		return 0;
	}
	guest_leaves(g);
	return count_known(g, who) ? 1 : -1;
}

void guest_leaves(struct guest *g)
{
	if (g->account)
		quota_disconnect(g->desk->quota, g->account);
	if (g->unknown)
		g->unknown->unknown--;
	g->account = g->unknown = NULL;
	g->desk->places.deadline = DESK_AT_ONCE;
}

bool guest_has_turn(const struct guest *g)
{
	const struct quota_user *u = g->account;
	uint64_t *next = &g->desk->places.deadline;

	if (u->uid == 0 || u->rests <= clock_ms())
		return true;
	if (*next == LOOP_NEVER || *next > u->rests)
		*next = u->rests;
	return false;
}

void guest_took(const struct guest *g, uint64_t ms)
{
	struct quota_user *u = g->account;

	u->spent += ms;
	if (u->spent < TURN_MS)
		return;
	u->rests = clock_ms() + REST_TIMES * u->spent;
	u->spent = 0;
}

void guest_refuse(int fd, const char *line)
{
	/* Whoever has left no room for a line does without. */
	(void)send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
}
