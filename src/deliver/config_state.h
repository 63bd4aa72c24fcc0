/* deliver/config_state.h - the inside of the configuration, shared by its files only.
 *
 * config.c        finding and joining the sources
 * config_check.c  what settings mean together
 */
#ifndef DELIVER_CONFIG_STATE_H
#define DELIVER_CONFIG_STATE_H

#include "deliver/config.h"

/* The last step of loading: settings that contradict each other, or the file that
 * they stand in.  -1: ERR_CONFIG naming file and line. */
int config_check(struct config *c, struct err *e);

#endif
