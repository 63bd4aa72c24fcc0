/* cred/signin_state.h - a sign-in on its way, as its files share it.
 *
 * signin.c           what all flows do: asking the provider, waiting, ending
 * signin_code.c      the code flow, with a browser here or elsewhere
 * signin_browser.c   the ports that a browser here comes back to
 * signin_device.c    the device flow
 * signin_revoke.c    the end
 */
#ifndef CRED_SIGNIN_STATE_H
#define CRED_SIGNIN_STATE_H

#include "cred/https.h"
#include "cred/landing.h"
#include "cred/signin.h"

struct signin {
	struct oauth_plan *plan;             /* borrowed, as the next three */
	const struct signin_hooks *hooks;
	struct oauth_grant *out;
	struct err *e;
	struct loop loop;
	struct watch signals, timer, second;
	uint64_t end;                        /* clock_ms() of its deadline */
	struct https *https;                 /* own; while a request is on its way */
	struct https_answer answer;          /* own; of the last one */
	struct err asked;                    /* why there is none */
	bool answered;
	char state[64], verifier[64];        /* wiped */
};

enum signin_turn { SIGNIN_STOPPED = -1, SIGNIN_CAME, SIGNIN_LATE };
/* Turns the loop until somebody stops it, or that moment.  SIGNIN_STOPPED: *s->e. */
enum signin_turn signin_turn(struct signin *s, uint64_t until);

/* One request; its answer is in s->answer until the next.  -1: s->asked says why; then
 * *s->e is not set, unless s was told to stop. */
int  signin_ask(struct signin *s, const char *url, const struct buf *body);

/* What the token endpoint says to that body, which is wiped. */
enum oauth_outcome signin_ask_token(struct signin *s, struct buf *body);

/* It has been granted: it is kept before anybody hears of it. */
int  signin_keep(struct signin *s);

int  signin_ask_revoke(struct signin *s, const struct token *t);
int  signin_by_code(struct signin *s);
int  signin_by_paste(struct signin *s);
int  signin_by_device(struct signin *s);

/* ---- signin_browser.c */

struct browser;
/* Listens on 127.0.0.1 and ::1, at one port.  What does not bring that state, which is
 * borrowed, is refused and ends nothing.  NULL: ERR_SYSTEM. */
struct browser *browser_open(struct loop *l, const struct landing *at, const char *state,
	struct err *e);
void browser_free(struct browser **bp);   /* *bp may be NULL */
unsigned browser_port(const struct browser *b);
/* What it has brought: path and query; NULL: nothing yet.  When it comes, the ports are
 * closed and the loop stops; the browser waits for its page. */
const char *browser_target(const struct browser *b);
/* Shows it the page.  The loop stops when that is done, or was in vain. */
void browser_answer(struct browser *b, bool good, const char *words);

#endif
