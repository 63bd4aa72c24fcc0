/* deliver/flush.h - what is due in a queue goes out: few connections, many
 * messages each.
 *
 * For each account up to max_connections sessions, bounded across processes by
 * the queue's locks; each session is given its next message before the last is
 * done, so that its commands ride behind the last content.  Every entry is
 * locked, loaded and checked, dressed by the configuration in force, and marked
 * in the very system call behind the server's answer.  Prints nothing.
 */
#ifndef DELIVER_FLUSH_H
#define DELIVER_FLUSH_H

#include "deliver/config.h"
#include "net/loop.h"
#include "queue/park.h"
#include "queue/spool.h"
#include "smtp/engine.h"

struct flush_options {
	const char *account;      /* only what this one carries; NULL: all */
	const char *id;           /* only this entry; NULL: all */
	uid_t uid;                /* only what that user handed in; (uid_t)-1: everybody's */
	bool now;                 /* what is not yet due is tried as well */
	bool override;            /* parked accounts are tried, once a minute each */
	const char *config;       /* only entries taken in with that -C; NULL: all */
	uint64_t deadline;        /* clock_ms(): no new message behind it; 0: none */
	bool patient;             /* wait where max_rate wants it, and for a free connection */
	/* What became of a message, for progress and -v; may be NULL. */
	void (*told)(void *context, const struct entry *n, const char *what);
	void (*trace)(void *context, enum smtp_direction direction, const char *line, size_t len);
	void *context;
};

struct flush_result {
	size_t due;               /* that were found to be due */
	size_t delivered;         /* messages that all recipients have */
	size_t later, failed;     /* still there; given up */
	size_t stuck;             /* of those that are still there: no account is to be had */
	size_t busy;              /* another process is at it */
	size_t damaged;           /* set aside */
	size_t connections;       /* made */
	bool unwritten;           /* what became of some, or of an account, could not be noted:
	                           * nothing keeps the next run from trying at once */
	int64_t next;             /* when something is due again; 0: nothing is left */
	char account[CONF_NAME_MAX + 1], reason[ENTRY_TEXT_MAX + 1];   /* the last trouble; "" */
	const char *cause;        /* of an account's trouble, in the table of causes; NULL */
	char step[512];           /* what to do about that; "" */
	bool signs_in;            /* ... where a person signs in by OAuth */
	int64_t untried;          /* it is an old one, and not tried again before then; 0 */
};

/* -1: ERR_STORE, ERR_SYSTEM; trouble with a message or an account is no error. */
int flush_run(struct spool *s, const struct config *c, const struct flush_options *o,
	struct flush_result *r, struct err *e);

/* What a queue wants next, without touching the network: for each account that
 * has something to do, called once with the moment when (0: now); name "": there
 * is no account for it.  config: the file that its messages name; NULL: the one
 * in force.  Also sees to
 * what needs no server: reports of what has expired, notices of delay, damaged
 * files.  For the watcher. */
int flush_survey(struct spool *s, const struct config *c,
	void (*account)(void *context, const char *config, const char *name, int64_t when),
	void *context, struct err *e);

#endif
