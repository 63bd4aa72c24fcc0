/* mail/scan.h - the words and signs of an address list, RFC 5322 section 3.2.
 *
 * Internal to mail/address*.c.  Blanks, folds and comments are skipped between
 * tokens; nothing is copied, a token is a span of the text.
 */
#ifndef MAIL_SCAN_H
#define MAIL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "mail/address.h"

enum token_kind {
	TOKEN_END,
	TOKEN_ATOM,      /* a run of anything that is no sign; dots are part of it */
	TOKEN_QUOTED,    /* with its quotes */
	TOKEN_LITERAL,   /* with its square brackets */
	TOKEN_SIGN       /* one of < > @ , ; : - see token.sign */
};

struct token {
	enum token_kind kind;
	char   sign;
	size_t start, end;
	bool   spaced;        /* blanks (not only a comment) stand before it */
};

struct scan {
	const char  *text;    /* borrowed */
	size_t       len, at;
	struct token now;
	bool         comment;                    /* comments stood before `now` */
	size_t       comment_start, comment_end; /* of the first and the last of them */
};

/* Refuses NUL and line ends that are no folds, and reads the first token. */
int scan_start(struct scan *s, const char *text, size_t len, enum address_place place,
	struct err *e);
int scan_next(struct scan *s, struct err *e);
bool scan_at_sign(const struct scan *s, char sign);

/* ERR_MESSAGE with the text, cleaned and cut, in front of why. */
int scan_fail(const char *text, size_t len, struct err *e, const char *why);

/* No control character and no angle bracket: what may stand in an address. */
bool scan_is_harmless(const char *text, size_t len);

#endif
