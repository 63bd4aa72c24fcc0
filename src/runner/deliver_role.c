/* runner/deliver_role.c - the delivering role: what is due for one account.
 *
 *	sendoff-deliver [-C FILE [--its-own]] [--now] [--override] QUEUE ACCOUNT
 *
 * --its-own: only messages that were taken in with that -C.
 * Ends with 0 when something was done with, with 75 when all of it still waits;
 * what became of each message is in the log.
 */
#include <string.h>

#include "cred/source.h"
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

static int deliver(const char *file, const char *queue, const struct flush_options *o,
	struct config *c, struct err *e)
{
	struct flush_result r = { .due = 0 };
	struct spool *spool = NULL;
	int good;

	if (config_load(c, file, e) < 0 || spool_open(&spool, queue, false, e) < 0)
		return -1;
	config_be_patient(c);
	good = flush_run(spool, c, o, &r, e);
	spool_close(&spool);
	if (good < 0)
		return -1;
	return r.delivered || r.failed || r.damaged ? 0 : 1;
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
	if (got < 0)
		return cause_of_err(&e)->exit;
	return got ? cause_exit_again() : CAUSE_EXIT_OK;
}
