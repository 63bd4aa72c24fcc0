/* t/server/commands.c - the commands that are not about mail or login. */
#include "t/server/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/server/journal.h"
#include "t/server/secure.h"
#include "t/server/word.h"

/* RFC 5321 section 4.1.1.1: a domain or an address literal, nothing behind it. */
static bool hello_is_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > 255)
		return false;
	if (name[0] == '[')
		return len > 2 && name[len - 1] == ']' && strspn(name + 1,
			"0123456789abcdefABCDEFIPv.:") == len - 2;
	return name[0] != '-' && name[0] != '.' && strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len;
}

static void hello_accepted(struct session *s, const struct buf *offered)
{
	s->hello = true;
	buf_clear(&s->offered);
	if (offered)
		buf_add(&s->offered, offered->data, offered->len);
	session_clear_transaction(s);
}

/* RFC 2033 section 4.1: LHLO for the one, EHLO and HELO for the other; answered then. */
static bool hello_is_foreign(struct session *s, const struct fault *f, bool lmtp)
{
	if (s->opt->lmtp == lmtp)
		return false;
	session_violation(s, "unknown", "the greeting of the other protocol");
	session_say(s, f, 500, "5.5.1", "no such command");
	return true;
}

void session_helo(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "HELO", NULL);
	bool good = hello_is_name(line);

	if (hello_is_foreign(s, f, false))
		return;
	if (!good && session_punish(s, f, "hello", "not a domain or address literal"))
		return;
	if (fault_allows(f, good))
		hello_accepted(s, NULL);
	session_say(s, f, 250, NULL, "smtp.example.test");
}

static const char *hello_mechanisms(const struct session *s)
{
	if (s->opt->security == SECURITY_STARTTLS && !s->wire->tls)
		return s->opt->mechanisms_clear;
	return s->opt->mechanisms;
}

static void hello_extension(const struct session *s, const char *word, size_t len,
	struct buf *out)
{
	buf_printf(out, "250-%.*s", (int)len, word);
	if (len == 4 && !memcmp(word, "SIZE", 4))
		buf_printf(out, " %llu", (unsigned long long)s->opt->size);
	if (len == 6 && !memcmp(word, "LIMITS", 6) && s->opt->limits)
		buf_printf(out, " %s", s->opt->limits);
	buf_add_text(out, "\r\n");
}

/* The reply to EHLO: a line each for what is offered now, the last one marked. */
static void hello_reply(const struct session *s, const char *name, struct buf *out)
{
	const char *list = s->wire->tls && s->opt->extensions_tls ? s->opt->extensions_tls :
		s->opt->extensions;
	const char *mechanisms = hello_mechanisms(s);
	size_t last;

	buf_printf(out, "250-smtp.example.test greets %s\r\n", name);
	for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
		size_t len = strcspn(list, " ");

		hello_extension(s, list, len, out);
		list += len;
	}
	if (s->opt->limits && !word_is_in(s->opt->extensions, "LIMITS"))
		hello_extension(s, "LIMITS", 6, out);
	if (mechanisms && *mechanisms)
		buf_printf(out, "250-AUTH %s\r\n", mechanisms);
	if (s->opt->security == SECURITY_STARTTLS && !s->wire->tls)
		buf_add_text(out, "250-STARTTLS\r\n");
	last = out->len - 2;
	while (last && out->data[last - 1] != '\n')
		last--;
	out->data[last + 3] = ' ';
}

static void hello_extended(struct session *s, const struct fault *f, const char *line)
{
	bool good = hello_is_name(line);
	struct buf reply = BUF_INIT(0);

	if (!good && session_punish(s, f, "hello", "not a domain or address literal"))
		return;
	hello_reply(s, line, &reply);
	if (fault_allows(f, good))
		/* What counts as offered is what the client was told. */
		hello_accepted(s, f && f->action == FAULT_REPLY ? &f->text : &reply);
	session_answer(s, f, &reply);
	buf_release(&reply);
}

void session_ehlo(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "EHLO", NULL);

	if (!hello_is_foreign(s, f, false))
		hello_extended(s, f, line);
}

void session_lhlo(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "LHLO", NULL);

	if (!hello_is_foreign(s, f, true))
		hello_extended(s, f, line);
}

/* The 220 is out: TLS, or what the script wants instead. */
static void starttls_go(struct session *s)
{
	const struct fault *f = session_fault(s, "handshake", NULL);

	wire_flush(s->wire);
	s->hello = false;
	buf_clear(&s->offered);
	session_clear_transaction(s);
	if (f && f->action == FAULT_PLAIN)
		return;
	if (f && f->action != FAULT_INJECT) {
		session_say(s, f, 220, NULL, "this is not TLS");
		wire_flush(s->wire);
		if (f->action != FAULT_DELAY) {
			s->over = s->dropped = true;
			return;
		}
	}
	if (secure_start(s->wire) < 0)
		s->over = s->dropped = true;
	else
		session_inject(s, f);
}

void session_starttls(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "STARTTLS", NULL);

	bool able = s->opt->security == SECURITY_STARTTLS && !s->wire->tls;

	if (!session_offers(s, "STARTTLS") && session_violation(s, "not-offered", "STARTTLS"))
		able = false;
	if (!able) {
		session_say(s, f, 502, "5.5.1", "not offered");
	} else if (*line) {
		session_violation(s, "syntax", "STARTTLS takes no parameter");
		session_say(s, f, 501, "5.5.4", "no parameters");
	} else {
		session_say(s, f, 220, "2.0.0", "go ahead");
		if (!s->over && fault_allows(f, true))
			starttls_go(s);
	}
}

void session_rset(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "RSET", NULL);

	if (*line)
		session_violation(s, "syntax", "RSET takes no parameter");
	if (fault_allows(f, true))
		session_clear_transaction(s);
	session_say(s, f, 250, "2.0.0", "ok");
}

void session_noop(struct session *s, char *line)
{
	(void)line;
	session_say(s, session_fault(s, "NOOP", NULL), 250, "2.0.0", "ok");
}

void session_vrfy(struct session *s, char *line)
{
	session_say(s, session_fault(s, "VRFY", NULL), 252, "2.5.0", "cannot tell about %s", line);
}

void session_expn(struct session *s, char *line)
{
	(void)line;
	session_say(s, session_fault(s, "EXPN", NULL), 252, "2.5.0", "cannot expand");
}

void session_help(struct session *s, char *line)
{
	(void)line;
	session_say(s, session_fault(s, "HELP", NULL), 214, "2.0.0", "see RFC 5321");
}

void session_quit(struct session *s, char *line)
{
	const struct fault *f = session_fault(s, "QUIT", NULL);

	if (*line)
		session_violation(s, "syntax", "QUIT takes no parameter");
	session_say(s, f, 221, "2.0.0", "bye");
	s->over = true;
}
