/* smtp/apart.c - one transaction behind the content of another, before that is answered.
 *
 * RFC 2920 section 3.1 allows it, and it saves a round trip for each message; but there are
 * servers that refuse what they get so, that drop it, or that take the content and die of what
 * stands behind it.  Where one may be of that kind the transactions stand apart.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "smtp/state.h"

bool apart_content_is_out(const struct smtp *s)
{
	for (size_t i = 0; i < s->flying_count; i++)
		if (s->flying[i]->end_at)
			return true;
	return false;
}

void apart_greeted(struct smtp *s, const char *text, size_t len)
{
	/* Dovecot 2.4.1's submission ends without an answer, Haraka 3.3 answers 503. */
	static const char *const known[] = { "Dovecot", "Haraka" };

	for (size_t i = 0; i < COUNT(known); i++)
		s->o.apart |= memmem(text, len, known[i], strlen(known[i])) != NULL;
}

bool apart_would_help(const struct smtp *s)
{
	for (size_t i = 0; i < s->flying_count; i++)
		if (s->flying[i]->rides && !s->flying[i]->mail_answered)
			return true;
	return false;
}

bool apart_refused(struct smtp *s, const struct transaction *t, const struct smtp_reply *r)
{
	struct buf shown = BUF_INIT(2 * TEXT_SHOWN_MAX);
	struct err e = { 0 };

	if (!t->rides || r->code != 503)
		return false;
	reply_show(r, &shown);
	err_set(&e, ERR_PROTOCOL, "the server does not take the next message before it has answered "
		"to the one before: %s", buf_text(&shown));
	buf_release(&shown);
	err_hint(&e, "from now on each waits for that; where that is not enough, set pipelining = off");
	engine_fail(s, &e);
	return true;
}
