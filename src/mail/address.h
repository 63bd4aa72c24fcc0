/* mail/address.h - addresses and lists of them, RFC 5322 section 3.4.
 *
 * Pure.  Reads what people and programs write: comments, groups, quoted local
 * parts, folding, RFC 2047 names, source routes (dropped), empty list members,
 * bare names.  Nothing that could be a command on the wire ever comes out: an
 * address with CR, LF, NUL, another control character or an angle bracket in
 * it is refused (ERR_MESSAGE), never repaired.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	ADDRESS_LOCAL_MAX = 64,    /* RFC 5321 section 4.5.3.1, octets */
	ADDRESS_DOMAIN_MAX = 255,
	ADDRESS_PATH_MAX = 254,    /* 256 with the angle brackets */
	ADDRESS_LIST_MAX = 100000  /* members of one list */
};

struct span {
	size_t start, len;   /* octets of the text that was parsed */
};

struct mailbox {
	char *local;         /* own; without quoting and comments; never empty */
	char *domain;        /* own; as written without comments; NULL for a bare name */
	struct span name;    /* display name as written (quotes and all); len 0: none */
	struct span spec;    /* the addr-spec as written, from its first to its last octet */
	struct span whole;   /* the mailbox as written, display name and brackets included */
	bool angle;          /* it stands in angle brackets */
};

struct mailbox_list {
	struct mailbox *items;   /* own */
	size_t count, cap;
};

/* Where the text stands: a header value may be folded (CRLF or LF before a
 * blank); a word of the command line may also separate addresses by blanks
 * ("a@x b@y") and is one text without folding. */
enum address_place { ADDRESS_IN_HEADER, ADDRESS_IN_ARGV };

/* Appends the mailboxes of text to list.  An empty list and an empty group are
 * fine.  -1: ERR_MESSAGE, naming (cleaned) what is wrong; list is then as it was. */
int  mailbox_list_parse(const char *text, size_t len, enum address_place place,
	struct mailbox_list *list, struct err *e);
void mailbox_list_release(struct mailbox_list *list);

/* The address as the envelope has it, appended to out: local part quoted if it
 * must be, "@", and the domain in ASCII (IDNA 2008 by libidn2; ASCII domains
 * only lower-cased; domain literals as they are).  default_domain (may be NULL)
 * stands in for a missing domain; with none the bare local part is written.
 * Non-ASCII local parts are kept as UTF-8.  -1: ERR_MESSAGE (too long, bad
 * domain, not UTF-8). */
int address_write(const char *local, const char *domain, const char *default_domain,
	struct buf *out, struct err *e);

/* A domain alone, in that form.  NULL, or why it is none. */
const char *address_domain(const char *domain, struct buf *out);

/* Text of one envelope address ("a@b", "<a@b>", "bare", "" or "<>" for the
 * null sender) to its envelope form in out; exactly one mailbox. */
int address_parse_one(const char *text, size_t len, const char *default_domain, struct buf *out,
	struct err *e);

/* Equal as envelope addresses: the domain without regard to case, the local
 * part exactly (RFC 5321 section 2.4). */
bool address_equal(const char *a, const char *b);

/* Whether an envelope address fits a pattern: "*" stands for any run of octets,
 * letters compare without regard to case; a pattern without "@" is a domain. */
bool address_matches(const char *address, const char *pattern);

bool address_needs_utf8(const char *address);   /* local part not ASCII: SMTPUTF8 */

#endif
