/* runner/files.c - inotify; see files.h.
 *
 * Files are replaced more often than they are written, so directories are
 * watched: of a file its own or, where that is missing, the nearest one above it
 * that is there.
 */
#include "runner/files.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 64 << 10 };

#define CONFIG_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
	IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* A name to look for in a directory. */
struct place {
	int watch;
	char *name;    /* own */
	enum files_news news;
};

struct files {
	struct loop *loop;
	struct watch watch;
	int new_watch, control_watch;
	struct place *places;   /* own */
	size_t count;
	void (*news)(void *context, enum files_news what);
	void *context;
	char *piece;            /* own */
};

/* What a batch of events says. */
struct told {
	bool mail, control, config, token;
};

static void take_named(const struct files *f, const struct inotify_event *event, const char *name,
	struct told *told)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct place *p = &f->places[i];

		if (p->watch != event->wd || (event->len && strcmp(p->name, name) != 0))
			continue;
		told->config |= p->news == FILES_CONFIG;
		told->token |= p->news == FILES_TOKEN;
	}
}

static void take_event(const struct files *f, const struct inotify_event *event,
	const char *name, struct told *told)
{
	if (event->mask & IN_Q_OVERFLOW)
		*told = (struct told){ true, true, true, true };
	else if (event->wd == f->new_watch)
		told->mail = true;
	else if (event->wd == f->control_watch)
		told->control = true;
	else if (!(event->mask & IN_IGNORED))
		take_named(f, event, name, told);
}

static void run(struct watch *watch, short revents)
{
	struct files *f = watch->owner;
	struct told told = { .mail = false };
	ssize_t len = read(watch->fd, f->piece, PIECE);

	(void)revents;
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= len;) {
		struct inotify_event event;

		memcpy(&event, f->piece + at, sizeof(event));
		at += (ssize_t)sizeof(event);
		take_event(f, &event, f->piece + at, &told);   /* the kernel ends names with a NUL */
		at += event.len;
	}
	if (told.mail)
		f->news(f->context, FILES_NEW);
	if (told.control)
		f->news(f->context, FILES_CONTROL);
	if (told.config)
		f->news(f->context, FILES_CONFIG);
	if (told.token)
		f->news(f->context, FILES_TOKEN);
}

static int watch_below(int fd, const char *spool, const char *name)
{
	char *path = mem_printf("%s/%s", spool, name);
	int watch = inotify_add_watch(fd, path, IN_MOVED_TO | IN_ONLYDIR);
	int number = errno;

	free(path);
	errno = number;
	return watch;
}

struct files *files_watch(struct loop *l, const char *spool,
	void (*news)(void *context, enum files_news what), void *context, struct err *e)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), mail = -1, control = -1;
	struct files *f;

	if (fd < 0 || (mail = watch_below(fd, spool, "new")) < 0 ||
	    (control = watch_below(fd, spool, "control")) < 0) {
		err_sys(e, ERR_SYSTEM, errno, "the kernel does not tell what comes into the queue");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	f = mem_alloc(sizeof(*f));
	f->loop = l;
	f->watch = (struct watch){ .fd = fd, .events = POLLIN, .run = run, .owner = f };
	f->new_watch = mail;
	f->control_watch = control;
	f->news = news;
	f->context = context;
	f->piece = mem_alloc(PIECE);
	loop_add(l, &f->watch);
	return f;
}

static void forget(struct files *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->places[i].name);
	free(f->places);
	f->places = NULL;
	f->count = 0;
}

void files_free(struct files **fp)
{
	struct files *f = *fp;

	*fp = NULL;
	if (!f)
		return;
	loop_remove(f->loop, &f->watch);
	close(f->watch.fd);
	forget(f);
	free(f->piece);
	free(f);
}

static void keep_place(struct files *f, struct place *p)
{
	f->places = mem_grow(f->places, f->count + 1, sizeof(*f->places));
	f->places[f->count++] = *p;
	p->name = NULL;
}

/* The nearest directory that is there, and the name to wait for in it. */
static void add_place(struct files *f, enum files_news news, const char *path)
{
	char *directory = mem_string(path);
	char *slash = strrchr(directory, '/');

	while (slash) {
		struct stat st;
		const char *in = slash == directory ? "/" : directory;
		int watch;

		*slash = '\0';
		if (stat(in, &st) == 0) {
			watch = inotify_add_watch(f->watch.fd, in, CONFIG_EVENTS);
			if (watch >= 0) {
				struct place p = { watch, mem_string(slash + 1), news };

				keep_place(f, &p);
			}
			break;
		}
		slash = strrchr(directory, '/');
	}
	free(directory);
}

static bool is_used(const struct files *f, int watch)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->places[i].watch == watch)
			return true;
	return watch == f->new_watch || watch == f->control_watch;
}

void files_name(struct files *f, enum files_news news, char *const *paths, size_t count)
{
	struct place *before = f->places;
	size_t before_count = f->count;

	f->places = NULL;
	f->count = 0;
	for (size_t i = 0; i < before_count; i++)
		if (before[i].news != news)
			keep_place(f, &before[i]);
	for (size_t i = 0; i < count; i++)
		if (paths[i][0] == '/')
			add_place(f, news, paths[i]);
	for (size_t i = 0; i < before_count; i++) {
		/* Twice the same directory: the second time it is gone already. */
		if (!is_used(f, before[i].watch))
			inotify_rm_watch(f->watch.fd, before[i].watch);
		free(before[i].name);
	}
	free(before);
}
