/* t/unit/smtp_failures.c - servers that refuse, break off, say too much or too
 * early: what each recipient is told, and what is never written. */
#include "t/unit/smtp_rig.h"

#define TEXT "Subject: x\r\n\r\nhello\r\n"
#define CONTENT TEXT ".\r\n"

#define HELLO "EHLO me.example\r\n"
#define GREETING "220 mx\r\n"
#define OFFERS "250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n"
#define AUTH "AUTH PLAIN " SECRET_PLAIN "\r\n"
#define AUTH_OK "235 2.7.0 in\r\n"
#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT(n) "RCPT TO:<r" #n "@example.com>\r\n"
#define GROUP MAIL RCPT(1) "DATA\r\n"
#define BDAT "BDAT 21 LAST\r\n" TEXT
#define OK "250 ok\r\n"
#define GO "354 go\r\n"
#define QUIT "QUIT\r\n"

#define CLEAR { .tls = SMTP_TLS_OFF }
#define START { .tls = SMTP_TLS_STARTTLS }
#define FULL { .tls = SMTP_TLS_IMPLICIT, .pipelining = PIPELINING_FULL, .login = true }
#define SINGLE { .tls = SMTP_TLS_OFF, .pipelining = PIPELINING_OFF }
#define STANDARD { .tls = SMTP_TLS_IMPLICIT, .login = true }
#define CHUNKS { .tls = SMTP_TLS_OFF, .chunking = true }
#define BEGIN { "", GREETING }, { HELLO, OFFERS }
#define BEGIN_TLS { "<TLS>", GREETING }, { HELLO, OFFERS }

static const struct dialogue refusals[] = {
	{ "greeting 554", CLEAR, .exchanges = { { "", "554 no\r\n" }, { QUIT, NULL } },
		.verdicts = "T554", .end = "said 554" },
	{ "greeting 421", CLEAR, .exchanges = { { "", "421 busy\r\n" } },
		.verdicts = "T421", .end = "said 421" },
	{ "greeting 250", CLEAR, .exchanges = { { "", "250 hi\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "EHLO 550", CLEAR, .exchanges = { { "", GREETING }, { HELLO, "550 5.7.1 no\r\n" },
		{ QUIT, NULL } }, .verdicts = "T550", .end = "said 550" },
	{ "EHLO 421", CLEAR, .exchanges = { { "", GREETING }, { HELLO, "421 no\r\n" } },
		.verdicts = "T421", .end = "said 421" },
	{ "EHLO 354", CLEAR, .exchanges = { { "", GREETING }, { HELLO, GO } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "HELO refused", CLEAR, .exchanges = { { "", GREETING }, { HELLO, "500 what\r\n" },
		{ "HELO me.example\r\n", "550 no\r\n" }, { QUIT, NULL } },
		.verdicts = "T550", .end = "said 550" },
	{ "MAIL 550 in the group", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 5.7.1 not you\r\n503 no\r\n503 no\r\n" }, { QUIT, NULL } },
		.verdicts = "R550", .end = "ended" },
	{ "MAIL 451 in the group", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "451 later\r\n503 no\r\n503 no\r\n" }, { QUIT, NULL } },
		.verdicts = "T451", .end = "ended" },
	{ "MAIL 550, DATA 354 all the same", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\n" OK GO }, { ".\r\n" QUIT, OK } },
		.verdicts = "R550", .end = "ended" },
	{ "MAIL 550, one at a time: nothing to reset", SINGLE, .mails = 2,
		.exchanges = { BEGIN, { MAIL, "550 no\r\n" }, { MAIL, "550 no\r\n" },
			{ QUIT, NULL } },
		.verdicts = "R550; R550", .end = "ended", .done = "12" },
	{ "MAIL 354", CLEAR, .exchanges = { BEGIN, { GROUP, GO } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "RCPT 550 and DATA 503", CLEAR, .exchanges = { BEGIN,
		{ GROUP, OK "550 5.1.1 who\r\n503 no\r\n" }, { QUIT, NULL } },
		.verdicts = "R550", .end = "ended" },
	{ "E6 RCPT 550 and DATA 354: a dot and nothing else", CLEAR, .exchanges = { BEGIN,
		{ GROUP, OK "550 5.1.1 who\r\n" GO }, { ".\r\n" QUIT, OK } },
		.verdicts = "R550", .end = "ended" },
	{ "RCPT 550 one at a time: RSET", SINGLE, .mails = 2,
		.exchanges = { BEGIN, { MAIL, OK }, { RCPT(1), "550 who\r\n" }, { "RSET\r\n", OK },
		{ MAIL, OK }, { RCPT(1), OK }, { "DATA\r\n", GO }, { CONTENT, OK },
			{ QUIT, NULL } },
		.verdicts = "R550; D250", .end = "ended", .done = "12" },
	{ "RCPT 354", CLEAR, .exchanges = { BEGIN, { GROUP, OK GO } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "DATA 451, then another message", CLEAR, .mails = 2, .exchanges = { BEGIN,
		{ GROUP, OK OK "451 later\r\n" }, { "RSET\r\n" GROUP, OK OK OK GO },
		{ CONTENT QUIT, OK } }, .verdicts = "T451; D250", .end = "ended", .done = "12" },
	{ "DATA 554", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK "554 no\r\n" }, { QUIT, NULL } },
		.verdicts = "R554", .end = "ended" },
	{ "E6 DATA 250", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK OK } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "content 554", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK GO },
		{ CONTENT QUIT, "554 5.6.0 bad\r\n" } }, .verdicts = "R554", .end = "ended" },
	{ "content 452", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK GO },
		{ CONTENT QUIT, "452 4.3.1 full\r\n" } }, .verdicts = "T452", .end = "ended" },
	{ "E6 content 354", CLEAR,
		.exchanges = { BEGIN, { GROUP, OK OK GO }, { CONTENT QUIT, GO } },
		.verdicts = "Uunknown", .end = "protocol" },
	{ "E6 content with mixed codes", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK GO },
		{ CONTENT QUIT, "250-ok\r\n550 no\r\n" } }, .verdicts = "Uunknown",
			.end = "protocol" },
	{ "BDAT with RCPT 550", CHUNKS, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT QUIT, OK "550 who\r\n554 no recipients\r\n" } },
		.verdicts = "R550", .end = "ended" },
	{ "E6 BDAT 250 without a recipient", CHUNKS, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT QUIT, OK "550 who\r\n" OK } },
		.verdicts = "R550", .end = "ended" },
	{ "BDAT with MAIL 550", CHUNKS, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT QUIT, "550 no\r\n503 no\r\n503 no\r\n" } },
		.verdicts = "R550", .end = "ended" },
};

/* RFC 5321 section 3.8: 421 may come at any time. */
static const struct dialogue closing[] = {
	{ "421 to STARTTLS", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", "421 no\r\n" } },
		.verdicts = "T421", .end = "said 421" },
	{ "421 to AUTH", STANDARD, .exchanges = { BEGIN_TLS, { AUTH, "421 no\r\n" } },
		.verdicts = "T421", .end = "said 421" },
	{ "421 to AUTH in the group", FULL,
		.exchanges = { BEGIN_TLS, { AUTH GROUP, "421 no\r\n" } },
		.verdicts = "T421", .end = "said 421" },
	{ "421 to MAIL", CLEAR, .mails = 2, .exchanges = { BEGIN, { GROUP, "421 no\r\n" } },
		.verdicts = "T421; T421", .end = "said 421", .done = "12" },
	{ "421 to RCPT", CLEAR, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK "421 no\r\n" } },
		.verdicts = "T421 T421", .end = "said 421" },
	{ "421 to DATA", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK "421 no\r\n" } },
		.verdicts = "T421", .end = "said 421" },
	{ "421 to the content", CLEAR, .mails = 2, .exchanges = { BEGIN, { GROUP, OK OK GO },
		{ CONTENT GROUP, "421 no\r\n" } }, .verdicts = "T421; T421", .end = "said 421",
		.done = "12" },
	{ "421 behind the reply to the content", CLEAR, .mails = 2, .exchanges = { BEGIN,
		{ GROUP, OK OK GO }, { CONTENT GROUP, OK "421 enough\r\n" } },
		.verdicts = "D250; T421", .end = "said 421", .done = "12" },
	{ "421 to RSET", SINGLE, .mails = 2, .exchanges = { BEGIN,
		{ MAIL, OK }, { RCPT(1), "550 who\r\n" }, { "RSET\r\n", "421 no\r\n" } },
		.verdicts = "R550; T421", .end = "said 421", .done = "12" },
	{ "421 when nothing was asked",
		{ .tls = SMTP_TLS_OFF, .pipelining = PIPELINING_OFF, .stay = true }, .exchanges = {
		BEGIN, { MAIL, OK }, { RCPT(1), OK }, { "DATA\r\n", GO },
		{ CONTENT, OK "421 idle\r\n" } }, .verdicts = "D250", .end = "said 421" },
};

static const struct dialogue lost[] = {
	{ "lost before the greeting", CLEAR, .exchanges = { { "", "<LOST>" } },
		.verdicts = "Tlost", .end = "lost" },
	{ "lost in the middle of a reply", CLEAR, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 PIPEL<LOST>" } }, .verdicts = "Tlost", .end = "lost" },
	{ "lost in the middle of what is no reply", CLEAR, .exchanges = { { "", GREETING },
		{ HELLO, "hello<LOST>" } }, .verdicts = "Tprotocol", .end = "protocol" },
	{ "time-out in the middle of what is no reply", CLEAR, .exchanges = {
		{ "", "hello<TIMEOUT>" } }, .verdicts = "Tprotocol", .end = "protocol" },
	{ "time-out in the middle of a reply", CLEAR, .exchanges = { { "", "220 m<TIMEOUT>" } },
		.verdicts = "Ttimeout", .end = "timeout" },
	{ "lost after EHLO", CLEAR, .exchanges = { { "", GREETING }, { HELLO, "<LOST>" } },
		.verdicts = "Tlost", .end = "lost" },
	{ "lost after STARTTLS", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", "<LOST>" } },
		.verdicts = "Tlost", .end = "lost" },
	{ "time-out after AUTH", STANDARD, .exchanges = { BEGIN_TLS, { AUTH, "<TIMEOUT>" } },
		.verdicts = "Ttimeout", .end = "timeout" },
	{ "lost after MAIL's reply", CLEAR, .exchanges = { BEGIN, { GROUP, OK "<LOST>" } },
		.verdicts = "Tlost", .end = "lost" },
	{ "lost after RCPT's reply", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK "<LOST>" } },
		.verdicts = "Tlost", .end = "lost" },
	{ "a refusal before the loss counts", CLEAR, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK "550 who\r\n<LOST>" } },
		.verdicts = "Tlost R550", .end = "lost" },
	{ "lost after the content", CLEAR, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) "DATA\r\n", OK OK "550 who\r\n" GO },
		{ CONTENT QUIT, "<LOST>" } }, .verdicts = "Uunknown R550", .end = "lost" },
	{ "time-out after the content", CLEAR, .mails = 2, .exchanges = { BEGIN,
		{ GROUP, OK OK GO }, { CONTENT GROUP, "<TIMEOUT>" } },
		.verdicts = "Uunknown; Ttimeout", .end = "timeout", .done = "12" },
	{ "lost in the reply to the content", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK GO },
		{ CONTENT QUIT, "250 queued<LOST>" } }, .verdicts = "Uunknown", .end = "lost" },
	/* RFC 1047: two contents are in doubt, never more. */
	{ "lost with two contents in flight", CHUNKS, .mails = 3, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1),
			OK OK "<LOST>" } },
		.verdicts = "Uunknown; Uunknown; Tlost", .end = "lost", .done = "123" },
	{ "lost with the third content behind the second", CHUNKS, .mails = 3, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1),
			OK OK OK },
		/* Written whole as well, though not even MAIL was answered. */
		{ BDAT QUIT, OK OK OK "<LOST>" } },
		.verdicts = "D250; Uunknown; Uunknown", .end = "lost", .done = "123" },
	{ "lost with recipients of many kinds", CHUNKS, .recipients = 3, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) RCPT(3) BDAT, OK OK "452 4.5.3 too many\r\n"
			"550 who\r\n<LOST>" } },
		.verdicts = "Uunknown Tlost R550", .end = "lost" },
	{ "421 with three in flight", CHUNKS, .mails = 3, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1) BDAT "RSET\r\n" MAIL RCPT(1),
			OK OK OK OK "421 no\r\n" } },
		.verdicts = "D250; T421; T421", .end = "said 421", .done = "123" },
	{ "B6 lost when only QUIT is unanswered", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK GO },
		{ CONTENT QUIT, OK "<LOST>" } }, .verdicts = "D250", .end = "ended" },
};

/* What MAIL, RCPT or DATA was refused with is the answer, whatever comes behind it. */
static const struct dialogue answered[] = {
	{ "MAIL 554, then lost", CLEAR, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) "DATA\r\n", "554 5.7.1 blocked\r\n<LOST>" } },
		.verdicts = "R554 R554", .end = "ended" },
	{ "MAIL 451, then a time-out", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "451 later\r\n<TIMEOUT>" } }, .verdicts = "T451", .end = "ended" },
	{ "MAIL 552, RCPT 503, then lost", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "552 5.3.4 big\r\n503 no\r\n<LOST>" } },
		.verdicts = "R552", .end = "ended" },
	{ "MAIL 550, then lost in the middle of a reply", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\n503 n<LOST>" } }, .verdicts = "R550", .end = "ended" },
	{ "MAIL 550, then nonsense", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\nblah\r\n" } }, .verdicts = "R550", .end = "ended" },
	{ "MAIL 550, then 354 to RCPT", CLEAR, .exchanges = { BEGIN, { GROUP, "550 no\r\n" GO } },
		.verdicts = "R550", .end = "ended" },
	{ "MAIL 550, then 250 to DATA", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\n" OK OK } }, .verdicts = "R550", .end = "ended" },
	{ "MAIL 550, then 421 to RCPT", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\n421 bye\r\n" } }, .verdicts = "R550", .end = "ended" },
	{ "MAIL 550, then 421 to DATA", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\n503 no\r\n421 bye\r\n" } }, .verdicts = "R550",
		.end = "ended" },
	{ "MAIL 550, 354 all the same, then lost", CLEAR, .exchanges = { BEGIN,
		{ GROUP, "550 no\r\n" OK GO }, { ".\r\n" QUIT, "<LOST>" } },
		.verdicts = "R550", .end = "ended" },
	{ "MAIL 550, BDAT, then lost", CHUNKS, .exchanges = { BEGIN,
		{ MAIL RCPT(1) BDAT QUIT, "550 no\r\n<LOST>" } },
		.verdicts = "R550", .end = "ended" },
	{ "MAIL 550 one at a time, then lost", SINGLE, .exchanges = { BEGIN,
		{ MAIL, "550 no\r\n<LOST>" } }, .verdicts = "R550" },
	{ "all RCPTs refused, then lost", CLEAR, .recipients = 2, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2) "DATA\r\n", OK "550 who\r\n451 later\r\n<LOST>" } },
		.verdicts = "R550 T451", .end = "ended" },
	{ "all RCPTs refused, then 421", CLEAR, .exchanges = { BEGIN,
		{ GROUP, OK "550 who\r\n421 bye\r\n" } }, .verdicts = "R550", .end = "ended" },
	{ "DATA 554, then lost", CLEAR, .exchanges = { BEGIN,
		{ GROUP, OK OK "554 no\r\n<LOST>" } }, .verdicts = "R554" },
	{ "DATA 451, then a time-out", CLEAR, .exchanges = { BEGIN,
		{ GROUP, OK OK "451 no\r\n<TIMEOUT>" } }, .verdicts = "T451" },
	/* The next message has heard nothing. */
	{ "MAIL 550, then lost with another message to come", CLEAR, .mails = 2, .exchanges = {
		BEGIN, { GROUP, "550 no\r\n<LOST>" } }, .verdicts = "R550; Tlost", .end = "lost",
		.done = "12" },
};

static const struct dialogue early[] = {
	{ "E6 two greetings", CLEAR, .exchanges = { { "", GREETING GREETING } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 the reply to EHLO with the greeting", CLEAR, .exchanges = { { "", GREETING OFFERS } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 EHLO answered twice", CLEAR,
		.exchanges = { { "", GREETING }, { HELLO, OFFERS OFFERS } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 AUTH answered twice", STANDARD, .exchanges = { BEGIN_TLS, { AUTH, AUTH_OK AUTH_OK } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 MAIL answered twice", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK OK GO } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 RCPT answered twice", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK "550 no\r\n" GO } },
		/* Refused either way; whether the last reply is still looked at is no matter. */
		.verdicts = "R550" },
	{ "E6 DATA answered twice", CLEAR, .exchanges = { BEGIN, { GROUP, OK OK GO GO } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 the content answered before it was sent", CLEAR, .exchanges = { BEGIN,
		{ GROUP, OK OK GO OK } }, .verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 the content answered twice", CLEAR, .mails = 2, .exchanges = { BEGIN,
		{ GROUP, OK OK GO }, { CONTENT GROUP, OK OK OK OK "503 no\r\n" } },
		.verdicts = "D250; Tprotocol", .end = "protocol" },
	{ "E6 one reply too many, one at a time", SINGLE, .exchanges = {
		BEGIN, { MAIL, OK OK } }, .verdicts = "Tprotocol", .end = "protocol" },
	{ "E6 RCPT refused in a second reply, one at a time", SINGLE,
		.exchanges = { BEGIN, { MAIL, OK }, { RCPT(1), OK "550 no\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "C2 not SMTP", CLEAR, .exchanges = { { "", "SSH-2.0-OpenSSH_9.2\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
};

static const struct dialogue tls[] = {
	{ "D1 STARTTLS not offered", START, .exchanges = { { "", GREETING }, { HELLO, OFFERS } },
		.verdicts = "Ttls", .end = "tls" },
	{ "D1 STARTTLS 454", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", "454 not now\r\n" } },
		.verdicts = "T454", .end = "said 454" },
	{ "D1 STARTTLS 502", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", "502 what\r\n" } },
		.verdicts = "T502", .end = "said 502" },
	{ "D1 STARTTLS 250", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", OK } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "D1 EHLO 502 with STARTTLS wanted", START, .exchanges = { { "", GREETING },
		{ HELLO, "502 what\r\n" } }, .verdicts = "T502", .end = "said 502" },
	{ "D6 EHLO 502 with a login wanted", { .tls = SMTP_TLS_OFF, .login = true }, .exchanges = {
		{ "", GREETING }, { HELLO, "502 what\r\n" }, { QUIT, NULL } },
		.verdicts = "T502", .end = "said 502" },
	{ "D2 octets behind 220", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" },
		{ "STARTTLS\r\n", "220 go\r\n" OFFERS } }, .verdicts = "Tprotocol",
			.end = "protocol" },
	{ "D2 220 before STARTTLS", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n220 go\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "D2 half a 220 before STARTTLS", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n22" }, { "STARTTLS\r\n", "0 go\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol" },
	{ "D6 AUTH not offered", STANDARD, .exchanges = { { "<TLS>", GREETING },
		{ HELLO, "250-mx\r\n250 PIPELINING\r\n" } }, .verdicts = "Tlogin", .end = "login" },
	{ "D6 AUTH offered only in clear", { .tls = SMTP_TLS_STARTTLS, .login = true },
		.exchanges = {
		{ "", GREETING }, { HELLO, "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n" },
		{ "STARTTLS\r\n", "220 go\r\n" }, { HELLO, "250-mx\r\n250 PIPELINING\r\n" } },
		.verdicts = "Tlogin", .end = "login" },
	{ "E5 capabilities are forgotten after STARTTLS", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250-PIPELINING\r\n250-SIZE 9\r\n250 STARTTLS\r\n" },
		{ "STARTTLS\r\n", "220 go\r\n" }, { HELLO, "250 mx\r\n" },
		{ MAIL, OK }, { RCPT(1), OK }, { "DATA\r\n", GO }, { CONTENT, OK },
			{ QUIT, NULL } },
		.verdicts = "D250", .end = "ended" },
	{ "HELO inside TLS without a login", START, .exchanges = { { "", GREETING },
		{ HELLO, "250-mx\r\n250 STARTTLS\r\n" }, { "STARTTLS\r\n", "220 go\r\n" },
		{ HELLO, "502 what\r\n" }, { "HELO me.example\r\n", OK },
		{ MAIL, OK }, { RCPT(1), OK }, { "DATA\r\n", GO }, { CONTENT, OK },
			{ QUIT, NULL } },
		.verdicts = "D250", .end = "ended" },
};

static const struct dialogue full[] = {
	{ "C9 AUTH 535 in the group is no stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, "535 5.7.8 no\r\n530 no\r\n530 no\r\n503 no\r\n" } },
		.verdicts = "T535", .end = "said 535" },
	{ "D6 354 after a failed AUTH: no dot", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, "535 5.7.8 no\r\n" OK OK GO } }, .verdicts = "T535",
			.end = "said 535" },
	{ "AUTH 454 in the group is no stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, "454 4.7.0 later\r\n" } }, .verdicts = "T454", .end = "said 454" },
	{ "MAIL 503 behind AUTH: a stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, AUTH_OK "503 5.5.1 what\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol stumbled" },
	{ "MAIL 554 behind AUTH: a stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, AUTH_OK "554 5.5.0 synchronization\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol stumbled" },
	{ "AUTH 503 in the group: a stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, "503 5.5.0 synchronization\r\n" } },
		.verdicts = "Tprotocol", .end = "protocol stumbled" },
	{ "AUTH 334 in the group: a stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, "334 \r\n" } }, .verdicts = "Tprotocol", .end = "protocol stumbled" },
	{ "closed before MAIL's reply: a stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, AUTH_OK "<LOST>" } }, .verdicts = "Tlost", .end = "lost stumbled" },
	{ "silence before AUTH's reply: a stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, "<TIMEOUT>" } }, .verdicts = "Ttimeout", .end = "timeout stumbled" },
	{ "closed after MAIL's reply: no stumble", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, AUTH_OK OK "<LOST>" } }, .verdicts = "Tlost", .end = "lost" },
	{ "MAIL 550 behind AUTH is MAIL's", FULL, .exchanges = { BEGIN_TLS,
		{ AUTH GROUP, AUTH_OK "550 5.7.1 not you\r\n503 no\r\n503 no\r\n" },
			{ QUIT, NULL } },
		.verdicts = "R550", .end = "ended" },
	{ "closed after AUTH alone: no stumble", STANDARD, .exchanges = { BEGIN_TLS,
		{ AUTH, "<LOST>" } }, .verdicts = "Tlost", .end = "lost" },
	{ "MAIL 503 after AUTH alone is MAIL's", STANDARD, .exchanges = { BEGIN_TLS,
		{ AUTH, AUTH_OK }, { GROUP, "503 no\r\n503 no\r\n503 no\r\n" }, { QUIT, NULL } },
		.verdicts = "R503", .end = "ended" },
};

static void test_all(const struct dialogue *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		dialogue_run(&all[i], TEXT);
}

/* Takes a session to the point where its content is asked for. */
static void until_content(struct rig *r, const char *content, bool chunking)
{
	const struct scene scene = { .tls = SMTP_TLS_OFF, .chunking = chunking };

	rig_start(r, &scene, 0);
	rig_add(r, 1, content);
	rig_ready(r);
	rig_say(r, GREETING);
	rig_flight(r);
	rig_say(r, OFFERS);
	if (chunking) {
		rig_turn(r);
		return;
	}
	rig_flight(r);
	rig_say(r, OK OK GO);
}

static const struct {
	const char *reply, *verdict, *end;
} unasked[] = {
	{ "250 ok\r\n", "Tprotocol", "protocol" },
	{ "354 go\r\n", "Tprotocol", "protocol" },
	{ "552 5.3.4 too big\r\n", "R552", "said 552" },
	{ "451 4.3.0 later\r\n", "T451", "said 451" },
	{ "421 bye\r\n", "T421", "said 421" },
	{ "<LOST>", "Tlost", "lost" },
	{ "<TIMEOUT>", "Ttimeout", "timeout" },
};

/* However much of the content was written, short of its last octet, and whether
 * the rest of it waits in the engine or in the message: no end is ever written. */
static void early_reply(size_t row, size_t lines, size_t written)
{
	struct buf content = BUF_INIT(1 << 20);
	struct rig r;
	size_t len, left = written;
	char *text;

	for (size_t i = 0; i < lines; i++)
		buf_add_text(&content, "0123456789\r\n");
	until_content(&r, buf_text(&content), false);
	while (left) {
		smtp_output(r.s, &len);
		len = len > left ? left : len;
		smtp_written(r.s, len);
		left -= len;
		rig_turn(&r);
	}
	dialogue_deliver(&r, unasked[row].reply);
	text = rig_verdicts(&r);
	check_text(text, unasked[row].verdict, "E6 early reply %zu after %zu of %zu octets", row,
		written, content.len);
	free(text);
	text = rig_end(&r);
	check_text(text, unasked[row].end, "E6 early reply %zu: the end", row);
	free(text);
	smtp_output(r.s, &len);
	check_int(len, 0, "E6 early reply %zu: nothing more is written", row);
	check_text(rig_wrong(&r), NULL, "E6 early reply %zu: in order", row);
	rig_release(&r);
	buf_release(&content);
}

static void test_early_final_reply(void)
{
	for (size_t row = 0; row < COUNT(unasked); row++) {
		early_reply(row, 2, 0);
		early_reply(row, 2, 1);
		early_reply(row, 2, 24);
		early_reply(row, 2, 26);           /* ".\r" */
		early_reply(row, 20000, 0);
		early_reply(row, 20000, 100000);
		early_reply(row, 20000, 240002);
	}
}

/* In the middle of a chunk even QUIT would be content: the server could have a
 * whole message that nobody wrote. */
static void test_chunk_broken(void)
{
	struct rig r;
	struct buf content = BUF_INIT(1 << 20);
	size_t len;

	for (size_t i = 0; i < 20000; i++)
		buf_add_text(&content, "0123456789\r\n");
	until_content(&r, buf_text(&content), true);
	for (int i = 0; i < 3; i++) {
		smtp_output(r.s, &len);
		smtp_written(r.s, len);
	}
	rig_say(&r, OK OK);
	smtp_output(r.s, &len);
	smtp_written(r.s, len);
	check_int(smtp_sending_content(r.s), true, "the content is not written whole");
	smtp_received(r.s, "552 too big\r\n", 13);
	/* All that was there is written when the reply is taken. */
	check_int(smtp_turn(r.s), SMTP_FAILED, "a refusal in the middle of BDAT ends the session");
	smtp_output(r.s, &len);
	check_int(len, 0, "and not even QUIT is written");
	check_int(r.mails[0].results[0].verdict, VERDICT_REFUSED, "with the verdict");
	rig_release(&r);
	buf_release(&content);
}

/* One octet behind 220 that came with it, and what was offered in clear. */
static void test_injected(void)
{
	static const char offers[] = "250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n";
	struct rig r;

	for (int octets = 0; octets < 2; octets++) {
		rig_start(&r, &(struct scene)START, 0);
		rig_say(&r, GREETING);
		rig_flight(&r);
		rig_say(&r, offers);
		rig_flight(&r);
		check_int(smtp_capabilities(r.s)->pipelining, true, "E5 offered in clear");
		smtp_received(r.s, "220 go\r\n2", 8 + (size_t)octets);
		check_int(smtp_turn(r.s), octets ? SMTP_FAILED : SMTP_WANT_TLS,
			"D2 %d octets behind 220", octets);
		check_int(smtp_capabilities(r.s)->pipelining, false, "E5 and forgotten");
		rig_release(&r);
	}
}

/* Each recipient has the server's words, or ours. */
static void test_words(void)
{
	static const struct scene scene = FULL;
	struct rig r;
	const struct smtp_result *result;

	rig_start(&r, &scene, 0);
	rig_add(&r, 1, TEXT);
	rig_ready(&r);
	rig_turn(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	rig_flight(&r);
	rig_say(&r, "535-5.7.8 wrong\r\n535 5.7.8 \033[2Jpassword\r\n");
	result = &smtp_failure(r.s)->result;
	check_text(result->text, "535 5.7.8 wrong \\x1b[2Jpassword",
		"E4 the words of a refused login");
	check_text(result->enhanced, "5.7.8", "its enhanced code");
	check_int(result->step, STEP_AUTH, "its step");
	check_text(r.mails[0].results[0].text, result->text, "a recipient has the same words");
	check_text(r.mails[0].results[0].enhanced, "5.7.8", "and the code");
	check_int(r.mails[0].results[0].step, STEP_AUTH, "and the step");
	rig_release(&r);

	rig_start(&r, &scene, 0);
	rig_add(&r, 1, TEXT);
	rig_ready(&r);
	rig_turn(&r);
	rig_break(&r, ERR_LOST);
	check_text(r.mails[0].results[0].text, "while waiting for the greeting: it broke",
		"our words say where");
	check_int(r.mails[0].results[0].step, STEP_GREETING, "and so does the step");
	rig_release(&r);
}

/* Content that cannot be read any more is never ended. */
static void test_unreadable(void)
{
	struct rig r;

	until_content(&r, TEXT, false);
	smtp_free(&r.s);
	rig_release(&r);

	rig_start(&r, &(struct scene)CLEAR, 0);
	rig_add(&r, 1, TEXT)->unreadable = true;
	rig_ready(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	rig_flight(&r);
	rig_say(&r, OK OK GO);
	check_text(rig_flight(&r), "", "unreadable content: nothing is written");
	check_int(smtp_failure(r.s)->err.kind, ERR_READ, "and the session has failed");
	check_int(r.mails[0].results[0].verdict, VERDICT_TRY_LATER, "try later");
	rig_release(&r);

	rig_start(&r, &(struct scene)CLEAR, 0);
	rig_add(&r, 1, TEXT)->m.size += 7;
	rig_ready(&r);
	rig_say(&r, GREETING);
	rig_flight(&r);
	rig_say(&r, OFFERS);
	rig_flight(&r);
	rig_say(&r, OK OK GO);
	check(!strstr(rig_flight(&r), ".\r\n"),
		"A6 content shorter than it was: no end is written");
	check_int(r.mails[0].results[0].verdict, VERDICT_TRY_LATER, "A6 try later");
	rig_release(&r);
}

/* Flooding: a reply without end, and more than anyone asked for. */
static void test_flood(void)
{
	static const char line[] =
		"250-0123456789012345678901234567890123456789012345678901234\r\n";
	struct rig r;
	struct buf much = BUF_INIT(1 << 21);

	rig_start(&r, &(struct scene)CLEAR, 0);
	rig_say(&r, GREETING);
	rig_flight(&r);
	for (int i = 0; i < 100000 && r.want == SMTP_WANT_REPLY; i++)
		rig_deliver(&r, line, sizeof(line) - 1);
	check_int(smtp_failure(r.s)->err.kind, ERR_PROTOCOL, "C2 a reply without end");
	rig_release(&r);

	rig_start(&r, &(struct scene)CLEAR, 0);
	rig_add(&r, 1, TEXT);
	rig_ready(&r);
	while (much.len < (1 << 20) + 1)
		buf_add_text(&much, line);
	r.inside = true;
	smtp_received(r.s, buf_text(&much), much.len);
	r.inside = false;
	check_int(rig_turn(&r), SMTP_FAILED, "C2 a megabyte at once");
	check_text(rig_wrong(&r), NULL, "C2 in order");
	rig_release(&r);
	buf_release(&much);
}

int main(void)
{
	test_all(refusals, COUNT(refusals));
	test_all(closing, COUNT(closing));
	test_all(lost, COUNT(lost));
	test_all(answered, COUNT(answered));
	test_all(early, COUNT(early));
	test_all(tls, COUNT(tls));
	test_all(full, COUNT(full));
	test_early_final_reply();
	test_chunk_broken();
	test_injected();
	test_words();
	test_unreadable();
	test_flood();
	return tap_done();
}
