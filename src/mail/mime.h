/* mail/mime.h - walking through the parts of a message, RFC 2045 and 2046.
 *
 * Pure; the body comes in pieces of any size, with the same result.  Lines end in
 * CRLF.  Every octet of the body is told exactly once and in order: headers with
 * begin(), content with data(), the lines between parts with delimiter(); so a
 * walk whose owner writes all of it down has copied the body.
 *
 * Malformed MIME is read as receivers read it: a header ends before the first
 * line that is no field; a multipart that names no boundary is a part like others; a
 * delimiter of an outer multipart ends all inner ones; what stands behind the last
 * delimiter is nobody's.  Signed and encrypted parts are not looked into.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	MIME_DEPTH = 50,                  /* multiparts inside one another */
	MIME_HEADER_MAX = 256 * 1024      /* octets of a part's header */
};

enum mime_kind {
	MIME_LEAF,        /* content follows */
	MIME_SEALED,      /* the same, signed, encrypted or unreadable: not one octet of it
	                   * may change */
	MIME_MULTIPART,   /* parts follow */
	MIME_MESSAGE,     /* a message follows: its header, told by the next begin() */
	MIME_ASIDE        /* what stands before the first and behind the last part */
};

enum mime_coding { MIME_PLAIN, MIME_PRINTABLE, MIME_BASE64, MIME_FOREIGN };

struct mime_part {
	enum mime_kind kind;
	enum mime_coding coding;   /* PLAIN: none, 7bit, 8bit or binary */
	bool text;                 /* text/..., or taken for it */
	bool digest;               /* a multipart whose parts are messages unless they say else */
	bool unreadable;           /* a multipart whose boundary cannot be made out */
	bool labelled;             /* it has any MIME field */
	bool of_message;           /* its header is a message's, not only a part's */
	bool separated;            /* an empty line follows the header */
	const char *header;        /* borrowed for the call; CRLF lines */
	size_t header_len;
};

struct mime_hooks {
	int (*begin)(void *context, const struct mime_part *p, struct err *e);
	int (*data)(void *context, const char *data, size_t len, struct err *e);
	/* The content of a LEAF, SEALED or ASIDE is at its end; last: so is the body. */
	int (*end)(void *context, bool last, struct err *e);
	int (*delimiter)(void *context, const char *data, size_t len, struct err *e);
};

struct mime;

struct mime *mime_new(const struct mime_hooks *hooks, void *context);   /* borrowed */
void mime_free(struct mime **mp);

/* The message's header, once, before the body; 0, or -1 and *e: that of a hook, or
 * ERR_CAPABILITY: more depth or header than is sensible. */
int mime_header(struct mime *m, const char *block, size_t len, struct err *e);
int mime_feed(struct mime *m, const char *data, size_t len, struct err *e);
int mime_finish(struct mime *m, struct err *e);

/* What kind of part a header is of; digest: it stands in a multipart/digest.
 * The boundary, if it is a multipart that has one, is appended to boundary. */
void mime_classify(const char *block, size_t len, bool digest, struct mime_part *p,
	struct buf *boundary);

#endif
