/* queue/spool_enter.c - a message comes in; see spool.h.
 *
 * Until the one rename it has a name in tmp/ only, which means nothing.  The
 * lock is held until both directories are synced, so that nobody sends what may
 * still be taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "queue/internal.h"

enum { PIECE = 64 << 10 };   /* octets gathered for one write */

struct spool_new {
	struct spool *spool;     /* borrowed */
	int    fd;               /* own; locked */
	char   name[ENTRY_ID_LEN + 1];   /* in tmp/ */
	bool   named;            /* it is still there */
	struct buf gathered;     /* own; not yet written */
	uint64_t written;        /* octets of the file */
	uint64_t length;         /* octets behind the front */
	uint64_t wanted;         /* what length shall come to */
	struct digest *digest;   /* own; of them */
	bool   failed;           /* something was not written: it cannot be entered */
};

static void new_free(struct spool_new **np)
{
	struct spool_new *n = *np;
	struct err ignored;

	if (n->named)
		unlinkat(spool_place(n->spool, PLACE_TMP, false, &ignored), n->name, 0);
	if (n->fd >= 0)
		close(n->fd);
	buf_release(&n->gathered);
	digest_free(&n->digest);
	free(n);
	*np = NULL;
}

void spool_abandon(struct spool_new **np)
{
	if (*np)
		new_free(np);
}

static int not_stored(struct spool_new *n, int number, struct err *e, const char *doing)
{
	n->failed = true;
	spool_failed(n->spool, number, e, doing);
	return err_context(e, "the message is not stored");
}

int spool_begin(struct spool *s, struct spool_new **np, struct err *e)
{
	struct spool_new *n = mem_alloc(sizeof(*n));

	*np = n;
	n->spool = s;
	n->gathered = BUF_INIT(PIECE);
	/* new/ is opened now, so that a want of descriptors shows before the work. */
	n->fd = spool_place(s, PLACE_NEW, true, e) < 0 ? -1 : spool_make_file(s, n->name, e);
	if (n->fd >= 0) {
		n->named = true;
		n->digest = digest_new();
		return 0;
	}
	new_free(np);
	return err_context(e, "the message is not stored");
}

/* --- writing -------------------------------------------------------------- */

static int write_gathered(struct spool_new *n, struct err *e)
{
	if (n->gathered.len && file_write_all(n->fd, n->gathered.data, n->gathered.len) < 0)
		return not_stored(n, errno, e, "it cannot be written");
	n->written += n->gathered.len;
	buf_clear(&n->gathered);
	return 0;
}

static int add(struct spool_new *n, const char *data, size_t len, struct err *e)
{
	if (n->failed)
		return err_set(e, ERR_INTERNAL, "the message was given up and is written on");
	digest_add(n->digest, data, len);
	n->length += len;
	if (len > PIECE - n->gathered.len && write_gathered(n, e) < 0)
		return -1;
	if (len <= PIECE) {
		buf_add(&n->gathered, data, len);
		return 0;
	}
	if (file_write_all(n->fd, data, len) < 0)
		return not_stored(n, errno, e, "it cannot be written");
	n->written += len;
	return 0;
}

int spool_head(struct spool_new *n, const struct entry *entry, struct err *e)
{
	static const char later[ENTRY_FRONT_LEN];   /* a place for the front */
	struct buf head = BUF_INIT(ENTRY_HEAD_MAX);
	int result = entry_write_head(entry, &head, e);

	n->wanted = head.len + entry->content_size;
	buf_add(&n->gathered, later, sizeof(later));
	if (result < 0)
		n->failed = true;
	else
		result = add(n, buf_text(&head), head.len, e);
	buf_release(&head);
	return result;
}

int spool_content(struct spool_new *n, const char *data, size_t len, struct err *e)
{
	return add(n, data, len, e);
}

/* Puts the front in its place, and writes what was not yet. */
static int finish(struct spool_new *n, struct err *e)
{
	struct buf front = BUF_INIT(0);
	char digest[DIGEST_HEX + 1];
	int result = 0;

	if (n->failed || n->length != n->wanted || !digest_end(&n->digest, digest))
		return err_set(e, ERR_INTERNAL, "the message is not stored: %s", n->failed ?
			"it was given up before" : n->length != n->wanted ?
			"it is not as long as was announced" : "its digest cannot be computed");
	entry_write_front(n->length, digest, &front);
	if (!n->written) {
		memcpy(n->gathered.data, front.data, front.len);
		result = write_gathered(n, e);
	} else if (write_gathered(n, e) < 0) {
		result = -1;
	} else if (lseek(n->fd, 0, SEEK_SET) < 0 || file_write_all(n->fd, front.data, front.len) < 0) {
		result = not_stored(n, errno, e, "it cannot be written");
	}
	buf_release(&front);
	return result;
}

/* --- entering ------------------------------------------------------------- */

/* Where an entry of that id may be. */
static const enum place known_places[] = {
	PLACE_NEW, PLACE_HOLD, PLACE_FAILED, PLACE_DAMAGED, PLACE_DONE
};

bool spool_knows(struct spool *s, const char *id)
{
	struct err ignored;
	struct stat st;

	for (size_t i = 0; i < COUNT(known_places); i++) {
		int directory = spool_place(s, known_places[i], false, &ignored);

		if (directory >= 0 && fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

/* Whether an entry of an id that the caller wants is there: then on disk, too,
 * though whoever entered it may have been killed before he had seen to that. */
static int is_there(struct spool_new *n, const char *id, struct err *e)
{
	struct spool *s = n->spool;
	struct stat st;

	for (size_t i = 0; i < COUNT(known_places); i++) {
		int directory = spool_place(s, known_places[i], true, e);

		if (directory < 0)
			return err_context(e, "the message is not stored");
		if (fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return spool_sync_directory(directory) == 0 ? 1 :
				not_stored(n, errno, e, "the directory cannot be synced");
		if (errno != ENOENT)
			return not_stored(n, errno, e, "the queue cannot be searched");
	}
	return 0;
}

/* What an earlier entry of a wanted id may have left in control/ must not speak for
 * this one.  It goes when the name is ours and locked, not before: an entry that is
 * moved from one state to another just now is overlooked by is_there(), and its
 * control file says who has it already.  One that stays all the same (a crash) names
 * another moment than ours, and is set aside. */
static void drop_old_control(struct spool *s, const char *id)
{
	struct err ignored;
	int control = spool_place(s, PLACE_CONTROL, false, &ignored);

	if (control >= 0 && unlinkat(control, id, 0) < 0)
		errno = 0;   /* there is none, as a rule */
}

/* 0; 1: the wanted id is taken meanwhile. */
static int give_name(struct spool_new *n, int to, char id[ENTRY_ID_LEN + 1], struct err *e)
{
	struct err ignored;
	int tmp = spool_place(n->spool, PLACE_TMP, false, &ignored);
	bool wanted = *id;

	if (!wanted)
		memcpy(id, n->name, sizeof(n->name));
	while (spool_rename(tmp, n->name, to, id) < 0) {
		if (errno == EEXIST && wanted)
			return 1;
		if (errno == EEXIST && spool_random_name(id) == 0)
			continue;
		if (!wanted)
			*id = '\0';
		return not_stored(n, errno, e, "it cannot be moved into the queue");
	}
	n->named = false;
	return 0;
}

static int take_back(struct spool_new *n, int number, int to, const char *id, struct err *e)
{
	bool gone = unlinkat(to, id, 0) == 0;
	int unlink_number = errno;

	not_stored(n, number, e, "the directory cannot be synced");
	if (!gone) {
		err_set(e, ERR_STORE, "the message may or may not be stored: the directory of the "
			"queue cannot be synced: %s; and its entry %s cannot be taken back: %s",
			strerror(number), id, strerror(unlink_number));
		e->sys_errno = number;
		err_hint(e, "look for %s with 'sendoff queue list' before sending it again", id);
	}
	return -1;
}

static int enter(struct spool_new *n, enum queue_state to, char id[ENTRY_ID_LEN + 1],
	struct err *e)
{
	int directory = spool_place(n->spool, (enum place)to, true, e);
	bool wanted = *id;
	struct err ignored;
	int result;

	if (directory < 0)
		return err_context(e, "the message is not stored");
	result = *id ? is_there(n, id, e) : 0;
	if (result == 0)
		result = finish(n, e);
	if (result != 0)
		return result;
	/* Once only: after a failure the kernel has forgotten what was not written. */
	if (fsync(n->fd) < 0)
		return not_stored(n, errno, e, "it cannot be written to disk");
	result = give_name(n, directory, id, e);
	if (result != 0)
		return result;
	if (wanted)
		drop_old_control(n->spool, id);
	if (spool_sync_directory(directory) < 0 ||
			spool_sync_directory(spool_place(n->spool, PLACE_TMP, false, &ignored)) < 0)
		return take_back(n, errno, directory, id, e);
	return 0;
}

int spool_enter(struct spool_new **np, enum queue_state to, char id[ENTRY_ID_LEN + 1],
	struct err *e)
{
	int result;

	if (*id && !entry_is_id(id))
		result = err_set(e, ERR_INTERNAL, "the message is not stored: its id is none");
	else
		result = enter(*np, to, id, e);
	new_free(np);
	return result;
}
