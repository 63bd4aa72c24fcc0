/* smtp/server.h - the answering side of the dialogue, bytes in, bytes out.
 *
 * Pure, like the engine.  Shared by the runner's socket, `sendmail -bs` and a
 * loopback port.  Whoever drives it alternates
 *
 *     server_received(s, data, n)     octets from the client; returns how many
 *                                     were taken
 *     out = server_output(s, &len)    octets to write; server_written(s, n)
 *     server_ended(s)                 nothing more will be read; write what is
 *                                     left and close
 *
 * Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT (RFC 5321,
 * 1870, 2920, 3030, 3461, 6152, 6531).  The client's octets are hostile: each
 * line and the count of everything is bounded, text is never echoed raw.
 *
 * A command line ends with CRLF or a bare LF.  How the line with DATA ended
 * decides about its content: behind CRLF only CRLF . CRLF is the end, and dots
 * count only behind CRLF, so that no LF . LF inside smuggles a command in;
 * behind a bare LF each LF ends a line, and a line of one dot, with or without
 * a CR, is the end.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "smtp/message.h"

enum {
	SERVER_LINE_MAX = 4096,        /* octets of a command line (RFC 5321: 512, and room for
	                                * parameters) */
	SERVER_ERRORS_MAX = 20,        /* commands refused in a row; then 421 */
	SERVER_IDLE_COMMANDS_MAX = 1000,/* commands that lead to no message; then 421.  RCPT up to
	                                * the most recipients is not counted */
	SERVER_OUTPUT_MAX = 64 * 1024, /* octets that wait to be written; then nothing is read */
	SERVER_VALUE_MAX = 512         /* octets of XACCOUNT, XNAME, XTAG, decoded */
};

/* A client's message, as far as it has said.  Lives until reset() or the answer
 * to end(). */
struct server_mail {
	char *sender;                  /* own; envelope form; bare names stay bare; "" null */
	struct dsn dsn;                /* own */
	uint64_t size;                 /* SIZE=; 0: not said */
	bool eight_bit, utf8;
	struct {                       /* behind XSENDOFF */
		char *account, *name, *tag;    /* own; NULL */
		char token[33];            /* "", or 32 hexadecimal digits in lower case */
		bool no_sender;
		int64_t hold;              /* 0: not said */
		char errors;               /* 'm' unless it was said */
	} x;
	size_t recipients;             /* accepted so far */
};

/* An answer: code, enhanced code, words.  code 0: not yet; server_answer() brings
 * it, and no further command is read before.  421 ends the session. */
struct server_reply {
	int  code;
	char enhanced[16];
	char text[300];                /* one line, ASCII; other octets are shown as '?' */
};

/* Called from inside server_received(), server_eof(), server_answer() and
 * server_shut_down().  Of the functions below, they may call only
 * server_reply_set() and server_shut_down(). */
struct server_events {
	/* May this message begin?  reply is preset to 250. */
	void (*mail)(void *context, const struct server_mail *m, struct server_reply *reply);
	/* One recipient, envelope form (bare names stay bare), with its NOTIFY and
	 * ORCPT (decoded; NULL).  Preset to 250. */
	void (*rcpt)(void *context, const char *address, unsigned notify, const char *original,
		struct server_reply *reply);
	/* Content comes now.  Preset to 354 (DATA); a 4xx or 5xx refuses it. */
	void (*begin)(void *context, struct server_reply *reply);
	/* A piece of it: dots undone, line ends as they came. */
	void (*content)(void *context, const char *data, size_t len);
	/* It is whole.  Preset to code 0: the answer usually comes later. */
	void (*end)(void *context, struct server_reply *reply);
	/* RSET, a new EHLO, QUIT, a content that is too big, or the connection is
	 * gone: what was begun is void, and an answer that is awaited is not any
	 * more.  Only for a message that mail() did not refuse, and never once end()
	 * was called: from there on it is the driver's. */
	void (*reset)(void *context);
	void *context;
};

struct server_options {
	const char *host;              /* borrowed; greeting and EHLO */
	uint64_t max_size;             /* octets of a content; 0: no limit.  Above: 552 5.3.4, the
	                                * content is read to its end and thrown away */
	size_t max_recipients;         /* of one message, refused ones counted; above: 452 4.5.3;
	                                * 0: ADDRESS_LIST_MAX */
	bool bare_names;               /* MAIL and RCPT may name users without a domain */
	bool handover;                 /* XSENDOFF is offered and obeyed */
	bool strict;                   /* the first line that is no SMTP ends the session (a web
	                                * page may have sent it) */
	bool banner_first;             /* octets before the greeting was written end it: 554 */
};

struct server;

struct server *server_new(const struct server_options *options, const struct server_events *events);
void server_free(struct server **sp);

/* Instead of a greeting: 421 with words, and the end. */
void server_refuse(struct server *s, const char *why);

/* Takes octets and returns how many: all, unless an answer is awaited behind them
 * (server_awaits_answer) or SERVER_OUTPUT_MAX octets wait to be written.  The rest
 * is to be given again, in front of what comes later, once that is over: so octets
 * that wait there are a reason to call, not only new ones.  Behind the end of the
 * session everything is taken and thrown away. */
size_t server_received(struct server *s, const char *data, size_t len);
/* The client will send no more; octets that were not taken before are lost.
 * Nothing half is kept.  An answer to end() that is awaited is still given and
 * written, then the session ends; all other ends at once. */
void   server_eof(struct server *s);
const char *server_output(struct server *s, size_t *len);
void   server_written(struct server *s, size_t len);
bool   server_ended(const struct server *s);
bool   server_in_content(const struct server *s);   /* the longer deadline counts */
bool   server_awaits_answer(const struct server *s);
bool   server_is_midway(const struct server *s);     /* in a message, or in a line */

/* The answer that an event left open; nothing when none is awaited. */
void server_answer(struct server *s, const struct server_reply *reply);

/* 421 and the end, as soon as the answer that is open is given. */
void server_shut_down(struct server *s, const char *why);

void server_reply_set(struct server_reply *r, int code, const char *enhanced, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
