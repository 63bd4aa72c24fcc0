/* smtp/server_state.h - the inside of the answering side, shared by its files only.
 *
 * server.c            the session: octets in and out, answers, ends
 * server_command.c    command lines
 * server_parameter.c  addresses and parameters of MAIL and RCPT
 * server_content.c    the octets behind DATA and BDAT
 */
#ifndef SMTP_SERVER_STATE_H
#define SMTP_SERVER_STATE_H

#include "smtp/server.h"

enum server_phase {
	SERVER_COMMANDS,
	SERVER_DATA,        /* content until a dot alone */
	SERVER_CHUNK,       /* the octets of a BDAT, taken or thrown away */
	SERVER_OVER
};

enum server_event { EVENT_NONE, EVENT_MAIL, EVENT_RCPT, EVENT_BEGIN, EVENT_END };

/* Where in a line the content behind DATA is. */
enum server_line {
	LINE_START,
	LINE_INSIDE,
	LINE_CR,            /* inside, and the last octet was a CR */
	LINE_DOT,           /* behind a dot at the start, which is kept back */
	LINE_DOT_CR         /* ... and a CR, kept back as well */
};

struct server {
	struct server_options o;
	struct server_events on;
	enum server_phase phase;
	enum server_event open;     /* whose answer is awaited */
	bool inside;                /* an event is being called */
	bool shutting, eof;
	char why[sizeof(((struct server_reply *)0)->text)];   /* ... it shuts down */

	struct buf out;             /* own; to be written, from out_at on */
	size_t out_at;
	size_t greeting;            /* octets of it that were not yet written */

	struct buf line;            /* own; the command line being read */
	bool long_line;             /* ... and too long: the rest of it is passed over */
	bool bare_lf;               /* how the last one ended */

	struct server_mail mail;    /* own */
	bool begun;                 /* mail() was called for it; neither end() nor reset() yet */
	bool failed;                /* MAIL or BDAT was refused: what was pipelined behind it
	                             * fails by no fault of its own */
	bool wary;                  /* DATA was refused: what comes may be its content */
	size_t asked;               /* RCPT commands since MAIL */
	unsigned errors;            /* commands refused in a row */
	unsigned idle;              /* commands since the last message that was taken */

	bool chunks;                /* its content comes in BDAT */
	uint64_t chunk_left;
	bool chunk_last;
	enum server_line at;
	uint64_t content;           /* octets of it so far */
	struct server_reply refusal;   /* what its end is answered with; code 0: it is wanted */
};

/* server.c */
void server_say(struct server *s, int code, const char *enhanced, const char *text);
/* Says no to a command that the client should not have given. */
void server_fault(struct server *s, int code, const char *enhanced, const char *text);
/* Says it and ends the session. */
void server_stop(struct server *s, int code, const char *enhanced, const char *text);
void server_void(struct server *s);      /* the message is, if there is one */
bool server_is_busy(struct server *s);   /* counts an idle command; false: it ended the session */
/* What an event answered, or that it will. */
void server_take_answer(struct server *s, enum server_event event, const struct server_reply *r);

/* server_command.c */
size_t server_take_line(struct server *s, const char *data, size_t len);

/* server_parameter.c: what follows "FROM:" and "TO:"; text is cut to pieces.
 * -1: refused, with the reply.  Whatever m, to and original hold is the caller's
 * in any case. */
int server_parse_mail(struct server *s, char *text, struct server_mail *m,
	struct server_reply *reply);
int server_parse_rcpt(struct server *s, char *text, struct buf *to, unsigned *notify,
	char **original, struct server_reply *reply);
/* All of text as a number; -1 when it is none or above most. */
int server_number(const char *text, uint64_t most, uint64_t *number);
void server_mail_release(struct server_mail *m);

/* server_content.c */
void server_too_big(const struct server *s, struct server_reply *r);
void server_begin_data(struct server *s);
void server_begin_chunk(struct server *s, uint64_t len, bool last, const char *wrong);
/* begin() said yes or no. */
void server_content_answer(struct server *s, const struct server_reply *r);
size_t server_take_data(struct server *s, const char *data, size_t len);
size_t server_take_chunk(struct server *s, const char *data, size_t len);

#endif
