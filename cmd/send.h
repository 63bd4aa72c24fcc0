/* cmd/send.h - what `sendoff send` and sendmail share: one submission, told. */
#ifndef CMD_SEND_H
#define CMD_SEND_H

#include "cmd/cmd.h"
#include "deliver/submit.h"

/* Loads the configuration, submits, tells what became of it.  The exit code. */
int send_one(const struct globals *globals, struct submit_options *o, bool quiet, bool dry_run,
	bool explain);

#endif
