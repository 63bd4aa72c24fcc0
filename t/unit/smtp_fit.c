/* t/unit/smtp_fit.c - fit(): the content as this server wants it, asked for when it
 * is known what that is, and before anything is said of it. */
#include "smtp/capabilities.h"
#include "t/unit/smtp_rig.h"

enum plan { SHORTER, LATER, NEVER, UTF8 };

static enum plan plan;
static unsigned asked;
static struct smtp_capabilities seen;

static int fit(void *context, struct smtp_message *m, const struct smtp_capabilities *c,
	struct err *e)
{
	struct mail *mail = context;

	asked++;
	seen = *c;
	buf_printf(&mail->rig->trace, "** fit %d\n", (int)(mail - mail->rig->mails) + 1);
	if (plan == LATER)
		return err_set(e, ERR_STORE, "no room");
	if (plan == NEVER) {
		err_set(e, ERR_CAPABILITY, "not by this server");
		return err_hint(e, "by another");
	}
	if (plan == UTF8)
		m->utf8 = true;
	mail->content = "fit\r\n";
	mail->len = m->size = 5;
	m->eight_bit = false;
	return 0;
}

/* Two messages of which the first is asked for; the session up to MAIL. */
static void start(struct rig *r, enum plan what, const char *offers)
{
	struct mail *mail;

	plan = what;
	asked = 0;
	rig_start(r, &(struct scene){ .tls = SMTP_TLS_OFF }, 0);
	rig_add(r, 3, "a message\r\n");
	rig_add(r, 1, "x\r\n");
	mail = &r->mails[0];
	mail->m.eight_bit = true;
	mail->m.fit = fit;
	rig_ready(r);
	check_int(smtp_load(r->s)->octets, 14, "what was submitted");
	rig_flight(r);
	rig_say(r, "220 mx\r\n");
	rig_flight(r);
	check_int(asked, 0, "not asked before EHLO is answered");
	rig_say(r, offers);
	rig_flight(r);
}

static void end(struct rig *r, const char *verdicts, const char *what)
{
	char *got = rig_verdicts(r);

	check_text(got, verdicts, "%s: the verdicts", what);
	free(got);
	rig_release(r);
}

static void test_shorter(void)
{
	struct rig r;

	start(&r, SHORTER, "250-mx\r\n250-PIPELINING\r\n250 SIZE 8\r\n");
	check_text(buf_text(&r.flight), "MAIL FROM:<me@example.com> SIZE=5\r\nRCPT TO:<r1@example.com>\r\n"
		"RCPT TO:<r2@example.com>\r\nRCPT TO:<r3@example.com>\r\nDATA\r\n",
		"SIZE is that of what is sent, and so is what the server is asked for");
	check_int(smtp_load(r.s)->octets, 8, "and what deadlines count");
	check(seen.size == 8 && seen.pipelining && !seen.eight_bit_mime, "it is told what is offered");
	rig_say(&r, "250 ok\r\n250 ok\r\n452 4.5.3 too many\r\n452 4.5.3 too many\r\n354 go\r\n");
	rig_flight(&r);
	check(!strncmp(buf_text(&r.flight), "fit\r\n.\r\nMAIL", 12), "its content");
	rig_say(&r, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	rig_flight(&r);
	check(!strncmp(buf_text(&r.flight), "fit\r\n.\r\nMAIL", 12), "and again, in the second transaction");
	check_int(asked, 1, "asked for once");
	rig_say(&r, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	rig_flight(&r);
	rig_say(&r, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	rig_flight(&r);
	rig_say(&r, "250 ok\r\n");
	rig_flight(&r);
	check_int(smtp_load(r.s)->octets, 0, "all of it is done");
	end(&r, "D250 D250 D250; D250", "shorter");
}

static void test_cannot(enum plan what, const char *verdicts)
{
	struct rig r;

	start(&r, what, "250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
	check_text(buf_text(&r.flight), "MAIL FROM:<me@example.com>\r\nRCPT TO:<r1@example.com>\r\nDATA\r\n",
		"nothing is said of it, the next one goes");
	check_int(asked, 1, "asked for once");
	check_text(r.mails[0].results[1].text, what == NEVER ? "not by this server" :
		what == LATER ? "no room" : "an address has a local part that is not ASCII and this server "
		"does not offer SMTPUTF8", "and why");
	if (what == NEVER)
		check_text(r.mails[0].results[1].hint, "by another", "and what to do");
	end(&r, verdicts, "cannot");
}

static void test_utf8(void)
{
	struct rig r;

	start(&r, UTF8, "250-mx\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n");
	check_text(buf_text(&r.flight), "MAIL FROM:<me@example.com> SMTPUTF8\r\n", "SMTPUTF8 is said");
	rig_release(&r);
}

static void test_helo(void)
{
	struct rig r;

	start(&r, SHORTER, "500 what\r\n");
	rig_say(&r, "250 mx\r\n");
	rig_flight(&r);
	check(asked == 1 && !seen.esmtp && !seen.eight_bit_mime, "HELO: nothing is offered");
	check_text(buf_text(&r.flight), "MAIL FROM:<me@example.com>\r\n", "HELO: it goes");
	rig_release(&r);
}

int main(void)
{
	test_shorter();
	test_cannot(LATER, "Tother Tother Tother; Pnone");
	test_cannot(NEVER, "Rcapability Rcapability Rcapability; Pnone");
	test_cannot(UTF8, "Rcapability Rcapability Rcapability; Pnone");
	test_utf8();
	test_helo();
	return tap_done();
}
