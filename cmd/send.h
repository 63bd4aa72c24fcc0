/* cmd/send.h - what `sendoff send` and sendmail share: one submission, told. */
#ifndef CMD_SEND_H
#define CMD_SEND_H

#include "cmd/cmd.h"
#include "deliver/submit.h"

/* How it is told. */
struct send_manner {
	bool quiet;            /* the exit code only */
	bool silent;           /* nothing at all on success: callers take any octet for a failure */
	bool dry_run, explain; /* nothing is sent */
	const char *file;      /* the input file, named in each line; NULL: standard input */
};

/* Loads the configuration, submits, tells what became of it.  The exit code. */
int send_one(const struct globals *globals, struct submit_options *o,
	const struct send_manner *manner);

#endif
