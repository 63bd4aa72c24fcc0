/* cmd/queue_watch.c - sendoff queue watch: sends what is queued, for as long as it
 * runs; see queue.h. */
#include "cmd/queue.h"

#include "runner/runner.h"

int cmd_queue_watch(const struct globals *globals, long interval)
{
	struct watch_options o = { .config = globals->config, .interval = interval };
	struct err e = { 0 };

	return runner_watch(&o, &e) < 0 ? print_failure(&e) : 0;
}
