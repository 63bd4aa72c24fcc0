/* queue/spool_mark.c - what has happened to an entry goes to disk; see spool.h.
 *
 * Against kill -9 a mark is safe when its one system call has returned.  Against
 * a power cut it is when spool_sync() has: until then the message file may come
 * back, and then its control file must come with it, or those who were served
 * long ago would get a second copy.  So control files of what is done are
 * removed behind the sync, never before; and so is the content in done/.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "queue/internal.h"

/* --- what a sync will have to do ------------------------------------------ */

/* Takes note of a mark; it is on disk already as far as this process goes. */
static void note(struct held *h, enum place place, bool done)
{
	struct spool *s = h->spool;
	struct err ignored;
	struct pending *p = NULL;
	bool more = entry_is_id(h->id) && (h->may_have_control || (done && h->remembered));

	for (size_t i = 0; more && i < s->pending_count && !p; i++)
		if (!strcmp(s->pending[i].id, h->id))
			p = &s->pending[i];
	/* Before this one is counted: what is noted of it below is for the next sync. */
	if (more && !p && s->pending_count == PENDING_MAX && spool_sync(s, &ignored) < 0)
		h->marks_failed = true;
	s->marks++;
	s->dirty[place] = true;
	if (!more)
		return;
	if (!p) {
		p = &s->pending[s->pending_count++];
		*p = (struct pending){ .done = false };
		memcpy(p->id, h->id, sizeof(p->id));
	}
	p->done = p->done || done;
	p->remembered = done && h->remembered;
}

/* Renaming a file onto another says nothing about its octets. */
static int sync_control(int directory, const char *id)
{
	int fd = spool_open_file(directory, id, O_RDONLY), result;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = fsync(fd);
	close(fd);
	return result;
}

static int sync_controls(struct spool *s)
{
	struct err ignored;
	int directory = spool_place(s, PLACE_CONTROL, false, &ignored);
	int number = 0;

	for (size_t i = 0; directory >= 0 && i < s->pending_count; i++)
		if (!s->pending[i].done && sync_control(directory, s->pending[i].id) < 0)
			number = errno;
	errno = number;
	return number ? -1 : 0;
}

static int sync_places(struct spool *s)
{
	struct err ignored;
	int number = 0;

	for (unsigned i = 0; i < PLACES; i++) {
		int directory = s->dirty[i] ? spool_place(s, (enum place)i, false, &ignored) : -1;

		if (directory >= 0 && spool_sync_directory(directory) < 0)
			number = errno;
		s->dirty[i] = false;
	}
	errno = number;
	return number ? -1 : 0;
}

/* Of what is remembered only the name is needed any more. */
static void empty(int directory, const char *id)
{
	int fd = spool_open_file(directory, id, O_WRONLY);

	if (fd >= 0 && ftruncate(fd, 0) < 0)
		errno = 0;   /* it is swept later */
	if (fd >= 0)
		close(fd);
}

/* What a message leaves behind that is gone for good. */
static void drop_rest(struct spool *s)
{
	struct err ignored;
	int control = spool_place(s, PLACE_CONTROL, false, &ignored);

	for (size_t i = 0; i < s->pending_count; i++) {
		if (s->pending[i].done && control >= 0)
			unlinkat(control, s->pending[i].id, 0);
		if (s->pending[i].remembered)
			empty(spool_place(s, PLACE_DONE, false, &ignored), s->pending[i].id);
	}
}

int spool_sync(struct spool *s, struct err *e)
{
	int number = 0;

	if (!s->marks)
		return 0;
	if (sync_controls(s) < 0)
		number = errno;
	if (sync_places(s) < 0)
		number = errno;
	if (!number)
		drop_rest(s);   /* else the next sweep does it */
	s->marks = 0;
	s->pending_count = 0;
	return number ? spool_failed(s, number, e, "what was delivered cannot be synced") : 0;
}

unsigned spool_unsynced(const struct spool *s)
{
	return s->marks;
}

/* --- control files -------------------------------------------------------- */

/* What takes its place may have been synced long ago: a power cut must not leave an
 * empty file there, and who was served would be again. */
static bool says_who_is_served(const struct entry *n)
{
	return entry_waiting(n) < n->count;
}

enum written { WRITTEN, WRITTEN_SYNCED, WRITTEN_OPEN };

/* Into tmp/, locked.  -1: ERR_STORE, and nothing is left. */
static int write_control(struct held *h, const struct entry *entry, enum written how,
	char name[ENTRY_ID_LEN + 1], struct err *e)
{
	struct buf text = BUF_INIT(ENTRY_CONTROL_MAX);
	struct entry named = *entry;   /* borrows all that it points to */
	int fd, number = 0;

	snprintf(named.id, sizeof(named.id), "%.*s", ENTRY_ID_LEN, h->id);
	if (how == WRITTEN_OPEN)
		entry_write_open_control(&named, &text);
	else
		entry_write_control(&named, &text);
	fd = spool_place(h->spool, PLACE_CONTROL, true, e) < 0 ? -1 :
		spool_make_file(h->spool, name, e);
	if (fd >= 0) {
		if (!buf_ok(&text))
			number = EFBIG;
		else if (file_write_all(fd, text.data, text.len) < 0 ||
				((how == WRITTEN_SYNCED || says_who_is_served(entry)) && fsync(fd) < 0))
			number = errno;
	}
	h->open_size = text.len;
	buf_release(&text);
	if (!number)
		return fd;
	unlinkat(spool_place(h->spool, PLACE_TMP, false, e), name, 0);
	close(fd);
	return spool_failed(h->spool, number, e, "a control file cannot be written");
}

static int rename_control(const struct held *h, const char *name)
{
	struct err ignored;

	h->spool->looked = 0;   /* control/ is another now */
	return renameat(spool_place(h->spool, PLACE_TMP, false, &ignored), name,
		spool_place(h->spool, PLACE_CONTROL, false, &ignored), h->id);
}

/* A disk that is full by then must not keep a mark from being made. */
static int reserve(int fd, uint64_t at, size_t marks)
{
	if (!marks || fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)marks * ENTRY_MARK_MAX) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? errno : 0;
}

/* The descriptor of the new one, in force.  -1: ERR_STORE. */
static int replace_control(struct held *h, const struct entry *entry, enum written how, size_t marks,
	struct err *e)
{
	char name[ENTRY_ID_LEN + 1];
	int fd = write_control(h, entry, how, name, e), number;

	if (fd < 0)
		return -1;
	number = reserve(fd, h->open_size, marks);
	if (!number && rename_control(h, name) < 0)
		number = errno;
	if (number) {
		unlinkat(spool_place(h->spool, PLACE_TMP, false, e), name, 0);
		close(fd);
		return spool_failed(h->spool, number, e, "a control file cannot be replaced");
	}
	h->may_have_control = true;
	return fd;
}

int held_update(struct held *h, const struct entry *entry, bool sync, struct err *e)
{
	int fd = replace_control(h, entry, sync ? WRITTEN_SYNCED : WRITTEN, 0, e);

	if (fd < 0)
		return -1;
	close(fd);
	if (!sync) {
		note(h, PLACE_CONTROL, false);
		return 0;
	}
	if (spool_sync_directory(spool_place(h->spool, PLACE_CONTROL, false, e)) < 0)
		return spool_failed(h->spool, errno, e, "control/ cannot be synced");
	return 0;
}

void held_unprepare(struct held *h)
{
	struct err ignored;

	if (*h->prepared)
		unlinkat(spool_place(h->spool, PLACE_TMP, false, &ignored), h->prepared, 0);
	if (h->prepared_fd >= 0)
		close(h->prepared_fd);
	if (h->open_fd >= 0)
		close(h->open_fd);
	*h->prepared = '\0';
	h->prepared_fd = h->open_fd = -1;
}

int held_prepare(struct held *h, const struct entry *entry, struct err *e)
{
	held_unprepare(h);
	h->prepared_fd = write_control(h, entry, WRITTEN, h->prepared, e);
	if (h->prepared_fd < 0)
		*h->prepared = '\0';
	return h->prepared_fd < 0 ? -1 : 0;
}

int held_open(struct held *h, const struct entry *entry, size_t marks, struct err *e)
{
	held_unprepare(h);
	h->open_fd = replace_control(h, entry, WRITTEN_OPEN, marks, e);
	if (h->open_fd < 0)
		return -1;
	note(h, PLACE_CONTROL, false);
	return 0;
}

/* --- marks ---------------------------------------------------------------- */

void held_mark(struct held *h)
{
	if (!*h->prepared || rename_control(h, h->prepared) < 0) {
		h->marks_failed = true;
		return;
	}
	*h->prepared = '\0';
	h->may_have_control = true;
	note(h, PLACE_CONTROL, false);
}

void held_mark_one(struct held *h, size_t number)
{
	char line[ENTRY_MARK_MAX];
	size_t len = entry_write_mark(number, line);

	if (h->open_fd < 0 || write(h->open_fd, line, len) != (ssize_t)len) {
		h->marks_failed = true;
		/* Half a line is no mark, and nothing may be added to it. */
		if (h->open_fd >= 0 && (ftruncate(h->open_fd, (off_t)h->open_size) < 0 ||
				lseek(h->open_fd, (off_t)h->open_size, SEEK_SET) < 0)) {
			close(h->open_fd);
			h->open_fd = -1;
		}
		return;
	}
	h->open_size += len;
	note(h, PLACE_CONTROL, false);
}

void held_done(struct held *h)
{
	struct err ignored;
	int from = spool_place(h->spool, (enum place)h->state, false, &ignored);

	if (h->remembered && renameat(from, h->id, spool_place(h->spool, PLACE_DONE, false,
			&ignored), h->id) == 0) {
		h->spool->dirty[PLACE_DONE] = true;
	} else if (unlinkat(from, h->id, 0) == 0) {
		h->remembered = false;
	} else {
		h->marks_failed = true;
		return;
	}
	h->done = true;
	note(h, (enum place)h->state, true);
}

bool held_marks_failed(const struct held *h)
{
	return h->marks_failed;
}
