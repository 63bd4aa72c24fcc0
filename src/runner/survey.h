/* runner/survey.h - a look at the whole queue, in a child of its own.
 *
 * It may be long, a report may be due, and on_failure may take its time: none of
 * it keeps the supervisor from answering.
 */
#ifndef RUNNER_SURVEY_H
#define RUNNER_SURVEY_H

#include "deliver/config.h"
#include "runner/agenda.h"
#include "runner/work.h"

struct survey {
	struct work *work;             /* own; NULL: none is being made */
	const char *spool;             /* borrowed; its path */
	const struct config *config;   /* borrowed until it has begun; NULL: only the sweeping */
	bool sweep;                    /* what crashes left, and what failed long ago, goes */
	struct agenda *agenda;         /* borrowed; what is found is entered */
	/* why: NULL, or what went wrong. */
	void (*done)(void *context, const char *why);
	void *context;
};

/* -1: ERR_SYSTEM. */
int  survey_begin(struct survey *s, struct loop *l, struct err *e);
void survey_stop(struct survey *s);

/* What the child writes, entered into the agenda: pure.  False: it is not that; with
 * *why where the child says itself what was wrong. */
bool survey_read(struct agenda *a, const char *found, size_t len, const char **why);

#endif
