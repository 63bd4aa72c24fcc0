/* base/file.c - opening files that decide whom we trust; see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { SHOWN = 256 };   /* octets of a path in an error */

/* A user private group: called like the user, its first group, and with no
 * other member.  Asked only of files that their group may write or read. */
static bool group_is_owners(uid_t owner, gid_t group)
{
	const struct passwd *user = getpwuid(owner);
	const struct group *entry;
	char name[256];

	if (!user || user->pw_gid != group || strlen(user->pw_name) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%s", user->pw_name);
	entry = getgrgid(group);
	if (!entry || strcmp(entry->gr_name, name) != 0)
		return false;
	for (char **member = entry->gr_mem; member && *member; member++)
		if (strcmp(*member, name) != 0)
			return false;
	return true;
}

static bool group_is_sendoff(gid_t group)
{
	const struct group *entry = getgrgid(group);

	return entry && !strcmp(entry->gr_name, "sendoff");
}

/* Containers are given their secrets there, readable by all inside; units of systemd in
 * directories that nobody else can enter, and the mode says what an access list allows.  The
 * kernel's own name for the descriptor counts, not the one it was opened by. */
static bool is_granted(int fd)
{
	static const char *const places[] = { "/run/secrets/", "/run/credentials/" };
	char link[64], real[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, real, sizeof(real));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t size = strlen(places[i]);

		if (len > (ssize_t)size && !memcmp(real, places[i], size))
			return true;
	}
	return false;
}

/* A command to copy, unless the path would need quoting. */
static void hint_chmod(struct err *e, const char *mode, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789/._-+@";

	if (path[0] == '/' && !path[strspn(path, plain)])
		err_hint(e, "run: chmod %s %s", mode, path);
	else
		err_hint(e, "set its mode to %s with chmod", mode);
}

static int check_owned(const struct stat *st, const char *path, const char *shown, struct err *e)
{
	if (st->st_uid != geteuid() && st->st_uid != 0) {
		err_set(e, ERR_CONFIG, "'%s' belongs to another user (uid %lu)", shown,
			(unsigned long)st->st_uid);
		return err_hint(e, "it must belong to root or to the user who runs sendoff "
			"(uid %lu)", (unsigned long)geteuid());
	}
	if ((st->st_mode & S_IWOTH) ||
			((st->st_mode & S_IWGRP) && !group_is_owners(st->st_uid, st->st_gid))) {
		err_set(e, ERR_CONFIG, "'%s' can be changed by other users (mode %04o)", shown,
			(unsigned)(st->st_mode & 07777));
		hint_chmod(e, "go-w", path);
		return -1;
	}
	return 0;
}

static int check_unread(int fd, const struct stat *st, const char *path, const char *shown,
	struct err *e)
{
	bool group_may = true;

	if (!(st->st_mode & (S_IRGRP | S_IROTH)) || is_granted(fd))
		return 0;
	if (st->st_mode & S_IRGRP)
		group_may = group_is_sendoff(st->st_gid) ||
			group_is_owners(st->st_uid, st->st_gid);
	if (group_may && !(st->st_mode & S_IROTH))
		return 0;
	err_set(e, ERR_CONFIG, "'%s' holds a secret and can be read by other users (mode %04o)",
		shown, (unsigned)(st->st_mode & 07777));
	hint_chmod(e, group_may && (st->st_mode & S_IRGRP) ? "0640" : "0600", path);
	return -1;
}

enum file_result file_check(int fd, const char *path, enum file_trust trust, struct err *e)
{
	char shown[SHOWN];
	struct stat st;

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (fstat(fd, &st) < 0) {
		err_sys(e, ERR_CONFIG, errno, "cannot look at '%s'", shown);
		return FILE_BAD;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_CONFIG, "'%s' is %s, not a regular file", shown,
			S_ISDIR(st.st_mode) ? "a directory" : "a device, pipe or socket");
		return FILE_BAD;
	}
	if (trust != FILE_ANY && check_owned(&st, path, shown, e) < 0)
		return FILE_BAD;
	if (trust == FILE_SECRET && check_unread(fd, &st, path, shown, e) < 0)
		return FILE_BAD;
	return FILE_OK;
}

int file_check_secret(int fd, const char *path, struct err *e)
{
	char shown[SHOWN];
	struct stat st;

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (fstat(fd, &st) < 0)
		return err_sys(e, ERR_CONFIG, errno, "cannot look at '%s'", shown);
	return check_unread(fd, &st, path, shown, e);
}

static ssize_t read_again(int fd, char *to, size_t len)
{
	ssize_t n;

	do
		n = read(fd, to, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Makes room for the whole file first: a buffer that grows leaves copies of a
 * secret behind. */
static int read_all(int fd, const char *shown, struct buf *out, struct err *e)
{
	enum { BLOCK = 16384 };
	size_t most = out->max ? out->max : BUF_DEFAULT_MAX;
	struct stat st;
	ssize_t n;
	char more;

	if (fstat(fd, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size < most - out->len)
		buf_reserve(out, (size_t)st.st_size + 1);
	while (out->len < most) {
		size_t want = most - out->len < BLOCK ? most - out->len : BLOCK;
		char *room;

		if (out->cap > out->len + 1 && out->cap - out->len - 1 < want)
			want = out->cap - out->len - 1;
		room = buf_reserve(out, want);
		n = read_again(fd, room, want);
		if (n < 0)
			return err_sys(e, ERR_CONFIG, errno, "cannot read '%s'", shown);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	n = read_again(fd, &more, 1);
	if (n < 0)
		return err_sys(e, ERR_CONFIG, errno, "cannot read '%s'", shown);
	if (n > 0)
		return err_set(e, ERR_CONFIG, "'%s' is too large (more than %zu octets)", shown,
			most);
	return 0;
}

/* The file may be good: it is this process or machine that lacks something. */
static bool is_shortage(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM;
}

enum file_result file_open(const char *path, enum file_trust trust, int *fd, struct err *e)
{
	enum file_result result;
	char shown[SHOWN];

	do   /* O_NONBLOCK: a FIFO in its place must not hold us up */
		*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	while (*fd < 0 && errno == EINTR);
	if (*fd < 0) {
		int number = errno;

		text_clean_to(shown, sizeof(shown), path, strlen(path));
		err_sys(e, is_shortage(number) ? ERR_SYSTEM : ERR_CONFIG, number,
			"cannot open '%s'", shown);
		if (number == ENOENT || number == ENOTDIR)
			return FILE_ABSENT;
		return number == EACCES || number == EPERM ? FILE_DENIED : FILE_BAD;
	}
	result = file_check(*fd, path, trust, e);
	if (result != FILE_OK) {
		close(*fd);
		*fd = -1;
	}
	return result;
}

int file_read_open(int fd, const char *path, struct buf *out, struct err *e)
{
	char shown[SHOWN];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	return read_all(fd, shown, out, e);
}

enum file_result file_read(const char *path, enum file_trust trust, struct buf *out, struct err *e)
{
	int fd;
	enum file_result result = file_open(path, trust, &fd, e);

	if (result != FILE_OK)
		return result;
	if (file_read_open(fd, path, out, e) < 0)
		result = FILE_BAD;
	close(fd);
	return result;
}

int file_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {   /* 0 is what a broken file system says: no room */
			if (n == 0)
				errno = ENOSPC;
			return -1;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read_exactly(int fd, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}
