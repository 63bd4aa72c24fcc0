/* runner/who.c - asking the name service; see who.h. */
#include "runner/who.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runner/work.h"

enum { GROUPS_MOST = 1024, PATIENCE_MS = 30 * 1000, FOUND_MAX = 64 << 20 };

struct who {
	struct loop *loop;
	void (*answer)(void *context, json_t *object);
	void *context;
	struct work *work;          /* own; NULL: nobody is being asked */
	uid_t *waiting, *asked;     /* own */
	size_t waiting_count, asked_count;
};

/* ---- in the child */

static json_t *groups_of(const char *name, gid_t gid)
{
	gid_t ids[GROUPS_MOST];
	int count = GROUPS_MOST;
	json_t *list = json_array();

	if (getgrouplist(name, gid, ids, &count) < 0)
		count = GROUPS_MOST;   /* the first of them */
	for (int i = 0; i < count; i++) {
		const struct group *group = getgrgid(ids[i]);

		if (group && group->gr_name)
			json_array_append_new(list, json_string(group->gr_name));
	}
	return list;
}

static void describe(uid_t uid, struct buf *out)
{
	const struct passwd *user = getpwuid(uid);
	json_t *object = json_pack("{s:s, s:I}", "do", "who", "uid", (json_int_t)uid);
	char *name = user && user->pw_name ? mem_string(user->pw_name) : NULL;
	char *text;

	if (name && json_object_set_new(object, "name", json_string(name)) == 0)
		json_object_set_new(object, "groups", groups_of(name, user->pw_gid));
	text = json_dumps(object, JSON_COMPACT);
	if (text) {
		buf_add_text(out, text);
		buf_add_char(out, '\n');
	}
	free(text);
	free(name);
	json_decref(object);
}

static int run(int fd, void *context)
{
	const struct who *w = context;
	struct buf out = BUF_INIT(FOUND_MAX);
	int good;

	for (size_t i = 0; i < w->asked_count; i++)
		describe(w->asked[i], &out);
	good = work_tell(fd, &out);
	buf_release(&out);
	return good < 0;
}

/* ---- in the supervisor */

static void begin(struct who *w);

/* Whoever gets no answer asks again. */
static void finish(void *context, const struct buf *found, bool good)
{
	struct who *w = context;
	const char *at = buf_text(found), *newline;

	w->work = NULL;
	w->asked_count = 0;
	while (good && (newline = strchr(at, '\n'))) {
		json_t *object = json_loadb(at, (size_t)(newline - at), 0, NULL);

		if (object)
			w->answer(w->context, object);
		json_decref(object);
		at = newline + 1;
	}
	begin(w);
}

static void begin(struct who *w)
{
	const struct work_order order = { .run = run, .done = finish, .context = w,
		.ms = PATIENCE_MS, .most = FOUND_MAX };
	uid_t *free_again = w->asked;
	struct err ignored;

	if (w->work || !w->waiting_count)
		return;
	w->asked = w->waiting;
	w->asked_count = w->waiting_count;
	w->waiting = free_again;
	w->waiting_count = 0;
	w->work = work_start(w->loop, &order, &ignored);
}

struct who *who_new(struct loop *l, void (*answer)(void *context, json_t *object), void *context)
{
	struct who *w = mem_alloc(sizeof(*w));

	w->loop = l;
	w->answer = answer;
	w->context = context;
	w->waiting = mem_alloc(WHO_MOST * sizeof(*w->waiting));
	w->asked = mem_alloc(WHO_MOST * sizeof(*w->asked));
	return w;
}

void who_free(struct who **wp)
{
	struct who *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	work_free(&w->work);
	free(w->waiting);
	free(w->asked);
	free(w);
}

static bool is_in(const uid_t *list, size_t count, uid_t uid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == uid)
			return true;
	return false;
}

void who_ask(struct who *w, uid_t uid)
{
	if (is_in(w->waiting, w->waiting_count, uid) || w->waiting_count == WHO_MOST)
		return;
	w->waiting[w->waiting_count++] = uid;
	begin(w);
}
