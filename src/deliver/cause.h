/* deliver/cause.h - the one table of what went wrong: which exit code it ends
 * in, its cause in plain words, and the next step.
 *
 * Both kinds of bad news meet here: an err (we could not) and a result (what a
 * server said).  Each row has a stable id that scripts may rely on; no two rows
 * share a text.  No other code speaks of exit codes.
 */
#ifndef DELIVER_CAUSE_H
#define DELIVER_CAUSE_H

#include "base/err.h"
#include "queue/park.h"
#include "smtp/message.h"

/* Whose affair it is, and so what waits for what: this is the list of what is
 * queued, what is parked and what is given up. */
enum concern {
	CONCERNS_CALLER,      /* usage, the input, this machine: never stored, never parked */
	CONCERNS_RECIPIENT,   /* 4xx: that recipient waits; 5xx: refused for good */
	CONCERNS_MESSAGE,     /* the same for all of the message */
	CONCERNS_SENDER,      /* stored even for 5xx: mail of that sender by that account waits */
	CONCERNS_ACCOUNT      /* stored even for 5xx: the account is parked */
};

struct cause {
	const char *id;      /* "login-refused" */
	int exit;            /* sysexits; what --no-queue and check end with */
	enum concern concern;
	enum park_kind park; /* how the account is parked; PARK_NONE: it is not */
	bool here;           /* nobody but this machine was asked, and that is quickly done: a parked
	                      * account is tried again for each new message */
	bool stays;          /* a try too many does harm: a parked account is not tried again before
	                      * something changes, or an operator asks */
	const char *words;   /* the cause in plain language */
	const char *next;    /* one next step; NULL: none that is always right */
};

/* Never NULL.  host: the server's name, for what is known of providers. */
const struct cause *cause_of_err(const struct err *e);
const struct cause *cause_of_result(const struct smtp_result *r, const char *host);

/* By its id, as queue files keep it; NULL: none of that name. */
const struct cause *cause_named(const char *id);

/* Whether it ends the matter for whomever it concerns: a permanent refusal of a
 * recipient, of the content, of the message's size. */
bool cause_is_final(const struct cause *c, const struct smtp_result *r);

/* A local success. */
enum { CAUSE_EXIT_OK = 0 };

/* Exit code of a kind of err on its own, where no err is at hand. */
int cause_exit_of_kind(enum err_kind kind);

/* Several causes: the one that counts more (70 before 71, 74, 73, 78, 77, 76,
 * 69, 68, 67, 65, 66, 64, 75). */
int cause_worse(int a, int b);

/* 69: a later transaction failed after an earlier one was accepted. */
int cause_exit_partly(void);
/* 75: nobody got it, all may be sent again. */
int cause_exit_again(void);

/* Whether the same may be given again later: nobody got it, and what is in the way
 * is not the message. */
bool cause_exit_passes(int exit);

/* The rows in order, NULL at the end; and the codes with their meaning: what
 * manuals and tests are held against. */
const struct cause *cause_row(unsigned i);
struct cause_exit { int exit; const char *name, *meaning; };
const struct cause_exit *cause_exit_row(unsigned i);

#endif
