/* runner/notify.h - what the service manager is told (sd_notify(3)), where there
 * is one.
 */
#ifndef RUNNER_NOTIFY_H
#define RUNNER_NOTIFY_H

#include <stdint.h>

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC and removes them: our children have
 * nothing to tell.  Returns how often, in ms, notify_alive() is to be called;
 * 0: never. */
uint64_t notify_begin(void);

void notify_ready(void);
void notify_reloading(void);    /* notify_ready() ends it */
void notify_stopping(void);
void notify_alive(void);

#endif
