/* queue/spool_file.c - files in a held directory; see internal.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "queue/internal.h"

enum { LOCK_TRIES = 100 };   /* of a new file that somebody else locks each time */

int spool_random_name(char name[ENTRY_ID_LEN + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint64_t bits;
	ssize_t got;

	do
		got = getrandom(&bits, sizeof(bits), 0);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(bits)) {
		if (got >= 0)
			errno = EIO;
		return -1;
	}
	for (size_t i = 0; i < ENTRY_ID_LEN; i++, bits >>= 5)
		name[i] = letters[bits & 31];
	name[ENTRY_ID_LEN] = '\0';
	return 0;
}

static int make_file(int directory, char name[ENTRY_ID_LEN + 1])
{
	int fd;

	do {
		if (spool_random_name(name) < 0)
			return -1;
		fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			FILE_MODE);
	} while (fd < 0 && (errno == EINTR || errno == EEXIST));
	return fd;
}

int spool_make_file(struct spool *s, char name[ENTRY_ID_LEN + 1], struct err *e)
{
	int directory = spool_place(s, PLACE_TMP, true, e), fd;

	if (directory < 0)
		return -1;
	for (int tries = 0; (fd = make_file(directory, name)) >= 0; tries++) {
		int number;

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		number = errno;
		unlinkat(directory, name, 0);
		close(fd);
		/* Else somebody who sweeps looks at it this very moment: another one. */
		if (number != EWOULDBLOCK || tries == LOCK_TRIES)
			return spool_failed(s, number, e, "a new file cannot be locked");
	}
	return spool_failed(s, errno, e, "a new file cannot be made");
}

ssize_t spool_read(int fd, char *data, size_t len, uint64_t offset)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, data + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

int spool_open_file(int directory, const char *name, int mode)
{
	int fd;

	do
		fd = openat(directory, name, mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd;
}

bool spool_is_file(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1;
}

int spool_rename(int from, const char *name, int to, const char *new_name)
{
	struct stat st;

	if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system that cannot do it in one step (NFS).  Names are random, or
	 * stand for an entry that the caller has locked. */
	if (fstatat(to, new_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (errno != ENOENT)
		return -1;
	return renameat(from, name, to, new_name);
}

int spool_move_aside(struct spool *s, enum place from, const char *name, const char *wanted,
	struct err *e)
{
	enum { TRIES = 1000 };
	int there = spool_place(s, from, false, e), damaged;
	char aside[NAME_SIZE];

	damaged = there < 0 ? -1 : spool_place(s, PLACE_DAMAGED, true, e);
	if (damaged < 0)
		return -1;
	for (unsigned i = 1; i <= TRIES; i++) {
		if (i == 1)
			snprintf(aside, sizeof(aside), "%s", wanted);
		else
			snprintf(aside, sizeof(aside), "%.200s.%u", wanted, i);
		if (spool_rename(there, name, damaged, aside) == 0) {
			if (spool_sync_directory(damaged) < 0 || spool_sync_directory(there) < 0)
				return spool_failed(s, errno, e, "damaged/ cannot be synced");
			return 0;
		}
		if (errno != EEXIST)
			return spool_failed(s, errno, e, "a damaged file cannot be set aside");
	}
	return spool_failed(s, EEXIST, e, "a damaged file cannot be set aside");
}
