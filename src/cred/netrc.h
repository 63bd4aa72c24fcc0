/* cred/netrc.h - the entry of a server in a .netrc or .authinfo file.
 *
 * Pure.  As ftp(1), curl and Emacs write them: words with blanks or line ends between them,
 * `machine` (`host`) NAME or `default` at the beginning of an entry, and in it `login`
 * (`user`), `password`, `port`, `account`, each with the word behind it.  A word may stand in
 * single quotes, in which nothing is special, or in double quotes, in which a backslash takes
 * the next octet as it is (\n, \r and \t being line end, return and tab); without quotes a
 * backslash is an octet like others.  # begins a comment where a word would begin.
 * `macdef` is passed over, to an empty line, and so is what nobody here knows, with the
 * word behind it on the same line.
 */
#ifndef CRED_NETRC_H
#define CRED_NETRC_H

#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

enum { NETRC_MAX = 128 * 1024 };   /* octets of a file, as curl has it */

struct netrc_wanted {
	const char *host;
	long port;
	const char *user;          /* NULL: of whichever entry comes first */
};

struct netrc_entry {
	char *login;               /* own; NULL: the entry has none */
	struct secret password;
};

/* The first entry that fits: its machine is the host (without regard to case), its login
 * the user or none, its port this one or none; and of those of a machine, then of `default`,
 * the first that has a password.  A port may be a number, or smtp (whichever it is),
 * submission (587), smtps or submissions (465).
 *
 * -1: ERR_SECRET, nothing in out: the text is no such file, told by line (cause
 * "netrc-unusable"), or there is no such entry, told with the machines and logins that
 * there are, and nothing else of the text (cause "netrc-no-entry"). */
int  netrc_find(const char *text, size_t len, const struct netrc_wanted *wanted,
	struct netrc_entry *out, struct err *e);
void netrc_release(struct netrc_entry *entry);   /* wipes */

#endif
