/* mail/report.h - telling a sender what became of a message: RFC 3464 inside
 * multipart/report (RFC 6522).
 *
 * Pure.  A report comes from the null sender, is marked Auto-Submitted:
 * auto-replied (RFC 3834), and is never made about another report.
 */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "mail/envelope.h"

enum report_action { REPORT_FAILED, REPORT_DELAYED };

struct report_recipient {
	const char *address;      /* envelope form */
	const char *original;     /* as the sender named it; NULL: the same */
	int  code;                /* of the server's answer; 0: none */
	const char *enhanced;     /* "5.1.1"; "" or NULL: one is derived (RFC 3463) */
	const char *text;         /* the answer (its code may stand in front) or the reason; NULL */
	int64_t when;             /* of it */
	bool unsure;              /* an earlier try may have delivered it */
};

struct report {
	enum report_action action;
	const char *host;         /* that reports; Reporting-MTA and the From domain */
	const char *server;       /* that answered, Remote-MTA; NULL */
	const char *to;           /* envelope form; several separated by ", " */
	const char *date;         /* RFC 5322 date-time of the report */
	const char *arrival;      /* ... of the message */
	const char *until;        /* ... when it will be given up; REPORT_DELAYED */
	const char *message_id;   /* of the report, with angle brackets */
	const char *boundary;     /* random; something is added if it occurs in the message */
	const char *id;           /* the queue's id of the message; NULL: it was never queued */
	const char *next;         /* one next step in plain words; NULL */
	const struct dsn *dsn;    /* ENVID and RET of the message */
	const struct report_recipient *recipients;
	size_t count;
	const char *header;       /* of the message, CRLF lines, without the empty line */
	size_t header_len;
	const char *body;         /* NULL, or with a line of more than 998 octets: only the
	                           * header is quoted (text/rfc822-headers) */
	size_t body_len;
};

/* Header and body, CRLF lines, with the empty line between; *header_len tells
 * how many octets are header.  -1: ERR_MESSAGE (out too small). */
int report_write(const struct report *r, struct buf *out, size_t *header_len, struct err *e);

/* RFC 3463 status for an answer that came without one: "5.0.0", "4.4.1", ... */
const char *report_status(int code, const char *enhanced, bool expired);

#endif
