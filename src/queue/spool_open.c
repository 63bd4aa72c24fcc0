/* queue/spool_open.c - the spool and its directories; see spool.h.
 *
 * A directory that is there may just have been made by somebody who has not yet
 * synced what it stands in.  Therefore accounts/ is made last, when all else is
 * synced: where it is, a message that goes into new/ is as safe as new/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "queue/internal.h"

enum { DIRECTORY_MODE = 0700, SHOWN = 256 };

static const char *const names[PLACES] = {
	"new", "hold", "failed", "damaged", "tmp", "control", "done", "accounts"
};

const char *queue_state_name(enum queue_state s)
{
	return names[s];
}

const char *spool_place_name(enum place place)
{
	return names[place];
}

/* --- words ---------------------------------------------------------------- */

static const char *why(int number)
{
	switch (number) {
	case ENOSPC: return "the disk is full";
	case EDQUOT: return "the disk quota is used up";
	case EFBIG:  return "it is larger than this process may write (ulimit -f)";
	case EROFS:  return "the file system can only be read";
	case EMFILE: return "too many open files (ulimit -n)";
	case ENFILE: return "too many open files on this machine";
	default:     return strerror(number);
	}
}

static void hint(struct err *e, int number, const char *shown)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT:
		err_hint(e, "make room in '%s'", shown);
		break;
	case EROFS:
		err_hint(e, "make the file system of '%s' writable", shown);
		break;
	case EACCES:
	case EPERM:
		err_hint(e, "'%s' and all in it must belong to the user who runs sendoff (uid %lu); "
			"look at its mode and at those above it", shown, (unsigned long)geteuid());
		break;
	case EFBIG:
		err_hint(e, "raise the limit: ulimit -f");
		break;
	case EMFILE:
		err_hint(e, "raise the limit: ulimit -n");
		break;
	case ENOTDIR:
	case ELOOP:
		err_hint(e, "'%s' and what is in it must be directories, and no links to such", shown);
		break;
	case EIO:
		err_hint(e, "look at the kernel's messages: the disk of '%s' has trouble", shown);
		break;
	}
}

static int failed_at(const char *path, int number, struct err *e, const char *what)
{
	char shown[SHOWN];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	err_set(e, ERR_STORE, "%s: %s ('%s')", what, why(number), shown);
	e->sys_errno = number;
	hint(e, number, shown);
	return -1;
}

int spool_failed(const struct spool *s, int number, struct err *e, const char *what)
{
	return failed_at(s->path, number, e, what);
}

/* --- opening -------------------------------------------------------------- */

int spool_sync_directory(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL ? 0 : -1;
}

static int open_directory(int at, const char *name)
{
	int fd;

	do
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* Ours, and nobody else's to write: else ERR_RIGHT. */
static int check_directory(int fd, const char *path, const char *name, struct err *e)
{
	char shown[SHOWN];
	struct stat st;

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (fstat(fd, &st) < 0)
		return failed_at(path, errno, e, "the queue cannot be looked at");
	if (st.st_uid != geteuid()) {
		err_set(e, ERR_RIGHT, "the queue directory '%s%s' belongs to another user (uid %lu)",
			shown, name, (unsigned long)st.st_uid);
		return err_hint(e, "it must belong to the user who runs sendoff (uid %lu)",
			(unsigned long)geteuid());
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(e, ERR_RIGHT, "the queue directory '%s%s' can be changed by other users "
			"(mode %04o)", shown, name, (unsigned)(st.st_mode & 07777));
		return err_hint(e, "set its mode to 0700 with chmod");
	}
	return 0;
}

static int take_directory(int fd, const char *path, const char *name, struct err *e)
{
	if (check_directory(fd, path, name, e) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_place(struct spool *s, enum place place, bool make, struct err *e)
{
	char name[16] = "/";
	int fd = open_directory(s->root, names[place]);

	memcpy(name + 1, names[place], strlen(names[place]) + 1);
	if (fd < 0 && errno == ENOENT && make) {
		if (mkdirat(s->root, names[place], DIRECTORY_MODE) < 0 && errno != EEXIST)
			return spool_failed(s, errno, e, "a directory of the queue cannot be made");
		if (spool_sync_directory(s->root) < 0)
			return spool_failed(s, errno, e, "the queue cannot be synced");
		fd = open_directory(s->root, names[place]);
	}
	if (fd < 0)
		return spool_failed(s, errno, e, "a directory of the queue cannot be opened");
	return take_directory(fd, s->path, name, e);
}

int spool_place(struct spool *s, enum place place, bool make, struct err *e)
{
	int fd = atomic_load(&s->places[place]), none = -1;

	if (fd >= 0)
		return fd;
	fd = open_place(s, place, make, e);
	if (fd >= 0 && !atomic_compare_exchange_strong(&s->places[place], &none, fd)) {
		close(fd);   /* another thread was faster */
		fd = none;
	}
	return fd;
}

/* --- making --------------------------------------------------------------- */

/* Syncs the directory that `path` stands in. */
static int sync_above(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *above = slash == path ? mem_string("/") : mem_copy(path, (size_t)(slash - path));
	int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	free(above);
	if (fd >= 0) {
		result = spool_sync_directory(fd);
	} else {
		/* It may be searched and written but not read. */
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		result = fd < 0 ? -1 : syncfs(fd);
	}
	if (fd >= 0)
		close(fd);
	return result;
}

static int make_one(const char *path, bool *made)
{
	if (mkdir(path, DIRECTORY_MODE) < 0)
		return errno == EEXIST ? 0 : -1;
	*made = true;
	return sync_above(path);
}

/* Makes what is missing of a path.  What stands above the first that is made
 * may itself be somebody's newest. */
static int make_path(const char *path)
{
	char *part = mem_string(path);
	bool made = false;
	int result = 0;

	for (size_t i = 1; result == 0 && part[i - 1]; i++) {
		bool before = made;

		if (path[i] && path[i] != '/')
			continue;
		part[i] = '\0';
		result = make_one(part, &made);
		if (result == 0 && made && !before && strrchr(part, '/') != part) {
			*strrchr(part, '/') = '\0';
			result = sync_above(part);
			memcpy(part, path, i);
		}
		part[i] = path[i];
	}
	free(part);
	return result;
}

static int make_places(struct spool *s)
{
	if (sync_above(s->path) < 0)
		return -1;
	for (unsigned i = 0; i < PLACES; i++) {
		if (i == PLACE_ACCOUNTS && spool_sync_directory(s->root) < 0)
			return -1;
		if (mkdirat(s->root, names[i], DIRECTORY_MODE) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static bool is_complete(const struct spool *s)
{
	struct stat st;

	return fstatat(s->root, names[PLACE_ACCOUNTS], &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- the spool ------------------------------------------------------------ */

static int cannot_open(const struct spool *s, bool create, int number, struct err *e)
{
	spool_failed(s, number, e, "the queue cannot be opened");
	if (number == EACCES || number == EPERM)
		e->kind = ERR_RIGHT;
	else if (!create && number == ENOENT)
		e->kind = ERR_NO_QUEUE;
	return -1;
}

static int open_root(struct spool *s, bool create, struct err *e)
{
	int fd = open_directory(AT_FDCWD, s->path);

	if (fd < 0 && errno == ENOENT && create) {
		if (make_path(s->path) < 0)
			return spool_failed(s, errno, e, "the queue cannot be made");
		fd = open_directory(AT_FDCWD, s->path);
	}
	if (fd < 0)
		return cannot_open(s, create, errno, e);
	s->root = take_directory(fd, s->path, "", e);
	if (s->root < 0)
		return -1;
	if (create && !is_complete(s) && make_places(s) < 0)
		return spool_failed(s, errno, e, "the directories of the queue cannot be made");
	return 0;
}

int spool_open(struct spool **sp, const char *path, bool create, struct err *e)
{
	struct spool *s = mem_alloc(sizeof(*s));
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	s->path = mem_copy(path, len);
	s->root = s->watch = -1;
	for (unsigned i = 0; i < PLACES; i++)
		atomic_init(&s->places[i], -1);
	*sp = s;
	if (path[0] != '/')
		spool_failed(s, EINVAL, e, "the path of the queue does not begin with '/'");
	else if (open_root(s, create, e) == 0)
		return 0;
	spool_close(sp);
	return -1;
}

void spool_close(struct spool **sp)
{
	struct spool *s = *sp;
	struct err ignored;

	if (!s)
		return;
	spool_sync(s, &ignored);
	for (unsigned i = 0; i < PLACES; i++)
		if (atomic_load(&s->places[i]) >= 0)
			close(atomic_load(&s->places[i]));
	if (s->watch >= 0)
		close(s->watch);
	if (s->root >= 0)
		close(s->root);
	free(s->path);
	free(s);
	*sp = NULL;
}

const char *spool_path(const struct spool *s)
{
	return s->path;
}

int spool_directory(const struct spool *s)
{
	return s->root;
}

int spool_new_directory(struct spool *s)
{
	struct err ignored;

	return spool_place(s, PLACE_NEW, true, &ignored);
}
