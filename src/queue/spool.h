/* queue/spool.h - messages on disk; the one place that moves them.
 *
 *	tmp/RANDOM      being written, or the leftover of a crash
 *	new/ID          to be sent
 *	hold/ID         kept until somebody releases it
 *	failed/ID       given up, and told
 *	damaged/NAME    not what it should be: kept, never sent
 *	control/ID      what happened to ID so far, whichever state it is in
 *	done/ID         an empty file: ID was delivered a moment ago, and whoever handed
 *	                it in with a token may not yet know that it was taken
 *	accounts/NAME   what flushers must agree on (queue/park.h)
 *	notified        when on_failure was run last (deliver/giveup.h)
 *	lock            of the one watcher
 *
 * A state is a directory, a change of state one rename.  Whoever works on an
 * entry holds a lock on its message file (flock, so that it dies with the
 * process) and has made sure that the locked file is the named one.  Every open
 * is relative to a held directory, follows no link, and is checked: a regular
 * file, one link, our own.  What is not that is skipped and left alone.
 *
 * Entering is durable: write, fsync, rename, fsync of both directories.  A
 * sync that fails is not tried again on the same file: the name is taken back
 * and the call fails with ERR_STORE.  Nothing undelivered is ever deleted here
 * but on a person's word (held_remove).
 */
#ifndef QUEUE_SPOOL_H
#define QUEUE_SPOOL_H

#include <time.h>

#include "queue/entry.h"

enum queue_state { QUEUE_NEW, QUEUE_HOLD, QUEUE_FAILED, QUEUE_DAMAGED, QUEUE_STATES };
const char *queue_state_name(enum queue_state s);   /* "new" ... */

struct spool;

/* Opens the spool at an absolute path; with create makes it and its
 * directories (0700).  It must be the effective user's and nobody else's to
 * write.  -1: ERR_STORE (with create: it cannot be made, disk full, ...),
 * ERR_NO_QUEUE (without create: it is not there), ERR_RIGHT (not ours). */
int  spool_open(struct spool **sp, const char *path, bool create, struct err *e);
void spool_close(struct spool **sp);
const char *spool_path(const struct spool *s);
int  spool_directory(const struct spool *s);   /* borrowed descriptor, for openat() and watching */
int  spool_new_directory(struct spool *s);   /* borrowed; -1: it cannot be opened */

/* ---- entering */

struct spool_new;   /* one file in tmp/, locked */

int  spool_begin(struct spool *s, struct spool_new **np, struct err *e);
/* The head, once, first; then the content in pieces, entry->content_size octets in
 * all.  -1: ERR_STORE; ERR_MESSAGE: see entry_write_head(). */
int  spool_head(struct spool_new *n, const struct entry *entry, struct err *e);
int  spool_content(struct spool_new *n, const char *data, size_t len, struct err *e);
/* fsync, rename into `to` (QUEUE_NEW or QUEUE_HOLD), fsync of both directories.
 * id: in, one that the caller wants, or "" for a random one; out, the entry's.
 * 1: an entry of that id exists already, in whatever state, or did a moment ago
 * (spool_knows), and nothing was stored; -1: ERR_STORE, nothing is stored
 * (ERR_INTERNAL: not the size that was announced).  Frees *np in any case. */
int  spool_enter(struct spool_new **np, enum queue_state to, char id[ENTRY_ID_LEN + 1],
	struct err *e);
void spool_abandon(struct spool_new **np);

/* May run in another thread: spool_begin() to spool_enter() of different
 * entries touch nothing in common but the descriptors of the directories. */

/* Whether an entry of that id is there, in whatever state, or was until a short
 * while ago and had a token.  In any thread. */
bool spool_knows(struct spool *s, const char *id);

/* ---- finding */

/* Ids in a state, in the order of the directory; false at the end.  NULL with *e: the
 * directory cannot be read (too many open files), or others can write it; one that is
 * not there is an empty list. */
struct spool_list;
struct spool_list *spool_list(struct spool *s, enum queue_state state, struct err *e);
bool spool_next(struct spool_list *l, char *id, size_t size);   /* damaged/: any name */
void spool_list_free(struct spool_list **lp);

/* The one entry whose id begins with those letters ("p-" or "s-" in front is
 * skipped).  Returns 0 and id and state; -1: ERR_USAGE: none, or several (named). */
int  spool_find(struct spool *s, const char *prefix, char id[ENTRY_ID_LEN + 1],
	enum queue_state *state, struct err *e);

/* ---- working on one */

struct held;   /* an entry that this process has locked */

/* 1: locked, *hp is set; 0: somebody else has it, or it is gone; -1: ERR_STORE
 * (descriptors, memory).  What is no regular file counts as not there, and so does, but
 * for spool_set_aside(), one that is another's or has a second name. */
int  spool_hold(struct spool *s, enum queue_state state, const char *id, struct held **hp,
	struct err *e);
void held_free(struct held **hp);       /* lets go of the lock */
const char *held_id(const struct held *h);
enum queue_state held_state(const struct held *h);
bool held_is_gone(const struct held *h);   /* held_done() or held_remove() has deleted it */

/* Reads message head and control.  with_digest: the whole file is read and
 * compared.  -1: ERR_DAMAGED or ERR_FORMAT, and the caller sets it aside or leaves
 * it; ERR_STORE: it cannot be read now, and is left.  out is then all zero.  A
 * damaged control file is kept beside (damaged/ID.control) and its entry goes on as
 * if it had none, with an event that says so. */
int  held_load(struct held *h, bool with_digest, struct entry *out, struct err *e);

/* The same without a lock, for listing: what is there at this moment, and no
 * digest is computed.  0; 1: gone meanwhile, or no regular file; -1 as held_load():
 * ERR_DAMAGED also where it is another's or has a second name. */
int  spool_peek(struct spool *s, enum queue_state state, const char *id, struct entry *out,
	struct err *e);

/* Content of what was loaded, for smtp_message.read.  0 at the end; -1: ERR_STORE. */
ssize_t held_read(const struct held *h, uint64_t offset, char *data, size_t len, struct err *e);

/* Replaces the control file: written to tmp/, then one rename.  Synced with
 * sync.  -1: ERR_STORE, the old one stands. */
int  held_update(struct held *h, const struct entry *entry, bool sync, struct err *e);

/* The same in two steps, so that the second, the mark behind a server's 250, is
 * one system call: held_prepare() writes, held_mark() renames what was prepared
 * last.  held_done() is the mark of a message that everybody has: one unlink of
 * the message file or, when it has a token and is young, one rename into done/.
 * Its control file goes, and what is in done/ is emptied, when that is synced: lest
 * a power cut bring back the one without the other. */
int  held_prepare(struct held *h, const struct entry *entry, struct err *e);
void held_mark(struct held *h);
void held_done(struct held *h);

/* And where a server answers for each recipient by itself: held_open() puts a control file in
 * force to which marks may be added, with room for so many; held_mark_one() adds that of
 * recipient `number`, from 1, by one write.  -1: ERR_STORE, the old one stands. */
int  held_open(struct held *h, const struct entry *entry, size_t marks, struct err *e);
void held_mark_one(struct held *h, size_t number);
bool held_marks_failed(const struct held *h);   /* such a call failed: to be logged afterwards */

/* One rename into another state, and the sync of both directories.  0; -1: ERR_STORE. */
int  held_move(struct held *h, enum queue_state to, struct err *e);
/* Into damaged/, under its own name or one beside it.  -1: ERR_STORE; also: another
 * process is at it. */
int  spool_set_aside(struct spool *s, enum queue_state from, const char *id, struct err *e);
/* Deletes it, in whatever state it is held. */
int  held_remove(struct held *h, struct err *e);

/* ---- keeping house */

/* Makes marks durable.  spool_unsynced(): how many were made since.  Marks that
 * need more than the sync of a directory are synced of themselves when there are
 * 64 of them; spool_close() syncs as well. */
int  spool_sync(struct spool *s, struct err *e);
unsigned spool_unsynced(const struct spool *s);

/* Removes what crashes left: files in tmp/ that nobody holds and that are older
 * than an hour, controls without a message; and what done/ remembers after a
 * quarter of an hour.  Never anything else. */
void spool_sweep(struct spool *s, time_t now);

/* Removes entries of failed/ whose last event is older than that. */
unsigned spool_expire_failed(struct spool *s, time_t now, long keep_seconds);

/* The lock of the one watcher: 1 taken (until spool_close()), 0 another has it. */
int  spool_watch_lock(struct spool *s, struct err *e);
bool spool_is_watched(struct spool *s);

/* Count and octets in new/ and hold/, by uid when uid is not (uid_t)-1. */
struct spool_usage { uint64_t messages, octets; };
int  spool_usage(struct spool *s, uid_t uid, struct spool_usage *out, struct err *e);
uint64_t spool_free_space(struct spool *s);   /* octets of the file system for us */

#endif
