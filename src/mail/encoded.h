/* mail/encoded.h - writing header fields that cannot stay as they are: encoded
 * words (RFC 2047) and folding.
 *
 * Pure.  A field is written word by word.  An encoded word has at most 75 octets
 * and whole characters only; a line that holds one has at most 76 octets, and so
 * have the others where there is a blank to fold them at.  What is not UTF-8 is
 * called "unknown-8bit" (RFC 1428): nobody knows what it is, and a guess would
 * show wrong letters with great confidence.
 */
#ifndef MAIL_ENCODED_H
#define MAIL_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct fold {
	struct buf *out;      /* borrowed */
	size_t column;        /* octets of the line so far */
};

/* "Name:"; what follows begins with a blank. */
void fold_begin(struct fold *f, struct buf *out, const char *name, size_t len);
/* Blanks and the word behind them; a fold goes before the blanks, if there are any. */
void fold_word(struct fold *f, const char *gap, size_t gap_len, const char *word, size_t len);
/* Text as it is, with folds at its blanks. */
void fold_words(struct fold *f, const char *text, size_t len);
/* As fold_word(), the word being text that is written as encoded words. */
void fold_encoded(struct fold *f, const char *gap, size_t gap_len, const char *text, size_t len);
void fold_end(struct fold *f);

enum encoded_place {
	ENCODED_IN_TEXT,      /* Subject, Comments and all that nobody knows */
	ENCODED_IN_COMMENT    /* between parentheses: a backslash takes the next octet with it */
};

/* Text (without line ends) with its words that must be encoded as encoded words, all
 * others as they are.  Blanks at the end are left out. */
void fold_text(struct fold *f, enum encoded_place place, const char *text, size_t len);

enum { ENCODED_WORD_MOST = 900 };   /* octets without a blank; more would not fit into a line */

bool encoded_is_needed(const char *word, size_t len);   /* octets above 127, or a word too long */
bool encoded_is_one(const char *word, size_t len);      /* "=?...?.?...?=" */
const char *encoded_charset(const char *text, size_t len);   /* "UTF-8" or "unknown-8bit" */

#endif
