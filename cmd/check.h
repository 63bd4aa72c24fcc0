/* cmd/check.h - what a check shows: stages as they end, then the verdict.
 *
 * In words on stdout, aligned and as wide as the terminal; or as one JSON object when
 * all is done (sendoff-check(1) has its members).
 */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "cmd/cmd.h"
#include "cmd/screen.h"
#include "probe/probe.h"

struct check_show {
	bool json, quiet, sent;
	struct screen screen;
	json_t *object, *stages;   /* own; only with json */
	int failed;                /* stdout cannot be written: the exit code for that; 0 */
};

void check_show_begin(struct check_show *show, const struct globals *globals);
/* Which account is looked at; a NULL or "" is left out. */
void check_show_account(struct check_show *show, const struct account *a);
void check_show_stage(void *context, const struct report_stage *s);   /* context: check_show */
/* The verdict.  Returns the exit code: code, or that of a failed output. */
int  check_show_end(struct check_show *show, const struct probe_finding *f, int code);

#endif
