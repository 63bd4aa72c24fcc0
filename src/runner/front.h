/* runner/front.h - the accepting role, seen from the supervisor: started, told
 * what it needs to know, started again.
 */
#ifndef RUNNER_FRONT_H
#define RUNNER_FRONT_H

#include <jansson.h>

#include "net/loop.h"
#include "runner/scope.h"
#include "runner/settings.h"

struct front;

struct front_events {
	void (*look)(void *context);     /* the queue is another than it was */
	void (*flush)(void *context);    /* root wants all of it sent now */
	void *context;
};

/* Starts it; spool and settings are borrowed. */
struct front *front_new(struct loop *l, const struct scope_sockets *sockets, const char *spool,
	const struct settings *settings, const struct front_events *events);
void front_free(struct front **fp);

void front_tell(struct front *f);     /* the configuration or the aliases are others now */
/* The files that the aliases in force include. */
void front_includes(const struct front *f, void (*each)(void *context, const char *path),
	void *context);
void front_reap(struct front *f);     /* some child has ended */
void front_stop(struct front *f, int signal);
bool front_runs(const struct front *f);

#endif
