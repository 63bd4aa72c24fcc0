/* base/foreign.h - by its first words, which other service answers where mail
 * submission was looked for.
 */
#ifndef BASE_FOREIGN_H
#define BASE_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Looks at the first line (its beginning is enough) that a server sent.  True: it
 * is the web's, IMAP's, POP3's, FTP's, XMPP's or SSH's, and e->cause says so. */
bool foreign_name(const char *line, size_t len, struct err *e);

/* Whether the words behind a 220 are FTP's or LMTP's, which greet as SMTP does: the row of the
 * table of causes, or NULL.  A server for mail may stand on a host of such a name: only when
 * it refuses EHLO, they count. */
const char *foreign_greeting(const char *words, size_t len);

#endif
