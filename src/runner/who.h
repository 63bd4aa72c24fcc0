/* runner/who.h - the names behind user numbers, for the role that cannot ask.
 *
 * The name service may be a network away: it is asked in a child, for all at once
 * who have been asked about meanwhile.  About whom it does not answer soon, he is
 * asked about in a line of his own from then on, and keeps nobody else waiting.
 * The uid that stands for whoever has none here (overflowuid) has no name.
 */
#ifndef RUNNER_WHO_H
#define RUNNER_WHO_H

#include <jansson.h>
#include <sys/types.h>

#include "net/loop.h"

enum { WHO_MOST = 4096 };   /* that wait; beyond that they have to be asked again */

struct who;

/* answer: {"do":"who","uid":N,"name":...,"groups":[...]}, borrowed; without name
 * there is no such user. */
struct who *who_new(struct loop *l, void (*answer)(void *context, json_t *object), void *context);
void who_free(struct who **wp);
void who_ask(struct who *w, uid_t uid);   /* root and nobody are answered at once */

#endif
