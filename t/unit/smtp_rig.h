/* t/unit/smtp_rig.h - an engine, its messages, and the wire between it and
 * whatever a test puts at the other end.
 *
 * A flight is all that the engine wants to write until it waits: with all
 * replies delivered after each flight, the number of flights is the number of
 * round trips.  The modes cut replies and writes at every octet; whatever is
 * said must be the same.
 */
#ifndef T_UNIT_SMTP_RIG_H
#define T_UNIT_SMTP_RIG_H

#include <stdlib.h>

#include "t/unit/tap.h"

#include "base/gnutls.h"
#include "base/mem.h"
#include "smtp/engine.h"

enum { OCTET_REPLIES = 1, OCTET_WRITES = 2, RIG_MODES = 4 };

#define VERDICT_LETTERS "PDTRUNW"

#define SECRET "pa55-Word!"
#define SECRET_PLAIN "AHVzZXIAcGE1NS1Xb3JkIQ=="   /* NUL user NUL secret */
#define SECRET_LOGIN "cGE1NS1Xb3JkIQ=="

struct rig;

struct mail {
	struct smtp_message m;
	struct smtp_result *results;   /* own */
	char **to;                     /* own */
	const char *content;
	size_t len;                    /* of it; the size that is announced may differ */
	size_t piece;                  /* most octets that one read gives */
	bool unreadable;
	unsigned done, ready, taken;   /* how often each was called */
	struct rig *rig;
};

/* What a test sets before it starts. */
struct scene {
	int protocol, tls, pipelining;
	bool chunking, login, anonymous_tls;
	long max_recipients;
	const char *auth, *user, *secret;
	const char *host;              /* NULL: mx.example */
	const char *hidden;            /* what else must not be in the transcript; NULL: nothing */
	bool lazy;                     /* one message at a time, when the engine asks */
	size_t ahead;                  /* so many at a time, the next when one is done; 0: all */
	bool hooks;                    /* ready() and taken() are set; what the engine calls
	                                * stands in the transcript, behind "**" */
	bool stay;                     /* no smtp_finish() */
	bool heard;                    /* what answered() is told stands in rig.heard */
	const char *const *responses;  /* of the world outside, in their order, up to NULL; "!" is
	                                * none.  The last is the last of the login.  What it is asked
	                                * stands in rig.done: "<CHALLENGE>" */
};

struct rig {
	struct scene scene;
	struct smtp_settings set;
	struct sasl_settings sasl;
	char *mechanism;
	struct smtp *s;
	struct secret secret;
	unsigned mode, responded;
	struct mail *mails;            /* own */
	size_t count, submitted;
	struct buf flight, trace, done;
	struct buf clear;              /* all that was written before TLS was up */
	struct buf heard;              /* a line for each reply: "STEP CODE ENHANCED TEXT", LF as | */
	bool inside, receiving, tls_up, finished;
	unsigned stray, early_done;    /* done() outside of a turn, or with a verdict missing */
	unsigned late;                 /* taken() outside of smtp_received() */
	enum smtp_want want;
};

static inline void rig_submit(struct rig *r);
static inline void rig_finish(struct rig *r);

static inline void mail_note(const struct mail *mail, const char *what)
{
	struct buf *trace = &mail->rig->trace;

	if (!mail->rig->scene.hooks)
		return;
	buf_printf(trace, "** %s %d:", what, (int)(mail - mail->rig->mails) + 1);
	for (size_t i = 0; i < mail->m.count; i++)
		buf_printf(trace, " %c%s", VERDICT_LETTERS[mail->results[i].verdict],
			mail->results[i].text ? "+" : "");
	buf_add_char(trace, '\n');
}

static inline ssize_t mail_read(void *context, uint64_t offset, char *data, size_t len,
	struct err *e)
{
	struct mail *mail = context;
	size_t left = mail->len - (size_t)offset;

	if (!offset)
		mail_note(mail, "read");
	if (mail->unreadable)
		return err_set(e, ERR_READ, "unreadable");
	if (len > left)
		len = left;
	if (mail->piece && len > mail->piece)
		len = mail->piece;
	memcpy(data, mail->content + offset, len);
	return (ssize_t)len;
}

static inline void mail_done(void *context, struct smtp_message *m)
{
	struct mail *mail = context;

	mail->done++;
	buf_printf(&mail->rig->done, "%d", (int)(mail - mail->rig->mails) + 1);
	mail->rig->stray += !mail->rig->inside;
	for (size_t i = 0; i < m->count; i++)
		mail->rig->early_done += m->results[i].verdict == VERDICT_PENDING;
	mail_note(mail, "done");
	if (mail->rig->scene.ahead && mail->rig->submitted < mail->rig->count)
		rig_submit(mail->rig);
	if (mail->rig->scene.ahead && mail->rig->submitted == mail->rig->count)
		rig_finish(mail->rig);
}

static inline void mail_ready(void *context, struct smtp_message *m, const size_t *accepted,
	size_t count)
{
	struct mail *mail = context;
	struct buf who = BUF_INIT(1 << 20);

	(void)m;
	mail->ready++;
	for (size_t i = 0; i < count; i++)
		buf_printf(&who, "%s%zu", i ? "," : "", accepted[i]);
	buf_printf(&mail->rig->trace, "** ready %d (%s)\n", (int)(mail - mail->rig->mails) + 1,
		buf_text(&who));
	buf_release(&who);
}

static inline void mail_taken(void *context, struct smtp_message *m)
{
	struct mail *mail = context;

	(void)m;
	mail->taken++;
	mail->rig->late += !mail->rig->receiving;
	mail_note(mail, "taken");
}

static inline void rig_trace(void *context, enum smtp_direction direction, const char *line,
	size_t len)
{
	struct rig *r = context;

	buf_add_text(&r->trace, direction == SMTP_SENT ? "C: " : direction == SMTP_GOT ? "S: "
		: "   ");
	buf_add(&r->trace, line, len);
	buf_add_char(&r->trace, '\n');
}

static inline void reply_note(const struct smtp_reply *reply, struct buf *out)
{
	size_t from;

	buf_printf(out, "%d %s%s", reply->code, reply->enhanced, reply->enhanced[0] ? " " : "");
	from = out->len;
	buf_add(out, buf_text(&reply->text), reply->text.len);
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] == '\n')
			out->data[i] = '|';
	buf_add_char(out, '\n');
}

static inline void rig_answered(void *context, enum smtp_step step, const struct smtp_reply *reply)
{
	static const char *const names[STEP_COUNT] = { "greeting", "EHLO", "LHLO", "HELO",
		"STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "content", "delivery", "RSET", "QUIT",
		"question" };
	struct rig *r = context;

	buf_printf(&r->heard, "%s ", names[step]);
	reply_note(reply, &r->heard);
}

static inline void rig_start(struct rig *r, const struct scene *scene, unsigned mode)
{
	struct smtp_options o = {
		.settings = &r->set, .sasl = &r->sasl, .login = scene->login,
		.has_secret = scene->login, .ehlo = "me.example",
		.host = scene->host ? scene->host : "mx.example", .port = 465, .nonce = "rOprNGfwEbeRWgbNEkqO", .trace = rig_trace,
		.answered = scene->heard ? rig_answered : NULL, .context = r,
	};
	struct err e;

	memset(r, 0, sizeof(*r));
	r->scene = *scene;
	r->mode = mode;
	r->set = (struct smtp_settings){ .protocol = scene->protocol, .tls = scene->tls,
		.pipelining = scene->pipelining, .chunking = scene->chunking,
		.max_recipients = scene->max_recipients ? scene->max_recipients : 100 };
	r->flight.max = r->clear.max = r->done.max = r->heard.max = 1 << 26;
	r->trace.max = 1 << 26;
	if (scene->login) {
		gnutls_need(&e);
		r->sasl.user = mem_string(scene->user ? scene->user : "user");
		r->mechanism = mem_string(scene->auth ? scene->auth : "PLAIN");
		r->sasl.mechanisms = (struct key_list){ &r->mechanism, 1 };
		r->sasl.allow_clear_password = !scene->anonymous_tls;
		secret_set(&r->secret, scene->secret ? scene->secret : SECRET,
			strlen(scene->secret ? scene->secret : SECRET));
		o.has_certificate = !strcmp(r->mechanism, "EXTERNAL");
	}
	r->s = smtp_new(&o);
}

/* A message to `recipients` r1@example.com and so on; content as the wire has
 * it, without dots doubled.  The mail may be changed until it is submitted. */
static inline struct mail *rig_add(struct rig *r, size_t recipients, const char *content)
{
	struct mail *mail;

	r->mails = mem_grow(r->mails, r->count + 1, sizeof(*r->mails));
	mail = &r->mails[r->count++];
	memset(mail, 0, sizeof(*mail));
	mail->content = content;
	mail->len = strlen(content);
	mail->rig = r;
	mail->to = mem_alloc(recipients * sizeof(char *));
	for (size_t i = 0; i < recipients; i++)
		mail->to[i] = mem_printf("r%zu@example.com", i + 1);
	mail->results = mem_alloc(recipients * sizeof(struct smtp_result));
	mail->m = (struct smtp_message){ .sender = "me@example.com", .count = recipients,
		.size = strlen(content), .read = mail_read, .done = mail_done,
		.recipients = mail->to, .results = mail->results };
	return mail;
}

static inline void rig_submit(struct rig *r)
{
	struct mail *mail = &r->mails[r->submitted++];

	mail->m.context = mail;
	if (r->scene.hooks) {
		mail->m.ready = mail_ready;
		mail->m.taken = mail_taken;
	}
	smtp_submit(r->s, &mail->m);
}

static inline void rig_finish(struct rig *r)
{
	r->finished = true;
	if (!r->scene.stay)
		smtp_finish(r->s);
}

/* Submits what there is, unless the scene is lazy. */
static inline void rig_ready(struct rig *r)
{
	while (!r->scene.lazy && r->submitted < r->count &&
	       (!r->scene.ahead || r->submitted < r->scene.ahead))
		rig_submit(r);
	if (!r->scene.lazy && r->submitted == r->count)
		rig_finish(r);
}

static inline void rig_respond(struct rig *r)
{
	const char *const *responses = r->scene.responses;
	const char *response = responses[r->responded++];
	size_t len;
	const char *challenge = smtp_challenge(r->s, &len);
	struct err e = { 0 };

	buf_printf(&r->done, "<%.*s>", (int)len, challenge);
	err_set(&e, ERR_LOGIN, "there is no ticket");
	if (response && response[0] != '!')
		smtp_response(r->s, response, strlen(response), !responses[r->responded]);
	else
		smtp_no_response(r->s, &e);
}

static inline enum smtp_want rig_turn(struct rig *r)
{
	static const struct sasl_binding binding = { .type = NULL };

	for (;;) {
		r->inside = true;
		r->want = smtp_turn(r->s);
		r->inside = false;
		if (r->want == SMTP_WANT_TLS) {
			buf_add_text(&r->flight, "<TLS>");
			r->tls_up = true;
			smtp_tls_done(r->s, &binding, !r->scene.anonymous_tls);
		} else if (r->want == SMTP_WANT_SECRET) {
			smtp_secret(r->s, &r->secret);
		} else if (r->want == SMTP_WANT_RESPONSE) {
			rig_respond(r);
		} else if (r->want == SMTP_WANT_MESSAGE && r->submitted < r->count) {
			rig_submit(r);
		} else if (r->want == SMTP_WANT_MESSAGE && !r->finished) {
			rig_finish(r);
		} else {
			return r->want;
		}
	}
}

/* Writes all that there is to write.  The flight is in r->flight. */
static inline const char *rig_flight(struct rig *r)
{
	buf_clear(&r->flight);
	for (;;) {
		size_t len;
		const char *out;

		rig_turn(r);
		out = smtp_output(r->s, &len);
		if (!len)
			return buf_text(&r->flight);
		if (r->mode & OCTET_WRITES)
			len = 1;
		buf_add(&r->flight, out, len);
		if (!r->tls_up)
			buf_add(&r->clear, out, len);
		smtp_written(r->s, len);
	}
}

static inline void rig_deliver(struct rig *r, const char *data, size_t len)
{
	size_t piece = r->mode & OCTET_REPLIES ? 1 : len;

	for (size_t at = 0; at < len; at += piece) {
		r->inside = r->receiving = true;
		smtp_received(r->s, data + at, piece);
		r->inside = r->receiving = false;
		rig_turn(r);
	}
}

static inline void rig_say(struct rig *r, const char *text)
{
	rig_deliver(r, text, strlen(text));
}

static inline void rig_break(struct rig *r, enum err_kind kind)
{
	struct err e = { 0 };

	err_set(&e, kind, "it broke");
	r->inside = true;
	smtp_broken(r->s, &e);
	r->inside = false;
	rig_turn(r);
}

static inline const char *kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE: return "none";
	case ERR_LOST: return "lost";
	case ERR_TIMEOUT: return "timeout";
	case ERR_UNKNOWN: return "unknown";
	case ERR_PROTOCOL: return "protocol";
	case ERR_TLS: return "tls";
	case ERR_LOGIN: return "login";
	case ERR_SECRET: return "secret";
	case ERR_CAPABILITY: return "capability";
	case ERR_MESSAGE: return "message";
	case ERR_READ: return "read";
	default: return "other";
	}
}

static inline void result_note(const struct smtp_result *result, struct buf *out)
{
	buf_add_char(out, VERDICT_LETTERS[result->verdict]);
	if (result->code)
		buf_printf(out, "%d", result->code);
	else if (result->verdict != VERDICT_NOT_SENT)
		buf_add_text(out, kind_name(result->kind));
}

/* "D250 R550; Tlost": the verdicts of all mails, a letter and the code or the
 * kind of failure; of a trial that on its sender stands before them, "(W250) W250". */
static inline char *rig_verdicts(const struct rig *r)
{
	struct buf out = BUF_INIT(1 << 20);

	for (size_t i = 0; i < r->count; i++) {
		const struct smtp_message *m = &r->mails[i].m;

		buf_add_text(&out, i ? "; " : "");
		if (m->trial) {
			buf_add_char(&out, '(');
			result_note(&m->content, &out);
			buf_add_text(&out, m->count ? ") " : ")");
		}
		for (size_t k = 0; k < m->count; k++) {
			buf_add_text(&out, k ? " " : "");
			result_note(&m->results[k], &out);
		}
	}
	return buf_take(&out);
}

/* "ended", "said 535", "lost", "protocol stumbled". */
static inline char *rig_end(const struct rig *r)
{
	const struct smtp_failure *f = smtp_failure(r->s);
	const char *more = f->stumbled ? " stumbled" : "";

	if (r->want == SMTP_ENDED)
		return mem_string("ended");
	if (r->want != SMTP_FAILED)
		return mem_printf("want %d", r->want);
	if (f->err.kind)
		return mem_printf("%s%s", kind_name(f->err.kind), more);
	return mem_printf("said %d%s", f->result.code, more);
}

/* What holds for every session that has come to its end.  Returns what is
 * wrong, or NULL. */
static inline const char *rig_wrong(const struct rig *r)
{
	bool over = r->want == SMTP_ENDED || r->want == SMTP_FAILED;

	for (size_t i = 0; i < r->submitted; i++)
		if (r->mails[i].done != (over ? 1u : 0u) && (over || r->mails[i].done > 1))
			return "done() was not called exactly once";
	if (r->stray)
		return "done() was called outside of a turn";
	if (r->late)
		return "taken() was called outside of smtp_received()";
	if (r->early_done)
		return "done() was called before every recipient had a verdict";
	if (r->scene.hidden && strstr(buf_text(&r->trace), r->scene.hidden))
		return "D9: what must be hidden is in the transcript";
	if (r->scene.hidden && strstr(buf_text(&r->heard), r->scene.hidden))
		return "D9: what must be hidden is told by answered()";
	if (r->scene.login && (strstr(buf_text(&r->trace), r->secret.data) ||
			strstr(buf_text(&r->trace), SECRET_PLAIN) ||
			strstr(buf_text(&r->trace), SECRET_LOGIN)))
		return "D9: the secret is in the transcript";
	return NULL;
}

static inline void rig_release(struct rig *r)
{
	smtp_free(&r->s);
	for (size_t i = 0; i < r->count; i++) {
		for (size_t k = 0; k < r->mails[i].m.count; k++) {
			smtp_result_release(&r->mails[i].results[k]);
			free(r->mails[i].to[k]);
		}
		smtp_result_release(&r->mails[i].m.content);
		free(r->mails[i].results);
		free(r->mails[i].to);
	}
	free(r->mails);
	free(r->sasl.user);
	free(r->mechanism);
	secret_wipe(&r->secret);
	buf_release(&r->flight);
	buf_release(&r->trace);
	buf_release(&r->clear);
	buf_release(&r->done);
	buf_release(&r->heard);
}

/* ---- written dialogues */

struct exchange {
	const char *client;   /* the flight, exactly */
	const char *server;   /* all that comes back; "<LOST>" or "<TIMEOUT>" may end it */
};

enum { EXCHANGES_MAX = 12, NOBODY = 1000 };

struct dialogue {
	const char *name;
	struct scene scene;
	unsigned mails, recipients;   /* 0 mails: one; 0 recipients: one each, NOBODY: none */
	unsigned trials;              /* so many of the mails, the first, are trials */
	bool all_or_nothing;
	struct exchange exchanges[EXCHANGES_MAX];
	const char *verdicts, *end, *done;   /* end, done: NULL when they do not matter */
};

static inline void dialogue_mails(const struct dialogue *d, struct rig *r, const char *content)
{
	unsigned count = d->recipients == NOBODY ? 0 : d->recipients ? d->recipients : 1;

	for (unsigned i = 0; i < (d->mails ? d->mails : 1); i++) {
		struct smtp_message *m = &rig_add(r, count, content)->m;

		m->all_or_nothing = d->all_or_nothing;
		m->trial = i < d->trials;
	}
}

static inline void dialogue_deliver(struct rig *r, const char *server)
{
	const char *mark = strchr(server, '<');

	if (mark && strcmp(mark, "<LOST>") && strcmp(mark, "<TIMEOUT>"))
		mark = NULL;
	rig_deliver(r, server, mark ? (size_t)(mark - server) : strlen(server));
	if (mark)
		rig_break(r, mark[1] == 'L' ? ERR_LOST : ERR_TIMEOUT);
}

/* Runs one in every mode; the last flight may be one after the end (QUIT). */
static inline void dialogue_run(const struct dialogue *d, const char *content)
{
	for (unsigned mode = 0; mode < RIG_MODES; mode++) {
		struct rig r;
		char *text;
		size_t i = 0;

		rig_start(&r, &d->scene, mode);
		dialogue_mails(d, &r, content);
		rig_ready(&r);
		for (; i < EXCHANGES_MAX && d->exchanges[i].client; i++) {
			check_text(rig_flight(&r), d->exchanges[i].client,
				"%s: flight %zu, mode %u",
				d->name, i + 1, mode);
			if (d->exchanges[i].server)
				dialogue_deliver(&r, d->exchanges[i].server);
		}
		if (d->end)
			check_text(rig_flight(&r), "", "%s: no further flight, mode %u", d->name,
				mode);
		text = rig_verdicts(&r);
		check_text(text, d->verdicts, "%s: verdicts, mode %u", d->name, mode);
		free(text);
		text = rig_end(&r);
		if (d->end)
			check_text(text, d->end, "%s: the end, mode %u", d->name, mode);
		free(text);
		check_text(rig_wrong(&r), NULL, "%s: in order, mode %u", d->name, mode);
		if (d->done)
			check_text(buf_text(&r.done), d->done, "%s: order of done, mode %u",
				d->name, mode);
		rig_release(&r);
	}
}

#endif
