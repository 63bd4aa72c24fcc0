/* cred/token_text.h - a token as the text of its file: a flat JSON object, its version first
 * (sendoff-token(5) has the names).  Without the secrets, where a keyring has them.
 *
 * Pure.  Secrets are taken out of the text where they stand: whoever holds the text wipes it,
 * and no other copy is made.
 */
#ifndef CRED_TOKEN_TEXT_H
#define CRED_TOKEN_TEXT_H

#include "cred/token.h"

enum { TOKEN_TEXT_MAX = 80 * 1024 };   /* octets; two tokens, each octet escaped */

/* -1: ERR_INTERNAL, it holds what cannot be read again. */
int token_write(const struct token *t, struct buf *out, struct err *e);

/* Changes the text.  -1: ERR_FORMAT (a version that is
 * not known), ERR_DAMAGED; out is then empty. */
int token_read(char *text, size_t len, struct token *out, struct err *e);

#endif
