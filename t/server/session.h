/* t/server/session.h - one dialogue of the test server.
 *
 * session.c   greeting, the loop over commands, answers with their faults
 * commands.c  HELO, EHLO, LHLO, STARTTLS, RSET, NOOP, VRFY, EXPN, HELP, QUIT
 * mailing.c   MAIL, RCPT; parameters.c reads what follows the path
 * receive.c   DATA, BDAT
 * login.c     AUTH
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "t/server/content.h"
#include "t/server/wire.h"

struct session {
	const struct options *opt;    /* borrowed */
	struct wire *wire;            /* borrowed */
	bool over;                    /* the dialogue has ended */
	bool dropped;                 /* at once, without a goodbye */

	bool hello;                   /* EHLO or HELO was accepted since the start or TLS */
	struct buf offered;           /* own; the EHLO reply, as it was sent */
	char *user;                   /* own; logged in as */
	const char *mechanism;
	uint64_t auth_group_end;      /* octets up to here came along with a refused AUTH */

	bool mail_tried;              /* a MAIL was seen in this transaction */
	struct buf mail;              /* own; the accepted MAIL line; empty: none */
	struct buf recipients;        /* own; the accepted RCPT lines */
	unsigned recipient_count;
	bool eight_bit, utf8;         /* BODY=8BITMIME, SMTPUTF8 */
	bool sized;
	uint64_t size;                /* SIZE= */
	bool chunking;                /* a BDAT was seen */
	bool chunk_failed;            /* a BDAT was refused: only RSET helps */
	struct content content;
};

void session_run(struct wire *w);

/* Whether the EHLO reply in force has a keyword. */
bool session_offers(const struct session *s, const char *keyword);
/* Whether it offers a mechanism. */
bool session_offers_login(const struct session *s, const char *mechanism);

/* The fault that acts at a point now; noted in the journal. */
const struct fault *session_fault(struct session *s, const char *point, const char *address);

/* Answers one command: code, enhanced code (NULL: none; only sent when offered)
 * and text; f decides what really happens. */
void session_say(struct session *s, const struct fault *f, unsigned code, const char *enhanced,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for a reply that is complete, CRLF included. */
void session_answer(struct session *s, const struct fault *f, const struct buf *reply);

/* Notes that the client broke a rule.  Returns whether it is to be refused. */
bool session_violation(struct session *s, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes it and answers 500 unless it is allowed: true when it was answered. */
bool session_punish(struct session *s, const struct fault *f, const char *id, const char *what);

/* Whether octets wait behind the command just taken that must not: answered. */
bool session_pushes(struct session *s, bool must_be_last);

/* Says what the fault has to say behind something, if that is what it does. */
void session_inject(struct session *s, const struct fault *f);

/* Reads on without an answer until the client goes. */
void session_be_silent(struct session *s);

void session_clear_transaction(struct session *s);

/* Reads " NAME=VALUE NAME" behind the path of MAIL or RCPT and notes what counts.
 * false: something is wrong and has been answered. */
bool session_parameters(struct session *s, const struct fault *f, const char *text, bool of_mail);

/* Commands: line is what follows the verb and one blank, without CRLF. */
typedef void session_command(struct session *s, char *line);
session_command session_helo, session_ehlo, session_lhlo, session_starttls, session_rset, session_noop,
	session_vrfy, session_expn, session_help, session_quit, session_mail, session_rcpt,
	session_data, session_bdat, session_auth;

#endif
