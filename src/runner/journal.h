/* runner/journal.h - what the runner itself has to say, in the log.
 */
#ifndef RUNNER_JOURNAL_H
#define RUNNER_JOURNAL_H

#include "base/log.h"
#include "deliver/config.h"

/* A record about the runner: `runner` says what it is about ("watch", "accept",
 * "config", ...), the fields are set by the caller. */
void journal_begin(struct log_record *r, const char *runner, bool failed);

/* To where the configuration says; c NULL: to syslog.  A log that cannot be
 * written is passed over for syslog. */
void journal_send(const struct config *c, const struct log_record *r);

/* Both in one: failed with an error, or not with a note. */
void journal_failure(const struct config *c, const char *runner, const char *error);
void journal_note(const struct config *c, const char *runner, const char *note);

#endif
