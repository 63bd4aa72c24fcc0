/* t/server/store.h - accepted messages, as DIR/k.eml and DIR/k.envelope.
 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/* The directory may be NULL: messages are counted only.  -1: errno. */
int store_init(const char *directory);

struct store_file {
	FILE *f;          /* own; NULL: not kept */
	char *path;       /* own; where it grows */
	uint64_t size;
};

int  store_begin(struct store_file *s, unsigned connection);
void store_add(struct store_file *s, const char *data, size_t len);
void store_discard(struct store_file *s);

/* Makes message and envelope appear, whole; returns the message's number, or 0:
 * it could not be written (and is gone). */
unsigned store_commit(struct store_file *s, const struct buf *envelope);

#endif
