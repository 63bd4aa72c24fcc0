/* t/unit/deliver_giveup.c - deliver/giveup: who is told what, how often, and where
 * the message is then.
 */
#include "t/unit/giveup_rig.h"

#include <signal.h>
#include <sys/resource.h>

#include "deliver/message.h"
#include "queue/park.h"
#include "smtp/message.h"

static void check_has(const char *text, const char *part, const char *what)
{
	if (!check(strstr(text, part) != NULL, "%s", what))
		printf("#   no \"%s\" in:\n%s\n", part, text);
}

static bool has_event(const struct entry *n, const char *what, const char *text)
{
	for (size_t i = 0; i < n->event_count; i++)
		if (!strcmp(n->events[i].what, what) &&
				(!text || strstr(n->events[i].text ? n->events[i].text : "", text)))
			return true;
	return false;
}

/* ---- failed */

static void test_one(void)
{
	struct desk d;
	struct entry n = desk_entry(1), report = { .created = 0 };
	struct buf text = BUF_INIT(0);
	char id[ENTRY_ID_LEN + 1], *part;
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	n.created = 1795000000;
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 0, 550, "5.1.1", "550 5.1.1 no such user");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"A10 given up: %s", e.text);
	check_int(held_state(t.held), QUEUE_FAILED, "it is in failed/");
	desk_drop(&t);
	check(desk_take(&d, QUEUE_FAILED, id, &t), "and can be read there");
	check_int(t.entry.recipients[0].state, RECIPIENT_REPORTED, "its recipient is reported");
	check(has_event(&t.entry, "failed", "a@example.net: 550 5.1.1 no such user"), "event");
	desk_drop(&t);
	check(desk_report(&d, &report, &text), "G2 there is one report");
	check_text(report.sender, "", "from the null sender");
	check_text(report.subject_of, id, "about that message");
	check_text(report.account, "work", "by the account that failed");
	check_int(report.count, 1, "to one");
	check_text(report.recipients[0].address, "anna@example.org", "the sender");
	check_int(report.errors, ERRORS_QUIET, "nobody is told what becomes of it");
	check_int(report.uid, 1000, "of the same user");
	check_text(report.login, "anna", "by name");
	check(!strncmp(report.from, "MAILER-DAEMON@", 14), "from the mail system");
	check(!report.eight_bit_header && !report.eight_bit_body && report.longest_line < 200,
		"its facts");
	check(!strncmp(text.data + report.header_size, "\r\n--", 4), "and its length of header");
	part = mem_printf("Its id in the\r\nqueue is p-%s.\r\n", id);
	check_has(text.data, part, "the id");
	free(part);
	check_has(text.data, "  a@example.net\r\n    mx.example.org answered: 550 5.1.1 no such user\r\n",
		"G2 the server's words");
	check_has(text.data, "What to do: check the address\r\n", "and a next step");
	check_has(text.data, "\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\n", "fields");
	check_has(text.data, "Content-Type: message/rfc822\r\n", "the message");
	check_has(text.data, "\r\n\r\nFrom: anna@example.org\r\nSubject: hello\r\n\r\nLine one\r\n"
		".line two\r\n\r\n--", "whole");
	check_has(desk_file(d.log, false), " outcome=failed account=work from=anna@example.org "
		"recipients=1 delivered=0 message_id=<1@example.org> ", "the log");
	entry_release(&report);
	buf_release(&text);
	desk_end(&d);
}

/* Others wait or have it. */
static void test_several(void)
{
	struct desk d;
	struct entry n = desk_entry(4), report = { .created = 0 };
	char id[ENTRY_ID_LEN + 1], first[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	t.entry.recipients[0].state = RECIPIENT_DELIVERED;
	desk_refuse(&t.entry, 1, 550, "", "550 no");
	desk_refuse(&t.entry, 2, 550, "", "550 nor that");
	desk_refuse(&t.entry, 3, 451, "", "451 later");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"two of four");
	check_int(held_state(t.held), QUEUE_NEW, "B4 it stays for the one that waits");
	desk_drop(&t);
	check(desk_report(&d, &report, NULL), "one report");
	memcpy(first, report.id, sizeof(first));
	entry_release(&report);
	check(desk_take(&d, QUEUE_NEW, id, &t), "again");
	check_int(entry_in_state(&t.entry, RECIPIENT_REPORTED), 2, "two are reported");
	check_int(entry_waiting(&t.entry), 1, "one waits");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"nothing more to tell");
	check_int(desk_reports(&d), 1, "G2 and nothing is told");
	desk_refuse(&t.entry, 3, 550, "", "550 no longer");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"the last of them");
	check_int(held_state(t.held), QUEUE_FAILED, "then it is given up");
	desk_drop(&t);
	check_int(desk_reports(&d), 2, "with a report of its own");
	check(rig_is_there(&d.rig, "new", first), "beside the first");
	desk_end(&d);
}

/* Nobody is told, and all else happens. */
static void check_silent(const char *why, void (*change)(struct entry *n, struct config *c))
{
	struct desk d;
	struct entry n = desk_entry(1);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	change(&n, &d.config);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 0, 550, "5.1.1", "550 5.1.1 no such user");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"%s: given up", why);
	desk_drop(&t);
	check(rig_count(&d.rig, "new") == 0 && rig_is_there(&d.rig, "failed", id),
		"G2 %s: no report", why);
	check(desk_take(&d, QUEUE_FAILED, id, &t) &&
		t.entry.recipients[0].state == RECIPIENT_REPORTED, "%s: marked all the same", why);
	desk_drop(&t);
	check_has(desk_file(d.log, false), "outcome=failed", "and logged");
	desk_end(&d);
}

static void set_null(struct entry *n, struct config *c)
{
	(void)c;
	n->sender[0] = '\0';
}

static void set_report(struct entry *n, struct config *c)
{
	(void)c;
	n->subject_of = mem_string("abcdefghijkl");
}

static void set_never(struct entry *n, struct config *c)
{
	(void)c;
	n->dsn.notify = DSN_NEVER;
}

static void set_other(struct entry *n, struct config *c)
{
	(void)c;
	n->dsn.notify = DSN_DELAY | DSN_SUCCESS;
}

static void set_quiet(struct entry *n, struct config *c)
{
	(void)c;
	n->errors = ERRORS_QUIET;
}

static void set_no_notice(struct entry *n, struct config *c)
{
	(void)n;
	c->global.failure_notice = false;
}

static void test_silent(void)
{
	check_silent("null sender", set_null);
	check_silent("about a report", set_report);
	check_silent("NOTIFY=NEVER", set_never);
	check_silent("NOTIFY=DELAY,SUCCESS", set_other);
	check_silent("-oeq", set_quiet);
	check_silent("failure_notice = no", set_no_notice);
}

static size_t count_lines(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

static void test_quoting(void)
{
	struct desk d;
	struct entry n = desk_entry(1), report = { .created = 0 };
	struct buf text = BUF_INIT(0);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	n.dsn.ret = DSN_RET_HDRS;
	n.dsn.envid = mem_string("QQ1");
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 0, 550, "5.1.1", "550 5.1.1 no such user");
	t.entry.recipients[0].unsure = true;
	giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e);
	desk_drop(&t);
	check(desk_report(&d, &report, &text), "a report");
	check_has(text.data, "Content-Type: text/rfc822-headers\r\n", "RET=HDRS");
	check_int(count_lines(text.data, "Line one"), 0, "the body is not in it");
	check_has(text.data, "\r\nOriginal-Envelope-Id: QQ1\r\n", "ENVID");
	check_has(text.data, "no such user\r\n    A copy may", "a copy may have arrived, and it is said");
	entry_release(&report);
	buf_release(&text);
	desk_end(&d);
}

/* So many that one report would not do. */
static void test_very_many(void)
{
	struct desk d;
	struct entry n = desk_entry(2 * NOTICE_RECIPIENTS_MAX + 1);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	for (size_t i = 0; i < t.entry.count; i++)
		desk_refuse(&t.entry, i, 550, "", "550 no");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"2001 recipients");
	desk_drop(&t);
	check_int(desk_reports(&d), 3, "three reports");
	check(desk_take(&d, QUEUE_FAILED, id, &t), "and it is in failed/");
	check_int(entry_in_state(&t.entry, RECIPIENT_REPORTED), 2 * NOTICE_RECIPIENTS_MAX + 1,
		"all are told");
	desk_drop(&t);
	desk_end(&d);
}

/* ---- late */

static void test_expired(void)
{
	struct desk d;
	struct entry n = desk_entry(4), report = { .created = 0 };
	struct buf text = BUF_INIT(0);
	char id[ENTRY_ID_LEN + 1], *part;
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	t.entry.recipients[0].state = RECIPIENT_DELIVERED;
	desk_refuse(&t.entry, 1, 452, "4.2.2", "452 4.2.2 mailbox full");
	t.entry.reason = mem_string("the server cannot be reached");
	check_int(giveup_expired(d.rig.spool, &d.config, NULL, t.held, &t.entry, &e), 0, "expired");
	check_int(held_state(t.held), QUEUE_FAILED, "it is in failed/");
	desk_drop(&t);
	check(desk_report(&d, &report, &text), "G3 one report");
	check_has(text.data,
		"Final-Recipient: rfc822; b@example.net\r\n"
		"Action: failed\r\n"
		"Status: 4.2.2\r\n"
		"Diagnostic-Code: smtp; 452 4.2.2 mailbox full\r\n", "the last answer");
	check_has(text.data,
		"Final-Recipient: rfc822; c@example.net\r\n"
		"Action: failed\r\n"
		"Status: 4.4.7\r\n"
		"Diagnostic-Code: x-sendoff; not delivered within 5 days: the server cannot\r\n"
		" be reached\r\n", "or the time");
	check(!strstr(text.data, "a@example.net"), "who has it is not named");
	part = mem_printf("What to do: it waited for 5 days and is kept for 30 days more; when the\r\n"
		"cause is mended, `sendoff queue retry p-%s` sends it after all\r\n", id);
	check_has(text.data, part, "G4 and it can be sent after all");
	free(part);
	check(!report.account, "no account, none asked for");
	check_has(desk_file(d.log, false), "outcome=expired ", "the log");
	check_has(desk_file(d.log, false), " error=\"expired: b@example.net: 452 4.2.2 mailbox full, "
		"and 2 more\"", "with the reason");
	entry_release(&report);
	buf_release(&text);
	desk_end(&d);
}

static void park_it(struct park *p, void *context)
{
	struct desk *d = context;

	park_set(p, PARK_LOGIN, "login-refused", "535 wrong password", "", &d->config.global.retry,
		0, time(NULL));
}

static void test_delayed(void)
{
	struct desk d;
	struct entry n = desk_entry(2), report = { .created = 0 };
	struct buf text = BUF_INIT(0);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	n.created = 1795000000;
	n.cause = mem_string("connect");
	n.account = mem_string("other");
	desk_enter(&d, &n, id);
	check_int(park_change(d.rig.spool, "work", park_it, &d, &e), 0, "the account is parked");
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 1, 451, "4.3.0", "451 4.3.0 later");
	check_int(giveup_delayed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0, "late");
	check(held_state(t.held) == QUEUE_NEW && t.entry.delay_told, "it stays, and that is told");
	desk_drop(&t);
	check(desk_report(&d, &report, &text), "G3 one notice");
	check_has(text.data, "Subject: Your message to 2 recipients is delayed\r\n", "of delay");
	check_has(text.data,
		"Final-Recipient: rfc822; a@example.net\r\n"
		"Action: delayed\r\n"
		"Status: 4.0.0\r\n"
		"Diagnostic-Code: x-sendoff; 535 wrong password\r\n"
		"Will-Retry-Until: ", "G4 why it waits");
	check_has(text.data, "Action: delayed\r\nStatus: 4.3.0\r\n", "or the last answer");
	check_has(text.data, "What to do: check that this machine is online, and host and port\r\n",
		"what to do");
	check_has(text.data, "text/rfc822-headers", "without the body");
	check_text(report.account, "work", "by its account: the one that was asked for is gone");
	check(desk_take(&d, QUEUE_NEW, id, &t), "again");
	check(t.entry.delay_told && has_event(&t.entry, "delayed", report.id), "noted for good");
	check_int(giveup_delayed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"once more");
	desk_drop(&t);
	check_int(desk_reports(&d), 1, "G3 is still one notice");
	entry_release(&report);
	buf_release(&text);
	desk_end(&d);
}

static void test_no_delay(void)
{
	struct desk d;
	struct entry n = desk_entry(1);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	n.dsn.notify = DSN_FAILURE;
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	check_int(giveup_delayed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"NOTIFY=FAILURE");
	desk_drop(&t);
	check_int(desk_reports(&d), 0, "no notice of delay");
	check(desk_take(&d, QUEUE_NEW, id, &t) && t.entry.delay_told, "and it is not asked again");
	desk_drop(&t);
	desk_end(&d);
}

/* ---- a report goes out before what it is about is marked */

/* As if killed behind the report: control and message are put back. */
static void leave_unmarked(struct desk *d, const char *id, size_t count)
{
	struct taken t;
	struct err e = { 0 };

	if (rig_is_there(&d->rig, "failed", id) && desk_take(d, QUEUE_FAILED, id, &t)) {
		check_int(held_move(t.held, QUEUE_NEW, &e), 0, "put back");
		desk_drop(&t);
	}
	check(desk_take(d, QUEUE_NEW, id, &t), "taken");
	for (size_t i = 0; i < count; i++)
		t.entry.recipients[i].state = RECIPIENT_FAILED;
	t.entry.delay_told = false;
	check_int(held_update(t.held, &t.entry, true, &e), 0, "as it was before the mark");
	desk_drop(&t);
}

static void test_finish(void)
{
	struct desk d;
	struct entry n = desk_entry(2), report = { .created = 0 };
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 0, 550, "", "550 no");
	desk_refuse(&t.entry, 1, 550, "", "550 no");
	giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e);
	desk_drop(&t);
	check(desk_report(&d, &report, NULL), "a report");
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), 0, "all is done already");
	leave_unmarked(&d, id, 2);
	check(desk_take(&d, QUEUE_NEW, id, &t), "somebody is at it");
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), -1, "not now");
	check_int(e.kind, ERR_TIMEOUT, "%s", e.text);
	desk_drop(&t);
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), 0, "A10 now");
	check(rig_is_there(&d.rig, "failed", id) && !rig_is_there(&d.rig, "new", id),
		"it is in failed/");
	check(desk_take(&d, QUEUE_FAILED, id, &t) &&
		entry_in_state(&t.entry, RECIPIENT_REPORTED) == 2, "and reported");
	check(has_event(&t.entry, "reported", report.id), "by that report");
	desk_drop(&t);

	leave_unmarked(&d, id, 1);   /* one of them: that is another report's */
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), 0, "another set");
	check(desk_take(&d, QUEUE_NEW, id, &t) &&
		entry_in_state(&t.entry, RECIPIENT_FAILED) == 1, "is left to its own report");
	desk_drop(&t);
	entry_release(&report);
	desk_end(&d);
}

/* What failed before an interruption has its report; what failed later gets one. */
static void test_later_failure(void)
{
	struct desk d;
	struct entry n = desk_entry(2);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	desk_refuse(&t.entry, 0, 550, "", "550 no");
	giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e);
	desk_drop(&t);
	check_int(desk_reports(&d), 1, "a report about the first");
	leave_unmarked(&d, id, 1);
	check(desk_take(&d, QUEUE_NEW, id, &t), "again");
	desk_refuse(&t.entry, 1, 550, "", "550 nor that");
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0, "both");
	check_int(held_state(t.held), QUEUE_FAILED, "given up");
	desk_drop(&t);
	check_int(desk_reports(&d), 2, "G2 one report for each, none twice");
	desk_end(&d);
}

static void test_finish_delay(void)
{
	struct desk d;
	struct entry n = desk_entry(2), report = { .created = 0 };
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	giveup_delayed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e);
	desk_drop(&t);
	check(desk_report(&d, &report, NULL), "a notice");
	leave_unmarked(&d, id, 0);
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), 0, "finished");
	check(desk_take(&d, QUEUE_NEW, id, &t) && t.entry.delay_told, "G3 it is known as told");
	check_int(entry_waiting(&t.entry), 2, "and goes on waiting");
	desk_drop(&t);
	entry_release(&report);
	report = desk_entry(1);
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), 0, "about nothing");
	report.subject_of = mem_string("abcdefghijkl");
	check_int(giveup_finish(d.rig.spool, &d.config, &report, &e), 0, "about what is gone");
	entry_release(&report);
	desk_end(&d);
}

/* ---- what is left of a run that was interrupted */

static void test_clear_away(void)
{
	struct desk d;
	struct entry n = desk_entry(1);
	char id[ENTRY_ID_LEN + 1];
	struct taken t;
	struct err e = { 0 };

	desk_start(&d);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	t.entry.recipients[0].state = RECIPIENT_REPORTED;
	check_int(giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"reported, and not moved");
	check_int(held_state(t.held), QUEUE_FAILED, "it is moved");
	desk_drop(&t);
	n = desk_entry(1);
	desk_enter(&d, &n, id);
	check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
	t.entry.recipients[0].state = RECIPIENT_DELIVERED;
	check_int(giveup_expired(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e), 0,
		"delivered, and not removed");
	desk_drop(&t);
	check(!rig_is_there(&d.rig, "new", id) && !rig_is_there(&d.rig, "failed", id), "is removed");
	check_int(desk_reports(&d), 0, "and nobody is told");
	desk_end(&d);
}

/* ---- while the caller waits */

static void test_tell(void)
{
	static const char input[] = "From: anna@example.org\nTo: a@example.net\n\nHello\n";
	struct intake in = { .domain = "host.example" };
	struct smtp_result results[2] = {
		{ .verdict = VERDICT_DELIVERED },
		{ .verdict = VERDICT_REFUSED, .step = STEP_RCPT, .code = 550, .enhanced = "5.1.1" }
	};
	struct smtp_message tried = { .count = 2, .results = results };
	struct entry report = { .created = 0 };
	struct buf text = BUF_INIT(0);
	struct message m;
	struct desk d;
	char id[ENTRY_ID_LEN + 1];
	struct err e = { 0 };

	desk_start(&d);
	results[1].text = mem_string("550 5.1.1 no such user");
	message_init(&m, &in);
	envelope_set_sender(&m.envelope, "anna@example.org");
	envelope_add(&m.envelope, "a@example.net");
	envelope_add(&m.envelope, "b@example.net");
	check(message_feed(&m, input, sizeof(input) - 1, &e) == 0 && message_finish(&m, &in, &e) == 0,
		"a message");
	tried.recipients = m.envelope.recipients;
	check_int(giveup_tell(d.rig.spool, &d.config, &d.account, &m, &tried, id, &e), 0, "told");
	check(desk_report(&d, &report, &text) && !strcmp(report.id, id), "G2 a report");
	check(!report.subject_of && !*report.sender, "from the null sender");
	check_has(text.data, "  b@example.net\r\n    mx.example.org answered: 550 5.1.1 no such user\r\n",
		"of the one that was refused");
	check(!strstr(text.data, "a@example.net\r\n    "), "and of no other");
	check(!strstr(text.data, "id in the queue"), "it was never queued");
	check_has(text.data, "\r\n\r\nHello\r\n\r\n--", "with its body");
	results[1].verdict = VERDICT_DELIVERED;
	check_int(giveup_tell(d.rig.spool, &d.config, &d.account, &m, &tried, id, &e), 1,
		"nobody was refused");
	results[1].verdict = VERDICT_REFUSED;
	envelope_set_sender(&m.envelope, "");
	check_int(giveup_tell(d.rig.spool, &d.config, &d.account, &m, &tried, id, &e), 1,
		"G2 the null sender is not told");
	smtp_result_release(&results[1]);
	message_release(&m);
	entry_release(&report);
	buf_release(&text);
	desk_end(&d);
}

/* ---- a queue that takes nothing more */

/* A5: files end at so many octets. */
static void test_no_room(void)
{
	static const rlim_t sizes[] = { 0, 1, 100, 300, 500, 700, 900, 1500, 2500, 100000 };
	struct rlimit limit, whole;
	struct desk d;
	struct entry n = desk_entry(1);
	char id[ENTRY_ID_LEN + 1];
	unsigned failed = 0;

	desk_start(&d);
	desk_enter(&d, &n, id);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &whole);
	limit = whole;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct taken t;
		struct err e = { 0 };
		int result;

		check(desk_take(&d, QUEUE_NEW, id, &t), "taken");
		desk_refuse(&t.entry, 0, 550, "", "550 no");
		limit.rlim_cur = sizes[i];
		setrlimit(RLIMIT_FSIZE, &limit);
		result = giveup_failed(d.rig.spool, &d.config, &d.account, t.held, &t.entry, &e);
		setrlimit(RLIMIT_FSIZE, &whole);
		if (result < 0 && ++failed)
			check(e.kind == ERR_STORE && held_state(t.held) == QUEUE_NEW &&
				desk_reports(&d) <= 1, "A5 A10 files of %d octets: %s",
				(int)sizes[i], e.text);
		desk_drop(&t);
		if (result == 0)
			break;
	}
	check(failed >= 4, "there was no room %u times", failed);
	check(rig_is_there(&d.rig, "failed", id), "in the end it is given up");
	check_int(desk_reports(&d), 1, "G2 with one report");
	desk_end(&d);
}

int main(void)
{
	test_one();
	test_several();
	test_silent();
	test_quoting();
	test_very_many();
	test_expired();
	test_delayed();
	test_no_delay();
	test_finish();
	test_later_failure();
	test_finish_delay();
	test_clear_away();
	test_tell();
	test_no_room();
	return tap_done();
}
