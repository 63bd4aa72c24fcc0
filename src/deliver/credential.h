/* deliver/credential.h - what an account logs in with: the password of its source, or the
 * access token of its sign-in.  Here alone is decided which, and what is done about a token
 * that a server does not take.
 */
#ifndef DELIVER_CREDENTIAL_H
#define DELIVER_CREDENTIAL_H

#include "base/digest.h"
#include "deliver/account.h"
#include "deliver/cause.h"
#include "smtp/engine.h"

/* All that follows from its OAuth settings; see cred/oauth.h, whose errors these are.  The
 * servers of a provider that no table knows are trusted by the account's own roots. */
int  credential_plan(const struct account *a, struct oauth_plan *out, struct err *e);

/* Whether there is anything to log in with.  -1: ERR_SECRET with the cause
 * "login-without-means", and both ways to mend it. */
int  credential_exists(const struct account *a, struct err *e);

/* Starts fetching it; as secret_fetch_start(), which may call done before it returns (and
 * then returns NULL).  refused: digest of an access token that will not do, borrowed until
 * credential_fetch_free(); NULL.  *user (own, NULL before, and to outlive the fetch) is set
 * before done is called where the account names no user, and the source of its password
 * does. */
struct credential_fetch;
struct credential_fetch *credential_fetch_start(struct loop *l, const struct account *a,
	const char *refused, char **user, secret_done *done, void *context);
void credential_fetch_free(struct credential_fetch **fp);

/* From done on: whether it is as new as can be, as a provider gave it just now.  NULL: it was
 * at hand. */
bool credential_is_new(const struct credential_fetch *f);

/* From done on: what is not as it should be, though there is something to log in with; "". */
const char *credential_warning(const struct credential_fetch *f);

/* How long that may take, in ms: our own time, and not the mail server's. */
uint64_t credential_patience(const struct account *a);

/* A server has refused the access token `used`, in a way that a newer one may help against:
 * true, with its digest, for one more login with another; it is written down for other
 * processes. */
bool credential_renews(const struct account *a, const struct secret *used,
	const struct smtp_failure *f, char digest[DIGEST_HEX + 1]);

/* The file that its token is in, or would be.  Own; NULL: it has none. */
char *credential_token_path(const struct account *a);

/* Changes with each sign-in, and not with each new access token: the moment of the last
 * one; 0: none is known. */
int64_t credential_signed_in(const struct account *a);

/* The next step for a cause that this account has met with: where that is a new sign-in,
 * the command for it, written to out; what fits its protocol; else the cause's own, which may be NULL. */
enum { CREDENTIAL_NEXT_MAX = 512 };
const char *credential_next(const struct account *a, const struct cause *cause,
	char out[CREDENTIAL_NEXT_MAX]);

/* What the network said while a provider of OAuth was asked: its server is not the mail server,
 * whose name and port a person would look at otherwise.  Sets the cause, where there is none.
 * False: it is no such trouble. */
bool credential_blame_provider(struct err *e);

#endif
