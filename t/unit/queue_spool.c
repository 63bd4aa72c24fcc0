/* t/unit/queue_spool.c - messages on disk: in, found, and back again. */
#include "t/unit/queue_rig.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

/* --- opening -------------------------------------------------------------- */

static unsigned mode_of(const char *path)
{
	struct stat st = { 0 };

	lstat(path, &st);
	return st.st_mode & 07777;
}

static void test_open(void)
{
	static const char *const names[] = { "new", "hold", "failed", "damaged", "tmp", "control",
		"done", "accounts" };
	struct rig r;

	umask(0);
	rig_start(&r);
	umask(077);
	check_int(mode_of(r.path), 0700, "F1 the spool is nobody else's");
	for (size_t i = 0; i < COUNT(names); i++) {
		char *path = mem_printf("%s/%s", r.path, names[i]);

		check_int(mode_of(path), 0700, "F1 %s/ is there and nobody else's", names[i]);
		free(path);
	}
	check_text(spool_path(r.spool), r.path, "its path");
	check(spool_directory(r.spool) >= 0, "its directory");
	check(spool_new_directory(r.spool) >= 0, "and that of what waits");
	check_text(queue_state_name(QUEUE_NEW), "new", "names of states");
	check_text(queue_state_name(QUEUE_DAMAGED), "damaged", "to the last");
	rig_end(&r);
	spool_close(&r.spool);
}

static void check_open(const char *path, bool create, enum err_kind kind, const char *told)
{
	struct spool *s = NULL;
	struct err e = { 0 };

	check_int(spool_open(&s, path, create, &e), -1, "not opened: %s", told);
	check_int(e.kind, kind, "rightly: %s", e.text);
	check(strstr(e.text, told), "and says so");
	check(!s, "and leaves nothing");
}

static void test_open_refused(void)
{
	struct rig r;
	struct err e = { 0 };
	char path[128];
	struct spool *s;

	rig_start(&r);
	check_open("relative/queue", true, ERR_STORE, "does not begin with '/'");
	snprintf(path, sizeof(path), "%s/none/queue", r.directory);
	check_open(path, false, ERR_NO_QUEUE, "No such file");
	snprintf(path, sizeof(path), "%s/file", r.directory);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	check_open(path, false, ERR_STORE, "Not a directory");
	check_open(path, true, ERR_STORE, "Not a directory");
	snprintf(path, sizeof(path), "%s/file/queue", r.directory);
	check_open(path, true, ERR_STORE, "Not a directory");
	snprintf(path, sizeof(path), "%s/link", r.directory);
	check_int(symlink(r.path, path), 0, "a link to a spool");
	check_open(path, true, ERR_STORE, "");
	snprintf(path, sizeof(path), "%s/link/", r.directory);
	check_open(path, true, ERR_STORE, "");
	chmod(r.path, 0720);
	check_open(r.path, true, ERR_RIGHT, "can be changed by other users (mode 0720)");
	chmod(r.path, 0702);
	check_open(r.path, false, ERR_RIGHT, "can be changed by other users (mode 0702)");
	chmod(r.path, 0755);
	check_int(spool_open(&s, r.path, false, &e), 0, "others may know that it is there");
	spool_close(&s);
	if (geteuid() == 0 && chown(r.path, 12345, 0) == 0)
		check_open(r.path, true, ERR_RIGHT, "belongs to another user (uid 12345)");
	rig_end(&r);
}

/* What somebody copied from another machine has only the directories that count. */
static void test_open_partly(void)
{
	struct rig r;
	struct err e = { 0 };
	char id[ENTRY_ID_LEN + 1] = "", path[128];
	struct spool_list *l;
	struct entry n;

	rig_start(&r);
	spool_close(&r.spool);
	nftw(r.path, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
	check_int(mkdir(r.path, 0700), 0, "an empty directory");
	check_int(spool_open(&r.spool, r.path, false, &e), 0, "is a spool: %s", e.text);
	l = spool_list(r.spool, QUEUE_NEW, &e);
	check(l && !spool_next(l, path, sizeof(path)), "with nothing in it");
	spool_list_free(&l);
	check_int(spool_peek(r.spool, QUEUE_NEW, "abcdefghij27", &n, &e), 1, "nothing at all");
	check_int(rig_count(&r, "new"), -1, "and looking makes no directory");
	check_int(rig_enter(&r, QUEUE_NEW, id, &e), 0, "taking a message in does: %s", e.text);
	check_int(rig_count(&r, "new"), 1, "and it is there");
	check_int(rig_count(&r, "accounts"), -1, "without what it does not need");
	spool_close(&r.spool);
	check_int(spool_open(&r.spool, r.path, true, &e), 0, "made whole: %s", e.text);
	check_int(rig_count(&r, "accounts"), 0, "all is there");
	check_int(rig_count(&r, "new"), 1, "and nothing is lost");
	rig_end(&r);
}

/* --- entering ------------------------------------------------------------- */

static void check_content(struct held *h, const char *want, size_t len)
{
	char *back = malloc(len + 1);
	struct err e = { 0 };
	uint64_t at = 0;
	ssize_t n;

	while (at < len && (n = held_read(h, at, back + at, len - at < 999 ? len - at : 999,
			&e)) > 0)
		at += (uint64_t)n;
	check(at == len && !memcmp(back, want, len), "A8 the content is what was given");
	check_int(held_read(h, len, back, 1, &e), 0, "then its end");
	check_int(held_read(h, UINT64_MAX, back, 1, &e), 0, "and far beyond");
	free(back);
}

static void test_enter(void)
{
	struct rig r;
	struct err e = { 0 };
	char id[ENTRY_ID_LEN + 1] = "", file[2000], digest[DIGEST_HEX + 1], want[200];
	struct held *h = NULL;
	struct entry n;
	size_t len;

	rig_start(&r);
	check_int(rig_enter(&r, QUEUE_NEW, id, &e), 0, "taken in: %s", e.text);
	check(entry_is_id(id), "F7 under a random name: %s", id);
	check(rig_is_there(&r, "new", id), "A1 it is in new/");
	check_int(rig_count(&r, "tmp"), 0, "A3 and nothing in tmp/");
	len = rig_read(&r, "new", id, file, sizeof(file));
	digest_of(file + ENTRY_FRONT_LEN, len - ENTRY_FRONT_LEN, digest);
	snprintf(want, sizeof(want), "sendoff-message 1\nlength %020zu\nsha256 %s\nuid 1000\n",
		len - ENTRY_FRONT_LEN, digest);
	check(!memcmp(file, want, strlen(want)), "A7 with its length and digest in front");
	check(!memcmp(file + len - (sizeof(rig_content) - 1), rig_content,
		sizeof(rig_content) - 1), "A8 and its content as it is at the end");
	check_int(spool_hold(r.spool, QUEUE_NEW, id, &h, &e), 1, "held");
	check_text(held_id(h), id, "the id");
	check_int(held_state(h), QUEUE_NEW, "the state");
	check_int(held_load(h, true, &n, &e), 0, "loaded: %s", e.text);
	check_text(n.id, id, "its id");
	check_int(n.count, 2, "its recipients");
	check_text(n.recipients[1].original, "team", "and what they were");
	check_int(n.file_size, len, "its size on disk");
	check_int(n.control_size, 0, "and that of what has happened to it");
	check_content(h, rig_content, sizeof(rig_content) - 1);
	entry_release(&n);
	held_free(&h);
	held_free(&h);
	rig_end(&r);
}

/* Larger than what is gathered for one write, in pieces of odd sizes. */
static void check_large(struct rig *r, size_t size, size_t piece)
{
	char id[ENTRY_ID_LEN + 1] = "", *content = malloc(size);
	struct entry n = rig_entry(size);
	struct spool_new *new = NULL;
	struct err e = { 0 };
	struct held *h = NULL;
	bool good = true;

	for (size_t i = 0; i < size; i++)
		content[i] = (char)(i * 2654435761U >> 13);
	check_int(spool_begin(r->spool, &new, &e), 0, "%zu octets in pieces of %zu", size, piece);
	check_int(spool_head(new, &n, &e), 0, "its head");
	for (size_t at = 0; at < size; at += piece)
		good = good && !spool_content(new, content + at,
			size - at < piece ? size - at : piece, &e);
	check(good, "its content");
	check_int(spool_enter(&new, QUEUE_HOLD, id, &e), 0, "entered: %s", e.text);
	check(!new, "and done with");
	entry_release(&n);
	check_int(spool_hold(r->spool, QUEUE_HOLD, id, &h, &e), 1, "held");
	check_int(held_load(h, true, &n, &e), 0, "loaded: %s", e.text);
	check_content(h, content, size);
	entry_release(&n);
	held_free(&h);
	free(content);
}

static void test_sizes(void)
{
	struct rig r;

	rig_start(&r);
	check_large(&r, 1, 1);
	check_large(&r, 65000, 1000);
	check_large(&r, 65536, 65536);
	check_large(&r, 65537, 65537);
	check_large(&r, 300000, 70000);
	check_large(&r, 300000, 4096);
	rig_end(&r);
}

static void test_no_content(void)
{
	struct rig r;
	struct err e = { 0 };
	char id[ENTRY_ID_LEN + 1] = "";
	struct entry n;

	rig_start(&r);
	check_int(rig_enter_content(&r, QUEUE_NEW, id, "", 0, &e), 0, "no content at all");
	check_int(spool_peek(r.spool, QUEUE_NEW, id, &n, &e), 0, "is a message too: %s", e.text);
	check_int(n.content_size, 0, "of no size");
	entry_release(&n);
	rig_end(&r);
}

static void test_wanted_id(void)
{
	static const enum queue_state states[] = { QUEUE_HOLD, QUEUE_FAILED, QUEUE_NEW };
	struct rig r;
	struct err e = { 0 };
	char id[ENTRY_ID_LEN + 1] = "report234567";
	struct held *h = NULL;

	rig_start(&r);
	rig_write(&r, "control", id, "left by an earlier one", 22);
	check_int(rig_enter(&r, QUEUE_NEW, id, &e), 0, "an id of one's own: %s", e.text);
	check_text(id, "report234567", "is obeyed");
	check(!rig_is_there(&r, "control", id), "no old control file speaks for it");
	check_int(rig_enter(&r, QUEUE_NEW, id, &e), 1, "B1 a second time it is there already");
	for (size_t i = 0; i < COUNT(states); i++) {
		check_int(spool_hold(r.spool, i ? states[i - 1] : QUEUE_NEW, id, &h, &e), 1, "held");
		check_int(held_move(h, states[i], &e), 0, "moved: %s", e.text);
		check_int(held_state(h), states[i], "its state is another");
		held_free(&h);
		check_int(rig_enter(&r, QUEUE_NEW, id, &e), 1, "B1 there in %s/ as well",
			queue_state_name(states[i]));
		check_int(rig_enter(&r, QUEUE_HOLD, id, &e), 1, "B1 whereto it goes");
	}
	check_int(rig_count(&r, "tmp"), 0, "A3 nothing is left in tmp/");
	check_int(rig_count(&r, "new"), 1, "B1 and there is one");
	snprintf(id, sizeof(id), "../../../etc");
	check_int(rig_enter(&r, QUEUE_NEW, id, &e), -1, "F7 no id: refused");
	check_int(rig_count(&r, "tmp"), 0, "F7 and nothing is left");
	rig_end(&r);
}

static void test_abandoned(void)
{
	struct rig r;
	struct err e = { 0 };
	struct entry n = rig_entry(10);
	struct spool_new *new = NULL;
	char id[ENTRY_ID_LEN + 1] = "";

	rig_start(&r);
	check_int(spool_begin(r.spool, &new, &e), 0, "begun");
	check_int(rig_count(&r, "tmp"), 1, "in tmp/");
	spool_abandon(&new);
	spool_abandon(&new);
	check_int(rig_count(&r, "tmp"), 0, "C7 abandoned: nothing is left");
	check_int(spool_begin(r.spool, &new, &e), 0, "begun");
	check_int(spool_head(new, &n, &e), 0, "10 octets announced");
	check_int(spool_content(new, "123456789", 9, &e), 0, "9 given");
	check_int(spool_enter(&new, QUEUE_NEW, id, &e), -1, "A3 cut content is not entered");
	check_int(e.kind, ERR_INTERNAL, "as a fault of ours: %s", e.text);
	check_int(spool_begin(r.spool, &new, &e), 0, "begun");
	check_int(spool_head(new, &n, &e), 0, "10 octets announced");
	check_int(spool_content(new, "12345678901", 11, &e), 0, "11 given");
	check_int(spool_enter(&new, QUEUE_NEW, id, &e), -1, "nor one that is longer");
	check_int(rig_count(&r, "tmp") + rig_count(&r, "new"), 0, "A3 nothing is left");
	entry_release(&n);
	rig_end(&r);
}

/* While it is written it is locked, and so it is until it is durable. */
static void test_locked_while_written(void)
{
	struct rig r;
	struct err e = { 0 };
	struct spool_new *new = NULL;
	struct dirent *entry;
	char *path = NULL;
	DIR *d;
	int fd;

	rig_start(&r);
	check_int(spool_begin(r.spool, &new, &e), 0, "begun");
	path = mem_printf("%s/tmp", r.path);
	d = opendir(path);
	while ((entry = readdir(d)) && entry->d_name[0] == '.')
		;
	check(entry && entry_is_id(entry->d_name), "F7 a random name in tmp/");
	fd = openat(dirfd(d), entry->d_name, O_RDONLY);
	check(flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK, "A3 locked");
	rig_age(&r, "tmp", entry->d_name, 100000);
	spool_sweep(r.spool, time(NULL));
	check_int(rig_count(&r, "tmp"), 1, "A3 a slow writer's file is not swept");
	close(fd);
	closedir(d);
	free(path);
	spool_abandon(&new);
	rig_end(&r);
}

/* --- what fails ----------------------------------------------------------- */

static bool is_told(const struct err *e, int number)
{
	if (e->kind == ERR_STORE && e->sys_errno == number && strstr(e->text, "not stored") &&
			strstr(e->text, "/state/queue"))
		return true;
	printf("# kind %d errno %d: %s\n", (int)e->kind, e->sys_errno, e->text);
	return false;
}

static bool is_clean(const struct rig *r)
{
	return rig_count(r, "tmp") == 0 && rig_count(r, "new") == 0;
}

static int under_size_limit(struct rig *r)
{
	struct rlimit limit = { 5000, 5000 };
	char id[ENTRY_ID_LEN + 1] = "", *content = mem_alloc(200000);
	struct err e = { 0 };
	int result;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	memset(content, 'x', 200000);
	result = rig_enter_content(r, QUEUE_NEW, id, content, 200000, &e);
	free(content);
	return result == -1 && is_told(&e, EFBIG) && strstr(e.text, "ulimit -f") && *e.hint &&
		is_clean(r) ? 0 : 1;
}

/* With so many descriptors beside those that are open now. */
static int enter_with(struct rig *r, unsigned allowed, struct err *e)
{
	struct rlimit limit, old;
	struct rig mine = *r;
	char id[ENTRY_ID_LEN + 1] = "";
	int next = dup(0), result;

	close(next);
	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	limit.rlim_cur = (rlim_t)next + allowed;
	setrlimit(RLIMIT_NOFILE, &limit);
	result = spool_open(&mine.spool, r->path, true, e);
	if (result == 0) {
		result = rig_enter(&mine, QUEUE_NEW, id, e);
		spool_close(&mine.spool);
	}
	setrlimit(RLIMIT_NOFILE, &old);
	return result;
}

static int without_descriptors(struct rig *r)
{
	/* It makes the file, and only then finds that it may not be opened. */
	unsigned allowed = 0;
	struct err e = { 0 };

	for (; enter_with(r, allowed, &e) < 0; allowed++)
		if (e.kind != ERR_STORE || e.sys_errno != EMFILE || allowed == 12 ||
				(!under_valgrind() && !is_clean(r)))
			return 1;
	return allowed > 0 && rig_count(r, "new") == 1 ? 0 : 2;
}

static void test_limits(void)
{
	struct rig r;

	rig_start(&r);
	check_int(rig_run(under_size_limit, &r), 0, "A5 RLIMIT_FSIZE: told, and nothing is left");
	check_int(rig_run(without_descriptors, &r), 0, "A4 EMFILE: told, and nothing is left");
	rig_end(&r);
}

static int mode_to(const struct rig *r, const char *name, unsigned mode)
{
	char *path = mem_printf("%s/%s", r->path, name);
	int result = chmod(path, mode);

	free(path);
	return result;
}

/* Root may write everywhere: as somebody else, in a process of its own. */
static int without_rights(struct rig *r)
{
	char id[ENTRY_ID_LEN + 1] = "";
	struct rig mine = *r;
	struct err e = { 0 };

	if (geteuid() == 0 && (chown(r->directory, 12345, 12345) < 0 || setgid(12345) < 0 ||
			setuid(12345) < 0))
		return 9;
	snprintf(mine.path, sizeof(mine.path), "%s/mine/state/queue", r->directory);
	if (spool_open(&mine.spool, mine.path, true, &e) < 0)
		return 1;
	mode_to(&mine, "tmp", 0500);
	if (rig_enter(&mine, QUEUE_NEW, id, &e) != -1 || !is_told(&e, EACCES) || !*e.hint)
		return 2;
	mode_to(&mine, "tmp", 0700);
	mode_to(&mine, "new", 0500);
	if (rig_enter(&mine, QUEUE_NEW, id, &e) != -1 || !is_told(&e, EACCES) || *id)
		return 3;
	spool_close(&mine.spool);
	if (spool_open(&mine.spool, mine.path, true, &e) < 0)
		return 4;
	mode_to(&mine, "new", 0770);
	if (rig_enter(&mine, QUEUE_NEW, id, &e) != -1 || e.kind != ERR_RIGHT)
		return 5;
	mode_to(&mine, "new", 0700);
	if (!is_clean(&mine))
		return 6;
	spool_close(&mine.spool);
	return 0;
}

static void test_rights(void)
{
	struct rig r;

	rig_start(&r);
	check_int(rig_run(without_rights, &r), 0, "A4 no permission: told, and nothing is left");
	rig_end(&r);
}

/* --- many at once --------------------------------------------------------- */

enum { THREADS = 8, EACH = 25 };

static void *enter_some(void *context)
{
	struct rig *r = context;
	long good = 0;

	for (unsigned i = 0; i < EACH; i++) {
		char id[ENTRY_ID_LEN + 1] = "";
		struct err e = { 0 };

		good += rig_enter(r, QUEUE_NEW, id, &e) == 0;
	}
	return (void *)good;
}

static void test_threads(void)
{
	struct rig r;
	pthread_t threads[THREADS];
	long good = 0;

	rig_start(&r);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, enter_some, &r);
	for (unsigned i = 0; i < THREADS; i++) {
		void *result = NULL;

		pthread_join(threads[i], &result);
		good += (long)result;
	}
	check_int(good, THREADS * EACH, "C5 threads that enter at the same time");
	check_int(rig_count(&r, "new"), THREADS * EACH, "C5 all of them are there");
	check_int(rig_count(&r, "tmp"), 0, "C5 and nothing else");
	rig_end(&r);
}

/* --- finding -------------------------------------------------------------- */

static void check_find(struct rig *r, const char *prefix, const char *want, int state,
	const char *told)
{
	char id[ENTRY_ID_LEN + 1] = "";
	enum queue_state found = QUEUE_STATES;
	struct err e = { 0 };
	int result = spool_find(r->spool, prefix, id, &found, &e);

	if (want) {
		check_int(result, 0, "'%s' is found: %s", prefix, e.text);
		check_text(id, want, "as the right one");
		check_int(found, state, "in its state");
		return;
	}
	check_int(result, -1, "'%s' is not found", prefix);
	check_int(e.kind, ERR_USAGE, "as a mistake of the caller's");
	check(strstr(e.text, told), "told: %s", e.text);
}

static void test_find(void)
{
	struct rig r;
	struct err e = { 0 };
	char ids[3][ENTRY_ID_LEN + 1] = { "abcdefghij22", "abcdefghij23", "abd222222222" };

	rig_start(&r);
	check_int(rig_enter(&r, QUEUE_NEW, ids[0], &e), 0, "one");
	check_int(rig_enter(&r, QUEUE_HOLD, ids[1], &e), 0, "two");
	check_int(rig_enter(&r, QUEUE_HOLD, ids[2], &e), 0, "three");
	rig_write(&r, "new", "README", "not a message", 13);
	check_find(&r, "abd", ids[2], QUEUE_HOLD, "");
	check_find(&r, "p-abd", ids[2], QUEUE_HOLD, "");
	check_find(&r, "s-abcdefghij22", ids[0], QUEUE_NEW, "");
	check_find(&r, "abcdefghij23", ids[1], QUEUE_HOLD, "");
	check_find(&r, "abcdefghij2", NULL, 0, "stands for 2 messages: abcdefghij2");
	check_find(&r, "a", NULL, 0, "stands for 3 messages");
	check_find(&r, "b", NULL, 0, "no message 'b'");
	check_find(&r, "abcdefghij24", NULL, 0, "no message");
	check_find(&r, "", NULL, 0, "is no id");
	check_find(&r, "p-", NULL, 0, "is no id");
	check_find(&r, "README", NULL, 0, "is no id");
	check_find(&r, "../new/abcd", NULL, 0, "is no id");
	check_find(&r, "abcdefghij222", NULL, 0, "is no id");
	check_find(&r, "\x1b[1m", NULL, 0, "'\\x1b[1m' is no id");
	rig_end(&r);
}

static void test_list(void)
{
	struct rig r;
	struct err e = { 0 };
	char id[NAME_SIZE], path[128];
	struct spool_list *l;
	unsigned count = 0;

	rig_start(&r);
	for (unsigned i = 0; i < 50; i++) {
		*id = '\0';
		rig_enter(&r, QUEUE_NEW, id, &e);
	}
	rig_write(&r, "new", "README", "x", 1);
	rig_write(&r, "new", ".hidden", "x", 1);
	rig_write(&r, "damaged", "some file.2", "x", 1);
	rig_write(&r, "damaged", ".hidden", "x", 1);
	snprintf(path, sizeof(path), "%s/new/abcdefghij27", r.path);
	check_int(mkfifo(path, 0600), 0, "a pipe by the name of an entry");
	snprintf(path, sizeof(path), "%s/new/abcdefghij26", r.path);
	check_int(mkdir(path, 0700), 0, "and a directory");
	l = spool_list(r.spool, QUEUE_NEW, &e);
	while (spool_next(l, id, sizeof(id)))
		count += entry_is_id(id);
	check_int(count, 50, "F7 only messages are listed");
	check(!spool_next(l, id, sizeof(id)), "the end stays the end");
	spool_list_free(&l);
	spool_list_free(&l);
	check(!spool_next(NULL, id, sizeof(id)), "no list, no entries");
	l = spool_list(r.spool, QUEUE_DAMAGED, &e);
	check(spool_next(l, id, sizeof(id)), "damaged/ has names of any kind");
	check_text(id, "some file.2", "this one");
	check(!spool_next(l, id, sizeof(id)), "and no other");
	spool_list_free(&l);
	rig_end(&r);
}

static void test_usage(void)
{
	struct rig r;
	struct err e = { 0 };
	struct spool_usage u;
	struct stat st;
	char id[ENTRY_ID_LEN + 1] = "", path[128];

	rig_start(&r);
	check_int(spool_usage(r.spool, (uid_t)-1, &u, &e), 0, "usage of nothing");
	check_int(u.messages + u.octets, 0, "is nothing");
	rig_enter(&r, QUEUE_NEW, id, &e);
	snprintf(path, sizeof(path), "%s/new/%s", r.path, id);
	stat(path, &st);
	*id = '\0';
	rig_enter(&r, QUEUE_HOLD, id, &e);
	check_int(spool_usage(r.spool, (uid_t)-1, &u, &e), 0, "usage of all");
	check_int(u.messages, 2, "two messages");
	check_int(u.octets, 2 * st.st_size, "with all their octets");
	rig_write(&r, "new", "abcdefghij27", "rubbish", 7);
	check_int(spool_usage(r.spool, 1000, &u, &e), 0, "F5 usage of one user");
	check_int(u.messages, 2, "F5 two messages are theirs");
	check_int(u.octets, 2 * st.st_size, "F5 with all their octets");
	check_int(spool_usage(r.spool, 1001, &u, &e), 0, "F5 usage of another");
	check_int(u.messages + u.octets, 0, "F5 is nothing");
	check(spool_free_space(r.spool) > 0, "there is some space left");
	rig_end(&r);
}

int main(void)
{
	test_open();
	test_open_refused();
	test_open_partly();
	test_enter();
	test_sizes();
	test_no_content();
	test_wanted_id();
	test_abandoned();
	test_locked_while_written();
	test_limits();
	test_rights();
	test_threads();
	test_find();
	test_list();
	test_usage();
	return tap_done();
}
