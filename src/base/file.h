/* base/file.h - opening files that decide whom we trust.
 *
 * Every check is made on the open descriptor, never on the name.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum file_trust {
	FILE_ANY,      /* regular, whoever owns it */
	FILE_OWNED,    /* owned by the effective user or root, writable by nobody else (a
	                * group that is the owner's own, as user private groups are, may write) */
	FILE_SECRET    /* FILE_OWNED, and readable by nobody else: not by the world, not by a
	                * group other than the owner's own or `sendoff` (below /run/secrets and
	                * /run/credentials 0444 is allowed) */
};

/* Why a file could not be had, beside the text in *e. */
enum file_result { FILE_OK = 0, FILE_ABSENT = 1, FILE_DENIED = 2, FILE_BAD = -1 };

/* Reads a whole file of at most out->max octets.  FILE_ABSENT: it does not
 * exist (or a directory on the way); FILE_DENIED: no permission to open it;
 * FILE_BAD: not regular, ownership or mode refused, too large, read error.
 * *e is set for all but FILE_OK, with kind ERR_CONFIG and the path in it. */
enum file_result file_read(const char *path, enum file_trust trust, struct buf *out, struct err *e);

/* The two halves of it, for a file whose content decides what is to be checked:
 * opening (*fd is the caller's to close; -1 on failure) and reading. */
enum file_result file_open(const char *path, enum file_trust trust, int *fd, struct err *e);
int file_read_open(int fd, const char *path, struct buf *out, struct err *e);

/* Only the check, on an open descriptor. */
enum file_result file_check(int fd, const char *path, enum file_trust trust, struct err *e);

/* Whether others can read what is in fd: 0 no, else -1 and *e says which mode
 * is wrong and the chmod that mends it.  For a file that turned out to hold a
 * literal secret. */
int file_check_secret(int fd, const char *path, struct err *e);

/* All of it.  -1 and errno; nothing written at all is ENOSPC. */
int file_write_all(int fd, const char *data, size_t len);

/* Exactly so much.  -1: the end came before, or errno. */
int file_read_exactly(int fd, void *data, size_t len);

#endif
