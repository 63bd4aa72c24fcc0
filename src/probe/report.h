/* probe/report.h - what a check found, stage by stage, before anybody prints it.
 *
 * Each stage says the same twice: in words (one line, and further ones behind it)
 * and as a JSON object whose members sendoff-check(1) lists.  Whatever goes in is
 * cleaned here, so that all of it may go to a terminal; no secret is ever put in.
 */
#ifndef PROBE_REPORT_H
#define PROBE_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mask.h"

/* In the order in which they are gone through. */
enum report_step {
	REPORT_SERVER, REPORT_SURROUNDINGS, REPORT_CONFIG, REPORT_SECRET, REPORT_NAME, REPORT_CONNECT, REPORT_TLS,
	REPORT_EHLO, REPORT_LHLO, REPORT_LOGIN, REPORT_ENVELOPE, REPORT_SEND, REPORT_ASK, REPORT_QUIT,
	REPORT_EVERY, REPORT_PIPELINING, REPORT_ELSEWHERE, REPORT_STEPS
};
const char *report_step_name(enum report_step step);   /* "surroundings", as in JSON */

enum report_mark {
	MARK_NONE,       /* a line that only tells */
	MARK_OK,
	MARK_WARNING,    /* it works, and something about it will not always */
	MARK_FAILED,     /* the check ends here */
	MARK_SKIPPED     /* it did not come to it, or need not */
};
const char *report_mark_name(enum report_mark mark);   /* "ok", "warning", ... */

struct report_line {
	enum report_mark mark;
	char *text;                 /* own */
};

struct report_stage {
	enum report_step step;
	enum report_mark mark;
	int64_t ms;                 /* -1: not measured */
	char *line;                 /* own; the facts on one line; NULL: none */
	struct report_line *more;   /* own; what stands below it */
	size_t more_count;
	json_t *facts;              /* own; an object */
};

/* From now on this is overwritten wherever it would be told; borrowed until it is called
 * with NULL. */
void report_hide(const struct mask *secret);
/* The same for text that goes elsewhere: a copy, cleaned; own. */
char *report_copy(const char *text);

struct report_stage *report_stage_new(enum report_step step);
void report_stage_free(struct report_stage **sp);

/* Sets mark and line. */
void report_say(struct report_stage *s, enum report_mark mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One more line below it; the stage's own mark becomes at least that bad. */
void report_more(struct report_stage *s, enum report_mark mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Members of facts.  value NULL: the member is left out. */
void report_text(struct report_stage *s, const char *name, const char *value);
void report_number(struct report_stage *s, const char *name, int64_t value);
void report_bool(struct report_stage *s, const char *name, bool value);
void report_json(struct report_stage *s, const char *name, json_t *value);   /* takes it */
/* A JSON string of cleaned text, for what goes into report_json(). */
json_t *report_string(const char *text);

#endif
