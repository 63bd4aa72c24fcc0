/* cred/password_file.c - passwords on disk; see password_file.h. */
#include "cred/password_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

enum { SHOWN = 200 };   /* octets of a path in an error */

struct place {
	int at;               /* own; the directory */
	const char *name;     /* borrowed; in it */
	char *fresh;          /* own; what is being written */
	char shown[SHOWN];    /* the whole path */
};

static int failed(const struct place *p, int number, const char *what, struct err *e)
{
	err_sys(e, ERR_STORE, number, "%s '%s'", what, p->shown);
	return err_hint(e, number == ENOENT ? "make the directory first: mkdir -m 700" :
		"see that there is room, and that this user may write there");
}

/* Whose the directory is, and who can change what is in it. */
static int check_directory(const struct place *p, struct err *e)
{
	struct stat st;

	if (fstat(p->at, &st) < 0)
		return failed(p, errno, "cannot look at the directory of", e);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		err_set(e, ERR_RIGHT, "the directory of '%s' belongs to another user (uid %lu)",
			p->shown, (unsigned long)st.st_uid);
		return err_hint(e, "set password_file to a file in a directory of your own");
	}
	if (!(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	err_set(e, ERR_RIGHT, "the directory of '%s' can be changed by other users (mode %04o)",
		p->shown, (unsigned)(st.st_mode & 07777));
	return err_hint(e, "take that away with chmod go-w, or set password_file to a file elsewhere");
}

/* What stands there.  1: nothing. */
static int check_file(const struct place *p, struct err *e)
{
	struct stat st;

	if (fstatat(p->at, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1 : failed(p, errno, "cannot look at", e);
	if (S_ISLNK(st.st_mode)) {
		err_set(e, ERR_RIGHT, "'%s' is a link, and what it leads to is left alone", p->shown);
		return err_hint(e, "set password_file to the file itself");
	}
	if (S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return 0;
	err_set(e, ERR_RIGHT, S_ISREG(st.st_mode) ? "'%s' belongs to another user (uid %lu), and is "
		"left alone" : "'%s' is not a file (of uid %lu), and is left alone", p->shown,
		(unsigned long)st.st_uid);
	return err_hint(e, "see what it is, and have it removed by whom it belongs to, or by root");
}

static void leave(struct place *p)
{
	if (p->at >= 0)
		close(p->at);
	free(p->fresh);
}

/* What check_file() says; then leave() is due also for -1. */
static int enter(struct place *p, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *directory;

	*p = (struct place){ .at = -1 };
	text_clean_to(p->shown, sizeof(p->shown), path, strlen(path));
	if (path[0] != '/' || !slash[1]) {
		err_set(e, ERR_CONFIG, "password_file: '%s' is not the whole path of a file", p->shown);
		return err_hint(e, "begin it with / or ~/");
	}
	p->name = slash + 1;
	p->fresh = mem_printf(".%s.new", p->name);
	directory = mem_printf("%.*s/", (int)(slash - path), path);
	do
		p->at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (p->at < 0 && errno == EINTR);
	free(directory);
	if (p->at < 0)
		return failed(p, errno, "cannot open the directory of", e);
	return check_directory(p, e) < 0 ? -1 : check_file(p, e);
}

/* -1 and errno. */
static int write_fresh(const struct place *p, const struct buf *text, gid_t group)
{
	int fd, number = 0;

	if (unlinkat(p->at, p->fresh, 0) < 0 && errno != ENOENT)   /* what a crash has left */
		return -1;
	fd = openat(p->at, p->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if ((group != (gid_t)-1 && (fchown(fd, (uid_t)-1, group) < 0 || fchmod(fd, 0640) < 0)) ||
	    file_write_all(fd, text->data, text->len) < 0 || fsync(fd) < 0)
		number = errno;
	if (close(fd) < 0 && !number && errno != EINTR)
		number = errno;
	if (number)
		unlinkat(p->at, p->fresh, 0);
	errno = number;
	return number ? -1 : 0;
}

static int sync_directory(const struct place *p)
{
	return fsync(p->at) == 0 || errno == EINVAL ? 0 : -1;   /* some file systems have none */
}

int password_file_try(const char *path, struct err *e)
{
	struct buf text = BUF_INIT(SECRET_MAX + 1);
	struct place p;
	int result = enter(&p, path, e);

	while (text.len < text.max)
		buf_add_char(&text, '\n');
	if (result >= 0) {
		result = write_fresh(&p, &text, (gid_t)-1);
		if (result < 0)
			failed(&p, errno, "cannot write beside", e);
		else
			unlinkat(p.at, p.fresh, 0);
	}
	buf_release(&text);
	leave(&p);
	return result;
}

static int replace(const struct place *p, const struct buf *text, gid_t group, struct err *e)
{
	if (write_fresh(p, text, group) < 0)
		return failed(p, errno, "cannot write", e);
	if (renameat(p->at, p->fresh, p->at, p->name) < 0) {
		int number = errno;

		unlinkat(p->at, p->fresh, 0);
		return failed(p, number, "cannot replace", e);
	}
	return sync_directory(p) == 0 ? 0 :
		failed(p, errno, "the password may not outlast a power cut: cannot sync", e);
}

int password_file_save(const char *path, const struct secret *s, gid_t group, struct err *e)
{
	struct buf text = BUF_INIT(SECRET_MAX + 1);
	struct place p;
	int result = enter(&p, path, e);

	buf_reserve(&text, SECRET_MAX + 1);   /* never grows, so leaves no copy */
	buf_add(&text, s->data, s->len);
	buf_add_char(&text, '\n');
	if (result >= 0 && !buf_ok(&text))
		result = err_set(e, ERR_SECRET, "the password is longer than %d octets", SECRET_MAX);
	if (result >= 0)
		result = replace(&p, &text, group, e);
	buf_wipe(&text);
	leave(&p);
	return result;
}

int password_file_remove(const char *path, struct err *e)
{
	struct place p;
	int result = enter(&p, path, e);

	if (result == 0 && unlinkat(p.at, p.name, 0) < 0)
		result = failed(&p, errno, "cannot remove", e);
	if (result == 0 && sync_directory(&p) < 0)
		result = failed(&p, errno, "the password may be back after a power cut: cannot sync", e);
	leave(&p);
	return result;
}
