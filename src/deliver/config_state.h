/* deliver/config_state.h - the inside of the configuration, shared by its files only.
 *
 * config.c        finding and joining the sources
 * config_check.c  what settings mean together
 * config_look.c   the files that settings name
 * config_denied.c a file that may not be read
 */
#ifndef DELIVER_CONFIG_STATE_H
#define DELIVER_CONFIG_STATE_H

#include "deliver/config.h"

/* The last step of loading: settings that contradict each other, or the file that
 * they stand in.  -1: ERR_CONFIG naming file and line. */
int config_check(struct config *c, struct err *e);

/* Why this file may not be read: ERR_CONFIG with its owner and mode, and what mends it.
 * Always returns -1. */
int config_denied(const char *path, struct err *e);

#endif
