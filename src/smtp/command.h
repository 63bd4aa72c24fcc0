/* smtp/command.h - the command lines of a transaction.
 *
 * Pure.  Addresses and values were checked when they became part of the
 * envelope; what still could break a line is refused here once more, so that no
 * path leads from outside to a command of its own (ERR_MESSAGE).
 */
#ifndef SMTP_COMMAND_H
#define SMTP_COMMAND_H

#include "base/buf.h"
#include "smtp/capabilities.h"
#include "smtp/message.h"
#include "smtp/server.h"

enum { COMMAND_LINE_MAX = SERVER_LINE_MAX - 2 };   /* for a struct buf; without CRLF */

/* "MAIL FROM:<...>" with SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531),
 * RET and ENVID (RFC 3461), and what is handed over behind XSENDOFF, each only if
 * offered and needed; no CRLF. */
int command_mail(const struct smtp_message *m, const struct smtp_capabilities *c, struct buf *out,
	struct err *e);

/* "RCPT TO:<...>" with NOTIFY and ORCPT where asked for and offered. */
int command_rcpt(const struct smtp_message *m, size_t recipient,
	const struct smtp_capabilities *c, struct buf *out, struct err *e);

/* Whether this server can take this message at all: its size, 8-bit content,
 * addresses that need SMTPUTF8, names without a domain (only a sendoff takes them).
 * -1: ERR_CAPABILITY with the reason. */
int command_check(const struct smtp_message *m, const struct smtp_capabilities *c, struct err *e);

#endif
