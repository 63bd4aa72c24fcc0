/* deliver/submit.h - one message from the caller's stdin to a server, to the
 * queue, or to the system's runner.
 *
 * Reads the input to its end before MAIL, makes the connection meanwhile, and
 * comes back when every recipient has a verdict or is durably stored.  Prints
 * nothing.
 */
#ifndef DELIVER_SUBMIT_H
#define DELIVER_SUBMIT_H

#include "deliver/config.h"
#include "deliver/outcome.h"
#include "queue/entry.h"
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
	const struct spill *content; /* borrowed; the message itself, whole, instead of input; NULL */
	bool dot_ends;               /* a lone dot ends it */
	bool from_header;            /* -t */
	const char *account;         /* -a; NULL */
	const char *sender;          /* -f as given; NULL: not given */
	const char *full_name;       /* -F; NULL */
	bool as_it_came;             /* -G: it comes from elsewhere, nothing is added to its header */
	char *const *recipients;     /* as given */
	size_t count;
	struct dsn dsn;              /* envid borrowed */
	const char *log_fallback;    /* where the log goes when the configuration does not say */
	struct submit_memory *memory;   /* borrowed; NULL: this is the only one */
	bool no_queue;               /* now or not at all */
	bool queue_only;             /* stored, not tried now */
	bool delivery_given;         /* sendmail -od: instead of the configuration's `delivery` */
	int  delivery;               /* enum delivery */
	int64_t not_before;          /* seconds since 1970; 0: at once */
	const char *tag;             /* for the log; NULL */
	bool report;                 /* as sendmail: refusals are told by mail (errors) */
	enum entry_errors errors;
	bool report_is_success;      /* -oee: exit 0 once the report is stored */
	bool answers;                /* the caller is answered: reported is only what it cannot be
	                              * told because others were served */
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
	bool unwatched;              /* it is queued, and nobody is there to send it by itself */
};

/* Fills out, whatever happens; out->outcome.exit is the answer.  When the
 * configuration could not be loaded *why is the reason (else its kind is
 * ERR_NONE): what is faulty may be mended, and the message waits for that in the
 * default queue; where there is none at all, nothing is stored.  The input is
 * read to its end in any case. */
void submit(const struct config *c, const struct err *why, const struct submit_options *o,
	struct submission *out);
void submission_release(struct submission *s);

/* Reads what a caller still writes and throws it away: callers take a broken
 * pipe for a crash.  Ends with the input, at a terminal at once, or when
 * nothing has come for 10 s. */
void submit_drain(int input);

#endif
