/* cmd/login.h - sendoff login and logout, in their files.
 *
 * login.c          all of a sign-in, in order
 * logout.c         the end of one
 * login_account.c  whose it is, and as whom; accounts that need none, or lack a client id
 * login_show.c     what a person is shown meanwhile, and what has come of it
 * login_browser.c  a browser is started
 * login_status.c   what is there of each account's sign-in
 * login_health.c   how it is with one
 * login_password.c an account that has a password in a file
 */
#ifndef CMD_LOGIN_H
#define CMD_LOGIN_H

#include <jansson.h>

#include "cmd/cmd.h"
#include "deliver/credential.h"
#include "cmd/screen.h"
#include "cred/https.h"
#include "cred/keyring.h"
#include "cred/signin.h"
#include "deliver/config.h"
#include "queue/park.h"

/* For others to be done with a token: each of them asks a provider three times at most, and a
 * keyring twice. */
enum { LOGIN_LOCK_SECONDS = 3 * HTTPS_SECONDS + 2 * SECRET_COMMAND_SECONDS + 10 };

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
	struct token token;          /* own; what was stored */
	struct err replaced;         /* why what stood there was of no use; ERR_NONE: it was not so */
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

/* ---- login_password.c */

/* Whether its password is in a file that can be written for it. */
bool login_by_file(const struct account *a);
/* Both: the exit code. */
int login_store_password(const struct login *l);
int login_remove_password(const struct login *l);

/* ---- login_show.c */

void login_show_begin(struct login_show *show, const struct globals *globals,
	const struct account *a, const struct oauth_plan *p);
/* Format of what is said of a scope that was asked for and not given. */
#define LOGIN_SCOPE_LACKS "The provider has not given all that was asked for: %s is missing, and " \
	"mail may be refused for that. Log in again and agree to all of it, or give the app that " \
	"right on its page."

/* Functions of struct signin_hooks; context: struct login. */
void login_show_step(void *context, const struct signin_step *step);
void login_show_waiting(void *context, int64_t seconds_left);
int  login_ask(void *context, struct secret *line, struct err *e);
void login_show_pause(struct login_show *show);      /* takes the countdown away */
/* What was stored.  The exit code. */
int  login_show_end(struct login *l);

/* ---- login_browser.c */

/* False: none can be started. */
bool login_browse(void *context, const char *url);
/* Whether no browser can be opened here: somebody sits elsewhere, or there is no display. */
bool login_is_remote(void);

/* ---- login_health.c */

/* What is known of one account's sign-in. */
struct login_facts {
	const struct account *account;      /* borrowed, as the next three */
	const struct oauth_plan *plan;
	const struct token *token;   /* NULL: there is none that can be read */
	const char *directory;       /* of the tokens; NULL: it cannot be had */
	const char *state;           /* "signed-in", "signed-out", "over", "unusable" */
	char user[256];              /* whose it is; "" */
	int64_t paused;              /* seconds that the provider is not asked for; 0 */
	struct buf scope_lacks;      /* own; of what was asked for */
	bool parked;                 /* mail waits for the account, ... */
	struct park park;            /* own; ... as this says */
	char parked_for[512];        /* its reason, cleaned; "" */
	struct err trouble;          /* why no mail goes by it; kind ERR_NONE: it does */
};
/* Fills it in behind account, plan, token, directory and what token_load() gave; trouble may
 * be set already where it was -1. */
void login_judge(struct login_facts *f, const struct config *c, int loaded, int64_t now);
/* Whether there is something that a person should know of, though mail goes. */
bool login_is_doubtful(const struct login_facts *f);
void login_facts_release(struct login_facts *f);

/* ---- login_status.c */

/* only: that account; NULL: all that sign in.  The exit code. */
int login_status(struct login *l, const struct account *only);
/* Whose the token is, where it can be read: cleaned; "". */
void login_token_user(const struct token *t, char *out, size_t size);
/* A moment as people write it, here: "2026-11-30 12:34". */
void login_moment(int64_t when, char out[32]);

#endif
