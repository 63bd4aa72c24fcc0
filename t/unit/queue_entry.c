/* t/unit/queue_entry.c - the two texts of an entry: exact, read back equal, and
 * refused when they are anything else. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "queue/entry.h"

#define ID     "abcdefghij27"
#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"

static const char plain_head[] =
	"uid 1000\n"
	"created 1764000000\n"
	"size 120\n"
	"header-size 100\n"
	"longest-line 40\n"
	"login anna\n"
	"origin anna@host.example\n"
	"sender <>\n"
	"errors mail\n"
	"to <bob@example.org>\n"
	"\n";

static const char full_head[] =
	"uid 4294967294\n"
	"created 1764000000\n"
	"size 18446744073709551615\n"
	"header-size 1\n"
	"longest-line 998\n"
	"eight-bit-header yes\n"
	"eight-bit-body yes\n"
	"login J%C3%BCrgen%20M%25%3D\n"
	"origin j@host.example\n"
	"sender <\"a%20b\"@example.org>\n"
	"from j@example.org\n"
	"message-id <1@host.example>\n"
	"account work\n"
	"config /home/j/my%20config\n"
	"report-about abcdefghij27\n"
	"tag v1\n"
	"token 0123456789abcdef0123456789abcdef\n"
	"errors quiet\n"
	"not-before 1764003600\n"
	"dsn-ret hdrs\n"
	"dsn-notify success,delay\n"
	"dsn-envid QQ%3D1\n"
	"to <bob@example.org>\n"
	"to <dora@example.org> was=team\n"
	"tries 1\n"
	"next 1764000300\n"
	"next-set 1764000001\n"
	"last 1764000001\n"
	"tried-by work\n"
	"cause try-later\n"
	"reason the%20server%20is%20busy\n"
	"recipient 2 waiting 1764000001 code=451 enhanced=4.7.1 text=busy%0Auid%200\n"
	"event 1764000000 accepted\n"
	"event 1764000001 tried account%20work:%20451\n"
	"\n";

static const char control_rest[] =
	"entry " ID " 1764000000\n"
	"tries 7\n"
	"next 1764009300\n"
	"next-set 1764009000\n"
	"last 1764009000\n"
	"tried-by home\n"
	"cause mixed\n"
	"reason said%20no\n"
	"delay-told yes\n"
	"failure-told yes\n"
	"recipient 1 delivered 1764009000 unsure code=250 text=250%20ok\n"
	"recipient 2 reported 1764009000\n"
	"event 1764009000 sent to%20bob\n";

/* --- helpers -------------------------------------------------------------- */

/* In memory that ends where the text does. */
static int read_head(const char *text, size_t len, struct entry *n, struct err *e)
{
	char *exact = malloc(len ? len : 1);
	int result;

	if (len)
		memcpy(exact, text, len);
	result = entry_read_head(exact, len, n, e);
	free(exact);
	return result;
}

static int read_control(const char *text, size_t len, struct entry *n, struct err *e)
{
	char *exact = malloc(len ? len : 1);
	int result;

	if (len)
		memcpy(exact, text, len);
	result = entry_read_control(exact, len, n, e);
	free(exact);
	return result;
}

static void check_written(const struct entry *n, const char *want, const char *what)
{
	struct buf out = BUF_INIT(ENTRY_HEAD_MAX);
	struct err e = { 0 };

	check_int(entry_write_head(n, &out, &e), 0, "%s: written", what);
	check_text(buf_text(&out), want, "%s: to the octet", what);
	buf_release(&out);
}

static bool is_empty(const struct entry *n)
{
	static const struct entry none;

	return !memcmp(n, &none, sizeof(none));
}

/* A control file with the digest that belongs to it. */
static char *with_digest(const char *version, const char *rest)
{
	char digest[DIGEST_HEX + 1];

	digest_of(rest, strlen(rest), digest);
	return mem_printf("sendoff-control %s\nsha256 %s\n%s", version, digest, rest);
}

/* --- the front ------------------------------------------------------------ */

static const char front[] = "sendoff-message 1\n"
	"length 00000000000000001234\n"
	"sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";

static void test_front(void)
{
	char digest[DIGEST_HEX + 1], wrong[ENTRY_FRONT_LEN];
	struct buf out = BUF_INIT(0);
	struct err e = { 0 };
	uint64_t length = 0;
	bool good = true;

	entry_write_front(1234, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		&out);
	check_text(buf_text(&out), front, "the front, to the octet");
	check_int(out.len, ENTRY_FRONT_LEN, "which has one size");
	check_int(entry_read_front(buf_text(&out), out.len, &length, digest, &e), 0, "read back");
	check_int(length, 1234, "its length");
	check_text(digest, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"its digest");
	for (size_t cut = 0; cut < out.len; cut++)
		good = good && entry_read_front(front, cut, &length, digest, &e) == -1 &&
			e.kind == ERR_DAMAGED && *e.text;
	check(good, "A7 cut anywhere it is damaged");
	for (size_t at = 0; at < out.len; at++) {
		memcpy(wrong, front, sizeof(wrong));
		wrong[at] = '~';
		good = good && entry_read_front(wrong, sizeof(wrong), &length, digest, &e) == -1 &&
			e.kind == ERR_DAMAGED;
	}
	check(good, "A7 and with any octet another");
	buf_release(&out);
}

static void check_front(const char *version, enum err_kind want)
{
	char *text = mem_printf("%s%s", version, front + strlen("sendoff-message 1\n"));
	char digest[DIGEST_HEX + 1];
	struct err e = { 0 };
	uint64_t length;

	check_int(entry_read_front(text, strlen(text), &length, digest, &e), -1,
		"A9 refused: %.*s", (int)strcspn(version, "\n"), version);
	check_int(e.kind, want, "A9 as %s", want == ERR_FORMAT ? "unknown" : "damaged");
	free(text);
}

static void test_versions(void)
{
	struct buf out = BUF_INIT(0);
	char digest[DIGEST_HEX + 1];
	struct err e = { 0 };
	uint64_t length = 0;

	check_front("sendoff-message 2\n", ERR_FORMAT);
	check_front("sendoff-message 10\n", ERR_FORMAT);
	check_front("sendoff-message 123456789\n", ERR_FORMAT);
	check_front("sendoff-message 1234567890\n", ERR_DAMAGED);
	check_front("sendoff-message 0\n", ERR_DAMAGED);
	check_front("sendoff-message 01\n", ERR_DAMAGED);
	check_front("sendoff-message 1 \n", ERR_DAMAGED);
	check_front("sendoff-message \n", ERR_DAMAGED);
	check_front("sendoff-control 1\n", ERR_DAMAGED);
	check_front("Return-Path: <a>\n", ERR_DAMAGED);
	check_int(entry_read_front("sendoff-message 2\n", 18, &length, digest, &e), -1, "A9 alone");
	check_int(e.kind, ERR_FORMAT, "A9 a version needs no more than its line");
	entry_write_front(UINT64_MAX, ZEROS, &out);
	check_int(entry_read_front(buf_text(&out), out.len, &length, digest, &e), 0, "the largest");
	check(length == UINT64_MAX, "length there is");
	out.data[25] = '2';
	check_int(entry_read_front(buf_text(&out), out.len, &length, digest, &e), -1, "none larger");
	buf_release(&out);
}

/* --- the head ------------------------------------------------------------- */

static void test_plain_head(void)
{
	struct entry n = { 0 };
	struct err e = { 0 };

	check_int(read_head(plain_head, sizeof(plain_head) - 1, &n, &e), 0, "a plain head: %s",
		e.text);
	check_int(n.uid, 1000, "uid");
	check_int(n.created, 1764000000, "created");
	check_int(n.content_size, 120, "size");
	check_int(n.header_size, 100, "size of the header");
	check_text(n.sender, "", "the null sender");
	check_text(n.from, "", "no From");
	check_text(n.message_id, "", "no Message-ID");
	check_text(n.account, NULL, "no account");
	check_int(n.errors, ERRORS_MAIL, "errors");
	check_int(n.count, 1, "a recipient");
	check_text(n.recipients[0].address, "bob@example.org", "its address");
	check_text(n.recipients[0].original, NULL, "that was never another");
	check_int(entry_waiting(&n), 1, "it waits");
	check_int(n.event_count, 0, "nothing has happened");
	check_written(&n, plain_head, "a plain head");
	free(n.sender);
	n.sender = NULL;
	check_int(n.sender == NULL, 1, "no sender at all");
	entry_release(&n);
	check(is_empty(&n), "released");
}

static void check_full(const struct entry *n)
{
	const struct entry_recipient *r = &n->recipients[1];

	check(n->uid == 4294967294U, "uid");
	check(n->content_size == UINT64_MAX, "size");
	check(n->eight_bit_header && n->eight_bit_body, "8-bit");
	check_text(n->login, "J\xc3\xbcrgen M%=", "login");
	check_text(n->origin, "j@host.example", "origin");
	check_text(n->sender, "\"a b\"@example.org", "sender");
	check_text(n->from, "j@example.org", "From");
	check_text(n->message_id, "<1@host.example>", "Message-ID");
	check_text(n->account, "work", "account");
	check_text(n->config, "/home/j/my config", "config");
	check_text(n->subject_of, ID, "what it reports");
	check_text(n->tag, "v1", "tag");
	check_text(n->token, "0123456789abcdef0123456789abcdef", "token");
	check_int(n->errors, ERRORS_QUIET, "errors");
	check_int(n->not_before, 1764003600, "not before");
	check_int(n->dsn.ret, DSN_RET_HDRS, "RET");
	check_int(n->dsn.notify, DSN_SUCCESS | DSN_DELAY, "NOTIFY");
	check_text(n->dsn.envid, "QQ=1", "ENVID");
	check_int(n->tries, 1, "tries");
	check_int(n->next, 1764000300, "next");
	check_int(n->next_set, 1764000001, "set when");
	check_int(n->last, 1764000001, "last");
	check_text(n->last_account, "work", "tried by");
	check_text(n->cause, "try-later", "cause");
	check_text(n->reason, "the server is busy", "reason");
	check_text(r->address, "dora@example.org", "second recipient");
	check_text(r->original, "team", "which was");
	check_int(r->code, 451, "its code");
	check_text(r->enhanced, "4.7.1", "its enhanced code");
	check_text(r->text, "busy\nuid 0", "E3 its text, newline and all");
	check_int(r->when, 1764000001, "its time");
	check_int(n->event_count, 2, "two events");
	check_text(n->events[0].what, "accepted", "the first");
	check_text(n->events[0].text, NULL, "without words");
	check_text(n->events[1].text, "account work: 451", "the second's words");
	check_int(n->events[1].when, 1764000001, "and time");
}

static void test_full_head(void)
{
	struct entry n = { 0 };
	struct err e = { 0 };

	check_int(read_head(full_head, sizeof(full_head) - 1, &n, &e), 0, "a full head: %s", e.text);
	check_full(&n);
	check_written(&n, full_head, "a full head");
	check_int(entry_head_len(full_head, sizeof(full_head) - 1), sizeof(full_head) - 1, "its end");
	check_int(entry_head_len(full_head, sizeof(full_head) - 2), 0, "is not there");
	entry_release(&n);
}

/* Cut, it is refused; with an octet changed, it is refused or says another thing. */
static void test_head_damage(void)
{
	static const char others[] = { '\0', '\n', '\r', ' ', '=', '%', '<', '0', '9', 'z', '\x7f',
		'\xff' };
	char text[sizeof(full_head)];
	struct entry n = { 0 };
	struct err e = { 0 };
	bool cut_good = true, flip_good = true, clean = true;

	for (size_t cut = 0; cut < sizeof(full_head) - 1; cut++) {
		cut_good = cut_good && read_head(full_head, cut, &n, &e) == -1 &&
			e.kind == ERR_DAMAGED;
		clean = clean && is_empty(&n);
	}
	check(cut_good, "A7 cut anywhere the head is damaged");
	for (size_t at = 0; at < sizeof(full_head) - 1; at++)
		for (size_t i = 0; i < COUNT(others); i++) {
			struct buf out = BUF_INIT(0);

			memcpy(text, full_head, sizeof(text));
			text[at] = others[i];
			if (read_head(text, sizeof(text) - 1, &n, &e) < 0) {
				clean = clean && is_empty(&n) && e.kind == ERR_DAMAGED;
				continue;
			}
			entry_write_head(&n, &out, &e);
			flip_good = flip_good && !strcmp(buf_text(&out), text);
			buf_release(&out);
			entry_release(&n);
		}
	check(flip_good, "A7 changed anywhere it is damaged or is what it says");
	check(clean, "A7 and damage leaves nothing in memory");
}

/* Puts `instead` where `what` is in the plain head. */
static void check_bad_head(const char *what, const char *instead, const char *told)
{
	const char *at = strstr(plain_head, what);
	char *text = mem_printf("%.*s%s%s", (int)(at - plain_head), plain_head, instead,
		at + strlen(what));
	struct entry n = { 0 };
	struct err e = { 0 };

	check_int(read_head(text, strlen(text), &n, &e), -1, "A7 refused for its %s", told);
	check_int(e.kind, ERR_DAMAGED, "A7 as damaged");
	check(strstr(e.text, told), "and says where: %s", e.text);
	entry_release(&n);
	free(text);
}

static void test_bad_heads(void)
{
	check_bad_head("uid 1000\n", "", "line 4 should be 'uid'");
	check_bad_head("uid 1000\n", "uid 01000\n", "line 4 ('uid')");
	check_bad_head("uid 1000", "uid 4294967296", "line 4 ('uid')");
	check_bad_head("uid 1000", "uid -1", "line 4 ('uid')");
	check_bad_head("uid 1000", "uid 1000 ", "line 4");
	check_bad_head("uid 1000", "uid  1000", "line 4");
	check_bad_head("uid 1000", "uid 1000 1000", "line 4 ('uid')");
	check_bad_head("uid 1000", "uid", "line 4 ('uid')");
	check_bad_head("uid 1000", "UID 1000", "line 4 should be 'uid'");
	check_bad_head("created 1764000000", "created 9223372036854775808", "line 5 ('created')");
	check_bad_head("size 120", "size 18446744073709551616", "line 6 ('size')");
	check_bad_head("header-size 100", "header-size 121", "the header is longer");
	check_bad_head("login anna", "login an%61", "line 9 ('login')");
	check_bad_head("login anna", "login an%e4", "line 9 ('login')");
	check_bad_head("login anna", "login an%00", "line 9 ('login')");
	check_bad_head("login anna", "login an%2", "line 9 ('login')");
	check_bad_head("login anna", "login an%", "line 9 ('login')");
	check_bad_head("login anna", "login an=a", "line 9 ('login')");
	check_bad_head("login anna", "login ann\xc3\xa4", "line 9");
	check_bad_head("login anna", "login anna\nlogin anna", "line 10 should be 'errors'");
	check_bad_head("login anna", "eight-bit-body no", "line 9 ('eight-bit-body')");
	check_bad_head("login anna", "novelty 7", "line 9 should be 'errors'");
	check_bad_head("sender <>", "sender", "line 11 ('sender')");
	check_bad_head("sender <>", "sender <", "line 11 ('sender')");
	check_bad_head("sender <>", "sender a@b", "line 11 ('sender')");
	check_bad_head("errors mail", "errors", "line 12 ('errors')");
	check_bad_head("errors mail", "errors mai", "line 12 ('errors')");
	check_bad_head("errors mail", "errors mail\nnot-before 0", "line 13 ('not-before')");
	check_bad_head("errors mail", "errors mail\ndsn-ret unset", "line 13 ('dsn-ret')");
	check_bad_head("errors mail", "errors mail\ndsn-notify success,", "line 13 ('dsn-notify')");
	check_bad_head("errors mail", "errors mail\ndsn-notify ,success", "line 13 ('dsn-notify')");
	check_bad_head("errors mail", "errors mail\ndsn-notify delay,success", "line 13");
	check_bad_head("errors mail", "errors mail\ndsn-notify delayed", "line 13 ('dsn-notify')");
	check_bad_head("errors mail", "errors mail\ndsn-notify delay,delay", "line 13");
	check_bad_head("errors mail", "errors mail\nnovelty 7", "line 13 should be 'to'");
	check_bad_head("to <bob@example.org>\n", "", "line 13 should be 'to'");
	check_bad_head("to <bob@example.org>", "to bob@example.org", "line 13 ('to')");
	check_bad_head("to <bob@example.org>", "to <bob@example.org> was=", "line 13 ('to')");
	check_bad_head("to <bob@example.org>", "to <bob@example.org> is=x", "line 13 ('to')");
	check_bad_head("to <bob@example.org>", "to <b@x> was=a was=b", "line 13 ('to')");
	check_bad_head("example.org>\n", "example.org>\nnovelty 7\n", "line 14 ('novelty')");
	check_bad_head("example.org>\n", "example.org>\ntries 0\n", "line 14 ('tries')");
	check_bad_head("example.org>\n", "example.org>\ndelay-told no\n", "line 14");
	check_bad_head("example.org>\n", "example.org>\n\nto <x@y>\n", "does not end");
}

static void check_bad_progress(const char *line)
{
	char *instead = mem_printf("example.org>\n%s\n", line);

	check_bad_head("example.org>\n", instead, "line 14");
	free(instead);
}

static void test_bad_progress(void)
{
	check_bad_progress("recipient 0 delivered 5");
	check_bad_progress("recipient 2 delivered 5");
	check_bad_progress("recipient 1 delivered");
	check_bad_progress("recipient 1 gone 5");
	check_bad_progress("recipient 1 waiting 0");
	check_bad_progress("recipient 1 delivered -5");
	check_bad_progress("recipient 1 delivered 5 code=0");
	check_bad_progress("recipient 1 delivered 5 code=1000");
	check_bad_progress("recipient 1 delivered 5 code=");
	check_bad_progress("recipient 1 delivered 5 text=");
	check_bad_progress("recipient 1 delivered 5 text=a text=b");
	check_bad_progress("recipient 1 delivered 5 enhanced=2.0.0 code=250");
	check_bad_progress("recipient 1 delivered 5 enhanced=1234567890123456");
	check_bad_progress("recipient 1 delivered 5 novelty");
	check_bad_progress("event 5");
	check_bad_progress("event x accepted");
	check_bad_progress("event 5 accepted a b");
	check_bad_progress("event 5 twelve-chars");
	check_bad_head("example.org>\n",
		"example.org>\nrecipient 1 delivered 5\nrecipient 1 failed 5\n", "line 15");
	check_bad_head("example.org>\n",
		"example.org>\nevent 5 sent\nrecipient 1 delivered 5\n", "line 15");
}

static void test_refused_to_write(void)
{
	struct buf out = BUF_INIT(ENTRY_HEAD_MAX);
	struct entry n = { .content_size = 5, .header_size = 6 };
	struct err e = { 0 };

	check_int(entry_write_head(&n, &out, &e), -1, "no recipients: not written");
	check_int(e.kind, ERR_MESSAGE, "as the message's fault");
	entry_add_recipient(&n, "a@b", NULL);
	check_int(entry_write_head(&n, &out, &e), -1, "a header longer than the content: neither");
	n.header_size = 5;
	check_int(entry_write_head(&n, &out, &e), 0, "else it is");
	entry_release(&n);
	buf_release(&out);
}

/* Every octet there is, in every text. */
static void test_any_octet(void)
{
	char all[256];
	struct buf out = BUF_INIT(0);
	struct entry n = { .content_size = 5 }, back = { 0 };
	struct err e = { 0 };

	for (unsigned i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	n.login = mem_string(all);
	n.sender = mem_string(all);
	n.account = mem_string(all);
	n.reason = mem_string(all);
	entry_add_recipient(&n, all, all);
	n.recipients[0].text = mem_string(all);
	snprintf(n.token, sizeof(n.token), "%s", "\n\r\n =%<>\n");
	check_int(entry_write_head(&n, &out, &e), 0, "E3 every octet in every text");
	check_int(entry_head_len(buf_text(&out), out.len), out.len, "E3 makes no empty line");
	check_int(read_head(buf_text(&out), out.len, &back, &e), 0, "E3 and is read: %s", e.text);
	check_text(back.login, all, "E3 login");
	check_text(back.sender, all, "E3 sender");
	check_text(back.account, all, "E3 account");
	check_text(back.reason, all, "E3 reason");
	check_text(back.token, n.token, "E3 token");
	check_text(back.recipients[0].address, all, "E3 address");
	check_text(back.recipients[0].original, all, "E3 original");
	check_text(back.recipients[0].text, all, "E3 answer");
	entry_release(&n);
	entry_release(&back);
	buf_release(&out);
}

static void test_many_recipients(void)
{
	enum { MANY = 100000 };
	struct buf out = BUF_INIT(ENTRY_HEAD_MAX);
	struct entry n = { .content_size = 5 }, back = { 0 };
	struct err e = { 0 };
	char text[600], address[64];

	memset(text, '%', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(address, sizeof(address), "somebody-with-a-name-%06u@example.org", i);
		entry_add_recipient(&n, address, NULL);
		n.recipients[i].code = 450;
		n.recipients[i].text = mem_string(text);
	}
	check_int(entry_write_head(&n, &out, &e), 0, "100,000 recipients with long answers: %s",
		e.text);
	check_int(read_head(buf_text(&out), out.len, &back, &e), 0, "are read: %s", e.text);
	check_int(back.count, MANY, "all of them");
	check_text(back.recipients[MANY - 1].address, "somebody-with-a-name-099999@example.org",
		"to the last");
	entry_release(&n);
	entry_release(&back);
	buf_release(&out);
}

/* --- the control file ----------------------------------------------------- */

static void load_full(struct entry *n)
{
	struct err e;

	entry_release(n);
	entry_read_head(full_head, sizeof(full_head) - 1, n, &e);
	snprintf(n->id, sizeof(n->id), "%s", ID);
}

static void test_control(void)
{
	char *text = with_digest("1", control_rest);
	struct buf out = BUF_INIT(ENTRY_CONTROL_MAX);
	struct entry n = { 0 };
	struct err e = { 0 };

	load_full(&n);
	check_int(read_control(text, strlen(text), &n, &e), 0, "a control file: %s", e.text);
	check_int(n.tries, 7, "tries");
	check_text(n.last_account, "home", "tried by");
	check(n.delay_told && n.failure_told, "both are told");
	check_int(n.recipients[0].state, RECIPIENT_DELIVERED, "the first has it");
	check(n.recipients[0].unsure, "unsure");
	check_text(n.recipients[0].text, "250 ok", "in words");
	check_int(n.recipients[1].state, RECIPIENT_REPORTED, "the second was reported");
	check_int(n.recipients[1].code, 0, "nothing is left of what the head said");
	check_text(n.recipients[1].text, NULL, "no words either");
	check_text(n.recipients[1].address, "dora@example.org", "its address stays");
	check_text(n.recipients[1].original, "team", "and what it was");
	check_int(n.event_count, 1, "the history is the control file's");
	check_int(entry_waiting(&n), 0, "nobody waits");
	check_int(entry_in_state(&n, RECIPIENT_REPORTED), 1, "one was reported");
	entry_write_control(&n, &out);
	check_text(buf_text(&out), text, "written to the octet");
	entry_add_recipient(&n, "x@y", NULL);
	check_text(n.recipients[2].address, "x@y", "it can still grow");
	entry_release(&n);
	buf_release(&out);
	free(text);
}

/* Reading it fails, and leaves what the head said. */
static void check_bad_control(const char *text, size_t len, enum err_kind kind, const char *what)
{
	struct entry n = { 0 };
	struct err e = { 0 };

	load_full(&n);
	check_int(read_control(text, len, &n, &e), -1, "A7 refused: %s", what);
	check_int(e.kind, kind, "A7 rightly: %s", e.text);
	check_full(&n);
	entry_release(&n);
}

static void check_bad_rest(const char *rest, const char *what)
{
	char *text = with_digest("1", rest);

	check_bad_control(text, strlen(text), ERR_DAMAGED, what);
	free(text);
}

static void test_bad_controls(void)
{
	char *text = with_digest("3", "a future that nobody knows\n");

	check_bad_control(text, strlen(text), ERR_FORMAT, "version 3");
	free(text);
	text = with_digest("12", control_rest);
	check_bad_control(text, strlen(text), ERR_FORMAT, "version 12");
	free(text);
	text = with_digest("0", control_rest);
	check_bad_control(text, strlen(text), ERR_DAMAGED, "version 0");
	free(text);
	check_bad_control("", 0, ERR_DAMAGED, "an empty file");
	check_bad_control(full_head, sizeof(full_head) - 1, ERR_DAMAGED, "a foreign file");
	check_bad_rest("", "no lines");
	check_bad_rest("entry abcdefghij26 1764000000\n", "another entry's");
	check_bad_rest("entry " ID " 1764000001\n", "another entry's of the same name");
	check_bad_rest("entry " ID "\n", "half a name");
	check_bad_rest("tries 7\n", "nobody's");
	check_bad_rest("entry " ID " 1764000000\nnovelty 1\n", "an unknown word");
	check_bad_rest("entry " ID " 1764000000\nrecipient 3 failed 1\n", "a third recipient");
	check_bad_rest("entry " ID " 1764000000\ntries 7", "a last line that does not end");
	check_bad_rest("entry " ID " 1764000000\n\n", "an empty line");
	check_bad_rest("entry " ID " 1764000000\nreason a\nevent 1 sent\ntries 7\n", "disorder");
}

static void test_control_damage(void)
{
	char *text = with_digest("1", control_rest);
	size_t len = strlen(text);
	struct entry n = { 0 };
	struct err e = { 0 };
	bool cut = true, flipped = true;

	load_full(&n);
	for (size_t i = 0; i < len; i++)
		cut = cut && read_control(text, i, &n, &e) == -1 && e.kind == ERR_DAMAGED;
	check(cut, "A7 cut anywhere it is damaged");
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] ^= (char)(1U << bit);
			flipped = flipped && read_control(text, len, &n, &e) == -1 &&
				(e.kind == ERR_DAMAGED || i == strlen("sendoff-control "));
			text[i] ^= (char)(1U << bit);
		}
	check(flipped, "A7 and with any bit turned");
	check_full(&n);
	entry_release(&n);
	free(text);
}

static void test_bare_control(void)
{
	struct buf out = BUF_INIT(ENTRY_CONTROL_MAX);
	struct entry n = { 0 };
	struct err e = { 0 };
	char *text = with_digest("1", "entry " ID " 1764000000\n");

	load_full(&n);
	check_int(read_control(text, strlen(text), &n, &e), 0, "one that says nothing: %s", e.text);
	check_int(n.tries, 0, "undoes what the head said");
	check_int(entry_waiting(&n), 2, "everybody waits");
	entry_write_control(&n, &out);
	check_text(buf_text(&out), text, "and is written the same");
	entry_release(&n);
	buf_release(&out);
	free(text);
}

/* --- the rest ------------------------------------------------------------- */

static void test_history(void)
{
	struct entry n = { 0 };
	char text[32];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "try %u", i);
		entry_event(&n, 1000 + i, "tried", text);
	}
	check_int(n.event_count, ENTRY_HISTORY_MAX, "the history is bounded");
	entry_event(&n, 2000, "retried", NULL);
	for (unsigned i = 0; i < 100; i++)
		entry_event(&n, 2001 + i, "tried", "again");
	check_int(n.event_count, ENTRY_HISTORY_MAX, "then as well");
	check_int(entry_taken_back(&n), 2000, "G3 that it was taken back is not forgotten");
	entry_event(&n, 3000, "released", NULL);
	for (unsigned i = 0; i < 100; i++)
		entry_event(&n, 3001 + i, "tried", "again");
	check_int(entry_taken_back(&n), 3000, "G3 nor that it was released");
	entry_release(&n);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "try %u", i);
		entry_event(&n, 1000 + i, "tried", text);
	}
	check_text(n.events[0].text, "try 0", "the first is kept");
	check_text(n.events[4].text, "try 4", "and the fifth");
	check_text(n.events[5].text, "try 75", "then the newest");
	check_text(n.events[29].text, "try 99", "to the last");
	check_int(n.events[29].when, 1099, "with its time");
	entry_release(&n);
}

static void test_events_cleaned(void)
{
	struct entry n = { 0 };
	char text[2000];

	entry_event(&n, 5, "tried", "a\nb\x1b[1m");
	check_text(n.events[0].text, "a\\x0ab\\x1b[1m", "E4 words are cleaned");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	entry_event(&n, 6, "a-word-far-too-long", text);
	check_int(strlen(n.events[1].text), ENTRY_TEXT_MAX, "E4 and cut");
	check_text(n.events[1].text + ENTRY_TEXT_MAX - 4, "x...", "E4 with dots");
	check_text(n.events[1].what, "a-word-far-", "what happened is one short word");
	entry_event(&n, 7, "sent", NULL);
	entry_event(&n, 8, "sent", "");
	check_text(n.events[2].text, NULL, "no words");
	check_text(n.events[3].text, NULL, "empty words");
	entry_release(&n);
}

/* What a server says is cut at 512 octets and at no half character. */
static void test_long_answers(void)
{
	struct buf out = BUF_INIT(0);
	struct entry n = { .content_size = 1 }, back = { 0 };
	struct err e = { 0 };
	char text[ENTRY_TEXT_MAX + 2];

	entry_add_recipient(&n, "a@b", NULL);
	memset(text, 'x', sizeof(text));
	memcpy(text + ENTRY_TEXT_MAX - 1, "\xc3\xa4", 3);
	n.recipients[0].text = mem_string(text);
	n.recipients[0].state = RECIPIENT_FAILED;
	check_int(entry_write_head(&n, &out, &e), 0, "E4 a long answer");
	check_int(read_head(buf_text(&out), out.len, &back, &e), 0, "E4 is read: %s", e.text);
	check_int(strlen(back.recipients[0].text), ENTRY_TEXT_MAX - 1, "E4 without its last half");
	check_int(strspn(back.recipients[0].text, "x"), ENTRY_TEXT_MAX - 1, "E4 and else the same");
	entry_release(&n);
	entry_release(&back);
	buf_release(&out);
}

static void test_ids(void)
{
	check(entry_is_id("abcdefghij27"), "an id");
	check(entry_is_id("zzzzzz777777"), "another");
	check(!entry_is_id(""), "F7 none: empty");
	check(!entry_is_id("abcdefghij2"), "F7 none: too short");
	check(!entry_is_id("abcdefghij272"), "F7 none: too long");
	check(!entry_is_id("abcdefghij18"), "F7 none: other digits");
	check(!entry_is_id("Abcdefghij27"), "F7 none: a capital");
	check(!entry_is_id("../abcdefghi"), "F7 none: a path");
	check(!entry_is_id("abcdefghij2\n"), "F7 none: a newline");
}

int main(void)
{
	test_front();
	test_versions();
	test_plain_head();
	test_full_head();
	test_head_damage();
	test_bad_heads();
	test_bad_progress();
	test_refused_to_write();
	test_any_octet();
	test_many_recipients();
	test_control();
	test_bad_controls();
	test_control_damage();
	test_bare_control();
	test_history();
	test_events_cleaned();
	test_long_answers();
	test_ids();
	return tap_done();
}
