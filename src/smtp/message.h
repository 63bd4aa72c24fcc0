/* smtp/message.h - a message on its way through a session, and what became of
 * each recipient.
 *
 * Pure.  `result` is one of the two kinds of bad news: what a server said.
 */
#ifndef SMTP_MESSAGE_H
#define SMTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "mail/envelope.h"

struct smtp_capabilities;

/* The steps of the dialogue; each command sent is one, and so is the greeting. */
enum smtp_step {
	STEP_GREETING, STEP_EHLO, STEP_LHLO, STEP_HELO, STEP_STARTTLS, STEP_AUTH, STEP_MAIL,
	STEP_RCPT, STEP_DATA, STEP_CONTENT,
	STEP_DELIVERY,       /* in results only: what LMTP answers to the content for one recipient */
	STEP_RSET, STEP_QUIT, STEP_ASK, STEP_COUNT
};

enum smtp_verdict {
	VERDICT_PENDING,     /* nothing known yet */
	VERDICT_DELIVERED,   /* the server took responsibility */
	VERDICT_TRY_LATER,   /* refused for now, or not reached */
	VERDICT_REFUSED,     /* refused for good */
	VERDICT_UNKNOWN,     /* the content was sent, its reply never came */
	VERDICT_NOT_SENT,    /* accepted, but the message was taken back for others' sake */
	VERDICT_WELCOME      /* of a trial: would have been accepted */
};

/* What a session had come to when something was said in it. */
enum smtp_standing {
	SMTP_ENCRYPTED = 1, SMTP_LOGGED_IN = 2,
	SMTP_BY_TOKEN = 4   /* the login is, or was, by an access token */
};

struct smtp_result {
	enum smtp_verdict verdict;
	enum smtp_step step;      /* where it was said */
	int   code;               /* 0: no server said it */
	unsigned standing;        /* when code is not: set of enum smtp_standing */
	char  enhanced[16];
	char *text;               /* own; code and words, cleaned; or why without a server; NULL */
	enum err_kind kind;       /* when code is 0: what kind of failure */
	const char *cause;        /* the row of the table of causes that we know of, whoever said it,
	                           * unless a more special one fits; a literal; NULL */
	char *hint;               /* own; a next step, where one is known that well; NULL */
};

void smtp_result_release(struct smtp_result *r);

/* The words of a step: "while sending MAIL FROM". */
const char *smtp_step_doing(enum smtp_step step);

/* What one sendoff tells another behind XSENDOFF; sent as parameters of MAIL, in
 * xtext.  NULL, 0 and false are not sent. */
struct smtp_handover {
	const char *account;      /* XACCOUNT: that was asked for */
	const char *name;         /* XNAME: display name for a From that has to be added */
	bool        no_sender;    /* XNOSENDER: the sender is whoever the peer is */
	int64_t     hold;         /* XHOLD: not before that moment, seconds since 1970 */
	char        errors;       /* XERR: 'm', 'p' or 'q' */
	const char *tag;          /* XTAG */
	const char *token;        /* XTOKEN: 32 hexadecimal digits */
};

struct smtp_message {
	const char *sender;                 /* borrowed; envelope form, "" is the null sender */
	char *const *recipients;            /* borrowed */
	size_t count;
	const struct dsn *dsn;              /* borrowed */
	uint64_t size;                      /* octets of content, CRLFs counted, dots not (RFC 1870) */
	bool eight_bit;                     /* content has octets above 127 */
	bool utf8;                          /* an address in its header needs SMTPUTF8 */
	bool trial;                         /* MAIL, RCPT and then RSET: no content ever, not even
	                                     * DATA; there may be no recipient at all */
	bool all_or_nothing;                /* content waits for every RCPT reply; one recipient
	                                     * refused for now and nobody gets it */

	/* Content: reads up to len octets at offset; 0 at the end, -1 and *e. */
	ssize_t (*read)(void *context, uint64_t offset, char *data, size_t len, struct err *e);
	/* Called once, when every recipient has a verdict: inside the very call
	 * that took the server's reply in.  More may be submitted in it. */
	void (*done)(void *context, struct smtp_message *m);
	/* Both may be NULL.  ready: the content of a transaction goes out next, nothing
	 * of it was read yet, and accepted are the recipients that the server will have
	 * if it takes it.  Their RCPTs are answered; only the recipient of a message
	 * that has no other may be asked for together with BDAT.  taken: a server took a
	 * content, inside the very call that took its reply in and before anything
	 * else: the accepted are DELIVERED by then, the words of their results follow.  With
	 * LMTP it is called for each of them whom the server took it for, one at a time. */
	void (*ready)(void *context, struct smtp_message *m, const size_t *accepted, size_t count);
	void (*taken)(void *context, struct smtp_message *m);
	/* May be NULL.  Called once a session, before the first MAIL, when it is known what
	 * this server offers: makes the content such that the server can take it, by
	 * changing size, eight_bit, utf8 and what read() gives.  -1 and *e: it cannot;
	 * ERR_CAPABILITY refuses the message for good, anything else for now. */
	int (*fit)(void *context, struct smtp_message *m, const struct smtp_capabilities *c,
		struct err *e);
	void *context;

	const struct smtp_handover *handover;   /* borrowed; NULL; only where XSENDOFF is offered */

	struct smtp_result *results;        /* borrowed; count of them, all zero at the start */
	struct smtp_result content;         /* own; the reply to the last content, 250 included
	                                     * (LMTP: of its replies a 250, if there is one);
	                                     * of a trial: to MAIL */
	struct smtp_message *next;          /* the engine's */
};

#endif
