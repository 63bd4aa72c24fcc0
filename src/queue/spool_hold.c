/* queue/spool_hold.c - one entry, locked, and where it goes; see spool.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "queue/internal.h"

/* --- holding -------------------------------------------------------------- */

/* In damaged/ there are names of any kind. */
static bool is_name(enum queue_state state, const char *name)
{
	if (state != QUEUE_DAMAGED)
		return entry_is_id(name);
	return *name && name[0] != '.' && !strchr(name, '/') && strlen(name) < NAME_SIZE;
}

/* Too little of something, or nothing that could be written: not the entry's
 * fault. */
static bool is_shortage(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM || number == EROFS ||
		number == ENOLCK;
}

/* The file that is locked may have been moved or replaced before that: 1 it is
 * still the named one. */
static int lock_named(int directory, const char *id, int fd, struct stat *st)
{
	struct stat named;

	if (fstat(fd, st) < 0)
		return -1;
	if (!spool_is_file(st))
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	if (fstatat(directory, id, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return named.st_dev == st->st_dev && named.st_ino == st->st_ino && spool_is_file(&named);
}

int spool_hold(struct spool *s, enum queue_state state, const char *id, struct held **hp,
	struct err *e)
{
	int directory, fd, result;
	struct stat st;
	struct held *h;

	*hp = NULL;
	if (!is_name(state, id))
		return 0;
	directory = spool_place(s, (enum place)state, false, e);
	if (directory < 0)
		return e->sys_errno == ENOENT ? 0 : -1;
	/* For writing, since some file systems lock no other files exclusively. */
	fd = spool_open_file(directory, id, O_RDWR);
	result = fd < 0 ? -1 : lock_named(directory, id, fd, &st);
	if (result <= 0) {
		int number = result < 0 ? errno : 0;

		if (fd >= 0)
			close(fd);
		return is_shortage(number) ?
			spool_failed(s, number, e, "a message cannot be locked") : 0;
	}
	h = mem_alloc(sizeof(*h));
	*h = (struct held){
		.spool = s, .fd = fd, .state = state, .size = (uint64_t)st.st_size,
		.may_have_control = true, .prepared_fd = -1, .open_fd = -1,
	};
	snprintf(h->id, sizeof(h->id), "%s", id);
	*hp = h;
	return 1;
}

void held_free(struct held **hp)
{
	struct held *h = *hp;

	if (!h)
		return;
	held_unprepare(h);
	close(h->fd);
	free(h);
	*hp = NULL;
}

const char *held_id(const struct held *h)
{
	return h->id;
}

enum queue_state held_state(const struct held *h)
{
	return h->state;
}

bool held_is_gone(const struct held *h)
{
	return h->done;
}

/* --- moving --------------------------------------------------------------- */

/* Two queues were made one by hand: neither file is overwritten. */
static int is_there_too(const struct held *h, enum queue_state to, struct err *e)
{
	err_set(e, ERR_STORE, "a message of the id %s is in both %s/ and %s/ of the queue", h->id,
		queue_state_name(h->state), queue_state_name(to));
	return err_hint(e, "move the one that is not wanted out of the queue's directory");
}

int held_move(struct held *h, enum queue_state to, struct err *e)
{
	struct spool *s = h->spool;
	int from_fd = spool_place(s, (enum place)h->state, false, e);
	int to_fd = from_fd < 0 ? -1 : spool_place(s, (enum place)to, true, e);

	if (to_fd < 0)
		return -1;
	if (to == h->state)
		return 0;
	/* What its control file says must not come behind where it stands. */
	if (spool_sync(s, e) < 0)
		return -1;
	if (spool_rename(from_fd, h->id, to_fd, h->id) < 0)
		return errno == EEXIST ? is_there_too(h, to, e) :
			spool_failed(s, errno, e, "a message cannot be moved in the queue");
	h->state = to;
	if (spool_sync_directory(to_fd) < 0 || spool_sync_directory(from_fd) < 0)
		return spool_failed(s, errno, e, "a directory of the queue cannot be synced");
	return 0;
}

int spool_set_aside(struct spool *s, enum queue_state from, const char *id, struct err *e)
{
	if (from == QUEUE_DAMAGED || !is_name(QUEUE_DAMAGED, id))
		return err_set(e, ERR_INTERNAL, "this cannot be set aside");
	return spool_move_aside(s, (enum place)from, id, id, e);
}

int held_remove(struct held *h, struct err *e)
{
	held_done(h);
	if (!h->done)
		return spool_failed(h->spool, errno, e, "a message cannot be removed");
	return spool_sync(h->spool, e);
}
