/* deliver/cause_row.h - what a row of the table of causes holds, for cause.c, which
 * matches, and cause_table.c, which is the data.
 */
#ifndef DELIVER_CAUSE_ROW_H
#define DELIVER_CAUSE_ROW_H

#include "deliver/cause.h"

/* Sets of steps. */
enum {
	AT_ANY = 0,
	AT_OPEN = 1 << STEP_GREETING | 1 << STEP_EHLO | 1 << STEP_LHLO | 1 << STEP_HELO,
	AT_EHLO = 1 << STEP_EHLO,
	AT_LHLO = 1 << STEP_LHLO,
	AT_HELO = 1 << STEP_HELO,
	AT_STARTTLS = 1 << STEP_STARTTLS,
	AT_AUTH = 1 << STEP_AUTH,
	AT_MAIL = 1 << STEP_MAIL,
	BEFORE_RCPT = AT_OPEN | AT_STARTTLS | AT_AUTH | AT_MAIL,
	AT_RCPT = 1 << STEP_RCPT,
	AT_DATA = 1 << STEP_DATA,
	AT_DELIVERY = 1 << STEP_DELIVERY,
	AT_CONTENT = 1 << STEP_DATA | 1 << STEP_CONTENT | AT_DELIVERY
};

/* What a server says, by which a cause is known.  All that is named must fit. */
struct cause_sign {
	unsigned steps;            /* set of steps; AT_ANY */
	int least, most;           /* codes; 0 as the last: this is no sign */
	const char *enhanced;      /* "5.7.8", or a beginning with its dot: "5.6."; "-": none was
	                            * said; NULL: any */
	const char *pattern;       /* in the server's words; NULL: any */
	const char *host;          /* end of the server's name; NULL: any */
};
/* In each of the texts "a|b" is one or the other.  In a pattern "a*b" is a with b
 * somewhere behind it; it is case-free, and addresses in what was said count for
 * nothing.  A host ends in whole labels. */

enum { CAUSE_SIGNS = 5, CAUSE_PART_MAX = 80 };

struct cause_row {
	struct cause cause;
	enum err_kind kind;        /* it is what this kind of err means; ERR_NONE */
	const char *host;          /* ... when the server is that; NULL: any */
	bool named;                /* only err.cause and smtp_result.cause name it */
	unsigned with, without;    /* sets of enum smtp_standing: what the session must, and must
	                            * not, have come to for a sign to count */
	struct cause_sign signs[CAUSE_SIGNS];   /* one of them is enough */
};

/* Tried from the top: what is more special stands first. */
extern const struct cause_row cause_rows[];
extern const size_t cause_row_count;

#endif
