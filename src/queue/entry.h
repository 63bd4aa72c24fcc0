/* queue/entry.h - what the queue knows of a message, and how that is written.
 *
 * Pure.  Two texts make an entry; sendoff-queue(5) documents both.
 *
 *   message file   never changes: what was taken in.  A front of three lines with
 *                  version, length and digest; a head of lines; an empty line;
 *                  then the content as it goes to a server (CRLF, header and
 *                  body).
 *   control file   replaced as a whole: what has happened since.  Missing means
 *                  that nothing has.  While a server answers for each recipient by
 *                  itself (LMTP), a line is added for each that it has delivered to.
 *
 * A line is a word, a blank, a value; in a value every octet below 33, above
 * 126, '%' and '=' of foreign origin is written as %HH, so that no octet of a
 * message, an address or a reply can begin a record.  Unknown words of the
 * same version are refused: a newer release that adds one raises the version.
 */
#ifndef QUEUE_ENTRY_H
#define QUEUE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "mail/envelope.h"

enum {
	ENTRY_VERSION = 1,
	ENTRY_ID_LEN = 12,            /* of [a-z2-7]: 60 random bits */
	ENTRY_HISTORY_MAX = 30,       /* events kept: the first 5 and the newest */
	ENTRY_TEXT_MAX = 512,         /* octets of an answer that are kept */
	ENTRY_HEAD_MAX = 64 << 20,    /* octets of a head: 100,000 recipients fit */
	ENTRY_RECIPIENTS_MAX = 1000000,
	ENTRY_CONTROL_MAX = 256 << 20,
	ENTRY_FRONT_LEN = 118,        /* octets of a front, always */
	ENTRY_MARK_MAX = 40           /* octets of a mark, and the NUL behind it */
};

/* How bad news reach whoever handed the message in (sendmail -oe). */
enum entry_errors { ERRORS_MAIL, ERRORS_PRINT, ERRORS_QUIET };

enum recipient_state {
	RECIPIENT_WAITING,      /* to be tried (again) */
	RECIPIENT_DELIVERED,    /* a server took it */
	RECIPIENT_FAILED,       /* refused for good or expired: to be reported */
	RECIPIENT_REPORTED      /* ... and has been, or nobody is to be told */
};

struct entry_recipient {
	char *address;          /* own; envelope form */
	char *original;         /* own; before aliases, for ORCPT and reports; NULL: the same */
	enum recipient_state state;
	bool unsure;            /* a content's reply was lost: a second copy is possible */
	int   code;             /* last answer; 0: none, or not from a server */
	char  enhanced[16];
	char *text;             /* own; last answer or reason, cleaned; NULL */
	int64_t when;           /* of it; seconds since 1970 */
};

/* What happened, oldest first.  what is one of: accepted, waits (it was not tried:
 * why), tried, sent, unsure, held, released, retried, delayed, failed, reported,
 * damaged (a control file that was, and is set aside). */
struct entry_event {
	int64_t when;
	char  what[12];
	char *text;             /* own; cleaned: "account work, mail.example.com:587: 451 ..." */
};

/* Nobody can be asked who it was: it came by a loopback port. */
#define ENTRY_NOBODY ((uid_t)-1)
#define ENTRY_NOBODY_NAME "uid-none"

struct entry {
	char id[ENTRY_ID_LEN + 1];

	/* ---- the message file */
	int64_t created;        /* seconds since 1970 */
	unsigned created_us;    /* and microseconds: a series keeps its order */
	uid_t   uid;            /* who handed it in, by the kernel's word; ENTRY_NOBODY */
	char   *login;          /* own; login name of it, "uid-N", or ENTRY_NOBODY_NAME */
	char   *account;        /* own; that was asked for (-a); NULL: chosen at each attempt */
	char   *config;         /* own; absolute path given with -C; NULL: the usual sources */
	char   *sender;         /* own; envelope form as the caller gave it, "" the null sender;
	                         * NULL: none was given */
	char   *origin;         /* own; the login name, qualified: stands in for a sender */
	char   *from;           /* own; the From header's address in envelope form, "" none */
	char   *message_id;     /* own; cleaned, for the log; "" none */
	char   *subject_of;     /* own; id of the entry that this one is the report about; NULL */
	char   *tag;            /* own; sendmail -L; NULL */
	char    token[33];      /* 128 bits in hexadecimal; "" none */
	enum entry_errors errors;
	struct dsn dsn;         /* own */
	int64_t not_before;     /* --at; 0: at once */
	bool eight_bit_header, eight_bit_body;
	uint64_t longest_line;
	uint64_t header_size;   /* octets of content that are header, without its empty line */
	uint64_t content_size;  /* octets of content in all */
	struct entry_recipient *recipients;   /* own */
	size_t count;

	/* ---- the control file; at first what the message file says of a try that
	 * was made before it was stored */
	unsigned tries;
	int64_t  next;          /* not before this moment; 0: now */
	int64_t  next_set;      /* when that was decided: a clock that jumps is noticed by it */
	int64_t  last;          /* of the last try; 0: none */
	char    *last_account;  /* own; that made it; NULL */
	char    *cause;         /* own; id of its cause (deliver/cause.h); NULL */
	char    *reason;        /* own; in words; NULL */
	bool     delay_told;
	bool     failure_told;  /* on_failure was run for it */
	struct entry_event *events;   /* own */
	size_t   event_count;

	/* ---- of the files, not in them */
	uint64_t file_size, control_size;
};

void entry_release(struct entry *n);          /* frees what it holds; all zero then */
void entry_add_recipient(struct entry *n, const char *address, const char *original);
void entry_event(struct entry *n, int64_t when, const char *what, const char *text);
/* When it was last released or taken back from failed/, by its history; 0: never. */
int64_t entry_taken_back(const struct entry *n);
size_t entry_waiting(const struct entry *n);  /* recipients still to be served */
size_t entry_in_state(const struct entry *n, enum recipient_state state);

bool entry_is_id(const char *text);           /* ENTRY_ID_LEN of [a-z2-7] */

/* The front: length and digest of all that stands behind it.  It is of one size
 * so that it can be written last. */
void entry_write_front(uint64_t length, const char *digest, struct buf *out);

/* Reads it from the beginning of a file.  -1: ERR_DAMAGED; ERR_FORMAT when it is
 * of a version that this release does not know. */
int entry_read_front(const char *text, size_t len, uint64_t *length,
	char digest[DIGEST_HEX + 1], struct err *e);

/* The head with its empty line; out->max should be ENTRY_HEAD_MAX.  -1:
 * ERR_MESSAGE (too long, no recipients or too many). */
int entry_write_head(const struct entry *n, struct buf *out, struct err *e);

/* How long the head is that text begins with, its empty line included; 0: it
 * does not end in it. */
size_t entry_head_len(const char *text, size_t len);

/* Reads such a head, exactly; n all zero.  login, origin, from and message_id are
 * never NULL behind it.  -1: ERR_DAMAGED with what and which line, and n is all
 * zero. */
int entry_read_head(const char *text, size_t len, struct entry *n, struct err *e);

/* The whole control file, with its own version and digest in front; n->id and
 * n->created say whose it is.  out->max should be ENTRY_CONTROL_MAX. */
void entry_write_control(const struct entry *n, struct buf *out);

/* The same for one that is open: marks may stand behind it, which its digest does not
 * cover. */
void entry_write_open_control(const struct entry *n, struct buf *out);
/* A mark: recipient `number`, from 1, has been delivered to.  Returns its length.  A damaged
 * one is noticed; of one that is cut short nothing is believed. */
size_t entry_write_mark(size_t number, char out[ENTRY_MARK_MAX]);

/* Puts what a control file says in place of all that the head of n said of tries;
 * n->id is set.  -1: ERR_DAMAGED (another entry's, too), ERR_FORMAT; n is then as
 * it was. */
int entry_read_control(const char *text, size_t len, struct entry *n, struct err *e);

#endif
