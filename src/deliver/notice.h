/* deliver/notice.h - one report: who gets it, what it quotes, and into the queue
 * with it.
 */
#ifndef DELIVER_NOTICE_H
#define DELIVER_NOTICE_H

#include "deliver/config.h"
#include "deliver/message.h"
#include "mail/report.h"
#include "queue/spool.h"

enum { NOTICE_RECIPIENTS_MAX = 1000 };   /* that one report is about */

struct notice {
	enum report_action action;
	const struct account *account;   /* borrowed, as all here; NULL: none is to be had */
	const char *server;              /* that answered; NULL */
	const struct letter *letter;     /* what it is about */
	const char *subject;             /* ... and its id in the queue; NULL: it has none */
	const char *wanted;              /* the account that was asked for; NULL */
	const char *config;              /* the file it was taken in with; NULL */
	const char *login;               /* who handed it in, and */
	uid_t uid;
	enum entry_errors errors;        /* how that one wants to be told */
	int64_t created;
	int64_t until;                   /* tried again until then; REPORT_DELAYED */
	const char *next;                /* one next step; NULL */
	const struct report_recipient *recipients;
	size_t count;
};

/* The original sender if its domain is foreign; else its local name through
 * aliases and `admin`; last the account's `from`. */
void notice_addressees(const struct config *c, const struct notice *n, bool personal,
	struct envelope *to);

/* Whether a report is wanted, and somebody is there for it. */
bool notice_wanted(const struct config *c, const struct notice *n, const struct envelope *to);

/* Stores it durably.  id: in, the one that it shall have, or ""; out, its id.  0;
 * 1: that id is there already; -1: ERR_STORE. */
int notice_store(struct spool *s, const struct notice *n, const struct envelope *to,
	char id[ENTRY_ID_LEN + 1], struct err *e);

/* Whether a queue is a user's own, and an id of it as people see it: "p-...". */
bool notice_is_personal(const struct spool *s);
void notice_show_id(const struct spool *s, const char *id, char out[ENTRY_ID_LEN + 3]);

#endif
