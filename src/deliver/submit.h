/* deliver/submit.h - one message from the caller's stdin to a server.
 *
 * Reads the input to its end before MAIL, makes the connection meanwhile, and
 * comes back when every recipient has a verdict.  Prints nothing.
 */
#ifndef DELIVER_SUBMIT_H
#define DELIVER_SUBMIT_H

#include "deliver/config.h"
#include "deliver/outcome.h"
#include "deliver/route.h"

/* What several submissions of one run share: an account whose login a server
 * refused is not tried again, or it would be locked.  All zero at the start. */
struct submit_memory {
	char account[CONF_NAME_MAX + 1];   /* "": none */
	struct smtp_failure refused;       /* own */
};
void submit_forget(struct submit_memory *m);

struct submit_options {
	int input;                   /* descriptor of the message; not closed */
	bool dot_ends;               /* a lone dot ends it */
	bool from_header;            /* -t */
	const char *account;         /* -a; NULL */
	const char *sender;          /* -f as given; NULL: not given */
	const char *full_name;       /* -F; NULL */
	char *const *recipients;     /* as given */
	size_t count;
	struct dsn dsn;              /* envid borrowed */
	const char *log_fallback;    /* where the log goes when the configuration does not say */
	struct submit_memory *memory;   /* borrowed; NULL: this is the only one */
	bool no_network;             /* stop when the attempt is dressed */
	void (*trace)(void *context, enum smtp_direction direction, const char *line, size_t len);
	void *context;
};

struct submission {
	struct message message;      /* own */
	struct attempt attempt;      /* own */
	struct route route;
	struct outcome outcome;
	struct smtp_failure failure; /* own */
	char log_warning[300];       /* the log could not be written: why; "" */
};

/* Fills out, whatever happens; out->outcome.exit is the answer.  c may be NULL
 * when the configuration could not be loaded: *why is then the reason, and the
 * input is still read to its end. */
void submit(const struct config *c, const struct err *why, const struct submit_options *o,
	struct submission *out);
void submission_release(struct submission *s);

/* Reads what a caller still writes and throws it away: callers take a broken
 * pipe for a crash.  Ends with the input, at a terminal at once, or when
 * nothing has come for 10 s. */
void submit_drain(int input);

#endif
