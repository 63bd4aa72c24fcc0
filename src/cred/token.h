/* cred/token.h - the tokens of accounts, kept on disk: one file each, mode 0600, replaced as a
 * whole and synced, under a lock that all processes take before they ask for a new one.
 *
 * $XDG_STATE_HOME/sendoff/tokens/NAME; of the system's accounts /var/lib/sendoff/NAME, which
 * only user `sendoff` reads.
 */
#ifndef CRED_TOKEN_H
#define CRED_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "cred/oauth_talk.h"
#include "net/loop.h"

struct token {
	struct secret access, refresh;   /* own; data NULL: none */
	int64_t obtained, expires;       /* seconds since 1970, by our clock */
	int64_t signed_in;               /* when a person did */
	char scope[1024], client_id[256], token_url[512];
	bool stale;                      /* a mail server refused the access token: get another */
	char over[64];                   /* the cause why there will be no other (invalid_grant); "" */
};
void token_wipe(struct token *t);

/* The directory; made when it is missing.  Own; NULL: ERR_STORE. */
char *token_directory(bool system, struct err *e);

/* 0; 1: there is none; -1: ERR_SECRET (not ours, readable by others, damaged, newer). */
int  token_load(const char *directory, const char *account, struct token *out, struct err *e);
/* Durable when it returns 0.  -1: ERR_STORE, and the old one stays. */
int  token_save(const char *directory, const char *account, const struct token *t, struct err *e);
int  token_remove(const char *directory, const char *account, struct err *e);

/* The lock of one account; kernel-held, gone with the process.  A descriptor, or -1 with
 * *busy (somebody is at it) or *e. */
int  token_lock(const char *directory, const char *account, bool *busy, struct err *e);

/* Whether the access token will do for the next minutes, whatever the clock did since. */
bool token_is_fresh(const struct token *t, int64_t now);

/* ---- an access token for a login, in the caller's loop: what is fresh is taken; else a new
 * one is asked for, by one process at a time, and stored before it is used. */
struct token_settings {
	const struct oauth_plan *plan;   /* borrowed */
	const char *directory;           /* borrowed */
	bool renew;                      /* the one that is there was refused: get another */
};
struct token_fetch;
/* s NULL: ERR_SECRET with cause "login-needed" (never signed in), "sign-in-over"
 * (invalid_grant: the command to call is the hint), ERR_CONFIG, or what the network said
 * (then nothing is lost, and what is stored stays). */
typedef void token_done(void *context, struct secret *s, struct err *e);
struct token_fetch *token_fetch_start(struct loop *l, const struct token_settings *set,
	token_done *done, void *context);
void token_fetch_free(struct token_fetch **fp);

#endif
