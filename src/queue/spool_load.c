/* queue/spool_load.c - a message file and its control file, read; see spool.h.
 *
 * What a file says of itself is believed only where it agrees with the file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "queue/internal.h"
#include "queue/schedule.h"

enum {
	FIRST = 8 << 10,         /* octets that nearly every head fits into */
	PIECE = 64 << 10,
	GLANCE_MS = 3,           /* for which what control/ is like is remembered */
	REPLACED_MOST = 20       /* times that a control file is looked for anew */
};

/* --- the message file ----------------------------------------------------- */

static int cannot_read(const struct spool *s, int number, struct err *e)
{
	return spool_failed(s, number, e, "a message file cannot be read");
}

/* The head is longer than what was read at first: more, twice as much each
 * time, until it ends. */
static int load_long_head(const struct spool *s, int fd, struct entry *out, struct layout *at,
	struct err *e)
{
	size_t most = at->length < ENTRY_HEAD_MAX ? (size_t)at->length : ENTRY_HEAD_MAX;
	size_t have = 0, want = 2 * FIRST, len = 0;
	char *text = NULL;
	int result;

	while (!len && have < most) {
		ssize_t got;
		size_t again = have ? have - 1 : 0;   /* its end may lie across the seam */

		want = want < most ? want : most;
		text = mem_grow(text, want, 1);
		got = spool_read(fd, text + have, want - have, ENTRY_FRONT_LEN + have);
		if (got < 0) {
			result = cannot_read(s, errno, e);
			free(text);
			return result;
		}
		if (got == 0)
			break;
		have += (size_t)got;
		len = entry_head_len(text + again, have - again);
		len = len ? again + len : 0;
		want *= 2;
	}
	at->head = len;
	result = entry_read_head(text ? text : "", len ? len : have, out, e);
	free(text);
	return result;
}

int spool_load_head(const struct spool *s, int fd, uint64_t size, struct entry *out,
	struct layout *at, struct err *e)
{
	char first[FIRST];
	ssize_t got = spool_read(fd, first, size < FIRST ? (size_t)size : FIRST, 0);
	size_t have;
	int result;

	if (got < 0)
		return cannot_read(s, errno, e);
	if (entry_read_front(first, (size_t)got, &at->length, at->digest, e) < 0)
		return -1;
	if (at->length != size - ENTRY_FRONT_LEN)
		return err_set(e, ERR_DAMAGED, "the message file has %llu octets and should have "
			"%llu more than its first %d", (unsigned long long)size,
			(unsigned long long)at->length, ENTRY_FRONT_LEN);
	have = (size_t)got - ENTRY_FRONT_LEN;
	at->head = entry_head_len(first + ENTRY_FRONT_LEN, have);
	if (at->head || (uint64_t)have >= at->length)
		result = entry_read_head(first + ENTRY_FRONT_LEN, at->head ? at->head : have, out, e);
	else
		result = load_long_head(s, fd, out, at, e);
	if (result < 0)
		return -1;
	out->file_size = size;
	if (at->length - at->head == out->content_size)
		return 0;
	entry_release(out);
	return err_set(e, ERR_DAMAGED, "the message is not as long as its head says");
}

int spool_check_digest(const struct spool *s, int fd, const struct layout *at, struct err *e)
{
	struct digest *digest = digest_new();
	char *piece = mem_grow(NULL, PIECE, 1), found[DIGEST_HEX + 1];
	uint64_t done = 0;
	ssize_t got = 0;
	int number = 0;

	while (done < at->length) {
		uint64_t left = at->length - done;

		got = spool_read(fd, piece, left < PIECE ? (size_t)left : PIECE,
			ENTRY_FRONT_LEN + done);
		number = errno;
		if (got <= 0)
			break;
		digest_add(digest, piece, (size_t)got);
		done += (uint64_t)got;
	}
	free(piece);
	if (got < 0) {
		digest_free(&digest);
		return cannot_read(s, number, e);
	}
	if (!digest_end(&digest, found))
		return err_set(e, ERR_SYSTEM, "the digest of a message cannot be computed");
	if (done == at->length && !strcmp(found, at->digest))
		return 0;
	return err_set(e, ERR_DAMAGED, "the message is not what was stored: its digest is another");
}

/* Gone, or a link, a socket, a directory, somebody else's. */
static bool is_no_entry(int number)
{
	return number == ENOENT || number == ELOOP || number == ENXIO || number == EACCES ||
		number == EPERM || number == EISDIR || number == ENOTDIR || number == ENODEV;
}

/* --- the control file ----------------------------------------------------- */

static int read_control(const struct spool *s, int fd, struct entry *out, struct err *e)
{
	struct stat st;
	char *text;
	ssize_t got;
	int result;

	if (fstat(fd, &st) < 0)
		return spool_failed(s, errno, e, "a control file cannot be looked at");
	if (!spool_is_file(&st) || st.st_size > ENTRY_CONTROL_MAX)
		return err_set(e, ERR_DAMAGED, "the control file is no file of ours");
	text = mem_alloc((size_t)st.st_size + 1);
	got = spool_read(fd, text, (size_t)st.st_size, 0);
	result = got < 0 ? spool_failed(s, errno, e, "a control file cannot be read") :
		entry_read_control(text, (size_t)got, out, e);
	if (result == 0)
		out->control_size = (uint64_t)got;
	free(text);
	return result;
}

/* One that was replaced between its opening and now has no name any more: the next
 * one has it. */
static int open_control(int directory, const char *id)
{
	int fd = -1;

	for (int i = 0; i < REPLACED_MOST; i++) {
		struct stat st;

		fd = spool_open_file(directory, id, O_RDONLY);
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_nlink > 0)
			return fd;
		if (i + 1 < REPLACED_MOST)
			close(fd);
	}
	return fd;
}

int spool_load_control(struct spool *s, struct entry *out, struct err *e)
{
	int directory = spool_place(s, PLACE_CONTROL, false, e), fd, result;

	if (directory < 0)
		return e->sys_errno == ENOENT ? 0 : -1;
	fd = open_control(directory, out->id);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && is_no_entry(errno))
		return err_set(e, ERR_DAMAGED, "the control file is no file of ours");
	if (fd < 0)
		return spool_failed(s, errno, e, "a control file cannot be opened");
	result = read_control(s, fd, out, e);
	close(fd);
	return result < 0 ? -1 : 1;
}

static bool is_empty(int directory)
{
	int fd = spool_open_file(directory, ".", O_RDONLY | O_DIRECTORY);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool empty = list != NULL;

	while (empty && (entry = readdir(list)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	if (list)
		closedir(list);
	else if (fd >= 0)
		close(fd);
	return empty;
}

/* A stamp that may be that of two changes: the kernel's ticks are 10 ms at the most, but
 * some file systems keep whole seconds. */
static bool is_too_new(const struct timespec *stamp)
{
	enum { TOO_NEW_MS = 100, COARSE_MS = 2000 };
	struct timespec now;
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (int64_t)(now.tv_sec - stamp->tv_sec) * 1000 + (now.tv_nsec - stamp->tv_nsec) / 1000000;
	return age < (stamp->tv_nsec ? TOO_NEW_MS : COARSE_MS);
}

/* A long list of messages that were never tried is not looked up in control/ one
 * by one.  The time of the directory says whether it is still what was seen. */
static bool has_no_controls(struct spool *s)
{
	struct err ignored;
	int directory = spool_place(s, PLACE_CONTROL, false, &ignored);
	uint64_t now = clock_ms();
	struct stat st;

	/* A look at each message is none at one and the same moment anyway. */
	if (s->looked && s->seen_empty && now - s->looked < GLANCE_MS)
		return true;
	s->looked = 0;
	if (directory < 0 || fstat(directory, &st) < 0)
		return false;
	if (st.st_mtim.tv_sec != s->seen.tv_sec || st.st_mtim.tv_nsec != s->seen.tv_nsec) {
		if (is_too_new(&st.st_mtim))
			return false;
		s->seen = st.st_mtim;
		s->seen_empty = is_empty(directory);
	}
	s->looked = now;
	return s->seen_empty;
}

/* --- an entry ------------------------------------------------------------- */

static void set_id(struct entry *out, const char *name)
{
	if (entry_is_id(name))
		memcpy(out->id, name, sizeof(out->id));
}

static void event_damaged(struct entry *out, const struct err *e, const char *kept)
{
	char *text = mem_printf("%s%s%s", e->text, kept ? "; it is kept as damaged/" : "",
		kept ? kept : "");

	entry_event(out, time(NULL), "damaged", text);
	free(text);
}

/* A control file that is none: kept, and the entry goes on without. */
static int set_control_aside(struct held *h, struct entry *out, struct err *e)
{
	struct err reason = *e;
	char *kept = mem_printf("%s.control", h->id);
	int result = spool_move_aside(h->spool, PLACE_CONTROL, h->id, kept, e);

	if (result == 0) {
		event_damaged(out, &reason, kept);
		h->may_have_control = false;
	}
	free(kept);
	return result;
}

/* Whoever handed it in may ask again whether it was taken.  done/ is opened now,
 * so that the mark is one system call. */
static void remember(struct held *h, const struct entry *n)
{
	struct err ignored;

	h->remembered = n->token[0] && schedule_age(n->created, time(NULL)) < REMEMBERED &&
		spool_place(h->spool, PLACE_DONE, true, &ignored) >= 0;
}

int held_load(struct held *h, bool with_digest, struct entry *out, struct err *e)
{
	int found;

	*out = (struct entry){ 0 };
	if (spool_load_head(h->spool, h->fd, h->size, out, &h->at, e) < 0)
		return -1;
	set_id(out, h->id);
	if (with_digest && spool_check_digest(h->spool, h->fd, &h->at, e) < 0) {
		entry_release(out);
		return -1;
	}
	found = *out->id ? spool_load_control(h->spool, out, e) : 0;
	if (found >= 0)
		h->may_have_control = found;
	else if (e->kind != ERR_DAMAGED || set_control_aside(h, out, e) < 0) {
		entry_release(out);
		return -1;
	}
	h->loaded = true;
	remember(h, out);
	return 0;
}

/* 1: a link, a socket, a directory: it counts as not there. */
static int not_ours(const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return 1;
	if (st->st_uid != geteuid())
		return err_set(e, ERR_DAMAGED, "the file belongs to another user (uid %lu)",
			(unsigned long)st->st_uid);
	if (!st->st_nlink)
		return 1;
	/* A crash may have left it; that goes away with the next sweep. */
	err_set(e, ERR_STORE, "the file has a second name (a hard link), and is not used before that "
		"is gone");
	return err_hint(e, "remove the other name: find / -xdev -inum %llu",
		(unsigned long long)st->st_ino);
}

static int peek(struct spool *s, int fd, const char *id, struct entry *out, struct err *e)
{
	struct layout at;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return spool_failed(s, errno, e, "a message file cannot be looked at");
	if (!spool_is_file(&st))
		return not_ours(&st, e);
	if (spool_load_head(s, fd, (uint64_t)st.st_size, out, &at, e) < 0)
		return -1;
	set_id(out, id);
	if (!*out->id || has_no_controls(s) || spool_load_control(s, out, e) >= 0)
		return 0;
	if (e->kind != ERR_DAMAGED) {
		entry_release(out);
		return -1;
	}
	event_damaged(out, e, NULL);
	return 0;
}

int spool_peek(struct spool *s, enum queue_state state, const char *id, struct entry *out,
	struct err *e)
{
	int directory = spool_place(s, (enum place)state, false, e), fd, result;
	struct stat st;

	*out = (struct entry){ 0 };
	if (directory < 0)
		return e->sys_errno == ENOENT ? 1 : -1;
	if (strchr(id, '/'))
		return 1;
	fd = spool_open_file(directory, id, O_RDONLY);
	if (fd < 0 && (errno == EACCES || errno == EPERM) &&
	    fstatat(directory, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return not_ours(&st, e);
	if (fd < 0)
		return is_no_entry(errno) ? 1 :
			spool_failed(s, errno, e, "a message file cannot be opened");
	result = peek(s, fd, id, out, e);
	close(fd);
	return result;
}

ssize_t held_read(const struct held *h, uint64_t offset, char *data, size_t len, struct err *e)
{
	uint64_t size = h->loaded ? h->at.length - h->at.head : 0;
	ssize_t got;

	if (offset >= size)
		return 0;
	if (len > size - offset)
		len = (size_t)(size - offset);
	got = spool_read(h->fd, data, len, ENTRY_FRONT_LEN + h->at.head + offset);
	if (got < 0)
		return cannot_read(h->spool, errno, e);
	if ((size_t)got < len)   /* cut short behind our back */
		return cannot_read(h->spool, EIO, e);
	return got;
}
