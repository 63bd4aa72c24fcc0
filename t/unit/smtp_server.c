/* t/unit/smtp_server.c - the answering side: commands, addresses, parameters, and
 * how a session ends. */
#include "t/unit/server_rig.h"

#define EHLO "EHLO me\r\n"
#define MESSAGE MAIL RCPT "DATA\r\nx\r\n.\r\n"
#define MESSAGE_OK MAIL_OK RCPT_OK DATA_OK STORED
#define SAID_MESSAGE SAID_MAIL SAID_RCPT "begin\n{x\r\n}\nend\n"
#define CONTROLS "500 5.5.2 control characters have no place in a command\r\n"
#define HELP "214 2.0.0 EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; see RFC 5321\r\n"
#define FORGOTTEN "250 2.0.0 forgotten\r\n"
#define GIVE "give the address in angle brackets: <name@example.com>\r\n"
#define WHOLE "give the whole address: <name@example.com>\r\n"
#define NOBODY "553 5.1.3 nobody is named, give the address of whoever is to get it\r\n"
#define NESTED "503 5.5.1 a message is begun already, end it or give RSET\r\n"
#define SAY_MAIL "501 5.5.4 say MAIL FROM:<name@example.com>\r\n"
#define SAY_RCPT "501 5.5.4 say RCPT TO:<name@example.com>\r\n"

static const struct talk sessions[] = {
	{ "EHLO", .client = EHLO, .server = OFFERS("", ""), .events = "" },
	{ "EHLO with a limit", { .max_size = 1000 }, .client = EHLO, .server = OFFERS(" 1000", ""),
		.events = "" },
	{ "EHLO of a runner", { .handover = true }, .client = EHLO,
		.server = OFFERS("", "250-XSENDOFF\r\n"), .events = "" },
	{ "EHLO without a name", .client = "EHLO\r\n", .server = OFFERS("", ""), .events = "" },
	{ "EHLO with hostile names is not echoed",
		.client = "EHLO <script>%s%n\r\nehlo \xff\xfe\r\n",
		.server = OFFERS("", "") OFFERS("", ""), .events = "" },
	{ "HELO", .client = "HELO me\r\nhelo\r\n", .server = "250 " HOST "\r\n250 " HOST "\r\n",
		.events = "" },
	{ "a message, and the end", .client = EHLO MESSAGE "QUIT\r\n",
		.server = OFFERS("", "") MESSAGE_OK BYE, .events = SAID_MESSAGE },
	{ "three messages, all at once, without a hello",
		.client = MESSAGE MESSAGE MESSAGE "QUIT\r\n",
		.server = MESSAGE_OK MESSAGE_OK MESSAGE_OK BYE,
		.events = SAID_MESSAGE SAID_MESSAGE SAID_MESSAGE },
	{ "case does not matter, blanks at the end neither",
		.client = "mail from:<me@example.com>  \r\nrcpt To:<you@example.com> \r\ndata \r\n"
			"x\r\n.\r\nquit\r\n",
		.server = MESSAGE_OK BYE, .events = SAID_MESSAGE },
	{ "nothing behind QUIT is read", .client = "QUIT\r\n" MESSAGE, .server = BYE,
		.events = "" },
	{ "small commands",
		.client = "NOOP\r\nNOOP x y\r\nVRFY root\r\nVRFY\r\nHELP\r\nHELP MAIL\r\n"
		"EXPN list\r\nSTARTTLS\r\nAUTH PLAIN AHg=\r\nTURN\r\n\r\nRSET\r\nRSET now\r\n",
		.server = "250 2.0.0 nothing done\r\n250 2.0.0 nothing done\r\n"
			"252 2.0.0 not looked up here, send the message to find out\r\n"
			"252 2.0.0 not looked up here, send the message to find out\r\n"
			HELP HELP
			"502 5.5.1 lists are not shown here; sendmail -bv shows what a name becomes\r\n"
			"502 5.5.1 no TLS here and none is needed, just send\r\n"
			"502 5.5.1 no login here and none is needed, just send\r\n"
			UNKNOWN UNKNOWN FORGOTTEN FORGOTTEN, .events = "" },
	{ "out of order", .client = RCPT "DATA\r\n" MAIL MAIL "DATA\r\nRCPT\r\nMAIL\r\n"
		"RSET\r\n" RCPT,
		.server = NO_MAIL NO_MESSAGE MAIL_OK NESTED NO_RECIPIENTS SAY_RCPT NESTED FORGOTTEN
			NO_MAIL,
		.events = SAID_MAIL "reset\n" },
	{ "RSET, EHLO, HELO and QUIT void what was begun", .client = MAIL "RSET\r\n" MAIL RCPT
		"EHLO x\r\n" MAIL "HELO x\r\n" MAIL "QUIT\r\n",
		.server = MAIL_OK FORGOTTEN MAIL_OK RCPT_OK OFFERS("", "") MAIL_OK
			"250 " HOST "\r\n" MAIL_OK BYE,
		.events = SAID_MAIL "reset\n" SAID_MAIL SAID_RCPT "reset\n" SAID_MAIL "reset\n"
			SAID_MAIL "reset\n" },
	{ "the client goes away", .client = MAIL RCPT "DAT", .server = MAIL_OK RCPT_OK,
		.events = SAID_MAIL SAID_RCPT "reset\n" },
	{ "nothing is void behind the end", .client = MESSAGE "RSET\r\nQUIT\r\n",
		.server = MESSAGE_OK FORGOTTEN BYE, .events = SAID_MESSAGE },
	{ "recipients behind a message are nobody's", .client = MESSAGE RCPT "DATA\r\n",
		.server = MESSAGE_OK NO_MAIL NO_MESSAGE, .events = SAID_MESSAGE },
	{ "DATA stands alone", .client = MAIL RCPT "DATA now\r\nRSET\r\n",
		.server = MAIL_OK RCPT_OK "501 5.5.4 DATA stands alone on its line\r\n" FORGOTTEN,
		.events = SAID_MAIL SAID_RCPT "reset\n" },
};

/* What the events answer. */
static const struct talk answers[] = {
	{ "MAIL is refused", .client = MAIL RCPT "DATA\r\nMAIL FROM:<>\r\n",
		.server = "452 4.3.1 full\r\n" AFTER_REFUSAL AFTER_REFUSAL "452 4.3.1 full\r\n",
		.events = SAID_MAIL "mail \n", .mail = "452 4.3.1 full" },
	{ "RCPT is refused", .client = MAIL RCPT "RCPT TO:<no@example.com>\r\nDATA\r\n.\r\n",
		.server = MAIL_OK RCPT_OK "550 5.1.1 nobody\r\n" DATA_OK STORED,
		.events = SAID_MAIL SAID_RCPT "rcpt no@example.com\nbegin\nend\n",
		.rcpt = "550 5.1.1 nobody" },
	{ "all recipients are refused", .client = MAIL "RCPT TO:<no@example.com>\r\nDATA\r\n" RCPT
		"DATA\r\n.\r\n",
		.server = MAIL_OK "450 4.2.1 later\r\n" NO_RECIPIENTS RCPT_OK DATA_OK STORED,
		.events = SAID_MAIL "rcpt no@example.com\n" SAID_RCPT "begin\nend\n",
		.rcpt = "450 4.2.1 later" },
	{ "DATA is refused", .client = MAIL RCPT "DATA\r\nDATA\r\n",
		.server = MAIL_OK RCPT_OK "451 4.3.0 disk\r\n451 4.3.0 disk\r\n",
		.events = SAID_MAIL SAID_RCPT "begin\nbegin\nreset\n", .begin = "451 4.3.0 disk" },
	{ "the content is refused", .client = MESSAGE MAIL,
		.server = MAIL_OK RCPT_OK DATA_OK "550 5.6.0 no\r\n" MAIL_OK,
		.events = SAID_MESSAGE SAID_MAIL "reset\n", .end = "550 5.6.0 no" },
	{ "421 is the end: MAIL", .client = MAIL RCPT, .server = "421 4.3.2 bye\r\n",
		.events = SAID_MAIL "reset\n", .mail = "421 4.3.2 bye" },
	{ "421 is the end: RCPT", .client = MAIL "RCPT TO:<no@x>\r\n" RCPT,
		.server = MAIL_OK "421 4.3.2 bye\r\n",
		.events = SAID_MAIL "rcpt no@x\nreset\n", .rcpt = "421 4.3.2 bye" },
	{ "421 is the end: DATA", .client = MESSAGE, .server = MAIL_OK RCPT_OK "421 4.3.2 bye\r\n",
		.events = SAID_MAIL SAID_RCPT "begin\nreset\n", .begin = "421 4.3.2 bye" },
	{ "421 is the end: content", .client = MESSAGE MESSAGE,
		.server = MAIL_OK RCPT_OK DATA_OK "421 4.3.2 bye\r\n", .events = SAID_MESSAGE,
		.end = "421 4.3.2 bye" },
	{ "answers that are none", .client = MAIL, .server =
		"451 4.3.0 a fault of this program, try again later\r\n", .events = SAID_MAIL,
		.mail = "354 - what" },
	{ "... nor this", .client = MESSAGE, .server = MAIL_OK RCPT_OK DATA_OK
		"451 4.3.0 a fault of this program, try again later\r\n", .events = SAID_MESSAGE,
		.end = "1000 2.0.0 what" },
	{ "E4 one line of ASCII, whatever it holds", .client = MAIL,
		.server = "550 5.7.1 a??250 ok?[2J??b\r\n", .events = SAID_MAIL,
		.mail = "550 5.7.1 a\r\n250 ok\x1b[2J\xc3\xa4" "b" },
	{ "no enhanced code of another class", .client = MAIL, .server = "550 no\r\n",
		.events = SAID_MAIL, .mail = "550 2.0.0 no" },
	{ "... nor one that is none", .client = MAIL, .server = "550 no\r\n",
		.events = SAID_MAIL, .mail = "550 5.x\r\n no" },
};

static const struct talk addresses[] = {
	{ "senders", .client = "MAIL FROM:<>\r\nRSET\r\nMAIL FROM: <me@EXAMPLE.com>\r\nRSET\r\n"
		"MAIL FROM:me@example.com\r\nRSET\r\nMAIL FROM:   <\"a b\"@example.com>  SIZE=1\r\n"
		"RSET\r\nMAIL FROM:<@a.example,@b.example:me@example.com>\r\nRSET\r\n"
		"MAIL FROM:<\"x>y\"@example.com>\r\nMAIL FROM:<a b@example.com>\r\n",
		.server = MAIL_OK FORGOTTEN MAIL_OK FORGOTTEN MAIL_OK FORGOTTEN MAIL_OK FORGOTTEN
			MAIL_OK FORGOTTEN
			"553 5.1.7 address '<\"x>y\"@example.com>': control characters and angle "
			"brackets cannot be part of an address\r\n"
			"553 5.1.7 address '<a b@example.com>': several words where one address is "
			"expected; is a comma or a pair of quotes missing?\r\n",
		.events = "mail \nreset\n" SAID_MAIL "reset\n" SAID_MAIL "reset\n"
			"mail \"a b\"@example.com size=1\nreset\n" SAID_MAIL "reset\n" },
	{ "what is no sender",
		.client = "MAIL\r\nMAIL me@example.com\r\nMAIL FROM\r\nMAIL FROM:\r\n"
		"MAIL FROM:<me@example.com\r\nMAIL FROM:<me@example.com>SIZE=1\r\n"
		"MAIL FROM:Me<me@example.com>\r\nMAIL FROM:a@b,c@d\r\nMAIL FROM:<a@b,c@d>\r\n"
		"MAIL FROM:g:a@b;\r\nMAIL FROM:<a@b@c>\r\nMAIL FROM:<@>\r\nMAIL FROM:<a@>\r\n"
		"MAIL FROM:(x)\r\n",
		.server = SAY_MAIL SAY_MAIL SAY_MAIL "501 5.1.7 " GIVE "501 5.1.7 " GIVE
			"501 5.5.4 a blank is missing behind the address\r\n"
			"501 5.1.7 " GIVE "501 5.1.7 " GIVE
			"553 5.1.7 address '<a@b,c@d>': more than one address between '<' and "
			"'>'\r\n"
			"501 5.1.7 " GIVE
			"553 5.1.7 address '<a@b@c>': more than one address between '<' and '>'\r\n"
			"553 5.1.7 address '<@>': the source route is not ended by ':'\r\n"
			"553 5.1.7 address '<a@>': no domain behind '@'\r\n"
			"501 5.1.7 " GIVE,
		.events = "" },
	{ "recipients", .client = MAIL "RCPT TO: <You@EXAMPLE.com>\r\nRCPT TO:you@example.com\r\n"
		"RCPT TO:<@relay.example:you@[127.0.0.1]>\r\nRCPT TO:<postmaster>\r\n"
		"RCPT TO:<PostMaster>\r\nRCPT TO:<\xc3\xa4@b\xc3\xbc" "cher.example>\r\n",
		.server = MAIL_OK RCPT_OK RCPT_OK RCPT_OK RCPT_OK RCPT_OK RCPT_OK,
		.events = SAID_MAIL "rcpt You@example.com\nrcpt you@example.com\n"
			"rcpt you@[127.0.0.1]\nrcpt postmaster\nrcpt PostMaster\n"
			"rcpt \xc3\xa4@xn--bcher-kva.example\nreset\n" },
	{ "E1 what is no recipient", .client = MAIL "RCPT FROM:<a@b>\r\nRCPT TO:\r\nRCPT TO:<>\r\n"
		"RCPT TO:< >\r\nRCPT TO:<root>\r\nRCPT TO:root\r\nRCPT TO:<\"a@b\">\r\n"
		"RCPT TO:<\xff@b>\r\nRCPT TO:<\xc2\x9b@b>\r\nRCPT TO:<\"a\\\"@b>\r\n"
		"RCPT TO:<a\\>@b>\r\n"
		"RCPT TO:\"a b\"@example.com\r\n",
		.server = MAIL_OK SAY_RCPT "501 5.1.3 " GIVE NOBODY NOBODY "553 5.1.3 " WHOLE
			"553 5.1.3 " WHOLE "553 5.1.3 " WHOLE
			"553 5.1.3 address '\\xff@b': it is not UTF-8\r\n"
			"553 5.1.3 address '<\\xc2\\x9b@b>': control characters and angle brackets "
			"cannot be part of an address\r\n"
			"553 5.1.3 address '<\"a\\\"@b>': a quotation mark '\"' is not closed\r\n"
			"553 5.1.3 address '<a\\>@b>': control characters and angle brackets "
			"cannot be part of an address\r\n"
			RCPT_OK,
		.events = SAID_MAIL "rcpt \"a b\"@example.com\nreset\n" },
	{ "bare names", { .bare_names = true }, .client = "MAIL FROM:<root>\r\nRCPT TO:<alice>\r\n"
		"RCPT TO:bob\r\nRCPT TO:<\"a@evil.example\">\r\nRCPT TO:<\"a b\">\r\n",
		.server = MAIL_OK RCPT_OK RCPT_OK "553 5.1.3 " WHOLE RCPT_OK,
		.events = "mail root\nrcpt alice\nrcpt bob\nrcpt \"a b\"\nreset\n" },
	{ "no bare sender", .client = "MAIL FROM:<postmaster>\r\n", .server = "553 5.1.7 " WHOLE,
		.events = "" },
};

#define M "MAIL FROM:<me@example.com>"
#define R "RCPT TO:<you@example.com>"
#define UNKNOWN_PARAMETER "555 5.5.4 a parameter that is not known here; EHLO lists what is\r\n"
#define TOKEN "0123456789abcdef0123456789ABCDEF"

static const struct talk parameters[] = {
	{ "all of MAIL",
		.client = M " SIZE=5 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<>\r\n"
		"RSET\r\n" M " size=007 body=7bit ret=full auth=x+3Dy\r\n",
		.server = MAIL_OK FORGOTTEN MAIL_OK,
		.events = "mail me@example.com size=5 8bit utf8 ret=2 envid=a+b\nreset\n"
			"mail me@example.com size=7 ret=1\nreset\n" },
	{ "values that are wrong",
		.client = M " SIZE=x\r\n" M " SIZE=-1\r\n" M " SIZE=\r\n" M " SIZE\r\n"
		M " SIZE=18446744073709551616\r\n" M " BODY=BINARYMIME\r\n" M " SMTPUTF8=1\r\n"
		M " RET=ALL\r\n" M " ENVID=+0A\r\n" M " ENVID=+2b\r\n" M " ENVID=a+\r\n"
		M " ENVID=+00\r\n" M " ENVID=a=b\r\n" M " ENVID=+C3+A4\r\n",
		.server = "501 5.5.4 SIZE is a number of octets\r\n"
			"501 5.5.4 SIZE is a number of octets\r\n"
			"501 5.5.4 SIZE needs a value\r\n501 5.5.4 SIZE needs a value\r\n"
			"501 5.5.4 SIZE is a number of octets\r\n"
			"501 5.5.4 BODY is 7BIT or 8BITMIME\r\n"
			"501 5.5.4 SMTPUTF8 has no value\r\n501 5.5.4 RET is FULL or HDRS\r\n"
#define ENVID "501 5.5.4 ENVID is up to 100 printable ASCII characters, in xtext\r\n"
			ENVID ENVID ENVID ENVID ENVID ENVID,
		.events = "" },
	{ "given twice, or unknown", .client = M " SIZE=1 SIZE=2\r\n" M " HOLDFOR=1\r\n"
		M " =\r\n" M " SIZE=1 X\r\n" M " NOTIFY=NEVER\r\n" M " size=1 BODY=7BIT Size=1\r\n",
		.server = "501 5.5.4 a parameter is given twice\r\n" UNKNOWN_PARAMETER
			UNKNOWN_PARAMETER UNKNOWN_PARAMETER UNKNOWN_PARAMETER
			"501 5.5.4 a parameter is given twice\r\n",
		.events = "" },
	{ "a handover is for runners only", .client = M " XACCOUNT=a\r\n" M " XNAME=a\r\n"
		M " XNOSENDER\r\n" M " XHOLD=1\r\n" M " XERR=m\r\n" M " XTAG=a\r\n"
		M " XTOKEN=" TOKEN "\r\n",
		.server = UNKNOWN_PARAMETER UNKNOWN_PARAMETER UNKNOWN_PARAMETER UNKNOWN_PARAMETER
			UNKNOWN_PARAMETER UNKNOWN_PARAMETER UNKNOWN_PARAMETER,
		.events = "" },
	{ "a handover", { .handover = true },
		.client = M " XACCOUNT=work XNAME=A+20B+C3+A4 XNOSENDER "
		"XHOLD=253402300799 XERR=q XTAG=t XTOKEN=" TOKEN " SIZE=9\r\nRSET\r\n" M
		"\r\nRSET\r\n"
		M " XERR=p\r\n", .server = MAIL_OK FORGOTTEN MAIL_OK FORGOTTEN MAIL_OK,
		.events = "mail me@example.com size=9 account=work name=A B\xc3\xa4 tag=t token="
		"0123456789abcdef0123456789abcdef nosender hold=253402300799 errors=q\nreset\n"
		SAID_MAIL "reset\nmail me@example.com errors=p\nreset\n" },
#define TEXT(name) "501 5.5.4 " name " is up to 512 octets of text, in xtext, without controls\r\n"
	{ "E7 values of a handover that are wrong", { .handover = true },
		.client = M " XACCOUNT=a+0Ab\r\n" M " XNAME=a+0D+0AX:+20y\r\n" M " XTAG=+7F\r\n"
		M " XNAME=+C3\r\n" M " XNAME=+C2+85\r\n" M " XNAME=+00\r\n" M " XACCOUNT=\r\n"
		M " XNOSENDER=1\r\n" M " XHOLD=253402300800\r\n" M " XERR=e\r\n"
		M " XERR=mp\r\n"
		M " XTOKEN=0123456789abcdef0123456789abcde\r\n" M " XTOKEN=" TOKEN "0\r\n"
		M " XTOKEN=0123456789abcdef0123456789abcdeg\r\n",
		.server = TEXT("XACCOUNT") TEXT("XNAME") TEXT("XTAG") TEXT("XNAME") TEXT("XNAME")
			TEXT("XNAME")
		"501 5.5.4 XACCOUNT needs a value\r\n501 5.5.4 XNOSENDER has no value\r\n"
		"501 5.5.4 XHOLD is a moment, in seconds since 1970\r\n"
		"501 5.5.4 XERR is m, p or q\r\n501 5.5.4 XERR is m, p or q\r\n"
		"501 5.5.4 XTOKEN is 32 hexadecimal digits\r\n"
		"501 5.5.4 XTOKEN is 32 hexadecimal digits\r\n"
		"501 5.5.4 XTOKEN is 32 hexadecimal digits\r\n", .events = "" },
	{ "all of RCPT", .client = MAIL R " NOTIFY=SUCCESS,delay ORCPT=rfc822;a+2Bb@x\r\n"
		R " notify=never\r\n" R " ORCPT=RFC822;+22a+20b+22@x NOTIFY=FAILURE\r\n"
		R " ORCPT=utf-8;a\\x{E4}b@x\r\n",
		.server = MAIL_OK RCPT_OK RCPT_OK RCPT_OK RCPT_OK,
		.events = SAID_MAIL "rcpt you@example.com notify=10 original=a+b@x\n"
			"rcpt you@example.com notify=1\n"
			"rcpt you@example.com notify=4 original=\"a b\"@x\n" SAID_RCPT "reset\n" },
#define NOTIFY "501 5.5.4 NOTIFY is NEVER, or a comma list of SUCCESS, FAILURE, DELAY\r\n"
#define ORCPT "501 5.5.4 ORCPT is rfc822; and an address in xtext\r\n"
	{ "values of RCPT that are wrong",
		.client = MAIL R " NOTIFY=NEVER,SUCCESS\r\n" R " NOTIFY=x\r\n"
		R " NOTIFY=\r\n" R " ORCPT=you@example.com\r\n" R " ORCPT=rfc822;\r\n"
		R " ORCPT=;a@b\r\n"
		R " ORCPT=rfc822;a+0Ab\r\n" R " ORCPT=rfc822;a+0ab\r\n" R " SIZE=1\r\n"
		R " ORCPT=rfc822;a ORCPT=rfc822;b\r\n",
		.server = MAIL_OK NOTIFY NOTIFY "501 5.5.4 NOTIFY needs a value\r\n" ORCPT ORCPT
			ORCPT
			ORCPT ORCPT UNKNOWN_PARAMETER "501 5.5.4 a parameter is given twice\r\n",
		.events = SAID_MAIL "reset\n" },
	{ "too big is said at MAIL", { .max_size = 99 },
		.client = M " SIZE=100\r\n" RCPT M " SIZE=99\r\n",
		.server = TOO_BIG("99") AFTER_REFUSAL MAIL_OK,
		.events = "mail me@example.com size=99\nreset\n" },
};

/* F3: who speaks something else. */
static const struct talk strangers[] = {
	{ "a web page's form", { .strict = true },
		.client = "POST / HTTP/1.1\r\nHost: x\r\n\r\n" MESSAGE,
		.server = NOT_SMTP, .events = "" },
	{ "a request that is sent on", { .strict = true },
		.client = "HELP / HTTP/1.1\r\nHost: x\r\n\r\n" MESSAGE,
		.server = HELP
		NOT_SMTP, .events = "" },
	{ "an empty line", { .strict = true }, .client = "\r\n" MESSAGE, .server = NOT_SMTP,
		.events = "" },
	{ "controls", { .strict = true }, .client = "NOOP\x01\r\n" MESSAGE, .server = NOT_SMTP,
		.events = "" },
	{ "in the middle of a message", { .strict = true },
		.client = MAIL RCPT "HELO\r\nX-Header: y\r\n",
		.server = MAIL_OK RCPT_OK "250 " HOST "\r\n" NOT_SMTP,
		.events = SAID_MAIL SAID_RCPT "reset\n" },
	{ "commands that are only not served", { .strict = true },
		.client = "AUTH PLAIN x\r\n" MESSAGE,
		.server = "502 5.5.1 no login here and none is needed, just send\r\n" MESSAGE_OK,
		.events = SAID_MESSAGE },
	{ "E2 content behind a DATA that was refused is no command", .client = MAIL
		"RCPT TO:<no@example.com>\r\nDATA\r\nSubject: x\r\n\r\nMAIL FROM:<a@b>\r\n",
		.server = MAIL_OK "550 5.1.1 no\r\n" NO_RECIPIENTS NOT_SMTP,
		.events = SAID_MAIL "rcpt no@example.com\nreset\n", .rcpt = "550 5.1.1 no" },
	{ "E2 ... nor behind a MAIL that was", .client = MAIL RCPT "DATA\r\nSubject: x\r\n" MAIL,
		.server = "451 4.3.0 no\r\n" AFTER_REFUSAL AFTER_REFUSAL NOT_SMTP,
		.events = SAID_MAIL, .mail = "451 4.3.0 no" },
	{ "E2 ... nor behind a DATA that is no command",
		.client = MAIL RCPT "DATA x\r\nSubject: x\r\n" MAIL,
		.server = MAIL_OK RCPT_OK "501 5.5.4 DATA stands alone on its line\r\n" NOT_SMTP,
		.events = SAID_MAIL SAID_RCPT "reset\n" },
	{ "a client that reads on may go on",
		.client = MAIL "DATA\r\n" RCPT "what\r\nDATA\r\n.\r\n",
		.server = MAIL_OK NO_RECIPIENTS RCPT_OK UNKNOWN DATA_OK STORED,
		.events = SAID_MAIL SAID_RCPT "begin\nend\n" },
};

static void test_controls(void)
{
	static const char client[] = "EHLO a\0b\r\nNOOP\x1b[2J\r\nNOOP\t\r\nNOOP\r\r\n\rNOOP\r\n"
		"NOOP\x7f\r\n\0\r\nNOOP\r\n";
	static const struct talk t = { "E1 controls in a command", .client = client,
		.len = sizeof(client) - 1, .events = "",
		.server = CONTROLS CONTROLS CONTROLS CONTROLS CONTROLS CONTROLS CONTROLS
			"250 2.0.0 nothing done\r\n" };

	talk_run(&t);
}

static void test_greeting(void)
{
	struct talk t = { .o = { .banner_first = true }, .server = "" };
	struct served d;

	served_start(&d, &t, false);
	served_say(&d, "QUIT\r\n");
	check_text(buf_text(&d.out), "554 5.5.1 you spoke before the greeting, goodbye\r\n",
		"who speaks before the greeting is not greeted");
	check(server_ended(d.s), "... and that is the end");
	served_release(&d);

	served_start(&d, &t, false);
	buf_add(&d.out, GREETING, 4);
	server_written(d.s, 4);
	served_say(&d, "QUIT\r\n");
	check_text(buf_text(&d.out), GREETING
		"554 5.5.1 you spoke before the greeting, goodbye\r\n",
		"... in the middle of it");
	served_release(&d);

	served_start(&d, &t, false);
	served_write(&d);
	served_say(&d, "QUIT\r\n");
	check_text(buf_text(&d.out), GREETING BYE, "behind it all is well");
	served_release(&d);

	t.o.banner_first = false;
	served_start(&d, &t, false);
	served_say(&d, "QUIT\r\n");
	check_text(buf_text(&d.out), GREETING BYE, "a pipe may be full before it is read");
	served_release(&d);
}

static void test_refuse(void)
{
	static const struct talk t = { .server = "" };
	struct served d;

	served_start(&d, &t, false);
	server_refuse(d.s, "too many\r\nsessions, try again later");
	check(server_ended(d.s), "refused: the end");
	check_int(server_received(d.s, MESSAGE, strlen(MESSAGE)), strlen(MESSAGE),
		"all is taken, and nothing comes of it");
	server_refuse(d.s, "again");
	served_write(&d);
	check_text(buf_text(&d.out), "421 4.3.2 too many??sessions, try again later\r\n",
		"words instead of a greeting");
	check_text(buf_text(&d.events), "", "no events");
	served_release(&d);
}

static void test_shut_down(void)
{
	static const struct talk t = { .server = "" };
	struct served d;

	served_start(&d, &t, false);
	served_say(&d, MAIL RCPT "DATA\r\nx\r\n");
	check(server_in_content(d.s), "in content");
	server_shut_down(d.s, "restarting");
	check(server_ended(d.s) && !server_in_content(d.s), "shut down in content: at once");
	served_write(&d);
	served_stop(&d);
	check_text(buf_text(&d.out), GREETING MAIL_OK RCPT_OK DATA_OK "421 4.3.2 restarting\r\n",
		"... with words");
	check_text(buf_text(&d.events), SAID_MAIL SAID_RCPT "begin\n{x\r\n}\nreset\n",
		"... and void");
	served_release(&d);

	served_start(&d, &t, true);
	served_say(&d, MAIL RCPT "DATA\r\n");
	check_int(server_received(d.s, "x\r\n.\r\nNOOP\r\n", 12), 6, "nothing behind the end");
	check(server_awaits_answer(d.s) && !server_in_content(d.s), "an answer is open");
	server_shut_down(d.s, "restarting");
	check(!server_ended(d.s), "shut down: it waits for the answer");
	served_answer(&d);
	check(server_ended(d.s), "... and ends behind it");
	served_write(&d);
	served_stop(&d);
	check_text(buf_text(&d.out), GREETING MESSAGE_OK "421 4.3.2 restarting\r\n",
		"both are said");
	check_text(buf_text(&d.events), SAID_MESSAGE, "what was stored is not void");
	served_release(&d);
}

/* While begin() is open, 421 is the answer: 354 would ask for content. */
static void test_shut_down_at_data(void)
{
	static const struct talk t = { .server = "" };

	for (int chunk = 0; chunk < 2; chunk++) {
		const char *command = chunk ? "BDAT 1 LAST\r\n" : "DATA\r\n";
		struct served d;

		served_start(&d, &t, true);
		served_say(&d, MAIL RCPT);
		check_int(server_received(d.s, command, strlen(command)), strlen(command), "asked");
		server_shut_down(d.s, "restarting");
		served_answer(&d);
		served_write(&d);
		check(server_ended(d.s), "ended");
		check_text(buf_text(&d.out), GREETING MAIL_OK RCPT_OK "421 4.3.2 restarting\r\n",
			"421 instead of 'go on'");
		check_text(buf_text(&d.events), SAID_MAIL SAID_RCPT "begin\nreset\n", "and void");
		served_release(&d);
	}
}

static void meddle_shut_down(struct served *d, const char *event)
{
	if (!strncmp(event, "rcpt", 4) || event[0] == '{')
		server_shut_down(d->s, "meddled");
}

static void test_shut_down_inside(void)
{
	static const struct talk t = { .server = "" };
	struct served d;

	served_start(&d, &t, false);
	d.meddle = meddle_shut_down;
	served_say(&d, MAIL RCPT RCPT);
	check_text(buf_text(&d.out), GREETING MAIL_OK RCPT_OK "421 4.3.2 meddled\r\n",
		"shut down from inside of an event");
	check_text(buf_text(&d.events), SAID_MAIL SAID_RCPT "reset\n", "... and void");
	served_release(&d);
}

static void test_eof(void)
{
	static const struct talk t = { .server = "" };
	static const char *const open[] = { MAIL, RCPT, "DATA\r\n", "x\r\n.\r\n" };
	static const char *const events[] = { SAID_MAIL "reset\n", SAID_MAIL SAID_RCPT "reset\n",
		SAID_MAIL SAID_RCPT "begin\nreset\n", SAID_MESSAGE };

	for (size_t at = 0; at < COUNT(open); at++) {
		struct served d;

		served_start(&d, &t, true);
		for (size_t i = 0; i < at; i++)
			served_say(&d, open[i]);
		server_received(d.s, open[at], strlen(open[at]));
		server_eof(d.s);
		check_int(server_ended(d.s), at < 3,
			"the client is gone: only the end is answered");
		check_int(server_awaits_answer(d.s), at == 3, "... only that answer is awaited");
		served_answer(&d);
		served_write(&d);
		served_stop(&d);
		check_text(buf_text(&d.out), at < 3 ?
			at == 2 ? GREETING MAIL_OK RCPT_OK : at ? GREETING MAIL_OK : GREETING :
			GREETING MESSAGE_OK, "answers when the client is gone: %zu", at);
		check_text(buf_text(&d.events), events[at], "events when the client is gone: %zu",
			at);
		served_release(&d);
	}
}

static void test_answers(void)
{
	static const struct talk t = { .server = "" };
	struct server_reply r;
	struct served d;

	served_start(&d, &t, true);
	served_write(&d);
	server_reply_set(&r, 250, "2.0.0", "unasked");
	server_answer(d.s, &r);
	served_write(&d);
	check_text(buf_text(&d.out), GREETING, "an answer to nothing is not given");
	check_int(server_received(d.s, MAIL RCPT, strlen(MAIL RCPT)), strlen(MAIL), "behind MAIL");
	check_int(server_received(d.s, RCPT, strlen(RCPT)), 0, "nothing while an answer is open");
	r.code = 0;
	server_answer(d.s, &r);
	check(server_awaits_answer(d.s), "no code is no answer");
	served_answer(&d);
	check(!server_awaits_answer(d.s), "an answer");
	server_reply_set(&r, 250, "2.0.0", "%0400d", 1);
	check_int(strlen(r.text), sizeof(r.text) - 1, "a long answer is cut");
	served_say(&d, RCPT "RSET\r\n");
	check_text(buf_text(&d.out), GREETING MAIL_OK RCPT_OK FORGOTTEN, "then the rest");
	served_release(&d);
	served_start(&d, &t, true);
	server_received(d.s, MAIL, strlen(MAIL));
	server_free(&d.s);
	check_text(buf_text(&d.events), SAID_MAIL, "freeing calls no event");
	served_release(&d);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(sessions); i++)
		talk_run(&sessions[i]);
	for (size_t i = 0; i < COUNT(answers); i++)
		talk_run(&answers[i]);
	for (size_t i = 0; i < COUNT(addresses); i++)
		talk_run(&addresses[i]);
	for (size_t i = 0; i < COUNT(parameters); i++)
		talk_run(&parameters[i]);
	for (size_t i = 0; i < COUNT(strangers); i++)
		talk_run(&strangers[i]);
	test_controls();
	test_greeting();
	test_refuse();
	test_shut_down();
	test_shut_down_at_data();
	test_shut_down_inside();
	test_eof();
	test_answers();
	return tap_done();
}
