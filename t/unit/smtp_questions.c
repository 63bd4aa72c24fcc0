/* t/unit/smtp_questions.c - commands that stand by themselves: when they go out, what is
 * never behind them, and what of the answers is told. */
#include "t/unit/smtp_rig.h"

#define HELLO "EHLO me.example\r\n"
#define GREETING "220 mx\r\n"
#define OFFERS "250-mx.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n"
#define AUTH "AUTH PLAIN " SECRET_PLAIN "\r\n"
#define IN "235 2.7.0 in\r\n"
#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT "RCPT TO:<r1@example.com>\r\n"
#define RSET "RSET\r\n"
#define QUIT "QUIT\r\n"
#define OK "250 ok\r\n"
#define NOOP "NOOP\r\n"
#define VRFY "VRFY me\r\n"
#define HELP "HELP\r\n"

#define CLEAR { .tls = SMTP_TLS_OFF, .heard = true }
#define SINGLE { .tls = SMTP_TLS_OFF, .pipelining = PIPELINING_OFF, .heard = true }
#define STANDARD { .tls = SMTP_TLS_IMPLICIT, .login = true, .heard = true }
#define FULL { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL, .login = true, .heard = true }
#define STAY { .tls = SMTP_TLS_OFF, .stay = true, .heard = true }
#define BEGIN { "", GREETING }, { HELLO, OFFERS }
#define BEGIN_TLS { "<TLS>", GREETING }, { HELLO, OFFERS }
#define TEXT "x\r\n"

enum { QUESTIONS_MAX = 4 };

struct talk {
	const char *name;
	struct scene scene;
	unsigned mails;                      /* submitted before the questions are asked */
	bool trial;
	const char *questions[QUESTIONS_MAX];   /* asked before the session begins */
	struct exchange exchanges[EXCHANGES_MAX];
	const char *answers;                 /* "LINE=CODE TEXT;" as they came */
	const char *verdicts, *end;
};

static const struct talk talks[] = {
	{ "one", CLEAR, .questions = { "NOOP" }, .exchanges = { BEGIN, { NOOP, "250 2.0.0 well\r\n" },
		{ QUIT, NULL } }, .answers = "NOOP=250 2.0.0 well\n", .verdicts = "", .end = "ended" },
	{ "several: nothing rides behind one", CLEAR, .questions = { "NOOP", "VRFY me", "HELP" },
		.exchanges = { BEGIN, { NOOP, OK }, { VRFY, "252 2.5.2 perhaps\r\n" },
		{ HELP, "214-one\r\n214-two\r\n214 three\r\n" }, { QUIT, NULL } }, .answers =
		"NOOP=250 ok\nVRFY me=252 2.5.2 perhaps\nHELP=214 one|two|three\n",
		.verdicts = "", .end = "ended" },
	{ "one at a time", SINGLE, .questions = { "NOOP", "HELP" }, .exchanges = { BEGIN,
		{ NOOP, OK }, { HELP, "214 x\r\n" }, { QUIT, NULL } },
		.answers = "NOOP=250 ok\nHELP=214 x\n", .verdicts = "", .end = "ended" },
	{ "and the session stays", STAY, .questions = { "NOOP" }, .exchanges = { BEGIN,
		{ NOOP, OK }, { "", NULL } }, .answers = "NOOP=250 ok\n", .verdicts = "",
		.end = "want 3" },
	{ "refused ones do not end it", CLEAR, .questions = { "VRFY me", "EXPN all", "NOOP" },
		.exchanges = { BEGIN, { VRFY, "550 5.1.1 who?\r\n" }, { "EXPN all\r\n", "450 no\r\n" },
		{ NOOP, "502 5.5.1 no\r\n" }, { QUIT, NULL } }, .answers =
		"VRFY me=550 5.1.1 who?\nEXPN all=450 no\nNOOP=502 5.5.1 no\n", .verdicts = "",
		.end = "ended" },
	{ "the login comes first", STANDARD, .questions = { "NOOP" }, .exchanges = { BEGIN_TLS,
		{ AUTH, IN }, { NOOP, OK }, { QUIT, NULL } }, .answers = "NOOP=250 ok\n",
		.verdicts = "", .end = "ended" },
	{ "and leads no group with a question", FULL, .questions = { "NOOP", "HELP" }, .exchanges = {
		BEGIN_TLS, { AUTH, IN }, { NOOP, OK }, { HELP, "214 x\r\n" }, { QUIT, NULL } },
		.answers = "NOOP=250 ok\nHELP=214 x\n", .verdicts = "", .end = "ended" },
	{ "the login refused: nothing is asked", STANDARD, .questions = { "NOOP" }, .exchanges = {
		BEGIN_TLS, { AUTH, "535 5.7.8 no\r\n" }, { QUIT, NULL } }, .answers = "",
		.verdicts = "", .end = "said 535" },
	{ "behind a trial, and not in its group", CLEAR, .mails = 1, .trial = true,
		.questions = { "NOOP" }, .exchanges = { BEGIN, { MAIL RCPT, OK OK }, { RSET, OK },
		{ NOOP, OK }, { QUIT, NULL } }, .answers = "NOOP=250 ok\n", .verdicts = "(W250) W250",
		.end = "ended" },
	{ "behind a message", CLEAR, .mails = 1, .questions = { "NOOP" }, .exchanges = { BEGIN,
		{ MAIL RCPT "DATA\r\n", OK OK "354 go\r\n" }, { "x\r\n.\r\n", OK }, { NOOP, OK },
		{ QUIT, NULL } }, .answers = "NOOP=250 ok\n", .verdicts = "D250", .end = "ended" },
	{ "354: it would wait for more", CLEAR, .questions = { "TURN", "NOOP" }, .exchanges = { BEGIN,
		{ "TURN\r\n", "354 go on\r\n" } }, .answers = "TURN=354 go on\n", .verdicts = "",
		.end = "protocol" },
	{ "334 as well", CLEAR, .questions = { "TURN" }, .exchanges = { BEGIN,
		{ "TURN\r\n", "334 \r\n" } }, .answers = "TURN=334 \n", .verdicts = "",
		.end = "protocol" },
	{ "421 ends it", CLEAR, .questions = { "NOOP", "HELP" }, .exchanges = { BEGIN,
		{ NOOP, "421 4.3.2 bye\r\n" } }, .answers = "NOOP=421 4.3.2 bye\n", .verdicts = "",
		.end = "said 421" },
	{ "broken off", CLEAR, .questions = { "NOOP", "HELP" }, .exchanges = { BEGIN,
		{ NOOP, "250-half\r\n<LOST>" } }, .answers = "", .verdicts = "", .end = "lost" },
	{ "no answer", CLEAR, .questions = { "NOOP" }, .exchanges = { BEGIN, { NOOP, "<TIMEOUT>" } },
		.answers = "", .verdicts = "", .end = "timeout" },
	{ "no reply at all", CLEAR, .questions = { "NOOP" }, .exchanges = { BEGIN,
		{ NOOP, "hello\r\n" } }, .answers = "", .verdicts = "", .end = "protocol" },
	{ "E6 answered before it was asked", CLEAR, .questions = { "NOOP" }, .exchanges = {
		{ "", GREETING }, { HELLO, OFFERS OK } }, .answers = "", .verdicts = "",
		.end = "protocol" },
	{ "E6 two answers to the first of two", CLEAR, .questions = { "NOOP", "HELP" }, .exchanges = {
		BEGIN, { NOOP, OK OK } }, .answers = "NOOP=250 ok\n", .verdicts = "",
		.end = "protocol" },
};

/* ---- one of them, in every mode */

struct asked {
	struct smtp_question q;
	struct rig *rig;
	unsigned answered, outside;      /* how often; outside of a turn */
};

static struct buf answers;

static void question_answered(void *context, struct smtp_question *q, const struct smtp_reply *reply)
{
	struct asked *a = context;

	a->answered++;
	a->outside += !a->rig->inside || &a->q != q;
	buf_printf(&answers, "%s=", q->line);
	reply_note(reply, &answers);
}

static size_t ask_all(struct rig *r, const char *const *lines, struct asked *asked)
{
	size_t count = 0;

	for (; count < QUESTIONS_MAX && lines[count]; count++) {
		asked[count] = (struct asked){ .rig = r, .q = { .line = lines[count],
			.answered = question_answered, .context = &asked[count] } };
		smtp_ask(r->s, &asked[count].q);
	}
	return count;
}

static void play(const struct talk *t, unsigned mode)
{
	struct asked asked[QUESTIONS_MAX];
	struct rig r;
	size_t count;
	char *text;

	buf_clear(&answers);
	rig_start(&r, &t->scene, mode);
	for (unsigned i = 0; i < t->mails; i++)
		rig_add(&r, 1, TEXT)->m.trial = t->trial;
	count = ask_all(&r, t->questions, asked);
	rig_ready(&r);
	for (size_t i = 0; i < EXCHANGES_MAX && t->exchanges[i].client; i++) {
		check_text(rig_flight(&r), t->exchanges[i].client, "%s: flight %zu, mode %u", t->name,
			i + 1, mode);
		if (t->exchanges[i].server)
			dialogue_deliver(&r, t->exchanges[i].server);
	}
	check_text(rig_flight(&r), "", "%s: no further flight, mode %u", t->name, mode);
	check_text(buf_text(&answers), t->answers, "%s: the answers, mode %u", t->name, mode);
	for (size_t i = 0; i < count; i++)
		check(asked[i].answered <= 1 && !asked[i].outside, "%s: %s is answered once at most",
			t->name, t->questions[i]);
	text = rig_verdicts(&r);
	check_text(text, t->verdicts, "%s: verdicts, mode %u", t->name, mode);
	free(text);
	text = rig_end(&r);
	check_text(text, t->end, "%s: the end, mode %u", t->name, mode);
	free(text);
	check_text(rig_wrong(&r), NULL, "%s: in order, mode %u", t->name, mode);
	rig_release(&r);
}

/* ---- what answered() is told */

/* Up to the replies that are given, each to one flight. */
static void converse(struct rig *r, const char *const *replies)
{
	for (; *replies; replies++) {
		rig_flight(r);
		dialogue_deliver(r, *replies);
	}
	rig_flight(r);
}

static void test_told(void)
{
	static const struct {
		const char *auth;
		const char *replies[8];
		const char *heard;
	} table[] = {
		{ "PLAIN", { GREETING, OFFERS, IN, "214-2.0.0 a\r\n214-2.0.0 b\r\n214 2.0.0 c\r\n", NULL },
			"greeting 220 mx\nEHLO 250 mx.example|PIPELINING|AUTH PLAIN LOGIN\n"
			"AUTH 235 2.7.0 in\nquestion 214 2.0.0 a|b|c\n" },
		/* A challenge is no answer, and may hold what is nobody's business. */
		{ "LOGIN", { GREETING, OFFERS, "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", IN, OK, NULL },
			"greeting 220 mx\nEHLO 250 mx.example|PIPELINING|AUTH PLAIN LOGIN\n"
			"AUTH 235 2.7.0 in\nquestion 250 ok\n" },
		{ "PLAIN", { GREETING, OFFERS, "535-5.7.8 no\r\n535 5.7.8 and no\r\n", NULL },
			"greeting 220 mx\nEHLO 250 mx.example|PIPELINING|AUTH PLAIN LOGIN\n"
			"AUTH 535 5.7.8 no|and no\n" },
		{ "PLAIN", { "220-mx\r\n220 hello\r\n", "550 5.7.1 go away\r\n", NULL },
			"greeting 220 mx|hello\nEHLO 550 5.7.1 go away\n" },
		{ "PLAIN", { "220 mx\r\n", "250-mx\r\n250 half", "<LOST>", NULL }, "greeting 220 mx\n" },
		{ "PLAIN", { "554 5.7.1 no\r\n", NULL }, "greeting 554 5.7.1 no\n" },
	};
	static const char *const noop[QUESTIONS_MAX] = { "NOOP" };

	for (size_t i = 0; i < COUNT(table); i++)
		for (unsigned mode = 0; mode < RIG_MODES; mode++) {
			struct scene scene = STANDARD;
			struct asked asked[QUESTIONS_MAX];
			struct rig r;

			scene.auth = table[i].auth;
			rig_start(&r, &scene, mode);
			ask_all(&r, noop, asked);
			rig_ready(&r);
			converse(&r, table[i].replies);
			check_text(buf_text(&r.heard), table[i].heard, "told %zu, mode %u", i, mode);
			rig_release(&r);
		}
}

static void test_told_in_clear(void)
{
	static const char *const replies[] = { GREETING, "250-mx\r\n250 STARTTLS\r\n", "220 2.0.0 go\r\n",
		OFFERS, OK OK, OK, NULL };
	const struct scene scene = { .tls = SMTP_TLS_STARTTLS, .heard = true };
	struct rig r;

	rig_start(&r, &scene, 0);
	rig_add(&r, 1, TEXT)->m.trial = true;
	rig_ready(&r);
	converse(&r, replies);
	check_text(buf_text(&r.heard), "greeting 220 mx\nEHLO 250 mx|STARTTLS\nSTARTTLS 220 2.0.0 go\n"
		"EHLO 250 mx.example|PIPELINING|AUTH PLAIN LOGIN\nMAIL 250 ok\nRCPT 250 ok\nRSET 250 ok\n",
		"each step is told");
	check_text(rig_wrong(&r), NULL, "in order");
	rig_release(&r);
}

/* ---- what a server repeats of the secret, at once or later */

static const struct {
	const char *auth;
	const char *replies[6];
	const char *hidden;          /* is nowhere: not in an answer, not in the transcript */
} repeats[] = {
	{ "PLAIN", { IN, "250 I know AUTH PLAIN " SECRET_PLAIN "\r\n", NULL }, "AHVzZXIA" },
	{ "PLAIN", { IN, "250-you are\r\n250-" SECRET "\r\n250 yes\r\n", NULL }, SECRET },
	{ "PLAIN", { IN, "250 x" SECRET "x" SECRET SECRET_PLAIN "\r\n", NULL }, SECRET },
	{ "PLAIN", { IN, "250 AHVzZXIAcGE1...\r\n", NULL }, "AHVzZXIAcGE1" },
	{ "PLAIN", { IN, "550 5.0.0 " SECRET "\r\n", NULL }, SECRET },
	{ "PLAIN", { IN, "354 " SECRET "\r\n", NULL }, SECRET },
	{ "PLAIN", { IN, "421 " SECRET_PLAIN "\r\n", NULL }, "AHVzZXIA" },
	{ "PLAIN", { "235 2.7.0 welcome, " SECRET "\r\n", OK, NULL }, SECRET },
	{ "PLAIN", { "535 5.7.8 \"AUTH PLAIN " SECRET_PLAIN "\"\r\n", NULL }, "AHVzZXIA" },
	{ "LOGIN", { "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "535-" SECRET_LOGIN "\r\n535 no\r\n",
		NULL }, "cGE1NS1X" },
	{ "LOGIN", { "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", IN, "250 " SECRET_LOGIN "\r\n", NULL },
		"cGE1NS1X" },
};

static void test_repeats(void)
{
	static const char *const noop[QUESTIONS_MAX] = { "NOOP", "HELP" };
	static const char *const begin[] = { GREETING, OFFERS, NULL };

	for (size_t i = 0; i < COUNT(repeats); i++)
		for (unsigned mode = 0; mode < RIG_MODES; mode++) {
			struct scene scene = STANDARD;
			struct asked asked[QUESTIONS_MAX];
			const struct smtp_failure *f;
			const char *text;
			struct rig r;

			scene.auth = repeats[i].auth;
			scene.hidden = repeats[i].hidden;
			buf_clear(&answers);
			rig_start(&r, &scene, mode);
			ask_all(&r, noop, asked);
			rig_ready(&r);
			converse(&r, begin);
			converse(&r, repeats[i].replies);
			check(!strstr(buf_text(&answers), repeats[i].hidden),
				"D9 repeated %zu: not in the answer, mode %u", i, mode);
			check(strstr(buf_text(&r.heard), "****") != NULL,
				"D9 repeated %zu: overwritten, mode %u", i, mode);
			f = smtp_failure(r.s);
			text = f->err.kind ? f->err.text : f->result.text;
			check(!text || !strstr(text, repeats[i].hidden),
				"D9 repeated %zu: not in the failure, mode %u", i, mode);
			check_text(rig_wrong(&r), NULL, "D9 repeated %zu: in order, mode %u", i, mode);
			rig_release(&r);
		}
}

/* ---- asked at any time */

static void test_asked_later(void)
{
	static const char *const first[QUESTIONS_MAX] = { "NOOP" }, *const more[QUESTIONS_MAX] =
		{ "HELP", "VRFY me" };
	static const char *const begin[] = { GREETING, OFFERS, NULL };
	struct asked asked[QUESTIONS_MAX], others[QUESTIONS_MAX];
	struct scene scene = STAY;
	struct rig r;

	buf_clear(&answers);
	rig_start(&r, &scene, 0);
	rig_ready(&r);
	converse(&r, begin);
	check_int(r.want, SMTP_WANT_MESSAGE, "idle");
	ask_all(&r, first, asked);
	check_text(rig_flight(&r), NOOP, "asked when idle");
	ask_all(&r, more, others);
	check_text(rig_flight(&r), "", "asked while one is under way: it waits");
	rig_say(&r, OK);
	check_text(rig_flight(&r), HELP, "the next");
	rig_add(&r, 1, TEXT)->m.trial = true;
	rig_submit(&r);
	check_text(rig_flight(&r), "", "a message waits for the answer");
	rig_say(&r, "214 x\r\n");
	check_text(rig_flight(&r), MAIL RCPT, "then it comes before further questions");
	rig_say(&r, OK OK);
	check_text(rig_flight(&r), RSET, "its end");
	rig_say(&r, OK);
	check_text(rig_flight(&r), VRFY, "and the last question");
	smtp_finish(r.s);
	check_text(rig_flight(&r), "", "finished, and still an answer is awaited");
	check_int(smtp_waiting_for(r.s), STEP_ASK, "whose deadline it is");
	rig_say(&r, "252 x\r\n");
	check_text(rig_flight(&r), QUIT, "QUIT behind all of them");
	check_text(buf_text(&answers), "NOOP=250 ok\nHELP=214 x\nVRFY me=252 x\n", "all answers");
	check_text(rig_wrong(&r), NULL, "in order");
	rig_release(&r);
}

/* Cut behind every octet of its answer: told whole or not at all. */
static void test_cut(void)
{
	static const char answer[] = "214-2.0.0 one\r\n214 2.0.0 two\r\n";
	static const char *const help[QUESTIONS_MAX] = { "HELP" };
	static const char *const begin[] = { GREETING, OFFERS, NULL };

	for (unsigned mode = 0; mode < RIG_MODES; mode++)
		for (size_t octets = 0; octets < sizeof(answer); octets++) {
			struct asked asked[QUESTIONS_MAX];
			struct scene scene = CLEAR;
			bool whole = octets == sizeof(answer) - 1;
			char *end;
			struct rig r;

			buf_clear(&answers);
			rig_start(&r, &scene, mode);
			ask_all(&r, help, asked);
			rig_ready(&r);
			converse(&r, begin);
			rig_deliver(&r, answer, octets);
			rig_break(&r, ERR_LOST);
			end = rig_end(&r);
			check_text(buf_text(&answers), whole ? "HELP=214 2.0.0 one|two\n" : "",
				"%zu octets, mode %u", octets, mode);
			check_text(end, whole ? "ended" : "lost", "%zu octets, mode %u: the end", octets,
				mode);
			free(end);
			rig_release(&r);
		}
}

int main(void)
{
	answers.max = 1 << 20;
	for (size_t i = 0; i < COUNT(talks); i++)
		for (unsigned mode = 0; mode < RIG_MODES; mode++)
			play(&talks[i], mode);
	test_told();
	test_told_in_clear();
	test_repeats();
	test_asked_later();
	test_cut();
	buf_release(&answers);
	return tap_done();
}
