/* runner/ports.h - the loopback ports that the key `listen` names.
 *
 * They are the supervisor's, so that they stay while the accepting role starts anew.
 * One that the service manager has handed over under the name "listen" is taken
 * where the key names it, and only there; the others are opened here.
 */
#ifndef RUNNER_PORTS_H
#define RUNNER_PORTS_H

#include "base/key.h"
#include "deliver/account.h"

struct ports {
	struct port {
		char *text;          /* own; as the key has it */
		int fd;              /* own */
	} items[ACCOUNT_LISTEN_MOST];
	size_t count;
	bool missing;                /* one that is named could not be had */
};

/* Opens those that are named and not yet open, closes the others.  True: they are
 * others now than before.  failed is told why one cannot be had. */
bool ports_open(struct ports *p, const struct key_list *named,
	void (*failed)(void *context, const char *why), void *context);
void ports_close(struct ports *p);

#endif
