/* deliver/message.h - one message from the first octet that a caller writes to
 * the content that a server gets.
 *
 * Intake happens once: octets in, repaired, header fixed, envelope made.  What
 * it leaves is what stays the same for every attempt; message_dress() then
 * makes the header for one attempt by one account.
 */
#ifndef DELIVER_MESSAGE_H
#define DELIVER_MESSAGE_H

#include "base/spill.h"
#include "deliver/account.h"
#include "mail/envelope.h"
#include "mail/repair.h"
#include "smtp/message.h"

enum { RECEIVED_MOST = 30 };   /* Received fields; more is a loop */

/* How the caller wants it taken in. */
struct intake {
	bool dot_ends;               /* a line of a single dot is the end */
	bool from_header;            /* -t */
	const char *full_name;       /* -F; NULL */
	const char *domain;          /* for bare names */
	const char *id_domain;       /* right side of a Message-ID; NULL: domain */
};

struct message {
	struct repair *repair;       /* own; while it is read */
	struct buf header;           /* own; after message_finish(): fixed, CRLF, no empty line */
	struct spill body;           /* own */
	struct repair_facts facts;
	struct envelope envelope;    /* own; sender as the caller gave it, or NULL */
	char *login;                 /* own; the login name, qualified: sender where none was given */
	char message_id[160];        /* as in the header, for the log; "" when it has none */
};

void message_init(struct message *m, const struct intake *in);
void message_release(struct message *m);

/* Takes octets as the caller writes them.  1: the lone dot, nothing more
 * counts; 0; -1: ERR_MESSAGE, ERR_STORE. */
int  message_feed(struct message *m, const char *data, size_t len, struct err *e);

/* The From header as far as it is read, in envelope form, for the choice of
 * the account.  False: the header is not whole yet, and the input not at_end. */
bool message_from(const struct message *m, const char *domain, bool at_end, struct buf *out);

/* The input is at its end: recipients of -t, Bcc out, Date, Message-ID and From
 * in.  -1: ERR_MESSAGE (an address, too many Received), ERR_USAGE (nobody to
 * send it to), ERR_STORE. */
int  message_finish(struct message *m, const struct intake *in, struct err *e);

/* What one attempt sends: the header in the account's name. */
struct attempt {
	const struct message *message;   /* borrowed */
	struct buf header;               /* own; with its empty line */
	const char *sender;              /* borrowed from message or account */
	bool rewritten;                  /* From was changed */
	struct smtp_message smtp;        /* for smtp_submit(); results own */
};

int  attempt_dress(struct attempt *t, const struct message *m, const struct account *a,
	struct err *e);
void attempt_release(struct attempt *t);

#endif
