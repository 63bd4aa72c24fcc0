/* base/err.h - why we could not do something.
 *
 * One of the two kinds of bad news (the other is struct smtp_result: what a
 * server said).  text reads "what failed: why (where)", in lower case, without
 * a full stop, and never holds a secret; text from outside has been through
 * text_clean().  hint is one next step for the user, where the code that fails
 * knows it better than the table of causes does.  cause is the id of the row of that table
 * which says more than the kind's own.  Which exit code a kind ends in is decided in
 * deliver/cause.c and nowhere else.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE,
	ERR_USAGE,     /* the command line, or an account that does not exist */
	ERR_MESSAGE,   /* the message or an address in it is not acceptable */
	ERR_NO_INPUT,  /* an input file cannot be opened */
	ERR_READ,      /* reading the message failed: it is not the end of it */
	ERR_OUTPUT,    /* an output file that the user named cannot be written */
	ERR_SYSTEM,    /* fork, descriptors or another limit of this machine */
	ERR_INTERNAL,  /* a fault of ours */
	ERR_STORE,     /* no room for the message */
	ERR_NAME,      /* the server's name does not exist or has no address */
	ERR_NAME_AGAIN,/* the name servers do not answer now */
	ERR_CONNECT,   /* no address of the server could be connected to */
	ERR_TIMEOUT,   /* a deadline passed */
	ERR_LOST,      /* the connection broke off */
	ERR_UNKNOWN,   /* it broke off between the content and its reply */
	ERR_TLS,       /* the TLS handshake failed, or the server does not offer TLS */
	ERR_CERT,      /* the server's certificate was refused */
	ERR_PROTOCOL,  /* what the server says is not SMTP, or breaks it */
	ERR_LOGIN,     /* no acceptable way to log in */
	ERR_CAPABILITY,/* this server cannot take this message */
	ERR_CONFIG,    /* the configuration is wrong or missing */
	ERR_SECRET,    /* the password or key cannot be had */
	ERR_RIGHT,     /* this user may not: use that account, touch that message */
	ERR_DAMAGED,   /* a queue file is not what it was */
	ERR_FORMAT,    /* a queue file of a release that this one does not know */
	ERR_NO_QUEUE,  /* there is no queue in that place */
	ERR_PARKED,    /* the account may not be used now, or is busy */
	ERR_RUNNER,    /* the system's runner cannot be reached */
	ERR_SIGNAL     /* the user or the system told us to stop */
};

struct err {
	enum err_kind kind;
	int  sys_errno;   /* 0 when no system call is to blame */
	const char *cause;/* a literal; NULL: the kind says it all */
	char text[768];
	char hint[512];   /* "" when the table of causes is to speak */
};

/* Sets kind and text, clears the rest.  Always returns -1. */
int err_set(struct err *e, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, appending ": strerror(number)" and keeping the number. */
int err_sys(struct err *e, enum err_kind kind, int number, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Sets the row of the table of causes; id is a literal.  Always returns -1. */
int err_cause(struct err *e, const char *id);

/* Puts "context: " in front of the text.  Always returns -1. */
int err_context(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the next step.  Always returns -1. */
int err_hint(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
