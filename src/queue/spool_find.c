/* queue/spool_find.c - which entries there are, and how much they take; see spool.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "queue/internal.h"
#include "queue/line.h"

/* --- listing -------------------------------------------------------------- */

struct spool_list {
	DIR *directory;          /* own; NULL: an empty list */
	enum queue_state state;
};

/* NULL with *e. */
static struct spool_list *unreadable(const struct spool *s, int fd, struct err *e)
{
	spool_failed(s, errno, e, "a directory of the queue cannot be read");
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct spool_list *spool_list(struct spool *s, enum queue_state state, struct err *e)
{
	bool there = spool_place(s, (enum place)state, false, e) >= 0;
	struct spool_list *l;
	DIR *directory = NULL;
	int fd;

	if (!there && e->sys_errno != ENOENT)
		return NULL;
	*e = (struct err){ 0 };
	if (there) {
		/* A descriptor of its own, since it has a position. */
		fd = spool_open_file(s->root, queue_state_name(state), O_RDONLY | O_DIRECTORY);
		directory = fd < 0 ? NULL : fdopendir(fd);
		if (!directory)
			return unreadable(s, fd, e);
	}
	l = mem_alloc(sizeof(*l));
	*l = (struct spool_list){ directory, state };
	return l;
}

bool spool_next(struct spool_list *l, char *id, size_t size)
{
	const struct dirent *entry;

	while (l && l->directory && (entry = readdir(l->directory))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		if (len >= size || (l->state == QUEUE_DAMAGED ? entry->d_name[0] == '.' :
				!entry_is_id(entry->d_name)))
			continue;
		memcpy(id, entry->d_name, len + 1);
		return true;
	}
	return false;
}

void spool_list_free(struct spool_list **lp)
{
	if (!*lp)
		return;
	if ((*lp)->directory)
		closedir((*lp)->directory);
	free(*lp);
	*lp = NULL;
}

/* --- by the first letters of an id ---------------------------------------- */

struct search {
	const char *prefix;
	size_t len, found;
	char   id[ENTRY_ID_LEN + 1];
	enum queue_state state;
	struct buf names;        /* own; of the first that fit */
};

static void found(struct search *q, const char *id, enum queue_state state)
{
	if (q->found && !strcmp(id, q->id))
		return;   /* the same, on its way from one state to another */
	if (!q->found++) {
		memcpy(q->id, id, sizeof(q->id));
		q->state = state;
	}
	if (q->found <= 5)
		buf_printf(&q->names, "%s%s", q->found > 1 ? ", " : "", id);
	else if (q->found == 6)
		buf_add_text(&q->names, ", ...");
}

static int search_all(struct spool *s, struct search *q, struct err *e)
{
	for (unsigned state = 0; state < QUEUE_STATES; state++) {
		struct spool_list *l = spool_list(s, (enum queue_state)state, e);
		char id[NAME_SIZE];

		if (!l)
			return -1;
		while (spool_next(l, id, sizeof(id)))
			if (entry_is_id(id) && !strncmp(id, q->prefix, q->len))
				found(q, id, (enum queue_state)state);
		spool_list_free(&l);
	}
	return 0;
}

/* A whole id needs no search. */
static void search_whole(struct spool *s, struct search *q)
{
	struct err ignored;
	struct stat st;

	for (unsigned state = 0; state < QUEUE_STATES; state++) {
		int directory = spool_place(s, (enum place)state, false, &ignored);

		if (directory >= 0 &&
				fstatat(directory, q->prefix, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				S_ISREG(st.st_mode))
			found(q, q->prefix, (enum queue_state)state);
	}
}

static bool is_prefix(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '2' && text[i] <= '7')))
			return false;
	return len > 0 && len <= ENTRY_ID_LEN;
}

int spool_find(struct spool *s, const char *prefix, char id[ENTRY_ID_LEN + 1],
	enum queue_state *state, struct err *e)
{
	struct search q = { .names = BUF_INIT(256) };
	char shown[64];
	int result = 0;

	text_clean_to(shown, sizeof(shown), prefix, strlen(prefix));
	if ((prefix[0] == 'p' || prefix[0] == 's') && prefix[1] == '-')
		prefix += 2;
	q.prefix = prefix;
	q.len = strlen(prefix);
	if (!is_prefix(prefix, q.len))
		return err_set(e, ERR_USAGE, "'%s' is no id of a message", shown);
	if (q.len == ENTRY_ID_LEN)
		search_whole(s, &q);
	else
		result = search_all(s, &q, e);
	if (result == 0 && !q.found)
		result = err_set(e, ERR_USAGE, "no message '%s' is in the queue", shown);
	else if (result == 0 && q.found > 1)
		result = err_set(e, ERR_USAGE, "'%s' stands for %zu messages: %s", shown, q.found,
			buf_text(&q.names));
	buf_release(&q.names);
	if (result == 0) {
		memcpy(id, q.id, sizeof(q.id));
		*state = q.state;
	}
	return result;
}

/* --- how much ------------------------------------------------------------- */

/* Whose it is and how long: the first line behind the front says it. */
static bool read_usage(int directory, const char *id, uid_t *uid, uint64_t *octets)
{
	char text[ENTRY_FRONT_LEN + 32], digest[DIGEST_HEX + 1];
	int fd = spool_open_file(directory, id, O_RDONLY);
	struct line *line;
	struct lines l;
	struct value v;
	struct err ignored;
	uint64_t number;
	ssize_t got;

	if (fd < 0)
		return false;
	got = spool_read(fd, text, sizeof(text), 0);
	close(fd);
	if (got <= ENTRY_FRONT_LEN || entry_read_front(text, (size_t)got, octets, digest,
			&ignored) < 0)
		return false;
	lines_start(&l, text + ENTRY_FRONT_LEN, (size_t)got - ENTRY_FRONT_LEN, 0);
	if (lines_peek(&l, &line) <= 0 || !line_is(line, "uid") || !line_take(line, &v) ||
			!value_number(v.at, v.len, UINT32_MAX, &number))
		return false;
	*uid = (uid_t)number;
	*octets += ENTRY_FRONT_LEN;
	return true;
}

static bool look_usage(int directory, const char *id, uint64_t *octets)
{
	struct stat st;

	if (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	*octets = (uint64_t)st.st_size;
	return true;
}

static int add_usage(struct spool *s, enum queue_state state, uid_t uid, struct spool_usage *out,
	struct err *e)
{
	struct spool_list *l = spool_list(s, state, e);
	char id[NAME_SIZE];
	int directory;

	if (!l)
		return -1;
	directory = spool_place(s, (enum place)state, false, e);
	while (directory >= 0 && spool_next(l, id, sizeof(id))) {
		uint64_t octets = 0;
		uid_t owner = uid;
		bool good = uid == (uid_t)-1 ? look_usage(directory, id, &octets) :
			read_usage(directory, id, &owner, &octets);

		if (!good || owner != uid)
			continue;
		out->messages++;
		out->octets += octets;
	}
	spool_list_free(&l);
	return 0;
}

int spool_usage(struct spool *s, uid_t uid, struct spool_usage *out, struct err *e)
{
	*out = (struct spool_usage){ 0 };
	return add_usage(s, QUEUE_NEW, uid, out, e) < 0 ||
		add_usage(s, QUEUE_HOLD, uid, out, e) < 0 ? -1 : 0;
}

uint64_t spool_free_space(struct spool *s)
{
	struct statvfs vfs;

	if (fstatvfs(s->root, &vfs) < 0)
		return 0;
	return (uint64_t)vfs.f_bavail * vfs.f_frsize;
}
