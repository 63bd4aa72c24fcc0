/* mail/fixup.h - the few changes to a header that a submission program makes.
 *
 * Pure.  fixup_intake() is done once, when a message is read; its output is
 * what is kept, so that retries and second copies are equal.  fixup_sender() is
 * done at each attempt, from the configuration then in force.  All fields that
 * are not named here stay byte-identical, in order.
 */
#ifndef MAIL_FIXUP_H
#define MAIL_FIXUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct fixup {
	const char *date;         /* RFC 5322 date-time for a missing Date */
	const char *message_id;   /* with its angle brackets, for a missing Message-ID */
	const char *from;         /* addr-spec or bare name for a missing or blank From */
	const char *full_name;    /* display name beside it (-F); NULL: none */
	const char *domain;       /* for bare names; NULL: they stay */
};

/* Removes Bcc, Resent-Bcc and Return-Path; adds Date, Message-ID and From where
 * missing (a blank From counts as missing and is replaced), at the top; where a
 * Resent- block lacks Resent-Date, Resent-From or Resent-Message-ID they are
 * not invented; qualifies bare names in From, Sender, Reply-To, To, Cc and
 * their Resent- forms by inserting "@domain" behind the local part, every other
 * octet of the field kept.  A field whose list cannot be parsed is kept as it
 * is.  Appends to out (CRLF lines).  -1: ERR_MESSAGE (out too small). */
int fixup_intake(const char *block, size_t len, const struct fixup *fix, struct buf *out,
	struct err *e);

/* What an account allows and puts in place. */
struct fixup_sender {
	const char *from;         /* the account's address, envelope form */
	const char *from_name;    /* display name where the old From had none; NULL: the old address */
	bool (*allowed)(const void *context, const char *address);   /* address in envelope form */
	const void *context;
	bool always;              /* rewrite whatever it is */
};

/* Rewrites From so that it names an address of the account: a From whose every
 * mailbox is allowed stays byte-identical.  Otherwise From becomes the
 * account's address with a display name that keeps who it was ("root@box (Cron
 * Daemon)" for `root@box (Cron Daemon)`, "Cron Daemon (root@box)" for `Cron
 * Daemon <root@box>`), the old value goes to one X-Original-From (older ones are
 * removed), and a Sender naming an address that is not allowed is removed.  The
 * topmost Resent-From and Resent-Sender of a resent message, if any, are
 * treated the same way instead (X-Original-Resent-From is not used: the old
 * value goes to X-Original-From).  *changed tells whether anything was. */
int fixup_sender(const char *block, size_t len, const struct fixup_sender *set, struct buf *out,
	bool *changed, struct err *e);

/* The address in From (the first mailbox) in envelope form, or "" when there is
 * none; with Resent-From, that of the topmost one.  Appended to out. */
void fixup_find_from(const char *block, size_t len, const char *default_domain, struct buf *out);

/* How many Received fields the block has (a loop is refused above 30). */
unsigned fixup_count_received(const char *block, size_t len);

#endif
