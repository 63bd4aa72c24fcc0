/* runner/deliver_role.c - the delivering role: what is due for one account.
 *
 *	sendoff-deliver [-C FILE [--its-own]] [--now] [--override] QUEUE ACCOUNT
 *
 * --its-own: only messages that were taken in with that -C.  A descriptor named
 * "config" stands for the files (deliver/config.h).
 * Ends with 0 when something was done with, with 75 when all of it still waits, with
 * 1 when what became of it could not be noted; what did is in the log.
 */
#include <string.h>

#include "base/child.h"
#include "base/process.h"
#include "cred/https.h"
#include "deliver/cause.h"
#include "deliver/flush.h"
#include "runner/journal.h"
#include "runner/runner.h"

/* The words behind the options; -1: ERR_USAGE. */
static int parse(int argc, char **argv, struct flush_options *o, const char **file,
	const char **queue, struct err *e)
{
	bool its_own = false;
	int at = 1;

	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "-C") && at + 1 < argc)
			*file = argv[++at];
		else if (!strcmp(argv[at], "--its-own"))
			its_own = true;
		else if (!strcmp(argv[at], "--now"))
			o->now = true;
		else if (!strcmp(argv[at], "--override"))
			o->override = true;
		else
			break;
	}
	if (argc - at != 2)
		return err_set(e, ERR_USAGE, "this program is started by `sendoff queue watch` only");
	o->config = its_own ? *file : NULL;
	*queue = argv[at];
	o->account = argv[at + 1];
	return 0;
}

/* What the supervisor goes by, where the files are not right any more. */
static int load(struct config *c, const char *file, struct err *e)
{
	int handed = process_inherited("config");

	return handed >= 0 ? config_take_over(c, handed, e) : config_load(c, file, e);
}

/* The exit status, or -1. */
static int deliver(const char *file, const char *queue, const struct flush_options *o,
	struct config *c, struct err *e)
{
	struct flush_result r = { .due = 0 };
	struct spool *spool = NULL;
	int good;

	if (load(c, file, e) < 0 || spool_open(&spool, queue, false, e) < 0)
		return -1;
	config_be_patient(c);
	good = flush_run(spool, c, o, &r, e);
	spool_close(&spool);
	if (good < 0)
		return -1;
	if (r.unwritten)
		return RUNNER_UNWRITTEN;
	return r.delivered || r.failed || r.damaged ? CAUSE_EXIT_OK : cause_exit_again();
}

int runner_deliver_main(int argc, char **argv)
{
	struct flush_options o = { .uid = (uid_t)-1, .patient = true };
	struct config config = { .count = 0 };
	const char *file = NULL, *queue = NULL;
	struct err e = { 0 };
	int got = parse(argc, argv, &o, &file, &queue, &e);

	if (got == 0) {
		got = deliver(file, queue, &o, &config, &e);
		if (got < 0)
			journal_failure(&config, "deliver", e.text);
		config_release(&config);
	}
	/* A token may have been replaced, and has to come into a keyring. */
	child_await_spared(HTTPS_SECONDS + SECRET_COMMAND_SECONDS + 2);
	return got < 0 ? cause_of_err(&e)->exit : got;
}
