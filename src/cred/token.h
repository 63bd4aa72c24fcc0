/* cred/token.h - the tokens of accounts, kept on disk: one file each, mode 0600, replaced as a
 * whole and synced, under a lock that all processes take before they ask for a new one.
 *
 * $XDG_STATE_HOME/sendoff/tokens/NAME; of the system's accounts /var/lib/sendoff/NAME, which
 * only user `sendoff` reads.  What the provider replaces is lost only when its answer does not
 * arrive, or when the machine or the child that asks is killed before the file is synced.
 *
 * Where the account names commands for it, the two secrets lie in a keyring (keyring.h) and the
 * file has all the rest; what the keyring does not take stays in the file.
 */
#ifndef CRED_TOKEN_H
#define CRED_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/secret.h"
#include "cred/oauth_talk.h"
#include "net/loop.h"

#define TOKEN_SYSTEM_DIRECTORY SENDOFF_LOCALSTATEDIR "/lib/sendoff"

struct token {
	struct secret access, refresh;   /* own; data NULL: none */
	int64_t obtained, expires;       /* seconds since 1970, by our clock */
	int64_t signed_in;               /* when a person did; 0: nobody */
	int64_t not_before;              /* the provider is not asked until then; 0 */
	char scope[1024], client_id[256], token_url[512];
	bool stale;                      /* a mail server refused the access token: get another */
	char over[256];                  /* why there will be no other before a new sign-in, in words
	                                  * that are cleaned; "" */
	char cause[64];                  /* and the id of that in the table of causes; "" */
	/* Digests of the secrets, where a keyring has them: the file does not; "" */
	char keyring_access[DIGEST_HEX + 1], keyring_refresh[DIGEST_HEX + 1];
	char keyring_trouble[256];       /* why it has not, though it should; cleaned; "" */
};
void token_wipe(struct token *t);

/* Whether a keyring has its secrets.  What changes one of them says that it has not. */
bool token_in_keyring(const struct token *t);
void token_leaves_keyring(struct token *t);
/* Whether it is stored with a refresh token, wherever that lies. */
bool token_has_refresh(const struct token *t);

/* What was granted to `p` just now; what it does not bring stays as it was. */
void token_take(struct token *t, const struct oauth_plan *p, const struct oauth_grant *g,
	int64_t now);

/* Whether the access token will do for the next minutes, whatever the clock did since. */
bool token_is_fresh(const struct token *t, int64_t now);
/* It is time for another one, but where none is to be had this one has not expired. */
bool token_still_does(const struct token *t, int64_t now);
/* How long the provider wants to be left alone, in seconds; 0: not at all. */
enum { TOKEN_PAUSE_MOST = 86400 };
int64_t token_pause(const struct token *t, int64_t now);

/* Appends those words of a scope that was asked for which are not in what was granted, with
 * blanks between: nothing where either is empty, or for words that only say who somebody is
 * or make a refresh token come. */
void token_scope_lacks(const char *asked, const char *granted, struct buf *out);

/* The command that signs an account in: "sendoff login NAME", by root for the system's. */
enum { TOKEN_COMMAND_MAX = 160 };
void token_command(bool system, const char *account, char out[TOKEN_COMMAND_MAX]);
/* The next step: "WHY: sendoff login NAME".  -1. */
int token_hint(struct err *e, const char *directory, const char *account, const char *why);
/* The same where no person signs in, and a file that cannot be used is in the way.  -1. */
int token_hint_away(struct err *e, const char *directory, const char *account);

/* ---- on disk (token_store.c) */

/* The directory; made when it is missing.  Own; NULL: ERR_STORE, ERR_RIGHT (it is not ours,
 * or others can write it). */
char *token_directory(bool system, struct err *e);

/* 0; 1: there is none; -1: ERR_SECRET (not ours, readable by others, damaged, newer).  Of what
 * a keyring has the secrets are missing: keyring_load(). */
int  token_load(const char *directory, const char *account, struct token *out, struct err *e);

/* The lock of one account; kernel-held, gone with the process or close().  A descriptor, or -1
 * with *busy (somebody is at it) or *e (ERR_STORE, ERR_RIGHT). */
int  token_lock(const char *directory, const char *account, bool *busy, struct err *e);
/* The same for whoever may block: tries for so many seconds.  -1: also ERR_TIMEOUT,
 * ERR_SIGNAL. */
int  token_lock_within(const char *directory, const char *account, unsigned seconds, struct err *e);

/* Both by who holds the lock.  Durable when it returns 0; -1: ERR_STORE, and the old one
 * stays.  Whatever stands there is replaced or removed, and whoever was not told to by a
 * person has looked at it first (token_load()): what is damaged or of a later version is not
 * for programs to throw away.  What belongs to another user is not removed: ERR_RIGHT. */
int  token_save(const char *directory, const char *account, const struct token *t, struct err *e);
int  token_remove(const char *directory, const char *account, struct err *e);

/* Whether there is room for a token, and the right to keep it there: as much is written and
 * removed, without the lock.  -1: ERR_STORE, ERR_RIGHT. */
int  token_try(const char *directory, const char *account, struct err *e);

/* Takes the lock itself, for which it may wait for 2 s.  A mail server has refused that access
 * token: the next fetch gets another one.  0, also where there is another already or somebody
 * is getting one; -1: ERR_SECRET, ERR_STORE, ERR_RIGHT, ERR_SIGNAL. */
int  token_refuse(const char *directory, const char *account, const struct secret *access,
	struct err *e);

/* Where that is kept, or would be.  Own; NULL: there is no place for it. */
char *token_path(bool system, const char *account);

/* When a person signed that account in, without a look into the file: its time is that of the
 * sign-in, not of the last refresh.  0: never. */
int64_t token_signed_in(bool system, const char *account);

/* ---- an access token for a login, in the caller's loop (token_fetch.c): what is fresh is
 * taken; else a new one is asked for, by one process at a time, and stored before it is used. */

struct token_settings {
	const struct oauth_plan *plan;   /* borrowed */
	const char *directory;           /* borrowed */
	const char *refused;             /* borrowed; digest (base/digest.h) of an access token that a
	                                  * server has refused: it will not do; NULL */
};
enum { TOKEN_FETCH_SECONDS = 60 };   /* at most, with all that is waited for but a keyring */
struct token_fetch;
/* s NULL: ERR_SECRET with cause "login-needed" (never signed in, or as another client),
 * "sign-in-over" or one that says more, and the command to call as hint; what oauth_talk.h
 * or the network said ("oauth-later": also that the provider wants a pause): then nothing is
 * lost, what is stored stays, and it serves as long as it is valid.  What is wrong with the
 * store or libcurl is an ERR_SECRET as well: a message can wait for it.  s is the caller's
 * to wipe. */
typedef void token_done(void *context, struct secret *s, struct err *e);
/* May call done before it returns (and then returns NULL). */
struct token_fetch *token_fetch_start(struct loop *l, const struct token_settings *set,
	token_done *done, void *context);
/* From done on: it was not at hand, neither in the file nor in the keyring: the provider was
 * asked, or another process waited for that did so. */
bool token_fetch_waited(const struct token_fetch *f);
/* From done on: that the keyring has not taken what was got, which serves all the same, and
 * why, in words that are cleaned; "". */
const char *token_fetch_warning(const struct token_fetch *f);
/* At any time.  A refresh token that was sent is not wasted: a child waits for the answer, for
 * HTTPS_SECONDS at most, and keeps it; meanwhile it has the lock. */
void token_fetch_free(struct token_fetch **fp);

#endif
