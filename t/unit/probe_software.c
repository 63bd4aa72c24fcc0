/* t/unit/probe_software.c - greetings as servers say them, and who is guessed. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "probe/software.h"

static const struct {
	const char *greeting, *ehlo, *want;
} rows[] = {
	{ "smtp.gmail.com ESMTP 5b1f17b1804b1-4358ec8ed9bsm52.43 - gsmtp", "", "Gmail" },
	{ "mx.google.com ESMTP a1-20020a170906", "", "Gmail" },
	{ "AM0PR01CA0123.outlook.office365.com Microsoft ESMTP MAIL Service ready at Mon, 30 Nov 2026 "
		"10:00:00 +0000", "", "Microsoft 365" },
	{ "VI1EUR04FT0.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at Mon", "",
		"Microsoft 365" },
	{ "ex01.corp.example Microsoft ESMTP MAIL Service ready at Mon, 30 Nov 2026", "",
		"Microsoft Exchange" },
	{ "email-smtp.amazonaws.com ESMTP SimpleEmailService-d-A1B2C3D4E abc", "", "Amazon SES" },
	{ "SG ESMTP service ready at geopod-ismtpd-4", "", "SendGrid" },
	{ "Mailgun Influx ready", "", "Mailgun" },
	{ "smtp-relay.sendinblue.com ESMTP Service Ready", "", "Brevo" },
	{ "in.mailjet.com ESMTP Mailjet", "", "Mailjet" },
	{ "smtp.sparkpostmail.com ESMTP ecelerity 4.3.1.69410", "", "SparkPost" },
	{ "smtp.mail.yahoo.com ESMTP ready", "", "Yahoo" },
	{ "gmx.com (mrgmx001) Nemesis ESMTP Service ready", "", "GMX, WEB.DE, mail.com or IONOS" },
	{ "kundenserver.de (mreue108) Nemesis ESMTP Service ready", "",
		"GMX, WEB.DE, mail.com or IONOS" },
	{ "mail-nwsmtp-7.myt.yp-c.yandex.net (Want to use Yandex.Mail for your domain? Visit "
		"http://pdd.yandex.ru)", "", "Yandex" },
	{ "mx.zohomail.com SMTP Server ready November 30, 2026", "", "Zoho" },
	{ "newxmesmtplogicsvrsza9.qq.com XMail Esmtp QQ Mail Server.", "", "QQ Mail" },
	{ "163.com Anti-spam GT for Coremail System (163com[20141201])", "", "NetEase (coremail)" },
	{ "127.0.0.1 ProtonMail Bridge ESMTP Service Ready", "", "Proton Mail Bridge" },
	{ "mail.example.org ESMTP Postfix (Debian/GNU)", "", "Postfix" },
	{ "zm.example.org ESMTP Postfix, Zimbra", "", "Zimbra (Postfix)" },
	{ "mail.example.org Dovecot (Debian) ready.", "", "Dovecot" },
	{ "mx.example.org ESMTP Exim 4.96 Mon, 30 Nov 2026 10:00:00 +0000", "", "Exim" },
	{ "mx.example.org ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; Mon", "", "Sendmail" },
	{ "mx.example.org ESMTP OpenSMTPD", "", "OpenSMTPD" },
	{ "mx.example.org ESMTP Haraka/2.8.28 ready (E1A6)", "", "Haraka" },
	{ "mx.example.org Stalwart ESMTP at your service", "", "Stalwart" },
	{ "mx.example.org ESMTP CommuniGate Pro 6.2.14 is glad to see you!", "", "CommuniGate Pro" },
	{ "mx.example.org ESMTP IceWarp 11.4.6; Mon", "", "IceWarp" },
	{ "mx.example.org Kerio Connect 9.2.7 ESMTP ready", "", "Kerio Connect" },
	{ "mx.example.org ESMTP MDaemon 21.5.0; Mon", "", "MDaemon" },
	{ "mx.example.org ESMTP MailEnable Service, Version: 10.00-- ready", "", "MailEnable" },
	{ "mx.example.org ESMTP Service (IBM Domino Release 9.0.1FP8) ready", "", "HCL Domino" },
	{ "mx.example.org (PowerMTA(TM) v5.0r1) ESMTP service ready", "", "PowerMTA" },
	{ "mx.example.org Mailpit ESMTP Service ready", "", "Mailpit" },
	{ "mailhog.example ESMTP MailHog", "", "MailHog" },
	{ "mx.example.org Cyrus LMTP 3.6.1-Debian-3.6.1-4 server ready", "", "Cyrus" },
	{ "localhost ESMTP msmtpd 1.8.23", "", "msmtpd" },
	{ "mx.example.org Python SMTP 1.4.4", "", "aiosmtpd" },

	/* Who does not say it, but cannot hide it. */
	{ "mx.example.org ESMTP", "mx.example.org\nSIZE 1000\nPIPECONNECT\nHELP", "Exim" },
	{ "mx.example.org ESMTP", "mx.example.org\nX_PIPE_CONNECT", "Exim" },
	{ "mx.example.org ESMTP", "mx.example.org\nXCLIENT NAME ADDR PORT\nXFORWARD", "Postfix" },
	{ "mx.example.org ESMTP", "mx.example.org\nX-ANONYMOUSTLS\nAUTH NTLM", "Microsoft Exchange" },
	{ "mx.example.org ESMTP", "mx.example.org\nxsendoff=1", "the queue of a sendoff" },
	{ "mx.example.org ESMTP Postfix", "mx.example.org\nXSENDOFF", "the queue of a sendoff" },

	/* The letters' case is nobody's business; whole keywords are. */
	{ "MX.EXAMPLE.ORG ESMTP POSTFIX", "", "Postfix" },
	{ "mx.example.org ESMTP", "mx.example.org\nXCLIENTS\nAUTH XCLIENT", NULL },
	{ "mx.example.org ESMTP", "mx.example.org\nSIZE\n8BITMIME\nHELP", NULL },
	{ "hello", "", NULL },
	{ "", "", NULL },
	{ "\nPostfix", "\n\n", "Postfix" },
	{ "mx.example.org ESMTP", "\nXCLIENT", "Postfix" },
};

static const char *cut(const char *text, size_t len, char **own)
{
	free(*own);
	return *own = mem_copy(text, len);
}

/* Half of it is a guess as well, or none; but never a crash. */
static void test_cut(void)
{
	char *a = NULL, *b = NULL;
	size_t guesses = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t len = 0; len <= strlen(rows[i].greeting); len++)
			guesses += software_guess(cut(rows[i].greeting, len, &a), "") != NULL;
		for (size_t len = 0; len <= strlen(rows[i].ehlo); len++)
			guesses += software_guess("", cut(rows[i].ehlo, len, &b)) != NULL;
	}
	check(guesses > COUNT(rows), "%zu guesses of half a greeting", guesses);
	free(a);
	free(b);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		check_text(software_guess(rows[i].greeting, rows[i].ehlo), rows[i].want, "%s: %s",
			rows[i].want ? rows[i].want : "nobody", rows[i].greeting);
	test_cut();
	return tap_done();
}
