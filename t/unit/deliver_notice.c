/* t/unit/deliver_notice.c - deliver/notice: who is told, and how it is stored. */
#include "t/unit/giveup_rig.h"

#include "base/host.h"

static void put_aliases(const struct desk *d, const char *text)
{
	int fd = open(d->config.global.aliases, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "aliases written");
	close(fd);
}

static void check_told(const struct desk *d, const char *sender, const char *origin,
	const char *login, const char *want, const char *what)
{
	struct letter l = { .sender = sender, .login = origin };
	struct notice n = { .letter = &l, .login = login, .account = &d->account };
	struct envelope to = { .sender = NULL };
	struct buf got = BUF_INIT(0);

	notice_addressees(&d->config, &n, true, &to);
	for (size_t i = 0; i < to.count; i++)
		buf_printf(&got, "%s%s", i ? " " : "", to.recipients[i]);
	check_text(buf_text(&got), want, "%s", what);
	envelope_release(&to);
	buf_release(&got);
}

static void test_senders(struct desk *d)
{
	char *own = mem_printf("root@%s", host_name());
	char *label = mem_printf("root@%.*s", (int)strcspn(host_name(), "."), host_name());

	put_aliases(d, "root: admin@example.org, second@example.org\nlist: :include:/none\n"
		"pipe: |/bin/sh\n");
	check_told(d, "a@far.example", "u@d", "u", "a@far.example", "a foreign sender");
	check_told(d, "root@localhost", "u@d", "u", "admin@example.org second@example.org",
		"a local one, by alias");
	check_told(d, "root", "u@d", "u", "admin@example.org second@example.org", "a bare one");
	check_told(d, own, "u@d", "u", "admin@example.org second@example.org",
		"one of this machine's name");
	check_told(d, label, "u@d", "u", "admin@example.org second@example.org", "or short name");
	check_told(d, NULL, "root@d.example", "root", "admin@example.org second@example.org",
		"no sender: the login");
	check_told(d, "root@d.example", "root@d.example", "root",
		"admin@example.org second@example.org", "the login, said");
	check_told(d, NULL, "anna@d", "anna", "me@example.org", "no alias: the account's address");
	check_told(d, NULL, "uid-5@d", "uid-5", "me@example.org", "a uid without a name");
	check_told(d, "pipe@localhost", "u@d", "u", "me@example.org", "an alias that leads nowhere");
	check_told(d, NULL, NULL, NULL, "me@example.org", "nobody known");
	free(own);
	free(label);
}

static void test_admin(struct desk *d)
{
	static char admin[] = "boss@example.org", domain[] = "d.example", name[] = "box.example";
	static char *names[] = { name };

	d->config.global.admin = admin;
	check_told(d, NULL, "anna@d", "anna", "boss@example.org", "no alias: admin");
	check_told(d, "list@localhost", "u@d", "u", "boss@example.org", "nor one that can be used");
	check_told(d, "root", "u@d", "u", "admin@example.org second@example.org", "an alias first");
	d->config.global.admin = NULL;
	d->config.global.local_names = (struct key_list){ names, 1 };
	check_told(d, "root@box.example", "u@d", "u", "admin@example.org second@example.org",
		"local_names");
	d->account.who.from = NULL;
	check_told(d, NULL, "anna@d.example", "anna", "", "nobody at all");
	d->config.global.domain = domain;
	check_told(d, NULL, "anna@d.example", "anna", "anna@d.example",
		"a domain that somebody configured");
	check_told(d, "anna@localhost", "u@x", "u", "", "not any domain");
}

/* An address with letters beyond ASCII, and a header that is too long to quote. */
static void test_stored(struct desk *d)
{
	struct buf header = BUF_INIT(1 << 20);
	const struct report_recipient about = { .address = "a@b", .code = 550, .text = "550 no" };
	struct letter l = { .sender = "j\303\266rg@example.org", .login = "u@d" };
	struct notice n = { .letter = &l, .login = "u", .subject = "abcdefghijkl",
		.recipients = &about, .count = 1 };
	struct envelope to = { .sender = NULL };
	struct entry report = { .created = 0 };
	char id[ENTRY_ID_LEN + 1] = "aaaabbbbcccc";
	struct buf text = BUF_INIT(1 << 20);
	struct err e = { 0 };

	buf_add_text(&header, "Message-ID: <1@x>\r\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&header, "X-%d: value\r\n", i);
	l.header = header.data;
	l.header_len = header.len;
	notice_addressees(&d->config, &n, true, &to);
	check(notice_wanted(&d->config, &n, &to), "wanted");
	check_int(notice_store(d->rig.spool, &n, &to, id, &e), 0, "stored: %s", e.text);
	check_text(id, "aaaabbbbcccc", "under the wanted id");
	check_int(notice_store(d->rig.spool, &n, &to, id, &e), 1, "G2 and not twice");
	check(desk_report(d, &report, &text), "it is there");
	check(report.eight_bit_header && !report.eight_bit_body, "its header is not ASCII");
	check(!report.account && report.header_size < 2000 && text.len < 70000, "it is no longer "
		"than it has to be (%zu)", text.len);
	check(strstr(text.data, "\r\nX-1000: value\r\n") && strstr(text.data, ": value\r\n\r\n--"),
		"and quotes whole lines");
	entry_release(&report);
	envelope_release(&to);
	buf_release(&header);
	buf_release(&text);
}

static void test_ids(struct desk *d)
{
	char shown[ENTRY_ID_LEN + 3];

	check(notice_is_personal(d->rig.spool), "a queue of one's own");
	notice_show_id(d->rig.spool, "abcdefghijkl", shown);
	check_text(shown, "p-abcdefghijkl", "its ids");
}

int main(void)
{
	struct desk d;

	desk_start(&d);
	test_senders(&d);
	test_admin(&d);
	test_stored(&d);
	test_ids(&d);
	desk_end(&d);
	return tap_done();
}
