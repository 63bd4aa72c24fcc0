/* t/unit/smtp_engine.c - the dialogue when all goes well: exact octets, and how
 * many round trips they take. */
#include "t/unit/smtp_rig.h"

#define TEXT "Subject: x\r\n\r\n.dot\r\n"
#define DOTTED "Subject: x\r\n\r\n..dot\r\n.\r\n"
#define BDAT "BDAT 20 LAST\r\n" TEXT

#define HELLO "EHLO me.example\r\n"
#define OFFERS(more) "250-mx.example\r\n250-PIPELINING\r\n" more "250 AUTH PLAIN LOGIN\r\n"
#define AUTH "AUTH PLAIN " SECRET_PLAIN "\r\n"
#define AUTH_OK "235 2.7.0 in\r\n"
#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT(n) "RCPT TO:<r" #n "@example.com>\r\n"
#define OK "250 ok\r\n"
#define GO "354 go\r\n"
#define QUIT "QUIT\r\n"
#define BYE "221 bye\r\n"

#define IMPLICIT .tls = SMTP_TLS_IMPLICIT
#define LOGIN .login = true

static const struct dialogue dialogues[] = {
	{ "implicit TLS and AUTH PLAIN", { IMPLICIT, LOGIN }, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ AUTH, AUTH_OK },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED QUIT, "250 2.0.0 queued\r\n" } },
		.verdicts = "D250", .end = "ended" },
	{ "pipelining full", { IMPLICIT, .pipelining = PIPELINING_FULL, LOGIN }, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ AUTH MAIL RCPT(1) "DATA\r\n", AUTH_OK OK OK GO },
		{ DOTTED QUIT, OK } },
		.verdicts = "D250", .end = "ended" },
	{ "chunking", { IMPLICIT, LOGIN, .chunking = true }, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("250-CHUNKING\r\n") },
		{ AUTH, AUTH_OK },
		{ MAIL RCPT(1) BDAT QUIT, OK OK OK } },
		.verdicts = "D250", .end = "ended" },
	{ "pipelining full and chunking: content waits for 235",
		{ IMPLICIT, .pipelining = PIPELINING_FULL, LOGIN,
		.chunking = true }, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("250-CHUNKING\r\n") },
		{ AUTH MAIL RCPT(1), AUTH_OK OK OK },
		{ BDAT QUIT, OK } },
		.verdicts = "D250", .end = "ended" },
	{ "chunking not offered", { IMPLICIT, .chunking = true }, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED QUIT, OK } },
		.verdicts = "D250", .end = "ended" },
	{ "STARTTLS", { .tls = SMTP_TLS_STARTTLS, LOGIN }, .exchanges = {
		{ "", "220 mx\r\n" },
		{ HELLO, "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n" },
		{ "STARTTLS\r\n", "220 go ahead\r\n" },
		/* The handshake was asked for and made when 220 was taken. */
		{ HELLO, OFFERS("") },
		{ AUTH, AUTH_OK },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED QUIT, OK } },
		.verdicts = "D250", .end = "ended" },
	{ "no PIPELINING: one at a time", { IMPLICIT, LOGIN }, .recipients = 2, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, "250-mx\r\n250 AUTH PLAIN\r\n" },
		{ AUTH, AUTH_OK },
		{ MAIL, OK },
		{ RCPT(1), OK },
		{ RCPT(2), OK },
		{ "DATA\r\n", GO },
		{ DOTTED, OK },
		{ QUIT, NULL } },
		.verdicts = "D250 D250", .end = "ended" },
	{ "pipelining off: one at a time", { IMPLICIT, .pipelining = PIPELINING_OFF },
		.exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ MAIL, OK },
		{ RCPT(1), OK },
		{ "DATA\r\n", GO },
		{ DOTTED, OK },
		{ QUIT, BYE } },
		.verdicts = "D250", .end = "ended" },
	{ "pipelining full without PIPELINING", { IMPLICIT, .pipelining = PIPELINING_FULL, LOGIN },
		.exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, "250-mx\r\n250 AUTH PLAIN\r\n" },
		{ AUTH, AUTH_OK },
		{ MAIL, OK },
		{ RCPT(1), OK },
		{ "DATA\r\n", GO },
		{ DOTTED, OK },
		{ QUIT, NULL } },
		.verdicts = "D250", .end = "ended" },
	{ "HELO", { .tls = SMTP_TLS_OFF }, .exchanges = {
		{ "", "220 mx\r\n" },
		{ HELLO, "502 what?\r\n" },
		{ "HELO me.example\r\n", "250-mx\r\n250 PIPELINING\r\n" },
		{ MAIL, OK },
		{ RCPT(1), OK },
		{ "DATA\r\n", GO },
		{ DOTTED, OK },
		{ QUIT, NULL } },
		.verdicts = "D250", .end = "ended" },
	{ "replies that say little", { .tls = SMTP_TLS_OFF }, .exchanges = {
		{ "", "220\n" },
		{ HELLO, "250-\n250 pipelining\n" },
		{ MAIL RCPT(1) "DATA\r\n", "250\n251 elsewhere\n354\n" },
		{ DOTTED QUIT, "250\n" } },
		.verdicts = "D250", .end = "ended" },
	{ "three messages, the next behind the content", { IMPLICIT, LOGIN }, .mails = 3,
		.exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ AUTH, AUTH_OK },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED MAIL RCPT(1) "DATA\r\n", OK OK OK GO },
		{ DOTTED MAIL RCPT(1) "DATA\r\n", "550 5.7.1 spam\r\n" OK OK GO },
		{ DOTTED QUIT, OK } },
		.verdicts = "D250; R550; D250", .end = "ended", .done = "123" },
	{ "three messages in two flights with BDAT", { IMPLICIT, .chunking = true }, .mails = 3,
		.exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("250-CHUNKING\r\n") },
		/* RFC 3030 section 2: after a failed BDAT only RSET helps. */
		{ MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1),
			OK OK OK OK OK "550 no\r\n" "503 no\r\n" OK OK OK },
		{ BDAT QUIT, "452 full\r\n" } },
		.verdicts = "D250; R550; T452", .end = "ended", .done = "123" },
	{ "messages given one by one", { IMPLICIT, .lazy = true }, .mails = 2, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED, OK },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED, OK },
		{ QUIT, NULL } },
		.verdicts = "D250; D250", .end = "ended", .done = "12" },
	{ "pipelining full, given one by one: only the first rides with AUTH",
		{ IMPLICIT, .pipelining = PIPELINING_FULL, LOGIN, .lazy = true }, .mails = 2,
			.exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ AUTH MAIL RCPT(1) "DATA\r\n", AUTH_OK OK OK GO },
		{ DOTTED, OK },
		{ MAIL RCPT(1) "DATA\r\n", OK OK GO },
		{ DOTTED, OK },
		{ QUIT, NULL } },
		.verdicts = "D250; D250", .end = "ended", .done = "12" },
	{ "some recipients refused", { IMPLICIT }, .recipients = 3, .exchanges = {
		{ "<TLS>", "220 mx\r\n" },
		{ HELLO, OFFERS("") },
		{ MAIL RCPT(1) RCPT(2) RCPT(3) "DATA\r\n", OK "550 5.1.1 who?\r\n"
			OK "450 later\r\n" GO },
		{ DOTTED QUIT, "250 queued\r\n" } },
		.verdicts = "R550 D250 T450", .end = "ended" },
};

static void test_dialogues(void)
{
	for (size_t i = 0; i < COUNT(dialogues); i++)
		dialogue_run(&dialogues[i], TEXT);
}

/* The wants of a session that has nothing to send. */
static void test_wants(void)
{
	static const struct scene scene = { IMPLICIT, LOGIN, .stay = true };
	struct rig r;

	rig_start(&r, &scene, 0);
	check_int(smtp_waiting_for(r.s), STEP_GREETING, "the greeting is awaited");
	check_int(smtp_turn(r.s), SMTP_WANT_TLS, "TLS first");
	smtp_tls_done(r.s, NULL, true);
	check_int(smtp_turn(r.s), SMTP_WANT_REPLY, "then the greeting");
	rig_say(&r, "220 mx\r\n");
	check_text(rig_flight(&r), HELLO, "EHLO");
	check_int(smtp_waiting_for(r.s), STEP_EHLO, "the answer to EHLO is awaited");
	smtp_received(r.s, OFFERS(""), strlen(OFFERS("")));
	check_int(smtp_turn(r.s), SMTP_WANT_SECRET, "the secret is wanted when it is needed");
	check_int(smtp_turn(r.s), SMTP_WANT_SECRET, "and again, until it is there");
	smtp_secret(r.s, &r.secret);
	check_text(smtp_mechanism(r.s), NULL, "nobody is logged in");
	check_text(rig_flight(&r), AUTH, "a login without a message");
	check_int(smtp_waiting_for(r.s), STEP_AUTH, "the answer to AUTH is awaited");
	rig_say(&r, AUTH_OK);
	check_text(smtp_mechanism(r.s), "PLAIN", "logged in with PLAIN");
	check_int(r.want, SMTP_WANT_MESSAGE, "idle");
	smtp_finish(r.s);
	check_text(rig_flight(&r), QUIT, "QUIT");
	check_int(r.want, SMTP_ENDED, "ended without its reply");
	smtp_received(r.s, "500 rubbish\r\nmore\r\n", 19);
	check_int(smtp_turn(r.s), SMTP_ENDED, "B6: rubbish at QUIT is success");
	rig_break(&r, ERR_LOST);
	check_int(r.want, SMTP_ENDED, "B6: a lost connection at QUIT is success");
	rig_release(&r);

	rig_start(&r, &scene, 0);
	smtp_finish(r.s);
	rig_turn(&r);
	rig_say(&r, "220 mx\r\n");
	rig_flight(&r);
	rig_say(&r, OFFERS(""));
	check_text(rig_flight(&r), QUIT, "nothing to send: no login either");
	check_int(r.want, SMTP_ENDED, "and the end");
	rig_release(&r);
}

static const char transcript[] =
	"S: 220 mx\n"
	"C: EHLO me.example\n"
	"S: 250-mx.example\nS: 250-PIPELINING\nS: 250 AUTH PLAIN LOGIN\n"
	"C: AUTH PLAIN ****\n"
	"C: MAIL FROM:<me@example.com>\nC: RCPT TO:<r1@example.com>\nC: DATA\n"
	"S: 235 2.7.0 in\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
	"   [20 octets of content, then \".\"]\n"
	"C: QUIT\n"
	"S: 250 ok\n";

static void test_transcript(void)
{
	static const struct scene scene = { IMPLICIT, .pipelining = PIPELINING_FULL, LOGIN };
	struct rig r;

	rig_start(&r, &scene, 0);
	rig_add(&r, 1, TEXT);
	rig_ready(&r);
	rig_turn(&r);
	rig_say(&r, "220 mx\r\n");
	rig_flight(&r);
	rig_say(&r, OFFERS(""));
	rig_flight(&r);
	check_int(smtp_may_stumble(r.s), true, "a pipelined login may stumble");
	rig_say(&r, AUTH_OK OK OK GO);
	check_int(smtp_may_stumble(r.s), false, "not when MAIL was answered");
	rig_flight(&r);
	check_int(smtp_waiting_for(r.s), STEP_CONTENT, "the answer to the content is awaited");
	check_int(smtp_sending_content(r.s), false, "all of it is written");
	rig_say(&r, OK);
	check_text(buf_text(&r.trace), transcript, "the whole transcript");
	check_text(r.mails[0].m.content.text, "250 ok", "the reply to the content is kept");
	check_int(smtp_replies(r.s), 7, "seven replies");
	rig_release(&r);
}

/* Content that is longer than any buffer: the engine holds little of it. */
static void test_long_content(void)
{
	enum { LINES = 40000 };
	static const struct scene scene = { .tls = SMTP_TLS_OFF };
	static const size_t pieces[] = { 0, 1, 7, 4095 };
	struct buf content = BUF_INIT(1 << 22), want = BUF_INIT(1 << 22);

	for (int i = 0; i < LINES; i++) {
		buf_printf(&content, "%s line %d\r\n", i % 3 ? "." : "", i);
		buf_printf(&want, "%s line %d\r\n", i % 3 ? ".." : "", i);
	}
	buf_add_text(&want, ".\r\nQUIT\r\n");
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct buf got = BUF_INIT(1 << 22);
		struct rig r;
		size_t len, most = 0;

		rig_start(&r, &scene, 0);
		rig_add(&r, 1, buf_text(&content))->piece = pieces[i];
		rig_ready(&r);
		rig_say(&r, "220 mx\r\n");
		rig_flight(&r);
		rig_say(&r, "250-mx\r\n250 PIPELINING\r\n");
		rig_flight(&r);
		rig_say(&r, OK OK GO);
		check_int(smtp_sending_content(r.s), true, "content is being sent");
		for (;;) {
			const char *out;

			rig_turn(&r);
			out = smtp_output(r.s, &len);
			if (!len)
				break;
			most = len > most ? len : most;
			len = len > 3000 ? 3000 : len;
			buf_add(&got, out, len);
			smtp_written(r.s, len);
		}
		check_text(buf_text(&got), buf_text(&want), "A8: content in reads of %zu",
			pieces[i]);
		check(most <= 128 * 1024, "C3: at most %zu octets of it were held", most);
		rig_say(&r, OK);
		check_int(r.mails[0].results[0].verdict, VERDICT_DELIVERED, "and it was delivered");
		rig_release(&r);
		buf_release(&got);
	}
	buf_release(&content);
	buf_release(&want);
}

static void test_odd_content(void)
{
	static const struct { const char *content, *wire; } rows[] = {
		{ "", ".\r\n" },
		{ "\r\n", "\r\n.\r\n" },
		{ ".\r\n", "..\r\n.\r\n" },
		{ ".\r\n.\r\nQUIT\r\n", "..\r\n..\r\nQUIT\r\n.\r\n" },
		{ "no end", "no end\r\n.\r\n" },
		{ "no end\r\n.", "no end\r\n..\r\n.\r\n" },
	};
	static const struct scene scene = { .tls = SMTP_TLS_OFF };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rig r;
		char *want = mem_printf("%sQUIT\r\n", rows[i].wire);

		rig_start(&r, &scene, 0);
		rig_add(&r, 1, rows[i].content);
		rig_ready(&r);
		rig_say(&r, "220 mx\r\n");
		rig_flight(&r);
		rig_say(&r, "250-mx\r\n250 PIPELINING\r\n");
		rig_flight(&r);
		rig_say(&r, OK OK GO);
		check_text(rig_flight(&r), want, "E2: odd content, row %zu", i);
		free(want);
		rig_release(&r);
	}
}

int main(void)
{
	test_dialogues();
	test_wants();
	test_transcript();
	test_long_content();
	test_odd_content();
	return tap_done();
}
