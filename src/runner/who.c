/* runner/who.c - asking the name service; see who.h. */
#include "runner/who.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "runner/people.h"
#include "runner/work.h"

enum {
	GROUPS_MOST = 1024, FOUND_MAX = 64 << 20,
	QUICK_MS = 2000,            /* for one answer; who takes longer is late */
	PATIENCE_MS = 30 * 1000     /* for one that was late before */
};

/* Those who are asked about one behind the other, by one child. */
struct line {
	struct who *who;            /* borrowed */
	struct work *work;          /* own; NULL: nobody is being asked */
	uint64_t ms;
	uid_t *waiting, *asked;     /* own */
	size_t waiting_count, asked_count;
	size_t at;                  /* of asked: who comes next */
};

struct who {
	struct loop *loop;
	void (*answer)(void *context, json_t *object);
	void *context;
	struct line quick, slow;
	uid_t *late;                /* own; about whom nothing was heard in time, and since */
	size_t late_count;
	uid_t overflow;             /* all users of other namespaces */
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

static json_t *answer_about(uid_t uid)
{
	return json_pack("{s:s, s:I}", "do", "who", "uid", (json_int_t)uid);
}

static int describe(int fd, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);
	struct buf out = BUF_INIT(FOUND_MAX);
	json_t *object = answer_about(uid);
	char *name = user && user->pw_name ? mem_string(user->pw_name) : NULL;
	char *text;
	int good;

	if (name && json_object_set_new(object, "name", json_string(name)) == 0)
		json_object_set_new(object, "groups", groups_of(name, user->pw_gid));
	text = json_dumps(object, JSON_COMPACT);
	if (text) {
		buf_add_text(&out, text);
		buf_add_char(&out, '\n');
	}
	good = work_tell(fd, &out);
	buf_release(&out);
	free(text);
	free(name);
	json_decref(object);
	return good;
}

/* Each is told as soon as it is known: another may keep us waiting. */
static int run(int fd, void *context)
{
	const struct line *l = context;

	for (size_t i = l->at; i < l->asked_count; i++)
		if (describe(fd, l->asked[i]) < 0)
			return 1;
	return 0;
}

/* ---- in the supervisor */

static bool is_in(const uid_t *list, size_t count, uid_t uid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == uid)
			return true;
	return false;
}

static void note_late(struct who *w, uid_t uid)
{
	if (w->late_count < WHO_MOST && !is_in(w->late, w->late_count, uid))
		w->late[w->late_count++] = uid;
}

static void forget_late(struct who *w, uid_t uid)
{
	for (size_t i = 0; i < w->late_count; i++)
		if (w->late[i] == uid)
			w->late[i] = w->late[--w->late_count];
}

static void begin(struct line *l);

/* They come in the order in which they were asked for.  About whom none came, he is
 * asked about in the other line next time, if anybody wants to know; the rest is asked
 * about at once. */
static void finish(void *context, const struct buf *found, bool good)
{
	struct line *l = context;
	struct who *w = l->who;
	const char *at = buf_text(found), *newline;

	(void)good;
	l->work = NULL;
	while ((newline = strchr(at, '\n')) && l->at < l->asked_count) {
		json_t *object = json_loadb(at, (size_t)(newline - at), 0, NULL);

		forget_late(w, l->asked[l->at++]);
		if (object)
			w->answer(w->context, object);
		json_decref(object);
		at = newline + 1;
	}
	if (l->at < l->asked_count)
		note_late(w, l->asked[l->at++]);
	begin(l);
}

static void begin(struct line *l)
{
	const struct work_order order = { .run = run, .done = finish, .context = l,
		.ms = l->ms, .most = FOUND_MAX };
	uid_t *free_again = l->asked;
	struct err ignored;

	if (l->work)
		return;
	if (l->at == l->asked_count) {
		l->asked = l->waiting;
		l->asked_count = l->waiting_count;
		l->waiting = free_again;
		l->waiting_count = l->at = 0;
	}
	if (l->asked_count)
		l->work = work_start(l->who->loop, &order, &ignored);
}

static void line_init(struct line *l, struct who *w, uint64_t ms)
{
	*l = (struct line){ .who = w, .ms = ms,
		.waiting = mem_alloc(WHO_MOST * sizeof(*l->waiting)),
		.asked = mem_alloc(WHO_MOST * sizeof(*l->asked)) };
}

static void line_release(struct line *l)
{
	work_free(&l->work);
	free(l->waiting);
	free(l->asked);
}

static void line_add(struct line *l, uid_t uid)
{
	if (is_in(l->waiting, l->waiting_count, uid) || l->waiting_count == WHO_MOST ||
	    is_in(l->asked + l->at, l->asked_count - l->at, uid))
		return;
	l->waiting[l->waiting_count++] = uid;
}

static uid_t overflow_uid(void)
{
	char text[16];
	int fd = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned long uid = NOBODY;

	if (fd >= 0)
		close(fd);
	if (len > 0) {
		text[len] = '\0';
		uid = strtoul(text, NULL, 10);
	}
	return (uid_t)uid;
}

struct who *who_new(struct loop *l, void (*answer)(void *context, json_t *object), void *context)
{
	struct who *w = mem_alloc(sizeof(*w));

	w->loop = l;
	w->answer = answer;
	w->overflow = overflow_uid();
	w->context = context;
	w->late = mem_alloc(WHO_MOST * sizeof(*w->late));
	line_init(&w->quick, w, QUICK_MS);
	line_init(&w->slow, w, PATIENCE_MS);
	return w;
}

void who_free(struct who **wp)
{
	struct who *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	line_release(&w->quick);
	line_release(&w->slow);
	free(w->late);
	free(w);
}

/* Root need not be looked up: what he may hangs on no name.  Who is many has none,
 * whatever a passwd says. */
static void answer_at_once(struct who *w, uid_t uid)
{
	json_t *object = answer_about(uid);

	if (uid == 0) {
		json_object_set_new(object, "name", json_string("root"));
		json_object_set_new(object, "groups", json_pack("[s]", "root"));
	}
	w->answer(w->context, object);
	json_decref(object);
}

void who_ask(struct who *w, uid_t uid)
{
	struct line *l = is_in(w->late, w->late_count, uid) ? &w->slow : &w->quick;

	if (uid == 0 || uid == w->overflow) {
		answer_at_once(w, uid);
		return;
	}
	line_add(l, uid);
	begin(l);
}
