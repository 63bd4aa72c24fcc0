/* deliver/session.h - one connection that carries messages for one account.
 *
 * Turns what the engine asks for into names, sockets, handshakes, reads and
 * writes, each with its own deadline, and all of them with one.  Prints
 * nothing, decides nothing about a message.
 */
#ifndef DELIVER_SESSION_H
#define DELIVER_SESSION_H

#include "cred/kerberos.h"
#include "deliver/account.h"
#include "net/loop.h"

struct session;
enum { SESSION_WARNING = 360 };

/* What has come to an end, well or not: the place to look at it. */
enum session_point {
	SESSION_DIALLED,     /* name and connection: session_trail() */
	SESSION_SHAKEN       /* the TLS handshake: session_shaken() */
};

struct session_hooks {
	/* A line of the dialogue for transcripts; may be NULL. */
	void (*trace)(void *context, enum smtp_direction direction, const char *line, size_t len);
	/* Each whole reply to a command; smtp_options.answered.  May be NULL. */
	void (*answered)(void *context, enum smtp_step step, const struct smtp_reply *r);
	/* May be NULL.  Where it did not end well, ended() follows. */
	void (*reached)(void *context, enum session_point point, bool good);
	/* The server is ready and has nothing to do.  May be NULL. */
	void (*idle)(void *context);
	/* Called once, last: f is NULL when all ended well, else borrowed until
	 * session_free(), which must not be called in it. */
	void (*ended)(void *context, const struct smtp_failure *f);
	/* Behind a message that is done nothing more is written until session_resume():
	 * what became of it is on disk before the next content is on its way, so that
	 * death in between leaves neither in doubt. */
	bool pauses;
	/* See smtp_options.apart. */
	bool apart;
	/* Digest of an access token that is not to be taken again; borrowed until
	 * session_free().  NULL, "": there is none. */
	const char *refused;
	/* What commands of a system account write to stderr may stand in what failed: whoever
	 * is told may read its configuration too. */
	bool in_confidence;
	void *context;
};

/* Starts at once; account and loop are borrowed until session_free(). */
struct session *session_start(struct loop *l, const struct account *a,
	enum smtp_pipelining pipelining, const struct session_hooks *hooks);
void session_free(struct session **sp);

/* At any time before it has ended, also inside hooks and done(). */
void session_submit(struct session *s, struct smtp_message *m);
/* False: it ends.  What is submitted all the same is only told so: whoever submits
 * the next message when one is done asks here first. */
bool session_takes_more(const struct session *s);
void session_finish(struct session *s);   /* no more messages: QUIT behind the last one */

/* A question that stands by itself (smtp_ask); inside idle() only. */
void session_ask(struct session *s, struct smtp_question *q);

void session_resume(struct session *s);

/* It ended because the server refused the access token, which was at hand and not got for
 * this session, and another one may do: the same in a new session, whose hooks.refused is this, is worth one more login.  NULL: not so.  From
 * ended() on. */
const char *session_refused(const struct session *s);

/* Ends it now, for a reason from outside (a signal). */
void session_abort(struct session *s, const struct err *why);

/* For logs: NULL or "" where it did not come to it. */
const char *session_peer(const struct session *s);        /* "192.0.2.1", "/path"; or as
                                                           * reach_peer_text() */
const char *session_mechanism(const struct session *s);   /* that logged in */
const char *session_chosen(const struct session *s);      /* that was, or would have */
const char *session_warning(const struct session *s);     /* of what was got to log in with */
const struct tls_facts *session_tls(const struct session *s);
const struct kerberos_facts *session_ticket(const struct session *s);   /* that logs in, or NULL */

/* Inside reached() only. */
const struct dial_trail *session_trail(const struct session *s);
const struct tls *session_shaken(const struct session *s);

#endif
