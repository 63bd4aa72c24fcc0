/* t/unit/smtp_mask.c - what the engine tells of what a server says, with the secret known from
 * the beginning: it is in no transcript, no answer, no failure and no next step. */
#include "t/unit/smtp_rig.h"

#define GREETING "220 mx\r\n"
#define OFFERS "250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n"
#define STARS "**********"

/* A session in which the server says these things, one flight after the other. */
static const struct {
	const char *name;
	int pipelining;
	const char *says[6];
	const char *want;            /* the failure */
	const char *transcript;      /* some of it; NULL */
} rows[] = {
	{ "a greeting", 0, { "554 " SECRET " " SECRET_PLAIN "\r\n" },
		"554 " STARS " AHVzZXIA****************", "554 " STARS " AHVzZXIA***" },
	{ "a challenge that nobody asked for", 0, { GREETING, OFFERS "334 " SECRET "\r\n" },
		"the server sent an answer before it was asked", "S: 334 " STARS "\n" },
	{ "... behind the greeting", 0, { GREETING "334 " SECRET "\r\n" },
		"the server sent an answer before it was asked", "S: 334 " STARS "\n" },
	{ "a challenge as greeting", 0, { "334 " SECRET "\r\n" }, "the server gave an answer that does not "
		"fit, while waiting for the greeting: 334 " STARS, "S: 334 " STARS "\n" },
	{ "a challenge to EHLO", 0, { GREETING, "334-" SECRET "\r\n334 " SECRET_LOGIN "\r\n" },
		"the server gave an answer that does not fit, while sending EHLO: 334 " STARS
		" ****************", "S: 334-" STARS "\n" },
	{ "a challenge to a login that has said all", PIPELINING_FULL, { GREETING, OFFERS, "334 " SECRET
		"\r\n" }, "the server gave an answer that does not fit, while logging in: 334 " STARS,
		"S: 334 ****\n" },
	{ "an answer to no question", PIPELINING_FULL, { GREETING, OFFERS, "235 ok\r\n334 " SECRET "\r\n" },
		"the server gave an answer that does not fit, while sending MAIL FROM: 334 " STARS,
		"S: 334 " STARS "\n" },
	{ "over two lines", 0, { GREETING, OFFERS, "535-x pa55-\r\n535 Word!\r\n" }, "535 x ***** *****",
		"S: 535-x *****\n" },
	{ "behind the same code", 0, { GREETING, OFFERS, "535-5.7.8 pa55-\r\n535 5.7.8 Word!\r\n" },
		"535 5.7.8 ***** *****", "S: 535-5.7.8 *****\n" },
	{ "in other forms", 0, { GREETING, OFFERS, "535 706135352d576f726421 pa55%2DWord%21 "
		"=70a55-Word! eHBhNTUtV29yZCF4 pa55-Word\r\n" },
		"535 ******************** ************** ************ e**************4 *********",
		"S: 535 ********************" },
	{ "no SMTP, and no end", 0, { "pa55%2dWord!" }, "the server's answer is not SMTP: \"************\"", NULL },
};

static void test_rows(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene scene = { .tls = SMTP_TLS_IMPLICIT, .login = true, .auth = "PLAIN",
			.pipelining = rows[i].pipelining };
		const struct smtp_failure *f;
		struct rig r;

		rig_start(&r, &scene, 0);
		rig_add(&r, 1, "x\r\n");
		rig_ready(&r);
		smtp_secret(r.s, &r.secret);
		rig_flight(&r);
		for (const char *const *says = rows[i].says; *says; says++) {
			rig_say(&r, *says);
			rig_flight(&r);
		}
		if (!smtp_over(r.s))
			rig_break(&r, ERR_LOST);
		f = smtp_failure(r.s);
		check_text(f->err.kind ? f->err.text : f->result.text, rows[i].want, "D9 %s", rows[i].name);
		check(!rows[i].transcript || strstr(buf_text(&r.trace), rows[i].transcript),
			"D9 %s: the transcript: %s", rows[i].name, buf_text(&r.trace));
		check(r.mails[0].results[0].text && !strstr(r.mails[0].results[0].text, SECRET),
			"D9 %s: the recipient's words", rows[i].name);
		check_text(rig_wrong(&r), NULL, "D9 %s: in order", rows[i].name);
		rig_release(&r);
	}
}

/* What broke may speak of a certificate, whose names somebody has chosen. */
static void test_hint(void)
{
	struct rig r;
	struct err e = { 0 };

	rig_start(&r, &(struct scene){ .tls = SMTP_TLS_IMPLICIT, .login = true }, 0);
	smtp_secret(r.s, &r.secret);
	err_set(&e, ERR_CERT, "it is for %s.test", SECRET);
	err_hint(&e, "set host = %s.test, or %s", SECRET, SECRET_LOGIN);
	smtp_broken(r.s, &e);
	check_text(smtp_failure(r.s)->err.text, "it is for " STARS ".test", "D9 what broke");
	check_text(smtp_failure(r.s)->err.hint, "set host = " STARS ".test, or ****************",
		"D9 the next step");
	rig_release(&r);
}

/* Where nobody logs in there may be a proxy all the same, whose password is a secret too. */
static void test_others(void)
{
	struct rig r;

	for (int login = 0; login < 2; login++) {
		rig_start(&r, &(struct scene){ .tls = SMTP_TLS_OFF, .login = login }, 0);
		mask_add(smtp_mask(r.s), "of-the-proxy", 12);
		if (login)
			smtp_secret(r.s, &r.secret);
		rig_say(&r, "554 " SECRET " of-the-proxy dTpvZi10aGUtcHJveHk=\r\n");
		check_text(smtp_failure(r.s)->result.text, login ?
			"554 " STARS " ************ dT******************" :
			"554 " SECRET " ************ dT******************", "D9 what the caller adds");
		check(!strstr(buf_text(&r.trace), "of-the-proxy"), "D9 nor in the transcript");
		rig_release(&r);
	}
}

int main(void)
{
	test_rows();
	test_hint();
	test_others();
	return tap_done();
}
