/* deliver/submit_state.h - the inside of a submission, shared by its files only.
 *
 * submit.c         the run: account, input, the end
 * submit_session.c the session that carries the message
 * submit_plan.c    what is to be done with it: sent, stored, handed over
 * submit_store.c   the queue: storing, reporting, who goes on behind us
 */
#ifndef DELIVER_SUBMIT_STATE_H
#define DELIVER_SUBMIT_STATE_H

#include "base/digest.h"
#include "deliver/session.h"
#include "deliver/submit.h"
#include "queue/park.h"
#include "queue/spool.h"

enum plan {
	PLAN_NONE,         /* the account is not yet known */
	PLAN_SEND,         /* now; what cannot be sent is stored, unless it was asked otherwise */
	PLAN_STORE,        /* not now */
	PLAN_HAND_OVER     /* to the system's runner: its answer is final */
};

struct run {
	struct loop loop;
	const struct config *config;          /* borrowed */
	bool configured;                      /* it could be loaded */
	const struct submit_options *o;       /* borrowed */
	struct submission *out;               /* borrowed */
	struct intake intake;
	struct session *session;              /* own */
	struct watch input, stop, idle, again;
	char *piece;                          /* own; PIECE octets */
	struct buf sender;                    /* own; -f in envelope form */
	struct buf bare_sender;               /* own; the same, a bare name left bare */
	bool complete;           /* the input is at its end */
	bool submitted;          /* the message was handed to the session */
	bool late;               /* ... or will be, to the next one: this one just ended */
	bool session_ended;      /* session_over() is on its way */
	bool session_dead;       /* no further session: the failure stands */
	bool stumbled_once, tired, over;   /* tired: the server would not wait for a slow writer */

	char refused[DIGEST_HEX + 1];         /* the access token that a server refused; "" */
	char warning[SESSION_WARNING];        /* of the sessions so far; "" */
	struct timespec since;                /* when the first began; 0: none did */

	enum plan plan;
	bool taken_in;                        /* the message is whole, and fit to be stored */
	char *queue;                          /* own; path; NULL: no place for one */
	struct spool *spool;                  /* own; NULL: not open */
	struct slot *slot;                    /* own; our connection among those of all processes */
	struct err no_spool;                  /* why there is none */
	bool busy;                            /* all connections are taken */
	bool stands_in;                       /* the account is another one's fallback */
	struct smtp_handover handover;
	char token[33];
	uint64_t handed_over;                 /* clock_ms(): when that was first tried */
	unsigned char *known;                 /* own; enum smtp_verdict: what earlier tries told of
	                                       * each recipient that still stands; NULL */
	bool unsure;                          /* ... and of some it is UNKNOWN */
};

/* ---- submit.c */

void run_finish(struct run *r);       /* all is known: the loop ends */

/* ---- submit_session.c */

/* Connects for the account that was chosen, while the input is still read. */
void carry_start(struct run *r, enum smtp_pipelining pipelining);
/* The message is whole and dressed: it goes, by that connection or a new one. */
void carry_message(struct run *r);
void carry_nobody(struct run *r);     /* it never came to a transaction */

/* ---- submit_plan.c */

/* The account is known (or, kind of *trouble not ERR_NONE, cannot be): decides
 * the plan.  -1: ERR_RIGHT, ERR_SYSTEM. */
int  plan_make(struct run *r, const struct err *trouble, struct err *e);
int  plan_delivery(const struct run *r);   /* enum delivery */
/* Opens the queue, once; false: r->no_spool says why not. */
bool plan_spool(struct run *r);
/* What the runner is told beside the message. */
int  plan_handover(struct run *r, struct err *e);
/* Whether it is worth asking the runner again, and when. */
bool plan_again(struct run *r, uint64_t *when);

/* ---- submit_store.c */

/* What is not sent goes to the queue, what was refused is reported, trouble of
 * the account is noted: out->outcome is ready to be settled. */
void store_rest(struct run *r);
/* Others who wait for this account go out behind us, in the background. */
void store_follow(struct run *r);

#endif
