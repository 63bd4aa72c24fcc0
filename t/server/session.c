/* t/server/session.c - see session.h. */
#include "t/server/session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "t/server/journal.h"
#include "t/server/secure.h"
#include "t/server/word.h"

enum { SESSION_REPLY_MAX = 32 << 20, COMMAND_LINE_MAX = 512 };

/* Where a command may stand in a pipelined group, RFC 2920 section 3.1. */
enum place {
	PLACE_ANY,
	PLACE_LAST,
	PLACE_OWN     /* the command judges that itself */
};

static const struct {
	const char *verb;
	session_command *run;
	enum place place;
	size_t extra;      /* octets over 512 that extensions allow */
} commands[] = {
	{ "EHLO", session_ehlo, PLACE_LAST, 0 },
	{ "HELO", session_helo, PLACE_LAST, 0 },
	{ "LHLO", session_lhlo, PLACE_LAST, 0 },
	{ "STARTTLS", session_starttls, PLACE_LAST, 0 },
	{ "AUTH", session_auth, PLACE_OWN, 0 },
	/* SIZE 26, BODY 17, SMTPUTF8 10, AUTH 500, RET and ENVID 120 */
	{ "MAIL", session_mail, PLACE_ANY, 673 },
	/* NOTIFY 28, ORCPT 500 and its name */
	{ "RCPT", session_rcpt, PLACE_ANY, 540 },
	{ "DATA", session_data, PLACE_LAST, 0 },
	{ "BDAT", session_bdat, PLACE_OWN, 0 },
	{ "RSET", session_rset, PLACE_ANY, 0 },
	{ "NOOP", session_noop, PLACE_LAST, 0 },
	{ "VRFY", session_vrfy, PLACE_LAST, 0 },
	{ "EXPN", session_expn, PLACE_LAST, 0 },
	{ "HELP", session_help, PLACE_LAST, 0 },
	{ "QUIT", session_quit, PLACE_LAST, 0 },
};

/* The rest of the line of the EHLO reply that begins with keyword, or NULL. */
static const char *session_keyword(const struct session *s, const char *keyword, size_t *len)
{
	const char *at = buf_text(&s->offered);
	bool first = true;

	while (*at) {
		size_t line = strcspn(at, "\r\n"), word;

		if (!first && line > 4) {
			word = strcspn(at + 4, " =\r\n");
			if (text_equal_fold(at + 4, word, keyword, strlen(keyword))) {
				*len = line - 4 - word;
				return at + 4 + word;
			}
		}
		first = false;
		at += line;
		at += strspn(at, "\r\n");
	}
	return NULL;
}

bool session_offers(const struct session *s, const char *keyword)
{
	size_t len;

	return session_keyword(s, keyword, &len) != NULL;
}

bool session_offers_login(const struct session *s, const char *mechanism)
{
	size_t len;
	const char *found = session_keyword(s, "AUTH", &len);
	char *list;
	bool offered;

	if (!found || !len)
		return false;
	list = mem_copy(found + 1, len - 1);
	offered = word_is_in(list, mechanism);
	free(list);
	return offered;
}

const struct fault *session_fault(struct session *s, const char *point, const char *address)
{
	const struct fault *f = fault_meet(s->opt->faults, point, s->wire->number, address);
	const struct fault *mood = fault_meet(s->wire->mood, point, s->wire->number, address);

	if (mood)
		f = mood;
	if (f)
		journal_say(s->wire->number, "FAULT", "at %s", point);
	return f;
}

bool session_violation(struct session *s, const char *id, const char *format, ...)
{
	struct buf text = BUF_INIT(0);
	bool counts = true;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	for (unsigned i = 0; i < s->opt->allow_count; i++)
		if (!strcmp(s->opt->allow[i], id))
			counts = false;
	if (counts)
		journal_say(s->wire->number, "VIOLATION", "%s: %s", id, buf_text(&text));
	buf_release(&text);
	return counts && s->opt->strict;
}

bool session_punish(struct session *s, const struct fault *f, const char *id, const char *what)
{
	if (!session_violation(s, id, "%s", what))
		return false;
	session_say(s, f, 500, "5.5.2", "VIOLATION %s: %s", id, what);
	return true;
}

bool session_pushes(struct session *s, bool must_be_last)
{
	if (!wire_more(s->wire))
		return false;
	if (must_be_last)
		return session_punish(s, NULL, "sync", "octets behind a command that must be last");
	return !session_offers(s, "PIPELINING") &&
		session_punish(s, NULL, "pipelining", "commands in a group, PIPELINING not offered");
}

void session_be_silent(struct session *s)
{
	struct buf line = BUF_INIT(WIRE_LINE_MAX * 2);

	buf_clear(&s->wire->out);
	while (wire_line(s->wire, &line))
		journal_octets(s->wire->number, "C", line.data, line.len);
	buf_release(&line);
	s->over = true;
}

/* Neither reads nor answers until the client goes. */
static void session_stall(struct session *s)
{
	wire_wait(s->wire, POLLRDHUP, -1);
	s->over = s->dropped = true;
}

static void session_sleep(unsigned long ms)
{
	const struct timespec t = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000
	};

	nanosleep(&t, NULL);
}

/* Octets that look like nothing, the same in every run. */
static void session_garbage(struct wire *w, unsigned long count)
{
	struct buf out = BUF_INIT(SESSION_REPLY_MAX);
	uint32_t state = 2463534242u;

	for (unsigned long i = 0; i < count; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		buf_add_char(&out, (char)(state >> 11));
	}
	wire_put(w, buf_text(&out), out.len);
	buf_release(&out);
}

/* The normal reply with one line of `size` octets, or with `lines` more lines. */
static void session_swell(struct session *s, const struct buf *reply, size_t size,
	unsigned long lines)
{
	struct buf out = BUF_INIT(SESSION_REPLY_MAX);

	for (unsigned long i = 0; i < lines; i++)
		buf_printf(&out, "%.3s-line %lu\r\n", reply->data, i + 1);
	buf_printf(&out, "%.3s ", reply->data);
	while (out.len < size)
		buf_add_char(&out, 'x');
	buf_add_text(&out, "\r\n");
	wire_put(s->wire, out.data, out.len);
	buf_release(&out);
}

static void session_give(struct session *s, const char *reply, size_t len)
{
	wire_put(s->wire, reply, len);
	if (len > 3 && !memcmp(reply, "421", 3))
		s->over = true;   /* RFC 5321 section 3.8: it closes the channel */
	if (s->opt->one_by_one)
		wire_flush(s->wire);
}

void session_inject(struct session *s, const struct fault *f)
{
	if (!f || f->action != FAULT_INJECT)
		return;
	wire_put(s->wire, f->text.data, f->text.len);
	wire_flush(s->wire);
}

/* Faults that leave the reply whole, and say when or how it comes. */
static void session_give_oddly(struct session *s, const struct fault *f, const struct buf *reply)
{
	struct wire *w = s->wire;

	switch (f->action) {
	case FAULT_DELAY:
		session_sleep(f->number);
		session_give(s, reply->data, reply->len);
		break;
	case FAULT_DRIP: case FAULT_SPLIT:
		journal_octets(w->number, "S", reply->data, reply->len);
		wire_drip(w, reply->data, reply->len, f->action == FAULT_DRIP ? f->number : 0);
		break;
	case FAULT_INJECT:
		wire_put(w, reply->data, reply->len);
		session_inject(s, f);
		break;
	case FAULT_DOUBLE:
		wire_put(w, reply->data, reply->len);
		session_give(s, reply->data, reply->len);
		break;
	case FAULT_NUL:
		wire_put(w, reply->data, 4);
		wire_put(w, "\0", 1);
		session_give(s, reply->data + 4, reply->len - 4);
		break;
	case FAULT_DISCARD:
		session_give(s, reply->data, reply->len);
		wire_flush(w);
		wire_more(w);
		wire_forget(w);
		break;
	default:
		session_give(s, reply->data, reply->len);
	}
}

void session_answer(struct session *s, const struct fault *f, const struct buf *reply)
{
	if (!f) {
		session_give(s, reply->data, reply->len);
		return;
	}
	if (f->action == FAULT_REPLY) {
		session_give(s, f->text.data, f->text.len);
		return;
	}
	wire_flush(s->wire);
	switch (f->action) {
	case FAULT_CLOSE: case FAULT_DROP_AFTER:
		s->over = s->dropped = true;
		break;
	case FAULT_RESET:
		wire_reset(s->wire);
		s->over = s->dropped = true;
		break;
	case FAULT_SILENCE:
		session_be_silent(s);
		break;
	case FAULT_STALL:
		session_stall(s);
		break;
	case FAULT_GARBAGE:
		session_garbage(s->wire, f->number);
		break;
	case FAULT_LINE:
		session_swell(s, reply, f->number, 0);
		break;
	case FAULT_LINES:
		session_swell(s, reply, 0, f->number);
		break;
	default:
		session_give_oddly(s, f, reply);
	}
}

void session_say(struct session *s, const struct fault *f, unsigned code, const char *enhanced,
	const char *format, ...)
{
	struct buf reply = BUF_INIT(0);
	va_list args;

	buf_printf(&reply, "%u ", code);
	if (enhanced && session_offers(s, "ENHANCEDSTATUSCODES"))
		buf_printf(&reply, "%s ", enhanced);
	va_start(args, format);
	buf_vprintf(&reply, format, args);
	va_end(args);
	buf_add_text(&reply, "\r\n");
	session_answer(s, f, &reply);
	buf_release(&reply);
}

void session_clear_transaction(struct session *s)
{
	s->mail_tried = s->eight_bit = s->utf8 = s->sized = s->chunking = s->chunk_failed = false;
	s->recipient_count = 0;
	buf_clear(&s->mail);
	buf_clear(&s->recipients);
	store_discard(&s->content.store);
}

/* What is wrong with the octets of a command line, whatever it says. */
static bool session_line_is_foul(struct session *s, struct buf *line, size_t most)
{
	size_t len = line->len;

	if (len < 2 || line->data[len - 2] != '\r') {
		if (session_punish(s, NULL, "bare-lf", "command ended by LF alone"))
			return true;
		line->data[--len] = '\0';
	} else {
		line->data[len -= 2] = '\0';
	}
	if (memchr(line->data, '\r', len) && session_punish(s, NULL, "bare-cr", "CR in a command"))
		return true;
	if (memchr(line->data, 0, len) && session_punish(s, NULL, "nul", "NUL in a command"))
		return true;
	if (len + 2 > most && session_punish(s, NULL, "long-command", "command line too long"))
		return true;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line->data[i] < 32 || line->data[i] == 127)
			return session_punish(s, NULL, "control", "control octet in a command");
	return false;
}

static void session_one(struct session *s, struct buf *line)
{
	size_t verb = strcspn(line->data, " \r\n"), i = 0;
	char *rest;

	journal_octets(s->wire->number, "C", line->data, line->len);
	while (i < COUNT(commands) && !text_equal_fold(line->data, verb, commands[i].verb,
			strlen(commands[i].verb)))
		i++;
	if (session_line_is_foul(s, line,
			COMMAND_LINE_MAX + (i < COUNT(commands) ? commands[i].extra : 0)))
		return;
	if (i == COUNT(commands)) {
		session_violation(s, "unknown", "unknown command");
		session_say(s, NULL, 500, "5.5.1", "no such command");
		return;
	}
	rest = line->data + verb;
	if (*rest == ' ')
		rest++;
	if (commands[i].place == PLACE_OWN || !session_pushes(s, commands[i].place == PLACE_LAST))
		commands[i].run(s, rest);
}

static void session_greet(struct session *s)
{
	const struct fault *f;

	if (s->wire->refused) {
		session_say(s, NULL, 421, NULL, "too many connections");
		return;
	}
	f = session_fault(s, "greeting", NULL);
	if (wire_more(s->wire))
		session_violation(s, "early", "octets before the greeting");
	session_say(s, f, 220, NULL, s->opt->lmtp ? "mail.example.test ready" :
		"smtp.example.test ESMTP test server");
	wire_flush(s->wire);   /* it waits for nothing: half a line may have come too early */
}

/* TLS from the first octet on; false: there will be no greeting. */
static bool session_secure(struct session *s)
{
	const struct fault *f = session_fault(s, "handshake", NULL);

	if (f && f->action == FAULT_PLAIN)
		return true;
	if (f && f->action == FAULT_DELAY)
		session_sleep(f->number);
	else if (f && f->action != FAULT_INJECT) {
		session_say(s, f, 220, NULL, "this is not TLS");
		wire_flush(s->wire);
		s->dropped = true;
		return false;
	}
	s->dropped = secure_start(s->wire) < 0;
	if (!s->dropped)
		session_inject(s, f);
	return !s->dropped;
}

void session_run(struct wire *w)
{
	struct session s = { .opt = w->opt, .wire = w };
	struct buf line = BUF_INIT(WIRE_LINE_MAX * 2);

	s.offered = BUF_INIT(SESSION_REPLY_MAX);
	s.recipients = BUF_INIT(SESSION_REPLY_MAX);
	if (w->opt->security != SECURITY_IMPLICIT || session_secure(&s))
		session_greet(&s);
	else
		s.over = true;
	while (!s.over && wire_line(w, &line))
		session_one(&s, &line);
	if (s.over && !w->closed)
		w->closed = "by us";
	if (!s.dropped)
		wire_end(w);
	session_clear_transaction(&s);
	buf_release(&line);
	buf_release(&s.offered);
	buf_release(&s.mail);
	buf_release(&s.recipients);
	free(s.user);
}
