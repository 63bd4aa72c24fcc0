/* deliver/cause_table.c - the table of causes: data, and nothing else; see
 * cause_row.h for what it means.
 */
#include <sysexits.h>

#include "base/mem.h"
#include "deliver/cause_row.h"

/* The end of its path: no name of a host ends so. */
#define RUNNER_SOCKET "/sendoff/smtp.sock"

/* Whose affair it is. */
#define OF_CALLER    CONCERNS_CALLER, PARK_NONE, false, false
#define OF_RECIPIENT CONCERNS_RECIPIENT, PARK_NONE, false, false
#define OF_MESSAGE   CONCERNS_MESSAGE, PARK_NONE, false, false
#define OF_SENDER    CONCERNS_SENDER, PARK_NONE, false, false
#define PARKS(kind)  CONCERNS_ACCOUNT, PARK_##kind, false, false
#define PARKS_HERE   CONCERNS_ACCOUNT, PARK_LOGIN, true, false
#define PARKS_ON     CONCERNS_ACCOUNT, PARK_LOGIN, false, true

#define OF(err) .kind = (err)
#define NAMED .named = true
#define SAID(set, from, to) .steps = (set), .least = (from), .most = (to)

/* Providers by the names of their servers. */
#define GOOGLE    "gmail.com|googlemail.com|google.com"
#define NETEASE   "qq.com|163.com|126.com|yeah.net"
#define ZOHO      "zoho.com|zoho.eu|zoho.in|zoho.com.au|zoho.jp|zohocloud.ca|zoho.sa"
#define UNITED    "gmx.net|gmx.com|gmx.de|web.de|mail.com"
#define APP_ONLY  "mail.me.com|icloud.com|mail.yahoo.com|aol.com|yandex.com|yandex.ru|" \
	"fastmail.com"

/* What is said of the sender, and by many servers at RCPT only. */
#define SENDER_WORDS "sender address rejected|sender verify failed"

#define NO_REVERSE_WORDS "cannot find your*hostname|reverse dns|reverse hostname|ptr record|no ptr"

#define HELO_WORDS "helo command rejected|ehlo command rejected|invalid helo|invalid ehlo|" \
	"helo argument|ehlo argument|helo name|bad helo"

/* Lists of blocked addresses.  Before a recipient is named all is said of us; behind, less. */
#define BLOCKED_US "client host*blocked|your ip*block|your ip*black|your ip*reputation"
#define BLOCKED_AT_RCPT BLOCKED_US "|ip address*block|ip address*black|blocked using|" \
	"spamhaus|spamcop|barracudacentral|sorbs.net"
#define BLOCKED_BEFORE BLOCKED_AT_RCPT "|block list|blocklist|black list|blacklist|" \
	"bad reputation|poor reputation|low reputation"

#define LOGIN_WORDS "authentication required|authentication is required|auth required|" \
	"must authenticate|unauthenticated senders|not logged in|need to authenticate|auth first|" \
	"authenticate first"
/* ... and what no content is refused for. */
#define LOGIN_WORDS_ALONE "client was not authenticated|turn on smtp authentication|" \
	"relay*without authentication|smtp auth*required|smtp auth*needed|requires smtp auth"

/* Why a login was refused. */
#define LOGIN_ADDRESS_WORDS "unauthorized ip|unauthorised ip|ip address*not allowed|" \
	"ip address*not authorized|ip address*not permitted|ip address*block|" \
	"your ip*block|your ip*black|your ip*not allowed|your ip*not authorized|" \
	" ip not allowed| ip not authorized| ip is not allowed| ip is blocked| ip blocked"
#define REFUSED_LOGIN_WORDS "authentication fail|authentication unsuccessful|auth failed|" \
	"login failed|login incorrect|user not found|user unknown|unknown user|no such user|" \
	"invalid user|invalid login|invalid password|wrong password|incorrect password|" \
	"invalid credentials|bad credentials|bad username"

/* Only a login or encryption is missed by who says so. */
#define TLS_WORDS "must issue*starttls|use starttls|starttls is required|starttls required"
#define ENCRYPTION_WORDS "encryption required|requires encryption"
#define WANTS_LOGIN { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 530, 530) }, \
	{ SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .enhanced = "5.7.57" }, \
	{ SAID(AT_MAIL | AT_RCPT | AT_DATA, 400, 599), .pattern = LOGIN_WORDS }, \
	{ SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 400, 599), .pattern = LOGIN_WORDS_ALONE } }

#define RELAY_WORDS "relay access denied|relaying denied|relay not permitted|unable to relay|" \
	"relaying not allowed|relay not allowed|relaying prohibited|permitted to relay|do not relay"

/* Limits.  Once a recipient is named they may be that mailbox's: the enhanced code must not
 * say so (Exchange says 5.2.0 of what is submitted), nor the words of a refusal for good. */
#define LIMITED_NOW "-|4.7."
#define LIMITED "-|5.2.0|5.3.|5.4.|5.5.|5.7."
#define DAY_WORDS_ALONE "daily user sending|daily sending limit|your daily*limit|" \
	"your daily*quota|send limit exceeded|sending limit exceeded|sending limit reached|" \
	"sending quota|submissionquota|mail limit has been reached|hourly sending limit"
#define DAY_WORDS DAY_WORDS_ALONE "|daily*limit|daily*quota|hourly*limit"
#define CONNECTION_WORDS "too many connections|too many concurrent|concurrent connection|" \
	"concurrent smtp|connection limit|too many sessions|number of connections|" \
	"connections exceed|sender thread limit|too many simultaneous"
#define RATE_WORDS_ALONE "rate limit exceeded|outgoing messages was exceeded|" \
	"policy rejection;*quota exceeded|count quota exceeded|emails per hour|failures per hour"
#define RATE_WORDS RATE_WORDS_ALONE "|rate limit|ratelimit|sending rate|too many messages|" \
	"too many emails|too many mails|sending limit|throttl|message limit|too fast|slow down"

const struct cause_row cause_rows[] = {
	/* ---- what the system's runner said: its answer is final */
	{ { "runner-recipient", EX_NOUSER, OF_RECIPIENT,
		"the system's runner does not accept this recipient",
		"check the address, and the aliases of this machine" },
		.signs = { { SAID(AT_RCPT, 500, 599), .host = RUNNER_SOCKET } } },
	{ { "runner-policy", EX_NOPERM, OF_MESSAGE,
		"the administrator does not allow that",
		"its own words say what; ask the administrator of this machine to allow it" },
		.signs = { { SAID(AT_ANY, 500, 599), .enhanced = "5.7.", .host = RUNNER_SOCKET } } },
	{ { "runner-message", EX_DATAERR, OF_MESSAGE,
		"the system's runner does not accept this message",
		"mend what its own words name: the same would be refused again" },
		.signs = { { SAID(AT_ANY, 500, 599), .host = RUNNER_SOCKET } } },
	{ { "runner-cannot-take", EX_DATAERR, OF_MESSAGE,
		"the system's runner cannot take this message",
		"make it smaller, or ask the administrator to raise max_message" },
		OF(ERR_CAPABILITY), .host = RUNNER_SOCKET },
	{ { "runner-later", EX_TEMPFAIL, OF_MESSAGE,
		"the system's runner cannot store it at the moment",
		"its own words say what is short; when there is more of it, send the message again" },
		.signs = { { SAID(AT_ANY, 400, 499), .host = RUNNER_SOCKET } } },

	/* ---- what a server was told by another one, which says nothing about us, and of
	 * recipients that choose whose mail they take.  No 421: that ends the session. */
	{ { "sender-not-verified", EX_NOPERM, OF_SENDER,
		"the server asked the sender's own server about that address, and was not told yes",
		"set from to an address that exists; what that server said stands in the answer" },
		.signs = { { SAID(AT_MAIL | AT_RCPT, 450, 599), .pattern =
			"sender address rejected: undeliverable address|"
			"sender address rejected: unverified address|called:*sent:*sender verify failed|"
			"sender verify callout" } } },
	{ { "recipient-not-verified", EX_NOUSER, OF_RECIPIENT,
		"the server asked the recipient's own server about that address, and was not told yes",
		"check the address; what that server said stands in the answer" },
		.signs = { { SAID(AT_RCPT, 450, 599), .pattern = "undeliverable address|"
			"unverified address|callout verification|recipient verify callout" } } },
	{ { "recipient-restricted", EX_NOUSER, OF_RECIPIENT,
		"this recipient takes mail from certain senders only",
		"ask the recipient to let this sender in" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 500, 599),
			.enhanced = "5.7.124|5.7.133|5.7.134|5.7.135|5.7.136" },
			{ SAID(AT_RCPT | AT_CONTENT, 500, 599), .pattern = "resolver.rst.notauth|"
			"resolver.rst.auth|resolver.rst.sendernotauth" },
			{ SAID(AT_RCPT, 500, 599), .pattern =
			"allowed to send*this recipient|allowed to send*this list|"
			"authorized to send*this recipient|authorized to send*this list|"
			"permitted to send*this recipient|blocked from sending*this recipient|"
			"blocked by recipient|blocked by the recipient" } } },
	{ { "recipient-blocked", EX_NOUSER, OF_RECIPIENT,
		"the domain of this recipient is on a list of blocked ones",
		"write to another address of theirs" },
		.signs = { { SAID(AT_RCPT, 450, 599),
			.pattern = "unavailable; recipient address*blocked" } } },

	/* ---- what a server said to the login: the token */
	{ { "token-wrong-scope", EX_NOPERM, PARKS(LOGIN),
		"the OAuth access token is not meant for sending mail by SMTP",
		"get one for the scope https://mail.google.com/ (Google) or "
		"https://outlook.office.com/SMTP.Send (Microsoft)" },
		.signs = { { SAID(AT_AUTH, 500, 599),
			.pattern = "insufficient_scope|insufficient scope|invalid_scope|invalid scope" } } },
	{ { "token-expired", EX_NOPERM, PARKS(LOGIN),
		"the OAuth access token is out of date, or not one for this user",
		"let password_command print a fresh token: most are good for an hour only" },
		.signs = { { SAID(AT_AUTH, 500, 599), .pattern = "\"status\"*\"401\"|\"status\"*\"400\"|"
			"invalid_token|token has expired|token is expired|token expired|expired token" } } },

	/* ---- ... what the provider has against where it comes from, and this kind of login */
	{ { "login-address-refused", EX_NOPERM, PARKS(LOGIN),
		"the provider takes no logins from the address of this machine's network",
		"allow the address at the provider's web site (lists of authorized IPs), or log in from "
		"another network; a VPN may be why" },
		.signs = { { SAID(AT_AUTH, 500, 599), .pattern = LOGIN_ADDRESS_WORDS } } },
	{ { "app-password-needed", EX_NOPERM, PARKS(LOGIN),
		"the provider does not take the normal password from programs",
		"make an app password in the account's security settings and use that" },
		.without = SMTP_BY_TOKEN,
		.signs = { { SAID(AT_AUTH, 534, 535), .pattern = "application-specific|app-specific|"
			"application specific|app specific|app password|application password" } } },
	{ { "web-login-wanted", EX_NOPERM, PARKS(LOGIN),
		"the provider finds this login unusual and wants to see one in a web browser first",
		"sign in at the provider's web site, confirm that it was you, and try again" },
		.signs = { { SAID(AT_AUTH, 534, 535), .enhanced = "5.7.14" },
			{ SAID(AT_AUTH, 534, 535), .pattern = "via your web browser|webloginrequired" } } },
	{ { "security-defaults", EX_NOPERM, PARKS(LOGIN),
		"the organization's security defaults forbid this way to log in",
		"set auth = xoauth2 with a password_command that prints an access token, or ask the "
		"administrator for conditional access rules in their place" },
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "security defaults" } } },
	{ { "smtp-auth-disabled-mailbox", EX_NOPERM, PARKS(LOGIN),
		"logging in by SMTP is switched off for this mailbox",
		"have the administrator tick Authenticated SMTP for it: Set-CASMailbox USER "
		"-SmtpClientAuthenticationDisabled $false" },
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "disabled for the mailbox" } } },
	{ { "smtp-auth-disabled-tenant", EX_NOPERM, PARKS(LOGIN),
		"logging in by SMTP is switched off for the whole organization",
		"have the administrator allow it: Set-TransportConfig "
		"-SmtpClientAuthenticationDisabled $false, or for one mailbox by Set-CASMailbox" },
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "disabled for the tenant" } } },
	{ { "basic-auth-retired", EX_NOPERM, PARKS(LOGIN),
		"the provider takes no passwords any more, only OAuth",
		"set auth = xoauth2 and let password_command print an access token" },
		.signs = { { SAID(AT_ANY, 550, 550), .enhanced = "5.7.30" },
			{ SAID(AT_ANY, 500, 599), .pattern = "basic authentication is disabled|"
			"basic authentication is not supported" } } },
	{ { "conditional-access", EX_NOPERM, PARKS(LOGIN),
		"a rule of the organization (conditional access, authentication policy) forbids this login",
		"ask the administrator to look it up in the sign-in log of the directory, which names "
		"the rule" },
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "did not meet the criteria|"
			"conditional access" } } },
	{ { "account-locked", EX_NOPERM, PARKS(LOGIN),
		"the account is locked, as a rule after too many wrong passwords",
		"stop all programs that have an old password, wait an hour or unlock it at the "
		"provider's web site, and try again" },
		.signs = { { SAID(AT_AUTH, 500, 599), .pattern = "account is locked|account locked|"
			"account has been locked|account is temporarily locked|temporarily locked|locked out|"
			"user is locked" } } },
	{ { "account-disabled", EX_NOPERM, PARKS(LOGIN),
		"the provider has closed this account, or not opened it yet",
		"sign in at the provider's web site, or ask its support: no setting here can help" },
		.signs = { { SAID(AT_AUTH, 500, 599), .enhanced = "5.7.13" },
			{ SAID(AT_AUTH, 500, 599), .pattern = "account is disabled|account disabled|"
			"account has been disabled|account is suspended|account suspended|"
			"account has been suspended|account is inactive|user is disabled|not yet activated" } } },
	{ { "password-expired", EX_NOPERM, PARKS(LOGIN),
		"the password is out of date: the server wants a new one to be set",
		"set a new password at the provider's web site, and then here" },
		.signs = { { SAID(AT_AUTH, 500, 599), .pattern = "password expired|password has expired|"
			"password is expired|expired password|password must be changed" } } },
	{ { "password-transition", EX_TEMPFAIL, PARKS(LOGIN),
		"the server must see the password itself once before it takes this mechanism",
		"set auth = plain, over TLS, for one login" },
		.signs = { { SAID(AT_AUTH, 432, 432), .enhanced = "4.7.12" },
			{ SAID(AT_AUTH, 432, 432), .pattern = "password transition" } } },
	{ { "mail-programs-not-allowed", EX_NOPERM, PARKS(LOGIN),
		"access for mail programs is switched off for this mailbox",
		"switch it on (SMTP, or POP3 and IMAP) in the mailbox's settings at the provider's web "
		"site" },
		.signs = { { SAID(AT_AUTH, 500, 599), .pattern = "access rights to this service|"
			"user has no permission|pop3/imap|imap/smtp service|smtp service is not|"
			"smtp access is disabled|smtp access disabled|smtp is disabled" } } },
	{ { "authorization-code-needed", EX_NOPERM, PARKS(LOGIN),
		"the provider wants its authorization code in place of the password",
		"make one in the mailbox's settings, where SMTP is switched on, and use that" },
		.signs = { { SAID(AT_AUTH, 500, 599), .pattern = "authorization code|auth code" },
			{ SAID(AT_AUTH, 535, 535), .host = NETEASE } } },
	{ { "credits-used-up", EX_TEMPFAIL, PARKS(RATE),
		"what was paid for at the provider is used up",
		"raise the plan at the provider's web site, or wait for its next month" },
		.signs = { { SAID(AT_ANY, 400, 599), .pattern = "maximum credits|credits exceeded|"
			"out of credit|insufficient credit|not enough credit" } } },
	{ { "app-password-only", EX_NOPERM, PARKS(LOGIN),
		"this provider takes nothing but app passwords from programs, and this is none",
		"make one at its web site (Security, App passwords); user is the whole mail address" },
		.without = SMTP_BY_TOKEN,
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "(#auth0|(#mbr" },
			{ SAID(AT_AUTH, 535, 535), .host = APP_ONLY },
			{ SAID(AT_AUTH, 550, 550), .enhanced = "5.7.8", .host = APP_ONLY } } },
	{ { "too-many-logins", EX_TEMPFAIL, PARKS(RATE),
		"the server has seen too many logins and takes none for a while",
		"wait a quarter of an hour, and find out which program logs in so often" },
		.signs = { { SAID(AT_AUTH, 400, 599), .pattern = "too many login|too many bad|"
			"too many failed|too many auth|too many invalid|too many unsuccessful|"
			"too many error" },
			{ SAID(AT_AUTH, 400, 499), .pattern = " locked" } } },

	/* ---- ... and user and secret themselves.  Those of tokens are named by smtp/login.c. */
	{ { "token-refused", EX_NOPERM, PARKS(LOGIN),
		"the server does not accept this OAuth access token",
		"get one as user, for SMTP at this provider: a token of somebody else, or for another "
		"service of theirs (Graph), is refused like this" }, NAMED },
	{ { "kerberos-refused", EX_NOPERM, PARKS(LOGIN),
		"the server does not let the owner of this Kerberos ticket in",
		"see with klist whose ticket it is; the server's operator can say whom it expects, and "
		"whom that one may act as (authzid)" }, NAMED },
	{ { "microsoft-password", EX_NOPERM, PARKS(LOGIN),
		"Microsoft 365 or Exchange does not accept this user and password",
		"check both at the web mail (user is the address one signs in with); with two-step "
		"verification only OAuth works: auth = xoauth2" },
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "credentials were incorrect" },
			{ SAID(AT_AUTH, 535, 535), .enhanced = "5.7.3" } } },
	{ { "smtp-auth-disabled", EX_NOPERM, PARKS(LOGIN),
		"logging in by SMTP is not allowed for this mailbox",
		"ask the administrator to allow Authenticated SMTP for the mailbox" },
		.signs = { { SAID(AT_AUTH, 535, 535), .enhanced = "5.7.139" } } },
	{ { "token-not-allowed", EX_NOPERM, PARKS(LOGIN),
		"the server does not let this user or app in, whatever the access token",
		"its own words say why; ask the administrator of the mailbox to allow SMTP and, for an "
		"app that signs in by itself, to send as user" }, NAMED },
	{ { "google-password", EX_NOPERM, PARKS(LOGIN),
		"Google does not accept this user and password, and never the one of its web site",
		"make an app password at https://myaccount.google.com/apppasswords (it wants 2-step "
		"verification) and use that, or OAuth: auth = xoauth2" },
		.signs = { { SAID(AT_AUTH, 535, 535), .pattern = "badcredentials" },
			{ SAID(AT_AUTH, 535, 535), .host = GOOGLE } } },
	{ { "zoho-password", EX_NOPERM, PARKS(LOGIN),
		"Zoho does not know this user and password in the region of this host",
		"set host to your region's (smtp.zoho.com, smtp.zoho.eu, smtp.zoho.in, ...), and with "
		"two-step verification use an application-specific password" },
		.signs = { { SAID(AT_AUTH, 535, 535), .host = ZOHO } } },
	{ { "access-switch-or-password", EX_NOPERM, PARKS(LOGIN),
		"GMX, WEB.DE and mail.com refuse each login while access for programs is off",
		"switch on POP3 and IMAP access in the mail settings of their web site; if it is on, "
		"check user and password" },
		.signs = { { SAID(AT_AUTH, 535, 535), .host = UNITED } } },
	{ { "ses-credentials", EX_NOPERM, PARKS(LOGIN),
		"Amazon SES does not know these SMTP credentials in this region",
		"make SMTP credentials in the SES console for the region of host: the access key of an "
		"AWS user is not one" },
		.signs = { { SAID(AT_AUTH, 535, 535), .host = "amazonaws.com" } } },
	{ { "sendgrid-key", EX_NOPERM, PARKS(LOGIN),
		"SendGrid does not know this API key",
		"set user = apikey, that very word, and let the password be the whole key (SG....)" },
		.signs = { { SAID(AT_AUTH, 535, 535), .host = "sendgrid.net" } } },

	/* ---- ... and the mechanism */
	{ { "tls-not-seen", EX_NOPERM, PARKS(LOGIN),
		"the server does not know that this connection is encrypted",
		"tell its operator: a proxy in front of it ends TLS and does not say so; another port "
		"of the server may be served without it" },
		.with = SMTP_ENCRYPTED,
		.signs = { { SAID(AT_ANY, 530, 530), .pattern = "starttls" }, { SAID(AT_AUTH, 538, 538) },
			{ SAID(AT_AUTH | AT_MAIL, 500, 599), .enhanced = "5.7.10|5.7.11" },
			{ SAID(AT_AUTH, 500, 599), .pattern = ENCRYPTION_WORDS },
			{ SAID(AT_ANY, 500, 599), .pattern = TLS_WORDS } } },
	{ { "login-needs-tls", EX_NOPERM, PARKS(LOGIN),
		"the server takes this login only over TLS",
		"set tls = starttls or tls = implicit" },
		.signs = { { SAID(AT_AUTH, 538, 538) }, { SAID(AT_AUTH, 500, 599), .enhanced = "5.7.11" },
			{ SAID(AT_AUTH, 500, 599), .pattern = ENCRYPTION_WORDS } } },
	{ { "login-line-too-long", EX_NOPERM, PARKS(LOGIN),
		"the password or token is longer than the server takes in one line",
		"ask the provider for a shorter one; a token may ask for fewer scopes" },
		.signs = { { SAID(AT_AUTH, 500, 500), .enhanced = "5.5.6" },
			{ SAID(AT_AUTH, 500, 501), .pattern = "line too long|line is too long" } } },
	{ { "login-mechanism-unknown", EX_NOPERM, PARKS(LOGIN),
		"the server offers this login mechanism and then does not know it",
		"set auth to another one that it offers (-v shows them), like auth = login" },
		.signs = { { SAID(AT_AUTH, 504, 504) },
			{ SAID(AT_AUTH, 500, 535), .pattern = "unrecognized authentication type|"
			"unknown authentication|unsupported authentication|mechanism not supported|"
			"unsupported mechanism|invalid authentication mechanism" } } },
	{ { "login-not-enabled", EX_NOPERM, PARKS(LOGIN),
		"the server takes no logins at this port",
		"check that host is the provider's for submission, and port 587 or 465; if it needs no "
		"login at all, set auth = none" },
		.signs = { { SAID(AT_AUTH, 502, 503) },
			{ SAID(AT_AUTH, 500, 599), .pattern = "authentication not enabled|auth not available|"
			"authentication not available|auth not supported" } } },
	{ { "login-mechanism-weak", EX_NOPERM, PARKS(LOGIN),
		"the server finds this login mechanism too weak",
		"remove auth from the account, so that the best one is chosen" },
		.signs = { { SAID(AT_AUTH, 534, 534) } } },
	{ { "login-refused", EX_NOPERM, PARKS(LOGIN),
		"the server does not accept this user and password",
		"check user and password (often the whole address; many providers want an app "
		"password); the login was tried once" },
		.signs = { { SAID(AT_AUTH, 535, 535) }, { SAID(AT_AUTH, 500, 599), .enhanced = "5.7.8" },
			{ SAID(AT_AUTH, 500, 599), .pattern = REFUSED_LOGIN_WORDS } } },

	/* ---- logins and encryption that are missing */
	{ { "tls-wanted", EX_NOPERM, PARKS(LOGIN),
		"the server wants an encrypted connection first",
		"set tls = starttls for this account" },
		.without = SMTP_ENCRYPTED,
		.signs = { { SAID(AT_ANY, 530, 530), .pattern = "starttls" },
			{ SAID(AT_ANY, 500, 599), .enhanced = "5.7.10" },
			{ SAID(AT_ANY, 500, 599), .pattern = TLS_WORDS } } },
	{ { "login-later", EX_TEMPFAIL, PARKS(RATE),
		"the server cannot check logins at the moment",
		"leave it for some minutes: the next try is made by itself where mail is queued" },
		.signs = { { SAID(AT_AUTH, 400, 499) } } },
	{ { "login-not-understood", EX_NOPERM, PARKS(LOGIN),
		"the server refused the login",
		"see with -v what it offers; auth = NAME chooses another mechanism" },
		.signs = { { SAID(AT_AUTH, 500, 599) } } },
	{ { "login-not-counted", EX_NOPERM, PARKS(LOGIN),
		"the server has let this account log in, and does not let it send for all that",
		"check that host and port are the provider's own for submission, and that this login "
		"may send; if both are right, its operator must mend it" },
		.with = SMTP_LOGGED_IN, .signs = WANTS_LOGIN },
	{ { "not-logged-in", EX_NOPERM, PARKS(LOGIN),
		"the server wants a login before it takes mail, and this account has none",
		"add user and password_command to the account" },
		.signs = WANTS_LOGIN },

	/* ---- how much and how fast */
	{ { "daily-limit", EX_TEMPFAIL, PARKS(RATE),
		"this login has sent as much as the provider lets it in a day",
		"wait until tomorrow, or send such numbers through a service made for them" },
		.signs = { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .enhanced = "5.4.5|5.1.90" },
			{ SAID(BEFORE_RCPT, 400, 599), .pattern = DAY_WORDS },
			{ SAID(AT_RCPT | AT_CONTENT, 400, 499), .enhanced = LIMITED_NOW, .pattern = DAY_WORDS },
			{ SAID(AT_RCPT | AT_CONTENT, 500, 599), .enhanced = LIMITED,
			.pattern = DAY_WORDS_ALONE } } },
	{ { "too-many-connections", EX_TEMPFAIL, PARKS(RATE),
		"this machine or login has more sessions open at the server than it allows",
		"set max_connections = 1, and see who else sends through this account" },
		.signs = { { SAID(BEFORE_RCPT, 400, 499), .pattern = CONNECTION_WORDS },
			{ SAID(BEFORE_RCPT, 432, 432) },
			{ SAID(AT_RCPT | AT_CONTENT, 400, 499), .enhanced = LIMITED_NOW "|4.3.2",
			.pattern = CONNECTION_WORDS } } },
	{ { "too-many-messages", EX_TEMPFAIL, PARKS(RATE),
		"the server wants less mail from this login for a while",
		"set max_rate to what the provider allows; what waits goes out by itself" },
		.signs = { { SAID(BEFORE_RCPT, 400, 499), .pattern = RATE_WORDS },
			{ SAID(AT_RCPT | AT_CONTENT, 400, 499), .enhanced = LIMITED_NOW, .pattern = RATE_WORDS },
			{ SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .enhanced = LIMITED,
			.pattern = RATE_WORDS_ALONE } } },
	{ { "sending-unusual", EX_TEMPFAIL, PARKS(RATE),
		"the provider finds what this account sends unusual, and takes nothing for a while",
		"sign in at its web site, which says how to go on (Zoho: https://mail.zoho.com/UnblockMe)" },
		.signs = { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 400, 599),
			.pattern = "unusual sending activity" } } },
	{ { "sender-blocked", EX_NOPERM, OF_SENDER,
		"the domain of the sender is on a list of blocked ones",
		"set from to an address of another domain, or have the list's operator remove it" },
		.signs = { { SAID(AT_MAIL | AT_RCPT, 450, 599), .pattern = "sender address*blocked|"
			"sender domain*blocked|banned sender" } } },
	{ { "ip-blocked-now", EX_TEMPFAIL, PARKS(NETWORK),
		"the server does not trust the address of this machine's network for the moment",
		"wait some hours, or send from another network; -v shows the whole answer" },
		.signs = { { SAID(AT_OPEN | AT_MAIL, 400, 499), .pattern = BLOCKED_BEFORE "|unusual rate" },
			{ SAID(AT_RCPT, 400, 499), .pattern = BLOCKED_AT_RCPT "|unusual rate" },
			{ SAID(AT_CONTENT, 400, 499), .pattern = BLOCKED_US } } },
	{ { "recipient-not-released", EX_NOUSER, OF_RECIPIENT,
		"the provider's test account sends to addresses only that are named at its web site",
		"add the recipient there, or a domain of your own" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 400, 599), .pattern = "authorized recipients|"
			"sandbox subdomain" } } },
	/* Not 4.3.2, which who is too busy says as well. */
	{ { "server-in-trouble", EX_TEMPFAIL, PARKS(NETWORK),
		"the server has trouble of its own and ends the session",
		"wait until it is mended; if that takes more than an hour, ask who runs it" },
		.signs = { { SAID(AT_ANY, 421, 421), .enhanced = "4.3.0|4.3.1|4.3.5" } } },
	{ { "server-closes", EX_TEMPFAIL, PARKS(RATE),
		"the server ends the session and takes nothing more for now",
		"come back later and with less at once: max_connections and max_rate" },
		.signs = { { SAID(AT_ANY, 421, 421) } } },

	/* ---- who we are to the server */
	{ { "ip-blocked", EX_UNAVAILABLE, PARKS(NETWORK),
		"the address of this machine's network is on a list of blocked ones",
		"send from another network, or ask the list that the answer names to take the address "
		"off; without a login as yet: one at port 587 or 465 is mostly taken from anywhere" },
		.signs = { { SAID(AT_OPEN | AT_MAIL, 500, 599), .pattern = BLOCKED_BEFORE },
			{ SAID(AT_RCPT, 500, 599), .pattern = BLOCKED_AT_RCPT },
			{ SAID(AT_CONTENT, 500, 599), .pattern = BLOCKED_US },
			{ SAID(AT_OPEN | AT_MAIL | AT_RCPT, 500, 599), .pattern = "banned sending ip" } } },
	{ { "no-reverse-name", EX_UNAVAILABLE, PARKS(NETWORK),
		"the server wants this machine's address to have a name in DNS, and it has none",
		"ask the network's operator for a PTR record, or send from another network; without a "
		"login as yet: one at port 587 or 465 as a rule needs no such name" },
		.signs = { { SAID(AT_OPEN | AT_MAIL | AT_RCPT, 500, 599), .pattern = NO_REVERSE_WORDS },
			{ SAID(AT_MAIL | AT_RCPT, 400, 499), .pattern = NO_REVERSE_WORDS },
			{ SAID(AT_OPEN | AT_MAIL | AT_RCPT, 500, 599), .enhanced = "5.7.25" } } },
	{ { "ehlo-refused", EX_UNAVAILABLE, PARKS(LOGIN),
		"the server does not accept the name by which this machine greets it (EHLO)",
		"set ehlo to a whole host name, like ehlo = host.example.com" },
		.signs = { { SAID(AT_OPEN, 501, 501) }, { SAID(AT_OPEN, 504, 504) },
			{ SAID(AT_OPEN | AT_MAIL | AT_RCPT, 500, 599), .pattern = HELO_WORDS } } },
	{ { "ehlo-refused-now", EX_TEMPFAIL, PARKS(NETWORK),
		"the server is not content for now with the name by which this machine greets it (EHLO)",
		"set ehlo to a whole host name that DNS knows, like ehlo = mail.example.com: left alone it "
		"seldom mends itself" },
		.signs = { { SAID(AT_OPEN | AT_MAIL | AT_RCPT, 400, 499), .pattern = HELO_WORDS } } },
	{ { "out-of-step", EX_PROTOCOL, PARKS(NETWORK),
		"the server says that something was sent out of turn",
		"set pipelining = off; if it comes again, a proxy or virus scanner between here and the "
		"server disturbs the dialogue" },
		.signs = { { SAID(AT_ANY, 500, 599), .pattern = "synchronization error|"
			"synchronisation error|improper*pipelining|pipelining not allowed" } } },

	/* ---- the sender */
	{ { "sender-not-owned", EX_NOPERM, OF_SENDER,
		"this login may not send as that address",
		"set from to the login's own address; rewrite_from = auto then puts it in place" },
		.signs = { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .pattern = "sendasdenied|"
			"not owned by|not allowed to send as|must equal authorized user|"
			"must be same as authorization user|relaying disallowed|"
			"not one of your addresses|sender address is not allowed|"
			"permissions to send as|permission to send as" },
			{ SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .enhanced = "5.7.60|5.2.252" } } },
	{ { "identity-not-verified", EX_NOPERM, OF_SENDER,
		"the provider has not verified that this sender is yours",
		"verify the address or its domain in the provider's console (for the region of host), "
		"or set from to one that is; a new account may want the recipients verified as well" },
		.signs = { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 400, 599), .pattern =
			"verified sender|sender signature|sender identity|sender*is not verified|"
			"sender*not a verified" },
			{ SAID(AT_MAIL | AT_CONTENT, 400, 599), .pattern =
			"address is not verified|domain is not verified|not a verified" } } },
	{ { "sender-bare", EX_NOPERM, OF_SENDER,
		"the sender has no domain, and the server wants a whole address",
		"set from in the account, or domain in [sendoff], so that it gets one" },
		.signs = { { SAID(AT_MAIL | AT_RCPT, 400, 599), .pattern =
			"sender address rejected: need fully-qualified|sender*domain name required|"
			"domain name required for sender|sender*must contain a domain" } } },
	{ { "sending-suspended", EX_NOPERM, PARKS(LOGIN),
		"the provider has stopped this account from sending, as a rule after spam",
		"change its password, and ask the provider's support to let it send again" },
		.signs = { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599),
			.enhanced = "5.7.705|5.7.708|5.7.750|5.7.501|5.7.502" },
			{ SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .pattern = "bad outbound sender|"
			"suspended from sending|blocked from sending|your account is suspended|"
			"your account has been suspended|your account is blocked|"
			"your account has been blocked|your account is disabled|"
			"your account has been disabled" },
			{ SAID(AT_MAIL, 500, 599), .pattern = "account is suspended|account suspended|"
			"account has been suspended|account is disabled|account disabled" } } },
	{ { "sender-domain-unknown", EX_NOPERM, OF_SENDER,
		"the domain of the sender does not exist, or has no mail server",
		"set from to an address that replies can be sent to" },
		.signs = { { SAID(AT_MAIL | AT_RCPT, 400, 599), .enhanced = "5.1.8|4.1.8" },
			{ SAID(AT_MAIL | AT_RCPT, 400, 599), .pattern =
			"sender address rejected: domain not found|sender*domain must exist|"
			"domain of sender*does not" } } },
	{ { "own-mailbox-full", EX_UNAVAILABLE, PARKS(RATE),
		"the sender's own mailbox is full, so that it may not send either",
		"delete or archive mail in it" },
		.signs = { { SAID(AT_CONTENT, 554, 554), .enhanced = "5.2.2",
			.pattern = "storedrv.submission" } } },
	{ { "yahoo-did-not-send", EX_NOPERM, OF_SENDER,
		"Yahoo does not send this message: as a rule the sender is not the account's own address",
		"set from to the address that one logs in with; if it is, wait a day" },
		.signs = { { SAID(AT_CONTENT, 554, 554), .pattern = "6.6.0 error sending message" } } },

	/* ---- where to */
	{ { "recipient-bare", EX_NOUSER, OF_RECIPIENT,
		"the recipient has no domain, and the server wants a whole address",
		"write it with its domain, or set domain or an alias for it" },
		.signs = { { SAID(AT_RCPT, 500, 599),
			.pattern = "recipient address rejected: need fully-qualified" } } },
	{ { "microsoft-no-recipient", EX_NOUSER, OF_RECIPIENT,
		"Microsoft 365 has no mailbox of this name",
		"check the address; a mailbox that is new there is known after some hours" },
		.signs = { { SAID(AT_RCPT, 500, 599), .enhanced = "5.4.1",
			.pattern = "recipient address rejected: access denied" } } },
	{ { "relay-denied", EX_NOPERM, PARKS(LOGIN),
		"the server does not pass mail on for this client",
		"add user and password_command to the account; where they are, check that host and "
		"port are those for submission" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 400, 599), .pattern = RELAY_WORDS },
			{ SAID(AT_RCPT, 400, 599), .pattern = "not relay|rcpthosts|relaying is not" },
			{ SAID(AT_RCPT, 500, 599), .pattern = "client host rejected|"
			"recipient address rejected: access denied" } } },
	{ { "recipient-suppressed", EX_NOUSER, OF_RECIPIENT,
		"the provider keeps this recipient on its list of those that are not to be written to",
		"if the address is good, take it off the suppression list at the provider's web site" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 400, 599), .pattern = "marked as inactive|"
			"suppression list|suppressed" } } },
	{ { "recipient-domain-unknown", EX_NOUSER, OF_RECIPIENT,
		"the domain of this recipient does not exist, or takes no mail",
		"check the part of the address behind the @" },
		.signs = { { SAID(AT_RCPT, 450, 599), .enhanced = "5.1.2|5.4.4|4.1.2" },
			{ SAID(AT_RCPT, 450, 599), .pattern = "recipient address rejected: domain not found" },
			{ SAID(AT_RCPT, 500, 599), .pattern = "null mx" } } },
	{ { "recipient-unrouteable", EX_NOUSER, OF_RECIPIENT,
		"the server knows no way to this address: its domain does not exist, or its user does not",
		"check both sides of the @" },
		.signs = { { SAID(AT_RCPT, 500, 599),
			.pattern = "unrouteable address|unroutable address" } } },
	{ { "recipient-full", EX_NOUSER, OF_RECIPIENT,
		"the mailbox of this recipient is full",
		"tell them by another way" },
		.signs = { { SAID(AT_RCPT | AT_DELIVERY, 450, 599), .enhanced = "5.2.2|4.2.2" },
			{ SAID(AT_RCPT | AT_DELIVERY, 450, 599),
			.pattern = "mailbox is full|mailbox full|over quota" },
			{ SAID(AT_RCPT | AT_DELIVERY, 500, 599), .pattern = "quota exceeded|exceeded*quota" } } },
	{ { "too-many-recipients", EX_TEMPFAIL, OF_RECIPIENT,
		"these are more recipients in one message than the server takes",
		"set max_recipients to what it allows: sendoff then sends it in several goes" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 450, 452), .enhanced = "4.5.3" },
			{ SAID(AT_RCPT | AT_CONTENT, 400, 499), .pattern = "too many recipients" } } },
	{ { "recipient-limit", EX_UNAVAILABLE, OF_MESSAGE,
		"the server refuses a message with so many recipients for good",
		"send it to fewer of them at once: max_recipients" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 500, 599), .enhanced = "5.5.3" },
			{ SAID(AT_RCPT | AT_CONTENT, 500, 599), .pattern = "too many recipients|reciplimit" } } },
	{ { "greylisted", EX_TEMPFAIL, OF_RECIPIENT,
		"the server lets those whom it does not know wait first (greylisting)",
		"send it again in five to thirty minutes; the queue does so by itself" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 400, 499), .pattern = "greylist|graylist|"
			"grey-list|grey list|postgrey" },
			{ SAID(AT_RCPT | AT_CONTENT, 450, 451), .enhanced = "4.7.1",
			.pattern = "try again later|come back later|try again in" },
			{ SAID(AT_RCPT, 450, 451), .pattern = "451 temporary failure, please try again later" } } },

	/* ---- the message */
	{ { "message-too-big", EX_UNAVAILABLE, OF_MESSAGE,
		"the message is larger than the server takes",
		"make it smaller, or send a link instead of the attachment" },
		.signs = { { SAID(AT_ANY, 500, 599), .enhanced = "5.3.4" },
			{ SAID(AT_MAIL | AT_CONTENT, 500, 599), .pattern = "message size exceeds|"
			"message too large|message too big|message is too large|message is too big|"
			"maximum message size|message size limit" } } },
	{ { "bare-line-ends", EX_UNAVAILABLE, OF_MESSAGE,
		"the server saw a bare CR or LF, which sendoff never sends",
		"a proxy or virus scanner between here and the server changes mail: take it out of the "
		"way" },
		.signs = { { SAID(AT_CONTENT, 500, 599), .pattern = "bare lf|bare <lf>|bare cr|bare <cr>|"
			"bare newline|bare linefeed|bare line feed" } } },
	{ { "line-too-long", EX_UNAVAILABLE, OF_MESSAGE,
		"a line of the message is longer than the server takes",
		"let the program that wrote it use quoted-printable or base64; signed parts are never "
		"changed by sendoff" },
		.signs = { { SAID(AT_CONTENT, 500, 599), .pattern = "line too long|lines too long|"
			"line is too long|line length|lines longer than|overlong line" } } },
	{ { "bare-name-in-header", EX_UNAVAILABLE, OF_MESSAGE,
		"an address in the header of the message (From, To, Cc) has no domain",
		"set domain in [sendoff], or an alias for that name" },
		.signs = { { SAID(AT_CONTENT, 500, 599), .pattern = "missing final|lacks a domain" } } },
	{ { "no-valid-recipients", EX_UNAVAILABLE, OF_MESSAGE,
		"the server says that it has accepted no recipient",
		"see with -v what it answered to each of them" },
		.signs = { { SAID(AT_CONTENT, 500, 599), .pattern = "no valid recipients|"
			"no valid rcpt|no recipients" } } },
	{ { "sender-not-authentic", EX_UNAVAILABLE, OF_MESSAGE,
		"the domain of the sender does not let this server send for it (SPF, DKIM, DMARC)",
		"send it through a server of that domain, or set from to an address of the account" },
		.signs = { { SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599),
			.enhanced = "5.7.26|5.7.23|5.7.20|5.7.509|5.7.515" },
			{ SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 500, 599), .pattern = "dmarc|spf check|"
			"spf policy|dkim*fail" } } },
	{ { "content-unwanted", EX_UNAVAILABLE, OF_MESSAGE,
		"the server takes the message for spam or malware",
		"send it without links and attachments that look like that" },
		.signs = { { SAID(AT_CONTENT, 500, 599), .pattern = "spam|virus|malware|unsolicited|"
			"phishing|suspicious" } } },
	{ { "message-kind", EX_UNAVAILABLE, OF_MESSAGE,
		"the server does not take this kind of content",
		"its own words say which part; send that in another form" },
		.signs = { { SAID(AT_MAIL, 500, 599), .enhanced = "5.6." } } },
	{ { "message-too-big-now", EX_TEMPFAIL, OF_MESSAGE,
		"the server has no room for a message of this size at the moment",
		"send it again tomorrow, or a smaller one now" },
		.signs = { { SAID(AT_MAIL, 452, 452), .enhanced = "4.3.1" } } },
	{ { "server-policy", EX_UNAVAILABLE, OF_MESSAGE,
		"a rule of the server's operator forbids this message",
		"ask the operator, with the server's own words: nothing here can change it" },
		.signs = { { SAID(AT_RCPT | AT_CONTENT, 500, 599), .pattern =
			"administrative prohibition|administratively prohibited|policy violation" } } },

	/* ---- nothing special, by the step.  smtp/engine.c names the first two. */
	{ { "lmtp-here", EX_PROTOCOL, PARKS(NETWORK),
		"what answers there is a server for LMTP, and this account speaks SMTP to it",
		"set protocol = lmtp, or host and port of a server for submission (587 or 465)" },
		.signs = { { SAID(AT_EHLO | AT_HELO, 500, 503), .pattern = "lhlo|lmtp" },
			{ SAID(AT_EHLO | AT_HELO, 500, 503), .host = "/lmtp|/dovecot-lmtp" } } },
	{ { "other-protocol-here", EX_PROTOCOL, PARKS(NETWORK),
		"what answers there is a server for something else than mail submission",
		"check host and port: for submission they are 587 or 465; where it is a server for LMTP, "
		"set protocol = lmtp" },
		.signs = { { SAID(AT_OPEN, 500, 599), .pattern = "login with user and pass" },
			{ SAID(AT_HELO, 500, 500) }, { SAID(AT_HELO, 502, 502) } } },
	{ { "ehlo-unknown", EX_PROTOCOL, PARKS(NETWORK),
		"the server knows no EHLO, so that it can neither encrypt nor take a login",
		"check host and port (587 or 465 for submission), and set protocol = lmtp if it is a server "
		"for LMTP; a firewall on the way that looks into SMTP may have put EHLO out of action" },
		.signs = { { SAID(AT_EHLO, 500, 500) }, { SAID(AT_EHLO, 502, 502) } } },
	{ { "lhlo-unknown", EX_PROTOCOL, PARKS(NETWORK),
		"the server knows no LHLO: it speaks SMTP, and this account LMTP to it",
		"set protocol = smtp, or host and port of the server for LMTP" },
		.signs = { { SAID(AT_LHLO, 500, 500) }, { SAID(AT_LHLO, 502, 503) } } },
	{ { "greeted-off", EX_UNAVAILABLE, PARKS(NETWORK),
		"the server does not take mail from here",
		"check host and port: for submission they are usually 587 or 465" },
		.signs = { { SAID(AT_OPEN, 500, 599) } } },
	{ { "busy", EX_TEMPFAIL, PARKS(NETWORK),
		"the server cannot serve anybody at the moment",
		"wait until it can; if that takes more than an hour, ask who runs it" },
		.signs = { { SAID(AT_OPEN, 400, 499) } } },
	{ { "starttls-refused", EX_PROTOCOL, PARKS(NETWORK),
		"the server offers TLS and then refuses it",
		"try tls = implicit (port 465)" },
		.signs = { { SAID(AT_STARTTLS, 500, 599) } } },
	{ { "starttls-later", EX_TEMPFAIL, PARKS(NETWORK),
		"the server has trouble with TLS at the moment",
		"try tls = implicit with port = 465, or wait until its operator has mended it" },
		.signs = { { SAID(AT_STARTTLS, 400, 499) } } },
	{ { "sender-refused", EX_NOPERM, OF_SENDER,
		"the server does not accept the sender",
		"set from to an address that belongs to this login" },
		.signs = { { SAID(AT_MAIL, 500, 599) },
			{ SAID(AT_RCPT | AT_CONTENT, 500, 599), .pattern = SENDER_WORDS } } },
	{ { "sender-later", EX_TEMPFAIL, OF_SENDER,
		"the server does not take mail from this sender now",
		"send it again in an hour, or from another address" },
		.signs = { { SAID(AT_MAIL, 400, 499) },
			{ SAID(AT_RCPT | AT_CONTENT, 400, 499), .pattern = SENDER_WORDS } } },
	{ { "recipient-refused", EX_NOUSER, OF_RECIPIENT,
		"the server does not accept this recipient",
		"check the address" },
		.signs = { { SAID(AT_RCPT, 500, 599) },
			{ SAID(AT_DELIVERY, 500, 599), .enhanced = "5.1." } } },
	{ { "recipient-later", EX_TEMPFAIL, OF_RECIPIENT,
		"the server does not take mail for this recipient now",
		"send it again in an hour; the queue does so by itself" },
		.signs = { { SAID(AT_RCPT, 400, 499) } } },
	{ { "delivery-refused", EX_NOUSER, OF_RECIPIENT,
		"the server has read the message and does not deliver it to this recipient",
		"its own words say whether it is the mailbox or the message; others may have got it" },
		.signs = { { SAID(AT_DELIVERY, 500, 599) } } },
	{ { "delivery-later", EX_TEMPFAIL, OF_RECIPIENT,
		"the server has read the message and cannot deliver it to this recipient now",
		"send it again to this recipient alone in an hour; the queue does so by itself" },
		.signs = { { SAID(AT_DELIVERY, 400, 499) } } },
	{ { "content-refused", EX_UNAVAILABLE, OF_MESSAGE,
		"the server does not accept this message",
		"its own words say why; sending the same again will not help" },
		.signs = { { SAID(AT_CONTENT, 500, 599) } } },
	{ { "content-later", EX_TEMPFAIL, OF_MESSAGE,
		"the server could not take the message now",
		"send the same again in a while, as the queue does" },
		.signs = { { SAID(AT_CONTENT, 400, 499) } } },
	{ { "refused", EX_UNAVAILABLE, OF_MESSAGE, "the server refused",
		"its own words are all that is known: ask its operator with them" },
		.signs = { { SAID(AT_ANY, 500, 599) } } },
	{ { "later", EX_TEMPFAIL, OF_MESSAGE, "the server refused for now", "try again later" },
		.signs = { { SAID(AT_ANY, 400, 499) } } },

	/* ---- what we could not do: by the kind of the err */
	{ { "usage", EX_USAGE, OF_CALLER, "the command line is not right", "see `sendoff help`" },
		OF(ERR_USAGE) },
	{ { "server-not-known", EX_USAGE, OF_CALLER,
		"nobody has said yet which server sends for this address",
		"ask the provider for its submission server and name it with --host" }, NAMED },
	{ { "message", EX_DATAERR, OF_CALLER, "the message or an address in it is not acceptable", NULL },
		OF(ERR_MESSAGE) },
	{ { "no-input", EX_NOINPUT, OF_CALLER, "the input file cannot be opened", NULL }, OF(ERR_NO_INPUT) },
	{ { "read", EX_IOERR, OF_CALLER, "reading the message failed, so nothing was sent", NULL },
		OF(ERR_READ) },
	{ { "output", EX_CANTCREAT, OF_CALLER, "the output cannot be written", NULL }, OF(ERR_OUTPUT) },
	{ { "system", EX_OSERR, OF_CALLER, "this machine is short of something", NULL }, OF(ERR_SYSTEM) },
	{ { "internal", EX_SOFTWARE, OF_CALLER, "sendoff itself is at fault", "please report this" },
		OF(ERR_INTERNAL) },
	{ { "store", EX_TEMPFAIL, OF_CALLER, "there is no room for the message",
		"free some space, or point TMPDIR to a directory that has it" }, OF(ERR_STORE) },
	{ { "name-unknown", EX_NOHOST, PARKS(NETWORK), "the server's name does not exist",
		"check host for a typing error; an internal name needs its network or VPN" }, OF(ERR_NAME) },
	{ { "name-later", EX_TEMPFAIL, PARKS(NETWORK), "the server's name could not be looked up now",
		"check that this machine is online" }, OF(ERR_NAME_AGAIN) },
	{ { "connect", EX_TEMPFAIL, PARKS(NETWORK), "the server cannot be reached",
		"check that this machine is online, and host and port" }, OF(ERR_CONNECT) },
	{ { "timeout", EX_TEMPFAIL, PARKS(NETWORK), "the server does not answer in time",
		"try again later, or raise timeout" }, OF(ERR_TIMEOUT) },
	{ { "lost", EX_TEMPFAIL, PARKS(NETWORK), "the connection broke off",
		"try again; if that goes on, the server or something on the way drops it" }, OF(ERR_LOST) },
	{ { "outcome-unknown", EX_IOERR, OF_MESSAGE, "the connection broke off after the whole message was sent",
		"it may have been delivered: ask the recipient before sending it again" },
		OF(ERR_UNKNOWN) },
	{ { "tls", EX_PROTOCOL, PARKS(NETWORK), "no encrypted connection came about",
		"check port and tls: 465 goes with implicit, 587 with starttls" }, OF(ERR_TLS) },
	{ { "certificate", EX_NOPERM, PARKS(LOGIN), "the server could not prove that it is the right one",
		"if it is your own server, set tls_ca_file or tls_pin" }, OF(ERR_CERT) },
	{ { "protocol", EX_PROTOCOL, PARKS(NETWORK), "what answers there does not speak SMTP properly",
		"check host and port; a login portal or proxy may be in between" },
		OF(ERR_PROTOCOL) },
	{ { "login-impossible", EX_NOPERM, PARKS(LOGIN), "there is no acceptable way to log in",
		"check user, password and auth of the account; -v shows what the server offers" },
		OF(ERR_LOGIN) },
	{ { "cannot-take", EX_UNAVAILABLE, OF_MESSAGE, "this server cannot take this message", NULL },
		OF(ERR_CAPABILITY) },
	{ { "config", EX_CONFIG, PARKS(LOGIN), "the configuration is not right",
		"mend it and try again; `sendoff config check` tests it" }, OF(ERR_CONFIG) },
	{ { "config-denied", EX_CONFIG, PARKS(LOGIN), "the configuration may not be read by this user",
		"see its owner and mode (ls -l), and have them changed" }, NAMED },
	{ { "no-terminal", EX_CONFIG, OF_CALLER,
		"the password would have to be typed in, and there is no terminal to ask at",
		"call it at a terminal, or give --password-file FILE (- is standard input)" }, NAMED },
	{ { "secret", EX_CONFIG, PARKS(LOGIN), "the password could not be had",
		"run the password command by hand, or check the file or variable" },
		OF(ERR_SECRET) },
	{ { "right", EX_NOPERM, OF_CALLER, "this user may not do that",
		"ask the administrator of this machine" }, OF(ERR_RIGHT) },
	{ { "queue-file-damaged", EX_DATAERR, OF_CALLER, "a queue file is not what it was",
		"it is kept in the directory damaged of the queue" }, OF(ERR_DAMAGED) },
	{ { "queue-file-newer", EX_TEMPFAIL, OF_CALLER,
		"a queue file was written by a release that this one does not know",
		"use the newer release again; the file is left as it is" }, OF(ERR_FORMAT) },
	{ { "no-queue", EX_TEMPFAIL, OF_CALLER, "there is no queue in that place", NULL },
		OF(ERR_NO_QUEUE) },
	{ { "parked", EX_TEMPFAIL, OF_MESSAGE,
		"the account is not to be used at the moment",
		"`sendoff queue` shows why and until when" }, OF(ERR_PARKED) },
	{ { "runner", EX_TEMPFAIL, OF_CALLER, "the system's runner does not answer",
		"start it: systemctl start sendoff-smtp.socket sendoff.service" }, OF(ERR_RUNNER) },
	{ { "stopped", EX_TEMPFAIL, OF_CALLER, "sendoff was told to stop", NULL }, OF(ERR_SIGNAL) },

	/* ---- ... and what is known more exactly: the name */
	{ { "name-no-address", EX_NOHOST, PARKS(NETWORK), "the server's name exists and has no address",
		"check host: a domain is not always a server (smtp.example.com, mail.example.com)" }, NAMED },
	{ { "name-other-family", EX_NOHOST, PARKS(NETWORK), "the server has no address of the family asked for",
		"remove family from the account, or name another host" }, NAMED },

	/* the connection */
	{ { "connect-refused", EX_TEMPFAIL, PARKS(NETWORK), "nobody listens at this port of the server",
		"check port (587 or 465 for submission), and that the server is running" }, NAMED },
	{ { "connect-timeout", EX_TEMPFAIL, PARKS(NETWORK), "the server does not even answer the call",
		"check host and port; a firewall on the way may swallow it" }, NAMED },
	{ { "port-25-blocked", EX_TEMPFAIL, PARKS(NETWORK), "this network lets nothing through to port 25",
		"many do: try port = 587 or port = 465" }, NAMED },
	{ { "no-network", EX_TEMPFAIL, PARKS(NETWORK), "this machine has no way to the network of the server",
		"see that it is online (cable, wireless, VPN, route)" }, NAMED },
	{ { "host-unreachable", EX_TEMPFAIL, PARKS(NETWORK), "no way leads to the server, or a firewall denies it",
		"check host; try another network, or another port" }, NAMED },
	{ { "connect-forbidden", EX_TEMPFAIL, PARKS(NETWORK), "this machine forbids the program to connect",
		"look into its firewall and confinement (SELinux: setsebool -P httpd_can_network_connect 1 "
		"and httpd_can_sendmail 1; AppArmor: its log; systemd: RestrictAddressFamilies)" }, NAMED },
	{ { "socket-not-served", EX_TEMPFAIL, PARKS(NETWORK), "nobody answers at the socket that host names",
		"start the service that listens there, and check that host is its path" }, NAMED },

	{ { "connection-closed-at-once", EX_TEMPFAIL, PARKS(NETWORK),
		"the server takes the call and hangs up at once, without a word",
		"try another network, or wait an hour: a ban (fail2ban), a limit of connections or a "
		"firewall does that, and a VPN or proxy that cannot reach the server" }, NAMED },

	/* the way there */
	{ { "source-address-missing", EX_TEMPFAIL, PARKS(NETWORK),
		"this machine does not have the address that source_address names",
		"compare it with what `ip address` lists; that of a VPN is there only while it is up" }, NAMED },
	{ { "proxy-name-unknown", EX_NOHOST, PARKS(NETWORK), "the name of the proxy does not exist, or has no address that counts",
		"check proxy for a typing error, and family; an internal name needs its network or VPN" }, NAMED },
	{ { "proxy-unreachable", EX_TEMPFAIL, PARKS(NETWORK), "the proxy cannot be connected to",
		"see that it is running, and that proxy names its host and port" }, NAMED },
	{ { "proxy-no-answer", EX_TEMPFAIL, PARKS(NETWORK), "the proxy takes the call and does not answer",
		"check its port in proxy, and whether it speaks SOCKS5 (socks5://) or HTTP (http://)" }, NAMED },
	{ { "proxy-not-one", EX_PROTOCOL, PARKS(NETWORK), "what answers there is not a proxy of this kind",
		"check the port in proxy, and whether it speaks SOCKS5 (socks5://) or HTTP (http://)" }, NAMED },
	{ { "proxy-unfit", EX_PROTOCOL, PARKS(NETWORK), "the proxy does not know how to reach mail servers",
		"use one that makes connections to any name and port (CONNECT)" }, NAMED },
	{ { "proxy-login-wanted", EX_NOPERM, PARKS(LOGIN), "the proxy wants a login, and none is set",
		"write it into proxy, in front of the host: user:password@" }, NAMED },
	{ { "proxy-login-refused", EX_NOPERM, PARKS(LOGIN), "the proxy does not accept user and password",
		"compare both with those that its operator gave you; what is special in them is written "
		"as %HH" }, NAMED },
	{ { "proxy-forbids", EX_NOPERM, PARKS(NETWORK), "the proxy does not let us through to this server",
		"ask its operator to allow host and port: many let nothing but port 443 through" }, NAMED },
	{ { "proxy-cannot-reach", EX_TEMPFAIL, PARKS(NETWORK), "the proxy does not reach the server",
		"check host and port; the name is looked up by the proxy, on its side" }, NAMED },
	{ { "connect-command-missing", EX_CONFIG, PARKS(LOGIN),
		"what connect_command names is not there, or may not be executed",
		"write it with its whole path: services have a shorter PATH than you" }, NAMED },
	{ { "connect-command-failed", EX_TEMPFAIL, PARKS(NETWORK),
		"the command that leads to the server failed",
		"run it by hand, as this user and without a terminal: it must print the server's greeting" },
		NAMED },

	/* the mode of TLS, and what else may answer */
	{ { "no-greeting", EX_TEMPFAIL, PARKS(NETWORK), "the server takes the call and says nothing",
		"if this port expects TLS from the start, set tls = implicit" }, NAMED },
	{ { "answer-too-slow", EX_TEMPFAIL, PARKS(NETWORK),
		"the server begins an answer and does not finish it in time",
		"raise timeout: some servers hold strangers up on purpose, octet by octet (a tarpit); if "
		"that does not help, ask its operator" }, NAMED },
	{ { "tls-from-the-start-here", EX_TEMPFAIL, PARKS(NETWORK),
		"the server waits for TLS, and this account for a greeting in clear",
		"set tls = implicit, which belongs to port 465" }, NAMED },
	{ { "tls-silent", EX_TEMPFAIL, PARKS(NETWORK), "the server did not go on with the TLS handshake",
		"if it speaks plain SMTP first on this port, set tls = starttls" }, NAMED },
	{ { "tls-not-offered", EX_PROTOCOL, PARKS(NETWORK), "the server offers no STARTTLS here",
		"try tls = implicit with port = 465; if others get STARTTLS here, somebody on the way is "
		"stripping it" }, NAMED },
	{ { "plain-smtp-here", EX_PROTOCOL, PARKS(NETWORK), "the server speaks plain SMTP first at this port",
		"set tls = starttls, or port = 465" }, NAMED },
	{ { "tls-too-old", EX_PROTOCOL, PARKS(NETWORK), "the server's TLS is too old to be safe",
		"its operator must update it: TLS 1.2 is the least" }, NAMED },
	{ { "tls-nothing-in-common", EX_PROTOCOL, PARKS(NETWORK), "the server and this machine have no way to encrypt in common",
		"tell its operator that its TLS is out of date, or that it has no certificate" }, NAMED },
	{ { "tls-weak-exchange", EX_PROTOCOL, PARKS(NETWORK), "the server's key exchange is too weak to be safe",
		"its operator must set longer Diffie-Hellman parameters" }, NAMED },
	{ { "tls-not-tls", EX_PROTOCOL, PARKS(NETWORK), "what the server sends in the handshake is not TLS",
		"check port, and whether a proxy stands in between" }, NAMED },
	{ { "client-certificate-wanted", EX_PROTOCOL, PARKS(NETWORK), "the server wants a client certificate",
		"set tls_cert and tls_key to the files you were given" }, NAMED },
	{ { "client-certificate-refused", EX_PROTOCOL, PARKS(NETWORK), "the server does not accept our client certificate",
		"check that tls_cert is in date, belongs to tls_key and was issued for this server" }, NAMED },
	{ { "client-key-encrypted", EX_CONFIG, PARKS(LOGIN), "the key of our client certificate is encrypted",
		"decrypt it once: openssl pkey -in OLD -out NEW; only its owner may read it" }, NAMED },
	{ { "pkcs11-missing", EX_CONFIG, PARKS(NETWORK), "the security token with the key of our client certificate is not there",
		"plug it in, or let whoever sends use it: p11tool --list-token-urls, run by that user, shows "
		"what there is" }, NAMED },
	{ { "pkcs11-pin", EX_CONFIG, PARKS_ON, "the security token does not take the PIN",
		"check what pin-source or pin-value in tls_key gives; as tokens lock themselves, the PIN is "
		"not tried again before that has changed, or sendoff queue flush" }, NAMED },
	{ { "pkcs11-locked", EX_CONFIG, PARKS(LOGIN), "the security token is locked, or would be by one more wrong PIN",
		"log in to it by hand, as p11tool --login --list-all URI does; what is locked its "
		"administrator unlocks" }, NAMED },
	{ { "pkcs11-silent", EX_TEMPFAIL, PARKS(NETWORK), "the security token with the key of our client certificate did not answer",
		"see whether it waits for a touch; where its module hangs, plug it out and in" }, NAMED },
	{ { "pkcs11-trouble", EX_CONFIG, PARKS(NETWORK), "the security token with the key of our client certificate has trouble",
		"see whether p11tool can sign with it: p11tool --login --test-sign URI" }, NAMED },
	{ { "http-here", EX_PROTOCOL, PARKS(NETWORK), "a web server or proxy answers there",
		"check port; where the web goes through a proxy, mail needs a way of its own" }, NAMED },
	{ { "portal", EX_PROTOCOL, PARKS(NETWORK), "the login page of this network answers in the server's place",
		"open any page in a web browser, log in to the network, and try again" }, NAMED },

	/* the certificate */
	{ { "certificate-expired", EX_NOPERM, PARKS(LOGIN), "the server's certificate is out of date",
		"its operator must renew it; check also that this machine's clock is right" }, NAMED },
	{ { "certificate-not-yet-valid", EX_NOPERM, PARKS(LOGIN), "the server's certificate is not valid yet",
		"see whether this machine's clock is behind; else wait for the day it names" }, NAMED },
	{ { "clock-wrong", EX_NOPERM, PARKS(LOGIN), "this machine's clock is wrong, so that no certificate seems valid",
		"set it: timedatectl set-ntp true, or date -s" }, NAMED },
	{ { "certificate-wrong-name", EX_NOPERM, PARKS(LOGIN), "the server's certificate is for another name",
		"set host to a name that it has, or tls_host where host must stay" }, NAMED },
	{ { "certificate-self-signed", EX_NOPERM, PARKS(LOGIN), "the server's certificate is signed by itself alone",
		"if the server is yours, compare the key and set tls_pin" }, NAMED },
	{ { "certificate-unknown-issuer", EX_NOPERM, PARKS(LOGIN), "the server's certificate comes from nobody whom this machine trusts",
		"if the CA is your organization's, set tls_ca_file to its root" }, NAMED },
	{ { "certificate-incomplete-chain", EX_NOPERM, PARKS(LOGIN), "the server does not send the certificate between its own and the root",
		"its operator must install the whole chain" }, NAMED },
	{ { "certificate-weak", EX_NOPERM, PARKS(LOGIN), "a key or hash of the server's certificate is too weak",
		"its operator must replace it by one with a key of 2048 bit or more, and SHA-256" }, NAMED },
	{ { "certificate-wrong-purpose", EX_NOPERM, PARKS(LOGIN), "the server's certificate is not meant for servers",
		"its operator must use one with the purpose serverAuth" }, NAMED },
	{ { "certificate-constraints", EX_NOPERM, PARKS(LOGIN), "the issuer of the server's certificate had no right to issue it",
		"tell the operator; it may also be an attack" }, NAMED },
	{ { "certificate-revoked", EX_NOPERM, PARKS(LOGIN), "the server's certificate was revoked",
		"do not trust this server until its operator has replaced the certificate" }, NAMED },
	{ { "ocsp-expired", EX_NOPERM, PARKS(LOGIN), "the server's proof that its certificate was not revoked is out of date",
		"its operator must see to it that the server fetches a new OCSP response each day" }, NAMED },
	{ { "ocsp-wrong", EX_NOPERM, PARKS(LOGIN), "the server's proof that its certificate was not revoked proves nothing",
		"its operator must mend OCSP stapling there, or switch it off" }, NAMED },
	{ { "ocsp-missing", EX_NOPERM, PARKS(LOGIN), "the server's certificate demands a proof that it was not revoked, and there is none",
		"its operator must switch OCSP stapling on, or get a certificate without must-staple" }, NAMED },
	{ { "crl-expired", EX_NOPERM, PARKS(LOGIN), "the list of revoked certificates in tls_crl_file is out of date",
		"fetch the issuer's new one, and see to it that something does so each day" }, NAMED },
	{ { "crl-wrong", EX_NOPERM, PARKS(LOGIN), "the list of revoked certificates in tls_crl_file cannot be trusted",
		"fetch it anew from its issuer, and check this machine's clock" }, NAMED },
	{ { "pin-mismatch", EX_NOPERM, PARKS(LOGIN), "the server's key is not the one in tls_pin",
		"ask the operator whether the key was changed, by another way than this server, and only "
		"then write the new one" }, NAMED },
	{ { "no-ca-bundle", EX_NOPERM, PARKS(LOGIN), "this machine has no list of trusted roots",
		"install the package ca-certificates, or set tls_ca_file" }, NAMED },

	/* the login */
	{ { "login-not-offered", EX_NOPERM, PARKS(LOGIN), "the server offers no login here, and the account has one",
		"use the port for submission (587 or 465) with TLS; if no login is needed, set auth = none" }, NAMED },
	{ { "no-common-mechanism", EX_NOPERM, PARKS(LOGIN), "the server offers no way to log in that this account allows",
		"leave auth out, or name one that the server offers" }, NAMED },
	{ { "login-clear-forbidden", EX_NOPERM, PARKS(LOGIN), "the login would show the password to everybody on the way",
		"set tls = starttls or implicit; only on a line that nobody can listen to: "
		"allow_clear_password = yes" }, NAMED },
	{ { "login-without-password", EX_NOPERM, PARKS(LOGIN), "the account has a user and no password",
		"set password_command or password_file" }, NAMED },
	{ { "login-without-means", EX_CONFIG, PARKS(LOGIN), "the account has neither a password nor an OAuth client",
		"set password_command or password_file; or call sendoff login ACCOUNT, which tells how to "
		"get an OAuth client" }, NAMED },
	{ { "login-without-user", EX_NOPERM, PARKS(LOGIN), "the account has a password and no user",
		"set user, as a rule to the whole mail address" }, NAMED },
	{ { "login-wants-token", EX_NOPERM, PARKS(LOGIN), "the server takes OAuth access tokens only",
		"set auth = xoauth2 (or oauthbearer) and a password_command that prints a token" }, NAMED },
	{ { "login-wants-password", EX_NOPERM, PARKS(LOGIN), "the server takes passwords only, and the account signs in by OAuth",
		"take its oauth keys out and give it a password, or check host and port" }, NAMED },
	{ { "login-weak-only", EX_NOPERM, PARKS(LOGIN), "the server offers CRAM-MD5 only, which is used where it is asked for",
		"set auth = cram-md5 if it has nothing better" }, NAMED },
	{ { "login-wants-certificate", EX_NOPERM, PARKS(LOGIN), "the server takes logins by a client certificate",
		"set tls_cert and tls_key, or ask for another way to log in" }, NAMED },
	{ { "login-not-bindable", EX_NOPERM, PARKS(LOGIN), "the login wants a TLS connection that it can be bound to",
		"use TLS 1.3, or a mechanism without -PLUS" }, NAMED },
	{ { "login-wants-ticket", EX_NOPERM, PARKS(LOGIN), "the server takes logins by Kerberos tickets",
		"set auth = gssapi if this machine belongs to a Kerberos realm" }, NAMED },
	{ { "login-wants-authzid", EX_NOPERM, PARKS(LOGIN), "no login that the server offers can carry the account's authzid",
		"leave authzid out, or use a server that offers PLAIN or SCRAM" }, NAMED },
	{ { "server-proof-wrong", EX_NOPERM, PARKS(LOGIN), "the server could not prove that it is the one that this login is for",
		"this may not be the server that it claims to be: check host and tls" }, NAMED },
	{ { "login-unasked", EX_NOPERM, PARKS(LOGIN), "the server takes a login for complete that was not",
		"if it lets this machine in without a password, set auth = none; else this may not be the "
		"server that it claims to be: check host and tls" }, NAMED },
	{ { "login-rounds", EX_NOPERM, PARKS(LOGIN), "the server's number of SCRAM rounds is not acceptable",
		"its operator must change it; auth = plain is possible inside TLS" }, NAMED },
	{ { "password-not-preparable", EX_NOPERM, PARKS(LOGIN), "this user or password holds what SCRAM cannot carry",
		"set another one; or auth = plain or login, which send it as it is, over TLS" }, NAMED },

	/* Kerberos.  What a person or the realm mends by itself does not stop new mail. */
	{ { "kerberos-no-ticket", EX_CONFIG, PARKS(NETWORK), "there is no Kerberos ticket",
		"get one with kinit, as this user (klist shows it, KRB5CCNAME says where it is); a "
		"service takes a keytab, see Kerberos in sendoff-config(5)" }, NAMED },
	{ { "kerberos-ticket-expired", EX_NOPERM, PARKS(NETWORK), "the Kerberos ticket is out of date",
		"get a new one with kinit; what is queued goes then by itself" }, NAMED },
	{ { "kerberos-clock", EX_TEMPFAIL, PARKS(NETWORK), "this machine's clock and that of Kerberos differ too much",
		"set the clock (timedatectl shows it); the same goes for the server" }, NAMED },
	{ { "kerberos-kdc-silent", EX_TEMPFAIL, PARKS(NETWORK), "no key server (KDC) of the Kerberos realm answers",
		"check that this machine is online and that /etc/krb5.conf names the realm's; it is asked "
		"again by itself" }, NAMED },
	{ { "kerberos-server-unknown", EX_NOPERM, PARKS(LOGIN), "Kerberos does not know this server",
		"set host, or tls_host, to the name that the realm has for it; its operator must have "
		"a key for smtp/NAME (lmtp/NAME with LMTP)" }, NAMED },
	{ { "kerberos-client-refused", EX_NOPERM, PARKS(LOGIN), "Kerberos does not accept whom the ticket is asked for",
		"see with kinit -k whether the key of the keytab is still good; the realm's administrator can "
		"say whether the principal is" }, NAMED },
	{ { "kerberos-layer", EX_NOPERM, PARKS(LOGIN), "the server wants Kerberos to encrypt what TLS encrypts already",
		"its operator must allow GSSAPI without a security layer" }, NAMED },
	{ { "kerberos-failed", EX_NOPERM, PARKS(LOGIN), "the login by Kerberos did not come about",
		"see with klist and kvno smtp/HOST that there is a ticket for the server; KRB5_TRACE=/dev/stderr "
		"shows more" }, NAMED },

	/* the provider that gives tokens */
	{ { "oauth-unreachable", EX_TEMPFAIL, PARKS(NETWORK), "the provider's server for tokens does not answer",
		"check that this machine is online; it is asked again by itself" }, NAMED },
	{ { "library-missing", EX_CONFIG, PARKS(LOGIN), "a library that this login needs is not installed",
		"install it: OAuth takes libcurl3-gnutls (or libcurl4), Kerberos libgssapi-krb5-2, a password "
		"with more than ASCII libgsasl18" }, NAMED },
	{ { "token-not-stored", EX_TEMPFAIL, PARKS(LOGIN), "the token cannot be stored",
		"free some space there, or let the user who runs sendoff write to the directory" }, NAMED },
	{ { "token-file-unusable", EX_CONFIG, PARKS(LOGIN), "the file of the account's token cannot be used",
		"mend what is wrong with it, or have it replaced: sendoff login ACCOUNT" }, NAMED },
	{ { "keyring-unusable", EX_TEMPFAIL, PARKS_HERE, "the keyring that has the account's token cannot be used",
		"unlock it; or run oauth_load_command by hand as this user, and see what it says" }, NAMED },
	{ { "oauth-certificate", EX_NOPERM, PARKS(LOGIN), "the provider's server for tokens could not prove that it is the right one",
		"see that this machine's clock is right; if it is your own, set tls_ca_file" }, NAMED },

	/* the secret */
	{ { "secret-empty", EX_CONFIG, PARKS_HERE, "the password is empty",
		"check that its source holds one, on its first line" }, NAMED },
	{ { "secret-unusable", EX_CONFIG, PARKS(LOGIN), "what the source of the password gives is not a password",
		"let it give the password alone, on one line" }, NAMED },
	{ { "password-command-failed", EX_CONFIG, PARKS_HERE, "the password command failed",
		"run it by hand as this user; services have a shorter PATH and no terminal" }, NAMED },
	{ { "password-command-slow", EX_CONFIG, PARKS(LOGIN), "the password command did not end in time",
		"it must not wait for an answer: unlock the key or the agent before" }, NAMED },
	{ { "password-file-unreadable", EX_CONFIG, PARKS(LOGIN), "the file with the password cannot be used",
		"check its path, owner and mode (0600)" }, NAMED },
	{ { "password-variable-unset", EX_CONFIG, PARKS(LOGIN), "the variable with the password is not set here",
		"set it in the environment of the program that calls sendoff" }, NAMED },
	{ { "password-command-blocked", EX_CONFIG, PARKS(LOGIN), "a security policy keeps the password command from being run",
		"allow it in /etc/apparmor.d/local/sendoff, or in the policy of SELinux" }, NAMED },
	{ { "credential-absent", EX_CONFIG, PARKS(LOGIN), "the credential was not granted to this process by systemd",
		"put LoadCredential=NAME:FILE into the unit (systemctl edit sendoff.service) and restart it" }, NAMED },
	{ { "netrc-no-entry", EX_CONFIG, PARKS(LOGIN), "the netrc file has no password for this host and user",
		"add an entry to it: machine HOST login USER password PASSWORD" }, NAMED },
	{ { "netrc-unusable", EX_CONFIG, PARKS(LOGIN), "the netrc file cannot be read as one",
		"mend the line that is named" }, NAMED },

	/* the sign-in (OAuth): what only a person can mend */
	{ { "oauth-client-id-missing", EX_CONFIG, PARKS(LOGIN),
		"the account has no OAuth client id, which everybody registers for themselves",
		"call sendoff login ACCOUNT, which tells for this provider how to get one, step "
		"by step" }, NAMED },
	{ { "login-needed", EX_CONFIG, PARKS(LOGIN),
		"nobody has signed in for this account yet",
		"call sendoff login ACCOUNT" }, NAMED },
	{ { "sign-in-over", EX_NOPERM, PARKS(LOGIN),
		"the provider takes the stored sign-in no more",
		"sign in again: sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-google-over", EX_NOPERM, PARKS(LOGIN),
		"Google has ended the sign-in: it was revoked, not used for 6 months, the "
		"password was changed, or the app is in Testing, where it lasts 7 days",
		"if it ends every week, publish the app (Google Auth Platform, Audience, Publish "
		"app); then sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-sign-in-unused", EX_NOPERM, PARKS(LOGIN),
		"the sign-in was not used for so long that it has ended",
		"sign in again with sendoff login ACCOUNT; one mail in 90 days keeps it alive" }, NAMED },
	{ { "oauth-sign-in-limited", EX_NOPERM, PARKS(LOGIN),
		"a rule of the organization ends each sign-in after some hours or days",
		"sign in again with sendoff login ACCOUNT; for programs that run alone ask the "
		"administrator to lift the rule, or use oauth_flow = client or service" }, NAMED },
	{ { "oauth-password-changed", EX_NOPERM, PARKS(LOGIN),
		"the password of the account was changed since the sign-in, which ended it",
		"sign in with the new one: sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-second-factor", EX_NOPERM, PARKS(LOGIN),
		"the organization wants a second factor, which the stored sign-in does not have",
		"sign in again and give it: sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-consent-missing", EX_NOPERM, PARKS(LOGIN),
		"nobody has allowed the app to send mail for this user",
		"call sendoff login ACCOUNT and agree to what the page asks" }, NAMED },
	{ { "oauth-admin-consent", EX_NOPERM, PARKS(LOGIN),
		"an administrator has to allow the app before anybody may use it",
		"have them grant admin consent to it (Entra: Enterprise applications, "
		"Permissions), then sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-access-denied", EX_NOPERM, PARKS(LOGIN),
		"the sign-in was refused on the provider's page",
		"call sendoff login ACCOUNT once more and agree; if the provider refused by "
		"itself, its page says why" }, NAMED },
	{ { "oauth-device-late", EX_NOPERM, PARKS(LOGIN),
		"the code was not typed in on the provider's page in time",
		"call sendoff login ACCOUNT for a new one, and type it in within its minutes" }, NAMED },

	/* the app (OAuth): what is to be set here, or at the provider */
	{ { "oauth-app-unknown", EX_CONFIG, PARKS(LOGIN),
		"the provider knows no app with this client id",
		"compare oauth_client_id with the page of the app, and oauth_tenant with the "
		"directory that it is in" }, NAMED },
	{ { "oauth-app-disabled", EX_CONFIG, PARKS(LOGIN),
		"the app was switched off or deleted at the provider",
		"switch it on again there, or register another one and set its oauth_client_id" }, NAMED },
	{ { "oauth-app-kind-wrong", EX_CONFIG, PARKS(LOGIN),
		"the app is registered as a single-page web application, whose sign-ins no "
		"program can keep",
		"register http://localhost under Mobile and desktop applications instead, then "
		"sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-client-refused", EX_CONFIG, PARKS(LOGIN),
		"the provider does not accept client id and secret together",
		"compare oauth_client_id and oauth_client_secret with the page of the app; "
		"either may belong to another one" }, NAMED },
	{ { "oauth-proof-refused", EX_CONFIG, PARKS(LOGIN),
		"the provider does not accept what the app proves itself with",
		"see on the page of the app whether its secret, certificate or key has expired or was "
		"removed, and set the one that is listed there" }, NAMED },
	{ { "oauth-client-not-allowed", EX_CONFIG, PARKS(LOGIN),
		"the app may not sign users in like this",
		"allow it on the page of the app (Entra: Authentication, Allow public client "
		"flows), or set another oauth_flow" }, NAMED },
	{ { "oauth-secret-wrong", EX_CONFIG, PARKS(LOGIN),
		"the client secret is not the right one",
		"set oauth_client_secret to the Value of the secret, not to its ID; a lost one "
		"has to be made anew" }, NAMED },
	{ { "oauth-secret-expired", EX_CONFIG, PARKS(LOGIN),
		"the client secret is out of date",
		"make a new one on the page of the app (Certificates & secrets) and set "
		"oauth_client_secret" }, NAMED },
	{ { "oauth-secret-wanted", EX_CONFIG, PARKS(LOGIN),
		"the provider wants a client secret for this app",
		"set oauth_client_secret, or register the app as a public client (Entra: "
		"Authentication, Allow public client flows)" }, NAMED },
	{ { "oauth-secret-unwanted", EX_CONFIG, PARKS(LOGIN),
		"the app is a public client, which has no secret",
		"remove oauth_client_secret" }, NAMED },
	{ { "oauth-redirect-wrong", EX_CONFIG, PARKS(LOGIN),
		"the app is not registered with the redirect URI that was used",
		"register the one that the provider's page shows, or set oauth_redirect to what "
		"is registered" }, NAMED },
	{ { "oauth-scope-wrong", EX_CONFIG, PARKS(LOGIN),
		"the provider does not give the app what oauth_scope asks for",
		"remove oauth_scope, and give the app the right to send mail by SMTP on its page" }, NAMED },
	{ { "oauth-flow-unsupported", EX_CONFIG, PARKS(LOGIN),
		"the provider has no such way to sign in",
		"remove oauth_flow, or set one that the provider documents" }, NAMED },
	{ { "oauth-tenant-unknown", EX_CONFIG, PARKS(LOGIN),
		"there is no such tenant",
		"set oauth_tenant to the Directory (tenant) ID, or to a domain of the "
		"organization" }, NAMED },
	{ { "oauth-tenant-needed", EX_CONFIG, PARKS(LOGIN),
		"the app belongs to one organization, and was looked for among those of all",
		"set oauth_tenant to the Directory (tenant) ID of the app's page" }, NAMED },
	{ { "oauth-tenant-consumers", EX_CONFIG, PARKS(LOGIN),
		"the app is for personal Microsoft accounts only",
		"set oauth_tenant = consumers" }, NAMED },
	{ { "oauth-other-tenant", EX_NOPERM, PARKS(LOGIN),
		"the user is not in the directory where the app looked",
		"check user and oauth_tenant, and sign in as that user: sendoff login ACCOUNT" }, NAMED },
	{ { "oauth-user-not-assigned", EX_NOPERM, PARKS(LOGIN),
		"the app is for chosen users, and this is none of them",
		"have an administrator assign the user to it (Entra: Enterprise applications, "
		"Users and groups)" }, NAMED },
	{ { "oauth-conditional-access", EX_NOPERM, PARKS(LOGIN),
		"a rule of the organization (conditional access) forbids this sign-in",
		"ask the administrator, who finds the rule in the sign-in log, and whether "
		"another oauth_flow is allowed" }, NAMED },
	{ { "oauth-admin-forbids", EX_NOPERM, PARKS(LOGIN),
		"the organization does not let its users allow this app",
		"have an administrator trust it (Google Admin: Security, API controls), or "
		"register the app inside of the organization" }, NAMED },
	{ { "oauth-account-locked", EX_NOPERM, PARKS(LOGIN),
		"the user is locked out for a while after too many wrong sign-ins",
		"wait an hour, and find out which program still has an old password" }, NAMED },
	{ { "oauth-account-disabled", EX_NOPERM, PARKS(LOGIN),
		"the user's account is switched off in the directory",
		"ask the administrator to switch it on" }, NAMED },
	{ { "oauth-not-delegated", EX_NOPERM, PARKS(LOGIN),
		"the service account may not act for users of this domain",
		"in Google Admin, Security, API controls, Domain-wide delegation, add its "
		"numeric client ID with the scope https://mail.google.com/" }, NAMED },
	{ { "oauth-service-user-unknown", EX_CONFIG, PARKS(LOGIN),
		"the service account is to act for a user who does not exist in its domain",
		"set user to a mail address of the organization, no alias" }, NAMED },
	{ { "oauth-key-refused", EX_NOPERM, PARKS(LOGIN),
		"the provider does not accept what was signed with this key",
		"see on its page whether key or certificate were removed there, and set the file "
		"of one that is listed" }, NAMED },
	{ { "oauth-clock-wrong", EX_TEMPFAIL, PARKS(LOGIN),
		"the provider finds the time in our request wrong, so this machine's clock is",
		"set it right: timedatectl set-ntp true" }, NAMED },
	{ { "oauth-refused", EX_CONFIG, PARKS(LOGIN),
		"the provider refuses the request for a token",
		"its own words say why; compare the keys oauth_* with the page of the app" }, NAMED },

	/* the provider (OAuth): what passes, and what should not be */
	{ { "oauth-later", EX_TEMPFAIL, PARKS(NETWORK),
		"the provider's server for tokens is in trouble itself",
		"nothing is lost: the same is tried again later" }, NAMED },
	{ { "oauth-too-many", EX_TEMPFAIL, PARKS(RATE),
		"the provider has been asked for tokens too often",
		"wait a quarter of an hour, and see that no other program uses the same sign-in" }, NAMED },
	{ { "oauth-answer-strange", EX_PROTOCOL, PARKS(NETWORK),
		"what answers at the provider's URL for tokens is no token server",
		"check oauth_token_url and oauth_device_url, or remove them where oauth_provider "
		"knows better" }, NAMED },
	{ { "oauth-token-unusable", EX_PROTOCOL, PARKS(LOGIN),
		"the provider gave something that is no access token for mail",
		"check that oauth_token_url is that of the provider, and oauth_scope" }, NAMED },
	{ { "oauth-device-strange", EX_PROTOCOL, PARKS(LOGIN),
		"the provider's answer to the device flow cannot be used",
		"try oauth_flow = code, or paste where there is no browser" }, NAMED },
	{ { "oauth-discovery-failed", EX_CONFIG, PARKS(LOGIN),
		"the issuer does not say where its servers are",
		"compare oauth_issuer with what the provider documents, or set oauth_auth_url "
		"and oauth_token_url" }, NAMED },
	{ { "oauth-issuer-other", EX_PROTOCOL, PARKS(LOGIN),
		"the answer to the sign-in comes from another provider than was asked",
		"check oauth_issuer; if it is right, somebody tries to mix two sign-ins up" }, NAMED },
	{ { "oauth-state-other", EX_PROTOCOL, PARKS(LOGIN),
		"what the browser brought back belongs to another sign-in",
		"open the URL that was shown last, and paste what that leads to" }, NAMED },
	{ { "oauth-redirect-strange", EX_PROTOCOL, PARKS(LOGIN),
		"what the browser brought back is no answer of a provider",
		"paste the whole URL from the browser's address bar, from https:// or http:// to "
		"its end" }, NAMED },
};

const size_t cause_row_count = COUNT(cause_rows);
