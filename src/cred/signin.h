/* cred/signin.h - a person signs in: the code flow with a browser here, the same with a
 * browser elsewhere (the redirected URL is pasted), and the device flow.
 *
 * Blocks, in a loop of its own, until it is done, refused, too late, or a signal came.
 * Prints nothing: what there is to show is handed to the caller.
 */
#ifndef CRED_SIGNIN_H
#define CRED_SIGNIN_H

#include "cred/token.h"

enum { SIGNIN_SECONDS = 600 };   /* for a person to do it; a device code has its own time */

/* What a person is to do. */
struct signin_step {
	enum oauth_flow flow;      /* OAUTH_FLOW_CODE, _PASTE, _DEVICE */
	const char *url;           /* to be opened; cleaned, as all here */
	const char *user_code;     /* device: to be typed there; NULL */
	const char *url_complete;  /* device: the same URL with the code in it; NULL */
	bool opened;               /* a browser was started with it */
};

struct signin_hooks {
	void (*show)(void *context, const struct signin_step *step);
	void (*waiting)(void *context, int64_t seconds_left);   /* once a second; may be NULL */
	/* Paste: one line of the user's, which is wiped.  -1: *e. */
	int  (*ask)(void *context, struct secret *line, struct err *e);
	/* Opens a browser; false: it cannot.  NULL: none is to be opened. */
	bool (*browse)(void *context, const char *url);
	/* Stores what was granted, before a browser is told that all is well.  -1: *e, and the
	 * sign-in has failed.  NULL: nothing is stored. */
	int  (*keep)(void *context, const struct oauth_grant *g, struct err *e);
	void *context;
};

/* Completes the plan where its URLs are to be discovered from the issuer; to be called before
 * the others here.  -1: network, ERR_PROTOCOL, ERR_CONFIG, ERR_SIGNAL. */
int  signin_prepare(struct oauth_plan *p, struct err *e);

/* What suits: OAUTH_FLOW_AUTO becomes one of the others.  remote: no browser can be opened
 * here (ssh, no display); terminal: there is somebody to paste. */
enum oauth_flow signin_choose(const struct oauth_plan *p, bool remote, bool terminal);

/* out: what was granted.  -1: ERR_LOGIN (refused), ERR_TIMEOUT, ERR_SIGNAL, ERR_CONFIG, network;
 * what keep() said. */
int  signin_run(struct oauth_plan *p, enum oauth_flow flow, const struct signin_hooks *hooks,
	struct oauth_grant *out, struct err *e);

/* Has the provider end what the token is good for (RFC 7009).  1: it has no way to.  -1: it
 * did not. */
int  signin_revoke(struct oauth_plan *p, const struct token *t, struct err *e);

#endif
