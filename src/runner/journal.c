/* runner/journal.c - the runner's own log records; see journal.h. */
#include "runner/journal.h"

#include <time.h>

void journal_begin(struct log_record *r, const char *runner, bool failed)
{
	*r = (struct log_record){ .failed = failed };
	clock_gettime(CLOCK_REALTIME, &r->when);
	log_text(r, "runner", runner);
}

void journal_send(const struct config *c, const struct log_record *r)
{
	static const struct log_settings usual;
	char warning[512];

	if (!log_send(c ? &c->global.log : &usual, "syslog", r, warning, sizeof(warning)))
		log_send(&usual, "syslog", r, warning, sizeof(warning));
}

void journal_failure(const struct config *c, const char *runner, const char *error)
{
	struct log_record r;

	journal_begin(&r, runner, true);
	log_text(&r, "error", error);
	journal_send(c, &r);
}

void journal_note(const struct config *c, const char *runner, const char *note)
{
	struct log_record r;

	journal_begin(&r, runner, false);
	log_text(&r, "note", note);
	journal_send(c, &r);
}
