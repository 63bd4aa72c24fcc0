/* base/buf.h - a growing run of octets that knows its own limit.
 *
 * A buffer is made with the most it may hold, so that hostile input meets a
 * limit without anyone remembering to check.  An append that would pass the
 * limit adds nothing and sets `overflow`, which stays set: a caller may append
 * many times and ask once with buf_ok().  data is NULL or NUL-terminated, even
 * where room was reserved and nothing appended; buf_text() is safe in any case.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdarg.h>

struct buf {
	char  *data;     /* own; NULL while empty */
	size_t len;      /* octets in use */
	size_t cap;      /* octets allocated */
	size_t max;      /* most octets it may hold; 0 means BUF_DEFAULT_MAX */
	bool   overflow; /* an append was refused */
};

enum { BUF_DEFAULT_MAX = 1 << 20 };

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })

void  buf_add(struct buf *b, const void *data, size_t len);
void  buf_add_text(struct buf *b, const char *text);
void  buf_add_char(struct buf *b, char c);
void  buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void  buf_vprintf(struct buf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
char *buf_reserve(struct buf *b, size_t len);   /* room for len more octets, or NULL and overflow */
void  buf_drop(struct buf *b, size_t len);      /* forget the first len octets */
void  buf_clear(struct buf *b);                 /* forget all, keep the memory */
void  buf_release(struct buf *b);               /* free what it holds, not b */
void  buf_wipe(struct buf *b);                  /* overwrite with zeros, then release */
char *buf_take(struct buf *b);                  /* the text becomes the caller's; b is empty */
bool  buf_ok(const struct buf *b);
const char *buf_text(const struct buf *b);      /* "" while empty */

#endif
