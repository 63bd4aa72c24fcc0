/* probe/configuration.h - which files were read, what came of each, which account it is.
 */
#ifndef PROBE_CONFIGURATION_H
#define PROBE_CONFIGURATION_H

#include "deliver/config.h"
#include "probe/report.h"

/* c: as config_load() left it, whether it succeeded or not; NULL: no file has to do with it.  a: the account, NULL: none
 * was found.  why: what made it the one ("it is the default"), or NULL.  e: the bad news,
 * NULL: there is none; then the stage has failed. */
void configuration_tell(const struct config *c, const struct account *a, const char *why,
	const struct err *e, struct report_stage *stage);

#endif
