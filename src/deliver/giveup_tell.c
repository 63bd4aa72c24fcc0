/* deliver/giveup_tell.c - a report while the caller waits; see giveup.h. */
#include "deliver/giveup.h"

#include <stdlib.h>
#include <time.h>

#include "base/daemon.h"
#include "base/mem.h"
#include "base/process.h"
#include "deliver/cause.h"
#include "deliver/message.h"
#include "deliver/notice.h"

/* The refused ones, at most as many as one report names; those behind were told
 * on the spot, if not by mail.  Returns the next step. */
static const char *collect(const struct message *m, const struct smtp_message *tried,
	const char *host, struct report_recipient *about, size_t *count)
{
	const char *next = NULL;
	int64_t now = time(NULL);

	for (size_t i = 0; i < tried->count && *count < NOTICE_RECIPIENTS_MAX; i++) {
		const struct smtp_result *r = &tried->results[i];

		if (r->verdict != VERDICT_REFUSED)
			continue;
		about[(*count)++] = (struct report_recipient){
			.address = tried->recipients[i],
			.original = m->originals ? m->originals[i] : NULL, .code = r->code,
			.enhanced = r->enhanced, .text = r->text, .when = now
		};
		if (!next)
			next = r->hint ? r->hint : cause_of_result(r, host)->next;
	}
	return next;
}

int giveup_tell(struct spool *s, const struct config *c, const struct account *a,
	const struct message *m, const struct smtp_message *tried, char id[ENTRY_ID_LEN + 1],
	struct err *e)
{
	struct report_recipient *about = mem_alloc(NOTICE_RECIPIENTS_MAX * sizeof(*about));
	struct envelope to = { .sender = NULL };
	struct letter letter;
	struct notice n = { .action = REPORT_FAILED, .account = a, .letter = &letter,
		.config = c->file, .login = process_user(), .uid = process_caller(),
		.errors = ERRORS_MAIL, .created = time(NULL), .recipients = about };
	int good = 1;

	n.server = a && a->net.host && a->net.host[0] != '/' ? a->net.host : NULL;
	message_letter(m, &letter);
	n.next = collect(m, tried, a ? a->net.host : NULL, about, &n.count);
	notice_addressees(c, &n, notice_is_personal(s), &to);
	id[0] = '\0';
	if (n.count && notice_wanted(c, &n, &to))
		good = notice_store(s, &n, &to, id, e);
	envelope_release(&to);
	free(about);
	return good;
}
