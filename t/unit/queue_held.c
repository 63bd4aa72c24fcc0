/* t/unit/queue_held.c - one entry in one's hand: who may have it, and what is read
 * of it, whole or damaged.
 */
#include "t/unit/queue_rig.h"

#include <sys/socket.h>
#include <sys/un.h>

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

/* --- holding -------------------------------------------------------------- */

static void test_hold(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h, *other;
	struct spool *again;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	check_int(hold(&r, QUEUE_HOLD, id, &h), 0, "not where it is not");
	check(!h, "nothing is held");
	check_int(hold(&r, QUEUE_NEW, id, &h), 1, "held");
	check_int(hold(&r, QUEUE_NEW, id, &other), 0, "B5 once only");
	check_int(spool_open(&again, r.path, false, &e), 0, "the spool opened again");
	check_int(spool_hold(again, QUEUE_NEW, id, &other, &e), 0, "B5 neither by another process");
	held_free(&h);
	check_int(spool_hold(again, QUEUE_NEW, id, &other, &e), 1, "B5 let go: taken");
	held_free(&other);
	spool_close(&again);
	check_int(hold(&r, QUEUE_NEW, "../new/" ID, &h), 0, "F7 no path is an id");
	check_int(hold(&r, QUEUE_NEW, "", &h), 0, "F7 nor is nothing");
	check_int(hold(&r, QUEUE_DAMAGED, "..", &h), 0, "F7 nor ..");
	check_int(hold(&r, QUEUE_DAMAGED, "../new/" ID, &h), 0, "F7 nor a path in damaged/");
	rig_end(&r);
}

/* What is planted under the name of an entry stops nothing and is left alone. */
static void test_planted(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h;
	struct entry n;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static const char *const names[] = { "fifo22222222", "link22222222", "hard22222222",
		"dir222222222", "sock22222222", "dangle222222", "foreign22222" };
	char id[] = ID, path[160];
	size_t count = COUNT(names);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	snprintf(path, sizeof(path), "%s/new", r.path);
	check_int(chdir(path), 0, "in new/");
	mkfifo(names[0], 0600);
	check_int(symlink(ID, names[1]), 0, "a link to a message");
	rig_write(&r, "damaged", "elsewhere", "x", 1);
	check_int(link("../damaged/elsewhere", names[2]), 0, "a second name");
	mkdir(names[3], 0700);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", names[4]);
	check_int(bind(s, (struct sockaddr *)&address, sizeof(address)), 0, "a socket");
	check_int(symlink("nowhere", names[5]), 0, "a link to nothing");
	rig_write(&r, "new", names[6], "x", 1);
	if (geteuid() != 0 || chown(names[6], 12345, 12345) < 0)
		count--;
	for (size_t i = 0; i < count; i++) {
		check_int(hold(&r, QUEUE_NEW, names[i], &h), 0, "F7 %s is not held", names[i]);
		check_int(spool_peek(r.spool, QUEUE_NEW, names[i], &n, &e), i == 2 || i == 6 ? -1 : 1,
			"F7 nor read");
		if (i == 2)
			check_int(e.kind, ERR_STORE, "A7 a message may have two names: %s", e.text);
		if (i == 6)
			check_int(e.kind, ERR_DAMAGED, "A7 another's is to be set aside: %s", e.text);
	}
	check_int(hold(&r, QUEUE_NEW, id, &h), 1, "F7 the message among them is");
	held_free(&h);
	check_int(chdir("/"), 0, "out again");
	for (size_t i = 0; i < count; i++)
		check(rig_is_there(&r, "new", names[i]), "F7 %s is left alone", names[i]);
	close(s);
	rig_end(&r);
}

/* Between the open and the lock the file may have been moved away or replaced. */
static void test_moved_meanwhile(void)
{
	struct rig r;
	struct held *first, *second;
	struct err e = { 0 };
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	check_int(hold(&r, QUEUE_NEW, id, &first), 1, "held");
	check_int(held_move(first, QUEUE_HOLD, &e), 0, "moved");
	check_int(hold(&r, QUEUE_NEW, id, &second), 0, "B5 gone from where it was");
	check_int(hold(&r, QUEUE_HOLD, id, &second), 0, "B5 and still held where it is");
	held_free(&first);
	check_int(hold(&r, QUEUE_HOLD, id, &second), 1, "B5 let go: taken");
	held_done(second);
	check(!held_marks_failed(second), "done");
	enter(&r, QUEUE_HOLD, id);
	check_int(hold(&r, QUEUE_HOLD, id, &first), 1, "another of that name is another");
	held_free(&first);
	held_free(&second);
	check(rig_is_there(&r, "hold", id), "and is not touched");
	rig_end(&r);
}

/* --- damage --------------------------------------------------------------- */

static char whole[4096];
static size_t whole_len;

/* Writes the octets as the entry and loads it. */
static enum err_kind load_kind(struct rig *r, const char *data, size_t len, bool with_digest)
{
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char *path = mem_printf("%s/new/" ID, r->path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (write(fd, data, len) != (ssize_t)len)
		e.kind = ERR_SYSTEM;
	close(fd);
	free(path);
	if (hold(r, QUEUE_NEW, ID, &h) != 1)
		return ERR_SYSTEM;
	if (held_load(h, with_digest, &n, &e) == 0)
		entry_release(&n);
	else if (n.count || n.login || !*e.text)
		e.kind = ERR_INTERNAL;   /* something was left */
	held_free(&h);
	return e.kind;
}

/* A7's table: cut, grown, zeroed, flipped, foreign. */
static void test_damage(void)
{
	struct rig r;
	char id[] = ID, other[8192];
	bool good = true;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	whole_len = rig_read(&r, "new", id, whole, sizeof(whole));
	check_int(load_kind(&r, whole, whole_len, true), ERR_NONE, "A7 whole it is good");
	for (size_t cut = 0; cut < whole_len; cut++)
		good = good && load_kind(&r, whole, cut, false) == ERR_DAMAGED;
	check(good, "A7 cut anywhere it is damaged, even without the digest");
	for (size_t at = 0; at < whole_len; at++)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			whole[at] ^= (char)(1U << bit);
			good = good && load_kind(&r, whole, whole_len, true) ==
				(at == strlen("sendoff-message ") && bit == 3 ? ERR_FORMAT :
				ERR_DAMAGED);
			whole[at] ^= (char)(1U << bit);
		}
	check(good, "A7 with any bit turned it is damaged (or of another version)");
	for (size_t from = 0; from < whole_len; from += 7) {
		memcpy(other, whole, whole_len);
		memset(other + from, 0, whole_len - from);
		good = good && load_kind(&r, other, whole_len, true) == ERR_DAMAGED;
	}
	check(good, "A7 zeroed from anywhere it is damaged");
	memcpy(other, whole, whole_len);
	other[whole_len] = '\n';
	check_int(load_kind(&r, other, whole_len + 1, false), ERR_DAMAGED, "A7 grown");
	memcpy(other + whole_len, whole, whole_len);
	check_int(load_kind(&r, other, 2 * whole_len, false), ERR_DAMAGED, "A7 doubled");
	check_int(load_kind(&r, "", 0, false), ERR_DAMAGED, "A7 empty");
	memset(other, '\n', sizeof(other));
	check_int(load_kind(&r, other, sizeof(other), false), ERR_DAMAGED, "A7 only lines");
	check_int(load_kind(&r, "From: a@b\r\n\r\nhi\r\n", 17, false), ERR_DAMAGED, "A7 foreign");
	check_int(load_kind(&r, "sendoff-message 2\nnovelties\n", 28, true), ERR_FORMAT,
		"A9 of a newer release: known as such");
	rig_end(&r);
}

static void test_damage_of_large(void)
{
	enum { SIZE = 200000 };
	struct rig r;
	struct err e = { 0 };
	char id[] = ID, *content = mem_alloc(SIZE);
	struct held *h = NULL;
	struct entry n;
	int fd;
	char *path;

	rig_start(&r);
	check_int(rig_enter_content(&r, QUEUE_NEW, id, content, SIZE, &e), 0, "a large one");
	path = mem_printf("%s/new/" ID, r.path);
	fd = open(path, O_RDWR);
	check_int(pwrite(fd, "x", 1, 150000), 1, "with one octet changed");
	check_int(hold(&r, QUEUE_NEW, id, &h), 1, "held");
	check_int(held_load(h, false, &n, &e), 0, "without the digest nothing is seen");
	entry_release(&n);
	check_int(held_load(h, true, &n, &e), -1, "A7 with it the damage is");
	check_int(e.kind, ERR_DAMAGED, "A7 as such: %s", e.text);
	check_int(held_load(h, false, &n, &e), 0, "loaded again");
	check_int(ftruncate(fd, 1000), 0, "cut while it is held");
	check_int(held_read(h, 2000, content, 100, &e), -1, "A7 is no end of the message");
	check_int(e.kind, ERR_STORE, "A7 but an error: %s", e.text);
	close(fd);
	entry_release(&n);
	held_free(&h);
	free(path);
	free(content);
	rig_end(&r);
}

/* A head that the first read does not reach the end of. */
static void check_long_head(struct rig *r, unsigned recipients)
{
	struct entry n = rig_entry(5), back;
	struct spool_new *new;
	struct held *h = NULL;
	struct err e = { 0 };
	char id[ENTRY_ID_LEN + 1] = "", octets[8];
	bool good = true;

	for (unsigned i = 0; i < recipients; i++)
		entry_add_recipient(&n, "somebody@example.com", NULL);
	good = !spool_begin(r->spool, &new, &e) && !spool_head(new, &n, &e) &&
		!spool_content(new, "12345", 5, &e) && !spool_enter(&new, QUEUE_NEW, id, &e);
	check(good, "%u recipients: %s", recipients + 2, e.text);
	check_int(spool_peek(r->spool, QUEUE_NEW, id, &back, &e), 0, "listed: %s", e.text);
	check_int(back.count, recipients + 2, "with all of them");
	entry_release(&back);
	check_int(hold(r, QUEUE_NEW, id, &h), 1, "held");
	check_int(held_load(h, true, &back, &e), 0, "loaded: %s", e.text);
	check_int(held_read(h, 0, octets, sizeof(octets), &e), 5, "and its content");
	check(!memcmp(octets, "12345", 5), "is behind the head");
	entry_release(&back);
	held_done(h);
	held_free(&h);
	entry_release(&n);
}

static void test_long_heads(void)
{
	struct rig r;

	rig_start(&r);
	/* Around the end of the first read: the empty line lies across it somewhere. */
	for (unsigned i = 285; i < 302; i++)
		check_long_head(&r, i);
	check_long_head(&r, 1000);
	check_long_head(&r, 100000);
	rig_end(&r);
}

/* --- the control file ----------------------------------------------------- */

static void load(struct rig *r, enum queue_state state, struct held **h, struct entry *n)
{
	struct err e = { 0 };

	check_int(hold(r, state, ID, h), 1, "held");
	check_int(held_load(*h, false, n, &e), 0, "loaded: %s", e.text);
}

static void test_update(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID;

	for (int sync = 0; sync < 2; sync++) {
		rig_start(&r);
		enter(&r, QUEUE_NEW, id);
		load(&r, QUEUE_NEW, &h, &n);
		check_int(rig_count(&r, "control"), 0, "nothing has happened: no control file");
		n.tries = 3;
		n.recipients[0].state = RECIPIENT_DELIVERED;
		entry_event(&n, 1764000001, "sent", "to bob");
		check_int(held_update(h, &n, sync, &e), 0, "updated: %s", e.text);
		check_int(spool_unsynced(r.spool), !sync, "B2 and counted if it is not yet synced");
		check_int(rig_count(&r, "tmp"), 0, "nothing is left in tmp/");
		entry_release(&n);
		held_free(&h);
		check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), 0, "looked at: %s", e.text);
		check_int(n.tries, 3, "three tries");
		check_int(entry_waiting(&n), 1, "B4 one recipient waits");
		check_text(n.events[0].text, "to bob", "what happened");
		entry_release(&n);
		check_int(spool_sync(r.spool, &e), 0, "synced: %s", e.text);
		check_int(spool_unsynced(r.spool), 0, "B2 nothing is unsynced");
		rig_end(&r);
	}
}

static void check_control_damage(const char *data, size_t len, bool newer)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	rig_write(&r, "control", ID, data, len);
	check_int(hold(&r, QUEUE_NEW, ID, &h), 1, "held");
	if (newer) {
		check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), -1, "A9 not listed");
		check_int(e.kind, ERR_FORMAT, "A9 since it is newer: %s", e.text);
		check_int(held_load(h, true, &n, &e), -1, "A9 not loaded");
		check_int(e.kind, ERR_FORMAT, "A9 either");
		check(rig_is_there(&r, "control", ID), "A9 and left alone");
		check(rig_is_there(&r, "new", ID), "A9 as is the message");
		held_free(&h);
		rig_end(&r);
		return;
	}
	check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), 0, "A7 listed all the same");
	check_text(n.events[0].what, "damaged", "A7 with a word about it");
	entry_release(&n);
	check(rig_is_there(&r, "control", ID), "A7 looking changes nothing");
	check_int(held_load(h, true, &n, &e), 0, "A7 the entry goes on: %s", e.text);
	check_int(n.event_count, 1, "A7 with an event");
	check_text(n.events[0].what, "damaged", "A7 that says so");
	check(strstr(n.events[0].text, "kept as damaged/" ID ".control"), "A7 and where: %s",
		n.events[0].text);
	check(!rig_is_there(&r, "control", ID), "A7 it is out of the way");
	check(rig_is_there(&r, "damaged", ID ".control"), "A7 and kept");
	check_int(entry_waiting(&n), 2, "A7 everybody waits");
	entry_release(&n);
	held_free(&h);
	rig_end(&r);
}

static void test_control_damage(void)
{
	static const char of_another[] = "sendoff-control 1\nsha256 "
		"5ac8a03ad45d8f6b4f2c1f8cbd1a5f8c3be04e3de1e9e4ef2dbd8b7a4aaa3a2e\n"
		"entry abcdefghij26 1764000000\n";

	check_control_damage("", 0, false);
	check_control_damage("\0\0\0\0\0\0\0\0", 8, false);
	check_control_damage("sendoff-control 1\n", 18, false);
	check_control_damage(of_another, sizeof(of_another) - 1, false);
	check_control_damage("sendoff-control 2\nmore\n", 23, false);
	check_control_damage("sendoff-control 3\nmore\n", 23, true);
}

/* A control file that is a link or a directory is no control file. */
static void test_control_planted(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID, path[160];

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	snprintf(path, sizeof(path), "%s/control/" ID, r.path);
	check_int(symlink("/etc/passwd", path), 0, "a link in its place");
	check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), 0, "F7 looked at: %s", e.text);
	entry_release(&n);
	load(&r, QUEUE_NEW, &h, &n);
	check(rig_is_there(&r, "damaged", ID ".control"), "F7 out of the way and kept");
	entry_release(&n);
	check_int(mkdir(path, 0700), 0, "a directory in its place");
	check_int(held_load(h, false, &n, &e), 0, "F7 loaded: %s", e.text);
	check(rig_is_there(&r, "damaged", ID ".control.2"), "F7 and kept beside the other");
	check(strstr(n.events[0].text, "no file of ours"), "F7 told: %s", n.events[0].text);
	entry_release(&n);
	held_free(&h);
	rig_end(&r);
}

/* A list that knows control/ to be empty sees what comes into it. */
static void test_peek_sees_control(void)
{
	struct rig r;
	struct err e = { 0 };
	struct held *h = NULL;
	struct entry n;
	char id[] = ID;

	rig_start(&r);
	enter(&r, QUEUE_NEW, id);
	rig_age(&r, ".", "control", 100);
	check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), 0, "looked at: %s", e.text);
	check_int(n.tries, 0, "nothing has happened");
	check(r.spool->seen_empty, "which is known of all");
	entry_release(&n);
	load(&r, QUEUE_NEW, &h, &n);
	n.tries = 1;
	check_int(held_update(h, &n, false, &e), 0, "something happens");
	held_free(&h);
	entry_release(&n);
	for (unsigned i = 0; i < 2; i++) {
		check_int(spool_peek(r.spool, QUEUE_NEW, ID, &n, &e), 0, "looked at: %s", e.text);
		check_int(n.tries, 1, "and is seen");
		entry_release(&n);
		rig_age(&r, ".", "control", 50);
	}
	check(!r.spool->seen_empty, "it is not empty any more");
	rig_end(&r);
}

int main(void)
{
	test_hold();
	test_planted();
	test_moved_meanwhile();
	test_damage();
	test_damage_of_large();
	test_long_heads();
	test_update();
	test_control_damage();
	test_control_planted();
	test_peek_sees_control();
	return tap_done();
}
