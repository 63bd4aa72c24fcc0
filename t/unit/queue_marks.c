/* t/unit/queue_marks.c - what is marked of an entry and where it goes; what is
 * swept, and when; the one watcher.
 */
#include "t/unit/queue_rig.h"

#define ID "abcdefghij27"

static char *enter(struct rig *r, enum queue_state state, char *id)
{
	struct err e = { 0 };

	check_int(rig_enter(r, state, id, &e), 0, "%s is in %s/", id, queue_state_name(state));
	return id;
}

static int hold(struct rig *r, enum queue_state state, const char *id, struct held **h)
{
	struct err e = { 0 };

	return spool_hold(r->spool, state, id, h, &e);
}

static void load(struct rig *r, enum queue_state state, struct held **h, struct entry *n)
{
	struct err e = { 0 };

	check_int(hold(r, state, ID, h), 1, "held");
	check_int(held_load(*h, false, n, &e), 0, "loaded: %s", e.text);
}

/* --- marks ---------------------------------------------------------------- */

static void test_mark(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n, seen;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	load(&r, QUEUE_NEW, &h, &n);
	n.tries = 1;
	check_int(held_prepare(h, &n, &e), 0, "prepared: %s", e.text);
	check_int(rig_count(&r, "tmp"), 1, "in tmp/");
	check_int(rig_count(&r, "control"), 0, "not yet in force");
	n.tries = 2;
	n.recipients[1].state = RECIPIENT_DELIVERED;
	check_int(held_prepare(h, &n, &e), 0, "prepared anew");
	check_int(rig_count(&r, "tmp"), 1, "the first is no more");
	spool_sweep(r.spool, time(NULL) + 100000);
	check_int(rig_count(&r, "tmp"), 1, "A3 what is prepared is not swept, however old");
	held_mark(h);
	check(!held_marks_failed(h), "B2 marked");
	check_int(rig_count(&r, "tmp"), 0, "B2 by a rename");
	check_int(spool_unsynced(r.spool), 1, "B2 which is to be synced");
	check_int(spool_peek(r.spool, QUEUE_NEW, ID, &seen, &e), 0, "looked at");
	check_int(seen.tries, 2, "B4 the newest counts");
	check_int(seen.recipients[1].state, RECIPIENT_DELIVERED, "B4 one has it");
	entry_release(&seen);
	held_mark(h);
	check(held_marks_failed(h), "nothing prepared: the mark fails and says so");
	entry_release(&n);
	held_free(&h);
	check_int(spool_sync(r.spool, &e), 0, "B2 synced");
	rig_end(&r);
}

static void test_done(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	load(&r, QUEUE_NEW, &h, &n);
	check_int(held_update(h, &n, true, &e), 0, "something has happened");
	check_int(held_prepare(h, &n, &e), 0, "prepared");
	held_done(h);
	check(!held_marks_failed(h), "B2 done");
	check(!rig_is_there(&r, "new", ID), "B2 by an unlink");
	check_int(spool_unsynced(r.spool), 1, "B2 which is to be synced");
	entry_release(&n);
	held_free(&h);
	check_int(rig_count(&r, "tmp"), 0, "what was prepared is gone");
	check(rig_is_there(&r, "control", ID), "B2 its control file stays until then");
	check_int(spool_sync(r.spool, &e), 0, "synced");
	check(!rig_is_there(&r, "control", ID), "and then goes");
	check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), 1, "it is gone");
	rig_end(&r);
}

static void test_mark_fails(void)
{
	struct rig r;
	struct held *h = NULL;
	struct entry n;
	char id[] = ID, path[160];

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	load(&r, QUEUE_NEW, &h, &n);
	snprintf(path, sizeof(path), "%s/new/" ID, r.path);
	unlink(path);
	held_done(h);
	check(held_marks_failed(h), "removed behind our back: told");
	check_int(spool_unsynced(r.spool), 0, "and nothing is to be synced");
	entry_release(&n);
	held_free(&h);
	rig_end(&r);
}

/* More marks than are remembered for a sync, none of them lost. */
static void test_many_marks(void)
{
	enum { MANY = 3 * PENDING_MAX };
	struct rig r;
	struct err e = { 0 };
	struct held *h[MANY] = { NULL };
	char ids[MANY][ENTRY_ID_LEN + 1] = { "" };
	bool good = true;

	rig_start(&r);
	for (unsigned i = 0; i < MANY; i++) {
		struct entry n;

		good = good && !rig_enter(&r, QUEUE_NEW, ids[i], &e) &&
			hold(&r, QUEUE_NEW, ids[i], &h[i]) == 1 &&
			!held_load(h[i], false, &n, &e) && !held_prepare(h[i], &n, &e);
		held_mark(h[i]);
		entry_release(&n);
	}
	check(good, "%d entries held and marked", MANY);
	check_int(spool_unsynced(r.spool), PENDING_MAX,
		"B2 never more than so many unsynced, and none that is forgotten");
	for (unsigned i = 0; i < MANY; i++) {
		held_done(h[i]);
		good = good && !held_marks_failed(h[i]);
		held_free(&h[i]);
	}
	check(good, "and all of them done");
	check_int(rig_count(&r, "new"), 0, "nothing is left in new/");
	check_int(rig_count(&r, "control"), PENDING_MAX, "B2 control files wait for the sync");
	check_int(spool_sync(r.spool, &e), 0, "which is made");
	check_int(rig_count(&r, "control") + rig_count(&r, "tmp"), 0, "and nothing is left at all");
	rig_end(&r);
}

static void test_close_syncs(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	load(&r, QUEUE_NEW, &h, &n);
	check_int(held_update(h, &n, false, &e), 0, "something has happened");
	entry_release(&n);
	held_done(h);
	held_free(&h);
	spool_close(&r.spool);
	check_int(rig_count(&r, "control"), 0, "B2 a spool that is closed is synced");
	rig_end(&r);
}

/* --- moving --------------------------------------------------------------- */

static void test_move(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	load(&r, QUEUE_NEW, &h, &n);
	n.tries = 9;
	check_int(held_update(h, &n, false, &e), 0, "something has happened");
	check_int(held_move(h, QUEUE_FAILED, &e), 0, "given up: %s", e.text);
	check_int(spool_unsynced(r.spool), 0, "A10 what is known of it is on disk first");
	check_int(held_move(h, QUEUE_FAILED, &e), 0, "where it is already");
	check(rig_is_there(&r, "failed", ID) && !rig_is_there(&r, "new", ID), "it is moved");
	check(rig_is_there(&r, "control", ID), "its control file is where it was");
	rig_write(&r, "hold", ID, "another", 7);
	check_int(held_move(h, QUEUE_HOLD, &e), -1, "A1 nothing is overwritten");
	check_int(e.kind, ERR_STORE, "but told: %s", e.text);
	check_int(held_state(h), QUEUE_FAILED, "it stays");
	check(rig_is_there(&r, "failed", ID), "where it is");
	entry_release(&n);
	held_free(&h);
	load(&r, QUEUE_FAILED, &h, &n);
	check_int(n.tries, 9, "and is what it was");
	entry_release(&n);
	check_int(held_remove(h, &e), 0, "removed: %s", e.text);
	held_free(&h);
	check(!rig_is_there(&r, "failed", ID) && !rig_is_there(&r, "control", ID),
		"with all that belongs to it");
	rig_end(&r);
}

static void test_set_aside(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	char id[] = ID, text[64];

	rig_start(&r);
	for (unsigned i = 1; i <= 3; i++) {
		snprintf(text, sizeof(text), "damaged %u", i);
		rig_write(&r, i < 3 ? "new" : "hold", id, text, strlen(text));
		check_int(spool_set_aside(r.spool, i < 3 ? QUEUE_NEW : QUEUE_HOLD, id, &e), 0,
			"A7 set aside: %s", e.text);
	}
	check_int(rig_count(&r, "new") + rig_count(&r, "hold"), 0, "A7 out of the way");
	check_int(rig_read(&r, "damaged", ID, text, sizeof(text)), 9, "A7 kept");
	check(!memcmp(text, "damaged 1", 9), "A7 as it is");
	check_int(rig_read(&r, "damaged", ID ".2", text, sizeof(text)), 9, "A7 the second beside");
	check(!memcmp(text, "damaged 2", 9), "A7 it");
	check_int(rig_read(&r, "damaged", ID ".3", text, sizeof(text)), 9, "A7 the third too");
	check_int(spool_set_aside(r.spool, QUEUE_NEW, id, &e), -1, "what is not there is not");
	check_int(e.kind, ERR_STORE, "told: %s", e.text);
	check_int(spool_set_aside(r.spool, QUEUE_NEW, "../tmp", &e), -1, "F7 nor is a path");
	check_int(hold(&r, QUEUE_DAMAGED, ID ".2", &h), 1, "a person may take it");
	check_text(held_id(h), ID ".2", "by its name");
	check_int(held_remove(h, &e), 0, "and remove it: %s", e.text);
	held_free(&h);
	check(!rig_is_there(&r, "damaged", ID ".2"), "which it then is");
	rig_end(&r);
}

/* --- keeping house -------------------------------------------------------- */

static void test_sweep(void)
{
	enum { OLD = 3700, NEW = 3500 };
	struct rig r;
	char id[] = ID, path[160], other[160];

	rig_start(&r);
	enter(&r, QUEUE_HOLD, id);
	rig_write(&r, "tmp", "oldone222222", "x", 1);
	rig_write(&r, "tmp", "newone222222", "x", 1);
	rig_write(&r, "tmp", "future222222", "x", 1);
	rig_write(&r, "tmp", "some notes", "x", 1);
	rig_write(&r, "control", ID, "x", 1);
	rig_write(&r, "control", "oldone222222", "x", 1);
	rig_write(&r, "control", "newone222222", "x", 1);
	rig_write(&r, "control", "some notes", "x", 1);
	rig_write(&r, "damaged", "oldone333333", "x", 1);
	rig_write(&r, "control", "oldone333333", "x", 1);
	rig_age(&r, "tmp", "oldone222222", OLD);
	rig_age(&r, "tmp", "newone222222", NEW);
	rig_age(&r, "tmp", "future222222", -OLD);
	rig_age(&r, "tmp", "some notes", OLD);
	rig_age(&r, "control", ID, OLD);
	rig_age(&r, "control", "oldone222222", OLD);
	rig_age(&r, "control", "oldone333333", OLD);
	rig_age(&r, "control", "newone222222", NEW);
	rig_age(&r, "control", "some notes", OLD);
	snprintf(path, sizeof(path), "%s/tmp/linked222222", r.path);
	snprintf(other, sizeof(other), "%s/damaged/oldone333333", r.path);
	check_int(link(other, path), 0, "a name in tmp/ of something elsewhere");
	snprintf(path, sizeof(path), "%s/tmp/fifo22222222", r.path);
	check_int(mkfifo(path, 0600), 0, "a pipe in tmp/");
	rig_age(&r, "tmp", "fifo22222222", OLD);
	spool_sweep(r.spool, time(NULL));
	check(!rig_is_there(&r, "tmp", "oldone222222"), "A3 an old leftover is swept");
	check(rig_is_there(&r, "tmp", "newone222222"), "A3 a new one is not");
	check(rig_is_there(&r, "tmp", "future222222"), "B7 nor one from the future");
	check(rig_is_there(&r, "tmp", "some notes"), "A3 nor what is not ours");
	check(rig_is_there(&r, "tmp", "linked222222"), "A3 nor what has a name elsewhere");
	check(rig_is_there(&r, "tmp", "fifo22222222"), "A3 nor what is no file");
	check(!rig_is_there(&r, "control", "oldone222222"), "A3 a control without a message is");
	check(rig_is_there(&r, "control", "newone222222"), "A3 but not at once");
	check(rig_is_there(&r, "control", ID), "A3 nor that of a message on hold");
	check(rig_is_there(&r, "control", "oldone333333"), "A3 nor of a damaged one");
	check(rig_is_there(&r, "control", "some notes"), "A3 nor what is not ours");
	rig_end(&r);
}

/* A crash of the file system may leave a message both in tmp/ and in new/. */
static void test_two_names(void)
{
	struct rig r;
	struct held *h;
	char id[] = ID, path[160], other[160];

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	snprintf(path, sizeof(path), "%s/tmp/oldone222222", r.path);
	snprintf(other, sizeof(other), "%s/new/" ID, r.path);
	check_int(link(other, path), 0, "a message with two names");
	check_int(hold(&r, QUEUE_NEW, ID, &h), 0, "is passed over");
	spool_sweep(r.spool, time(NULL));
	check_int(rig_count(&r, "tmp"), 0, "A3 the name in tmp/ is swept at once");
	check_int(hold(&r, QUEUE_NEW, ID, &h), 1, "A3 and the message is to be had");
	held_free(&h);
	rig_end(&r);
}

static void put_failed(struct rig *r, char *id, enum recipient_state state, int64_t when)
{
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;

	enter(r, QUEUE_FAILED, id);
	check_int(hold(r, QUEUE_FAILED, id, &h), 1, "held");
	check_int(held_load(h, false, &n, &e), 0, "loaded");
	n.recipients[0].state = RECIPIENT_DELIVERED;
	n.recipients[1].state = state;
	entry_event(&n, when, "failed", "so it is");
	check_int(held_update(h, &n, true, &e), 0, "updated");
	entry_release(&n);
	held_free(&h);
}

static void test_expire(void)
{
	enum { DAY = 86400, KEEP = 30 * DAY };
	static const time_t now = 1790000000;
	struct rig r;
	char old[] = "oldone222222", young[] = "newone222222", untold[] = "untold222222",
		waiting[] = "waits2222222", future[] = "future222222";

	rig_start(&r);
	put_failed(&r, old, RECIPIENT_REPORTED, now - KEEP - 1);
	put_failed(&r, young, RECIPIENT_REPORTED, now - KEEP);
	put_failed(&r, untold, RECIPIENT_FAILED, now - KEEP - DAY);
	put_failed(&r, waiting, RECIPIENT_WAITING, now - KEEP - DAY);
	put_failed(&r, future, RECIPIENT_REPORTED, now + DAY);
	rig_write(&r, "failed", ID, "damaged", 7);
	check_int(spool_expire_failed(r.spool, now, KEEP), 1, "one has been kept for long enough");
	check(!rig_is_there(&r, "failed", old), "G3 it is gone");
	check(!rig_is_there(&r, "control", old), "with its control file");
	check(rig_is_there(&r, "failed", young), "G3 not one that is a second younger");
	check(rig_is_there(&r, "failed", untold), "A1 not one that nobody was told of");
	check(rig_is_there(&r, "failed", waiting), "A1 not one that somebody waits for");
	check(rig_is_there(&r, "failed", future), "B7 not one from the future");
	check(rig_is_there(&r, "failed", ID), "A7 not one that cannot be read");
	rig_end(&r);
}

static void test_watch(void)
{
	struct rig r;
	struct err e = { 0 };
	struct spool *other;

	rig_start(&r);
	check_int(spool_open(&other, r.path, false, &e), 0, "opened twice");
	check(!spool_is_watched(r.spool), "nobody watches");
	check_int(spool_watch_lock(r.spool, &e), 1, "now somebody does: %s", e.text);
	check_int(spool_watch_lock(r.spool, &e), 1, "who may ask again");
	check(spool_is_watched(r.spool), "who knows it");
	check(spool_is_watched(other), "as others do");
	check_int(spool_watch_lock(other, &e), 0, "one only");
	check(spool_is_watched(other), "asking changes nothing");
	spool_close(&r.spool);
	check(!spool_is_watched(other), "B5 the lock goes with its holder");
	check_int(spool_watch_lock(other, &e), 1, "and is free");
	spool_close(&other);
	rig_end(&r);
}

int main(void)
{
	test_mark();
	test_done();
	test_mark_fails();
	test_many_marks();
	test_close_syncs();
	test_move();
	test_set_aside();
	test_sweep();
	test_two_names();
	test_expire();
	test_watch();
	return tap_done();
}
