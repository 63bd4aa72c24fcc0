/* queue/spool_keep.c - keeping house, and the one watcher; see spool.h.
 *
 * What is removed here has a name of ours, is nobody's, and is of no use by what
 * the state table of sendoff-queue(5) says.  All else is left alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "queue/internal.h"

enum { HOUR = 3600 };

/* --- tmp/ and control/ ---------------------------------------------------- */

static bool is_old(const struct stat *st, time_t now)
{
	return now - st->st_mtime > HOUR;
}

/* Whether one of the states has the same file under whatever name. */
static bool has_name_in(struct spool *s, enum place place, const struct stat *st)
{
	struct err ignored;
	int directory = spool_place(s, place, false, &ignored);
	struct spool_list *l = directory < 0 ? NULL : spool_list(s, (enum queue_state)place, &ignored);
	char id[NAME_SIZE];
	struct stat other;
	bool found = false;

	while (!found && spool_next(l, id, sizeof(id)))
		found = fstatat(directory, id, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
			other.st_ino == st->st_ino && other.st_dev == st->st_dev;
	if (l)
		spool_list_free(&l);
	return found;
}

/* A leftover of a writer that is no more; or the second name of a message that a
 * crash left with two, by which it is passed over. */
static bool is_leftover(struct spool *s, int fd, time_t now)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
			flock(fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	if (st.st_nlink == 1)
		return is_old(&st, now);
	return st.st_nlink == 2 && (has_name_in(s, PLACE_NEW, &st) || has_name_in(s, PLACE_HOLD, &st));
}

static void sweep_tmp(struct spool *s, int directory, const char *name, time_t now)
{
	int fd = spool_open_file(directory, name, O_RDWR);

	if (fd < 0)
		return;
	if (is_leftover(s, fd, now))
		unlinkat(directory, name, 0);
	close(fd);
}

/* Looks twice, since it may be moved from one state to another meanwhile. */
static bool has_message(struct spool *s, const char *id)
{
	struct err e = { 0 };
	struct stat st;

	for (unsigned i = 0; i < 2 * QUEUE_STATES; i++) {
		int directory = spool_place(s, (enum place)(i % QUEUE_STATES), false, &e);

		if (directory < 0 && e.sys_errno != ENOENT)
			return true;
		if (directory >= 0 && (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
				errno != ENOENT))
			return true;
	}
	return false;
}

static void sweep_control(struct spool *s, int directory, const char *id, time_t now)
{
	struct stat st;

	if (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) < 0 || !spool_is_file(&st) ||
			!is_old(&st, now) || has_message(s, id))
		return;
	unlinkat(directory, id, 0);
}

static void sweep_done(struct spool *s, int directory, const char *id, time_t now)
{
	struct stat st;

	(void)s;
	if (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) < 0 || !spool_is_file(&st))
		return;
	/* From the future: the clock was put back, and it would stay for ever. */
	if (now - st.st_ctime > REMEMBERED || st.st_ctime - now > REMEMBERED)
		unlinkat(directory, id, 0);
}

static void sweep(struct spool *s, enum place place, time_t now,
	void (*one)(struct spool *s, int directory, const char *name, time_t now))
{
	struct err ignored;
	int directory = spool_place(s, place, false, &ignored), fd;
	const struct dirent *entry;
	DIR *list;

	if (directory < 0)
		return;
	fd = spool_open_file(directory, ".", O_RDONLY | O_DIRECTORY);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !list)
		close(fd);
	while (list && (entry = readdir(list)))
		if (entry_is_id(entry->d_name))
			one(s, directory, entry->d_name, now);
	if (list)
		closedir(list);
}

void spool_sweep(struct spool *s, time_t now)
{
	sweep(s, PLACE_TMP, now, sweep_tmp);
	sweep(s, PLACE_CONTROL, now, sweep_control);
	sweep(s, PLACE_DONE, now, sweep_done);
}

/* --- failed/ -------------------------------------------------------------- */

/* Given up, told, and long ago. */
static bool has_expired(const struct entry *n, time_t now, long keep_seconds)
{
	int64_t last = n->event_count ? n->events[n->event_count - 1].when : n->created;

	if (entry_in_state(n, RECIPIENT_WAITING) || entry_in_state(n, RECIPIENT_FAILED))
		return false;
	return last <= now && now - last > keep_seconds;
}

static bool expire_failed(struct spool *s, const char *id, time_t now, long keep_seconds)
{
	struct held *h = NULL;
	struct entry n;
	struct err e;
	bool gone = false;

	if (spool_hold(s, QUEUE_FAILED, id, &h, &e) <= 0)
		return false;
	if (held_load(h, false, &n, &e) == 0) {
		if (has_expired(&n, now, keep_seconds)) {
			held_done(h);
			gone = !held_marks_failed(h);
		}
		entry_release(&n);
	}
	held_free(&h);
	return gone;
}

unsigned spool_expire_failed(struct spool *s, time_t now, long keep_seconds)
{
	struct err ignored = { 0 };
	struct spool_list *l = spool_list(s, QUEUE_FAILED, &ignored);
	char id[NAME_SIZE];
	unsigned count = 0;

	while (spool_next(l, id, sizeof(id)))
		count += expire_failed(s, id, now, keep_seconds);
	if (l)
		spool_list_free(&l);
	if (count)
		spool_sync(s, &ignored);
	return count;
}

/* --- the watcher ---------------------------------------------------------- */

/* An open-file-description lock: it can be asked for without being taken. */
static struct flock whole_file(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

static int open_lock(struct spool *s, int mode)
{
	int fd;

	do
		fd = openat(s->root, "lock", O_RDWR | mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			O_CLOEXEC, FILE_MODE);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int spool_watch_lock(struct spool *s, struct err *e)
{
	struct flock lock = whole_file();
	int fd, number;

	if (s->watch >= 0)
		return 1;
	fd = open_lock(s, O_CREAT);
	if (fd < 0)
		return spool_failed(s, errno, e, "the watcher's lock cannot be opened");
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
		s->watch = fd;
		return 1;
	}
	number = errno;
	close(fd);
	if (number == EAGAIN || number == EACCES)
		return 0;
	return spool_failed(s, number, e, "the watcher's lock cannot be taken");
}

bool spool_is_watched(struct spool *s)
{
	struct flock lock = whole_file();
	bool watched;
	int fd;

	if (s->watch >= 0)
		return true;
	fd = open_lock(s, 0);
	if (fd < 0)
		return false;
	watched = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return watched;
}
