/* base/mem.h - memory that is there or ends the process.
 *
 * None of these ever returns NULL.  When memory runs out the process says so
 * and ends with status 71 ("internal; nobody got it"): every caller is before
 * the point where a server has taken a message, or holds nothing unsynced.
 * Sizes that come from outside are bounded before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                              /* zeroed */
void *mem_grow(void *old, size_t count, size_t size);      /* like reallocarray */
char *mem_copy(const void *data, size_t len);              /* len octets and a NUL */
char *mem_string(const char *text);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
