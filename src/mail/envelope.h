/* mail/envelope.h - who sends, who receives: not the header's affair.
 *
 * Pure.  Addresses are kept in the form of address_write(); each recipient
 * stands once, in the order of its first mention.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum dsn_ret { DSN_RET_UNSET, DSN_RET_FULL, DSN_RET_HDRS };
enum dsn_notify {
	DSN_UNSET = 0, DSN_NEVER = 1, DSN_SUCCESS = 2, DSN_FAILURE = 4, DSN_DELAY = 8
};

/* What the sender asks of delivery reports, RFC 3461. */
struct dsn {
	enum dsn_ret ret;
	unsigned     notify;    /* set of enum dsn_notify */
	char        *envid;     /* own; before xtext; NULL: none */
};

struct envelope {
	char  *sender;          /* own; "" is the null sender, NULL: nobody said */
	char **recipients;      /* own */
	size_t count, cap;
	struct dsn dsn;
	size_t *index;          /* own; hash of the recipients */
	size_t index_size;
};

void envelope_release(struct envelope *env);
void envelope_set_sender(struct envelope *env, const char *address);   /* copies */

/* Adds one address in envelope form; false if it was there already. */
bool envelope_add(struct envelope *env, const char *address);
bool envelope_has(const struct envelope *env, const char *address);

/* Adds every mailbox of a word of the command line.  -1: ERR_MESSAGE; an empty
 * word adds nothing. */
int envelope_add_word(struct envelope *env, const char *word, const char *default_domain,
	struct err *e);

/* Adds what -t takes: the addresses of To, Cc and Bcc; or, when the block has
 * any Resent-To, Resent-Cc or Resent-Bcc, those of the first (newest) Resent
 * block only (RFC 5322 section 3.6.6).  Returns how many addresses the fields
 * named, duplicates included, or -1: ERR_MESSAGE naming the field. */
long envelope_add_header(struct envelope *env, const char *block, size_t len,
	const char *default_domain, struct err *e);

/* "never" (or "none"), or a comma list of success, failure, delay; "full" or "hdrs".
 * -1: ERR_USAGE. */
int dsn_parse_notify(const char *text, unsigned *notify, struct err *e);
int dsn_parse_ret(const char *text, enum dsn_ret *ret, struct err *e);
/* One set for all recipients: the most talkative of what was asked for each, so that
 * nobody's failure stays untold.  first: of the message's recipients. */
void dsn_add_notify(struct dsn *d, unsigned notify, bool first);
/* RFC 3461: at most 100 octets as xtext, printable ASCII. */
int dsn_parse_envid(const char *text, char **envid, struct err *e);

#endif
