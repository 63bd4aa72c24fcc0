/* deliver/outcome_reply.c - what became of it, as a reply of SMTP; see outcome.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/outcome.h"
#include "smtp/server.h"

static void reply_good(const struct outcome *o, struct server_reply *reply)
{
	size_t all = o->attempt ? o->attempt->smtp.count : 0;
	char reason[sizeof(o->err.text)] = "";

	if (o->handed_over) {
		server_reply_set(reply, 250, "2.0.0", "stored as %s", o->id);
	} else if (o->queued) {
		outcome_reason(o, reason, sizeof(reason));
		server_reply_set(reply, 250, "2.0.0", "queued as %s%s%s", o->id,
			reason[0] ? ": " : "", reason);
	} else if (o->refused) {
		server_reply_set(reply, 250, "2.0.0", "sent to %zu of %zu recipients; %s",
			o->delivered, all, o->reported ? "the sender is told of the others by mail" :
			"the others were refused, and nobody wants to be told");
	} else {
		server_reply_set(reply, 250, "2.0.0", "sent to %zu recipient%s", all,
			all == 1 ? "" : "s");
	}
}

/* The lines for a person, on one: what follows their common beginning. */
static void join_lines(const struct outcome *o, struct buf *out)
{
	static const char start[] = "sendoff: ";
	struct buf lines = BUF_INIT(64 << 10);
	const char *at;

	outcome_describe(o, &lines);
	for (at = buf_text(&lines); *at;) {
		size_t len = strcspn(at, "\n"), skip = strspn(at, " ");

		if (!strncmp(at, start, sizeof(start) - 1))
			skip = sizeof(start) - 1;
		if (out->len)
			buf_add_text(out, "; ");
		buf_add(out, at + skip, len - skip);
		at += len + (at[len] == '\n');
	}
	buf_release(&lines);
}

/* Which numbers say that, where the server has not said its own. */
static void number(const struct outcome *o, bool passes, struct server_reply *reply)
{
	const struct smtp_result *said = o->attempt && o->attempt->smtp.count ?
		&o->attempt->smtp.results[0] : NULL;
	const struct { enum err_kind kind; int code; const char *enhanced; } own[] = {
		{ ERR_MESSAGE, 554, "5.6.0" }, { ERR_RIGHT, 550, "5.7.1" },
		{ ERR_USAGE, 554, "5.3.5" }, { ERR_CONFIG, 451, "4.3.5" },
	};

	server_reply_set(reply, passes ? 451 : 554, passes ? "4.3.0" : "5.0.0", "%s", "");
	if (o->store.kind != ERR_NONE && passes)
		server_reply_set(reply, 452, "4.3.1", "%s", "");
	for (size_t i = 0; i < COUNT(own); i++)
		if (o->err.kind == own[i].kind && own[i].code / 100 == (passes ? 4 : 5))
			server_reply_set(reply, own[i].code, own[i].enhanced, "%s", "");
	/* 421 would end the session here. */
	if (said && said->code / 100 == (passes ? 4 : 5) && said->code != 421)
		server_reply_set(reply, said->code, said->enhanced, "%s", "");
}

/* Nobody waits for whom nothing more would be done: the message must not come again. */
static bool is_settled(const struct outcome *o)
{
	return o->queued || (o->delivered && !o->later && !o->not_sent && !o->unknown);
}

void outcome_reply(const struct outcome *o, struct server_reply *reply)
{
	struct buf text = BUF_INIT(64 << 10);

	if (o->exit == CAUSE_EXIT_OK || is_settled(o)) {
		reply_good(o, reply);
		return;
	}
	/* Who may have it must not get it again unasked. */
	number(o, cause_exit_passes(o->exit) && !o->unknown && !o->delivered, reply);
	join_lines(o, &text);
	snprintf(reply->text, sizeof(reply->text), "%s", buf_text(&text));
	buf_release(&text);
}
