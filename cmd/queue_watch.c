/* cmd/queue_watch.c - sendoff queue watch: sends what is queued, for as long as it
 * runs. */
#include "cmd/cmd.h"
#include "runner/runner.h"

int cmd_queue_watch(struct globals *globals, char **words, int count)
{
	struct watch_options o = { .config = globals->config };
	struct err e = { 0 };

	(void)words;
	(void)count;
	return runner_watch(&o, &e) < 0 ? print_failure(&e) : 0;
}
