/* t/unit/queue_open.c - a control file that is open: a mark is added for each recipient that
 * a server of LMTP has delivered to (A7, B2, B4).
 */
#include <signal.h>
#include <sys/resource.h>

#include "t/unit/queue_rig.h"

#define ID "abcdefghij27"

enum { UNREADABLE = 10 };

static struct entry three(void)
{
	struct entry n = rig_entry(sizeof(rig_content) - 1);

	entry_add_recipient(&n, "dave@example.org", NULL);
	snprintf(n.id, sizeof(n.id), "%s", ID);
	return n;
}

/* The file with marks for so many. */
static struct buf file_of(const struct entry *n, const size_t *marks, size_t count)
{
	struct buf out = BUF_INIT(ENTRY_CONTROL_MAX);

	entry_write_open_control(n, &out);
	for (size_t i = 0; i < count; i++) {
		char line[ENTRY_MARK_MAX];

		buf_add(&out, line, entry_write_mark(marks[i], line));
	}
	return out;
}

/* How many of a file are delivered to, and 10 if some mark cannot be read; -1: damaged, and the
 * entry is as it was. */
static int read_it(const char *text, size_t len, bool has[3])
{
	struct entry n = three();
	struct err e = { 0 };
	char *exact = mem_alloc(len + 1);
	int count = 0;

	memcpy(exact, text, len);
	n.reason = mem_string("before");
	if (entry_read_control(exact, len, &n, &e) < 0) {
		count = n.reason && !strcmp(n.reason, "before") && entry_waiting(&n) == 3 &&
			(e.kind == ERR_DAMAGED || e.kind == ERR_FORMAT) ? -1 : -2;
	} else {
		count = (int)entry_in_state(&n, RECIPIENT_DELIVERED);
		if (n.event_count && !strcmp(n.events[n.event_count - 1].what, "damaged"))
			count += UNREADABLE;
		for (size_t i = 0; has && i < 3; i++)
			has[i] = n.recipients[i].state == RECIPIENT_DELIVERED;
	}
	entry_release(&n);
	free(exact);
	return count;
}

static void test_file(void)
{
	static const size_t all[] = { 3, 1, 2 };
	struct entry n = three();

	for (size_t count = 0; count <= 3; count++) {
		struct buf text = file_of(&n, all, count);
		bool has[3];

		check_int(read_it(buf_text(&text), text.len, has), (long long)count, "B4 %zu marks", count);
		check(has[2] == (count > 0) && has[0] == (count > 1) && has[1] == (count > 2),
			"B4 each for its own recipient");
		buf_release(&text);
	}
	n.recipients[1].state = RECIPIENT_DELIVERED;
	n.recipients[1].when = 5;
	for (size_t i = 0; i < 2; i++) {
		size_t twice[] = { 1, i ? 1 : 2 };
		struct buf text = file_of(&n, twice, 2);

		check_int(read_it(buf_text(&text), text.len, NULL), UNREADABLE + 2,
			"A7 nobody is delivered to twice");
		buf_release(&text);
	}
	entry_release(&n);
}

/* Lines that are no marks, behind what the digest covers. */
static void test_bad_marks(void)
{
	static const char *const bad[] = { "delivered 4 4\n", "delivered 0 0\n", "delivered 1 2\n",
		"delivered 1\n", "delivered 1 1 1\n", "delivered 01 01\n", "delivered 1  1\n", "delivered 1 1 \n",
		"delivered \n", "delivered 1 1\nrecipient 2 delivered 5\n", "delivered 1 1\n\n",
		"delivered 1 1\n\0\n", "delivered 18446744073709551617 18446744073709551617\n",
		"event 5 sent\n", "failed 1 1\n", "\n" };
	struct entry n = three();

	for (size_t i = 0; i < COUNT(bad); i++) {
		/* Whoever is marked before it, and behind it, has it. */
		for (size_t k = 0; k < 2; k++) {
			static const size_t before[] = { 3 };
			struct buf whole = file_of(&n, before, 1);
			char line[ENTRY_MARK_MAX];
			bool has[3];

			buf_add(&whole, bad[i], i == 11 ? 16 : strlen(bad[i]));
			if (k)
				buf_add(&whole, line, entry_write_mark(2, line));
			check(read_it(buf_text(&whole), whole.len, has) >= UNREADABLE && has[2] &&
				has[1] == (k == 1), "A7 no mark: %.*s", (int)strcspn(bad[i], "\n"), bad[i]);
			buf_release(&whole);
		}
	}
	entry_release(&n);
}

/* What a power cut leaves is never more than was marked: nobody is passed over. */
static void test_cut(void)
{
	static const size_t marks[] = { 1, 2, 3 };
	struct entry n = three();
	struct buf bare = file_of(&n, NULL, 0), text = file_of(&n, marks, 3);
	size_t one = (text.len - bare.len) / 3;
	bool good = true, zeroed = true, flipped = true;

	for (size_t len = 0; len < text.len; len++) {
		int wanted = len < bare.len ? -1 : (int)((len - bare.len) / one);
		char *copy = mem_copy(buf_text(&text), text.len);

		good = good && read_it(buf_text(&text), len, NULL) == wanted;
		memset(copy + len, 0, text.len - len);
		/* Zeros at the end are a mark that did not come to the disk. */
		zeroed = zeroed && read_it(copy, text.len, NULL) == (len < bare.len ? -1 : wanted);
		free(copy);
	}
	check(good, "A7 cut anywhere: the whole marks count, and without the rest it is damaged");
	check(zeroed, "A7 zeros behind any octet: the same");
	for (size_t i = bare.len; i < text.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			int got;
			bool has[3];

			text.data[i] ^= (char)(1U << bit);
			got = read_it(buf_text(&text), text.len, has);
			/* The last line end gone is a mark cut short; the word of the first mark says
			 * where what the digest covers ends. */
			flipped = flipped && ((got >= UNREADABLE && got < UNREADABLE + 3) ||
				(i == text.len - 1 && got == 2 && !has[2]) ||
				(i < bare.len + strlen("delivered ") && got == -1));
			text.data[i] ^= (char)(1U << bit);
		}
	check(flipped, "A7 any bit of the marks turned is noticed");
	buf_release(&bare);
	buf_release(&text);
	entry_release(&n);
}

/* --- on disk -------------------------------------------------------------- */

static void load(struct rig *r, struct held **h, struct entry *n)
{
	struct err e = { 0 };
	char id[] = ID;

	rig_start(r);
	check_int(rig_enter(r, QUEUE_NEW, id, &e), 0, "stored");
	check_int(spool_hold(r->spool, QUEUE_NEW, ID, h, &e), 1, "held");
	check_int(held_load(*h, true, n, &e), 0, "loaded: %s", e.text);
}

static void check_seen(const struct rig *r, enum recipient_state one, enum recipient_state two)
{
	struct entry seen = { 0 };
	struct err e = { 0 };

	check_int(spool_peek(r->spool, QUEUE_NEW, ID, &seen, &e), 0, "looked at: %s", e.text);
	check_int(seen.recipients[0].state, one, "B4 the first");
	check_int(seen.recipients[1].state, two, "B4 the second");
	entry_release(&seen);
}

static void test_marks(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;

	load(&r, &h, &n);
	check_int(held_open(h, &n, 2, &e), 0, "opened: %s", e.text);
	check_int(rig_count(&r, "tmp"), 0, "B2 it is in force");
	check_seen(&r, RECIPIENT_WAITING, RECIPIENT_WAITING);
	held_mark_one(h, 2);
	check(!held_marks_failed(h), "B2 marked");
	check_seen(&r, RECIPIENT_WAITING, RECIPIENT_DELIVERED);
	check_int(spool_sync(r.spool, &e), 0, "B2 synced: %s", e.text);
	held_mark_one(h, 1);
	check_seen(&r, RECIPIENT_DELIVERED, RECIPIENT_DELIVERED);
	check_int(spool_unsynced(r.spool), 1, "B2 to be synced again");
	n.recipients[0].state = RECIPIENT_DELIVERED;
	n.recipients[1].state = RECIPIENT_FAILED;
	check_int(held_update(h, &n, false, &e), 0, "replaced as a whole: %s", e.text);
	check_seen(&r, RECIPIENT_DELIVERED, RECIPIENT_FAILED);
	held_free(&h);
	entry_release(&n);
	rig_end(&r);
}

/* Prepared anew, it takes no more marks: they would be of the file that is gone. */
static void test_over(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;

	load(&r, &h, &n);
	held_mark_one(h, 1);
	check(held_marks_failed(h), "B2 without an open one the mark fails and says so");
	held_free(&h);
	check_int(spool_hold(r.spool, QUEUE_NEW, ID, &h, &e), 1, "held again");
	check_int(held_open(h, &n, 2, &e), 0, "opened");
	n.recipients[0].state = RECIPIENT_DELIVERED;
	check_int(held_prepare(h, &n, &e), 0, "prepared");
	held_mark_one(h, 2);
	check(held_marks_failed(h), "B2 it is closed");
	check_seen(&r, RECIPIENT_WAITING, RECIPIENT_WAITING);
	held_mark(h);
	check_seen(&r, RECIPIENT_DELIVERED, RECIPIENT_WAITING);
	held_free(&h);
	entry_release(&n);
	rig_end(&r);
}

/* A mark that cannot be written whole leaves none, and no half one. */
static void test_full(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;

	load(&r, &h, &n);
	check_int(held_open(h, &n, 2, &e), 0, "opened");
	h->spool->marks = 0;
	signal(SIGXFSZ, SIG_IGN);
	if (fork() == 0) {
		struct rlimit most = { h->open_size + 5, h->open_size + 5 };

		setrlimit(RLIMIT_FSIZE, &most);
		held_mark_one(h, 1);
		_exit(held_marks_failed(h) ? 0 : 1);
	} else {
		int status = 1;

		wait(&status);
		check_int(status, 0, "A4 it fails, and says so");
	}
	check_seen(&r, RECIPIENT_WAITING, RECIPIENT_WAITING);
	held_mark_one(h, 2);
	check_seen(&r, RECIPIENT_WAITING, RECIPIENT_DELIVERED);
	held_free(&h);
	entry_release(&n);
	rig_end(&r);
}

int main(void)
{
	test_file();
	test_bad_marks();
	test_cut();
	test_marks();
	test_over();
	test_full();
	return tap_done();
}
