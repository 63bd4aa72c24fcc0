/* t/unit/smtp_stumble.c - a login in one group with MAIL may be tried again on
 * another connection: until then no content may be out. */
#include <stdlib.h>

#include "base/mem.h"
#include "smtp/engine.h"
#include "t/unit/tap.h"

static const char content[] = "Subject: x\r\n\r\nhi\r\n";

static ssize_t read_content(void *context, uint64_t offset, char *data, size_t len, struct err *e)
{
	size_t left = sizeof(content) - 1 - (size_t)offset;

	(void)context, (void)e;
	if (len > left)
		len = left;
	memcpy(data, content + offset, len);
	return (ssize_t)len;
}

/* What is sent after this was received; valid until the next call. */
static const char *after(struct smtp *s, const char *received)
{
	static char sent[4096];
	const char *out;
	size_t len, all = 0;

	smtp_received(s, received, strlen(received));
	for (;;) {
		smtp_turn(s);
		out = smtp_output(s, &len);
		if (!len)
			break;
		memcpy(sent + all, out, len);
		all += len;
		smtp_written(s, len);
	}
	sent[all] = '\0';
	return sent;
}

int main(void)
{
	struct smtp_settings settings = { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL,
		.chunking = true, .max_recipients = 100 };
	struct sasl_settings sasl = { .user = mem_string("me") };
	struct smtp_options options = { .settings = &settings, .sasl = &sasl, .login = true,
		.has_secret = true, .ehlo = "client.example", .host = "mx.example", .port = 465,
		.nonce = "abcdefghijklmnopqrstuvwx" };
	struct secret secret = { .data = mem_string("p"), .len = 1 };
	char to[] = "you@example.net", *recipients[] = { to };
	struct smtp_result result = { 0 };
	struct smtp_message m = { .sender = "me@example.net", .recipients = recipients, .count = 1,
		.size = sizeof(content) - 1, .all_or_nothing = true, .read = read_content,
		.results = &result };
	struct err late = { .kind = ERR_TIMEOUT, .text = "no answer" };
	struct smtp *s = smtp_new(&options);

	smtp_turn(s);
	smtp_tls_done(s, NULL, true);
	smtp_secret(s, &secret);
	smtp_submit(s, &m);
	smtp_finish(s);
	check_text(after(s, "220 hi\r\n"), "EHLO client.example\r\n", "the greeting");
	check_text(after(s, "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n"),
		"AUTH PLAIN AG1lAHA=\r\nMAIL FROM:<me@example.net>\r\n"
		"RCPT TO:<you@example.net>\r\n", "the login leads");
	check_text(after(s, "235 welcome\r\n"), "", "B1: no content while MAIL is unanswered");
	check(smtp_may_stumble(s), "for the group may still be tried again");
	check_text(after(s, "250 sender\r\n"), "BDAT 18 LAST\r\nSubject: x\r\n\r\nhi\r\nQUIT\r\n",
		"with MAIL answered, all of it");
	check(!smtp_may_stumble(s), "and never again");
	smtp_broken(s, &late);
	check_int(result.verdict, VERDICT_UNKNOWN, "the recipient may have it");
	check(!smtp_failure(s)->stumbled, "B1: so it is not sent once more");
	smtp_free(&s);
	smtp_result_release(&result);
	smtp_result_release(&m.content);
	secret_wipe(&secret);
	free(sasl.user);
	return tap_done();
}
