/* What a server said, and which cause it is taken for: each row of the table by the
 * words of servers that say such things, and what is almost the same.
 */
#include "deliver/cause_row.h"

#include "base/mem.h"
#include "t/unit/tap.h"

enum { ROWS_MOST = 300 };

struct saying {
	enum smtp_step step;
	const char *text;       /* begins with the code, and the enhanced one */
	const char *id;
	const char *host;       /* NULL: mail.example.test */
	const char *known;      /* smtp_result.cause */
	unsigned standing;      /* of the session */
};

static const struct saying sayings[] = {
	/* ---- the system's runner */
	{ STEP_RCPT, "550 5.1.1 no such user",
		.id = "runner-recipient", .host = "/run/sendoff/smtp.sock" },
	{ STEP_MAIL, "550 5.7.1 not for you",
		.id = "runner-policy", .host = "/run/sendoff/smtp.sock" },
	{ STEP_CONTENT, "554 5.6.0 loops",
		.id = "runner-message", .host = "/run/sendoff/smtp.sock" },
	{ STEP_MAIL, "452 4.3.1 full", .id = "runner-later", .host = "/run/sendoff/smtp.sock" },
	{ STEP_RCPT, "550 5.1.1 no such user",
		.id = "recipient-refused", .host = "/run/other/smtp.sock" },
	/* ---- tokens */
	{ STEP_AUTH, "535 5.7.8 no "
		"({\"status\":\"invalid_request\",\"scope\":\"insufficient_scope\"})",
		.id = "token-wrong-scope" },
	{ STEP_AUTH, "535 5.7.8 Username and Password not accepted "
		"({\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"https://mail.google.com/\"})",
		.id = "token-expired", .host = "smtp.gmail.com" },
	{ STEP_AUTH, "535 5.7.8 no ({\"status\":\"401\",\"schemes\":\"bearer mac\"})",
		.id = "token-expired" },
	{ STEP_AUTH, "535 5.7.8 no ({\"status\":\"invalid_token\",\"schemes\":\"bearer\"})",
		.id = "token-expired" },
	{ STEP_AUTH, "535 5.7.8 no ({\"status\":\"402\"})", .id = "login-refused" },
	/* ---- Google */
	{ STEP_AUTH, "534 5.7.9 Application-specific password required. For more information, "
		"go to https://support.google.com/mail/?p=InvalidSecondFactor x - gsmtp",
		.id = "app-password-needed", .host = "smtp.gmail.com" },
	{ STEP_AUTH, "534 5.7.14 <https://accounts.google.com/signin/continue?sarp=1> Please "
		"log in via your web browser and then try again.",
		.id = "web-login-wanted" },
	{ STEP_AUTH, "534 5.7.14 x", .id = "web-login-wanted" },
	{ STEP_AUTH, "534 5.7.9 Please log in via your web browser and then try again.",
		.id = "web-login-wanted" },
	{ STEP_AUTH, "535 5.7.8 Username and Password not accepted. For more information, go "
		"to https://support.google.com/mail/?p=BadCredentials x - gsmtp",
		.id = "google-password" },
	{ STEP_AUTH, "535 5.7.8 x", .id = "google-password", .host = "smtp.gmail.com" },
	{ STEP_AUTH, "535 5.7.8 x", .id = "login-refused", .host = "notgmail.com" },
	{ STEP_AUTH, "535 5.7.8 x", .id = "login-refused", .host = "smtp.gmail.com.example.test" },
	{ STEP_AUTH, "454 4.7.0 Too many login attempts, please try again later.",
		.id = "too-many-logins" },
	{ STEP_CONTENT, "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail",
		.id = "daily-limit" },
	{ STEP_MAIL, "550 5.4.5 x", .id = "daily-limit" },
	{ STEP_GREETING, "421 4.7.0 Try again later, closing connection. (EHLO) x - gsmtp",
		.id = "server-closes" },
	{ STEP_GREETING, "421 4.7.28 Our system has detected an unusual rate of unsolicited mail",
		.id = "ip-blocked-now" },
	{ STEP_CONTENT, "552 5.3.4 Your message exceeded Google's message size limits.",
		.id = "message-too-big" },
	{ STEP_CONTENT, "550 5.7.26 This mail has been blocked because the sender is unauthenticated.",
		.id = "sender-not-authentic" },
	/* ---- Microsoft */
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is "
		"disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled",
		.id = "smtp-auth-disabled-tenant" },
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is "
		"disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled",
		.id = "smtp-auth-disabled-mailbox" },
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, user is locked by your "
		"organization's security defaults policy. Contact your administrator.",
		.id = "security-defaults" },
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, the request did not meet the "
		"criteria to be authenticated successfully. Contact your administrator.",
		.id = "conditional-access" },
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, the user credentials were "
		"incorrect. [X.prod.outlook.com]",
		.id = "microsoft-password" },
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, basic authentication is "
		"disabled. [X.prod.outlook.com]",
		.id = "basic-auth-retired" },
	{ STEP_AUTH, "550 5.7.30 Basic authentication is not supported for Client Submission.",
		.id = "basic-auth-retired" },
	{ STEP_CONTENT, "550 5.7.30 x", .id = "basic-auth-retired" },
	{ STEP_AUTH, "535 5.7.139 x", .id = "smtp-auth-disabled" },
	{ STEP_AUTH, "535 5.7.3 Authentication unsuccessful [X.PROD.OUTLOOK.COM]",
		.id = "microsoft-password" },
	{ STEP_AUTH, "535 5.7.3 Authentication unsuccessful",
		.id = "token-refused", .known = "token-refused" },
	{ STEP_AUTH, "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.",
		.id = "smtp-auth-disabled-tenant", .known = "token-refused" },
	{ STEP_AUTH, "535 5.7.1 Service principal SendAs not allowed",
		.id = "token-not-allowed", .known = "token-not-allowed" },
	{ STEP_AUTH, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
		.id = "smtp-auth-disabled", .known = "token-not-allowed" },
	{ STEP_AUTH, "535 5.7.139 user is locked by your organizations security defaults policy",
		.id = "security-defaults", .known = "token-not-allowed" },
	{ STEP_AUTH, "535 5.7.8 no ({\"status\":\"401\"})",
		.id = "token-expired", .known = "token-refused" },
	{ STEP_AUTH, "535 5.7.8 Username and Password not accepted",
		.id = "token-refused", .host = "smtp.gmail.com", .known = "token-refused" },
	{ STEP_AUTH, "535 5.7.8 Error: authentication failed: generic failure",
		.id = "kerberos-refused", .known = "kerberos-refused" },
	{ STEP_AUTH, "535 5.7.8 the account is locked", .id = "account-locked", .known = "kerberos-refused" },
	{ STEP_MAIL, "530 5.7.57 Client not authenticated to send mail.", .id = "not-logged-in" },
	{ STEP_CONTENT, "550 5.7.57 x", .id = "not-logged-in" },
	{ STEP_CONTENT, "554 5.2.252 SendAsDenied; me@a.test not allowed to send as b@a.test",
		.id = "sender-not-owned" },
	{ STEP_CONTENT, "554 5.2.0 "
		"STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed "
		"to process message",
		.id = "sender-not-owned" },
	{ STEP_MAIL, "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
		.id = "sender-not-owned" },
	{ STEP_MAIL, "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
		.id = "too-many-connections" },
	{ STEP_CONTENT, "432 4.3.2 Concurrent connections limit exceeded.",
		.id = "too-many-connections" },
	{ STEP_CONTENT, "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException",
		.id = "own-mailbox-full" },
	{ STEP_RCPT, "552 5.2.2 mailbox full", .id = "recipient-full" },
	{ STEP_CONTENT, "550 5.1.90 Your message can't be sent because you've reached your "
		"daily limit for message recipients",
		.id = "daily-limit" },
	{ STEP_CONTENT, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
		.id = "daily-limit" },
	{ STEP_CONTENT, "550 5.1.8 Access denied, bad outbound sender AS(42004)",
		.id = "sending-suspended" },
	{ STEP_MAIL, "550 5.7.708 Service unavailable. Access denied, traffic not accepted "
		"from this IP",
		.id = "sending-suspended" },
	{ STEP_GREETING, "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
		.id = "ip-blocked" },
	{ STEP_MAIL, "550 5.7.511 Access denied, banned sender [192.0.2.1]",
		.id = "sender-blocked" },
	{ STEP_AUTH, "504 5.7.4 Unrecognized authentication type",
		.id = "login-mechanism-unknown" },
	{ STEP_EHLO, "501 5.5.4 Invalid domain name", .id = "ehlo-refused" },
	{ STEP_CONTENT, "550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients",
		.id = "recipient-limit" },
	/* ---- other providers */
	{ STEP_AUTH, "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
		.id = "app-password-only" },
	{ STEP_AUTH, "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
		.id = "too-many-logins", .standing = SMTP_ENCRYPTED | SMTP_BY_TOKEN },
	{ STEP_AUTH, "535 5.7.0 (#MBR1212) Incorrect username or password.",
		.id = "login-refused", .standing = SMTP_ENCRYPTED | SMTP_BY_TOKEN },
	{ STEP_AUTH, "535 5.7.8 Application-specific password required",
		.id = "login-refused", .standing = SMTP_ENCRYPTED | SMTP_BY_TOKEN },
	{ STEP_AUTH, "535 5.7.0 (#MBR1212) Incorrect username or password.",
		.id = "app-password-only" },
	{ STEP_AUTH, "535 5.7.8 Error: authentication failed: x",
		.id = "app-password-only", .host = "smtp.mail.me.com" },
	{ STEP_AUTH, "550 5.7.8 Bad username / password",
		.id = "app-password-only", .host = "smtp.mail.me.com" },
	{ STEP_AUTH, "535 5.7.8 Error: authentication failed: x",
		.id = "login-refused", .host = "somail.me.com.test" },
	{ STEP_CONTENT, "554 6.6.0 Error sending message for delivery.",
		.id = "yahoo-did-not-send" },
	{ STEP_AUTH, "535 5.7.8 Error: authentication failed: This user does not have access "
		"rights to this service",
		.id = "mail-programs-not-allowed", .host = "smtp.yandex.com" },
	{ STEP_AUTH, "550 User has no permission",
		.id = "mail-programs-not-allowed", .host = "smtp.163.com" },
	{ STEP_AUTH, "535 POP3/IMAP is not enabled for this mailbox",
		.id = "mail-programs-not-allowed" },
	{ STEP_AUTH, "535 Login Fail. Please enter your authorization code to login. More "
		"information in http://service.mail.qq.com/",
		.id = "authorization-code-needed" },
	{ STEP_AUTH, "535 Error: authentication failed",
		.id = "authorization-code-needed", .host = "smtp.163.com" },
	{ STEP_MAIL, "501 mail from address must be same as authorization user",
		.id = "sender-not-owned" },
	{ STEP_MAIL, "553 Mail from must equal authorized user", .id = "sender-not-owned" },
	{ STEP_AUTH, "535 Authentication Failed", .id = "zoho-password", .host = "smtp.zoho.eu" },
	{ STEP_RCPT, "553 Relaying disallowed as me@example.test", .id = "sender-not-owned" },
	{ STEP_AUTH, "535 Authentication credentials invalid",
		.id = "access-switch-or-password", .host = "mail.gmx.net" },
	{ STEP_AUTH, "535 Authentication credentials invalid",
		.id = "login-refused", .host = "hotmail.com.test" },
	{ STEP_CONTENT, "450 Requested mail action not taken: mailbox unavailable Mail send "
		"limit exceeded.",
		.id = "daily-limit" },
	{ STEP_MAIL, "550 Requested action not taken: mailbox unavailable Sender address is "
		"not allowed.",
		.id = "sender-not-owned" },
	{ STEP_GREETING, "554 gmx.net (mxgmx104) Nemesis ESMTP Service not available No SMTP "
		"service IP address is block listed.",
		.id = "ip-blocked" },
	{ STEP_MAIL, "550 5.7.0 From address is not one of your addresses",
		.id = "sender-not-owned" },
	{ STEP_AUTH, "535 Authentication Credentials Invalid",
		.id = "ses-credentials", .host = "email-smtp.eu-west-1.amazonaws.com" },
	{ STEP_CONTENT, "454 Throttling failure: Maximum sending rate exceeded.",
		.id = "too-many-messages" },
	{ STEP_CONTENT, "454 Throttling failure: Daily message quota exceeded.",
		.id = "daily-limit" },
	{ STEP_CONTENT, "554 Message rejected: Email address is not verified. The following "
		"identities failed the check in region EU-WEST-1: a@b.test",
		.id = "identity-not-verified" },
	{ STEP_CONTENT, "554 Transaction failed: Missing final '@domain'",
		.id = "bare-name-in-header" },
	{ STEP_AUTH, "535 Authentication failed: Bad username / password",
		.id = "sendgrid-key", .host = "smtp.sendgrid.net" },
	{ STEP_AUTH, "451 Authentication failed: Maximum credits exceeded",
		.id = "credits-used-up" },
	{ STEP_MAIL, "550 Unauthenticated senders not allowed", .id = "not-logged-in" },
	{ STEP_RCPT, "550 Authentication required", .id = "not-logged-in" },
	{ STEP_MAIL, "451 authentication required", .id = "not-logged-in" },
	{ STEP_CONTENT, "550 The from address does not match a verified Sender Identity. Mail "
		"cannot be sent until this error is resolved.",
		.id = "identity-not-verified" },
	{ STEP_RCPT, "421 Sandbox subdomains are for test purposes only. Please add your own "
		"domain or add the address to authorized recipients",
		.id = "recipient-not-released" },
	{ STEP_RCPT, "406 You tried to send to a recipient that has been marked as inactive.",
		.id = "recipient-suppressed" },
	{ STEP_AUTH, "525 5.7.13 Account disabled", .id = "account-disabled" },
	{ STEP_AUTH, "502 5.7.0 Your SMTP account is not yet activated", .id = "account-disabled" },
	{ STEP_AUTH, "525 5.7.13 x", .id = "account-disabled" },
	{ STEP_MAIL, "550 5.7.1 Your mail limit has been reached.", .id = "daily-limit" },
	/* ---- logins elsewhere */
	{ STEP_AUTH, "525 5.7.1 Unauthorized IP address", .id = "login-address-refused" },
	{ STEP_AUTH, "535 Authentication failed: Your IP has been blocked",
		.id = "login-address-refused" },
	{ STEP_AUTH, "535 5.7.1 IP address not allowed", .id = "login-address-refused" },
	{ STEP_AUTH, "535 5.7.8 your IP is blacklisted",
		.id = "login-address-refused", .host = "smtp.163.com" },
	{ STEP_AUTH, "535 5.7.8 Your subscription blocks that, relationship not allowed",
		.id = "login-refused" },
	{ STEP_AUTH, "454 4.7.0 Your IP has been blocked", .id = "login-later" },
	{ STEP_RCPT, "554 5.7.1 your IP address is blocked", .id = "ip-blocked" },
	{ STEP_AUTH, "526 Authentication failure", .id = "login-refused" },
	{ STEP_AUTH, "550 User not found", .id = "login-refused" },
	{ STEP_AUTH, "550 5.1.1 No such user", .id = "login-refused" },
	{ STEP_RCPT, "550 User not found", .id = "recipient-refused" },
	{ STEP_AUTH, "526 no", .id = "login-not-understood" },
	{ STEP_AUTH, "535 5.7.8 please use an app specific password", .id = "app-password-needed" },
	{ STEP_AUTH, "421 4.7.0 mx Error: too many errors", .id = "too-many-logins" },
	{ STEP_AUTH, "421 Too many errors on this connection", .id = "too-many-logins" },
	{ STEP_AUTH, "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
		.id = "login-refused" },
	{ STEP_AUTH, "535 Incorrect authentication data", .id = "login-refused" },
	{ STEP_AUTH, "535 ", .id = "login-refused" },
	{ STEP_AUTH, "550 5.7.8 x", .id = "login-refused" },
	{ STEP_AUTH, "535 5.7.8 Your account is temporarily locked", .id = "account-locked" },
	{ STEP_AUTH, "535 5.7.8 The password has expired", .id = "password-expired" },
	{ STEP_AUTH, "432 4.7.12 A password transition is needed", .id = "password-transition" },
	{ STEP_AUTH, "432 4.7.12 x", .id = "password-transition" },
	{ STEP_AUTH, "454 4.7.0 Account locked for a while", .id = "too-many-logins" },
	{ STEP_GREETING, "450 4.7.1 no PTR record", .id = "busy" },
	{ STEP_GREETING, "554 5.7.1 no PTR record", .id = "no-reverse-name" },
	{ STEP_AUTH, "535 5.7.0 Too many failed logins", .id = "too-many-logins" },
	{ STEP_AUTH, "538 5.7.11 Encryption required for requested authentication mechanism",
		.id = "login-needs-tls" },
	{ STEP_AUTH, "538 ", .id = "login-needs-tls" },
	{ STEP_AUTH, "534 5.7.9 Authentication mechanism is too weak",
		.id = "login-mechanism-weak" },
	{ STEP_AUTH, "500 5.5.6 Authentication Exchange line is too long",
		.id = "login-line-too-long" },
	{ STEP_AUTH, "504 5.5.4 Mechanism not known", .id = "login-mechanism-unknown" },
	{ STEP_AUTH, "503 5.5.1 Error: authentication not enabled", .id = "login-not-enabled" },
	{ STEP_AUTH, "454 4.7.0 Temporary authentication failure: Connection lost to "
		"authentication server",
		.id = "login-later" },
	{ STEP_AUTH, "501 5.5.2 Cannot decode response", .id = "login-not-understood" },
	{ STEP_AUTH, "530 5.7.0 Must issue a STARTTLS command first", .id = "tls-wanted" },
	{ STEP_MAIL, "530 5.7.0 Must issue a STARTTLS command first", .id = "tls-wanted" },
	{ STEP_MAIL, "523 5.7.10 Encryption Needed", .id = "tls-wanted" },
	/* ---- ... inside TLS, and after a login that was accepted */
	{ STEP_AUTH, "530 5.7.0 Must issue a STARTTLS command first",
		.id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_MAIL, "530 5.7.0 Must issue a STARTTLS command first",
		.id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_MAIL, "530 5.7.0 Must issue a STARTTLS command first",
		.id = "tls-not-seen", .standing = SMTP_ENCRYPTED | SMTP_LOGGED_IN },
	{ STEP_RCPT, "550 5.7.1 Must issue a STARTTLS command first",
		.id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_AUTH, "538 5.7.11 Encryption required for requested authentication mechanism",
		.id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_AUTH, "538 no", .id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_AUTH, "535 5.7.1 This login requires encryption",
		.id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_MAIL, "523 5.7.10 Encryption Needed", .id = "tls-not-seen", .standing = SMTP_ENCRYPTED },
	{ STEP_AUTH, "535 5.7.8 x", .id = "login-refused", .standing = SMTP_ENCRYPTED },
	{ STEP_RCPT, "550 5.7.10 This recipient requires encryption",
		.id = "recipient-refused", .standing = SMTP_ENCRYPTED | SMTP_LOGGED_IN },
	{ STEP_CONTENT, "550 5.7.10 Encrypt this message",
		.id = "content-refused", .standing = SMTP_ENCRYPTED | SMTP_LOGGED_IN },
	{ STEP_MAIL, "530 5.7.0 Authentication required",
		.id = "login-not-counted", .standing = SMTP_ENCRYPTED | SMTP_LOGGED_IN },
	{ STEP_MAIL, "530 5.7.57 Client not authenticated to send mail.",
		.id = "login-not-counted", .standing = SMTP_LOGGED_IN },
	{ STEP_RCPT, "550 5.7.1 SMTP AUTH is required",
		.id = "login-not-counted", .standing = SMTP_LOGGED_IN },
	{ STEP_CONTENT, "530 5.7.0 Authentication Required",
		.id = "login-not-counted", .standing = SMTP_LOGGED_IN },
	{ STEP_RCPT, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication "
		"required", .id = "recipient-restricted", .standing = SMTP_LOGGED_IN },
	{ STEP_MAIL, "530 5.7.0 Authentication required",
		.id = "not-logged-in", .standing = SMTP_ENCRYPTED },
	{ STEP_MAIL, "530 5.7.0 Authentication required", .id = "not-logged-in" },
	{ STEP_MAIL, "530 ", .id = "not-logged-in" },
	{ STEP_MAIL, "553 5.7.1 <a@b.test>: Sender address rejected: not logged in",
		.id = "not-logged-in" },
	/* ---- rates */
	{ STEP_GREETING, "421 4.7.0 mail.b.test Error: too many connections from 192.0.2.1",
		.id = "too-many-connections" },
	{ STEP_GREETING, "421 Too many concurrent SMTP connections from this IP address; "
		"please try again later",
		.id = "too-many-connections" },
	{ STEP_MAIL, "450 4.7.1 Error: too many messages: slow down", .id = "too-many-messages" },
	{ STEP_MAIL, "421 4.3.2 x", .id = "server-closes" },
	{ STEP_CONTENT, "421 4.3.0 collect: Cannot write ./dfa (bfcommit, uid=0)",
		.id = "server-in-trouble" },
	{ STEP_GREETING, "421 4.3.1 x", .id = "server-in-trouble" },
	{ STEP_RCPT, "421 4.3.5 Server configuration error", .id = "server-in-trouble" },
	{ STEP_GREETING, "421 4.3.0 too many connections from you", .id = "too-many-connections" },
	{ STEP_RCPT, "450 4.2.1 The user you are trying to contact is receiving mail at a rate "
		"that prevents more",
		.id = "recipient-later" },
	/* ---- addresses of networks, names, turns */
	{ STEP_RCPT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
		"zen.spamhaus.org; https://x",
		.id = "ip-blocked" },
	{ STEP_GREETING, "554 5.7.1 Your IP is on our blacklist", .id = "ip-blocked" },
	{ STEP_RCPT, "450 4.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
		"bl.spamcop.net",
		.id = "ip-blocked-now" },
	{ STEP_MAIL, "554 5.7.1 Service unavailable; Sender address [a@b.test] blocked using "
		"dbl.spamhaus.org",
		.id = "sender-blocked" },
	{ STEP_CONTENT, "554 5.7.1 A link in it is listed by Spamhaus", .id = "content-unwanted" },
	{ STEP_RCPT, "550 5.1.1 <spamhaus@b.test>: User unknown", .id = "recipient-refused" },
	{ STEP_RCPT, "550 5.1.1 blacklist@b.test... User unknown", .id = "recipient-refused" },
	{ STEP_RCPT, "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
		.id = "no-reverse-name" },
	{ STEP_MAIL, "550 5.7.25 x", .id = "no-reverse-name" },
	{ STEP_RCPT, "504 5.5.2 <box>: Helo command rejected: need fully-qualified hostname",
		.id = "ehlo-refused" },
	{ STEP_EHLO, "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)",
		.id = "ehlo-refused" },
	{ STEP_HELO, "501 Syntactically invalid HELO argument(s)", .id = "ehlo-refused" },
	{ STEP_RCPT, "450 4.7.1 <box.example.test>: Helo command rejected: Host not found",
		.id = "ehlo-refused-now" },
	{ STEP_RCPT, "450 4.7.1 <box>: Helo command rejected: need fully-qualified hostname",
		.id = "ehlo-refused-now" },
	{ STEP_EHLO, "450 4.7.1 <box>: Helo command rejected: Host not found",
		.id = "ehlo-refused-now" },
	{ STEP_RCPT, "421 4.7.1 <box>: Helo command rejected: Host not found",
		.id = "server-closes" },
	{ STEP_CONTENT, "451 4.7.1 bad helo in a header", .id = "content-later" },
	{ STEP_EHLO, "550 x", .id = "greeted-off" },
	{ STEP_EHLO, "554 SMTP synchronization error", .id = "out-of-step" },
	{ STEP_MAIL, "503 5.5.0 improper use of SMTP command pipelining", .id = "out-of-step" },
	{ STEP_GREETING, "554 mail.b.test ESMTP not accepting messages", .id = "greeted-off" },
	{ STEP_EHLO, "530 Please login with USER and PASS.", .id = "other-protocol-here" },
	{ STEP_EHLO, "500 5.5.1 Command unrecognized", .id = "ehlo-unknown" },
	{ STEP_EHLO, "502 5.5.2 Error: command not recognized", .id = "ehlo-unknown" },
	{ STEP_EHLO, "503 5.5.1 x", .id = "greeted-off" },
	{ STEP_GREETING, "500 x", .id = "greeted-off" },
	{ STEP_EHLO, "500 EHLO not understood",
		.id = "other-protocol-here", .known = "other-protocol-here" },
	{ STEP_EHLO, "500 Your IP is on our blacklist",
		.id = "ip-blocked", .known = "other-protocol-here" },
	{ STEP_EHLO, "500 EHLO not understood", .id = "lmtp-here", .known = "lmtp-here" },
	{ STEP_EHLO, "502 5.5.1 This is LMTP: say LHLO", .id = "lmtp-here" },
	{ STEP_HELO, "500 5.5.1 use lhlo", .id = "lmtp-here" },
	{ STEP_HELO, "502 5.5.2 Unknown command", .id = "lmtp-here", .host = "/run/dovecot/lmtp" },
	{ STEP_EHLO, "502 5.5.2 Unknown command", .id = "ehlo-unknown", .host = "/run/x/smtp" },
	{ STEP_EHLO, "502 5.5.2 Unknown command", .id = "ehlo-unknown", .host = "lmtp.example.test" },
	{ STEP_LHLO, "500 5.5.1 Command unrecognized: LHLO", .id = "lhlo-unknown" },
	{ STEP_LHLO, "502 5.5.2 Error: command not recognized", .id = "lhlo-unknown" },
	{ STEP_LHLO, "503 5.5.1 EHLO/HELO first.", .id = "lhlo-unknown" },
	{ STEP_LHLO, "501 5.5.4 Invalid domain name", .id = "ehlo-refused" },
	{ STEP_LHLO, "530 5.7.0 Must issue a STARTTLS command first", .id = "tls-wanted" },
	{ STEP_LHLO, "550 x", .id = "greeted-off" },
	{ STEP_LHLO, "451 x", .id = "busy" },
	{ STEP_HELO, "500 5.5.1 Command unrecognized", .id = "other-protocol-here" },
	{ STEP_HELO, "502 x", .id = "other-protocol-here" },
	{ STEP_HELO, "550 x", .id = "greeted-off" },
	{ STEP_GREETING, "450 4.3.2 wait", .id = "busy" },
	{ STEP_STARTTLS, "454 4.7.0 TLS not available due to local problem",
		.id = "starttls-later" },
	{ STEP_STARTTLS, "502 5.5.1 x", .id = "starttls-refused" },
	/* ---- senders */
	{ STEP_RCPT, "553 5.7.1 <a@b.test>: Sender address rejected: not owned by user me",
		.id = "sender-not-owned" },
	{ STEP_MAIL, "553 5.7.1 <a@b.test>: Sender address rejected: not owned by user me",
		.id = "sender-not-owned" },
	{ STEP_MAIL, "550 5.1.0 <a@b.test>: Sender address rejected: x", .id = "sender-refused" },
	{ STEP_RCPT, "550 5.7.1 <a@b.test>: Sender address rejected: Access denied",
		.id = "sender-refused" },
	{ STEP_RCPT, "450 4.7.1 <a@b.test>: Sender address rejected: x", .id = "sender-later" },
	{ STEP_MAIL, "451 x", .id = "sender-later" },
	{ STEP_MAIL, "550 ", .id = "sender-refused" },
	{ STEP_RCPT, "550 Sender verify failed", .id = "sender-refused" },
	{ STEP_RCPT, "550 5.1.8 <a@b.test>: Sender address rejected: Domain not found",
		.id = "sender-domain-unknown" },
	{ STEP_RCPT, "450 4.1.8 <a@b.test>: Sender address rejected: Domain not found",
		.id = "sender-domain-unknown" },
	{ STEP_MAIL, "553 5.1.8 x", .id = "sender-domain-unknown" },
	{ STEP_MAIL, "504 5.5.2 <root>: Sender address rejected: need fully-qualified address",
		.id = "sender-bare" },
	{ STEP_CONTENT, "550 5.7.1 Sender address rejected", .id = "sender-refused" },
	{ STEP_CONTENT, "550 5.7.1 DMARC policy of b.test", .id = "sender-not-authentic" },
	/* ---- recipients */
	{ STEP_RCPT, "550 5.1.1 <a@b.test>: Recipient address rejected: User unknown",
		.id = "recipient-refused" },
	{ STEP_RCPT, "550 5.1.2 <a@b.test>: Recipient address rejected: Domain not found",
		.id = "recipient-domain-unknown" },
	{ STEP_RCPT, "550 Unrouteable address", .id = "recipient-unrouteable" },
	{ STEP_RCPT, "556 5.1.10 Recipient address has null MX", .id = "recipient-domain-unknown" },
	{ STEP_RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP "
		"address lookup",
		.id = "recipient-refused" },
	{ STEP_RCPT, "504 5.5.2 <root>: Recipient address rejected: need fully-qualified address",
		.id = "recipient-bare" },
	{ STEP_RCPT, "554 5.7.1 <a@b.test>: Relay access denied", .id = "relay-denied" },
	{ STEP_RCPT, "454 4.7.1 <a@b.test>: Relay access denied", .id = "relay-denied" },
	{ STEP_RCPT, "554 5.7.1 <a@b.test>: Recipient address rejected: Access denied",
		.id = "relay-denied" },
	{ STEP_RCPT, "554 5.7.1 <h[192.0.2.1]>: Client host rejected: Access denied",
		.id = "relay-denied" },
	{ STEP_RCPT, "550 relay not permitted", .id = "relay-denied" },
	{ STEP_RCPT, "550 5.7.1 Unable to relay", .id = "relay-denied" },
	{ STEP_RCPT, "550 5.7.1 <relay@b.test>... Relaying denied", .id = "relay-denied" },
	{ STEP_RCPT, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
		.id = "relay-denied" },
	{ STEP_RCPT, "550 5.1.1 <relay@b.test>: User unknown", .id = "recipient-refused" },
	{ STEP_RCPT, "550 5.7.1 access", .id = "recipient-refused" },
	{ STEP_RCPT, "550 ", .id = "recipient-refused" },
	{ STEP_RCPT, "452 4.5.3 Too many recipients", .id = "too-many-recipients" },
	{ STEP_RCPT, "452 4.5.3 x", .id = "too-many-recipients" },
	{ STEP_RCPT, "450 4.1.2 <you@exmaple.test>: Recipient address rejected: Domain not found",
		.id = "recipient-domain-unknown" },
	{ STEP_RCPT, "450 Recipient address rejected: Domain not found",
		.id = "recipient-domain-unknown" },
	{ STEP_RCPT, "421 4.1.2 x", .id = "server-closes" },
	{ STEP_RCPT, "450 4.1.1 null mx", .id = "recipient-later" },
	{ STEP_RCPT, "452 4.2.2 x", .id = "recipient-full" },
	{ STEP_RCPT, "452 4.2.2 over quota", .id = "recipient-full" },
	{ STEP_RCPT, "450 4.2.1 quota exceeded", .id = "recipient-later" },
	{ STEP_CONTENT, "452 4.2.2 over quota", .id = "content-later" },
	{ STEP_DELIVERY, "452 4.2.2 <a@b.test> over quota", .id = "recipient-full" },
	{ STEP_DELIVERY, "552 5.2.2 <a@b.test> Quota exceeded (mailbox for user is full)",
		.id = "recipient-full" },
	{ STEP_DELIVERY, "550 5.1.1 <a@b.test> User doesn't exist: a@b.test", .id = "recipient-refused" },
	{ STEP_DELIVERY, "554 5.7.1 <a@b.test> Message rejected as spam", .id = "content-unwanted" },
	{ STEP_DELIVERY, "552 5.3.4 message too large", .id = "message-too-big" },
	{ STEP_DELIVERY, "421 4.3.2 Shutting down", .id = "server-closes" },
	{ STEP_DELIVERY, "550 5.7.0 rejected by a rule", .id = "delivery-refused" },
	{ STEP_DELIVERY, "554 no", .id = "delivery-refused" },
	{ STEP_DELIVERY, "451 4.2.0 <a@b.test> Temporary internal error", .id = "delivery-later" },
	{ STEP_DELIVERY, "450 4.1.1 x", .id = "delivery-later" },
	{ STEP_RCPT, "450 4.2.0 <a@b.test>: Recipient address rejected: Greylisted, see "
		"http://postgrey.x/",
		.id = "greylisted" },
	{ STEP_RCPT, "451 4.7.1 Greylisting in action, please come back in 00:05:00",
		.id = "greylisted" },
	{ STEP_RCPT, "450 4.7.1 Try again later", .id = "greylisted" },
	{ STEP_RCPT, "451 Temporary failure, please try again later.", .id = "greylisted" },
	{ STEP_RCPT, "451 4.3.0 Temporary lookup failure", .id = "recipient-later" },
	{ STEP_CONTENT, "451 4.7.1 Try again later", .id = "greylisted" },
	{ STEP_CONTENT, "451 4.3.0 Try again later", .id = "content-later" },
	/* ---- messages */
	{ STEP_MAIL, "552 5.3.4 Message size exceeds fixed limit", .id = "message-too-big" },
	{ STEP_CONTENT, "554 message too large", .id = "message-too-big" },
	{ STEP_CONTENT, "550 5.3.4 x", .id = "message-too-big" },
	{ STEP_MAIL, "452 4.3.1 Insufficient system storage", .id = "message-too-big-now" },
	{ STEP_MAIL, "554 5.6.3 x", .id = "message-kind" },
	{ STEP_CONTENT, "554 5.6.3 x", .id = "content-refused" },
	{ STEP_CONTENT, "550 message has lines too long for transport", .id = "line-too-long" },
	{ STEP_CONTENT, "521 5.5.2 mail.b.test Error: bare <LF> received", .id = "bare-line-ends" },
	{ STEP_DATA, "554 5.5.1 Error: no valid recipients", .id = "no-valid-recipients" },
	{ STEP_CONTENT, "554 5.7.1 Message rejected as spam", .id = "content-unwanted" },
	{ STEP_CONTENT, "550 Administrative prohibition", .id = "server-policy" },
	{ STEP_MAIL, "550 Administrative prohibition", .id = "sender-refused" },
	{ STEP_CONTENT, "554 5.7.1 no", .id = "content-refused" },
	{ STEP_CONTENT, "451 4.3.0 x", .id = "content-later" },
	/* ---- a server that asked another one, whose words are not about us */
	{ STEP_RCPT, "550 5.1.1 <a@b.test>: Recipient address rejected: undeliverable address: host "
		"mx.b.test[192.0.2.1] said: 554 5.7.1 Client host [192.0.2.2] blocked using zen.spamhaus.org",
		.id = "recipient-not-verified" },
	{ STEP_RCPT, "550 5.1.1 undeliverable address: host mx.b.test said: 550 relay not permitted",
		.id = "recipient-not-verified" },
	{ STEP_RCPT, "450 4.1.1 <a@b.test>: Recipient address rejected: unverified address: host "
		"mx.b.test said: 450 4.7.1 Too many connections",
		.id = "recipient-not-verified" },
	{ STEP_RCPT, "550 Callout verification failed: 550 5.7.1 no PTR record",
		.id = "recipient-not-verified" },
	{ STEP_RCPT, "421 4.1.1 unverified address: host mx.b.test said: wait", .id = "server-closes" },
	{ STEP_RCPT, "550 5.1.7 <a@b.test>: Sender address rejected: undeliverable address: host "
		"mx.b.test said: 550 5.7.1 Relaying denied",
		.id = "sender-not-verified" },
	{ STEP_MAIL, "450 4.1.7 <a@b.test>: Sender address rejected: unverified address: Address "
		"verification in progress",
		.id = "sender-not-verified" },
	{ STEP_RCPT, "550 Verification failed for <a@b.test> Called: 192.0.2.1 Sent: RCPT "
		"TO:<a@b.test> Response: 550 blocked using bl.spamcop.net Sender verify failed",
		.id = "sender-not-verified" },
	/* ---- recipients that choose whose mail they take */
	{ STEP_RCPT, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication "
		"required; Delivery restriction check failed",
		.id = "recipient-restricted" },
	{ STEP_CONTENT, "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
		.id = "recipient-restricted" },
	{ STEP_RCPT, "550 5.7.134 x", .id = "recipient-restricted" },
	{ STEP_RCPT, "550 5.7.1 You are blocked from sending to this recipient",
		.id = "recipient-restricted" },
	{ STEP_RCPT, "550 5.7.1 Sender address is not allowed to send to this list",
		.id = "recipient-restricted" },
	{ STEP_RCPT, "550 5.7.1 Sender address blocked by recipient", .id = "recipient-restricted" },
	{ STEP_RCPT, "554 5.7.1 Service unavailable; Recipient address [a@b.test] blocked using "
		"dbl.spamhaus.org",
		.id = "recipient-blocked" },
	/* ---- one recipient's trouble in words that fit the account's */
	{ STEP_RCPT, "550 5.2.1 <a@b.test>: Recipient address rejected: account is disabled",
		.id = "recipient-refused" },
	{ STEP_RCPT, "550 5.2.1 Account suspended", .id = "recipient-refused" },
	{ STEP_CONTENT, "550 5.2.1 Account disabled", .id = "content-refused" },
	{ STEP_MAIL, "550 5.7.1 Account suspended", .id = "sending-suspended" },
	{ STEP_RCPT, "550 5.7.1 Your account has been suspended", .id = "sending-suspended" },
	{ STEP_CONTENT, "554 5.7.1 Your account has been blocked for sending spam",
		.id = "sending-suspended" },
	{ STEP_RCPT, "550 5.7.1 x suspended from sending", .id = "sending-suspended" },
	{ STEP_RCPT, "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) "
		"[X.eop-x.prod.protection.outlook.com 2026-01-01T00:00:00.000Z 1]",
		.id = "microsoft-no-recipient" },
	{ STEP_RCPT, "550 5.4.1 [a@b.test]: Recipient address rejected: Access denied",
		.id = "microsoft-no-recipient" },
	{ STEP_RCPT, "550 5.4.1 Relay Access Denied", .id = "relay-denied" },
	{ STEP_RCPT, "450 4.2.1 <a@b.test>: recipient is over its rate limit", .id = "recipient-later" },
	{ STEP_RCPT, "452 4.2.2 mailbox has too many messages", .id = "recipient-full" },
	{ STEP_RCPT, "452 4.2.2 Mailbox full, user exceeded daily quota", .id = "recipient-full" },
	{ STEP_RCPT, "450 4.3.0 the recipient is not in the mood", .id = "recipient-later" },
	{ STEP_CONTENT, "452 4.2.2 too many messages", .id = "content-later" },
	{ STEP_RCPT, "451 4.2.1 too many connections to this mailbox", .id = "recipient-later" },
	{ STEP_CONTENT, "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
		.id = "content-later" },
	{ STEP_RCPT, "550 5.2.2 has exceeded the daily receiving limit", .id = "recipient-full" },
	{ STEP_RCPT, "550 5.2.1 rate limit exceeded", .id = "recipient-refused" },
	{ STEP_CONTENT, "554 5.7.1 rejected: too many links, see our daily bulk mail limit",
		.id = "content-refused" },
	{ STEP_CONTENT, "554 5.2.2 mailbox full", .id = "content-refused" },
	{ STEP_CONTENT, "554 5.2.2 mailbox full; "
		"STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
		.id = "content-refused" },
	{ STEP_RCPT, "550 5.7.1 bad reputation of this mailing list", .id = "recipient-refused" },
	{ STEP_RCPT, "450 4.2.0 on a block list of the user", .id = "recipient-later" },
	{ STEP_RCPT, "554 5.7.1 Your IP is on our blacklist", .id = "ip-blocked" },
	{ STEP_RCPT, "450 4.7.1 Your IP address is on our block list", .id = "ip-blocked-now" },
	{ STEP_MAIL, "450 4.7.1 poor reputation", .id = "ip-blocked-now" },
	{ STEP_CONTENT, "554 5.7.1 A link with an IP address is blocked", .id = "content-refused" },
	{ STEP_RCPT, "550 5.7.1 Not authorized to send mail to this server", .id = "recipient-refused" },
	{ STEP_RCPT, "550 5.1.1 not a verified recipient", .id = "recipient-refused" },
	{ STEP_RCPT, "550 5.7.1 The sender is not a verified one", .id = "identity-not-verified" },
	{ STEP_RCPT, "550 5.1.1 Recipient address is not verified", .id = "recipient-refused" },
	{ STEP_RCPT, "550 5.7.1 The sender address is not verified", .id = "identity-not-verified" },
	/* ---- the account's trouble in words that fit a recipient's or the message's */
	{ STEP_RCPT, "550 Please turn on SMTP Authentication in your mail client. box.example.test "
		"[192.0.2.1]:1234 is not permitted to relay through this server without authentication.",
		.id = "not-logged-in" },
	{ STEP_RCPT, "550 host is not permitted to relay through this server", .id = "relay-denied" },
	{ STEP_RCPT, "550 5.7.1 SMTP AUTH is required", .id = "not-logged-in" },
	{ STEP_CONTENT, "550 5.7.1 SMTP AUTH is required", .id = "not-logged-in" },
	{ STEP_DATA, "530 5.7.0 Authentication Required", .id = "not-logged-in" },
	{ STEP_CONTENT, "530 5.7.0 Authentication Required", .id = "not-logged-in" },
	{ STEP_DATA, "550 5.7.1 Authentication required", .id = "not-logged-in" },
	{ STEP_CONTENT, "550 5.7.1 SPF authentication required", .id = "content-refused" },
	{ STEP_CONTENT, "554 5.7.1 <a@b.test>: Relay access denied", .id = "relay-denied" },
	{ STEP_DATA, "554 5.7.1 <a@b.test>: Relay access denied", .id = "relay-denied" },
	{ STEP_CONTENT, "550 5.7.1 Client does not have permissions to send as this sender",
		.id = "sender-not-owned" },
	{ STEP_RCPT, "550 5.4.6 Unusual sending activity detected. Please try after sometime",
		.id = "sending-unusual" },
	{ STEP_CONTENT, "550 5.4.6 Unusual sending activity detected", .id = "sending-unusual" },
	{ STEP_RCPT, "550 5.7.1 rate limit exceeded", .id = "too-many-messages" },
	{ STEP_RCPT, "550 5.7.1 The limit on the number of allowed outgoing messages was exceeded. "
		"Try again later.",
		.id = "too-many-messages" },
	{ STEP_RCPT, "554 5.7.1 <a@b.test>: Recipient address rejected: Policy rejection; Message "
		"count quota exceeded",
		.id = "too-many-messages" },
	{ STEP_CONTENT, "550 Domain b.test has exceeded the max emails per hour (200/200 (100%)) "
		"allowed. Message discarded.",
		.id = "too-many-messages" },
	{ STEP_RCPT, "450 4.7.1 Error: too many messages: slow down", .id = "too-many-messages" },
	{ STEP_RCPT, "450 slow down", .id = "too-many-messages" },
	{ STEP_RCPT, "451 4.7.0 Too many connections", .id = "too-many-connections" },
	{ STEP_RCPT, "550 5.7.1 sending quota exceeded", .id = "daily-limit" },
	{ STEP_RCPT, "450 4.7.1 hourly message limit", .id = "daily-limit" },
	{ STEP_CONTENT, "554 Sender verify failed", .id = "sender-refused" },
	{ STEP_CONTENT, "451 Sender verify failed", .id = "sender-later" },
	{ STEP_CONTENT, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using "
		"zen.spamhaus.org",
		.id = "ip-blocked" },
	{ STEP_CONTENT, "450 4.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
		.id = "ip-blocked-now" },
	{ STEP_MAIL, "553 5.5.4 <root>... Domain name required for sender address root",
		.id = "sender-bare" },
	/* ---- a refusal for now is none for good, whatever was known of the login */
	{ STEP_AUTH, "454 4.7.0 Temporary authentication failure",
		.id = "login-later", .known = "token-refused" },
	{ STEP_AUTH, "421 4.3.2 closing", .id = "login-later", .known = "token-refused" },
	{ STEP_RSET, "502 5.5.1 x", .id = "refused" },
	{ STEP_RSET, "451 x", .id = "later" },
};

static bool met[ROWS_MOST];

static void note(const struct cause *cause)
{
	for (unsigned i = 0; cause_row(i); i++)
		met[i] |= cause_row(i) == cause;
}

/* As the reply parser takes it apart. */
static void split(const char *text, struct smtp_result *r)
{
	size_t len;

	for (int i = 0; i < 3; i++)
		r->code = r->code * 10 + text[i] - '0';
	len = strcspn(text + 4, " ");
	if (text[4] == text[0] && text[5] == '.' && len < sizeof(r->enhanced))
		memcpy(r->enhanced, text + 4, len);
}

static void test_saying(const struct saying *s)
{
	struct smtp_result r = { .step = s->step, .verdict = VERDICT_REFUSED,
		.text = mem_string(s->text), .cause = s->known, .standing = s->standing };
	const struct cause *cause;

	split(s->text, &r);
	cause = cause_of_result(&r, s->host ? s->host : "mail.example.test");
	check_text(cause->id, s->id, "G1: %s: %s", smtp_step_doing(s->step), s->text);
	note(cause);
	smtp_result_release(&r);
}

/* Whatever is cut off what a server says, some row fits, and none is of a kind that is
 * not a server's. */
static void test_cut(const struct saying *s)
{
	for (size_t len = 4; len < strlen(s->text); len++) {
		struct smtp_result r = { .step = s->step, .text = mem_printf("%.*s", (int)len, s->text) };
		const struct cause *cause;
		bool server = false;

		split(r.text, &r);
		cause = cause_of_result(&r, s->host);
		for (size_t i = 0; i < cause_row_count; i++)
			server |= &cause_rows[i].cause == cause && cause_rows[i].kind == ERR_NONE;
		if (!server)
			check(false, "cut: %s is %s", r.text, cause->id);
		smtp_result_release(&r);
	}
}

/* Two causes never share a name or a text, or they could not be told apart, and each
 * row says by what it is known. */
static void test_table(void)
{
	check(cause_row_count > 100 && cause_row_count <= ROWS_MOST && !cause_row((unsigned)cause_row_count),
		"there are causes");
	for (size_t i = 0; i < cause_row_count; i++) {
		const struct cause_row *row = &cause_rows[i];

		if ((row->kind != ERR_NONE) + row->named + (row->signs[0].most > 0) != 1)
			check(false, "%s is known by one of kind, name and signs", row->cause.id);
		if ((row->signs[0].most || row->named) && !row->cause.next)
			check(false, "%s has a next step", row->cause.id);
		if (row->signs[0].most && !met[i])
			check(false, "%s was said by somebody", row->cause.id);
		for (size_t k = 0; k < i; k++) {
			const struct cause *a = &row->cause, *b = &cause_rows[k].cause;

			if (!strcmp(a->id, b->id) || !strcmp(a->words, b->words) ||
			    (a->next && b->next && !strcmp(a->next, b->next)))
				check(false, "%s and %s differ", a->id, b->id);
		}
	}
}

/* A part that is longer than what is compared would never be found. */
static void test_parts(void)
{
	for (size_t i = 0; i < cause_row_count; i++)
		for (size_t k = 0; k < CAUSE_SIGNS; k++) {
			const struct cause_sign *s = &cause_rows[i].signs[k];
			const char *texts[] = { s->pattern, s->enhanced, s->host };

			for (size_t t = 0; t < COUNT(texts); t++)
				for (const char *at = texts[t]; at && *at; at += strspn(at, "|")) {
					size_t len = strcspn(at, "|");

					if (len >= CAUSE_PART_MAX)
						check(false, "%s: a part is too long: %s",
							cause_rows[i].cause.id, at);
					at += len;
				}
		}
	check(true, "each part is short enough");
}

/* Not every row of a step stands behind the more special ones by chance: a general sign
 * above a special one would swallow it, which the sayings cannot show for all words. */
static void test_general_last(void)
{
	for (size_t i = 0; i < cause_row_count; i++)
		for (size_t s = 0; s < CAUSE_SIGNS && cause_rows[i].signs[s].most; s++) {
			const struct cause_sign *a = &cause_rows[i].signs[s];

			if (a->pattern || a->enhanced || a->host)
				continue;
			for (size_t k = i + 1; k < cause_row_count; k++) {
				const struct cause_sign *b = &cause_rows[k].signs[0];

				if (cause_rows[i].with & ~cause_rows[k].with ||
				    cause_rows[i].without & ~cause_rows[k].without)
					continue;   /* it leaves sessions of another standing */
				if (b->most && (!a->steps || (b->steps && !(b->steps & ~a->steps))) &&
				    a->least <= b->least && a->most >= b->most)
					check(false, "%s is not swallowed by %s", cause_rows[k].cause.id,
						cause_rows[i].cause.id);
			}
		}
	check(true, "no row stands behind one that takes all of it");
}

/* An err is what its own cause names, else what its kind means. */
static void test_errs(void)
{
	struct err e = { 0 };
	struct smtp_result r = { .step = STEP_EHLO, .kind = ERR_TLS };
	struct smtp_result silent = { .step = STEP_RCPT, .code = 554 };
	struct smtp_result unsure = { .step = STEP_CONTENT, .verdict = VERDICT_UNKNOWN,
		.kind = ERR_LOST, .cause = "connect-refused" };

	err_set(&e, ERR_CONNECT, "x");
	check_text(cause_of_err(&e)->id, "connect", "the kind's own row");
	err_cause(&e, "connect-refused");
	check_text(cause_of_err(&e)->id, "connect-refused", "the row that is named");
	check_int(cause_of_err(&e)->exit, 75, "with its exit code");
	err_cause(&e, "no-such-row");
	check_text(cause_of_err(&e)->id, "connect", "a name that is none");
	check_text(cause_of_result(&r, NULL)->id, "tls", "a result without a reply");
	r.cause = "tls-not-offered";
	check_text(cause_of_result(&r, NULL)->id, "tls-not-offered", "... with a name");
	check_text(cause_of_result(&silent, NULL)->id, "recipient-refused", "a code without words");
	check_text(cause_of_result(&unsure, NULL)->id, "outcome-unknown", "nobody knows");
	r = (struct smtp_result){ .kind = ERR_CAPABILITY };
	check_text(cause_of_result(&r, "/run/sendoff/smtp.sock")->id, "runner-cannot-take", "the runner");
	check_text(cause_of_result(&r, "mail.example.test")->id, "cannot-take", "a server");
	for (int kind = ERR_NONE + 1; kind <= ERR_SIGNAL; kind++)
		check(strcmp(cause_of_err(&(struct err){ .kind = (enum err_kind)kind })->id,
			"internal-kind") != 0, "kind %d has a row", kind);
}

/* Words without end, and without blanks. */
static void test_long(void)
{
	char text[8192];
	struct smtp_result r = { .step = STEP_RCPT, .code = 550, .text = text };

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	check_text(cause_of_result(&r, NULL)->id, "recipient-refused", "one long word");
	for (size_t i = 3; i < sizeof(text) - 1; i += 5)
		text[i] = ' ';
	check_text(cause_of_result(&r, NULL)->id, "recipient-refused", "many short ones");
}

int main(void)
{
	for (size_t i = 0; i < COUNT(sayings); i++) {
		test_saying(&sayings[i]);
		test_cut(&sayings[i]);
	}
	test_table();
	test_parts();
	test_general_last();
	test_errs();
	test_long();
	return tap_done();
}
