/* probe/probe.h - one account tried out, stage by stage, without a message.
 *
 * Fetches the secret, finds the server, connects, shakes hands, says EHLO, logs
 * in, and on wish asks what the server thinks of a sender and of recipients (MAIL,
 * RCPT, then RSET).  No DATA is sent and no content, but for a message that was
 * asked for.  One refused login is not tried again.  All of it ends within the time
 * given, whatever the server does.  Prints nothing.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "deliver/account.h"
#include "deliver/cause.h"
#include "probe/report.h"

enum { PROBE_SECONDS = 30 };

struct probe_options {
	const struct account *account;      /* borrowed; finished */
	const char *secret_from;            /* where its secret is from, in words */
	const char *from;                   /* envelope form; NULL: no MAIL */
	char *const *to;                    /* borrowed; envelope form */
	size_t to_count;
	bool send;                          /* one test message to them */
	bool all;                           /* every mechanism, every address */
	char *const *questions;             /* borrowed; lines for the server, checked */
	size_t question_count;
	const char *place;                  /* where its settings stand: "FILE, [account NAME]";
	                                     * NULL: they were given as options */
	long milliseconds;                  /* for all of it */
	/* A stage has ended; borrowed for the call. */
	void (*stage)(void *context, const struct report_stage *s);
	void (*trace)(void *context, enum smtp_direction direction, const char *line, size_t len);
	void *context;
};

enum { PROBE_SETTINGS_MOST = 6 };

/* What is wrong, and what to do. */
struct probe_finding {
	enum report_step step;
	const struct cause *cause;          /* NULL: all is well */
	int exit;                           /* the cause's, but 75 for what a server refused for now */
	char where[320];                    /* "host:port" */
	char *said;                         /* own; the server's words; NULL */
	char *what;                         /* own; what failed, in ours; NULL where it said so */
	char *next;                         /* own; one next step; NULL: none is known */
	char *settings[PROBE_SETTINGS_MOST];   /* own; lines for the configuration that would do */
	size_t setting_count;
	char *works;                        /* own; what was tried beside it, and answers; NULL */
};

/* Fills out.  The exit code: 0, or that of the cause. */
int  probe_run(const struct probe_options *o, struct probe_finding *out);
void probe_finding_release(struct probe_finding *f);
/* The same as JSON; takes a reference of nothing. */
json_t *probe_finding_json(const struct probe_finding *f);

#endif
