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

/* Root where no runner is: what it could not send for the machine it stored in the
 * system's queue. */
static bool has_system(const struct queues *q)
{
	return !q->runner && geteuid() == 0 && !q->config.file && !config_in_environment() &&
		access(config_system_spool(), F_OK) == 0;
}

static void load(struct queues *q)
{
	const struct globals *g = q->globals;
	bool good = config_load(&q->config, g->config, &q->config_err) == 0;

	if (good)
		q->config_err = (struct err){ 0 };
	else if (q->config.faulty && !g->quiet)
		tell_config(q);
}

/* Accounts of root's own are none of the runner's user. */
static void load_again(struct queues *q)
{
	if (q->config.only_system)
		return;
	config_release(&q->config);
	load(q);
}

/* Root becomes who may use it, where there is somebody. */
static int open_system(struct queues *q, struct err *e)
{
	if (process_become(CONFIG_RUNNER_USER, e) < 0)
		return -1;
	if (geteuid() == 0)
		return 0;
	spool_close(&q->spool);
	load_again(q);
	q->manage.scope = 's';
	return open_own(q, NULL, e);
}

static void fill_manage(struct queues *q)
{
	q->manage.spool = q->spool;
	q->manage.retry = q->config_err.kind == ERR_NONE ? &q->config.global.retry : &q->usual.retry;
	q->manage.asker = (struct manage_asker){ .uid = geteuid(), .all = true, .may_list = true };
}

int queues_open(struct queues *q, const struct globals *globals, struct err *e)
{
	*q = (struct queues){ .globals = globals, .manage.scope = 'p' };
	load(q);
	fill_usual(q);
	if (open_own(q, q->config_err.kind == ERR_NONE ? &q->config : NULL, e) < 0)
		return -1;
	*e = (struct err){ 0 };
	/* Whoever names the configuration means that one alone. */
	q->runner = !globals->config && !process_env("SENDOFF_CONFIG") &&
		!config_in_environment() && (q->config.runner || config_has_runner() ||
		access(config_control_socket(), F_OK) == 0);
	q->more = q->spool && has_system(q);
	if (!q->spool && has_system(q) && open_system(q, e) < 0)
		return -1;
	*e = (struct err){ 0 };
	fill_manage(q);
	return 0;
}

bool queues_next(struct queues *q, int *code)
{
	struct err e = { 0 };

	if (!q->more)
		return false;
	q->more = false;
	if (open_system(q, &e) < 0) {
		int failed = print_failure(&e);

		*code = failed > *code ? failed : *code;
		return false;
	}
	fill_manage(q);
	return q->spool && q->manage.scope == 's';
}

bool queues_is_later(const struct queues *q, const char *id)
{
	if (!q->more)
		return false;
	return id[0] && id[1] == '-' ? id[0] == 's' : !manage_has(&q->manage, id);
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
		return id[0] == 's' && q->manage.scope != 's' && !q->more;
	return q->runner && !(q->spool && manage_has(&q->manage, id));
}
