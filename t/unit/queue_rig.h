/* t/unit/queue_rig.h - a spool of one's own, and messages to put into it. */
#ifndef T_UNIT_QUEUE_RIG_H
#define T_UNIT_QUEUE_RIG_H

#include "t/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "queue/internal.h"

static const char rig_content[] =
	"From: anna@example.org\r\n"
	"Subject: hello\r\n"
	"\r\n"
	"Line one\r\n"
	".line two\r\n";

struct rig {
	char directory[64];      /* holds the spool and what else a test needs */
	char path[96];           /* of the spool */
	struct spool *spool;
};

__attribute__((unused))
static void rig_start(struct rig *r)
{
	struct err e = { 0 };

	snprintf(r->directory, sizeof(r->directory), "/tmp/sendoff-queue-XXXXXX");
	if (!mkdtemp(r->directory))
		printf("Bail out! no directory\n");
	snprintf(r->path, sizeof(r->path), "%s/state/queue", r->directory);
	check_int(spool_open(&r->spool, r->path, true, &e), 0, "a spool: %s", e.text);
}

static int rig_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

__attribute__((unused))
static void rig_end(struct rig *r)
{
	spool_close(&r->spool);
	nftw(r->directory, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused))
static struct entry rig_entry(size_t content_size)
{
	struct entry n = {
		.created = 1764000000, .uid = 1000, .header_size = content_size < 40 ? 0 : 40,
		.content_size = content_size, .longest_line = 24,
	};

	n.login = mem_string("anna");
	n.sender = mem_string("anna@example.org");
	n.origin = mem_string("anna@host.example");
	entry_add_recipient(&n, "bob@example.org", NULL);
	entry_add_recipient(&n, "carol@example.net", "team");
	return n;
}

/* Puts one message in; id as spool_enter() wants it. */
__attribute__((unused))
static int rig_enter_content(struct rig *r, enum queue_state to, char *id, const char *content,
	size_t len, struct err *e)
{
	struct entry n = rig_entry(len);
	struct spool_new *new;
	int result = spool_begin(r->spool, &new, e);

	if (result == 0)
		result = spool_head(new, &n, e);
	if (result == 0)
		result = spool_content(new, content, len, e);
	if (result == 0)
		result = spool_enter(&new, to, id, e);
	else if (new)
		spool_abandon(&new);
	entry_release(&n);
	return result;
}

__attribute__((unused))
static int rig_enter(struct rig *r, enum queue_state to, char *id, struct err *e)
{
	return rig_enter_content(r, to, id, rig_content, sizeof(rig_content) - 1, e);
}

/* Names in a directory of the spool, "." and ".." aside; -1: there is none. */
__attribute__((unused))
static int rig_count(const struct rig *r, const char *place)
{
	char *path = mem_printf("%s/%s", r->path, place);
	DIR *d = opendir(path);
	int count = d ? -2 : -1;

	while (d && readdir(d))
		count++;
	if (d)
		closedir(d);
	free(path);
	return count;
}

__attribute__((unused))
static bool rig_is_there(const struct rig *r, const char *place, const char *name)
{
	char *path = mem_printf("%s/%s/%s", r->path, place, name);
	struct stat st;
	bool there = lstat(path, &st) == 0;

	free(path);
	return there;
}

/* Reads and writes whole files of the spool. */
__attribute__((unused))
static size_t rig_read(const struct rig *r, const char *place, const char *name, char *to,
	size_t size)
{
	char *path = mem_printf("%s/%s/%s", r->path, place, name);
	FILE *f = fopen(path, "r");
	size_t len = f ? fread(to, 1, size, f) : 0;

	if (f)
		fclose(f);
	free(path);
	return len;
}

__attribute__((unused))
static void rig_write(const struct rig *r, const char *place, const char *name, const char *data,
	size_t len)
{
	char *path = mem_printf("%s/%s/%s", r->path, place, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 && write(fd, data, len) == (ssize_t)len, "%s/%s written", place, name);
	close(fd);
	free(path);
}

/* Makes a file of the spool as old as that many seconds. */
__attribute__((unused))
static void rig_age(const struct rig *r, const char *place, const char *name, long seconds)
{
	char *path = mem_printf("%s/%s/%s", r->path, place, name);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	times[1].tv_sec = time(NULL) - seconds;
	utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
	free(path);
}

/* In a process of its own: what limits it sets do not come back. */
__attribute__((unused))
static int rig_run(int (*test)(struct rig *r), struct rig *r)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(test(r));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
