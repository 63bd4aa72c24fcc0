/* smtp/server_command.c - command lines and what they do; see server.h. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/address.h"
#include "smtp/server_state.h"

static void take_hello(struct server *s, char *rest)
{
	(void)rest;
	server_void(s);
	s->failed = false;
	server_say(s, 250, "", s->o.host);
}

static void take_extended_hello(struct server *s, char *rest)
{
	static const char *const offers[] = { "8BITMIME", "SMTPUTF8", "PIPELINING",
		"ENHANCEDSTATUSCODES", "DSN", "CHUNKING" };
	size_t start = s->out.len;

	take_hello(s, rest);
	s->out.data[start + 3] = '-';
	buf_add_text(&s->out, "250-SIZE");
	if (s->o.max_size)
		buf_printf(&s->out, " %llu", (unsigned long long)s->o.max_size);
	buf_add_text(&s->out, "\r\n");
	for (size_t i = 0; i < COUNT(offers); i++)
		buf_printf(&s->out, "250-%s\r\n", offers[i]);
	if (s->o.handover)
		buf_add_text(&s->out, "250-XSENDOFF\r\n");
	server_say(s, 250, "", "HELP");
}

/* What stands behind "FROM:" or "TO:"; NULL: not there. */
static char *behind(char *rest, const char *word)
{
	size_t len = strlen(word);

	if (strlen(rest) < len || !text_equal_fold(rest, len, word, len))
		return NULL;
	return rest + len + strspn(rest + len, " ");
}

/* A message that is too big, or an address that is none, is no fault of the
 * session: others may follow. */
static void refuse_mail(struct server *s, const struct server_reply *r)
{
	s->failed = true;
	server_mail_release(&s->mail);
	if (r->code == 552 || r->code == 553)
		server_say(s, r->code, r->enhanced, r->text);
	else
		server_fault(s, r->code, r->enhanced, r->text);
}

static void take_mail(struct server *s, char *rest)
{
	char *text = behind(rest, "FROM:");
	struct server_reply r;

	if (s->begun) {
		server_fault(s, 503, "5.5.1", "a message is begun already, end it or give RSET");
		return;
	}
	s->asked = 0;
	s->mail = (struct server_mail){ .x.errors = 'm' };
	server_reply_set(&r, 501, "5.5.4", "say MAIL FROM:<name@example.com>");
	if (!text || server_parse_mail(s, text, &s->mail, &r) < 0) {
		refuse_mail(s, &r);
		return;
	}
	server_reply_set(&r, 250, "2.1.0", "sender taken");
	s->begun = s->inside = true;
	s->on.mail(s->on.context, &s->mail, &r);
	s->inside = false;
	server_take_answer(s, EVENT_MAIL, &r);
}

static void add_recipient(struct server *s, char *text)
{
	struct buf to = BUF_INIT(0);
	unsigned notify = DSN_UNSET;
	char *original = NULL;
	struct server_reply r;

	if (server_parse_rcpt(s, text, &to, &notify, &original, &r) < 0) {
		server_say(s, r.code, r.enhanced, r.text);
	} else {
		server_reply_set(&r, 250, "2.1.5", "recipient taken");
		s->inside = true;
		s->on.rcpt(s->on.context, buf_text(&to), notify, original, &r);
		s->inside = false;
		server_take_answer(s, EVENT_RCPT, &r);
	}
	buf_release(&to);
	free(original);
}

/* A recipient that is refused is no fault of the session: the others are still
 * to be served, so nothing is counted until there are too many. */
static void take_rcpt(struct server *s, char *rest)
{
	size_t most = s->o.max_recipients ? s->o.max_recipients : ADDRESS_LIST_MAX;
	bool over = s->asked++ >= most;
	char *text = behind(rest, "TO:");

	if (over && !server_is_busy(s))
		return;
	if (!s->begun && !s->failed)
		server_fault(s, 503, "5.5.1", "no message is begun, MAIL comes first");
	else if (!s->begun)
		server_say(s, 503, "5.5.1", "what this belongs to was refused");
	else if (s->chunks)
		server_fault(s, 503, "5.5.1", "its content has begun, give all recipients before");
	else if (over)
		server_say(s, 452, "4.5.3", "too many recipients, send to the rest in another "
			"message");
	else if (!text)
		server_say(s, 501, "5.5.4", "say RCPT TO:<name@example.com>");
	else
		add_recipient(s, text);
}

static void take_data(struct server *s, char *rest)
{
	if (*rest) {
		s->wary = true;
		server_fault(s, 501, "5.5.4", "DATA stands alone on its line");
		return;
	}
	server_begin_data(s);
}

/* Without a count nobody knows where the octets end and commands begin. */
static void take_bdat(struct server *s, char *rest)
{
	char *word = rest + strcspn(rest, " ");
	uint64_t len;
	bool last;

	if (*word)
		*word++ = '\0';
	word += strspn(word, " ");
	if (server_number(rest, UINT64_MAX, &len) < 0) {
		server_stop(s, 554, "5.5.4", "say BDAT and how many octets follow; what comes now "
			"cannot be told from commands, goodbye");
		return;
	}
	if ((!len || !s->mail.recipients) && !server_is_busy(s))
		return;
	last = text_equal_fold(word, strlen(word), "LAST", 4);
	server_begin_chunk(s, len, last, *word && !last ?
		"only LAST may stand behind the count of BDAT" : NULL);
}

static void take_rset(struct server *s, char *rest)
{
	(void)rest;
	server_void(s);
	s->failed = false;
	server_say(s, 250, "2.0.0", "forgotten");
}

static void take_noop(struct server *s, char *rest)
{
	(void)rest;
	server_say(s, 250, "2.0.0", "nothing done");
}

static void take_vrfy(struct server *s, char *rest)
{
	(void)rest;
	server_say(s, 252, "2.0.0", "not looked up here, send the message to find out");
}

static void take_help(struct server *s, char *rest)
{
	(void)rest;
	server_say(s, 214, "2.0.0",
		"EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; see RFC 5321");
}

static void take_expn(struct server *s, char *rest)
{
	(void)rest;
	server_fault(s, 502, "5.5.1", "lists are not shown here; sendmail -bv shows what a name becomes");
}

static void take_starttls(struct server *s, char *rest)
{
	(void)rest;
	server_fault(s, 502, "5.5.1", "no TLS here and none is needed, just send");
}

static void take_auth(struct server *s, char *rest)
{
	(void)rest;
	server_fault(s, 502, "5.5.1", "no login here and none is needed, just send");
}

static void take_quit(struct server *s, char *rest)
{
	(void)rest;
	server_stop(s, 221, "2.0.0", "goodbye");
}

/* Every command brings the session nearer to its end, unless a message comes of
 * it; those marked count for themselves, or are bounded by something else. */
static const struct command {
	const char *verb;
	void (*take)(struct server *s, char *rest);
	bool uncounted;
} commands[] = {
	{ "EHLO", take_extended_hello, false }, { "HELO", take_hello, false },
	{ "MAIL", take_mail, false }, { "RCPT", take_rcpt, true },
	{ "DATA", take_data, false }, { "BDAT", take_bdat, true },
	{ "RSET", take_rset, false }, { "NOOP", take_noop, false },
	{ "VRFY", take_vrfy, false }, { "HELP", take_help, false },
	{ "QUIT", take_quit, true }, { "EXPN", take_expn, false },
	{ "STARTTLS", take_starttls, false }, { "AUTH", take_auth, false },
};

/* A web page can make a browser send a form to a port of this machine, and a
 * program that does not wait for answers sends the content of a message whose
 * DATA was refused.  Neither may become commands; both begin with lines that are
 * none. */
static void no_command(struct server *s, const char *enhanced, const char *text)
{
	if (s->o.strict || s->wary)
		server_stop(s, 554, "5.5.1", "this is a mail service (SMTP), and that was no "
			"command of it, goodbye");
	else if (server_is_busy(s))
		server_fault(s, 500, enhanced, text);
}

static void take_command(struct server *s, char *line)
{
	size_t len = strcspn(line, " ");
	char *rest = line + len + strspn(line + len, " ");

	for (size_t i = 0; i < COUNT(commands); i++) {
		const struct command *c = &commands[i];

		if (!text_equal_fold(line, len, c->verb, strlen(c->verb)))
			continue;
		s->wary = false;
		if (c->uncounted || server_is_busy(s))
			c->take(s, rest);
		return;
	}
	no_command(s, "5.5.1", "no command that is known here, HELP lists those that are");
}

static bool has_controls(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

/* s->line is whole, with its line end. */
static void take_whole_line(struct server *s)
{
	size_t len = s->line.len - 1;
	char *line = s->line.data;

	s->bare_lf = !len || line[len - 1] != '\r';
	if (!s->bare_lf)
		len--;
	if (has_controls(line, len)) {
		no_command(s, "5.5.2", "control characters have no place in a command");
		return;
	}
	while (len && line[len - 1] == ' ')
		len--;
	line[len] = '\0';
	take_command(s, line);
}

size_t server_take_line(struct server *s, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);

	if (end)
		len = (size_t)(end - data) + 1;
	if (s->long_line || len > SERVER_LINE_MAX - s->line.len) {
		s->long_line = true;
		buf_clear(&s->line);
	} else {
		buf_add(&s->line, data, len);
	}
	if (!end)
		return len;
	if (s->long_line) {
		s->long_line = false;
		no_command(s, "5.5.2", "a command line that is too long, at most 4096 octets are "
			"taken");
	} else {
		take_whole_line(s);
	}
	buf_clear(&s->line);
	return len;
}
