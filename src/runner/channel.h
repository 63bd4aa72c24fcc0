/* runner/channel.h - JSON objects, one a line, over a stream socket.
 *
 * What the roles of the runner tell each other, and both ends of the control
 * socket.  Nothing the peer does blocks: what it sends is bounded, what it does
 * not read too, and descriptors that it sends along are dropped.
 */
#ifndef RUNNER_CHANNEL_H
#define RUNNER_CHANNEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

enum {
	CHANNEL_LINE_MAX = 1 << 20,    /* octets of a line from somebody else */
	CHANNEL_ROLE_MAX = 64 << 20,   /* ... from one of our own roles: a table of aliases */
	CHANNEL_OUTPUT_FULL = 128 << 10   /* unread octets from which on a sender is to pause */
};

struct channel;

struct channel_events {
	/* A whole object, borrowed. */
	void (*line)(void *context, json_t *object);
	/* Nothing will come or go any more; called once, and never from within
	 * another function of the channel.  why: NULL where the peer closed it between
	 * two lines, else what went wrong.  The owner frees the channel, here or later. */
	void (*closed)(void *context, const char *why);
	/* Behind a channel_send() that returned false: all has been read.  May be NULL. */
	void (*drained)(void *context);
	void *context;
};

/* fd becomes the channel's; line_max is the most octets of a line that comes in. */
struct channel *channel_new(struct loop *l, int fd, size_t line_max,
	const struct channel_events *events);
void channel_free(struct channel **cp);   /* also from within its own events; what is
                                           * unsent is lost */

/* Sends an object (borrowed).  False: taken, but the peer is slow, and the next
 * should wait for drained(); where more than CHANNEL_ROLE_MAX octets pile up all
 * the same, the channel ends. */
bool channel_send(struct channel *c, const json_t *object);

/* Stops and goes on reading: no line() comes meanwhile. */
void channel_pause(struct channel *c, bool pause);

#endif
