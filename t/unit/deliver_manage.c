/* deliver/manage: who sees what of a queue, what can be done to it, and how it is
 * told; on a spool in a directory of its own. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "deliver/manage.h"
#include "t/unit/tap.h"

enum { ALICE = 1001, BOB = 1002 };

static const struct retry_settings schedule = { 300 * 1000L, 14400 * 1000L, 432000 * 1000L, 0 };

static struct spool *spool;
static char directory[200];
static int64_t now;

static struct manage as(uid_t uid, bool all)
{
	return (struct manage){ .spool = spool, .retry = &schedule, .scope = 's',
		.asker = { .uid = uid, .all = all, .may_list = true } };
}

/* ---- messages */

struct sample {
	const char *id;
	uid_t uid;
	int64_t age;
	const char *sender, *account;
};

static void put(const struct sample *s)
{
	struct entry n = { .uid = s->uid, .created = now - s->age, .header_size = 12,
		.content_size = 20 };
	struct spool_new *file = NULL;
	struct err e = { 0 };
	char id[ENTRY_ID_LEN + 1];
	bool good;

	snprintf(id, sizeof(id), "%s", s->id);
	n.login = mem_string("somebody");
	n.origin = mem_string("somebody@example.org");
	n.from = mem_string("");
	n.message_id = mem_string("<1@example.org>");
	n.sender = s->sender ? mem_string(s->sender) : NULL;
	n.account = s->account ? mem_string(s->account) : NULL;
	entry_add_recipient(&n, "a@example.net", NULL);
	entry_add_recipient(&n, "b@example.net", "root");
	good = spool_begin(spool, &file, &e) == 0 && spool_head(file, &n, &e) == 0 &&
		spool_content(file, "Subject: x\r\n\r\nHello\n", 20, &e) == 0 &&
		spool_enter(&file, QUEUE_NEW, id, &e) == 0;
	if (!check(good, "%s is put", s->id))
		printf("# %s\n", e.text);
	entry_release(&n);
}

/* Changes an entry where it is. */
static void edit(enum queue_state state, const char *id, void (*change)(struct entry *n),
	enum queue_state to)
{
	struct held *h = NULL;
	struct entry n = { .id = "" };
	struct err e = { 0 };
	bool good = spool_hold(spool, state, id, &h, &e) == 1 && held_load(h, false, &n, &e) == 0;

	if (good)
		change(&n);
	good = good && held_update(h, &n, true, &e) == 0;
	good = good && (state == to || held_move(h, to, &e) == 0);
	if (!check(good, "%s is changed", id))
		printf("# %s\n", e.text);
	entry_release(&n);
	held_free(&h);
}

static bool load(enum queue_state state, const char *id, struct entry *n)
{
	struct err e = { 0 };

	return spool_peek(spool, state, id, n, &e) == 0;
}

/* ---- what a listing says, as words */

static void note(void *context, const struct manage_item *i)
{
	buf_printf(context, "%s%s %s", ((struct buf *)context)->len ? ", " : "", i->id, i->state);
	if (!i->entry)
		buf_printf(context, " (%s)", i->trouble ? "damaged" : "?");
}

static char *listed(const struct manage *m)
{
	struct buf out = BUF_INIT(1 << 20);
	struct err e = { 0 };

	if (manage_list(m, note, &out, &e) < 0)
		buf_add_text(&out, e.kind == ERR_RIGHT ? "no right" : e.text);
	return buf_take(&out);
}

#define check_list(m, want, ...) do { \
	char *list_ = listed(m); \
	check_text(list_, want, __VA_ARGS__); \
	free(list_); \
} while (0)

static void test_list(void)
{
	struct manage root = as(0, true), alice = as(ALICE, false), nobody = as(ALICE, false);

	check_list(&root, "", "an empty queue has nothing to list");
	put(&(struct sample){ "bbbbbbbbbbbb", ALICE, 100, "alice@example.org", "work" });
	put(&(struct sample){ "aaaaaaaaaaaa", BOB, 300, "", NULL });
	put(&(struct sample){ "abcabcabcabc", ALICE, 200, NULL, NULL });
	check_list(&root, "s-aaaaaaaaaaaa new, s-abcabcabcabc new, s-bbbbbbbbbbbb new",
		"the oldest comes first");
	check_list(&alice, "s-abcabcabcabc new, s-bbbbbbbbbbbb new", "F4: one's own alone");
	nobody.asker.may_list = false;
	check_list(&nobody, "no right", "F4: a uid that is nobody's lists nothing");
}

static int done(const struct manage *m, enum manage_deed deed, const char *id, char *words)
{
	char which[MANAGE_ID_MAX] = "";
	struct err e = { 0 };
	int r = manage_do(m, deed, id, which, &e);

	snprintf(words, 900, "%s", r == 0 ? which : e.text);
	if (r < 0 && e.hint[0])
		snprintf(words + strlen(words), 900 - strlen(words), "; %.400s", e.hint);
	return r == 0 ? ERR_NONE : (int)e.kind;
}

static void test_rights(void)
{
	struct manage root = as(0, true), alice = as(ALICE, false), bob = as(BOB, false);
	char words[900];

	check_int(done(&bob, MANAGE_REMOVE, "s-abcabcabcabc", words), ERR_RIGHT,
		"F4: a message that is somebody else's is not removed");
	check_text(words, "message s-abcabcabcabc is somebody else's; its sender and root may see "
		"and change it", "... in words");
	check_int(done(&bob, MANAGE_HOLD, "abc", words), ERR_USAGE,
		"F4: nor does its beginning say that it is there");
	check_int(done(&bob, MANAGE_HOLD, "a", words), ERR_NONE,
		"F4: and other people's make nothing ambiguous");
	check_text(words, "s-aaaaaaaaaaaa", "... the own one is meant");
	check_int(done(&bob, MANAGE_RELEASE, "s-aaaaaaaaaaaa", words), ERR_NONE, "... released");
	check_int(done(&root, MANAGE_HOLD, "a", words), ERR_USAGE, "several for whoever sees all");
	check(!strncmp(words, "'a' fits 2 messages; which one: s-a", 35) &&
		strstr(words, "s-aaaaaaaaaaaa") && strstr(words, "s-abcabcabcabc"),
		"... which are named");
	check_int(done(&alice, MANAGE_HOLD, "p-abc", words), ERR_USAGE,
		"the other queue's id is none of this one");
	check_int(done(&alice, MANAGE_HOLD, "", words), ERR_USAGE, "no id");
	check_int(done(&alice, MANAGE_HOLD, "s-", words), ERR_USAGE, "no more than a scope");
	check_int(done(&root, MANAGE_HOLD, "../new/aaaaaaaaaaaa", words), ERR_USAGE, "no paths");
	check_int(done(&root, MANAGE_HOLD, "..", words), ERR_USAGE, "... of any kind");
	alice.asker.may_list = false;
	check_int(done(&alice, MANAGE_HOLD, "abc", words), ERR_RIGHT, "a uid that is nobody's");
}

/* ---- deeds */

static void refuse_second(struct entry *n)
{
	n->tries = 7;
	n->next = now + 3600;
	n->next_set = now;
	n->last = now - 60;
	n->last_account = mem_string("work");
	n->cause = mem_string("recipient-refused");
	n->reason = mem_string("550 5.1.1 unknown");
	n->delay_told = n->failure_told = true;
	n->recipients[0].state = RECIPIENT_DELIVERED;
	n->recipients[0].code = 250;
	n->recipients[0].when = now - 50;
	n->recipients[0].text = mem_string("250 2.0.0 ok");
	n->recipients[1].state = RECIPIENT_REPORTED;
	n->recipients[1].code = 550;
	memcpy(n->recipients[1].enhanced, "5.1.1", 6);
	n->recipients[1].when = now - 60;
	n->recipients[1].text = mem_string("550 5.1.1 unknown");
	entry_event(n, now - 60, "failed", "550 5.1.1 unknown");
}

static void all_served(struct entry *n)
{
	for (size_t i = 0; i < n->count; i++)
		n->recipients[i].state = RECIPIENT_DELIVERED;
}

static void wait_long(struct entry *n)
{
	n->next = now + 3600;
	n->next_set = now;
}

static void test_deeds(void)
{
	struct manage root = as(0, true), alice = as(ALICE, false);
	struct entry n = { .id = "" };
	char words[900];

	check_int(done(&alice, MANAGE_HOLD, "abcabcabcabc", words), ERR_NONE, "hold");
	check_text(words, "s-abcabcabcabc", "... which");
	check_int(done(&alice, MANAGE_HOLD, "s-abc", words), ERR_NONE, "hold what is held");
	check(load(QUEUE_HOLD, "abcabcabcabc", &n), "it is in hold/");
	check(n.event_count && !strcmp(n.events[n.event_count - 1].what, "held"), "... and says so");
	check_text(n.event_count ? n.events[n.event_count - 1].text : "", "by uid 1001",
		"... and by whom");
	entry_release(&n);
	check_int(done(&alice, MANAGE_RETRY, "s-abc", words), ERR_USAGE, "retry what is held");
	check_text(words, "message s-abcabcabcabc is held; `sendoff queue release s-abcabcabcabc` "
		"lets it go", "... in words");
	edit(QUEUE_HOLD, "abcabcabcabc", wait_long, QUEUE_HOLD);
	check_int(done(&alice, MANAGE_RELEASE, "s-abc", words), ERR_NONE, "release");
	check(load(QUEUE_NEW, "abcabcabcabc", &n), "it is in new/");
	check_int(n.next, 0, "... and due");
	entry_release(&n);
	check_int(done(&alice, MANAGE_RELEASE, "s-abc", words), ERR_NONE, "release what is not held");

	edit(QUEUE_NEW, "abcabcabcabc", wait_long, QUEUE_NEW);
	check_int(done(&alice, MANAGE_RETRY, "s-abc", words), ERR_NONE, "retry what waits");
	check(load(QUEUE_NEW, "abcabcabcabc", &n) && n.next == 0, "... it is due");
	entry_release(&n);

	edit(QUEUE_NEW, "abcabcabcabc", refuse_second, QUEUE_FAILED);
	check_int(done(&alice, MANAGE_HOLD, "s-abc", words), ERR_USAGE, "hold what was given up");
	check_int(done(&alice, MANAGE_RELEASE, "s-abc", words), ERR_USAGE, "release ...");
	check_int(done(&alice, MANAGE_RETRY, "s-abc", words), ERR_NONE, "retry what was given up");
	check(load(QUEUE_NEW, "abcabcabcabc", &n), "it is in new/ again");
	check_int(n.count, 2, "with its recipients");
	check_int(n.recipients[0].state, RECIPIENT_DELIVERED, "B4: who has it does not get it again");
	check_int(n.recipients[1].state, RECIPIENT_WAITING, "who has not is to");
	check_text(n.recipients[1].text, "550 5.1.1 unknown", "... and the last answer is kept");
	check(!n.tries && !n.next && !n.delay_told && !n.failure_told, "from the beginning");
	check(n.event_count && !strcmp(n.events[n.event_count - 1].what, "retried"), "it is noted");
	entry_release(&n);
	edit(QUEUE_NEW, "abcabcabcabc", all_served, QUEUE_FAILED);
	check_int(done(&root, MANAGE_RETRY, "s-abc", words), ERR_USAGE, "retry for nobody");
	check(load(QUEUE_FAILED, "abcabcabcabc", &n), "... leaves it where it is");
	entry_release(&n);

	check_int(done(&alice, MANAGE_REMOVE, "s-abc", words), ERR_NONE, "remove");
	check_list(&alice, "s-bbbbbbbbbbbb new", "... it is gone");
	check_int(done(&alice, MANAGE_REMOVE, "s-abcabcabcabc", words), ERR_USAGE, "remove nothing");
	check_text(words, "there is no message 'abcabcabcabc' in this queue; `sendoff queue list "
		"--all` shows what is there", "... in words");
}

static void test_busy(void)
{
	struct manage alice = as(ALICE, false);
	struct held *h = NULL;
	struct err e = { 0 };
	char words[900];

	check_int(spool_hold(spool, QUEUE_NEW, "bbbbbbbbbbbb", &h, &e), 1, "somebody sends it");
	check_int(done(&alice, MANAGE_REMOVE, "bb", words), ERR_STORE, "... it is not removed");
	check_text(words, "message s-bbbbbbbbbbbb is being sent at this moment; try again in a "
		"moment", "... in words");
	held_free(&h);
}

static void test_resolve(void)
{
	struct manage alice = as(ALICE, false), root = as(0, true);
	char whole[ENTRY_ID_LEN + 1] = "", words[900];
	struct err e = { 0 };

	check_int(manage_resolve(&alice, "s-b", whole, &e), 0, "a beginning is resolved");
	check_text(whole, "bbbbbbbbbbbb", "... to the id");
	check(manage_has(&alice, "b") && manage_has(&alice, "s-bb"), "it has what begins so");
	check(!manage_has(&alice, "a") && manage_has(&root, "a"), "... of what one sees");
	check_int(done(&alice, MANAGE_HOLD, "b", words), ERR_NONE, "held");
	check_int(manage_resolve(&alice, "b", whole, &e), -1, "what is held is not to be sent");
	check_int(e.kind, ERR_USAGE, "... a mistake");
	check_int(done(&alice, MANAGE_RELEASE, "b", words), ERR_NONE, "released");
}

/* ---- one message */

static char *item_text;

static void keep(void *context, const struct manage_item *i)
{
	json_t *object = manage_item_json(i);

	(void)context;
	free(item_text);
	item_text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
}

static void add(void *context, const char *data, size_t len)
{
	size_t had = strlen(item_text);

	item_text = mem_grow(item_text, had + len + 1, 1);
	memcpy(item_text + had, data, len);
	item_text[had + len] = '\0';
	(void)context;
}

static void ignore(void *context, const struct manage_item *i)
{
	(void)context;
	(void)i;
}

static void bother(struct entry *n)
{
	n->tries = 2;
	n->next = now + 60;
	n->next_set = now;
	n->last = now - 60;
	n->last_account = mem_string("work");
	n->cause = mem_string("recipient-later");
	n->reason = mem_string("451 4.7.1 \033greylisted");
	n->recipients[1].code = 451;
	memcpy(n->recipients[1].enhanced, "4.7.1", 6);
	n->recipients[1].when = now - 60;
	n->recipients[1].text = mem_string("451 4.7.1 \033greylisted");
	n->recipients[1].unsure = true;
	entry_event(n, now - 60, "tried", "account work: 451");
}

static void park_it(struct park *p, void *context)
{
	(void)context;
	park_set(p, PARK_LOGIN, "login-refused", "535 no", "abc", &schedule, 0, now);
}

/* NAME as a number into a text. */
static char *fill(const char *text, const struct park *p, int64_t created)
{
	struct buf out = BUF_INIT(1 << 16);

	for (; *text; text++)
		switch (*text) {
		case '@':   /* created */
			buf_printf(&out, "%lld", (long long)created);
			break;
		case '#':   /* now */
			buf_printf(&out, "%lld", (long long)now);
			break;
		case '^':   /* until when it is parked */
			buf_printf(&out, "%lld", (long long)p->until);
			break;
		case '~':   /* a minute ago */
			buf_printf(&out, "%lld", (long long)now - 60);
			break;
		case '*':
			buf_add_char(&out, '@');
			break;
		default:
			buf_add_char(&out, *text);
			break;
		}
	return buf_take(&out);
}

static void test_json(void)
{
	struct manage alice = as(ALICE, false);
	struct park park = { .kind = PARK_NONE };
	struct manage_copy copy;
	struct err e = { 0 };
	char *want;
	json_t *object, *again;

	edit(QUEUE_NEW, "bbbbbbbbbbbb", bother, QUEUE_NEW);
	check_int(park_change(spool, "work", park_it, NULL, &e), 0, "its account is parked");
	check_int(park_read(spool, "work", &park, &e), 0, "...");
	check_int(manage_list(&alice, keep, NULL, &e), 0, "list as JSON");
	want = fill("{\"account\":\"work\",\"age\":100,\"created\":@,\"id\":\"s-bbbbbbbbbbbb\","
		"\"last_answer\":{\"account\":\"work\",\"code\":451,\"enhanced\":\"4.7.1\","
		"\"text\":\"451 4.7.1 \\\\x1bgreylisted\",\"when\":~},\"next_try\":^,"
		"\"parked\":{\"cause\":\"login-refused\",\"kind\":\"login\",\"reason\":\"535 no\","
		"\"since\":#,\"until\":^},"
		"\"reason\":\"451 4.7.1 \\\\x1bgreylisted\",\"recipients\":["
		"{\"address\":\"a*example.net\",\"state\":\"waiting\"},"
		"{\"address\":\"b*example.net\",\"code\":451,\"enhanced\":\"4.7.1\","
		"\"original\":\"root\",\"state\":\"waiting\","
		"\"text\":\"451 4.7.1 \\\\x1bgreylisted\",\"unsure\":true,\"when\":~}],"
		"\"scope\":\"system\",\"sender\":\"alice*example.org\",\"size\":20,"
		"\"state\":\"new\",\"tries\":2}", &park, now - 100);
	if (park.until < now + 60)   /* the later of the two */
		check(false, "a parked account waits longer than the message");
	/* Between put() and here a second may have passed. */
	object = json_loads(item_text, 0, NULL);
	json_object_set_new(object, "age", json_integer(100));
	free(item_text);
	item_text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	check_text(item_text, want, "an item as JSON");
	free(want);

	check_int(manage_item_read(object, &copy, &e), 0, "... and back");
	check_text(manage_sender(&copy.item), "alice@example.org", "the sender");
	check_text(manage_account(&copy.item), "work", "the account");
	check(copy.item.answer == &copy.entry.recipients[1], "whose answer it was");
	again = manage_item_json(&copy.item);
	check(json_equal(object, again), "... and the same JSON again");
	json_decref(again);
	json_decref(object);
	manage_copy_release(&copy);
	park_release(&park);
}

static void test_show(void)
{
	struct manage alice = as(ALICE, false), bob = as(BOB, false);
	struct manage_copy copy;
	struct err e = { 0 };
	json_t *object, *again;
	char *head;

	check_int(manage_show(&alice, "b", false, keep, NULL, NULL, &e), 0, "show");
	object = json_loads(item_text, 0, NULL);
	check(json_is_array(json_object_get(object, "history")), "it has its history");
	check_text(json_string_value(json_object_get(object, "login")), "somebody", "... all of it");
	check_int(manage_item_read(object, &copy, &e), 0, "... and back");
	again = manage_item_json(&copy.item);
	check(json_equal(object, again), "... and the same JSON again");
	json_decref(again);
	json_decref(object);
	manage_copy_release(&copy);
	head = mem_string(item_text);
	item_text[0] = '\0';
	check_int(manage_show(&alice, "b", false, ignore, add, NULL, &e), 0, "its header");
	check_text(item_text, "Subject: x\r\n", "... is shown");
	item_text[0] = '\0';
	check_int(manage_show(&alice, "b", true, ignore, add, NULL, &e), 0, "its content");
	check_text(item_text, "Subject: x\r\n\r\nHello\n", "... is shown");
	free(head);
	check_int(manage_show(&bob, "s-bbbbbbbbbbbb", true, ignore, add, NULL, &e), -1,
		"F4: not to somebody else");
	check_int(e.kind, ERR_RIGHT, "...");
}

/* ---- what is damaged, what is counted */

static void scribble(const char *state, const char *name, const char *text)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", directory, state, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s is scribbled on",
		path + strlen(directory));
	close(fd);
}

static void test_damaged(void)
{
	struct manage root = as(0, true), alice = as(ALICE, false);
	struct manage_summary sum;
	struct err e = { 0 };
	char words[900];

	scribble("new", "cccccccccccc", "nothing that anybody knows\n");
	scribble("damaged", "dddddddddddd.1", "nor this\n");
	check_list(&alice, "s-bbbbbbbbbbbb new", "F4: what is damaged is the operator's affair");
	check_list(&root, "s-aaaaaaaaaaaa new, s-bbbbbbbbbbbb new, s-cccccccccccc new (damaged), "
		"s-dddddddddddd.1 damaged (damaged)", "... who sees it");
	check_int(manage_summary(&root, &sum, &e), 0, "counted");
	check_int(sum.damaged, 2, "... both");
	check_int(done(&alice, MANAGE_REMOVE, "s-cccccccccccc", words), ERR_RIGHT, "F4: not removed");
	check_int(done(&alice, MANAGE_REMOVE, "s-dddddddddddd.1", words), ERR_USAGE, "... nor seen");
	check_int(done(&root, MANAGE_HOLD, "s-dddddddddddd.1", words), ERR_USAGE, "not held");
	check_int(manage_show(&root, "s-dddddddddddd.1", false, keep, NULL, NULL, &e), 0, "shown");
	check(strstr(item_text, "\"trouble\":\"set aside: it is not what was stored\"") != NULL,
		"... with what is wrong");
	check_int(done(&root, MANAGE_REMOVE, "s-dddddddddddd.1", words), ERR_NONE, "removed");
	check_int(done(&root, MANAGE_REMOVE, "s-ccc", words), ERR_NONE, "... both");
	check_list(&root, "s-aaaaaaaaaaaa new, s-bbbbbbbbbbbb new", "they are gone");
}

static void failed_long_ago(struct entry *n)
{
	entry_event(n, now - 90000, "failed", NULL);
}

static void test_summary(void)
{
	struct manage root = as(0, true), bob = as(BOB, false);
	struct manage_summary sum, again;
	struct err e = { 0 };
	json_t *object;
	char words[900];

	check_int(done(&bob, MANAGE_HOLD, "a", words), ERR_NONE, "one is held");
	put(&(struct sample){ "eeeeeeeeeeee", BOB, 100000, "", NULL });
	edit(QUEUE_NEW, "eeeeeeeeeeee", failed_long_ago, QUEUE_FAILED);
	put(&(struct sample){ "ffffffffffff", ALICE, 9000, "", NULL });
	edit(QUEUE_NEW, "ffffffffffff", refuse_second, QUEUE_FAILED);
	put(&(struct sample){ "gggggggggggg", BOB, 5000, "", NULL });
	check_int(manage_summary(&root, &sum, &e), 0, "count");
	check_int(sum.messages, 3, "new and held messages");
	check_int(sum.octets, 60, "... octets");
	check_int(sum.held, 1, "... held");
	check_int(sum.failed, 2, "... given up");
	check_int(sum.failed_lately, 1, "... of them in the last 24 hours");
	check(sum.oldest_age >= 5000 && sum.oldest_age < 5100, "the oldest that is to be sent");
	check_text(sum.oldest, "s-gggggggggggg", "... which");
	object = manage_summary_json(&sum);
	check_int(manage_summary_read(object, &again, &e), 0, "as JSON and back");
	check(!memcmp(&sum, &again, sizeof(sum)), "... it is the same");
	json_decref(object);
	object = json_object();
	check_int(manage_summary_read(object, &again, &e), -1, "what is none is refused");
	json_decref(object);
	check_int(manage_summary(&bob, &sum, &e), 0, "F4: one's own");
	check_int(sum.messages * 100 + sum.failed, 201, "... are counted");
	check_int(done(&bob, MANAGE_RETRY, "e", words), ERR_NONE, "one is taken back");
	check_int(manage_summary(&bob, &sum, &e), 0, "...");
	check_text(sum.oldest, "s-gggggggggggg", "... and its age counts from then");
}

/* Many: in the order of the directory, each once. */
static void count_items(void *context, const struct manage_item *i)
{
	*(unsigned *)context += i->entry != NULL;
}

static void test_many(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct manage root = as(0, true);
	struct err e = { 0 };
	char from[300], to[300], *text;
	unsigned listed_count = 0, made = 0;
	struct stat st;
	int fd;

	snprintf(from, sizeof(from), "%s/new/gggggggggggg", directory);
	fd = open(from, O_RDONLY);
	fstat(fd, &st);
	text = mem_alloc((size_t)st.st_size);
	check(read(fd, text, (size_t)st.st_size) == st.st_size, "a message to be copied");
	close(fd);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(to, sizeof(to), "%s/new/zzzzzzzzz%c%c%c", directory, letters[i / 1024],
			letters[i / 32 % 32], letters[i % 32]);
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
		made += write(fd, text, (size_t)st.st_size) == st.st_size;
		close(fd);
	}
	free(text);
	check_int(made, 5000, "many messages");
	check_int(manage_list(&root, count_items, &listed_count, &e), 0, "are listed");
	check_int(listed_count, 5005, "... each once");
}

static int forget(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	struct err e = { 0 };

	now = time(NULL);
	snprintf(directory, sizeof(directory), "%s/sendoff-manage-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(directory) || spool_open(&spool, directory, true, &e) < 0) {
		printf("Bail out! %s: %s\n", directory, e.text);
		return 1;
	}
	test_list();
	test_rights();
	test_deeds();
	test_busy();
	test_resolve();
	test_json();
	test_show();
	test_damaged();
	test_summary();
	test_many();
	free(item_text);
	spool_close(&spool);
	nftw(directory, forget, 8, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
