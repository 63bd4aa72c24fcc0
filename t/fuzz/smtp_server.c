/* t/fuzz/smtp_server.c - F3: a client that says whatever it likes, in whatever
 * pieces, to the answering side; whoever drives it answers at once or later.
 *
 * Octet 0 chooses the options, octet 1 what the events answer and how it ends,
 * octet 2 the pieces; the rest is what the client sends.  Whole with answers at
 * once, and in pieces with answers later, the same must be said.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "smtp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOBODY = 1, MOODY = 2, SHUT_DOWN = 4 };   /* bits of octet 1 */

enum stage { STAGE_NONE, STAGE_MAIL, STAGE_BEGUN, STAGE_ENDED };

struct driver {
	struct server *s;
	struct server_options o;
	unsigned mood;
	bool late;
	enum stage stage;
	struct server_reply open;
	struct buf out, events;
	size_t content_at;         /* where in events the content begins */
	uint64_t content;
	size_t recipients;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void must_be_clean(const char *text, bool address)
{
	if (!text)
		return;
	must(text_is_utf8(text, strlen(text)), "UTF-8");
	for (; *text; text++) {
		must((unsigned char)*text >= ' ' && *text != 0x7f, "E1: controls");
		must(!address || (*text != '<' && *text != '>'), "E1: brackets");
	}
}

static void answer(struct driver *d, struct server_reply *r)
{
	if (!d->late)
		return;
	d->open = *r;
	r->code = 0;
}

static void on_mail(void *context, const struct server_mail *m, struct server_reply *r)
{
	struct driver *d = context;

	must(d->stage == STAGE_NONE && r->code == 250, "mail in its place");
	must_be_clean(m->sender, true);
	must_be_clean(m->dsn.envid, false);
	must_be_clean(m->x.account, false);
	must_be_clean(m->x.name, false);
	must_be_clean(m->x.tag, false);
	must(!m->recipients && m->x.hold >= 0 && strchr("mpq", m->x.errors), "what it says");
	must(strlen(m->x.token) == 0 || strlen(m->x.token) == 32, "a token");
	must(!d->o.max_size || m->size <= d->o.max_size, "SIZE");
	must(d->o.handover || !(m->x.account || m->x.name || m->x.tag || m->x.token[0] ||
		m->x.no_sender || m->x.hold), "a handover that was not offered");
	must(d->o.bare_names || !*m->sender || strchr(m->sender, '@'), "a bare sender");
	buf_printf(&d->events, "mail %s %zu\n", m->sender, strlen(m->sender));
	d->stage = STAGE_MAIL;
	d->recipients = 0;
	if (d->mood & MOODY && strchr(m->sender, 'x')) {
		server_reply_set(r, 452, "4.3.1", "full");
		d->stage = STAGE_NONE;
	}
	answer(d, r);
}

static void on_rcpt(void *context, const char *address, unsigned notify, const char *original,
	struct server_reply *r)
{
	struct driver *d = context;

	must(d->stage == STAGE_MAIL && r->code == 250, "rcpt in its place");
	must(*address, "an address");
	must_be_clean(address, true);
	must_be_clean(original, false);
	must(!(notify & DSN_NEVER) || notify == DSN_NEVER, "NOTIFY");
	buf_printf(&d->events, "rcpt %s %u %s\n", address, notify, original ? original : "");
	if (d->mood & NOBODY)
		server_reply_set(r, 550, "5.1.1", "nobody %s", address);
	else if (d->mood & MOODY && strchr(address, 'x'))
		server_reply_set(r, 421, "4.3.0", "enough");
	else
		d->recipients++;
	must(!d->o.max_recipients || d->recipients <= d->o.max_recipients, "F5: recipients");
	answer(d, r);
}

static void on_begin(void *context, struct server_reply *r)
{
	struct driver *d = context;

	must(d->stage == STAGE_MAIL && d->recipients && r->code < 400, "begin in its place");
	buf_add_text(&d->events, "begin\n");
	if (d->mood & MOODY && d->recipients > 1)
		server_reply_set(r, 451, "4.3.0", "no disk");
	else
		d->stage = STAGE_BEGUN;
	d->content_at = d->events.len;
	d->content = 0;
	answer(d, r);
}

static void on_content(void *context, const char *data, size_t len)
{
	struct driver *d = context;

	must(d->stage == STAGE_BEGUN && len, "content in its place");
	buf_add(&d->events, data, len);
	d->content += len;
	must(!d->o.max_size || d->content <= d->o.max_size, "F5: size");
}

static void on_end(void *context, struct server_reply *r)
{
	struct driver *d = context;

	must(d->stage == STAGE_BEGUN && !r->code, "end in its place");
	d->stage = STAGE_NONE;
	buf_add_text(&d->events, "end\n");
	server_reply_set(r, 250, "2.0.0", "stored");
	if (d->mood & MOODY && d->content % 2)
		server_reply_set(r, 554, "5.6.0", "odd\r\n250 even");
	answer(d, r);
}

/* How much of a content that became void was told depends on the pieces. */
static void on_reset(void *context)
{
	struct driver *d = context;

	must(d->stage == STAGE_MAIL || d->stage == STAGE_BEGUN, "reset in its place");
	if (d->stage == STAGE_BEGUN)
		d->events.len = d->content_at;
	d->stage = STAGE_NONE;
	buf_add_text(&d->events, "reset\n");
}

static void write_out(struct driver *d, size_t most)
{
	size_t len;
	const char *out = server_output(d->s, &len);

	must(len < SERVER_OUTPUT_MAX + 2048, "F3: output");
	if (len > most)
		len = most;
	buf_add(&d->out, out, len);
	server_written(d->s, len);
}

static void start(struct driver *d, const uint8_t *data, bool late)
{
	struct server_events on = { on_mail, on_rcpt, on_begin, on_content, on_end, on_reset, d };
	unsigned flags = data[0];

	memset(d, 0, sizeof(*d));
	d->out.max = d->events.max = 1 << 28;
	d->mood = data[1];
	d->late = late;
	d->o = (struct server_options){ .host = "here.example", .max_size = flags & 1 ? 20 : 0,
		.max_recipients = flags & 2 ? 2 : 0, .bare_names = flags & 4,
		.handover = flags & 8, .strict = flags & 16, .banner_first = flags & 32 };
	d->s = server_new(&d->o, &on);
	if (!(flags & 64))
		write_out(d, SIZE_MAX);
}

static void hear(struct driver *d, const uint8_t *data, size_t len, size_t most)
{
	size_t at = 0, before, n;

	for (;;) {
		char *piece = mem_copy(data + at, len - at);

		before = d->out.len;
		n = server_received(d->s, piece, len - at);
		free(piece);
		must(n <= len - at, "what was taken");
		at += n;
		write_out(d, most);
		if (server_awaits_answer(d->s)) {
			struct server_reply r = d->open;

			must(d->late && r.code, "an answer that is awaited");
			d->open.code = 0;
			server_answer(d->s, &r);
			continue;
		}
		if (at == len)
			return;
		must(n || d->out.len > before, "F3: it stands still");
	}
}

static void finish(struct driver *d)
{
	if (d->mood & SHUT_DOWN)
		server_shut_down(d->s, "shutting\ndown");
	else
		server_eof(d->s);
	write_out(d, SIZE_MAX);
	must(server_ended(d->s) && !server_awaits_answer(d->s) && !server_in_content(d->s),
		"an end");
	must(d->stage == STAGE_NONE, "nothing half is kept");
	server_free(&d->s);
}

static void check_output(const struct buf *out)
{
	const char *line = buf_text(out), *end;

	must(out->len > 4 && !strcmp(line + out->len - 2, "\r\n"), "whole lines");
	for (; *line; line = end + 2) {
		end = strstr(line, "\r\n");
		must(end && end - line <= 510, "RFC 5321: a line of 512 octets");
		must(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'),
			"a code");
		for (const char *c = line; c < end; c++)
			must(*c >= ' ' && *c < 0x7f, "E4: ASCII");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver whole, cut;
	uint32_t pieces;

	if (size < 3)
		return 0;
	start(&whole, data, false);
	hear(&whole, data + 3, size - 3, SIZE_MAX);
	finish(&whole);
	check_output(&whole.out);

	start(&cut, data, true);
	pieces = data[2];
	for (size_t at = 3; at < size;) {
		size_t n = 1;

		pieces = pieces * 1664525U + 1013904223U;
		if (data[2])
			n += (pieces >> 24) % data[2];
		if (n > size - at)
			n = size - at;
		hear(&cut, data + at, n, 1 + (pieces >> 16) % 64);
		at += n;
	}
	finish(&cut);
	must(whole.out.len == cut.out.len &&
		!memcmp(buf_text(&whole.out), buf_text(&cut.out), cut.out.len), "the same answers");
	must(whole.events.len == cut.events.len &&
		!memcmp(buf_text(&whole.events), buf_text(&cut.events), cut.events.len),
		"the same events");
	buf_release(&whole.out);
	buf_release(&whole.events);
	buf_release(&cut.out);
	buf_release(&cut.events);
	return 0;
}
