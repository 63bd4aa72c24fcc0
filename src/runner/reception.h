/* runner/reception.h - one message of a local user, from MAIL to the spool.
 *
 * What smtp/server tells of a session becomes a message that was taken in, whoever
 * the client is: repaired, its header completed, its recipients expanded, with a
 * trace line that is ours.  A thread stores it; then the client is answered.
 */
#ifndef RUNNER_RECEPTION_H
#define RUNNER_RECEPTION_H

#include "runner/desk.h"
#include "smtp/server.h"

enum {
	RECEPTION_RECIPIENTS = 5000,      /* RCPT commands of one message */
	RECEPTION_EXPANDED = 20000        /* addresses that these may become */
};

struct filing;

struct reception {
	const struct guest *guest;        /* borrowed */
	/* The answer that was left open; not called from within an event. */
	void (*answer)(void *context, const struct server_reply *reply);
	void *context;
	struct filing *open;              /* own; the message that is coming in; NULL */
	struct filing *filed;             /* own; the one that is being stored; NULL */
	bool counting;                    /* the answer waits for a count of the spool */
};

/* context of the events is the reception. */
void reception_events(struct reception *r, struct server_events *events);

/* The spool has been counted. */
void reception_counted(struct reception *r);

/* Somebody may have his turn. */
void reception_go_on(struct reception *r);

/* Only when nothing is being stored, or the threads are gone. */
void reception_release(struct reception *r);

#endif
