/* probe/discover.h - which server sends for an address, where nobody has said it: SRV
 * records of its domain (RFC 6186), and failing that, who answers at the usual names.
 *
 * A record that leads out of the domain, and a name that was only guessed, are told and
 * not taken: the user has the last word before a password goes there.
 */
#ifndef PROBE_DISCOVER_H
#define PROBE_DISCOVER_H

#include "net/srv.h"
#include "probe/report.h"

/* Completes the stage.  -1: ERR_USAGE, with what to call instead; ERR_NAME_AGAIN: nobody
 * answers now; ERR_SIGNAL. */
int discover_server(const char *address, const char *domain, long milliseconds,
	struct srv_target *out, struct report_stage *stage, struct err *e);

#endif
