/* t/fuzz/smtp_engine.c - a session with two messages, and a server that says
 * whatever it likes, in whatever pieces, whenever it likes.
 *
 * Octet 0 and 1 choose the kind of session.  Of the rest, 0xff lets the engine
 * write all that it has, 0xfe one octet, 0xfd breaks the connection; what lies
 * between arrives in one piece.
 */
#include <ctype.h>
#include <stdint.h>

#include "t/unit/smtp_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WRITE_ALL = 0xff, WRITE_ONE = 0xfe, BREAK = 0xfd };

static const char *const mechanisms[] = { "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2",
	"EXTERNAL", "OAUTHBEARER", "SCRAM-SHA-1" };

/* What went over the wire, read as a server would. */
struct wire {
	struct rig *rig;
	struct buf line;
	bool content;              /* a message until a dot alone */
	size_t chunk;              /* octets of BDAT still to come */
	char chunk_of;
	unsigned whole[2];         /* contents that were written to their end */
	int open;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void wire_command(struct wire *w, const char *line)
{
	static const char *const verbs[] = { "EHLO me.example", "LHLO me.example", "HELO me.example",
		"STARTTLS", "AUTH ",
		"MAIL FROM:<me@example.com>", "RCPT TO:<r", "DATA", "RSET", "QUIT" };

	if (line[0] == 'm' && (line[1] == '0' || line[1] == '1') && !line[2]) {
		w->content = true;
		w->open = line[1] - '0';
		return;
	}
	if (!strcmp(line, "."))
		return;
	if (!strncmp(line, "BDAT ", 5)) {
		w->chunk = strtoul(line + 5, NULL, 10);
		w->chunk_of = 0;
		must(strstr(line, " LAST") && w->chunk, "BDAT in one chunk");
		return;
	}
	if (w->rig->scene.tls == SMTP_TLS_STARTTLS && !w->rig->tls_up)
		must(!strncmp(line, "EHLO ", 5) || !strcmp(line, "STARTTLS"),
			"D1: something else in clear");
	must(w->rig->scene.tls != SMTP_TLS_IMPLICIT || w->rig->tls_up, "D1: clear text before TLS");
	must(strncmp(line, w->rig->scene.protocol == PROTOCOL_LMTP ? "EHLO " : "LHLO ", 5) != 0,
		"the greeting of the other protocol");
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (!strncmp(line, verbs[i], strlen(verbs[i])))
			return;
	must(w->rig->scene.login, "E1: a line that is no command");
	if (!strcmp(line, "*"))
		return;
	for (; *line; line++)
		must(isalnum((unsigned char)*line) || strchr("+/=", *line),
			"E1: no answer to AUTH");
}

static void wire_octet(struct wire *w, char c)
{
	if (w->chunk) {
		if (c == '0' || c == '1')
			w->chunk_of = c;
		if (!--w->chunk)
			w->whole[w->chunk_of == '1']++;
		return;
	}
	if (c != '\n') {
		must(!w->line.len || w->line.data[w->line.len - 1] != '\r', "E2: a bare CR");
		buf_add_char(&w->line, c);
		return;
	}
	must(w->line.len && w->line.data[w->line.len - 1] == '\r', "E2: a bare LF");
	w->line.data[--w->line.len] = '\0';
	if (!w->content) {
		wire_command(w, buf_text(&w->line));
	} else if (!strcmp(buf_text(&w->line), ".")) {
		w->whole[w->open]++;
		w->content = false;
	}
	buf_clear(&w->line);
}

static void write_some(struct wire *w, bool all)
{
	size_t len;
	const char *out;

	do {
		rig_turn(w->rig);
		out = smtp_output(w->rig->s, &len);
		if (!len)
			return;
		if (!all)
			len = 1;
		for (size_t i = 0; i < len; i++)
			wire_octet(w, out[i]);
		smtp_written(w->rig->s, len);
	} while (all);
}

static void read_scene(struct scene *scene, uint8_t a, uint8_t b)
{
	static const int tls[] = { SMTP_TLS_OFF, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT,
		SMTP_TLS_OFF };

	memset(scene, 0, sizeof(*scene));
	scene->tls = tls[a & 3];
	scene->protocol = (a & 3) == 3 ? PROTOCOL_LMTP : PROTOCOL_SMTP;
	scene->pipelining = (a >> 2 & 3) % 3;
	scene->chunking = a & 16;
	scene->login = a & 32;
	scene->lazy = a & 64;
	scene->stay = a & 128;
	scene->auth = mechanisms[b & 7];
	scene->max_recipients = b & 8 ? 2 : 100;
	scene->hooks = b & 64;
	scene->ahead = b & 128 ? 1 : 0;
}

static void check_end(struct wire *w)
{
	struct rig *r = w->rig;
	const struct smtp_failure *f = smtp_failure(r->s);
	bool lmtp = r->scene.protocol == PROTOCOL_LMTP;

	must(!r->stray, "done() outside of a turn");
	must(!r->late, "B2: taken() outside of smtp_received()");
	must(!r->early_done, "done() too early");
	for (size_t i = 0; i < r->submitted; i++) {
		must(r->mails[i].done == 1, "done() exactly once");
		must(r->mails[i].taken <= (lmtp ? 3 : 1) * r->mails[i].ready, "taken() and not ready()");
		for (size_t k = 0; k < r->mails[i].m.count; k++) {
			const struct smtp_result *result = &r->mails[i].results[k];

			must(result->verdict != VERDICT_PENDING, "a recipient without a verdict");
			if (result->verdict == VERDICT_DELIVERED && r->scene.hooks)
				must(r->mails[i].taken, "B2: delivered and no mark");
			if (result->verdict == VERDICT_DELIVERED)
				must(w->whole[i] && result->code / 100 == 2 &&
					result->step == (lmtp ? STEP_DELIVERY : STEP_CONTENT),
					"E6: delivered");
			if (result->verdict == VERDICT_UNKNOWN)
				must(w->whole[i], "unknown, and never written");
			must(result->code || result->kind || result->verdict == VERDICT_NOT_SENT,
				"a verdict without a reason");
		}
	}
	must(r->want != SMTP_FAILED || f->err.kind || f->result.code, "a failure without a reason");
}

/* D9: in the transcript only if the server put it there. */
static void check_secret(const struct rig *r, const uint8_t *data, size_t size, const char *what)
{
	struct buf said = BUF_INIT(size);

	for (size_t i = 2; i < size; i++)
		if (data[i] < BREAK)
			buf_add_char(&said, (char)data[i]);
	if (!memmem(buf_text(&said), said.len, what, strlen(what)))
		must(!memmem(buf_text(&r->trace), r->trace.len, what, strlen(what)),
			"D9: a secret in the transcript");
	buf_release(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig r;
	struct wire w = { .rig = &r, .line = BUF_INIT(1 << 16) };
	struct scene scene;
	static const char *const contents[] = { "m0\r\n.\r\n", "m1\r\n..\r\nx\r\n" };

	if (size < 2)
		return 0;
	read_scene(&scene, data[0], data[1]);
	rig_start(&r, &scene, 0);
	for (size_t i = 0; i < 2; i++)
		rig_add(&r, 3, contents[i])->m.all_or_nothing = data[1] & 16;
	r.mails[1].m.eight_bit = data[1] & 32;
	rig_ready(&r);
	for (size_t at = 2; at < size;) {
		size_t n = 0;

		while (at + n < size && data[at + n] < BREAK)
			n++;
		if (n)
			rig_deliver(&r, (const char *)data + at, n);
		at += n;
		if (at == size)
			break;
		if (data[at] == BREAK)
			rig_break(&r, ERR_LOST);
		else
			write_some(&w, data[at] == WRITE_ALL);
		at++;
	}
	write_some(&w, true);
	rig_break(&r, ERR_TIMEOUT);
	write_some(&w, true);
	must(r.want == SMTP_ENDED || r.want == SMTP_FAILED, "an end");
	check_end(&w);
	if (scene.login) {
		check_secret(&r, data, size, SECRET);
		check_secret(&r, data, size, SECRET_PLAIN);
		check_secret(&r, data, size, SECRET_LOGIN);
	}
	rig_release(&r);
	buf_release(&w.line);
	return 0;
}
