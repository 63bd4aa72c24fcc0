/* t/token/endpoint.h - what each address of the token server does with a request.
 */
#ifndef TOKEN_ENDPOINT_H
#define TOKEN_ENDPOINT_H

#include "t/token/http.h"

/* What an endpoint works with. */
struct call {
	struct wire *w;              /* borrowed, as all here */
	const struct request *r;
	struct answer *a;
};

typedef void endpoint_run(struct call *c);
endpoint_run token_run, device_run, authorize_run, activate_run, revoke_run, introspect_run;
endpoint_run discovery_run;

/* Noted: a right client never does that. */
void call_violation(struct call *c, const char *id, const char *what);
/* Answers with an error of RFC 6749. */
void call_refuse(struct call *c, int status, const char *error, const char *why);
void call_answer(struct call *c, json_t *fields);   /* 200; takes fields over */

/* The client has proved itself, or an answer says that it has not. */
bool client_is_known(struct call *c);
/* A client that must be confidential: by its secret or its assertion. */
bool client_is_proved(struct call *c);

/* Whether all of it may be asked for, and something is. */
bool scope_is_good(const char *scope);

/* https://HOST:PORT, and of an endpoint; own. */
char *issuer(const struct wire *w);
char *address(const struct wire *w, const char *endpoint);

/* A form and nothing else: POST, no query, no name twice. */
bool call_is_form(struct call *c);

/* An assertion for jwt-bearer or instead of a secret (client); NULL, or why not. */
const char *assertion_refusal(struct call *c, const char *text, bool client);

#endif
