/* runner/files.h - files that change: the queue, the configuration, access tokens.
 */
#ifndef RUNNER_FILES_H
#define RUNNER_FILES_H

#include <stddef.h>

#include "base/err.h"
#include "net/loop.h"

enum files_news {
	FILES_NEW,        /* a message came into new/ */
	FILES_CONTROL,    /* a control file was replaced */
	FILES_CONFIG,     /* one of the files named so may be another now */
	FILES_TOKEN       /* ... one of those named so */
};

struct files;

/* Watches the queue at that path.  NULL: ERR_SYSTEM, the kernel does not tell. */
struct files *files_watch(struct loop *l, const char *spool,
	void (*news)(void *context, enum files_news what), void *context, struct err *e);
void files_free(struct files **fp);

/* Which files are told of as FILES_CONFIG or FILES_TOKEN, instead of those named so
 * before.  One that is not there yet is waited for, and so are its directories. */
void files_name(struct files *f, enum files_news news, char *const *paths, size_t count);

#endif
