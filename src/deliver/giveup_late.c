/* deliver/giveup_late.c - the one notice that a message is late; see giveup.h.
 *
 * Its id follows from the message alone, so that there is one whoever waits.
 */
#include "deliver/giveup.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "deliver/cause.h"
#include "deliver/giving.h"
#include "deliver/manage.h"

static const char *next_of_cause(const char *id)
{
	const struct cause *cause = cause_named(id);

	return cause ? cause->next : NULL;
}

/* What they are told where no server has answered. */
static void explain_waiting(const struct giving *g)
{
	char *why = giving_why_waiting(g);

	for (size_t i = 0; i < g->entry->count; i++) {
		struct entry_recipient *to = &g->entry->recipients[i];

		if (to->state == RECIPIENT_WAITING && !to->text)
			to->text = mem_string(why);
	}
	free(why);
}

static int tell_delay(struct giving *g, struct err *e)
{
	size_t *which = mem_alloc(NOTICE_RECIPIENTS_MAX * sizeof(*which));
	size_t count = giving_choose(g->entry, RECIPIENT_WAITING, 0, which);
	char id[ENTRY_ID_LEN + 1];
	struct telling t;
	int good = 0;

	giving_prepare(g, REPORT_DELAYED, &t);
	t.notice.until = manage_since(g->entry) + g->config->global.retry.max_age / 1000;
	if (count && t.wanted) {
		good = giving_delay_id(g->entry, id, e);
		if (good == 0)
			good = giving_store(g, &t, which, count, id, e);
	}
	telling_release(&t);
	free(which);
	return good;
}

int giveup_delayed(struct spool *s, const struct config *c, const struct account *a,
	struct held *h, struct entry *n, struct err *e)
{
	struct giving g = { .spool = s, .config = c, .account = a, .held = h, .entry = n,
		.next = next_of_cause(n->cause) };

	explain_waiting(&g);
	if (tell_delay(&g, e) < 0)
		return -1;
	n->delay_told = true;
	entry_event(n, time(NULL), "delayed", g.reports[0] ? g.reports : NULL);
	return held_update(h, n, g.reports[0], e);
}
