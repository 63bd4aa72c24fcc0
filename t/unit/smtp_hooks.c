/* t/unit/smtp_hooks.c - ready() before a content goes out, taken() when a server
 * has it: when, how often, for whom, and what was said on the wire by then. */
#include "t/unit/smtp_rig.h"

#define CLEAR .tls = SMTP_TLS_OFF, .hooks = true
#define LMTP .protocol = PROTOCOL_LMTP
#define CHUNKS CLEAR, .chunking = true
#define HI "220 mx\r\n", "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
#define OK "250 ok\r\n"
#define GO "354 go\r\n"

/* The transcript behind the reply to EHLO. */
#define C(text) "C: " text "\n"
#define S(text) "S: " text "\n"
#define H(text) "** " text "\n"
#define MAIL C("MAIL FROM:<me@example.com>")
#define RCPT(n) C("RCPT TO:<r" #n "@example.com>")
#define SENT "   [3 octets of content, then \".\"]\n"
#define CHUNK "   [3 octets of content]\n"
#define BDAT C("BDAT 3 LAST")
#define QUIT C("QUIT")

struct story {
	const char *name;
	struct scene scene;
	unsigned mails, recipients;
	bool all_or_nothing;
	const char *replies[6];      /* to each flight; the first two are the beginning */
	const char *verdicts, *transcript;
	const char *apart;           /* the transcript when replies come octet by octet; NULL: the
	                              * same */
};

static const struct story stories[] = {
	{ "DATA", { CLEAR }, 1, 1, false, { HI, OK OK GO, "250 queued\r\n" }, "D250", .transcript =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok")
		/* Not a single octet was read before. */
		S("354 go") H("ready 1 (0)") H("read 1: P") SENT QUIT
		/* First of all, then the words, then the end. */
		H("taken 1: D") S("250 queued") H("done 1: D+") },
	{ "DATA, recipients of all kinds", { CLEAR }, 1, 4, false,
		{ HI, OK OK "550 no\r\n" OK "450 later\r\n" GO, OK }, "D250 R550 D250 T450", .transcript =
		MAIL RCPT(1) RCPT(2) RCPT(3) RCPT(4) C("DATA") S("250 ok") S("250 ok") S("550 no")
		S("250 ok") S("450 later") S("354 go") H("ready 1 (0,2)") H("read 1: P R+ P T+")
		SENT QUIT H("taken 1: D R+ D T+") S("250 ok") H("done 1: D+ R+ D+ T+") },
	{ "DATA, the content refused", { CLEAR }, 1, 2, false,
		{ HI, OK OK OK GO, "554 spam\r\n" }, "R554 R554", .transcript =
		MAIL RCPT(1) RCPT(2) C("DATA") S("250 ok") S("250 ok") S("250 ok") S("354 go")
		H("ready 1 (0,1)") H("read 1: P P") SENT QUIT S("554 spam") H("done 1: R+ R+") },
	{ "DATA refused", { CLEAR }, 1, 1, false, { HI, OK OK "451 no\r\n", OK }, "T451", .transcript =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok") S("451 no") H("done 1: T+") QUIT },
	{ "354 for nobody: only the dot, and no call", { CLEAR }, 1, 1, false,
		{ HI, OK "550 no\r\n" GO, OK }, "R550", .transcript =
		MAIL RCPT(1) C("DATA") S("250 ok") S("550 no") S("354 go")
		"   [0 octets of content, then \".\"]\n" QUIT S("250 ok") H("done 1: R+") },
	{ "one refused for now, so nobody gets it", { CLEAR }, 1, 2, true,
		{ HI, OK OK "450 no\r\n", OK }, "N T450", .transcript =
		MAIL RCPT(1) RCPT(2) S("250 ok") S("250 ok") S("450 no") C("RSET")
		H("done 1: N+ T+") QUIT S("250 ok") },
	{ "the connection breaks off", { CLEAR }, 1, 1, false,
		{ HI, OK OK GO, "<LOST>" }, "Uunknown", .transcript =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok") S("354 go") H("ready 1 (0)")
		H("read 1: P") SENT QUIT H("done 1: U+") },
	{ "DATA, two transactions", { CLEAR, .max_recipients = 2 }, 1, 3, false,
		{ HI, OK OK OK GO, OK OK OK GO, OK }, "D250 D250 D250", .transcript =
		MAIL RCPT(1) RCPT(2) C("DATA") S("250 ok") S("250 ok") S("250 ok") S("354 go")
		H("ready 1 (0,1)") H("read 1: P P P") SENT MAIL RCPT(3) C("DATA")
		H("taken 1: D D P") S("250 ok") S("250 ok") S("250 ok") S("354 go")
		H("ready 1 (2)") H("read 1: D+ D+ P") SENT QUIT H("taken 1: D+ D+ D") S("250 ok")
		H("done 1: D+ D+ D+") },
	{ "BDAT, one recipient: not waited for", { CHUNKS }, 1, 1, false, { HI, OK OK OK }, "D250", .transcript =
		/* Not even the transcript of what came along stands before the mark. */
		MAIL RCPT(1) H("ready 1 (0)") BDAT H("read 1: P") CHUNK QUIT H("taken 1: D") S("250 ok")
		S("250 ok") S("250 ok") H("done 1: D+"), .apart =
		MAIL RCPT(1) H("ready 1 (0)") BDAT H("read 1: P") CHUNK QUIT S("250 ok") S("250 ok")
		H("taken 1: D") S("250 ok") H("done 1: D+") },
	{ "BDAT, two messages taken at once: both marks first", { CHUNKS }, 2, 1, false,
		{ HI, OK OK OK OK OK OK "250 queued\r\n" }, "D250; D250", .transcript =
		MAIL RCPT(1) H("ready 1 (0)") BDAT H("read 1: P") CHUNK C("RSET") MAIL RCPT(1)
		H("ready 2 (0)") BDAT H("read 2: P") CHUNK QUIT H("taken 1: D") H("taken 2: D")
		S("250 ok") S("250 ok") S("250 ok") S("250 ok") S("250 ok") S("250 ok")
		S("250 queued") H("done 1: D+") H("done 2: D+"), .apart =
		MAIL RCPT(1) H("ready 1 (0)") BDAT H("read 1: P") CHUNK C("RSET") MAIL RCPT(1)
		H("ready 2 (0)") BDAT H("read 2: P") CHUNK QUIT S("250 ok") S("250 ok")
		H("taken 1: D") S("250 ok") H("done 1: D+") S("250 ok") S("250 ok") S("250 ok")
		H("taken 2: D") S("250 queued") H("done 2: D+") },
	{ "BDAT, its one recipient refused", { CHUNKS }, 1, 1, false,
		{ HI, OK "550 no\r\n" "503 no\r\n" }, "R550", .transcript =
		MAIL RCPT(1) H("ready 1 (0)") BDAT H("read 1: P") CHUNK QUIT S("250 ok") S("550 no")
		S("503 no") H("done 1: R+") },
	{ "BDAT, taken for nobody", { CHUNKS }, 1, 1, false, { HI, OK "550 no\r\n" OK }, "R550", .transcript =
		MAIL RCPT(1) H("ready 1 (0)") BDAT H("read 1: P") CHUNK QUIT S("250 ok") S("550 no")
		S("250 ok") H("done 1: R+") },
	{ "BDAT, two recipients: their replies first", { CHUNKS }, 1, 2, false,
		{ HI, OK "550 no\r\n" OK, OK }, "R550 D250", .transcript =
		MAIL RCPT(1) RCPT(2) S("250 ok") S("550 no") S("250 ok") H("ready 1 (1)") BDAT
		H("read 1: R+ P") CHUNK QUIT H("taken 1: R+ D") S("250 ok") H("done 1: R+ D+") },
	/* The second transaction knows what became of the first. */
	{ "BDAT, two transactions", { CHUNKS, .max_recipients = 2 }, 1, 3, false,
		{ HI, OK OK OK, OK OK OK OK, OK }, "D250 D250 D250", .transcript =
		MAIL RCPT(1) RCPT(2) S("250 ok") S("250 ok") S("250 ok") H("ready 1 (0,1)") BDAT
		H("read 1: P P P") CHUNK C("RSET") MAIL RCPT(3) H("taken 1: D D P") S("250 ok")
		S("250 ok") S("250 ok") S("250 ok") H("ready 1 (2)") BDAT H("read 1: D+ D+ P") CHUNK
		QUIT H("taken 1: D+ D+ D") S("250 ok") H("done 1: D+ D+ D+") },
	{ "two messages: the mark of the first before all that follows", { CLEAR }, 2, 1, false,
		{ HI, OK OK GO, OK OK OK GO, OK }, "D250; D250", .transcript =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok") S("354 go") H("ready 1 (0)")
		H("read 1: P") SENT MAIL RCPT(1) C("DATA") H("taken 1: D") S("250 ok") S("250 ok")
		S("250 ok") S("354 go") H("done 1: D+") H("ready 2 (0)") H("read 2: P")
		SENT QUIT H("taken 2: D") S("250 ok") H("done 2: D+"), .apart =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok") S("354 go") H("ready 1 (0)")
		H("read 1: P") SENT MAIL RCPT(1) C("DATA") H("taken 1: D") S("250 ok")
		H("done 1: D+") S("250 ok") S("250 ok") S("354 go") H("ready 2 (0)") H("read 2: P")
		SENT QUIT H("taken 2: D") S("250 ok") H("done 2: D+") },
	/* A mark for each, all of them before a word of what came along; QUIT behind the last. */
	{ "LMTP: a reply for each recipient", { CLEAR, LMTP }, 1, 4, false,
		{ HI, OK OK OK "550 no\r\n" OK GO, OK "452 full\r\n" OK }, "D250 T452 R550 D250",
		.transcript =
		MAIL RCPT(1) RCPT(2) RCPT(3) RCPT(4) C("DATA") S("250 ok") S("250 ok") S("250 ok")
		S("550 no") S("250 ok") S("354 go") H("ready 1 (0,1,3)") H("read 1: P P R+ P") SENT
		H("taken 1: D P R+ P") H("taken 1: D+ T+ R+ D") S("250 ok") S("452 full") S("250 ok")
		H("done 1: D+ T+ R+ D+") QUIT, .apart =
		MAIL RCPT(1) RCPT(2) RCPT(3) RCPT(4) C("DATA") S("250 ok") S("250 ok") S("250 ok")
		S("550 no") S("250 ok") S("354 go") H("ready 1 (0,1,3)") H("read 1: P P R+ P") SENT
		H("taken 1: D P R+ P") S("250 ok") S("452 full") H("taken 1: D+ T+ R+ D") S("250 ok")
		H("done 1: D+ T+ R+ D+") QUIT },
	{ "LMTP, one recipient: the next message is not waited for", { CLEAR, LMTP }, 2, 1, false,
		{ HI, OK OK GO, OK OK OK GO, OK }, "D250; D250", .transcript =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok") S("354 go") H("ready 1 (0)")
		H("read 1: P") SENT MAIL RCPT(1) C("DATA") H("taken 1: D") S("250 ok") S("250 ok")
		S("250 ok") S("354 go") H("done 1: D+") H("ready 2 (0)") H("read 2: P")
		SENT QUIT H("taken 2: D") S("250 ok") H("done 2: D+"), .apart =
		MAIL RCPT(1) C("DATA") S("250 ok") S("250 ok") S("354 go") H("ready 1 (0)")
		H("read 1: P") SENT MAIL RCPT(1) C("DATA") H("taken 1: D") S("250 ok")
		H("done 1: D+") S("250 ok") S("250 ok") S("354 go") H("ready 2 (0)") H("read 2: P")
		SENT QUIT H("taken 2: D") S("250 ok") H("done 2: D+") },
	{ "LMTP, lost between the replies", { CLEAR, LMTP }, 1, 3, false,
		{ HI, OK OK OK OK GO, OK, "<LOST>" }, "D250 Uunknown Uunknown", .transcript =
		MAIL RCPT(1) RCPT(2) RCPT(3) C("DATA") S("250 ok") S("250 ok") S("250 ok") S("250 ok")
		S("354 go") H("ready 1 (0,1,2)") H("read 1: P P P") SENT H("taken 1: D P P")
		S("250 ok") H("done 1: D+ U+ U+") },
};

static void play(const struct story *story, unsigned mode)
{
	const char *at, *want = mode & OCTET_REPLIES && story->apart ? story->apart :
		story->transcript;
	struct rig r;
	char *text;

	rig_start(&r, &story->scene, mode);
	for (unsigned i = 0; i < story->mails; i++)
		rig_add(&r, story->recipients, "x\r\n")->m.all_or_nothing = story->all_or_nothing;
	rig_ready(&r);
	for (size_t i = 0; i < COUNT(story->replies) && story->replies[i]; i++) {
		rig_flight(&r);
		if (story->replies[i][0] == '<')
			rig_break(&r, ERR_LOST);
		else
			rig_say(&r, story->replies[i]);
	}
	at = strstr(buf_text(&r.trace), "C: MAIL");
	check_text(at, want, "B2 %s: the transcript, mode %u", story->name, mode);
	text = rig_verdicts(&r);
	check_text(text, story->verdicts, "%s: the verdicts, mode %u", story->name, mode);
	free(text);
	check_text(rig_wrong(&r), NULL, "%s: in order, mode %u", story->name, mode);
	rig_release(&r);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(stories); i++)
		for (unsigned mode = 0; mode < RIG_MODES; mode++)
			play(&stories[i], mode);
	return tap_done();
}
