/* t/server/auth.h - the verifying side of the SASL mechanisms.
 *
 * Knows no SMTP: decoded responses in, decoded challenges out.
 */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include "t/server/options.h"
#include "t/server/wire.h"

enum auth_verdict { AUTH_CHALLENGE, AUTH_ACCEPTED, AUTH_REFUSED, AUTH_MALFORMED };

struct auth;

bool auth_is_known(const char *mechanism);
/* mechanism is known; the rest is borrowed. */
struct auth *auth_new(const char *mechanism, const struct options *opt, const struct wire *w);
void auth_free(struct auth **ap);

/* initial NULL: none came with the command. */
enum auth_verdict auth_start(struct auth *a, const char *initial, size_t len);
enum auth_verdict auth_step(struct auth *a, const char *response, size_t len);

const struct buf *auth_challenge(const struct auth *a);   /* after AUTH_CHALLENGE */
const char *auth_name(const struct auth *a);              /* in its usual spelling */

/* What the client did that a right one never does, or NULL. */
const char *auth_complaint(const struct auth *a);

#endif
