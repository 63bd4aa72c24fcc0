/* deliver/session_state.h - one session, shared by its files; see session.h.
 *
 * session.c        names, sockets, handshakes and the dialogue
 * session_login.c  what the login takes: secrets, and what Kerberos says
 * session_wait.c   how long each of them, and the whole, may take
 */
#ifndef DELIVER_SESSION_STATE_H
#define DELIVER_SESSION_STATE_H

#include "base/digest.h"
#include "base/secret.h"
#include "cred/kerberos.h"
#include "deliver/credential.h"
#include "deliver/session.h"
#include "net/conn.h"
#include "net/reach.h"

enum stage { STAGE_DIAL, STAGE_HANDSHAKE, STAGE_TALK, STAGE_OVER };

struct session {
	struct loop *loop;                  /* borrowed */
	const struct account *account;      /* borrowed */
	struct smtp_settings settings;      /* the account's, pipelining as this session has it */
	struct sasl_settings sasl;          /* borrowed inside; with the user of the secret's source */
	char *user;                         /* own; whom that named; NULL */
	struct session_hooks hooks;
	enum stage stage;

	struct reach *reach;                /* own; to the end of the connection */
	struct tls_trust *trust;            /* own */
	struct conn conn;
	struct smtp *engine;                /* own; from the connection on */
	struct watch watch;
	struct watch limit;                 /* the deadline of the whole */

	struct credential_fetch *fetch;     /* own; while the secret is got */
	struct secret secret;               /* own; wiped */
	bool secret_here;
	bool fetched;                       /* the token is as new as can be */
	char warning[SESSION_WARNING];      /* see session_warning() */
	char refused[DIGEST_HEX + 1];       /* see session_refused(); "" */

	struct kerberos *kerberos;          /* own; while it makes the login's responses */
	bool responding;                    /* one is being made */
	struct kerberos_facts ticket;       /* principal "": none was shown */

	struct tls_facts tls;               /* outlive the connection; version "": none */
	char ehlo[300], peer[TRAIL_THROUGH], nonce[40];
	uint64_t connect_deadline;
	uint64_t since;                     /* when the present wait began */
	uint64_t replies, octets;           /* taken and written until then */
	uint64_t written;                   /* octets written in all */
	uint64_t done;                      /* messages, when the limit was set */
	struct smtp_message *waiting, **waiting_end;   /* submitted before there was an engine */
	bool failing, finish_asked, idle_told, turning;
	bool heard;                         /* the server said something, if not a whole reply */
	bool readable;                      /* there may be something to read */
	bool paused;                        /* see session_hooks.pauses */
	uint64_t told;                      /* messages done when that was last looked at */
};

/* Ends it; what was submitted gets its verdicts. */
void session_fail(struct session *s, const struct err *e);

/* What can be done now. */
void session_turn(struct session *s);

/* ---- session_login.c */

/* Starts fetching the secret, where there is one; it goes to the engine by itself. */
void session_fetch_secret(struct session *s);
/* Starts making the response that the engine wants, unless it is being made. */
void session_respond(struct session *s);

/* ---- session_wait.c */

/* Functions of struct watch: a wait, and the whole, took too long. */
void session_expired(struct session *s);
void session_limit_passed(struct watch *w, short revents);
/* The most that may pass until the next message is done, whatever a server does to stretch
 * it: counted anew from there, for what is left by then. */
void session_set_limit(struct session *s);
/* More was submitted: it lasts longer. */
void session_extend_limit(struct session *s, const struct smtp_message *m);
/* What is submitted and not done. */
struct smtp_load session_load(const struct session *s);
/* A wait begins anew only when something whole happened: a reply came, or the server took
 * octets of the content; not with each octet of a reply. */
void session_note_progress(struct session *s);

#endif
