/* smtp/state.h - the inside of the engine, shared by its files only.
 *
 * engine.c    the session: greeting, EHLO, STARTTLS, QUIT, failure; the queue
 *             of expected replies and who answers them
 * login.c     AUTH
 * transact.c  messages: MAIL, RCPT, DATA or BDAT, content, RSET
 * trace.c     the transcript
 * verdict.c   what became of each recipient, and telling it
 */
#ifndef SMTP_STATE_H
#define SMTP_STATE_H

#include "smtp/content.h"
#include "smtp/engine.h"
#include "smtp/reply.h"

enum phase {
	PHASE_GREETING,
	PHASE_EHLO,        /* EHLO is to be sent, or its reply awaited */
	PHASE_HELO,
	PHASE_STARTTLS,
	PHASE_TLS,         /* the caller shakes hands */
	PHASE_LOGIN,       /* AUTH is to be sent */
	PHASE_CHALLENGE,   /* AUTH was sent, its exchange goes on */
	PHASE_READY,       /* transactions */
	PHASE_ENDED,
	PHASE_FAILED
};

/* A message and which of its recipients are still to be served. */
struct work {
	struct smtp_message *m;     /* borrowed */
	size_t next_recipient;      /* the first that was in no transaction yet */
	size_t *again;              /* own; recipients a server would take only in another one */
	size_t again_count;
	size_t open;                /* recipients without a verdict */
	size_t in_flight;           /* its transactions that are not settled */
	bool   started;             /* command_check() was made, a transaction was begun */
	bool   sender_left;         /* a trial of a sender alone, who was not asked about yet */
	bool   content_sent;        /* ... was written whole */
	bool   content_taken;       /* some transaction of it was delivered */
	bool   refused_for_now;     /* some recipient of it was */
	struct work *next;
};

#define EVERYBODY ((size_t)-1)     /* whom the server had accepted: one reply for all of them */

enum got { GOT_NOTHING, GOT_ACCEPTED, GOT_VERDICT, GOT_SPLIT };

struct transaction {
	struct work *work;          /* borrowed */
	size_t *recipients;         /* own; indexes into the message's */
	unsigned char *got;         /* own; enum got, for each of them */
	size_t count, sent, answered, accepted;
	size_t awaited;             /* replies to its content that are still to come */
	bool   mail_answered, mail_refused, data_sent;
	bool   rides;               /* it began behind a content that was not answered yet */
	bool   ready;               /* its owner was told that the content comes next */
	bool   nobody;              /* only a lone dot is sent: 354 without an accepted recipient */
	struct content_cursor cursor;
	uint64_t end_at;            /* s->emitted when its content was whole; 0: not yet */
};

struct expected {
	enum smtp_step step;
	struct transaction *t;      /* borrowed; NULL outside transactions */
	size_t which;               /* RCPT, content: index into t->recipients, or EVERYBODY */
	uint64_t at;                /* s->emitted behind the command: a reply before that many
	                             * octets were written is one to nothing */
};

struct smtp {
	struct smtp_options o;
	enum phase phase;
	struct smtp_failure failure;
	struct smtp_capabilities caps;

	struct reply_parser replies;
	uint64_t asked;             /* octets written when the reply being read began */
	uint64_t replies_taken;
	struct buf in;              /* own; received, not yet parsed */
	struct buf out;             /* own; to be written, from out_at on */
	size_t out_at;
	bool   out_hides;           /* a login is, or was, in it */
	uint64_t emitted, written;  /* octets, counted over the whole session */

	struct expected *queue;     /* own; a ring */
	size_t head, count, cap;
	bool group_closed;          /* nothing more may be sent until the queue is empty */

	const char *foreign;        /* the row of the table of causes, where SMTP is spoken and it
	                             * greeted as FTP or LMTP does; NULL */
	bool encrypted, verified;
	struct sasl_binding binding;
	struct sasl *sasl;          /* own */
	enum sasl_mechanism mechanism;
	bool mechanism_chosen, logged_in, cancelled;
	bool response_wanted;       /* of the world outside, to `challenge` */
	bool response_here;         /* the first one, which AUTH begins with */
	bool response_failed;       /* ... or why there is none, in `failure` */
	struct buf challenge;       /* own */
	bool login_led;             /* AUTH went out in one group with MAIL */
	bool login_led_mail;        /* ... and that MAIL was answered */
	struct buf initial;         /* own; an initial response too long for the AUTH line */
	struct buf said;            /* own; the last response to a challenge, as it was sent */
	struct buf heard;           /* own; lines of replies that the transcript lacks yet */
	const struct secret *secret;
	struct mask mask;           /* own; what is told of nowhere: that, and what the caller adds */

	struct work *works, **works_end;
	struct smtp_load load;         /* of works */
	struct transaction **flying;   /* own; not settled, in the order of their MAIL */
	size_t flying_count;
	struct transaction *current;   /* being sent; its content may be still to come */
	bool content_next;             /* current's content is to be sent now */
	struct smtp_question *questions, **questions_end;   /* borrowed; the first may be asked */
	bool need_reset;               /* RSET before the next MAIL */
	bool finishing, quit_sent;
	long learned_limit;            /* recipients of a transaction when the server said 452 */
};

/* engine.c */
bool engine_is_lmtp(const struct smtp *s);
enum smtp_step engine_hello_step(const struct smtp *s);   /* EHLO, or LHLO */
void engine_command(struct smtp *s, enum smtp_step step, struct transaction *t, size_t which,
	const char *line, const char *shown);
void engine_expect(struct smtp *s, enum smtp_step step, struct transaction *t, size_t which);
bool engine_may_send(const struct smtp *s);
void engine_emit(struct smtp *s, const void *data, size_t len);
void engine_fail(struct smtp *s, const struct err *why);
void engine_refused(struct smtp *s, enum smtp_step step, const struct smtp_reply *r);
/* It ends, no matter how: see verdict_all_answered(). */
void engine_answered(struct smtp *s);
void engine_protocol(struct smtp *s, enum smtp_step step, const struct smtp_reply *r);

/* trace.c */
void trace_note(struct smtp *s, enum smtp_direction direction, const char *line);
void trace_reply(struct smtp *s, const struct smtp_reply *r, bool secret);
void trace_flush(struct smtp *s);          /* the replies that were held back */

/* login.c */
void login_send(struct smtp *s, bool leading);
void login_answer(struct smtp *s, const struct smtp_reply *r);
void login_hide(const struct smtp *s, struct buf *reply);   /* what a server repeats of it */
void login_hide_words(const struct smtp *s, char *words);   /* the same in our own words */
bool login_needs_secret(const struct smtp *s);
bool login_needs_response(const struct smtp *s);
bool login_choose(struct smtp *s);         /* false: the session failed */
bool login_may_lead(const struct smtp *s); /* one trip, and the account wants it so */

/* transact.c */
void transact_send(struct smtp *s);        /* as much as may be sent now */
void transact_answer(struct smtp *s, const struct expected *x, const struct smtp_reply *r);
/* While t's content is sent. */
void transact_unasked(struct smtp *s, struct transaction *t, const struct smtp_reply *r);
/* Where answers are missing that only LMTP gives, *e says so as well. */
void transact_count_answers(const struct smtp *s, struct err *e);
bool transact_idle(const struct smtp *s);  /* no message is waiting or being sent */
void transact_release(struct smtp *s);
void transaction_free(struct transaction *t);

/* apart.c */
bool apart_content_is_out(const struct smtp *s);   /* one is written whole, and not answered */
void apart_greeted(struct smtp *s, const char *text, size_t len);   /* what is known of servers */
/* What breaks off now may do so because of a transaction that rides. */
bool apart_would_help(const struct smtp *s);
/* The answer to its MAIL is about that alone: the session has failed then. */
bool apart_refused(struct smtp *s, const struct transaction *t, const struct smtp_reply *r);

/* verdict.c */
void verdict_reply(struct work *w, size_t recipient, enum smtp_verdict verdict,
	enum smtp_step step, const struct smtp_reply *r);
void verdict_local(struct work *w, size_t recipient, enum smtp_verdict verdict,
	enum smtp_step step, enum err_kind kind, const char *why);
enum smtp_verdict verdict_of(const struct smtp_reply *r);   /* of one that is not positive */
void verdict_all(struct work *w, enum smtp_verdict verdict, const struct err *why);
void verdict_take_back(struct work *w);    /* nobody gets it */
/* What was said to all whom the server had accepted (EVERYBODY), or to one of them. */
void verdict_accepted(struct transaction *t, size_t which, enum smtp_step step,
	const struct smtp_reply *r);
/* First of all, when a server took a content. */
void verdict_taken(struct transaction *t, size_t which);
void verdict_taken_words(struct transaction *t, size_t which, enum smtp_step step,
	const struct smtp_reply *r);
void verdict_broken(struct smtp *s);       /* verdicts for whoever has none */
/* Messages are under way, and of each the server has told what becomes of all its recipients:
 * only replies that change nothing are awaited, and how the session ends is no news. */
bool verdict_all_answered(const struct smtp *s);
/* Takes finished messages off the list, oldest first, and tells their owners: when
 * all that has arrived was looked at, so that no mark waits for them. */
void verdict_report(struct smtp *s);

void result_from_reply(struct smtp_result *to, enum smtp_verdict verdict, enum smtp_step step,
	const struct smtp_reply *r);

#endif
