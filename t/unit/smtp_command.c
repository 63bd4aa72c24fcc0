/* t/unit/smtp_command.c - MAIL and RCPT lines, and what no address can do. */
#include "t/unit/smtp_rig.h"

#include "smtp/command.h"

#define ALL { .esmtp = true, .pipelining = true, .eight_bit_mime = true, .smtputf8 = true, \
	.dsn = true, .size_known = true }

static const struct smtp_capabilities everything = ALL, nothing = { .esmtp = true };

static char envid[] = "Q=1+2 \x01\xc3";
static const struct dsn dsn_none = { .ret = DSN_RET_UNSET };
static const struct dsn dsn_full = { DSN_RET_FULL, DSN_SUCCESS | DSN_FAILURE | DSN_DELAY, envid };
static const struct dsn dsn_never = { DSN_RET_HDRS, DSN_NEVER, NULL };

static const struct {
	const char *sender, *recipient;
	const struct dsn *dsn;
	bool eight_bit, offered;
	const char *mail, *rcpt;
} lines[] = {
	{ "a@x.example", "b@y.example", NULL, false, false,
		"MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>" },
	{ "", "b@y.example", NULL, false, false, "MAIL FROM:<>", "RCPT TO:<b@y.example>" },
	{ "a@x.example", "b@y.example", NULL, false, true,
		"MAIL FROM:<a@x.example> SIZE=1234", "RCPT TO:<b@y.example>" },
	{ "a@x.example", "b@y.example", &dsn_none, true, true,
		"MAIL FROM:<a@x.example> SIZE=1234 BODY=8BITMIME", "RCPT TO:<b@y.example>" },
	{ "a@x.example", "b@y.example", NULL, true, false,
		"MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>" },
	{ "a@x.example", "b+c=d@y.example", &dsn_full, false, true,
		"MAIL FROM:<a@x.example> SIZE=1234 RET=FULL ENVID=Q+3D1+2B2+20+01+C3",
		"RCPT TO:<b+c=d@y.example> NOTIFY=SUCCESS,FAILURE,DELAY "
		"ORCPT=rfc822;b+2Bc+3Dd@y.example" },
	{ "a@x.example", "b@y.example", &dsn_never, false, true,
		"MAIL FROM:<a@x.example> SIZE=1234 RET=HDRS",
		"RCPT TO:<b@y.example> NOTIFY=NEVER ORCPT=rfc822;b@y.example" },
	{ "a@x.example", "b@y.example", &dsn_full, false, false,
		"MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>" },
	{ "gr\xc3\xbc\xc3\x9f@x.example", "b@y.example", NULL, false, true,
		"MAIL FROM:<gr\xc3\xbc\xc3\x9f@x.example> SIZE=1234 SMTPUTF8",
			"RCPT TO:<b@y.example>" },
	{ "a@x.example", "\xc3\xbc@y.example", &dsn_never, false, true,
		"MAIL FROM:<a@x.example> SIZE=1234 SMTPUTF8 RET=HDRS",
		"RCPT TO:<\xc3\xbc@y.example> NOTIFY=NEVER" },
	{ "\"a b\"@x.example", "\"x\\\"y\"@y.example", NULL, false, false,
		"MAIL FROM:<\"a b\"@x.example>", "RCPT TO:<\"x\\\"y\"@y.example>" },
};

/* What one sendoff tells another: only where XSENDOFF is offered. */
static const struct {
	struct smtp_handover say;
	const char *sender, *more;
} handed[] = {
	{ { .account = NULL }, "root", "" },
	{ { .account = "", .name = "", .tag = "", .token = "" }, "root", "" },
	{ { .account = "work" }, "root", " XACCOUNT=work" },
	{ { .no_sender = true }, "", " XNOSENDER" },
	{ { .name = "J\xc3\xb6rg + Co=\r\nDATA" }, "root",
		" XNAME=J+C3+B6rg+20+2B+20Co+3D+0D+0ADATA" },
	{ { .hold = 1767225600 }, "root", " XHOLD=1767225600" },
	{ { .hold = INT64_MAX }, "root", " XHOLD=9223372036854775807" },
	{ { .hold = -1 }, "root", "" },
	{ { .errors = 'q' }, "root", " XERR=q" },
	{ { .errors = '\n' }, "root", "" },
	{ { .account = "a b", .name = "N", .no_sender = true, .hold = 1, .errors = 'm', .tag = "t>g",
		.token = "0123456789abcdef0123456789abcdef" }, "",
		" XACCOUNT=a+20b XNAME=N XNOSENDER XHOLD=1 XERR=m XTAG=t>g "
		"XTOKEN=0123456789abcdef0123456789abcdef" },
};

static void test_handover(void)
{
	struct smtp_capabilities sendoff = ALL;

	sendoff.xsendoff = true;
	for (size_t i = 0; i < COUNT(handed); i++) {
		struct smtp_message m = { .sender = handed[i].sender, .size = 7,
			.handover = &handed[i].say };
		char *want = mem_printf("MAIL FROM:<%s> SIZE=7%s", m.sender, handed[i].more);
		struct buf out = BUF_INIT(COMMAND_LINE_MAX);
		struct err e = { 0 };

		check_int(command_mail(&m, &sendoff, &out, &e), 0, "handover %zu", i);
		check_text(buf_text(&out), want, "E1 handover %zu: the line", i);
		buf_clear(&out);
		check_int(command_mail(&m, &everything, &out, &e), 0, "handover %zu, elsewhere", i);
		check(!strstr(buf_text(&out), " X"), "E5 handover %zu: no word of it elsewhere", i);
		buf_release(&out);
		free(want);
	}
}

/* The longest line that the other side takes, and one octet more. */
static void test_handover_too_long(void)
{
	static const char head[] = "MAIL FROM:<> XNAME=";
	static const struct smtp_capabilities c = { .xsendoff = true };

	for (size_t over = 0; over < 2; over++) {
		size_t len = COMMAND_LINE_MAX - strlen(head) + over;
		char *name = mem_alloc(len + 1);
		struct smtp_handover say = { .name = name };
		struct smtp_message m = { .sender = "", .handover = &say };
		struct buf out = BUF_INIT(COMMAND_LINE_MAX);
		struct err e = { 0 };

		memset(name, 'n', len);
		check_int(command_mail(&m, &c, &out, &e), over ? -1 : 0, "E1 a name of %zu", len);
		check_int(e.kind, over ? ERR_MESSAGE : ERR_NONE, "E1 %s", e.text);
		check_int(out.len, SERVER_LINE_MAX - 2, "E1 its line is full");
		buf_release(&out);
		free(name);
	}
}

/* A name without a domain is for another sendoff only. */
static void test_bare(void)
{
	static const struct { const char *address; bool bare; } rows[] = {
		{ "root", true }, { "root@x", false }, { "", false }, { "\"r@t\"", true },
		{ "\"r@t\"@x", false }, { "\"r\\\"@t\"", true }, { "\"r\\\"@t\"@x", false },
		{ "\"open@x", true }, { "\"\\", true },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (int sends = 0; sends < 2; sends++) {
			char *to[] = { mem_string("a@x"), mem_string(rows[i].address) };
			struct smtp_message m = { .recipients = to, .count = sends ? 1 : 2,
				.sender = sends ? rows[i].address : "" };
			struct smtp_capabilities c = ALL;
			struct err e = { 0 };

			check_int(command_check(&m, &c, &e), rows[i].bare ? -1 : 0,
				"%s as %s", rows[i].address, sends ? "sender" : "recipient");
			if (rows[i].bare) {
				check_int(e.kind, ERR_CAPABILITY, "the server is at fault");
				check(!!strstr(e.text, "needs a domain"), "%s", e.text);
				check(!!strstr(e.hint, "set domain"), "%s", e.hint);
			}
			c.xsendoff = true;
			check_int(command_check(&m, &c, &e), 0, "%s behind XSENDOFF", to[1]);
			free(to[0]);
			free(to[1]);
		}
}

static void test_lines(void)
{
	for (size_t i = 0; i < COUNT(lines); i++) {
		char *to = mem_string(lines[i].recipient);
		struct smtp_message m = { .sender = lines[i].sender, .recipients = &to, .count = 1,
			.dsn = lines[i].dsn, .size = 1234, .eight_bit = lines[i].eight_bit };
		const struct smtp_capabilities *c = lines[i].offered ? &everything : &nothing;
		struct buf out = BUF_INIT(2048);
		struct err e = { 0 };

		check_int(command_mail(&m, c, &out, &e), 0, "E5 MAIL, row %zu", i);
		check_text(buf_text(&out), lines[i].mail, "E5 MAIL, row %zu: the line", i);
		buf_clear(&out);
		check_int(command_rcpt(&m, 0, c, &out, &e), 0, "E5 RCPT, row %zu", i);
		check_text(buf_text(&out), lines[i].rcpt, "E5 RCPT, row %zu: the line", i);
		buf_release(&out);
		free(to);
	}
}

static const char *const forged[] = {
	"a@x\r\nRCPT TO:<evil@x>", "a@x\nDATA", "a@x\rDATA", "a@x>", "a@x> BODY=8BITMIME", "<a@x",
	"a\x01@x", "a\x7f@x", "a\t@x", "\r\n", ">", "a@x\x1b[2J",
};

static void test_forged(void)
{
	for (size_t i = 0; i < COUNT(forged); i++) {
		char *to = mem_string(forged[i]);
		struct smtp_message m = { .sender = forged[i], .recipients = &to, .count = 1 };
		struct buf out = BUF_INIT(2048);
		struct err e = { 0 };

		check_int(command_mail(&m, &nothing, &out, &e), -1, "E1 forged sender %zu", i);
		check_int(e.kind, ERR_MESSAGE, "E1 is the message's fault");
		check(!strpbrk(e.text, "\r\n\033\t"), "E4 and is cleaned: %s", e.text);
		check_int(command_rcpt(&m, 0, &nothing, &out, &e), -1, "E1 forged recipient %zu",
			i);
		buf_release(&out);
		free(to);
	}
}

/* An address that has no room: half a line would be another command. */
static void test_too_long(void)
{
	struct smtp_message m = { .count = 1 };
	struct buf out = BUF_INIT(2048);
	struct err e = { 0 };
	char *to = mem_alloc(4001);

	memset(to, 'a', 4000);
	m.sender = to;
	m.recipients = &to;
	check_int(command_mail(&m, &everything, &out, &e), -1, "E1 a sender of 4,000 octets");
	check_int(e.kind, ERR_MESSAGE, "E1 is the message's fault");
	buf_clear(&out);
	check_int(command_rcpt(&m, 0, &everything, &out, &e), -1, "E1 a recipient of 4,000 octets");
	buf_release(&out);
	free(to);
}

/* Past the gate nothing of it is written, the others are served, and the
 * answers still fit the questions. */
static void test_forged_in_session(void)
{
	static const int ways[] = { PIPELINING_STANDARD, PIPELINING_OFF };

	for (size_t way = 0; way < COUNT(ways); way++)
		for (size_t bad = 0; bad < 8; bad++) {
			struct scene scene = { .tls = SMTP_TLS_OFF, .pipelining = ways[way] };
			struct buf all = BUF_INIT(1 << 16);
			struct mail *mail;
			struct rig r;
			char *text;

			rig_start(&r, &scene, 0);
			mail = rig_add(&r, 3, "x\r\n");
			for (size_t k = 0; k < 3; k++)
				if (bad >> k & 1) {
					free(mail->to[k]);
					mail->to[k] = mem_string("a@x\r\nRCPT TO:<evil@x>");
				}
			rig_ready(&r);
			rig_say(&r, "220 mx\r\n");
			rig_flight(&r);
			rig_say(&r, "250-mx\r\n250 PIPELINING\r\n");
			for (int i = 0; i < 20 && r.want == SMTP_WANT_REPLY; i++) {
				const char *at = rig_flight(&r);

				buf_add_text(&all, at);
				for (; *at; at = strchr(at, '\n') + 1)
					if (!strncmp(at, "DATA", 4))
						rig_say(&r, bad == 7 ? "503 no\r\n" : "354 go\r\n");
					else if (*at != 'x' && strncmp(at, "QUIT", 4))
						rig_say(&r, "250 ok\r\n");
			}
			check(!strstr(buf_text(&all), "evil"),
				"E1 forged recipients %zu, way %zu: not written",
				bad, way);
			text = rig_verdicts(&r);
			for (size_t k = 0; k < 3; k++)
				check_int(r.mails[0].results[k].verdict,
					bad >> k & 1 ? VERDICT_REFUSED : VERDICT_DELIVERED,
					"E1 forged recipients %zu, way %zu: %s", bad, way, text);
			free(text);
			text = rig_end(&r);
			check_text(text, "ended", "E1 forged recipients %zu, way %zu: the end",
				bad, way);
			free(text);
			check_text(rig_wrong(&r), NULL, "E1 forged recipients %zu: in order", bad);
			rig_release(&r);
			buf_release(&all);
		}
}

/* Nobody is left to ask for: the answer to MAIL is waited for all the same. */
static void test_all_forged(void)
{
	struct rig r;

	rig_start(&r, &(struct scene){ .tls = SMTP_TLS_OFF }, 0);
	rig_add(&r, 1, "x\r\n")->to[0][0] = '\n';
	rig_ready(&r);
	rig_say(&r, "220 mx\r\n");
	rig_flight(&r);
	rig_say(&r, "250-mx\r\n250 PIPELINING\r\n");
	check_text(rig_flight(&r), "MAIL FROM:<me@example.com>\r\n", "E1 MAIL, and nobody to ask for");
	check_int(smtp_waiting_for(r.s), STEP_MAIL, "E1 its answer is awaited");
	rig_say(&r, "250 ok\r\n");
	check_text(rig_flight(&r), "RSET\r\nQUIT\r\n", "E1 then it is taken back");
	check_text(rig_wrong(&r), NULL, "E1 in order");
	rig_release(&r);
}

static void test_forged_sender(void)
{
	struct rig r;
	char *text;

	rig_start(&r, &(struct scene){ .tls = SMTP_TLS_OFF }, 0);
	rig_add(&r, 2, "x\r\n")->m.sender = "a@x>\r\nDATA";
	rig_add(&r, 1, "x\r\n");
	rig_ready(&r);
	rig_say(&r, "220 mx\r\n");
	rig_flight(&r);
	rig_say(&r, "250-mx\r\n250 PIPELINING\r\n");
	check_text(rig_flight(&r),
		"MAIL FROM:<me@example.com>\r\nRCPT TO:<r1@example.com>\r\nDATA\r\n",
		"E1 a forged sender is passed over");
	check_text(buf_text(&r.done), "1", "E1 and told at once");
	text = rig_verdicts(&r);
	check_text(text, "Rmessage Rmessage; Pnone", "E1 as the message's fault");
	free(text);
	rig_release(&r);
}

static const struct {
	const char *offers;
	uint64_t size;
	bool eight_bit;
	const char *sender, *says, *hints;   /* says NULL: it can be sent */
	const char *host;
} checks[] = {
	{ "SIZE 100", 100, false, "a@x", NULL, NULL, NULL },
	{ "SIZE 100", 101, false, "a@x",
		"the message has 101 octets, this server takes at most 100",
		"make the message smaller", NULL },
	{ "SIZE 0", 1000000, false, "a@x", NULL, NULL, NULL },
	{ "SIZE", 1000000, false, "a@x", NULL, NULL, NULL },
	{ "8BITMIME", 10, true, "a@x", NULL, NULL, NULL },
	{ "SIZE 99", 10, true, "a@x",
		"the message has 8-bit content and this server does not offer 8BITMIME",
		"quoted-printable or base64", NULL },
	{ "SMTPUTF8", 10, false, "\xc3\xbc@x", NULL, NULL, NULL },
	{ "DSN", 10, false, "root", "the bare name 'root' needs a domain for this server",
		"name@example.com", NULL },
	{ "XSENDOFF", 10, false, "root", NULL, NULL, "/run/smtp.sock" },
	{ "XSENDOFF", 10, false, "root", "the bare name 'root' needs a domain for this server",
		"name@example.com", "from.afar.example" },
	{ "8BITMIME", 10, false, "\xc3\xbc@x", "does not offer SMTPUTF8", "ASCII address", NULL },
};

/* What a server cannot take is not offered to it: no MAIL, a reason, a way out. */
static void test_check(void)
{
	for (size_t i = 0; i < COUNT(checks); i++) {
		char *offers = mem_printf("250-mx\r\n250-PIPELINING\r\n250 %s\r\n",
			checks[i].offers);
		struct mail *mail;
		struct rig r;

		rig_start(&r, &(struct scene){ .tls = SMTP_TLS_OFF, .host = checks[i].host }, 0);
		mail = rig_add(&r, 2, "x\r\n");
		mail->m.size = checks[i].size;
		mail->m.eight_bit = checks[i].eight_bit;
		mail->m.sender = checks[i].sender;
		rig_ready(&r);
		rig_say(&r, "220 mx\r\n");
		rig_flight(&r);
		rig_say(&r, offers);
		rig_flight(&r);
		if (!checks[i].says) {
			check(!strncmp(buf_text(&r.flight), "MAIL FROM:<", 11),
				"check %zu: it is sent", i);
		} else {
			check_text(buf_text(&r.flight), "QUIT\r\n", "check %zu: it is not sent", i);
			for (size_t k = 0; k < 2; k++) {
				const struct smtp_result *result = &r.mails[0].results[k];

				check_int(result->verdict, VERDICT_REFUSED, "check %zu: refused",
					i);
				check_int(result->kind, ERR_CAPABILITY, "check %zu: the kind", i);
				check(result->text && strstr(result->text, checks[i].says),
					"check %zu says: %s", i, result->text);
				check(result->hint && strstr(result->hint, checks[i].hints),
					"check %zu hints: %s", i, result->hint);
			}
			check_text(rig_wrong(&r), NULL, "check %zu: in order", i);
		}
		rig_release(&r);
		free(offers);
	}
}

int main(void)
{
	test_lines();
	test_handover();
	test_handover_too_long();
	test_bare();
	test_forged();
	test_too_long();
	test_forged_in_session();
	test_all_forged();
	test_forged_sender();
	test_check();
	return tap_done();
}
