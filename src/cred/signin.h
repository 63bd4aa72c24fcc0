/* cred/signin.h - a person signs in: the code flow with a browser here, the same with a
 * browser elsewhere (the redirected URL is pasted), and the device flow.
 *
 * Blocks, in a loop of its own, until it is done, refused, too late, or a signal came.
 * Prints nothing: what there is to show is handed to the caller.
 */
#ifndef CRED_SIGNIN_H
#define CRED_SIGNIN_H

#include "cred/token.h"

struct signin_hooks {
	/* The URL to open (code flows), or to open and where to type the code (device). */
	void (*show)(void *context, const char *url, const char *user_code, const char *url_complete);
	void (*waiting)(void *context, int64_t seconds_left);   /* once a second; may be NULL */
	/* Paste: one line of the user's.  -1: *e. */
	int  (*ask)(void *context, struct buf *line, struct err *e);
	bool (*browse)(void *context, const char *url);         /* opens a browser; false: cannot */
	void *context;
};

/* What suits: OAUTH_FLOW_AUTO becomes one of the others.  remote: no browser can be opened
 * here (ssh, no display); terminal: there is somebody to paste. */
enum oauth_flow signin_choose(const struct oauth_plan *p, bool remote, bool terminal);

/* out: what to store.  -1: ERR_LOGIN (refused), ERR_TIMEOUT, ERR_SIGNAL, ERR_CONFIG, network. */
int  signin_run(struct oauth_plan *p, enum oauth_flow flow, const struct signin_hooks *hooks,
	struct oauth_grant *out, struct err *e);

#endif
