/* t/unit/deliver_giveup_sweep.c - deliver/giveup, interrupted at every call that
 * changes a file: killed there, or told that it failed.
 *
 * Behind each interruption somebody else goes on, and then there is one report
 * for each recipient and the message is where it belongs.
 */
#include "t/unit/giveup_rig.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

/* ---- the calls; linked before the library's own */

static unsigned calls_left;   /* until one is interrupted; 0: none is */
static int calls_fail_with;   /* an errno; 0: the process is killed */

static bool interrupted(void)
{
	if (!calls_left || --calls_left)
		return false;
	if (!calls_fail_with)
		raise(SIGKILL);
	errno = calls_fail_with;
	return true;
}

ssize_t write(int fd, const void *data, size_t len)
{
	return interrupted() ? -1 : syscall(SYS_write, fd, data, len);
}

int fsync(int fd)
{
	return interrupted() ? -1 : (int)syscall(SYS_fsync, fd);
}

int renameat(int from, const char *name, int to, const char *new_name)
{
	return interrupted() ? -1 : (int)syscall(SYS_renameat2, from, name, to, new_name, 0);
}

int renameat2(int from, const char *name, int to, const char *new_name, unsigned flags)
{
	return interrupted() ? -1 :
		(int)syscall(SYS_renameat2, from, name, to, new_name, flags);
}

int unlinkat(int directory, const char *name, int flags)
{
	return interrupted() ? -1 : (int)syscall(SYS_unlinkat, directory, name, flags);
}

/* ---- what is interrupted */

struct scene {
	const char *name;
	/* One look at the message, as a flush takes it; n is as it was loaded. */
	int (*step)(struct desk *d, struct taken *t);
	unsigned reports;        /* in the end, about each of both recipients */
	enum queue_state end;    /* where the message is then */
	const char *action;
};

static void refuse(struct entry *n, size_t i)
{
	if (n->recipients[i].state == RECIPIENT_WAITING)
		desk_refuse(n, i, 550, "5.1.1", "550 5.1.1 no such user");
}

static int fail(struct desk *d, struct taken *t)
{
	struct err e;

	return giveup_failed(d->rig.spool, &d->config, &d->account, t->held, &t->entry, &e);
}

static int fail_both(struct desk *d, struct taken *t)
{
	refuse(&t->entry, 0);
	refuse(&t->entry, 1);
	return fail(d, t);
}

/* First one, then the other; what was left undone is done before. */
static int fail_in_turn(struct desk *d, struct taken *t)
{
	if (entry_in_state(&t->entry, RECIPIENT_FAILED) && fail(d, t) < 0)
		return -1;
	refuse(&t->entry, 0);
	if (fail(d, t) < 0)
		return -1;
	refuse(&t->entry, 1);
	return fail(d, t);
}

/* The same by a flush that goes on with its sending whatever giving up came to. */
static int fail_stubbornly(struct desk *d, struct taken *t)
{
	refuse(&t->entry, 0);
	fail(d, t);
	refuse(&t->entry, 1);
	return fail(d, t);
}

static int expire(struct desk *d, struct taken *t)
{
	struct err e;

	if (entry_in_state(&t->entry, RECIPIENT_FAILED))
		return fail(d, t);
	return giveup_expired(d->rig.spool, &d->config, &d->account, t->held, &t->entry, &e);
}

static int delay(struct desk *d, struct taken *t)
{
	struct err e;

	if (t->entry.delay_told)
		return 0;
	return giveup_delayed(d->rig.spool, &d->config, &d->account, t->held, &t->entry, &e);
}

static const struct scene scenes[] = {
	{ "both fail", fail_both, 1, QUEUE_FAILED, "failed" },
	{ "one fails, then the other", fail_in_turn, 1, QUEUE_FAILED, "failed" },
	{ "one fails, then the other, whatever happens", fail_stubbornly, 1, QUEUE_FAILED,
		"failed" },
	{ "expired", expire, 1, QUEUE_FAILED, "failed" },
	{ "delayed", delay, 1, QUEUE_NEW, "delayed" },
};

/* ---- one run */

static void enter(struct desk *d, char id[ENTRY_ID_LEN + 1])
{
	struct entry n = desk_entry(2);
	struct spool_new *file;
	struct err e;

	id[0] = '\0';
	if (spool_begin(d->rig.spool, &file, &e) == 0 && spool_head(file, &n, &e) == 0 &&
			spool_content(file, rig_content, sizeof(rig_content) - 1, &e) == 0)
		spool_enter(&file, QUEUE_NEW, id, &e);
	entry_release(&n);
}

/* Returns what the step came to; 0 too when the message is not in new/. */
static int look(struct desk *d, const struct scene *s, const char *id)
{
	struct taken t;
	int result = 0;

	if (desk_take(d, QUEUE_NEW, id, &t))
		result = s->step(d, &t);
	desk_drop(&t);
	return result;
}

/* What the reports say, one behind the other; each is delivered and gone. */
static int deliver_reports(struct desk *d, struct buf *told, bool only_finish)
{
	struct buf text = BUF_INIT(1 << 20);
	struct spool_list *l = spool_list(d->rig.spool, QUEUE_NEW, &(struct err){ 0 });
	char id[ENTRY_ID_LEN + 1];
	int result = 0;

	while (spool_next(l, id, sizeof(id))) {
		struct taken t;
		struct err e;
		char piece[4096];
		ssize_t got;

		if (desk_take(d, QUEUE_NEW, id, &t) && !*t.entry.sender) {
			result |= giveup_finish(d->rig.spool, &d->config, &t.entry, &e);
			while (!only_finish && (got = held_read(t.held, text.len, piece, sizeof(piece), &e)) > 0)
				buf_add(&text, piece, (size_t)got);
			buf_add(told, buf_text(&text), text.len);
			buf_clear(&text);
			if (!only_finish)
				result |= held_remove(t.held, &e);
		}
		desk_drop(&t);
	}
	spool_list_free(&l);
	buf_release(&text);
	return result;
}

/* In a process of its own: what a flush does with the message, or, s NULL, what it
 * does before a report goes out.  True: it was interrupted. */
static bool interrupt(struct desk *d, const struct scene *s, const char *id, unsigned at, int number)
{
	struct buf unused = BUF_INIT(0);
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		calls_fail_with = number;
		calls_left = at;
		if (s)
			look(d, s, id);
		else
			deliver_reports(d, &unused, true);
		_exit(calls_left ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

static unsigned count(const char *text, const char *part)
{
	unsigned found = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		found++;
	return found;
}

static void empty(struct desk *d)
{
	static const char *const places[] = { "new", "failed", "control", "done", "tmp", "damaged" };

	for (size_t i = 0; i < COUNT(places); i++) {
		char *path = mem_printf("%s/%s", d->rig.path, places[i]);
		DIR *directory = opendir(path);
		const struct dirent *entry;

		while (directory && (entry = readdir(directory)))
			if (entry->d_name[0] != '.')
				unlinkat(dirfd(directory), entry->d_name, 0);
		if (directory)
			closedir(directory);
		free(path);
	}
}

/* True: the at-th call was there to be interrupted.  *good tells how it ended. */
static bool sweep_one(struct desk *d, const struct scene *s, unsigned at, int number,
	bool reports_first, bool *good)
{
	struct buf told = BUF_INIT(1 << 20);
	char id[ENTRY_ID_LEN + 1];
	bool more;

	enter(d, id);
	more = interrupt(d, s, id, at, number);
	for (unsigned i = 1; reports_first && i < 100 && interrupt(d, NULL, id, i, number); i++)
		continue;
	*good = !(reports_first && deliver_reports(d, &told, false) != 0);
	*good = look(d, s, id) == 0 && *good;
	*good = look(d, s, id) == 0 && *good;
	*good = deliver_reports(d, &told, false) == 0 && *good;
	*good = *good && count(buf_text(&told), "Final-Recipient: rfc822; a@example.net") == s->reports
		&& count(buf_text(&told), "Final-Recipient: rfc822; b@example.net") == s->reports
		&& count(buf_text(&told), s->action) >= 2
		&& rig_is_there(&d->rig, queue_state_name(s->end), id)
		&& rig_count(&d->rig, "new") == (s->end == QUEUE_NEW)
		&& rig_count(&d->rig, "damaged") == 0;
	if (!*good)
		printf("# call %u:\n%s\n", at, buf_text(&told));
	buf_release(&told);
	empty(d);
	return more;
}

static void sweep(struct desk *d, const struct scene *s, int number, bool reports_first)
{
	unsigned at = 1, bad = 0;
	bool good;

	while (sweep_one(d, s, at, number, reports_first, &good) && at < 1000) {
		bad += !good;
		at++;
	}
	bad += !good;
	check(!bad && at > 10, "A10 G2 %s, %s at each of %u calls, %s first: told once",
		s->name, number ? strerror(number) : "killed", at - 1,
		reports_first ? "reports" : "the message");
}

int main(void)
{
	static const int numbers[] = { 0, ENOSPC, EIO };
	struct desk d;

	desk_start(&d);
	for (size_t i = 0; i < COUNT(scenes); i++)
		for (size_t k = 0; k < COUNT(numbers); k++) {
			sweep(&d, &scenes[i], numbers[k], false);
			sweep(&d, &scenes[i], numbers[k], true);
		}
	desk_end(&d);
	return tap_done();
}
