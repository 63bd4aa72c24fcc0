/* t/unit/smtp_lmtp.c - the dialogue of LMTP, RFC 2033: LHLO, a reply to the content for each
 * recipient, and servers that count wrong.
 */
#include "t/unit/smtp_rig.h"

#define LMTP .protocol = PROTOCOL_LMTP, .tls = SMTP_TLS_OFF
#define HELLO { "", "220 mx\r\n" }, { "LHLO me.example\r\n", \
	"250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 DSN\r\n" }
#define SLOW { "", "220 mx\r\n" }, { "LHLO me.example\r\n", "250-mx\r\n250 DSN\r\n" }
#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT(n) "RCPT TO:<r" #n "@example.com>\r\n"
#define OK "250 ok\r\n"
#define GO "354 go\r\n"
#define CONTENT "x\r\n.\r\n"
#define QUIT { "QUIT\r\n", "221 bye\r\n" }

static const struct dialogue dialogues[] = {
	{ "each recipient has a fate of its own", { LMTP }, .recipients = 4,
		.exchanges = { HELLO,
			{ MAIL RCPT(1) RCPT(2) RCPT(3) RCPT(4) "DATA\r\n", OK OK OK "550 no\r\n" OK GO },
			{ CONTENT, "250 in\r\n452 4.2.2 full\r\n554 5.7.1 sieve\r\n" }, QUIT },
		.verdicts = "D250 T452 R550 R554", .end = "ended" },
	{ "without PIPELINING", { LMTP }, .recipients = 2,
		.exchanges = { SLOW, { MAIL, OK }, { RCPT(1), OK }, { RCPT(2), OK }, { "DATA\r\n", GO },
			{ CONTENT, "550 no\r\n" OK }, QUIT },
		.verdicts = "R550 D250", .end = "ended" },
	{ "the replies come one by one", { LMTP }, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, OK }, { "", OK }, QUIT },
		.verdicts = "D250 D250", .end = "ended" },
	{ "one recipient: the next commands ride behind the content", { LMTP }, .mails = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) "DATA\r\n", OK OK GO },
			{ CONTENT MAIL RCPT(1) "DATA\r\n", "452 no\r\n" OK OK GO }, { CONTENT "QUIT\r\n", OK } },
		.verdicts = "T452; D250", .end = "ended", .done = "12" },
	{ "several: nothing is sent before all has been said", { LMTP }, .mails = 2, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, OK "452 no\r\n" }, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK "550 no\r\n" GO },
			{ CONTENT, OK }, QUIT },
		.verdicts = "D250 T452; D250 R550", .end = "ended", .done = "12" },
	{ "BDAT: for whom it is decides how many replies there are", { LMTP, .chunking = true },
		.mails = 2, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2), OK OK "550 no\r\n" },
			{ "BDAT 3 LAST\r\nx\r\n", OK }, { "RSET\r\n" MAIL RCPT(1) RCPT(2), OK OK OK OK },
			{ "BDAT 3 LAST\r\nx\r\n", "552 5.2.2 full\r\n" OK }, QUIT },
		.verdicts = "D250 R550; R552 D250", .end = "ended", .done = "12" },
	{ "BDAT: nobody was accepted", { LMTP, .chunking = true },
		.exchanges = { HELLO, { MAIL RCPT(1), OK "550 no\r\n" }, { "RSET\r\nQUIT\r\n", OK } },
		.verdicts = "R550", .end = "ended" },
	{ "nobody was accepted: 503 to DATA, and no reply more", { LMTP }, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n",
			OK "550 no\r\n450 later\r\n503 5.5.1 no valid recipients\r\n" }, QUIT },
		.verdicts = "R550 T450", .end = "ended" },
	{ "354 for nobody", { LMTP },
		.exchanges = { HELLO, { MAIL RCPT(1) "DATA\r\n", OK "550 no\r\n" GO } },
		.verdicts = "R550", .end = "ended" },
	{ "DATA refused for all", { LMTP }, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK "451 no\r\n" }, QUIT },
		.verdicts = "T451 T451", .end = "ended" },

	/* Servers that go, or count wrong. */
	{ "lost between the replies", { LMTP }, .recipients = 3,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) RCPT(3) "DATA\r\n", OK OK OK OK GO },
			{ CONTENT, "550 no\r\n" OK "<LOST>" } },
		.verdicts = "R550 D250 Uunknown", .end = "lost" },
	{ "one reply is missing", { LMTP }, .mails = 2, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, OK "<TIMEOUT>" } },
		.verdicts = "D250 Uunknown; Ttimeout Ttimeout", .end = "timeout" },
	{ "one reply too many", { LMTP }, .mails = 2, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, OK "550 no\r\n" OK } },
		.verdicts = "D250 R550; Tprotocol Tprotocol", .end = "protocol" },
	{ "a reply for each RCPT, those that were refused as well", { LMTP }, .mails = 2, .recipients = 3,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) RCPT(3) "DATA\r\n",
			OK OK "550 no\r\n550 no\r\n" GO }, { CONTENT, OK "550 no\r\n550 no\r\n" } },
		.verdicts = "D250 R550 R550; Tprotocol Tprotocol Tprotocol", .end = "protocol" },
	{ "354 in place of a recipient's reply", { LMTP }, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, OK GO } },
		.verdicts = "D250 Uunknown", .end = "protocol" },
	{ "421 for one, and the others are told all the same", { LMTP }, .recipients = 3,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) RCPT(3) "DATA\r\n", OK OK OK OK GO },
			{ CONTENT, "421 bye\r\n" OK "550 no\r\n" }, QUIT },
		.verdicts = "T421 D250 R550", .end = "ended" },
	{ "421 for one, and closed", { LMTP }, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, "421 bye\r\n<LOST>" } },
		.verdicts = "T421 Uunknown", .end = "lost" },
	{ "421 for the last", { LMTP }, .mails = 2, .recipients = 2,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK OK GO },
			{ CONTENT, OK "421 bye\r\n" } },
		.verdicts = "D250 T421; T421 T421", .end = "said 421" },

	/* All or nothing goes as far as it can. */
	{ "a recipient refused for now keeps it from the others", { LMTP }, .recipients = 2,
		.all_or_nothing = true,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2), OK OK "450 no\r\n" }, { "RSET\r\nQUIT\r\n", OK } },
		.verdicts = "N T450", .end = "ended" },
	{ "... behind the content it is too late for those of this transaction",
		{ LMTP, .max_recipients = 2 }, .recipients = 3, .all_or_nothing = true,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2), OK OK OK }, { "DATA\r\n", GO },
			{ CONTENT, "450 no\r\n450 no\r\n" }, QUIT },
		.verdicts = "T450 T450 N", .end = "ended" },
	{ "... and where somebody has it the others are tried", { LMTP, .max_recipients = 2 },
		.recipients = 3, .all_or_nothing = true,
		.exchanges = { HELLO, { MAIL RCPT(1) RCPT(2), OK OK OK }, { "DATA\r\n", GO },
			{ CONTENT, OK "450 no\r\n" }, { MAIL RCPT(3) "DATA\r\n", OK OK GO }, { CONTENT "QUIT\r\n", OK } },
		.verdicts = "D250 T450 D250", .end = "ended" },

	/* Who speaks the other protocol. */
	{ "LHLO is not known: nothing else is tried", { LMTP },
		.exchanges = { { "", "220 mx ESMTP\r\n" }, { "LHLO me.example\r\n", "500 what\r\n" }, QUIT },
		.verdicts = "T500", .end = "said 500" },
	{ "LHLO before and behind STARTTLS", { .protocol = PROTOCOL_LMTP, .tls = SMTP_TLS_STARTTLS },
		.exchanges = { { "", "220 mx\r\n" }, { "LHLO me.example\r\n", "250-mx\r\n250 STARTTLS\r\n" },
			{ "STARTTLS\r\n", "220 go\r\n" }, { "LHLO me.example\r\n", "250 mx\r\n" },
			{ MAIL, OK }, { RCPT(1), OK }, { "DATA\r\n", GO }, { CONTENT, OK }, QUIT },
		.verdicts = "D250", .end = "ended" },
	{ "a login, in one group with MAIL",
		{ .protocol = PROTOCOL_LMTP, .tls = SMTP_TLS_IMPLICIT, .login = true,
			.pipelining = PIPELINING_FULL },
		.exchanges = { { "<TLS>", "220 mx\r\n" },
			{ "LHLO me.example\r\n", "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n" },
			{ "AUTH PLAIN " SECRET_PLAIN "\r\n" MAIL RCPT(1) "DATA\r\n", "235 in\r\n" OK OK GO },
			{ CONTENT "QUIT\r\n", OK } },
		.verdicts = "D250", .end = "ended" },
};

/* A message to three; its recipients and DATA are out, in one group. */
static void begin(struct rig *r)
{
	rig_start(r, &(struct scene){ LMTP }, 0);
	rig_add(r, 3, "x\r\n");
	rig_ready(r);
	rig_say(r, "220 mx\r\n");
	rig_flight(r);
	rig_say(r, "250-mx\r\n250 PIPELINING\r\n");
	rig_flight(r);
}

/* What is said before the content is whole is about one recipient; nobody has it. */
static void test_early(void)
{
	struct rig r;
	char *text;

	begin(&r);
	rig_say(&r, OK OK "550 no\r\n" OK GO);
	rig_say(&r, "552 5.2.2 full\r\n");   /* the content is not written yet */
	text = rig_verdicts(&r);
	check_text(text, "R552 R550 T552", "an answer before the end: of one it is the verdict");
	free(text);
	text = rig_end(&r);
	check_text(text, "said 552", "and the session is over");
	free(text);
	check_text(rig_flight(&r), "", "E2 nothing more is written, no final dot");
	check_text(rig_wrong(&r), NULL, "in order");
	rig_release(&r);
}

/* What has begun before the content was whole, and ends behind it: of the others it says
 * nothing, and they may have it. */
static void test_early_and_late(void)
{
	struct rig r;
	char *text;

	begin(&r);
	rig_say(&r, OK OK OK OK GO "452 4.2.2 fu");
	check_text(rig_flight(&r), CONTENT, "the content goes out meanwhile");
	rig_say(&r, "ll\r\n" OK OK);
	text = rig_verdicts(&r);
	check_text(text, "T452 Uunknown Uunknown", "A2 what nobody has said is unknown");
	free(text);
	rig_release(&r);
}

/* It says what it is that has not come. */
static void test_missing(void)
{
	struct rig r;

	begin(&r);
	rig_say(&r, OK OK OK OK GO);
	rig_flight(&r);
	rig_say(&r, OK);
	check_int(smtp_waiting_for(r.s), STEP_CONTENT, "the other answers to the content are awaited");
	rig_break(&r, ERR_TIMEOUT);
	check_text(smtp_failure(r.s)->err.text, "the answers for 2 of 3 recipients are missing (a server "
		"that gives one for all wants protocol = smtp): while sending the message: it broke",
		"and how many there are is told");
	rig_release(&r);
}

/* A greeting that says LMTP is nothing to wonder about here. */
static void test_greeting(void)
{
	for (int protocol = PROTOCOL_SMTP; protocol <= PROTOCOL_LMTP; protocol++) {
		struct rig r;

		rig_start(&r, &(struct scene){ .protocol = protocol, .tls = SMTP_TLS_STARTTLS }, 0);
		rig_add(&r, 1, "x\r\n");
		rig_ready(&r);
		rig_say(&r, "220 mx LMTP ready\r\n");
		rig_flight(&r);
		rig_say(&r, "501 who?\r\n");
		check_text(smtp_failure(r.s)->result.cause, protocol == PROTOCOL_SMTP ? "lmtp-here" : NULL,
			"what is known of the server, spoken to by %s", protocol ? "LMTP" : "SMTP");
		check_int(smtp_failure(r.s)->result.step, protocol == PROTOCOL_SMTP ? STEP_EHLO : STEP_LHLO,
			"at its own step");
		rig_release(&r);
	}
}

/* The receipt that is kept is one, where there is one. */
static void test_receipt(void)
{
	struct rig r;

	begin(&r);
	rig_say(&r, OK OK OK OK GO);
	rig_flight(&r);
	rig_say(&r, "550 first\r\n250 second\r\n451 third\r\n");
	check_text(r.mails[0].m.content.text, "250 second", "of the replies a 250 is the receipt");
	check_int(r.mails[0].m.content.step, STEP_DELIVERY, "of a delivery");
	check_int(r.mails[0].results[2].step, STEP_DELIVERY, "as is a refusal");
	check_text(r.mails[0].results[2].text, "451 third", "in its own words");
	rig_release(&r);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(dialogues); i++)
		dialogue_run(&dialogues[i], "x\r\n");
	test_early();
	test_early_and_late();
	test_greeting();
	test_missing();
	test_receipt();
	return tap_done();
}
