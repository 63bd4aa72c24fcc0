/* t/unit/smtp_server_content.c - the answering side: content behind DATA and BDAT,
 * where it ends, and what is too big. */
#include "t/unit/server_rig.h"

#define START MAIL RCPT "DATA\r\n"
#define START_OK MAIL_OK RCPT_OK DATA_OK
#define LF_START "MAIL FROM:<me@example.com>\nRCPT TO:<you@example.com>\nDATA\n"
#define SAID SAID_MAIL SAID_RCPT "begin\n"
#define QUIT "QUIT\r\n"

static const struct talk data[] = {
	{ "nothing", .client = START ".\r\n" QUIT, .server = START_OK STORED BYE,
		.events = SAID "end\n" },
	{ "E2 dots are undone",
		.client = START "..\r\n.a\r\n...\r\n\r\na.\r\n.b\r\n..c\r\n.\r\n" QUIT,
		.server = START_OK STORED BYE,
		.events = SAID "{.\r\na\r\n..\r\n\r\na.\r\nb\r\n.c\r\n}\nend\n" },
	{ "E2 behind CRLF no bare LF is the end",
		.client = START "a\n.\nb\n.\r\nc\r\n.\n.\r\nd\r\n.\r\n"
		QUIT, .server = START_OK STORED BYE,
		.events = SAID "{a\n.\nb\n.\r\nc\r\n\n.\r\nd\r\n}\nend\n" },
	{ "E2 ... and no bare CR", .client = START "a\r.\rb\r\n.\r.\r\n.\r\r\nc\r.\r\n.\r\n" QUIT,
		.server = START_OK STORED BYE,
		.events = SAID "{a\r.\rb\r\n\r.\r\n\r\r\nc\r.\r\n}\nend\n" },
	{ "E2 a command between two such ends is content", .client = START "a\n.\r\n" MAIL RCPT
		"DATA\r\nb\r\n.\n" QUIT ".\r\n" QUIT, .server = START_OK STORED BYE,
		.events = SAID "{a\n.\r\n" MAIL RCPT "DATA\r\nb\r\n\n" QUIT "}\nend\n" },
	{ "CR CR LF", .client = START "a\r\r\n.\r\n" QUIT, .server = START_OK STORED BYE,
		.events = SAID "{a\r\r\n}\nend\n" },
	{ "bare LF throughout", .client = LF_START "a\n..\n.b\n\n.\nQUIT\n",
		.server = START_OK STORED BYE, .events = SAID "{a\n.\nb\n\n}\nend\n" },
	{ "bare LF, and content with CRLF", .client = LF_START "a\r\n..\r\n.b\r\n.\r\nQUIT\n",
		.server = START_OK STORED BYE, .events = SAID "{a\r\n.\r\nb\r\n}\nend\n" },
	{ "bare LF, and bare CR", .client = LF_START ".\ra\n.\r\r\n\r.\n.\nQUIT\n",
		.server = START_OK STORED BYE, .events = SAID "{\ra\n\r\r\n\r.\n}\nend\n" },
	{ "bare LF: nothing", .client = LF_START ".\n" QUIT, .server = START_OK STORED BYE,
		.events = SAID "end\n" },
	{ "the line with DATA decides", .client = "MAIL FROM:<me@example.com>\n" RCPT
		"DATA\na\n.\n" MAIL RCPT "DATA\r\nb\n.\n\r\n.\r\nQUIT\n",
		.server = START_OK STORED START_OK STORED BYE,
		.events = SAID "{a\n}\nend\n" SAID "{b\n.\n\r\n}\nend\n" },
	{ "the client goes away in the middle", .client = START "a\r\n.\r",
		.server = START_OK, .events = SAID "{a\r\n}\nreset\n" },
	{ "the client goes away before anything", .client = START, .server = START_OK,
		.events = SAID "reset\n" },
};

static const struct talk chunks[] = {
	{ "one", .client = MAIL RCPT "BDAT 5 LAST\r\n.\r\n\r\nQUIT\r\n",
		.server = MAIL_OK RCPT_OK STORED BYE, .events = SAID "{.\r\n\r\n}\nend\n" },
	{ "three, of which one is empty",
		.client = MAIL RCPT "BDAT 3\r\n.\r\nbdat 0\r\nBDAT 2 last\r\nab"
		MAIL QUIT,
		.server = MAIL_OK RCPT_OK "250 2.0.0 3 octets taken\r\n250 2.0.0 3 octets taken\r\n"
			STORED MAIL_OK BYE,
		.events = SAID "{.\r\nab}\nend\n" SAID_MAIL "reset\n" },
	{ "an empty one is the last", .client = MAIL RCPT "BDAT 2\nabBDAT  0  LAST \n" QUIT,
		.server = MAIL_OK RCPT_OK "250 2.0.0 2 octets taken\r\n" STORED BYE,
		.events = SAID "{ab}\nend\n" },
	{ "nothing at all", .client = MAIL RCPT "BDAT 0 LAST\r\n" QUIT,
		.server = MAIL_OK RCPT_OK STORED BYE, .events = SAID "end\n" },
	{ "E2 commands in a chunk are content",
		.client = MAIL RCPT "BDAT 12 LAST\r\n.\r\nRSET\r\n.\n"
		".QUIT\r\n", .server = MAIL_OK RCPT_OK STORED BYE,
		.events = SAID "{.\r\nRSET\r\n.\n.}\nend\n" },
	{ "out of order", .client = MAIL RCPT "BDAT 1\r\nx" RCPT MAIL
		"DATA\r\nNOOP\r\nBDAT 1 LAST\r\ny",
		.server = MAIL_OK RCPT_OK "250 2.0.0 1 octets taken\r\n"
			"503 5.5.1 its content has begun, give all recipients before\r\n"
			"503 5.5.1 a message is begun already, end it or give RSET\r\n"
			"503 5.5.1 this message comes in BDAT, not in DATA\r\n"
			"250 2.0.0 nothing done\r\n" STORED,
		.events = SAID "{xy}\nend\n" },
	{ "nothing was begun: passed over",
		.client = "BDAT 6\r\nRSET\r\nBDAT 6 LAST\r\nQUIT\r\n" QUIT,
		.server = NO_MESSAGE AFTER_REFUSAL BYE, .events = "" },
	{ "nobody is to get it: passed over, and void", .client = MAIL "RCPT TO:<no@x>\r\n"
		"BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n" MAIL RCPT "BDAT 1 LAST\r\nx",
		.server = MAIL_OK "550 5.1.1 no\r\n" NO_RECIPIENTS AFTER_REFUSAL MAIL_OK RCPT_OK
			STORED,
		.events = SAID_MAIL "rcpt no@x\nreset\n" SAID "{x}\nend\n",
			.rcpt = "550 5.1.1 no" },
	{ "MAIL is refused, and all behind it",
		.client = MAIL RCPT RCPT "BDAT 6 LAST\r\nQUIT\r\n" QUIT,
		.server = "452 4.3.1 full\r\n" AFTER_REFUSAL AFTER_REFUSAL AFTER_REFUSAL BYE,
		.events = SAID_MAIL, .mail = "452 4.3.1 full" },
	{ "refused at the first chunk",
		.client = MAIL RCPT "BDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\n" QUIT,
		.server = MAIL_OK RCPT_OK "451 4.3.0 disk\r\n" AFTER_REFUSAL BYE,
		.events = SAID "reset\n", .begin = "451 4.3.0 disk" },
	{ "421 at the first chunk", .client = MAIL RCPT "BDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\n" QUIT,
		.server = MAIL_OK RCPT_OK "421 4.3.0 disk\r\n",
		.events = SAID "reset\n", .begin = "421 4.3.0 disk" },
	{ "a word that is not LAST", .client = MAIL RCPT "BDAT 6\r\nabcdefBDAT 6 FIRST\r\nQUIT\r\n"
		"BDAT 6 LAST x\r\nQUIT\r\n" QUIT,
		.server = MAIL_OK RCPT_OK "250 2.0.0 6 octets taken\r\n"
			"501 5.5.4 only LAST may stand behind the count of BDAT\r\n"
			"501 5.5.4 only LAST may stand behind the count of BDAT\r\n" BYE,
		.events = SAID "{abcdef}\nreset\n" },
	{ "RSET between chunks", .client = MAIL RCPT "BDAT 1\r\nxRSET\r\nBDAT 1 LAST\r\ny" QUIT,
		.server = MAIL_OK RCPT_OK "250 2.0.0 1 octets taken\r\n250 2.0.0 forgotten\r\n"
			NO_MESSAGE BYE,
		.events = SAID "{x}\nreset\n" },
	{ "DATA is fine behind a message in chunks", .client = MAIL RCPT "BDAT 1 LAST\r\nx" START
		"y\r\n.\r\n", .server = MAIL_OK RCPT_OK STORED START_OK STORED,
		.events = SAID "{x}\nend\n" SAID "{y\r\n}\nend\n" },
	{ "the client goes away in a chunk", .client = MAIL RCPT "BDAT 3 LAST\r\nxy",
		.server = MAIL_OK RCPT_OK, .events = SAID "{xy}\nreset\n" },
	{ "the client goes away between chunks", .client = MAIL RCPT "BDAT 2\r\nxy",
		.server = MAIL_OK RCPT_OK "250 2.0.0 2 octets taken\r\n",
		.events = SAID "{xy}\nreset\n" },
	{ "too big together", { .max_size = 4 }, .client = MAIL RCPT "BDAT 3\r\nabcBDAT 1\r\nd"
		"BDAT 1\r\neBDAT 1 LAST\r\nf" MAIL QUIT,
		.server = MAIL_OK RCPT_OK "250 2.0.0 3 octets taken\r\n250 2.0.0 4 octets taken\r\n"
			TOO_BIG("4") AFTER_REFUSAL MAIL_OK BYE,
		.events = SAID "{abcd}\nreset\n" SAID_MAIL "reset\n" },
	{ "too big at once", { .max_size = 4 }, .client = MAIL RCPT "BDAT 5 LAST\r\nabcde" QUIT,
		.server = MAIL_OK RCPT_OK TOO_BIG("4") BYE,
			.events = SAID_MAIL SAID_RCPT "reset\n" },
	{ "a count that nobody could send", { .max_size = 4 }, .client = MAIL RCPT
		"BDAT 1\r\nxBDAT 18446744073709551615\r\nQUIT\r\n",
		.server = MAIL_OK RCPT_OK "250 2.0.0 1 octets taken\r\n",
		.events = SAID "{x}\nreset\n" },
#define NO_COUNT "554 5.5.4 say BDAT and how many octets follow; what comes now cannot be told " \
	"from commands, goodbye\r\n"
	{ "E2 no count: what follows is unknown", .client = MAIL RCPT "BDAT\r\nRSET\r\n" MAIL,
		.server = MAIL_OK RCPT_OK NO_COUNT, .events = SAID_MAIL SAID_RCPT "reset\n" },
	{ "E2 not a number", .client = "BDAT x\r\n" MAIL, .server = NO_COUNT, .events = "" },
	{ "E2 a negative one", .client = "BDAT -1\r\n" MAIL, .server = NO_COUNT, .events = "" },
	{ "E2 a signed one", .client = "BDAT +1\r\nx" MAIL, .server = NO_COUNT, .events = "" },
	{ "E2 LAST alone", .client = "BDAT LAST\r\n" MAIL, .server = NO_COUNT, .events = "" },
	{ "E2 more than 64 bits", .client = "BDAT 18446744073709551616\r\n" MAIL,
		.server = NO_COUNT,
		.events = "" },
};

/* Each octet is told once, and a content may be of any octets. */
static void test_octets(void)
{
	static const struct talk t = { .server = "" };
	struct buf client = BUF_INIT(1 << 16), events = BUF_INIT(1 << 16);
	struct served d;

	buf_add_text(&client, MAIL RCPT "BDAT 512 LAST\r\n");
	buf_add_text(&events, SAID "{");
	for (int i = 0; i < 512; i++) {
		buf_add_char(&client, (char)i);
		buf_add_char(&events, (char)i);
	}
	buf_add_text(&events, "}\nend\n");
	served_start(&d, &t, false);
	served_hear(&d, client.data, client.len);
	check_text(buf_text(&d.out), GREETING MAIL_OK RCPT_OK STORED, "any octets");
	check(d.events.len == events.len && !memcmp(d.events.data, events.data, events.len),
		"... come as they are");
	served_release(&d);
	buf_release(&client);
	buf_release(&events);
}

/* The limit itself is no more than the limit.  How much of a content that is too
 * big was handed out before is open. */
static void exact_size(unsigned most, size_t piece)
{
	static const char client[] = START "..abc\r\n.\n\r\n.\r\n" QUIT;   /* 9 octets */
	struct talk t = { .o = { .max_size = most }, .server = "" };
	size_t len = sizeof(client) - 1;
	char want[512];
	struct served d;

	if (most < 9)
		snprintf(want, sizeof(want), GREETING START_OK TOO_BIG("%u") BYE, most);
	else
		snprintf(want, sizeof(want), "%s", GREETING START_OK STORED BYE);
	served_start(&d, &t, false);
	for (size_t at = 0; at < len; at += piece)
		served_hear(&d, client + at, piece < len - at ? piece : len - at);
	served_stop(&d);
	check_text(buf_text(&d.out), want, "9 octets, %u may be, in pieces of %zu", most, piece);
	check_int(!!strstr(buf_text(&d.events), "}\nend\n"), most >= 9, "stored");
	check_int(!!strstr(buf_text(&d.events), "reset\n"), most < 9, "or void");
	served_release(&d);
}

static void test_state(void)
{
	static const struct talk t = { .server = "" };
	struct served d;

	served_start(&d, &t, true);
	served_say(&d, MAIL RCPT);
	server_received(d.s, "DATA\r\n", 6);
	check(!server_in_content(d.s), "no content before 354");
	served_answer(&d);
	check(server_in_content(d.s), "content behind 354");
	check_int(server_received(d.s, "a\r\n.\r\n", 6), 6, "all of it");
	check(!server_in_content(d.s) && server_awaits_answer(d.s), "no content behind its end");
	served_answer(&d);
	check(!server_awaits_answer(d.s), "answered");
	served_say(&d, MAIL RCPT);
	check_int(server_received(d.s, "BDAT 2\r\nxy", 10), 8, "a chunk is not read before it may");
	served_answer(&d);
	check(server_in_content(d.s), "in a chunk");
	check_int(server_received(d.s, "x", 1), 1, "one octet of two");
	check(server_in_content(d.s), "still in it");
	check_int(server_received(d.s, "yQUIT\r\n", 7), 7, "the other, and a command");
	check(!server_in_content(d.s) && server_ended(d.s), "the end");
	served_release(&d);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(data); i++)
		talk_run(&data[i]);
	for (size_t i = 0; i < COUNT(chunks); i++)
		talk_run(&chunks[i]);
	test_octets();
	for (unsigned most = 1; most < 12; most++)
		for (size_t piece = 1; piece < 100; piece++)
			exact_size(most, piece);
	test_state();
	return tap_done();
}
