/* t/unit/mail_fixup.c - mail/fixup: the few changes to a header, and no others. */
#include "mail/fixup.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/address.h"
#include "mail/header.h"
#include "t/unit/tap.h"

static const struct fixup usual = {
	.date = "Sat, 21 Nov 2026 10:00:00 +0100",
	.message_id = "<id@box>",
	.from = "robot",
	.domain = "example.test",
};

#define DATE "Date: Sat, 21 Nov 2026 10:00:00 +0100\r\n"
#define ID "Message-ID: <id@box>\r\n"
#define ROBOT "From: robot@example.test\r\n"
#define HAVE "Date: d\r\nMessage-Id: <k@x>\r\n"

static char *intake(const char *block, const struct fixup *fix)
{
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };

	if (fixup_intake(block, strlen(block), fix, &out, &e) < 0) {
		buf_clear(&out);
		buf_printf(&out, "error %d: %s", e.kind, e.text);
	}
	return buf_take(&out);
}

static void check_intake(const char *what, const char *block, const struct fixup *fix,
	const char *want)
{
	char *got = intake(block, fix), *again = intake(got, fix);

	check_text(got, want, "intake: %s", what);
	check_text(again, want, "intake done twice: %s", what);
	free(got);
	free(again);
}

static void test_added(void)
{
	struct fixup fix = usual;

	check_intake("nothing there", "", &usual, DATE ROBOT ID);
	check_intake("at the top", "Subject: s\r\n", &usual, DATE ROBOT ID "Subject: s\r\n");
	check_intake("all there", HAVE "from : a@x\r\nX: y\r\n", &usual,
		HAVE "from : a@x\r\nX: y\r\n");
	check_intake("blank From", HAVE "From: \r\nTo: b@x\r\n", &usual, ROBOT HAVE "To: b@x\r\n");
	check_intake("folded blank From", HAVE "From:\r\n \r\nTo: b@x\r\n", &usual,
		ROBOT HAVE "To: b@x\r\n");
	check_intake("Resent fields are not invented", HAVE "Resent-To: r@x\r\nFrom: a@x\r\n",
		&usual,
		HAVE "Resent-To: r@x\r\nFrom: a@x\r\n");

	fix.full_name = "J\xc3\xbcrgen";
	fix.from = "jd@example.org";
	check_intake("-F in UTF-8", HAVE, &fix,
		"From: =?UTF-8?B?SsO8cmdlbg==?= <jd@example.org>\r\n" HAVE);
	fix.full_name = "Last, First";
	check_intake("-F with a comma", HAVE, &fix, "From: \"Last, First\" <jd@example.org>\r\n"
		HAVE);
	fix.full_name = "x\r\nBcc: evil@x\r\n\r\nbody";
	check_intake("E7: -F with line ends", HAVE, &fix,
		"From: \"x  Bcc: evil@x    body\" <jd@example.org>\r\n" HAVE);
	fix.full_name = " ";
	check_intake("blank -F", HAVE, &fix, "From: jd@example.org\r\n" HAVE);
	fix = (struct fixup){ .from = "DOM\\user", .domain = "d.example" };
	check_intake("a login name with a backslash", HAVE, &fix,
		"From: \"DOM\\\\user\"@d.example\r\n" HAVE);
	fix = (struct fixup){ .from = "root" };
	check_intake("no domain", HAVE "To: root\r\n", &fix, "From: root\r\n" HAVE "To: root\r\n");
	fix = (struct fixup){ .date = "x\r\nBcc: y" };
	check_intake("E7: a date with line ends; nothing else to add", "From: \r\n", &fix,
		"Date: x  Bcc: y\r\nFrom: \r\n");
}

static void test_removed(void)
{
	check_intake("Bcc, any form", "Bcc: a@x\r\nBCC : b@x,\r\n\tc@x\r\nbcc:\r\n" HAVE
		"From: a@x\r\nResent-Bcc: d@x\r\nX-Bcc: e\r\nReturn-Path: <f@x>\r\nBcc: \"broken\r\n",
		&usual, HAVE "From: a@x\r\nX-Bcc: e\r\n");
	check_intake("fields that stay", HAVE "From: a@x, b@x\r\nSender: s@x\r\nErrors-To: e@x\r\n"
		"Received: r\r\nReturn-Receipt-To: rr@x\r\n", &usual, HAVE "From: a@x, b@x\r\n"
		"Sender: s@x\r\nErrors-To: e@x\r\nReceived: r\r\nReturn-Receipt-To: rr@x\r\n");
}

static void test_qualified(void)
{
	check_intake("bare names", HAVE "From: root (Cron Daemon)\r\nTO: root, ops@x,\r\n\tbob\r\n"
		"Cc: <root>\r\nReply-To: a\r\nSender: b\r\n", &usual,
		HAVE "From: root@example.test (Cron Daemon)\r\nTO: root@example.test, ops@x,\r\n"
		"\tbob@example.test\r\nCc: <root@example.test>\r\nReply-To: a@example.test\r\n"
		"Sender: b@example.test\r\n");
	check_intake("names kept",
		HAVE "From: \"(Cron Daemon)\" <root>\r\nTo: Team: a, \"B, C\" <b> ;\r\n",
		&usual, HAVE "From: \"(Cron Daemon)\" <root@example.test>\r\n"
		"To: Team: a@example.test, \"B, C\" <b@example.test> ;\r\n");
	check_intake("resent", HAVE "Resent-From: me\r\nResent-To: you\r\nResent-Cc: c\r\n"
		"Resent-Sender: s\r\nResent-Reply-To: r\r\nFrom: a@x\r\n", &usual,
		HAVE "Resent-From: me@example.test\r\nResent-To: you@example.test\r\n"
		"Resent-Cc: c@example.test\r\nResent-Sender: s@example.test\r\n"
		"Resent-Reply-To: r@example.test\r\nFrom: a@x\r\n");
	check_intake("what cannot be read stays", HAVE "From: a@x\r\nTo: root, \"b\r\nCc: x y\r\n"
		"X-To: root\r\n", &usual,
		HAVE "From: a@x\r\nTo: root, \"b\r\nCc: x y\r\nX-To: root\r\n");
	check_intake("dotless hosts stay", HAVE "From: <e2scrub@vm>\r\nTo: root@localhost\r\n",
		&usual,
		HAVE "From: <e2scrub@vm>\r\nTo: root@localhost\r\n");
}

static void test_refused(void)
{
	struct fixup fix = usual;
	struct buf small = BUF_INIT(20);
	struct err e = { 0 };
	char *got;

	fix.from = "a\r\nBcc: b";
	got = intake(HAVE, &fix);
	check(!strncmp(got, "error", 5), "E7: a sender with a line end: %s", got);
	free(got);
	fix = usual;
	fix.domain = "x\r\nBcc: y";
	got = intake(HAVE "From: a@x\r\nTo: root\r\n", &fix);
	check(!strncmp(got, "error", 5), "E7: a domain with a line end: %s", got);
	free(got);
	got = intake(HAVE "From: a@x\r\nTo: b@x\r\n", &fix);
	check_text(got, HAVE "From: a@x\r\nTo: b@x\r\n", "it does no harm where nothing is bare");
	free(got);
	check_int(fixup_intake("Subject: a longer one\r\n", 23, &usual, &small, &e), -1,
		"too small");
	check_int(e.kind, ERR_MESSAGE, "is told");
	buf_release(&small);
}

static bool allow(const void *context, const char *address)
{
	return address_matches(address, context);
}

static const char ours[] = "*@example.org";
static const struct fixup_sender account = {
	.from = "alerts@example.org", .allowed = allow, .context = ours,
};

static void check_sender(const char *what, const char *block, const struct fixup_sender *set,
	const char *want)
{
	struct buf out = BUF_INIT(0), again = BUF_INIT(0);
	struct err e = { 0 };
	bool changed, more;

	check_int(fixup_sender(block, strlen(block), set, &out, &changed, &e), 0, "sender: %s",
		what);
	check_text(buf_text(&out), want, "sender: %s", what);
	check_int(changed, strcmp(block, want) != 0, "sender, changed: %s", what);
	fixup_sender(buf_text(&out), out.len, set, &again, &more, &e);
	check(!more && !strcmp(buf_text(&again), want), "sender, done twice: %s", what);
	buf_release(&out);
	buf_release(&again);
}

#define ALERTS " <alerts@example.org>\r\n"

static void test_names(void)
{
	static const struct { const char *from, *name; } rows[] = {
		{ "root@box (Cron Daemon)", "\"root@box (Cron Daemon)\"" },
		{ "Cron Daemon <root@box>", "\"Cron Daemon (root@box)\"" },
		{ "\"(Cron Daemon)\" <root@box>", "\"(Cron Daemon) (root@box)\"" },
		{ "root@box.local", "\"root@box.local\"" },
		{ "root", "root" },
		{ "<root@box> (Cron)", "\"root@box (Cron)\"" },
		{ "\"\" <root@box>", "\"root@box\"" },
		{ "=?UTF-8?Q?J=C3=BCrgen?= <j@box>", "=?UTF-8?Q?J=C3=BCrgen?= \"(j@box)\"" },
		{ "J\xc3\xbcrgen <j@box>", "=?UTF-8?B?SsO8cmdlbiAoakBib3gp?=" },
		{ "\"a\\\"b\" <c@box>", "\"a\\\"b (c@box)\"" },
		{ "a@example.org, b@box", "\"a@example.org\"" },
		{ "\"broken <x@box>", "\"broken <x@box>\"" },
		{ "nobody:;", "\"nobody:;\"" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *block = mem_printf("X: y\r\nFrom: %s\r\nTo: b@x\r\n", rows[i].from);
		char *want = mem_printf("X: y\r\nFrom: %s%sX-Original-From: %s\r\nTo: b@x\r\n",
			rows[i].name, ALERTS, rows[i].from);

		check_sender(rows[i].from, block, &account, want);
		free(block);
		free(want);
	}
}

static void test_sender(void)
{
	struct fixup_sender set = account;

	check_sender("allowed", "From:  \"x\"\r\n <a@Example.org> (c)\r\nSender: s@box\r\n"
		"X-Original-From: z\r\n", &account, "From:  \"x\"\r\n <a@Example.org> (c)\r\n"
		"Sender: s@box\r\nX-Original-From: z\r\n");
	check_sender("no From", "To: a@x\r\n", &account, "To: a@x\r\n");
	check_sender("Sender and old X-Original-From", "X-Original-From: z\r\nSender: s@box\r\n"
		"From: r@box\r\nSender: t@example.org\r\nx-original-from:\r\n y\r\n", &account,
		"From: \"r@box\"" ALERTS "X-Original-From: r@box\r\nSender: t@example.org\r\n");
	check_sender("folded", "From: \"Cron\r\n\tDaemon\"\r\n <r@box>\r\n", &account,
		"From: \"Cron Daemon (r@box)\""
		ALERTS "X-Original-From: \"Cron\tDaemon\" <r@box>\r\n");
	check_sender("two From fields", "From: a@example.org\r\nX: y\r\nFrom: b@box\r\n", &account,
		"From: \"a@example.org\""
		ALERTS "X-Original-From: a@example.org, b@box\r\nX: y\r\n");
	set.from_name = "Alerts";
	check_sender("a name where there was none", "From: r@box\r\n", &set,
		"From: Alerts" ALERTS "X-Original-From: r@box\r\n");
	check_sender("a name where there was an empty one", "From: \"\" <r@box>\r\n", &set,
		"From: Alerts" ALERTS "X-Original-From: \"\" <r@box>\r\n");
	check_sender("a name where there was one", "From: C <r@box>\r\n", &set,
		"From: \"C (r@box)\"" ALERTS "X-Original-From: C <r@box>\r\n");
	set = account;
	set.always = true;
	check_sender("always", "From: a@example.org\r\n", &set,
		"From: \"a@example.org\"" ALERTS "X-Original-From: a@example.org\r\n");
	check_sender("always, but ours already", "From: A <alerts@example.org>\r\n", &set,
		"From: A <alerts@example.org>\r\n");
	set.from = NULL;
	check_sender("an account without address", "From: r@box\r\n", &set, "From: r@box\r\n");
}

static void test_sender_resent(void)
{
	check_sender("resent: the original stays",
		"Resent-From: me <r@box>\r\nResent-Sender: s@box\r\n"
		"Resent-To: t@x\r\nFrom: a@far\r\nSender: b@far\r\n", &account,
		"Resent-From: \"me (r@box)\"" ALERTS "X-Original-From: me <r@box>\r\n"
		"Resent-To: t@x\r\nFrom: a@far\r\nSender: b@far\r\n");
	check_sender("resent: only the newest block",
		"Resent-From: a@example.org\r\nResent-Date: d\r\n"
		"Resent-From: r@box\r\nResent-Sender: s@box\r\nFrom: a@far\r\n", &account,
		"Resent-From: a@example.org\r\nResent-Date: d\r\nResent-From: r@box\r\n"
		"Resent-Sender: s@box\r\nFrom: a@far\r\n");
	check_sender("resent: older Resent-Sender stays", "Resent-From: r@box\r\nResent-Date: d\r\n"
		"Resent-From: q@box\r\nResent-Sender: s@box\r\nFrom: a@far\r\n", &account,
		"Resent-From: \"r@box\"" ALERTS "X-Original-From: r@box\r\nResent-Date: d\r\n"
		"Resent-From: q@box\r\nResent-Sender: s@box\r\nFrom: a@far\r\n");
	check_sender("Resent-To alone: From is judged", "Resent-To: t@x\r\nFrom: r@box\r\n",
		&account,
		"Resent-To: t@x\r\nFrom: \"r@box\"" ALERTS "X-Original-From: r@box\r\n");
}

static void check_found(const char *block, const char *want)
{
	struct buf out = BUF_INIT(0);

	fixup_find_from(block, strlen(block), "d", &out);
	check_text(buf_text(&out), want, "finds %s", want);
	buf_release(&out);
}

static void test_find(void)
{
	check_found("To: a@x\r\nFrom: B <b@X>, c@x\r\n", "b@x");
	check_found("From: root (Cron)\r\n", "root@d");
	check_found("Resent-From: r@x\r\nResent-Date: d\r\nResent-From: q@x\r\nFrom: b@x\r\n",
		"r@x");
	check_found("Resent-To: r@x\r\nFrom: b@x\r\n", "b@x");
	check_found("From: \r\n", "");
	check_found("From: \"b\r\n", "");
	check_found("To: a@x\r\n", "");
	check_int(fixup_count_received("Received: a\r\n b\r\nX-Received: c\r\nreceived : d\r\n",
		46), 2,
		"counts Received");
}

static unsigned draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % below;
}

static bool is_touched(const struct field *f)
{
	return field_is(f, "From") || field_is(f, "Sender") || field_is(f, "Resent-From") ||
		field_is(f, "X-Original-From");
}

/* Any set of fields in, the same set out apart from the documented changes. */
static void test_property(void)
{
	static const char *const fields[] = {
		"Subject: s\r\n", "X-A:\r\n\tfold\r\n", "From: \r\n", "From: r@box\r\n",
		"From: \"b\r\n",
		"From: a@example.org\r\n", "To: a@x,\r\n b@y\r\n", "To:\r\n", "Cc: \"b\r\n",
		"Bcc: z@z\r\n",
		"bcc:\r\n z@z\r\n", "Resent-To: t@x\r\n", "Resent-From: q@box\r\n",
		"Resent-Bcc: z@z\r\n",
		"Sender: s@box\r\n", "Sender: s@example.org\r\n", "Received: z\r\n", "DATE : d\r\n",
		"Return-Path: <>\r\n", "X-Bcc: y\r\n", "Message-ID: <x@y>\r\n", "X: \xff\xc3\r\n",
	};
	unsigned seed = 7, wrong = 0;

	for (int round = 0; round < 20000; round++) {
		struct buf in = BUF_INIT(0), kept = BUF_INIT(0), out = BUF_INIT(0),
			sent = BUF_INIT(0);
		struct buf left = BUF_INIT(0);
		size_t at = 0;
		struct field f;
		struct err e;
		bool changed;

		for (unsigned n = draw(&seed, 9); n; n--)
			buf_add_text(&in, fields[draw(&seed, COUNT(fields))]);
		while (header_next(buf_text(&in), in.len, &at, &f))
			if (!field_is(&f, "Bcc") && !field_is(&f, "Resent-Bcc") &&
				!field_is(&f, "Return-Path") &&
				!(field_is(&f, "From") && field_is_blank(&f)))
				buf_add(&kept, f.start, f.len);
		wrong += fixup_intake(buf_text(&in), in.len, &usual, &out, &e) < 0;
		/* what was added stands in front of what was kept */
		wrong += out.len < kept.len ||
			memcmp(buf_text(&out) + out.len - kept.len, buf_text(&kept), kept.len) != 0;
		wrong += strstr(buf_text(&out), "z@z") != NULL;
		fixup_sender(buf_text(&out), out.len, &account, &sent, &changed, &e);
		/* without the fields it may touch, both are equal */
		buf_clear(&kept);
		for (at = 0; header_next(buf_text(&out), out.len, &at, &f);)
			if (!is_touched(&f))
				buf_add(&kept, f.start, f.len);
		for (at = 0; header_next(buf_text(&sent), sent.len, &at, &f);)
			if (!is_touched(&f))
				buf_add(&left, f.start, f.len);
		wrong += strcmp(buf_text(&kept), buf_text(&left)) != 0;
		wrong += !changed && strcmp(buf_text(&out), buf_text(&sent));
		buf_release(&in);
		buf_release(&kept);
		buf_release(&out);
		buf_release(&sent);
		buf_release(&left);
	}
	check_int(wrong, 0, "any header set in, the same out apart from what is documented");
}

int main(void)
{
	test_added();
	test_removed();
	test_qualified();
	test_refused();
	test_names();
	test_sender();
	test_sender_resent();
	test_find();
	test_property();
	return tap_done();
}
