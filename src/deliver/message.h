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
#include "mail/aliases.h"
#include "mail/envelope.h"
#include "mail/repair.h"
#include "smtp/message.h"

enum { RECEIVED_MOST = 30 };   /* Received fields; more is a loop */

/* How the caller wants it taken in. */
struct intake {
	bool dot_ends;               /* a line of a single dot is the end */
	bool from_header;            /* -t */
	bool as_it_came;             /* -G: nothing is added to the header */
	const char *full_name;       /* -F; NULL */
	const char *login;           /* who hands it in; NULL: who runs us */
	const char *domain;          /* for bare names */
	const char *id_domain;       /* right side of a Message-ID; NULL: domain */
	const char *spill;           /* directory for what memory does not hold; NULL: TMPDIR */
	const char *received;        /* value of a Received field to be put on top; NULL */
};

/* A message as it was taken in, wherever it lies now: what attempts are made
 * from, and what the queue stores. */
struct letter {
	const char *header;          /* borrowed, as all here; CRLF lines, without the empty line */
	size_t header_len;
	uint64_t body_size;
	ssize_t (*read)(const void *where, uint64_t offset, char *data, size_t len, struct err *e);
	const void *where;           /* of the body */
	const char *spill;           /* directory for what memory does not hold; NULL: TMPDIR */
	const char *sender;          /* as given; "" the null sender; NULL: none */
	const char *login;           /* qualified; stands in for a sender */
	char *const *recipients;
	size_t count;
	const struct dsn *dsn;
	bool eight_bit_header, eight_bit_body;
	uint64_t longest_line;
};

struct message {
	struct repair *repair;       /* own; while it is read */
	struct buf header;           /* own; after message_finish(): fixed, CRLF, no empty line */
	struct spill body;           /* own */
	struct repair_facts facts;
	struct envelope envelope;    /* own; sender as the caller gave it, or NULL */
	char **originals;            /* own; what each recipient was before message_expand(); NULL
	                              * entries: the same; NULL: not expanded */
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

/* Local names become addresses: aliases, admin, the default domain.  Until then
 * bare names are bare.  -1: ERR_CONFIG (a loop), ERR_MESSAGE. */
int  message_expand(struct message *m, const struct alias_rules *rules, struct err *e);
/* The same for one recipient, whose addresses are known: before message_finish(). */
void message_add_recipient(struct message *m, const char *address, const char *original);
bool message_is_local(const struct message *m, const struct alias_rules *rules);

/* The address in From, envelope form, after message_finish(). */
void message_sender_of_header(const struct message *m, const char *domain, struct buf *out);

void message_letter(const struct message *m, struct letter *out);

/* What one attempt sends: the header in the account's name, and all of it as the server
 * at hand can take it (deliver/fit). */
struct attempt {
	struct letter letter;            /* what it points to is borrowed */
	struct buf header;               /* own; with its empty line */
	const char *sender;              /* borrowed from letter or account */
	bool rewritten;                  /* From was changed */
	struct smtp_message smtp;        /* for smtp_submit(); results own */
	bool fitted;                     /* fit_header goes instead of header */
	struct buf fit_header;           /* own; with its empty line */
	bool recoded;                    /* fit_body goes instead of the letter's */
	struct spill fit_body;           /* own, if recoded */
};

int  attempt_dress(struct attempt *t, const struct letter *l, const struct account *a,
	struct err *e);
void attempt_release(struct attempt *t);

/* The content as it is to be sent, for smtp_message.read. */
ssize_t attempt_read(const struct attempt *t, uint64_t offset, char *data, size_t len,
	struct err *e);

#endif
