/* cred/token_state.h - an access token being got, shared by its files; see token.h.
 *
 * token_fetch.c  what is stored, the lock, the outcome
 * token_ask.c    asking the provider, and keeping what it gives
 */
#ifndef CRED_TOKEN_STATE_H
#define CRED_TOKEN_STATE_H

#include "cred/https.h"
#include "cred/keyring.h"
#include "cred/token.h"

/* What came of it: it goes on by itself; the provider is to be asked; f->token will do; f->err
 * says why not. */
enum token_step { TOKEN_WAITING, TOKEN_ASKS, TOKEN_GOT, TOKEN_FAILED };

struct token_fetch {
	struct loop *loop;               /* borrowed, as plan, directory and refused */
	const struct oauth_plan *plan;
	const char *directory, *refused;
	struct oauth_plan asked;         /* the plan with its final URLs, which alone are own */
	struct token token;              /* own; as it is stored, or what was granted */
	struct https *https;             /* own */
	struct command_run *keyring;     /* own */
	bool waited;                     /* for the provider, or for who asks it */
	bool unread;                     /* the keyring gave nothing while nobody had the lock */
	struct watch timer;              /* the next look at the lock */
	uint64_t deadline;
	int pause;                       /* ms */
	int lock;                        /* own; -1 */
	unsigned discoveries;            /* places that were asked */
	int64_t asked_at;                /* when the token was asked for: it lives from then on */
	bool starting;                   /* what was started is not back yet */
	bool kept;                       /* the child that asks has written down what came */
	bool unkept;                     /* what came could not be written down */
	char warning[HTTPS_NOTED];       /* see token_fetch_warning() */
	enum token_step step;                  /* what came of it */
	struct err err;
	token_done *done;
	void *context;
};

/* Whether a person signs in, and can do so again. */
bool token_has_person(const struct oauth_plan *p);
/* A token is its client's, and of no use to another. */
bool token_is_of_plan(const struct token *t, const struct oauth_plan *p);
/* Of the causes by which a provider ends a sign-in the one that is stored: each says what to do. */
const char *token_over_cause(const char *stored);
/* "account '...' WHY: WORDS", with that cause and what to do.  TOKEN_FAILED. */
enum token_step token_fail(struct token_fetch *f, const char *cause, const char *why, const char *words);
/* What is stored is not ours, however valid. */
enum token_step token_fail_as_others(struct token_fetch *f);
/* What came of what went on by itself: where it is over done() is called, which frees f. */
void token_told(struct token_fetch *f, enum token_step step);

/* ---- token_ask.c */

/* Under the lock. */
enum token_step token_ask(struct token_fetch *f);
/* The plan, with URLs of its own. */
void token_copy_urls(struct oauth_plan *to, const struct oauth_plan *from);
void token_forget_urls(struct oauth_plan *p);

#endif
