/* deliver/cause.c - the table of causes; see cause.h.
 *
 * Rows are tried from the top: what is more special stands first.  A row fits
 * when all that it names fits.
 */
#include "deliver/cause.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/mem.h"

/* Sets of steps. */
enum {
	AT_ANY = 0,
	AT_OPEN = 1 << STEP_GREETING | 1 << STEP_EHLO | 1 << STEP_HELO,
	AT_STARTTLS = 1 << STEP_STARTTLS,
	AT_AUTH = 1 << STEP_AUTH,
	AT_MAIL = 1 << STEP_MAIL,
	AT_RCPT = 1 << STEP_RCPT,
	AT_CONTENT = 1 << STEP_DATA | 1 << STEP_CONTENT
};

struct row {
	struct cause cause;
	enum err_kind kind;        /* ERR_NONE: a server said it */
	unsigned steps;            /* set of steps; AT_ANY */
	int least, most;           /* codes; 0: any */
	const char *enhanced;      /* "5.7.8", or a beginning with its dot: "5.6."; NULL: any */
	const char *pattern;       /* in the server's words, case-free; "a|b": one of them; NULL: any */
	const char *late;          /* such a pattern, with which the row fits at RCPT as well: many
	                            * servers keep their verdict on the sender until then */
	const char *host;          /* end of the server's name; NULL: any */
};

/* The end of its path: no name of a host ends so. */
#define RUNNER_SOCKET "/sendoff/smtp.sock"

/* Whose affair it is. */
#define OF_CALLER    CONCERNS_CALLER, PARK_NONE
#define OF_RECIPIENT CONCERNS_RECIPIENT, PARK_NONE
#define OF_MESSAGE   CONCERNS_MESSAGE, PARK_NONE
#define OF_SENDER    CONCERNS_SENDER, PARK_NONE
#define PARKS(kind)  CONCERNS_ACCOUNT, PARK_##kind

#define OF(err) .kind = (err)
#define SAID(set, from, to) .steps = (set), .least = (from), .most = (to)
#define SENDER_WORDS "sender address rejected|sender verify failed"

static const struct row rows[] = {
	/* ---- what the system's runner said: its answer is final */
	{ { "runner-recipient", EX_NOUSER, OF_RECIPIENT,
		"the system's runner does not accept this recipient",
		"check the address" },
		SAID(AT_RCPT, 500, 599), .host = RUNNER_SOCKET },
	{ { "runner-policy", EX_NOPERM, OF_MESSAGE,
		"the administrator does not allow that",
		"its own words say what; ask the administrator of this machine" },
		SAID(AT_ANY, 500, 599), .enhanced = "5.7.", .host = RUNNER_SOCKET },
	{ { "runner-message", EX_DATAERR, OF_MESSAGE,
		"the system's runner does not accept this message",
		"its own words say why; sending the same again will not help" },
		SAID(AT_ANY, 500, 599), .host = RUNNER_SOCKET },
	{ { "runner-cannot-take", EX_DATAERR, OF_MESSAGE,
		"the system's runner cannot take this message",
		"make it smaller, or ask the administrator to raise max_message" },
		OF(ERR_CAPABILITY), .host = RUNNER_SOCKET },
	{ { "runner-later", EX_TEMPFAIL, OF_MESSAGE,
		"the system's runner cannot store it at the moment",
		"try again later; its own words say what is short" },
		SAID(AT_ANY, 400, 499), .host = RUNNER_SOCKET },

	/* ---- what a server said, special first */
	{ { "app-password-needed", EX_NOPERM, PARKS(LOGIN),
		"the provider does not take the normal password from programs",
		"make an app password in the account's security settings and use that" },
		SAID(AT_AUTH, 534, 535), .pattern = "application-specific" },
	{ { "smtp-auth-disabled", EX_NOPERM, PARKS(LOGIN),
		"logging in by SMTP is switched off for this mailbox or tenant",
		"ask the administrator to allow Authenticated SMTP for the mailbox" },
		SAID(AT_AUTH, 535, 535), .enhanced = "5.7.139" },
	{ { "basic-auth-retired", EX_NOPERM, PARKS(LOGIN),
		"the provider takes no passwords any more, only OAuth",
		"set auth = xoauth2 and let password_command print an access token" },
		SAID(AT_ANY, 550, 550), .enhanced = "5.7.30" },
	{ { "tls-wanted", EX_NOPERM, PARKS(LOGIN),
		"the server wants an encrypted connection first",
		"set tls = starttls" },
		SAID(AT_ANY, 530, 530), .pattern = "starttls" },
	{ { "not-logged-in", EX_NOPERM, PARKS(LOGIN),
		"the server wants a login before it takes mail, and this account has none",
		"add user and password_command to the account" },
		SAID(AT_MAIL | AT_RCPT, 530, 530) },
	{ { "relay-denied", EX_NOPERM, PARKS(LOGIN),
		"the server does not pass mail on for this client",
		"add user and password_command to the account; where they are, check that host and "
		"port are those for submission" },
		SAID(AT_RCPT, 500, 599), .pattern = "relay access denied|relaying denied|"
		"relay not permitted|unable to relay|relaying not allowed|client host rejected|"
		"recipient address rejected: access denied" },
	{ { "login-refused", EX_NOPERM, PARKS(LOGIN),
		"the server does not accept this user and password",
		"check user and password (often the whole address; many providers want an app "
		"password); the login was tried once" },
		SAID(AT_AUTH, 535, 535) },
	{ { "login-mechanism-weak", EX_NOPERM, PARKS(LOGIN),
		"the server finds this login mechanism too weak",
		"remove auth from the account, so that the best one is chosen" },
		SAID(AT_AUTH, 534, 534) },
	{ { "login-needs-tls", EX_NOPERM, PARKS(LOGIN),
		"the server takes this login only over TLS",
		"set tls = starttls or tls = implicit" },
		SAID(AT_AUTH, 538, 538) },
	{ { "login-later", EX_TEMPFAIL, PARKS(RATE),
		"the server cannot check logins at the moment, or has seen too many",
		"try again later" },
		SAID(AT_AUTH, 400, 499) },
	{ { "login-not-understood", EX_NOPERM, PARKS(LOGIN),
		"the server refused the login",
		"see with -v what it offers; auth = NAME chooses another mechanism" },
		SAID(AT_AUTH, 500, 599) },
	{ { "message-too-big", EX_UNAVAILABLE, OF_MESSAGE,
		"the message is larger than the server takes",
		"make it smaller, or send a link instead of the attachment" },
		SAID(AT_ANY, 552, 552), .enhanced = "5.3.4" },
	{ { "message-kind", EX_UNAVAILABLE, OF_MESSAGE,
		"the server does not take this kind of content",
		"its own words say why; sending the same again will not help" },
		SAID(AT_MAIL, 500, 599), .enhanced = "5.6." },
	{ { "message-too-big-now", EX_TEMPFAIL, OF_MESSAGE,
		"the server has no room for a message of this size at the moment",
		"try again later" },
		SAID(AT_MAIL, 452, 452), .enhanced = "4.3.1" },
	{ { "too-many-messages", EX_TEMPFAIL, PARKS(RATE),
		"the server wants less mail from this login for a while",
		"set max_rate to what the provider allows; what waits goes out by itself" },
		SAID(AT_ANY, 400, 499), .enhanced = "4.7.",
		.pattern = "rate limit|too many messages|too many connections|too many logins|"
		"sending limit|throttl|message limit|too fast" },
	{ { "too-many-connections", EX_TEMPFAIL, PARKS(RATE),
		"the server has no room for another session now",
		"try again later; send less at once" },
		SAID(AT_ANY, 421, 421) },
	{ { "sender-not-owned", EX_NOPERM, OF_SENDER,
		"this login may not send as that address",
		"set from to the login's own address; rewrite_from = auto then puts it in place" },
		SAID(AT_MAIL | AT_RCPT | AT_CONTENT, 550, 554),
		.pattern = "sendasdenied|not owned by user" },
	{ { "greeted-off", EX_UNAVAILABLE, PARKS(NETWORK),
		"the server does not take mail from here",
		"check host and port: for submission they are usually 587 or 465" },
		SAID(AT_OPEN, 500, 599) },
	{ { "busy", EX_TEMPFAIL, PARKS(NETWORK),
		"the server cannot serve anybody at the moment",
		"try again later" },
		SAID(AT_OPEN, 400, 499) },
	{ { "starttls-refused", EX_PROTOCOL, PARKS(NETWORK),
		"the server offers TLS and then refuses it",
		"try tls = implicit (port 465)" },
		SAID(AT_STARTTLS, 500, 599) },
	{ { "starttls-later", EX_TEMPFAIL, PARKS(NETWORK),
		"the server has trouble with TLS at the moment",
		"try again later" },
		SAID(AT_STARTTLS, 400, 499) },
	{ { "sender-refused", EX_NOPERM, OF_SENDER,
		"the server does not accept the sender",
		"set from to an address that belongs to this login" },
		SAID(AT_MAIL, 500, 599), .late = SENDER_WORDS },
	{ { "sender-later", EX_TEMPFAIL, OF_SENDER,
		"the server does not take mail from this sender now",
		"try again later" },
		SAID(AT_MAIL, 400, 499), .late = SENDER_WORDS },
	{ { "recipient-refused", EX_NOUSER, OF_RECIPIENT,
		"the server does not accept this recipient",
		"check the address" },
		SAID(AT_RCPT, 500, 599) },
	{ { "recipient-later", EX_TEMPFAIL, OF_RECIPIENT,
		"the server does not take mail for this recipient now",
		"try again later" },
		SAID(AT_RCPT, 400, 499) },
	{ { "content-refused", EX_UNAVAILABLE, OF_MESSAGE,
		"the server does not accept this message",
		"its own words say why; sending the same again will not help" },
		SAID(AT_CONTENT, 500, 599) },
	{ { "content-later", EX_TEMPFAIL, OF_MESSAGE,
		"the server could not take the message now",
		"try again later" },
		SAID(AT_CONTENT, 400, 499) },
	{ { "refused", EX_UNAVAILABLE, OF_MESSAGE, "the server refused", NULL }, SAID(AT_ANY, 500, 599) },
	{ { "later", EX_TEMPFAIL, OF_MESSAGE, "the server refused for now", "try again later" },
		SAID(AT_ANY, 400, 499) },

	/* ---- what we could not do */
	{ { "usage", EX_USAGE, OF_CALLER, "the command line is not right", "see `sendoff help`" },
		OF(ERR_USAGE) },
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
		"check host for a typing error" }, OF(ERR_NAME) },
	{ { "name-later", EX_TEMPFAIL, PARKS(NETWORK), "the server's name could not be looked up now",
		"check that this machine is online" }, OF(ERR_NAME_AGAIN) },
	{ { "connect", EX_TEMPFAIL, PARKS(NETWORK), "the server cannot be reached",
		"check that this machine is online, and host and port" }, OF(ERR_CONNECT) },
	{ { "timeout", EX_TEMPFAIL, PARKS(NETWORK), "the server does not answer in time",
		"try again later, or raise timeout" }, OF(ERR_TIMEOUT) },
	{ { "lost", EX_TEMPFAIL, PARKS(NETWORK), "the connection broke off", "send it again" }, OF(ERR_LOST) },
	{ { "outcome-unknown", EX_IOERR, OF_MESSAGE, "the connection broke off after the whole message was sent",
		"it may have been delivered: ask the recipient before sending it again" },
		OF(ERR_UNKNOWN) },
	{ { "tls", EX_PROTOCOL, PARKS(NETWORK), "no encrypted connection came about", NULL }, OF(ERR_TLS) },
	{ { "certificate", EX_NOPERM, PARKS(LOGIN), "the server could not prove that it is the right one",
		"if it is your own server, set tls_ca_file or tls_pin" }, OF(ERR_CERT) },
	{ { "protocol", EX_PROTOCOL, PARKS(NETWORK), "what answers there does not speak SMTP properly",
		"check host and port; a login portal or proxy may be in between" },
		OF(ERR_PROTOCOL) },
	{ { "login-impossible", EX_NOPERM, PARKS(LOGIN), "there is no acceptable way to log in", NULL },
		OF(ERR_LOGIN) },
	{ { "cannot-take", EX_UNAVAILABLE, OF_MESSAGE, "this server cannot take this message", NULL },
		OF(ERR_CAPABILITY) },
	{ { "config", EX_CONFIG, PARKS(LOGIN), "the configuration is not right",
		"mend it and try again; `sendoff config check` tests it" }, OF(ERR_CONFIG) },
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
};

static bool ends_in(const char *host, const char *end)
{
	size_t h = strlen(host), n = strlen(end);

	return h >= n && !strcasecmp(host + h - n, end);
}

static bool enhanced_fits(const char *said, const char *wanted)
{
	size_t len = strlen(wanted);

	return wanted[len - 1] == '.' ? !strncmp(said, wanted, len) : !strcmp(said, wanted);
}

/* Whether the server's words hold one of a pattern's parts. */
static bool says(const struct smtp_result *r, const char *pattern)
{
	char part[64];

	for (const char *at = pattern; r->text && *at; at += strspn(at, "|")) {
		size_t len = strcspn(at, "|");

		snprintf(part, sizeof(part), "%.*s", (int)len, at);
		if (strcasestr(r->text, part))
			return true;
		at += len;
	}
	return false;
}

static bool fits_step(const struct row *row, const struct smtp_result *r)
{
	if (!row->steps || row->steps & 1u << r->step)
		return true;
	return row->late && r->step == STEP_RCPT && says(r, row->late);
}

static bool fits_host(const struct row *row, const char *host)
{
	return !row->host || (host && ends_in(host, row->host));
}

static bool fits(const struct row *row, const struct smtp_result *r, const char *host)
{
	if (row->kind != ERR_NONE || r->code < row->least || r->code > row->most)
		return false;
	if (!fits_step(row, r))
		return false;
	if (row->enhanced && !enhanced_fits(r->enhanced, row->enhanced))
		return false;
	if (row->pattern && !says(r, row->pattern))
		return false;
	return fits_host(row, host);
}

static const struct cause *of_kind(enum err_kind kind, const char *host)
{
	static const struct cause unknown = { "internal-kind", EX_SOFTWARE, OF_CALLER,
		"sendoff does not know what went wrong", "please report this, with -v" };

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].kind == kind && kind != ERR_NONE && fits_host(&rows[i], host))
			return &rows[i].cause;
	return &unknown;
}

const struct cause *cause_of_err(const struct err *e)
{
	return of_kind(e->kind, NULL);
}

const struct cause *cause_of_result(const struct smtp_result *r, const char *host)
{
	if (r->verdict == VERDICT_UNKNOWN)
		return of_kind(ERR_UNKNOWN, host);
	if (!r->code)
		return of_kind(r->kind, host);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (fits(&rows[i], r, host))
			return &rows[i].cause;
	return of_kind(ERR_PROTOCOL, host);
}

bool cause_is_final(const struct cause *c, const struct smtp_result *r)
{
	return r->verdict == VERDICT_REFUSED &&
		(c->concern == CONCERNS_RECIPIENT || c->concern == CONCERNS_MESSAGE);
}

int cause_exit_of_kind(enum err_kind kind)
{
	return of_kind(kind, NULL)->exit;
}

int cause_exit_partly(void)
{
	return EX_UNAVAILABLE;
}

int cause_exit_again(void)
{
	return EX_TEMPFAIL;
}

bool cause_exit_passes(int exit)
{
	static const int passing[] = { EX_SOFTWARE, EX_OSERR, EX_CANTCREAT, EX_IOERR, EX_TEMPFAIL,
		EX_CONFIG };

	for (size_t i = 0; i < COUNT(passing); i++)
		if (passing[i] == exit)
			return true;
	return false;
}

int cause_worse(int a, int b)
{
	static const int order[] = { EX_SOFTWARE, EX_OSERR, EX_IOERR, EX_CANTCREAT, EX_CONFIG,
		EX_NOPERM, EX_PROTOCOL, EX_UNAVAILABLE, EX_NOHOST, EX_NOUSER, EX_DATAERR, EX_NOINPUT,
		EX_USAGE, EX_TEMPFAIL };

	for (size_t i = 0; i < COUNT(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}

const struct cause *cause_row(unsigned i)
{
	return i < COUNT(rows) ? &rows[i].cause : NULL;
}

const struct cause_exit *cause_exit_row(unsigned i)
{
	static const struct cause_exit exits[] = {
		{ EX_OK, "OK", "every recipient was accepted by a server, or is durably stored" },
		{ EX_USAGE, "USAGE", "wrong usage, no recipient, or unknown account" },
		{ EX_DATAERR, "DATAERR", "the message or an address is not acceptable" },
		{ EX_NOINPUT, "NOINPUT", "an input file cannot be opened" },
		{ EX_NOUSER, "NOUSER", "a recipient was refused for good" },
		{ EX_NOHOST, "NOHOST", "the server's name does not exist or has no address" },
		{ EX_UNAVAILABLE, "UNAVAILABLE",
			"the message or the service was refused for good, or only some were served" },
		{ EX_SOFTWARE, "SOFTWARE", "internal error" },
		{ EX_OSERR, "OSERR", "a limit of the system was met" },
		{ EX_CANTCREAT, "CANTCREAT", "the output cannot be written" },
		{ EX_IOERR, "IOERR", "reading the message failed, or its fate is unknown" },
		{ EX_TEMPFAIL, "TEMPFAIL", "try again: nobody got it, nothing is stored" },
		{ EX_PROTOCOL, "PROTOCOL", "not SMTP, protocol broken, or no TLS" },
		{ EX_NOPERM, "NOPERM", "certificate, login or sender refused" },
		{ EX_CONFIG, "CONFIG", "configuration or secret missing or wrong" },
	};

	return i < COUNT(exits) ? &exits[i] : NULL;
}
