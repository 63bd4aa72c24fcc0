/* cred/password_file.h - the file of password_file, written and removed for a person.
 *
 * It is replaced as a whole and synced.  Only a regular file of ours is replaced or removed,
 * never what a link leads to, and only in a directory that nobody else can write to, which is
 * left as it is.
 */
#ifndef CRED_PASSWORD_FILE_H
#define CRED_PASSWORD_FILE_H

#include <sys/types.h>

#include "base/err.h"
#include "base/secret.h"

/* All: -1: ERR_RIGHT (a link, somebody else's, a place that others can write to), ERR_STORE,
 * ERR_CONFIG (not an absolute path); with what to do. */

/* Whether it could be written: before anybody is asked for a password. */
int password_file_try(const char *path, struct err *e);

/* With mode 0600, or 0640 for that group; (gid_t)-1: for none. */
int password_file_save(const char *path, const struct secret *s, gid_t group, struct err *e);

/* 1: there is none. */
int password_file_remove(const char *path, struct err *e);

#endif
