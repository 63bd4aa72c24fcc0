/* t/token/grant.h - what the token server has given, and to whom it would give more.
 *
 * The caller sees to it that one thread at a time is in here.  Nothing is ever freed: it
 * lives as long as a test.
 */
#ifndef TOKEN_GRANT_H
#define TOKEN_GRANT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct grant {
	char *scope;
	bool dead, refreshable;
	unsigned tokens;           /* access tokens of it */
};

struct code {
	char *code, *challenge, *redirect, *scope;   /* challenge NULL: no PKCE */
	time_t born;
	struct grant *grant;       /* NULL: not yet redeemed */
	struct code *next;
};

struct device {
	char *code, *user_code, *scope;
	uint64_t born, polled;     /* monotonic milliseconds; polled 0: never */
	unsigned polls, interval;
	bool activated, spent;
	struct device *next;
};

struct code   *code_new(const char *challenge, const char *redirect, const char *scope);
struct code   *code_find(const char *code);
struct device *device_new(const char *scope);
struct device *device_find(const char *code);
struct device *device_of_user(const char *user_code);

struct grant *grant_new(const char *scope, bool refreshable);
void          grant_kill(struct grant *g);          /* and all its tokens */
const char   *grant_access(struct grant *g);        /* a new access token */
/* A new refresh token; all earlier ones are spent. */
const char   *grant_refresh(struct grant *g);
struct grant *grant_of_refresh(const char *token, bool *spent);
/* Takes an access token back; false: it is none. */
bool          access_drop(const char *token);

/* For the test alone, which must find it nowhere: a secret that came or went. */
void          secret_note(const char *secret);

#endif
