/* runner/ports.c - the loopback ports; see ports.h. */
#include "runner/ports.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "net/loopback.h"

static bool is_named(const struct key_list *named, const char *text)
{
	for (size_t i = 0; i < named->count; i++)
		if (!strcmp(named->items[i], text))
			return true;
	return false;
}

static bool is_open(const struct ports *p, const char *text)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->items[i].text, text))
			return true;
	return false;
}

static void drop(struct ports *p, size_t i)
{
	close(p->items[i].fd);
	free(p->items[i].text);
	p->items[i] = p->items[--p->count];
}

/* Ours to close: what was handed over stays where it is. */
static int find_handed(const struct loopback *at)
{
	int fd;

	for (int i = 0; (fd = process_inherited_next("listen", i)) >= 0; i++)
		if (loopback_listens(fd, at))
			return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return -1;
}

static int open_one(const char *text, struct err *e)
{
	struct loopback at;
	int fd;

	if (loopback_parse(text, &at, e) < 0)
		return -1;
	fd = find_handed(&at);
	return fd >= 0 ? fd : loopback_listen(&at, e);
}

/* A log has one line for both. */
static void tell(const struct err *e, void (*failed)(void *context, const char *why),
	void *context)
{
	char *line = e->hint[0] ? mem_printf("%s (%s)", e->text, e->hint) : mem_string(e->text);

	failed(context, line);
	free(line);
}

bool ports_open(struct ports *p, const struct key_list *named,
	void (*failed)(void *context, const char *why), void *context)
{
	bool changed = false;

	p->missing = false;
	for (size_t i = p->count; i-- > 0;)
		if (!is_named(named, p->items[i].text)) {
			drop(p, i);
			changed = true;
		}
	for (size_t i = 0; i < named->count && p->count < ACCOUNT_LISTEN_MOST; i++) {
		struct err e = { 0 };
		int fd;

		if (is_open(p, named->items[i]))
			continue;
		fd = open_one(named->items[i], &e);
		if (fd < 0) {
			p->missing = true;
			tell(&e, failed, context);
			continue;
		}
		p->items[p->count++] = (struct port){ mem_string(named->items[i]), fd };
		changed = true;
	}
	return changed;
}

void ports_close(struct ports *p)
{
	while (p->count)
		drop(p, p->count - 1);
}
