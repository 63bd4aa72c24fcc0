/* probe/visit.c - one session from its beginning to its end; see state.h. */
#include <stdlib.h>
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

/* A session without a login knows no secret that it could hide. */
static void visit_trace(void *context, enum smtp_direction direction, const char *line, size_t len)
{
	const struct visit *v = context;
	const struct probe *p = v->probe;
	char *copy = mem_copy(line, len);

	mask_apply(&p->mask, copy, len);
	p->o->trace(p->o->context, direction, copy, len);
	free(copy);
}

void visit_run(struct probe *p, struct visit *v)
{
	struct session_hooks hooks = v->hooks;

	v->probe = p;
	v->failed = false;
	hooks.trace = p->o->trace ? visit_trace : NULL;
	hooks.idle = visit_idle;
	hooks.ended = visit_ended;
	hooks.in_confidence = true;
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
