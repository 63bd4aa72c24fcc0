/* cred/oauth_trouble_table.h - the rows behind oauth_trouble(): which refusal is which.
 *
 * Pure data.  Errors of RFC 6749 section 5.2 and RFC 8628 section 3.5, Microsoft's numbers,
 * Google's words.
 */
#ifndef CRED_OAUTH_TROUBLE_TABLE_H
#define CRED_OAUTH_TROUBLE_TABLE_H

#include "cred/oauth_talk.h"

/* Who is meant: any, or only a program that signs for a user, or that is one itself. */
enum oauth_whose { OF_ANY, OF_SERVICE, OF_CLIENT };

struct oauth_trouble_row {
	long code;                   /* Microsoft's AADSTS number; of a status: its own; 0: any */
	const char *errors;          /* "a|b" is one or the other; NULL: any */
	const char *words;           /* likewise, in the description, case-free; NULL: any */
	const char *provider;        /* its id, for words that others use too; NULL: any */
	enum oauth_whose whose;
	enum oauth_outcome outcome;
	const char *cause;           /* a row of deliver/cause_table; NULL: it goes on */
};

/* Tried from the top; outcome OAUTH_GRANTED, which no refusal is, ends each of them. */
extern const struct oauth_trouble_row oauth_refusals[];
/* By the HTTP status alone, where it says no more. */
extern const struct oauth_trouble_row oauth_statuses[];
/* What is left, with words and without; and a server in trouble. */
extern const struct oauth_trouble_row oauth_refused, oauth_strange_answer, oauth_in_trouble;

#endif
