/* t/unit/smtp_trial.c - what a server thinks of a sender and of recipients, and never
 * any content: MAIL, RCPT and RSET on the wire, octet by octet. */
#include "t/unit/smtp_fake.h"

#define HELLO "EHLO me.example\r\n"
#define GREETING "220 mx\r\n"
#define OFFERS "250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n"
#define AUTH "AUTH PLAIN " SECRET_PLAIN "\r\n"
#define IN "235 2.7.0 in\r\n"
#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT(n) "RCPT TO:<r" #n "@example.com>\r\n"
#define RSET "RSET\r\n"
#define QUIT "QUIT\r\n"
#define OK "250 ok\r\n"
#define NO "550 5.1.1 no\r\n"
#define LATER "450 4.2.0 later\r\n"

#define CLEAR { .tls = SMTP_TLS_OFF }
#define SINGLE { .tls = SMTP_TLS_OFF, .pipelining = PIPELINING_OFF }
#define FULL { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL, .login = true }
#define STANDARD { .tls = SMTP_TLS_IMPLICIT, .login = true }
#define CHUNKS { .tls = SMTP_TLS_OFF, .chunking = true }
#define BEGIN { "", GREETING }, { HELLO, OFFERS }
#define BEGIN_TLS { "<TLS>", GREETING }, { HELLO, OFFERS }

#define TEXT "Subject: x\r\n\r\nhello\r\n"

static const struct dialogue good[] = {
	{ "one recipient", CLEAR, .trials = 1, .exchanges = { BEGIN, { MAIL RCPT(1), OK OK },
		{ RSET QUIT, OK } }, .verdicts = "(W250) W250", .end = "ended", .done = "1" },
	{ "a sender alone", CLEAR, .trials = 1, .recipients = NOBODY, .exchanges = { BEGIN,
		{ MAIL, OK }, { RSET QUIT, OK } }, .verdicts = "(W250)", .end = "ended", .done = "1" },
	{ "three", CLEAR, .trials = 1, .recipients = 3, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) RCPT(3), OK OK OK OK }, { RSET QUIT, OK } },
		.verdicts = "(W250) W250 W250 W250", .end = "ended", .done = "1" },
	{ "one at a time", SINGLE, .trials = 1, .recipients = 2, .exchanges = { BEGIN, { MAIL, OK },
		{ RCPT(1), OK }, { RCPT(2), OK }, { RSET, OK }, { QUIT, NULL } },
		.verdicts = "(W250) W250 W250", .end = "ended", .done = "1" },
	{ "a sender alone, one at a time", SINGLE, .trials = 1, .recipients = NOBODY,
		.exchanges = { BEGIN, { MAIL, OK }, { RSET, OK }, { QUIT, NULL } },
		.verdicts = "(W250)", .end = "ended", .done = "1" },
	{ "a server without pipelining", CLEAR, .trials = 1, .exchanges = { { "", GREETING },
		{ HELLO, "250 mx\r\n" }, { MAIL, OK }, { RCPT(1), OK }, { RSET, OK }, { QUIT, NULL } },
		.verdicts = "(W250) W250", .end = "ended" },
	{ "chunking: no BDAT", CHUNKS, .trials = 1, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2), OK OK OK }, { RSET QUIT, OK } },
		.verdicts = "(W250) W250 W250", .end = "ended" },
	{ "no SIZE of what there is not", CLEAR, .trials = 1, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250-SIZE 1000\r\n250 8BITMIME\r\n" }, { MAIL, OK }, { RCPT(1), OK },
		{ RSET, OK }, { QUIT, NULL } }, .verdicts = "(W250) W250", .end = "ended" },
	{ "behind a login", STANDARD, .trials = 1, .exchanges = { BEGIN_TLS, { AUTH, IN },
		{ MAIL RCPT(1), OK OK }, { RSET QUIT, OK } }, .verdicts = "(W250) W250", .end = "ended" },
	{ "the login leads", FULL, .trials = 1, .exchanges = { BEGIN_TLS,
		{ AUTH MAIL RCPT(1), IN OK OK }, { RSET QUIT, OK } }, .verdicts = "(W250) W250",
		.end = "ended" },
	{ "the login leads a sender alone", FULL, .trials = 1, .recipients = NOBODY,
		.exchanges = { BEGIN_TLS, { AUTH MAIL, IN OK }, { RSET QUIT, OK } },
		.verdicts = "(W250)", .end = "ended" },
	{ "several behind each other", CLEAR, .mails = 3, .trials = 3, .exchanges = { BEGIN,
		{ MAIL RCPT(1), OK OK }, { RSET MAIL RCPT(1), OK OK OK }, { RSET MAIL RCPT(1), OK OK OK },
		{ RSET QUIT, OK } }, .verdicts = "(W250) W250; (W250) W250; (W250) W250", .end = "ended",
		.done = "123" },
	{ "more recipients than a transaction takes", { .tls = SMTP_TLS_OFF, .max_recipients = 2 },
		.trials = 1, .recipients = 3, .exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK },
		{ RSET MAIL RCPT(3), OK OK OK }, { RSET QUIT, OK } },
		.verdicts = "(W250) W250 W250 W250", .end = "ended", .done = "1" },
	{ "then a message", CLEAR, .mails = 2, .trials = 1, .exchanges = { BEGIN,
		{ MAIL RCPT(1), OK OK }, { RSET MAIL RCPT(1) "DATA\r\n", OK OK OK "354 go\r\n" },
		{ TEXT ".\r\n" QUIT, OK } }, .verdicts = "(W250) W250; D250", .end = "ended",
		.done = "12" },
	{ "then a message, in chunks", CHUNKS, .mails = 2, .trials = 1, .exchanges = { BEGIN,
		{ MAIL RCPT(1), OK OK }, { RSET MAIL RCPT(1) "BDAT 21 LAST\r\n" TEXT QUIT, OK OK OK OK } },
		.verdicts = "(W250) W250; D250", .end = "ended", .done = "12" },
};

static const struct dialogue refused[] = {
	{ "MAIL", CLEAR, .trials = 1, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2), NO "503 no\r\n503 no\r\n" }, { QUIT, NULL } },
		.verdicts = "(R550) R550 R550", .end = "ended", .done = "1" },
	{ "MAIL, a sender alone", CLEAR, .trials = 1, .recipients = NOBODY, .exchanges = { BEGIN,
		{ MAIL, LATER }, { QUIT, NULL } }, .verdicts = "(T450)", .end = "ended", .done = "1" },
	{ "MAIL, one at a time: nothing to reset", SINGLE, .trials = 1, .recipients = 2,
		.exchanges = { BEGIN, { MAIL, NO }, { QUIT, NULL } },
		.verdicts = "(R550) R550 R550", .end = "ended", .done = "1" },
	{ "RCPT", CLEAR, .trials = 1, .exchanges = { BEGIN, { MAIL RCPT(1), OK NO },
		{ RSET QUIT, OK } }, .verdicts = "(W250) R550", .end = "ended", .done = "1" },
	{ "RCPT of all kinds", CLEAR, .trials = 1, .recipients = 4, .all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2) RCPT(3) RCPT(4), OK OK NO LATER OK },
		{ RSET QUIT, OK } }, .verdicts = "(W250) W250 R550 T450 W250", .end = "ended" },
	{ "452 4.5.3 is an answer, not a limit", CLEAR, .trials = 1, .recipients = 3,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2) RCPT(3), OK OK "452 4.5.3 enough\r\n" OK },
		{ RSET QUIT, OK } }, .verdicts = "(W250) W250 T452 W250", .end = "ended" },
	{ "RSET: nobody minds", CLEAR, .trials = 1, .exchanges = { BEGIN, { MAIL RCPT(1), OK OK },
		{ RSET QUIT, "500 what?\r\n" } }, .verdicts = "(W250) W250", .end = "ended" },
	{ "421 at MAIL", CLEAR, .trials = 1, .exchanges = { BEGIN, { MAIL RCPT(1), "421 bye\r\n" } },
		.verdicts = "(T421) T421", .end = "said 421", .done = "1" },
	{ "421 at RCPT", CLEAR, .trials = 1, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2), OK OK "421 bye\r\n" } }, .verdicts = "(W250) W250 T421",
		.end = "said 421", .done = "1" },
	{ "421 at RSET", SINGLE, .trials = 1, .exchanges = { BEGIN, { MAIL, OK }, { RCPT(1), OK },
		{ RSET, "421 bye\r\n" } }, .verdicts = "(W250) W250", .end = "said 421", .done = "1" },
	{ "354 to MAIL", CLEAR, .trials = 1, .exchanges = { BEGIN, { MAIL RCPT(1), "354 go\r\n" } },
		.verdicts = "(Pnone) Tprotocol", .end = "protocol", .done = "1" },
	{ "354 to RCPT", CLEAR, .trials = 1, .exchanges = { BEGIN,
		{ MAIL RCPT(1), OK "354 go\r\n" } }, .verdicts = "(W250) Tprotocol", .end = "protocol" },
	{ "354 to RSET", SINGLE, .trials = 1, .exchanges = { BEGIN, { MAIL, OK }, { RCPT(1), OK },
		{ RSET, "354 go\r\n" } }, .verdicts = "(W250) W250", .end = "protocol" },
	{ "E6 one answer too many", CLEAR, .trials = 1, .exchanges = { BEGIN,
		{ MAIL RCPT(1), OK OK OK } }, .verdicts = "(W250) W250", .end = "protocol" },
	{ "one refused, then a message", CLEAR, .mails = 2, .trials = 1, .exchanges = { BEGIN,
		{ MAIL RCPT(1), NO "503 no\r\n" }, { MAIL RCPT(1) "DATA\r\n", OK OK "354 go\r\n" },
		{ TEXT ".\r\n" QUIT, OK } }, .verdicts = "(R550) R550; D250", .end = "ended",
		.done = "12" },
	{ "the login", STANDARD, .trials = 1, .exchanges = { BEGIN_TLS, { AUTH, "535 5.7.8 no\r\n" },
		{ QUIT, NULL } }, .verdicts = "(Pnone) T535", .end = "said 535", .done = "1" },
};

/* A login that leads: what tells that the group was too much, and what does not. */
static const struct dialogue led[] = {
	{ "MAIL 503 behind the login", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, IN "503 5.5.1 too early\r\n" } },
		.verdicts = "(Pnone)", .end = "protocol stumbled", .done = "1" },
	{ "MAIL 530 behind the login", FULL, .trials = 1, .exchanges = {
		BEGIN_TLS, { AUTH MAIL RCPT(1), IN "530 5.7.0 log in first\r\n" } },
		.verdicts = "(Pnone) Tprotocol", .end = "protocol stumbled", .done = "1" },
	{ "AUTH 503: it saw the group", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, "503 5.5.1 pipelining\r\n" } },
		.verdicts = "(Pnone)", .end = "protocol stumbled", .done = "1" },
	{ "MAIL is never answered", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, IN "<TIMEOUT>" } },
		.verdicts = "(Pnone)", .end = "timeout stumbled", .done = "1" },
	{ "closed instead", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, "<LOST>" } },
		.verdicts = "(Pnone)", .end = "lost stumbled", .done = "1" },
	{ "MAIL refused on its own", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, IN "553 5.7.1 not yours\r\n" }, { QUIT, NULL } },
		.verdicts = "(R553)", .end = "ended", .done = "1" },
	{ "lost behind the answer to MAIL", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, IN OK }, { RSET QUIT, "<LOST>" } },
		.verdicts = "(W250)", .end = "lost", .done = "1" },
	{ "the login refused", FULL, .trials = 1, .recipients = NOBODY, .exchanges = {
		BEGIN_TLS, { AUTH MAIL, "535 5.7.8 no\r\n503 no\r\n" } },
		.verdicts = "(Pnone)", .end = "said 535", .done = "1" },
};

/* ---- the answers of a good server, cut off behind every octet */

/* The verdict of a line is there when its last octet is, and not before. */
static char *verdicts_behind(size_t octets)
{
	static const char *const welcome[] = { "(W250)", " W250", " R550", " W250" };
	static const char *const words[] = { OK, OK, NO, OK };
	struct buf out = BUF_INIT(200);
	size_t end = 0;

	for (size_t i = 0; i < COUNT(words); i++) {
		end += strlen(words[i]);
		buf_add_text(&out, octets >= end ? welcome[i] : i ? " Tlost" : "(Pnone)");
	}
	return buf_take(&out);
}

static void test_cut(unsigned mode)
{
	static const char answers[] = OK OK NO OK;
	const struct scene scene = CLEAR;

	for (size_t octets = 0; octets < sizeof(answers); octets++) {
		struct rig r;
		char *got, *want = verdicts_behind(octets);

		rig_start(&r, &scene, mode);
		rig_add(&r, 3, TEXT)->m.trial = true;
		rig_ready(&r);
		rig_flight(&r);
		rig_say(&r, GREETING);
		rig_flight(&r);
		rig_say(&r, OFFERS);
		check_text(rig_flight(&r), MAIL RCPT(1) RCPT(2) RCPT(3), "the group, mode %u", mode);
		rig_deliver(&r, answers, octets);
		rig_break(&r, ERR_LOST);
		got = rig_verdicts(&r);
		check_text(got, want, "cut behind %zu octets, mode %u", octets, mode);
		check_text(rig_wrong(&r), NULL, "in order, %zu octets, mode %u", octets, mode);
		free(got);
		free(want);
		rig_release(&r);
	}
}

/* ---- what this server could not even be asked */

static void test_unaskable(size_t recipients)
{
	const struct scene scene = CLEAR;
	const struct smtp_result *content;
	struct rig r;
	char *text;

	rig_start(&r, &scene, 0);
	rig_add(&r, recipients, TEXT)->m.trial = true;
	r.mails[0].m.sender = "j\xc3\xb6rg@example.com";
	content = &r.mails[0].m.content;
	rig_ready(&r);
	rig_flight(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	check_text(rig_flight(&r), QUIT, "no SMTPUTF8, %zu recipients: nothing is asked", recipients);
	text = rig_verdicts(&r);
	check_text(text, recipients ? "(Rcapability) Rcapability" : "(Rcapability)",
		"%zu recipients: refused here", recipients);
	check(content->text && strstr(content->text, "SMTPUTF8") && content->hint,
		"%zu recipients: told why, and what to do", recipients);
	check_text(rig_wrong(&r), NULL, "%zu recipients: in order", recipients);
	free(text);
	rig_release(&r);
}

/* ---- every answer is another, in every kind of session */

static const char *const instead[] = {
	"<LOST>", "rubbish\r\n", "250 ok\r\n", "235 in\r\n", "354 go\r\n", "334 \r\n", "421 bye\r\n",
	"450 later\r\n", "452 4.5.3 many\r\n", "503 no\r\n", "530 no\r\n", "535 no\r\n", "550 no\r\n",
	"250-mixed\r\n550 codes\r\n", NULL
};

static const char *trial_wrong(struct fake *f, struct rig *r)
{
	const char *wrong = fake_run(f, r);
	const struct mail *mail = &r->mails[0];

	if (wrong)
		return wrong;
	if (strstr(buf_text(&r->trace), "C: DATA") || strstr(buf_text(&r->trace), "C: BDAT") ||
	    f->transactions || f->data || f->chunk || f->body.len)
		return "content in a trial";
	for (size_t i = 0; i < mail->m.count; i++)
		if (mail->results[i].verdict != VERDICT_WELCOME &&
		    (!f->sabotaged || mail->results[i].verdict == VERDICT_DELIVERED ||
		     mail->results[i].verdict == VERDICT_UNKNOWN ||
		     mail->results[i].verdict == VERDICT_PENDING))
			return "a verdict that a trial does not have";
	if (!f->sabotaged && (mail->m.content.verdict != VERDICT_WELCOME || f->resets != 1))
		return "nothing was wrong, and no welcome or no RSET";
	return NULL;
}

/* False: that session has no such answer. */
static bool sabotage(const struct scene *scene, size_t recipients, size_t at, size_t k)
{
	struct fake f;
	struct rig r;
	bool met;
	const char *wrong;

	fake_init(&f, recipients);
	f.offers = "250-AUTH PLAIN\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-PIPELINING\r\n";
	f.at = at;
	f.instead = instead[k];
	f.needs_login = scene->login;
	rig_start(&r, scene, 0);
	rig_add(&r, recipients, TEXT)->m.trial = true;
	rig_ready(&r);
	wrong = trial_wrong(&f, &r);
	met = f.sabotaged;
	if (wrong)
		check(false, "%s: tls %d pipelining %d login %d chunking %d, answer %zu is %s", wrong,
			scene->tls, scene->pipelining, scene->login, scene->chunking, at,
			instead[k] ? instead[k] : "given twice");
	rig_release(&r);
	fake_release(&f);
	return met;
}

static void test_sweep(void)
{
	static const int tls[] = { SMTP_TLS_IMPLICIT, SMTP_TLS_STARTTLS, SMTP_TLS_OFF };
	static const int ways[] = { PIPELINING_STANDARD, PIPELINING_FULL, PIPELINING_OFF };
	size_t runs = 0, scenes = 0;

	for (unsigned n = 0; n < 3 * 3 * 2 * 2 * 2; n++, scenes++) {
		struct scene scene = { .tls = tls[n % 3], .pipelining = ways[n / 3 % 3],
			.login = n / 9 % 2, .chunking = n / 18 % 2 };
		size_t recipients = n / 36 % 2 ? 2 : 0, at = 0;

		while (sabotage(&scene, recipients, at, 0)) {
			for (size_t k = 1; k < COUNT(instead); k++, runs++)
				sabotage(&scene, recipients, at, k);
			at++;
		}
		check(at >= 4, "scene %u: %zu answers were others", n, at);
	}
	check(runs > 5000, "%zu sessions", runs);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(good); i++)
		dialogue_run(&good[i], TEXT);
	for (size_t i = 0; i < COUNT(refused); i++)
		dialogue_run(&refused[i], TEXT);
	for (size_t i = 0; i < COUNT(led); i++)
		dialogue_run(&led[i], TEXT);
	for (unsigned mode = 0; mode < RIG_MODES; mode++)
		test_cut(mode);
	test_unaskable(0);
	test_unaskable(1);
	test_sweep();
	return tap_done();
}
