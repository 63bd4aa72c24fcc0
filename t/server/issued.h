/* t/server/issued.h - the access tokens that the token server has issued and not taken
 * back: a directory that it shares with the mail server.
 *
 * One file each, named after the token's digest, with when it expires and whose it is.
 */
#ifndef SERVER_ISSUED_H
#define SERVER_ISSUED_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

int  issued_add(const char *directory, const char *token, const char *user, time_t expires);
void issued_drop(const char *directory, const char *token);

/* Whether it is there and its time is not over.  user (of at least ISSUED_USER octets)
 * becomes whose it is; *expires may be NULL. */
enum { ISSUED_USER = 256 };
bool issued_find(const char *directory, const char *token, size_t len, char *user,
	time_t *expires);

#endif
