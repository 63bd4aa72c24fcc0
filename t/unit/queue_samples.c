/* t/unit/queue_samples.c - spools as releases have written them are read by this
 * one, every field of them (A9).
 *
 * t/data/spool-N is what release N of the format wrote; it never changes.
 */
#include "t/unit/queue_rig.h"

/* --- a copy, since a spool must be nobody else's -------------------------- */

static void copy_file(const char *from, const char *to)
{
	char piece[8192];
	size_t len;
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");

	while (in && out && (len = fread(piece, 1, sizeof(piece), in)) > 0)
		fwrite(piece, 1, len, out);
	check(in && out && !ferror(in) && !fclose(out), "%s copied", from);
	if (in)
		fclose(in);
}

static void copy_place(const struct rig *r, const char *sample, const char *place)
{
	char *from = mem_printf("%s/%s", sample, place);
	DIR *d = opendir(from);
	const struct dirent *entry;

	check(d != NULL, "%s is there", from);
	while (d && (entry = readdir(d))) {
		char *in = mem_printf("%s/%s", from, entry->d_name);
		char *out = mem_printf("%s/%s/%s", r->path, place, entry->d_name);

		if (entry->d_name[0] != '.')
			copy_file(in, out);
		free(in);
		free(out);
	}
	if (d)
		closedir(d);
	free(from);
}

static void start(struct rig *r, const char *sample)
{
	rig_start(r);
	copy_place(r, sample, "new");
	copy_place(r, sample, "control");
}

/* --- what all of them have in common -------------------------------------- */

static struct entry load(struct rig *r, enum queue_state state, const char *id, const char *content)
{
	struct held *h = NULL;
	struct entry n = { 0 }, seen = { 0 };
	struct err e = { 0 };
	char back[1000] = "";

	check_int(spool_hold(r->spool, state, id, &h, &e), 1, "A9 %s is held", id);
	check_int(held_load(h, true, &n, &e), 0, "A9 and whole: %s", e.text);
	check_text(n.id, id, "A9 its id");
	check_int(held_read(h, 0, back, sizeof(back) - 1, &e), n.content_size, "A9 its content");
	check_text(back, content, "A9 to the octet");
	check_int(n.longest_line, 60, "A9 longest line");
	check_int(spool_peek(r->spool, state, id, &seen, &e), 0, "A9 and it is listed: %s", e.text);
	check_int(seen.event_count, n.event_count, "A9 as the same");
	entry_release(&seen);
	held_free(&h);
	return n;
}

static void check_recipient(const struct entry *n, size_t i, const char *address,
	const char *original, enum recipient_state state)
{
	check_text(n->recipients[i].address, address, "A9 recipient %zu", i + 1);
	check_text(n->recipients[i].original, original, "A9 what it was");
	check_int(n->recipients[i].state, state, "A9 its state");
}

static void check_answer(const struct entry *n, size_t i, int code, const char *enhanced,
	const char *text, int64_t when)
{
	const struct entry_recipient *r = &n->recipients[i];

	check_int(r->code, code, "A9 the code for recipient %zu", i + 1);
	check_text(r->enhanced, enhanced, "A9 the enhanced code");
	check_text(r->text, text, "A9 the words");
	check_int(r->when, when, "A9 when");
}

static void check_event(const struct entry *n, size_t i, int64_t when, const char *what,
	const char *text)
{
	check_int(n->events[i].when, when, "A9 event %zu", i + 1);
	check_text(n->events[i].what, what, "A9 what it was");
	check_text(n->events[i].text, text, "A9 and its words");
}

static void check_who(const struct entry *n, unsigned uid, const char *login, const char *origin,
	const char *sender, const char *from, const char *message_id)
{
	check(n->uid == uid, "A9 uid %u", uid);
	check_text(n->login, login, "A9 login");
	check_text(n->origin, origin, "A9 origin");
	check_text(n->sender, sender, "A9 sender");
	check_text(n->from, from, "A9 From");
	check_text(n->message_id, message_id, "A9 Message-ID");
}

static void check_tries(const struct entry *n, unsigned tries, int64_t last, int64_t next,
	int64_t next_set, const char *account)
{
	check_int(n->tries, tries, "A9 tries");
	check_int(n->last, last, "A9 last");
	check_int(n->next, next, "A9 next");
	check_int(n->next_set, next_set, "A9 set when");
	check_text(n->last_account, account, "A9 by which account");
}

/* --- the first ------------------------------------------------------------ */

static void test_untried(struct rig *r)
{
	struct entry n = load(r, QUEUE_NEW, "abcdefghij22",
		"From: Anna <anna@example.org>\r\n"
		"To: bob@example.com\r\n"
		"Subject: hello\r\n"
		"Date: Mon, 24 Nov 2025 17:00:00 +0100\r\n"
		"Message-ID: <20251124160000.1@host.example.org>\r\n"
		"\r\n"
		"Good morning.\r\n"
		".\r\n"
		"..dots\r\n");

	check_who(&n, 1000, "anna", "anna@host.example.org", "anna@example.org",
		"anna@example.org", "<20251124160000.1@host.example.org>");
	check_int(n.created, 1764000000, "A9 created");
	check_int(n.content_size, 184, "A9 size");
	check_int(n.header_size, 156, "A9 size of the header");
	check_int(n.count, 1, "A9 one recipient");
	check_recipient(&n, 0, "bob@example.com", NULL, RECIPIENT_WAITING);
	check_answer(&n, 0, 0, "", NULL, 0);
	check_tries(&n, 0, 0, 0, 0, NULL);
	check_int(n.event_count, 1, "A9 one event");
	check_event(&n, 0, 1764000000, "accepted", NULL);
	check(!n.account && !n.config && !n.subject_of && !n.tag && !*n.token && !n.dsn.envid,
		"A9 nothing else");
	check(!n.eight_bit_header && !n.eight_bit_body && !n.errors && !n.dsn.ret &&
		!n.dsn.notify && !n.not_before, "A9 at all");
	entry_release(&n);
}

static void test_tried(struct rig *r)
{
	static const char greylisted[] = "451 4.7.1 Greylisted, see https://example.net/?a=1";
	struct entry n = load(r, QUEUE_NEW, "abcdefghij23",
		"From: anna@example.org\r\n"
		"To: team, bob@example.com\r\n"
		"Subject: twice\r\n"
		"\r\n"
		"again\r\n");

	check_who(&n, 1000, "anna", "anna@host.example.org", "anna@example.org",
		"anna@example.org", "<20251124160140.2@host.example.org>");
	check_text(n.account, "work", "A9 account");
	check_tries(&n, 2, 1764000450, 1764001050, 1764000450, "home");
	check_text(n.cause, "later", "A9 cause");
	check_text(n.reason, greylisted, "A9 reason");
	check(n.delay_told && !n.failure_told, "A9 the delay was told");
	check_int(n.count, 4, "A9 four recipients");
	check_recipient(&n, 0, "bob@example.com", NULL, RECIPIENT_DELIVERED);
	check_answer(&n, 0, 250, "2.0.0", "250 2.0.0 Ok: queued as 4F00B", 1764000450);
	check_recipient(&n, 1, "carol@example.net", "team", RECIPIENT_WAITING);
	check_answer(&n, 1, 451, "4.7.1", greylisted, 1764000100);
	check_recipient(&n, 2, "dave@example.net", "team", RECIPIENT_WAITING);
	check_answer(&n, 2, 0, "", "the connection was lost behind the content", 1764000450);
	check(n.recipients[2].unsure && !n.recipients[1].unsure, "A9 of one nobody is sure");
	check_recipient(&n, 3, "erik@example.com", NULL, RECIPIENT_FAILED);
	check_answer(&n, 3, 550, "5.1.1", "550 5.1.1 No such user", 1764000450);
	check_int(n.event_count, 3, "A9 three events");
	check_event(&n, 1, 1764000100, "tried",
		"account work, mail.example.org:587: 451 4.7.1 Greylisted");
	check_event(&n, 2, 1764000450, "sent", "bob@example.com: 250 2.0.0 Ok: queued as 4F00B");
	entry_release(&n);
}

static void test_everything(struct rig *r)
{
	struct entry n = load(r, QUEUE_HOLD, "abcdefghij32",
		"From: J\xc3\xbcrgen <j\xc3\xbcrgen@b\xc3\xbc" "cher.example>\r\n"
		"Subject: Gr\xc3\xbc\xc3\x9f" "e\r\n"
		"\r\n"
		"\xc3\xa4\xc3\xb6\xc3\xbc\r\n");

	check_who(&n, 4294967294U, "J\xc3\xbcrgen 100%", "J\xc3\xbcrgen 100%@host.example.org", NULL,
		"j\xc3\xbcrgen@b\xc3\xbc" "cher.example", "<3@host.example.org>");
	check_text(n.config, "/home/j/my config", "A9 configuration");
	check_text(n.tag, "backup", "A9 tag");
	check_text(n.token, "0123456789abcdef0123456789abcdef", "A9 token");
	check_int(n.errors, ERRORS_PRINT, "A9 errors");
	check_int(n.not_before, 1764086600, "A9 not before");
	check_int(n.dsn.ret, DSN_RET_HDRS, "A9 RET");
	check_int(n.dsn.notify, DSN_SUCCESS | DSN_FAILURE | DSN_DELAY, "A9 NOTIFY");
	check_text(n.dsn.envid, "QQ=314159", "A9 ENVID");
	check(n.eight_bit_header && n.eight_bit_body, "A9 8-bit");
	check_int(n.count, 2, "A9 two recipients");
	check_recipient(&n, 0, "\"a b\"@example.com", NULL, RECIPIENT_WAITING);
	check_recipient(&n, 1, "p\xc3\xa4ivi@example.com", NULL, RECIPIENT_WAITING);
	check_event(&n, 1, 1764000200, "held", "until a person releases it");
	entry_release(&n);
}

static void test_failed(struct rig *r)
{
	struct entry n = load(r, QUEUE_FAILED, "abcdefghij42", "Subject: lost\r\n\r\n\r\n");

	check_who(&n, 1001, "carl", "carl@host.example.org", "carl@example.org", "", "");
	check_int(n.errors, ERRORS_QUIET, "A9 errors");
	check_int(n.dsn.ret, DSN_RET_FULL, "A9 RET");
	check_int(n.dsn.notify, DSN_NEVER, "A9 NOTIFY");
	check_tries(&n, 60, 1763432000, 0, 0, "work");
	check_text(n.cause, "expired", "A9 cause");
	check(n.failure_told && !n.delay_told, "A9 the failure was told");
	check_recipient(&n, 0, "nobody@example.com", NULL, RECIPIENT_REPORTED);
	check_answer(&n, 0, 451, "4.3.0", "451 4.3.0 Try again", 1763432000);
	check_int(n.event_count, ENTRY_HISTORY_MAX, "A9 a history that is full");
	check_event(&n, 4, 1763028800, "tried", "the name mail.example.org has no address");
	check_event(&n, 29, 1763432001, "reported", "abcdefghij24");
	entry_release(&n);
}

static void test_report(struct rig *r)
{
	struct entry n = load(r, QUEUE_NEW, "abcdefghij24",
		"From: mailer-daemon@host.example.org\r\n"
		"To: carl@example.org\r\n"
		"Subject: Undelivered: lost\r\n"
		"\r\n"
		"It is.\r\n");

	check_who(&n, 998, "sendoff", "sendoff@host.example.org", "",
		"mailer-daemon@host.example.org", "<abcdefghij24@host.example.org>");
	check_text(n.subject_of, "abcdefghij42", "A9 what it is about");
	check_recipient(&n, 0, "carl@example.org", NULL, RECIPIENT_WAITING);
	entry_release(&n);
}

/* ---- the second: a control file with marks behind it, as a crash has left it */

static void test_marked(struct rig *r)
{
	struct entry n = load(r, QUEUE_NEW, "abcdefghij23",
		"From: anna@example.org\r\n"
		"To: team, bob@example.com\r\n"
		"Subject: twice\r\n"
		"\r\n"
		"again\r\n");

	check_recipient(&n, 0, "bob@example.com", NULL, RECIPIENT_DELIVERED);
	check_recipient(&n, 1, "carol@example.net", "team", RECIPIENT_DELIVERED);
	check_recipient(&n, 2, "dave@example.net", "team", RECIPIENT_WAITING);
	check_recipient(&n, 3, "erik@example.com", NULL, RECIPIENT_FAILED);
	check_answer(&n, 3, 550, "5.1.1", "550 5.1.1 No such user", 1764000450);
	check_int(n.event_count, 1, "A9 one event");
	entry_release(&n);
}

int main(void)
{
	struct rig r;

	start(&r, "t/data/spool-1");
	copy_place(&r, "t/data/spool-1", "hold");
	copy_place(&r, "t/data/spool-1", "failed");
	check_int(rig_count(&r, "new") + rig_count(&r, "hold") + rig_count(&r, "failed"), 5,
		"A9 five entries of format 1");
	test_untried(&r);
	test_tried(&r);
	test_everything(&r);
	test_failed(&r);
	test_report(&r);
	check_int(rig_count(&r, "damaged"), 0, "A9 and nothing was set aside");
	rig_end(&r);
	start(&r, "t/data/spool-2");
	test_marked(&r);
	check_int(rig_count(&r, "damaged"), 0, "A9 nothing here either");
	rig_end(&r);
	return tap_done();
}
