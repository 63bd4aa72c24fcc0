/* t/unit/mail_report.c - mail/report: what a sender is told, octet by octet. */
#include "mail/report.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "mail/header.h"
#include "t/unit/tap.h"

static char envid[] = "QQ 314+1";
static const struct dsn dsn = { .envid = envid };

static const char header[] =
	"From: me@example.org\r\n"
	"Subject: hello\r\n"
	"Message-ID: <1@example.org>\r\n";

static const struct report_recipient bob = {
	.address = "bob@example.org", .original = "root", .code = 550, .enhanced = "5.1.1",
	.text = "550 5.1.1 <bob@example.org>: Recipient address rejected: User unknown in virtual "
		"mailbox table", .when = 1795251600
};

static struct report plain(const struct report_recipient *to, size_t count)
{
	return (struct report){
		.action = REPORT_FAILED, .host = "box.example.org", .server = "mx.example.org",
		.to = "me@example.org", .date = "Sat, 21 Nov 2026 10:00:00 +0100",
		.arrival = "Sat, 21 Nov 2026 09:59:00 +0100", .message_id = "<r1@box.example.org>",
		.boundary = "0123456789abcdef", .id = "p-abcdefghijkl", .recipients = to,
		.count = count, .header = header, .header_len = sizeof(header) - 1
	};
}

/* The report, which must be a legal message whatever was put in: CRLF line ends
 * only, lines of at most 998 octets, no NUL. */
static char *write_report(const struct report *r, size_t *header_len)
{
	struct buf out = BUF_INIT(8 << 20);
	struct err e = { 0 };
	size_t line = 0;
	bool legal = true;

	check_int(report_write(r, &out, header_len, &e), 0, "written");
	for (size_t i = 0; i < out.len; i++) {
		bool lf = i + 1 < out.len && out.data[i + 1] == '\n';

		legal = legal && out.data[i] && (out.data[i] == '\r') == lf;
		line = out.data[i] == '\n' ? 0 : line + 1;
		legal = legal && line <= 998 + 1;
	}
	check(legal && out.len > 2 && !strcmp(out.data + out.len - 2, "\r\n"),
		"A8 CRLF everywhere, and no line is too long");
	check(*header_len && !strncmp(out.data + *header_len, "\r\n--", 4), "header_len is its length");
	return buf_take(&out);
}

static void check_has(const char *text, const char *part, const char *what)
{
	if (!check(strstr(text, part) != NULL, "%s", what))
		printf("#   no \"%s\" in:\n%s\n", part, text);
}

static void test_failed(void)
{
	struct report r = plain(&bob, 1);
	size_t header_len;
	char *text;

	r.dsn = &dsn;
	r.next = "check the address, and send the message again";
	r.body = "Hello Bob\r\n";
	r.body_len = 11;
	text = write_report(&r, &header_len);
	check_text(text,
		"From: Mail Delivery System <MAILER-DAEMON@box.example.org>\r\n"
		"To: me@example.org\r\n"
		"Subject: Your message to bob@example.org was not delivered\r\n"
		"Date: Sat, 21 Nov 2026 10:00:00 +0100\r\n"
		"Message-ID: <r1@box.example.org>\r\n"
		"In-Reply-To: <1@example.org>\r\n"
		"References: <1@example.org>\r\n"
		"Auto-Submitted: auto-replied\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		" boundary=\"0123456789abcdef\"\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"--0123456789abcdef\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"This is sendoff, which sends the mail of box.example.org.\r\n"
		"\r\n"
		"Your message could not be delivered to this recipient, and will not be tried\r\n"
		"again.\r\n"
		"\r\n"
		"  bob@example.org (for root)\r\n"
		"    mx.example.org answered: 550 5.1.1 <bob@example.org>: Recipient address\r\n"
		"    rejected: User unknown in virtual mailbox table\r\n"
		"\r\n"
		"What to do: check the address, and send the message again\r\n"
		"\r\n"
		"The message was handed in on Sat, 21 Nov 2026 09:59:00 +0100. Its id in the\r\n"
		"queue is p-abcdefghijkl.\r\n"
		"\r\n"
		"--0123456789abcdef\r\n"
		"Content-Type: message/delivery-status\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"Original-Envelope-Id: QQ 314+1\r\n"
		"Reporting-MTA: dns; box.example.org\r\n"
		"Arrival-Date: Sat, 21 Nov 2026 09:59:00 +0100\r\n"
		"\r\n"
		"Original-Recipient: rfc822; root\r\n"
		"Final-Recipient: rfc822; bob@example.org\r\n"
		"Action: failed\r\n"
		"Status: 5.1.1\r\n"
		"Remote-MTA: dns; mx.example.org\r\n"
		"Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: Recipient address\r\n"
		" rejected: User unknown in virtual mailbox table\r\n"
		"Last-Attempt-Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
		"\r\n"
		"--0123456789abcdef\r\n"
		"Content-Type: message/rfc822\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"From: me@example.org\r\n"
		"Subject: hello\r\n"
		"Message-ID: <1@example.org>\r\n"
		"\r\n"
		"Hello Bob\r\n"
		"\r\n"
		"--0123456789abcdef--\r\n", "G2 one recipient, with the server's words");
	free(text);
}

static void test_several(void)
{
	const struct report_recipient to[] = {
		bob,
		{ .address = "j\303\266rg@example.org", .enhanced = "4.4.7",
			.text = "nobody answered for 5 days" },
		{ .address = "carol@example.org", .code = 552, .text = "mailbox full", .when = 1,
			.unsure = true },
		{ .address = "dave@example.org" },
	};
	struct report r = plain(to, 4);
	size_t header_len;
	char *text;

	text = write_report(&r, &header_len);
	check_has(text, "Subject: Your message to 4 recipients was not delivered\r\n", "the subject");
	check_has(text,
		"Content-Transfer-Encoding: 8bit\r\n"
		"\r\n"
		"This is sendoff, which sends the mail of box.example.org.\r\n"
		"\r\n"
		"Your message could not be delivered to these recipients, and will not be\r\n"
		"tried again.\r\n"
		"\r\n"
		"  bob@example.org (for root)\r\n"
		"    mx.example.org answered: 550 5.1.1 <bob@example.org>: Recipient address\r\n"
		"    rejected: User unknown in virtual mailbox table\r\n"
		"  j\303\266rg@example.org\r\n"
		"    nobody answered for 5 days\r\n"
		"  carol@example.org\r\n"
		"    mx.example.org answered: 552 mailbox full\r\n"
		"    A copy may have arrived all the same: the answer to an earlier try was\r\n"
		"    lost.\r\n"
		"  dave@example.org\r\n"
		"\r\n"
		"The message was handed in on", "words for each");
	check_has(text,
		"\r\n"
		"Reporting-MTA: dns; box.example.org\r\n"
		"Arrival-Date: Sat, 21 Nov 2026 09:59:00 +0100\r\n"
		"\r\n"
		"Original-Recipient:", "no envelope id where none was given");
	check_has(text,
		"\r\n"
		"Final-Recipient: utf-8; j\\x{F6}rg@example.org\r\n"
		"Action: failed\r\n"
		"Status: 4.4.7\r\n"
		"Diagnostic-Code: x-sendoff; nobody answered for 5 days\r\n"
		"\r\n"
		"Final-Recipient: rfc822; carol@example.org\r\n"
		"Action: failed\r\n"
		"Status: 5.0.0\r\n"
		"Remote-MTA: dns; mx.example.org\r\n"
		"Diagnostic-Code: smtp; 552 mailbox full\r\n"
		"Last-Attempt-Date: Thu, 1 Jan 1970 00:00:01 +0000\r\n"
		"\r\n"
		"Final-Recipient: rfc822; dave@example.org\r\n"
		"Action: failed\r\n"
		"Status: 5.0.0\r\n"
		"\r\n"
		"--0123456789abcdef\r\n", "fields for each");
	check_has(text,
		"Content-Type: text/rfc822-headers\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"From: me@example.org\r\n"
		"Subject: hello\r\n"
		"Message-ID: <1@example.org>\r\n"
		"\r\n"
		"--0123456789abcdef--\r\n", "without a body the header alone");
	free(text);
	r.to = "me@example.org, you@example.org";
	r.id = NULL;
	text = write_report(&r, &header_len);
	check_has(text, "\r\nTo: me@example.org, you@example.org\r\n", "to all of them");
	check_has(text, "handed in on Sat, 21 Nov 2026 09:59:00 +0100.\r\n\r\n--", "without an id");
	free(text);
}

static void test_delayed(void)
{
	struct report_recipient to = { .address = "bob@example.org", .when = 1795251600,
		.text = "the server cannot be reached" };
	struct report r = plain(&to, 1);
	size_t header_len;
	char *text;

	r.action = REPORT_DELAYED;
	r.until = "Thu, 26 Nov 2026 09:59:00 +0100";
	text = write_report(&r, &header_len);
	check_has(text, "Subject: Your message to bob@example.org is delayed\r\n", "the subject");
	check_has(text,
		"Your message could not be delivered to this recipient yet. It is kept and\r\n"
		"tried again until Thu, 26 Nov 2026 09:59:00 +0100. There is no need to send\r\n"
		"it again.\r\n"
		"\r\n"
		"  bob@example.org\r\n"
		"    the server cannot be reached\r\n", "G3 the words");
	check_has(text,
		"Final-Recipient: rfc822; bob@example.org\r\n"
		"Action: delayed\r\n"
		"Status: 4.0.0\r\n"
		"Diagnostic-Code: x-sendoff; the server cannot be reached\r\n"
		"Last-Attempt-Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
		"Will-Retry-Until: Thu, 26 Nov 2026 09:59:00 +0100\r\n", "G3 the fields");
	free(text);
	to.code = 451;
	r.server = "/run/some.sock";
	text = write_report(&r, &header_len);
	check_has(text, "Action: delayed\r\nStatus: 4.0.0\r\nDiagnostic-Code: smtp; 451 the server",
		"a socket is no Remote-MTA");
	free(text);
}

static void test_eight_bit(void)
{
	static const char eight[] = "Subject: h\303\244llo\r\nFrom: a@b\r\n";
	struct report r = plain(&bob, 1);
	size_t header_len;
	char *text;

	r.header = eight;
	r.header_len = sizeof(eight) - 1;
	text = write_report(&r, &header_len);
	check_has(text, "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n"
		"\r\nSubject: h\303\244llo\r\n", "8-bit as it was, and declared");
	check_has(text, "\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--", "for the whole as well");
	check_has(text, "Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 7bit\r\n", "the words are not");
	check(!strstr(text, "In-Reply-To") && !strstr(text, "References"), "no id, no reference");
	free(text);
	r.header = header;
	r.header_len = sizeof(header) - 1;
	r.body = "\377\r\n";
	r.body_len = 3;
	text = write_report(&r, &header_len);
	check_has(text, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n",
		"a body of 8 bits");
	check_has(text, "<1@example.org>\r\n\r\n\377\r\n\r\n--", "as it was");
	free(text);
}

/* The boundary stands nowhere in what it bounds. */
static void test_boundary(void)
{
	static const char body[] = "--0123456789abcdef--\r\nand 0123456789abcdef.1\r\n";
	struct report r = plain(&bob, 1);
	size_t header_len;
	char *text;

	r.body = body;
	r.body_len = sizeof(body) - 1;
	text = write_report(&r, &header_len);
	check_has(text, " boundary=\"0123456789abcdef.2\"\r\n", "A8 another boundary is taken");
	check_has(text, "and 0123456789abcdef.1\r\n\r\n--0123456789abcdef.2--\r\n", "and used");
	free(text);
	r.body = NULL;
	r.next = "write to 0123456789abcdef";
	text = write_report(&r, &header_len);
	check_has(text, " boundary=\"0123456789abcdef.1\"\r\n", "our own words count too");
	free(text);
}

static void test_long_lines(void)
{
	struct buf long_header = BUF_INIT(0), body = BUF_INIT(0);
	char *word = mem_alloc(5001), *text;
	struct report_recipient to = { .address = "a@b", .code = 550, .text = word };
	struct report r = plain(&to, 1);
	size_t header_len;

	memset(word, 'w', 5000);
	for (size_t i = 990; i < 1005; i++)
		buf_printf(&long_header, "X: %.*s\r\n", (int)i, word);
	buf_printf(&long_header, "Y: %s\r\n", word);
	buf_printf(&body, "%.998s\r\nend\r\n", word);
	r.header = buf_text(&long_header);
	r.header_len = long_header.len;
	r.body = buf_text(&body);
	r.body_len = body.len;
	text = write_report(&r, &header_len);
	check_has(text, "message/rfc822", "998 octets are a line");
	check(strstr(text, "w\r\nX: ww") && strstr(text, "w\r\n ww"), "longer ones are folded");
	free(text);
	buf_printf(&body, "%.999s\r\n", word);
	r.body = buf_text(&body);
	r.body_len = body.len;
	r.next = word;
	text = write_report(&r, &header_len);
	check_has(text, "text/rfc822-headers", "999 are none: the header alone is quoted");
	free(text);
	for (size_t i = 0; i + 4 <= 5000; i += 4)
		memcpy(word + i, "\360\237\230\200", 4);
	text = write_report(&r, &header_len);
	check_has(text, "x{1F600}...\r\n", "a field for programs is ASCII and bounded");
	check(text_is_utf8(text, strlen(text)), "no character is broken");
	free(text);
	buf_release(&long_header);
	buf_release(&body);
	free(word);
}

/* E4, E7: whatever a server says, it stays inside of its field. */
static void test_hostile(void)
{
	static const char *const ids[] = {
		"<a b@c>", "a@b", "<>", "<a@b", "<a\001@b>", "<\303\244@b>", "", "<a@b> (c)"
	};
	struct report_recipient to = { .address = "a@b", .code = 550,
		.text = "550 no\r\nStatus: 2.0.0\r\n\r\n--0123456789abcdef\033[2J\001" };
	struct report r = plain(&to, 1);
	size_t header_len;
	char *text, *block;

	r.next = "do\r\nthis";
	text = write_report(&r, &header_len);
	check_has(text, "answered: 550 no\\x0d\\x0aStatus:\r\n    2.0.0\\x0d\\x0a\\x0d"
		"\\x0a--0123456789abcdef\\x1b[2J\\x01\r\n", "E4 no line of its own");
	check_has(text, "Diagnostic-Code: smtp; 550 no\\x0d\\x0aStatus:\r\n 2.0.0", "nor a field");
	check_has(text, "What to do: do\\x0d\\x0athis\r\n", "nor in a next step");
	free(text);
	for (size_t i = 0; i < COUNT(ids); i++) {
		block = mem_printf("Message-ID: %s\r\n", ids[i]);
		r.header = block;
		r.header_len = strlen(block);
		text = write_report(&r, &header_len);
		check(!strstr(text, "In-Reply-To"), "E7 '%s' is no id", ids[i]);
		free(text);
		free(block);
	}
}

static void test_cut_header(void)
{
	static const char block[] =
		"Subject: one\r\n\ttwo\r\nMessage-ID:\r\n <1@x>\r\nX: \303\244\r\n";

	for (size_t cut = 0; cut < sizeof(block); cut++) {
		struct report r = plain(&bob, 1);
		struct buf out = BUF_INIT(0);
		char *copy = mem_copy(block, cut);
		size_t header_len, at = 0, sum = 0;
		struct field f;
		struct err e;

		r.header = copy;
		r.header_len = cut;
		check_int(report_write(&r, &out, &header_len, &e), 0, "cut at %zu", cut);
		while (header_next(buf_text(&out), header_len, &at, &f))
			sum += f.len;
		check(sum == header_len && memmem(out.data, out.len, copy, cut),
			"its header is whole, and what was there is quoted");
		buf_release(&out);
		free(copy);
	}
}

static void test_too_small(void)
{
	struct report r = plain(&bob, 1);
	struct buf out = BUF_INIT(300);
	struct err e = { 0 };
	size_t header_len;

	check_int(report_write(&r, &out, &header_len, &e), -1, "no room");
	check_int(e.kind, ERR_MESSAGE, "and told so");
	buf_release(&out);
}

static void test_status(void)
{
	static const struct { int code; const char *enhanced; bool expired; const char *want; } all[] = {
		{ 550, "5.1.1", false, "5.1.1" }, { 450, "4.2.0", true, "4.2.0" },
		{ 550, "", false, "5.0.0" }, { 550, NULL, true, "5.0.0" },
		{ 550, "4.1.1", false, "5.0.0" }, { 451, "2.0.0", false, "4.0.0" },
		{ 421, "", true, "4.3.2" }, { 452, NULL, false, "4.3.1" }, { 551, "", false, "5.1.6" },
		{ 553, "", false, "5.1.3" }, { 555, "", false, "5.5.4" }, { 0, "", true, "4.4.7" },
		{ 0, NULL, false, "5.0.0" }, { 0, "5.3.4", false, "5.3.4" },
	};

	for (size_t i = 0; i < COUNT(all); i++)
		check_text(report_status(all[i].code, all[i].enhanced, all[i].expired), all[i].want,
			"status of %d %s", all[i].code, all[i].enhanced ? all[i].enhanced : "-");
}

int main(void)
{
	test_failed();
	test_several();
	test_delayed();
	test_eight_bit();
	test_boundary();
	test_long_lines();
	test_hostile();
	test_cut_header();
	test_too_small();
	test_status();
	return tap_done();
}
