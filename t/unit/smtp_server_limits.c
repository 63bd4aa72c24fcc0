/* t/unit/smtp_server_limits.c - F3, F5: the answering side and clients that never
 * come to an end. */
#include "t/unit/server_rig.h"

#define TOO_MANY "452 4.5.3 too many recipients, send to the rest in another message\r\n"
#define TOO_LONG "500 5.5.2 a command line that is too long, at most 4096 octets are taken\r\n"
#define ERRORS "421 4.7.0 too many commands in a row were refused, goodbye\r\n"
#define IDLE "421 4.7.0 too many commands that lead to no message, goodbye\r\n"
#define NOOP_OK "250 2.0.0 nothing done\r\n"

static size_t count(const struct buf *text, const char *what)
{
	size_t n = 0;

	for (const char *at = buf_text(text); (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static bool ends_with(const struct buf *text, const char *what)
{
	size_t len = strlen(what);

	return text->len >= len && !strcmp(text->data + text->len - len, what);
}

/* Says it so often, all at once. */
static void say_often(struct served *d, const char *what, size_t often)
{
	struct buf all = BUF_INIT(1 << 26);

	for (size_t i = 0; i < often; i++)
		buf_add_text(&all, what);
	served_hear(d, buf_text(&all), all.len);
	buf_release(&all);
}

static void start(struct served *d, const struct talk *t)
{
	served_start(d, t, false);
	served_write(d);
}

/* "NOOP" and so many octets in all, its line end included. */
static void test_line(void)
{
	static const struct talk t = { .server = "" };

	for (int crlf = 0; crlf < 2; crlf++)
		for (size_t len = SERVER_LINE_MAX - 2; len <= SERVER_LINE_MAX + 3; len++) {
			char line[SERVER_LINE_MAX + 16];

			memset(line, 'x', sizeof(line));
			memcpy(line, "NOOP ", 5);
			memcpy(line + len - 1 - crlf, crlf ? "\r\n" : "\n", 1 + (size_t)crlf);
			memcpy(line + len, "NOOP\r\n", 6);
			for (size_t piece = 1; piece <= len + 6; piece += 1050) {
				struct served d;

				start(&d, &t);
				for (size_t at = 0; at < len + 6; at += piece)
					served_hear(&d, line + at, piece < len + 6 - at ? piece :
						len + 6 - at);
				check_text(buf_text(&d.out), len > SERVER_LINE_MAX ?
					GREETING TOO_LONG NOOP_OK : GREETING NOOP_OK NOOP_OK,
					"F3 a line of %zu octets in pieces of %zu", len, piece);
				served_release(&d);
			}
		}
}

static void test_endless_line(void)
{
	struct talk t = { .server = "" };
	static char piece[1 << 16];
	struct served d;

	memset(piece, 'x', sizeof(piece));
	start(&d, &t);
	for (int i = 0; i < 1000; i++)
		served_hear(&d, piece, sizeof(piece));
	check_text(buf_text(&d.out), GREETING, "F3 64 MB of a line: nothing is said");
	served_say(&d, "\r\nNOOP\r\n");
	check_text(buf_text(&d.out), GREETING TOO_LONG NOOP_OK, "... and its end ends it");
	served_release(&d);

	t.o.strict = true;
	start(&d, &t);
	served_hear(&d, piece, SERVER_LINE_MAX + 1);
	served_say(&d, "\r\n");
	check_text(buf_text(&d.out), GREETING NOT_SMTP, "F3 ... with strict, that is no SMTP");
	served_release(&d);
}

static void test_errors(void)
{
	struct talk t = { .server = "", .rcpt = "550 5.1.1 no" };
	struct served d;

	start(&d, &t);
	say_often(&d, "what\r\n", SERVER_ERRORS_MAX);
	check(!server_ended(d.s), "F3 20 errors in a row");
	served_say(&d, "NOOP\r\n");
	say_often(&d, "what\r\n", SERVER_ERRORS_MAX);
	check(!server_ended(d.s), "F3 20 more");
	say_often(&d, "what\r\n", 2);
	check(server_ended(d.s) && ends_with(&d.out, UNKNOWN ERRORS), "F3 the 21st is the end");
	check_int(count(&d.out, "\r\n"), 1 + 20 + 1 + 20 + 1, "one answer for each command");
	served_release(&d);

	start(&d, &t);
	served_say(&d, MAIL);
	say_often(&d, "RCPT TO:<no@example.com>\r\n", 100);
	say_often(&d, "RCPT TO:<bare>\r\n", 100);
	served_say(&d, RCPT "DATA\r\n.\r\n");
	check(ends_with(&d.out, RCPT_OK DATA_OK STORED),
		"recipients that are refused do not end it for the others");
	served_release(&d);

	t.mail = "452 4.3.1 full";
	start(&d, &t);
	served_say(&d, MAIL);
	say_often(&d, RCPT, 200);
	served_say(&d, "DATA\r\nQUIT\r\n");
	check(ends_with(&d.out, AFTER_REFUSAL AFTER_REFUSAL BYE),
		"nor does what was pipelined behind a MAIL that was refused");
	served_release(&d);

	start(&d, &t);
	say_often(&d, RCPT, SERVER_ERRORS_MAX + 1);
	check(ends_with(&d.out, NO_MAIL ERRORS), "F3 but RCPT out of nowhere does");
	served_release(&d);
}

static void test_idle(void)
{
	static const char *const idlers[] = { "NOOP\r\n", "RSET\r\n", "VRFY x\r\n", "HELP\r\n",
		"HELO\r\n", "BDAT 0\r\n", "BDAT 1\r\nx", MAIL "RSET\r\n", "NOOP\r\nwhat\r\n",
		MAIL RCPT "BDAT 0\r\nRSET\r\n" };
	static const size_t each[] = { 1, 1, 1, 1, 1, 1, 1, 2, 2, 3 };
	static const struct talk t = { .server = "" };
	struct served d;

	for (size_t i = 0; i < COUNT(idlers); i++) {
		start(&d, &t);
		say_often(&d, idlers[i], SERVER_IDLE_COMMANDS_MAX / each[i]);
		check(!server_ended(d.s), "F3 idle commands: row %zu", i);
		say_often(&d, idlers[i], 1);
		check(server_ended(d.s) && ends_with(&d.out, IDLE), "F3 one more ends it: row %zu",
			i);
		served_release(&d);
	}
	start(&d, &t);
	say_often(&d, MAIL RCPT "NOOP\r\nDATA\r\n.\r\nRSET\r\n", 1000);
	check_int(count(&d.out, STORED), 1000, "a thousand messages are not idle");
	served_say(&d, MAIL RCPT "BDAT 3000\r\n");
	say_often(&d, "x", 3000);
	say_often(&d, "BDAT 1\r\nx", 3000);
	served_say(&d, "BDAT 0 LAST\r\n");
	check_int(count(&d.out, STORED), 1001, "nor is a message in many pieces");
	served_release(&d);
}

static void test_recipients(void)
{
	struct talk t = { .o = { .max_recipients = 3 }, .server = "", .rcpt = "550 5.1.1 no" };
	struct served d;

	start(&d, &t);
	served_say(&d, MAIL RCPT "RCPT TO:<no@example.com>\r\n" RCPT RCPT RCPT
		"DATA\r\n.\r\n" MAIL RCPT RCPT RCPT RCPT "RSET\r\n");
	check_text(buf_text(&d.out), GREETING MAIL_OK RCPT_OK "550 5.1.1 no\r\n" RCPT_OK TOO_MANY
		TOO_MANY DATA_OK STORED MAIL_OK RCPT_OK RCPT_OK RCPT_OK TOO_MANY
		"250 2.0.0 forgotten\r\n", "F5 recipients of one message");
	check_int(count(&d.events, "rcpt "), 6, "F5 ... nobody is asked about more");
	served_release(&d);

	start(&d, &t);
	served_say(&d, MAIL);
	say_often(&d, RCPT, 2000);
	check(server_ended(d.s) && ends_with(&d.out, TOO_MANY IDLE),
		"F3 and there is an end to it");
	check_int(count(&d.out, TOO_MANY), SERVER_IDLE_COMMANDS_MAX - 1, "... not a near one");
	check(ends_with(&d.events, "reset\n"), "... and the message is void");
	served_release(&d);

	t.o.max_recipients = 0;
	start(&d, &t);
	served_say(&d, MAIL);
	say_often(&d, RCPT, 5000);
	served_say(&d, "DATA\r\n.\r\n");
	check(ends_with(&d.out, DATA_OK STORED), "no limit: five thousand recipients");
	served_release(&d);
}

/* A client that does not read is not listened to, and nothing is lost. */
static void test_output(void)
{
	static const struct talk t = { .server = "" };
	struct served d;
	struct buf all = BUF_INIT(1 << 26), want = BUF_INIT(1 << 26);
	size_t at, more, len;

	buf_add_text(&want, GREETING);
	for (int i = 0; i < 1000; i++) {
		buf_add_text(&all, MAIL RCPT "DATA\r\nx\r\n.\r\n");
		buf_add_text(&want, MAIL_OK RCPT_OK DATA_OK STORED);
	}
	served_start(&d, &t, false);
	at = server_received(d.s, all.data, all.len);
	server_output(d.s, &len);
	check(at < all.len && len >= SERVER_OUTPUT_MAX && len < SERVER_OUTPUT_MAX + 200,
		"F3 64 KB of answers that nobody reads");
	more = server_received(d.s, all.data + at, all.len - at);
	check_int(more, 0, "F3 ... and nothing more is read");
	check(!server_awaits_answer(d.s) && !server_ended(d.s), "... which is no end");
	for (size_t guard = 0; guard < 1 << 22; guard++) {
		const char *out = server_output(d.s, &len);

		if (!len && at == all.len)
			break;
		if (len > 7)
			len = 7;
		buf_add(&d.out, out, len);
		server_written(d.s, len);
		at += server_received(d.s, all.data + at, all.len - at);
	}
	check(at == all.len && !strcmp(buf_text(&d.out), buf_text(&want)),
		"all is said in the end");
	served_release(&d);
	buf_release(&all);
	buf_release(&want);
}

/* The longest values that may be handed over fit in a line; longer ones are
 * refused. */
static void test_values(void)
{
	static const struct talk t = { .o = { .handover = true }, .server = "" };

	for (size_t over = 0; over < 2; over++) {
		struct buf line = BUF_INIT(0);
		struct served d;

		buf_add_text(&line, "MAIL FROM:<me@example.com> XNAME=");
		for (size_t i = 0; i < SERVER_VALUE_MAX + over; i++)
			buf_add_text(&line, "+20");
		buf_add_text(&line, " XTAG=");
		for (size_t i = 0; i < SERVER_VALUE_MAX; i++)
			buf_add_text(&line, "+2B");
		buf_add_text(&line, "\r\n");
		start(&d, &t);
		served_hear(&d, line.data, line.len);
		check_text(buf_text(&d.out), over ?
			GREETING "501 5.5.4 XNAME is up to 512 octets of text, in xtext, without "
			"controls\r\n" : GREETING MAIL_OK,
			"values of %zu octets", SERVER_VALUE_MAX + over);
		served_release(&d);
		buf_release(&line);
	}
}

int main(void)
{
	test_line();
	test_endless_line();
	test_errors();
	test_idle();
	test_recipients();
	test_output();
	test_values();
	return tap_done();
}
