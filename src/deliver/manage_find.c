/* deliver/manage_find.c - one message by what somebody typed; see manage_find.h.
 *
 * A beginning is enough where it fits one message of those that the asker may
 * see: other people's messages neither answer to it nor make it ambiguous.
 */
#include "deliver/manage_find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { NAMED = 5 };   /* how many candidates an error names */

bool manage_may_see(const struct manage *m, const struct entry *n)
{
	return m->asker.all || n->uid == m->asker.uid;
}

void manage_label(const struct manage *m, const char *name, char out[MANAGE_ID_MAX])
{
	out[0] = m->scope;
	out[1] = '-';
	text_clean_to(out + 2, MANAGE_ID_MAX - 2, name, strlen(name));
}

struct search {
	const struct manage *m;
	const char *wanted;         /* without its scope */
	size_t len;
	struct manage_found *out;
	unsigned hits;
	struct buf names;
};

static int nothing(const struct search *s, struct err *e)
{
	char shown[80];

	text_clean_to(shown, sizeof(shown), s->wanted, s->len);
	err_set(e, ERR_USAGE, "there is no message '%s' in this queue", shown);
	return err_hint(e, "`sendoff queue list --all` shows what is there");
}

static int not_own(const struct search *s, struct err *e)
{
	char shown[MANAGE_ID_MAX];

	manage_label(s->m, s->wanted, shown);
	err_set(e, ERR_RIGHT, "message %s is somebody else's", shown);
	return err_hint(e, "its sender and root may see and change it");
}

static void take(struct search *s, enum queue_state state, const char *name)
{
	snprintf(s->out->name, sizeof(s->out->name), "%s", name);
	s->out->state = state;
}

/* 1: there; 0: not in this state; -1: *e. */
static int look_in(struct search *s, enum queue_state state, struct err *e)
{
	struct entry n = { .id = "" };
	struct err why = { 0 };
	int r = spool_peek(s->m->spool, state, s->wanted, &n, &why);
	bool may = r < 0 ? s->m->asker.all : manage_may_see(s->m, &n);

	entry_release(&n);
	if (r > 0)
		return 0;
	if (!may)
		return not_own(s, e);
	take(s, state, s->wanted);
	return 1;
}

/* A whole id: no directory is read.  Twice, for it may move from one state to
 * another meanwhile. */
static int find_whole(struct search *s, struct err *e)
{
	for (unsigned turn = 0; turn < 2; turn++)
		for (int state = QUEUE_NEW; state <= QUEUE_FAILED; state++) {
			int r = look_in(s, (enum queue_state)state, e);

			if (r)
				return r;
		}
	return 0;
}

static bool may_see_file(const struct search *s, enum queue_state state, const char *name)
{
	struct entry n = { .id = "" };
	struct err why = { 0 };
	bool may;

	if (s->m->asker.all)
		return true;
	if (state == QUEUE_DAMAGED)
		return false;
	may = spool_peek(s->m->spool, state, name, &n, &why) == 0 && manage_may_see(s->m, &n);
	entry_release(&n);
	return may;
}

static void note_hit(struct search *s, enum queue_state state, const char *name)
{
	char shown[MANAGE_ID_MAX];

	if (s->hits && !strcmp(s->out->name, name))
		return;   /* the same, on its way from one state to another */
	if (!s->hits++)
		take(s, state, name);
	manage_label(s->m, name, shown);
	if (s->hits <= NAMED)
		buf_printf(&s->names, "%s%s", s->hits > 1 ? ", " : "", shown);
}

struct spool_list *manage_names(const struct manage *m, enum queue_state state, struct err *e)
{
	return spool_list(m->spool, state, e);
}

/* 1: a file of exactly that name is there, and so nothing else is meant. */
static int search_state(struct search *s, enum queue_state state, struct err *e)
{
	struct spool_list *l = manage_names(s->m, state, e);
	char name[NAME_MAX + 1];
	int whole = 0;

	if (!l)
		return -1;
	while (!whole && spool_next(l, name, sizeof(name))) {
		if (strncmp(name, s->wanted, s->len) != 0 || !may_see_file(s, state, name))
			continue;
		if (!name[s->len]) {
			take(s, state, name);
			whole = 1;
		} else {
			note_hit(s, state, name);
		}
	}
	spool_list_free(&l);
	return whole;
}

static int find_beginning(struct search *s, struct err *e)
{
	int whole = 0;

	for (int state = QUEUE_NEW; !whole && state < QUEUE_STATES; state++)
		whole = search_state(s, (enum queue_state)state, e);
	if (whole > 0)
		s->hits = 1;
	return whole;
}

/* How many it means is in s->hits; -1: somebody else's, or ERR_STORE. */
static int search(struct search *s, const struct manage *m, const char *id,
	struct manage_found *out, struct err *e)
{
	bool scoped = id[0] == m->scope && id[1] == '-';
	int r = 0;

	*s = (struct search){ .m = m, .wanted = scoped ? id + 2 : id, .out = out,
		.names = BUF_INIT(NAMED * (MANAGE_ID_MAX + 2)) };
	s->len = strlen(s->wanted);
	if (!s->len || s->len > NAME_MAX || strchr(s->wanted, '/'))
		return 0;
	if (entry_is_id(s->wanted))
		r = find_whole(s, e);
	if (r > 0)
		s->hits = 1;
	else if (r == 0)
		r = find_beginning(s, e);
	return r < 0 ? -1 : 0;
}

int manage_find(const struct manage *m, const char *id, struct manage_found *out, struct err *e)
{
	struct search s;
	char shown[80];
	int r;

	if (!m->asker.may_list)
		return err_set(e, ERR_RIGHT, "this user may neither see nor change the queue");
	r = search(&s, m, id, out, e);
	if (r == 0 && !s.hits) {
		r = nothing(&s, e);
	} else if (r == 0 && s.hits > 1) {
		text_clean_to(shown, sizeof(shown), s.wanted, s.len);
		err_set(e, ERR_USAGE, "'%s' fits %u messages", shown, s.hits);
		r = err_hint(e, "which one: %s%s", buf_text(&s.names),
			s.hits > NAMED ? ", ..." : "");
	}
	buf_release(&s.names);
	return r;
}

bool manage_has(const struct manage *m, const char *id)
{
	struct manage_found found;
	struct search s;
	struct err why = { 0 };
	bool any = search(&s, m, id, &found, &why) < 0 || s.hits;

	buf_release(&s.names);
	return any;
}

int manage_lock(const struct manage *m, const struct manage_found *f, struct held **hp,
	struct err *e)
{
	struct entry n = { .id = "" };
	char shown[MANAGE_ID_MAX];
	int r = spool_hold(m->spool, f->state, f->name, hp, e);

	if (r < 0)
		return -1;
	if (r)
		return 0;
	manage_label(m, f->name, shown);
	r = spool_peek(m->spool, f->state, f->name, &n, e);
	entry_release(&n);
	if (r < 0)
		return err_context(e, "message %s", shown);
	if (r > 0)
		return err_set(e, ERR_USAGE, "message %s has gone meanwhile", shown);
	err_set(e, ERR_STORE, "message %s is being sent at this moment", shown);
	return err_hint(e, "try again in a moment");
}
