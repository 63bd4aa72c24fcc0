/* queue/park.h - what all flushers of a queue must agree on about an account:
 * whether it is parked and why, which senders it may not be used for now, how many
 * connections there are, how fast it may go.
 *
 * One small text file accounts/NAME, replaced atomically, and accounts/NAME.lock
 * whose octets are the locks (open-file-description locks: they die with the
 * process and cannot be stale).  Octet 0 is held while the text is changed,
 * octets 1 to N are the connections.  The name is written with %HH for whatever
 * is not a letter, a digit, '-', '_' or an inner '.', and for the '.' of a ".lock"
 * that a name ends with.
 */
#ifndef QUEUE_PARK_H
#define QUEUE_PARK_H

#include "queue/schedule.h"
#include "queue/spool.h"

enum { PARK_SENDER_MAX = 255, PARK_SENDERS = 16 };

enum park_kind {
	PARK_NONE,
	PARK_NETWORK,      /* name, connection, TLS, time-outs, 4xx at greeting or EHLO */
	PARK_LOGIN,        /* refused or impossible login, secret, certificate, sender refused */
	PARK_RATE          /* 421, 454, rate limits: the server asked for peace */
};

/* A sender that the account's server said no to. */
struct parked_sender {
	char    *address;              /* own; envelope form */
	int64_t  until, set;           /* as below */
	unsigned steps;
	char    *cause, *reason;       /* own; NULL */
};

struct park {
	enum park_kind kind;
	int64_t  since, until, set;    /* seconds since 1970; set: when `until` was decided */
	unsigned steps;                /* how often in a row */
	char    *cause, *reason;       /* own; id and words; NULL */
	char     fingerprint[65];      /* of the configuration that it happened with; "" */
	int64_t  overridden;           /* when an operator last tried in spite of it */
	bool     told;                 /* on_failure was run for it */
	char     later_sender[PARK_SENDER_MAX + 1];   /* whose MAIL got a 4xx last; "" */
	int64_t  rate_next;            /* ms since 1970: max_rate allows no message before */
	int64_t  warned;               /* when the log was last told that a certificate runs out */
	int64_t  apart;                /* when the server was last seen not to bear a transaction that
	                                * begins before a content is answered; 0 */
	char     senders_of[65];       /* fingerprint of the configuration that these met with: */
	struct parked_sender senders[PARK_SENDERS];   /* own */
	size_t   sender_count;
};
void park_release(struct park *p);

/* Reads it; a file that is absent or damaged is PARK_NONE.  -1: ERR_STORE. */
int  park_read(struct spool *s, const char *account, struct park *out, struct err *e);

/* Changes it under the lock: change() gets what is there and leaves what shall
 * be.  Not synced: losing it costs one login.  -1: ERR_STORE. */
int  park_change(struct spool *s, const char *account,
	void (*change)(struct park *p, void *context), void *context, struct err *e);

/* Whether nothing may be tried now: parked, the moment not come (by the rules of
 * schedule_due), and the configuration still the same. */
bool park_blocks(const struct park *p, const struct retry_settings *set, const char *fingerprint,
	int64_t now);

/* Parks it: kind, cause, reason; until by schedule_wait(steps).  While it is parked
 * already that is no further step: sessions that were open together fail
 * together.  A changed configuration begins anew with the first step. */
void park_set(struct park *p, enum park_kind kind, const char *cause, const char *reason,
	const char *fingerprint, const struct retry_settings *set, uint32_t random, int64_t now);
void park_clear(struct park *p);      /* a success: all but rate_next, warned, apart and the senders */

/* ---- senders */

/* Parks one sender, as park_set() does the account.  Of more than PARK_SENDERS the
 * one whose moment comes first is forgotten. */
void park_sender_set(struct park *p, const char *address, const char *cause, const char *reason,
	const char *fingerprint, const struct retry_settings *set, uint32_t random, int64_t now);

/* What keeps the account from being used for that sender now; NULL: nothing. */
const struct parked_sender *park_sender_blocks(const struct park *p, const char *address,
	const struct retry_settings *set, const char *fingerprint, int64_t now);

void park_sender_clear(struct park *p, const char *address);   /* it was taken */

/* ---- connections */

struct slot;
/* One of `most` connections.  1: taken; 0: all are; -1: ERR_STORE. */
int  slot_take(struct spool *s, const char *account, long most, struct slot **slot, struct err *e);
void slot_free(struct slot **slot);

/* ---- rate */

/* How long, in ms, until the next place may be taken; 0: now. */
long rate_wait(const struct park *p, long interval_ms, int64_t now_ms);

/* Takes the next place at `interval_ms` (0: no limit) between two messages.
 * Returns 0, or how many ms to wait before asking again; -1: ERR_STORE. */
long rate_take(struct spool *s, const char *account, long interval_ms, int64_t now_ms,
	struct err *e);

#endif
