/* cmd/queue_open.c - where the queues are; see queue.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/process.h"
#include "cmd/queue.h"
#include "deliver/enqueue.h"
#include "deliver/outcome.h"
#include "runner/ask.h"

/* What is in force where no configuration is. */
static void fill_usual(struct queues *q)
{
	struct err ignored = { 0 };

	conf_fill(&(struct conf_source){ .name = NULL }, CONF_GLOBAL, NULL, global_tables, true,
		&q->usual, &ignored);
	account_finish_global(&q->usual, process_home(), &ignored);
	q->none = (struct config){ .global = q->usual };
}

static void tell_config(const struct queues *q)
{
	struct buf out = BUF_INIT(4096);

	outcome_describe_err(&q->config_err, &out);
	print_err(&out);
	buf_release(&out);
}

static int open_own(struct queues *q, const struct config *c, struct err *e)
{
	char *path = enqueue_path(c, e);
	int r;

	if (!path)
		return 0;   /* no home: nothing can have been queued */
	r = spool_open(&q->spool, path, false, e);
	free(path);
	return r < 0 && e->kind != ERR_NO_QUEUE ? -1 : 0;
}

/* Root where no runner is, and nothing of its own was ever queued: the system's
 * queue, in which it stored what it could not send. */
static int open_system(struct queues *q, struct err *e)
{
	if (q->spool || q->runner || geteuid() != 0 || q->config.file ||
	    process_env("SENDOFF_HOST") || access(config_system_spool(), F_OK) < 0)
		return 0;
	if (process_become(CONFIG_RUNNER_USER, e) < 0)
		return -1;
	if (geteuid() == 0)
		return 0;
	q->manage.scope = 's';
	return open_own(q, NULL, e);
}

int queues_open(struct queues *q, const struct globals *globals, struct err *e)
{
	bool good;

	*q = (struct queues){ .globals = globals };
	good = config_load(&q->config, globals->config, &q->config_err) == 0;
	if (good)
		q->config_err = (struct err){ 0 };
	else if (q->config.faulty && !globals->quiet)
		tell_config(q);
	fill_usual(q);
	if (open_own(q, good ? &q->config : NULL, e) < 0)
		return -1;
	*e = (struct err){ 0 };
	q->manage = (struct manage){ .spool = q->spool, .scope = 'p',
		.retry = good ? &q->config.global.retry : &q->usual.retry,
		.asker = { .uid = geteuid(), .all = true, .may_list = true } };
	/* Whoever names the configuration means that one alone. */
	q->runner = !globals->config && !process_env("SENDOFF_CONFIG") &&
		!process_env("SENDOFF_HOST") && (q->config.runner || config_has_runner() ||
		access(config_control_socket(), F_OK) == 0);
	if (open_system(q, e) < 0)
		return -1;
	*e = (struct err){ 0 };
	q->manage.spool = q->spool;
	q->manage.asker.uid = geteuid();
	return 0;
}

void queues_close(struct queues *q)
{
	spool_close(&q->spool);
	config_release(&q->config);
	conf_clear(global_tables, &q->usual);
}

struct asked {
	void (*answer)(void *context, const json_t *object);
	void *context;
};

static void take_answer(void *context, json_t *object)
{
	const struct asked *a = context;
	bool only_ends = json_object_get(object, "end") && json_object_size(object) == 1;

	if (a->answer && !only_ends)
		a->answer(a->context, object);
}

int queues_ask(json_t *question, void (*answer)(void *context, const json_t *object),
	void *context, struct err *e)
{
	struct asked a = { answer, context };
	int r = ask(config_control_socket(), question, take_answer, &a, e);

	json_decref(question);
	return r;
}

bool queues_is_system(const struct queues *q, const char *id)
{
	if (id[0] && id[1] == '-')
		return id[0] == 's' && q->manage.scope != 's';
	return q->runner && !(q->spool && manage_has(&q->manage, id));
}
