/* queue/internal.h - what the files of the spool share; nobody else's affair.
 *
 * Directories are opened when they are first needed, so that putting one
 * message in costs few system calls.  Several threads may do that at once.
 */
#ifndef QUEUE_INTERNAL_H
#define QUEUE_INTERNAL_H

#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include "base/digest.h"
#include "queue/line.h"
#include "queue/park.h"
#include "queue/spool.h"

enum place {
	PLACE_NEW = QUEUE_NEW, PLACE_HOLD = QUEUE_HOLD, PLACE_FAILED = QUEUE_FAILED,
	PLACE_DAMAGED = QUEUE_DAMAGED, PLACE_TMP, PLACE_CONTROL, PLACE_DONE,
	PLACE_ACCOUNTS,          /* made last: where it is, the others are there and synced */
	PLACES
};

enum {
	FILE_MODE = 0600,
	NAME_SIZE = 256,
	PENDING_MAX = 64,        /* marks between two syncs */
	REMEMBERED = 15 * 60     /* seconds: whoever has not asked again by then does not */
};

/* A mark that is not yet synced and needs more than its directory's sync. */
struct pending {
	char id[ENTRY_ID_LEN + 1];
	bool done;               /* the message is gone, and its control file is to go */
	bool remembered;         /* it is in done/, and is to be emptied */
};

struct spool {
	char *path;              /* own */
	int   root;              /* own */
	atomic_int places[PLACES];   /* own; -1: not open */
	int   watch;             /* own; the lock of the one watcher; -1 */
	unsigned marks;          /* since the last sync */
	bool  dirty[PLACES];
	struct pending pending[PENDING_MAX];
	size_t pending_count;
	struct timespec seen;    /* control/ as it was when it was last looked through */
	bool  seen_empty;
	uint64_t looked;         /* clock_ms(): when it was found to be empty still; 0: never */
};

/* ---- spool_open.c */

/* A borrowed descriptor of a directory.  -1: ERR_STORE, ERR_RIGHT; with
 * e->sys_errno ENOENT it is not there and `make` was false. */
int spool_place(struct spool *s, enum place place, bool make, struct err *e);
const char *spool_place_name(enum place place);

/* ERR_STORE: "WHAT: why ('path of the queue')", with a hint. */
int spool_failed(const struct spool *s, int number, struct err *e, const char *what);

/* fsync; a file system that has none for directories is no error. */
int spool_sync_directory(int fd);

/* ---- spool_file.c: files in a held directory */

/* Fills `name` with 60 random bits, as an id.  -1 and errno. */
int spool_random_name(char name[ENTRY_ID_LEN + 1]);
/* A new file of a random name in tmp/, locked.  -1: ERR_STORE. */
int spool_make_file(struct spool *s, char name[ENTRY_ID_LEN + 1], struct err *e);
ssize_t spool_read(int fd, char *data, size_t len, uint64_t offset);   /* up to the end */
/* Opens without following, waiting or becoming anyone's terminal.  -1 and errno. */
int spool_open_file(int directory, const char *name, int mode);
/* Whether it is a regular file, ours, with one name. */
bool spool_is_file(const struct stat *st);
/* renameat() that replaces nothing.  -1 and errno. */
int spool_rename(int from, const char *name, int to, const char *new_name);
/* Moves it into damaged/ as `wanted` or with a number behind.  -1: ERR_STORE. */
int spool_move_aside(struct spool *s, enum place from, const char *name, const char *wanted,
	struct err *e);

/* ---- spool_load.c */

/* Where in a message file things are. */
struct layout {
	uint64_t length;         /* behind the front */
	uint64_t head;           /* of it, the head */
	char     digest[DIGEST_HEX + 1];
};

/* Reads front and head of the file.  -1: ERR_DAMAGED, ERR_FORMAT, ERR_STORE. */
int spool_load_head(const struct spool *s, int fd, uint64_t size, struct entry *out,
	struct layout *at, struct err *e);
int spool_check_digest(const struct spool *s, int fd, const struct layout *at, struct err *e);
/* Adds what the control file says.  1: it does; 0: there is none; -1: ERR_DAMAGED,
 * ERR_FORMAT, ERR_STORE. */
int spool_load_control(struct spool *s, struct entry *out, struct err *e);

/* ---- park.c: accounts/NAME.lock */

/* A new description of it.  -1: ERR_STORE. */
int account_open_lock(struct spool *s, const char *account, struct err *e);
/* 1: the octet is locked; 0: somebody else has it; -1 and errno. */
int account_lock(int fd, long octet);

/* ---- park_sender.c: the parked senders of an account */

void park_senders_write(const struct park *p, struct buf *out);
int  park_senders_read(struct park *p, struct lines *l, struct err *e);   /* -1: ERR_DAMAGED */
void park_senders_release(struct park *p);
void park_senders_move(struct park *to, struct park *from);
/* Replaces an owned text by a copy of value, cut short; *text may be what is copied. */
void park_set_text(char **text, const char *value);

/* ---- an entry that is held */

struct held {
	struct spool *spool;     /* borrowed */
	int   fd;                /* own; the message file, locked */
	enum queue_state state;
	char  id[NAME_SIZE];
	uint64_t size;           /* of the file */
	struct layout at;
	bool  loaded;
	bool  may_have_control;
	bool  done;              /* the message file is gone */
	bool  remembered;        /* ... into done/, when it goes */
	bool  marks_failed;
	int   prepared_fd;       /* own; -1; keeps the lock of the next control file */
	char  prepared[ENTRY_ID_LEN + 1];   /* its name in tmp/; "" */
	int   open_fd;           /* own; -1; the control file in force, to which marks are added */
	uint64_t open_size;      /* of it */
};

/* Takes back what was prepared and not used; no more marks are added. */
void held_unprepare(struct held *h);

#endif
