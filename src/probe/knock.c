/* probe/knock.c - who is there?  See knock.h. */
#include "probe/knock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/conn.h"
#include "net/reach.h"
#include "smtp/reply.h"

enum {
	FIRST_MAX   = 256,    /* octets by which a protocol is known */
	TEXT_SHOWN  = 75      /* octets of a greeting; each may be written as four */
};

enum phase { AT_DIAL, AT_GREETING, AT_EHLO, AT_STARTTLS, AT_SHAKE, AT_END };

struct knock {
	struct loop *loop;              /* borrowed */
	struct net_settings net;        /* host is own, the rest is borrowed */
	const char *host, *ehlo;        /* borrowed */
	const struct tls_settings *strict;   /* borrowed */
	const struct tls_trust *trust;  /* borrowed */
	struct tls_settings loose;      /* lets in whoever is there; no certificate of ours */
	struct tls_trust *nobody;       /* own; what the loose settings ask of roots */
	uint64_t began, deadline;
	knock_done *done;
	void *context;
	enum phase phase;
	struct reach *reach;            /* own */
	struct conn conn;
	struct watch watch;
	struct reply_parser parser;
	struct buf out;                 /* own; not yet written */
	char first[FIRST_MAX];          /* how it began to speak, in clear or inside TLS */
	size_t first_len;
	struct knock_answer answer;
};

const char *knock_name(enum knock_found found)
{
	static const char *const names[] = {
		[KNOCK_NO_NAME] = "no name", [KNOCK_CLOSED] = "closed",
		[KNOCK_FILTERED] = "filtered", [KNOCK_UNREACHABLE] = "unreachable",
		[KNOCK_SILENT] = "silent", [KNOCK_HUNG_UP] = "hung up", [KNOCK_SMTP] = "smtp",
		[KNOCK_TLS] = "tls", [KNOCK_HTTP] = "http", [KNOCK_IMAP] = "imap",
		[KNOCK_POP3] = "pop3", [KNOCK_SSH] = "ssh", [KNOCK_FTP] = "ftp",
		[KNOCK_OTHER] = "other",
	};

	return names[found];
}

bool knock_works(const struct knock_answer *a)
{
	return a->speaks && (a->mode == SMTP_TLS_OFF || (a->tls && a->trusted));
}

/* ---- which protocol */

static bool holds_word(const char *data, size_t len, const char *word)
{
	size_t size = strlen(word);

	for (size_t i = 0; i + size <= len; i++)
		if (text_equal_fold(data + i, size, word, size))
			return true;
	return false;
}

/* RFC 5321 section 4.2; FTP greets so as well, and says who it is. */
static enum knock_found reply_kind(const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t line = end ? (size_t)(end - data) : 0;

	if (data[0] == '2' && memcmp(data, "220", 3) != 0)
		return KNOCK_OTHER;
	return holds_word(data, line, "ftp") && !holds_word(data, line, "smtp") ? KNOCK_FTP : KNOCK_SMTP;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_reply(const char *data, size_t len)
{
	return len > 3 && strchr("245", data[0]) && data[0] && is_digit(data[1]) &&
		is_digit(data[2]) && memchr(" -\r\n", data[3], 4);
}

/* RFC 8446 section 5.1: the type of a record, then the major version. */
static bool is_record(const char *data, size_t len)
{
	return len > 1 && data[0] >= 20 && data[0] <= 24 && data[1] == 3;
}

enum knock_found knock_kind(const char *data, size_t len)
{
	static const struct {
		const char *begins;
		enum knock_found found;
	} table[] = {
		{ "HTTP/", KNOCK_HTTP }, { "<!doctype", KNOCK_HTTP }, { "<html", KNOCK_HTTP },
		{ "* OK", KNOCK_IMAP }, { "* PREAUTH", KNOCK_IMAP }, { "* BYE", KNOCK_IMAP },
		{ "+OK", KNOCK_POP3 }, { "-ERR", KNOCK_POP3 }, { "SSH-", KNOCK_SSH },
	};

	if (is_record(data, len))
		return KNOCK_TLS;
	if (is_reply(data, len))
		return reply_kind(data, len);
	for (size_t i = 0; i < COUNT(table); i++) {
		size_t size = strlen(table[i].begins);

		if (len >= size && text_equal_fold(data, size, table[i].begins, size))
			return table[i].found;
	}
	/* None of them needs more to be known. */
	return len >= 9 || (len && memchr(data, '\n', len)) ? KNOCK_OTHER : KNOCK_SILENT;
}

/* ---- the end */

/* The functions of a knock go on until this is said; it is told behind all of them. */
static void finish(struct knock *k)
{
	k->phase = AT_END;
}

/* The last that is done with k: whoever is told may free it. */
static void tell(struct knock *k)
{
	loop_remove(k->loop, &k->watch);
	conn_close(&k->conn);
	k->answer.ms = (int64_t)(clock_ms() - k->began);
	k->done(k->context, &k->answer);
}

static void trouble(struct knock *k, const struct err *e)
{
	if (!k->answer.trouble.kind)
		k->answer.trouble = *e;
	finish(k);
}

/* The first line as text. */
static void note_text(struct knock *k)
{
	const char *end = memchr(k->first, '\n', k->first_len);
	size_t len = end ? (size_t)(end - k->first) : k->first_len;
	struct buf text = BUF_INIT(sizeof(k->answer.text));

	while (len && k->first[len - 1] == '\r')
		len--;
	text_clean(k->first, len, TEXT_SHOWN, &text);
	snprintf(k->answer.text, sizeof(k->answer.text), "%s", buf_text(&text));
	buf_release(&text);
}

/* It has said all by which it can be known. */
static void note_kind(struct knock *k)
{
	enum knock_found kind = knock_kind(k->first, k->first_len);

	if (!k->first_len)
		return;
	k->answer.found = kind == KNOCK_SILENT ? KNOCK_OTHER : kind;
	if (kind != KNOCK_TLS)
		note_text(k);
}

/* How the server answered our hello, if it did.  False: not with TLS. */
static bool answered_tls(struct knock *k)
{
	const char *first;
	size_t len = tls_first(k->conn.tls, &first);

	k->first_len = len < sizeof(k->first) ? len : sizeof(k->first);
	memcpy(k->first, first, k->first_len);
	return k->first_len && k->first[0] >= 20 && k->first[0] <= 24;
}

/* A handshake that came to nothing still tells who is there. */
static void note_answer(struct knock *k)
{
	if (k->answer.mode != SMTP_TLS_IMPLICIT)
		return;
	if (answered_tls(k))
		k->answer.found = KNOCK_TLS;
	else
		note_kind(k);
}

static void too_late(struct knock *k)
{
	struct err e;

	if (k->phase == AT_GREETING)
		note_kind(k);
	else if (k->phase == AT_SHAKE)
		note_answer(k);
	err_set(&e, ERR_TIMEOUT, "port %u gave no answer in time", k->answer.port);
	trouble(k, &e);
}

static void lost(struct knock *k, const struct err *e)
{
	if (k->phase == AT_GREETING && !k->first_len && !k->answer.tls)
		k->answer.found = KNOCK_HUNG_UP;
	else if (k->phase == AT_GREETING)
		note_kind(k);
	trouble(k, e);
}

/* One try, no waiting. */
static void say_quit(struct knock *k)
{
	static const char quit[] = "QUIT\r\n";
	size_t count;
	short events;
	struct err ignored;

	conn_write(&k->conn, quit, sizeof(quit) - 1, &count, &events, &ignored);
	finish(k);
}

/* ---- TLS */

static void judge(struct knock *k)
{
	k->answer.facts = *tls_facts(k->conn.tls);
	k->answer.tls = true;
	if (!k->strict->verify && !k->strict->pins.count)
		k->answer.trusted = true;
	else if (k->trust)
		k->answer.facts.verified = k->answer.trusted = tls_judge(k->conn.tls, k->host,
			k->strict, k->trust, &k->answer.trouble) == 0;
}

static void say_ehlo(struct knock *k)
{
	char own[80];

	dial_own_literal(k->conn.fd, own, sizeof(own));
	buf_printf(&k->out, "EHLO %s\r\n", k->ehlo ? k->ehlo : own);
	k->phase = AT_EHLO;
}

/* False: wait. */
static bool shake(struct knock *k)
{
	struct err e = { 0 };

	switch (conn_handshake(&k->conn, &k->watch.events, &e)) {
	case CONN_AGAIN:
		return false;
	case CONN_OK:
		break;
	default:
		note_answer(k);
		if (k->answer.found == KNOCK_SILENT && e.kind == ERR_LOST)
			k->answer.found = KNOCK_HUNG_UP;
		trouble(k, &e);
		return false;
	}
	judge(k);
	if (k->answer.mode == SMTP_TLS_STARTTLS) {
		say_ehlo(k);
		return true;
	}
	k->answer.found = KNOCK_TLS;
	k->first_len = 0;
	k->phase = AT_GREETING;
	return true;
}

static void start_tls(struct knock *k)
{
	struct err e = { 0 };

	k->nobody = tls_trust_load(&k->loose, &e);
	if (!k->nobody || conn_tls(&k->conn, k->host, &k->loose, k->nobody, &e) < 0)
		trouble(k, &e);
	else
		k->phase = AT_SHAKE;
}

/* ---- the dialogue */

static void got_greeting(struct knock *k, const struct smtp_reply *r)
{
	note_kind(k);
	k->answer.code = r->code;
	if (r->code == 220 && k->answer.found == KNOCK_SMTP)
		say_ehlo(k);
	else
		finish(k);
}

/* The words of a reply that is no help. */
static void refused(struct knock *k, enum err_kind kind, const char *what, const struct smtp_reply *r)
{
	struct buf words = BUF_INIT(4 * TEXT_SHOWN_MAX + 64);
	struct err e;

	reply_show(r, &words);
	err_set(&e, kind, "the server refuses %s: %s", what, buf_text(&words));
	buf_release(&words);
	trouble(k, &e);
	say_quit(k);
}

static void got_ehlo(struct knock *k, const struct smtp_reply *r)
{
	struct smtp_capabilities c;
	bool last = k->answer.mode != SMTP_TLS_STARTTLS || k->answer.tls;
	struct err e;

	if (r->code != 250) {
		refused(k, ERR_PROTOCOL, "EHLO", r);
		return;
	}
	capabilities_read(&c, r);
	if (!k->answer.tls) {
		k->answer.starttls = c.starttls;
		memcpy(k->answer.auth_clear, c.auth, sizeof(k->answer.auth_clear));
	}
	if (last) {
		memcpy(k->answer.auth, c.auth, sizeof(k->answer.auth));
		k->answer.speaks = true;
	} else if (c.starttls) {
		buf_add_text(&k->out, "STARTTLS\r\n");
		k->phase = AT_STARTTLS;
		return;
	} else {
		err_set(&e, ERR_TLS, "the server does not offer STARTTLS");
		trouble(k, &e);
	}
	say_quit(k);
}

static void got_reply(struct knock *k, const struct smtp_reply *r)
{
	if (k->phase == AT_GREETING)
		got_greeting(k, r);
	else if (k->phase == AT_EHLO)
		got_ehlo(k, r);
	else if (r->code == 220)
		start_tls(k);
	else
		refused(k, ERR_TLS, "STARTTLS", r);
}

/* Nothing was asked that this could answer; behind a "220" to STARTTLS it would be
 * somebody who wants to be heard inside of TLS. */
static void got_too_much(struct knock *k)
{
	struct err e;

	if (k->phase == AT_GREETING)
		note_kind(k);
	err_set(&e, ERR_PROTOCOL, "the server answers before it was asked");
	trouble(k, &e);
}

static void add_first(struct knock *k, const char *data, size_t len)
{
	size_t room = sizeof(k->first) - k->first_len;

	if (len > room)
		len = room;
	memcpy(k->first + k->first_len, data, len);
	k->first_len += len;
}

/* A line is there, or as much as is looked at, or it is no text at all. */
static bool first_is_whole(const struct knock *k)
{
	return k->first_len == sizeof(k->first) || memchr(k->first, '\n', k->first_len) ||
		is_record(k->first, k->first_len);
}

static void got_octets(struct knock *k, const char *data, size_t len)
{
	struct err e = { 0 };
	size_t used;
	int rc;

	if (k->phase == AT_GREETING) {
		add_first(k, data, len);
		if (first_is_whole(k) && knock_kind(k->first, k->first_len) != KNOCK_SMTP) {
			note_kind(k);
			finish(k);
			return;
		}
	}
	rc = reply_feed(&k->parser, data, len, &used, &e);
	if (rc > 0 && used < len)
		got_too_much(k);
	else if (rc > 0)
		got_reply(k, &k->parser.reply);
	else if (rc < 0)
		lost(k, &e);
}

/* False: wait, or it is at its end. */
static bool read_some(struct knock *k)
{
	char data[2048];
	size_t count;
	struct err e = { 0 };

	switch (conn_read(&k->conn, data, sizeof(data), &count, &k->watch.events, &e)) {
	case CONN_OK:
		got_octets(k, data, count);
		return k->phase != AT_END;
	case CONN_AGAIN:
		return false;
	default:
		lost(k, &e);
		return false;
	}
}

/* False: wait, or it is at its end. */
static bool write_some(struct knock *k)
{
	size_t count;
	struct err e = { 0 };

	while (k->out.len) {
		switch (conn_write(&k->conn, k->out.data, k->out.len, &count, &k->watch.events, &e)) {
		case CONN_OK:
			buf_drop(&k->out, count);
			break;
		case CONN_AGAIN:
			return false;
		default:
			lost(k, &e);
			return false;
		}
	}
	return true;
}

static void turn(struct knock *k)
{
	bool more = true;

	while (more && k->phase != AT_END)
		more = k->phase == AT_SHAKE ? shake(k) : write_some(k) && read_some(k);
	if (k->phase == AT_END)
		tell(k);
}

static void ready(struct watch *w, short revents)
{
	struct knock *k = w->owner;

	if (!revents)
		too_late(k);
	turn(k);
}

/* ---- the beginning */

/* By what the addresses said, not by the first of them alone. */
static enum knock_found not_connected(const struct dial_trail *t, const struct err *e)
{
	bool refused = false, late = false;

	if (e->kind == ERR_NAME || e->kind == ERR_NAME_AGAIN)
		return KNOCK_NO_NAME;
	for (unsigned i = 0; i < t->count; i++) {
		const struct trail_try *one = &t->tries[i];

		refused = refused || one->number == ECONNREFUSED;
		late = late || one->end == TRY_LATE || one->number == ETIMEDOUT;
	}
	return refused ? KNOCK_CLOSED : late ? KNOCK_FILTERED : KNOCK_UNREACHABLE;
}

static void connected(void *context, int fd, struct err *e)
{
	struct knock *k = context;
	struct err why = *e;   /* it lies in what is freed next */

	k->answer.trail = *reach_trail(k->reach);
	reach_free(&k->reach);
	if (fd < 0) {
		k->answer.found = not_connected(&k->answer.trail, &why);
		trouble(k, &why);
		tell(k);
		return;
	}
	conn_init(&k->conn, fd);
	k->answer.found = KNOCK_SILENT;
	k->phase = AT_GREETING;
	k->watch.fd = fd;
	k->watch.events = POLLIN;
	k->watch.deadline = k->deadline;
	loop_add(k->loop, &k->watch);
	if (k->answer.mode == SMTP_TLS_IMPLICIT)
		start_tls(k);
	turn(k);
}

struct knock *knock_start(struct loop *l, const struct knock_plan *plan, knock_done *done,
	void *context)
{
	struct knock *k = mem_alloc(sizeof(*k));

	k->loop = l;
	if (plan->way)
		k->net = *plan->way;
	k->net.host = mem_string(plan->address ? plan->address : plan->host);
	k->net.port = (long)plan->port;
	k->host = plan->host;
	k->ehlo = plan->ehlo;
	k->strict = plan->tls;
	k->trust = plan->trust;
	k->loose = (struct tls_settings){ .host = plan->tls->host, .least = plan->tls->least,
		.priority = plan->tls->priority };
	k->began = clock_ms();
	k->deadline = plan->deadline;
	k->done = done;
	k->context = context;
	k->conn.fd = -1;
	k->watch = (struct watch){ .fd = -1, .run = ready, .owner = k };
	k->out = BUF_INIT(1024);
	reply_parser_init(&k->parser);
	k->answer.port = plan->port;
	k->answer.mode = plan->mode;
	k->reach = reach_start(l, &k->net, NULL, plan->deadline, connected, k);
	return k;
}

void knock_free(struct knock **kp)
{
	struct knock *k = *kp;

	if (!k)
		return;
	loop_remove(k->loop, &k->watch);
	reach_free(&k->reach);
	conn_abort(&k->conn);
	tls_trust_free(&k->nobody);
	reply_parser_release(&k->parser);
	buf_release(&k->out);
	free(k->net.host);
	free(k);
	*kp = NULL;
}
