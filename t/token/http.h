/* t/token/http.h - as much of HTTP/1.1 as a token server needs.
 */
#ifndef TOKEN_HTTP_H
#define TOKEN_HTTP_H

#include <jansson.h>

#include "t/server/wire.h"
#include "t/token/form.h"

struct request {
	char method[8], path[256];
	struct form query, form;
	char *basic_user, *basic_password;   /* own; of an Authorization: Basic; NULL */
	bool form_typed;                     /* the body says that it is a form */
	bool foul;                           /* not what a right client sends: 400 */
	bool last;                           /* the connection ends behind it */
};

/* Reads one and writes it down, as JSON.  false: none came. */
bool request_read(struct wire *w, struct request *r);
void request_release(struct request *r);

struct answer {
	int status;
	const char *type;      /* borrowed; NULL: application/json */
	json_t *fields;        /* own; the body, or the query of redirect; NULL: none */
	char *redirect;        /* own; NULL */
	struct buf body;       /* own; where there are no fields */
	struct buf headers;    /* own; further ones, each with its CRLF */
	const char *why;       /* borrowed; why it was refused, for the journal */
};

void answer_release(struct answer *a);
/* As the fault has it, if there is one; false: the connection is done for. */
bool answer_write(struct wire *w, struct answer *a, const struct fault *f);

#endif
