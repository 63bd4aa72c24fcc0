/* smtp/engine.h - the client's side of a dialogue, bytes in, bytes out.
 *
 * Pure: sockets, clocks, TLS and secrets belong to the caller, who alternates
 *
 *     want = smtp_turn(s);               what the dialogue needs from the world
 *     out = smtp_output(s, &len);        octets to write, if any
 *     smtp_written(s, n);  smtp_received(s, data, n);
 *
 * Inside there is a queue of expected replies: each command sent joins it, each
 * whole reply answers the oldest.  Pipelining, one command at a time, and
 * several transactions in flight are the same path, with another answer to "may
 * the next command be sent now".  Several messages may be submitted; the next
 * one's commands ride behind the last one's content.  More recipients than the
 * server takes go in further transactions of the same session.
 *
 * With LMTP (RFC 2033) a content has one reply for each recipient that the server
 * accepted, each of them expected in the same queue.
 */
#ifndef SMTP_ENGINE_H
#define SMTP_ENGINE_H

#include "base/key.h"
#include "base/mask.h"
#include "sasl/sasl.h"
#include "smtp/capabilities.h"
#include "smtp/message.h"

enum smtp_pipelining { PIPELINING_STANDARD, PIPELINING_FULL, PIPELINING_OFF };
enum smtp_protocol { PROTOCOL_SMTP, PROTOCOL_LMTP };
enum smtp_tls { SMTP_TLS_OFF, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT,
	SMTP_TLS_OPPORTUNISTIC,   /* STARTTLS where the server does it, else in clear: no login */
	SMTP_TLS_UNSET };
/* As `tls` has it, and back: SMTP_TLS_UNSET for what is none. */
const char *smtp_tls_name(int mode);
int smtp_tls_find(const char *name);
/* Whether the dialogue begins in clear and STARTTLS follows. */
bool smtp_starts_tls(int mode);

struct smtp_settings {
	char *ehlo;               /* own; NULL: the caller finds a name */
	int   protocol;           /* enum smtp_protocol */
	int   tls;                /* enum smtp_tls */
	int   pipelining;         /* enum smtp_pipelining */
	bool  chunking;
	long  max_recipients;     /* of one transaction */
};
extern const struct key smtp_keys[];   /* protocol, tls, ehlo, pipelining, chunking, max_recipients */

enum smtp_direction { SMTP_SENT, SMTP_GOT, SMTP_NOTE };

struct smtp_options {
	const struct smtp_settings *settings;   /* borrowed, tls and pipelining decided */
	const struct sasl_settings *sasl;       /* borrowed */
	bool  login;                            /* this account logs in; no mail without it */
	bool  has_secret, has_certificate;      /* what there is to log in with */
	bool  has_token;                        /* ... and the secret is an access token */
	const char *ehlo;                       /* borrowed; a domain or an address literal */
	const char *host;                       /* borrowed; for OAUTHBEARER; the path of a socket,
	                                         * behind which XSENDOFF is believed */
	unsigned port;
	const char *nonce;                      /* borrowed; random, for SCRAM */
	sasl_prepare *prepare;                  /* for SCRAM; NULL: what needs it is refused */
	bool  apart;                            /* no transaction begins before the content of the one
	                                         * before is answered: this server does not bear it */
	/* One line of the dialogue, without its line end, secrets masked; raw
	 * octets otherwise: to be cleaned before it is shown.  May be NULL. */
	void (*trace)(void *context, enum smtp_direction direction, const char *line, size_t len);
	/* A whole reply to a command, before the engine acts on it; not the challenges of
	 * a login.  What a server repeats of a secret is overwritten; raw octets
	 * otherwise.  r is borrowed for the call.  May be NULL. */
	void (*answered)(void *context, enum smtp_step step, const struct smtp_reply *r);
	void *context;
};

struct smtp;

struct smtp *smtp_new(const struct smtp_options *options);
void smtp_free(struct smtp **sp);

enum smtp_want {
	SMTP_WANT_REPLY,      /* octets from the server, or room to write */
	SMTP_WANT_TLS,        /* a TLS handshake now; then smtp_tls_done() */
	SMTP_WANT_SECRET,     /* the secret of the account; then smtp_secret() */
	SMTP_WANT_MESSAGE,    /* idle: smtp_submit() or smtp_finish() */
	SMTP_WANT_RESPONSE,   /* what to answer to smtp_challenge() in a login whose responses are
	                       * made outside; then smtp_response() or smtp_no_response() */
	SMTP_ENDED,           /* all is said; what smtp_output() holds (QUIT) may be written
	                       * without waiting for an answer */
	SMTP_FAILED           /* see smtp_failure(); the connection is of no more use */
};

enum smtp_want smtp_turn(struct smtp *s);
const char *smtp_output(struct smtp *s, size_t *len);
void smtp_written(struct smtp *s, size_t len);
void smtp_received(struct smtp *s, const char *data, size_t len);

/* The world ended the dialogue: a deadline, a reset, the server closed.  Every
 * recipient without a verdict gets one: UNKNOWN where the whole content was
 * written and its reply is still awaited, else TRY_LATER.  Where the server had
 * answered for everybody (it refused MAIL, and closed behind it) that stands, and the
 * session has ended, not failed.  Harmless after SMTP_ENDED. */
void smtp_broken(struct smtp *s, const struct err *why);

void smtp_tls_done(struct smtp *s, const struct sasl_binding *binding, bool verified);
void smtp_secret(struct smtp *s, const struct secret *secret);   /* borrowed until smtp_free() */
/* What is overwritten wherever it would be told: the secret, and what the caller adds. */
struct mask *smtp_mask(struct smtp *s);
/* What the server says in a login whose responses are made outside, decoded: first of all
 * nothing, before AUTH is sent.  Borrowed until the response is given. */
const char *smtp_challenge(const struct smtp *s, size_t *len);
/* last: with it the server has proved who it is, and the mechanism has no more to say. */
void smtp_response(struct smtp *s, const void *data, size_t len, bool last);
void smtp_no_response(struct smtp *s, const struct err *why);    /* the login is given up */
void smtp_submit(struct smtp *s, struct smtp_message *m);        /* borrowed until done */
void smtp_finish(struct smtp *s);                                /* no more messages will come */

/* A command that stands by itself: VRFY, EXPN, HELP (RFC 5321 section 4.1.1) or any
 * other, asked when no message is being sent, behind the login where there is one.
 * What asks the server for more (3yz) ends the session. */
struct smtp_question {
	const char *line;              /* borrowed; without line end and control characters */
	void (*answered)(void *context, struct smtp_question *q, const struct smtp_reply *r);
	void *context;
	struct smtp_question *next;    /* the engine's */
};
void smtp_ask(struct smtp *s, struct smtp_question *q);          /* borrowed until it is answered
	                                                          * or the session over */

/* What the oldest expected reply answers: the step that a deadline belongs to. */
enum smtp_step smtp_waiting_for(const struct smtp *s);
/* How many whole replies have come: a measure of progress that no server can
 * stretch octet by octet. */
uint64_t smtp_replies(const struct smtp *s);
/* Whether a reply has begun that is not whole. */
bool smtp_reply_begun(const struct smtp *s);
/* What was submitted and is not done: what a deadline of the whole may count. */
struct smtp_load {
	size_t messages, recipients;
	uint64_t octets;               /* of content */
	uint64_t done;                 /* messages that were, in the whole session */
};
const struct smtp_load *smtp_load(const struct smtp *s);
/* It has ended or failed: a message submitted now is told so by the next turn. */
bool smtp_over(const struct smtp *s);
/* Content is being written: the deadline belongs to its progress. */
bool smtp_sending_content(const struct smtp *s);
/* An answer is awaited that a server which discards pipelined commands will
 * never give: worth a short deadline, then another try without. */
bool smtp_may_stumble(const struct smtp *s);

struct smtp_failure {
	struct err err;                /* kind ERR_NONE: the server said it, see result */
	struct smtp_result result;
	bool rode;                     /* perhaps over a transaction behind a content: try again with
	                                * `apart` */
	bool stumbled;                 /* over AUTH in a pipelined group: nothing was sent, try
	                                * again with PIPELINING_STANDARD */
};
const struct smtp_failure *smtp_failure(const struct smtp *s);
const struct smtp_capabilities *smtp_capabilities(const struct smtp *s);
const char *smtp_mechanism(const struct smtp *s);   /* that logged in, or NULL */
const char *smtp_chosen(const struct smtp *s);      /* that was chosen for it, or NULL */

#endif
