/* t/unit/queue_park.c - parked accounts, counted connections, kept rates. */
#include "t/unit/queue_rig.h"

#include <signal.h>
#include <time.h>

#include "queue/park.h"

static const struct retry_settings usual = { .first = 300000, .most = 14400000 };
static const int64_t now = 1764000000;
enum { MIDDLE = 1 << 30 };   /* doubled: the random number that shifts nothing */

/* --- the rules ------------------------------------------------------------ */

static void set(struct park *p, enum park_kind kind, const char *fingerprint, int64_t when)
{
	park_set(p, kind, "login-refused", "535 no", fingerprint, &usual, 2U * MIDDLE, when);
}

static void test_set(void)
{
	struct park p = { 0 };

	check(!park_blocks(&p, &usual, "f", now), "C9 nothing is parked");
	set(&p, PARK_LOGIN, "f", now);
	check_int(p.kind, PARK_LOGIN, "C9 parked");
	check_int(p.since, now, "C9 since now");
	check_int(p.until, now + 300, "C9 for five minutes");
	check_int(p.steps, 1, "C9 the first step");
	check_text(p.cause, "login-refused", "its cause");
	check_text(p.reason, "535 no", "in words");
	check(park_blocks(&p, &usual, "f", now), "C9 nothing is tried");
	check(park_blocks(&p, &usual, "f", now + 299), "C9 to the end of it");
	check(!park_blocks(&p, &usual, "f", now + 300), "C9 and then it is");
	check(!park_blocks(&p, &usual, "other", now), "C9 a changed configuration releases it");
	set(&p, PARK_LOGIN, "f", now + 1);
	check_int(p.steps, 1, "C9 a session that was open as well is no second step");
	check_int(p.until, now + 300, "C9 nor a longer wait");
	p.told = true;
	set(&p, PARK_NETWORK, "f", now + 300);
	check_int(p.steps, 2, "C9 the next try is");
	check_int(p.until, now + 900, "C9 and waits twice as long");
	check_int(p.since, now, "since the first");
	check(p.told, "who was told is not told again");
	set(&p, PARK_LOGIN, "changed", now + 301);
	check_int(p.steps, 1, "C9 another configuration begins anew");
	check_int(p.until, now + 601, "C9 with the first wait");
	set(&p, PARK_LOGIN, NULL, now + 302);
	check_text(p.fingerprint, "", "none at all is one, too");
	check(park_blocks(&p, &usual, NULL, now + 302), "and is the same as itself");
	park_release(&p);
	check_int(p.kind, PARK_NONE, "released");
}

static void test_jumps(void)
{
	struct park p = { 0 };

	set(&p, PARK_NETWORK, "f", now);
	check(!park_blocks(&p, &usual, "f", now - 86400), "B7 the clock was put back: tried");
	check(!park_blocks(&p, &usual, "f", now + 86400), "B7 or forward: tried");
	set(&p, PARK_NETWORK, "f", now - 86400);
	check_int(p.until, now - 86400 + 600, "B7 and parked again by the clock as it is");
	park_release(&p);
}

static void test_clear(void)
{
	struct park p = { 0 };

	set(&p, PARK_RATE, "f", now);
	p.rate_next = 77;
	p.told = true;
	snprintf(p.later_sender, sizeof(p.later_sender), "anna@example.org");
	park_clear(&p);
	check_int(p.kind, PARK_NONE, "a success clears it");
	check_int(p.steps + p.until + p.since + p.told, 0, "whole");
	check_text(p.reason, NULL, "with its words");
	check_text(p.later_sender, "", "and the last sender");
	check_int(p.rate_next, 77, "but not the rate");
	park_release(&p);
}

static void refuse(struct park *p, const char *address, const char *fingerprint, int64_t when)
{
	park_sender_set(p, address, "sender-refused", "550 5.7.60 not yours", fingerprint, &usual,
		2U * MIDDLE, when);
}

static const struct parked_sender *blocks(const struct park *p, const char *address, int64_t when)
{
	return park_sender_blocks(p, address, &usual, "f", when);
}

static void test_senders(void)
{
	struct park p = { 0 };
	char name[40];

	check(!blocks(&p, "a@x.test", now), "C9 nobody is parked");
	refuse(&p, "a@x.test", "f", now);
	check(blocks(&p, "a@x.test", now + 299) != NULL, "C9 a refused sender waits");
	check_text(blocks(&p, "a@x.test", now)->reason, "550 5.7.60 not yours", "and says why");
	check(!blocks(&p, "b@x.test", now), "others do not");
	check_int(p.kind, PARK_NONE, "nor does the account");
	check(!blocks(&p, "a@x.test", now + 300), "C9 for five minutes");
	refuse(&p, "a@x.test", "f", now + 1);
	check_int(p.senders[0].steps, 1, "C9 a session that was open as well is no second step");
	refuse(&p, "a@x.test", "f", now + 300);
	check(blocks(&p, "a@x.test", now + 899) && !blocks(&p, "a@x.test", now + 900), "C9 then for ten");
	check(!park_sender_blocks(&p, "a@x.test", &usual, "g", now + 301), "C9 a changed configuration releases it");
	check(!blocks(&p, "a@x.test", now - 86400), "B7 so does a clock that was put back");
	set(&p, PARK_LOGIN, "f", now);
	park_clear(&p);
	check(blocks(&p, "a@x.test", now + 301) != NULL, "a success of the account is none of the sender's");
	for (unsigned i = 0; i < 2 * PARK_SENDERS; i++) {
		snprintf(name, sizeof(name), "n%u@x.test", i);
		refuse(&p, name, "f", now + 1000 + i);
	}
	check_int(p.sender_count, PARK_SENDERS, "F5 so many are known and no more");
	check(!blocks(&p, "n0@x.test", now + 1050) && blocks(&p, name, now + 1050), "the newest of them");
	park_sender_clear(&p, name);
	check(!blocks(&p, name, now + 1050), "who was taken is free");
	check_int(p.sender_count, PARK_SENDERS - 1, "and forgotten");
	refuse(&p, "z@x.test", "g", now);
	check_int(p.sender_count, 1, "by another configuration the others are as well");
	park_release(&p);
	check_int(p.sender_count, 0, "released");
}

/* --- on disk -------------------------------------------------------------- */

static void fill(struct park *p, void *context)
{
	const char *reason = context;

	park_set(p, PARK_LOGIN, "login-refused", reason, "0123", &usual, 2U * MIDDLE, now);
	p->overridden = now - 5;
	p->told = true;
	p->rate_next = 1764000000123;
	p->warned = now - 7;
	snprintf(p->later_sender, sizeof(p->later_sender), "anna@example.org");
	park_sender_set(p, "bert@example.org", "sender-refused", "553 5.7.1 no\nsender x", "0123",
		&usual, 2U * MIDDLE, now);
	park_sender_set(p, "", "sender-refused", NULL, "0123", &usual, 2U * MIDDLE, now);
}

static void forget(struct park *p, void *context)
{
	(void)context;
	park_clear(p);
}

static const char text[] =
	"sendoff-account 1\n"
	"kind login\n"
	"since 1764000000\n"
	"until 1764000300\n"
	"set 1764000000\n"
	"steps 1\n"
	"cause login-refused\n"
	"reason 535%205.7.8%20no%0A\n"
	"fingerprint 0123\n"
	"overridden 1763999995\n"
	"told yes\n"
	"later-sender anna@example.org\n"
	"rate-next 1764000000123\n"
	"warned 1763999993\n"
	"senders-of 0123\n"
	"sender <bert@example.org>\n"
	"sender-until 1764000300\n"
	"sender-set 1764000000\n"
	"sender-steps 1\n"
	"sender-cause sender-refused\n"
	"sender-reason 553%205.7.1%20no%0Asender%20x\n"
	"sender <>\n"
	"sender-until 1764000300\n"
	"sender-set 1764000000\n"
	"sender-steps 1\n"
	"sender-cause sender-refused\n"
	"end\n";

static void test_file(void)
{
	char reason[] = "535 5.7.8 no\n", file[2000];
	struct rig r;
	struct err e = { 0 };
	struct park p;
	size_t len;

	rig_start(&r);
	check_int(park_read(r.spool, "work", &p, &e), 0, "nothing is known");
	check_int(p.kind, PARK_NONE, "so it is not parked");
	check_int(park_change(r.spool, "work", fill, reason, &e), 0, "changed: %s", e.text);
	len = rig_read(&r, "accounts", "work", file, sizeof(file) - 1);
	file[len] = '\0';
	check_text(file, text, "E3 the file, to the octet");
	check_int(park_read(r.spool, "work", &p, &e), 0, "read: %s", e.text);
	check_int(p.kind, PARK_LOGIN, "kind");
	check_int(p.until, now + 300, "until");
	check_text(p.reason, reason, "E3 reason, newline and all");
	check_text(p.fingerprint, "0123", "fingerprint");
	check_int(p.overridden, now - 5, "overridden");
	check(p.told, "told");
	check_text(p.later_sender, "anna@example.org", "the last sender");
	check_int(p.rate_next, 1764000000123, "rate");
	check_int(p.warned, now - 7, "warned");
	check_int(p.sender_count, 2, "senders");
	check_text(p.senders[0].address, "bert@example.org", "the first");
	check_text(p.senders[0].reason, "553 5.7.1 no\nsender x", "E3 what was said of it");
	check_text(p.senders[1].address, "", "the null sender");
	park_release(&p);
	check_int(rig_count(&r, "tmp"), 0, "nothing is left in tmp/");
	check_int(park_change(r.spool, "work", forget, NULL, &e), 0, "cleared");
	check_int(park_read(r.spool, "work", &p, &e), 0, "read");
	check_int(p.kind, PARK_NONE, "not parked");
	park_release(&p);
	rig_end(&r);
}

/* Cut, or anything else than what is written: not parked, and nothing stops. */
static void test_damage(void)
{
	char other[sizeof(text)], reason[] = "new";
	struct rig r;
	struct err e = { 0 };
	struct park p;
	bool good = true;

	rig_start(&r);
	for (size_t cut = 0; cut < sizeof(text) - 1; cut += 1) {
		char *path = mem_printf("%s/accounts/work", r.path);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		good = good && write(fd, text, cut) == (ssize_t)cut;
		close(fd);
		free(path);
		good = good && park_read(r.spool, "work", &p, &e) == 0 && p.kind == PARK_NONE &&
			!p.reason && !*p.fingerprint;
	}
	check(good, "A7 cut anywhere it is not parked");
	memcpy(other, text, sizeof(text));
	memcpy(strstr(other, "steps"), "STEPS", 5);
	rig_write(&r, "accounts", "work", other, sizeof(text) - 1);
	check_int(park_read(r.spool, "work", &p, &e), 0, "an unknown word");
	check_int(p.kind, PARK_NONE, "A7 neither");
	rig_write(&r, "accounts", "work", "sendoff-account 2\nkind login\nend\n", 33);
	check_int(park_read(r.spool, "work", &p, &e), 0, "another version");
	check_int(p.kind, PARK_NONE, "A9 neither");
	check_int(park_change(r.spool, "work", fill, reason, &e), 0, "changed: %s", e.text);
	check_int(park_read(r.spool, "work", &p, &e), 0, "read");
	check_text(p.reason, "new", "A7 and it is whole again");
	park_release(&p);
	rig_end(&r);
}

static void check_name(struct rig *r, const char *account, const char *file)
{
	char reason[] = "x";
	struct err e = { 0 };
	struct park p;

	check_int(park_change(r->spool, account, fill, reason, &e), 0, "an account: %s", e.text);
	check(rig_is_there(r, "accounts", file), "F7 in the file %s", file);
	check_int(park_read(r->spool, account, &p, &e), 0, "read");
	check_int(p.kind, PARK_LOGIN, "F7 and found again");
	park_release(&p);
}

static void test_names(void)
{
	struct rig r;
	struct err e = { 0 };
	struct park p;
	char long_name[300];

	rig_start(&r);
	check_name(&r, "work", "work");
	check_name(&r, "me@example.com", "me%40example.com");
	check_name(&r, "..", "%2E%2E");
	check_name(&r, ".hidden", "%2Ehidden");
	check_name(&r, "../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd");
	check_name(&r, "work.lock", "work%2Elock");
	check_name(&r, "work.lock.", "work.lock%2E");
	check_name(&r, "a%b", "a%25b");
	check_name(&r, "b\xc3\xbc", "b%C3%BC");
	check_name(&r, "", "%");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	check_int(park_read(r.spool, long_name, &p, &e), -1, "a name that is too long");
	check_int(e.kind, ERR_STORE, "is told: %s", e.text);
	rig_end(&r);
}

static void test_planted(void)
{
	char reason[] = "x", path[160];
	struct rig r;
	struct err e = { 0 };
	struct slot *one, *two;
	struct park p;

	rig_start(&r);
	snprintf(path, sizeof(path), "%s/accounts/work", r.path);
	check_int(symlink("/etc/passwd", path), 0, "a link in place of the file");
	check_int(park_read(r.spool, "work", &p, &e), 0, "F7 read");
	check_int(p.kind, PARK_NONE, "F7 as nothing");
	check_int(park_change(r.spool, "work", fill, reason, &e), 0, "F7 replaced: %s", e.text);
	check_int(park_read(r.spool, "work", &p, &e), 0, "read");
	check_int(p.kind, PARK_LOGIN, "F7 by a file of ours");
	park_release(&p);
	snprintf(path, sizeof(path), "%s/accounts/home.lock", r.path);
	check_int(mkfifo(path, 0600), 0, "a pipe in place of a lock");
	check_int(park_change(r.spool, "home", fill, reason, &e), 0, "F7 stops nobody: %s", e.text);
	snprintf(path, sizeof(path), "%s/accounts/home.lock+", r.path);
	check_int(access(path, F_OK), 0, "F7 another file is the lock");
	unlink(path);
	check_int(mkdir(path, 0700), 0, "a directory in its place");
	check_int(slot_take(r.spool, "home", 1, &one, &e), 1, "C5 a connection: %s", e.text);
	check_int(slot_take(r.spool, "home", 1, &two, &e), 0, "C5 and not two");
	slot_free(&one);
	rig_end(&r);
}

/* --- many at once --------------------------------------------------------- */

static void step(struct park *p, void *context)
{
	(void)context;
	p->steps++;
}

static int add_steps(struct rig *r)
{
	struct rig mine = *r;
	struct err e = { 0 };

	if (spool_open(&mine.spool, r->path, false, &e) < 0)
		return 1;
	for (unsigned i = 0; i < 100; i++)
		if (park_change(mine.spool, "work", step, NULL, &e) < 0)
			return 2;
	return 0;
}

static void test_crowd(void)
{
	enum { CROWD = 4 };
	struct rig r;
	struct err e = { 0 };
	struct park p;
	pid_t pids[CROWD];
	int status, good = 0;

	rig_start(&r);
	fflush(stdout);
	for (unsigned i = 0; i < CROWD; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(add_steps(&r));
	}
	for (unsigned i = 0; i < CROWD; i++)
		good += waitpid(pids[i], &status, 0) == pids[i] && status == 0;
	check_int(good, CROWD, "C5 several change it at the same time");
	check_int(park_read(r.spool, "work", &p, &e), 0, "read");
	check_int(p.steps, CROWD * 100, "C5 and no change is lost");
	park_release(&p);
	rig_end(&r);
}

/* Whoever holds the lock and was stopped keeps nobody waiting for ever. */
static void test_stopped_holder(void)
{
	char reason[] = "x";
	struct timespec start, end;
	struct rig r;
	struct err e = { 0 };
	int fd;

	rig_start(&r);
	fd = account_open_lock(r.spool, "work", &e);
	check_int(account_lock(fd, 0), 1, "somebody has the lock and keeps it");
	clock_gettime(CLOCK_MONOTONIC, &start);
	check_int(park_change(r.spool, "work", fill, reason, &e), -1, "C1 it is not waited for");
	clock_gettime(CLOCK_MONOTONIC, &end);
	check(end.tv_sec - start.tv_sec < 30, "C1 for ever");
	check(strstr(e.text, "'work' is locked"), "C1 told: %s", e.text);
	close(fd);
	check_int(park_change(r.spool, "work", fill, reason, &e), 0, "let go, it goes on");
	rig_end(&r);
}

/* --- connections ---------------------------------------------------------- */

static int hold_slot(struct rig *r)
{
	struct rig mine = *r;
	struct slot *slot;
	struct err e = { 0 };

	if (spool_open(&mine.spool, r->path, false, &e) < 0)
		return 1;
	return slot_take(mine.spool, "work", 3, &slot, &e) == 1 ? raise(SIGKILL) : 2;
}

static void test_slots(void)
{
	struct rig r;
	struct err e = { 0 };
	struct slot *a, *b, *c, *d;

	rig_start(&r);
	check_int(slot_take(r.spool, "work", 2, &a, &e), 1, "C5 a connection: %s", e.text);
	check_int(slot_take(r.spool, "work", 2, &b, &e), 1, "C5 another");
	check_int(slot_take(r.spool, "work", 2, &c, &e), 0, "C5 and no third");
	check(!c, "C5 which is not there");
	check_int(slot_take(r.spool, "home", 1, &c, &e), 1, "another account has its own");
	check_int(slot_take(r.spool, "home", 0, &d, &e), 0, "and at least one");
	slot_free(&c);
	check_int(slot_take(r.spool, "work", 3, &c, &e), 1, "a third where three are allowed");
	slot_free(&a);
	slot_free(&a);
	check_int(slot_take(r.spool, "work", 2, &a, &e), 1, "one that was given back is free");
	slot_free(&a);
	slot_free(&b);
	check_int(rig_run(hold_slot, &r), -1, "a process is killed that has one");
	check_int(slot_take(r.spool, "work", 3, &a, &e), 1, "B5 a lock is never stale");
	check_int(slot_take(r.spool, "work", 3, &b, &e), 1, "B5 all of them are there");
	check_int(park_change(r.spool, "work", forget, NULL, &e), 0, "they are not that of the text");
	slot_free(&a);
	slot_free(&b);
	slot_free(&c);
	rig_end(&r);
}

/* --- rate ----------------------------------------------------------------- */

static void test_rate(void)
{
	static const int64_t ms = 1764000000000;
	struct rig r;
	struct err e = { 0 };

	rig_start(&r);
	check_int(rate_take(r.spool, "work", 0, ms, &e), 0, "no limit");
	check_int(rig_count(&r, "accounts"), 0, "costs nothing");
	check_int(rate_take(r.spool, "work", 1000, ms, &e), 0, "the first at once");
	check_int(rate_take(r.spool, "work", 1000, ms, &e), 1000, "the second in a second");
	check_int(rate_take(r.spool, "work", 1000, ms + 999, &e), 1, "to the millisecond");
	check_int(rate_take(r.spool, "work", 1000, ms + 1000, &e), 0, "then it is");
	check_int(rate_take(r.spool, "work", 1000, ms + 1500, &e), 500, "and the next waits");
	check_int(rate_take(r.spool, "work", 1000, ms + 60000, &e), 0, "none is saved up");
	check_int(rate_take(r.spool, "work", 1000, ms + 60001, &e), 999, "for later");
	check_int(rate_take(r.spool, "work", 1000, ms - 86400000, &e), 0, "B7 the clock put back");
	check_int(rate_take(r.spool, "home", 1000, ms, &e), 0, "another account has its own");
	rig_end(&r);
}

int main(void)
{
	test_set();
	test_jumps();
	test_clear();
	test_senders();
	test_file();
	test_damage();
	test_names();
	test_planted();
	test_crowd();
	test_stopped_holder();
	test_slots();
	test_rate();
	return tap_done();
}
