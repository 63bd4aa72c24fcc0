/* probe/software.c - guessing a server's software; see software.h.
 *
 * Tried from the top: what is more special stands first.
 */
#include "probe/software.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

struct mark {
	const char *name;
	const char *greeting;    /* in the greeting, case-free; NULL: anything */
	const char *keyword;     /* first word of a line of EHLO, case-free; NULL: anything */
};

static const struct mark marks[] = {
	{ "the queue of a sendoff", NULL, "XSENDOFF" },
	{ "Gmail", "gsmtp", NULL },
	{ "Gmail", "google.com ESMTP", NULL },
	{ "Microsoft 365", "outlook.com Microsoft ESMTP MAIL", NULL },
	{ "Microsoft 365", "office365.com Microsoft ESMTP MAIL", NULL },
	{ "Microsoft Exchange", "Microsoft ESMTP MAIL", NULL },
	{ "Amazon SES", "SimpleEmailService", NULL },
	{ "SendGrid", "SG ESMTP", NULL },
	{ "Mailgun", "mailgun", NULL },
	{ "Postmark", "mtasv.net", NULL },
	{ "Brevo", "sendinblue", NULL },
	{ "Mailjet", "mailjet", NULL },
	{ "SparkPost", "ecelerity", NULL },
	{ "Yahoo", "yahoo.com ESMTP", NULL },
	{ "iCloud", "icloud.com ESMTP", NULL },
	{ "Yandex", "yandex", NULL },
	{ "Zoho", "zoho", NULL },
	{ "QQ Mail", "esmtp qq mail server", NULL },
	{ "NetEase (coremail)", "coremail", NULL },
	{ "GMX, WEB.DE, mail.com or IONOS", "Nemesis ESMTP", NULL },
	{ "Proton Mail Bridge", "ProtonMail Bridge", NULL },
	{ "Zimbra (Postfix)", "Zimbra", NULL },
	{ "Dovecot", "Dovecot", NULL },
	{ "Cyrus", "Cyrus LMTP", NULL },
	{ "Postfix", "Postfix", NULL },
	{ "Exim", "Exim ", NULL },
	{ "Sendmail", "Sendmail", NULL },
	{ "OpenSMTPD", "OpenSMTPD", NULL },
	{ "Haraka", "Haraka", NULL },
	{ "Stalwart", "Stalwart", NULL },
	{ "maddy", "maddy", NULL },
	{ "Courier", "Courier", NULL },
	{ "CommuniGate Pro", "CommuniGate", NULL },
	{ "IceWarp", "IceWarp", NULL },
	{ "Kerio Connect", "Kerio", NULL },
	{ "MDaemon", "MDaemon", NULL },
	{ "MailEnable", "MailEnable", NULL },
	{ "hMailServer", "hMailServer", NULL },
	{ "SmarterMail", "SmarterMail", NULL },
	{ "HCL Domino", "Domino", NULL },
	{ "Apache James", "JAMES", NULL },
	{ "PowerMTA", "PowerMTA", NULL },
	{ "Momentum", "Momentum", NULL },
	{ "qmail", "qmail", NULL },
	{ "Mailpit", "Mailpit", NULL },
	{ "MailHog", "MailHog", NULL },
	{ "msmtpd", "msmtpd", NULL },
	{ "aiosmtpd", "Python SMTP", NULL },
	{ "Exim", NULL, "PIPECONNECT" },
	{ "Exim", NULL, "X_PIPE_CONNECT" },
	{ "Postfix", NULL, "XFORWARD" },
	{ "Postfix", NULL, "XCLIENT" },
	{ "Microsoft Exchange", NULL, "X-ANONYMOUSTLS" },
	{ "Microsoft Exchange", NULL, "X-EXPS" },
};

static bool has_keyword(const char *ehlo, const char *keyword)
{
	size_t len = strlen(keyword);

	for (const char *line = ehlo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncasecmp(line, keyword, len) &&
		    (!line[len] || strchr(" =\n", line[len])))
			return true;
	}
	return false;
}

const char *software_guess(const char *greeting, const char *ehlo)
{
	for (size_t i = 0; i < COUNT(marks); i++) {
		const struct mark *m = &marks[i];

		if (m->greeting && strcasestr(greeting, m->greeting))
			return m->name;
		if (m->keyword && has_keyword(ehlo, m->keyword))
			return m->name;
	}
	return NULL;
}
