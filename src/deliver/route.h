/* deliver/route.h - which account carries a message, and as whom.
 */
#ifndef DELIVER_ROUTE_H
#define DELIVER_ROUTE_H

#include "deliver/config.h"

struct route {
	const struct account *account;   /* borrowed */
	char why[400];                   /* in words, for --explain and -v */
};

/* What the choice is made from; addresses in envelope form. */
struct route_question {
	const char *wanted;      /* -a; NULL */
	const char *sender;      /* -f; NULL: not given, "" the null sender */
	const char *from;        /* the From header; NULL: not yet known, "": none */
	const char *user;        /* whose message it is, for `users`; NULL: the one who runs us */
	uid_t uid;
};

enum route_answer { ROUTE_FOUND = 0, ROUTE_NOT_YET = 1, ROUTE_FAILED = -1 };

/* Order: -a, the envelope sender, the From header, the default account.  An
 * address fits an account by its `from` or `allowed_from` before any `match`
 * pattern; when several fit equally well the default account is taken if it is
 * among them.  ROUTE_NOT_YET: the header must be read first.  ROUTE_FAILED:
 * ERR_USAGE (no such account), ERR_CONFIG (several fit, or there is no
 * default), ERR_RIGHT (-a names one that is not this user's to select; for the
 * other ways such accounts are passed over). */
enum route_answer route_choose(const struct config *c, const struct route_question *q,
	struct route *out, struct err *e);

/* Whether that user may select this account (`users`; system accounts only): by
 * default everybody the default account, and root the others. */
bool route_may_use(const struct account *a, uid_t uid, const char *user);

/* Whether this account may send as that address. */
bool route_allows(const struct account *a, const char *address);

/* The envelope sender of an attempt (RFC 5321 section 4.1.1.2): what the caller
 * gave if the account may use it, else the account's address; the account's
 * address where the caller gave none.  The null sender and an account without
 * `from` leave all alone.  original: the caller's or, without one, the login
 * name; given: whether the caller gave one. */
const char *route_sender(const struct account *a, const char *original, bool given);

#endif
