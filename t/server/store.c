/* t/server/store.c - see store.h. */
#include "t/server/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const char *store_directory;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned store_count;

static char *store_path(unsigned number, const char *ending)
{
	return mem_printf("%s/%u.%s", store_directory, number, ending);
}

int store_init(const char *directory)
{
	store_directory = directory;
	if (!directory)
		return 0;
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return -1;
	/* A second server on the same directory goes on where the first ended. */
	for (;;) {
		char *path = store_path(store_count + 1, "envelope");
		bool there = !access(path, F_OK);

		free(path);
		if (!there)
			return 0;
		store_count++;
	}
}

int store_begin(struct store_file *s, unsigned connection)
{
	*s = (struct store_file){ 0 };
	if (!store_directory)
		return 0;
	s->path = mem_printf("%s/.incoming-%u", store_directory, connection);
	s->f = fopen(s->path, "we");
	return s->f ? 0 : -1;
}

void store_add(struct store_file *s, const char *data, size_t len)
{
	s->size += len;
	if (s->f)
		fwrite(data, 1, len, s->f);   /* an error is met again by fclose() */
}

void store_discard(struct store_file *s)
{
	if (s->f)
		fclose(s->f);
	if (s->path)
		unlink(s->path);
	free(s->path);
	*s = (struct store_file){ 0 };
}

static bool store_envelope(const char *path, const struct buf *envelope)
{
	char *growing = mem_printf("%s.tmp", path);
	FILE *f = fopen(growing, "we");
	bool good = f && fwrite(envelope->data, 1, envelope->len, f) == envelope->len;

	if (f && fclose(f))
		good = false;
	good = good && !rename(growing, path);
	free(growing);
	return good;
}

unsigned store_commit(struct store_file *s, const struct buf *envelope)
{
	unsigned number;
	char *message, *side;
	bool good;

	pthread_mutex_lock(&store_lock);
	number = ++store_count;
	pthread_mutex_unlock(&store_lock);
	if (!store_directory) {
		store_discard(s);
		return number;
	}
	message = store_path(number, "eml");
	side = store_path(number, "envelope");
	good = !ferror(s->f);
	if (fclose(s->f))
		good = false;
	s->f = NULL;
	/* The envelope comes last: who sees it finds the message. */
	good = good && !rename(s->path, message) && store_envelope(side, envelope);
	free(message);
	free(side);
	store_discard(s);
	return good ? number : 0;
}
