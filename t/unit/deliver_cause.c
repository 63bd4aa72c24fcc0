/* What a server said, and which cause and exit code it is taken for. */
#include "deliver/cause.h"

#include "base/mem.h"
#include "t/unit/tap.h"

struct saying {
	enum smtp_step step;
	const char *text;       /* begins with the code */
	const char *enhanced;
	const char *id;
	int exit;
};

/* In the words of the servers named behind them. */
static const struct saying sayings[] = {
	{ STEP_RCPT, "550 5.1.1 <a@b.test>: Recipient address rejected: User unknown", "5.1.1",
		"recipient-refused", 67 },                                          /* Postfix */
	{ STEP_RCPT, "553 5.7.1 <a@b.test>: Sender address rejected: not owned by user me", "5.7.1",
		"sender-not-owned", 77 },
	{ STEP_MAIL, "553 5.7.1 <a@b.test>: Sender address rejected: not owned by user me", "5.7.1",
		"sender-not-owned", 77 },
	{ STEP_RCPT, "550 5.1.8 <a@b.test>: Sender address rejected: Domain not found", "5.1.8",
		"sender-refused", 77 },
	{ STEP_RCPT, "450 4.1.8 <a@b.test>: Sender address rejected: Domain not found", "4.1.8",
		"sender-later", 75 },
	{ STEP_RCPT, "554 5.7.1 <a@b.test>: Relay access denied", "5.7.1", "relay-denied", 77 },
	{ STEP_RCPT, "554 5.7.1 <a@b.test>: Recipient address rejected: Access denied", "5.7.1",
		"relay-denied", 77 },
	{ STEP_RCPT, "554 5.7.1 <h[192.0.2.1]>: Client host rejected: Access denied", "5.7.1",
		"relay-denied", 77 },
	{ STEP_MAIL, "530 5.7.0 Must issue a STARTTLS command first", "5.7.0", "tls-wanted", 77 },
	{ STEP_RCPT, "550 relay not permitted", "", "relay-denied", 77 },                /* Exim */
	{ STEP_RCPT, "550 Sender verify failed", "", "sender-refused", 77 },
	{ STEP_RCPT, "550 5.7.1 Unable to relay", "5.7.1", "relay-denied", 77 },     /* Exchange */
	{ STEP_RCPT, "550 5.7.1 <relay@b.test>... Relaying denied", "5.7.1",
		"relay-denied", 77 },                                              /* Sendmail */
	{ STEP_CONTENT, "554 5.2.252 SendAsDenied; me not allowed to send as a@b.test", "5.2.252",
		"sender-not-owned", 77 },
	/* What a pattern must not be found in. */
	{ STEP_RCPT, "550 5.1.1 <relay@b.test>: User unknown", "5.1.1", "recipient-refused", 67 },
	{ STEP_RCPT, "550 5.7.1 access", "5.7.1", "recipient-refused", 67 },
	{ STEP_CONTENT, "550 5.7.1 Sender address rejected", "5.7.1", "content-refused", 69 },
	{ STEP_MAIL, "530 5.7.0 Authentication required", "5.7.0", "not-logged-in", 77 },
	{ STEP_RCPT, "550 ", "", "recipient-refused", 67 },
};

static void test_saying(const struct saying *s)
{
	struct smtp_result r = { .step = s->step, .verdict = VERDICT_REFUSED,
		.text = mem_string(s->text) };
	const struct cause *cause;

	for (int i = 0; i < 3; i++)
		r.code = r.code * 10 + s->text[i] - '0';
	snprintf(r.enhanced, sizeof(r.enhanced), "%s", s->enhanced);
	cause = cause_of_result(&r, "mail.example.test");
	check_text(cause->id, s->id, "G1: %s: %s", smtp_step_doing(s->step), s->text);
	check_int(cause->exit, s->exit, "G1: ends in %d", s->exit);
	smtp_result_release(&r);
}

/* Two causes never share a name or a text, or they could not be told apart. */
static void test_table(void)
{
	unsigned n = 0;

	while (cause_row(n))
		n++;
	check(n > 20, "there are causes");
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < i; k++) {
			const struct cause *a = cause_row(i), *b = cause_row(k);

			if (!strcmp(a->id, b->id) || !strcmp(a->words, b->words))
				check(false, "%s and %s differ", a->id, b->id);
		}
}

int main(void)
{
	struct smtp_result silent = { .step = STEP_RCPT, .code = 554 };

	for (size_t i = 0; i < COUNT(sayings); i++)
		test_saying(&sayings[i]);
	check_text(cause_of_result(&silent, NULL)->id, "recipient-refused", "a code without words");
	test_table();
	return tap_done();
}
