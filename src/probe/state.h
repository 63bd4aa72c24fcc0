/* probe/state.h - the inside of a probe, shared by its files only.
 *
 * probe.c    the order of the stages, one session for them, deadlines
 * secret.c   the password or token, fetched and, where a server wants that, renewed
 * visit.c    one session from its beginning to its end
 * tell.c     what was seen of name, connection, TLS, EHLO and login, in words and facts
 * finding.c  what is wrong and what to do
 * ways.c     what answers elsewhere: other ports and modes, tried side by side
 * every.c    --all: every mechanism, every address
 */
#ifndef PROBE_STATE_H
#define PROBE_STATE_H

#include "base/digest.h"
#include "deliver/session.h"
#include "net/trail.h"
#include "probe/letter.h"
#include "probe/probe.h"

struct probe {
	const struct probe_options *o;      /* borrowed */
	struct probe_finding *out;          /* borrowed */
	struct loop loop;
	struct watch stop, limit;
	uint64_t began, ends;               /* clock_ms() */
	struct err interrupted;             /* kind ERR_NONE: neither a signal nor the deadline */

	struct account account;             /* borrowed inside; but for the secret, and its waits */
	struct secret secret;               /* own; wiped */
	char *user;                         /* own; whom its source named; NULL */
	char stored[DIGEST_HEX + 1];        /* digest of the access token that was stored; "" */
	char refused[DIGEST_HEX + 1];       /* ... that was refused; "" */
	bool second;                        /* ... and this is with another one */
	bool fetched;                       /* the token is as new as can be */
	struct mask mask;                   /* own; what is not to be told: that, and a proxy's password */
	struct report_stage *open;          /* own; under way; NULL between two */
	uint64_t since;                     /* when it began */

	struct visit *visit;                /* borrowed; the session that runs now */

	/* What the main session has seen. */
	struct dial_trail trail;
	struct smtp_capabilities before, now;   /* EHLO in clear and under TLS; the last one */
	bool shaken, hello_told, logged_in;
	struct buf greeting, ehlo;          /* own */
	struct smtp_message *mail;          /* borrowed; what is asked of the server: one of both */
	struct smtp_message trial;          /* MAIL, RCPT, RSET; results own */
	struct probe_letter *letter;        /* own; the test message */
	struct smtp_message group;          /* behind a login in one go */
	bool mail_begun, questions_begun, group_begun;
	const char *paused;                 /* why no more logins are tried; NULL */
	enum sasl_mechanism refused_with;   /* the main session; SASL_MECHANISMS: not */
	bool one_trip;                      /* the login was of the kind that may lead a group */
	struct asked {
		struct smtp_question question;
		struct probe *probe;
	} *asked;                           /* own */
	size_t answers;
};

/* ---- one session */

struct visit {
	const struct account *account;      /* borrowed */
	enum smtp_pipelining pipelining;
	struct session_hooks hooks;         /* ended is visit.c's own */
	/* Once, when the session stands: submits or asks something (true), or not (false: it
	 * ends). */
	bool (*work)(struct visit *v);
	struct probe *probe;
	struct session *session;            /* own; while it runs, and after it until visit_end() */
	bool failed;
	struct smtp_failure failure;        /* own */
};

/* Runs it to its end. */
void visit_run(struct probe *p, struct visit *v);
void visit_end(struct visit *v);

/* ---- stages */

struct report_stage *stage_begin(struct probe *p, enum report_step step);
void stage_end(struct probe *p);        /* hands it out */

/* False: it cannot be had, and p->out says why. */
bool secret_get(struct probe *p);
/* Another access token in place of the one that the session was refused with, once.  False:
 * that was not so, or p->out says why there is none. */
bool secret_renew(struct probe *p, const char *refused);

void tell_secret(struct probe *p);
void tell_name(struct probe *p);
void tell_connect(struct probe *p, bool good);
void tell_tls(struct probe *p, const struct tls *t, bool good);
void tell_clear(struct probe *p, const char *why);   /* ... that there is none */
void tell_ehlo(struct probe *p);
/* mechanism: that was tried; NULL */
void tell_login(struct probe *p, const struct session *session, const char *mechanism, bool good);
void tell_mail(struct probe *p);
void tell_pipelining(struct probe *p, const char *why_not);

/* ---- what is wrong */

void finding_of_failure(struct probe *p, enum report_step step, const struct smtp_failure *f);
void finding_of_result(struct probe *p, enum report_step step, const struct smtp_result *r);
/* What was found out when a new access token was to be had; f: the refusal of the old one. */
void finding_of_secret(struct probe *p, enum report_step step, const struct smtp_failure *f);
void finding_of_err(struct probe *p, enum report_step step, const struct err *e);
void finding_set(struct probe_finding *f, const char *format, ...)   /* one more line */
	__attribute__((format(printf, 2, 3)));

void ways_look(struct probe *p);        /* completes p->out */
void every_try(struct probe *p);        /* --all */

#endif
