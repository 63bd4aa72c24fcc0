/* base/spill.c - content in memory, then in a file without a name; see spill.h.
 *
 * Once there is a file, `memory` gathers what is added until it is worth a
 * write, and is given back when all is written.
 */
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

enum { SHOWN = 256 };

void spill_init(struct spill *s, const char *directory)
{
	*s = (struct spill){ .memory = BUF_INIT(SPILL_MEMORY), .fd = -1, .directory = directory };
}

/* --- where the file goes ------------------------------------------------ */

static int open_named(const char *directory)
{
	char *path = mem_printf("%s/sendoff-XXXXXX", directory);
	int fd = mkostemp(path, O_CLOEXEC);
	int number = errno;

	if (fd >= 0 && unlink(path) < 0) {
		number = errno;
		close(fd);
		fd = -1;
	}
	free(path);
	errno = number;
	return fd;
}

static int open_nameless(const char *directory)
{
	int fd;

	do
		fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	while (fd < 0 && errno == EINTR);
	/* EISDIR: a kernel, EOPNOTSUPP: a file system that does not know O_TMPFILE. */
	if (fd < 0 && (errno == EISDIR || errno == EOPNOTSUPP))
		fd = open_named(directory);
	return fd;
}

/* The directory asked for, TMPDIR, /tmp: the first that takes a file. */
static int open_file(struct spill *s, struct err *e)
{
	const char *tmp = process_env("TMPDIR");
	const char *places[3];
	char shown[SHOWN];
	unsigned count = 0;
	int number = 0;

	if (s->directory)
		places[count++] = s->directory;
	if (tmp && tmp[0] == '/')
		places[count++] = tmp;
	places[count++] = "/tmp";
	for (unsigned i = 0; i < count; i++) {
		s->fd = open_nameless(places[i]);
		if (s->fd >= 0) {
			s->directory = places[i];
			return 0;
		}
		number = errno;
	}
	text_clean_to(shown, sizeof(shown), places[count - 1], strlen(places[count - 1]));
	err_sys(e, ERR_STORE, number,
		"the message cannot be stored, nothing was sent: no temporary file in '%s'", shown);
	return err_hint(e, "set TMPDIR to a directory that can be written and has room");
}

/* --- reading and writing ------------------------------------------------ */

static int cannot(const struct spill *s, const char *doing, int number, struct err *e)
{
	const char *why = strerror(number);
	char shown[SHOWN];

	if (number == ENOSPC)
		why = "the disk is full";
	else if (number == EDQUOT)
		why = "the disk quota is used up";
	else if (number == EFBIG)
		why = "it is larger than this process may write (ulimit -f)";
	text_clean_to(shown, sizeof(shown), s->directory, strlen(s->directory));
	err_set(e, ERR_STORE, "%s, nothing was sent: %s ('%s')", doing, why, shown);
	e->sys_errno = number;
	if (number == ENOSPC || number == EDQUOT)
		err_hint(e, "make room there, or set TMPDIR to a directory that has room");
	return -1;
}

static int write_all(struct spill *s, const char *data, size_t len, struct err *e)
{
	while (len) {
		ssize_t n = write(s->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)   /* 0 is what a broken file system says: no room */
			return cannot(s, "the message cannot be stored", n ? errno : ENOSPC, e);
		s->written += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_memory(struct spill *s, struct err *e)
{
	int result = write_all(s, buf_text(&s->memory), s->memory.len, e);

	if (result == 0)
		buf_clear(&s->memory);
	return result;
}

int spill_add(struct spill *s, const char *data, size_t len, struct err *e)
{
	if (len <= s->memory.max - s->memory.len) {
		buf_add(&s->memory, data, len);
		return 0;
	}
	if (s->fd < 0 && open_file(s, e) < 0)
		return -1;
	if (write_memory(s, e) < 0)
		return -1;
	if (len >= s->memory.max)
		return write_all(s, data, len, e);
	buf_add(&s->memory, data, len);
	return 0;
}

int spill_finish(struct spill *s, struct err *e)
{
	if (s->fd < 0)
		return 0;
	if (write_memory(s, e) < 0)
		return -1;
	buf_release(&s->memory);
	return 0;
}

uint64_t spill_size(const struct spill *s)
{
	return s->written + s->memory.len;
}

ssize_t spill_read(const struct spill *s, uint64_t offset, char *data, size_t len, struct err *e)
{
	ssize_t n;

	if (offset >= spill_size(s))
		return 0;
	if (len > spill_size(s) - offset)
		len = (size_t)(spill_size(s) - offset);
	if (s->fd < 0) {
		memcpy(data, s->memory.data + offset, len);
		return (ssize_t)len;
	}
	do
		n = pread(s->fd, data, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0 || (n == 0 && len))   /* cut short behind our back */
		return cannot(s, "the stored message cannot be read back", n ? errno : EIO, e);
	return n;
}

void spill_release(struct spill *s)
{
	if (s->fd >= 0)
		close(s->fd);
	buf_release(&s->memory);
	s->fd = -1;
	s->written = 0;
}
