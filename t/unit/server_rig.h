/* t/unit/server_rig.h - the answering side with its events written down.
 *
 * A talk is what a client sends, what it is answered, and what the events say.
 * It is run whole, octet by octet, and cut in two at every place; and each of
 * that with answers at once and with answers that come later.  All must be the
 * same.
 */
#ifndef T_UNIT_SERVER_RIG_H
#define T_UNIT_SERVER_RIG_H

#include <stdlib.h>

#include "t/unit/tap.h"

#include "base/mem.h"
#include "smtp/server.h"

#define HOST "here.example"
#define GREETING "220 " HOST " ESMTP sendoff\r\n"
#define OFFERS(size, more) "250-" HOST "\r\n250-SIZE" size "\r\n250-8BITMIME\r\n" \
	"250-SMTPUTF8\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n" \
	"250-CHUNKING\r\n" more "250 HELP\r\n"

#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT "RCPT TO:<you@example.com>\r\n"
#define MAIL_OK "250 2.1.0 sender taken\r\n"
#define RCPT_OK "250 2.1.5 recipient taken\r\n"
#define DATA_OK "354 go on, a dot alone on a line ends the message\r\n"
#define STORED "250 2.0.0 stored\r\n"
#define BYE "221 2.0.0 goodbye\r\n"
#define NO_MAIL "503 5.5.1 no message is begun, MAIL comes first\r\n"
#define NO_MESSAGE "503 5.5.1 no message is begun, MAIL and RCPT come first\r\n"
#define AFTER_REFUSAL "503 5.5.1 what this belongs to was refused\r\n"
#define NO_RECIPIENTS "554 5.5.1 no valid recipients, give one with RCPT first\r\n"
#define UNKNOWN "500 5.5.1 no command that is known here, HELP lists those that are\r\n"
#define NOT_SMTP "554 5.5.1 this is a mail service (SMTP), and that was no command of it, " \
	"goodbye\r\n"
#define TOO_BIG(n) "552 5.3.4 the message is too big, at most " n " octets are taken; send " \
	"less in one message\r\n"
#define SAID_MAIL "mail me@example.com\n"
#define SAID_RCPT "rcpt you@example.com\n"

struct talk {
	const char *name;
	struct server_options o;       /* host is the rig's */
	const char *client;
	size_t len;                    /* of it; 0: up to its NUL */
	const char *server;            /* all but the greeting */
	const char *events;
	/* What the events answer, as "552 5.3.4 no"; NULL: what is preset, and
	 * STORED at the end. */
	const char *mail, *rcpt, *begin, *end;
};

struct served {
	struct server *s;
	const struct talk *talk;
	struct buf out, events;
	bool late;                     /* answers come later */
	bool content;                  /* the last event was content */
	struct server_reply open;      /* ... and this one */
	unsigned opened;
	void (*meddle)(struct served *d, const char *event);   /* from inside of events; NULL */
};

static inline void served_event(struct served *d, const char *name)
{
	if (d->content)
		buf_add_text(&d->events, "}\n");
	d->content = false;
	buf_add_text(&d->events, name);
	if (d->meddle)
		d->meddle(d, name);
}

static inline void served_reply(struct served *d, const char *instead, struct server_reply *r)
{
	char *words = NULL;

	if (instead) {
		int code = (int)strtol(instead, &words, 10);
		const char *text = strchr(words + 1, ' ');

		server_reply_set(r, code, "", "%s", text + 1);
		snprintf(r->enhanced, sizeof(r->enhanced), "%.*s", (int)(text - words - 1),
			words + 1);
	}
	if (!d->late)
		return;
	d->open = *r;
	r->code = 0;
	d->opened++;
}

static inline void served_mail(void *context, const struct server_mail *m, struct server_reply *r)
{
	struct served *d = context;
	struct buf *b = &d->events;

	served_event(d, "mail");
	buf_printf(b, " %s", m->sender);
	if (m->size)
		buf_printf(b, " size=%llu", (unsigned long long)m->size);
	buf_add_text(b, m->eight_bit ? " 8bit" : "");
	buf_add_text(b, m->utf8 ? " utf8" : "");
	if (m->dsn.ret)
		buf_printf(b, " ret=%d", m->dsn.ret);
	if (m->dsn.envid)
		buf_printf(b, " envid=%s", m->dsn.envid);
	if (m->x.account)
		buf_printf(b, " account=%s", m->x.account);
	if (m->x.name)
		buf_printf(b, " name=%s", m->x.name);
	if (m->x.tag)
		buf_printf(b, " tag=%s", m->x.tag);
	if (m->x.token[0])
		buf_printf(b, " token=%s", m->x.token);
	buf_add_text(b, m->x.no_sender ? " nosender" : "");
	if (m->x.hold)
		buf_printf(b, " hold=%lld", (long long)m->x.hold);
	if (m->x.errors != 'm')
		buf_printf(b, " errors=%c", m->x.errors);
	if (m->dsn.notify || m->recipients)
		buf_add_text(b, " rubbish");
	buf_add_char(b, '\n');
	served_reply(d, d->talk->mail, r);
}

static inline void served_rcpt(void *context, const char *address, unsigned notify,
	const char *original, struct server_reply *r)
{
	struct served *d = context;

	served_event(d, "rcpt");
	buf_printf(&d->events, " %s", address);
	if (notify)
		buf_printf(&d->events, " notify=%u", notify);
	if (original)
		buf_printf(&d->events, " original=%s", original);
	buf_add_char(&d->events, '\n');
	/* "no" in an address: refused, if a refusal is at hand. */
	served_reply(d, strstr(address, "no") ? d->talk->rcpt : NULL, r);
}

static inline void served_begin(void *context, struct server_reply *r)
{
	struct served *d = context;

	served_event(d, "begin\n");
	served_reply(d, d->talk->begin, r);
}

static inline void served_content(void *context, const char *data, size_t len)
{
	struct served *d = context;

	if (!d->content)
		served_event(d, "{");
	d->content = true;
	buf_add(&d->events, data, len);
}

static inline void served_end(void *context, struct server_reply *r)
{
	struct served *d = context;

	served_event(d, r->code ? "end, and it has an answer already\n" : "end\n");
	served_reply(d, d->talk->end ? d->talk->end : "250 2.0.0 stored", r);
}

static inline void served_reset(void *context)
{
	served_event(context, "reset\n");
}

static inline void served_start(struct served *d, const struct talk *t, bool late)
{
	struct server_events on = { served_mail, served_rcpt, served_begin, served_content,
		served_end, served_reset, d };
	struct server_options o = t->o;

	memset(d, 0, sizeof(*d));
	d->talk = t;
	d->late = late;
	d->out.max = d->events.max = 1 << 26;
	o.host = HOST;
	d->s = server_new(&o, &on);
}

static inline void served_write(struct served *d)
{
	size_t len;
	const char *out = server_output(d->s, &len);

	buf_add(&d->out, out, len);
	server_written(d->s, len);
}

static inline void served_answer(struct served *d)
{
	struct server_reply r = d->open;

	d->open.code = 0;
	server_answer(d->s, &r);
}

/* All of it is taken, with answers in between. */
static inline void served_hear(struct served *d, const char *data, size_t len)
{
	for (size_t at = 0;;) {
		char *piece = mem_copy(data + at, len - at);   /* its end is where memory ends */

		at += server_received(d->s, piece, len - at);
		free(piece);
		served_write(d);
		if (server_awaits_answer(d->s))
			served_answer(d);
		else if (at == len)
			break;
	}
	served_write(d);
}

static inline void served_say(struct served *d, const char *text)
{
	served_hear(d, text, strlen(text));
}

static inline void served_stop(struct served *d)
{
	server_free(&d->s);
	if (d->content)
		buf_add_text(&d->events, "}");
	d->content = false;
}

static inline void served_release(struct served *d)
{
	server_free(&d->s);
	buf_release(&d->out);
	buf_release(&d->events);
}

/* One way to run it; NULL, or what is wrong with it. */
static inline const char *talk_once(const struct talk *t, size_t cut, size_t piece, bool late,
	struct served *d)
{
	size_t len = t->len ? t->len : strlen(t->client);

	served_start(d, t, late);
	served_write(d);
	served_hear(d, t->client, cut);
	for (size_t at = cut; at < len; at += piece)
		served_hear(d, t->client + at, piece < len - at ? piece : len - at);
	server_eof(d->s);
	served_write(d);
	if (!server_ended(d->s))
		return "it has not ended";
	if (server_awaits_answer(d->s))
		return "it awaits an answer";
	served_stop(d);
	if (strncmp(buf_text(&d->out), GREETING, strlen(GREETING)))
		return "no greeting";
	if (strcmp(buf_text(&d->out) + strlen(GREETING), t->server))
		return "the answers are others";
	if (strcmp(buf_text(&d->events), t->events))
		return "the events are others";
	return NULL;
}

static inline void talk_run(const struct talk *t)
{
	size_t len = t->len ? t->len : strlen(t->client);
	struct served d;

	for (int late = 0; late < 2; late++) {
		const char *wrong = talk_once(t, 0, len + 1, late, &d);

		check_text(wrong, NULL, "%s%s", t->name, late ? ", answers come later" : "");
		if (wrong) {
			check_text(buf_text(&d.out), t->server, "%s: answers", t->name);
			check_text(buf_text(&d.events), t->events, "%s: events", t->name);
		}
		served_release(&d);
		wrong = talk_once(t, 0, 1, late, &d);
		check_text(wrong, NULL, "%s, octet by octet%s", t->name,
			late ? ", answers come later" : "");
		served_release(&d);
		wrong = NULL;
		for (size_t cut = 1; cut < len && !wrong; cut++) {
			wrong = talk_once(t, cut, len, late, &d);
			served_release(&d);
			if (wrong)
				printf("# cut at %zu\n", cut);
		}
		check_text(wrong, NULL, "%s, cut at every octet%s", t->name,
			late ? ", answers come later" : "");
	}
}

#endif
