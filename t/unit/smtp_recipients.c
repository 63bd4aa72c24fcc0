/* t/unit/smtp_recipients.c - many recipients, servers that take few, and mail
 * that everybody gets or nobody. */
#include "t/unit/smtp_fake.h"

enum { MANY = 5000 };

#define PIPELINING "250-PIPELINING\r\n"
#define CLEAR { .tls = SMTP_TLS_OFF }
#define INSIDE { .tls = SMTP_TLS_IMPLICIT }

static const char *r7_later(const char *address)
{
	return !strncmp(address, "r7@", 3) ? "450 4.2.1 later\r\n" : NULL;
}

static const char *r7_full(const char *address)
{
	return !strncmp(address, "r7@", 3) ? "552 5.2.2 mailbox full\r\n" : NULL;
}

static const char *tenth_refused(const char *address)
{
	return strtoul(address + 1, NULL, 10) % 10 == 0 ? "550 5.1.1 who\r\n" : NULL;
}

static const char *first_full(const char *address)
{
	return !strncmp(address, "r1@", 3) ? "452 4.5.3 too many\r\n" : NULL;
}

static const struct {
	const char *name;
	struct scene scene;
	const char *offers;
	size_t recipients;
	size_t limit;
	const char *too_many;
	const char *(*rcpt)(const char *address);
	/* Wanted: transactions with content, most RCPTs in one of them, verdicts. */
	size_t transactions, most;
	size_t delivered, later, refused;
} rows[] = {
	{ "100 at a time", CLEAR, PIPELINING, MANY, 0, NULL, NULL, 50, 100, MANY, 0, 0 },
	{ "100 at a time, without PIPELINING", CLEAR, "", MANY, 0, NULL, NULL, 50, 100, MANY, 0,
		0 },
	{ "100 at a time, in chunks", { .tls = SMTP_TLS_OFF, .chunking = true },
		PIPELINING "250-CHUNKING\r\n", MANY, 0, NULL, NULL, 50, 100, MANY, 0, 0 },
	{ "all in one", { .tls = SMTP_TLS_OFF, .max_recipients = 100000 }, PIPELINING, MANY,
		0, NULL, NULL, 1, MANY, MANY, 0, 0 },
	{ "one at a time", { .tls = SMTP_TLS_OFF, .max_recipients = 1 }, PIPELINING, MANY,
		0, NULL, NULL, MANY, 1, MANY, 0, 0 },
	{ "the server says 10: learned from the first", CLEAR, PIPELINING, MANY, 10,
		"452 4.5.3 too many recipients\r\n", NULL, 500, 100, MANY, 0, 0 },
	{ "10, without an enhanced code", CLEAR, PIPELINING, MANY, 10, "452 too many\r\n", NULL,
		500, 100, MANY, 0, 0 },
	{ "10, with 552", CLEAR, PIPELINING, MANY, 10, "552 too many\r\n", NULL, 500, 100, MANY, 0,
		0 },
	{ "10, with 552 5.5.3", CLEAR, PIPELINING, MANY, 10, "552 5.5.3 too many\r\n", NULL, 500,
		100,
		MANY, 0, 0 },
	{ "1", CLEAR, PIPELINING, 300, 1, "452 4.5.3 too many\r\n", NULL, 300, 100, 300, 0, 0 },
	{ "10, in chunks", { .tls = SMTP_TLS_OFF, .chunking = true }, PIPELINING "250-CHUNKING\r\n",
		MANY, 10, "452 4.5.3 too many\r\n", NULL, 500, 100, MANY, 0, 0 },
	/* Neither is about their number. */
	{ "452 4.3.1 is a refusal for now", CLEAR, PIPELINING, 50, 10, "452 4.3.1 disk full\r\n",
		NULL,
		1, 50, 10, 40, 0 },
	{ "552 5.2.2 is a refusal", CLEAR, PIPELINING, 50, 0, NULL, r7_full, 1, 50, 49, 0, 1 },
	{ "452 to the first is no limit", CLEAR, PIPELINING, 50, 0, NULL, first_full, 1, 50, 49, 1,
		0 },
	{ "451 is no limit", CLEAR, PIPELINING, 50, 10, "451 4.5.3 too many\r\n", NULL, 1, 50, 10,
		40, 0 },
	{ "550 is no limit", CLEAR, PIPELINING, 50, 10, "550 5.5.3 too many\r\n", NULL, 1, 50, 10,
		0, 40 },
	{ "every tenth is refused", CLEAR, PIPELINING, MANY, 0, NULL, tenth_refused, 50, 100,
		MANY - MANY / 10, 0, MANY / 10 },
	/* Anybody on the way could have written what stands in clear. */
	{ "LIMITS inside TLS", INSIDE, PIPELINING "250-LIMITS RCPTMAX=20\r\n", 100, 0, NULL, NULL,
		5, 20, 100, 0, 0 },
	{ "LIMITS in clear", CLEAR, PIPELINING "250-LIMITS RCPTMAX=20\r\n", 100, 0, NULL, NULL,
		1, 100, 100, 0, 0 },
	{ "LIMITS above our own", INSIDE, PIPELINING "250-LIMITS RCPTMAX=2000\r\n", 200, 0, NULL,
		NULL,
		2, 100, 200, 0, 0 },
};

static void count(const struct rig *r, size_t *counts)
{
	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; k < r->mails[i].m.count; k++)
			counts[r->mails[i].results[k].verdict]++;
}

static void test_many(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t counts[VERDICT_NOT_SENT + 1] = { 0 };
		bool once = true;
		struct fake f;
		struct rig r;

		fake_init(&f, rows[i].recipients);
		f.offers = rows[i].offers;
		f.limit = rows[i].limit;
		f.too_many = rows[i].too_many;
		f.rcpt = rows[i].rcpt;
		rig_start(&r, &rows[i].scene, 0);
		rig_add(&r, rows[i].recipients, "m0\r\n");
		rig_ready(&r);
		check_text(fake_run(&f, &r), NULL, "B1 %s: in order", rows[i].name);
		check_int(r.want, SMTP_ENDED, "B1 %s: the end", rows[i].name);
		check_int(f.transactions, rows[i].transactions, "B1 %s: transactions",
			rows[i].name);
		check_int(f.most_asked, rows[i].most, "B1 %s: RCPTs in one of them", rows[i].name);
		count(&r, counts);
		check_int(counts[VERDICT_DELIVERED], rows[i].delivered, "B1 %s: delivered",
			rows[i].name);
		check_int(counts[VERDICT_TRY_LATER], rows[i].later, "B4 %s: later", rows[i].name);
		check_int(counts[VERDICT_REFUSED], rows[i].refused, "B4 %s: refused", rows[i].name);
		for (size_t k = 0; k < rows[i].recipients; k++)
			once &= f.taken[0][k + 1] ==
				(r.mails[0].results[k].verdict == VERDICT_DELIVERED);
		check(once, "B1 %s: each recipient once", rows[i].name);
		rig_release(&r);
		fake_release(&f);
	}
}

/* What was learned from one message serves the next one, and a split one keeps
 * its QUIT waiting. */
static void test_learned(void)
{
	struct fake f;
	struct rig r;

	fake_init(&f, 30);
	f.offers = PIPELINING;
	f.limit = 10;
	f.too_many = "452 4.5.3 too many\r\n";
	rig_start(&r, &(struct scene)CLEAR, 0);
	rig_add(&r, 30, "m0\r\n");
	rig_add(&r, 30, "m1\r\n");
	rig_ready(&r);
	check_text(fake_run(&f, &r), NULL, "learned: in order");
	check_int(f.transactions, 6, "learned: six transactions");
	check_int(f.most_asked, 30, "learned: the first asked for all");
	check_int(f.replies, 1 + 1 + 3 * 2 + 30 + 20 + 3 + 3 * (2 + 10 + 1) + 1,
		"learned: nothing was asked twice but what was too many");
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 1; k <= 30; k++)
			if (f.taken[i][k] != 1)
				check(false, "learned: mail %zu, recipient %zu", i, k);
	rig_release(&r);
	fake_release(&f);
}

/* ---- everybody or nobody */

#define HELLO "EHLO me.example\r\n"
#define BEGIN { "", "220 mx\r\n" }, { HELLO, "250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n" }
#define MAIL "MAIL FROM:<me@example.com>\r\n"
#define RCPT(n) "RCPT TO:<r" #n "@example.com>\r\n"
#define OK "250 ok\r\n"
#define QUIT "QUIT\r\n"

static const struct dialogue all_or_nothing[] = {
	{ "content waits for every RCPT", CLEAR, .recipients = 2, .all_or_nothing = true,
		.exchanges = {
		BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK }, { "DATA\r\n", "354 go\r\n" },
		{ "x\r\n.\r\n" QUIT, OK } }, .verdicts = "D250 D250", .end = "ended" },
	{ "A2 one refused for now: nobody", CLEAR, .recipients = 3, .all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2) RCPT(3), OK OK "450 later\r\n" OK },
		{ "RSET\r\n" QUIT, OK } }, .verdicts = "N T450 N", .end = "ended" },
	{ "one refused for good: the others", CLEAR, .recipients = 3, .all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2) RCPT(3), OK OK "550 who\r\n" OK },
		{ "DATA\r\n", "354 go\r\n" }, { "x\r\n.\r\n" QUIT, OK } },
		.verdicts = "D250 R550 D250", .end = "ended" },
	{ "A2 one for good and one for now: nobody", CLEAR, .recipients = 3, .all_or_nothing = true,
		.exchanges = { BEGIN,
			{ MAIL RCPT(1) RCPT(2) RCPT(3), OK "550 who\r\n" "450 later\r\n" OK },
		{ "RSET\r\n" QUIT, OK } }, .verdicts = "R550 T450 N", .end = "ended" },
	{ "all refused for good", CLEAR, .recipients = 2, .all_or_nothing = true,
		.exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2), OK "550 who\r\n" "550 who\r\n" }, { "RSET\r\n" QUIT, OK } },
		.verdicts = "R550 R550", .end = "ended" },
	{ "a single recipient waits for nothing", CLEAR, .recipients = 1, .all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) "DATA\r\n", OK OK "354 go\r\n" },
		{ "x\r\n.\r\n" QUIT, OK } }, .verdicts = "D250", .end = "ended" },
	{ "MAIL refused", CLEAR, .recipients = 2, .all_or_nothing = true, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2), "451 later\r\n503 no\r\n503 no\r\n" }, { QUIT, NULL } },
		.verdicts = "T451 T451", .end = "ended" },
	{ "in chunks", { .tls = SMTP_TLS_OFF, .chunking = true }, .recipients = 2,
		.all_or_nothing = true, .exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK },
		{ "BDAT 3 LAST\r\nx\r\n" QUIT, OK } }, .verdicts = "D250 D250", .end = "ended" },
	{ "A2 the next message is none of its affair", CLEAR, .mails = 2, .recipients = 2,
		.all_or_nothing = true, .exchanges = { BEGIN,
		{ MAIL RCPT(1) RCPT(2), OK OK "450 later\r\n" },
		{ "RSET\r\n" MAIL RCPT(1) RCPT(2), OK OK OK OK }, { "DATA\r\n", "354 go\r\n" },
		{ "x\r\n.\r\n" QUIT, OK } }, .verdicts = "N T450; D250 D250", .end = "ended",
			.done = "12" },
	/* Several transactions: what holds for one message holds across them. */
	{ "A2 refused for now in the second, while the first is unanswered",
		{ .tls = SMTP_TLS_OFF, .max_recipients = 2 }, .recipients = 4,
			.all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK },
			{ "DATA\r\n", "354 go\r\n" },
		/* The first is delivered: "nobody" cannot be had any more. */
		{ "x\r\n.\r\n" MAIL RCPT(3) RCPT(4) "DATA\r\n",
			OK OK OK "450 later\r\n" "354 go\r\n" }, { "x\r\n.\r\n" QUIT, OK } },
		.verdicts = "D250 D250 D250 T450", .end = "ended" },
	{ "A2 the content of the first refused for now",
		{ .tls = SMTP_TLS_OFF, .max_recipients = 2 }, .recipients = 4,
			.all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK },
			{ "DATA\r\n", "354 go\r\n" },
		/* 354: only a closed connection keeps the second from being sent. */
		{ "x\r\n.\r\n" MAIL RCPT(3) RCPT(4) "DATA\r\n",
			"451 later\r\n" OK OK OK "354 go\r\n" } },
		.verdicts = "T451 T451 N N", .end = "lost" },
	{ "A2 ... and DATA behind it as well",
		{ .tls = SMTP_TLS_OFF, .max_recipients = 2 }, .recipients = 4,
			.all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK },
			{ "DATA\r\n", "354 go\r\n" },
		{ "x\r\n.\r\n" MAIL RCPT(3) RCPT(4) "DATA\r\n",
			"451 later\r\n" OK OK OK "451 later\r\n" }, { QUIT, NULL } },
		.verdicts = "T451 T451 T451 T451", .end = "ended" },
	{ "A2 DATA of the first refused for now",
		{ .tls = SMTP_TLS_OFF, .max_recipients = 2 }, .recipients = 4,
			.all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK OK },
			{ "DATA\r\n", "451 later\r\n" },
		{ QUIT, OK } }, .verdicts = "T451 T451 N N", .end = "ended" },
	{ "A2 refused for now in the first: the second never begins",
		{ .tls = SMTP_TLS_OFF, .max_recipients = 2 }, .recipients = 4,
			.all_or_nothing = true,
		.exchanges = { BEGIN, { MAIL RCPT(1) RCPT(2), OK OK "450 later\r\n" },
		{ "RSET\r\n" QUIT, OK } }, .verdicts = "N T450 N N", .end = "ended" },
	{ "A2 too many is no refusal", CLEAR, .recipients = 3, .all_or_nothing = true,
		.exchanges = {
		BEGIN, { MAIL RCPT(1) RCPT(2) RCPT(3), OK OK OK "452 4.5.3 too many\r\n" },
		{ "DATA\r\n", "354 go\r\n" },
		{ "x\r\n.\r\n" MAIL RCPT(3) "DATA\r\n", OK OK OK "354 go\r\n" },
		{ "x\r\n.\r\n" QUIT, OK } },
		.verdicts = "D250 D250 D250", .end = "ended" },
};

static void test_all_or_nothing(void)
{
	for (size_t i = 0; i < COUNT(all_or_nothing); i++)
		dialogue_run(&all_or_nothing[i], "x\r\n");
}

/* In a session of thousands: one refused for now, in whatever transaction
 * before the first content, and nobody has it. */
static void test_nobody(void)
{
	size_t counts[VERDICT_NOT_SENT + 1] = { 0 };
	struct fake f;
	struct rig r;

	fake_init(&f, MANY);
	f.offers = PIPELINING;
	f.rcpt = r7_later;
	rig_start(&r, &(struct scene)CLEAR, 0);
	rig_add(&r, MANY, "m0\r\n")->m.all_or_nothing = true;
	rig_ready(&r);
	check_text(fake_run(&f, &r), NULL, "A2 nobody of thousands: in order");
	count(&r, counts);
	check_int(counts[VERDICT_NOT_SENT], MANY - 1, "A2 nobody of thousands has it");
	check_int(counts[VERDICT_TRY_LATER], 1, "A2 one says why");
	check_int(f.transactions, 0, "A2 no content was sent");
	rig_release(&r);
	fake_release(&f);
}

int main(void)
{
	test_many();
	test_learned();
	test_all_or_nothing();
	test_nobody();
	return tap_done();
}
