/* cmd/login.h - sendoff login and logout, in their files.
 *
 * login.c          all of a sign-in, in order
 * logout.c         the end of one
 * login_account.c  whose it is, and as whom; accounts that need none, or lack a client id
 * login_show.c     what a person is shown meanwhile, and what has come of it
 * login_browser.c  a browser is started
 * login_status.c   what is there of each account's sign-in
 */
#ifndef CMD_LOGIN_H
#define CMD_LOGIN_H

#include <jansson.h>

#include "cmd/cmd.h"
#include "deliver/credential.h"
#include "cmd/screen.h"
#include "cred/https.h"
#include "cred/signin.h"
#include "deliver/config.h"

/* For others to be done with a token: each of them asks a provider three times at most. */
enum { LOGIN_LOCK_SECONDS = 3 * HTTPS_SECONDS + 10 };

struct login_words {
	enum oauth_flow flow;        /* OAUTH_FLOW_AUTO: not said */
	bool no_browser, status;
	const char *word;            /* ACCOUNT; NULL */
};

struct login_show {
	const struct globals *globals;      /* borrowed, as the next two */
	const struct account *account;
	const struct oauth_plan *plan;
	struct screen screen;
	bool counts;                 /* the last line is a countdown that is written over */
	bool counting;               /* it stands there now */
	int failed;                  /* stdout cannot be written: the exit code for that; 0 */
};

struct login {
	struct globals *globals;     /* borrowed */
	struct login_words w;
	struct config config;        /* own */
	const struct account *account;      /* borrowed from it */
	struct oauth_plan plan;      /* own */
	char *directory;             /* own; of the tokens */
	struct login_show show;
};

/* The word that is no option.  -1: ERR_USAGE. */
int  login_take_word(struct login *l, char **words, int count, const char *command,
	struct err *e);
/* Loads the configuration and finds the account.  -1: ERR_USAGE, ERR_CONFIG. */
int  login_find(struct login *l, const char *command, struct err *e);
/* System accounts are root's to sign in for, who becomes the runner's user.  From here on
 * there may be a network.  -1: ERR_RIGHT with the command to call, ERR_SYSTEM. */
int  login_mind_scope(const struct account *a, const char *command, struct err *e);

/* ---- login_account.c */
/* Appends how to get a client id, where that is what is missing. */
void login_add_steps(const struct account *a, struct buf *out);
/* Appends that the account needs no sign-in, and what to do instead.  False: it does need
 * one. */
bool login_is_needless(const struct account *a, struct buf *out);
/* The same where no person is needed: by client credentials or a key. */
bool login_is_unattended(const struct oauth_plan *p);
void login_release(struct login *l);

/* ---- login_show.c */

void login_show_begin(struct login_show *show, const struct globals *globals,
	const struct account *a, const struct oauth_plan *p);
/* Functions of struct signin_hooks; context: struct login_show. */
void login_show_step(void *context, const struct signin_step *step);
void login_show_waiting(void *context, int64_t seconds_left);
int  login_ask(void *context, struct secret *line, struct err *e);
void login_show_pause(struct login_show *show);      /* takes the countdown away */
/* What was stored.  The exit code. */
int  login_show_end(struct login_show *show, const struct token *t);

/* ---- login_browser.c */

/* False: none can be started. */
bool login_browse(void *context, const char *url);
/* Whether no browser can be opened here: somebody sits elsewhere, or there is no display. */
bool login_is_remote(void);

/* ---- login_status.c */

/* only: that account; NULL: all that sign in.  The exit code. */
int login_status(struct login *l, const struct account *only);
/* Whose the token is, where it can be read: cleaned; "". */
void login_token_user(const struct token *t, char *out, size_t size);
/* A moment as people write it, here: "2026-11-30 12:34". */
void login_moment(int64_t when, char out[32]);

#endif
