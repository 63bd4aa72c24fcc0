/* runner/control.h - the control socket: what local users ask of the runner.
 *
 * One connection is one question: a JSON object on a line asks, JSON objects on
 * lines answer, the last of them has "end": true.  Who asks is the kernel's peer
 * credential; own messages only, uid 0 all.  A uid that is nobody's for long
 * (no passwd entry, 61184 to 65519, nobody) may neither list nor change.
 *
 *	{"v":1,"do":"list"}                 a line for each message (manage_item_json),
 *	                                    then {"end":true}
 *	{"v":1,"do":"show","id":"s-...","content":true}
 *	                                    the message's line; with content all that is
 *	                                    stored of it, else its header, in pieces, each
 *	                                    a line {"base64":"..."}; then {"end":true}
 *	{"v":1,"do":"hold","id":"s-..."}    so too release, remove, retry; an id may be
 *	                                    shortened: {"end":true,"id":"s-..."}
 *	{"v":1,"do":"check"}                one line: manage_summary_json and "end":true
 *	{"v":1,"do":"flush"}                own messages become due; uid 0: all are, and
 *	                                    parked accounts are tried once a minute;
 *	                                    {"end":true}, at once
 *	{"v":1,"do":"explain","account":A,"sender":S,"from":F}
 *	                                    each may be missing; which account would carry
 *	                                    it: {"end":true,"account":A,"from":ADDRESS,
 *	                                    "why":"..."}
 *	{"v":1,"do":"verify","address":A}   a line {"address":"..."} for each address that
 *	                                    mail to A goes to, then {"end":true}
 *
 * Where it fails the last line is {"end":true,"error":{"kind":K,"text":T,"hint":H}}:
 * text and hint are a struct err's, kind is its kind in a word (control_kinds).
 */
#ifndef RUNNER_CONTROL_H
#define RUNNER_CONTROL_H

#include "base/err.h"
#include "runner/desk.h"

enum {
	CONTROL_VERSION = 1,
	CONTROL_QUESTION_MAX = 64 << 10,   /* octets of a question */
	CONTROL_PIECE = 32 << 10,          /* octets of content in a line */
	CONTROL_ANSWER_MAX = 64 << 20      /* octets of a line of an answer: a message may have
	                                    * 100,000 recipients */
};

/* The words of "kind", ended by a NULL name. */
struct control_kind {
	const char *name;
	enum err_kind kind;
};
extern const struct control_kind control_kinds[];

/* ---- the answering side, in the accepting role; as runner/caller.h */

void control_new(struct desk *d, int fd);
void control_advance(struct desk *d);
void control_free(struct desk *d);

#endif
