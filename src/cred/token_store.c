/* cred/token_store.c - tokens on disk; see token.h.
 *
 * NAME holds the token, NAME.new what is being written, NAME.lock the lock, which stays;
 * NAME.try is written and removed again, to see whether there is room.  A name of an account
 * is encoded so that it has neither dot nor slash.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cred/token_text.h"

enum {
	NAME_SIZE = 256,
	SHOWN     = 200,     /* octets of a path in an error */
	PAUSE_NS  = 50000000,/* between two looks at a lock */
	REFUSE_MS = 2000,    /* that a mark is waited for */
	TRIED     = 16384    /* octets that there should be room for */
};

/* ---- the directory */

static char *where(bool system)
{
	const char *state;

	if (system)
		return mem_string(TOKEN_SYSTEM_DIRECTORY);
	state = process_state_home();
	return state ? mem_printf("%s/sendoff/tokens", state) : NULL;
}

static int failed(const char *path, int number, struct err *e, const char *what)
{
	char shown[SHOWN];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	return err_sys(e, ERR_STORE, number, "%s '%s'", what, shown);
}

static int sync_directory(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL ? 0 : -1;   /* some file systems have none */
}

static void sync_above(const char *path, size_t len)
{
	char *above = mem_copy(path, len ? len : 1);
	int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(above);
	if (fd < 0)
		return;
	sync_directory(fd);
	close(fd);
}

/* Makes what is missing of a path.  -1 and errno. */
static int make_path(const char *path)
{
	char *part = mem_string(path);
	size_t above = 0;
	int result = 0;

	for (size_t i = 1; result == 0 && part[i - 1]; i++) {
		if (path[i] && path[i] != '/')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) == 0)
			sync_above(part, above);
		else if (errno != EEXIST)
			result = -1;
		part[i] = path[i];
		above = i;
	}
	free(part);
	return result;
}

/* Ours, and nobody else's to write. */
static int check_directory(int fd, const char *path, struct err *e)
{
	char shown[SHOWN];
	struct stat st;

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (fstat(fd, &st) < 0)
		return failed(path, errno, e, "cannot look at the directory of tokens");
	if (st.st_uid != geteuid()) {
		err_set(e, ERR_RIGHT, "the directory of tokens '%s' belongs to another user (uid %lu)",
			shown, (unsigned long)st.st_uid);
		return err_hint(e, "it must belong to the user who runs sendoff (uid %lu)",
			(unsigned long)geteuid());
	}
	if (!(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(e, ERR_RIGHT, "the directory of tokens '%s' can be changed by other users "
		"(mode %04o)", shown, (unsigned)(st.st_mode & 07777));
	return err_hint(e, "set its mode to 0700 with chmod");
}

/* A descriptor, or -1: with e->sys_errno ENOENT it is not there. */
static int open_directory(const char *path, struct err *e)
{
	int fd;

	do
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return failed(path, errno, e, "cannot open the directory of tokens");
	if (check_directory(fd, path, e) == 0)
		return fd;
	close(fd);
	return -1;
}

char *token_directory(bool system, struct err *e)
{
	char *path = where(system);
	int fd = -1;

	if (!path) {
		err_set(e, ERR_STORE, "there is no place for tokens: this user has no home directory");
		err_hint(e, "set XDG_STATE_HOME");
		return NULL;
	}
	if (make_path(path) < 0)
		failed(path, errno, e, "cannot make the directory of tokens");
	else
		fd = open_directory(path, e);
	if (fd >= 0) {
		close(fd);
		return path;
	}
	free(path);
	return NULL;
}

/* ---- names in it */

static int file_name(const char *account, const char *ending, char name[NAME_SIZE], struct err *e)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	struct buf out = BUF_INIT(NAME_SIZE - 1);

	for (const char *p = account; *p; p++)
		if (strchr(plain, *p))
			buf_add_char(&out, *p);
		else
			buf_printf(&out, "%%%02X", (unsigned char)*p);
	if (!*account)
		buf_add_char(&out, '%');
	buf_add_text(&out, ending);
	snprintf(name, NAME_SIZE, "%s", buf_text(&out));
	if (buf_ok(&out)) {
		buf_release(&out);
		return 0;
	}
	buf_release(&out);
	return err_set(e, ERR_STORE, "the name of the account is too long for a file of tokens");
}

static int open_file(int directory, const char *name, int flags)
{
	int fd;

	do
		fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			0600);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* ---- reading */

static int read_file(int fd, const char *path, struct token *out, struct err *e)
{
	struct buf text = BUF_INIT(TOKEN_TEXT_MAX);
	struct stat st;
	int result = -1;

	if (file_check(fd, path, FILE_SECRET, e) != FILE_OK)
		return -1;
	/* One that has none was replaced since it was opened: it is what it was. */
	if (fstat(fd, &st) == 0 && st.st_nlink > 1)
		return err_set(e, ERR_SECRET, "it has other names (%lu links)",
			(unsigned long)st.st_nlink);
	if (file_read_open(fd, path, &text, e) == 0)
		result = token_read(text.data, text.len, out, e);
	buf_wipe(&text);
	return result;
}

static int unusable(const char *directory, const char *account, const char *path, struct err *e)
{
	char shown[SHOWN];

	text_clean_to(shown, sizeof(shown), path, strlen(path));
	if (!strstr(e->text, shown))
		err_context(e, "'%s'", shown);
	err_context(e, "the token of the account cannot be used");
	e->kind = ERR_SECRET;
	err_cause(e, "token-file-unusable");
	if (!e->hint[0])
		token_hint(e, directory, account, "sign in again");
	return -1;
}

int token_load(const char *directory, const char *account, struct token *out, struct err *e)
{
	int at = open_directory(directory, e), fd, result, number;
	char name[NAME_SIZE], *path;

	memset(out, 0, sizeof(*out));
	process_hold_secret();
	if (at < 0 && e->sys_errno == ENOENT)
		return 1;
	if (at < 0 || file_name(account, "", name, e) < 0) {
		if (at >= 0)
			close(at);
		e->kind = ERR_SECRET;
		return -1;
	}
	fd = open_file(at, name, O_RDONLY);
	number = errno;
	close(at);
	if (fd < 0 && number == ENOENT)
		return 1;
	path = mem_printf("%s/%s", directory, name);
	result = fd < 0 ? failed(path, number, e, "cannot open") : read_file(fd, path, out, e);
	if (result < 0)
		unusable(directory, account, path, e);
	if (fd >= 0)
		close(fd);
	free(path);
	return result;
}

/* ---- the lock */

static int lock_file(int at, const char *path, const char *name, bool *busy, struct err *e)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_file(at, name, O_RDWR | O_CREAT), number;

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return fd;
	number = errno;
	*busy = fd >= 0 && (number == EAGAIN || number == EACCES);
	if (fd >= 0)
		close(fd);
	return *busy ? -1 : failed(path, number, e, "cannot lock a token in");
}

int token_lock(const char *directory, const char *account, bool *busy, struct err *e)
{
	int at = open_directory(directory, e), fd = -1;
	char name[NAME_SIZE];

	*busy = false;
	if (at < 0)
		return -1;
	if (file_name(account, ".lock", name, e) == 0)
		fd = lock_file(at, directory, name, busy, e);
	close(at);
	return fd;
}

static int stopped(struct err *e)
{
	return err_set(e, ERR_SIGNAL, "told to stop while another process has the token of the account");
}

int token_lock_within(const char *directory, const char *account, unsigned seconds, struct err *e)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t until = clock_ms() + seconds * 1000ULL;
	bool busy;
	int fd;

	while ((fd = token_lock(directory, account, &busy, e)) < 0 && busy && clock_ms() < until &&
	       !process_stopped())
		nanosleep(&pause, NULL);
	if (fd < 0 && busy && process_stopped())
		return stopped(e);
	if (fd < 0 && busy) {
		err_set(e, ERR_TIMEOUT, "the token of the account is being renewed by another process "
			"for more than %u s", seconds);
		err_hint(e, "try again");
	}
	return fd;
}

/* ---- writing */

/* The file's time is that of the sign-in: token_signed_in() looks at nothing else. */
static int write_file(int at, const char *name, const struct buf *text, int64_t signed_in)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = signed_in } };
	int fd, number = 0;

	/* What a crash has left; who writes holds the lock. */
	if (unlinkat(at, name, 0) < 0 && errno != ENOENT)
		return -1;
	fd = open_file(at, name, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return -1;
	if (file_write_all(fd, text->data, text->len) < 0 || futimens(fd, times) < 0 ||
			fsync(fd) < 0)
		number = errno;
	if (close(fd) < 0 && !number && errno != EINTR)
		number = errno;
	if (number)
		unlinkat(at, name, 0);
	errno = number;
	return number ? -1 : 0;
}

static int replace(int at, const char *directory, const char *account, const struct buf *text,
	int64_t signed_in, struct err *e)
{
	char name[NAME_SIZE], fresh[NAME_SIZE];

	if (file_name(account, "", name, e) < 0 || file_name(account, ".new", fresh, e) < 0)
		return -1;
	if (write_file(at, fresh, text, signed_in) < 0)
		return failed(directory, errno, e, "cannot keep a token in");
	if (renameat(at, fresh, at, name) < 0) {
		int number = errno;

		unlinkat(at, fresh, 0);
		return failed(directory, number, e, "cannot keep a token in");
	}
	return sync_directory(at) == 0 ? 0 :
		failed(directory, errno, e, "a token may not outlast a power cut: cannot sync");
}

int token_save(const char *directory, const char *account, const struct token *t, struct err *e)
{
	struct buf text = BUF_INIT(TOKEN_TEXT_MAX);
	int at = open_directory(directory, e), result = -1;

	if (at < 0)
		return -1;
	buf_reserve(&text, TOKEN_TEXT_MAX);   /* never grows, so leaves no copy */
	if (token_write(t, &text, e) == 0)
		result = replace(at, directory, account, &text, t->signed_in, e);
	buf_wipe(&text);
	close(at);
	return result;
}

/* Beside the others' names, so that it takes no lock, which would stay. */
int token_try(const char *directory, const char *account, struct err *e)
{
	struct buf text = BUF_INIT(TRIED);
	int at = open_directory(directory, e), result = -1;
	char name[NAME_SIZE];

	while (text.len < TRIED)
		buf_add_char(&text, '\n');
	if (at >= 0 && file_name(account, ".try", name, e) == 0) {
		result = write_file(at, name, &text, 0);
		if (result == 0)
			unlinkat(at, name, 0);
		else if (errno == EEXIST)   /* another one tries just now */
			result = 0;
		else
			failed(directory, errno, e, "cannot keep a token in");
	}
	if (at >= 0)
		close(at);
	buf_release(&text);
	return result;
}

/* Another user's is not ours to throw away, whoever may by the directory. */
static int check_whose(int at, const char *directory, const char *name, struct err *e)
{
	char shown[SHOWN];
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid == geteuid())
		return 0;
	text_clean_to(shown, sizeof(shown), directory, strlen(directory));
	err_set(e, ERR_RIGHT, "'%s/%s' belongs to another user (uid %lu), and is left where it is",
		shown, name, (unsigned long)st.st_uid);
	return err_hint(e, "see what it is, and have it removed by whom it belongs to, or by root");
}

int token_remove(const char *directory, const char *account, struct err *e)
{
	static const char *const endings[] = { "", ".new", ".try" };
	int at = open_directory(directory, e), result = 0;
	char name[NAME_SIZE];

	if (at < 0)
		return e->sys_errno == ENOENT ? 0 : -1;
	for (size_t i = 0; result == 0 && i < COUNT(endings); i++) {
		result = file_name(account, endings[i], name, e);
		if (result == 0)
			result = check_whose(at, directory, name, e);
		if (result == 0 && unlinkat(at, name, 0) < 0 && errno != ENOENT)
			result = failed(directory, errno, e, "cannot remove a token from");
	}
	if (result == 0 && sync_directory(at) < 0)
		result = failed(directory, errno, e, "a token may be back after a power cut: cannot sync");
	close(at);
	return result;
}

/* ---- its state */

static bool is_access(const struct token *t, const struct secret *access)
{
	char digest[DIGEST_HEX + 1];

	if (token_in_keyring(t))
		return digest_of(access->data, access->len, digest) && !strcmp(digest, t->keyring_access);
	return t->access.data && t->access.len == access->len &&
		!memcmp(t->access.data, access->data, access->len);
}

/* 1: it is that one, and is not marked yet. */
static int mark(const char *directory, const char *account, const struct secret *access,
	bool locked, struct err *e)
{
	struct token t;
	int result = token_load(directory, account, &t, e);

	result = result == 0 && is_access(&t, access) && !t.stale ? 1 : result < 0 ? -1 : 0;
	if (result == 1 && locked) {
		t.stale = true;
		result = token_save(directory, account, &t, e);
	}
	token_wipe(&t);
	return result;
}

/* Who has the lock may be marking it too, and is done in a moment; whoever has it for longer
 * is getting another one. */
int token_refuse(const char *directory, const char *account, const struct secret *access,
	struct err *e)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS / 10 };
	uint64_t until = clock_ms() + REFUSE_MS;
	int lock = -1, result;
	bool busy;

	while ((result = mark(directory, account, access, false, e)) == 1) {
		lock = token_lock(directory, account, &busy, e);
		if (lock >= 0 || !busy || clock_ms() >= until || process_stopped())
			break;
		nanosleep(&pause, NULL);
	}
	if (result != 1)
		return result;
	if (lock < 0 && busy)
		return process_stopped() ? stopped(e) : 0;
	if (lock < 0)
		return -1;
	result = mark(directory, account, access, true, e);
	close(lock);
	return result;
}

char *token_path(bool system, const char *account)
{
	char *directory = where(system), name[NAME_SIZE], *path = NULL;
	struct err ignored;

	if (directory && file_name(account, "", name, &ignored) == 0)
		path = mem_printf("%s/%s", directory, name);
	free(directory);
	return path;
}

int64_t token_signed_in(bool system, const char *account)
{
	char *path = token_path(system, account);
	struct stat st = { 0 };

	if (path && lstat(path, &st) < 0)
		st.st_mtime = 0;
	free(path);
	return st.st_mtime;
}
