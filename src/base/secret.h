/* base/secret.h - a password or token in memory, wiped when it is let go. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

enum { SECRET_MAX = 16 * 1024 };   /* octets; OAuth tokens come to 4 KB */

struct secret {
	char  *data;   /* own; NUL-terminated, may hold any octet but NUL; NULL when absent */
	size_t len;
};

void secret_set(struct secret *s, const char *data, size_t len);   /* copies; wipes the old */
void secret_wipe(struct secret *s);

/* Removes one trailing newline (LF or CR LF), no other octet. */
void secret_chomp(struct secret *s);

#endif
