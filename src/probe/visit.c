/* probe/visit.c - one session from its beginning to its end; see state.h. */
#include <string.h>

#include "base/mem.h"
#include "probe/state.h"

static void visit_ended(void *context, const struct smtp_failure *f)
{
	struct visit *v = context;

	v->failed = f != NULL;
	if (f) {
		v->failure = *f;
		v->failure.result.text = f->result.text ? mem_string(f->result.text) : NULL;
		v->failure.result.hint = NULL;
	}
	loop_stop(&v->probe->loop);
}

static void visit_idle(void *context)
{
	struct visit *v = context;

	if (!v->work || !v->work(v))
		session_finish(v->session);
}

void visit_run(struct probe *p, struct visit *v)
{
	struct session_hooks hooks = v->hooks;

	v->probe = p;
	v->failed = false;
	hooks.trace = p->o->trace;
	hooks.idle = visit_idle;
	hooks.ended = visit_ended;
	hooks.context = v;
	p->visit = v;
	v->session = session_start(&p->loop, v->account, v->pipelining, &hooks);
	/* A session that has failed at once has stopped the loop already. */
	loop_run(&p->loop);
	p->visit = NULL;
}

void visit_end(struct visit *v)
{
	smtp_result_release(&v->failure.result);
	session_free(&v->session);
}
